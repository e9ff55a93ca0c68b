from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools import format_date

from ..models.res_company import POSTING_MODES


class BillingPreview(models.TransientModel):
    """What to bill, until when: shown first (dry run), then billed by a run."""

    _name = "multiservice.billing.preview"
    _description = "Bill Contracts"

    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    through_date = fields.Date(
        string="Bill Through",
        required=True,
        default=lambda self: self.env.company._service_today(),
        help="Periods whose issue date is not after this day.",
    )
    bill_early = fields.Boolean(
        help="Bill now what is due on a later day: the invoices bear today's date, their lines their own periods."
    )
    contract_ids = fields.Many2many("multiservice.contract", string="Contracts")
    partner_ids = fields.Many2many("res.partner", string="Customers", domain="[('is_service_site', '=', False)]")
    template_ids = fields.Many2many("multiservice.contract.template", string="Contract Types")
    posting_mode = fields.Selection(POSTING_MODES)
    line_ids = fields.One2many("multiservice.billing.preview.line", "preview_id", string="Would Be Billed")
    line_count = fields.Integer(compute="_compute_totals")
    contract_count = fields.Integer(compute="_compute_totals")
    totals = fields.Char(compute="_compute_totals")

    @api.depends("line_ids.amount")
    def _compute_totals(self):
        for preview in self:
            preview.line_count = len(preview.line_ids)
            preview.contract_count = len(preview.line_ids.contract_id)
            by_currency = preview.line_ids.grouped("currency_id")
            preview.totals = " + ".join(
                currency.format(sum(lines.mapped("amount"))) for currency, lines in by_currency.items()
            )

    def action_preview(self):
        """Compute what would be billed; nothing is written but the list to look at."""
        self.ensure_one()
        contracts = self._due_contracts(self.through_date)
        vals_list = [line._prepare_preview_vals(charge) for line, charge in contracts._plan(self.through_date)]
        self.line_ids = [Command.clear(), *(Command.create(vals) for vals in vals_list)]
        return self._get_records_action(
            target="new", name=self.env._("Bill contracts"), context={"dialog_size": "extra-large"}
        )

    def action_view_lines(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.billing_preview_line_action")
        return action | {"domain": [("preview_id", "=", self.id)]}

    def action_bill(self):
        self.ensure_one()
        today = self.company_id._service_today()
        if self.through_date > today and not self.bill_early:
            raise UserError(
                self.env._(
                    "%(date)s is still to come: only a dry run looks ahead. To bill it today, tick “Bill early”.",
                    date=format_date(self.env, self.through_date),
                )
            )
        runs = self.env["multiservice.billing.run"]._create_runs(
            self._due_contracts(self.through_date), self._selection_label(), self.through_date
        )
        if not runs:
            raise UserError(self.env._("Nothing is due through %s.", format_date(self.env, self.through_date)))
        runs.action_start()
        return runs._get_records_action(name=self.env._("Billing run"))

    def _due_contracts(self, through):
        domain = self.env["multiservice.billing.run"]._due_domain(through)
        domain &= Domain("company_id", "=", self.company_id.id)
        if self.contract_ids:
            domain &= Domain("id", "in", self.contract_ids.ids)
        if self.partner_ids:
            domain &= Domain("partner_id", "in", self.partner_ids.ids)
        if self.template_ids:
            domain &= Domain("template_id", "in", self.template_ids.ids)
        contracts = self.env["multiservice.contract"].search(domain)
        if self.posting_mode:
            contracts = contracts.filtered(lambda contract: contract._posting_mode() == self.posting_mode)
        return contracts

    def _selection_label(self) -> str:
        parts = [
            *self.contract_ids.mapped("name"),
            *self.partner_ids.mapped("name"),
            *self.template_ids.mapped("name"),
        ]
        return ", ".join(parts[:5]) + ("…" if len(parts) > 5 else "") or self.env._("All contracts, by hand")


class BillingPreviewLine(models.TransientModel):
    _name = "multiservice.billing.preview.line"
    _description = "Line That Would Be Billed"
    _order = "partner_id, contract_id, period_start, id"

    preview_id = fields.Many2one("multiservice.billing.preview", required=True, ondelete="cascade", index=True)
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    contract_id = fields.Many2one("multiservice.contract", readonly=True)
    contract_line_id = fields.Many2one("multiservice.contract.line", string="Line", readonly=True)
    site_id = fields.Many2one("res.partner", readonly=True)
    period_start = fields.Date(string="From", readonly=True)
    period_end = fields.Date(string="To", readonly=True)
    issue_date = fields.Date(readonly=True)
    quantity = fields.Float(readonly=True, digits=(16, 4), min_display_digits="Product Unit")
    price_unit = fields.Float(string="Unit Price", readonly=True, min_display_digits="Product Price")
    discount = fields.Float(string="Discount %", readonly=True, digits="Discount")
    amount = fields.Monetary(readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    explanation = fields.Text(readonly=True)
