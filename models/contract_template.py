from odoo import fields, models

from .pricing_mixin import TARIFF_FIELDS
from .res_company import GROUPINGS, POSTING_MODES
from .schedule_mixin import SCHEDULE_FIELDS


class ContractTemplate(models.Model):
    _name = "multiservice.contract.template"
    _description = "Contract Template"
    _inherit = ["multiservice.schedule.mixin"]
    _order = "sequence, name"
    _check_company_auto = True

    name = fields.Char(string="Contract Type", required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one("res.company", help="Empty: usable by every company.")
    grouping = fields.Selection(GROUPINGS)
    posting_mode = fields.Selection(POSTING_MODES)
    payment_term_id = fields.Many2one("account.payment.term", string="Payment Terms", check_company=True)
    journal_id = fields.Many2one("account.journal", check_company=True, domain="[('type', '=', 'sale')]")
    price_clause_id = fields.Many2one("multiservice.price.clause", string="Price Revision", check_company=True)
    line_ids = fields.One2many("multiservice.contract.template.line", "template_id", string="Lines", copy=True)
    contract_count = fields.Integer(compute="_compute_contract_count")

    def _compute_contract_count(self):
        counts = dict(
            self.env["multiservice.contract"]._read_group(
                [("template_id", "in", self.ids)], ["template_id"], ["__count"]
            )
        )
        for template in self:
            template.contract_count = counts.get(template, 0)

    def _schedule_vals(self) -> dict:
        self.ensure_one()
        return {name: self[name] for name in SCHEDULE_FIELDS}

    def action_view_contracts(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.contract_action")
        return action | {"domain": [("template_id", "=", self.id)], "context": {"default_template_id": self.id}}


class ContractTemplateLine(models.Model):
    _name = "multiservice.contract.template.line"
    _description = "Contract Template Line"
    _inherit = ["multiservice.pricing.mixin"]
    _order = "template_id, sequence, id"
    _check_company_auto = True

    template_id = fields.Many2one("multiservice.contract.template", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="template_id.company_id", store=True)
    sequence = fields.Integer(default=10)
    display_type = fields.Selection([("line_section", "Section"), ("line_note", "Note")])
    product_id = fields.Many2one(
        "product.product", string="Service", domain="[('sale_ok', '=', True)]", check_company=True
    )
    name = fields.Text(string="Description", translate=True)
    quantity = fields.Float(default=1.0, digits=(16, 4), min_display_digits="Product Unit")

    def _prepare_line_vals(self) -> dict:
        """Values of the contract line that this line proposes."""
        self.ensure_one()
        vals = {"sequence": self.sequence, "display_type": self.display_type}
        if not self.display_type:
            vals |= {"product_id": self.product_id.id, "quantity": self.quantity}
            vals |= {name: self[name] for name in TARIFF_FIELDS}
            vals["template_line_id"] = self.id
        if self.name:
            vals["name"] = self.name
        return vals
