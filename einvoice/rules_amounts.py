"""Totals, lines, prices, discounts: sums to the cent, decimals, signs, currencies."""

from collections.abc import Iterator
from decimal import Decimal

from . import codes
from .finding import Context, Fault, Rule, _
from .model import ZERO, AllowanceCharge, Invoice, Line

MOST_DIGITS = 19


def _terms(invoice: Invoice) -> Iterator[tuple[str, str, str, Decimal | None, int]]:
    """(datum, part, line, number, most decimals) of every number on the invoice (BR-FR-DEC-01 to 04)."""
    totals = invoice.totals
    of_totals = {
        "BT-106": totals.lines,
        "BT-107": totals.allowances,
        "BT-108": totals.charges,
        "BT-109": totals.net,
        "BT-110": totals.vat,
        "BT-111": totals.vat_accounting,
        "BT-112": totals.gross,
        "BT-113": totals.paid,
        "BT-114": totals.rounding,
        "BT-115": totals.due,
    }
    yield from ((datum, "totals", "", number, 2) for datum, number in of_totals.items())
    for vat in invoice.vat:
        yield "BT-116", "vat", "", vat.base, 2
        yield "BT-117", "vat", "", vat.amount, 2
    for one in invoice.allowances:
        yield "BT-92", "allowance", "", one.amount, 2
        yield "BT-93", "allowance", "", one.base, 2
    for line in invoice.lines:
        yield "BT-129", "line", line.id, line.quantity, 4
        yield "BT-131", "line", line.id, line.amount, 2
        yield "BT-146", "line", line.id, line.price, 6
        yield "BT-147", "line", line.id, line.price_discount, 6
        yield "BT-148", "line", line.id, line.gross_price, 6
        yield "BT-149", "line", line.id, line.price_quantity, 4
        for one in line.allowances:
            yield "BT-136", "line", line.id, one.amount, 2
            yield "BT-137", "line", line.id, one.base, 2


