from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date


class LineEnd(models.TransientModel):
    """*End on…*: the last day of service of a line, or of a whole contract."""

    _name = "multiservice.line.end"
    _description = "End a Contract or a Line"

    contract_id = fields.Many2one("multiservice.contract")
    line_id = fields.Many2one("multiservice.contract.line")
    date_end = fields.Date(string="Last Day of Service", help="Empty: service goes on, as long as the contract.")
    consequence = fields.Text(compute="_compute_consequence")

    @api.depends("date_end", "line_id", "contract_id")
    def _compute_consequence(self):
        for wizard in self:
            wizard.consequence = wizard._target()._filtered_access("read")._consequence_of_end(wizard.date_end)

    def action_confirm(self):
        self.ensure_one()
        target = self._target()
        if not target:
            raise UserError(self.env._("Open this from a contract or from one of its lines."))
        target.check_access("write")
        target._check_end(self.date_end)
        if target == self.contract_id:
            target._stop_prolonging(self.date_end)
        target._end_on(self.date_end or None)
        return {"type": "ir.actions.act_window_close"}

    def _target(self):
        return self.line_id or self.contract_id


class LineReplace(models.TransientModel):
    """*Replace from…*: a line goes on under other terms from a day on."""

    _name = "multiservice.line.replace"
    _description = "Replace a Contract Line"

    line_id = fields.Many2one("multiservice.contract.line", required=True)
    date_start = fields.Date(string="From", required=True, help="First day under the new terms.")
    product_id = fields.Many2one(
        "product.product",
        string="Service",
        domain="[('sale_ok', '=', True)]",
        compute="_compute_terms",
        store=True,
        readonly=False,
    )
    site_id = fields.Many2one("res.partner", compute="_compute_terms", store=True, readonly=False)
    customer_id = fields.Many2one(related="line_id.partner_id")
    quantity = fields.Float(
        digits=(16, 4), min_display_digits="Product Unit", compute="_compute_terms", store=True, readonly=False
    )
    price_unit = fields.Float(
        string="Unit Price",
        compute="_compute_terms",
        store=True,
        readonly=False,
        min_display_digits="Product Price",
    )
    discount = fields.Float(string="Discount %", compute="_compute_terms", store=True, readonly=False)
    tax_ids = fields.Many2many(
        "account.tax",
        string="Taxes",
        compute="_compute_terms",
        store=True,
        readonly=False,
        domain="[('type_tax_use', '=', 'sale')]",
    )

    @api.depends("line_id")
    def _compute_terms(self):
        for wizard in self:
            for name in ("product_id", "site_id", "quantity", "price_unit", "discount", "tax_ids"):
                wizard[name] = wizard.line_id[name]

    def action_confirm(self):
        self.ensure_one()
        self.line_id.check_access("write")
        self._check()
        self.line_id._replace_from(self.date_start, self._prepare_vals())
        return {"type": "ir.actions.act_window_close"}

    def _check(self) -> None:
        """Refuse a day on which the line cannot be replaced."""
        line = self.line_id
        if line.successor_ids:
            raise UserError(
                self.env._(
                    "“%(line)s” is replaced already from %(date)s: replace that line instead.",
                    line=line.name,
                    date=format_date(self.env, line.successor_ids[0].date_start),
                )
            )
        if self.date_start <= line.date_start:
            raise UserError(
                self.env._(
                    "The new terms must begin after %(start)s, the first day of the line. "
                    "To change it from the start, edit it, or end it and add another.",
                    start=format_date(self.env, line.date_start),
                )
            )
        end = line._service_end()
        if end and self.date_start > end:
            raise UserError(
                self.env._("The line ends on %s: nothing is left to replace after it.", format_date(self.env, end))
            )

    def _prepare_vals(self) -> dict:
        """Values in which the line that follows differs from this one."""
        line = self.line_id
        vals = {
            "product_id": self.product_id.id,
            "site_id": self.site_id.id,
            "quantity": self.quantity,
            "price_unit": self.price_unit,
            "discount": self.discount,
            "tax_ids": [fields.Command.set(self.tax_ids.ids)],
        }
        if self.product_id in (line.product_id, line.product_id.browse()):
            vals["name"] = line.name
        else:
            vals["name"] = self.product_id.get_product_multiline_description_sale()
        if self.price_unit == line.price_unit:
            vals["price_note"] = line.price_note
        return vals
