"""The person who answers for the month's invoices: what is unusual first, posting in bulk, undoing a run."""

from datetime import date
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2.errors import SerializationFailure, UniqueViolation

from odoo.exceptions import AccessError, LockError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .test_billing_run import RunCommon

JANUARY, FEBRUARY, MARCH = date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)
REVIEW = "odoo.addons.multiservice.models.billing_review"
REVIEW_CRON = "multiservice.ir_cron_billing_review"


class ReviewCommon(RunCommon):
    def _kinds(self, run):
        return sorted(run.anomaly_ids.mapped("kind"))

    def _two_months(self, *lines, **vals):
        """A contract billed for January, and the run of its drafts of February."""
        contract = self._contract(*lines, **vals)
        self._bill(contract, JANUARY)
        return contract


@tagged("post_install", "-at_install")
class TestAnomalies(ReviewCommon):
    def test_the_first_invoice_is_pointed_out_once(self):
        contract = self._contract()
        run = self._bill(contract, date(2026, 1, 1))
        self.assertEqual(self._kinds(run), ["first"])
        self.assertEqual(run.anomaly_ids.move_id, run.move_ids)
        self.assertEqual(self._kinds(self._bill(contract, date(2026, 2, 1))), [])

    def test_a_contract_billed_by_another_system_is_not_new(self):
        contract = self._contract(billed_until=date(2026, 1, 31))
        self.assertEqual(self._kinds(self._bill(contract, date(2026, 2, 1))), [])

    def test_an_amount_that_moved_says_from_where_to_where(self):
        contract = self._two_months()
        contract.line_ids._replace_from(date(2026, 2, 1), {"price_unit": 120.0})
        run = self._bill(contract, date(2026, 2, 1))
        self.assertEqual(self._kinds(run), ["moved"])
        self.assertIn("120.00", run.anomaly_ids.reason.replace(",", "."))
        self.assertIn("+20", run.anomaly_ids.reason)

    def test_a_move_within_the_threshold_is_usual(self):
        contract = self._two_months()
        contract.line_ids._replace_from(date(2026, 2, 1), {"price_unit": 110.0})
        self.assertEqual(self._kinds(self._bill(contract, date(2026, 2, 1))), [])
        contract.line_ids[-1]._replace_from(date(2026, 3, 1), {"price_unit": 121.0})
        self.company.service_review_threshold = 5
        self.assertEqual(self._kinds(self._bill(contract, date(2026, 3, 1))), ["moved"])

    def test_catching_up_three_months_is_no_move(self):
        contract = self._two_months()
        run = self._bill(contract, date(2026, 4, 1))
        self.assertEqual(len(run.move_ids), 1)
        self.assertEqual(self._kinds(run), [])

    def test_a_quarterly_line_beside_a_monthly_one_is_no_move(self):
        quarterly = {"own_schedule": True, "recurrence_unit": "month", "recurrence_interval": 3}
        contract = self._contract(self._line(), self._line(900.0, **quarterly))
        for month in (1, 2, 3):
            self._bill(contract, date(2026, month, 1))
        run = self._bill(contract, date(2026, 4, 1))
        self.assertFalse(run.anomaly_ids.mapped("reason"))

    def test_a_line_that_ended_is_named(self):
        contract = self._two_months(self._line(), self._line(50.0, name="Windows", date_end=date(2026, 1, 31)))
        run = self._bill(contract, date(2026, 2, 1))
        self.assertEqual(self._kinds(run), ["moved"])
        self.assertIn("Windows", run.anomaly_ids.reason)

    def test_a_new_line_is_named(self):
        contract = self._two_months()
        contract.line_ids = [self._line(40.0, name="Floors", date_start=date(2026, 2, 1))]
        run = self._bill(contract, date(2026, 2, 1))
        self.assertEqual(self._kinds(run), ["moved"])
        self.assertIn("Floors", run.anomaly_ids.reason)

    def test_a_suspended_line_has_not_ended_and_is_not_new_afterwards(self):
        contract = self._two_months(self._line(), self._line(50.0, name="Windows"))
        scope = {"contract_id": contract.id, "line_id": contract.line_ids[1].id, "reason": "Works"}
        self.env["multiservice.suspension"].create(
            scope | {"date_start": date(2026, 2, 1), "date_end": date(2026, 2, 28)}
        )
        run = self._bill(contract, date(2026, 2, 1))
        self.assertIn("Suspended: Windows.", run.anomaly_ids.reason)
        self.assertNotIn("Ended", run.anomaly_ids.reason)
        again = self._bill(contract, date(2026, 3, 1))
        self.assertIn("Served again: Windows.", again.anomaly_ids.reason)
        self.assertNotIn("New", again.anomaly_ids.reason)

    def test_a_partial_period_says_so(self):
        contract = self._contract(date_start=date(2026, 1, 16))
        self._bill(contract, JANUARY)
        run = self._bill(contract, date(2026, 2, 1))
        self.assertEqual(self._kinds(run), ["moved"])
        self.assertIn("in part", run.anomaly_ids.reason)

    def test_a_correction_in_the_customers_favour(self):
        contract = self._contract()
        self._bill(contract, date(2026, 2, 1))
        contract.line_ids._end_on(date(2026, 2, 14))
        run = self._bill(contract, FEBRUARY)
        self.assertEqual(run.move_ids.move_type, "out_refund")
        self.assertEqual(self._kinds(run), ["credit"])
        self.assertIn("50.00", run.anomaly_ids.reason.replace(",", "."))

    def test_a_replacement_inside_a_period_compares_whole_periods(self):
        """100 → 105 on 16 January: January costs 102.58 instead of 100, February 105 instead of 102.58."""
        contract = self._contract(timing="arrears", date_start=date(2025, 12, 1))
        self._bill(contract, date(2025, 12, 31))
        contract.line_ids._replace_from(date(2026, 1, 16), {"price_unit": 105.0})
        self.assertEqual(self._kinds(self._bill(contract, JANUARY)), [])
        self.assertEqual(self._kinds(self._bill(contract, FEBRUARY)), [])

    def test_a_line_that_ended_inside_the_period_before(self):
        contract = self._contract(self._line(), self._line(500.0, name="Guards"), timing="arrears")
        contract.line_ids[1]._end_on(date(2026, 1, 20))
        self._bill(contract, JANUARY)
        run = self._bill(contract, FEBRUARY)
        self.assertEqual(self._kinds(run), ["moved"])
        self.assertIn("Ended: Guards", run.anomaly_ids.reason)

    def _two_sites(self):
        """A contract of two sites with an invoice each, billed for January and in draft for February."""
        contract = self._contract(
            self._line(site_id=self.site_a.id), self._line(site_id=self.site_b.id, name="Windows"), grouping="site"
        )
        self._bill(contract, date(2026, 1, 1))
        return self._bill(contract, date(2026, 2, 1))

    def test_posting_a_part_of_a_contract_compares_all_of_it(self):
        run = self._two_sites()
        run.move_ids[0].action_service_post()
        run.action_review()
        self.assertEqual(self._kinds(run), [])

    def test_a_true_move_stays_when_a_part_is_posted(self):
        run = self._two_sites()
        contract = run.move_ids.service_contract_ids
        run.move_ids.unlink()
        contract.line_ids[1]._replace_from(date(2026, 2, 1), {"price_unit": 200.0})
        run = self._bill(contract, date(2026, 2, 1))
        (first, second), moved = run.move_ids.sorted("id"), run.anomaly_ids
        self.assertEqual((moved.kind, moved.move_id), ("moved", first))
        first.action_service_check()
        second.action_service_post()
        first.action_service_post()
        self.assertEqual((run.anomaly_ids, moved.exists().checked), (moved, True))

    def test_the_draft_of_another_site_was_deleted(self):
        run = self._two_sites()
        run.move_ids[0].unlink()
        run.action_review()
        self.assertEqual(self._kinds(run), [])

    def test_reviewing_two_runs_leaves_each_its_anomalies(self):
        contract = self._contract()
        january = self._bill(contract, date(2026, 1, 1))
        contract.line_ids._replace_from(date(2026, 2, 1), {"price_unit": 115.0})
        february = self._bill(contract, date(2026, 2, 1))
        found = january.anomaly_ids + february.anomaly_ids
        february.move_ids.action_service_check()
        self.env["account.move"].action_service_review()
        self.assertEqual(january.anomaly_ids + february.anomaly_ids, found)
        self.assertEqual(found.mapped(lambda a: (a.kind, a.checked)), [("first", False), ("moved", True)])

    def test_catching_up_on_one_line_is_no_move(self):
        contract = self._contract(self._line(name="Floors"), self._line(name="Windows"), date_start=date(2025, 12, 1))
        self._bill(contract, date(2025, 12, 1))
        january = self._bill(contract, date(2026, 1, 1))
        january.move_ids.invoice_line_ids[0].unlink()
        february = self._bill(contract, date(2026, 2, 1))
        self.assertEqual(february.amount_untaxed, 300.0)
        self.assertEqual(self._kinds(february), [])

    def test_a_retroactive_replacement_compares_what_each_period_came_to(self):
        contract = self._contract(date_start=date(2025, 12, 1))
        self._bill(contract, JANUARY)
        contract.line_ids._replace_from(date(2026, 1, 16), {"price_unit": 105.0})
        run = self._bill(contract, date(2026, 2, 1))
        self.assertEqual(self._kinds(run), ["credit"])

    def test_lines_of_one_recurrence_but_another_timing(self):
        """In arrears beside in advance: what is not due yet has not ended."""
        late = {"own_schedule": True, "timing": "arrears", "recurrence_unit": "month", "recurrence_interval": 1}
        contract = self._contract(self._line(), self._line(50.0, name="Windows", **late))
        self._bill(contract, JANUARY)
        self.assertEqual(self._kinds(self._bill(contract, date(2026, 2, 1))), [])

    def test_a_line_on_another_schedule_says_so(self):
        contract = self._contract(self._line(name="Floors"), self._line(50.0))
        self._bill(contract, MARCH)
        quarterly = {"own_schedule": True, "recurrence_unit": "month", "recurrence_interval": 3}
        contract.line_ids[0]._replace_from(date(2026, 4, 1), {"price_unit": 300.0, **quarterly})
        run = self._bill(contract, date(2026, 4, 1))
        self.assertEqual(run.amount_untaxed, 350.0)
        self.assertEqual(run.anomaly_ids.mapped("kind"), ["moved"])
        self.assertEqual(run.anomaly_ids.reason, "Floors: Billed every 3 months in advance.")

    def test_nothing_is_asked_for_each_contract(self):
        """The review of more drafts costs no more queries."""
        contracts = self._contracts(9, posting_mode="draft")
        self._bill(contracts, date(2026, 1, 1))
        runs = [self._bill(of_run, date(2026, 2, 1)) for of_run in (contracts[:1], contracts[1:4], contracts[4:])]
        counts = []
        for run in runs:
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            run.action_review()
            self.env.flush_all()
            counts.append(self.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2], "the first one fills the caches")

    def test_two_contracts_on_one_invoice_keep_their_anomalies(self):
        contracts = self._contract(grouping="customer") + self._contract(grouping="customer")
        run = self._bill(contracts, date(2026, 1, 1))
        self.assertEqual(len(run.move_ids), 1)
        run.action_review()
        self.assertEqual(self._kinds(run), ["first", "first"])

    def test_a_period_billed_again_is_no_first_invoice(self):
        contract = self._two_months()
        self._bill(contract, date(2026, 2, 1))
        contract.billable_ids[0].move_id.unlink()
        self.assertEqual(self._kinds(self._bill(contract, date(2026, 2, 1))), [])

    def test_a_forgotten_price_is_pointed_out_once(self):
        contract = self._contract(self._line(0.0))
        run = self._bill(contract, date(2026, 1, 1))
        self.assertFalse(run.move_ids)
        self.assertEqual((run.anomaly_ids.kind, run.anomaly_ids.contract_id), ("zero", contract))
        self.assertEqual(self._kinds(self._bill(contract, date(2026, 2, 1))), [])

    def test_a_forgotten_price_is_pointed_out_once_when_the_customer_is_tried_again(self):
        contract, bad = self._contract(self._line(0.0)), self._contract(posting_mode="post")
        self._break(bad)
        run = self._start(contract + bad)
        self._trigger()
        self.assertEqual(run.failed_count, 1)
        self._mend(bad)
        run.action_retry()
        self._trigger()
        self.assertEqual((run.state, run.failed_count), ("done", 0))
        self.assertEqual(self._kinds(run).count("zero"), 1)

    def test_what_falls_to_nothing_is_pointed_out(self):
        contract = self._two_months(self._line(), self._line(500.0))
        contract.line_ids[1]._replace_from(date(2026, 2, 1), {"price_unit": 0.0})
        self.assertEqual(self._kinds(self._bill(contract, date(2026, 2, 1))), ["moved", "zero"])

    def test_a_free_partial_period_is_as_agreed(self):
        contract = self._contract(date_start=date(2026, 1, 15), first_partial="free")
        self.assertEqual(self._kinds(self._bill(contract, date(2026, 1, 15))), [])

    def test_a_line_removed_by_hand_and_other_taxes(self):
        contract = self._two_months(self._line(name="Floors"), self._line(50.0, name="Windows"))
        run = self._bill(contract, date(2026, 2, 1))
        floors, windows = run.move_ids.invoice_line_ids
        floors.tax_ids = False
        windows.unlink()
        run.action_review()
        edited = run.anomaly_ids.filtered(lambda anomaly: anomaly.kind == "hand_edit")
        self.assertIn("Floors: other taxes", edited.reason)
        self.assertIn("Windows", edited.reason)
        self.assertIn("removed by hand", edited.reason)

    def test_zero(self):
        contract = self._contract(self._line(), self._line(-100.0))
        run = self._bill(contract, date(2026, 1, 1))
        self.assertEqual(run.move_ids.amount_total, 0)
        self.assertEqual(self._kinds(run), ["first", "zero"])

    def test_a_hand_edit_is_found_when_the_review_opens(self):
        contract = self._two_months()
        run = self._bill(contract, date(2026, 2, 1))
        move = run.move_ids
        move.invoice_line_ids.filtered(lambda line: line.display_type == "product").price_unit = 95.0
        move.invoice_line_ids = [Command.create({"name": "Gift", "price_unit": 5.0})]
        run.action_review()
        self.assertEqual(self._kinds(run), ["hand_edit"])
        self.assertIn("95.00", run.anomaly_ids.reason.replace(",", "."))
        self.assertIn("Gift: added by hand", run.anomaly_ids.reason)

    def test_what_was_mended_leaves_the_review(self):
        contract = self._two_months()
        run = self._bill(contract, date(2026, 2, 1))
        line = run.move_ids.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        line.price_unit = 95.0
        run.action_review()
        self.assertGreater(run.move_ids.service_severity, 0)
        line.price_unit = 100.0
        run.action_review()
        self.assertEqual((self._kinds(run), run.move_ids.service_severity), ([], 0))

    def test_what_was_checked_stays_checked(self):
        run = self._bill(self._contract(), date(2026, 1, 1))
        run.move_ids.action_service_check()
        self.assertEqual((run.anomaly_count, run.move_ids.service_severity), (0, 0))
        run.with_context(lang="fr_FR").action_review()
        self.assertTrue(run.anomaly_ids.checked)

    def test_the_worst_comes_first(self):
        contracts = self._contracts(2, posting_mode="draft")
        run = self._bill(contracts, date(2026, 1, 1))
        second = run.move_ids.filtered(lambda move: move.service_contract_ids == contracts[1])
        second.invoice_line_ids.filtered(lambda line: line.display_type == "product").quantity = 2
        action = run.action_review()
        order = self.env.ref("multiservice.billing_review_view_list").arch_db
        self.assertIn("service_severity desc", order)
        listed = self.env["account.move"].search(action["domain"], order="service_severity desc, partner_id, id")
        self.assertEqual(listed[0], second)

    def test_a_contract_that_ended_with_rows_unbilled(self):
        contract, other = self._contracts(2, posting_mode="draft")
        for one in contract + other:
            self._bill(one, date(2026, 1, 1))
        contract._end_on(date(2026, 1, 20))
        contract.billable_ids.move_id.unlink()
        run = self._bill(other, date(2026, 2, 1))
        unbilled = run.anomaly_ids.filtered(lambda anomaly: anomaly.kind == "unbilled")
        self.assertEqual(unbilled.contract_id, contract)
        self.assertIn("is still to be billed", unbilled.reason)
        self.assertNotIn("unbilled", self._kinds(self._bill(other, date(2026, 3, 1))))

    def test_a_refund_made_elsewhere_is_pointed_out_once(self):
        contract = self._two_months(posting_mode="post")
        move = contract.billable_ids.move_id
        refund = move._reverse_moves()
        refund._post(soft=False)
        run = self._bill(contract, date(2026, 2, 1))
        outside = run.anomaly_ids.filtered(lambda anomaly: anomaly.kind == "outside")
        self.assertEqual((outside.move_id, outside.contract_id), (refund, contract))
        self.assertIn(move.name, outside.reason)
        self.assertNotIn("outside", self._kinds(self._bill(contract, date(2026, 3, 1))))


