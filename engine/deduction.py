"""How much of a deposit an invoice deducts, by rate of VAT."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from .money import allocate, round_to

Rate = TypeVar("Rate")


@dataclass(frozen=True, slots=True)
class Sum:
    """An amount before tax, and its tax."""

    net: Decimal
    tax: Decimal

    @property
    def gross(self) -> Decimal:
        return self.net + self.tax


def deductions(
    left: Mapping[Rate, Sum], room: Mapping[Rate, Sum], wanted: Decimal | None, unit: Decimal
) -> dict[Rate, Sum]:
    """What an invoice deducts of a deposit, by rate: no more than is `left` of it, nor than the invoice has `room` for.

    `wanted`: tax included, shared among the rates in proportion to what fits; None for all that fits. Amounts are
    multiples of `unit`. What is left last is deducted to the cent, whatever was rounded before.
    """
    fitting = {rate: _fit(one, room[rate], unit) for rate, one in left.items() if rate in room}
    fitting = {rate: one for rate, one in fitting.items() if one.net > 0}
    if wanted is None or wanted >= sum(one.gross for one in fitting.values()):
        return fitting
    if wanted <= 0:
        return {}
    shares = allocate(wanted, [one.gross for one in fitting.values()], unit)
    parts = {rate: _part(one, share, unit) for (rate, one), share in zip(fitting.items(), shares, strict=True)}
    return {rate: part for rate, part in parts.items() if part.net > 0}


def share(left: Decimal, invoices: int, unit: Decimal) -> Decimal | None:
    """The part of what is `left` of a deposit for the next invoice, when so many are still to deduct some; None, all of
    it, for the last.
    """
    return round_to(left / invoices, unit) if invoices > 1 else None


def _fit(left: Sum, room: Sum, unit: Decimal) -> Sum:
    net = min(left.net, room.net)
    if net <= 0:
        return Sum(Decimal(0), Decimal(0))
    tax = left.tax if net == left.net else round_to(left.tax * net / left.net, unit)
    return Sum(net, max(min(tax, room.tax), Decimal(0)))


def _part(whole: Sum, gross: Decimal, unit: Decimal) -> Sum:
    tax = round_to(whole.tax * gross / whole.gross, unit)
    return Sum(gross - tax, tax)
