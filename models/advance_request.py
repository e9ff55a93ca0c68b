import csv
from datetime import timedelta
from io import StringIO

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from .home_service import HOME
from .transition import check_transition

TRANSITIONS = {
    "draft": {"sent"},
    "sent": {"waiting", "accepted", "refused"},
    "waiting": {"accepted", "refused"},
    "accepted": {"paid", "refused"},
    "refused": set(),
    "paid": set(),
}
PENDING = ("draft", "sent", "waiting", "accepted")
ANSWER_TIME = timedelta(hours=48)
COLUMNS = (
    "request", "customer_identifier", "last_and_first_name", "invoice", "invoice_date", "from", "to", "units",
    "amount_without_tax", "amount_with_tax", "employees",
)  # fmt: skip


class AdvanceRequest(models.Model):
    """A payment request for the immediate advance of a customer's tax credit ("avance immédiate"), one for each
    invoice.

    The body that advances it asks the customer, who has 48 hours; silence accepts. Refused, the customer owes the whole
    invoice as if nothing had been asked.
    """

    _name = "multiservice.advance.request"
    _description = "Immediate Advance Request"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _check_company_auto = True

    _one_pending = models.UniqueIndex(
        "(move_id) WHERE state != 'refused'", "The advance of this invoice was asked for already."
    )

    name = fields.Char(string="Number", default="/", required=True, copy=False, readonly=True)
    move_id = fields.Many2one(
        "account.move",
        string="Invoice",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
        check_company=True,
    )
    company_id = fields.Many2one(related="move_id.company_id", store=True, precompute=True)
    partner_id = fields.Many2one(
        related="move_id.commercial_partner_id", string="Customer", store=True, precompute=True
    )
    currency_id = fields.Many2one(related="move_id.currency_id")
    amount = fields.Monetary(readonly=True, help="What is asked for, taxes included: the whole invoice.")
    service_start = fields.Date(related="move_id.service_period_start", string="Services From", store=True)
    service_end = fields.Date(related="move_id.service_period_end", string="To", store=True)
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("sent", "Sent"),
            ("waiting", "Customer has 48 h"),
            ("accepted", "Accepted"),
            ("refused", "Refused"),
            ("paid", "Paid"),
        ],
        string="Status",
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
        index=True,
    )
    sent_at = fields.Datetime(readonly=True, copy=False)
    answer_by = fields.Datetime(
        readonly=True, copy=False, help="Until when the customer may refuse; after it, the request is accepted."
    )
    refusal_reason = fields.Char(copy=False, readonly=True)

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            move = self.env["account.move"].browse(vals["move_id"])
            if faults := move._advance_faults():
                raise UserError("\n".join(f"{move.display_name}: {fault}" for fault in faults))
            sequence = self.env["ir.sequence"].with_company(move.company_id)
            vals["name"] = sequence.next_by_code("multiservice.advance.request")
            vals |= {"amount": move.amount_residual, "state": "draft"}
        return super().create(vals_list)

    def write(self, vals):
        if "state" in vals:
            raise UserError(self.env._("A request goes on by its buttons."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_sent(self):
        if any(request.state != "draft" for request in self):
            raise UserError(self.env._("A request that was sent is kept."))

    def action_export(self):
        """The file of the drafts, to be uploaded at the body that advances; they count as sent."""
        self.check_access("write")
        drafts = self.filtered(lambda request: request.state == "draft")
        if not drafts:
            raise UserError(self.env._("None of these requests is a draft: they were sent already."))
        changed = [(request, faults) for request in drafts if (faults := request.move_id._advance_faults(request))]
        if changed:
            raise UserError("\n".join(f"{request.name}: {fault}" for request, faults in changed for fault in faults))
        attachment = self.env["ir.attachment"].create(
            {
                "name": self.env._("advance_requests_%s.csv", f"{fields.Datetime.now():%Y%m%d_%H%M%S}"),
                "raw": drafts._to_csv().encode("utf-8-sig"),
                "mimetype": "text/csv",
                "company_id": drafts.company_id[:1].id,
                "res_model": self._name,  # whoever may read the requests may read the file
                "res_id": drafts[0].id,
            }
        )
        drafts._move_to("sent", sent_at=fields.Datetime.now())
        for request in drafts:
            request.message_post(body=self.env._("Sent with the file %s.", attachment.name))
        return {"type": "ir.actions.act_url", "url": f"/web/content/{attachment.id}?download=true", "target": "self"}

    def action_received(self):
        """The body took the request: the customer has 48 hours from now."""
        self.check_access("write")
        self._move_to("waiting", answer_by=fields.Datetime.now() + ANSWER_TIME)

    def action_accept(self):
        self.check_access("write")
        self._move_to("accepted")

    def action_refuse(self):
        """The customer, or the body, refused: the customer owes the whole."""
        self.check_access("write")
        self._move_to("refused")
        for request in self:
            request.move_id.message_post(
                body=self.env._("The immediate advance was refused: the customer owes the whole invoice.")
            )
            request.activity_schedule(
                "mail.mail_activity_data_todo",
                summary=self.env._("Immediate advance refused"),
                note=self.env._("The customer owes the whole invoice %s.", request.move_id.name),
                user_id=(request.move_id.invoice_user_id or self.env.user).id,
            )

    def action_paid(self):
        """The money is there: register the payment of the invoice first."""
        self.check_access("write")
        for request in self:
            if request.move_id.payment_state not in ("paid", "in_payment"):
                raise UserError(
                    self.env._("%s is not paid: register the payment, the request then follows.", request.move_id.name)
                )
        self._move_to("paid")

    def action_view_invoice(self):
        self.ensure_one()
        return self.move_id._get_records_action()

    def _move_to(self, state: str, **vals) -> None:
        check_transition(self, TRANSITIONS, state)
        self._write_unguarded({"state": state, **vals})

    def _write_unguarded(self, vals):
        """Write what only the acts of this class may change."""
        return super().write(vals)  # pylint: disable=super-method-mismatch

    @api.model
    def _cron_accept(self):
        """Whoever said nothing in 48 hours accepted."""
        self.search([("state", "=", "waiting"), ("answer_by", "<=", fields.Datetime.now())])._move_to("accepted")

    def _to_csv(self) -> str:
        """One row for each request, semicolons between, as French spreadsheets read it."""
        out = StringIO()
        writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
        writer.writerow(COLUMNS)
        for request in self:
            move, lines = request.move_id, request.move_id._home_lines()
            row = [
                request.name,
                request.partner_id.advance_identifier or "",
                request.partner_id.name,
                move.name,
                move.invoice_date.isoformat(),
                request.service_start.isoformat(),
                request.service_end.isoformat(),
                f"{sum(lines.mapped('service_hours')):g}".replace(".", ","),
                f"{move.amount_untaxed:.2f}".replace(".", ","),
                f"{request.amount:.2f}".replace(".", ","),
                ", ".join(sorted(set(filter(None, lines.mapped("service_worker"))))),
            ]
            writer.writerow([_harmless(cell) for cell in row])
        return out.getvalue()


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@") else cell


class AdvanceInvoice(models.Model):
    _inherit = "account.move"

    advance_request_ids = fields.One2many(
        "multiservice.advance.request", "move_id", string="Advance Requests", groups="multiservice.group_billing_user"
    )
    advance_pending = fields.Boolean(
        string="Immediate Advance Pending",
        compute="_compute_advance",
        compute_sudo=True,
        store=True,
        help="An advance was asked for and is not refused nor paid: no reminder is sent.",
    )
    advance_possible = fields.Boolean(
        string="Immediate Advance Possible", compute="_compute_advance_possible", compute_sudo=True
    )

    @api.depends("advance_request_ids.state")
    def _compute_advance(self):
        for move in self:
            move.advance_pending = any(request.state in PENDING for request in move.advance_request_ids)

    @api.depends("state", "advance_request_ids.state", "invoice_line_ids.service_contract_id.immediate_advance")
    def _compute_advance_possible(self):
        for move in self:
            wanted = any(move.invoice_line_ids.service_contract_id.mapped("immediate_advance"))
            asked = any(request.state != "refused" for request in move.advance_request_ids)
            move.advance_possible = wanted and not asked and move.state == "posted" and move.move_type == "out_invoice"

    def _has_advance(self) -> bool:
        self.ensure_one()
        # sudo: whether there was an advance is for the certificate, whoever makes it
        return any(request.state in ("accepted", "paid") for request in self.sudo().advance_request_ids)

    def action_request_advance(self):
        """A request for each invoice, or everything that forbids one."""
        self.env["multiservice.advance.request"].check_access("create")
        requests = self.env["multiservice.advance.request"].create([{"move_id": move.id} for move in self])
        return requests._get_records_action(name=self.env._("Immediate advance requests"))

    def _advance_faults(self, request=None) -> list[str]:
        """What forbids to ask for an advance on the invoice, in words; `request`: the one that it is for already."""
        self.ensure_one()
        if self.state != "posted" or self.move_type != "out_invoice":
            return [self.env._("only a posted invoice can have an immediate advance.")]
        others = self.advance_request_ids - (request or self.advance_request_ids.browse())
        faults = []
        if others.filtered(lambda one: one.state != "refused"):
            faults.append(self.env._("its advance was asked for already."))
        if self.payment_state != "not_paid" or self.currency_id.compare_amounts(
            self.amount_residual, self.amount_total
        ):
            faults.append(self.env._("it is paid or credited, at least in part."))
        return faults + self._advance_faults_of_customer() + self._advance_faults_of_lines()

    def _advance_faults_of_customer(self) -> list[str]:
        activated = self.commercial_partner_id.advance_activated_on
        if not activated:
            return [self.env._("the customer's account was not activated: enter the day on the customer.")]
        if not self.service_period_start or self.service_period_start < activated:
            return [
                self.env._(
                    "its services begin before the customer's account was activated on %s.",
                    format_date(self.env, activated),
                )
            ]
        return []

    def _advance_faults_of_lines(self) -> list[str]:
        lines = self.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        start, end = self.service_period_start, self.service_period_end
        faults = []
        if any(line.product_id.regulated_activity != HOME for line in lines):
            faults.append(self.env._("it has lines that are no home services."))
        if any(line.price_subtotal < 0 or line.quantity < 0 or line.price_unit < 0 or line.discount for line in lines):
            faults.append(self.env._("it has a negative line or a discount."))
        if end and end > self.company_id._service_today():
            faults.append(self.env._("its services are not entirely done before %s.", format_date(self.env, end)))
        if start and end and (start.year, start.month) != (end.year, end.month):
            faults.append(self.env._("its services are of more than one calendar month."))
        return faults

    def _invoice_paid_hook(self):
        """Requests whose money came are paid."""
        result = super()._invoice_paid_hook()
        # sudo: whoever registers the payment
        self.sudo().advance_request_ids.filtered(lambda request: request.state == "accepted")._move_to("paid")
        return result