@tagged("post_install", "-at_install")
class TestMissingReference(ReviewCommon):
    def test_the_good_ones_leave_and_the_bad_one_is_listed(self):
        contracts = self._contracts(3)
        contracts[0].order_reference_required = True
        run = self._bill(contracts, date(2026, 1, 1))
        self.assertEqual(run.move_ids.service_contract_ids, contracts[1:])
        self.assertEqual((run.failed_count, run.held_back_count), (0, 1))
        listed = self.env["multiservice.contract"].search(run.action_view_held_back()["domain"])
        self.assertEqual(listed, contracts[0])
        self.assertEqual(listed.missing_references, "Order Reference")
        self.assertEqual(listed.reference_contact_id, contracts[0].partner_id)

    def test_it_is_billed_once_the_reference_is_there(self):
        contract = self._contract(order_reference_required=True, buyer_reference_required=True, order_reference="PO 7")
        self.assertEqual(contract.missing_references, "Buyer Reference")
        self.assertFalse(self._bill(contract, date(2026, 1, 1)))
        contract.buyer_reference = "SERVICE 12"
        self.assertEqual(self._bill(contract, date(2026, 1, 1)).move_count, 1)

    def test_a_blank_is_no_reference(self):
        self.assertTrue(self._contract(order_reference_required=True, order_reference="  ").awaiting_reference)

    def test_the_customer_says_what_it_requires(self):
        self.customer.buyer_reference_required = True
        self.assertTrue(self._contract().buyer_reference_required)

    def test_asking_by_mail_goes_to_the_invoice_address(self):
        contract = self._contract(order_reference_required=True)
        contract.invoice_partner_id = self.env["res.partner"].create(
            {"name": "Accounts", "parent_id": self.customer.id, "type": "invoice", "email": "accounts@customer.invalid"}
        )
        contract.action_ask_reference()
        mail = contract.message_ids.filtered(lambda message: message.partner_ids == contract.invoice_partner_id)
        self.assertEqual(len(mail), 1)
        self.assertIn(contract.name, mail.body)
        self.assertIn("Order Reference", mail.body)
        self.assertEqual(contract.reference_asked_on, date(2026, 1, 31))

    def test_asking_in_the_customers_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.customer.lang = "fr_FR"
        contract = self._contract(order_reference_required=True)
        contract.action_ask_reference()
        self.assertIn("Bonjour", contract.message_ids[0].body)

    def test_those_without_an_address_do_not_stop_the_others(self):
        contracts = self._contracts(2, order_reference_required=True)
        contracts[0].partner_id.email = False
        action = contracts.action_ask_reference()
        self.assertEqual(action["params"]["type"], "warning")
        self.assertEqual(contracts.mapped("reference_asked_on"), [False, JANUARY])

    def test_ticking_the_customer_holds_its_contracts_back(self):
        contract = self._contract()
        self.customer.order_reference_required = True
        self.assertTrue(contract.awaiting_reference)
        with self.assertRaisesRegex(UserError, "waits for a reference"):
            contract.action_bill()

    def test_without_an_address_it_says_whom_to_call(self):
        contract = self._contract(order_reference_required=True)
        self.customer.email = False
        with self.assertRaisesRegex(UserError, "Bureaux du Parc"):
            contract.action_ask_reference()


