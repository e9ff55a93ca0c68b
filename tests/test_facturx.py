"""Every kind of invoice, really posted, printed and sent, and held against the official rules."""

import os
import shutil
import subprocess
import sys
from datetime import date
from io import BytesIO
from pathlib import Path
from unittest.mock import patch

from freezegun import freeze_time
from lxml import etree
from psycopg2 import IntegrityError

from odoo.exceptions import RedirectWarning, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged
from odoo.tools import file_path, mute_logger
from odoo.tools.pdf import PdfFileReader

from odoo.addons.base.models import ir_actions_report as reports

from ..einvoice.profile import Profile, profile_of
from .common import MultiserviceCommon

sys.path.append(str(Path(file_path("multiservice/tests/unit"))))
from einvoice_pdfa import factur_x_faults, pdfa_findings
from einvoice_schematron import schematron

JANUARY, FEBRUARY = date(2026, 1, 31), date(2026, 2, 28)


class EinvoiceCommon(MultiserviceCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time("2026-02-28 10:00:00"))
        cls.company.service_einvoice = True

    def _invoice(self, *lines, through=JANUARY, **vals):
        contract = self._contract(*lines, posting_mode="post", **vals)
        return self._bill(contract, through).move_ids

    def _tax(self, amount, **vals):
        return self.env["account.tax"].create(
            {
                "name": f"Tax {amount} {vals}",
                "amount": amount,
                "type_tax_use": "sale",
                "company_id": self.company.id,
                "country_id": self.france.id,
                **vals,
            }
        )

    def _taxed(self, tax, price=100.0, **vals):
        return self._line(price, tax_ids=[Command.set(tax.ids)], **vals)

    def _credit(self, invoice, amount=None, is_modify=False):
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"journal_id": invoice.journal_id.id, "reason": "Test"})
        )
        wizard.reverse_moves(is_modify)
        note = invoice.reversal_move_ids
        if amount is not None:
            note.invoice_line_ids.filtered(lambda line: line.display_type == "product")[:1].quantity = amount
        note.filtered(lambda move: move.state == "draft")._post(soft=False)
        return note

    def _send(self, moves):
        """Core's send service with real PDFs; the XML and the PDF of each invoice."""
        service = self.env["account.move.send"].with_context(force_report_rendering=True)
        with mute_logger("odoo.addons.base.models.ir_actions_report"):  # wkhtmltopdf misses libraries that it can spare
            service._generate_and_send_invoices(moves, sending_methods={})
        return {move: (move.ubl_cii_xml_id.raw, move.invoice_pdf_report_id.raw) for move in moves}

    def _assert_right(self, kinds, one_by_one=False):
        """Send the invoices and hold their XML and PDF against every rule; returns `_send`'s documents."""
        moves = self.env["account.move"].union(*kinds.values())
        self.assertEqual(len(moves), len(kinds))
        documents = {}
        for batch in moves if one_by_one else [moves]:
            documents |= self._send(batch)
        self.assertFalse([move.name for move in moves if not documents[move][1]], "an invoice has no document")
        reports = schematron({kind: documents[move][0] for kind, move in kinds.items()})
        self.assertEqual({kind: report for kind, report in reports.items() if report}, {})
        for kind, move in kinds.items():
            xml, pdf = documents[move]
            with self.subTest(kind):
                self.assertEqual(pdfa_findings(pdf), [])
                self.assertEqual(factur_x_faults(pdf, xml, profile_of(xml).conformance), [])
                self._assert_amounts(move, xml)
                text = self._text(pdf)
                for mention in move._legal_mentions():
                    self.assertIn(" ".join(mention.split())[:60], text)
        return documents

    def _assert_amounts(self, move, xml):
        totals = etree.fromstring(xml).find(".//{*}SpecifiedTradeSettlementHeaderMonetarySummation")
        told = [float(totals.findtext(f"{{*}}{name}")) for name in ("TaxBasisTotalAmount", "GrandTotalAmount")]
        contributions = sum((move.line_ids.filtered("tax_line_id") - move._vat_lines()).mapped("amount_currency"))
        untaxed = round(move.amount_untaxed + abs(contributions), 2)  # they are in the base of VAT
        self.assertEqual(told, [untaxed, move.amount_total])

    def _text(self, pdf):
        """What `pdftotext` reads; without it, what the library reads that made the file."""
        program = os.environ.get("MULTISERVICE_PDFTOTEXT") or shutil.which("pdftotext")
        if program:
            read = subprocess.run([program, "-", "-"], input=pdf, capture_output=True, check=True)
            return " ".join(read.stdout.decode().split())
        pages = PdfFileReader(BytesIO(pdf), strict=False).pages
        return " ".join(" ".join(page.extract_text().split()) for page in pages)


