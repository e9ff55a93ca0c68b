"""The XML of an invoice: its values become the dictionary that factur-x turns into Cross Industry Invoice (D22B).

What to know of factur-x 7.8: it works on the dictionary in place (ours is made anew each time); it formats floats with
six significant digits (every number goes in as a string); its check by Schematron calls a server (never asked for);
its first call changes module-level lists (made once, below, when no other thread can be there).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import facturx  # type: ignore[import-untyped]

from . import cii_parts as parts
from .cii_parts import Values
from .model import AllowanceCharge, Invoice, Line, PrecedingInvoice, VatBreakdown
from .profile import Profile, decide


class InvalidXml(ValueError):
    """The XML breaks the profile's schema: a datum is missing or of a wrong shape."""


def generate(invoice: Invoice, profile: Profile | None = None) -> bytes:
    """The invoice's XML, in UTF-8, valid for the schema of its profile.

    Raises InvalidXml when it is not; `rules.check` says in plain words what is missing.
    """
    profile = profile or decide(invoice)
    try:
        xml: bytes = facturx.generate_cii_xml(
            to_dictionary(invoice, profile), level=profile.level, check_xsd=True, check_schematron=False
        )
    except Exception as error:  # factur-x raises bare Exception
        raise InvalidXml(str(error)) from error
    return xml


def to_dictionary(invoice: Invoice, profile: Profile) -> Values:
    """What `facturx.generate_cii_xml` takes: terms and groups under their numbers, empty ones left out."""
    totals = invoice.totals
    return parts.filled(
        {
            "BT-1": invoice.number,
            "BT-2": invoice.issue_date,
            "BT-3": invoice.type_code,
            "BT-5": invoice.currency,
            "BT-6": invoice.accounting_currency,
            "BT-8": invoice.vat_point,
            "BT-9": invoice.due_date,
            "BT-10": invoice.buyer_reference,
            "BT-11": invoice.project,
            "BT-12": invoice.contract,
            "BT-13": invoice.order,
            "BT-18": parts.identifiers(invoice.objects),
            "BT-19": invoice.accounting_reference,
            "BT-20": invoice.payment_terms,
            "BT-23": invoice.framework,
            "BT-24": profile.guideline,
            "BT-72": _delivered(invoice),
            "BT-73": invoice.period and invoice.period.start,
            "BT-74": invoice.period and invoice.period.end,
            **(parts.payment(invoice.payment) if invoice.payment else {}),
            "BT-106": parts.amount(totals.lines),
            "BT-107": parts.amount(totals.allowances) if _some(invoice.allowances, charge=False) else "",
            "BT-108": parts.amount(totals.charges) if _some(invoice.allowances, charge=True) else "",
            "BT-109": parts.amount(totals.net),
            "BT-110": parts.amount(totals.vat),
            "BT-111": parts.amount(totals.vat_accounting),
            "BT-112": parts.amount(totals.gross),
            "BT-113": parts.amount(totals.paid or None),
            "BT-114": parts.amount(totals.rounding or None),
            "BT-115": parts.amount(totals.due),
            "BG-1": [{"BT-21": note.subject, "BT-22": parts.text(note.text)} for note in invoice.notes],
            "BG-3": [_preceding(known, profile) for known in invoice.preceding],
            "BG-4": parts.party(invoice.seller),
            "BG-7": parts.party(invoice.buyer),
            "BG-10": parts.party(invoice.payee),
            "BG-11": parts.party(invoice.tax_representative),
            "BG-13": parts.site(invoice.site),
            "EXT-FR-FE-BG-02": parts.party(invoice.payer),
            "BG-20": [_allowance(one, invoice, profile) for one in invoice.allowances if not one.charge],
            "BG-21": [_allowance(one, invoice, profile) for one in invoice.allowances if one.charge],
            "BG-23": [parts.vat(vat) for vat in invoice.vat],
            "BG-24": [parts.document(document) for document in invoice.documents],
            "BG-25": [_line(line, invoice, profile) for line in invoice.lines],
        }
    )


def _delivered(invoice: Invoice) -> date | None:
    """BT-72, when the service was or will be completed: without a date of its own, the end of its period, else the day
    of the invoice (CGI ann. II art. 242 nonies A, I 10°: a date is stated where it is another).

    The group must hold something: factur-x marks an empty one `nil`, which its own schema refuses.
    """
    if invoice.delivery_date or invoice.site:
        return invoice.delivery_date
    return invoice.period.end if invoice.period else invoice.issue_date


