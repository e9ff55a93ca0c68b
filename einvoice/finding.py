"""What a check says: which datum is missing or wrong, where, in plain words."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from .model import Invoice

Severity = Literal["fatal", "warning"]


def _(message: str) -> str:
    """Mark a message for translation: Odoo collects what `_("…")` holds; it is translated where it is shown."""
    return message


@dataclass(frozen=True, slots=True)
class Context:
    """What the seller knows besides the invoice, and must agree with it. None: not known, not compared.

    `gross`, `vat`, `due`: the accounts' own amounts, in the invoice's currency. `vat_points`: when the taxes used fall
    due, codes of BT-8. `issued`: numbers of invoices that exist, among the preceding ones. `public_buyer`: the customer
    is a public body, and what it requires. `mandate_last_use`: last collection under the direct debit mandate, else its
    signature. `unit`: the smallest amount of the currency. `odd_taxes`: (line, tax) of taxes that an electronic invoice
    cannot show.
    """

    gross: Decimal | None = None
    vat: Decimal | None = None
    due: Decimal | None = None
    vat_points: frozenset[str] | None = None
    issued: frozenset[str] | None = None
    public_buyer: bool = False
    needs_service_code: bool = False
    needs_order: bool = False
    mandate_last_use: date | None = None
    unit: Decimal = Decimal("0.01")
    odd_taxes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """One place that breaks a rule. `part`: seller, buyer, line, payment …; `line`: the line's BT-126.

    `datum` replaces the rule's own where the rule is about several; `values` fill the message's placeholders.
    """

    part: str = "invoice"
    line: str = ""
    datum: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """`code`: the official rule's, or MS-… for our own. `datum`: the number of the term to be mended."""

    code: str
    severity: Severity
    datum: str
    message: str
    faults: Callable[[Invoice, Context], Iterable[Fault]]


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule broken at one place; `message` is English, with placeholders of the form %(name)s."""

    code: str
    severity: Severity
    message: str
    datum: str
    part: str
    line: str = ""
    values: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.message % self.values} [{self.code}, {self.datum}]"
