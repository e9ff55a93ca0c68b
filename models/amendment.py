import logging
from datetime import date

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import format_date

from .billing_run_item import CONFLICTS
from .transition import check_transition

_logger = logging.getLogger(__name__)

TRANSITIONS = {
    "draft": {"sent", "accepted", "cancelled"},
    "sent": {"draft", "accepted", "refused", "cancelled"},
    "accepted": {"draft", "applied", "cancelled"},
    "applied": {"draft"},
    "refused": {"draft"},
    "cancelled": {"draft"},
}
STATES = [
    ("draft", "Draft"),
    ("sent", "Sent to the customer"),
    ("accepted", "Accepted by the customer"),
    ("applied", "In force"),
    ("refused", "Refused by the customer"),
    ("cancelled", "Cancelled"),
]
# What the parties agree on: it stands once they were told of it.
AGREED_FIELDS = frozenset(("contract_id", "date_effect", "date_billing", "change_ids"))
# What the acts record.
ACT_FIELDS = frozenset(
    ("name", "number", "state", "sent_on", "signature", "applied_on", "done", "refusal_reason", "credit_ids")
)
# Where the change itself may be written down once more: who accepted, when, on which paper.
ACCEPTANCE_FIELDS = frozenset(("accepted_by", "accepted_on", "accepted_document", "accepted_document_name"))
ERROR_ACTIVITY = "multiservice.mail_activity_type_amendment"


