"""Number, dates, type, billing framework, lines."""

import re
from collections.abc import Iterator
from datetime import date

from . import codes
from .finding import Context, Fault, Rule, _
from .model import Invoice
from .rules_references import references

NUMBER = re.compile(r"[A-Za-z0-9+\-_/]+")
NUMBER_LENGTH = 35


def _numbers(invoice: Invoice) -> Iterator[tuple[str, str, str, str]]:
    """(number, part, line, datum) of the document and of those it follows."""
    yield invoice.number, "invoice", "", "BT-1"
    for place, known in references(invoice):
        yield known.number, place.part, place.line, "EXT-FR-FE-136" if place.line else "BT-25"


def _long_numbers(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for number, part, line, datum in _numbers(invoice):
        if len(number) > NUMBER_LENGTH:
            yield Fault(part, line, datum, {"number": number})


def _odd_numbers(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for number, part, line, datum in _numbers(invoice):
        if not NUMBER.fullmatch(number):
            yield Fault(part, line, datum, {"number": number})


def _dates(invoice: Invoice) -> Iterator[tuple[date | None, str, str, str]]:
    yield invoice.issue_date, "invoice", "", "BT-2"
    yield invoice.due_date, "invoice", "", "BT-9"
    yield invoice.delivery_date, "invoice", "", "BT-72"
    if invoice.period:
        yield invoice.period.start, "invoice", "", "BT-73"
        yield invoice.period.end, "invoice", "", "BT-74"
    for line in invoice.lines:
        if line.period:
            yield line.period.start, "line", line.id, "BT-134"
            yield line.period.end, "line", line.id, "BT-135"
        yield line.delivery_date, "line", line.id, "EXT-FR-FE-158"
    for place, known in references(invoice):
        yield known.issue_date, place.part, place.line, "EXT-FR-FE-138" if place.line else "BT-26"


def _odd_dates(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for day, part, line, datum in _dates(invoice):
        if day and not 2000 <= day.year <= 2099:
            yield Fault(part, line, datum, {"date": day.isoformat()})


def _reversed_periods(invoice: Invoice, context: Context) -> Iterator[Fault]:
    spans = [("invoice", "", "BT-74", invoice.period)]
    spans += [("line", line.id, "BT-135", line.period) for line in invoice.lines]
    for part, line, datum, period in spans:
        if period and period.end < period.start:
            yield Fault(part, line, datum, {"start": period.start.isoformat(), "end": period.end.isoformat()})


def _early_due_date(invoice: Invoice, context: Context) -> Iterator[Fault]:
    free = invoice.type_code in codes.DEPOSITS or invoice.framework in codes.PAID_FRAMEWORKS
    if invoice.due_date and invoice.due_date < invoice.issue_date and not free:
        yield Fault(values={"due": invoice.due_date.isoformat(), "issued": invoice.issue_date.isoformat()})


def _unknown_type(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if invoice.type_code not in codes.TYPE_CODES:
        yield Fault(values={"type": invoice.type_code})
    for place, known in references(invoice):
        if known.type_code and known.type_code not in codes.TYPE_CODES:
            datum = "EXT-FR-FE-137" if place.line else "EXT-FR-FE-02"
            yield Fault(place.part, place.line, datum, {"type": known.type_code})


def _unknown_framework(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if invoice.framework not in codes.FRAMEWORKS:
        yield Fault(values={"framework": invoice.framework})


def _final_deposit(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if invoice.framework in codes.FINAL_FRAMEWORKS and invoice.type_code in codes.DEPOSITS:
        yield Fault(values={"framework": invoice.framework, "type": invoice.type_code})


def _no_lines(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if not invoice.lines:
        yield Fault()


def _unnamed_lines(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for line in invoice.lines:
        if not line.name.strip():
            yield Fault("line", line.id, values={"line": line.id})


def _repeated_line_ids(invoice: Invoice, context: Context) -> Iterator[Fault]:
    seen: set[str] = set()
    for line in invoice.lines:
        if not line.id or line.id in seen:
            yield Fault("line", line.id, values={"line": line.id})
        seen.add(line.id)


RULES = (
    Rule("BR-FR-01", "fatal", "BT-1", _("The invoice number %(number)s is longer than 35 characters."), _long_numbers),
    Rule(
        "BR-FR-02",
        "fatal",
        "BT-1",
        _("The invoice number “%(number)s” may hold only letters, digits and the signs + - _ /, without spaces."),
        _odd_numbers,
    ),
    Rule("BR-FR-03", "fatal", "BT-2", _("The date %(date)s is not between 2000 and 2099."), _odd_dates),
    Rule("BR-29", "fatal", "BT-74", _("The period %(start)s – %(end)s ends before it starts."), _reversed_periods),
    Rule(
        "BR-FR-CO-07",
        "fatal",
        "BT-9",
        _("The due date %(due)s is before the invoice date %(issued)s."),
        _early_due_date,
    ),
    Rule("BR-FR-04", "fatal", "BT-3", _("The document type “%(type)s” is not one used in France."), _unknown_type),
    Rule(
        "BR-FR-08",
        "fatal",
        "BT-23",
        _("The billing framework “%(framework)s” is missing or unknown: S1, B1, M1 …"),
        _unknown_framework,
    ),
    Rule(
        "BR-FR-CO-08",
        "fatal",
        "BT-23",
        _("The billing framework %(framework)s (final after a deposit) cannot be that of a deposit (%(type)s)."),
        _final_deposit,
    ),
    Rule("BR-16", "fatal", "BG-25", _("The invoice has no lines."), _no_lines),
    Rule("BR-25", "fatal", "BT-153", _("Line %(line)s has no name."), _unnamed_lines),
    Rule("BR-21", "fatal", "BT-126", _("The line number “%(line)s” is empty or there twice."), _repeated_line_ids),
)
