from uuid import uuid4

from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import plaintext2html

from ..einvoice import codes

# Life cycle of an invoice, AFNOR XP Z12-012. The authority must be told of 200, 210, 212 and 213.
STATUS_CODES = [
    ("200", "200 – Deposited"),
    ("201", "201 – Issued"),
    ("202", "202 – Received by the buyer's platform"),
    ("203", "203 – Made available to the buyer"),
    ("204", "204 – In the buyer's hands"),
    ("205", "205 – Approved"),
    ("206", "206 – Approved in part"),
    ("207", "207 – In dispute"),
    ("208", "208 – Suspended"),
    ("209", "209 – Completed"),
    ("210", "210 – Refused by the buyer"),
    ("211", "211 – Payment on its way"),
    ("212", "212 – Collected"),
    ("213", "213 – Rejected by a platform"),
    ("214", "214 – Certified"),
    ("220", "220 – Cancelled"),
    ("221", "221 – Routing error"),
    ("224", "224 – Direct payment requested"),
    ("225", "225 – Factored"),
    ("226", "226 – Factored, confidential"),
    ("227", "227 – Account to be paid changed"),
    ("228", "228 – No longer factored"),
    ("501", "501 – Inadmissible"),
]
DEPOSITED, DISPUTED, SUSPENDED, REFUSED, COLLECTED, REJECTED, MISROUTED, INADMISSIBLE = (
    "200", "207", "208", "210", "212", "213", "221", "501"
)  # fmt: skip
# Somebody must do something.
ALARMING = (DISPUTED, SUSPENDED, REFUSED, REJECTED, MISROUTED, INADMISSIBLE)
# The invoice did not reach the buyer's books: it is cancelled in ours by a credit note that stays in the house.
VOID = (REFUSED, REJECTED, INADMISSIBLE)
ACTIVITY = "multiservice.mail_activity_type_einvoice_status"
ROUTINGS = [
    (codes.B2B, "Business or public body in France"),
    (codes.B2B_ABROAD, "Business abroad"),
    (codes.B2C, "Not liable to VAT, in France"),
    (codes.B2C_ABROAD, "Not liable to VAT, abroad"),
]


