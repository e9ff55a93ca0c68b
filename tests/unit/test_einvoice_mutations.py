"""Deliberate faults, each refused by our own check with a message that names the datum; the sound invoices pass."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from einvoice_builders import (
    BUYER,
    CREDITOR,
    DEBTOR_IBAN,
    EARLIER,
    IBAN,
    KINDS,
    NOVEMBER,
    SELLER,
    address,
    already_paid,
    berlin,
    company,
    consumer,
    corrective,
    credit_note_total,
    deposit,
    direct_debit,
    document,
    everything,
    export,
    final,
    flat,
    foreign_currency,
    franchise,
    global_credit_note,
    intra_eu_goods,
    line,
    mixed_vat_points,
    multi_site,
    outside_vat,
    public_body,
    reverse_charge,
    self_billed,
    site,
    vat_group,
    without,
)

from einvoice import codes, rules
from einvoice.finding import Context, Finding
from einvoice.model import (
    AllowanceCharge,
    DirectDebit,
    Identifier,
    Invoice,
    Note,
    Party,
    Payment,
    Period,
    PrecedingInvoice,
    SupportingDocument,
    VatBreakdown,
)

CENT = Decimal("0.01")


def seller(**changes) -> Invoice:
    return document(seller=replace(SELLER, **changes))


def buyer(**changes) -> Invoice:
    return document(buyer=replace(BUYER, **changes))


def noted(*notes: Note) -> Invoice:
    return document(notes=notes)


def totals(invoice: Invoice, **changes) -> Invoice:
    return replace(invoice, totals=replace(invoice.totals, **changes))


def first_line(invoice: Invoice, **changes) -> Invoice:
    return replace(invoice, lines=(replace(invoice.lines[0], **changes), *invoice.lines[1:]))


def first_vat(invoice: Invoice, **changes) -> Invoice:
    return replace(invoice, vat=(replace(invoice.vat[0], **changes), *invoice.vat[1:]))


def debit(**changes) -> Invoice:
    whole = DirectDebit("RUM-1", CREDITOR, DEBTOR_IBAN)
    return document(payment=Payment(codes.SEPA_DEBIT, direct_debit=replace(whole, **changes)))


def paid_by(**changes) -> Invoice:
    return document(payment=Payment(**{"means_code": codes.SEPA_TRANSFER, "iban": IBAN, **changes}))


def rebate(**changes) -> Invoice:
    whole = {"amount": Decimal(5), "reason": "Remise", "vat_category": "S", "vat_rate": Decimal(20)}
    return document(allowances=(AllowanceCharge(**{**whole, **changes}),))


def knowing(invoice: Invoice, **known) -> tuple[Invoice, Context]:
    return invoice, Context(**known)


# what is wrong: (invoice, or invoice and context), rule, datum to be mended, words of the message
FAULTS: dict[str, tuple[Callable[[], Invoice | tuple[Invoice, Context]], str, str, str]] = {
    # number, dates, type, framework
    "number too long": (lambda: document(number="F" * 36), "BR-FR-01", "BT-1", "invoice number"),
    "number with a space": (lambda: document(number="FA 42"), "BR-FR-02", "BT-1", "“FA 42”"),
    "number with an accent": (lambda: document(number="FACTURÉ-1"), "BR-FR-02", "BT-1", "invoice number"),
    "no number": (lambda: document(number=""), "BR-FR-02", "BT-1", "invoice number"),
    "date before 2000": (lambda: document(delivery_date=date(1926, 11, 2)), "BR-FR-03", "BT-72", "1926-11-02"),
    "line period after 2099": (
        lambda: document(line(period=Period(date(2026, 11, 1), date(2206, 1, 1)))),
        "BR-FR-03",
        "BT-135",
        "2206-01-01",
    ),
    "period the wrong way round": (
        lambda: document(period=Period(date(2026, 11, 30), date(2026, 11, 1))),
        "BR-29",
        "BT-74",
        "ends before it starts",
    ),
    "due before it was issued": (lambda: document(due_date=date(2026, 11, 1)), "BR-FR-CO-07", "BT-9", "due date"),
    "unknown type": (lambda: document(type_code="325"), "BR-FR-04", "BT-3", "document type"),
    "unknown type of an earlier invoice": (
        lambda: document(preceding=(replace(EARLIER, type_code="325"),)),
        "BR-FR-04",
        "EXT-FR-FE-02",
        "document type",
    ),
    "no framework": (lambda: document(framework=""), "BR-FR-08", "BT-23", "billing framework"),
    "framework of several sellers": (lambda: document(framework="S8"), "BR-FR-08", "BT-23", "billing framework"),
    "deposit under a final framework": (
        lambda: replace(deposit(), framework="S4", preceding=(EARLIER,)),
        "BR-FR-CO-08",
        "BT-23",
        "deposit",
    ),
    # lines
    "no lines": (lambda: replace(flat(), lines=()), "BR-16", "BG-25", "no lines"),
    "line without a name": (lambda: document(line(name="  ")), "BR-25", "BT-153", "name"),
    "two lines of one number": (lambda: first_line(document(line(), line()), id="2"), "BR-21", "BT-126", "line number"),
    "negative price": (
        lambda: first_line(document(line("10", "-1"), line()), price=Decimal(-10), quantity=Decimal(1)),
        "BR-FR-DEC-03",
        "BT-146",
        "negative",
    ),
    "unknown unit": (lambda: document(line(unit="HEURE")), "BR-23", "BT-130", "unit"),
    "line off by a cent": (
        lambda: first_line(document(line("33.33", "3")), amount=Decimal("100.00")),
        "MS-LINE",
        "BT-131",
        "quantity and price",
    ),
    "gross price that does not fit": (
        lambda: document(line("90", gross_price=Decimal(100), price_discount=Decimal(5))),
        "MS-NET-PRICE",
        "BT-146",
        "gross price",
    ),
    "quantity too fine": (lambda: document(line("1", "0.12345")), "BR-FR-DEC", "BT-129", "decimals"),
    "price too fine": (lambda: document(line("0.1234567", "100")), "BR-FR-DEC", "BT-146", "decimals"),
    # mentions
    "no recovery indemnity": (lambda: without(flat(), "PMT"), "BR-FR-05", "BT-22", "PMT"),
    "no late penalties": (lambda: without(flat(), "PMD"), "BR-FR-05", "BT-22", "PMD"),
    "no early payment": (lambda: without(flat(), "AAB"), "BR-FR-05", "BT-22", "AAB"),
    "late penalties twice": (lambda: noted(Note("PMD", "10 %")), "BR-FR-06", "BT-21", "PMD"),
    "tax mention twice": (lambda: noted(Note("TXD", "a"), Note("TXD", "b")), "BR-FR-06", "BT-21", "TXD"),
    "empty mention": (
        lambda: replace(without(flat(), "PMD"), notes=(*without(flat(), "PMD").notes, Note("PMD", " \n"))),
        "MS-NOTE-EMPTY",
        "BT-22",
        "PMD has no text",
    ),
    "unknown subject": (lambda: noted(Note("XYZ", "a")), "MS-NOTE-SUBJECT", "BT-21", "XYZ"),
    "unknown routing": (lambda: document(routing="BTOB"), "BR-FR-20", "BT-22", "BAR"),
    # references
    "corrective of two invoices": (
        lambda: replace(corrective(), preceding=(EARLIER, EARLIER)),
        "BR-FR-CO-04",
        "BG-3",
        "it names 2",
    ),
    "corrective of none": (lambda: replace(corrective(), preceding=()), "BR-FR-CO-04", "BG-3", "it names 0"),
    "credit note of nothing": (
        lambda: replace(credit_note_total(), preceding=()),
        "BR-FR-CO-05",
        "BG-3",
        "credit note",
    ),
    "credit note of an undated invoice": (
        lambda: replace(credit_note_total(), preceding=(PrecedingInvoice("FA-1", None),)),
        "MS-BG3-DATE",
        "BT-26",
        "FA-1",
    ),
    "credit note of an invoice that does not exist": (
        lambda: knowing(credit_note_total(), issued=frozenset({"FA-2026-00039"})),
        "MS-BG3-UNKNOWN",
        "BT-25",
        "FA-2026-00040",
    ),
    "credit note of a later invoice": (
        lambda: replace(credit_note_total(), preceding=(PrecedingInvoice("FA-1", date(2027, 1, 1)),)),
        "MS-BG3-LATER",
        "BT-26",
        "later date",
    ),
    "earlier number with a space": (
        lambda: replace(credit_note_total(), preceding=(replace(EARLIER, number="FA 40"),)),
        "BR-FR-02",
        "BT-25",
        "invoice number",
    ),
    "final invoice without its deposit": (lambda: replace(final(), preceding=()), "MS-DEPOSIT", "BG-3", "deposit"),
    "global credit note without a period": (
        lambda: replace(global_credit_note(), period=None),
        "BR-FR-CO-03",
        "BG-14",
        "period",
    ),
    "global credit note without a contract": (
        lambda: replace(global_credit_note(), contract=""),
        "BR-FR-CO-03",
        "BT-12",
        "contract",
    ),
    "empty object": (lambda: document(objects=(Identifier("AFL", " "),)), "BR-FR-29", "BT-18", "object"),
    "two objects": (
        lambda: document(objects=(Identifier("AFL", "A"), Identifier("AVV", "B"))),
        "MS-BT18-MANY",
        "BT-18",
        "object",
    ),
    "unknown kind of document": (
        lambda: document(documents=(SupportingDocument("D1", "FACTURE"),)),
        "BR-FR-17",
        "BT-123",
        "kind of document",
    ),
    "own number as the buyer's order": (lambda: document(order="FA-2026-00042"), "MS-ORDER", "BT-13", "order number"),
    "public body without its service code": (
        lambda: knowing(replace(public_body(), buyer_reference=""), needs_service_code=True),
        "MS-PUBLIC-SERVICE",
        "BT-10",
        "service code",
    ),
    "public body without its commitment number": (
        lambda: knowing(replace(public_body(), order=""), needs_order=True),
        "MS-PUBLIC-ORDER",
        "BT-13",
        "commitment number",
    ),
    "public body that is not told where to pay": (
        lambda: knowing(replace(public_body(), payment=None), public_buyer=True),
        "MS-PUBLIC-PAYMENT",
        "BT-84",
        "IBAN",
    ),
    "tax that cannot be shown": (
        lambda: knowing(document(), odd_taxes=(("1", "Tourist tax"),)),
        "MS-TAX",
        "BT-151",
        "Tourist tax",
    ),
    "public body without its SIRET": (
        lambda: knowing(replace(public_body(), buyer=replace(public_body().buyer, identifiers=())), public_buyer=True),
        "MS-PUBLIC-SIRET",
        "BT-46",
        "SIRET",
    ),
    # parties
    "buyer without a name": (lambda: buyer(name=""), "BR-06", "BT-44", "name"),
    "site without a name": (lambda: document(site=replace(site("A"), name="")), "BR-06", "BT-70", "name"),
    "buyer without an address": (lambda: buyer(address=None), "BR-08", "BG-8", "address"),
    "seller without a country": (lambda: seller(address=address(country="")), "BR-09", "BG-5", "country"),
    "buyer without a town": (lambda: buyer(address=address(city="")), "MS-ADDRESS", "BG-8", "town"),
    "site without a street": (
        lambda: document(line(site=replace(site("A"), address=address(line1="")))),
        "MS-ADDRESS",
        "BG-15",
        "street",
    ),
    "seller without SIREN": (lambda: seller(legal_id="", identifiers=()), "BR-FR-10", "BT-30", "SIREN"),
    "SIREN that is a SIRET": (lambda: buyer(legal_id="20000000800016"), "BR-FR-32", "BT-47", "SIREN"),
    "buyer without SIREN": (lambda: buyer(legal_id="", identifiers=()), "BR-FR-11", "BT-47", "SIREN"),
    "SIREN with a wrong key": (lambda: buyer(legal_id="200000009", identifiers=()), "MS-SIREN", "BT-47", "200000009"),
    "seller's SIREN with a wrong key": (lambda: seller(legal_id="100000008"), "MS-SIREN", "BT-30", "100000008"),
    "SIRET of another company": (
        lambda: buyer(identifiers=(Identifier(codes.SIRET, company("300000007", "").siret),)),
        "BR-FR-09",
        "BT-46",
        "SIRET",
    ),
    "SIRET too short": (
        lambda: seller(identifiers=(Identifier(codes.SIRET, "1000000090"),)),
        "BR-FR-09",
        "BT-29",
        "SIRET",
    ),
    "SIRET with a wrong key": (
        lambda: seller(identifiers=(Identifier(codes.SIRET, "10000000900012"),)),
        "MS-SIRET",
        "BT-29",
        "10000000900012",
    ),
    "site's SIRET with a wrong key": (
        lambda: document(line(site=replace(site("A"), identifiers=(Identifier(codes.SIRET, "20000000800019"),)))),
        "MS-SIRET",
        "EXT-FR-FE-146",
        "20000000800019",
    ),
    "seller without an electronic address": (lambda: seller(electronic_address=""), "BR-FR-12", "BT-34", "electronic"),
    "buyer without an electronic address": (lambda: buyer(electronic_address=""), "BR-FR-12", "BT-49", "electronic"),
    "electronic address of another company": (
        lambda: buyer(electronic_address="300000007"),
        "BR-FR-21",
        "BT-49",
        "300000007",
    ),
    "e-mail as the address of a company": (
        lambda: buyer(electronic_address="a@client.invalid", electronic_scheme=codes.EMAIL),
        "BR-FR-21",
        "BT-49",
        "0225",
    ),
    "self-billed to another seller": (
        lambda: replace(self_billed(), seller=replace(SELLER, electronic_address="300000007")),
        "BR-FR-21",
        "BT-34",
        "300000007",
    ),
    "electronic address with a slash": (
        lambda: buyer(electronic_address="200000008/1"),
        "BR-FR-23",
        "BT-49",
        "forbidden",
    ),
    "electronic address of an unknown kind": (
        lambda: seller(electronic_scheme="0666"),
        "BR-FR-23",
        "BT-34",
        "unknown kind",
    ),
    "routing code with a space": (
        lambda: buyer(identifiers=(Identifier(codes.ROUTING_CODE, "SERVICE 1"),)),
        "BR-FR-24",
        "BT-46",
        "routing code",
    ),
    "two identifiers of one kind": (lambda: seller(identifiers=SELLER.identifiers * 2), "BR-FR-CO-10", "BT-29", "kind"),
    "two identifiers of the buyer": (
        lambda: buyer(identifiers=(*BUYER.identifiers, Identifier(codes.ROUTING_CODE, "S1"))),
        "MS-BT46-MANY",
        "BT-46",
        "identifier",
    ),
    "VAT number with a wrong key": (lambda: seller(vat_number="FR00100000009"), "MS-VAT-NUMBER", "BT-31", "VAT number"),
    "German VAT number with a wrong key": (
        lambda: replace(intra_eu_goods(), buyer=replace(berlin(), vat_number="DE136695978")),
        "MS-VAT-NUMBER",
        "BT-48",
        "DE136695978",
    ),
    "VAT number of another company": (
        lambda: buyer(vat_number=company("300000007", "").vat_number),
        "MS-VAT-SIREN",
        "BT-48",
        "another company",
    ),
    "VAT group without its note": (lambda: without(vat_group(), "TXD"), "BR-FR-CO-14", "BT-22", "TXD"),
    "VAT group without its number": (
        lambda: replace(vat_group(), tax_representative=None),
        "BR-FR-CO-14",
        "BT-63",
        "VAT number",
    ),
    # VAT
    "no VAT table": (lambda: replace(flat(), vat=()), "BR-CO-18", "BG-23", "VAT table"),
    "category of the Canaries": (lambda: document(line(vat_category="L", rate="7")), "BR-FR-15", "BT-151", "category"),
    "rate that is not French": (lambda: document(line(rate="19")), "BR-FR-16", "BT-151", "19 %"),
    "rate 0 in category S": (lambda: document(line(rate="0")), "BR-S-05", "BT-151", "category S"),
    "VAT base off by a cent": (
        lambda: first_vat(flat(), base=flat().vat[0].base + CENT),
        "BR-S-08",
        "BT-116",
        "VAT base",
    ),
    "VAT off by two cents": (
        lambda: first_vat(flat(), amount=flat().vat[0].amount + 2 * CENT),
        "BR-CO-17",
        "BT-117",
        "20 % of 350.50",
    ),
    "a rate without its row in the table": (
        lambda: replace(document(line(), line(rate="10")), vat=document(line()).vat),
        "BR-S-08",
        "BT-116",
        "S 10",
    ),
    "a category twice in the table": (
        lambda: replace(franchise(), vat=franchise().vat * 2),
        "BR-E-01",
        "BG-23",
        "VAT table",
    ),
    "exempt without a reason": (
        lambda: first_vat(franchise(), exemption="", exemption_code=""),
        "BR-E-10",
        "BT-120",
        "reason",
    ),
    "rated with a reason": (lambda: first_vat(flat(), exemption="Art. 261"), "BR-S-10", "BT-120", "reason"),
    "unknown exemption": (
        lambda: first_vat(franchise(), exemption_code="VATEX-FR-XX"),
        "MS-VATEX",
        "BT-121",
        "VATEX-FR-XX",
    ),
    "exemption of another category": (
        lambda: first_vat(reverse_charge(), exemption_code="VATEX-FR-FRANCHISE"),
        "MS-VATEX",
        "BT-121",
        "category AE",
    ),
    "seller without a VAT number": (lambda: seller(vat_number=""), "BR-S-02", "BT-31", "VAT number"),
    "export without a VAT number": (
        lambda: replace(export(), seller=replace(SELLER, vat_number="", tax_id="1")),
        "BR-S-02",
        "BT-31",
        "VAT number",
    ),
    "reverse charge without the buyer's VAT number": (
        lambda: replace(reverse_charge(), buyer=replace(BUYER, vat_number="")),
        "BR-AE-02",
        "BT-48",
        "VAT number",
    ),
    "outside VAT with a VAT number": (
        lambda: replace(outside_vat(), seller=SELLER),
        "BR-O-11",
        "BT-118",
        "outside VAT",
    ),
    "intra-community supply to nowhere": (
        lambda: replace(intra_eu_goods(), site=None),
        "BR-IC-11",
        "BG-15",
        "place",
    ),
    "intra-community supply without a date": (
        lambda: replace(intra_eu_goods(), delivery_date=None),
        "BR-IC-11",
        "BT-72",
        "date",
    ),
    "unknown VAT point": (lambda: document(vat_point="35"), "MS-BT8", "BT-8", "when VAT falls due"),
    "debits stated, collection used": (
        lambda: knowing(document(vat_point="5"), vat_points=frozenset({"72"})),
        "MS-BT8-TAX",
        "BT-8",
        "taxes used",
    ),
    "one VAT point for two": (
        lambda: knowing(replace(mixed_vat_points(), vat_point="72"), vat_points=frozenset({"5", "72"})),
        "MS-BT8-MIXED",
        "BT-8",
        "AAI",
    ),
    # totals
    "lines off by a cent": (
        lambda: totals(flat(), lines=flat().totals.lines - CENT),
        "BR-CO-10",
        "BT-106",
        "add up",
    ),
    "net off by a cent": (lambda: totals(flat(), net=flat().totals.net + CENT), "BR-CO-10", "BT-109", "add up"),
    "VAT total off by a cent": (lambda: totals(flat(), vat=flat().totals.vat + CENT), "BR-CO-10", "BT-110", "add up"),
    "gross off by a cent": (lambda: totals(flat(), gross=flat().totals.gross + CENT), "BR-CO-10", "BT-112", "add up"),
    "due off by a cent": (lambda: totals(flat(), due=flat().totals.due - CENT), "BR-CO-10", "BT-115", "add up"),
    "discount total left out": (lambda: totals(rebate(), allowances=Decimal(0)), "BR-CO-10", "BT-107", "add up"),
    "gross unlike the accounts": (
        lambda: knowing(flat(), gross=flat().totals.gross + CENT),
        "MS-ACCOUNTS",
        "BT-112",
        "books",
    ),
    "VAT unlike the accounts": (
        lambda: knowing(flat(), vat=flat().totals.vat - CENT),
        "MS-ACCOUNTS",
        "BT-110",
        "books",
    ),
    "three decimals": (lambda: totals(flat(), paid=Decimal("0.001")), "BR-FR-DEC", "BT-113", "decimals"),
    "negative total": (lambda: document(line("100", "-1")), "MS-NEGATIVE", "BT-112", "credit note"),
    "discount without a reason": (lambda: rebate(reason=""), "BR-33", "BT-97", "reason"),
    "negative discount": (lambda: rebate(amount=Decimal(-5)), "BR-33", "BT-97", "negative"),
    "discount with an unknown code": (lambda: rebate(reason_code="999"), "BR-33", "BT-97", "999"),
    "paid already, and still due": (
        lambda: totals(already_paid(), paid=Decimal(0), due=already_paid().totals.gross),
        "BR-FR-CO-09",
        "BT-113",
        "paid already",
    ),
    "paid on no day": (lambda: replace(already_paid(), due_date=None), "BR-FR-CO-09", "BT-9", "day of payment"),
    "unknown currency": (lambda: document(currency="EURO"), "BR-05", "BT-5", "currency"),
    "dollars without euro": (
        lambda: replace(foreign_currency(), accounting_currency=""),
        "BR-FR-CO-12",
        "BT-6",
        "in euro",
    ),
    "dollars without VAT in euro": (
        lambda: totals(foreign_currency(), vat_accounting=None),
        "BR-FR-CO-12",
        "BT-111",
        "VAT in euro",
    ),
    # payment
    "no due date": (lambda: document(due_date=None), "BR-CO-25", "BT-9", "due date"),
    "unknown means": (lambda: paid_by(means_code="99"), "BR-49", "BT-81", "means of payment"),
    "transfer to no account": (lambda: paid_by(iban=""), "BR-61", "BT-84", "IBAN"),
    "IBAN with a wrong key": (lambda: paid_by(iban=IBAN[:-1] + "8"), "MS-IBAN", "BT-84", "IBAN"),
    "BIC too short": (lambda: paid_by(bic="TESTFR"), "MS-BIC", "BT-86", "BIC"),
    "direct debit without a mandate": (lambda: debit(mandate=""), "MS-DEBIT", "BT-89", "mandate"),
    "direct debit of no account": (lambda: debit(debtor_iban=""), "MS-DEBIT", "BT-91", "IBAN"),
    "debtor's IBAN with a wrong key": (
        lambda: debit(debtor_iban="FR7630006000011234567890188"),
        "MS-IBAN",
        "BT-91",
        "IBAN",
    ),
    "creditor identifier with a wrong key": (
        lambda: debit(creditor_id="FR73ZZZ123456"),
        "MS-ICS",
        "BT-90",
        "FR73ZZZ123456",
    ),
    "mandate unused for three years": (
        lambda: knowing(direct_debit(), mandate_last_use=date(2023, 12, 1)),
        "MS-MANDATE-LAPSED",
        "BT-89",
        "36 months",
    ),
}

WARNINGS: dict[str, tuple[Callable[[], Invoice], str, str]] = {
    "no routing": (lambda: without(flat(), "BAR"), "MS-NOTE-BAR", "BT-22"),
    "consumer without an address": (
        lambda: replace(consumer(), buyer=replace(consumer().buyer, electronic_address="")),
        "MS-BT49-CONSUMER",
        "BT-49",
    ),
    "no legal form": (lambda: seller(legal_information=""), "MS-LEGAL-INFORMATION", "BT-33"),
    "no way to pay": (lambda: document(payment=None), "MS-PAYMENT", "BT-84"),
}


def findings(made: Invoice | tuple[Invoice, Context]) -> tuple[Finding, ...]:
    return rules.check(*made) if isinstance(made, tuple) else rules.check(made)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_refused(fault):
    make, rule, datum, words = FAULTS[fault]
    fatal = rules.fatal(findings(make()))
    told = [finding for finding in fatal if (finding.code, finding.datum) == (rule, datum)]
    assert told, [str(finding) for finding in fatal]
    assert any(words in str(finding) for finding in told), [str(finding) for finding in told]


@pytest.mark.parametrize("fault", WARNINGS)
def test_some_only_warn(fault):
    make, rule, datum = WARNINGS[fault]
    assert [(one.code, one.datum, one.severity) for one in findings(make())] == [(rule, datum, "warning")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_sound_invoice_has_no_finding(kind):
    assert [str(finding) for finding in rules.check(KINDS[kind]())] == []


def test_what_the_accounts_say_and_the_invoice_repeats_is_no_finding():
    invoice = credit_note_total()
    context = Context(
        gross=invoice.totals.gross,
        vat=invoice.totals.vat,
        due=invoice.totals.due,
        vat_points=frozenset({codes.ON_PAYMENT}),
        issued=frozenset({EARLIER.number}),
        needs_order=False,
    )
    assert rules.check(invoice, context) == ()
    mixed = Context(vat_points=frozenset({codes.ON_PAYMENT, codes.ON_INVOICE}))
    assert rules.check(mixed_vat_points(), mixed) == ()
    order_by_line = document(line(order="BC-1"), line(order="BC-2"))
    assert rules.check(order_by_line, Context(needs_order=True)) == ()
    assert rules.check(direct_debit(), Context(mandate_last_use=date(2023, 12, 2))) == ()


def test_a_finding_says_where():
    (finding,) = rules.check(first_line(multi_site(), unit="XX1"))
    assert (finding.part, finding.line, finding.datum) == ("line", "1", "BT-130")
    assert str(finding) == "The unit “XX1” of line 1 is no UNECE code. [BR-23, BT-130]"


def test_every_rule_is_broken_by_a_fault():
    tried = {fault[1] for fault in FAULTS.values()} | {warning[1] for warning in WARNINGS.values()}
    assert {rule.code for rule in rules.RULES} == tried
    assert len(FAULTS) >= 40


def test_rounding_of_vat_line_by_line_is_no_fault():
    """Thirty lines whose VAT is rounded each may differ from VAT on the sum; one line may not."""
    thirty = document(*(line("0.33") for _line in range(30)))
    by_line = Decimal("0.07") * 30
    table = (VatBreakdown("S", Decimal(20), thirty.totals.net, by_line),)
    changed = replace(thirty, vat=table)
    total = thirty.totals.net + by_line
    assert rules.check(totals(changed, vat=by_line, gross=total, due=total)) == ()


def test_a_nameless_payee_and_period_are_seen_everywhere():
    invoice = document(line(period=NOVEMBER), payee=Party(""))
    assert [(one.code, one.part) for one in rules.check(invoice)] == [("BR-06", "payee")]
    assert rules.check(everything()) == ()


def test_a_tax_that_cannot_be_shown_is_told_alone():
    """Not the sums which it makes wrong."""
    changed = totals(flat(), vat=Decimal(1))
    assert [one.code for one in rules.check(changed, Context(odd_taxes=(("1", "Tourist tax"),)))] == ["MS-TAX"]


def test_vat_of_a_currency_without_cents():
    made = document(line("35333"), currency="JPY", accounting_currency="EUR")
    table = (VatBreakdown("S", Decimal(20), Decimal(35333), Decimal(7067)),)
    total = Decimal(42400)
    rounded = totals(replace(made, vat=table), vat=Decimal(7067), gross=total, due=total, vat_accounting=Decimal(44))
    assert [one.code for one in rules.check(rounded)] == ["BR-CO-17"]
    assert rules.check(rounded, Context(unit=Decimal(1))) == ()
