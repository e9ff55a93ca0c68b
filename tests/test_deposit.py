from datetime import date
from decimal import Decimal

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..einvoice import rules
from .common import MultiserviceCommon

JANUARY, FEBRUARY, MARCH = date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)


class DepositCommon(MultiserviceCommon):
    """A company that sells at 20 % on payment, on 31 January 2026; invoices are posted at once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time("2026-01-31 10:00:00"))
        cls.company.service_einvoice = True
        cls.company.service_einvoice_check = "warn"
        cls.on_payment = cls.env["account.chart.template"].with_company(cls.company).ref("tva_normale_encaissement")
        cls.service.taxes_id = cls.on_payment
        cls.account = cls.env["account.chart.template"].with_company(cls.company).ref("pcg_4191")
        cls.reduced = cls._tax_on_payment(10.0)

    @classmethod
    def _tax_on_payment(cls, amount, **vals):
        return cls.on_payment.copy({"name": f"{amount} % on payment {vals}", "amount": amount, **vals})

    @classmethod
    def _posting(cls, *lines, **vals):
        return cls._contract(*lines, posting_mode="post", **vals)

    @classmethod
    def _deposit(cls, amount=None, **vals):
        given = {} if amount is None else {"amount": amount}
        deposit = cls.env["multiservice.deposit"].create(given | vals)
        deposit.action_request()
        return deposit

    def _invoice_of(self, deposit):
        return deposit.line_ids.move_id.filtered(lambda move: move.move_type == "out_invoice")

    def _pay(self, moves):
        return (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=moves.ids)
            .create({"payment_date": "2026-01-31"})
            ._create_payments()
        )

    def _credit(self, invoice, **vals):
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"journal_id": invoice.journal_id.id, "reason": "Test", **vals})
        )
        wizard.reverse_moves()
        note = wizard.new_move_ids
        note._post(soft=False)
        return note

    def assertLines(self, move, expected):
        """Compare the product lines with (quantity, price, untaxed, total)."""
        lines = move.invoice_line_ids.filtered(lambda line: line.display_type == "product").sorted("sequence")
        found = [(line.quantity, line.price_unit, line.price_subtotal, line.price_total) for line in lines]
        self.assertEqual(
            [tuple(round(number, 4) for number in one) for one in found], [tuple(map(float, one)) for one in expected]
        )

    def assertEinvoice(self, move, **expected):
        """The electronic invoice has these terms, agrees with the accounts, and breaks no rule."""
        document = move._to_einvoice()
        for name, value in expected.items():
            self.assertEqual(getattr(document, name), value, name)
        self.assertEqual(document.totals.gross, Decimal(str(abs(move.amount_total))).quantize(Decimal("0.01")))
        self.assertEqual(document.totals.vat, Decimal(str(abs(move.amount_tax))).quantize(Decimal("0.01")))
        found = rules.fatal(rules.check(document, move._to_einvoice_context()))
        self.assertEqual([str(finding) for finding in found], [])
        return document

    def _balance(self, account):
        self.env.flush_all()
        lines = self.env["account.move.line"].search([("account_id", "=", account.id), ("parent_state", "=", "posted")])
        return round(sum(lines.mapped("balance")), 2)


@tagged("post_install", "-at_install")
class TestDeposit(DepositCommon):
    def test_amount(self):
        """1 200.00 on a contract: an invoice of type 386 on account 4191, whose VAT falls due when it is paid."""
        contract = self._posting(self._line(1000.0))
        deposit = self._deposit(1200.0, contract_id=contract.id)
        move = self._invoice_of(deposit)
        self.assertEqual((move.state, move.amount_untaxed, move.amount_tax), ("posted", 1000.0, 200.0))
        self.assertEqual(move.invoice_date, JANUARY)
        self.assertEqual(move.invoice_date_due, JANUARY)
        self.assertLines(move, [(1, 1000, 1000, 1200)])
        self.assertEqual(move.invoice_line_ids.account_id, self.account)
        self.assertEqual((deposit.state, deposit.amount_left, deposit.is_paid), ("open", 1200.0, False))
        self.assertEinvoice(move, type_code="386", framework="S1", vat_point="72", contract=contract.name)
        self.assertFalse(contract.billable_ids, "a deposit bills no period")
        waiting = self.on_payment.cash_basis_transition_account_id
        collected = self.on_payment.invoice_repartition_line_ids.account_id
        self.assertEqual((self._balance(waiting), self._balance(collected)), (-200.0, 0.0))
        self._pay(move)
        self.assertEqual((self._balance(waiting), self._balance(collected)), (0.0, -200.0))
        self.assertEqual((deposit.state, deposit.is_paid), ("open", True))

    def test_percentages(self):
        """30 % of a period and of a year, VAT included; of a contract with a quarterly and a one-off line."""
        contract = self._posting(
            self._line(100.0),
            self._line(90.0, own_schedule=True, recurrence_unit="quarter"),
            self._line(50.0, quantity=2, pricing="one_off"),
        )
        period = self._deposit(contract_id=contract.id, amount_type="period", percentage=30.0)
        self.assertEqual(period.amount, 104.4)  # 30 % of (100 + 90 + 100) × 1.2
        year = self._deposit(contract_id=contract.id, amount_type="year", percentage=30.0)
        self.assertEqual(year.amount, 597.6)  # 30 % of (12 × 100 + 4 × 90 + 100) × 1.2
        self.assertEqual(self._invoice_of(year).amount_total, 597.6)

    def test_posting_mode(self):
        contract = self._contract(self._line(1000.0), posting_mode="draft")
        draft = self._deposit(600.0, contract_id=contract.id)
        self.assertEqual((self._invoice_of(draft).state, draft.state, draft.amount_left), ("draft", "open", 0.0))
        self._bill(contract, JANUARY)
        self.assertFalse(draft.deduction_line_ids, "only what was invoiced is deducted")
        contract.posting_mode = "send"
        sent = self._deposit(600.0, contract_id=contract.id)
        self.assertEqual(self._invoice_of(sent).state, "posted")
        self.assertTrue(self._invoice_of(sent).sending_data)

    def test_without_contract(self):
        self.company.service_posting_mode = "post"
        deposit = self._deposit(60.0, partner_id=self.customer.id, tax_ids=[Command.set(self.on_payment.ids)])
        self.assertEqual(self._invoice_of(deposit).amount_untaxed, 50.0)
        self.assertEinvoice(self._invoice_of(deposit), type_code="386")
        contract = self._posting(self._line(100.0))
        invoice = self._bill(contract, JANUARY).move_ids
        self.assertEqual((invoice.amount_untaxed, invoice.amount_total), (50.0, 60.0))
        self.assertEqual(deposit.state, "done")

    def test_next_invoices(self):
        """A deposit of 150.00 before tax takes an invoice of 100.00 and half of the next one."""
        contract = self._posting(self._line(100.0))
        deposit = self._deposit(180.0, contract_id=contract.id)
        january = self._bill(contract, JANUARY).move_ids
        self.assertLines(january, [(1, 100, 100, 120), (-1, 100, -100, -120)])
        self.assertEqual((january.amount_untaxed, january.amount_tax, january.amount_total), (0.0, 0.0, 0.0))
        self.assertEqual((deposit.amount_left, deposit.state), (60.0, "open"))
        with freeze_time("2026-02-28 10:00:00"):
            february = self._bill(contract, FEBRUARY).move_ids
            self.assertLines(february, [(1, 100, 100, 120), (-1, 50, -50, -60)])
            self.assertEqual(february.amount_total, 60.0)
            self.assertEqual((deposit.amount_left, deposit.state, deposit.last_move_id), (0.0, "done", february))
            final = self.assertEinvoice(february, type_code="380", framework="S4")
        [preceding] = final.preceding
        asked = self._invoice_of(deposit)
        self.assertEqual((preceding.number, preceding.issue_date), (asked.name, JANUARY))
        self.assertEqual([(line.quantity, line.price) for line in final.lines][-1], (Decimal(-1), Decimal(50)))
        self.assertEqual(self._balance(self.account), 0.0)
        self.assertIn(asked.name, february.invoice_line_ids[-1].name)
        with freeze_time("2026-03-31 10:00:00"):
            march = self._bill(contract, MARCH).move_ids
        self.assertEqual((march.amount_total, march.einvoice_framework), (120.0, "S1"))

    def test_equal_parts(self):
        """100.00 and its 20.00 of VAT on three invoices: 33.33, 33.33 and 33.34, VAT to the cent."""
        contract = self._posting(self._line(500.0))
        deposit = self._deposit(120.0, contract_id=contract.id, deduction="share", deduction_count=3)
        taken = []
        for day in (JANUARY, FEBRUARY, MARCH):
            with freeze_time(f"{day} 10:00:00"):
                move = self._bill(contract, day).move_ids
            line = move.invoice_line_ids.filtered("service_deducted_id")
            taken.append((-line.price_subtotal, round(100.0 - move.amount_tax, 2), round(600.0 - move.amount_total, 2)))
        self.assertEqual(taken, [(33.33, 6.67, 40.0), (33.33, 6.67, 40.0), (33.34, 6.66, 40.0)])
        self.assertEqual((deposit.amount_left, deposit.state), (0.0, "done"))

    def test_two_rates(self):
        """30 % of 100.00 at 20 % and of 100.00 at 10 %: each rate is deducted from its own."""
        contract = self._posting(self._line(100.0), self._line(100.0, tax_ids=[Command.set(self.reduced.ids)]))
        deposit = self._deposit(contract_id=contract.id, amount_type="period", percentage=30.0)
        asked = self._invoice_of(deposit)
        self.assertEqual((deposit.amount, asked.amount_untaxed, asked.amount_tax), (69.0, 60.0, 9.0))
        self.assertLines(asked, [(1, 30, 30, 36), (1, 30, 30, 33)])
        invoice = self._bill(contract, JANUARY).move_ids
        self.assertLines(invoice, [(1, 100, 100, 120), (1, 100, 100, 110), (-1, 30, -30, -36), (-1, 30, -30, -33)])
        self.assertEqual((invoice.amount_untaxed, invoice.amount_tax), (140.0, 21.0))
        self.assertEqual(deposit.state, "done")
        document = self.assertEinvoice(invoice, framework="S4")
        self.assertEqual(
            {(vat.rate, vat.base, vat.amount) for vat in document.vat},
            {(Decimal("20.0"), Decimal(70), Decimal(14)), (Decimal("10.0"), Decimal(70), Decimal(7))},
        )

    def test_rate_that_an_invoice_has_not(self):
        """A deposit at 10 % waits for an invoice at 10 %."""
        contract = self._posting(
            self._line(100.0),
            self._line(100.0, pricing="one_off", tax_ids=[Command.set(self.reduced.ids)], date_start="2026-02-10"),
        )
        deposit = self._deposit(contract_id=contract.id, amount_type="period", percentage=30.0)
        self.assertEqual(self._bill(contract, JANUARY).move_ids.amount_untaxed, 70.0)
        self.assertEqual((deposit.amount_left, deposit.state), (33.0, "open"))

    def test_tax_included(self):
        """Prices with tax: a deposit of 40.00 of which 6.67 is VAT, deducted on two invoices."""
        included = self._tax_on_payment(20.0, price_include_override="tax_included")
        contract = self._posting(self._line(120.0, tax_ids=[Command.set(included.ids)]))
        deposit = self._deposit(40.0, contract_id=contract.id, deduction="share", deduction_count=2)
        asked = self._invoice_of(deposit)
        self.assertEqual((asked.amount_untaxed, asked.amount_tax), (33.33, 6.67))
        self.assertLines(asked, [(1, 40, 33.33, 40)])
        january = self._bill(contract, JANUARY).move_ids
        self.assertLines(january, [(1, 120, 100, 120), (-1, 20, -16.66, -20)])
        self.assertEqual((january.amount_untaxed, january.amount_tax, january.amount_total), (83.34, 16.66, 100.0))
        self.assertEinvoice(january, framework="S4")
        with freeze_time("2026-02-28 10:00:00"):
            february = self._bill(contract, FEBRUARY).move_ids
        self.assertEqual((february.amount_untaxed, february.amount_tax, february.amount_total), (83.33, 16.67, 100.0))
        self.assertEqual((deposit.amount_left, self._balance(self.account)), (0.0, 0.0))

    def test_twice(self):
        """A second run deducts nothing more, of another contract neither."""
        contract, other = self._posting(self._line(100.0)), self._posting(self._line(100.0))
        deposit = self._deposit(60.0, contract_id=contract.id)
        invoice = self._bill(contract, JANUARY).move_ids
        self.assertEqual(invoice.amount_untaxed, 50.0)
        self.assertFalse(self._bill(contract, JANUARY))
        invoice._deduct_deposits()
        self.assertEqual(invoice.amount_untaxed, 50.0, "it is posted")
        self.assertEqual(self._bill(other, JANUARY).move_ids.amount_untaxed, 100.0)
        self.assertEqual(len(deposit.deduction_line_ids), 1)

    def test_merged_invoice(self):
        """Of an invoice for two contracts, only what the deposit's own contract costs is deducted."""
        contract, other = (self._posting(self._line(price), grouping="customer") for price in (100.0, 500.0))
        deposit = self._deposit(360.0, contract_id=contract.id)
        invoice = self._bill(contract | other, JANUARY).move_ids
        self.assertEqual(invoice.amount_untaxed, 500.0)
        self.assertEqual(deposit.amount_left, 240.0)

    def test_deleted_invoice(self):
        contract = self._contract(self._line(100.0))
        deposit = self._deposit(60.0, contract_id=contract.id)
        self._invoice_of(deposit)._post(soft=False)
        draft = self._bill(contract, JANUARY).move_ids
        self.assertEqual((draft.amount_untaxed, deposit.amount_left, deposit.state), (50.0, 0.0, "done"))
        draft.unlink()
        self.assertEqual((deposit.amount_left, deposit.state), (60.0, "open"))
        again = self._bill(contract, JANUARY).move_ids
        self.assertEqual((again.amount_untaxed, deposit.amount_left), (50.0, 0.0))
        again.button_cancel()
        self.assertEqual((deposit.amount_left, deposit.state), (60.0, "open"))

    def test_line_deleted_by_hand(self):
        contract = self._contract(self._line(100.0))
        deposit = self._deposit(60.0, contract_id=contract.id)
        self._invoice_of(deposit)._post(soft=False)
        draft = self._bill(contract, JANUARY).move_ids
        self.assertEqual(draft.einvoice_framework, "S4")
        draft.invoice_line_ids.filtered("service_deducted_id").unlink()
        self.assertEqual((draft.amount_untaxed, deposit.amount_left, draft.einvoice_framework), (100.0, 60.0, "S1"))

    def test_credited_invoice(self):
        """Crediting the final invoice gives the deposit back; its credit note names that invoice alone."""
        contract = self._posting(self._line(100.0))
        deposit = self._deposit(60.0, contract_id=contract.id)
        invoice = self._bill(contract, JANUARY).move_ids
        note = self._credit(invoice, service_rebill="yes")
        self.assertEqual(note.amount_total, 60.0)
        self.assertEqual((deposit.amount_left, deposit.state), (60.0, "open"))
        document = self.assertEinvoice(note, type_code="381", framework="S1")
        self.assertEqual([known.number for known in document.preceding], [invoice.name])
        again = self._bill(contract, JANUARY).move_ids
        self.assertEqual((again.amount_untaxed, deposit.amount_left), (50.0, 0.0))

    def test_undone_run(self):
        contract = self._posting(self._line(100.0))
        deposit = self._deposit(60.0, contract_id=contract.id)
        invoice = self._bill(contract, JANUARY).move_ids
        invoice._undo_services()
        self.assertEqual((deposit.amount_left, deposit.state), (60.0, "open"))

    def test_refund(self):
        """What is left of a deposit is credited: type 503, naming the 386; no more than that can be."""
        contract = self._posting(self._line(100.0))
        deposit = self._deposit(180.0, contract_id=contract.id)
        asked = self._invoice_of(deposit)
        self._bill(contract, JANUARY)
        action = deposit.action_refund()
        note = self.env["account.move"].browse(action["res_id"])
        self.assertEqual((note.state, note.amount_untaxed, note.amount_tax), ("draft", 50.0, 10.0))
        self.assertEqual((deposit.amount_left, deposit.state), (0.0, "done"))
        note._post(soft=False)
        document = self.assertEinvoice(note, type_code="503", framework="S1")
        self.assertEqual([known.number for known in document.preceding], [asked.name])
        self.assertEqual(self._balance(self.account), 0.0)
        self.assertEqual(asked.amount_residual, 120.0, "the credit note is set against the unpaid deposit")
        with self.assertRaisesRegex(UserError, "Nothing is left"):
            deposit.action_refund()
        with self.assertRaisesRegex(UserError, "More would be taken"):
            self._credit(asked)

    def test_refunded_whole(self):
        contract = self._posting(self._line(100.0))
        deposit = self._deposit(180.0, contract_id=contract.id)
        self._credit(self._invoice_of(deposit))
        self.assertEqual((deposit.amount_left, deposit.state), (0.0, "refunded"))
        self.assertEqual(self._bill(contract, JANUARY).move_ids.amount_untaxed, 100.0)

    def test_reset_to_draft(self):
        """The invoice of a deposit that is deducted stays posted."""
        contract = self._posting(self._line(100.0))
        deposit = self._deposit(180.0, contract_id=contract.id)
        self._bill(contract, JANUARY)
        with self.assertRaisesRegex(UserError, "is deducted by"):
            self._invoice_of(deposit).button_draft()

    def test_duplicate(self):
        """A plain duplicate of either invoice has nothing to do with the deposit."""
        contract = self._posting(self._line(100.0))
        deposit = self._deposit(60.0, contract_id=contract.id)
        invoice = self._bill(contract, JANUARY).move_ids
        copies = invoice.copy() + self._invoice_of(deposit).copy()
        self.assertFalse(copies.invoice_line_ids.service_deposit_id | copies.invoice_line_ids.service_deducted_id)

    def test_vat_on_debits(self):
        """The deposit's VAT falls due when paid, the invoice's when issued: what is deducted follows the invoice."""
        contract = self._posting(self._line(100.0, tax_ids=[Command.set(self.tax.ids)]))
        deposit = self._deposit(60.0, contract_id=contract.id)
        asked = self._invoice_of(deposit)
        self.assertEqual(asked.invoice_line_ids.tax_ids, self.on_payment)
        self.assertEinvoice(asked, vat_point="72")
        self._pay(asked)
        invoice = self._bill(contract, JANUARY).move_ids
        self.assertEqual(invoice.invoice_line_ids.tax_ids, self.tax)
        self.assertEinvoice(invoice, vat_point="5", framework="S4")
        collected = self.tax.invoice_repartition_line_ids.account_id
        self.assertEqual(self._balance(collected | self.on_payment.invoice_repartition_line_ids.account_id), -20.0)

    def test_no_tax_on_payment(self):
        own = self.tax.copy({"name": "7 %", "amount": 7.0})
        contract = self._posting(self._line(100.0, tax_ids=[Command.set(own.ids)]))
        with self.assertRaisesRegex(UserError, "7 %"):
            self._deposit(60.0, contract_id=contract.id)

    def test_account(self):
        """Never an account of revenue."""
        contract = self._posting(self._line(100.0))
        self.company.service_deposit_account_id = self.company_data["default_account_revenue"]
        with self.assertRaisesRegex(UserError, "no revenue yet"):
            self._deposit(60.0, contract_id=contract.id)
        own = self.account.copy({"code": "419110"})
        self.company.service_deposit_account_id = own
        self.assertEqual(
            self._invoice_of(self._deposit(60.0, contract_id=contract.id)).invoice_line_ids.account_id, own
        )

    def test_by_hand(self):
        contract = self._contract(self._line(100.0))
        deposit = self._deposit(96.0, contract_id=contract.id, deduction="manual")
        self._invoice_of(deposit)._post(soft=False)
        draft = self._bill(contract, JANUARY).move_ids
        self.assertEqual((draft.amount_untaxed, draft.service_has_open_deposit), (100.0, True))
        Wizard = self.env["multiservice.deposit.deduction"].with_context(**draft.action_deduct_deposit()["context"])
        wizard = Wizard.create({"amount": 24.0})
        self.assertEqual((wizard.deposit_id, wizard.amount_left), (deposit, 96.0))
        wizard.action_confirm()
        self.assertEqual((draft.amount_untaxed, deposit.amount_left), (80.0, 72.0))
        with self.assertRaisesRegex(UserError, "At most .*72.00"):
            Wizard.create({"amount": 84.0}).action_confirm()
        draft.invoice_line_ids.filtered(lambda line: not line.service_deducted_id).price_unit = 30.0
        Wizard.create({}).action_confirm()
        self.assertEqual((draft.amount_untaxed, draft.amount_total, deposit.amount_left), (0.0, 0.0, 60.0))
        draft._post(soft=False)
        with self.assertRaisesRegex(UserError, "cannot be deducted"):
            Wizard.create({"deposit_id": deposit.id}).action_confirm()

    def test_taken_twice(self):
        """Two drafts by two people cannot both be posted."""
        contract = self._contract(self._line(100.0))
        deposit = self._deposit(60.0, contract_id=contract.id)
        self._invoice_of(deposit)._post(soft=False)
        draft = self._bill(contract, JANUARY).move_ids
        line = draft.invoice_line_ids.filtered("service_deducted_id")
        line.with_context(include_business_fields=True).copy({"move_id": draft.id, "service_deducted_id": deposit.id})
        with self.assertRaisesRegex(UserError, "More would be taken"):
            draft._post(soft=False)

    def test_currency(self):
        """In dollars at 1.25: the deposit and its deduction in the contract's currency, VAT in euro."""
        dollars = self.setup_other_currency("USD", rates=[("2026-01-01", 1.25)])
        contract = self._posting(self._line(1000.0), currency_id=dollars.id)
        deposit = self._deposit(600.0, contract_id=contract.id)
        asked = self._invoice_of(deposit)
        self.assertEqual((asked.amount_untaxed, asked.amount_untaxed_signed), (500.0, 400.0))
        invoice = self._bill(contract, JANUARY).move_ids
        self.assertEqual((invoice.amount_untaxed, invoice.amount_tax_signed), (500.0, 80.0))
        self.assertEinvoice(invoice, framework="S4")
        self.assertEqual(self._balance(self.account), 0.0)

    def test_checks(self):
        contract, other = self._posting(self._line(100.0)), self._customer("Autre Client")
        Deposit = self.env["multiservice.deposit"]
        for vals, message in (
            ({"partner_id": other.id, "contract_id": contract.id}, "is not one of"),
            ({"partner_id": self.site_a.id}, "a contact or a site"),
            ({"partner_id": other.id, "amount": -1.0}, "cannot be negative"),
            ({"partner_id": other.id, "amount_type": "year"}, "needs the contract"),
            ({"contract_id": contract.id, "amount_type": "year", "percentage": 0.0}, "above zero"),
            ({"partner_id": other.id, "deduction": "share", "deduction_count": 0}, "how many invoices"),
        ):
            with self.subTest(message), self.assertRaisesRegex(ValidationError, message), self.cr.savepoint():
                Deposit.create(vals)
        with self.assertRaisesRegex(UserError, "no amount"):
            self._deposit(contract_id=contract.id)
        deposit = self._deposit(60.0, contract_id=contract.id)
        with self.assertRaisesRegex(UserError, "requested already"):
            deposit.action_request()
        with self.assertRaisesRegex(UserError, "credited, not deleted"):
            deposit.unlink()
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            Deposit.create({"partner_id": other.id, "name": deposit.name}).flush_recordset()

    def test_access(self):
        """Billing users keep deposits; planners see none; an accountant posts an invoice that deducts one."""
        contract = self._contract(self._line(100.0))
        biller, planner = (
            self._user("d_biller", "multiservice.group_billing_user"),
            self._user("d_planner", "multiservice.group_planner"),
        )
        accountant = self._user("d_accountant", "account.group_account_invoice")
        deposit = (
            self.env["multiservice.deposit"].with_user(biller).create({"contract_id": contract.id, "amount": 60.0})
        )
        deposit.action_request()
        self._invoice_of(deposit).with_user(accountant)._post(soft=False)
        draft = self._bill(contract.with_user(biller), JANUARY).move_ids
        self.assertEqual(draft.amount_untaxed, 50.0)
        draft.with_user(accountant).action_post()
        self.assertEqual((draft.state, deposit.sudo().state), ("posted", "done"))
        with self.assertRaises(AccessError):
            deposit.with_user(planner).read(["amount"])
        with self.assertRaises(AccessError):
            contract.with_user(planner).read(["deposit_count"])
        elsewhere = self.env["res.company"].create({"name": "Autre Société"})
        foreign = self.env["multiservice.deposit"].create(
            {"partner_id": self.customer.id, "company_id": elsewhere.id, "amount": 10.0}
        )
        self.assertFalse(self.env["multiservice.deposit"].with_user(biller).search([("id", "=", foreign.id)]))
        with self.assertRaises(AccessError):
            foreign.with_user(biller).read(["amount"])


