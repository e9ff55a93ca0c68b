"""Price revision by index: P = P0 × (fixed part + Σ weight × index / index of reference)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal


@dataclass(frozen=True, slots=True)
class Clause:
    """A formula.

    `terms`: (name of an index, its weight); weights and `fixed` sum to 1. `ratio_digits`: decimals of each quotient of
    indices, None for all; `digits`: decimals of the coefficient; `rounding`: a `decimal.ROUND_…` name, for both.
    `cap`, `floor`: bounds of the coefficient, after rounding.
    """

    fixed: Decimal
    terms: tuple[tuple[str, Decimal], ...]
    ratio_digits: int | None = None
    digits: int | None = None
    rounding: str = ROUND_HALF_UP
    cap: Decimal | None = None
    floor: Decimal | None = None

    def __post_init__(self) -> None:
        total = self.fixed + sum((weight for _name, weight in self.terms), Decimal(0))
        if total != 1:
            raise ValueError(f"the fixed part and the weights must sum to 1, not to {total}")
        if self.cap is not None and self.floor is not None and self.floor > self.cap:
            raise ValueError(f"the floor {self.floor} is above the cap {self.cap}")


@dataclass(frozen=True, slots=True)
class Revision:
    """`price`: the new one, not rounded. `coefficient`: new over old, within the bounds; `computed`: before them.
    `ratios`: each index over that of reference.
    """

    price: Decimal
    coefficient: Decimal
    computed: Decimal
    ratios: tuple[tuple[str, Decimal], ...]


def revise(price: Decimal, clause: Clause, base: Mapping[str, Decimal], current: Mapping[str, Decimal]) -> Revision:
    """`price` revised from the index values of `base` to those of `current`, both by name of index.

    Raises ValueError for an index without a value, or with a value of reference that is not above zero.
    """
    ratios = tuple((name, _ratio(name, clause, base, current)) for name, _weight in clause.terms)
    exact = clause.fixed + sum((weight * _of(ratios, name) for name, weight in clause.terms), Decimal(0))
    computed = _rounded(exact, clause.digits, clause.rounding)
    coefficient = computed if clause.cap is None else min(computed, clause.cap)
    coefficient = coefficient if clause.floor is None else max(coefficient, clause.floor)
    return Revision(price * coefficient, coefficient, computed, ratios)


def _ratio(name: str, clause: Clause, base: Mapping[str, Decimal], current: Mapping[str, Decimal]) -> Decimal:
    for values in (base, current):
        if name not in values:
            raise ValueError(f"no value of the index {name}")
    if base[name] <= 0:
        raise ValueError(f"the reference value of the index {name} must be above zero, not {base[name]}")
    return _rounded(current[name] / base[name], clause.ratio_digits, clause.rounding)


def _of(ratios: tuple[tuple[str, Decimal], ...], name: str) -> Decimal:
    return next(ratio for known, ratio in ratios if known == name)


def _rounded(number: Decimal, digits: int | None, rounding: str) -> Decimal:
    return number if digits is None else number.quantize(Decimal(1).scaleb(-digits), rounding=rounding)