class EinvoiceStatus(models.Model):
    """One event in the life of an electronic invoice, told by a platform or by us. Events are added, never changed."""

    _name = "multiservice.einvoice.status"
    _description = "E-Invoice Status"
    _order = "date desc, id desc"

    _event_uniq = models.UniqueIndex("(move_id, code, reference)", "This status of the invoice is known already.")
    _undone_idx = models.Index("(id) WHERE from_payment IS TRUE AND partial_id IS NULL AND cancelled_by_id IS NULL")
    _to_exchange_idx = models.Index("(id) WHERE direction = 'sent' AND exchanged_on IS NULL")

    move_id = fields.Many2one("account.move", string="Invoice", required=True, index=True, ondelete="restrict")
    partner_id = fields.Many2one(related="move_id.commercial_partner_id", string="Customer")
    company_id = fields.Many2one(related="move_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="move_id.currency_id")
    code = fields.Selection(STATUS_CODES, string="Status", required=True, index=True)
    date = fields.Datetime(required=True, default=fields.Datetime.now, help="When it happened, not when it was learnt.")
    direction = fields.Selection(
        [("received", "Received"), ("sent", "Sent by us")], required=True, default="received", index=True
    )
    reason_code = fields.Char(help="The reason's code in the list of the reform (BR-FR-CDV-CL-09).")
    reason = fields.Char(help="Why, in words.")
    reference = fields.Char(
        required=True,
        default=lambda self: uuid4().hex,
        copy=False,
        help="What makes the event unique, so that it is entered once however often it is told.",
    )
    amount_ids = fields.One2many(
        "multiservice.einvoice.status.amount", "status_id", string="Amounts by VAT Rate", help="What was collected."
    )
    amount = fields.Monetary(
        string="Amount incl. VAT", compute="_compute_amount", store=True, help="Negative when a payment was cancelled."
    )
    raw_name = fields.Char(string="File Name")
    raw = fields.Binary(string="Message", attachment=True, copy=False, help="The message as it was received.")
    exchanged_on = fields.Datetime(
        string="Told the Platform On", readonly=True, copy=False, help="When it was put in the exchange folder."
    )
    payment_amount = fields.Monetary(
        string="Payment", readonly=True, copy=False, help="The whole payment, of which the amounts are told."
    )
    from_payment = fields.Boolean(readonly=True, copy=False, help="Made from a payment in the accounts.")
    partial_id = fields.Many2one(
        "account.partial.reconcile",
        string="Reconciliation",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The payment's reconciliation with the invoice; empty once it was undone.",
    )
    cancelled_by_id = fields.Many2one(
        "multiservice.einvoice.status",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="The same amounts less, since the payment was cancelled.",
    )

    @api.depends("amount_ids.amount")
    def _compute_amount(self):
        for status in self:
            status.amount = sum(status.amount_ids.mapped("amount"))

    @api.depends("move_id", "code")
    def _compute_display_name(self):
        labels = dict(self._fields["code"]._description_selection(self.env))
        for status in self:
            status.display_name = f"{status.move_id.name or ''} {labels.get(status.code, '')}"

    @api.model_create_multi
    def create(self, vals_list):
        statuses = super().create(vals_list)
        statuses.filtered(lambda status: status.code in ALARMING)._call_attention()
        return statuses

    def _call_attention(self) -> None:
        """One activity on each invoice, for its salesperson, while nobody has dealt with the one before."""
        open_on = set(self.move_id.activity_search([ACTIVITY]).mapped("res_id"))
        labels = dict(self._fields["code"]._description_selection(self.env))
        for move, statuses in self.grouped("move_id").items():
            if move.id in open_on:
                continue
            status = statuses[-1]
            # sudo: who receives a status may not be who may plan work for the salesperson
            move.sudo().activity_schedule(
                ACTIVITY,
                summary=labels[status.code],
                note=plaintext2html(" ".join(filter(None, (status.reason_code, status.reason)))),
                user_id=move._einvoice_responsible().id,
            )

    def _to_message(self) -> dict:
        """The status as it is written for a platform; see doc/einvoice.md."""
        self.ensure_one()
        return {
            "kind": "status",
            "reference": self.reference,
            "number": self.move_id.name,
            "seller_siren": self.company_id.partner_id.siren or "",
            "code": self.code,
            "date": self.date.isoformat(timespec="seconds") + "Z",
            "reason_code": self.reason_code or "",
            "reason": self.reason or "",
            "currency": self.currency_id.name,
            "amounts": [
                {"vat_rate": f"{one.vat_rate:.2f}", "amount": f"{one.amount:.{self.currency_id.decimal_places}f}"}
                for one in self.amount_ids
            ],
        }


class EinvoiceStatusAmount(models.Model):
    _name = "multiservice.einvoice.status.amount"
    _description = "E-Invoice Status: Amount by VAT Rate"
    _order = "status_id, vat_rate desc"

    status_id = fields.Many2one("multiservice.einvoice.status", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(related="status_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="status_id.currency_id")
    vat_rate = fields.Float(string="VAT (%)", digits=(5, 2), required=True)
    amount = fields.Monetary(string="Amount incl. VAT", required=True)


class AccountMove(models.Model):
    """The life of a customer invoice, as the platforms and its payments tell it."""

    _inherit = "account.move"

    einvoice_status_ids = fields.One2many(
        "multiservice.einvoice.status", "move_id", string="Life Cycle", groups="multiservice.group_billing_user"
    )
    einvoice_status_count = fields.Integer(
        compute="_compute_einvoice_status_count", groups="multiservice.group_billing_user"
    )
    einvoice_state = fields.Selection(
        STATUS_CODES,
        string="E-Invoice Status",
        compute="_compute_einvoice_state",
        store=True,
        index="btree_not_null",
        help="The last event in the life of the electronic invoice.",
    )
    einvoice_deposit_date = fields.Date(
        string="Deposited On",
        compute="_compute_einvoice_state",
        store=True,
        help="Day on which the invoice was deposited for a public body: its time to pay runs from there.",
    )
    einvoice_routing = fields.Selection(
        ROUTINGS,
        string="E-Invoice Routing",
        compute="_compute_einvoice_routing",
        store=True,
        index="btree_not_null",
        help="Whether the invoice goes through a platform or is only reported, from what the customer was when it was "
        "posted (note BAR).",
    )

    @api.depends("einvoice_status_ids")
    def _compute_einvoice_status_count(self):
        groups = self.env["multiservice.einvoice.status"]._read_group(
            [("move_id", "in", self.ids)], ["move_id"], ["__count"]
        )
        counts = {move.id: count for move, count in groups}
        for move in self:
            move.einvoice_status_count = counts.get(move.id, 0)

    @api.depends("einvoice_status_ids.code", "einvoice_status_ids.date", "einvoice_status_ids.amount")
    def _compute_einvoice_state(self):
        for move in self:
            events = move.einvoice_status_ids.sorted(lambda status: (status.date, status.id))
            payments = events.filtered(lambda status: status.code == COLLECTED and status.amount_ids)
            if payments and move.currency_id.is_zero(sum(payments.mapped("amount"))):
                events -= payments  # cancelled: as if it had not been paid
            move.einvoice_state = events[-1:].code
            deposits = events.filtered(lambda status: status.code == DEPOSITED)
            public = move.commercial_partner_id.legal_category == "public_body"
            move.einvoice_deposit_date = public and deposits and move._civil_day(deposits[0].date)

    @api.depends("commercial_partner_id", "move_type", "state", "company_id.service_einvoice")
    def _compute_einvoice_routing(self):
        """Not from the customer's VAT liability: what was issued stays as it was when that changes."""
        for move in self:
            applies = move.partner_id and move._is_french_einvoice()
            move.einvoice_routing = applies and move.partner_id._einvoice_routing()

    def _civil_day(self, moment):
        """The day of a moment in UTC, on the company's own calendar."""
        self.ensure_one()
        return fields.Datetime.context_timestamp(self.with_context(tz=self.company_id.service_tz), moment).date()

    def _einvoice_responsible(self):
        """Who is told when the invoice goes wrong: its salesperson, else who made it or watches over billing, else a
        billing manager of the company.
        """
        self.ensure_one()
        company = self.company_id
        # sudo: who receives a status may not read the members of groups
        managers = self.env.ref("multiservice.group_manager").sudo().all_user_ids
        known = self.invoice_user_id | self.create_uid | company.service_summary_user_ids
        candidates = known.filtered("active") or managers.filtered(lambda u: u.active and company in u.company_ids)
        return candidates[:1] or self.env.user

    def _is_void_einvoice(self) -> bool:
        """Whether a platform or the buyer sent the invoice back, so that it counts as not issued."""
        self.ensure_one()
        return self.einvoice_state in VOID

    def action_view_einvoice_statuses(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.einvoice_status_action")
        return action | {
            "domain": [("move_id", "=", self.id)],
            "context": {"default_move_id": self.id, "default_direction": "received"},
        }

    def _add_einvoice_status(self, code: str, reference: str, amounts: dict | None = None, **vals):
        """Enter an event once: with the same code and reference, the one that is there. `amounts`: VAT rate → amount
        incl. VAT.
        """
        self.ensure_one()
        Status = self.env["multiservice.einvoice.status"]
        known = Status.search([("move_id", "=", self.id), ("code", "=", code), ("reference", "=", reference)])
        lines = [Command.create({"vat_rate": rate, "amount": amount}) for rate, amount in (amounts or {}).items()]
        return known or Status.create(
            {"move_id": self.id, "code": code, "reference": reference, "amount_ids": lines, **vals}
        )
