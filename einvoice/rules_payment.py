"""How the invoice is to be paid: means, bank account, direct debit mandate."""

from collections.abc import Iterator

from stdnum import bic, iban  # type: ignore[import-untyped]
from stdnum.eu import at_02  # type: ignore[import-untyped]

from . import codes
from .finding import Context, Fault, Rule, _
from .model import DirectDebit, Invoice

MANDATE_YEARS = 3  # SEPA Direct Debit Core Rulebook: a mandate lapses 36 months after the last collection


def _no_terms(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if invoice.totals.due > 0 and not invoice.due_date and not invoice.payment_terms:
        yield Fault()


def _no_means(invoice: Invoice, context: Context) -> Iterator[Fault]:
    credited = invoice.type_code in codes.CREDIT_NOTES
    if invoice.totals.due > 0 and not credited and invoice.payment is None:
        yield Fault("payment")


def _no_public_means(invoice: Invoice, context: Context) -> Iterator[Fault]:
    """Chorus Pro refuses an invoice without a means of payment."""
    if context.public_buyer:
        yield from _no_means(invoice, context)


def _unknown_means(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if invoice.payment and invoice.payment.means_code not in codes.published("payment means"):
        yield Fault("payment", values={"code": invoice.payment.means_code})


def _no_account(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if invoice.payment and invoice.payment.means_code in codes.TRANSFERS and not invoice.payment.iban:
        yield Fault("payment")


def _debit(invoice: Invoice) -> DirectDebit | None:
    return invoice.payment.direct_debit if invoice.payment else None


def _false_iban(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if invoice.payment and invoice.payment.iban and not iban.is_valid(invoice.payment.iban):
        yield Fault("payment", datum="BT-84", values={"iban": invoice.payment.iban})
    debit = _debit(invoice)
    if debit and debit.debtor_iban and not iban.is_valid(debit.debtor_iban):
        yield Fault("mandate", datum="BT-91", values={"iban": debit.debtor_iban})


def _false_bic(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if invoice.payment and invoice.payment.bic and not bic.is_valid(invoice.payment.bic):
        yield Fault("payment", values={"bic": invoice.payment.bic})


def _incomplete_debit(invoice: Invoice, context: Context) -> Iterator[Fault]:
    if invoice.payment is None or invoice.payment.means_code not in codes.DIRECT_DEBITS:
        return
    debit = _debit(invoice) or DirectDebit("", "", "")
    for datum, value in (("BT-89", debit.mandate), ("BT-90", debit.creditor_id), ("BT-91", debit.debtor_iban)):
        if not value:
            yield Fault("mandate", datum=datum)


def _false_creditor(invoice: Invoice, context: Context) -> Iterator[Fault]:
    debit = _debit(invoice)
    if debit and debit.creditor_id and not at_02.is_valid(debit.creditor_id):
        yield Fault("seller", values={"creditor": debit.creditor_id})


def _lapsed_mandate(invoice: Invoice, context: Context) -> Iterator[Fault]:
    used, collected = context.mandate_last_use, invoice.due_date or invoice.issue_date
    if _debit(invoice) is None or used is None:
        return
    if (collected.year, collected.month, collected.day) > (used.year + MANDATE_YEARS, used.month, used.day):
        yield Fault("mandate", values={"used": used.isoformat()})


RULES = (
    Rule("BR-CO-25", "fatal", "BT-9", _("The due date is missing."), _no_terms),
    Rule(
        "MS-PAYMENT",
        "warning",
        "BT-84",
        _("The invoice does not say how to pay: enter the bank account (IBAN) on which payments are received."),
        _no_means,
    ),
    Rule(
        "MS-PUBLIC-PAYMENT",
        "fatal",
        "BT-84",
        _("A public body must be told the bank account (IBAN) to pay to."),
        _no_public_means,
    ),
    Rule("BR-49", "fatal", "BT-81", _("The means of payment “%(code)s” is unknown."), _unknown_means),
    Rule("BR-61", "fatal", "BT-84", _("The seller's bank account (IBAN) is missing."), _no_account),
    Rule("MS-IBAN", "fatal", "BT-84", _("The IBAN %(iban)s is not valid."), _false_iban),
    Rule("MS-BIC", "fatal", "BT-86", _("The BIC %(bic)s is not valid."), _false_bic),
    Rule(
        "MS-DEBIT",
        "fatal",
        "BT-89",
        _("Direct debit needs the mandate's reference, the creditor identifier and the customer's IBAN."),
        _incomplete_debit,
    ),
    Rule("MS-ICS", "fatal", "BT-90", _("The SEPA creditor identifier %(creditor)s is not valid."), _false_creditor),
    Rule(
        "MS-MANDATE-LAPSED",
        "fatal",
        "BT-89",
        _("The mandate was last used on %(used)s, more than 36 months before: a new one must be signed."),
        _lapsed_mandate,
    ),
)
