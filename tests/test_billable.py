from datetime import date
from functools import partial

from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import MultiserviceCommon

JANUARY = ("2026-01-01", "2026-01-31", 100.0)
FEBRUARY = ("2026-02-01", "2026-02-28", 100.0)
MARCH = ("2026-03-01", "2026-03-31", 100.0)


class LedgerCommon(MultiserviceCommon):
    def _rows(self, contracts):
        """(first day, revision, state, amount) of all ledger rows, held or not."""
        return [
            (str(row.period_start), row.revision, row.state, row.amount)
            for row in contracts.billable_ids.sorted(lambda row: (row.period_start, row.revision))
        ]


@tagged("post_install", "-at_install")
class TestLedgerConstraints(LedgerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract = cls._contract()
        cls._bill(cls.contract, date(2026, 1, 31))
        cls.row = cls.contract.billable_ids
        cls.ledger = cls.env["multiservice.billable"].sudo()

    def _prepare_row(self, **vals):
        return {
            "contract_line_id": self.contract.line_ids.id,
            "period_start": date(2026, 2, 1),
            "period_end": date(2026, 2, 28),
            "kind": "whole",
            "amount": 1.0,
            **vals,
        }

    def test_one_row_per_key_and_revision(self):
        same = {"period_start": self.row.period_start, "period_end": self.row.period_end}
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            self.ledger.create(self._prepare_row(**same))
        self.assertTrue(self.ledger.create(self._prepare_row(**same, revision=1)))

    def test_held_periods_of_a_line_never_overlap(self):
        overlapping = {"period_start": date(2026, 1, 31), "closed_reason": "free"}
        with self.assertRaises(ValidationError):
            self.ledger.create(self._prepare_row(**overlapping))
        self.assertTrue(self.ledger.create(self._prepare_row(**overlapping, component="travel")))
        self.assertTrue(self.ledger.create(self._prepare_row(period_start=date(2026, 1, 20))), "not held")

    def test_a_row_that_begins_to_be_held_may_not_overlap_either(self):
        row = self.ledger.create(self._prepare_row(period_start=date(2026, 1, 20)))
        with self.assertRaises(ValidationError):
            row.closed_reason = "waived"

    def test_a_period_has_an_order(self):
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            self.ledger.create(self._prepare_row(period_end=date(2026, 1, 31)))

    def test_the_line_of_a_row_cannot_be_deleted(self):
        with self.assertRaises(UserError):
            self.contract.line_ids.unlink()

    def test_nobody_writes_the_ledger_by_hand(self):
        manager = self._user("ledger_manager", "multiservice.group_manager")
        row = self.row.with_user(manager)
        self.assertEqual(row.amount, 100.0)
        with self.assertRaises(AccessError):
            row.amount = 5.0
        with self.assertRaises(AccessError):
            row.unlink()
        with self.assertRaises(AccessError):
            row.env["multiservice.billable"].create(self._prepare_row())


@tagged("post_install", "-at_install")
class TestLedger(LedgerCommon):
    def test_month_by_month_is_as_in_one_go(self):
        by_month, at_once = self._contract(), self._contract()
        for through in (date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)):
            self._bill(by_month, through)
        self._bill(at_once, date(2026, 3, 1))
        for contract in (by_month, at_once):
            self.assertLedger(contract, [JANUARY, FEBRUARY, MARCH])
        self.assertEqual(len(by_month.billable_ids.move_id), 3)
        self.assertEqual(len(at_once.billable_ids.move_id), 1)

    def test_a_second_run_bills_nothing(self):
        contract = self._contract()
        self._bill(contract, date(2026, 2, 28))
        self.assertEqual(contract.next_billing_date, date(2026, 3, 1))
        self.assertFalse(self._bill(contract, date(2026, 2, 28)))
        # Nor does a run that looks at the contract all the same.
        run = self.env["multiservice.billing.run"].create(
            {
                "company_id": self.company.id,
                "through_date": date(2026, 2, 28),
                "item_ids": [
                    Command.create({"partner_id": self.customer.id, "contract_ids": [Command.set(contract.ids)]})
                ],
            }
        )
        run._process_now()
        self.assertEqual(run.item_ids.state, "done")
        self.assertFalse(run.move_ids)
        self.assertLedger(contract, [JANUARY, FEBRUARY])

    def test_catch_up_gives_each_period_its_own_line(self):
        contract = self._contract()
        run = self._bill(contract, date(2026, 3, 15))
        lines = run.move_ids.invoice_line_ids
        self.assertEqual(
            [(line.service_start, line.service_end, line.price_subtotal) for line in lines],
            [
                (date(2026, 1, 1), date(2026, 1, 31), 100.0),
                (date(2026, 2, 1), date(2026, 2, 28), 100.0),
                (date(2026, 3, 1), date(2026, 3, 31), 100.0),
            ],
        )
        self.assertEqual(lines.billable_ids, contract.billable_ids, "one row for each invoice line")
        self.assertEqual(run.move_ids.service_period_start, date(2026, 1, 1))
        self.assertEqual(run.move_ids.service_period_end, date(2026, 3, 31))

    def test_one_off_is_billed_once(self):
        fee = self._line(250.0, pricing="one_off", date_start=date(2026, 1, 15), name="Installation")
        contract = self._contract(self._line(), fee)
        self._bill(contract, date(2026, 1, 10))
        self.assertLedger(contract, [JANUARY])
        self._bill(contract, date(2026, 3, 31))
        self.assertLedger(contract, [JANUARY, FEBRUARY, MARCH, ("2026-01-15", "2026-01-15", 250.0)])
        self.assertFalse(self._bill(contract, date(2026, 3, 31)))

    def test_a_free_period_is_closed_so_that_planning_moves_on(self):
        contract = self._contract(date_start=date(2026, 1, 10), first_partial="free")
        run = self._bill(contract, date(2026, 1, 31))
        self.assertFalse(run.move_ids, "nothing to invoice")
        row = contract.billable_ids
        self.assertEqual((row.kind, row.state, row.closed_reason, row.held), ("free", "closed", "free", True))
        self.assertEqual((row.period_start, row.period_end), (date(2026, 1, 10), date(2026, 1, 31)))
        self.assertEqual(contract.next_billing_date, date(2026, 2, 1))
        self._bill(contract, date(2026, 2, 28))
        self.assertLedger(contract, [("2026-01-10", "2026-01-31", 0.0), FEBRUARY])

    def test_a_line_at_no_charge_is_closed_too(self):
        contract = self._contract(self._line(0.0))
        run = self._bill(contract, date(2026, 2, 28))
        self.assertFalse(run.move_ids)
        self.assertEqual(set(contract.billable_ids.mapped("state")), {"closed"})
        self.assertEqual(contract.next_billing_date, date(2026, 3, 1))

    def test_a_draft_holds_and_a_hand_edit_is_shown_but_not_corrected(self):
        contract = self._contract()
        invoice = self._bill(contract, date(2026, 1, 31)).move_ids
        row = contract.billable_ids
        self.assertEqual((row.state, row.held, row.hand_edited), ("draft", True, False))
        invoice.invoice_line_ids.price_unit = 80.0
        self.assertTrue(row.hand_edited)
        self.assertEqual(row.amount, 100.0)
        self.assertFalse(self._bill(contract, date(2026, 1, 31)))
        invoice.action_post()
        self.assertEqual((row.state, row.held), ("posted", True))
        self.assertFalse(self._bill(contract, date(2026, 1, 31)))

    def test_the_text_of_a_line_edited_by_hand_is_no_change_of_amount(self):
        contract = self._contract()
        invoice = self._bill(contract, date(2026, 1, 31)).move_ids
        invoice.invoice_line_ids.name = "Cleaning, as agreed by telephone"
        self.assertFalse(contract.billable_ids.hand_edited)

    def test_a_billed_line_is_read_only(self):
        contract = self._contract()
        line = contract.line_ids
        self._bill(contract, date(2026, 1, 31))
        other = self.env["product.product"].create({"name": "Other", "type": "service"})
        for name, value in (
            ("price_unit", 1.0),
            ("quantity", 2.0),
            ("discount", 5.0),
            ("date_start", date(2025, 12, 1)),
            ("date_end", date(2026, 12, 1)),
            ("anchor_date", date(2026, 1, 2)),
            ("site_id", self.site_b.id),
            ("product_id", other.id),
            ("tax_ids", [Command.clear()]),
        ):
            with self.subTest(name), self.assertRaises(UserError):
                line.write({name: value})
        for name, value in (("recurrence_unit", "year"), ("timing", "arrears"), ("date_start", date(2025, 1, 1))):
            with self.subTest(f"contract {name}"), self.assertRaises(UserError):
                contract.write({name: value})

    def test_a_line_is_editable_again_once_its_draft_is_gone(self):
        contract = self._contract()
        self._bill(contract, date(2026, 1, 31)).move_ids.unlink()
        contract.line_ids.price_unit = 120.0
        self._bill(contract, date(2026, 1, 31))
        self.assertLedger(contract, [("2026-01-01", "2026-01-31", 120.0)])
        self.assertEqual(len(contract.billable_ids), 1, "the row that waited was rewritten")


