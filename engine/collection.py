"""What a payment collects of an invoice, by VAT rate: what the tax authority is told where VAT is due on collection.

Source: CGI art. 269, 2, c (VAT on services is due when the price is collected); life-cycle status 212 of the French
e-invoicing reform, one block for each rate (AFNOR XP Z12-012).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from .money import allocate, round_to


@dataclass(frozen=True, slots=True)
class Band:
    """One row of an invoice's VAT table: `gross`, VAT included, at `rate` per cent, of which the VAT is due when paid
    (`on_payment`) or was due before.
    """

    rate: Decimal
    gross: Decimal
    on_payment: bool


def collect(bands: Sequence[Band], collected: Sequence[Decimal], payment: Decimal, unit: Decimal) -> list[Decimal]:
    """The part of `payment` that falls to each band, in multiples of `unit`, summing exactly to `payment`.

    Pro rata of what payments before left of each band (`collected`, in the order of `bands`), so that the last payment
    leaves nothing, and no band gives more than it has. All amounts are positive for a credit note as for an invoice;
    a band of discounts alone is negative, and takes off from what the others give.

    Raises ValueError when the bands are worth nothing.
    """
    left = [band.gross - before for band, before in zip(bands, collected, strict=True)]
    if sum(left, Decimal(0)) < payment:  # more is paid than is left: the excess is shared as the whole invoice is
        left = [band.gross for band in bands]
    whole = sum(left, Decimal(0))
    if whole <= 0:
        raise ValueError(f"an invoice worth nothing cannot be collected: {list(bands)}")
    above = [max(amount, Decimal(0)) for amount in left]
    below = [max(-amount, Decimal(0)) for amount in left]
    taken_off = round_to(payment * sum(below, Decimal(0)) / whole, unit)
    parts = allocate(payment + taken_off, above, unit)
    if taken_off:
        parts = [part - off for part, off in zip(parts, allocate(taken_off, below, unit), strict=True)]
    return parts


def due_when_paid(bands: Sequence[Band], parts: Sequence[Decimal]) -> dict[Decimal, Decimal]:
    """By rate, the parts whose VAT falls due with the payment; nothing for what bears no VAT."""
    due: dict[Decimal, Decimal] = {}
    for band, part in zip(bands, parts, strict=True):
        if band.on_payment and band.rate and part:
            due[band.rate] = due.get(band.rate, Decimal(0)) + part
    return due
