from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from .test_deposit import JANUARY, DepositCommon


@tagged("post_install", "-at_install")
class TestMandate(DepositCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.service_creditor_identifier = "FR72ZZZ123456"
        cls.bank = cls.env["res.partner.bank"].create(
            {"acc_number": "FR14 2004 1010 0505 0001 3M02 606", "partner_id": cls.customer.id}
        )
        cls.mandate = cls._mandate(date_signed="2025-06-30")

    @classmethod
    def _mandate(cls, **vals):
        return cls.env["multiservice.mandate"].create(
            {"partner_id": cls.customer.id, "bank_id": cls.bank.id, "company_id": cls.company.id, **vals}
        )

    def test_invoice(self):
        """Means of payment 59 with the mandate, the creditor and the account debited; the last use is kept."""
        contract = self._posting(self._line(100.0), mandate_id=self.mandate.id)
        invoice = self._bill(contract, JANUARY).move_ids
        self.assertEqual(invoice.service_mandate_id, self.mandate)
        payment = self.assertEinvoice(invoice).payment
        self.assertEqual((payment.means_code, payment.iban), ("59", ""))
        debit = payment.direct_debit
        self.assertEqual(
            (debit.mandate, debit.creditor_id, debit.debtor_iban),
            (self.mandate.name, "FR72ZZZ123456", "FR1420041010050500013M02606"),
        )
        self.assertEqual((self.mandate.date_used, self.mandate.date_expiry), (JANUARY, date(2029, 1, 31)))
        note = self._credit(invoice)
        self.assertFalse(note.service_mandate_id)
        self.assertIsNone(note._to_einvoice().payment)

    def test_by_hand(self):
        """The proposal is changed on the draft; without a mandate the invoice is paid by transfer."""
        contract = self._contract(self._line(100.0), mandate_id=self.mandate.id)
        draft = self._bill(contract, JANUARY).move_ids
        draft.service_mandate_id = False
        draft._post(soft=False)
        self.assertEqual(draft._to_einvoice().payment.means_code, "58")
        self.assertFalse(self.mandate.date_used)

    def test_contracts_that_differ(self):
        """Contracts that would share an invoice do not: each is paid in its own way."""
        with_mandate = self._posting(self._line(100.0), mandate_id=self.mandate.id, grouping="customer")
        without = self._posting(self._line(100.0), grouping="customer")
        invoices = self._bill(with_mandate | without, JANUARY).move_ids
        self.assertEqual(len(invoices), 2)
        for invoice in invoices:
            expected = self.mandate if invoice.service_contract_ids == with_mandate else self.mandate.browse()
            self.assertEqual(invoice.service_mandate_id, expected)

    def test_life(self):
        """Not signed, valid for 36 months after its last use, revoked."""
        mandate = self._mandate()
        self.assertEqual((mandate.state, mandate.date_expiry), ("draft", False))
        mandate.date_signed = "2023-01-31"
        self.assertEqual((mandate.state, mandate.date_expiry), ("valid", JANUARY))
        with freeze_time("2026-02-01 10:00:00"):
            mandate.invalidate_recordset(["state"])
            self.assertEqual(mandate.state, "expired")
            for state, found in (("expired", mandate), ("valid", self.mandate)):
                own = [("state", "=", state), ("partner_id", "=", self.customer.id)]
                self.assertEqual(self.env["multiservice.mandate"].search(own), found)
        mandate.action_revoke()
        self.assertEqual((mandate.state, mandate.date_revoked), ("revoked", JANUARY))
        own = [("state", "in", ("revoked", "draft")), ("partner_id", "=", self.customer.id)]
        self.assertEqual(self.env["multiservice.mandate"].search(own), mandate)

    def test_lapsed(self):
        """An invoice is not posted under a mandate that is not valid."""
        lapsed = self._mandate(date_signed="2023-01-30")
        contract = self._contract(self._line(100.0), mandate_id=lapsed.id)
        self.assertEqual(contract.mandate_state, "expired")
        draft = self._bill(contract, JANUARY).move_ids
        with self.assertRaisesRegex(UserError, "Lapsed"):
            draft._post(soft=False)
        lapsed.date_signed = "2026-01-30"
        draft._post(soft=False)
        self.assertEqual(lapsed.date_used, JANUARY)

    def test_checks(self):
        other = self._customer("Autre Client")
        for vals, message in (
            ({"partner_id": other.id}, "is not one of"),
            ({"bank_id": self._bank("FR1420041010050500013M02607").id}, "not a valid one"),
        ):
            with self.subTest(message), self.assertRaisesRegex(ValidationError, message):
                self._mandate(**vals)
        with self.assertRaisesRegex(ValidationError, "was not signed by"):
            self._contract(self._line(), partner_id=other.id, mandate_id=self.mandate.id)
        with self.assertRaisesRegex(ValidationError, "creditor identifier"):
            self.company.service_creditor_identifier = "FR73ZZZ123456"
        self.mandate._use(JANUARY)
        with self.assertRaisesRegex(UserError, "kept as proof"):
            self.mandate.unlink()

    def _bank(self, number):
        return self.env["res.partner.bank"].create({"acc_number": number, "partner_id": self.customer.id})

    def test_access(self):
        biller = self._user("m_biller", "multiservice.group_billing_user")
        mandate = self.mandate.with_user(biller)
        mandate.date_signed = "2026-01-02"
        self.assertEqual(mandate.state, "valid")
        planner = self._user("m_planner", "multiservice.group_planner")
        with self.assertRaises(AccessError):
            self.mandate.with_user(planner).read(["bank_id"])
        elsewhere = self.env["res.company"].create({"name": "Autre Société"})
        foreign = self._mandate(company_id=elsewhere.id)
        self.assertFalse(self.env["multiservice.mandate"].with_user(biller).search([("id", "=", foreign.id)]))
        with self.assertRaises(AccessError):
            foreign.with_user(biller).read(["name"])
        accountant = self._user("m_accountant", "account.group_account_invoice")
        contract = self._contract(self._line(100.0), mandate_id=self.mandate.id)
        draft = self._bill(contract, JANUARY).move_ids
        draft.with_user(accountant).action_post()
        self.assertEqual(self.mandate.date_used, JANUARY)
        self.assertEqual(draft.with_user(accountant)._to_einvoice().payment.means_code, "59")
