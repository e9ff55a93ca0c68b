"""The XML says what the invoice says: every kind is read back and compared."""

import threading
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from einvoice_builders import BUYER, KINDS, NOVEMBER, document, everything, flat, line, multi_site
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from einvoice import cii, cii_parts
from einvoice.model import Note
from einvoice.profile import Profile, decide

HEADER = "//ram:ApplicableHeaderTrade"
LINES = "//ram:IncludedSupplyChainTradeLineItem"
SUMS = f"{HEADER}Settlement/ram:SpecifiedTradeSettlementHeaderMonetarySummation/ram:"


class Read:
    """A few XPath questions to an XML."""

    def __init__(self, xml: bytes) -> None:
        self.tree = etree.fromstring(xml)
        self.names = {prefix: uri for prefix, uri in self.tree.nsmap.items() if prefix}

    def all(self, path: str) -> list[str]:
        found = self.tree.xpath(path, namespaces=self.names)
        return [one if isinstance(one, str) else one.text for one in found]

    def one(self, path: str) -> str:
        (value,) = self.all(path)
        return value

    def amount(self, path: str) -> Decimal | None:
        values = self.all(path)
        return Decimal(values[0]) if values else None

    def days(self, path: str) -> list[date]:
        return [date(int(text[:4]), int(text[4:6]), int(text[6:])) for text in self.all(path)]


@pytest.fixture(params=KINDS, scope="module")
def told(request):
    invoice = KINDS[request.param]()
    return invoice, Read(cii.generate(invoice))


def test_document(told):
    invoice, xml = told
    assert xml.one("//rsm:ExchangedDocument/ram:ID") == invoice.number
    assert xml.one("//rsm:ExchangedDocument/ram:TypeCode") == invoice.type_code
    assert xml.days("//rsm:ExchangedDocument/ram:IssueDateTime/udt:DateTimeString") == [invoice.issue_date]
    assert xml.one("//ram:BusinessProcessSpecifiedDocumentContextParameter/ram:ID") == invoice.framework
    assert xml.one("//ram:GuidelineSpecifiedDocumentContextParameter/ram:ID") == decide(invoice).guideline
    assert xml.one(f"{HEADER}Settlement/ram:InvoiceCurrencyCode") == invoice.currency
    assert set(xml.all(f"{HEADER}Settlement/ram:ApplicableTradeTax/ram:DueDateTypeCode")) == {
        point for point in [invoice.vat_point] if point
    }
    notes = zip(xml.all("//ram:IncludedNote/ram:SubjectCode"), xml.all("//ram:IncludedNote/ram:Content"), strict=False)
    assert [Note(*pair) for pair in notes if pair[0]][: len(invoice.notes)] == list(invoice.notes)


def test_parties(told):
    invoice, xml = told
    for role, party in (("Seller", invoice.seller), ("Buyer", invoice.buyer)):
        path = f"{HEADER}Agreement/ram:{role}TradeParty"
        assert xml.one(f"{path}/ram:Name") == party.name
        assert xml.all(f"{path}/ram:SpecifiedLegalOrganization/ram:ID") == [n for n in [party.legal_id] if n]
        assert xml.all(f"{path}/ram:GlobalID") == [one.value for one in party.identifiers]
        assert xml.all(f"{path}/ram:GlobalID/@schemeID") == [one.scheme for one in party.identifiers]
        assert xml.one(f"{path}/ram:URIUniversalCommunication/ram:URIID") == party.electronic_address
        assert xml.one(f"{path}/ram:URIUniversalCommunication/ram:URIID/@schemeID") == party.electronic_scheme
        assert xml.one(f"{path}/ram:PostalTradeAddress/ram:CountryID") == party.address.country
        vat = [number for number in [party.vat_number] if number]
        assert xml.all(f"{path}/ram:SpecifiedTaxRegistration/ram:ID[@schemeID='VA']") == vat


def test_totals(told):
    invoice, xml = told
    totals = invoice.totals
    assert xml.amount(f"{SUMS}LineTotalAmount") == totals.lines
    assert xml.amount(f"{SUMS}TaxBasisTotalAmount") == totals.net
    assert xml.amount(f"{SUMS}TaxTotalAmount[@currencyID='{invoice.currency}']") == totals.vat
    assert xml.amount(f"{SUMS}GrandTotalAmount") == totals.gross
    assert xml.amount(f"{SUMS}DuePayableAmount") == totals.due
    assert (xml.amount(f"{SUMS}TotalPrepaidAmount") or 0) == totals.paid
    assert (xml.amount(f"{SUMS}AllowanceTotalAmount") or 0) == totals.allowances
    assert (xml.amount(f"{SUMS}ChargeTotalAmount") or 0) == totals.charges
    if totals.vat_accounting is not None:
        assert xml.amount(f"{SUMS}TaxTotalAmount[@currencyID='EUR']") == totals.vat_accounting


