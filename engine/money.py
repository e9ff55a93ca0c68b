"""Rounding and sharing of amounts."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction


def round_to(amount: Decimal, unit: Decimal) -> Decimal:
    """`amount` rounded to a multiple of `unit` (0.01 for cents), halves away from zero as Odoo's currencies do."""
    return (amount / unit).quantize(Decimal(1), rounding=ROUND_HALF_UP) * unit + 0  # + 0: no negative zero


def allocate(amount: Decimal, weights: Sequence[Decimal | Fraction], unit: Decimal) -> list[Decimal]:
    """Split `amount` in proportion to `weights`, in multiples of `unit`, so that the parts sum exactly to it.

    Largest remainder; equal remainders are served in the order given. What is finer than `unit` in `amount`
    itself goes to the first part that has a weight.

    Raises ValueError when a weight is negative or all are zero.
    """
    total = sum((Fraction(weight) for weight in weights), Fraction(0))
    if total <= 0 or min(weights) < 0:
        raise ValueError(f"weights must be positive, with at least one above zero: {list(weights)}")
    exact = [Fraction(amount) * Fraction(weight) / total / Fraction(unit) for weight in weights]  # in units
    whole = [int(share) for share in exact]  # towards zero
    step = 1 if amount >= 0 else -1
    left = int(amount / unit) - sum(whole)
    by_remainder = sorted(range(len(whole)), key=lambda i: -abs(exact[i] - whole[i]))
    for i in by_remainder[: abs(left)]:
        whole[i] += step
    parts = [share * unit for share in whole]
    first_weighted = next(i for i, weight in enumerate(weights) if weight)
    parts[first_weighted] += amount - sum(parts, Decimal(0))
    return parts
