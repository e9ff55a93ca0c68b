"""An invoice as the European standard EN 16931 sees it, with what France and the EXTENDED profile add.

Plain values, named in English; BT-n and BG-n are the standard's own numbers of terms and groups, EXT-FR-FE-n those of
AFNOR XP Z12-012. An empty string or tuple, or None, means that the invoice does not have it. Amounts are in the
document's currency unless said otherwise.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Identifier:
    """A number in a register. `scheme`: the register's code in ISO 6523, "0009" for SIRET (see `codes`)."""

    scheme: str
    value: str


@dataclass(frozen=True, slots=True)
class Period:
    """First and last day of a service, both served: BG-14 for the document, BG-26 for a line."""

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Address:
    """BG-5, BG-8, BG-12, BG-15. `country`: two letters of ISO 3166-1 (BT-40, BT-55, BT-80)."""

    country: str
    line1: str = ""
    line2: str = ""
    line3: str = ""
    postcode: str = ""
    city: str = ""
    subdivision: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """BG-6, BG-9."""

    name: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody named on the invoice: seller BG-4, buyer BG-7, payee BG-10, tax representative BG-11, payer BG-02.

    `legal_id` and its scheme: BT-30, BT-47 (a SIREN under 0002). `identifiers`: BT-29, BT-46 (SIRET under 0009,
    routing code under 0224). `vat_number`: BT-31, BT-48. `tax_id`: BT-32, for a seller without VAT number.
    `electronic_address`: BT-34, BT-49, where the invoice (or its status) is delivered. `legal_information`: BT-33,
    legal form, capital, RCS.
    """

    name: str
    address: Address | None = None
    legal_id: str = ""
    legal_scheme: str = "0002"
    identifiers: tuple[Identifier, ...] = ()
    vat_number: str = ""
    tax_id: str = ""
    electronic_address: str = ""
    electronic_scheme: str = "0225"
    trading_name: str = ""
    legal_information: str = ""
    contact: Contact | None = None

    @property
    def siren(self) -> str:
        return self.legal_id if self.legal_scheme == "0002" else ""

    @property
    def siret(self) -> str:
        return next((known.value for known in self.identifiers if known.scheme == "0009"), "")


@dataclass(frozen=True, slots=True)
class Note:
    """BG-1. `subject` (BT-21): PMT, PMD, AAB, BAR … (see `codes`); `text`: BT-22."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class PrecedingInvoice:
    """BG-3, or EXT-FR-FE-136 to 138 on a line: number BT-25, date BT-26, type."""

    number: str
    issue_date: date | None
    type_code: str = ""


@dataclass(frozen=True, slots=True)
class DeliverySite:
    """BG-13 and BG-15, or EXT-FR-FE-BG-10 on a line: where the service is rendered. Its SIRET is an identifier."""

    name: str
    address: Address
    identifiers: tuple[Identifier, ...] = ()


@dataclass(frozen=True, slots=True)
class DirectDebit:
    """BG-19: mandate reference BT-89, creditor identifier BT-90 (ICS), account to be debited BT-91."""

    mandate: str
    creditor_id: str
    debtor_iban: str


@dataclass(frozen=True, slots=True)
class Payment:
    """BG-16. `means_code` BT-81 (see `codes`), its words BT-82, remittance information BT-83, account BT-84 to 86."""

    means_code: str
    means_text: str = ""
    remittance: str = ""
    iban: str = ""
    account_name: str = ""
    bic: str = ""
    direct_debit: DirectDebit | None = None


@dataclass(frozen=True, slots=True)
class AllowanceCharge:
    """A discount, or with `charge` a surcharge: BG-20, BG-21 on the document, BG-27, BG-28 on a line.

    `amount` is positive for both. `rate`: percentage applied to `base`. The VAT data belong to the document's only.
    """

    amount: Decimal
    reason: str = ""
    reason_code: str = ""
    charge: bool = False
    base: Decimal | None = None
    rate: Decimal | None = None
    vat_category: str = ""
    vat_rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class VatBreakdown:
    """BG-23: one per VAT category and rate. `rate` None: not subject to VAT (category O).

    `exemption` BT-120 and its VATEX code BT-121 say why no VAT is due; never for category S.
    """

    category: str
    rate: Decimal | None
    base: Decimal
    amount: Decimal
    exemption: str = ""
    exemption_code: str = ""


