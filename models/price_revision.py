import logging
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import count, dropwhile, takewhile

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools import float_compare, format_date, formatLang

from ..engine.indexation import revise
from ..engine.renewal import after_months
from .billing_run_item import CONFLICTS

_logger = logging.getLogger(__name__)

LETTER_BY_MAIL = "multiservice.mail_template_price_revision"
MOST_DECIMALS = 6  # of a price or a coefficient on a document


# Filled by the clause and decided by the buttons, never written otherwise.
GUARDED_FIELDS = frozenset(
    (
        "contract_id",
        "clause_id",
        "date",
        "ground",
        "state",
        "coefficient",
        "calculation",
        "index_months",
        "customer_accepted_on",
        "decided_by_id",
    )
)


class NoIndexValue(Exception):
    """Why a revision cannot be computed yet, in words."""


class PriceRevision(models.Model):
    """One revision of a contract's prices: proposed by the clause, decided by a person, kept with its calculation."""

    _name = "multiservice.price.revision"
    _description = "Price Revision"
    _inherit = ["mail.thread"]
    _order = "date desc, id desc"

    _date_uniq = models.UniqueIndex(
        "(contract_id, date) WHERE state != 'refused'", "The contract has a revision on that day already."
    )

    contract_id = fields.Many2one("multiservice.contract", required=True, readonly=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="contract_id.company_id", store=True, precompute=True)
    partner_id = fields.Many2one(related="contract_id.partner_id", string="Customer", store=True, precompute=True)
    currency_id = fields.Many2one(related="contract_id.currency_id")
    clause_id = fields.Many2one("multiservice.price.clause", readonly=True, ondelete="restrict")
    date = fields.Date(string="From", required=True, readonly=True, help="First day at the new price.")
    state = fields.Selection(
        [
            ("waiting", "Cannot be computed yet"),
            ("proposed", "To decide"),
            ("accepted", "Applied"),
            ("refused", "Refused"),
            ("skipped", "Below the threshold"),
        ],
        default="proposed",
        required=True,
        readonly=True,
        index=True,
        tracking=True,
    )
    coefficient = fields.Float(readonly=True, digits=(12, 6), aggregator="avg")
    calculation = fields.Text(readonly=True, help="The formula with the values of the indices, or what is missing.")
    index_months = fields.Json(readonly=True, help="Month of the value of each index, by its code.")
    line_ids = fields.One2many("multiservice.price.revision.line", "revision_id", string="Prices", readonly=True)
    amount_before = fields.Monetary(
        string="Before", compute="_compute_amounts", store=True, help="Sum of the old prices for one period each."
    )
    amount_after = fields.Monetary(
        string="After", compute="_compute_amounts", store=True, help="Sum of the new prices for one period each."
    )
    decided_by_id = fields.Many2one("res.users", readonly=True)

    @api.depends("date", "line_ids.amount_before", "line_ids.amount_after", "line_ids.line_id.date_start")
    def _compute_amounts(self):
        for revision in self:
            # A line that takes the place of another later on is not added to it.
            lines = revision.line_ids.filtered(lambda line, day=revision.date: line.line_id.date_start <= day)
            revision.amount_before = sum(lines.mapped("amount_before"))
            revision.amount_after = sum(lines.mapped("amount_after"))

    @api.depends("contract_id", "date")
    def _compute_display_name(self):
        for revision in self:
            revision.display_name = f"{revision.contract_id.name} – {format_date(self.env, revision.date)}"

    def write(self, vals):
        if GUARDED_FIELDS.intersection(vals):
            raise UserError(self.env._("A price revision is computed and decided by its buttons alone."))
        return super().write(vals)

    def _write_unguarded(self, vals):
        """Write what only the acts of this class may change."""
        return super().write(vals)  # pylint: disable=super-method-mismatch

    @api.ondelete(at_uninstall=False)
    def _unlink_except_applied(self):
        if applied := self.filtered(lambda revision: revision.state == "accepted"):
            raise UserError(
                self.env._("%s was applied: it is kept as the reason of the prices.", applied[0].display_name)
            )

    def action_compute(self):
        """Compute again: an index has its value now, or another one."""
        for revision in self:
            if revision.state in ("accepted", "refused") or not revision.clause_id:
                raise UserError(self.env._("%s was decided already, or follows no index.", revision.display_name))
            revision._compute_revision()

    def action_accept(self):
        """Apply the new prices from their day; what was billed since is corrected by the next billing run."""
        self.check_access("write")
        for revision in self:
            if revision.state not in ("proposed", "skipped"):
                raise UserError(
                    self.env._(
                        "%(revision)s cannot be applied, it is “%(state)s”.",
                        revision=revision.display_name,
                        state=revision._state_in_words(),
                    )
                )
            revision._check_current()
            revision.line_ids._apply()
            revision._write_unguarded({"state": "accepted", "decided_by_id": self.env.uid})
            revision.contract_id.message_post(
                body=self.env._(
                    "Prices revised from %(day)s: %(calculation)s",
                    day=format_date(self.env, revision.date),
                    calculation=revision.calculation,
                )
            )

    def action_refuse(self):
        """Leave the prices as they are; the next revision counts from the same reference."""
        for revision in self:
            if revision.state == "accepted":
                raise UserError(self.env._("%s was applied already.", revision.display_name))
        self._write_unguarded({"state": "refused", "decided_by_id": self.env.uid})

    def action_send_letter(self):
        """Tell the customers of their new prices by e-mail."""
        template = self.env.ref(LETTER_BY_MAIL)
        for revision in self:
            if revision.state != "accepted" or not revision.partner_id.email:
                raise UserError(
                    self.env._(
                        "%s: apply the revision first, and give the customer an e-mail address.",
                        revision.display_name,
                    )
                )
            revision.message_post_with_source(
                template,
                subtype_xmlid="mail.mt_comment",
                message_type="comment",
                partner_ids=revision.partner_id.ids,
            )

    def _state_in_words(self) -> str:
        return dict(self._fields["state"]._description_selection(self.env))[self.state]

    def _compute_revision(self) -> None:
        """Fill the revision from the clause and the values of the indices that are known now."""
        self.ensure_one()
        try:
            vals = self._revision_vals()
        except NoIndexValue as missing:
            vals = {"state": "waiting", "calculation": str(missing), "line_ids": []}
        lines = [Command.clear(), *(Command.create(line_vals) for line_vals in vals["line_ids"])]
        self._write_unguarded(vals | {"line_ids": lines})

    def _revision_vals(self) -> dict:
        """What the clause gives now: values of the revision, and of each of its lines.

        Raises NoIndexValue as long as the indices do not allow it.
        """
        self.ensure_one()
        contract = self.contract_id
        clause = contract.price_clause_id or self.clause_id
        clause._check_formula()
        clause._check_indices()
        base, current = contract._index_values(clause, self.date)
        values = [{code: value._linked() for code, value in of_day.items()} for of_day in (base, current)]
        result = revise(Decimal(1), clause._to_clause(), *values)
        change = abs(result.coefficient / contract._coefficient_in_force(clause, self.date) - 1) * 100
        # In the language of the customer, who reads it on its invoices.
        printed = self.with_context(lang=self.partner_id.lang or self.env.lang)
        return {
            "clause_id": clause.id,
            "state": "skipped" if not round(change, 4) or change < Decimal(str(clause.threshold)) else "proposed",
            "coefficient": float(result.coefficient),
            "calculation": printed._calculation(clause, base, current, result),
            "index_months": {code: value.month.isoformat() for code, value in current.items()},
            "line_ids": contract._revised_lines(clause, self.date, result.coefficient),
        }

    def _check_current(self) -> None:
        """Refuse to apply what the index values, the clause or the lines of the contract do not give any more."""
        self.ensure_one()
        try:
            vals = self._revision_vals()
        except NoIndexValue:
            vals = None
        names = ("price_before", "price_initial", "price_after")
        shown = {line.line_id.id: [line[name] for name in names] for line in self.line_ids}
        if vals is None or (
            vals["clause_id"] != self.clause_id.id
            or float_compare(vals["coefficient"], self.coefficient, precision_digits=6)
            or {line_vals["line_id"]: [line_vals[name] for name in names] for line_vals in vals["line_ids"]} != shown
        ):
            raise UserError(
                self.env._("%s: the contract or an index changed since, compute it again.", self.display_name)
            )

    def _calculation(self, clause, base, current, result) -> str:
        """The formula with its figures: 0.15 + 0.85 × 130.5 (05/2026) / 121.2 (05/2025) = 1.0652."""
        parts = [self._number(clause.fixed)] if clause.fixed else []
        for term in clause.term_ids:
            code = term.index_id.code
            now, then = (self._value_in_words(of_day[code]) for of_day in (current, base))
            parts.append(f"{self._number(term.weight)} × {code} {now} / {then}")
        text = f"{' + '.join(parts)} = {self._number(result.computed)}"
        if result.coefficient != result.computed:
            text += self.env._(", limited to %s", self._number(result.coefficient))
        return text

    def _value_in_words(self, value) -> str:
        number, link = self._number(value.value), value._link()
        if link != 1:
            number = f"({number} × {self._number(link)})"
        return f"{number} ({value.month:%m/%Y})"

    def _number(self, value) -> str:
        return formatLang(self.env, float(value), digits=min(_decimals(value), MOST_DECIMALS))


