"""VAT: categories, rates, reasons why none is due, the VAT table, and when VAT falls due."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from . import codes
from .finding import Context, Fault, Rule, _
from .model import ZERO, Invoice, VatBreakdown

CENT = Decimal("0.01")
UNIT = Decimal(1)
ODD_TAX = "MS-TAX"

Key = tuple[str, Decimal | None]  # category, rate
EXEMPTION_CODES = {"AE": {"VATEX-EU-AE", "VATEX-FR-AE"}, "K": {"VATEX-EU-IC"}, "G": {"VATEX-EU-G"}, "O": {"VATEX-EU-O"}}


def _uses(invoice: Invoice) -> Iterator[tuple[Fault, Key]]:
    """Each place of the invoice that has a VAT category and rate."""
    for line in invoice.lines:
        yield Fault("line", line.id, "BT-151"), (line.vat_category, line.vat_rate)
    for one in invoice.allowances:
        datum = "BT-102" if one.charge else "BT-95"
        yield Fault("allowance", datum=datum), (one.vat_category, one.vat_rate)
    for vat in invoice.vat:
        yield Fault("vat", datum="BT-118"), (vat.category, vat.rate)


def _odd_taxes(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for line, tax in context.odd_taxes:
        yield Fault("line", line, values={"tax": tax})


def _named(fault: Fault, key: Key) -> Fault:
    category, rate = key
    shown = "" if rate is None else f"{rate.normalize():f}"
    return Fault(fault.part, fault.line, fault.datum, {"category": category, "rate": shown})


def _unknown_category(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for fault, key in _uses(invoice):
        if key[0] not in codes.VAT_CATEGORIES:
            yield _named(fault, key)


def _unknown_rate(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for fault, key in _uses(invoice):
        if key[1] is not None and f"{key[1].normalize():f}" not in codes.VAT_RATES:
            yield _named(fault, key)


def _rate_unlike_category(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for fault, (category, rate) in _uses(invoice):
        if category == "S":
            right = rate is not None and rate > 0
        elif category == "O":
            right = rate is None
        else:
            right = rate == 0
        if not right:
            yield _named(fault, (category, rate))


def _sums(invoice: Invoice) -> dict[Key, Decimal]:
    """What the lines, less discounts, add up to for each category and rate."""
    sums: dict[Key, Decimal] = {}
    for line in invoice.lines:
        key = (line.vat_category, line.vat_rate)
        sums[key] = sums.get(key, ZERO) + line.amount
    for one in invoice.allowances:
        key = (one.vat_category, one.vat_rate)
        sums[key] = sums.get(key, ZERO) + (one.amount if one.charge else -one.amount)
    return sums


def _bases(invoice: Invoice) -> dict[Key, Decimal]:
    bases: dict[Key, Decimal] = {}
    for vat in invoice.vat:
        bases[vat.category, vat.rate] = bases.get((vat.category, vat.rate), ZERO) + vat.base
    return bases


def _wrong_base(invoice: Invoice, context: Context) -> Iterator[Fault]:
    sums, bases = _sums(invoice), _bases(invoice)
    for key in {**sums, **bases}:
        if sums.get(key) != bases.get(key):
            category, rate = key
            values = {
                "category": category,
                "rate": "" if rate is None else f"{rate.normalize():f}",
                "base": f"{bases.get(key, ZERO):f}",
                "sum": f"{sums.get(key, ZERO):f}",
            }
            yield Fault("vat", values=values)


def _wrong_vat(invoice: Invoice, context: Context) -> Iterator[Fault]:
    """VAT rounded line by line may differ by half a cent for each (in a currency without cents, by half a unit);
    BR-CO-17 lets it differ by less than one in all.
    """
    parts = Counter(key for fault, key in _uses(invoice) if fault.part != "vat")
    for vat in invoice.vat:
        exact = vat.base * (vat.rate or ZERO) / 100
        tolerance = min(UNIT - CENT, context.unit / 2 * (parts[vat.category, vat.rate] + 1))
        if abs(vat.amount - exact) > tolerance:
            yield Fault("vat", values={"vat": f"{vat.amount:f}", "base": f"{vat.base:f}", "rate": f"{vat.rate or 0:f}"})


def _no_table(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if not invoice.vat:
        yield Fault("vat")


def _repeated_table(invoice: Invoice, context: Context) -> Iterator[Fault]:
    """One per rate where VAT is due, one per category where it is not (BR-E-01, BR-AE-01 …)."""
    keys = [(vat.category, vat.rate if vat.category == "S" else None) for vat in invoice.vat]
    for category, _rate in sorted({key for key in keys if keys.count(key) > 1}, key=str):
        yield Fault("vat", values={"category": category})


def _no_reason(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for vat in invoice.vat:
        if vat.category not in ("S", "Z") and not vat.exemption and not vat.exemption_code:
            yield Fault("vat", values={"category": vat.category})


def _needless_reason(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for vat in invoice.vat:
        if vat.category in ("S", "Z") and (vat.exemption or vat.exemption_code):
            yield Fault("vat", values={"category": vat.category})


def _odd_reason(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for vat in invoice.vat:
        if vat.exemption_code and not _fits(vat):
            yield Fault("vat", values={"code": vat.exemption_code, "category": vat.category})


def _fits(vat: VatBreakdown) -> bool:
    of_category = EXEMPTION_CODES.get(vat.category)
    reserved = set().union(*EXEMPTION_CODES.values())
    known = vat.exemption_code in codes.published("exemption")
    return known and (vat.exemption_code in of_category if of_category else vat.exemption_code not in reserved)


def _categories(invoice: Invoice) -> set[str]:
    return {key[0] for _fault, key in _uses(invoice)}


def _no_seller_number(invoice: Invoice, context: Context) -> Iterator[Fault]:
    """A VAT number; a franchise that has none gives another tax number instead, which AE, K and G do not accept."""
    categories = _categories(invoice)
    representative = invoice.tax_representative
    numbered = invoice.seller.vat_number or (representative and representative.vat_number)
    exempt = categories <= {"S", "E", "Z"} and invoice.seller.tax_id
    if categories - {"O"} and not numbered and not exempt:
        yield Fault("seller", datum="BT-31")


def _no_buyer_number(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if _categories(invoice) & {"K", "AE"} and not invoice.buyer.vat_number:
        yield Fault("buyer")


def _outside_vat(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if "O" not in _categories(invoice):
        return
    if invoice.seller.vat_number or invoice.buyer.vat_number or _categories(invoice) != {"O"}:
        yield Fault("vat")


def _community_supply(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if "K" not in _categories(invoice):
        return
    if not invoice.site:
        yield Fault(datum="BG-15")
    if not invoice.delivery_date and not invoice.period:
        yield Fault(datum="BT-72")


def _unknown_vat_point(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if invoice.vat_point and invoice.vat_point not in codes.VAT_POINTS:
        yield Fault(values={"code": invoice.vat_point})


def _wrong_vat_point(invoice: Invoice, context: Context) -> Iterator[Fault]:
    points = context.vat_points
    if points is None or len(points) != 1:
        return
    (point,) = points
    if invoice.vat_point != point:
        yield Fault(values={"stated": invoice.vat_point or "—", "used": point})


def _mixed_vat_points(invoice: Invoice, context: Context) -> Iterator[Fault]:
    """BT-8 is one for the whole document: with both rules on it, only words can say which applies where."""
    if len(context.vat_points or ()) > 1 and (invoice.vat_point or not invoice.note(codes.GENERAL)):
        yield Fault()


RULES = (
    Rule(
        ODD_TAX,
        "fatal",
        "BT-151",
        _(
            "The tax %(tax)s cannot be shown on an electronic invoice: a line has one VAT, in per cent, and besides it "
            "only fixed contributions on which VAT is counted too."
        ),
        _odd_taxes,
    ),
    Rule("BR-CO-18", "fatal", "BG-23", _("The VAT table is empty."), _no_table),
    Rule("BR-FR-15", "fatal", "BT-151", _("The VAT category “%(category)s” is not used in France."), _unknown_category),
    Rule("BR-FR-16", "fatal", "BT-152", _("%(rate)s %% is no French VAT rate."), _unknown_rate),
    Rule(
        "BR-S-05",
        "fatal",
        "BT-152",
        _("The VAT rate “%(rate)s” does not go with the category %(category)s."),
        _rate_unlike_category,
    ),
    Rule(
        "BR-S-08",
        "fatal",
        "BT-116",
        _("The VAT base of %(category)s %(rate)s is %(base)s, but the lines add up to %(sum)s."),
        _wrong_base,
    ),
    Rule("BR-CO-17", "fatal", "BT-117", _("The VAT %(vat)s is not %(rate)s %% of %(base)s."), _wrong_vat),
    Rule(
        "BR-E-01",
        "fatal",
        "BG-23",
        _("The VAT table has category %(category)s twice: once for each rate, and once where no VAT is due."),
        _repeated_table,
    ),
    Rule("BR-E-10", "fatal", "BT-120", _("The reason why no VAT is due (%(category)s) is missing."), _no_reason),
    Rule("BR-S-10", "fatal", "BT-120", _("The category %(category)s takes no reason for exemption."), _needless_reason),
    Rule(
        "MS-VATEX",
        "fatal",
        "BT-121",
        _("The exemption code “%(code)s” is unknown or does not go with the VAT category %(category)s."),
        _odd_reason,
    ),
    Rule(
        "BR-S-02",
        "fatal",
        "BT-31",
        _("The seller's VAT number is missing. Under the VAT franchise, which needs none, say so in the settings."),
        _no_seller_number,
    ),
    Rule("BR-AE-02", "fatal", "BT-48", _("Reverse charge needs the customer's VAT number."), _no_buyer_number),
    Rule(
        "BR-O-11",
        "fatal",
        "BT-118",
        _(
            "What is outside VAT (category O, such as services outside the European Union) goes with no other category "
            "and with no VAT number: it needs an invoice of its own."
        ),
        _outside_vat,
    ),
    Rule(
        "BR-IC-11",
        "fatal",
        "BT-72",
        _("Goods sent to another member state need a place and a date or period of delivery."),
        _community_supply,
    ),
    Rule("MS-BT8", "fatal", "BT-8", _("“%(code)s” does not say when VAT falls due: 5, 29 or 72."), _unknown_vat_point),
    Rule(
        "MS-BT8-TAX",
        "fatal",
        "BT-8",
        _("The invoice says that VAT falls due at %(stated)s, the taxes used say %(used)s (5 invoice, 72 payment)."),
        _wrong_vat_point,
    ),
    Rule(
        "MS-BT8-MIXED",
        "fatal",
        "BT-8",
        _("VAT falls due on payment for some lines, on the invoice for others: a note (AAI) must say which, no code."),
        _mixed_vat_points,
    ),
)