@tagged("post_install", "-at_install")
class TestBulkPosting(ReviewCommon):
    def test_all_but_what_is_put_aside(self):
        run = self._bill(self._contracts(3, posting_mode="draft"), date(2026, 1, 1))
        aside, *others = run.move_ids
        aside.action_service_set_aside()
        run.action_post_drafts()
        self.assertEqual(aside.state, "draft")
        self.assertEqual({move.state for move in others}, {"posted"})
        self.assertEqual({move.invoice_date for move in others}, {JANUARY})
        aside.action_service_take_back()
        run.action_post_drafts()
        self.assertEqual(aside.state, "posted")

    def test_putting_aside_is_no_edit_of_the_invoice(self):
        move = self._bill(self._contract(), date(2026, 1, 1)).move_ids
        self.assertFalse(move.is_manually_modified)
        move.action_service_set_aside()
        move.action_service_take_back()
        self.assertFalse(move.is_manually_modified)

    def test_one_that_cannot_be_posted_does_not_stop_the_others(self):
        contracts = self._contracts(3, posting_mode="draft")
        run = self._bill(contracts, date(2026, 1, 1))
        broken = run.move_ids[1]
        broken.partner_bank_id = self.env["res.partner.bank"].create(
            {"acc_number": "FR76 3000 4028 3798 7654 3210 943", "partner_id": self.company.partner_id.id}
        )
        broken.partner_bank_id.active = False
        with mute_logger(REVIEW):
            action = run.action_post_drafts()
        self.assertEqual(action["params"]["type"], "warning")
        self.assertEqual(broken.state, "draft")
        self.assertEqual(run.move_ids.filtered(lambda move: move.state == "posted"), run.move_ids - broken)
        failure = broken.service_anomaly_ids.filtered(lambda anomaly: anomaly.kind == "failed")
        self.assertTrue(failure.reason)
        broken.partner_bank_id = (run.move_ids - broken)[0].partner_bank_id
        broken.action_service_post()
        self.assertEqual(broken.state, "posted")
        self.assertNotIn("failed", broken.service_anomaly_ids.mapped("kind"))

    def test_many_are_posted_by_the_scheduler(self):
        run = self._bill(self._contracts(3, posting_mode="draft"), date(2026, 1, 1))
        with patch(f"{REVIEW}.BUTTON_LIMIT", 2), self.capture_triggers(REVIEW_CRON) as triggers:
            run.action_post_drafts()
        self.assertTrue(triggers.records)
        self.assertEqual(set(run.move_ids.mapped("state")), {"draft"})
        with patch(f"{REVIEW}.CHUNK", 2):
            self._trigger(REVIEW_CRON)
        self.assertEqual(set(run.move_ids.mapped("state")), {"posted"})
        self.assertFalse(any(run.move_ids.mapped("service_queued")))

    def test_post_and_send_goes_to_the_sending_queue(self):
        run = self._bill(self._contracts(2, posting_mode="draft"), date(2026, 1, 1))
        run.action_post_and_send_drafts()
        self.assertEqual(set(run.move_ids.mapped("state")), {"posted"})
        self.assertTrue(all(run.move_ids.mapped("sending_data")))

    def test_queueing_leaves_the_invoices_as_they_are(self):
        """Nothing of core's sync of an invoice: neither its lines nor its mark of a change by hand."""
        run = self._bill(self._contracts(4, posting_mode="draft"), date(2026, 1, 1))
        self.env.flush_all()
        before = self.cr.sql_log_count
        with patch(f"{REVIEW}.BUTTON_LIMIT", 2):
            run.action_post_drafts()
        self.env.flush_all()
        self.assertLess(self.cr.sql_log_count - before, 20)
        self.assertEqual(set(run.move_ids.mapped("service_queued")), {"post"})
        self.assertFalse(any(run.move_ids.mapped("is_manually_modified")))
        self.assertEqual(run.waiting_count, 4)
        self._trigger(REVIEW_CRON)
        self.assertEqual(run.waiting_count, 0)

    def test_an_edit_before_the_scheduler_posts_is_recorded(self):
        run = self._bill(self._contracts(3, posting_mode="draft"), date(2026, 1, 1))
        with patch(f"{REVIEW}.BUTTON_LIMIT", 2):
            run.action_post_drafts()
        edited = run.move_ids[0]
        edited.invoice_line_ids.price_unit = 1.0
        self._trigger(REVIEW_CRON)
        self.assertIn("hand_edit", edited.service_anomaly_ids.mapped("kind"))

    def test_a_conflict_is_tried_again_and_blames_nobody(self):
        Move = self.registry["account.move"]
        post = Move._post_dated
        for error in (SerializationFailure, UniqueViolation):
            with self.subTest(error):
                run = self._bill(self._contracts(3, posting_mode="draft"), date(2026, 1, 1))
                with patch(f"{REVIEW}.BUTTON_LIMIT", 2):
                    run.action_post_drafts()
                errors = [error("conflict")]

                def post_at_second_try(moves, errors=errors):
                    if errors:
                        raise errors.pop()
                    return post(moves)

                with patch.object(Move, "_post_dated", post_at_second_try):
                    self._trigger(REVIEW_CRON)
                self.assertEqual(set(run.move_ids.mapped("state")), {"posted"})
                self.assertNotIn("failed", self._kinds(run))

    def test_what_goes_on_meeting_another_process_waits_and_holds_up_nobody(self):
        run = self._bill(self._contracts(3, posting_mode="draft"), date(2026, 1, 1))
        with patch(f"{REVIEW}.BUTTON_LIMIT", 2):
            run.action_post_drafts()
        busy = run.move_ids[0]
        post = self.registry["account.move"]._post_dated

        def never_post_the_busy(moves):
            if busy in moves:
                raise SerializationFailure("conflict")
            return post(moves)

        with patch.object(self.registry["account.move"], "_post_dated", never_post_the_busy):
            self._trigger(REVIEW_CRON)
        self.assertEqual((run.move_ids - busy).mapped("state"), ["posted", "posted"])
        self.assertEqual((busy.state, busy.service_queued), ("draft", "post"))
        self.assertNotIn("failed", self._kinds(run))
        self._trigger(REVIEW_CRON)
        self.assertEqual(busy.state, "posted")

    def test_what_is_put_aside_leaves_the_queue(self):
        run = self._bill(self._contracts(3, posting_mode="draft"), date(2026, 1, 1))
        with patch(f"{REVIEW}.BUTTON_LIMIT", 2):
            run.action_post_drafts()
        run.move_ids[0].action_service_set_aside()
        self._trigger(REVIEW_CRON)
        self.assertEqual(run.move_ids.mapped("state"), ["draft", "posted", "posted"])

    def test_only_drafts_of_billing_can_be_put_aside(self):
        run = self._bill(self._contracts(1), date(2026, 1, 1))
        with self.assertRaisesRegex(UserError, "None of these is a draft"):
            run.move_ids.action_service_set_aside()


