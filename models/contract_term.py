import logging
from datetime import date, timedelta
from itertools import count

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import format_date

from ..engine.renewal import Window, notice_window, term_end
from .billing_run_item import CONFLICTS
from .contract_line import BILLED_STATES

_logger = logging.getLogger(__name__)

ALERT_ACTIVITY = "multiservice.mail_activity_type_term"
LETTER = "multiservice.term_information_report_action"
LETTER_BY_MAIL = "multiservice.mail_template_term_information"
# Who must be told of a tacit renewal: consumers, and legal persons that are no professionals, syndicates of co-owners
# among them (Code de la consommation, art. L215-1 and L215-3; Cass. 1re civ., 25/11/2015, 14-20.760).
PROTECTED_CATEGORIES = ("consumer", "non_professional")


TERM_FIELDS = ("term_months", "renewal", "renewal_months", "renewal_limit", "notice_months", "notice_days")
MONTHS_AT_MOST = 1200  # a century: what is longer was typed wrong


def _within(least: int, number: int) -> int:
    """The number, or the nearest one that makes sense while it is being typed."""
    return min(max(number, least), MONTHS_AT_MOST)


class TermMixin(models.AbstractModel):
    """What a contract, or a contract type, says of its term."""

    _name = "multiservice.term.mixin"
    _description = "Contract Term"

    term_months = fields.Integer(
        string="Initial Term (Months)", help="0: the contract has no term and runs until it is ended."
    )
    renewal = fields.Selection(
        [("tacit", "Renews itself"), ("express", "Renewed by agreement"), ("none", "Ends with its term")],
        default="tacit",
        required=True,
        help="Renews itself: goes on unless one party refuses in time. Renewed by agreement: ends unless renewed.",
    )
    renewal_months = fields.Integer(string="Renewed For (Months)", default=12)
    renewal_limit = fields.Integer(string="Renewals at Most", help="0: without a limit.")
    notice_months = fields.Integer(string="Notice (Months)")
    notice_days = fields.Integer(string="Notice (Days)", help="Added to the months.")

    def _term_vals(self) -> dict:
        self.ensure_one()
        return {name: self[name] for name in TERM_FIELDS}


class TemplateTerm(models.Model):
    _name = "multiservice.contract.template"
    _inherit = ["multiservice.contract.template", "multiservice.term.mixin"]