@tagged("post_install", "-at_install")
class TestFacturx(EinvoiceCommon, HttpCase):
    def _kinds(self):
        """By name, an invoice of each kind that the module makes."""
        service_tax = self.tax
        reduced, low = self._tax(10.0), self._tax(5.5)
        reverse = self._tax(0.0, ubl_cii_tax_category_code="AE", ubl_cii_tax_exemption_reason_code="VATEX-FR-AE")
        intra = self._tax(0.0)
        included = self._tax(20.0, price_include_override="tax_included")
        eco = self._tax(0.3, amount_type="fixed", include_base_amount=True, sequence=-1)
        dollars = self.setup_other_currency("USD", rates=[("2026-01-01", 1.25)])
        berlin = self._customer(
            "Beispiel GmbH",
            country_id=self.env.ref("base.de").id,
            vat="DE136695976",
            city="Berlin",
            zip="10115",
            legal_category="business",
        )
        town = self._customer("Commune de Testville", legal_category="public_body", vat=False)
        syndicate = self._customer("SDC Les Exemples", legal_category="non_professional", vat=False)
        person = self._customer(
            "Camille Exemple", legal_category="consumer", is_company=False, vat=False, company_registry=False
        )
        goods = self.env["product.product"].create({"name": "Soap", "type": "consu", "list_price": 4.0})
        geneva = self._customer(
            "Exemple SA",
            country_id=self.env.ref("base.ch").id,
            city="Genève",
            zip="1201",
            legal_category="business",
        )
        on_payment = self.env["account.chart.template"].with_company(self.company).ref("tva_normale_encaissement")
        many = [self._line(10.0 + n / 100, name=f"Service {n}") for n in range(500)]
        kinds = {
            "flat": self._invoice(self._line(350.5, pricing="flat")),
            "arrears": self._invoice(
                self._line(27.5, quantity=12.75, site_id=self.site_a.id), timing="arrears", order_reference="PO 7"
            ),
            "partial period": self._invoice(self._line(1234.56), date_start=date(2026, 1, 12)),
            "several sites": self._invoice(
                self._line(120.0, site_id=self.site_a.id), self._line(180.0, site_id=self.site_b.id)
            ),
            "discount": self._invoice(self._line(99.5, quantity=2, discount=5.0), self._line(-10.0)),
            "rates": self._invoice(self._line(100.0), self._taxed(reduced, 40.0), self._taxed(low, 19.99, quantity=3)),
            "tax included": self._invoice(self._taxed(included, 19.99, quantity=3)),
            "goods and services": self._invoice(
                self._line(100.0), self._line(4.0, quantity=6, product_id=goods.id, name="Soap")
            ),
            "consumer": self._invoice(self._taxed(reduced, 45.0), partner_id=person.id),
            "co-ownership": self._invoice(self._taxed(reduced, 210.0), partner_id=syndicate.id),
            "public body": self._invoice(
                self._line(900.0),
                partner_id=town.id,
                timing="arrears",
                buyer_reference="SERVICE-TECHNIQUE",
                order_reference="EJ-2026-0815",
                market_reference="MARCHE-12",
            ),
            "VAT at different times": self._invoice(
                self._taxed(on_payment, 100.0), self._line(40.0, product_id=goods.id, name="Soap")
            ),
            "service outside the EU": self._invoice(self._taxed(intra, 700.0), partner_id=geneva.id),
            "goods to the EU": self._invoice(
                self._taxed(intra, 60.0, product_id=goods.id, name="Soap"), partner_id=berlin.id
            ),
            "eco-contribution": self._invoice(self._line(40.0, tax_ids=[Command.set((eco + service_tax).ids)])),
            "several contracts": self._bill(
                self._contract(self._line(70.0), posting_mode="post", grouping="customer")
                + self._contract(self._line(80.0), posting_mode="post", grouping="customer"),
                JANUARY,
            ).move_ids,
            "goods exported": self._invoice(
                self._taxed(intra, 700.0, product_id=goods.id, name="Soap"), partner_id=geneva.id
            ),
            "reverse charge": self._invoice(self._taxed(reverse, 800.0)),
            "service in the EU": self._invoice(self._taxed(intra, 500.0), partner_id=berlin.id),
            "foreign currency": self._invoice(self._taxed(service_tax, 1000.0), currency_id=dollars.id),
            "500 lines": self._invoice(*many),
        }
        kinds["credit note"] = self._credit(self._invoice(self._line(350.5)))
        kinds["credit note of no invoice"] = self._invoice(self._line(-20.0))
        kinds["partial credit note"] = self._credit(self._invoice(self._line(350.5)), amount=0.5)
        contract = self._contract(self._line(100.0), self._line(50.0), posting_mode="post")
        self._bill(contract, date(2026, 2, 1))
        contract._end_on(date(2026, 1, 15))
        kinds["grouped credit note of the run"] = self._bill(contract, FEBRUARY).move_ids
        return kinds

    def test_the_official_rules_find_nothing(self):
        kinds = self._kinds()
        documents = self._assert_right(kinds)
        extended = {kind for kind, move in kinds.items() if profile_of(documents[move][0]) is Profile.EXTENDED}
        self.assertEqual(extended, {"several sites"})

    def test_franchise_and_debits(self):
        """What the whole company is: documents of a company in another situation than that of the others."""
        on_payment = self.env["account.chart.template"].with_company(self.company).ref("tva_normale_encaissement")
        self.company.service_vat_on_debits = True
        kinds = {"debits": self._invoice(self._line(100.0))}
        documents = self._assert_right(kinds)
        debits = kinds["debits"]._to_einvoice()
        draft = self._bill(self._contract(self._taxed(on_payment, 100.0)), JANUARY).move_ids
        self.assertIn("MS-BT8-TAX", draft.einvoice_findings)
        self.company.write({"service_vat_on_debits": False, "service_vat_franchise": True, "vat": False})
        kinds["franchise"] = self._invoice(self._taxed(self._tax(0.0), 100.0))
        documents |= self._assert_right({"franchise": kinds["franchise"]})
        self.assertIn("debits", self._text(documents[kinds["debits"]][1]))
        self.assertIn("293 B", self._text(documents[kinds["franchise"]][1]))
        franchise = kinds["franchise"]._to_einvoice()
        self.assertEqual((debits.vat_point, "debits" in debits.note("AAI")), ("5", True))
        self.assertEqual((franchise.seller.vat_number, franchise.seller.tax_id), ("", self.company.partner_id.siren))
        self.assertEqual(franchise.vat[0].exemption_code, "VATEX-FR-FRANCHISE")
        self.assertIn("293 B", franchise.vat[0].exemption)
        self.assertIn("293 B", franchise.note("TXD"))

    def test_what_the_xml_says_of_vat(self):
        kinds = self._kinds()
        told = {
            kind: (made.vat_point, {(one.category, one.exemption_code) for one in made.vat}, bool(made.note("TXD")))
            for kind, move in kinds.items()
            if (made := move._to_einvoice())
        }
        self.assertEqual(told["flat"], ("5", {("S", "")}, False))
        self.assertEqual(told["VAT at different times"], ("", {("S", "")}, False))
        self.assertEqual(told["reverse charge"], ("", {("AE", "VATEX-FR-AE")}, True))
        self.assertEqual(told["service in the EU"], ("", {("AE", "VATEX-EU-AE")}, True))
        self.assertEqual(told["service outside the EU"], ("", {("O", "VATEX-EU-O")}, True))
        self.assertEqual(told["goods exported"], ("", {("G", "VATEX-EU-G")}, True))
        for kind in ("reverse charge", "service in the EU", "service outside the EU", "goods exported"):
            made = kinds[kind]._to_einvoice()
            self.assertEqual(made.vat[0].exemption, made.note("TXD"), kind)
        self.assertIn("due on payment", kinds["VAT at different times"]._to_einvoice().note("AAI"))
        outside = kinds["service outside the EU"]._to_einvoice()
        self.assertEqual((outside.seller.vat_number, outside.buyer.legal_id), ("", "CHExemple SA"))
        frameworks = {kind: kinds[kind].einvoice_framework for kind in ("flat", "goods and services", "goods exported")}
        self.assertEqual(frameworks, {"flat": "S1", "goods and services": "S1", "goods exported": "B1"})

    def test_legal_identity_site_and_payee(self):
        self.company.write({"service_legal_form": "SAS", "service_share_capital": 10000, "service_rcs_city": "Lyon"})
        invoice = self._invoice(self._line(100.0, site_id=self.site_a.id))
        made = invoice._to_einvoice()
        self.assertIn("RCS Lyon", made.seller.legal_information)
        self.assertIn("SAS", made.seller.legal_information)
        self.assertEqual([one.value for one in made.objects], ["A"])
        self.assertIsNone(made.payee)
        factor = self._customer("Affacturage Exemple")
        account = {"acc_number": "FR14 2004 1010 0505 0001 3M02 606", "partner_id": factor.id}
        invoice.partner_bank_id = self.env["res.partner.bank"].create(account)
        made = invoice._to_einvoice()
        self.assertEqual((made.payee.name, made.payee.legal_id), (factor.name, factor.siren))
        self.assertEqual(made.payment.iban, "FR1420041010050500013M02606")
        self._assert_right({"factor": invoice})

    def test_a_corrective_invoice_takes_the_place_of_the_wrong_one(self):
        wrong = self._invoice(self._line(100.0))
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=wrong.ids)
            .create({"journal_id": wrong.journal_id.id, "einvoice_corrective": True})
        )
        self.assertTrue(wizard.can_be_corrective)
        wizard.reverse_moves(is_modify=True)
        right = wrong.einvoice_corrective_ids
        self.assertEqual((right.state, right._einvoice_type()), ("draft", "384"))
        right._post(soft=False)
        self.assertEqual((wrong.einvoice_state, wrong.payment_state), ("220", "reversed"))
        self.assertFalse(wrong._can_be_replaced())
        _xml, pdf = self._assert_right({"corrective": right})[right]
        self.assertIn(f"cancels and replaces invoice {wrong.name} of 02/28/2026", self._text(pdf))
        self.assertEqual([known.number for known in right._to_einvoice().preceding], [wrong.name])
        self._send(wrong.reversal_move_ids)
        self.company.service_exchange_from = "2026-01-01"
        given = self.env["account.move"].search(self.company._to_exchange_domain())
        self.assertEqual(given, right, "the credit note is for our accounts alone")

    def test_paid_before_its_document_is_made(self):
        invoice = self._invoice(self._line(100.0))
        with freeze_time("2026-03-04 10:00:00"):
            wizard = self.env["account.payment.register"].with_context(
                active_model="account.move", active_ids=invoice.ids
            )
            wizard.create({"payment_date": "2026-03-04"})._create_payments()
            self._assert_right({"paid": invoice})
        made = invoice._to_einvoice()
        self.assertEqual((made.framework, made.totals.paid, made.totals.due), ("S2", made.totals.gross, 0))
        self.assertEqual(made.due_date, date(2026, 3, 4))

    def test_an_invoice_said_to_be_paid_is_posted_and_not_sent_before_it_is(self):
        invoice = self._bill(self._contract(), JANUARY).move_ids
        invoice.einvoice_framework = "S2"
        invoice.action_post()
        self.assertEqual((invoice.state, invoice.einvoice_framework), ("posted", "S2"))
        self.assertIn("BR-FR-CO-09", " ".join(invoice._einvoice_faults()))

    def test_a_discount_on_the_whole_document(self):
        """Core's "Discount", of quotations: one line for each set of taxes, an allowance in the XML (BG-20)."""
        invoice = self._bill(self._contract(self._line(100.0), self._taxed(self._tax(10.0), 50.0)), JANUARY).move_ids
        AccountTax = self.env["account.tax"]
        base_lines, _tax_lines = invoice._get_rounded_base_and_tax_lines()
        discounts = AccountTax._prepare_global_discount_lines(base_lines, self.company, "percent", 10.0)
        invoice.invoice_line_ids = [
            Command.create(
                {
                    "name": "Discount",
                    "price_unit": line["price_unit"],
                    "quantity": line["quantity"],
                    "tax_ids": [Command.set(line["tax_ids"].ids)],
                    "extra_tax_data": AccountTax._export_base_line_extra_tax_data(line),
                }
            )
            for line in discounts
        ]
        invoice._post(soft=False)
        made = invoice._to_einvoice()
        self.assertEqual([(float(one.amount), float(one.vat_rate)) for one in made.allowances], [(10, 20), (5, 10)])
        self.assertEqual((made.totals.lines, made.totals.allowances, made.totals.net), (150, 15, 135))
        self._assert_right({"discount": invoice})

    def test_units_have_codes_of_their_own(self):
        month = self.env["uom.uom"].create({"name": "Month of service", "service_unece_code": "MON"})
        hour = self.env.ref("uom.product_uom_hour")
        invoice = self._bill(self._contract(), JANUARY).move_ids
        line = invoice.invoice_line_ids
        self.assertEqual(invoice._to_einvoice().lines[0].unit, "C62")
        for unit, code in ((month, "MON"), (hour, "HUR")):
            line.product_uom_id = unit
            self.assertEqual(invoice._to_einvoice().lines[0].unit, code)
        with self.assertRaisesRegex(ValidationError, "month"), self.cr.savepoint():
            month.service_unece_code = "month"

    def test_somebody_else_pays(self):
        parent = self._customer("Groupe du Parc")
        self.customer.einvoice_payer_id = parent
        invoice = self._invoice()
        xml, pdf = self._assert_right({"payer": invoice})[invoice]
        self.assertIs(profile_of(xml), Profile.EXTENDED)
        self.assertEqual(invoice._to_einvoice().payer.siren, parent.siren)
        self.assertIn("To be paid by Groupe du Parc", self._text(pdf))
        with self.assertRaisesRegex(ValidationError, "pays its own"), self.cr.savepoint():
            parent.einvoice_payer_id = self._site(parent, "Contact", "Z")

    def test_routing_is_kept_as_on_posting(self):
        invoice = self._invoice()
        self.customer.legal_category = "non_professional"
        self.customer.vat_liable = False
        self.assertEqual(invoice._to_einvoice().note("BAR"), "B2B")
        self.assertEqual(self._invoice()._to_einvoice().note("BAR"), "B2C")

    def test_the_pdf_says_what_the_law_asks(self):
        invoice = self._invoice(self._line(100.0, site_id=self.site_a.id))
        text = self._text(self._send(invoice)[invoice][1])
        for mention in self.env["multiservice.legal.mention"]._for_move(invoice):
            self.assertIn(" ".join(mention[1].split())[:60], text)

    def test_a_duplicate_is_marked_as_one(self):
        invoice = self._invoice()
        original = self._send(invoice)[invoice][1]
        self.assertNotIn("DUPLICATE", self._text(original).upper())
        self.customer.name = "New Name"
        report = self.env["ir.actions.report"].with_context(force_report_rendering=True)
        again = self._text(report._render_qweb_pdf("account.account_invoices", invoice.ids)[0])
        self.assertIn("DUPLICATE", again.upper())
        self.assertIn("Bureaux du Parc", again)
        self.assertNotIn("New Name", again)

    def test_on_the_wkhtmltopdf_of_debian(self):
        """It prints no footer, and web fonts as outlines: files are right, and their text can be read, all the same."""
        program = os.environ.get("MULTISERVICE_DEBIAN_WKHTMLTOPDF")
        if not program:
            self.skipTest("Debian's wkhtmltopdf is not there: dev/test fetches it")
        debian = reports._wkhtml()._replace(bin=program, version="0.12.6", is_patched_qt=False, dpi_zoom_ratio=True)
        self.company.write({"service_legal_form": "SAS", "service_share_capital": 10000, "service_rcs_city": "Lyon"})
        town = self._customer("Commune de Testville", legal_category="public_body", vat=False)
        person = self._customer("Camille Exemple", legal_category="consumer", is_company=False, vat=False)
        reverse = self._tax(0.0, ubl_cii_tax_category_code="AE", ubl_cii_tax_exemption_reason_code="VATEX-FR-AE")
        kinds = {
            "several sites": self._invoice(
                self._line(120.0, site_id=self.site_a.id), self._line(180.0, site_id=self.site_b.id)
            ),
            "consumer": self._invoice(self._line(45.0), partner_id=person.id),
            "public body": self._invoice(self._line(900.0), partner_id=town.id, order_reference="EJ-1"),
            "reverse charge": self._invoice(self._taxed(reverse, 800.0)),
            "credit note": self._credit(self._invoice(self._line(350.5))),
            "60 lines": self._invoice(*[self._line(10.0 + n, name=f"Service {n}") for n in range(60)]),
        }
        with patch.object(reports, "_wkhtml", lambda: debian):
            # One by one: core skips the test where an unpatched build misses some resource of one of several documents.
            documents = self._assert_right(kinds, one_by_one=True)
        partner = self.company.partner_id
        text = self._text(documents[kinds["consumer"]][1])
        for told in (partner.name, partner.street, partner.city, partner.company_registry, partner.vat):
            self.assertIn(told, text, "the seller, whom the header names on other builds")
        self.assertFalse(kinds["consumer"]._text_font(), "the patched build keeps the company's font")

    def test_nobody_chooses_the_xml_by_the_context(self):
        move = self._invoice()
        for forged in (b"<forged/>", "<forged/>"):
            xml, faults = self.env["account.edi.xml.cii"].with_context(einvoice_xml=forged)._export_invoice(move)
            self.assertIn(move.name.encode(), xml)
            self.assertFalse(faults)

    def test_a_pro_forma_carries_no_xml(self):
        invoice = self._invoice()
        service = self.env["account.move.send"].with_context(force_report_rendering=True)
        data = {"pdf_report": self.env.ref("account.account_invoices"), "invoice_edi_format": "facturx"}
        service._prepare_invoice_proforma_pdf_report(invoice, data)
        service._hook_invoice_document_after_pdf_report_render(invoice, data)
        raw = data["proforma_pdf_attachment_values"]["raw"]
        self.assertTrue(raw.startswith(b"%PDF"))
        self.assertNotIn(b"factur-x.xml", raw)

    def test_on_for_french_companies(self):
        companies = self.env["res.company"].create(
            [{"name": code, "country_id": self.env.ref(f"base.{code}").id} for code in ("fr", "de", "re")]
        )
        self.assertEqual(companies.mapped("service_einvoice"), [True, False, True])
        companies[0].service_einvoice = False
        companies[0].partner_id.city = "Lyon"
        self.assertFalse(companies[0].service_einvoice, "a choice is kept")

    def test_another_country_keeps_cores(self):
        self.company.service_einvoice = False
        invoice = self._invoice()
        xml, _errors = self.env["account.edi.xml.cii"]._export_invoice(invoice)
        self.assertIn(b"extended", xml)


