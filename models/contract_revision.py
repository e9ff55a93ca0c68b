import logging
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import count, dropwhile, takewhile

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import format_date

from ..engine.renewal import after_months
from .billing_run_item import CONFLICTS
from .price_revision import MOST_DECIMALS, NoIndexValue, decimals

_logger = logging.getLogger(__name__)


class RevisedLine(models.Model):
    _inherit = "multiservice.contract.line"

    not_revised = fields.Boolean(string="Price Not Revised", help="The contract's revision clause leaves this price.")
    price_note = fields.Text(
        readonly=True, copy=False, help="How the price was revised, printed on the invoice under the service."
    )

    def _in_force_before(self, day: date) -> bool:
        """Whether the price that a revision on `day` revises is this line's: the one of the day before, or that very
        price taken over by a line that begins on the day.
        """
        self.ensure_one()
        end = self._service_end()
        taken_over = self.date_start == day and self._keeps_price()
        return (self.date_start < day or taken_over) and (not end or end >= day)

    def _rounded_price(self, price: Decimal) -> Decimal:
        """`price` with as many decimals as prices have, or as the present one has."""
        digits = self.env["decimal.precision"].precision_get("Product Price")
        unit = Decimal(1).scaleb(-min(max(digits, decimals(self.price_unit)), MOST_DECIMALS))
        return price.quantize(unit, rounding=ROUND_HALF_UP)

    def _keeps_price(self) -> bool:
        """Whether the line has the prices of the one that it replaces."""
        self.ensure_one()
        before = self.predecessor_id
        return bool(before) and before.price_unit == self.price_unit and before._to_tariff() == self._to_tariff()

    def _is_revised(self) -> bool:
        """Whether the line has days of service at a price that the clause revises."""
        self.ensure_one()
        fixed = not self.display_type and self.pricing != "one_off" and not self.price_from_list
        end = self._service_end()
        return fixed and not self.not_revised and (not end or end >= self.date_start)


