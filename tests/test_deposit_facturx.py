"""Deposits, final invoices, retentions and direct debits, really sent, against the official rules."""

from datetime import date

from freezegun import freeze_time

from odoo.tests import HttpCase, tagged

from .test_facturx import EinvoiceCommon

FEBRUARY, MARCH = date(2026, 2, 28), date(2026, 3, 31)


@tagged("post_install", "-at_install")
class TestDepositFacturx(EinvoiceCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        chart = cls.env["account.chart.template"].with_company(cls.company)
        cls.on_payment = chart.ref("tva_normale_encaissement")
        cls.service.taxes_id = cls.on_payment
        cls.reduced = cls.on_payment.copy({"name": "10 % on payment", "amount": 10.0})
        cls.company.service_creditor_identifier = "FR72ZZZ123456"

    def _deposit_on(self, contract, **vals):
        deposit = self.env["multiservice.deposit"].create({"contract_id": contract.id, **vals})
        deposit.action_request()
        return deposit

    def _of_deposits(self):
        """By name, the documents of a deposit of 45 % of 270.00 at two rates, deducted in three parts."""
        lines = (self._line(170.0), self._taxed(self.reduced, 99.99))
        contract = self._contract(*lines, posting_mode="post", date_start=date(2026, 2, 1))
        deposit = self._deposit_on(
            contract, amount_type="period", percentage=45.0, deduction="share", deduction_count=3
        )
        asked = deposit.line_ids.move_id
        final = self._bill(contract, FEBRUARY).move_ids
        note = self.env["account.move"].browse(deposit.action_refund()["res_id"])
        note._post(soft=False)
        paid_off = self._contract(self._line(100.0), posting_mode="post", date_start=date(2026, 2, 1))
        whole = self._deposit_on(paid_off, amount=500.0)
        return {
            "deposit": asked,
            "final": final,
            "refund of a deposit": note,
            "deposit larger than the invoice": whole.line_ids.move_id,
            "nothing to pay": self._bill(paid_off, FEBRUARY).move_ids,
            "credit note of a final": self._credit(final),
        }

    def _of_payment(self):
        bank = self.env["res.partner.bank"].create(
            {"acc_number": "FR14 2004 1010 0505 0001 3M02 606", "partner_id": self.customer.id}
        )
        mandate = self.env["multiservice.mandate"].create(
            {"partner_id": self.customer.id, "bank_id": bank.id, "date_signed": "2026-01-05"}
        )
        return {
            "direct debit": self._invoice(mandate_id=mandate.id),
            "retention": self._invoice(self._line(1000.0), retention_rate=5.0),
        }

    def test_every_document_passes_the_official_rules(self):
        kinds = self._of_deposits() | self._of_payment()
        documents = self._assert_right(kinds)
        types = {kind: move._to_einvoice().type_code for kind, move in kinds.items()}
        self.assertEqual((types["deposit"], types["final"], types["refund of a deposit"]), ("386", "380", "503"))
        texts = {kind: self._text(documents[move][1]) for kind, move in kinds.items()}
        self.assertIn("Deposit Invoice", texts["deposit"])
        self.assertNotIn("Deposit Invoice", texts["final"])
        self.assertIn(kinds["deposit"].name, texts["final"])
        for said in ("SEPA direct debit", "RUM2026", "FR72ZZZ123456", "FR14 2004 1010 0505 0001 3M02 606"):
            self.assertIn(said, texts["direct debit"])
        self.assertIn("16 July 1971", texts["retention"])
        self.assertNotIn("Payment Communication", texts["direct debit"])

    def test_replaced_invoices(self):
        """ "Reverse and create invoice": of a final invoice, then of the deposit's own, which is asked for again."""
        contract = self._contract(self._line(100.0), posting_mode="post", date_start=date(2026, 2, 1))
        deposit = self._deposit_on(contract, amount=60.0)
        asked = deposit.line_ids.move_id
        self._credit(asked, is_modify=True)
        again = deposit.line_ids.move_id.filtered(lambda move: move.state == "draft")
        self.assertEqual((deposit.state, deposit.amount_left, again._einvoice_type()), ("open", 0.0, "386"))
        again._post(soft=False)
        self.assertEqual(deposit.amount_left, 60.0)
        final = self._bill(contract, FEBRUARY).move_ids
        self.assertEqual((final.amount_untaxed, deposit.state), (50.0, "done"))
        self.assertEqual([known.number for known in final._to_einvoice().preceding], [again.name])
        self._credit(final, is_modify=True)
        draft = deposit.deduction_line_ids.move_id.filtered(lambda move: move.state == "draft")
        self.assertEqual((draft.amount_untaxed, deposit.state, draft.einvoice_framework), (50.0, "done", "S4"))
        with freeze_time("2026-03-31 10:00:00"):
            self.assertEqual(self._bill(contract, MARCH).move_ids.amount_untaxed, 100.0)
