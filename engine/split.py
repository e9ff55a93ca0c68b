"""Who pays what of a period: an amount split between payers, who come one after the other, and the customer, who owes
the rest.

A payer takes a part of the price, an amount for each unit, or what each unit costs beyond the customer's own
participation; as far as its caps of the week or month reach. What a cap leaves unused is lost.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from .money import allocate
from .periods import ONE_DAY, Period, on_day_of_month, span

NOTHING = Fraction(0)
FULL = Decimal(100)

Service = Callable[[Period], Sequence[Period]]
Uses = Sequence[tuple[date, Decimal]]  # units served, by day
Caps = dict[tuple[int, Literal["units", "money"], date], Fraction]


@dataclass(frozen=True, slots=True)
class Share:
    """What one payer takes from `start` to `end` (None: open).

    `takes`: `rate` per cent of the price ("percent"), `rate` for each unit ("unit"), or what a unit costs beyond
    `rate`, which the customer pays itself ("beyond"). `of_rest`: per cent of what the payers before left.
    `max_quantity`, `max_amount`: at most so many units, so much money in each calendar week or month (`per`).
    `invoiced`: False when the customer is billed this part too, which is only shown.
    """

    share: int
    takes: Literal["percent", "unit", "beyond"]
    rate: Decimal
    start: date = date.min
    end: date | None = None
    of_rest: bool = False
    max_quantity: Decimal | None = None
    max_amount: Decimal | None = None
    per: Literal["week", "month"] = "month"
    invoiced: bool = True

    def __post_init__(self) -> None:
        if self.takes == "percent" and self.rate > FULL:
            raise ValueError(f"share {self.share} takes {self.rate} %, more than the whole")
        if min(self.rate, self.max_quantity or 0, self.max_amount or 0) < 0:
            raise ValueError(f"share {self.share} has a negative rate or cap")

    def includes(self, day: date) -> bool:
        return self.start <= day <= (self.end or date.max)

    @property
    def counts_units(self) -> bool:
        return self.takes != "percent" or self.max_quantity is not None


@dataclass(frozen=True, slots=True)
class Whole:
    """What is to be split: one component of a period. `quantity`: its units; None when it is not counted in any."""

    amount: Decimal
    quantity: Fraction | None = None


@dataclass(frozen=True, slots=True)
class PayerPart:
    """What one payer, or the customer (None), pays. `period`: the first to the last of the days that it pays for;
    `units`: those that it takes a part of; None where no unit is counted.
    """

    share: int | None
    amount: Decimal
    period: Period
    units: Fraction | None = None


@dataclass(frozen=True, slots=True)
class _Slice:
    """Days on which the same payers pay under the same caps, and what they are of the whole."""

    days: Period
    part: Fraction


def overfull(shares: Sequence[Share]) -> Share | None:
    """The first share with which, on some day, more than the whole would be given away; None where that never is."""
    parts = [share for share in shares if share.takes == "percent" and not share.of_rest]
    for i, share in enumerate(parts):
        for day in {share.start, *(other.start for other in parts[:i])}:
            given = sum((other.rate for other in parts[: i + 1] if other.includes(day)), Decimal(0))
            if share.includes(day) and given > FULL:
                return share
    return None


def split(
    wholes: Sequence[Whole],
    period: Period,
    service: Service,
    shares: Sequence[Share],
    unit: Decimal,
    uses: Uses = (),
) -> list[list[PayerPart]]:
    """For each of `wholes`, the components of `period`, what everybody pays: the parts sum exactly to its amount.

    `service` gives the days of any span that are served. Units are spread evenly over them, or by `uses` where these
    are known; uses before the period count against the caps of their week or month.
    """
    slices = _slices(period, service, shares, uses)
    left = _caps(slices, period, service, shares, uses)
    return [_split_one(whole, slices, shares, unit, left) for whole in wholes]


def _split_one(
    whole: Whole, slices: Sequence[_Slice], shares: Sequence[Share], unit: Decimal, left: Caps
) -> list[PayerPart]:
    """`left`: by share and window, the part of its cap not used yet; lowered by what this component uses."""
    exact: dict[int | None, Fraction] = defaultdict(Fraction)
    units: dict[int | None, Fraction] = defaultdict(Fraction)
    days: dict[int | None, list[Period]] = defaultdict(list)
    for one in slices:
        remainder = Fraction(whole.amount) * one.part
        quantity = None if whole.quantity is None else whole.quantity * one.part
        price = remainder
        for share in shares:
            if share.includes(one.days.start):
                taken, counted = _take(share, one, price, remainder, quantity, left)
                exact[share.share] += taken
                units[share.share] += counted
                days[share.share] += [one.days] if taken else []
                remainder -= taken
        exact[None] += remainder
        days[None] += [one.days] if remainder else []
    payers = [key for key in (*(share.share for share in shares), None) if exact[key]]
    if not payers:
        return [PayerPart(None, whole.amount, _outer(one.days for one in slices))]
    amounts = allocate(whole.amount, [abs(exact[key]) for key in payers], unit)
    return [
        PayerPart(key, amount, _outer(days[key]), None if whole.quantity is None or key is None else units[key])
        for key, amount in zip(payers, amounts, strict=True)
        if amount
    ]


def _take(
    share: Share, one: _Slice, price: Fraction, remainder: Fraction, quantity: Fraction | None, left: Caps
) -> tuple[Fraction, Fraction]:
    """What the share takes of a slice that costs `price`, of which `remainder` is left, and for how many units."""
    if not price or (share.counts_units and not quantity):
        return NOTHING, NOTHING
    window = _window(share, one.days.start).start
    units = quantity or NOTHING
    if share.max_quantity is not None:
        units = min(units, left[share.share, "units", window])
        left[share.share, "units", window] -= units
    served = units / quantity if quantity else Fraction(1)
    rate = Fraction(share.rate)
    if share.takes == "percent":
        taken = (remainder if share.of_rest else price) * served * rate / 100
    elif share.takes == "unit" or not quantity:
        taken = units * rate
    else:
        taken = units * max(NOTHING, price / quantity - rate)
    taken = min(taken, remainder) if price > 0 else max(min(taken, NOTHING), remainder)
    if share.max_amount is not None and taken > 0:
        taken = min(taken, left[share.share, "money", window])
        left[share.share, "money", window] -= taken
    return taken, units


def _slices(period: Period, service: Service, shares: Sequence[Share], uses: Uses) -> list[_Slice]:
    """The served days of `period`, cut where a payer comes or goes and where a week or month of a cap begins."""
    cuts = {share.start for share in shares} | {share.end + ONE_DAY for share in shares if share.end}
    for share in shares:
        if share.max_quantity is not None or share.max_amount is not None:
            cuts |= set(_window_starts(share, period))
    days = [piece for served in service(period) for piece in _cut(served, sorted(cuts))]
    weights = [Fraction(sum((quantity for day, quantity in uses if piece.includes(day)), Decimal(0))) for piece in days]
    if not any(weights):
        weights = [Fraction(piece.days) for piece in days]
    total = sum(weights)
    return [_Slice(piece, weight / total) for piece, weight in zip(days, weights, strict=True)]


def _caps(slices: Sequence[_Slice], period: Period, service: Service, shares: Sequence[Share], uses: Uses) -> Caps:
    """What each share may take of `period` in each week or month of its cap.

    A week or month that `period` holds in part only gives the part of its served days; a cap in units whose days of
    use are known gives what the uses before `period` left.
    """
    caps: Caps = {}
    for share in shares:
        for window in {_window(share, one.days.start) for one in slices if share.includes(one.days.start)}:
            inside = span(max(window.start, share.start), min(window.end, share.end or date.max))
            part = Fraction(
                _served_days(service, inside and inside.intersection(period)), _served_days(service, inside)
            )
            if share.max_amount is not None:
                caps[share.share, "money", window.start] = Fraction(share.max_amount) * part
            if share.max_quantity is not None:
                whole = Fraction(share.max_quantity)
                before = _used_before(period, inside, uses)
                caps[share.share, "units", window.start] = max(NOTHING, whole - before) if uses else whole * part
    return caps


def _used_before(period: Period, window: Period | None, uses: Uses) -> Fraction:
    """The units of `window` served before `period`."""
    before = window and span(window.start, min(window.end, period.start - ONE_DAY))
    return Fraction(sum((quantity for day, quantity in uses if before and before.includes(day)), Decimal(0)))


def _served_days(service: Service, days: Period | None) -> int:
    return sum(served.days for served in service(days)) if days else 0


def _window(share: Share, day: date) -> Period:
    """The calendar week (from Monday) or month of the share's cap that holds `day`."""
    if share.per == "week":
        monday = day - timedelta(days=day.weekday())
        return Period(monday, monday + timedelta(days=6))
    return Period(day.replace(day=1), on_day_of_month(day.year, day.month, 31))


def _window_starts(share: Share, period: Period) -> Iterator[date]:
    window = _window(share, period.start)
    while window.end < period.end:
        window = _window(share, window.end + ONE_DAY)
        yield window.start


def _cut(days: Period, cuts: Iterable[date]) -> Iterator[Period]:
    start = days.start
    for cut in cuts:
        if start < cut <= days.end:
            yield Period(start, cut - ONE_DAY)
            start = cut
    yield Period(start, days.end)


def _outer(days: Iterable[Period]) -> Period:
    ordered = list(days)
    return Period(ordered[0].start, ordered[-1].end)
