from io import BytesIO

import pikepdf

from odoo.tests import HttpCase, tagged

from .test_facturx import JANUARY, EinvoiceCommon, pdfa_findings, schematron


@tagged("post_install", "-at_install")
class TestChorus(EinvoiceCommon, HttpCase):
    """Beside core's module for Chorus Pro. `dev/test` installs it for one half of the tests."""

    def setUp(self):
        super().setUp()
        if "purchase_order_reference" not in self.env["account.move"]._fields:
            self.skipTest("l10n_fr_facturx_chorus_pro is not installed: dev/odoo -d DATABASE -i it")
        self.town = self._customer("Commune de Testville", legal_category="public_body", vat=False)

    def _of_contract(self, **vals):
        contract = self._contract(
            self._line(100.0),
            partner_id=self.town.id,
            timing="arrears",
            buyer_reference="SERVICE-TECHNIQUE",
            order_reference="EJ-2026-0815",
            market_reference="MARCHE-12",
            **vals,
        )
        return self._bill(contract, JANUARY).move_ids

    def _references(self, move):
        made = move._to_einvoice()
        return made.buyer_reference, made.contract, made.order

    def test_references_of_a_contract_reach_its_fields_and_are_printed_once(self):
        move = self._of_contract(posting_mode="post")
        references = ("SERVICE-TECHNIQUE", "MARCHE-12", "EJ-2026-0815")
        self.assertEqual(self._references(move), references)
        self.assertEqual(
            (move.buyer_reference, move.contract_reference, move.purchase_order_reference),
            references,
        )
        _xml, pdf = self._assert_right({"contract": move})[move]
        text = self._text(pdf)
        for reference in references:
            self.assertEqual(text.count(reference), 1, reference)

    def test_references_typed_in_its_fields_are_ours(self):
        move = self._of_contract(posting_mode="draft")
        move.write({"service_buyer_reference": False, "service_order_reference": False, "ref": False})
        move.write({"buyer_reference": "S-1", "purchase_order_reference": "EJ-9"})
        move._post(soft=False)
        self.assertEqual(self._references(move), ("S-1", "MARCHE-12", "EJ-9"))
        self._assert_right({"typed": move})

    def test_its_ubl_has_our_references(self):
        """The format for Chorus Pro by way of Peppol: core's, with one XML beside the PDF, and our Factur-X inside."""
        self.town.with_company(self.company).write(
            {"invoice_edi_format": "ubl_bis3", "peppol_eas": "0009", "peppol_endpoint": "11000201100044"}
        )
        move = self._of_contract(posting_mode="post")
        xml, pdf = self._send(move)[move]
        self.assertIn(b"<cbc:BuyerReference>SERVICE-TECHNIQUE<", xml)
        self.assertIn(b"<cbc:ID>EJ-2026-0815<", xml)
        with pikepdf.open(BytesIO(pdf)) as document:
            embedded = {name: file.get_file().read_bytes() for name, file in document.attachments.items()}
        self.assertEqual(list(embedded), ["factur-x.xml"])
        self.assertEqual(schematron({"embedded": embedded["factur-x.xml"]}), {"embedded": []})
        self.assertEqual(pdfa_findings(pdf), [])