class Amendment(models.Model):
    """A dated change of a contract, agreed on by its parties and then applied to it.

    It only says what changes. Applying it ends lines and lets others succeed them, suspends, or ends the contract, by
    the same acts as a person would use; the ledger then corrects what was billed.
    """

    _name = "multiservice.amendment"
    _description = "Contract Amendment"
    _inherit = ["multiservice.priced.portal.mixin", "mail.thread", "mail.activity.mixin"]
    _order = "date_effect desc, id desc"
    _check_company_auto = True
    _rec_names_search = ["name", "title", "contract_id.name", "partner_id.name"]

    _number_uniq = models.UniqueIndex("(contract_id, number)", "The contract has an amendment of this number already.")
    _due_idx = models.Index("(company_id, date_effect) WHERE state = 'accepted'")

    name = fields.Char(string="Number", default="/", required=True, copy=False, readonly=True, index="trigram")
    number = fields.Integer(string="Rank", copy=False, readonly=True, help="Counted for each contract.")
    title = fields.Char(string="Subject", tracking=True)
    contract_id = fields.Many2one(
        "multiservice.contract",
        required=True,
        ondelete="restrict",
        index=True,
        check_company=True,
        domain="[('state', 'in', ('active', 'ended'))]",
    )
    company_id = fields.Many2one(related="contract_id.company_id", store=True, precompute=True, index=True)
    partner_id = fields.Many2one(related="contract_id.partner_id", string="Customer", store=True, precompute=True)
    currency_id = fields.Many2one(related="contract_id.currency_id")
    user_id = fields.Many2one(related="contract_id.user_id", string="Salesperson")
    state = fields.Selection(
        STATES, string="Status", default="draft", required=True, readonly=True, copy=False, tracking=True, index=True
    )
    date_effect = fields.Date(
        string="Effective From",
        required=True,
        tracking=True,
        default=fields.Date.context_today,
        help="First day of service under the new terms. In the past, what was billed since is corrected.",
    )
    date_billing = fields.Date(
        string="Billed From",
        tracking=True,
        help="First day billed under the new terms, where that is another one than the first day of service: the lines "
        "of the contract follow it.",
    )
    change_ids = fields.One2many("multiservice.amendment.change", "amendment_id", string="Changes", copy=True)
    note = fields.Html(string="Text", help="Printed on the amendment after the changes.")
    sent_on = fields.Date(readonly=True, copy=False, tracking=True)
    accepted_by = fields.Char(copy=False, tracking=True, help="Who accepted it for the customer.")
    accepted_on = fields.Date(copy=False, tracking=True)
    accepted_document = fields.Binary(
        string="Signed Document", copy=False, attachment=True, help="The signed amendment, the order or the letter."
    )
    accepted_document_name = fields.Char(string="Name of the Signed Document", copy=False)
    signature = fields.Image(copy=False, readonly=True, attachment=True, max_width=1024, max_height=1024)
    refusal_reason = fields.Char(readonly=True, copy=False)
    applied_on = fields.Datetime(readonly=True, copy=False, tracking=True)
    done = fields.Json(
        readonly=True, copy=False, groups="multiservice.group_billing_user", help="What was billed of it."
    )
    access_token = fields.Char(groups="multiservice.group_billing_user")  # opens a page with prices

    @api.depends("name", "title")
    def _compute_display_name(self):
        for amendment in self:
            number = amendment.name if amendment.name != "/" else self.env._("New amendment")
            amendment.display_name = f"{number} – {amendment.title}" if amendment.title else number

    def _compute_access_url(self):
        result = super()._compute_access_url()
        for amendment in self:
            amendment.access_url = f"/my/service_amendments/{amendment.id}"
        return result

    @api.constrains("contract_id")
    def _check_contract(self):
        for amendment in self:
            if amendment.contract_id.state not in ("active", "ended"):
                raise ValidationError(
                    self.env._(
                        "Contract %s is not in force: edit it, an amendment changes what was agreed.",
                        amendment.contract_id.display_name,
                    )
                )

    @api.constrains("contract_id", "date_effect", "date_billing")
    def _check_dates(self):
        for amendment in self:
            if amendment._day() <= amendment.contract_id.date_start:
                raise ValidationError(
                    self.env._(
                        "Contract %(contract)s starts on %(start)s: it can be amended from the day after.",
                        contract=amendment.contract_id.display_name,
                        start=format_date(self.env, amendment.contract_id.date_start),
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if ACT_FIELDS.intersection(vals):
                raise UserError(self.env._("An amendment starts as a draft and goes on by its buttons."))
        amendments = super().create(vals_list)
        for contract, of_contract in amendments.grouped("contract_id").items():
            # sudo: numbers go on after amendments that the user may not see
            known = contract.sudo().amendment_ids.mapped("number")
            for number, amendment in enumerate(of_contract, start=1 + max(known, default=0)):
                amendment._write_unguarded({"number": number, "name": f"{contract.name}-{number}"})
        return amendments

    def write(self, vals):
        if ACT_FIELDS.intersection(vals):
            raise UserError(self.env._("An amendment goes on by its buttons."))
        if AGREED_FIELDS.intersection(vals):
            self._check_draft()
        if ACCEPTANCE_FIELDS.intersection(vals) and any(one.state not in ("draft", "sent") for one in self):
            raise UserError(self.env._("The acceptance of an amendment is recorded before it is accepted."))
        return super().write(vals)

    def _write_unguarded(self, vals):
        """Write what only the acts of this class may change."""
        return super().write(vals)  # pylint: disable=super-method-mismatch

    @api.ondelete(at_uninstall=False)
    def _unlink_except_agreed(self):
        if any(amendment.state not in ("draft", "cancelled") for amendment in self):
            raise UserError(self.env._("An amendment that was sent or accepted is kept: cancel it."))

    def action_accept(self):
        """Record that the customer accepted, by hand: who did so is on the form already."""
        for amendment in self:
            amendment._check_complete()
            by = amendment.accepted_by or (amendment._is_termination() and amendment.partner_id.name)
            if not by:
                raise UserError(self.env._("%s: say first who accepted it for the customer.", amendment.display_name))
            amendment._accept(by, amendment.accepted_on or amendment.company_id._service_today())

    def action_refuse(self):
        self._refuse("")

    def action_cancel(self):
        self._move_to("cancelled")

    def action_draft(self):
        self._move_to("draft")
        for amendment in self:
            amendment._write_unguarded(
                {
                    "accepted_on": False,
                    "accepted_by": False,
                    "signature": False,
                    "refusal_reason": False,
                    "applied_on": False,
                    "done": False,
                }
            )
        self.activity_unlink([ERROR_ACTIVITY])

    def action_apply(self):
        """Apply at once, also before the day: the dates are in the lines."""
        self.check_access("write")
        for amendment in self:
            amendment._apply()

    def action_undo(self):
        """Take back what the amendment changed, while nothing of it was posted."""
        self.check_access("write")
        for amendment in self:
            amendment._undo()

    def _day(self) -> date:
        """The first day under the new terms, for the lines and so for billing."""
        self.ensure_one()
        return self.date_billing or self.date_effect

    def _is_termination(self) -> bool:
        """Whether all that it does is to end the contract, which one party may do alone."""
        self.ensure_one()
        return set(self.change_ids.mapped("kind")) == {"terminate"}

    def _accept(self, by: str, on: date, signature=False) -> None:
        self.ensure_one()
        self._move_to("accepted")
        self._write_unguarded({"accepted_by": by, "accepted_on": on, "signature": signature})

    def _refuse(self, reason: str) -> None:
        self._move_to("refused")
        self._write_unguarded({"refusal_reason": reason})

    def _move_to(self, state: str) -> None:
        check_transition(self, TRANSITIONS, state)
        self._write_unguarded({"state": state})

    def _check_draft(self) -> None:
        for amendment in self:
            if amendment.state != "draft":
                raise UserError(
                    self.env._(
                        "Amendment %s was sent or accepted: take it back to draft before you change it.",
                        amendment.display_name,
                    )
                )

    def _check_complete(self) -> None:
        self.ensure_one()
        if not self.change_ids:
            raise UserError(self.env._("Amendment %s changes nothing: add a change first.", self.display_name))
        self.change_ids._check_complete()

    def _apply(self) -> None:
        """Apply what was accepted, all or nothing."""
        self.ensure_one()
        self._move_to("applied")
        let_go = self._let_go(self._drafts_to_rebuild())
        self._apply_changes()
        held = self._touched_rows().filtered(lambda row: row.held)
        self._write_unguarded({"applied_on": fields.Datetime.now(), "done": {"billed": held.ids}})
        self.contract_id.message_post(
            body=self.env._(
                "Amendment %(amendment)s applied from %(day)s: %(changes)s",
                amendment=self.display_name,
                day=format_date(self.env, self._day()),
                changes="; ".join(self.change_ids.mapped("summary")),
            )
        )
        self.activity_unlink([ERROR_ACTIVITY])
        self._bill_again(let_go)

    def _apply_changes(self) -> None:
        self._check_complete()
        for change in self.change_ids:
            change._apply()

    def _undo(self) -> None:
        self.ensure_one()
        if self.state != "applied":
            raise UserError(
                self.env._("Amendment %s was not applied: there is nothing to take back.", self.display_name)
            )
        let_go = self._let_go(self._drafts_to_rebuild())
        self._check_can_be_undone()
        for change in self.change_ids[::-1]:
            change._undo()
        self.action_draft()
        self.contract_id.message_post(body=self.env._("Amendment %s taken back.", self.display_name))
        self._bill_again(let_go)

    def _check_can_be_undone(self) -> None:
        """Refuse once something was billed by the new terms and stands."""
        known = set((self.done or {}).get("billed", ()))
        held = self._touched_rows().filtered(lambda row: row.held and row.id not in known)
        if held:
            raise UserError(
                self.env._(
                    "%(line)s was billed on %(invoice)s by the terms of this amendment: it can no longer be taken "
                    "back. Amend the contract once more.",
                    line=held[0].contract_line_id.display_name,
                    invoice=held[0].move_id.display_name or self.env._("the ledger"),
                )
            )

    def _touched_rows(self):
        """What the ledger has of the lines and days that the amendment touches."""
        rows = self.env["multiservice.billable"].sudo()  # sudo: the ledger tells what was billed, whoever amends
        for change in self.change_ids:
            day = change._touched_from()
            of_lines = change._touched_lines().sudo().billable_ids
            rows |= of_lines.filtered(lambda row, day=day: row.period_end >= day)
        return rows

    @api.model
    def _cron_apply(self):
        """Apply the accepted amendments whose day has come; one that fails stops no other.

        A termination is applied as soon as it is known, so that nothing beyond the end is billed or renewed meanwhile.
        """
        waiting = Domain("state", "=", "accepted")
        for (company,) in self._read_group(waiting, ["company_id"]):
            today = company._service_today()
            amendments = self.with_company(company).with_context(lang=company._service_lang())
            for amendment in amendments.search(
                waiting & Domain("company_id", "=", company.id), order="date_effect, id"
            ):
                if amendment._day() <= today or amendment._is_termination():
                    amendment._try_apply(today)

    def _try_apply(self, today: date) -> None:
        try:
            with self.env.cr.savepoint():
                self._apply()
        except CONFLICTS:
            raise  # another process: the scheduler calls again
        except Exception as error:
            _logger.warning("amendment %s could not be applied: %s", self.name, error)
            self._ask_to_repair(str(error), today)
        self.env["ir.cron"]._commit_progress(1)

    def _ask_to_repair(self, error: str, today: date) -> None:
        """Tell the salesperson once that the amendment waits for something."""
        if not self.activity_search([ERROR_ACTIVITY]):
            self.activity_schedule(
                ERROR_ACTIVITY,
                today,
                self.env._("Could not be applied"),
                error,
                user_id=(self.contract_id.user_id or self.env.user).id,
            )


class AmendedContract(models.Model):
    _inherit = "multiservice.contract"

    amendment_ids = fields.One2many("multiservice.amendment", "contract_id", string="Amendments")
    amendment_count = fields.Integer(compute="_compute_amendment_count")

    @api.depends("amendment_ids")
    def _compute_amendment_count(self):
        for contract in self:
            contract.amendment_count = len(contract.amendment_ids)

    def action_amend(self):
        """A new amendment of the contract."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.amendment_action")
        return action | {"views": [(False, "form")], "context": {"default_contract_id": self.id}}

    def action_view_amendments(self):
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.amendment_action")
        return action | {
            "domain": [("contract_id", "in", self.ids)],
            "context": {"default_contract_id": self.id if len(self) == 1 else False},
        }