@tagged("post_install", "-at_install")
class TestLedgerFreed(LedgerCommon):
    """Deleting or cancelling an invoice frees its periods."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract = cls._contract()
        cls.invoice = cls._bill(cls.contract, date(2026, 1, 31)).move_ids

    def _rebill(self):
        return self._bill(self.contract, date(2026, 1, 31)).move_ids

    def test_a_deleted_draft_is_billed_again_on_the_same_row(self):
        row = self.contract.billable_ids
        self.invoice.unlink()
        self.assertEqual((row.held, row.state), (False, "to_bill"))
        self.assertEqual(self.contract.next_billing_date, date(2026, 1, 1))
        again = self._rebill()
        self.assertEqual(self._rows(self.contract), [("2026-01-01", 0, "draft", 100.0)])
        self.assertEqual(self.contract.billable_ids, row)
        self.assertEqual(row.move_id, again)

    def test_a_deleted_line_of_a_draft_is_billed_again(self):
        self._bill(self.contract, date(2026, 3, 31)).move_ids.invoice_line_ids[0].unlink()
        self.assertLedger(self.contract, [JANUARY, MARCH])
        self.assertEqual(self.contract.next_billing_date, date(2026, 2, 1))
        self._bill(self.contract, date(2026, 3, 31))
        self.assertLedger(self.contract, [JANUARY, FEBRUARY, MARCH])

    def test_a_deleted_draft_in_the_middle_of_what_was_billed(self):
        february = self._bill(self.contract, date(2026, 2, 28)).move_ids
        self._bill(self.contract, date(2026, 3, 31))
        february.unlink()
        self.assertEqual(self.contract.next_billing_date, date(2026, 2, 1))
        run = self._bill(self.contract, date(2026, 3, 31))
        self.assertEqual(run.move_ids.invoice_line_ids.mapped("service_start"), [date(2026, 2, 1)])
        self.assertLedger(self.contract, [JANUARY, FEBRUARY, MARCH])
        self.assertEqual(self.contract.next_billing_date, date(2026, 4, 1))

    def test_a_cancelled_draft_is_billed_again_by_a_new_revision(self):
        self.invoice.button_cancel()
        self.assertEqual(self._rows(self.contract), [("2026-01-01", 0, "cancelled", 100.0)])
        again = self._rebill()
        self.assertEqual(
            self._rows(self.contract),
            [("2026-01-01", 0, "cancelled", 100.0), ("2026-01-01", 1, "draft", 100.0)],
        )
        self.assertFalse(self._rebill())
        with self.assertRaisesRegex(UserError, "billed again"):
            self.invoice.button_draft()
        again.unlink()
        self.invoice.button_draft()
        self.assertLedger(self.contract, [JANUARY])
        self.assertFalse(self._rebill())

    def test_a_cancelled_invoice_deleted_after_it_was_billed_again_frees_nothing(self):
        self.invoice.button_cancel()
        self._rebill()
        self.invoice.unlink()
        self.assertLedger(self.contract, [JANUARY])
        self.assertFalse(self._rebill())
        self._bill(self.contract, date(2026, 2, 28))
        self.assertLedger(self.contract, [JANUARY, FEBRUARY])
        self.assertFalse(
            self.contract.billable_ids.filtered(lambda row: row.state == "to_bill"), "no row waits for ever"
        )

    def test_a_cancelled_invoice_whose_period_was_billed_from_another_day_stays_cancelled(self):
        self.invoice.button_cancel()
        self.contract.line_ids.date_start = date(2026, 1, 15)
        self._rebill()
        self.assertLedger(self.contract, [("2026-01-15", "2026-01-31", 54.84)])
        with self.assertRaises(UserError):
            self.invoice.button_draft()

    def test_an_invoice_cancelled_after_its_correction(self):
        """The correction alone would be a credit for nothing."""
        self.contract._end_on(date(2026, 1, 15))
        refund = self._rebill()
        self.assertEqual(refund.move_type, "out_refund")
        self.invoice.button_cancel()
        again = self._rebill()
        self.assertEqual((again.move_type, again.amount_untaxed), ("out_invoice", 100.0))
        self.assertFalse(self._rebill())
        self.assertEqual(sum(self.contract.billable_ids.filtered("held").mapped("amount")), 48.39)

    def test_a_correction_deleted_or_cancelled_is_made_again(self):
        self.contract._end_on(date(2026, 1, 15))
        self._rebill().unlink()
        second = self._rebill()
        self.assertEqual((second.move_type, second.amount_untaxed), ("out_refund", 51.61))
        second.button_cancel()
        third = self._rebill()
        self.assertEqual((third.move_type, third.amount_untaxed), ("out_refund", 51.61))
        self.assertFalse(self._rebill())

    def test_a_posted_invoice_reset_to_draft_still_holds(self):
        self.invoice.action_post()
        self.invoice.button_draft()
        self.assertLedger(self.contract, [JANUARY])
        self.assertFalse(self._rebill())

    def test_a_reset_invoice_can_be_deleted_and_is_billed_again(self):
        self.invoice.action_post()
        self.invoice.button_draft()
        self.invoice.unlink()
        self._rebill()
        self.assertEqual(self._rows(self.contract), [("2026-01-01", 0, "draft", 100.0)])

    def test_with_the_restrictive_audit_trail_it_is_cancelled_instead(self):
        self.company.restrictive_audit_trail = True
        self.invoice.action_post()
        self.invoice.button_draft()
        with self.assertRaises(UserError):
            self.invoice.unlink()
        self.assertLedger(self.contract, [JANUARY])
        self.invoice.button_cancel()
        self.assertLedger(self.contract, [])
        self._rebill()
        self.assertEqual(
            self._rows(self.contract),
            [("2026-01-01", 0, "cancelled", 100.0), ("2026-01-01", 1, "draft", 100.0)],
        )
        with self.assertRaisesRegex(UserError, "billed again"):
            self.invoice.button_draft()

    def test_with_the_restrictive_audit_trail_a_draft_never_posted_can_be_deleted(self):
        self.company.restrictive_audit_trail = True
        self.invoice.unlink()
        self._rebill()
        self.assertEqual(self._rows(self.contract), [("2026-01-01", 0, "draft", 100.0)])

    def test_a_period_freed_in_an_ended_contract_is_billed_again(self):
        """Ended means: past its last day and nothing left to bill."""
        self.contract._end_on(date(2026, 1, 31))
        self._bill(self.contract, date(2026, 2, 1))
        self.env["multiservice.contract"]._cron_end_contracts()
        self.assertEqual(self.contract.state, "ended")
        self.invoice.unlink()
        self.assertEqual(self.contract.next_billing_date, date(2026, 1, 1))
        self._rebill()
        self.assertLedger(self.contract, [JANUARY])

    def test_what_the_terms_no_longer_ask_for_does_not_wait(self):
        february = self._bill(self.contract, date(2026, 2, 28)).move_ids
        february.unlink()
        self.contract._end_on(date(2026, 1, 31))
        self._bill(self.contract, date(2026, 3, 31))
        self.assertLedger(self.contract, [JANUARY])
        self.assertEqual(self.contract.next_billing_date, False)
        self.assertFalse(self.contract.billable_ids.filtered(lambda row: row.state == "to_bill"))


@tagged("post_install", "-at_install")
class TestLedgerAmounts(LedgerCommon):
    """The amount in the ledger is core's own subtotal of the invoice line."""

    # quantity, unit price, discount
    TABLE = (
        (1.0, 100.0, 0.0),
        (3.0, 33.3333, 0.0),
        (3.0, 0.335, 0.0),
        (7.0, 0.0715, 0.0),
        (1.0, 1.005, 0.0),
        (1.0, 2.675, 0.0),
        (12.0, 19.9949, 0.0),
        (1.0, 10.0, 33.33),
        (3.0, 33.3333, 12.5),
        (11.0, 4.5455, 7.25),
        (1.5, 0.01, 0.0),
        (0.5, 0.01, 0.0),
        (0.25, 0.02, 0.0),
        (2.5, 0.123456, 0.0),
        (1234.0, 0.0049, 0.0),
        (1000000.0, 0.004999, 0.0),
        (1.0, -45.555, 0.0),
        (3.0, -0.335, 10.0),
        (1.0, 99999999.995, 0.0),
        # finer than the precision of quantities on an invoice line
        (0.3333, 30.0, 0.0),
        (12.3456, 1.005, 0.0),
        (2.0001, -49.99, 15.0),
    )

    def _check_amounts(self, subtotal="price_subtotal", **contract_vals):
        lines = [
            self._line(price, quantity=quantity, discount=discount, name=f"{quantity} × {price} − {discount} %")
            for quantity, price, discount in self.TABLE
        ]
        contract = self._contract(*lines, **contract_vals)
        invoice = self._bill(contract, date(2026, 1, 31)).move_ids
        sign = -1 if invoice.move_type == "out_refund" else 1
        for row in contract.billable_ids:
            line = row.invoice_line_id
            with self.subTest(row.explanation, line=line.name):
                self.assertEqual(row.amount, sign * line[subtotal])
                self.assertFalse(row.hand_edited)
                self.assertGreaterEqual(line.price_unit, 0, "EN 16931 BR-27: no negative unit price")
        self.assertEqual(len(contract.billable_ids), len(self.TABLE))
        return contract, invoice

    def test_amounts_rounded_per_line(self):
        self.company.tax_calculation_rounding_method = "round_per_line"
        self._check_amounts()

    def test_amounts_rounded_globally(self):
        self.company.tax_calculation_rounding_method = "round_globally"
        self._check_amounts()

    def test_amounts_in_a_currency_without_decimals(self):
        yen = self.setup_other_currency("JPY", rounding=1.0, rates=[("2026-01-01", 160.0)])
        self.TABLE = ((1.0, 1000.0, 0.0), (3.0, 333.5, 0.0), (1.0, 0.5, 0.0), (7.0, 12.345, 12.5))
        contract, invoice = self._check_amounts(currency_id=yen.id)
        self.assertEqual(invoice.currency_id, yen)
        self.assertEqual(contract.billable_ids.sorted("contract_line_id").mapped("amount"), [1000, 1001, 1, 76])

    def test_amounts_in_a_currency_with_three_decimals(self):
        dinar = self.setup_other_currency("KWD", rounding=0.001, rates=[("2026-01-01", 0.33)])
        self._check_amounts(currency_id=dinar.id)

    def test_prorated_parts_too(self):
        contract, invoice = self._check_amounts(date_start=date(2026, 1, 18))
        self.assertLessEqual(set(contract.billable_ids.mapped("kind")), {"prorated", "free"})
        quantities = {(line.quantity, line.discount) for line in invoice.invoice_line_ids}
        self.assertLessEqual(quantities, {(1.0, 0.0), (-1.0, 0.0)}, "one unit at the rounded amount")

    def test_prices_with_tax_included(self):
        included = self.tax.copy({"name": "20 % included", "price_include_override": "tax_included"})
        self.service.taxes_id = included
        contract = self._contract(self._line(12.0, quantity=2.0), self._line(120.0, date_start=date(2026, 1, 17)))
        invoice = self._bill(contract, date(2026, 1, 31)).move_ids
        whole, part = contract.billable_ids.sorted("contract_line_id")
        self.assertEqual((whole.amount, whole.invoice_line_id.price_total), (24.0, 24.0))
        self.assertEqual(whole.invoice_line_id.price_subtotal, 20.0)
        # 15 of 31 days of 120.00 with tax
        self.assertEqual((part.amount, part.invoice_line_id.price_total), (58.06, 58.06))
        self.assertEqual(invoice.amount_total, 82.06)
        self.assertFalse(whole.hand_edited or part.hand_edited)

    def test_a_correction_with_tax_included(self):
        included = self.tax.copy({"name": "20 % included", "price_include_override": "tax_included"})
        contract = self._contract(self._line(120.0, tax_ids=[Command.set(included.ids)]), posting_mode="post")
        self._bill(contract, date(2026, 1, 31))
        contract._end_on(date(2026, 1, 16))
        refund = self._bill(contract, date(2026, 1, 31)).move_ids
        self.assertEqual((refund.move_type, refund.amount_total, refund.state), ("out_refund", 58.06, "posted"))
        self.assertLedger(contract, [("2026-01-01", "2026-01-31", 120.0), ("2026-01-01", "2026-01-31", -58.06)])

    def test_unit_price_keeps_its_decimals_on_the_invoice(self):
        contract = self._contract(self._line(0.12345678, quantity=1000.0))
        line = self._bill(contract, date(2026, 1, 31)).move_ids.invoice_line_ids
        self.assertEqual((line.quantity, line.price_unit, line.price_subtotal), (1000.0, 0.12345678, 123.46))

    def test_a_quantity_finer_than_the_precision_is_one_unit_with_its_text(self):
        contract = self._contract(self._line(30.0, quantity=0.3333))
        line = self._bill(contract, date(2026, 1, 31)).move_ids.invoice_line_ids
        self.assertEqual((line.quantity, line.price_unit), (1.0, 10.0))
        self.assertIn("0.3333", line.name)
        self.assertIn("30.00", line.name)

    def test_a_prorated_line_says_how(self):
        contract = self._contract(date_start=date(2026, 1, 17))
        line = self._bill(contract, date(2026, 1, 31)).move_ids.invoice_line_ids
        self.assertEqual((line.quantity, line.price_unit), (1.0, 48.39))
        self.assertIn("15/31", line.name)
        self.assertIn("100.00", line.name)
        self.assertIn("01/17/2026", line.name)
        self.assertIn("01/31/2026", line.name)
        self.assertEqual((line.service_start, line.service_end), (date(2026, 1, 17), date(2026, 1, 31)))
        self.assertIn("15/31", contract.billable_ids.explanation)

    def test_a_negative_line_lowers_the_invoice(self):
        contract = self._contract(self._line(), self._line(-20.0, name="Rebate"))
        invoice = self._bill(contract, date(2026, 1, 31)).move_ids
        self.assertEqual(invoice.move_type, "out_invoice")
        self.assertEqual(invoice.amount_untaxed, 80.0)
        rebate = invoice.invoice_line_ids.filtered(lambda line: line.price_subtotal < 0)
        self.assertEqual((rebate.quantity, rebate.price_unit), (-1.0, 20.0))
        self.assertLedger(contract, [JANUARY, ("2026-01-01", "2026-01-31", -20.0)])