def positive_price(line: Line) -> Line:
    """The same line with a price that is not negative: a discount of 10 is −1 × 10 (BR-27, BR-FR-DEC-03)."""
    if line.price >= 0:
        return line
    return replace(
        line,
        quantity=-line.quantity,
        price=-line.price,
        gross_price=None,
        price_discount=None,
    )


def _line(line: Line, invoice: Invoice, profile: Profile) -> Values:
    line = positive_price(line)
    values = {
        "BT-126": line.id,
        "BT-127-00": [{"BT-127": parts.text(line.note)}] if line.note else [],
        "BT-128": parts.identifiers(line.objects),
        "BT-129": parts.number(line.quantity),
        "BT-130": line.unit,
        "BT-131": parts.amount(line.amount),
        "BT-132": line.order_line,
        "BT-133": line.accounting_reference,
        "BT-134": line.period and line.period.start,
        "BT-135": line.period and line.period.end,
        "BT-146": parts.amount(line.price),
        "BT-147-00": [{"BT-147": parts.amount(line.price_discount)}] if line.price_discount else [],
        "BT-148": parts.amount(line.gross_price),
        "BT-149": parts.number(line.price_quantity),
        "BT-151": line.vat_category,
        "BT-152": parts.amount(line.vat_rate),
        "BT-153": parts.text(line.name),
        "BT-154": parts.text(line.description),
        "BT-155": line.seller_item,
        "BT-156": line.buyer_item,
        "BG-27": [parts.reduction(one) for one in line.allowances if not one.charge],
        "BG-28": [parts.reduction(one) for one in line.allowances if one.charge],
        "BG-32": [{"BT-160": parts.text(one.name), "BT-161": parts.text(one.value)} for one in line.attributes],
    }
    if profile is Profile.EXTENDED:
        values |= _extended_line(line, invoice)
    return parts.filled(values)


def _extended_line(line: Line, invoice: Invoice) -> Values:
    same = _breakdown(invoice, line.vat_category, line.vat_rate)
    return {
        "EXT-FR-FE-BG-10": parts.site(line.site),
        "EXT-FR-FE-135": line.order,
        "EXT-FR-FE-136": line.preceding and line.preceding.number,
        "EXT-FR-FE-137": line.preceding and line.preceding.type_code,
        "EXT-FR-FE-138": line.preceding and line.preceding.issue_date,
        "EXT-FR-FE-158": line.delivery_date,
        "EXT-FR-FE-178": parts.text(same.exemption) if same else "",
        "EXT-FR-FE-179": same.exemption_code if same else "",
    }


def _breakdown(invoice: Invoice, category: str, rate: Decimal | None) -> VatBreakdown | None:
    """The line of the VAT table to which a line or an allowance goes, to repeat its exemption reason."""
    return next((vat for vat in invoice.vat if (vat.category, vat.rate) == (category, rate)), None)


def _preceding(known: PrecedingInvoice, profile: Profile) -> Values:
    type_code = known.type_code if profile is Profile.EXTENDED else ""
    return parts.filled({"BT-25": known.number, "BT-26": known.issue_date, "EXT-FR-FE-02": type_code})


def _allowance(one: AllowanceCharge, invoice: Invoice, profile: Profile) -> Values:
    same = _breakdown(invoice, one.vat_category, one.vat_rate) if profile is Profile.EXTENDED else None
    return parts.reduction(one) | parts.filled(
        {
            "vat_category_code": one.vat_category,
            "vat_rate": parts.amount(one.vat_rate),
            "vat_exemption": parts.text(same.exemption) if same else "",
            "vat_exemption_code": same.exemption_code if same else "",
        }
    )


def _some(allowances: Sequence[AllowanceCharge], charge: bool) -> bool:
    return any(one.charge is charge for one in allowances)


def _warm_up() -> None:
    """Let factur-x make its one-time changes of lists (`party_dict_whitelist`) before any thread can meet another."""
    address = {"name": "x", "country_code": "FR"}
    required = dict.fromkeys(("BT-1", "BT-2", "BT-3", "BT-109", "BT-112", "BT-115"), "1")
    line = dict.fromkeys(("BT-126", "BT-129", "BT-130", "BT-131", "BT-146", "BT-153"), "1")
    facturx.preprocess_data_dict(
        {
            **required,
            "BT-2": date(2000, 1, 1),
            "BT-5": "EUR",
            "BG-11": dict(address),
            "BG-13": dict(address),
            "BG-25": [{**line, "EXT-FR-FE-BG-10": dict(address)}],
        },
        "factur-x",
        Profile.EXTENDED.level,
    )


_warm_up()
