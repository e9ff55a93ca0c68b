from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, HttpCase, tagged

from odoo.addons.base.tests.test_ir_cron import CronMixinCase

from .test_facturx import EinvoiceCommon
from .test_usage import FEBRUARY, JANUARY, MARCH, UsageCommon


class BankCommon(UsageCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time("2026-01-10 10:00:00"))
        cls.biller = cls._user("b_billing_user", "multiservice.group_billing_user")
        cls.bank = cls.env["multiservice.hours.bank"].create(
            {
                "name": "Maintenance hours",
                "contract_id": cls.contract.id,
                "product_id": cls.service.id,
                "price_unit": 50.0,
            }
        )
        cls.line.write({"bank_id": cls.bank.id, "price_unit": 60.0})

    def _add(self, quantity, kind="granted", until=None, since=date(2026, 1, 1), **vals):
        wizard = (
            self.env["multiservice.hours.credit"]
            .with_user(self.biller)
            .create(
                {"bank_id": self.bank.id, "kind": kind, "quantity": quantity, "date": since, "date_end": until, **vals}
            )
        )
        return wizard.action_confirm()

    def _taken(self):
        return [(entry.kind, entry.quantity) for entry in self.bank.entry_ids.sorted("id")]


@tagged("post_install", "-at_install")
class TestHoursBank(BankCommon, CronMixinCase):
    def test_what_the_bank_covers_costs_nothing_and_the_rest_has_the_price_of_the_line(self):
        self._add(10)
        self._measure(date(2026, 1, 12), 8)
        self._measure(date(2026, 1, 20), 5)
        self.assertEqual((self.bank.used, self.bank.balance), (10, 0))
        move = self._bill(self.contract, JANUARY).move_ids
        self.assertEqual((move.invoice_line_ids.quantity, move.amount_untaxed), (3, 180))
        self.assertIn("13 measured, 10 covered by “Maintenance hours”, which still holds 0", move.invoice_line_ids.name)
        self.assertEqual(
            sorted((r.component, r.state, r.closed_reason, r.amount) for r in self.contract.billable_ids),
            [("bank", "closed", "bank", 0.0), ("base", "draft", False, 180.0)],
        )
        self.assertFalse(self._bill(self.contract, JANUARY))

    def test_a_period_wholly_covered_makes_no_invoice(self):
        self._add(10)
        usage = self._measure(date(2026, 1, 12), 8)
        self.assertFalse(self._bill(self.contract, JANUARY).move_ids)
        self.assertTrue(usage.is_billed)
        with self.assertRaisesRegex(UserError, "was billed"):
            usage.quantity = 7

    def test_what_expires_first_is_used_first_and_the_order_never_changes(self):
        self._add(10, until=date(2026, 12, 31))
        self._add(4, until=MARCH)
        self._measure(date(2026, 1, 20), 6)
        self._add(20, until=FEBRUARY)
        self._measure(date(2026, 1, 12), 1)
        self.assertEqual([entry.left for entry in self.bank.entry_ids.sorted("id") if entry.quantity > 0], [8, 0, 19])

    def test_hours_are_of_the_period_of_their_date(self):
        self._add(10, since=date(2026, 2, 1))
        self._measure(date(2026, 1, 20), 2)
        self._measure(date(2026, 2, 20), 2)
        self._bill(self.contract, FEBRUARY)
        self.assertEqual(
            sorted((r.period_start.month, r.component, r.amount) for r in self.contract.billable_ids),
            [(1, "base", 120.0), (2, "bank", 0.0), (2, "base", 0.0)],
        )

    def test_hours_entered_wrong_give_back_what_they_took(self):
        self._add(10)
        usage = self._measure(date(2026, 1, 12), 8)
        usage.quantity = 3
        self.assertEqual((self.bank.balance, usage.covered), (7, 3))
        usage.unlink()
        self.assertEqual(self.bank.balance, 10)

    def test_hours_bought_are_billed_with_vat_due_when_paid(self):
        on_payment = self.env["account.chart.template"].with_company(self.company).ref("tva_normale_encaissement")
        action = self._add(10, kind="bought")
        move = self.env["account.move"].browse(action["res_id"])
        self.assertEqual((move.amount_untaxed, move.invoice_line_ids.tax_ids), (500.0, on_payment))
        self.assertEqual(self.bank.balance, 0, "usable once the invoice is posted")
        move._post(soft=False)
        self.assertEqual(self.bank.balance, 10)
        self._measure(date(2026, 1, 12), 4)
        self.assertFalse(self._bill(self.contract, JANUARY).move_ids, "consumed at zero")

    def test_hours_bought_may_be_usable_only_once_paid(self):
        self.bank.usable_when = "paid"
        move = self.env["account.move"].browse(self._add(10, kind="bought")["res_id"])
        move._post(soft=False)
        self.assertEqual(self.bank.balance, 0)
        self._register_payment(move)
        self.assertEqual(self.bank.balance, 10)

    def test_what_expires_is_lost_and_credits_nothing(self):
        self._add(10, until=JANUARY)
        self._measure(date(2026, 1, 12), 4)
        with freeze_time("2026-02-01 10:00:00"), self.enter_registry_test_mode():
            for _time in range(2):
                self.env.ref("multiservice.ir_cron_hours_bank").method_direct_trigger()
        self.assertEqual(self._taken(), [("granted", 10), ("used", -4), ("expired", -6)])
        self.assertFalse(self._bill(self.contract, FEBRUARY).move_ids)

    def test_what_goes_on_by_the_rule_of_the_bank(self):
        self.bank.write({"rollover": "limited", "rollover_limit": 5, "rollover_months": 3})
        self._add(10, until=JANUARY)
        with freeze_time("2026-02-01 10:00:00"), self.enter_registry_test_mode():
            self.env.ref("multiservice.ir_cron_hours_bank").method_direct_trigger()
        entry = self.bank.entry_ids.filtered(lambda one: one.kind == "rolled_over")
        self.assertEqual((entry.quantity, str(entry.date), str(entry.date_end)), (5, "2026-02-01", "2026-04-30"))

    def test_a_bank_that_refuses_what_it_does_not_hold(self):
        self.bank.overdraw = "refuse"
        self._add(5)
        with self.assertRaisesRegex(ValidationError, "holds 5 on"), self.cr.savepoint():
            self._measure(date(2026, 1, 12), 6)
        self.assertEqual(self.bank.balance, 5)
        self._measure(date(2026, 1, 12), 5)

    def test_alerts_at_80_and_100_per_cent_once_each(self):
        self._add(10)
        for quantity, count in ((7, 0), (1, 1), (1, 1), (1, 2), (1, 2)):
            self._measure(date(2026, 1, 12), quantity)
            self.assertEqual(len(self.bank.activity_ids), count)
        self.assertEqual(self.bank.alerted, 100)
        told = self.bank.message_ids.filtered("partner_ids")
        self.assertEqual(told.partner_ids, self.customer)
        self._add(10)
        self.assertEqual(self.bank.alerted, 0)

    def test_what_makes_no_sense_is_refused(self):
        self._add(5)
        other = self._contract(self._line(5.0, measured=True))
        for act in (
            lambda: self._measure(date(2026, 1, 12), -1),
            lambda: self._add(0),
            lambda: self._add(5, until=date(2025, 1, 1)),
            lambda: other.line_ids.write({"bank_id": self.bank.id}),
            lambda: self.bank.unlink(),
        ):
            with self.assertRaises(UserError), self.cr.savepoint():
                act()

    def test_entries_are_made_by_acts_alone(self):
        self._add(5)
        for user in (self.planner, self.biller):
            with self.assertRaises(AccessError), self.cr.savepoint():
                self.bank.entry_ids.with_user(user).write({"quantity": 50})
        self.assertEqual(self.bank.with_user(self.planner).balance, 5)

    def test_a_successor_uses_the_same_bank(self):
        self._add(10)
        self._measure(date(2026, 1, 20), 4)
        successor = self.line._replace_from(date(2026, 1, 16), {"price_unit": 70.0})
        self.assertEqual((successor.bank_id, self.bank.balance), (self.bank, 6))
        self._measure(date(2026, 1, 25), 7)
        self._bill(self.contract, JANUARY)
        self.assertEqual(sum(self.contract.billable_ids.mapped("amount")), 70)

    def test_the_copy_of_a_contract_has_neither_bank_nor_meter(self):
        copied = self.contract.copy().line_ids
        self.assertEqual((copied.measured, copied.bank_id, copied.meter), (True, self.bank.browse(), False))

    def test_validity_proposes_the_last_day(self):
        self.bank.validity_months = 12
        wizard = Form(self.env["multiservice.hours.credit"].with_context(**self.bank.action_credit()["context"]))
        self.assertEqual((str(wizard.date_end), wizard.price_unit), ("2027-01-09", 50.0))


