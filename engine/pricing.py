"""What a whole period costs, one function per way of pricing: the parts that it is made of.

Amounts are exact: they are rounded once, when a part is charged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from .money import round_to

BASE, BANK, MINIMUM, OVERAGE = "base", "bank", "minimum", "overage"
NONE = Decimal(0)
ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Price:
    """A quantity at a unit price less a discount in per cent, in the basis (with or without tax) of the price."""

    quantity: Decimal
    unit_price: Decimal
    discount: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Tier:
    """The quantities beyond the tier before, up to `up_to` with it (None: all the others), and what they cost.

    `flat_fee` is due beside them as soon as the tier is reached, that is when the quantity exceeds the tier before.
    """

    up_to: Decimal | None
    unit_price: Decimal
    flat_fee: Decimal = NONE


@dataclass(frozen=True, slots=True)
class Tariff:
    """What prices a quantity beside a unit price.

    `tiers`: in order, the last one without a bound; `package_size`, `free_units`: for prices by the lot; `minimum`:
    what a whole period costs at least; `included`: the quantity that a whole period's fixed price includes (None: it
    includes no quantity), `overage_price`: what one unit beyond it costs.
    """

    tiers: tuple[Tier, ...] = ()
    package_size: Decimal = ONE
    free_units: Decimal = NONE
    minimum: Decimal = NONE
    included: Decimal | None = None
    overage_price: Decimal = NONE

    def __post_init__(self) -> None:
        if self.tiers:
            check_tiers(self.tiers)
        if self.package_size <= 0:
            raise ValueError(f"a lot must hold something, not {self.package_size}")


PLAIN = Tariff()


class Part(NamedTuple):
    """What one component of a whole period costs. A component is charged, billed and corrected on its own."""

    component: str
    price: Price


class Slice(NamedTuple):
    """The quantity that falls in the tier of that number, counted from 1."""

    number: int
    quantity: Decimal
    tier: Tier


def amount(price: Price, unit: Decimal, ratio: Fraction = Fraction(1)) -> Decimal:
    """Quantity × unit price × (1 − discount) × ratio, rounded once to the currency's `unit`."""
    exact = price.quantity * price.unit_price * (1 - price.discount / 100)
    return round_to(exact * ratio.numerator / ratio.denominator, unit)


def check_tiers(tiers: Sequence[Tier]) -> None:
    """Raise ValueError unless each bound exceeds the one before and the last tier has none."""
    bounds = [NONE, *(tier.up_to for tier in tiers[:-1])]
    if not tiers or tiers[-1].up_to is not None:
        raise ValueError("the last tier must have no upper bound")
    if any(bound is None for bound in bounds):
        raise ValueError("only the last tier has no upper bound")
    if any(later <= earlier for earlier, later in pairwise(b for b in bounds if b is not None)):
        raise ValueError("the upper bounds of the tiers must rise from above zero")


def slices(quantity: Decimal, tiers: Sequence[Tier]) -> list[Slice]:
    """`quantity` cut at the bounds of the tiers that it reaches; the slices add up to it."""
    if quantity < 0:
        raise ValueError(f"a quantity to price cannot be {quantity}")
    result, lower = [], NONE
    for number, tier in enumerate(tiers, start=1):
        if quantity <= lower:
            break
        upper = quantity if tier.up_to is None else min(quantity, tier.up_to)
        result.append(Slice(number, upper - lower, tier))
        lower = upper
    if lower < quantity:
        raise ValueError(f"no tier prices a quantity of {quantity}")
    return result


def graduated(quantity: Decimal, tiers: Sequence[Tier]) -> Decimal:
    """Each slice at the price of its tier, and the flat fee of every tier reached."""
    return sum((part.quantity * part.tier.unit_price + part.tier.flat_fee for part in slices(quantity, tiers)), NONE)


def volume(quantity: Decimal, tiers: Sequence[Tier]) -> Decimal:
    """All of the quantity at the price of the tier that it reaches, and the flat fee of that one."""
    reached = slices(quantity, tiers)
    return quantity * reached[-1].tier.unit_price + reached[-1].tier.flat_fee if reached else NONE


def lots(quantity: Decimal, size: Decimal, free: Decimal = NONE) -> Decimal:
    """How many lots of `size` hold what exceeds the `free` units; a lot begun is a lot."""
    return (max(quantity - free, NONE) / size).to_integral_value(ROUND_CEILING)


def package(quantity: Decimal, size: Decimal, price: Decimal, free: Decimal = NONE) -> Decimal:
    """`price` for each lot of `size` begun, beyond the `free` units."""
    return lots(quantity, size, free) * price


def instalment(budget: Decimal, of_year: int, number: int, unit: Decimal) -> Decimal:
    """The instalment numbered `number` (from 0) of the `of_year` equal ones that a year's `budget` is paid in,
    whatever the days of its period; the last one absorbs the cents.
    """
    budget = round_to(budget, unit)
    equal = round_to(budget / of_year, unit)
    return budget - equal * (of_year - 1) if number % of_year == of_year - 1 else equal


def flat(price: Price, _tariff: Tariff = PLAIN) -> tuple[Part, ...]:
    """A fixed amount for the period, whatever the quantity."""
    return (Part(BASE, Price(ONE, price.unit_price, price.discount)),)


def unit(price: Price, _tariff: Tariff = PLAIN) -> tuple[Part, ...]:
    """Quantity × unit price."""
    return (Part(BASE, price),)


def by_slice(price: Price, tariff: Tariff) -> tuple[Part, ...]:
    """Graduated: a component for each slice reached and for each flat fee, so that the customer can follow."""
    parts: list[Part] = []
    for number, quantity, tier in slices(price.quantity, tariff.tiers):
        parts.append(Part(f"tier:{number}", Price(quantity, tier.unit_price, price.discount)))
        parts += _fee(number, tier, price)
    return tuple(parts) or _nothing(price)


def by_volume(price: Price, tariff: Tariff) -> tuple[Part, ...]:
    """Volume: the quantity at one price is one component, whichever tier it reaches; its flat fee is another."""
    reached = slices(price.quantity, tariff.tiers)
    if not reached:
        return _nothing(price)
    number, _quantity, tier = reached[-1]
    return (Part(BASE, Price(price.quantity, tier.unit_price, price.discount)), *_fee(number, tier, price))


def by_package(price: Price, tariff: Tariff) -> tuple[Part, ...]:
    """The unit price is that of a lot."""
    return (
        Part(
            BASE,
            Price(lots(price.quantity, tariff.package_size, tariff.free_units), price.unit_price, price.discount),
        ),
    )


def _fee(number: int, tier: Tier, price: Price) -> list[Part]:
    return [Part(f"fee:{number}", Price(ONE, tier.flat_fee, price.discount))] if tier.flat_fee else []


def _nothing(price: Price) -> tuple[Part, ...]:
    """A period for which nothing is priced is charged all the same, at zero."""
    return (Part(BASE, Price(NONE, NONE, price.discount)),)
