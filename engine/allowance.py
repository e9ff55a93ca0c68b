"""Quantities paid for beforehand: what a period includes, and what exceeds it."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

QUANTITY_UNIT = Decimal("0.0001")  # the finest that documents hold


def beyond(quantity: Decimal, included: Decimal, ratio: Fraction = Fraction(1)) -> Decimal:
    """What `quantity` exceeds the part of the included one that counts by; nothing is carried over."""
    part = (included * ratio.numerator / ratio.denominator).quantize(QUANTITY_UNIT, ROUND_HALF_UP)
    return max(quantity - part, Decimal(0))
