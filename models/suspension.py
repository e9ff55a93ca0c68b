from datetime import date, timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_date

from ..engine.periods import Period, merged

OPEN_STATES = ("draft", "active", "ended")
# What decides which days of which lines are suspended, and what the contract's end gains by it.
DECIDING_FIELDS = frozenset(("contract_id", "site_id", "line_id", "date_start", "date_end", "prolong"))


class Suspension(models.Model):
    """Days on which a contract, one of its sites or one of its lines is not served, and costs nothing.

    What was billed for these days is credited by the next billing run, and billed again if the suspension is
    shortened or taken back: the ledger compares with what the terms say. One-off services are not concerned.
    """

    _name = "multiservice.suspension"
    _description = "Suspension"
    _order = "date_start desc, id desc"
    _check_company_auto = True

    _dates_ordered = models.Constraint(
        "CHECK(date_end IS NULL OR date_end >= date_start)", "A suspension cannot end before it starts."
    )
    _one_scope = models.Constraint(
        "CHECK(site_id IS NULL OR line_id IS NULL)", "A suspension is of the contract, of a site, or of one line."
    )

    contract_id = fields.Many2one("multiservice.contract", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="contract_id.company_id", store=True, precompute=True)
    partner_id = fields.Many2one(related="contract_id.partner_id", string="Customer", store=True, precompute=True)
    site_id = fields.Many2one(
        "res.partner",
        domain="[('id', 'in', contract_site_ids)]",
        index="btree_not_null",
        ondelete="restrict",
        help="Empty: the whole contract.",
    )
    contract_site_ids = fields.Many2many(related="contract_id.site_ids", string="Sites of the Contract")
    line_id = fields.Many2one(
        "multiservice.contract.line",
        string="Service",
        domain="[('contract_id', '=', contract_id), ('display_type', '=', False), ('pricing', '!=', 'one_off')]",
        index="btree_not_null",
        ondelete="cascade",
        help="One service only, with the lines that replace it. Empty: the whole contract or site.",
    )
    date_start = fields.Date(string="From", required=True, help="First day that is not served.")
    date_end = fields.Date(string="To", help="Last day that is not served. Empty: until it is known.")
    reason = fields.Char(required=True, help="Why the service is suspended; for the office, not printed.")
    prolong = fields.Boolean(
        string="Prolong the Contract",
        help="The contract ends as many days later as it was suspended, once the last day is known.",
    )
    days_added = fields.Integer(
        readonly=True, copy=False, help="Days by which the contract's term, and its end if it has one, were moved."
    )
    consequence = fields.Text(compute="_compute_consequence")

    @api.depends("contract_id", "site_id", "line_id", "date_start", "date_end")
    def _compute_display_name(self):
        for suspension in self:
            scope = suspension.line_id._first_line() if suspension.line_id else suspension.site_id.name
            where = " – ".join(filter(None, [suspension.contract_id.name, scope]))
            suspension.display_name = f"{where} ({suspension._days_in_words()})"

    @api.depends("contract_id", "site_id", "line_id", "date_start", "date_end")
    def _compute_consequence(self):
        for suspension in self:
            suspension.consequence = suspension._consequence() if suspension.date_start else False

    @api.constrains("contract_id", "site_id", "line_id", "prolong")
    def _check_scope(self):
        for suspension in self:
            contract = suspension.contract_id
            if contract.state not in OPEN_STATES:
                raise ValidationError(
                    self.env._("Contract %s is cancelled: there is nothing to suspend.", contract.display_name)
                )
            if not suspension._lines():
                raise ValidationError(
                    self.env._(
                        "Nothing of contract %s would be suspended: choose one of its sites or recurring services.",
                        contract.display_name,
                    )
                )
            if suspension.prolong and (suspension.site_id or suspension.line_id):
                raise ValidationError(
                    self.env._("Only the suspension of a whole contract can prolong it, not that of a site or service.")
                )

    @api.constrains("contract_id", "site_id", "line_id", "date_start", "date_end")
    def _check_dates(self):
        for suspension in self:
            suspension._check_taken_over()
            for other in suspension.contract_id.suspension_ids - suspension:
                if suspension._lines() & other._lines() and suspension._period().intersection(other._period()):
                    raise ValidationError(
                        self.env._(
                            "%(one)s and %(other)s overlap: change the days of one of them.",
                            one=suspension.display_name,
                            other=other.display_name,
                        )
                    )

    def _check_taken_over(self):
        """The days that another system billed are credited by hand: this ledger does not hold them."""
        for line in self._lines():
            first = line._first_billable_day()
            if first and self.date_start < first:
                raise ValidationError(
                    self.env._(
                        "“%(line)s” was billed by the previous system until %(day)s: suspend it from the day after, "
                        "and credit the days before by hand.",
                        line=line._first_line(),
                        day=format_date(self.env, first - timedelta(days=1)),
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        suspensions = super().create(vals_list)
        for suspension in suspensions:
            suspension._replan(suspension._lines(), suspension.date_start)
            suspension._tell(suspension.env._("Suspended: %s", suspension._in_words()))
        suspensions._settle_prolongation()
        return suspensions

    def write(self, vals):
        if not DECIDING_FIELDS.intersection(vals):
            return super().write(vals)
        if "contract_id" in vals and any(suspension.contract_id.id != vals["contract_id"] for suspension in self):
            raise UserError(self.env._("A suspension stays with its contract: make another on the other one."))
        before = {suspension: (suspension._lines(), suspension.date_start) for suspension in self}
        result = super().write(vals)
        for suspension, (lines, day) in before.items():
            suspension._replan(lines | suspension._lines(), min(day, suspension.date_start))
            suspension._tell(suspension.env._("Suspension changed: %s", suspension._in_words()))
        self._settle_prolongation()
        return result

    def unlink(self):
        touched = [(suspension.contract_id, suspension._lines(), suspension.date_start) for suspension in self]
        for suspension in self:
            suspension._tell(suspension.env._("Suspension taken back: %s", suspension._in_words()))
            suspension._move_end_of_contract(0)
        result = super().unlink()
        for _contract, lines, day in touched:
            self._replan(lines, day)
        return result

    def action_resume(self):
        """End open suspensions yesterday: service goes on today."""
        for suspension in self.filtered(lambda suspension: not suspension.date_end):
            yesterday = suspension.company_id._service_today() - timedelta(days=1)
            if yesterday < suspension.date_start:
                suspension.unlink()  # not one day of it was left
            else:
                suspension.date_end = yesterday

    def _pauses(self, line) -> tuple[Period, ...]:
        """The days on which `line` is suspended by these suspensions of its contract."""
        if line.pricing == "one_off":
            return ()
        return merged(suspension._period() for suspension in self if suspension.date_start and suspension._covers(line))

    def _period(self) -> Period:
        self.ensure_one()
        return Period(self.date_start, max(self.date_end or date.max, self.date_start))

    def _covers(self, line) -> bool:
        self.ensure_one()
        if self.line_id:
            return line._chain_root() == self.line_id._chain_root()
        return not self.site_id or line.site_id == self.site_id

    def _lines(self):
        """The contract's recurring lines that are suspended."""
        self.ensure_one()
        return self.contract_id.line_ids.filtered(
            lambda line: not line.display_type and line.pricing != "one_off" and self._covers(line)
        )

    @api.model
    def _replan(self, lines, day: date) -> None:
        """Have the next billing run look at what was billed of `lines` since `day`."""
        for line in lines.exists().filtered("is_held"):
            line.replan_from = line._touch(day)
        # sudo: the ledger is written by billing alone, never by hand
        self.env["multiservice.billable"].sudo()._drop_stale(lines.exists().sudo())

    def _settle_prolongation(self) -> None:
        """Move the contracts' ends by the days that their suspensions add by now."""
        for suspension in self:
            known = suspension.prolong and suspension.date_end
            suspension._move_end_of_contract(suspension._period().days if known else 0)

    def _move_end_of_contract(self, days: int) -> None:
        self.ensure_one()
        contract, more = self.contract_id, days - self.days_added
        if contract.date_end and more:
            contract._end_on(contract.date_end + timedelta(days=more))
        self.days_added = days

    def _consequence(self) -> str:
        """What the suspension does to what was billed, for the person who decides."""
        self.ensure_one()
        lines = self._lines()
        billed_to = max((line.billed_to for line in lines if line.billed_to), default=None)
        if billed_to and billed_to >= self.date_start:
            if self._origin and not any(lines.mapped("replan_from")):
                return self.env._("What was billed of these days has been credited.")
            return self.env._(
                "Billed to %(billed)s: the days from %(start)s to %(end)s are credited by the next billing run.",
                billed=format_date(self.env, billed_to),
                start=format_date(self.env, self.date_start),
                end=format_date(self.env, min(billed_to, self.date_end or billed_to)),
            )
        return self.env._("Nothing that was billed changes: these days will not be billed.")

    def _tell(self, message: str) -> None:
        self.contract_id.message_post(body=message)

    def _in_words(self) -> str:
        return f"{self.display_name}, {self.reason}"

    def _days_in_words(self) -> str:
        start, end = format_date(self.env, self.date_start), format_date(self.env, self.date_end)
        return f"{start} – {end}" if end else self.env._("from %s", start)


class SuspendedContract(models.Model):
    _inherit = "multiservice.contract"

    @api.depends(*(f"suspension_ids.{name}" for name in ("date_start", "date_end", "site_id", "line_id")))
    def _compute_suspensions(self):
        for contract in self:
            today = contract.company_id._service_today() if contract.company_id else fields.Date.today()
            whole = contract.suspension_ids.filtered(lambda suspension: not (suspension.site_id or suspension.line_id))
            contract.suspension_count = len(contract.suspension_ids)
            contract.is_suspended = any(
                suspension.date_start and suspension._period().includes(today) for suspension in whole
            )

    def action_suspend(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.suspension_new_action")
        return action | {"context": {"default_contract_id": self.id}}

    def action_view_suspensions(self):
        return self.suspension_ids._get_records_action(
            name=self.env._("Suspensions"), context={"default_contract_id": self.id if len(self) == 1 else False}
        )

    def _stop_prolonging(self, day: date | None) -> None:
        """From now on the end is `day`, chosen by a person: what was suspended before moves it no more."""
        for contract in self.filtered(lambda contract: day and contract.date_end != day):
            prolonging = contract.suspension_ids.filtered("days_added")
            prolonging.days_added = 0
            prolonging.prolong = False


class SuspendedLine(models.Model):
    _inherit = "multiservice.contract.line"

    @api.ondelete(at_uninstall=False)
    def _unlink_suspensions(self):
        """Suspensions stay with what the line replaced, or go with the line and say so."""
        for suspension in self.env["multiservice.suspension"].search([("line_id", "in", self.ids)]):
            line = suspension.line_id
            while line in self:
                line = line.predecessor_id
            if line:
                suspension.line_id = line
            else:
                suspension.unlink()