def test_vat(told):
    invoice, xml = told
    path = f"{HEADER}Settlement/ram:ApplicableTradeTax"
    assert xml.all(f"{path}/ram:CategoryCode") == [vat.category for vat in invoice.vat]
    assert [Decimal(base) for base in xml.all(f"{path}/ram:BasisAmount")] == [vat.base for vat in invoice.vat]
    assert [Decimal(tax) for tax in xml.all(f"{path}/ram:CalculatedAmount")] == [vat.amount for vat in invoice.vat]
    rates = [vat.rate for vat in invoice.vat if vat.rate is not None]
    assert [Decimal(rate) for rate in xml.all(f"{path}/ram:RateApplicablePercent")] == rates
    assert xml.all(f"{path}/ram:ExemptionReasonCode") == [
        vat.exemption_code for vat in invoice.vat if vat.exemption_code
    ]


def test_lines(told):
    invoice, xml = told
    settlement = f"{LINES}/ram:SpecifiedLineTradeSettlement"
    read = zip(
        xml.all(f"{LINES}/ram:AssociatedDocumentLineDocument/ram:LineID"),
        xml.all(f"{LINES}/ram:SpecifiedTradeProduct/ram:Name"),
        xml.all(f"{LINES}//ram:BilledQuantity"),
        xml.all(f"{LINES}//ram:BilledQuantity/@unitCode"),
        xml.all(f"{LINES}//ram:NetPriceProductTradePrice/ram:ChargeAmount"),
        xml.all(f"{settlement}/ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount"),
        xml.all(f"{settlement}/ram:ApplicableTradeTax/ram:CategoryCode"),
        strict=True,
    )
    assert [(a, b, Decimal(c), d, Decimal(e), Decimal(f), g) for a, b, c, d, e, f, g in read] == [
        (one.id, one.name, one.quantity, one.unit, one.price, one.amount, one.vat_category) for one in invoice.lines
    ]
    starts = xml.days(f"{settlement}/ram:BillingSpecifiedPeriod/ram:StartDateTime/udt:DateTimeString")
    assert starts == [one.period.start for one in invoice.lines if one.period]
    assert xml.all(f"{LINES}//ram:ShipToTradeParty/ram:Name") == [one.site.name for one in invoice.lines if one.site]
    order = "ram:SpecifiedLineTradeAgreement/ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID"
    assert xml.all(f"{LINES}/{order}") == [one.order for one in invoice.lines if one.order]
    earlier = [one.preceding.number for one in invoice.lines if one.preceding]
    assert xml.all(f"{settlement}/ram:InvoiceReferencedDocument/ram:IssuerAssignedID") == earlier


def test_references(told):
    invoice, xml = told
    earlier = f"{HEADER}Settlement/ram:InvoiceReferencedDocument"
    assert xml.all(f"{earlier}/ram:IssuerAssignedID") == [known.number for known in invoice.preceding]
    assert xml.days(f"{earlier}//qdt:DateTimeString") == [known.issue_date for known in invoice.preceding]
    agreement = f"{HEADER}Agreement/ram:"
    for path, value in (
        ("BuyerReference", invoice.buyer_reference),
        ("ContractReferencedDocument/ram:IssuerAssignedID", invoice.contract),
        ("BuyerOrderReferencedDocument/ram:IssuerAssignedID", invoice.order),
        ("SpecifiedProcuringProject/ram:ID", invoice.project),
    ):
        assert xml.all(agreement + path) == [text for text in [value] if text]
    objects = xml.all(f"{agreement}AdditionalReferencedDocument[ram:TypeCode='130']/ram:IssuerAssignedID")
    assert objects == [one.value for one in invoice.objects]


