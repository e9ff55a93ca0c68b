"""Every check of an invoice before it leaves: the French rules (BR-FR), those of EN 16931 that a user can break, and
what neither sees (keys of SIREN and SIRET, empty notes, the accounts' own amounts).
"""

from .finding import Context, Finding, Rule
from .model import Invoice
from .rules_amounts import RULES as AMOUNTS
from .rules_document import RULES as DOCUMENT
from .rules_notes import RULES as NOTES
from .rules_parties import RULES as PARTIES
from .rules_payment import RULES as PAYMENT
from .rules_references import RULES as REFERENCES
from .rules_vat import ODD_TAX
from .rules_vat import RULES as VAT

RULES: tuple[Rule, ...] = (*DOCUMENT, *NOTES, *REFERENCES, *PARTIES, *VAT, *AMOUNTS, *PAYMENT)
# Of our own rules those that a company may take more or less seriously; no XML is the worse for it.
CHOSEN = frozenset(
    [
        *("MS-ADDRESS", "MS-SIREN", "MS-SIRET", "MS-VAT-NUMBER", "MS-VAT-SIREN", "MS-IBAN", "MS-BIC", "MS-ICS"),
        *("MS-PUBLIC-SERVICE", "MS-PUBLIC-ORDER", "MS-PUBLIC-SIRET", "MS-PUBLIC-PAYMENT", "MS-MANDATE-LAPSED"),
        *("MS-PAYMENT", "MS-NOTE-BAR", "MS-BT49-CONSUMER", "MS-LEGAL-INFORMATION"),
    ]
)
SUMS = {rule.code for rule in (*VAT, *AMOUNTS)}  # with a tax that cannot be shown, nothing adds up


def check(invoice: Invoice, context: Context | None = None) -> tuple[Finding, ...]:
    """What is missing or wrong, in the order of the rules; nothing when the invoice may leave."""
    context = context or Context()
    rules = [rule for rule in RULES if not context.odd_taxes or rule.code == ODD_TAX or rule.code not in SUMS]
    return tuple(
        Finding(
            rule.code,
            rule.severity,
            rule.message,
            fault.datum or rule.datum,
            fault.part,
            fault.line,
            fault.values,
        )
        for rule in rules
        for fault in rule.faults(invoice, context)
    )


def fatal(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings that forbid to send the invoice."""
    return tuple(finding for finding in findings if finding.severity == "fatal")
