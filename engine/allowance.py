"""Quantities paid for beforehand: what a period includes, and what exceeds it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Literal

Rollover = Literal["none", "all", "limited"]

ALERTS = (80, 100)  # per cent of a bank
QUANTITY_UNIT = Decimal("0.0001")  # the finest that documents hold


def beyond(quantity: Decimal, included: Decimal, ratio: Fraction = Fraction(1)) -> Decimal:
    """What `quantity` exceeds the part of the included one that counts by; nothing is carried over."""
    part = (included * ratio.numerator / ratio.denominator).quantize(QUANTITY_UNIT, ROUND_HALF_UP)
    return max(quantity - part, Decimal(0))


@dataclass(frozen=True, slots=True)
class Credit:
    """Hours of a bank: what is left of one credit, usable from `since` through `until` (None: without end)."""

    key: int
    left: Decimal
    since: date
    until: date | None = None

    def is_usable(self, on: date) -> bool:
        return self.left > 0 and self.since <= on and (self.until is None or on <= self.until)


def consume(credits: Sequence[Credit], quantity: Decimal, on: date) -> tuple[list[tuple[int, Decimal]], Decimal]:
    """What to take from which credit for `quantity` used on that day, and what no credit covers.

    The credit that expires first is used first; of two that expire together, the one usable for longer.
    """
    usable = sorted((c for c in credits if c.is_usable(on)), key=lambda c: (c.until or date.max, c.since, c.key))
    taken: list[tuple[int, Decimal]] = []
    for credit in usable:
        if quantity <= 0:
            break
        part = min(quantity, credit.left)
        taken.append((credit.key, part))
        quantity -= part
    return taken, max(quantity, Decimal(0))


def roll_over(left: Decimal, rule: Rollover, limit: Decimal) -> tuple[Decimal, Decimal]:
    """How much of what is left at its expiry goes on, and how much is lost."""
    kept = {"none": Decimal(0), "all": left, "limited": min(left, limit)}[rule]
    return kept, left - kept


def alert_level(used: Decimal, total: Decimal) -> int:
    """The highest of ALERTS that the used part of `total` reached, in per cent; 0 below them."""
    if total <= 0:
        return 0
    return max((level for level in ALERTS if used * 100 >= total * level), default=0)