@tagged("post_install", "-at_install")
class TestGuarantee(DepositCommon):
    def _guarantee(self, amount=500.0):
        contract = self._posting(self._line(1000.0))
        return self._deposit(amount, contract_id=contract.id, kind="guarantee")

    def _return(self, deposit, **vals):
        context = deposit.action_return_guarantee()["context"]
        return self.env["multiservice.guarantee.return"].with_context(**context).create(vals)

    def test_request(self):
        """No invoice, no VAT, no revenue: the customer owes 500.00, and we owe it back."""
        deposit = self._guarantee()
        entry = deposit.line_ids.move_id
        held = self.env["account.chart.template"].with_company(self.company).ref("pcg_1651")
        self.assertEqual((entry.move_type, entry.state, entry.journal_id.type), ("entry", "posted", "general"))
        self.assertEqual({line.account_id: line.balance for line in entry.line_ids if line.credit}, {held: -500.0})
        self.assertEqual(entry.line_ids.filtered("debit").account_id.account_type, "asset_receivable")
        self.assertFalse(entry.line_ids.tax_ids)
        self.assertEqual((deposit.state, deposit.amount_left, deposit.is_paid), ("open", 500.0, False))
        invoice = self._bill(deposit.contract_id, JANUARY).move_ids
        self.assertEqual(invoice.amount_untaxed, 1000.0, "a guarantee is never deducted")
        with self.assertRaises(UserError):
            deposit.action_refund()

    def test_percentage_without_vat(self):
        contract = self._posting(self._line(1000.0))
        deposit = self._deposit(contract_id=contract.id, kind="guarantee", amount_type="period", percentage=100.0)
        self.assertEqual(deposit.amount, 1000.0)

    def test_paid_and_returned(self):
        deposit = self._guarantee()
        owed = deposit.line_ids.move_id.line_ids.filtered("debit")
        payment = self.env["account.payment"].create(
            {"partner_id": self.customer.id, "amount": 500.0, "payment_type": "inbound", "partner_type": "customer"}
        )
        payment.action_post()
        (payment.move_id.line_ids.filtered(lambda line: line.account_id == owed.account_id) | owed).reconcile()
        self.assertTrue(deposit.is_paid)
        entry_action = self._return(deposit).action_confirm()
        entry = self.env["account.move"].browse(entry_action["res_id"])
        self.assertEqual(entry.line_ids.filtered("credit").mapped("credit"), [500.0])
        self.assertEqual((deposit.state, deposit.amount_left), ("done", 0.0))

    def test_kept(self):
        """120.00 kept for damage, with a reason; the rest is owed to the customer."""
        deposit = self._guarantee()
        income = self.company_data["default_account_revenue"]
        with self.assertRaisesRegex(UserError, "needs a reason and an account"):
            self._return(deposit, amount_kept=120.0).action_confirm()
        with self.assertRaisesRegex(UserError, "No more can be"):
            self._return(deposit, amount_returned=600.0).action_confirm()
        with self.assertRaisesRegex(UserError, "Say how much"):
            self._return(deposit, amount_returned=0.0).action_confirm()
        wizard = self._return(deposit, amount_kept=120.0, account_id=income.id, reason="Lost badge")
        self.assertEqual(wizard.amount_returned, 380.0)
        entry = self.env["account.move"].browse(wizard.action_confirm()["res_id"])
        receivable = self.customer.property_account_receivable_id
        balances = {line.account_id: line.balance for line in entry.line_ids}
        self.assertEqual((balances[receivable], balances[income]), (-380.0, -120.0))
        self.assertIn("Lost badge", entry.line_ids.filtered(lambda line: line.account_id == income).name)
        self.assertEqual(deposit.state, "done")

    def test_account(self):
        self.company.service_guarantee_account_id = self.company_data["default_account_revenue"]
        with self.assertRaisesRegex(UserError, "balance sheet"):
            self._guarantee()

    def test_document(self):
        deposit = self._guarantee()
        html = self.env["ir.actions.report"]._render_qweb_html("multiservice.report_guarantee", deposit.ids)[0].decode()
        self.assertIn(deposit.name, html)
        self.assertIn("500.00", html)


