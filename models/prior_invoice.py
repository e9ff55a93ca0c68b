from odoo import api, fields, models
from odoo.exceptions import ValidationError


class PriorInvoice(models.Model):
    """An invoice that the previous system issued for a contract taken over: a reference, never billed again."""

    _name = "multiservice.prior.invoice"
    _description = "Invoice of the Previous System"
    _order = "contract_id, date desc, id desc"

    _number_uniq = models.Constraint(
        "UNIQUE(contract_id, name)", "This invoice of the previous system is recorded already for the contract."
    )

    contract_id = fields.Many2one("multiservice.contract", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="contract_id.company_id", store=True)
    currency_id = fields.Many2one(related="contract_id.currency_id")
    name = fields.Char(string="Invoice Number", required=True)
    date = fields.Date(string="Invoice Date", required=True)
    period_start = fields.Date(string="Period From")
    period_end = fields.Date(string="Period To")
    amount = fields.Monetary(string="Untaxed Amount", groups="multiservice.group_billing_user")

    def write(self, vals):
        contract = self.env["multiservice.contract"].browse(vals.get("contract_id", []))
        if contract and any(invoice.contract_id != contract for invoice in self):
            raise ValidationError(self.env._("An invoice of the previous system stays with its contract."))
        return super().write(vals)

    @api.constrains("period_start", "period_end")
    def _check_period(self):
        for invoice in self:
            if invoice.period_start and invoice.period_end and invoice.period_end < invoice.period_start:
                raise ValidationError(
                    self.env._("The period of invoice %(number)s ends before it starts.", number=invoice.name)
                )
