"""What a payment pays of a part of an invoice, such as the home services that a tax certificate is about."""

from collections.abc import Sequence
from decimal import Decimal

from .money import round_to


def paid_of(part: Decimal, total: Decimal, payments: Sequence[Decimal], unit: Decimal) -> list[Decimal]:
    """For each of `payments`, in their order, what it pays of `part`, which is `part` of the invoice's `total`.

    Pro rata, rounded on what was paid up to then, so that the payments of the whole invoice pay exactly `part`; what is
    paid beyond the invoice pays nothing of it, and never more than the payment itself.
    """
    if total <= 0 or part <= 0:
        return [Decimal(0)] * len(payments)
    part = min(part, total)
    parts: list[Decimal] = []
    paid = before = Decimal(0)
    for payment in payments:
        paid += payment
        now = round_to(part * min(paid, total) / total, unit)
        parts.append(now - before)
        before = now
    return parts