@tagged("post_install", "-at_install")
class TestLedgerQueries(LedgerCommon):
    """What a run costs depends on what is due, not on history or on the number of contracts."""

    def _count(self, function):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        function()
        self.env.flush_all()
        return self.env.cr.sql_log_count - before

    def _count_plan(self, contracts, through):
        return self._count(lambda: contracts._plan(through))

    def _billed(self, periods, lines=1):
        """A contract billed for that many months up to December 2025."""
        year, month = divmod(2026 * 12 - periods, 12)
        contract = self._contract(*(self._line() for _i in range(lines)), date_start=date(year, month + 1, 1))
        self._bill(contract, date(2025, 12, 31))
        self.assertEqual(len(contract.billable_ids), periods * lines)
        return contract

    def test_planning_does_not_cost_more_with_history(self):
        short, long = self._billed(2), self._billed(60)
        self._count_plan(short, date(2026, 1, 31))  # warms the caches
        expected = self._count_plan(short, date(2026, 1, 31))
        self.assertEqual(self._count_plan(long, date(2026, 1, 31)), expected)

    def test_planning_does_not_cost_more_with_contracts(self):
        contracts = self.env["multiservice.contract"].union(*(self._contract() for _i in range(25)))
        self._bill(contracts, date(2026, 1, 31))
        through = date(2026, 2, 28)
        self._count_plan(contracts[:2], through)
        expected = self._count_plan(contracts[:2], through)
        self.assertEqual(self._count_plan(contracts, through), expected)
        self.assertLessEqual(expected, 15)

    def test_billing_does_not_cost_more_with_history(self):
        short, long = self._billed(2), self._billed(60)
        for through in (date(2026, 1, 31), date(2026, 2, 28)):
            costs = [self._count(partial(self._bill, contract, through)) for contract in (short, long)]
        self.assertEqual(costs[0], costs[1])

    def test_billing_costs_the_same_for_each_contract(self):
        """What grows with the number of contracts is core's own work on each invoice."""

        def cost(count):
            contracts = self.env["multiservice.contract"].union(
                *(
                    self._contract(self._line(), partner_id=self._customer(f"Customer {count} {index}").id)
                    for index in range(count)
                )
            )
            run = self.env["multiservice.billing.run"]._create_runs(contracts, "Test", date(2026, 1, 31))
            run.state = "running"
            return self._count(run.item_ids._work)

        cost(2)  # warms the caches
        few, more, many = cost(5), cost(10), cost(20)
        self.assertAlmostEqual((many - more) / 10, (more - few) / 5, delta=1)
        self.assertLess((many - more) / 10, 25)

    def test_rows_read_do_not_grow_with_history(self):
        contract = self._billed(60)
        since = self.env["multiservice.billable"]._window_starts({contract.line_ids: contract.line_ids._to_terms()})
        self.assertFalse(self.env["multiservice.billable"]._rows_since(since))
