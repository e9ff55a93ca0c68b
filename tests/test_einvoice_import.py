from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from ..einvoice.profile import Profile, profile_of
from .einvoice_life import EinvoiceLifeCommon


@tagged("post_install", "-at_install")
class TestEinvoiceImport(EinvoiceLifeCommon, HttpCase):
    """What we issue comes in at another company as a vendor bill, by core's own import."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.buyer = cls.setup_other_company(name="Buyer of services", country_id=cls.france.id)
        cls.invoice = cls._invoice(
            (350.5, cls.tax_20), (40.0, cls.tax_10), (-10.0, cls.tax_20), (4.25, cls.tax_20, cls.goods)
        )

    def _import(self, name, content):
        """The draft bill that core makes of an uploaded file."""
        journal = self.buyer["default_journal_purchase"]
        attachment = self.env["ir.attachment"].create({"name": name, "raw": content})
        company = self.buyer["company"]
        journal = journal.with_company(company).with_context(allowed_company_ids=company.ids)
        return journal._create_document_from_attachment(attachment.ids)

    def _assert_the_same(self, bill):
        self.assertEqual((bill.move_type, bill.state), ("in_invoice", "draft"))
        self.assertEqual((bill.company_id, bill.partner_id.vat), (self.buyer["company"], self.company.vat))
        self.assertEqual((bill.ref, bill.invoice_date), (self.invoice.name, self.invoice.invoice_date))
        lines = bill.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        expected = self.invoice.invoice_line_ids
        self.assertEqual(lines.mapped("price_subtotal"), expected.mapped("price_subtotal"))
        self.assertEqual([line.tax_ids.amount for line in lines], [line.tax_ids.amount for line in expected])
        self.assertEqual(
            (bill.amount_untaxed, bill.amount_tax, bill.amount_total),
            (self.invoice.amount_untaxed, self.invoice.amount_tax, self.invoice.amount_total),
        )

    def test_xml(self):
        xml, _faults = self.env["account.edi.xml.cii"]._export_invoice(self.invoice)
        self._assert_the_same(self._import("factur-x.xml", xml))

    def test_pdf(self):
        service = self.env["account.move.send"].with_context(force_report_rendering=True)
        service._generate_and_send_invoices(self.invoice, sending_methods={})
        pdf = self.invoice.invoice_pdf_report_id.raw
        self.assertTrue(pdf.startswith(b"%PDF"))
        self._assert_the_same(self._import("invoice.pdf", pdf))

    def test_credit_note(self):
        note = self._credit(self.invoice)
        xml, _faults = self.env["account.edi.xml.cii"]._export_invoice(note)
        refund = self._import("factur-x.xml", xml)
        self.assertEqual((refund.move_type, refund.amount_total), ("in_refund", note.amount_total))

    def test_several_sites(self):
        """In the EXTENDED profile; core does not know the sites of lines, and takes the rest."""
        sites = self.site_a + self.site_b
        invoice = self._invoice((350.5, self.tax_20), (40.0, self.tax_10), (-10.0, self.tax_20))
        for line, site in zip(invoice.invoice_line_ids, (*sites, self.site_a), strict=True):
            line.service_site_id = site
        self.invoice = invoice
        xml, faults = self.env["account.edi.xml.cii"]._export_invoice(invoice)
        self.assertFalse(faults)
        self.assertIs(profile_of(xml), Profile.EXTENDED)
        self._assert_the_same(self._import("factur-x.xml", xml))

    def test_discount(self):
        invoice = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.customer.id,
                "invoice_date": "2026-03-01",
                "invoice_line_ids": [
                    Command.create(
                        {
                            "product_id": self.service.id,
                            "quantity": 3,
                            "price_unit": 19.99,
                            "discount": 5.0,
                            "tax_ids": [Command.set(self.tax_20.ids)],
                        }
                    )
                ],
            }
        )
        invoice._post(soft=False)
        xml, _faults = self.env["account.edi.xml.cii"]._export_invoice(invoice)
        bill = self._import("factur-x.xml", xml)
        self.assertEqual((bill.amount_untaxed, bill.amount_total), (invoice.amount_untaxed, invoice.amount_total))
