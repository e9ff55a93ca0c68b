"""What the invoice refers to: earlier invoices, contract, order, objects, documents."""

from collections.abc import Iterator

from . import codes
from .finding import Context, Fault, Rule, _
from .model import Identifier, Invoice, PrecedingInvoice
from .profile import Profile, decide


def references(invoice: Invoice) -> Iterator[tuple[Fault, PrecedingInvoice]]:
    """Every earlier invoice that is named, and where."""
    for known in invoice.preceding:
        yield Fault("preceding"), known
    for line in invoice.lines:
        if line.preceding:
            yield Fault("line", line.id), line.preceding


def _corrective_references(invoice: Invoice, context: Context) -> Iterator[Fault]:
    dated = [known for known in invoice.preceding if known.number and known.issue_date]
    if invoice.type_code in codes.CORRECTIVES and len(dated) != 1:
        yield Fault("preceding", values={"count": str(len(dated))})


def _credit_note_references(invoice: Invoice, context: Context) -> Iterator[Fault]:
    def dated(known: PrecedingInvoice | None) -> bool:
        return bool(known and known.number and known.issue_date)

    of_document = any(dated(known) for known in invoice.preceding)
    of_lines = all(dated(line.preceding) for line in invoice.lines)
    if invoice.type_code in codes.CREDIT_NOTES_OF_AN_INVOICE and not of_document and not of_lines:
        yield Fault("preceding")


def _undated_references(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for place, known in references(invoice):
        if known.issue_date is None:
            datum = "EXT-FR-FE-138" if place.line else "BT-26"
            yield Fault(place.part, place.line, datum, {"number": known.number})


def _unknown_references(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for place, known in references(invoice):
        if context.issued is not None and known.number not in context.issued:
            datum = "EXT-FR-FE-136" if place.line else "BT-25"
            yield Fault(place.part, place.line, datum, {"number": known.number})


def _later_references(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for place, known in references(invoice):
        if known.issue_date and known.issue_date > invoice.issue_date:
            values = {"number": known.number, "date": known.issue_date.isoformat()}
            yield Fault(place.part, place.line, "EXT-FR-FE-138" if place.line else "BT-26", values)


def _final_without_deposit(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if invoice.framework in codes.FINAL_FRAMEWORKS and not any(references(invoice)):
        yield Fault("preceding")


def _incomplete_rebate(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if invoice.type_code == codes.GLOBAL_CREDIT_NOTE and not (invoice.contract and invoice.period):
        yield Fault(datum="BG-14" if invoice.contract else "BT-12")


def _object_lists(invoice: Invoice) -> Iterator[tuple[Fault, tuple[Identifier, ...]]]:
    yield Fault(datum="BT-18"), invoice.objects
    for line in invoice.lines:
        yield Fault("line", line.id, "BT-128"), line.objects


def _odd_objects(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for fault, objects in _object_lists(invoice):
        schemes = [one.scheme for one in objects]
        if any(not one.value.strip() for one in objects) or len(set(schemes)) < len(schemes):
            yield fault


def _too_many_objects(invoice: Invoice, context: Context) -> Iterator[Fault]:
    """factur-x would keep the first one silently (BT-18, BT-128 are 0..1 in EN 16931)."""
    if decide(invoice) is Profile.EN16931:
        yield from (fault for fault, objects in _object_lists(invoice) if len(objects) > 1)


def _odd_documents(invoice: Invoice, context: Context) -> Iterator[Fault]:
    kinds = [document.description for document in invoice.documents if document.description]
    for kind in kinds:
        if kind not in codes.ATTACHMENT_KINDS:
            yield Fault("document", values={"kind": kind})
    if kinds.count("LISIBLE") > 1:
        yield Fault("document", values={"kind": "LISIBLE"})


def _public_service(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if context.needs_service_code and not invoice.buyer_reference:
        yield Fault()


def _public_order(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if context.needs_order and not invoice.order and not all(line.order for line in invoice.lines):
        yield Fault()


def _own_number_as_order(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if invoice.order and invoice.order == invoice.number:
        yield Fault(values={"number": invoice.number})


RULES = (
    Rule(
        "BR-FR-CO-04",
        "fatal",
        "BG-3",
        _("A corrective invoice must name exactly one invoice that it replaces, with its date: it names %(count)s."),
        _corrective_references,
    ),
    Rule(
        "BR-FR-CO-05",
        "fatal",
        "BG-3",
        _("A credit note must name the invoice that it credits, with its date."),
        _credit_note_references,
    ),
    Rule(
        "MS-BG3-DATE",
        "fatal",
        "BT-26",
        _("The date of the invoice %(number)s is missing."),
        _undated_references,
    ),
    Rule(
        "MS-BG3-UNKNOWN",
        "fatal",
        "BT-25",
        _("No invoice %(number)s was issued."),
        _unknown_references,
    ),
    Rule(
        "MS-BG3-LATER",
        "fatal",
        "BT-26",
        _("The earlier invoice %(number)s has a later date, %(date)s."),
        _later_references,
    ),
    Rule(
        "MS-DEPOSIT",
        "fatal",
        "BG-3",
        _("A final invoice after a deposit must name the deposit invoice."),
        _final_without_deposit,
    ),
    Rule("BR-FR-CO-03", "fatal", "BT-12", _("A global credit note needs a contract and a period."), _incomplete_rebate),
    Rule("BR-FR-29", "fatal", "BT-18", _("The object invoiced is empty, or of the same kind twice."), _odd_objects),
    Rule("MS-BT18-MANY", "fatal", "BT-18", _("This invoice can hold one invoiced object only."), _too_many_objects),
    Rule(
        "BR-FR-17",
        "fatal",
        "BT-123",
        _("“%(kind)s” is no kind of document, or is there twice."),
        _odd_documents,
    ),
    Rule(
        "MS-PUBLIC-SERVICE",
        "fatal",
        "BT-10",
        _("The public body requires its service code."),
        _public_service,
    ),
    Rule(
        "MS-PUBLIC-ORDER",
        "fatal",
        "BT-13",
        _("The public body requires its commitment number."),
        _public_order,
    ),
    Rule(
        "MS-ORDER",
        "fatal",
        "BT-13",
        _("The order number %(number)s is the invoice's own: it must be the buyer's, or be empty."),
        _own_number_as_order,
    ),
)