class RevisedContract(models.Model):
    _inherit = "multiservice.contract"

    price_clause_id = fields.Many2one(
        "multiservice.price.clause", string="Price Revision", ondelete="restrict", check_company=True, tracking=True
    )
    price_reference_month = fields.Date(
        string="Month of Reference",
        tracking=True,
        copy=False,
        help="Month of the index value of reference, where the contract names one. Empty: as the clause says, on the "
        "first day of the contract.",
    )
    price_revision_ids = fields.One2many(
        "multiservice.price.revision",
        "contract_id",
        string="Price Revisions",
        groups="multiservice.group_billing_user",
    )
    price_revision_count = fields.Integer(
        compute="_compute_price_revision_count", groups="multiservice.group_billing_user"
    )
    next_revision_date = fields.Date(
        compute="_compute_next_revision_date",
        store=True,
        index="btree_not_null",
        help="Day of the next price revision.",
    )

    @api.depends("price_revision_ids")
    def _compute_price_revision_count(self):
        for contract in self:
            contract.price_revision_count = len(contract.price_revision_ids)

    @api.depends(
        "state",
        "date_start",
        "date_end",
        "billed_until",
        "price_clause_id.frequency",
        "price_clause_id.month",
        "price_clause_id.interval_months",
        "price_revision_ids.date",
        "price_revision_ids.ground",
    )
    def _compute_next_revision_date(self):
        for contract in self:
            revised = contract.state == "active" and contract.price_clause_id and contract.date_start
            day = revised and contract._next_revision()
            contract.next_revision_date = day if day and (not contract.date_end or day <= contract.date_end) else False

    def action_view_price_revisions(self):
        return self.price_revision_ids._get_records_action(name=self.env._("Price revisions"))

    def action_propose_revision(self):
        """Propose the revisions that are due by now, without waiting for the night."""
        due = self.filtered(
            lambda contract: (
                contract.next_revision_date and contract.next_revision_date <= contract.company_id._service_today()
            )
        )
        if not due:
            raise UserError(self.env._("No price revision is due today on these contracts."))
        revisions = self.env["multiservice.price.revision"].union(*(contract._propose_revision() for contract in due))
        return revisions._get_records_action(name=self.env._("Price revisions"))

    @api.model
    def _cron_revisions(self):
        """Propose the revisions that are due, and compute again those that waited for an index."""
        for (company,) in self._read_group(Domain("next_revision_date", "!=", False), ["company_id"]):
            contracts = self.with_company(company).with_context(lang=company._service_lang())
            due = Domain("company_id", "=", company.id) & Domain("next_revision_date", "<=", company._service_today())
            for contract in contracts.search(due):
                contract._try(contract._propose_revision)
        Revision = self.env["multiservice.price.revision"]
        for revision in Revision.search([("state", "=", "waiting")]):
            company = revision.company_id
            revision = revision.with_company(company).with_context(lang=company._service_lang())
            revision.contract_id._try(revision._compute_revision)

    def _try(self, act) -> None:
        """Do what may fail for this contract, without stopping the others."""
        try:
            with self.env.cr.savepoint():
                act()
        except CONFLICTS:
            raise  # another process: the scheduler calls again
        except Exception as error:
            _logger.warning("price revision of %s failed: %s", self.name, error)
        self.env["ir.cron"]._commit_progress(1)

    def _propose_revision(self):
        """A revision on the next date, computed as far as the indices are known."""
        self.ensure_one()
        self.check_access("write")
        # sudo: nobody but the clause proposes a revision
        revision = (
            self.env["multiservice.price.revision"]
            .sudo()
            .create({"contract_id": self.id, "clause_id": self.price_clause_id.id, "date": self.next_revision_date})
        )
        revision = revision.sudo(self.env.su)
        revision._compute_revision()
        return revision

    def _revision_days(self):
        """The days of revision by the clause, in order, from the first one after the start."""
        self.ensure_one()
        clause, start = self.price_clause_id, self.date_start
        if clause.frequency == "month":
            days = (date(start.year + number, int(clause.month or 1), 1) for number in count())
            return dropwhile(lambda day: day <= start, days)
        step = 12 if clause.frequency == "anniversary" else clause.interval_months
        return (after_months(start, number * step) for number in count(1))

    def _next_revision(self) -> date:
        """The first day of revision after the last one, and after what the previous system billed."""
        self.ensure_one()
        revised = self._index_revisions().mapped("date")
        known = [self.date_start, self.billed_until or self.date_start, *revised]
        return next(day for day in self._revision_days() if day > max(known))

    def _first_reference_day(self) -> date:
        """Since when the first price that is known here holds: the start of the contract or, where another system
        billed it, the last revision of that system.
        """
        self.ensure_one()
        billed_until = self.billed_until or date.min
        return max(takewhile(lambda day: day <= billed_until, self._revision_days()), default=self.date_start)

    def _index_revisions(self):
        """The revisions that the clause proposed; prices changed for another reason do not count for the next one."""
        return self.price_revision_ids.filtered(lambda revision: revision.ground == "index")

    def _applied_before(self, day: date):
        """The last applied revision before that day."""
        applied = self._index_revisions().filtered(lambda one: one.state == "accepted" and one.date < day)
        return applied.sorted("date")[-1:]

    def _coefficient_in_force(self, clause, day: date) -> Decimal:
        """By what the price that the clause revises was multiplied to give that in force before `day`."""
        last = self._applied_before(day)
        return Decimal(str(last.coefficient)) if clause.reference == "initial" and last else Decimal(1)

    def _index_values(self, clause, day: date) -> tuple[dict, dict]:
        """The values of the clause's indices by code: those of reference, and those for a revision on `day`.

        Raises NoIndexValue, with what is missing, or when the law forbids the comparison.
        """
        self.ensure_one()
        base, current = {}, {}
        last = self._applied_before(day) if clause.reference == "last" else self.price_revision_ids.browse()
        since = last.date or self._first_reference_day()
        for index in clause.term_ids.index_id:
            month = (last.index_months or {}).get(index.code) if last else self.price_reference_month
            base[index.code] = index._of_month(fields.Date.to_date(month)) if month else clause._value_on(index, since)
            current[index.code] = clause._value_on(index, day)
            self._check_index_values(index, base[index.code], current[index.code], since, day)
        return base, current

    def _check_index_values(self, index, base, current, since: date, day: date) -> None:
        for value, when in ((base, since), (current, day)):
            if not value:
                raise NoIndexValue(
                    self.env._(
                        "The index %(index)s has no final value for %(day)s: enter it under “Price indices”.",
                        index=index.code,
                        day=format_date(self.env, when),
                    )
                )
        window = _months_between(base.month, current.month)
        elapsed = _months_between(since.replace(day=1), day.replace(day=1))
        if window > elapsed:
            raise NoIndexValue(
                self.env._(
                    "The index %(index)s would be compared over %(window)s months, the price being %(elapsed)s months "
                    "old: C. mon. fin. art. L112-1 deems that unwritten. Mend the month of reference of the contract.",
                    index=index.code,
                    window=window,
                    elapsed=elapsed,
                )
            )

    def _lines_to_revise(self, day: date):
        """The recurring services in force on that day that are revised, and what took their place since at the same
        price.
        """
        self.ensure_one()
        lines = self.line_ids.browse()
        for line in self.line_ids.filtered(lambda line: line._in_force_before(day)):
            lines |= line
            while any(later._keeps_price() for later in line.successor_ids):
                line = line.successor_ids
                lines |= line
        return lines.filtered(lambda line: line._is_revised())

    def _revised_lines(self, clause, day: date, coefficient: Decimal) -> list[dict]:
        """Values of the lines of a revision by `coefficient`."""
        vals_list = []
        factor = float(coefficient / self._coefficient_in_force(clause, day))
        for line in self._lines_to_revise(day):
            initial = self._price_of_reference(clause, line, day)
            after = line._rounded_price(Decimal(str(initial)) * coefficient)
            vals_list.append(
                {
                    "line_id": line.id,
                    "price_before": line.price_unit,
                    "price_initial": initial,
                    "price_after": float(after),
                    "factor": factor if line._has_other_prices() else 1.0,
                }
            )
        return vals_list

    def _price_of_reference(self, clause, line, day: date) -> float:
        """The price that the coefficient multiplies. Under a clause on the initial price it is that of before all
        revisions; a price agreed anew since is brought back by the coefficient of the last revision.
        """
        last = self._applied_before(day)
        if clause.reference == "last" or not last:
            return line.price_unit
        origin = line
        while origin._keeps_price():
            origin = origin.predecessor_id
        known = last.line_ids.filtered(lambda one: one.successor_id == origin)
        if known and known.price_after == line.price_unit:
            return known.price_initial
        return round(line.price_unit / last.coefficient, MOST_DECIMALS)


def _months_between(earlier: date, later: date) -> int:
    return (later.year - earlier.year) * 12 + later.month - earlier.month