def test_payment(told):
    invoice, xml = told
    terms, means = f"{HEADER}Settlement/ram:SpecifiedTradePaymentTerms", "//ram:SpecifiedTradeSettlementPaymentMeans"
    assert xml.days(f"{terms}/ram:DueDateDateTime/udt:DateTimeString") == [day for day in [invoice.due_date] if day]
    payment = invoice.payment
    assert xml.all(f"{means}/ram:TypeCode") == ([payment.means_code] if payment else [])
    if payment and payment.iban:
        assert xml.one(f"{means}//ram:PayeePartyCreditorFinancialAccount/ram:IBANID") == payment.iban
    if payment and payment.direct_debit:
        assert xml.one(f"{terms}/ram:DirectDebitMandateID") == payment.direct_debit.mandate
        assert xml.one(f"{HEADER}Settlement/ram:CreditorReferenceID") == payment.direct_debit.creditor_id
        assert xml.one(f"{means}//ram:PayerPartyDebtorFinancialAccount/ram:IBANID") == payment.direct_debit.debtor_iban


def test_delivery_date_without_one():
    """BT-72: the end of the period, else the day of the invoice; none beside a site, which fills the group already."""
    path = f"{HEADER}Delivery//udt:DateTimeString"
    assert Read(cii.generate(flat())).days(path) == [NOVEMBER.end]
    assert Read(cii.generate(document())).days(path) == [document().issue_date]
    assert Read(cii.generate(replace(everything(), delivery_date=None))).days(path) == []


def test_a_negative_price_becomes_a_negative_quantity():
    xml = Read(cii.generate(document(line("100"), line("-10", "2"))))
    assert xml.all("//ram:BilledQuantity") == ["1", "-2"]
    assert xml.all("//ram:NetPriceProductTradePrice/ram:ChargeAmount") == ["100.00", "10.00"]
    assert xml.one(f"{SUMS}GrandTotalAmount") == "96.00"


def test_nothing_of_the_extended_profile_leaks_into_en_16931():
    """factur-x would drop it and say so in the log only."""
    told = cii.to_dictionary(multi_site(), Profile.EN16931)
    assert not [key for one in told["BG-25"] for key in one if key.startswith("EXT-")]


def test_signs_that_xml_cannot_hold_are_left_out():
    xml = Read(cii.generate(document(line(name="Vitres\x00\x0b \ud800propres"))))
    assert xml.all("//ram:SpecifiedTradeProduct/ram:Name") == ["Vitres propres"]


def test_every_number_is_a_string():
    """factur-x prints a float with six significant digits."""

    def leaves(value):
        if isinstance(value, dict):
            value = list(value.values())
        return [leaf for one in value for leaf in leaves(one)] if isinstance(value, list) else [value]

    told = leaves(cii.to_dictionary(KINDS["everything"](), Profile.EN16931))
    assert {type(leaf) for leaf in told} == {str, date, bytes}


def test_invalid_xml_is_told():
    with pytest.raises(cii.InvalidXml):
        cii.generate(document(currency="EURO"))
    with pytest.raises(cii.InvalidXml):
        cii.generate(replace(document(), number=""))
    with pytest.raises(cii.InvalidXml):
        cii.generate(document(line(unit="")))


def test_the_same_from_several_threads():
    wanted = {name: cii.generate(KINDS[name]()) for name in ("flat", "multi_site", "vat_group")}
    made: list[bool] = []

    def work():
        made.extend(cii.generate(KINDS[name]()) == xml for _time in range(5) for name, xml in wanted.items())

    threads = [threading.Thread(target=work) for _thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [True] * 60


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=6))
def test_numbers_are_written_exactly(value):
    for written in (cii_parts.number(value), cii_parts.amount(value)):
        assert Decimal(written) == value
        assert "E" not in written


@given(
    st.lists(
        st.tuples(
            st.decimals(min_value=0, max_value=100000, places=4),
            st.integers(min_value=-500, max_value=500),
            st.sampled_from(["20", "10", "5.5", "2.1"]),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_any_lines_add_up(drawn):
    invoice = document(*(line(str(price), str(quantity), rate) for price, quantity, rate in drawn))
    xml = Read(cii.generate(invoice))
    amounts = xml.all(f"{LINES}//ram:LineTotalAmount")
    assert sum(map(Decimal, amounts)) == xml.amount(f"{SUMS}LineTotalAmount") == invoice.totals.lines


def test_a_buyer_keeps_every_line_of_its_address():
    address = replace(BUYER.address, line2="Bâtiment B", line3="3e étage", subdivision="Pays de la Loire")
    xml = Read(cii.generate(document(buyer=replace(BUYER, address=address))))
    path = f"{HEADER}Agreement/ram:BuyerTradeParty/ram:PostalTradeAddress/*"
    assert xml.all(path) == ["44000", "1 rue du Port", "Bâtiment B", "3e étage", "Nantes", "FR", "Pays de la Loire"]
