"""The parts of factur-x's dictionary: parties, places, payment, VAT, discounts, and how numbers and texts are written.

Every number is a string: factur-x would print a float with six significant digits.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from .model import (
    Address,
    AllowanceCharge,
    DeliverySite,
    Identifier,
    Party,
    Payment,
    SupportingDocument,
    VatBreakdown,
)

CENT = Decimal("0.01")
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Values = dict[str, Any]


def party(known: Party | None) -> Values | None:
    if known is None:
        return None
    contact = known.contact
    return filled(
        {
            "name": text(known.name),
            "biz_name": text(known.trading_name),
            "identifiers": identifiers(known.identifiers),
            "legal_identifier": known.legal_id,
            "legal_identifier_schemeid": known.legal_scheme if known.legal_id else "",
            "vat_identifier": known.vat_number,
            "tax_identifier": known.tax_id,
            "legal_info": text(known.legal_information),
            "einvoicing_addr": known.electronic_address,
            "einvoicing_addr_schemeid": known.electronic_scheme if known.electronic_address else "",
            "contacts": [filled({"name": text(contact.name), "phone": contact.phone, "email": contact.email})]
            if contact
            else [],
            **(_address(known.address) if known.address else {}),
        }
    )


def _address(address: Address) -> Values:
    return {
        "country_code": address.country,
        "city": text(address.city),
        "postcode": address.postcode,
        "addr_l1": text(address.line1),
        "addr_l2": text(address.line2),
        "addr_l3": text(address.line3),
        "country_subdivision": text(address.subdivision),
    }


def site(known: DeliverySite | None) -> Values | None:
    if known is None:
        return None
    return filled({"name": text(known.name), "identifiers": identifiers(known.identifiers), **_address(known.address)})


def payment(how: Payment) -> Values:
    debit = how.direct_debit
    return {
        "BT-81": how.means_code,
        "BT-82": text(how.means_text),
        "BT-83": how.remittance,
        "BT-84": how.iban,
        "BT-85": text(how.account_name) if how.iban else "",
        "BT-86": how.bic if how.iban else "",
        "BT-89": debit and debit.mandate,
        "BT-90": debit and debit.creditor_id,
        "BT-91": debit and debit.debtor_iban,
    }


def vat(row: VatBreakdown) -> Values:
    return filled(
        {
            "BT-116": amount(row.base),
            "BT-117": amount(row.amount),
            "BT-118": row.category,
            "BT-119": amount(row.rate),
            "BT-120": text(row.exemption),
            "BT-121": row.exemption_code,
        }
    )


def reduction(one: AllowanceCharge) -> Values:
    return filled(
        {
            "amount": amount(one.amount),
            "base_amount": amount(one.base),
            "rate": amount(one.rate),
            "reason": text(one.reason),
            "reason_code": one.reason_code,
        }
    )


def document(attached: SupportingDocument) -> Values:
    return filled(
        {
            "BT-122": attached.reference,
            "BT-123": attached.description,
            "BT-125": attached.content,
            "BT-125-1": attached.mime_type,
            "BT-125-2": attached.file_name,
        }
    )


def identifiers(known: Sequence[Identifier]) -> dict[str, str]:
    return {one.scheme: one.value for one in known}


def filled(values: Values) -> Values:
    return {key: value for key, value in values.items() if value}


def text(words: str) -> str:
    """The text without what XML cannot hold: control characters, lone surrogates."""
    return NOT_XML.sub("", words).strip()


def amount(value: Decimal | None) -> str:
    """Amounts, prices, percentages: two decimals, more where there are more; "" when there is none."""
    if value is None:
        return ""
    rounded = value.quantize(CENT)
    return f"{rounded:f}" if rounded == value else number(value)


def number(value: Decimal | None) -> str:
    """Plain digits without an exponent or useless zeros: 2.5000 is 2.5, 1E+3 is 1000; "" when there is none."""
    return "" if value is None else f"{value.normalize():f}"
