"""Who is named on the invoice: names, addresses, SIREN, SIRET, VAT numbers, electronic addresses."""

import re
from collections.abc import Iterator

from stdnum.eu import vat as european_vat  # type: ignore[import-untyped]
from stdnum.fr import siren, siret, tva  # type: ignore[import-untyped]

from . import codes
from .finding import Context, Fault, Rule, _
from .model import Address, DeliverySite, Identifier, Invoice, Party
from .profile import Profile, decide

NINE_DIGITS = re.compile(r"\d{9}")
ADDRESS_CHARACTERS = re.compile(r"[A-Za-z0-9._\-+]+")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
SIREN_TERMS = {"seller": "BT-30", "buyer": "BT-47", "payee": "BT-61", "payer": "EXT-FR-FE-44"}
SIRET_TERMS = {"seller": "BT-29", "buyer": "BT-46", "payee": "BT-60", "payer": "EXT-FR-FE-46", "site": "BT-71"}
NAME_TERMS = {"seller": "BT-27", "buyer": "BT-44", "payee": "BT-59", "representative": "BT-62", "site": "BT-70"}
ADDRESS_TERMS = {"seller": "BG-5", "buyer": "BG-8", "representative": "BG-12", "site": "BG-15"}
VAT_TERMS = {"seller": "BT-31", "buyer": "BT-48", "representative": "BT-63"}
ELECTRONIC_TERMS = {"seller": "BT-34", "buyer": "BT-49"}


def _parties(invoice: Invoice) -> Iterator[tuple[str, Party]]:
    yield "seller", invoice.seller
    yield "buyer", invoice.buyer
    others = {"payee": invoice.payee, "payer": invoice.payer, "representative": invoice.tax_representative}
    yield from ((part, party) for part, party in others.items() if party)


def _sites(invoice: Invoice) -> Iterator[tuple[str, DeliverySite]]:
    """(line, site), the line empty for the document's own."""
    if invoice.site:
        yield "", invoice.site
    yield from ((line.id, line.site) for line in invoice.lines if line.site)


def _identified(invoice: Invoice) -> Iterator[tuple[str, str, tuple[Identifier, ...], str]]:
    """(part, line, identifiers, SIREN) of everybody and every place."""
    for part, party in _parties(invoice):
        yield part, "", party.identifiers, party.siren
    for line, site in _sites(invoice):
        yield "site", line, site.identifiers, ""


def _electronic(invoice: Invoice) -> Iterator[tuple[str, Party]]:
    yield from ((part, party) for part, party in _parties(invoice) if party.electronic_address)