@tagged("post_install", "-at_install")
class TestEinvoiceCheck(EinvoiceCommon):
    def test_posting_is_refused_with_the_record_to_mend(self):
        self.customer.write({"company_registry": False, "vat": False})
        contract = self._contract(posting_mode="draft")
        invoice = self._bill(contract, JANUARY).move_ids
        with self.assertRaises(RedirectWarning) as refused:
            invoice.action_post()
        message, action, _button, *_context = refused.exception.args
        self.assertIn("SIREN", message)
        self.assertEqual(action["res_id"], self.customer.id)

    def test_where_the_company_only_wants_a_warning_it_is_posted_and_not_sent(self):
        self.company.service_einvoice_check = "warn"
        self.customer.write({"company_registry": False, "vat": False})
        invoice = self._invoice()
        self.assertEqual(invoice.state, "posted")
        self.assertIn("SIREN", invoice.einvoice_findings)
        with self.assertRaisesRegex(UserError, "SIREN"):
            self.env["account.move.send"]._generate_and_send_invoices(invoice, sending_methods={})

    def test_a_billing_run_says_it_and_bills_the_others(self):
        other = self._customer("Right Customer")
        self.customer.write({"company_registry": False, "vat": False})
        contracts = self._contract(posting_mode="post") + self._contract(
            self._line(), posting_mode="post", partner_id=other.id
        )
        run = self.env["multiservice.billing.run"]._create_runs(contracts, "Test", JANUARY)
        with mute_logger("odoo.addons.multiservice.models.billing_run"):
            run._process_now()
        self.assertEqual((run.done_count, run.failed_count), (1, 1))
        self.assertIn("SIREN", run.item_ids.filtered("error").error)

    def test_an_accountant_who_reads_no_contract_posts_and_is_told(self):
        accountant = self._user("an_accountant", "account.group_account_manager")
        town = self._customer("Commune de Testville", legal_category="public_body", buyer_reference_required=True)
        contracts = self._contract(self._line(site_id=self.site_a.id))
        contracts += self._contract(self._line(), partner_id=town.id, buyer_reference="S-1")
        right, wrong = self._bill(contracts, JANUARY).move_ids.sorted("partner_id")
        wrong.service_buyer_reference = False
        self.env.flush_all()
        self.env.invalidate_all()
        right.with_user(accountant).action_post()
        self.assertEqual(right._to_einvoice().contract, contracts[0].name)
        self.assertIn("service code", wrong.with_user(accountant).einvoice_findings)
        with self.assertRaises(RedirectWarning) as refused:
            wrong.with_user(accountant).action_post()
        self.assertIn(contracts[1].name, refused.exception.args[2])

    def test_a_draft_shows_what_is_missing(self):
        invoice = self._bill(self._contract(), JANUARY).move_ids
        self.assertFalse(invoice.einvoice_findings)
        self.customer.street = False
        invoice.invalidate_recordset()
        self.assertIn("street", invoice.einvoice_findings)

    def test_what_only_looks_wrong_is_said_and_does_not_keep_from_posting(self):
        invoice = self._bill(self._contract(), JANUARY).move_ids
        self.assertIn("falls due on payment", invoice.einvoice_warnings)
        self.assertFalse(invoice.einvoice_findings)
        invoice.action_post()
        self.assertEqual(invoice.state, "posted")

    def test_blocking_or_warning_by_rule(self):
        """The company chooses for rules of our own; a choice is the company's alone."""
        head = self._user("a_head", "multiservice.group_manager")
        severity = self.env["multiservice.einvoice.severity"].with_user(head)
        invoice = self._bill(self._contract(), JANUARY).move_ids
        self.customer.street = False
        self.company.partner_id.bank_ids.unlink()
        invoice.partner_bank_id = False
        self.assertIn("MS-ADDRESS", invoice.einvoice_findings)
        loosened = severity.create({"rule": "MS-ADDRESS", "severity": "warning"})
        self.assertEqual(loosened.default_severity, "fatal")
        severity.create({"rule": "MS-PAYMENT", "severity": "fatal"})
        invoice.invalidate_recordset()
        self.assertIn("MS-ADDRESS", invoice.einvoice_warnings)
        self.assertIn("MS-PAYMENT", invoice.einvoice_findings)
        with self.assertRaises(RedirectWarning) as refused, self.cr.savepoint():
            invoice.action_post()
        self.assertNotIn("MS-ADDRESS", refused.exception.args[0])
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.cr.savepoint():
            severity.create({"rule": "MS-PAYMENT", "severity": "warning"})
        loosened.unlink()
        invoice.invalidate_recordset()
        self.assertIn("MS-ADDRESS", invoice.einvoice_findings)

    def test_the_rules_of_the_authority_cannot_be_loosened(self):
        chosen = dict(self.env["multiservice.einvoice.severity"]._selection_rule())
        self.assertFalse([code for code in chosen if not code.startswith("MS-")])
        self.assertIn("The SIREN … does not exist", chosen["MS-SIREN"])
        with self.assertRaisesRegex(ValidationError, "no rule of ours"), self.cr.savepoint():
            self.env["multiservice.einvoice.severity"].create({"rule": "BR-FR-10", "severity": "warning"})

    def test_the_format_comes_without_a_click(self):
        invoice = self._invoice()
        send = self.env["account.move.send"]
        self.assertEqual(send._get_default_invoice_edi_format(invoice), "facturx")
        self.customer.with_company(self.company).invoice_edi_format = "ubl_bis3"
        self.assertEqual(send._get_default_invoice_edi_format(invoice), "ubl_bis3")