@tagged("post_install", "-at_install")
class TestRetention(DepositCommon):
    def _retained(self, rate=5.0, **vals):
        contract = self._posting(self._line(1000.0), retention_rate=rate, **vals)
        return self._bill(contract, JANUARY).move_ids

    def _terms(self, move):
        lines = move.line_ids.filtered(lambda line: line.display_type == "payment_term").sorted("date_maturity")
        return [(str(line.date_maturity), line.balance, line.service_retention) for line in lines]

    def test_two_instalments(self):
        """5 % of 1 200.00 is due twelve months later; the invoice is due when the rest is."""
        term = self.env.ref("account.account_payment_term_30days")
        move = self._retained(payment_term_id=term.id)
        self.assertEqual(self._terms(move), [("2026-03-02", 1140.0, False), ("2027-01-31", 60.0, True)])
        self.assertEqual((move.invoice_date_due, move.service_retained), (date(2026, 3, 2), 60.0))
        document = self.assertEinvoice(move, due_date=date(2026, 3, 2))
        self.assertIn("60.00", document.note("ABU"))
        self.assertIn("16 July 1971", document.note("ABU"))

    def test_end_of_contract(self):
        move = self._retained(date_end="2026-06-30", retention_months=6, payment_term_id=False)
        self.assertEqual(self._terms(move), [("2026-01-31", 1140.0, False), ("2026-12-30", 60.0, True)])
        self.assertEqual(move.invoice_date_due, JANUARY)

    def test_own_date(self):
        move = self._retained(rate=2.5, retention_date="2026-09-15", payment_term_id=False)
        self.assertEqual(self._terms(move), [("2026-01-31", 1170.0, False), ("2026-09-15", 30.0, True)])

    def test_several_instalments(self):
        """The retention is taken off the last of the ordinary instalments."""
        halves = self.env["account.payment.term"].create(
            {
                "name": "Halves",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 50, "nb_days": 0}),
                    Command.create({"value": "percent", "value_amount": 50, "nb_days": 60}),
                ],
            }
        )
        move = self._retained(payment_term_id=halves.id)
        self.assertEqual(
            self._terms(move),
            [("2026-01-31", 600.0, False), ("2026-04-01", 540.0, False), ("2027-01-31", 60.0, True)],
        )

    def test_draft_then_posted(self):
        """Posting dates the invoice, and its retention."""
        contract = self._contract(self._line(1000.0), retention_rate=5.0, payment_term_id=False)
        draft = self._bill(contract, JANUARY).move_ids
        with freeze_time("2026-02-10 10:00:00"):
            draft._post(soft=False)
        self.assertEqual(self._terms(draft), [("2026-02-10", 1140.0, False), ("2027-02-10", 60.0, True)])
        draft.button_draft()
        draft.action_post()
        self.assertEqual(self._terms(draft), [("2026-02-10", 1140.0, False), ("2027-02-10", 60.0, True)])

    def test_release(self):
        """A person releases it: it is due that day, once."""
        move = self._retained(payment_term_id=False)
        self._pay_part(move)
        with freeze_time("2026-05-04 10:00:00"):
            move._retained_lines().action_release_retention()
            self.assertEqual(self._terms(move), [("2026-01-31", 1140.0, False), ("2026-05-04", 60.0, True)])
            self.assertEqual(move.line_ids.filtered("service_retention").service_released_on, date(2026, 5, 4))
            self.assertEqual((move.service_retained, move.invoice_date_due), (0.0, JANUARY))
            self.assertEqual((move.amount_residual, move.payment_state), (60.0, "partial"))
            with self.assertRaisesRegex(UserError, "Nothing is retained"):
                move.action_release_retention()

    def _pay_part(self, move):
        wizard = (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"amount": 1140.0})
        )
        wizard._create_payments()

    def test_credit_note(self):
        """Crediting the invoice credits its retention with it."""
        move = self._retained(payment_term_id=False)
        note = self._credit(move)
        self.assertEqual(self._terms(note), [("2026-01-31", -1140.0, False), ("2027-01-31", -60.0, True)])
        self.assertEqual((move.amount_residual, move.payment_state), (0.0, "reversed"))

    def test_none_without(self):
        contract = self._posting(self._line(1000.0), payment_term_id=False)
        move = self._bill(contract, JANUARY).move_ids
        self.assertEqual(self._terms(move), [("2026-01-31", 1200.0, False)])
        self.assertEqual(move._retention_label(), "")
        deposit = self._deposit(120.0, contract_id=self._posting(self._line(10.0), retention_rate=5.0).id)
        self.assertFalse(self._invoice_of(deposit).service_retention_rate)

    def test_limits(self):
        for vals, message in (
            ({"retention_rate": 5.01}, "16 July 1971, article 1"),
            ({"retention_rate": -1.0}, "16 July 1971, article 1"),
            ({"retention_rate": 5.0, "retention_months": -1}, "cannot be negative"),
            ({"retention_rate": 5.0, "grouping": "customer"}, "invoices of its own"),
        ):
            with self.subTest(message), self.assertRaisesRegex(ValidationError, message):
                self._contract(self._line(), **vals)
