"""The invoices of payers, really sent, against the official rules."""

from datetime import date

from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from .test_facturx import JANUARY, EinvoiceCommon


@tagged("post_install", "-at_install")
class TestShareFacturx(EinvoiceCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.department = cls._customer("Departement Exemple", legal_category="public_body", vat=False)
        cls.insurer = cls._customer("Assurance Exemple")
        cls.person = cls._customer(
            "Camille Exemple", legal_category="consumer", is_company=False, vat=False, company_registry=False
        )

    def _shared(self, *lines, partner=None, grouping="customer", **share):
        """A posted contract of a person, of which another pays a part, billed for January; its invoices by debtor."""
        partner = partner or self.person
        contract = self._contract(*lines, posting_mode="post", partner_id=partner.id, grouping=grouping)
        self.env["multiservice.share"].create(
            {
                "contract_id": contract.id,
                "partner_id": self.insurer.id,
                "date_start": date(2026, 1, 1),
                "file_number": "F-1",
                **share,
            }
        )
        return contract

    def _by_debtor(self, contracts):
        return {move.partner_id: move for move in self._bill(contracts, JANUARY).move_ids}

    def test_every_document_passes_the_official_rules(self):
        low = self._tax(5.5)
        included = self._tax(20.0, price_include_override="tax_included")
        in_hours = self._shared(self._line(25.0, quantity=22.0), takes="beyond", participation=4.5, cap_quantity=20.0)
        own = self._by_debtor(in_hours)
        with_tax = self._by_debtor(
            self._shared(self._taxed(included, 99.99), partner_id=self.department.id, percent=33.33)
        )
        together = self._by_debtor(
            self._shared(self._line(40.0), self._taxed(low, 33.33), billing="collective", percent=50.0)
            | self._shared(self._line(50.0), billing="collective", percent=100.0)
        )
        shown = self._by_debtor(self._shared(self._line(70.01), billing="shown", percent=60.0))
        informed = self._by_debtor(self._shared(self._line(70.0), billing="informed", percent=60.0))
        leaving = self._shared(self._line(310.0), percent=40.0)
        self._bill(leaving, JANUARY)
        leaving.share_ids.date_end = date(2026, 1, 21)
        corrected = self._by_debtor(leaving)
        sites = self._contract(self._line(100.0), posting_mode="post", grouping="sections")
        for site in (self.site_a, self.site_b):
            sites.share_ids = [Command.create({"site_id": site.id, "percent": 50.0, "date_start": sites.date_start})]
        kinds = {
            "payer by the hour": own[self.insurer],
            "customer beside it": own[self.person],
            "public payer, tax included": with_tax[self.department],
            "customer, tax included": with_tax[self.person],
            "all beneficiaries": together[self.insurer],
            "shown": shown[self.person],
            "for information": informed[self.person],
            "payer credited": corrected[self.insurer],
            "customer charged": corrected[self.person],
            "credit note of a payer's invoice": self._credit(own[self.insurer]),
            "split between sites": self._bill(sites, JANUARY).move_ids,
        }
        documents = self._assert_right(kinds)
        texts = {kind: self._text(documents[move][1]) for kind, move in kinds.items()}
        made = kinds["payer by the hour"]._to_einvoice()
        self.assertEqual((made.buyer.name, made.buyer.legal_id), ("Assurance Exemple", self.insurer.siren))
        self.assertEqual(made.note("AAI"), "Beneficiaries of the services: Camille Exemple")
        self.assertIn("Beneficiary: Camille Exemple, file F-1", texts["payer by the hour"])
        self.assertEqual(kinds["payer by the hour"].amount_untaxed, 410.0)
        self.assertIn("Camille Exemple – CT", texts["all beneficiaries"])
        self.assertIn("Paid by Assurance Exemple", texts["shown"])
        self.assertIn("Left to you", texts["shown"])
        self.assertIn("For information, aid of Assurance Exemple paid to you", texts["for information"])
        included_parts = with_tax[self.department].amount_total + with_tax[self.person].amount_total
        self.assertEqual(round(included_parts, 2), 99.99, "in the price's own basis")
        self.assertEqual(kinds["payer credited"].move_type, "out_refund")
        self.assertTrue(kinds["payer credited"]._to_einvoice().preceding)
