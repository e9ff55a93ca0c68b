"""Every kind of invoice the product makes, as values: `KINDS`, and short ways to write others.

Companies, numbers and addresses are made up; SIREN and SIRET have true keys, domains end in `.invalid`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from stdnum import luhn
from stdnum.fr import siren

from einvoice import codes
from einvoice.model import (
    Address,
    AllowanceCharge,
    Attribute,
    Contact,
    DeliverySite,
    DirectDebit,
    Identifier,
    Invoice,
    Line,
    Note,
    Party,
    Payment,
    Period,
    PrecedingInvoice,
    SupportingDocument,
    Totals,
    VatBreakdown,
)

CENT = Decimal("0.01")
TODAY = date(2026, 11, 2)
IBAN, DEBTOR_IBAN, CREDITOR = "FR7630006000011234567890189", "FR1420041010050500013M02606", "FR72ZZZ123456"

EXEMPTIONS = {
    "AE": ("Autoliquidation", "VATEX-FR-AE"),
    "E": ("TVA non applicable, art. 293 B du CGI", "VATEX-FR-FRANCHISE"),
    "G": ("Exportation hors de l’Union européenne", "VATEX-EU-G"),
    "K": ("Livraison intracommunautaire", "VATEX-EU-IC"),
    "O": ("Hors du champ de la TVA", "VATEX-EU-O"),
}
NOTES = (
    Note("PMT", "Indemnité forfaitaire pour frais de recouvrement : 40 €."),
    Note("PMD", "Pénalités de retard : trois fois le taux d’intérêt légal."),
    Note("AAB", "Pas d’escompte pour paiement anticipé."),
)


def siret_of(number: str, establishment: str = "0001") -> str:
    return number + establishment + luhn.calc_check_digit(number + establishment)


def address(**changes) -> Address:
    return Address(**{"country": "FR", "line1": "1 rue du Port", "postcode": "44000", "city": "Nantes", **changes})


def company(number: str, name: str, **changes) -> Party:
    """A French company known by its SIREN."""
    return Party(
        **{
            "name": name,
            "address": address(),
            "legal_id": number,
            "identifiers": (Identifier(codes.SIRET, siret_of(number)),),
            "vat_number": "FR" + siren.to_tva(number),
            "electronic_address": number,
            **changes,
        }
    )


SELLER = company(
    "100000009",
    "Entretien Exemple SAS",
    legal_information="SAS au capital de 10 000 €, RCS Nantes 100 000 009",
    contact=Contact("Service facturation", "+33 2 00 00 00 00", "facturation@entretien.invalid"),
)
BUYER = company("200000008", "Client Exemple SARL")


def site(name: str, number: str = "") -> DeliverySite:
    known = (Identifier(codes.SIRET, siret_of("200000008", number)),) if number else ()
    return DeliverySite(name, address(line1=f"Site {name}", postcode="44600", city="Saint-Nazaire"), known)


def line(price: str = "100", quantity: str = "1", rate: str | None = "20", **changes) -> Line:
    """A line numbered by `document`; its amount is rounded to the cent."""
    values = {
        "id": "",
        "name": "Nettoyage des bureaux",
        "quantity": Decimal(quantity),
        "price": Decimal(price),
        "vat_category": "S",
        "vat_rate": None if rate is None else Decimal(rate),
        "unit": codes.MONTH,
        **changes,
    }
    signed = sum((one.amount if one.charge else -one.amount for one in values.get("allowances", ())), Decimal(0))
    exact = values["quantity"] * values["price"] / values.get("price_quantity", 1) + signed
    return Line(**{"amount": cents(exact), **values})


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def table(lines: Sequence[Line], allowances: Sequence[AllowanceCharge] = ()) -> tuple[VatBreakdown, ...]:
    """The VAT table of these lines and discounts."""
    bases: dict[tuple[str, Decimal | None], Decimal] = {}
    for one in lines:
        key = (one.vat_category, one.vat_rate)
        bases[key] = bases.get(key, Decimal(0)) + one.amount
    for allowance in allowances:
        key = (allowance.vat_category, allowance.vat_rate)
        bases[key] = bases.get(key, Decimal(0)) + (allowance.amount if allowance.charge else -allowance.amount)
    return tuple(
        VatBreakdown(category, rate, base, cents(base * (rate or 0) / 100), *EXEMPTIONS.get(category, ("", "")))
        for (category, rate), base in bases.items()
    )


def document(*lines: Line, paid: str = "0", routing: str = codes.B2B, **changes) -> Invoice:
    """An invoice of these lines (one of 100 without any), with its VAT table and totals; `changes` are its fields."""
    numbered = tuple(replace(one, id=str(index)) for index, one in enumerate(lines or (line(),), start=1))
    allowances = changes.get("allowances", ())
    vat = changes.get("vat") or table(numbered, allowances)
    discounts = sum((one.amount for one in allowances if not one.charge), Decimal(0))
    charges = sum((one.amount for one in allowances if one.charge), Decimal(0))
    summed = sum((one.amount for one in numbered), Decimal(0))
    net, tax = summed - discounts + charges, sum((one.amount for one in vat), Decimal(0))
    already = Decimal(paid) if paid != "all" else net + tax
    totals = Totals(summed, net, tax, net + tax, net + tax - already, discounts, charges, already)
    notes = changes.pop("notes", ())
    return Invoice(
        **{
            "number": "FA-2026-00042",
            "issue_date": TODAY,
            "type_code": codes.INVOICE,
            "framework": "S1",
            "seller": SELLER,
            "buyer": BUYER,
            "lines": numbered,
            "vat": vat,
            "totals": totals,
            "vat_point": codes.ON_PAYMENT,
            "due_date": date(2026, 12, 2),
            "payment": Payment(codes.SEPA_TRANSFER, "Virement", "FA-2026-00042", IBAN, "Entretien Exemple", "TESTFRPP"),
            "contract": "CT-2026-007",
            "notes": (*NOTES, *notes, Note(codes.ROUTING, routing)),
            **changes,
        }
    )


def without(invoice: Invoice, *subjects: str) -> Invoice:
    return replace(invoice, notes=tuple(note for note in invoice.notes if note.subject not in subjects))


OCTOBER, NOVEMBER = Period(date(2026, 10, 1), date(2026, 10, 31)), Period(date(2026, 11, 1), date(2026, 11, 30))
EARLIER = PrecedingInvoice("FA-2026-00040", date(2026, 10, 2))
DEPOSIT = PrecedingInvoice("AC-2026-00003", date(2026, 9, 1), codes.DEPOSIT)


def flat() -> Invoice:
    return document(line("350.50", period=NOVEMBER), period=NOVEMBER, payment_terms="30 jours")


def arrears() -> Invoice:
    return document(
        line("27.50", "12.75", unit=codes.HOUR, period=OCTOBER, seller_item="NET-H"),
        period=OCTOBER,
        delivery_date=date(2026, 10, 31),
        site=site("Entrepôt", "0002"),
        order="BC-778",
    )


def multi_site() -> Invoice:
    return document(
        line("120", site=site("Agence nord", "0002"), order="BC-1", period=NOVEMBER),
        line("180", site=site("Agence sud", "0003"), order="BC-2", period=NOVEMBER, delivery_date=TODAY),
        period=NOVEMBER,
    )


def discount_line() -> Invoice:
    return document(line("100"), line("10", "-1", name="Remise commerciale", unit=codes.PIECE))


def line_discount() -> Invoice:
    rebate = AllowanceCharge(
        Decimal("9.95"), "Remise fidélité", codes.DISCOUNT, base=Decimal("199.00"), rate=Decimal("5")
    )
    travel = AllowanceCharge(Decimal("15"), "Déplacement", charge=True)
    return document(line("99.50", "2", allowances=(rebate, travel)))


def document_discount() -> Invoice:
    rebates = (
        AllowanceCharge(Decimal("25"), "Remise exceptionnelle", codes.DISCOUNT, vat_category="S", vat_rate=Decimal(20)),
        AllowanceCharge(Decimal("8"), "Frais de dossier", charge=True, vat_category="S", vat_rate=Decimal(10)),
    )
    return document(line("500"), line("200", rate="10"), allowances=rebates)


def mixed_rates() -> Invoice:
    return document(line("100"), line("40", rate="10"), line("19.99", "3", rate="5.5"), framework="M1")


def mixed_vat_points() -> Invoice:
    return document(
        line("100"),
        line("40", unit=codes.PIECE, name="Distributeur de savon"),
        framework="M1",
        vat_point="",
        notes=(Note("AAI", "TVA exigible à l’encaissement pour les services, à la livraison pour les biens."),),
    )


def free_line() -> Invoice:
    return document(line("80"), line("0", name="Contrôle offert"))


def fine_prices() -> Invoice:
    return document(
        line("0.123456", "1234.5678", unit=codes.KILOMETRE),
        line("12.5", "1000", price_quantity=Decimal(100), unit=codes.PIECE),
        line("90", gross_price=Decimal("100"), price_discount=Decimal("10")),
    )


def deposit() -> Invoice:
    return document(
        line("300", name="Acompte de 30 % à la commande", unit=codes.PIECE),
        number="AC-2026-00003",
        type_code=codes.DEPOSIT,
        due_date=TODAY,
    )


def final() -> Invoice:
    """The deposit deducted by a line: its VAT was declared already (FNFE, case 20)."""
    return document(
        line("1000", name="Remise en état"),
        line("300", "-1", name="Acompte AC-2026-00003 déduit", unit=codes.PIECE),
        framework="S4",
        preceding=(replace(DEPOSIT, type_code=""),),
    )


def final_extended() -> Invoice:
    return document(
        line("1000", name="Remise en état", site=site("Atelier")),
        line("300", "-1", name="Acompte AC-2026-00003 déduit", preceding=DEPOSIT),
        framework="S4",
        preceding=(DEPOSIT,),
    )


def final_prepaid() -> Invoice:
    """The deposit as an amount paid, VAT included."""
    return document(line("1000"), framework="S4", preceding=(DEPOSIT,), paid="360")


def already_paid() -> Invoice:
    return document(framework="S2", paid="all", due_date=date(2026, 10, 30), payment=Payment(codes.CARD))


def direct_debit() -> Invoice:
    debit = DirectDebit("RUM-2026-0001", CREDITOR, DEBTOR_IBAN)
    return document(payment=Payment(codes.SEPA_DEBIT, "Prélèvement SEPA", direct_debit=debit))


def person(**changes) -> Party:
    return Party(
        **{
            "name": "Camille Exemple",
            "address": address(line1="3 allée des Lilas"),
            "electronic_address": "camille@exemple.invalid",
            "electronic_scheme": codes.EMAIL,
            **changes,
        }
    )


def consumer() -> Invoice:
    return document(line("45", rate="10", unit=codes.HOUR), routing=codes.B2C, buyer=person())


def co_ownership() -> Invoice:
    """A syndicate has a SIREN, and no VAT number."""
    syndicate = company("300000007", "SDC Résidence Exemple", vat_number="")
    return document(line("210", rate="10"), routing=codes.B2C, buyer=syndicate)


def public_body() -> Invoice:
    town = company(
        "210000006",
        "Commune d’Exemple",
        vat_number="",
        electronic_address=f"210000006_{siret_of('210000006')}_SERVICE-TECHNIQUE",
    )
    return document(
        buyer=town, buyer_reference="SERVICE-TECHNIQUE", order="EJ-2026-0815", objects=(Identifier("AVV", "MARCHE-12"),)
    )


def franchise() -> Invoice:
    return document(
        line("60", rate="0", vat_category="E"),
        seller=replace(SELLER, vat_number="", tax_id="100000009"),
        vat_point="",
    )


def reverse_charge() -> Invoice:
    return document(
        line("800", rate="0", vat_category="AE", name="Second œuvre, sous-traitance"),
        notes=(Note("TXD", "Autoliquidation"),),
        vat_point="",
    )


def berlin() -> Party:
    return Party(
        "Beispiel GmbH",
        Address("DE", "Hafenstraße 1", postcode="10115", city="Berlin"),
        legal_id="DE136695976",
        legal_scheme=codes.EUROPEAN_VAT,
        vat_number="DE136695976",
        electronic_address="DE136695976",
        electronic_scheme="9930",
    )


def intra_eu_service() -> Invoice:
    vat = (VatBreakdown("AE", Decimal(0), Decimal("500.00"), Decimal(0), "Autoliquidation", "VATEX-EU-AE"),)
    only = line("500", rate="0", vat_category="AE")
    return document(only, vat=vat, buyer=berlin(), routing=codes.B2B_ABROAD, vat_point="")


def intra_eu_goods() -> Invoice:
    return document(
        line("500", rate="0", vat_category="K", unit=codes.PIECE),
        buyer=berlin(),
        framework="B1",
        routing=codes.B2B_ABROAD,
        delivery_date=TODAY,
        site=DeliverySite("Beispiel GmbH", berlin().address),
        vat_point="",
    )


def export() -> Invoice:
    abroad = Party(
        "Example Ltd",
        Address("CH", "Seestrasse 1", postcode="8000", city="Zürich"),
        electronic_address="invoices@example.invalid",
        electronic_scheme=codes.EMAIL,
    )
    only = line("500", rate="0", vat_category="G", unit=codes.PIECE)
    return document(only, buyer=abroad, framework="B1", routing=codes.B2B_ABROAD, vat_point="")


def outside_vat() -> Invoice:
    return document(
        line("150", rate=None, vat_category="O", name="Indemnité de résiliation"),
        seller=replace(SELLER, vat_number=""),
        buyer=replace(BUYER, vat_number=""),
        vat_point="",
    )


def foreign_currency() -> Invoice:
    made = document(line("1000"), currency="USD", accounting_currency="EUR")
    return replace(made, totals=replace(made.totals, vat_accounting=Decimal("184.12")))


def credit_note(*lines: Line, **changes) -> Invoice:
    values = {"number": "AV-2026-00005", "type_code": codes.CREDIT_NOTE, "preceding": (EARLIER,), **changes}
    return document(*lines, **values)


def credit_note_total() -> Invoice:
    return credit_note(line("350.50"))


def credit_note_partial() -> Invoice:
    return credit_note(line("350.50", "0.5", name="Avoir partiel"), payment=None)


def credit_note_grouped() -> Invoice:
    second = PrecedingInvoice("FA-2026-00041", date(2026, 10, 3))
    return credit_note(line("100"), line("50"), preceding=(EARLIER, second))


def credit_note_by_line() -> Invoice:
    second = PrecedingInvoice("FA-2026-00041", date(2026, 10, 3), codes.INVOICE)
    return credit_note(line("100", preceding=EARLIER), line("50", preceding=second), preceding=())


def global_credit_note() -> Invoice:
    return credit_note(line("75"), type_code=codes.GLOBAL_CREDIT_NOTE, preceding=(), period=OCTOBER)


def deposit_credit_note() -> Invoice:
    return credit_note(line("300"), type_code=codes.DEPOSIT_CREDIT_NOTE, preceding=(DEPOSIT,))


def corrective() -> Invoice:
    return document(line("330"), type_code=codes.CORRECTIVE, preceding=(EARLIER,))


def self_billed() -> Invoice:
    return document(type_code=codes.SELF_BILLED)


def with_payer() -> Invoice:
    return document(payer=company("400000006", "Assurance Exemple SA"), framework="S5")


def with_payee() -> Invoice:
    factor = Party("Affacturage Exemple", legal_id="500000005")
    return document(payee=factor)


def vat_group() -> Invoice:
    member = replace(SELLER, identifiers=(*SELLER.identifiers, Identifier(codes.VAT_GROUP, "600000004")))
    group = Party("Groupe Exemple", address(), vat_number="FR" + siren.to_tva("600000004"))
    note = Note("TXD", codes.SINGLE_TAXABLE_PERSON)
    return document(seller=member, tax_representative=group, notes=(note,))


def multi_site_reverse_charge() -> Invoice:
    """In EXTENDED each line, and each discount, repeats why no VAT is due."""
    zero = Decimal(0)
    rebate = AllowanceCharge(Decimal("10"), "Remise", codes.DISCOUNT, vat_category="AE", vat_rate=zero)
    return document(
        line("100", rate="0", vat_category="AE", site=site("Tour A")),
        line("200", rate="0", vat_category="AE", site=site("Tour B")),
        allowances=(rebate,),
        vat_point="",
    )


def everything() -> Invoice:
    """Each optional datum of EN 16931 that the product fills."""
    return document(
        line(
            "100",
            description="Deux passages par semaine",
            note="Clés remises le 2 octobre",
            order_line="10",
            accounting_reference="615200",
            buyer_item="PREST-7",
            objects=(Identifier("AFL", "CPT-1"),),
            attributes=(Attribute("Surface", "300 m²"),),
            period=NOVEMBER,
        ),
        buyer_reference="SERV-1",
        project="CHANTIER-9",
        order="BC-9",
        accounting_reference="ANALYTIQUE-3",
        payment_terms="30 jours fin de mois",
        objects=(Identifier("AFL", "COMPTEUR-5"),),
        site=site("Siège", "0004"),
        delivery_date=TODAY,
        period=NOVEMBER,
        documents=(SupportingDocument("BC-9", "BON_COMMANDE", b"%PDF-1.4 x", "application/pdf", "bc-9.pdf"),),
        notes=(
            Note("REG", "RCS Nantes 100 000 009"),
            Note("ABL", "Capital 10 000 €"),
            Note("ABU", "Réserve de propriété"),
        ),
        buyer=replace(BUYER, trading_name="Exemple Nord", contact=Contact("Achats", "", "achats@client.invalid")),
    )


def many_lines() -> Invoice:
    rates = ("20", "10", "5.5")
    return document(
        *(line(f"{10 + index % 7}.{index % 100:02}", rate=rates[index % 3], period=NOVEMBER) for index in range(500)),
        period=NOVEMBER,
    )


KINDS: dict[str, Callable[[], Invoice]] = {
    make.__name__: make
    for make in (
        flat,
        arrears,
        multi_site,
        discount_line,
        line_discount,
        document_discount,
        mixed_rates,
        mixed_vat_points,
        free_line,
        fine_prices,
        deposit,
        final,
        final_extended,
        final_prepaid,
        already_paid,
        direct_debit,
        consumer,
        co_ownership,
        public_body,
        franchise,
        reverse_charge,
        intra_eu_service,
        intra_eu_goods,
        export,
        outside_vat,
        foreign_currency,
        credit_note_total,
        credit_note_partial,
        credit_note_grouped,
        credit_note_by_line,
        global_credit_note,
        deposit_credit_note,
        corrective,
        self_billed,
        with_payer,
        with_payee,
        vat_group,
        multi_site_reverse_charge,
        everything,
        many_lines,
    )
}
