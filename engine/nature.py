"""What a document sells: goods, services or both."""

from decimal import Decimal
from typing import Literal

Nature = Literal["B", "S", "M"]  # as in EN 16931 BT-23 for France: goods, services, both

# What is less than this share of a document is taken for an accessory of the rest, and follows it. The law has no
# figure: an accessory is what the customer would not buy for itself (FNFE, case 31). A person may decide otherwise.
ACCESSORY_SHARE = Decimal("0.2")


def nature_of(goods: Decimal, services: Decimal) -> Nature:
    """The nature of operations, from the amounts of goods and of services; the sign of both does not matter."""
    goods, services = abs(goods), abs(services)
    whole = goods + services
    if not goods or goods < ACCESSORY_SHARE * whole:
        return "S"
    if services < ACCESSORY_SHARE * whole:
        return "B"
    return "M"
