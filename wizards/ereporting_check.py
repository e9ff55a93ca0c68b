from dateutil.relativedelta import relativedelta

from odoo import api, fields, models

FIGURES = ("base", "vat", "paid_vat")


class EreportingCheck(models.TransientModel):
    """Does what is reported add up to what is in the ledger?"""

    _name = "multiservice.ereporting.check"
    _description = "Check of the E-Reporting"

    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(related="company_id.currency_id")
    date_from = fields.Date(string="From", required=True, default=lambda self: self._last_month())
    date_to = fields.Date(
        string="To", required=True, default=lambda self: self._last_month() + relativedelta(months=1, days=-1)
    )
    base = fields.Monetary(string="Sales without VAT", compute="_compute_figures")
    ledger_base = fields.Monetary(string="Sales without VAT in the Ledger", compute="_compute_figures")
    difference_base = fields.Monetary(string="Difference of Sales", compute="_compute_figures")
    vat = fields.Monetary(string="VAT of Sales", compute="_compute_figures")
    ledger_vat = fields.Monetary(string="VAT of Sales in the Ledger", compute="_compute_figures")
    difference_vat = fields.Monetary(string="Difference of VAT", compute="_compute_figures")
    paid_vat = fields.Monetary(string="VAT Due When Paid", compute="_compute_figures")
    ledger_paid_vat = fields.Monetary(string="VAT Due When Paid in the Ledger", compute="_compute_figures")
    difference_paid_vat = fields.Monetary(string="Difference of VAT When Paid", compute="_compute_figures")
    agrees = fields.Boolean(compute="_compute_figures")

    @api.model
    def _last_month(self):
        return self.env.company._service_today() + relativedelta(months=-1, day=1)

    @api.depends("company_id", "date_from", "date_to")
    def _compute_figures(self):
        for check in self:
            figures = self.env["multiservice.ereporting"]._compare_with_ledger(
                check.company_id, check.date_from, check.date_to
            )
            for name in FIGURES:
                figures[f"difference_{name}"] = check.currency_id.round(figures[name] - figures[f"ledger_{name}"])
            check.update(figures)
            check.agrees = not any(figures[f"difference_{name}"] for name in FIGURES)