@tagged("post_install", "-at_install")
class TestBuyerAsIssued(EinvoiceCommon):
    def test_a_customer_that_moves_keeps_its_old_invoices(self):
        invoice = self._invoice()
        self.customer.write({"name": "New Name", "street": "99 avenue Neuve"})
        buyer = invoice._to_einvoice().buyer
        self.assertEqual((buyer.name, buyer.address.line1), ("Bureaux du Parc", "1 rue de l'Exemple"))
        html = self.env["ir.actions.report"]._render_qweb_html("account.account_invoices", invoice.ids)[0].decode()
        self.assertIn("Bureaux du Parc", html)
        self.assertIn('name="buyer_as_issued"', html)
        note = self._credit(invoice)
        self.assertEqual(note._to_einvoice().buyer.name, "Bureaux du Parc")

    def test_so_does_who_pays(self):
        payer = self._customer("Groupe du Parc")
        self.customer.einvoice_payer_id = payer
        paid, html = self._invoice(), self.env["ir.actions.report"]._render_qweb_html
        self.customer.einvoice_payer_id = False
        unpaid = self._invoice(through=FEBRUARY)
        self.customer.einvoice_payer_id = self._customer("Autre Groupe")
        payer.name = "New Group"
        self.assertEqual(paid._to_einvoice().payer.name, "Groupe du Parc")
        self.assertIn("Groupe du Parc", html("account.account_invoices", paid.ids)[0].decode())
        self.assertIsNone(unpaid._to_einvoice().payer)
        paid.action_update_buyer()
        self.assertEqual(paid._to_einvoice().payer.name, "Autre Groupe")

    def test_a_credit_note_of_the_run_has_the_buyer_of_what_it_credits(self):
        contract = self._contract(self._line(100.0), posting_mode="post")
        self._bill(contract, date(2026, 2, 1))
        self.customer.name = "New Name"
        contract._end_on(date(2026, 1, 15))
        note = self._bill(contract, FEBRUARY).move_ids
        self.assertEqual((note.move_type, note._to_einvoice().buyer.name), ("out_refund", "Bureaux du Parc"))

    def test_wrong_data_can_be_mended_until_the_document_is_made(self):
        self.company.service_einvoice_check = "warn"
        contract = self._contract(posting_mode="post")
        self.customer.street = False
        invoice = self._bill(contract, JANUARY).move_ids
        self.customer.street = "3 rue Juste"
        self.assertIn("street", invoice.einvoice_findings)
        invoice.action_update_buyer()
        self.assertEqual(invoice._to_einvoice().buyer.address.line1, "3 rue Juste")
        self.assertFalse(invoice.einvoice_findings)


