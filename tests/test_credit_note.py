from datetime import date

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .common import MultiserviceCommon

JANUARY = ("2026-01-01", "2026-01-31", 100.0)


@tagged("post_install", "-at_install")
class TestCreditNote(MultiserviceCommon):
    """Core's credit note wizard, and what it does to the ledger."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time("2026-01-20 10:00:00"))
        cls.contract = cls._contract(posting_mode="post")
        cls.invoice = cls._bill_january()

    @classmethod
    def _bill_january(cls):
        return cls._bill(cls.contract, date(2026, 1, 31)).move_ids

    def _wizard(self, moves=None, user=None, **vals):
        moves = moves or self.invoice
        env = self.env(user=user) if user else self.env
        return (
            env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=moves.ids)
            .create({"journal_id": moves.journal_id.id, **vals})
        )

    def _credit(self, moves=None, user=None, post=False, **vals):
        moves = moves or self.invoice
        wizard = self._wizard(moves, user, **vals)
        wizard.refund_moves()
        notes = wizard.new_move_ids
        if post:
            notes.action_post()
        return notes

    def _amounts(self):
        """(revision, kind, state, amount) of January's rows."""
        rows = self.contract.billable_ids.filtered(lambda row: row.period_start == date(2026, 1, 1))
        return [(row.revision, row.kind, row.state, row.amount) for row in rows.sorted("revision")]

    def _held(self):
        return sum(self.contract.billable_ids.filtered("held").mapped("amount"))

    def test_default_does_not_bill_the_period_again(self):
        note = self._credit()
        self.assertEqual((note.move_type, note.state), ("out_refund", "draft"))
        self.assertEqual(
            self._amounts(),
            [(0, "whole", "posted", 100.0), (1, "credit", "draft", -100.0), (2, "kept", "closed", 100.0)],
        )
        self.assertFalse(self._bill_january())
        note.action_post()
        self.assertEqual(self._held(), 100.0)
        self.assertEqual(self.contract.next_billing_date, date(2026, 2, 1))
        self.assertFalse(self._bill_january())
        self._bill(self.contract, date(2026, 2, 28))
        self.assertEqual(self._held(), 200.0)

    def test_a_partial_credit_is_followed_when_posted(self):
        note = self._credit()
        note.invoice_line_ids.price_unit = 30.0
        note.action_post()
        self.assertEqual(
            self._amounts(),
            [(0, "whole", "posted", 100.0), (1, "credit", "posted", -30.0), (2, "kept", "closed", 30.0)],
        )
        self.assertFalse(self._bill_january())

    def test_credit_and_bill_again(self):
        self._credit(service_rebill="yes", post=True)
        self.assertEqual(self._held(), 0.0)
        self.assertEqual(self.contract.next_billing_date, date(2026, 1, 1))
        again = self._bill_january()
        self.assertEqual((again.move_type, again.amount_untaxed), ("out_invoice", 100.0))
        self.assertIn("Office cleaning", again.invoice_line_ids.name)
        self.assertEqual(self._held(), 100.0)
        self.assertFalse(self._bill_january())
        self.assertEqual(self.contract.next_billing_date, date(2026, 2, 1))

    def test_bill_again_gives_back_the_whole_period_of_an_edited_invoice(self):
        for edited in (90.0, 0.0, 120.0):
            with self.subTest(edited=edited):
                contract = self._contract(posting_mode="draft")
                draft = self._bill(contract, date(2026, 1, 31)).move_ids
                draft.invoice_line_ids.price_unit = edited
                draft.action_post()
                self._credit(draft, service_rebill="yes", post=True)
                self.assertEqual(contract.next_billing_date, date(2026, 1, 1))
                again = self._bill(contract, date(2026, 1, 31)).move_ids
                self.assertEqual(again.amount_untaxed, 100.0)
                self.assertEqual(sum(contract.billable_ids.filtered("held").mapped("amount")), 100.0)

    def test_bill_again_with_corrected_terms(self):
        """The case it is made for: the whole line was wrong. A credited line stays in the ledger: no edit."""
        self._credit(service_rebill="yes", post=True)
        with self.assertRaises(UserError):
            self.contract.line_ids.price_unit = 90.0

    def test_bill_again_is_for_whole_lines_only(self):
        note = self._credit(service_rebill="yes")
        note.invoice_line_ids.price_unit = 30.0
        with self.assertRaisesRegex(UserError, "credited in full"):
            note.action_post()
        note.invoice_line_ids.price_unit = 100.0
        note.action_post()
        self.assertEqual(self._held(), 0.0)

    def test_a_line_taken_out_of_a_note_that_bills_again_is_not_billed_again(self):
        contract = self._contract(self._line(), self._line(50.0), posting_mode="post")
        invoice = self._bill(contract, date(2026, 1, 31)).move_ids
        note = self._credit(invoice, service_rebill="yes")
        note.invoice_line_ids.filtered(lambda line: line.price_unit == 50.0).unlink()
        note.action_post()
        again = self._bill(contract, date(2026, 1, 31)).move_ids
        self.assertEqual(again.amount_untaxed, 100.0)
        self.assertFalse(self._bill(contract, date(2026, 1, 31)))

    def test_a_line_taken_out_of_a_note_that_does_not_bill_again(self):
        contract = self._contract(self._line(), self._line(50.0), posting_mode="post")
        invoice = self._bill(contract, date(2026, 1, 31)).move_ids
        note = self._credit(invoice)
        note.invoice_line_ids.filtered(lambda line: line.price_unit == 50.0).unlink()
        note.action_post()
        self.assertFalse(self._bill(contract, date(2026, 1, 31)))
        held = contract.billable_ids.filtered("held")
        self.assertEqual(sum(held.mapped("amount")), 150.0)

    def test_deleting_the_draft_note_restores(self):
        for rebill in ("no", "yes"):
            with self.subTest(rebill=rebill):
                self._credit(service_rebill=rebill).unlink()
                self.assertEqual(self._held(), 100.0)
                self.assertFalse(self._bill_january())
                self._bill(self.contract, date(2026, 1, 31))
                self.assertEqual(self.contract.next_billing_date, date(2026, 2, 1))
        self._bill(self.contract, date(2026, 2, 28))
        self.assertFalse(self.contract.billable_ids.filtered(lambda row: row.state == "to_bill"))

    def test_a_note_deleted_after_the_period_was_billed_again(self):
        """Both invoices stand: the second one is credited by the next run."""
        note = self._credit(service_rebill="yes")
        self._bill_january()
        note.unlink()
        self.assertEqual(self._held(), 200.0)
        refund = self._bill_january()
        self.assertEqual((refund.move_type, refund.amount_untaxed), ("out_refund", 100.0))
        self.assertEqual(self._held(), 100.0)
        self.assertFalse(self._bill_january())

    def test_a_note_cancelled_after_the_period_was_billed_again(self):
        note = self._credit(service_rebill="yes")
        self._bill_january()
        note.button_cancel()
        self._bill_january()
        self.assertEqual(self._held(), 100.0)
        self.assertFalse(self._bill_january())

    def test_a_note_can_be_made_again_after_a_deleted_one(self):
        self._credit().unlink()
        self._credit(post=True)
        self.assertEqual(self._held(), 100.0)
        self._credit(service_rebill="yes", post=True)
        self.assertEqual(self._held(), 0.0)

    def test_cancelling_the_note_restores_and_so_does_taking_that_back(self):
        note = self._credit()
        note.button_cancel()
        self.assertEqual(self._held(), 100.0)
        self.assertFalse(self._bill_january())
        note.button_draft()
        self.assertEqual(self._held(), 100.0)
        self.assertEqual([row[2] for row in self._amounts()], ["posted", "draft", "closed"])

    def test_the_same_with_the_restrictive_audit_trail(self):
        self.company.restrictive_audit_trail = True
        self._credit(service_rebill="yes").unlink()
        self.assertEqual(self._held(), 100.0)
        note = self._credit(service_rebill="yes", post=True)
        note.button_draft()
        with self.assertRaises(UserError):
            note.unlink()
        self.assertEqual(self._held(), 0.0)
        note.button_cancel()
        self.assertEqual(self._held(), 100.0)
        self.assertFalse(self._bill_january())

    def test_reverse_and_create_moves_the_period_to_the_copy(self):
        wizard = self._wizard()
        wizard.modify_moves()
        copy, note = wizard.new_move_ids, self.invoice.reversal_move_ids
        self.assertEqual((note.state, copy.state, copy.move_type), ("posted", "draft", "out_invoice"))
        self.assertEqual(
            self._amounts(),
            [(0, "whole", "posted", 100.0), (1, "credit", "posted", -100.0), (2, "whole", "draft", 100.0)],
        )
        self.assertEqual(copy.invoice_line_ids.service_start, date(2026, 1, 1))
        self.assertEqual(copy.service_contract_ids, self.contract)
        self.assertFalse(self._bill_january())
        copy.action_post()
        self.assertFalse(self._bill_january())

    def test_a_deleted_copy_of_reverse_and_create_is_billed_again(self):
        wizard = self._wizard()
        wizard.modify_moves()
        wizard.new_move_ids.unlink()
        self.assertEqual(self._held(), 0.0)
        again = self._bill_january()
        self.assertEqual(again.amount_untaxed, 100.0)
        self.assertEqual(self._held(), 100.0)
        self.assertFalse(self._bill_january())

    def test_a_copy_of_an_edited_invoice_gives_back_its_whole_period(self):
        """Edited to 90, replaced by a copy, and the copy credited to bill again, or deleted: 100 are due."""
        for given_back in ("credited", "deleted"):
            with self.subTest(given_back):
                contract = self._contract(posting_mode="draft")
                draft = self._bill(contract, date(2026, 1, 31)).move_ids
                draft.invoice_line_ids.price_unit = 90.0
                draft.action_post()
                wizard = self._wizard(draft)
                wizard.modify_moves()
                copy = wizard.new_move_ids
                self.assertEqual(copy.amount_untaxed, 90.0)
                self.assertTrue(copy.invoice_line_ids.billable_ids.hand_edited)
                self.assertFalse(self._bill(contract, date(2026, 1, 31)))
                if given_back == "credited":
                    copy.action_post()
                    self._credit(copy, service_rebill="yes", post=True)
                else:
                    copy.unlink()
                self.assertEqual(self._bill(contract, date(2026, 1, 31)).move_ids.amount_untaxed, 100.0)
                self.assertEqual(sum(contract.billable_ids.filtered("held").mapped("amount")), 100.0)

    def test_a_refund_made_elsewhere_counts_as_not_to_bill_again(self):
        self.invoice._reverse_moves([{"date": date(2026, 1, 20)}], cancel=True)
        self.assertEqual(self._amounts(), [(0, "whole", "posted", 100.0)])
        self.assertFalse(self._bill_january())

    def test_a_refund_made_elsewhere_is_not_billed_again_by_a_later_wizard(self):
        """One credit by code (not in the ledger), one by the wizard: the wizard enters its own only."""
        self.invoice._reverse_moves([{"date": date(2026, 1, 20)}])
        self._credit(service_rebill="yes", post=True)
        self.assertEqual(self._held(), 0.0)
        self.assertEqual(self._bill_january().amount_untaxed, 100.0)

    def test_a_refund_made_elsewhere_is_not_replaced_by_reverse_and_create(self):
        self.invoice._reverse_moves([{"date": date(2026, 1, 20)}])
        self._wizard().modify_moves()
        self.assertEqual(self._held(), 100.0)
        self.assertFalse(self._bill_january())

    def test_a_duplicate_of_an_invoice_is_no_service(self):
        copy = self.invoice.copy()
        self.assertFalse(copy.invoice_line_ids.billable_ids)
        self.assertFalse(copy.service_contract_ids)
        self.assertFalse(copy.billing_run_id)
        self.assertFalse(copy.service_posting_mode)
        copy.action_post()
        self.assertEqual(self._amounts(), [(0, "whole", "posted", 100.0)])
        self.assertFalse(self._bill_january())

    def test_the_note_keeps_the_service_of_its_lines(self):
        line = self._credit().invoice_line_ids
        origin = self.invoice.invoice_line_ids
        self.assertEqual(line.service_origin_line_id, origin)
        for name in ("service_start", "service_end", "service_site_id", "service_contract_id"):
            self.assertEqual(line[name], origin[name], name)

    def test_several_invoices_in_one_wizard(self):
        february = self._bill(self.contract, date(2026, 2, 28)).move_ids
        notes = self._credit(self.invoice + february, service_rebill="yes", post=True)
        self.assertEqual(len(notes), 2)
        self.assertEqual(self._held(), 0.0)
        self._bill(self.contract, date(2026, 2, 28))
        self.assertEqual(self._held(), 200.0)

    def test_an_invoice_and_its_supplement_in_one_wizard(self):
        """Both lines bill the same key, in two revisions."""
        self.contract._end_on(date(2026, 1, 15))
        refund = self._bill_january()
        self.assertEqual((refund.move_type, refund.amount_untaxed), ("out_refund", 51.61))
        self.contract._end_on(None)
        supplement = self._bill_january()
        self.assertEqual((supplement.move_type, supplement.amount_untaxed), ("out_invoice", 51.61))
        self._credit(self.invoice + supplement, post=True)
        self.assertEqual(self._held(), 100.0)
        self.assertFalse(self._bill_january())

    def test_a_credit_note_of_the_run_can_be_reversed_too(self):
        self.contract._end_on(date(2026, 1, 15))
        refund = self._bill_january()
        self.assertEqual(self._held(), 48.39)
        invoice = self._credit(refund, post=True)
        self.assertEqual((invoice.move_type, invoice.amount_untaxed), ("out_invoice", 51.61))
        self.assertEqual(self._held(), 48.39)
        self.assertFalse(self._bill_january())

    def test_negative_lines_are_mirrored_with_their_sign(self):
        contract = self._contract(self._line(), self._line(-20.0, name="Rebate"), posting_mode="post")
        invoice = self._bill(contract, date(2026, 1, 31)).move_ids
        self._credit(invoice, service_rebill="yes", post=True)
        self.assertEqual(sum(contract.billable_ids.filtered("held").mapped("amount")), 0.0)
        again = self._bill(contract, date(2026, 1, 31)).move_ids
        self.assertEqual(again.amount_untaxed, 80.0)

    def test_a_prorated_period_is_billed_again_at_its_amount(self):
        contract = self._contract(date_start=date(2026, 1, 17), posting_mode="post")
        invoice = self._bill(contract, date(2026, 1, 31)).move_ids
        self._credit(invoice, service_rebill="yes", post=True)
        again = self._bill(contract, date(2026, 1, 31)).move_ids
        self.assertEqual(again.amount_untaxed, 48.39)
        self.assertIn("15/31", again.invoice_line_ids.name)

    def test_an_ended_contract_can_be_billed_again(self):
        self.contract._end_on(date(2026, 1, 31))
        with freeze_time("2026-02-03"):
            self._bill(self.contract, date(2026, 2, 3))
            self.env["multiservice.contract"]._cron_end_contracts()
            self.assertEqual(self.contract.state, "ended")
            self._credit(service_rebill="yes", post=True)
            again = self._bill(self.contract, date(2026, 2, 3)).move_ids
            self.assertEqual(again.amount_untaxed, 100.0)

    def test_an_accountant_without_our_groups_can_credit(self):
        accountant = self._user("ledger_accountant", "account.group_account_user")
        self.assertFalse(accountant.has_group("multiservice.group_technician"))
        note = self._credit(user=accountant, service_rebill="no")
        self.assertEqual(note.env.uid, accountant.id)
        note.invoice_line_ids.price_unit = 40.0
        note.action_post()
        self.assertEqual(
            self._amounts(),
            [(0, "whole", "posted", 100.0), (1, "credit", "posted", -40.0), (2, "kept", "closed", 40.0)],
        )
        draft = self._credit(user=accountant, service_rebill="yes")
        draft.unlink()
        self.assertEqual(self._held(), 100.0)
        wizard = self._wizard(user=accountant)
        wizard.modify_moves()
        wizard.new_move_ids.action_post()
        self.assertEqual(self._held(), 100.0)
        self.assertFalse(self._bill_january())

    def test_an_accountant_without_our_groups_can_work_on_a_draft_of_the_run(self):
        accountant = self._user("ledger_accountant", "account.group_account_user")
        contract = self._contract()
        run = self._bill(contract, date(2026, 2, 28))
        invoice = run.move_ids.with_user(accountant)
        invoice.invoice_line_ids[0].price_unit = 90.0
        invoice.invoice_line_ids[1].unlink()
        invoice.action_post()
        invoice.button_draft()
        invoice.button_cancel()
        invoice.button_draft()
        with Form(invoice) as form:
            form.ref = "Checked"
        invoice.unlink()
        self.assertEqual(set(contract.billable_ids.mapped("state")), {"to_bill"})

    def test_the_question_is_asked_for_services_only(self):
        self.assertTrue(self._wizard().has_services)
        other = self.init_invoice("out_invoice", self.customer, products=self.product_a, post=True)
        self.assertFalse(self._wizard(other).has_services)
        self._credit(other, service_rebill="yes", post=True)
        self.assertEqual(self._amounts(), [(0, "whole", "posted", 100.0)])

    def test_a_line_added_by_hand_is_no_service(self):
        contract = self._contract()
        invoice = self._bill(contract, date(2026, 1, 31)).move_ids
        invoice.invoice_line_ids = [Command.create({"product_id": self.product_a.id, "price_unit": 5.0})]
        invoice.action_post()
        self._credit(invoice, service_rebill="yes", post=True)
        again = self._bill(contract, date(2026, 1, 31)).move_ids
        self.assertEqual(again.amount_untaxed, 100.0)

    def test_the_date_of_a_note_posted_late_is_the_posting_day(self):
        note = self._credit()
        with freeze_time("2026-02-10 09:00:00"):
            note.action_post()
        self.assertEqual(note.invoice_date, date(2026, 2, 10))