@tagged("post_install", "-at_install")
class TestUndo(ReviewCommon):
    def test_drafts_are_deleted_and_the_periods_are_due_again(self):
        contracts = self._contracts(2, posting_mode="draft")
        run = self._bill(contracts, date(2026, 1, 1))
        run.action_undo()
        self.assertEqual((run.state, run.move_count), ("undone", 0))
        self.assertFalse(contracts.billable_ids.filtered("held"))
        self.assertEqual(set(contracts.mapped("next_billing_date")), {date(2026, 1, 1)})
        again = self._bill(contracts, date(2026, 1, 1))
        self.assertEqual(again.move_ids.mapped("amount_untaxed"), [100.0, 100.0])

    def test_what_was_posted_is_credited_and_billed_again(self):
        contracts = self._contracts(2)
        run = self._bill(contracts, date(2026, 1, 1))
        run.action_undo()
        notes = run.move_ids.reversal_move_ids
        self.assertEqual((run.state, notes.mapped("state")), ("undone", ["posted", "posted"]))
        self.assertEqual(set(run.move_ids.mapped("payment_state")), {"reversed"})
        again = self._bill(contracts, date(2026, 1, 1))
        self.assertEqual(sum(again.move_ids.mapped("amount_untaxed")), 200.0)
        self.assertEqual(sum(contracts.billable_ids.filtered("held").mapped("amount")), 200.0)

    def test_an_invoice_edited_by_hand_gives_back_its_whole_period(self):
        for edited in (90.0, 0.0, 120.0):
            with self.subTest(edited=edited):
                contract = self._contracts(1, posting_mode="draft")
                run = self._bill(contract, date(2026, 1, 1))
                run.move_ids.invoice_line_ids.price_unit = edited
                run.action_post_drafts()
                run.action_undo()
                self.assertEqual(contract.next_billing_date, date(2026, 1, 1))
                again = self._bill(contract, date(2026, 1, 1))
                self.assertEqual(again.amount_untaxed, 100.0)
                self.assertEqual(sum(contract.billable_ids.filtered("held").mapped("amount")), 100.0)

    def test_a_draft_that_bears_a_number_is_not_deleted(self):
        run = self._bill(self._contracts(2), date(2026, 1, 1))
        first, second = run.move_ids
        first.button_draft()
        with mute_logger(REVIEW):
            run.action_undo()
        self.assertTrue(first.exists().name)
        self.assertEqual((run.state, second.payment_state), ("done", "reversed"))
        first.action_post()
        run.action_undo()
        self.assertEqual((first.payment_state, run.state), ("reversed", "undone"))

    def test_a_paid_invoice_can_be_undone_and_the_rest_again(self):
        run = self._bill(self._contracts(2), date(2026, 1, 1))
        paid, numbered = run.move_ids
        payment = self.env["account.payment.register"].with_context(active_model="account.move", active_ids=paid.ids)
        payment.create({}).action_create_payments()
        numbered.button_draft()
        with mute_logger(REVIEW):
            run.action_undo()
        self.assertEqual(run.state, "done")
        numbered.action_post()
        run.action_undo()
        self.assertEqual(run.state, "undone")
        self.assertEqual(len(paid.reversal_move_ids), 1)

    def test_a_cancelled_draft_is_nothing_to_undo(self):
        run = self._bill(self._contracts(2, posting_mode="draft"), date(2026, 1, 1))
        broken, other = run.move_ids
        broken._fail_queued(UserError("It cannot be posted"))
        broken.button_cancel()
        run.action_undo()
        self.assertEqual((run.state, other.exists(), broken.state), ("undone", other.browse(), "cancel"))

    def test_few_are_undone_in_one_transaction(self):
        run = self._bill(self._contracts(3), date(2026, 1, 1))
        with patch("odoo.addons.multiservice.models.billing_supervision.BUTTON_LIMIT", 2):
            run.action_undo()
        self.assertEqual(run.waiting_count, 3)
        with patch(f"{REVIEW}.UNDO_CHUNK", 2):
            self.assertEqual(len(self.env["account.move"]._next_chunk([("id", "in", run.move_ids.ids)])), 2)

    def test_undo_is_for_runs_being_undone_only(self):
        run = self._bill(self._contracts(1), date(2026, 1, 1))
        run.move_ids.with_user(self.salesperson).service_queued = "undo"
        self._trigger(REVIEW_CRON)
        self.assertFalse(run.move_ids.reversal_move_ids)

    def test_a_worker_in_the_middle_of_a_chunk(self):
        run = self._start(self._contracts(1))
        run.action_stop()
        with (
            patch.object(
                self.registry["multiservice.billing.run.item"], "lock_for_update", side_effect=LockError("busy")
            ),
            self.assertRaisesRegex(UserError, "being billed just now"),
        ):
            run.action_undo()

    def test_customers_not_billed_yet_are_left_out(self):
        run = self._start(self._contracts(2))
        run.action_stop()
        run.action_undo()
        self.assertEqual((set(run.item_ids.mapped("state")), run.state), ({"left"}, "undone"))
        self._trigger()
        self.assertFalse(run.move_ids)

    def test_an_undone_run_offers_nothing_to_send(self):
        run = self._bill(self._contracts(2, posting_mode="send"), date(2026, 1, 1))
        run.action_undo()
        self.assertEqual((run.unsent_count, run.to_print_count), (0, 0))

    def test_the_credit_note_of_a_printed_invoice_is_printed(self):
        run = self._bill(self._contracts(1, posting_mode="print"), date(2026, 1, 1))
        run.move_ids.write({"sending_data": False, "is_move_sent": True})
        run.action_undo()
        note = run.move_ids.reversal_move_ids
        self.assertEqual(self.env["account.move.send"]._get_default_sending_methods(note), {"manual"})
        note.is_move_sent = True
        self.assertIn(note, self.env["account.move"].search(run._to_print_domain()))

    def test_drafts_of_a_run_that_is_being_undone_cannot_be_posted(self):
        run = self._bill(self._contracts(3, posting_mode="draft"), date(2026, 1, 1))
        with patch("odoo.addons.multiservice.models.billing_supervision.BUTTON_LIMIT", 2):
            run.action_undo()
        with self.assertRaisesRegex(UserError, "being undone"):
            run.move_ids[:2].action_service_post()
        self._trigger(REVIEW_CRON)
        self.assertEqual((run.state, run.move_count), ("undone", 0))

    def test_free_periods_are_set_free_too(self):
        contract = self._contract(date_start=date(2026, 1, 15), first_partial="free", posting_mode="draft")
        run = self._bill(contract, date(2026, 2, 1))
        self.assertEqual(contract.billable_ids.mapped("state"), ["closed", "draft"])
        run.action_undo()
        self.assertFalse(contract.billable_ids.filtered("held"))
        self._bill(contract, date(2026, 2, 1))
        self.assertEqual(contract.billable_ids.mapped("state"), ["closed", "draft"])

    def test_what_was_credited_before_is_left_to_a_person(self):
        contracts = self._contracts(2)
        run = self._bill(contracts, date(2026, 1, 1))
        first, second = run.move_ids
        first._reverse_moves()._post(soft=False)
        with mute_logger(REVIEW):
            run.action_undo()
        self.assertEqual(run.state, "done", "it can be undone again once that is settled")
        self.assertEqual(len(first.reversal_move_ids), 1)
        self.assertEqual(second.payment_state, "reversed")
        self.assertIn(first.name, run.message_ids[0].body)
        self.assertIn("credited already", first.service_anomaly_ids.filtered(lambda a: a.kind == "failed").reason)

    def test_an_invoice_that_waits_to_be_sent_is_not_sent_any_more(self):
        run = self._bill(self._contracts(1, posting_mode="send"), date(2026, 1, 1))
        self.assertTrue(run.move_ids.sending_data)
        run.action_undo()
        self.assertFalse(run.move_ids.sending_data)
        self.assertFalse(run.move_ids.reversal_move_ids.sending_data)

    def test_the_credit_note_of_a_sent_invoice_is_sent(self):
        run = self._bill(self._contracts(1, posting_mode="send"), date(2026, 1, 1))
        run.move_ids.write({"sending_data": False, "is_move_sent": True})
        run.action_undo()
        self.assertTrue(run.move_ids.reversal_move_ids.sending_data)

    def test_many_are_undone_by_the_scheduler(self):
        contracts = self._contracts(3)
        run = self._bill(contracts, date(2026, 1, 1))
        with patch("odoo.addons.multiservice.models.billing_supervision.BUTTON_LIMIT", 2):
            run.action_undo()
        self.assertEqual(run.state, "undoing")
        self._trigger(REVIEW_CRON)
        self.assertEqual(run.state, "undone")
        self.assertEqual(set(run.move_ids.mapped("payment_state")), {"reversed"})

    def test_a_run_at_work_and_an_undone_one_cannot_be_undone(self):
        contracts = self._contracts(1)
        run = self._start(contracts)
        with self.assertRaises(UserError):
            run.action_undo()
        run.action_stop()
        run.action_undo()
        with self.assertRaises(UserError):
            run.action_start()

    def test_only_a_manager_may(self):
        run = self._bill(self._contracts(1), date(2026, 1, 1))
        with self.assertRaisesRegex(UserError, "manager"):
            run.with_user(self.salesperson).action_undo()
        self.assertEqual(run.move_ids.state, "posted")


