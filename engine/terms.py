"""What a contract says, as plain values."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from .periods import ONE_DAY, IssueRule, Period, Recurrence
from .pricing import PLAIN, Price, Tariff
from .split import Share

Pricing = Literal["flat", "unit", "graduated", "volume", "package", "smoothed", "one_off"]
PartialPolicy = Literal["prorate", "full", "free"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How a line's service periods follow each other, when each is billed, and what a partial one costs.

    Where one period is both the first and the last partial one, each policy rules its own end, and `free` wins.
    """

    recurrence: Recurrence
    issue: IssueRule
    first_partial: PartialPolicy = "prorate"
    last_partial: PartialPolicy = "prorate"
    basis: Literal["actual", "thirty"] = "actual"


@dataclass(frozen=True, slots=True)
class LineTerms:
    """One line of a contract.

    `start` … `end`: days of service (`end` None: open; the day before `start`: none at all).
    `chain_start` … `chain_end`: the same for the whole succession of lines that replaced each other; the policies
    for partial periods apply to its two ends only.
    `not_before`: the first day that may be billed, for a contract taken over from another system.
    `pauses`: suspensions, in order and apart from each other; the last day of an open one is `date.max`.
    `quantity_digits`: how many decimals of a quantity an invoice line can hold.
    `price`, `tariff`: what a period costs; of `smoothed` lines, what a year costs.
    `prices`: (since when, unit price) in order, where the price follows a list: that of the first day of each period.
    `usage`: (day, quantity) measured, in any order, where the quantity is measured; it must list all of the window.
    `covered`: the same for what an hours bank covers of it, which is not charged.
    `reductions`: (key, day, amount) of approved penalties that lower what the period of that day costs.
    `shares`: what others than the customer pay, in the order in which they do.
    """

    line: int
    start: date
    end: date | None
    chain_start: date
    chain_end: date | None
    schedule: Schedule
    pricing: Pricing
    price: Price
    currency_unit: Decimal
    not_before: date | None = None
    quantity_digits: int = 4
    pauses: tuple[Period, ...] = ()
    tariff: Tariff = PLAIN
    prices: tuple[tuple[date, Decimal], ...] = ()
    usage: tuple[tuple[date, Decimal], ...] | None = None
    covered: tuple[tuple[date, Decimal], ...] = ()
    reductions: tuple[tuple[int, date, Decimal], ...] = ()
    shares: tuple[Share, ...] = ()

    def __post_init__(self) -> None:
        if self.end is not None and self.end < self.start - ONE_DAY:
            raise ValueError(f"line {self.line} cannot end on {self.end}, before it starts on {self.start}")
        if self.chain_start > self.start or (self.chain_end and self.chain_end < (self.end or date.max)):
            raise ValueError(f"line {self.line} lies outside its own succession")
        if any(later.start <= earlier.end for earlier, later in pairwise(self.pauses)):
            raise ValueError(f"the suspensions of line {self.line} overlap")
        if self.pricing in ("graduated", "volume") and not self.tariff.tiers:
            raise ValueError(f"line {self.line} has no tier to price its quantity")
        if self.pricing == "smoothed":
            self.schedule.recurrence.per_year()


@dataclass(frozen=True, slots=True)
class Held:
    """What the ledger already holds for one key (first day of the period, component, share): the sum of its
    revisions.
    """

    period: Period
    component: str
    amount: Decimal
    share: int | None = None