@tagged("post_install", "-at_install")
class TestReadiness(EinvoiceCommon):
    def _gaps(self):
        self.env.flush_all()
        gaps = self.env["multiservice.einvoice.gap"].search([("company_id", "=", self.company.id)])
        return {(gap.partner_id, gap.kind) for gap in gaps}

    def test_complete_customers_are_ready(self):
        self._contract()
        self.assertEqual(self._gaps(), set())

    def test_each_missing_datum_is_counted(self):
        self._contract()
        self.customer.write({"company_registry": False, "vat": False, "zip": False})
        town = self._customer("Commune de Testville", legal_category="public_body")
        contract = self._contract(self._line(), partner_id=town.id, timing="arrears")
        self.assertEqual(
            self._gaps(),
            {(self.customer, kind) for kind in ("address", "siren", "vat", "electronic_address")}
            | {(town, "buyer_reference"), (town, "order_reference")},
        )
        gap = self.env["multiservice.einvoice.gap"].search([("kind", "=", "buyer_reference")])
        self.assertEqual(gap.action_open()["res_id"], contract.id)


@tagged("post_install", "-at_install")
class TestFirstInvoice(EinvoiceCommon):
    """What a French company meets that has just installed the module and has entered nothing yet."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.partner_id.write({"street": False, "vat": False, "company_registry": False})
        cls.company.partner_id.bank_ids.unlink()
        cls.newcomer = cls.env["res.partner"].create({"name": "Nouveau Client", "is_company": True})

    def _draft(self, **vals):
        line = Command.create({"name": "Cleaning", "price_unit": 100.0, "tax_ids": [Command.set(self.tax.ids)]})
        return self.env["account.move"].create(
            {"move_type": "out_invoice", "partner_id": self.newcomer.id, "invoice_line_ids": [line], **vals}
        )

    def _refusal(self, move):
        with self.assertRaises(RedirectWarning) as refused, self.cr.savepoint():
            move.action_post()
        return refused.exception.args

    def test_one_message_says_all_that_is_missing_where_and_the_way_out(self):
        message, action, button, *_context = self._refusal(self._draft())
        told = [line for line in message.split("\n") if line.startswith("•")]
        self.assertEqual(
            [line.rsplit("[", 1)[1][:-1] for line in told],
            ["BR-09", "MS-ADDRESS", "BR-FR-10", "BR-FR-11", "BR-S-02"],
            "and not twice what follows from the SIREN, nor the bank account",
        )
        self.assertIn("“Invoice That Breaks a French Rule”", message)
        self.assertEqual((action["res_id"], button), (self.newcomer.id, "Open Nouveau Client"))

    def test_once_that_is_entered_it_posts_and_says_that_nobody_knows_where_to_pay(self):
        self.newcomer.write({"street": "1 rue X", "zip": "69001", "city": "Lyon", "country_id": self.france.id})
        self.newcomer.write(self._legal_numbers())
        move = self._draft()
        _message, action, *_rest = self._refusal(move)
        self.assertEqual(action["res_id"], self.company.partner_id.id)
        self.company.partner_id.write({"street": "9 rue de l'Exemple", **self._legal_numbers()})
        move.action_post()
        self.assertEqual(move.state, "posted")
        self.assertIn("bank account", move.einvoice_warnings)
        self.assertEqual(move._einvoice_faults(), [])
        self.assertEqual(move._to_einvoice().note("BAR"), "B2B", "a company is taken for a business")

    def test_a_public_body_is_told_where_to_pay(self):
        self.company.partner_id.write({"street": "9 rue de l'Exemple", **self._legal_numbers()})
        town = self._customer("Commune de Testville", legal_category="public_body", vat=False)
        message, action, *_rest = self._refusal(self._draft(partner_id=town.id))
        self.assertIn("MS-PUBLIC-PAYMENT", message)
        self.assertEqual(action["res_id"], self.company.partner_id.id)

    def test_the_way_out(self):
        self.company.service_einvoice_check = "warn"
        move = self._draft()
        move.action_post()
        self.assertEqual(move.state, "posted")
        self.assertIn("SIREN", move.einvoice_findings)
