from dateutil.relativedelta import relativedelta

from odoo import api, fields, models


class HoursCredit(models.TransientModel):
    """*Add hours…*: hours bought, with their invoice, or granted, to a bank."""

    _name = "multiservice.hours.credit"
    _description = "Add Hours to a Bank"

    bank_id = fields.Many2one("multiservice.hours.bank", required=True, readonly=True)
    currency_id = fields.Many2one(related="bank_id.currency_id")
    kind = fields.Selection(
        [("bought", "Bought: an invoice is made"), ("granted", "Granted: free of charge")],
        default="bought",
        required=True,
    )
    quantity = fields.Float(digits=(16, 4), min_display_digits="Product Unit", default=10.0)
    price_unit = fields.Float(
        string="Price of an Hour",
        compute="_compute_price_unit",
        store=True,
        readonly=False,
        min_display_digits="Product Price",
    )
    date = fields.Date(string="Usable From", required=True, default=fields.Date.context_today)
    date_end = fields.Date(
        string="Usable Through",
        compute="_compute_date_end",
        store=True,
        readonly=False,
        help="Last day. Empty: they do not expire.",
    )
    note = fields.Char()

    @api.depends("bank_id")
    def _compute_price_unit(self):
        for wizard in self:
            wizard.price_unit = wizard.bank_id.price_unit

    @api.depends("bank_id", "date")
    def _compute_date_end(self):
        for wizard in self:
            months = wizard.bank_id.validity_months
            until = months and wizard.date and wizard.date + relativedelta(months=months, days=-1)
            wizard.date_end = until or False

    def action_confirm(self):
        self.ensure_one()
        self.bank_id.check_access("write")
        if self.kind == "bought":
            move = self.bank_id._buy(self.quantity, self.price_unit, self.date, self.date_end or None)
            return move._get_records_action(name=self.env._("Invoice"))
        self.bank_id._credit("granted", self.quantity, self.date, self.date_end or None, note=self.note)
        return {"type": "ir.actions.act_window_close"}