class PriceRevisionLine(models.Model):
    _name = "multiservice.price.revision.line"
    _description = "Revised Price"
    _order = "revision_id, id"

    revision_id = fields.Many2one("multiservice.price.revision", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="revision_id.company_id", store=True, precompute=True)
    currency_id = fields.Many2one(related="revision_id.currency_id")
    line_id = fields.Many2one("multiservice.contract.line", string="Service", required=True, ondelete="cascade")
    successor_id = fields.Many2one("multiservice.contract.line", string="New Line", readonly=True, ondelete="set null")
    price_before = fields.Float(string="Old Price", min_display_digits="Product Price")
    price_initial = fields.Float(
        string="Price of Reference",
        min_display_digits="Product Price",
        help="What the coefficient multiplies: the old price, or the initial one, as the clause says.",
    )
    price_after = fields.Float(string="New Price", min_display_digits="Product Price")
    amount_before = fields.Monetary(compute="_compute_amounts", store=True)
    amount_after = fields.Monetary(compute="_compute_amounts", store=True)

    @api.depends("line_id.quantity", "line_id.pricing", "line_id.discount", "price_before", "price_after")
    def _compute_amounts(self):
        for line in self:
            of_line = line.line_id
            units = (1.0 if of_line.pricing == "flat" else of_line.quantity) * (1 - of_line.discount / 100)
            line.amount_before = units * line.price_before
            line.amount_after = units * line.price_after

    def _apply(self) -> None:
        """Succeed each contract line by one at the new price."""
        for line in self:
            revision, before = line.revision_id, line.line_id
            env = self.with_context(lang=revision.partner_id.lang or self.env.lang).env
            note = env._(
                "Price revised on %(day)s: %(calculation)s",
                day=format_date(env, revision.date),
                calculation=revision.calculation,
            )
            line.successor_id = before._replace_from(
                max(revision.date, before.date_start),
                {"price_unit": line.price_after, "price_note": note, "name": before.name},
            )


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
        unit = Decimal(1).scaleb(-min(max(digits, _decimals(self.price_unit)), MOST_DECIMALS))
        return price.quantize(unit, rounding=ROUND_HALF_UP)

    def _keeps_price(self) -> bool:
        """Whether the line has the price of the one that it replaces."""
        self.ensure_one()
        return bool(self.predecessor_id) and self.predecessor_id.price_unit == self.price_unit

    def _is_revised(self) -> bool:
        """Whether the line has days of service at a price that the clause revises."""
        self.ensure_one()
        recurring = not self.display_type and self.pricing != "one_off"
        end = self._service_end()
        return recurring and not self.not_revised and (not end or end >= self.date_start)


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
        for line in self._lines_to_revise(day):
            initial = self._price_of_reference(clause, line, day)
            after = line._rounded_price(Decimal(str(initial)) * coefficient)
            vals_list.append(
                {
                    "line_id": line.id,
                    "price_before": line.price_unit,
                    "price_initial": initial,
                    "price_after": float(after),
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


def _decimals(number: float) -> int:
    return max(-Decimal(str(number)).normalize().as_tuple().exponent, 0)


def _months_between(earlier: date, later: date) -> int:
    return (later.year - earlier.year) * 12 + later.month - earlier.month