class ContractTerm(models.Model):
    """The term of a contract: how long it runs, how it renews, until when it may be refused.

    Billing looks at the contract's end alone: that is empty while the contract renews itself, and set as soon as
    nothing follows the current term.
    """

    _name = "multiservice.contract"
    _inherit = ["multiservice.contract", "multiservice.term.mixin"]

    renewal_count = fields.Integer(string="Renewals So Far", readonly=True, copy=False, tracking=True)
    term_end = fields.Date(
        string="End of Term",
        compute="_compute_term_end",
        store=True,
        index="btree_not_null",
        help="Last day of the current term, counted from the start of the contract, and later by the days of the "
        "suspensions that prolong it.",
    )
    refusal_deadline = fields.Date(
        compute="_compute_term_end", store=True, help="Last day on which either party may refuse the renewal."
    )
    inform_from = fields.Date(
        compute="_compute_term_end",
        store=True,
        help="A consumer or non-professional must be told of the renewal from this day on (C. conso. art. L215-1).",
    )
    inform_until = fields.Date(compute="_compute_term_end", store=True, help="And at the latest on this day.")
    informed_on = fields.Date(
        readonly=True, copy=False, tracking=True, help="When the customer was told of the coming renewal."
    )
    information = fields.Selection(
        [
            ("to_come", "To come"),
            ("due", "To send"),
            ("done", "Sent"),
            ("missed", "Missed: the customer may leave at any time"),
        ],
        string="Information on Renewal",
        compute="_compute_information",
        help="Consumers and non-professionals must be told in time that the contract is about to renew itself.",
    )
    free_exit_from = fields.Date(
        readonly=True,
        copy=False,
        help="The customer was not told in time of a renewal: since that day it may leave at any time, and what it "
        "paid in advance is refunded within 30 days (C. conso. art. L215-1).",
    )
    refused_on = fields.Date(readonly=True, copy=False, tracking=True)
    refused_by = fields.Selection([("customer", "The customer"), ("company", "Us")], readonly=True, copy=False)
    refusal_reason = fields.Char(readonly=True, copy=False)

    @api.depends(
        "date_start",
        "term_months",
        "renewal",
        "renewal_months",
        "renewal_count",
        "notice_months",
        "notice_days",
        "refused_on",
        "date_end",
        "suspension_ids.days_added",
    )
    def _compute_term_end(self):
        for contract in self:
            end = contract._term_end(contract.renewal_count)
            window = contract._renews() and end and contract._notice_window(end)
            contract.term_end = end
            contract.refusal_deadline, contract.inform_from, contract.inform_until = window or (False, False, False)

    @api.depends("inform_from", "inform_until", "informed_on", "partner_id.legal_category", "state")
    def _compute_information(self):
        for contract in self:
            today = contract.company_id._service_today() if contract.company_id else fields.Date.today()
            contract.information = contract._information(today)

    @api.constrains("term_months", "renewal_months", "renewal_limit", "notice_months", "notice_days", "renewal")
    def _check_term(self):
        for contract in self:
            numbers = (contract.term_months, contract.renewal_limit, contract.notice_months, contract.notice_days)
            endless = contract.term_months and contract.renewal != "none" and contract.renewal_months < 1
            longest = max(*numbers, contract.renewal_months)
            if min(numbers) < 0 or longest > MONTHS_AT_MOST or endless:
                raise ValidationError(
                    self.env._(
                        "%s: terms, renewals and notices are numbers of months or days, and a renewal has at least one "
                        "month.",
                        contract.display_name,
                    )
                )
            end = contract._term_end(0)
            if end and contract._notice_window(end).refusal_deadline < contract.date_start:
                raise ValidationError(
                    self.env._("%s: the notice is longer than the initial term.", contract.display_name)
                )

    def write(self, vals):
        if not {"date_start", *TERM_FIELDS}.intersection(vals):
            return super().write(vals)
        of_term = self.filtered(lambda contract: "date_end" not in vals and contract._ends_with_term())
        result = super().write(vals)
        of_term._end_on(None)
        running = self.filtered(lambda contract: contract.state in BILLED_STATES)
        running._check_not_over()
        running._settle_end()
        return result

    def _activate(self):
        self._check_not_over()
        result = super()._activate()
        self._settle_end()
        return result

    def action_renew(self):
        """Renew contracts by agreement for another term."""
        for contract in self:
            if contract.renewal == "none" or not contract.term_end or contract.state not in ("active", "ended"):
                raise UserError(self.env._("%s has no term that could be renewed.", contract.display_name))
            if contract.refused_on:
                raise UserError(
                    self.env._("The renewal of %s was refused: take the refusal back first.", contract.display_name)
                )
            if contract._at_limit():
                raise UserError(self.env._("%s was renewed as often as it may be.", contract.display_name))
            contract._renew()

    def action_refuse_renewal(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.renewal_refusal_action")
        return action | {"context": {"default_contract_id": self.id}}

    def action_take_back_refusal(self):
        """The parties agree that the contract goes on."""
        for contract in self.filtered("refused_on"):
            contract._end_on(None)
            contract._write_unguarded({"refused_on": False, "refused_by": False, "refusal_reason": False})
            contract._settle_end()

    def action_send_information(self):
        """Tell the customers of the coming renewal, by e-mail with the letter."""
        self._send_information()

    def action_print_information(self):
        return self.env.ref(LETTER).report_action(self)

    def action_informed_by_post(self):
        """The letter left by post today."""
        self._check_told()
        for contract in self:
            contract._note_informed(self.env._("The letter on the renewal left by post."), contract._letter())

    def _term_end(self, renewals: int) -> date | bool:
        self.ensure_one()
        if not self.date_start or not 1 <= self.term_months <= MONTHS_AT_MOST:
            return False
        # sudo: a reader of the contract, on the portal too, sees its term and not why it was prolonged
        prolonged = sum(self.sudo().suspension_ids.mapped("days_added"))
        end = term_end(self.date_start, self.term_months, _within(1, self.renewal_months), renewals)
        return end + timedelta(days=prolonged)

    def _notice_window(self, end: date) -> Window:
        return notice_window(end, _within(0, self.notice_months), _within(0, self.notice_days))

    def _renews(self) -> bool:
        """Whether another term follows the current one unless somebody refuses."""
        return self.renewal == "tacit" and not self.date_end and not self.refused_on

    def _was_not_told(self) -> bool:
        """Whether the letter on the renewal to come should have left, and did not. Nothing is known of the time before
        the contract was kept here.
        """
        kept_in_time = self.inform_until and self.create_date.date() <= self.inform_until
        return bool(kept_in_time) and self._information(self.term_end) == "missed"

    def _ends_with_term(self) -> bool:
        """Whether the contract's end is that of its term, because nothing follows it."""
        last = self.renewal != "tacit" or self._at_limit()
        return last and not self.refused_on and bool(self.date_end) and self.date_end == self.term_end

    def _check_not_over(self) -> None:
        """Refuse terms that would end a contract in the past: what was served and billed since would be credited."""
        for contract in self:
            last = contract.renewal_limit if contract.renewal == "tacit" else contract.renewal_count
            endless = contract.renewal == "tacit" and not last
            end = not endless and not contract.date_end and contract._term_end(max(last, contract.renewal_count))
            if end and end < contract.company_id._service_today():
                raise UserError(
                    self.env._(
                        "By these terms contract %(contract)s ended on %(end)s. Give it an initial term up to its "
                        "current end, or say when it ends.",
                        contract=contract.display_name,
                        end=format_date(self.env, end),
                    )
                )

    def _at_limit(self) -> bool:
        return bool(self.renewal_limit) and self.renewal_count >= self.renewal_limit

    def _information(self, today: date) -> str | bool:
        protected = self.partner_id.legal_category in PROTECTED_CATEGORIES
        if self.state != "active" or not protected or not self.inform_from:
            return False
        if self.informed_on and self.inform_from <= self.informed_on <= self.inform_until:
            return "done"
        if today > self.inform_until:
            return "missed"
        return "due" if today >= self.inform_from else "to_come"

    def _settle_end(self) -> None:
        """End the contracts after which nothing follows with their current term."""
        for contract in self:
            last = contract.renewal != "tacit" or contract._at_limit()
            if contract.term_end and last and not contract.date_end:
                contract._end_on(contract.term_end)

    def _renew(self) -> None:
        """Go on for another term."""
        self.ensure_one()
        before = self.term_end
        self._write_unguarded(
            {
                "free_exit_from": before + timedelta(days=1) if self._was_not_told() else False,
                "renewal_count": self.renewal_count + 1,
            }
        )
        if self.date_end == before:
            self._end_on(None)
        self._settle_end()
        self.message_post(
            body=self.env._(
                "Renewed until %(end)s; the last day to refuse the next renewal is %(deadline)s.",
                end=format_date(self.env, self.term_end),
                deadline=format_date(self.env, self.refusal_deadline) or self.env._("none"),
            )
        )

    def _refuse(self, on: date, by: str, reason: str) -> None:
        """Record that a party does not want the contract to be renewed: it ends with its term, or with the next one
        where the notice came too late.
        """
        self.ensure_one()
        end = self._end_by_refusal(on, by)
        self._write_unguarded({"refused_on": on, "refused_by": by, "refusal_reason": reason})
        self._end_on(end)
        self.message_post(
            body=self.env._(
                "Renewal refused on %(day)s (%(reason)s): the contract ends on %(end)s.",
                day=format_date(self.env, on),
                reason=reason,
                end=format_date(self.env, end),
            )
        )

    def _end_by_refusal(self, on: date, by: str) -> date:
        """The contract's last day when `by` refuses its renewal on that day."""
        self.ensure_one()
        if by == "customer" and self.free_exit_from and on >= self.free_exit_from:
            return on
        told_too_late = by == "customer" and self._information(on) == "missed"
        for renewals in count():  # a refusal that came in time for an earlier term holds, recorded late or not
            end = self._term_end(renewals)
            in_time = on <= self._notice_window(end).refusal_deadline
            if in_time or (told_too_late and renewals == self.renewal_count):
                return end

    def _send_information(self) -> None:
        template = self.env.ref(LETTER_BY_MAIL)
        self._check_told()
        for contract in self:
            if not contract.partner_id.email:
                raise UserError(
                    self.env._(
                        "%s has no e-mail address: print the letter, send it by post and say so with “Sent by post”.",
                        contract.partner_id.display_name,
                    )
                )
            letter = contract._letter()  # before the message: what cannot be kept as a proof does not leave
            contract.message_post_with_source(
                template,
                subtype_xmlid="mail.mt_comment",
                message_type="comment",
                partner_ids=contract.partner_id.ids,
            )
            contract._note_informed(self.env._("The customer was told of the coming renewal by e-mail."), letter)

    def _check_told(self) -> None:
        for contract in self.filtered(lambda contract: not contract.inform_from):
            raise UserError(
                self.env._("%s does not renew itself: there is no renewal to tell of.", contract.display_name)
            )

    def _letter(self) -> bytes:
        self.ensure_one()
        report = self.env["ir.actions.report"].with_context(lang=self.partner_id.lang)
        return report._render_qweb_pdf(LETTER, self.ids)[0]

    def _note_informed(self, how: str, letter: bytes) -> None:
        """Keep the letter as it left, as a proof."""
        self.ensure_one()
        name = self.env._("Renewal letter %(contract)s.pdf", contract=self.name.replace("/", "-"))
        today = self.company_id._service_today()
        if self._information(today) != "done":  # a second letter takes nothing from the first
            self._write_unguarded({"informed_on": today})
        self.message_post(body=how, attachments=[(name, letter)])

    def _term_in_words(self) -> str:
        """Term, renewal and notice as the printed contract says them; empty without a term."""
        self.ensure_one()
        if not self.term_months:
            return ""
        sentences = [
            self.env._(
                "Initial term of %(months)s months, until %(end)s.",
                months=self.term_months,
                end=format_date(self.env, self._term_end(0)),
            ),
            {
                "tacit": self.env._("Then renews itself for %s months at a time.", self.renewal_months),
                "express": self.env._("It may be renewed by agreement for %s months.", self.renewal_months),
                "none": self.env._("It ends with its term."),
            }[self.renewal],
        ]
        if self.renewal == "tacit":
            sentences.append(self._notice_in_words())
        return " ".join(sentences)

    def _notice_in_words(self) -> str:
        months, days = self.notice_months, self.notice_days
        if months and days:
            return self.env._(
                "Either party may refuse the renewal with a notice of %(months)s months and %(days)s days.",
                months=months,
                days=days,
            )
        if months:
            return self.env._("Either party may refuse the renewal with a notice of %s months.", months)
        if days:
            return self.env._("Either party may refuse the renewal with a notice of %s days.", days)
        return self.env._("Either party may refuse the renewal until the last day of a term.")

    @api.model
    def _cron_terms(self):
        """Renew what renews itself, tell customers and salespeople in time."""
        active = Domain([("state", "=", "active"), ("term_end", "!=", False)])
        for (company,) in self._read_group(active, ["company_id"]):
            contracts = self.with_company(company).with_context(lang=company._service_lang())
            today, of_company = company._service_today(), active & Domain("company_id", "=", company.id)
            over = Domain("term_end", "<", today) & Domain("date_end", "=", False)
            soon = Domain("refusal_deadline", "<=", today + timedelta(days=company.service_term_alert_days))
            telling = Domain("inform_from", "<=", today) & Domain("inform_until", ">=", today)
            protected = Domain("partner_id.legal_category", "in", PROTECTED_CATEGORIES)
            contracts._each(contracts.search(of_company & over), "_renew_to", today)
            contracts._each(contracts.search(of_company & telling & protected), "_inform_or_ask", today)
            contracts._each(contracts.search(of_company & soon), "_alert", today)

    @api.model
    def _each(self, contracts, method: str, today: date) -> None:
        """Call the method of each contract; one that fails stops no other."""
        for contract in contracts:
            try:
                with self.env.cr.savepoint():
                    getattr(contract, method)(today)
            except CONFLICTS:
                raise  # another process: the scheduler calls again
            except Exception as error:
                _logger.warning("%s of %s failed: %s", method, contract.name, error)
            self.env["ir.cron"]._commit_progress(1)

    def _renew_to(self, today: date) -> None:
        while self._renews() and self.term_end < today:
            self._renew()

    def _inform_or_ask(self, today: date) -> None:
        """Send the letter of the law, or have somebody send it by post."""
        if self._information(today) != "due":
            return
        if self.partner_id.email:
            self._send_information()
        else:
            self._ask_once(
                self.env._("Send the letter on the renewal by post"),
                self.env._("%s has no e-mail address: print the letter and note when it left.", self.partner_id.name),
                self.inform_until,
            )

    def _alert(self, today: date) -> None:
        """Tell the salesperson, once a term, that the contract is about to renew itself."""
        if self.refusal_deadline < today:
            return
        self._ask_once(
            self.env._("Renewal: refuse, renegotiate, or let it go on"),
            self.env._(
                "The contract renews itself after %(end)s unless it is refused by %(deadline)s.",
                end=format_date(self.env, self.term_end),
                deadline=format_date(self.env, self.refusal_deadline),
            ),
            self.refusal_deadline,
        )

    def _ask_once(self, summary: str, note: str, deadline: date) -> None:
        known = self.env["mail.activity"].search_count(
            [
                ("res_model", "=", self._name),
                ("res_id", "=", self.id),
                ("summary", "=", summary),
                ("date_deadline", "=", deadline),
                ("active", "in", (True, False)),
            ],
            limit=1,
        )
        if not known:
            user = self.user_id or self.env.user
            self.activity_schedule(ALERT_ACTIVITY, deadline, summary, note, user_id=user.id)


class TermCompany(models.Model):
    _inherit = "res.company"

    service_term_alert_days = fields.Integer(
        string="Alert Before Renewal (Days)",
        default=45,
        required=True,
        help="How many days before the last day to refuse it the salesperson is told of a coming renewal.",
    )

    _service_term_alert_days_positive = models.Constraint(
        "CHECK(service_term_alert_days >= 0)", "The alert before a renewal is a number of days, 0 or more."
    )
