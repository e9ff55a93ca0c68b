"""What a whole period costs, one function per way of pricing: the parts that it is made of."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from .money import round_to

BASE = "base"


@dataclass(frozen=True, slots=True)
class Price:
    """A quantity at a unit price less a discount in per cent, in the basis (with or without tax) of the price."""

    quantity: Decimal
    unit_price: Decimal
    discount: Decimal = Decimal(0)


class Part(NamedTuple):
    """What one component of a whole period costs. A component is charged, billed and corrected on its own."""

    component: str
    price: Price


def amount(price: Price, unit: Decimal, ratio: Fraction = Fraction(1)) -> Decimal:
    """Quantity × unit price × (1 − discount) × ratio, rounded once to the currency's `unit`."""
    exact = price.quantity * price.unit_price * (1 - price.discount / 100)
    return round_to(exact * ratio.numerator / ratio.denominator, unit)


def flat(price: Price) -> tuple[Part, ...]:
    """A fixed amount for the period, whatever the quantity."""
    return (Part(BASE, Price(Decimal(1), price.unit_price, price.discount)),)


def unit(price: Price) -> tuple[Part, ...]:
    """Quantity × unit price."""
    return (Part(BASE, price),)
