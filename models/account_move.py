from odoo import api, fields, models
from odoo.exceptions import UserError

from .res_company import POSTING_MODES


class AccountMove(models.Model):
    _inherit = "account.move"

    billing_run_id = fields.Many2one(
        "multiservice.billing.run", readonly=True, copy=False, index="btree_not_null", ondelete="set null"
    )
    service_posting_mode = fields.Selection(POSTING_MODES, string="Posting of Services", readonly=True, copy=False)
    service_order_reference = fields.Char(
        string="Order Reference", help="The buyer's own order number, as it was when invoiced (EN 16931 BT-13)."
    )
    service_market_reference = fields.Char(
        string="Market Reference", help="Number of the market or framework contract (EN 16931 BT-12)."
    )
    service_buyer_reference = fields.Char(
        string="Buyer's Reference", help="The code of the buyer's service (EN 16931 BT-10)."
    )
    service_contract_ids = fields.Many2many(
        "multiservice.contract",
        compute="_compute_service_contract_ids",
        compute_sudo=True,  # an accountant posts invoices of contracts that are not theirs to read
        search="_search_service_contract_ids",
    )
    service_contract_count = fields.Integer(compute="_compute_service_contract_ids", compute_sudo=True)
    service_period_start = fields.Date(
        string="Services From", compute="_compute_service_period", store=True, help="First day of service invoiced."
    )
    service_period_end = fields.Date(
        string="Services To", compute="_compute_service_period", store=True, help="Last day of service invoiced."
    )

    @api.depends("invoice_line_ids.service_contract_id")
    def _compute_service_contract_ids(self):
        self.invoice_line_ids.service_contract_id.fetch(["active"])  # which the field asks of those of each invoice
        for move in self:
            move.service_contract_ids = move.invoice_line_ids.service_contract_id
            move.service_contract_count = len(move.service_contract_ids)

    def _search_service_contract_ids(self, operator, value):
        return [("line_ids.service_contract_id", operator, value)]

    @api.depends("invoice_line_ids.service_start", "invoice_line_ids.service_end")
    def _compute_service_period(self):
        for move in self:
            lines = move.invoice_line_ids
            move.service_period_start = min(filter(None, lines.mapped("service_start")), default=False)
            move.service_period_end = max(filter(None, lines.mapped("service_end")), default=False)

    def action_view_service_contracts(self):
        self.ensure_one()
        contracts = self.service_contract_ids
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.contract_action")
        if len(contracts) == 1:
            return action | {"views": [(False, "form")], "res_id": contracts.id}
        return action | {"domain": [("id", "in", contracts.ids)], "context": {}}

    def _post(self, soft=True):
        """Date service invoices on the day of posting, and settle their credit notes in the ledger."""
        undated = self.filtered(lambda m: m.service_contract_count and not m.invoice_date)
        for (journal, move_type), moves in undated.grouped(lambda m: (m.journal_id, m.move_type)).items():
            moves._date_services(journal._service_invoice_date(move_type == "out_refund"))
        self.invoice_line_ids._check_rebilled_whole()
        self.filtered("billing_run_id")._note_touched()
        posted = super()._post(soft)
        posted.invoice_line_ids._settle_mirrors()
        posted._freeze_buyer()
        posted._tell_chorus()
        posted._refuse_faults()
        return posted

    def _date_services(self, day):
        """Set the invoice date; the due date follows where no payment term does it. A rate typed by hand is kept."""
        typed_rate = self.filtered(
            lambda m: m.invoice_currency_rate != m._get_expected_currency_rate_at(m.create_date.date())
        )
        with self.env.protecting([self._fields["invoice_currency_rate"]], typed_rate):
            self.invoice_date = day
        self.filtered(lambda m: not m.invoice_payment_term_id).invoice_date_due = day

    def _check_draftable(self):
        """A cancelled invoice whose periods were billed again stays cancelled."""
        for move in self.filtered(lambda m: m.state == "cancel"):
            again = move.invoice_line_ids._billed_again_on()
            if again:
                raise UserError(
                    self.env._(
                        "The periods of %(invoice)s were billed again on %(again)s: cancel that one first.",
                        invoice=move.display_name,
                        again=", ".join(again.mapped("display_name")),
                    )
                )
        return super()._check_draftable()
