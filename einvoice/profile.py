"""EN 16931 or EXTENDED: decided from what the invoice holds, before anything is generated.

factur-x drops what a profile cannot hold without an error, so the choice can never follow generation.
"""

from enum import Enum

from .model import Invoice, Line


class Profile(Enum):
    """A Factur-X profile: its name in factur-x, its identifier in the XML (BT-24), its name in the PDF's metadata."""

    EN16931 = ("en16931", "urn:cen.eu:en16931:2017", "EN 16931")
    EXTENDED = ("extended", "urn:cen.eu:en16931:2017#conformant#urn:factur-x.eu:1p0:extended", "EXTENDED")

    def __init__(self, level: str, guideline: str, conformance: str) -> None:
        self.level = level
        self.guideline = guideline
        self.conformance = conformance


def decide(invoice: Invoice) -> Profile:
    """EN 16931 wherever it can hold the invoice."""
    return Profile.EXTENDED if _needs_extended(invoice) else Profile.EN16931


def profile_of(xml: bytes) -> Profile:
    """The profile that the XML says it has (BT-24)."""
    found = [profile for profile in Profile if f">{profile.guideline}<".encode() in xml]
    if len(found) != 1:
        raise ValueError("The XML is of no profile that is made here.")
    return found[0]


def _needs_extended(invoice: Invoice) -> bool:
    """A payer, or a line with its own site, delivery date, order or preceding invoice."""
    return invoice.payer is not None or any(_stands_alone(line) for line in invoice.lines)


def _stands_alone(line: Line) -> bool:
    return bool(line.site or line.delivery_date or line.order or line.preceding)
