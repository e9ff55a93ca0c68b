from odoo import api, fields, models
from odoo.exceptions import UserError


class GuaranteeReturn(models.TransientModel):
    """Return a guarantee deposit, in full or less what is kept, with the reason."""

    _name = "multiservice.guarantee.return"
    _description = "Return a Guarantee Deposit"

    deposit_id = fields.Many2one("multiservice.deposit", required=True, readonly=True)
    company_id = fields.Many2one(related="deposit_id.company_id")
    currency_id = fields.Many2one(related="deposit_id.currency_id")
    amount_left = fields.Monetary(related="deposit_id.amount_left", string="Held")
    amount_kept = fields.Monetary(string="Kept")
    amount_returned = fields.Monetary(string="Returned", compute="_compute_amount_returned", store=True, readonly=False)
    account_id = fields.Many2one(
        "account.account",
        string="Kept On",
        check_company=True,
        help="Where the part kept goes: an account of income for damage made good, or the customer's own to set it "
        "against unpaid invoices.",
    )
    reason = fields.Char()

    @api.depends("deposit_id", "amount_kept")
    def _compute_amount_returned(self):
        for wizard in self:
            wizard.amount_returned = wizard.amount_left - wizard.amount_kept

    def action_confirm(self):
        self.ensure_one()
        self.deposit_id.check_access("write")
        compare = self.currency_id.compare_amounts
        if min(self.amount_kept, self.amount_returned) < 0 or not (self.amount_kept or self.amount_returned):
            raise UserError(self.env._("Say how much is returned, and how much is kept."))
        if compare(self.amount_kept + self.amount_returned, self.amount_left) > 0:
            raise UserError(self.env._("No more can be returned or kept than is held of %s.", self.deposit_id.name))
        if self.amount_kept and not (self.reason and self.account_id):
            raise UserError(self.env._("What is kept needs a reason and an account."))
        entry = self.deposit_id._return_guarantee(
            self.amount_returned, self.amount_kept, self.account_id, self.reason or ""
        )
        return entry._get_records_action(name=self.env._("Return of the guarantee"))
