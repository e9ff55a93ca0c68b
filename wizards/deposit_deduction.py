from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_amount


class DepositDeduction(models.TransientModel):
    """Deduct a deposit from a draft invoice by hand."""

    _name = "multiservice.deposit.deduction"
    _description = "Deduct a Deposit"

    move_id = fields.Many2one("account.move", string="Invoice", required=True, readonly=True)
    deposit_id = fields.Many2one(
        "multiservice.deposit",
        compute="_compute_deposit_id",
        store=True,
        readonly=False,
        domain="[('id', 'in', possible_ids)]",
    )
    possible_ids = fields.Many2many("multiservice.deposit", compute="_compute_possible_ids")
    currency_id = fields.Many2one(related="move_id.currency_id")
    amount_left = fields.Monetary(related="deposit_id.amount_left")
    amount = fields.Monetary(
        string="Deduct",
        help="VAT included. Empty: all that is left of the deposit and fits the invoice.",
    )

    @api.depends("move_id")
    def _compute_possible_ids(self):
        Deposit = self.env["multiservice.deposit"]
        for wizard in self:
            move = wizard.move_id._origin
            found = Deposit.search(move._open_deposits_domain(), order="id")
            wizard.possible_ids = move._deposits_among(found) if move else found

    @api.depends("possible_ids")
    def _compute_deposit_id(self):
        for wizard in self:
            wizard.deposit_id = wizard.deposit_id or wizard.possible_ids[:1]

    def action_confirm(self):
        self.ensure_one()
        move, deposit = self.move_id, self.deposit_id
        move.check_access("write")
        if move.state != "draft" or not deposit or deposit not in self.possible_ids:
            raise UserError(self.env._("This deposit cannot be deducted from this invoice."))
        wanted = Decimal(str(self.currency_id.round(self.amount))) if self.amount else None
        parts = move._deductible(deposit, wanted)
        deducted = sum((part.gross for part in parts.values()), Decimal(0))
        if not parts:
            raise UserError(self.env._("Nothing of deposit %s fits this invoice, at its rates of VAT.", deposit.name))
        if wanted is not None and deducted < wanted:
            raise UserError(
                self.env._(
                    "At most %(amount)s of deposit %(deposit)s can be deducted from this invoice.",
                    amount=format_amount(self.env, float(deducted), self.currency_id),
                    deposit=deposit.name,
                )
            )
        move._deduct(deposit, parts)
        return {"type": "ir.actions.act_window_close"}


class AccountMove(models.Model):
    _inherit = "account.move"

    def action_deduct_deposit(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Deduct a deposit"),
            "res_model": "multiservice.deposit.deduction",
            "view_mode": "form",
            "target": "new",
            "context": {"default_move_id": self.id},
        }
