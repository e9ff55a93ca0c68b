"""Short ways to write dates, lines and ledgers in tests."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from engine.periods import IssueRule, Period, Recurrence
from engine.plan import Charge, build_plan
from engine.pricing import Price
from engine.terms import Held, LineTerms, Schedule

CENT = Decimal("0.01")
FAR = date(2035, 1, 1)


def day(text: str) -> date:
    return date.fromisoformat(text)


def days(start: str, end: str) -> Period:
    return Period(day(start), day(end))


def monthly(start: date, **options) -> Schedule:
    """Calendar months in advance, billed when due, prorated by days; `options` are fields of Schedule."""
    first = start.replace(day=1)
    return Schedule(**{"recurrence": Recurrence("month", 1, first), "issue": IssueRule(), **options})


def line(start: str, end: str | None = None, *, price: str = "31", quantity: str = "1", **options) -> LineTerms:
    """A line alone in its succession, at 31 a month: one a day in January. `options` are fields of its terms,
    or of its schedule."""
    first, last = day(start), day(end) if end else None
    of_schedule = {name: options.pop(name) for name in list(options) if name in Schedule.__slots__}
    discount = Decimal(options.pop("discount", 0))
    terms = {
        "line": 1,
        "start": first,
        "end": last,
        "chain_start": first,
        "chain_end": last,
        "schedule": monthly(first, **of_schedule),
        "pricing": "unit",
        "price": Price(Decimal(quantity), Decimal(price), discount),
        "currency_unit": CENT,
    }
    return LineTerms(**{**terms, **options})


def plan(terms: LineTerms, through: str | date, held: Sequence[Held] = ()) -> list[Charge]:
    """The plan of one line, its whole life in the window."""
    return build_plan([(terms, held, terms.start)], day(through) if isinstance(through, str) else through)


def hold(charges: Iterable[Charge], held: Iterable[Held] = ()) -> list[Held]:
    """The ledger once `charges` were billed on top of `held`: one sum for each key."""
    sums: dict[tuple[Period, str, int | None], Decimal] = {(h.period, h.component, h.share): h.amount for h in held}
    for charge in charges:
        key = charge.period, charge.component, charge.share
        sums[key] = sums.get(key, Decimal(0)) + charge.amount
    return [Held(period, component, amount, share) for (period, component, share), amount in sums.items()]


def summary(charges: Iterable[Charge]) -> list[tuple[str, str, str, str]]:
    """What a reader of the invoice sees: kind, first day, last day, amount."""
    return [(c.kind, c.period.start.isoformat(), c.period.end.isoformat(), str(c.amount)) for c in charges]


def ratios(charges: Iterable[Charge]) -> list[Fraction]:
    return [charge.ratio for charge in charges]
