from datetime import date, timedelta
from decimal import Decimal

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tools import format_date

from ..engine.periods import Period
from ..engine.revenue import contracted, monthly

PARTIES = [("customer", "The customer"), ("company", "Us")]
INDEMNITIES = [
    ("fixed", "An amount"),
    ("months", "Months of recurring revenue"),
    ("remaining", "Per cent of what would have been billed until the regular end"),
]
INDEMNITY_FIELDS = ("indemnity_kind", "indemnity_value", "indemnity_damages")


class TerminationReason(models.Model):
    """Why contracts are terminated: chosen from a list, so that it can be counted."""

    _name = "multiservice.termination.reason"
    _description = "Termination Reason"
    _order = "sequence, name"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)


class IndemnityMixin(models.AbstractModel):
    """What a contract, or a contract type, says of an end before the regular one."""

    _inherit = "multiservice.term.mixin"

    indemnity_kind = fields.Selection(
        INDEMNITIES,
        string="Early-Termination Indemnity",
        help="Owed by a customer that ends the contract before its regular end. Empty: none.",
    )
    indemnity_value = fields.Float(string="Indemnity", digits=(16, 2), help="The amount, the months or the per cent.")
    indemnity_damages = fields.Boolean(
        string="Pure Damages",
        help="The clause makes good a loss and pays for no service: outside VAT, and off the invoices. Otherwise the "
        "indemnity bears VAT like the services (CJEU, C-295/17 and C-43/19).",
    )

    @api.constrains("indemnity_kind", "indemnity_value")
    def _check_indemnity(self):
        for terms in self:
            too_much = terms.indemnity_kind == "remaining" and terms.indemnity_value > 100
            if terms.indemnity_value < 0 or too_much:
                raise ValidationError(
                    self.env._(
                        "%s: an early-termination indemnity is not negative, and at most 100 %% of what remains.",
                        terms.display_name,
                    )
                )

    def _term_vals(self) -> dict:
        return super()._term_vals() | {name: self[name] for name in INDEMNITY_FIELDS}


class TerminatedContract(models.Model):
    """The end of a contract by one of the parties: when it may end, and what an earlier end costs."""

    _inherit = "multiservice.contract"

    terminated_on = fields.Date(readonly=True, copy=False, tracking=True, help="When the notice was given.")
    terminated_by = fields.Selection(PARTIES, readonly=True, copy=False)
    termination_reason_id = fields.Many2one(
        "multiservice.termination.reason",
        readonly=True,
        copy=False,
        tracking=True,
        ondelete="restrict",
        index="btree_not_null",
        groups="multiservice.group_planner",
    )

    def action_terminate(self):
        """A new amendment that ends the contract, proposed as if the customer gave notice today."""
        self.ensure_one()
        today = self.company_id._service_today()
        regular_end = self._regular_end(today, "customer")
        action = self.action_amend()
        context = {
            "default_title": self.env._("Termination"),
            "default_date_effect": regular_end + timedelta(days=1),
            "default_change_ids": [Command.create({"kind": "terminate", "notice_on": today})],
        }
        return action | {"name": self.env._("Terminate…"), "context": action["context"] | context}

    def _regular_end(self, on: date, by: str) -> date:
        """The contract's last day when `by` gives notice on `on`: its end, that of its term, or after the notice."""
        self.ensure_one()
        if self.date_end:
            return self.date_end
        if self.term_end:
            return self._end_by_refusal(on, by)
        return on + relativedelta(months=self.notice_months) + timedelta(days=self.notice_days)

    def _indemnity(self, last: date, regular_end: date) -> float:
        """What ending on `last` rather than `regular_end` costs by the contract's clause, before VAT."""
        self.ensure_one()
        if last >= regular_end or not self.indemnity_kind:
            return 0.0
        value = Decimal(str(self.indemnity_value))
        lines = self.line_ids.filtered(lambda line: not line.display_type)
        if self.indemnity_kind == "months":
            value *= sum((monthly(line._to_terms(), last) for line in lines), Decimal(0))
        elif self.indemnity_kind == "remaining":
            value *= self._contracted_between(lines, last + timedelta(days=1), regular_end) / 100
        return self.currency_id.round(float(value))

    def _contracted_between(self, lines, start: date, end: date) -> Decimal:
        """What the lines' terms say for these days, by days of service."""
        parts = [by_day for line in lines for by_day in self._contracted_days(line, Period(start, end))]
        return sum(parts, Decimal(0))

    @api.model
    def _contracted_days(self, line, window: Period) -> list[Decimal]:
        """What the terms of a recurring line say for the days of `window`: whole months as they are, others by days."""
        if line.pricing == "one_off":
            return []
        terms, parts = line._to_terms(), []
        for month, amount in contracted(terms, window).items():
            last = month + relativedelta(months=1, days=-1)
            days = (min(last, window.end) - max(month, window.start)).days + 1
            parts.append(amount * days / last.day)
        return parts