@tagged("post_install", "-at_install")
class TestHoursBankFacturx(EinvoiceCommon, HttpCase):
    def test_hours_bought_and_hours_beyond_pass_the_official_rules(self):
        on_payment = self.env["account.chart.template"].with_company(self.company).ref("tva_normale_encaissement")
        self.service.taxes_id = on_payment
        contract = self._contract(
            self._line(60.0, measured=True, tax_ids=[Command.set(on_payment.ids)]), posting_mode="post"
        )
        bank = self.env["multiservice.hours.bank"].create(
            {"name": "Maintenance hours", "contract_id": contract.id, "product_id": self.service.id}
        )
        contract.line_ids.bank_id = bank
        bought = bank._buy(10, 55.5, date(2026, 1, 1), date(2026, 12, 31))
        self.assertEqual(bought.state, "posted")
        self.env["multiservice.usage"].create(
            {"line_id": contract.line_ids.id, "date": date(2026, 1, 20), "quantity": 12.5}
        )
        kinds = {"bought": bought, "beyond": self._bill(contract, JANUARY).move_ids}
        documents = self._assert_right(kinds)
        self.assertIn("10 bought", self._text(documents[bought][1]))
        self.assertIn("Maintenance hours: 0.00 left of 10.00", self._text(documents[kinds["beyond"]][1]))
