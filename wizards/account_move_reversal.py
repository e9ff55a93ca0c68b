from odoo import api, fields, models


class AccountMoveReversal(models.TransientModel):
    _inherit = "account.move.reversal"

    service_rebill = fields.Selection(
        [("no", "No"), ("yes", "Yes, on the next billing run")],
        string="Bill the Periods Again?",
        default="no",
        help="No: the credited periods stay settled. Yes: they become due again, for lines credited in full.",
    )
    has_services = fields.Boolean(compute="_compute_has_services")

    @api.depends("move_ids")
    def _compute_has_services(self):
        for wizard in self:
            wizard.has_services = bool(wizard.move_ids.invoice_line_ids.service_contract_id)

    def reverse_moves(self, is_modify=False):
        """Enter the credit notes, and the invoices that replace the credited ones, in the ledger."""
        earlier = self.move_ids.reversal_move_ids
        action = super().reverse_moves(is_modify)
        refund_lines = (self.move_ids.reversal_move_ids - earlier).invoice_line_ids
        if is_modify:
            refund_lines._mirror_replaced()
            self.new_move_ids.invoice_line_ids._replace_origin()
        else:
            refund_lines._mirror(rebill=self.service_rebill == "yes")
        return action

    def _prepare_default_reversal(self, move):
        """A credit note of services bears the day on which it is posted, unless another date was chosen."""
        values = super()._prepare_default_reversal(move)
        if move.service_contract_count and self.date == fields.Date.context_today(self):
            values["invoice_date"] = False
        return values


class CorrectiveInvoice(models.TransientModel):
    _inherit = "account.move.reversal"

    einvoice_corrective = fields.Boolean(
        string="Corrective Invoice (384)",
        help="With “Reverse and Create Invoice”: the new invoice cancels and replaces the old one for its buyer, who "
        "is sent no credit note.",
    )
    can_be_corrective = fields.Boolean(compute="_compute_can_be_corrective")

    @api.depends("move_ids")
    def _compute_can_be_corrective(self):
        for wizard in self:
            wizard.can_be_corrective = bool(wizard.move_ids) and all(
                move._can_be_replaced() for move in wizard.move_ids
            )

    def _modify_default_reverse_values(self, origin_move):
        values = super()._modify_default_reverse_values(origin_move)
        if self.einvoice_corrective and self.can_be_corrective:
            values["einvoice_replaced_id"] = origin_move.id
        return values