class TerminationChange(models.Model):
    """The termination of a contract, as a change of an amendment."""

    _inherit = "multiservice.amendment.change"

    termination_reason_id = fields.Many2one(
        "multiservice.termination.reason", string="Why It Ends", ondelete="restrict"
    )
    terminated_by = fields.Selection(PARTIES, string="By", default="customer")
    notice_on = fields.Date(
        string="Notice Given On", help="When the letter was received, or sent: counts for the notice."
    )
    regular_end = fields.Date(
        compute="_compute_regular_end", store=True, help="The earliest last day by the contract's term and notice."
    )
    notice_respected = fields.Boolean(compute="_compute_regular_end", store=True)
    indemnity = fields.Monetary(
        compute="_compute_indemnity",
        store=True,
        readonly=False,
        groups="multiservice.group_billing_user",
        help="Before VAT; computed by the contract's clause, 0 to waive it.",
    )

    @api.depends(
        "kind", "date_last", "notice_on", "terminated_by", "amendment_id.date_effect", "amendment_id.date_billing"
    )
    def _compute_regular_end(self):
        for change in self:
            contract, given = change.contract_id, change.notice_on
            known = change.kind == "terminate" and given and contract.date_start and change.amendment_id.date_effect
            end = known and contract._regular_end(given, change.terminated_by or "customer")
            change.regular_end = end
            change.notice_respected = bool(end) and change._last_day() >= end

    @api.depends(
        "kind", "date_last", "notice_on", "terminated_by", "amendment_id.date_effect", "amendment_id.date_billing"
    )
    def _compute_indemnity(self):
        for change in self:
            owed = change.regular_end and change.terminated_by == "customer"
            change.indemnity = owed and change.contract_id._indemnity(change._last_day(), change.regular_end)

    def _apply_terminate(self) -> dict:
        contract, last = self.contract_id, self._last_day()
        self.flush_recordset(["regular_end", "indemnity"])  # of the contract as it is before
        contract._check_end(last)
        prolonging = contract.suspension_ids.filtered("days_added")
        done = {
            "date_end": contract.date_end.isoformat() if contract.date_end else None,
            "prolonging": [[suspension.id, suspension.days_added] for suspension in prolonging],
        }
        contract._stop_prolonging(last)
        contract._end_on(last)
        contract._write_unguarded(
            {
                "terminated_on": self.notice_on or contract.company_id._service_today(),
                "terminated_by": self.terminated_by,
                "termination_reason_id": self.termination_reason_id.id,
            }
        )
        if self.indemnity and contract.indemnity_damages:
            self.env["account.move"].create(self._prepare_damages_vals())
        elif self.indemnity:
            self._add(self.env["multiservice.contract.line"].create(self._prepare_indemnity_vals()))
        return done

    def _undo_terminate(self, done: dict) -> None:
        contract = self.contract_id
        contract._end_on(date.fromisoformat(done["date_end"]) if done["date_end"] else None)
        for suspension_id, days in done["prolonging"]:
            suspension = self.env["multiservice.suspension"].browse(suspension_id)
            suspension.days_added = days  # first, so that the end is not moved once more
            suspension.prolong = True
        contract._write_unguarded({"terminated_on": False, "terminated_by": False, "termination_reason_id": False})

    def _prepare_damages_vals(self) -> dict:
        """A draft entry, not an invoice: damages pay for nothing, bear no VAT and are no business of e-invoices."""
        contract, company = self.contract_id, self.contract_id.company_id
        customer = contract.partner_id.with_company(company)
        label = self.env._("Damages for the early end of contract %s", contract.name)
        day = company._service_today()
        amount = contract.currency_id._convert(self.indemnity, company.currency_id, company, day)
        owed = {"account_id": customer.property_account_receivable_id.id, "date_maturity": day}
        earned = {"account_id": company._damages_account().id}
        return {
            "move_type": "entry",
            "company_id": company.id,
            "journal_id": company._guarantee_journal().id,
            "date": day,
            "ref": label,
            "service_amendment_id": self.amendment_id.id,
            "line_ids": [
                Command.create(
                    {
                        "name": label,
                        "partner_id": customer.id,
                        "currency_id": contract.currency_id.id,
                        "amount_currency": sign * self.indemnity,
                        "balance": sign * amount,
                    }
                    | values
                )
                for sign, values in ((1, owed), (-1, earned))
            ],
        }

    def _prepare_indemnity_vals(self) -> dict:
        """A one-off line, with the taxes of the contract's services: an indemnity bears VAT as they do."""
        contract, last = self.contract_id, self._last_day()
        services = contract.line_ids.filtered(lambda line: not line.display_type and line.tax_ids)
        main = services.sorted("amount", reverse=True)[:1]
        env = self.with_context(lang=self.partner_id.lang or self.env.lang).env
        return {
            "contract_id": contract.id,
            "sequence": 10 + max(contract.line_ids.mapped("sequence"), default=0),
            "name": env._(
                "Early-termination indemnity: the contract would have ended on %s", format_date(env, self.regular_end)
            ),
            "pricing": "one_off",
            "price_unit": self.indemnity,
            "tax_ids": [Command.set(main.tax_ids.ids)],
            "date_start": last,
        }


class DamagesCompany(models.Model):
    _inherit = "res.company"

    service_damages_account_id = fields.Many2one(
        "account.account",
        string="Account of Damages",
        domain="[('account_type', 'in', ('income', 'income_other'))]",
        check_company=True,
        help="Early-termination indemnities that are pure damages. Empty: 7581 of the French chart.",
    )

    def _damages_account(self):
        """Raises UserError where there is none."""
        self.ensure_one()
        account = self.service_damages_account_id or self._chart_account("pcg_7581")
        if not account:
            raise UserError(self.env._("Choose the account of damages (7581) in the settings of service billing."))
        return account


class DamagesSettings(models.TransientModel):
    _inherit = "res.config.settings"

    service_damages_account_id = fields.Many2one(related="company_id.service_damages_account_id", readonly=False)