@tagged("post_install", "-at_install")
class TestRunHistory(ReviewCommon):
    def test_share_posted_untouched(self):
        run = self._bill(self._contracts(4, posting_mode="draft"), date(2026, 1, 1))
        edited, extended, *_others = run.move_ids
        edited.invoice_line_ids.filtered(lambda line: line.display_type == "product").price_unit = 90.0
        extended.invoice_line_ids = [Command.create({"name": "Extra", "price_unit": 5.0})]
        run.action_post_drafts()
        self.assertEqual((run.untouched_share, run.corrected_share), (50.0, 0.0))

    def test_share_corrected_within_thirty_days(self):
        contracts = self._contracts(4)
        run = self._bill(contracts, date(2026, 1, 1))
        contracts[1].line_ids._end_on(date(2026, 1, 15))
        self._bill(contracts[1], date(2026, 1, 31))
        with freeze_time("2026-02-10 12:00:00"):
            run.move_ids[0]._reverse_moves()._post(soft=False)
        with freeze_time("2026-03-15 12:00:00"):
            contracts[2].line_ids._end_on(date(2026, 1, 15))
            self._bill(contracts[2], date(2026, 3, 15))
        run.invalidate_recordset()
        self.assertEqual(run.corrected_share, 50.0)

    def test_the_summary_goes_to_the_people_chosen(self):
        chosen = self._user("ledger_chief", "multiservice.group_manager", email="chief@company.invalid")
        self.company.service_summary_user_ids = chosen
        good, bad = self._contracts(2, posting_mode="draft")
        bad.posting_mode = "post"
        self._break(bad)
        run = self._start(good + bad)
        self._trigger()
        self.assertEqual(run.state, "done")
        message = run.message_ids.filtered(lambda message: chosen.partner_id in message.notified_partner_ids)
        self.assertEqual(len(message), 1)
        self.assertIn(bad.partner_id.name, message.body)
        self.assertIn("Drafts to review", message.body)

    def test_a_button_tells_nobody_else(self):
        self.company.service_summary_user_ids = self._user("ledger_chief", "multiservice.group_manager")
        run = self._bill(self._contract(), date(2026, 1, 1))
        self.assertFalse(run.message_ids.notified_partner_ids)


