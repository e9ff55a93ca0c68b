"""The mentions that an invoice must bear, as coded notes."""

from collections.abc import Iterator

from . import codes
from .finding import Context, Fault, Rule, _
from .model import Invoice


def _missing_notes(invoice: Invoice, context: Context) -> Iterator[Fault]:
    present = {note.subject for note in invoice.notes}
    for subject in codes.REQUIRED_NOTES:
        if subject not in present:
            yield Fault("note", values={"subject": subject})


def _repeated_notes(invoice: Invoice, context: Context) -> Iterator[Fault]:
    subjects = [note.subject for note in invoice.notes]
    for subject in (*codes.SINGLE_NOTES, codes.ROUTING):
        if subjects.count(subject) > 1:
            yield Fault("note", values={"subject": subject})


def _empty_notes(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for note in invoice.notes:
        if not note.text.strip():
            yield Fault("note", values={"subject": note.subject})


def _unknown_note_subjects(invoice: Invoice, context: Context) -> Iterator[Fault]:
    for note in invoice.notes:
        if note.subject not in codes.published("note subject"):
            yield Fault("note", values={"subject": note.subject})


def _no_routing(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if not invoice.note(codes.ROUTING):
        yield Fault("note")


def _unknown_routing(invoice: Invoice, context: Context) -> Iterator[Fault]:
    routing = invoice.note(codes.ROUTING)
    if routing and routing not in codes.ROUTINGS:
        yield Fault("note", values={"routing": routing})


RULES = (
    Rule(
        "BR-FR-05",
        "fatal",
        "BT-22",
        _("The mention %(subject)s is missing (PMT recovery costs, PMD late penalties, AAB early payment)."),
        _missing_notes,
    ),
    Rule("BR-FR-06", "fatal", "BT-21", _("The mention %(subject)s is there more than once."), _repeated_notes),
    Rule("MS-NOTE-EMPTY", "fatal", "BT-22", _("The mention %(subject)s has no text."), _empty_notes),
    Rule("MS-NOTE-SUBJECT", "fatal", "BT-21", _("“%(subject)s” is no subject of a mention."), _unknown_note_subjects),
    Rule(
        "MS-NOTE-BAR",
        "warning",
        "BT-22",
        _("The mention BAR is missing: the platform cannot tell what kind of customer this is."),
        _no_routing,
    ),
    Rule("BR-FR-20", "fatal", "BT-22", _("The mention BAR says “%(routing)s”, which is not known."), _unknown_routing),
)