def _long_numbers(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for datum, part, line, number, decimals in _terms(invoice):
        if number is not None and not _fits(number, decimals):
            yield Fault(part, line, datum, {"number": f"{number:f}", "decimals": str(decimals)})


def _fits(number: Decimal, decimals: int) -> bool:
    if not number.is_finite():
        return False
    if number == 0:
        return True
    _sign, digits, exponent = number.normalize().as_tuple()
    assert isinstance(exponent, int)  # a finite number's
    return -exponent <= decimals and len(digits) + max(exponent, 0) < MOST_DIGITS


def _negative_prices(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for line in invoice.lines:
        for datum, price in (("BT-146", line.price), ("BT-147", line.price_discount), ("BT-148", line.gross_price)):
            if price is not None and price < 0:
                yield Fault("line", line.id, datum, {"line": line.id, "price": f"{price:f}"})


def _unknown_units(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for line in invoice.lines:
        if line.unit not in codes.published("unit"):
            yield Fault("line", line.id, values={"line": line.id, "unit": line.unit})


def _signed(allowances: tuple[AllowanceCharge, ...]) -> Decimal:
    return sum((one.amount if one.charge else -one.amount for one in allowances), ZERO)


def _expected(line: Line) -> Decimal:
    return line.quantity * line.price / (line.price_quantity or 1) + _signed(line.allowances)


def _wrong_lines(invoice: Invoice, context: Context) -> Iterator[Fault]:
    """A price of six decimals leaves up to half a millionth for each unit, on top of the amount's own rounding."""
    for line in invoice.lines:
        tolerance = context.unit / 2 + abs(line.quantity) * Decimal("0.0000005")
        if abs(line.amount - _expected(line)) > tolerance:
            values = {"line": line.id, "amount": f"{line.amount:f}", "expected": f"{_expected(line):.2f}"}
            yield Fault("line", line.id, values=values)


def _wrong_net_prices(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for line in invoice.lines:
        gross = line.gross_price
        if gross is not None and gross - (line.price_discount or ZERO) != line.price:
            yield Fault("line", line.id, values={"line": line.id})


def _odd_allowances(invoice: Invoice, context: Context) -> Iterator[Fault]:
    """BR-33, BR-42: a reason, a code of UNTDID 5189 (allowance) or 7161 (charge), an amount that is not negative."""
    places = [(Fault("allowance", datum="BT-97"), invoice.allowances)]
    places += [(Fault("line", line.id, "BT-139"), line.allowances) for line in invoice.lines]
    for fault, allowances in places:
        for one in allowances:
            reasons = codes.published("charge reason" if one.charge else "allowance reason")
            known = not one.reason_code or one.reason_code in reasons
            if one.amount < 0 or not known or not (one.reason or one.reason_code):
                yield Fault(fault.part, fault.line, fault.datum, {"amount": f"{one.amount:f}", "code": one.reason_code})


def _sums(invoice: Invoice) -> Iterator[tuple[str, Decimal, Decimal]]:
    """(datum, stated, what the rest of the invoice adds up to): BR-CO-10 to BR-CO-16."""
    totals = invoice.totals
    yield "BT-106", totals.lines, sum((line.amount for line in invoice.lines), ZERO)
    discounts = (one.amount for one in invoice.allowances if not one.charge)
    yield "BT-107", totals.allowances, sum(discounts, ZERO)
    surcharges = (one.amount for one in invoice.allowances if one.charge)
    yield "BT-108", totals.charges, sum(surcharges, ZERO)
    yield "BT-109", totals.net, totals.lines - totals.allowances + totals.charges
    yield "BT-110", totals.vat, sum((vat.amount for vat in invoice.vat), ZERO)
    yield "BT-112", totals.gross, totals.net + totals.vat
    yield "BT-115", totals.due, totals.gross - totals.paid + totals.rounding


def _wrong_sums(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for datum, stated, expected in _sums(invoice):
        if stated != expected:
            yield Fault("totals", datum=datum, values={"stated": f"{stated:f}", "expected": f"{expected:f}"})


def _unlike_accounts(invoice: Invoice, context: Context) -> Iterator[Fault]:
    totals = invoice.totals
    known = {
        "BT-110": (totals.vat, context.vat),
        "BT-112": (totals.gross, context.gross),
        "BT-115": (totals.due, context.due),
    }
    for datum, (stated, booked) in known.items():
        if booked is not None and stated != booked:
            yield Fault("totals", datum=datum, values={"stated": f"{stated:f}", "booked": f"{booked:f}"})


def _negative_total(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if invoice.totals.gross < 0:
        yield Fault("totals", values={"gross": f"{invoice.totals.gross:f}"})


def _paid_already(invoice: Invoice, context: Context) -> Iterator[Fault]:
    totals = invoice.totals
    if invoice.framework not in codes.PAID_FRAMEWORKS:
        return
    if totals.paid != totals.gross:
        yield Fault("totals", datum="BT-113")
    if totals.due != 0:
        yield Fault("totals", datum="BT-115")
    if invoice.due_date is None:
        yield Fault(datum="BT-9")


def _unknown_currency(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for datum, currency in (("BT-5", invoice.currency), ("BT-6", invoice.accounting_currency)):
        if (currency or datum == "BT-5") and currency not in codes.published("currency"):
            yield Fault(datum=datum, values={"currency": currency})


def _foreign_currency(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if invoice.currency != "EUR" and invoice.accounting_currency != "EUR":
        yield Fault(datum="BT-6")
    if invoice.currency != "EUR" and invoice.totals.vat_accounting is None:
        yield Fault("totals", datum="BT-111")


RULES = (
    Rule(
        "BR-FR-DEC",
        "fatal",
        "BT-106",
        _("The number %(number)s has more than %(decimals)s decimals, or more than 19 digits."),
        _long_numbers,
    ),
    Rule(
        "BR-FR-DEC-03",
        "fatal",
        "BT-146",
        _("The price %(price)s of line %(line)s is negative: the quantity must be negative instead."),
        _negative_prices,
    ),
    Rule("BR-23", "fatal", "BT-130", _("The unit “%(unit)s” of line %(line)s is no UNECE code."), _unknown_units),
    Rule(
        "MS-LINE",
        "fatal",
        "BT-131",
        _("Line %(line)s says %(amount)s, its quantity and price make %(expected)s."),
        _wrong_lines,
    ),
    Rule(
        "MS-NET-PRICE",
        "fatal",
        "BT-146",
        _("The price of line %(line)s is not its gross price less the discount."),
        _wrong_net_prices,
    ),
    Rule(
        "BR-33",
        "fatal",
        "BT-97",
        _("The discount or surcharge of %(amount)s has no reason, an unknown one (%(code)s), or is negative."),
        _odd_allowances,
    ),
    Rule("BR-CO-10", "fatal", "BT-106", _("The total says %(stated)s, its parts add up to %(expected)s."), _wrong_sums),
    Rule("MS-ACCOUNTS", "fatal", "BT-112", _("The invoice says %(stated)s, the books %(booked)s."), _unlike_accounts),
    Rule(
        "MS-NEGATIVE",
        "fatal",
        "BT-112",
        _("The total %(gross)s is negative: this must be a credit note, or an invoice the other way round."),
        _negative_total,
    ),
    Rule(
        "BR-FR-CO-09",
        "fatal",
        "BT-113",
        _("An invoice paid already must show it: all of it paid, nothing due, the day of payment as due date."),
        _paid_already,
    ),
    Rule("BR-05", "fatal", "BT-5", _("The currency “%(currency)s” is unknown."), _unknown_currency),
    Rule(
        "BR-FR-CO-12",
        "fatal",
        "BT-111",
        _("An invoice in a foreign currency must give its VAT in euro."),
        _foreign_currency,
    ),
)