@tagged("post_install", "-at_install")
class TestReviewAccess(ReviewCommon):
    def test_a_billing_user_reviews(self):
        run = self._bill(self._contract(), date(2026, 1, 1)).with_user(self.salesperson)
        run.action_review()
        run.move_ids.action_service_check()
        self.assertEqual(run.anomaly_ids.checked_by_id, self.salesperson)
        run.action_post_drafts()
        self.assertEqual(run.move_ids.state, "posted")

    def test_nobody_writes_an_anomaly_by_hand(self):
        run = self._bill(self._contract(), date(2026, 1, 1))
        with self.assertRaises(AccessError):
            self.env["multiservice.billing.anomaly"].with_user(self.salesperson).create(
                {"company_id": self.company.id, "kind": "zero", "reason": "?"}
            )
        with self.assertRaises(AccessError):
            run.anomaly_ids.with_user(self.salesperson).unlink()
        with self.assertRaises(AccessError):
            run.anomaly_ids.with_user(self.salesperson).reason = "?"

    def test_a_planner_sees_no_anomaly(self):
        run = self._bill(self._contract(), date(2026, 1, 1))
        planner = self._user("review_planner", "multiservice.group_planner")
        with self.assertRaises(AccessError):
            run.anomaly_ids.with_user(planner).read(["reason"])

    def test_a_customer_sees_nothing_of_the_review(self):
        contract = self._contract(posting_mode="post")
        run = self._bill(contract, date(2026, 1, 1))
        portal = new_test_user(self.env, "review_portal", groups="base.group_portal", partner_id=self.customer.id)
        move = run.move_ids.with_user(portal)
        self.assertEqual(move.read(["name"])[0]["name"], run.move_ids.name)
        for name in ("anomaly_ids", "severity", "anomaly_reasons", "set_aside", "touched", "queued"):
            with self.subTest(name), self.assertRaises(AccessError):
                move.read([f"service_{name}"])

    def test_an_accountant_without_the_module_edits_and_posts_a_draft(self):
        run = self._bill(self._contract(), date(2026, 1, 1))
        accountant = self._user("review_accountant", "account.group_account_invoice")
        move = run.move_ids.with_user(accountant)
        move.invoice_line_ids.filtered(lambda line: line.display_type == "product").price_unit = 90.0
        move.action_post()
        self.assertEqual(move.state, "posted")
