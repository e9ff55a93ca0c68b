"""The plan: from what lines say and what the ledger holds to what is left to bill.

The stages, in the order in which they follow each other for each period of a line:

    1. periods     which days the period spans, and which of them are served and not suspended
    2. proration   which part of the period counts
    3. pricing     what the whole period costs, component by component, then the part of it that counts
    4. allowance   what an hours bank covers, at zero; what exceeds the quantity included
    5. minimum     what is missing up to the minimum of the period
    6. penalties   the approved ones that lower the price, whatever the minimum
    7. split       which payer owes what of each component
    8. ledger      less what is held already of each component and payer
    9. issue date  from when it may be billed
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import partial
from itertools import count, groupby, takewhile
from typing import Literal

from . import allowance, pricing
from .periods import ONE_DAY, Period, issue_date, span
from .pricing import Part, Price, Tariff
from .proration import NOTHING, WHOLE, ratio
from .split import PayerPart, Whole, split
from .terms import Held, LineTerms

Kind = Literal["whole", "prorated", "free", "one_off", "correction"]

PRICING: dict[str, Callable[[Price, Tariff], Sequence[Part]]] = {
    "flat": pricing.flat,
    "unit": pricing.unit,
    "graduated": pricing.by_slice,
    "volume": pricing.by_volume,
    "package": pricing.by_package,
    "smoothed": pricing.flat,
    "one_off": pricing.unit,
}
# Priced for the period, not by the quantity: where the quantity is measured, only these are prorated.
FIXED = ("flat", "smoothed")


@dataclass(frozen=True, slots=True)
class Charge:
    """An amount for one period and component of a line, with all that explains it.

    `period`: days of service, as printed; `full`: the whole period of the schedule (of a withdrawn key, its own);
    `ratio`: the part that counts; `price`: the price of the whole period; `billed`: the price on the invoice line;
    `less`: what the other components come to, of a minimum; `held`: what was billed before, for a correction;
    `measured`: the quantity measured in the period; `issue`: the day from which it may be billed; `pauses`: the
    suspensions that fall in it.
    `share`: whose part it is, None for the customer; `whole`: what the component costs all payers together, where
    there are several; `units`: how many of them the payer takes a part of; `shown`: the parts in the amount that
    others pay without an invoice of ours.
    """

    line: int
    component: str
    kind: Kind
    period: Period
    full: Period
    ratio: Fraction
    price: Price
    billed: Price
    amount: Decimal
    issue: date
    held: Decimal = Decimal(0)
    pauses: tuple[Period, ...] = ()
    less: Decimal = Decimal(0)
    measured: Decimal | None = None
    share: int | None = None
    whole: Decimal | None = None
    units: Fraction | None = None
    shown: tuple[tuple[int, Decimal], ...] = ()


def window_start(terms: LineTerms, since: date) -> date:
    """The first day whose held keys must be known to plan from `since`: the start of the period that holds it."""
    if terms.pricing == "one_off":
        return terms.start
    recurrence = terms.schedule.recurrence
    return recurrence.period(recurrence.index(since)).start


def charges(terms: LineTerms, since: date) -> Iterator[Charge]:
    """What the terms say for every period from the one that holds `since`, in order, one charge for each component
    of a period; endless for an open line.
    """
    for owed in _owed(terms, since):
        yield from owed


def by_period(charges: Iterable[Charge]) -> Iterator[list[Charge]]:
    """`charges`, which come in the order of their periods, with those of one period together."""
    return (list(of_period) for _start, of_period in groupby(charges, key=lambda charge: charge.full.start))


def _owed(terms: LineTerms, since: date) -> Iterator[Sequence[Charge]]:
    """The charges of each period, of which there is at least one."""
    if terms.pricing == "one_off":
        served = _served(terms, Period(terms.start, terms.start))
        if served:
            yield _shared(terms, _components(terms, served, served, WHOLE, "one_off"))
        return
    recurrence = terms.schedule.recurrence
    for n in count(recurrence.index(max(since, terms.start))):
        full = recurrence.period(n)
        if (terms.end is not None and full.start > terms.end) or _is_over(terms, full):
            return
        served = _served(terms, full)
        if served:
            part = _ratio(terms, full)
            yield _shared(terms, _components(terms, full, served, part, "whole" if part == 1 else "prorated"))


def proposals(terms: LineTerms, held: Sequence[Held], since: date) -> Iterator[Charge]:
    """What is left to bill: the charges from `since` on that the ledger does not hold, and corrections of those it
    holds at another amount, in the order of their periods.

    `held` must list every held key of the line that ends on or after `window_start`. What lies before `not_before`
    belongs to another system and is left alone.
    """
    first = terms.not_before or date.min
    pending = sorted((h for h in held if h.period.start >= first), key=lambda h: h.period.start)
    for owed in _owed(terms, min([since, *(h.period.start for h in pending)])):
        full = owed[0].full
        while pending and pending[0].period.start < full.start:
            yield from _withdrawal(terms, pending.pop(0))
        mine = [h for h in pending if h.period.start <= full.end]
        del pending[: len(mine)]
        yield from _differences(terms, owed, mine) if mine else owed
    for key in pending:
        yield from _withdrawal(terms, key)


def build_plan(lines: Iterable[tuple[LineTerms, Sequence[Held], date]], through: date) -> list[Charge]:
    """All that may be billed on `through`, for each line with what is held and the day since when to plan.

    Issue dates rise along the periods of a line: the first one after `through` ends it.
    """
    plan: list[Charge] = []
    for terms, held, since in lines:
        plan.extend(takewhile(lambda charge: charge.issue <= through, proposals(terms, held, since)))
    return plan


def _is_over(terms: LineTerms, full: Period) -> bool:
    """Whether `full` lies in a suspension that nobody ended yet: no later period is served either."""
    return any(pause.end == date.max and pause.start <= full.start for pause in terms.pauses)


def _served(terms: LineTerms, full: Period) -> Period | None:
    """The days of `full` on which the line is served and may be billed, from the first to the last of them."""
    days = _in_force(terms, full)
    return _outer(_active(terms, days)) if days else None


def _in_force(terms: LineTerms, full: Period) -> Period | None:
    """The days of `full` on which the line exists and may be billed, suspended or not."""
    start = max(full.start, terms.start, terms.not_before or full.start)
    return span(start, min(full.end, terms.end or full.end))


def _active(terms: LineTerms, days: Period) -> list[Period]:
    """The parts of `days` that are not suspended."""
    parts: list[Period] = []
    start = days.start
    for pause in terms.pauses:
        if pause.intersection(Period(start, days.end)):
            parts += filter(None, [span(start, pause.start - ONE_DAY)])
            if pause.end >= days.end:
                return parts
            start = pause.end + ONE_DAY
    return [*parts, Period(start, days.end)]


def _suspended(terms: LineTerms, full: Period) -> tuple[Period, ...]:
    """The suspensions that fall in `full`, cut to the days on which the line would be served."""
    days = _in_force(terms, full)
    return tuple(filter(None, (pause.intersection(days) for pause in terms.pauses))) if days else ()


def _outer(parts: Sequence[Period]) -> Period | None:
    return Period(parts[0].start, parts[-1].end) if parts else None


def _ratio(terms: LineTerms, full: Period) -> Fraction:
    """The part of `full` that counts, under the policies for the two ends of the succession."""
    schedule, start, end = terms.schedule, terms.start, terms.end or full.end
    if full.start < terms.chain_start <= full.end:
        if schedule.first_partial == "free":
            return NOTHING
        if schedule.first_partial == "full" and terms.start == terms.chain_start:
            start = full.start
    if terms.chain_end is not None and full.start <= terms.chain_end < full.end:
        if schedule.last_partial == "free":
            return NOTHING
        if schedule.last_partial == "full" and terms.end == terms.chain_end:
            end = full.end
    counted = Period(max(start, terms.not_before or start), end)
    basis = schedule.basis if schedule.recurrence.unit in ("month", "year") else "actual"
    lost = sum((ratio(full, pause, basis) for pause in _suspended(terms, full)), NOTHING)
    return ratio(full, counted, basis) - lost


def _components(terms: LineTerms, full: Period, served: Period, part: Fraction, kind: Kind) -> list[Charge]:
    """One charge for each component of the period `full`."""
    measured = None if terms.usage is None else _sum(terms, full, terms.usage)
    covered = min(_sum(terms, full, terms.covered), measured) if terms.covered and measured else pricing.NONE
    left = measured if measured is None else measured - covered
    counts = part if measured is None or terms.pricing in FIXED else WHOLE  # what was measured is not a part of itself
    charge = partial(_component, terms, full, served, kind, measured)
    owed = [
        charge(component, price, counts)
        for component, price in PRICING[terms.pricing](_price(terms, full, left), terms.tariff)
    ]
    if covered:
        owed.append(charge(pricing.BANK, Price(covered, pricing.NONE), WHOLE))
    if terms.tariff is not pricing.PLAIN:
        owed += [charge(component, price, WHOLE) for component, price in _overage(terms, part, left)]
        least = Price(pricing.ONE, terms.tariff.minimum)
        others = sum((one.amount for one in owed), pricing.NONE)
        if least.unit_price and pricing.amount(least, terms.currency_unit, part) > others:
            owed.append(charge(pricing.MINIMUM, least, part, others))
    for key, day, reduction in terms.reductions:
        if full.includes(day):
            owed.append(charge(f"penalty:{key}", Price(pricing.ONE, -reduction), WHOLE))
    return owed


def _component(
    terms: LineTerms,
    full: Period,
    served: Period,
    kind: Kind,
    measured: Decimal | None,
    component: str,
    price: Price,
    ratio: Fraction,
    less: Decimal = pricing.NONE,
) -> Charge:
    """The part `ratio` of `price`, less what other components come to already."""
    amount = pricing.amount(price, terms.currency_unit, ratio) - less
    as_is = ratio == 1 and not less and price.quantity == round(price.quantity, terms.quantity_digits)
    return Charge(
        line=terms.line,
        component=component,
        kind=kind if amount else "free",
        period=served,
        full=full,
        ratio=ratio,
        price=price,
        billed=price if as_is else Price(pricing.ONE, amount),
        amount=amount,
        issue=issue_date(served, terms.schedule.issue),
        pauses=_suspended(terms, full),
        less=less,
        measured=measured,
    )


def _sum(terms: LineTerms, full: Period, quantities: Iterable[tuple[date, Decimal]]) -> Decimal:
    """What of `quantities` falls in the days of `full` in which the line exists; never below zero."""
    days = _in_force(terms, full)
    within = (quantity for day, quantity in quantities if days and days.includes(day))
    return max(sum(within, pricing.NONE), pricing.NONE)


def _price(terms: LineTerms, full: Period, measured: Decimal | None) -> Price:
    """The price of the whole period `full`."""
    price = terms.price
    if terms.prices:
        first = max(full.start, terms.start)
        known = [unit_price for since, unit_price in terms.prices if since <= first]
        price = replace(price, unit_price=known[-1] if known else terms.prices[0][1])
    if terms.pricing == "smoothed":
        recurrence = terms.schedule.recurrence
        year = price.quantity * price.unit_price * (1 - price.discount / 100)
        return Price(
            pricing.ONE,
            pricing.instalment(year, recurrence.per_year(), recurrence.index(full.start), terms.currency_unit),
        )
    return price if measured is None else replace(price, quantity=measured)


def _overage(terms: LineTerms, part: Fraction, measured: Decimal | None) -> Iterator[Part]:
    """What was measured beyond the quantity that the part of the period includes."""
    if terms.tariff.included is None or measured is None:
        return
    beyond = allowance.beyond(measured, terms.tariff.included, part)
    if beyond:
        yield Part(pricing.OVERAGE, Price(beyond, terms.tariff.overage_price, terms.price.discount))


def whole_period(terms: LineTerms, on: date) -> Decimal:
    """What the whole period that holds `on` would cost, nothing being measured."""
    terms = replace(terms, usage=()) if terms.usage else terms
    if terms.pricing == "one_off":
        full = Period(terms.start, terms.start)
    else:
        full = terms.schedule.recurrence.period(terms.schedule.recurrence.index(on))
    return sum((charge.amount for charge in _components(terms, full, full, WHOLE, "whole")), Decimal(0))


def _shared(terms: LineTerms, owed: Sequence[Charge]) -> Sequence[Charge]:
    """The charges of one period, each split between the payers; at least one."""
    if not terms.shares:
        return owed

    def service(days: Period) -> Sequence[Period]:
        in_force = _in_force(terms, days)
        return _active(terms, in_force) if in_force else ()

    wholes = [Whole(charge.amount, _units(terms, charge)) for charge in owed]
    of_wholes = split(wholes, owed[0].period, service, terms.shares, terms.currency_unit, terms.usage or ())
    return [part for charge, parts in zip(owed, of_wholes, strict=True) for part in _by_payer(terms, charge, parts)]


def _units(terms: LineTerms, charge: Charge) -> Fraction | None:
    """How many units the charge is for; None where it is not priced by them."""
    by_lot_or_period = terms.pricing in (*FIXED, "package") and charge.component != pricing.OVERAGE
    if by_lot_or_period or charge.component == pricing.MINIMUM or charge.component.startswith("fee:"):
        return None
    return Fraction(charge.price.quantity) * charge.ratio


def _by_payer(terms: LineTerms, charge: Charge, parts: Sequence[PayerPart]) -> Iterator[Charge]:
    """`charge` as its payers are billed it: the customer also for those who pay without an invoice of ours."""
    shown_only = {share.share for share in terms.shares if not share.invoiced}
    own = [part for part in parts if part.share is None or part.share in shown_only]
    for part in parts:
        if part not in own:
            yield _part(charge, part.share, part.amount, part.period, part.units)
    if own:
        shown = tuple((part.share, part.amount) for part in own if part.share is not None)
        amount = sum((part.amount for part in own), Decimal(0))
        period = Period(min(part.period.start for part in own), max(part.period.end for part in own))
        yield replace(_part(charge, None, amount, period), shown=shown)


def _part(charge: Charge, share: int | None, amount: Decimal, period: Period, units: Fraction | None = None) -> Charge:
    if amount == charge.amount:
        return replace(charge, share=share, units=units)
    billed = Price(Decimal(1), amount)
    return replace(charge, share=share, amount=amount, billed=billed, period=period, units=units, whole=charge.amount)


def _key(one: Charge | Held) -> tuple[str, int | None]:
    """What a charge and the ledger's keys of the same period are compared by."""
    return one.component, one.share