def _no_name(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for part, party in _parties(invoice):
        if not party.name.strip():
            yield Fault(part, datum=NAME_TERMS.get(part, ""))
    for line, site in _sites(invoice):
        if not site.name.strip():
            yield Fault("site", line, "BT-70")


def _no_address(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for part, party in _parties(invoice):
        if party.address is None and part in ("seller", "buyer", "representative"):
            yield Fault(part, datum=ADDRESS_TERMS[part])


def _addresses(invoice: Invoice) -> Iterator[tuple[str, str, Address]]:
    yield from ((part, "", party.address) for part, party in _parties(invoice) if party.address)
    yield from (("site", line, site.address) for line, site in _sites(invoice))


def _unknown_country(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for part, line, address in _addresses(invoice):
        if address.country not in codes.published("country"):
            yield Fault(part, line, ADDRESS_TERMS.get(part, ""))


def _incomplete_address(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for part, line, address in _addresses(invoice):
        complete = address.line1.strip() and address.postcode.strip() and address.city.strip()
        if address.country == "FR" and not complete:
            yield Fault(part, line, ADDRESS_TERMS.get(part, ""))


def _no_seller_siren(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if not NINE_DIGITS.fullmatch(invoice.seller.siren):
        yield Fault("seller")


def _no_buyer_siren(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if invoice.note(codes.ROUTING) == codes.B2B and not NINE_DIGITS.fullmatch(invoice.buyer.siren):
        yield Fault("buyer")


def _sirens(invoice: Invoice) -> Iterator[tuple[str, str]]:
    for part, party in _parties(invoice):
        if party.siren:
            yield part, party.siren
        for one in party.identifiers:
            if one.scheme in (codes.SIREN, codes.VAT_GROUP):
                yield part, one.value


def _odd_siren(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for part, number in _sirens(invoice):
        if not NINE_DIGITS.fullmatch(number):
            yield Fault(part, datum=SIREN_TERMS.get(part, ""), values={"siren": number})


def _false_siren(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for part, number in _sirens(invoice):
        if NINE_DIGITS.fullmatch(number) and not siren.is_valid(number):
            yield Fault(part, datum=SIREN_TERMS.get(part, ""), values={"siren": number})


def _sirets(invoice: Invoice) -> Iterator[tuple[Fault, str, str]]:
    for part, line, identifiers, own_siren in _identified(invoice):
        for one in identifiers:
            if one.scheme == codes.SIRET:
                datum = "EXT-FR-FE-146" if line else SIRET_TERMS.get(part, "")
                values = {"siret": one.value, "siren": own_siren}
                yield Fault(part, line, datum, values), one.value, own_siren


def _odd_siret(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for fault, number, own_siren in _sirets(invoice):
        if not re.fullmatch(r"\d{14}", number) or not number.startswith(own_siren):
            yield fault


def _false_siret(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for fault, number, _own_siren in _sirets(invoice):
        if re.fullmatch(r"\d{14}", number) and not siret.is_valid(number):
            yield fault


def _no_public_siret(invoice: Invoice, context: Context) -> Iterator[Fault]:
    """Chorus Pro knows its establishments by their SIRET."""
    if context.public_buyer and invoice.buyer.siren and not invoice.buyer.siret:
        yield Fault("buyer")


def _is_consumer(invoice: Invoice) -> bool:
    return invoice.note(codes.ROUTING) in (codes.B2C, codes.B2C_ABROAD)


def _no_electronic_address(invoice: Invoice, context: Context) -> Iterator[Fault]:
    """Of who has a SIREN: that is the address, unless another is known, and is asked for by a rule of its own."""
    if not invoice.seller.electronic_address and invoice.seller.siren:
        yield Fault("seller", datum="BT-34")
    needs_siren = invoice.note(codes.ROUTING) == codes.B2B and not invoice.buyer.siren
    if not invoice.buyer.electronic_address and not _is_consumer(invoice) and not needs_siren:
        yield Fault("buyer", datum="BT-49")


def _unreachable_consumer(invoice: Invoice, context: Context) -> Iterator[Fault]:
    """A consumer may have no electronic address at all; what is not handed to a platform needs none."""
    if not invoice.buyer.electronic_address and _is_consumer(invoice):
        yield Fault("buyer")


def _unlike_siren(invoice: Invoice, context: Context) -> Iterator[Fault]:
    """BR-FR-21, and BR-FR-22 for self-billed invoices: the receiver's address is SIREN or begins with it."""
    part, party = ("buyer", invoice.buyer)
    if invoice.type_code in codes.SELF_BILLED_TYPES:
        part, party = ("seller", invoice.seller)
    if invoice.note(codes.ROUTING) != codes.B2B or not party.electronic_address:
        return
    french = party.electronic_scheme == codes.ELECTRONIC_ADDRESS
    if not french or not party.electronic_address.startswith(party.siren):
        values = {"address": party.electronic_address, "siren": party.siren}
        yield Fault(part, datum=ELECTRONIC_TERMS[part], values=values)


def _odd_electronic_address(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for part, party in _electronic(invoice):
        address = party.electronic_address
        shape = EMAIL if party.electronic_scheme == codes.EMAIL else ADDRESS_CHARACTERS
        known = party.electronic_scheme in codes.published("electronic address")
        if not known or len(address) > 125 or not shape.fullmatch(address):
            values = {"address": address, "scheme": party.electronic_scheme}
            yield Fault(part, datum=ELECTRONIC_TERMS.get(part, ""), values=values)


def _odd_private_id(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for part, line, identifiers, _own_siren in _identified(invoice):
        for one in identifiers:
            odd = len(one.value) > 100 or not ADDRESS_CHARACTERS.fullmatch(one.value)
            if one.scheme == codes.ROUTING_CODE and odd:
                yield Fault(part, line, SIRET_TERMS.get(part, ""), {"identifier": one.value})


def _repeated_schemes(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for part, line, identifiers, _own_siren in _identified(invoice):
        schemes = [one.scheme for one in identifiers]
        if "" in schemes or len(set(schemes)) < len(schemes):
            yield Fault(part, line, SIRET_TERMS.get(part, ""))


def _too_many_identifiers(invoice: Invoice, context: Context) -> Iterator[Fault]:
    """BT-46, BT-60 and BT-71 are 0..1 in EN 16931, BT-29 is not."""
    if decide(invoice) is Profile.EN16931:
        for part, line, identifiers, _own_siren in _identified(invoice):
            if part != "seller" and len(identifiers) > 1:
                yield Fault(part, line, SIRET_TERMS.get(part, ""))


def _false_vat_number(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for part, party in _parties(invoice):
        if party.vat_number and not _is_vat_number(party.vat_number):
            yield Fault(part, datum=VAT_TERMS.get(part, ""), values={"vat": party.vat_number})


def _is_vat_number(number: str) -> bool:
    """A French or other European number is checked by its key, any other by its country prefix only (BR-CO-09)."""
    prefix = number[:2]
    if prefix.lower() in (*european_vat.MEMBER_STATES, "el", "xi"):
        return bool(european_vat.is_valid(number))
    return prefix in codes.published("country") and len(number) > 2


def _vat_unlike_siren(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for part, party in _parties(invoice):
        number = party.vat_number
        if number.startswith("FR") and party.siren and tva.is_valid(number) and number[-9:] != party.siren:
            yield Fault(part, datum=VAT_TERMS.get(part, ""), values={"vat": number, "siren": party.siren})


def _vat_group(invoice: Invoice, context: Context) -> Iterator[Fault]:
    member = any(one.scheme == codes.VAT_GROUP for one in invoice.seller.identifiers)
    group = invoice.tax_representative
    if member and invoice.note(codes.TAX_MENTION) != codes.SINGLE_TAXABLE_PERSON:
        yield Fault("note", datum="BT-22")
    if member and not (group and group.vat_number):
        yield Fault("representative", datum="BT-63")


def _no_legal_information(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if not invoice.seller.legal_information and not invoice.note(codes.REGULATORY):
        yield Fault("seller")


RULES = (
    Rule("BR-06", "fatal", "BT-27", _("The name is missing."), _no_name),
    Rule("BR-08", "fatal", "BG-5", _("The postal address is missing."), _no_address),
    Rule("BR-09", "fatal", "BG-5", _("The country is missing or unknown."), _unknown_country),
    Rule("MS-ADDRESS", "fatal", "BG-5", _("The address lacks its street, postcode or town."), _incomplete_address),
    Rule(
        "BR-FR-10",
        "fatal",
        "BT-30",
        _("The seller's SIREN (9 digits) is missing: enter its SIRET, from which it is taken."),
        _no_seller_siren,
    ),
    Rule(
        "BR-FR-11",
        "fatal",
        "BT-47",
        _(
            "The customer's SIREN (9 digits) is missing: enter its SIRET. Where it is no business, say so by its legal "
            "category."
        ),
        _no_buyer_siren,
    ),
    Rule("BR-FR-32", "fatal", "BT-30", _("The SIREN “%(siren)s” does not have 9 digits."), _odd_siren),
    Rule("MS-SIREN", "fatal", "BT-30", _("The SIREN %(siren)s does not exist: its key is wrong."), _false_siren),
    Rule(
        "BR-FR-09",
        "fatal",
        "BT-29",
        _("The SIRET “%(siret)s” does not have 14 digits, or does not begin with the SIREN %(siren)s."),
        _odd_siret,
    ),
    Rule("MS-SIRET", "fatal", "BT-29", _("The SIRET %(siret)s does not exist: its key is wrong."), _false_siret),
    Rule("MS-PUBLIC-SIRET", "fatal", "BT-46", _("The public body's SIRET is missing."), _no_public_siret),
    Rule(
        "BR-FR-12",
        "fatal",
        "BT-49",
        _("The electronic address for invoices is missing."),
        _no_electronic_address,
    ),
    Rule(
        "MS-BT49-CONSUMER",
        "warning",
        "BT-49",
        _("The consumer has no electronic address: the invoice cannot be handed to a platform (BR-FR-12)."),
        _unreachable_consumer,
    ),
    Rule(
        "BR-FR-21",
        "fatal",
        "BT-49",
        _("The electronic address %(address)s must be of the French kind (0225) and begin with the SIREN %(siren)s."),
        _unlike_siren,
    ),
    Rule(
        "BR-FR-23",
        "fatal",
        "BT-49",
        _("The electronic address “%(address)s” (%(scheme)s) is of an unknown kind, too long, or has forbidden signs."),
        _odd_electronic_address,
    ),
    Rule(
        "BR-FR-24",
        "fatal",
        "BT-46",
        _("The routing code “%(identifier)s” is too long or has forbidden signs."),
        _odd_private_id,
    ),
    Rule("BR-FR-CO-10", "fatal", "BT-29", _("Two identifiers are of the same kind, or of none."), _repeated_schemes),
    Rule(
        "MS-BT46-MANY",
        "fatal",
        "BT-46",
        _("This invoice can hold one identifier of the customer: its SIRET, or its routing code."),
        _too_many_identifiers,
    ),
    Rule("MS-VAT-NUMBER", "fatal", "BT-31", _("The VAT number %(vat)s is not valid."), _false_vat_number),
    Rule(
        "MS-VAT-SIREN",
        "fatal",
        "BT-31",
        _("The VAT number %(vat)s belongs to another company than the SIREN %(siren)s."),
        _vat_unlike_siren,
    ),
    Rule(
        "BR-FR-CO-14",
        "fatal",
        "BT-63",
        _("A member of a VAT group must say so (note TXD) and give the group's VAT number."),
        _vat_group,
    ),
    Rule(
        "MS-LEGAL-INFORMATION",
        "warning",
        "BT-33",
        _("The seller's legal form, capital and RCS registration are missing."),
        _no_legal_information,
    ),
)