@dataclass(frozen=True, slots=True)
class SupportingDocument:
    """BG-24, inside the XML. `description` (BT-123) is a French code such as BON_COMMANDE (see `codes`)."""

    reference: str
    description: str = ""
    content: bytes = b""
    mime_type: str = ""
    file_name: str = ""


@dataclass(frozen=True, slots=True)
class Attribute:
    """BG-32: name BT-160 and value BT-161 of an item's characteristic."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Line:
    """BG-25. `price` BT-146: net unit price without VAT, never negative, a discount line having a negative quantity.

    `amount` BT-131 = quantity × price / `price_quantity`, less allowances. `gross_price` BT-148 less
    `price_discount` BT-147 gives `price`. `vat_rate` None: category O. `site`, `delivery_date`, `order` and
    `preceding` belong to the EXTENDED profile.
    """

    id: str
    name: str
    quantity: Decimal
    price: Decimal
    amount: Decimal
    vat_category: str = "S"
    vat_rate: Decimal | None = None
    unit: str = "C62"
    description: str = ""
    note: str = ""
    gross_price: Decimal | None = None
    price_discount: Decimal | None = None
    price_quantity: Decimal | None = None
    period: Period | None = None
    allowances: tuple[AllowanceCharge, ...] = ()
    seller_item: str = ""
    buyer_item: str = ""
    order_line: str = ""
    accounting_reference: str = ""
    objects: tuple[Identifier, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    site: DeliverySite | None = None
    delivery_date: date | None = None
    order: str = ""
    preceding: PrecedingInvoice | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """BG-22: sums of lines BT-106, allowances BT-107, charges BT-108, net BT-109, VAT BT-110, gross BT-112, paid
    BT-113, rounding BT-114, due BT-115. `vat_accounting` BT-111: VAT in the accounting currency, where that is another.
    """

    lines: Decimal
    net: Decimal
    vat: Decimal
    gross: Decimal
    due: Decimal
    allowances: Decimal = ZERO
    charges: Decimal = ZERO
    paid: Decimal = ZERO
    rounding: Decimal = ZERO
    vat_accounting: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Invoice:
    """The document: number BT-1, date BT-2, type BT-3, currency BT-5, framework BT-23 …

    `type_code`: 380 invoice, 381 credit note, 384 corrective, 386 deposit … `framework`: S1, B1, M1 … `vat_point`
    BT-8: "5" when invoiced, "29" when delivered, "72" when paid. `objects` BT-18: what is invoiced, under AFL or AVV.
    """

    number: str
    issue_date: date
    type_code: str
    framework: str
    seller: Party
    buyer: Party
    lines: tuple[Line, ...]
    vat: tuple[VatBreakdown, ...]
    totals: Totals
    currency: str = "EUR"
    accounting_currency: str = ""
    vat_point: str = ""
    due_date: date | None = None
    payment_terms: str = ""
    buyer_reference: str = ""
    project: str = ""
    contract: str = ""
    order: str = ""
    accounting_reference: str = ""
    objects: tuple[Identifier, ...] = ()
    notes: tuple[Note, ...] = ()
    preceding: tuple[PrecedingInvoice, ...] = ()
    payee: Party | None = None
    payer: Party | None = None
    tax_representative: Party | None = None
    site: DeliverySite | None = None
    delivery_date: date | None = None
    period: Period | None = None
    payment: Payment | None = None
    allowances: tuple[AllowanceCharge, ...] = ()
    documents: tuple[SupportingDocument, ...] = ()

    def note(self, subject: str) -> str:
        """The text of the first note on that subject, "" without one."""
        return next((note.text for note in self.notes if note.subject == subject), "")