def _differences(terms: LineTerms, owed: Sequence[Charge], held: Sequence[Held]) -> Iterator[Charge]:
    """What the charges of one period still owe beyond its held keys, each component and payer by itself, and what is
    held of those that it has no more. As along the periods, issue dates rise.
    """
    by_key: dict[tuple[str, int | None], list[Held]] = {}
    for key in held:
        by_key.setdefault(_key(key), []).append(key)
    left: list[Charge] = []
    for charge in owed:
        left += _difference(terms, charge, by_key.pop(_key(charge), ()))
    for gone in by_key.values():
        for key in gone:
            left += _withdrawal(terms, key)
    yield from sorted(left, key=lambda charge: (charge.issue, charge.period.start))


def _difference(terms: LineTerms, charge: Charge, held: Sequence[Held]) -> Iterator[Charge]:
    """What `charge` still owes beyond the held keys of its period: all, the days added since, or a correction."""
    billed = sum((key.amount for key in held), Decimal(0))
    if not held or (not billed and charge.amount and [key.period.start for key in held] == [charge.period.start]):
        yield charge  # nothing billed yet, or credited in full since
        return
    if billed == charge.amount:
        return
    left = Price(Decimal(1), charge.amount - billed)
    beyond = span(held[-1].period.end + ONE_DAY, charge.period.end)
    added = _outer(_active(terms, beyond)) if beyond else None
    if added:
        yield replace(charge, kind="prorated", period=added, billed=left, amount=left.unit_price, held=billed, shown=())
        return
    corrected = held[-1].period
    yield replace(
        charge,
        kind="correction",
        period=corrected,
        billed=left,
        amount=left.unit_price,
        issue=min(charge.issue, issue_date(corrected, terms.schedule.issue)),  # what was billed waits for nothing
        held=billed,
        shown=(),
    )


def _withdrawal(terms: LineTerms, key: Held) -> Iterator[Charge]:
    """The correction of a held key for whose period nothing is owed any more."""
    if key.amount:
        back = Price(Decimal(1), -key.amount)
        issue = issue_date(key.period, terms.schedule.issue)
        yield Charge(
            terms.line,
            key.component,
            "correction",
            key.period,
            key.period,
            NOTHING,
            terms.price,
            back,
            -key.amount,
            issue,
            held=key.amount,
            share=key.share,
        )
