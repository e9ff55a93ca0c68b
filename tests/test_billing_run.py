import contextlib
import io
from datetime import date
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2 import DatabaseError
from psycopg2.errors import SerializationFailure, UniqueViolation

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger
from odoo.tools.pdf import PdfFileReader, PdfFileWriter

from odoo.addons.base.tests.test_ir_cron import CronMixinCase
from odoo.addons.mail.tests.common import MockEmail
from odoo.addons.multiservice.models.billing_run_item import MAX_ATTEMPTS

from .common import MultiserviceCommon

RUN = "odoo.addons.multiservice.models.billing_run"
SENDING_LOG = "odoo.addons.multiservice.models.invoice_sending"
ITEM = "odoo.addons.multiservice.models.billing_run_item"
WORKER = "multiservice.ir_cron_billing_worker_1"
NIGHTLY = "multiservice.ir_cron_nightly_billing"
SENDING = "account.ir_cron_account_move_send"
JANUARY = date(2026, 1, 31)
ARCHIVE_ERROR = {"error_title": "The archive does not answer", "errors": ["Time-out"]}


class Crash(BaseException):
    """What no handler of ours may catch: the process is gone."""


class RunCommon(MultiserviceCommon, CronMixinCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time("2026-01-31 12:00:00"))
        cls.salesperson = cls._user("ledger_salesperson", "multiservice.group_billing_user")

    def setUp(self):
        super().setUp()
        self.Run = self.env["multiservice.billing.run"]

    def _contracts(self, count, **vals):
        """Contracts of so many different customers."""
        contracts = self.env["multiservice.contract"]
        for index in range(count):
            customer = self._customer(f"Customer {index:02d}")
            contracts |= self._contract(self._line(), partner_id=customer.id, **{"posting_mode": "post", **vals})
        return contracts

    def _break(self, contract):
        """Make the invoices of a contract impossible to post: its income account is archived. `_mend` undoes it."""
        account = self.copy_account(self.company_data["default_account_revenue"])
        product = self._create_product(name="Broken", type="service", property_account_income_id=account)
        contract.line_ids[0].write({"product_id": product.id, "price_unit": 100.0})
        account.active = False

    def _mend(self, contract):
        contract.line_ids[0].product_id.property_account_income_id.active = True

    def _start(self, contracts):
        run = self.Run._create_runs(contracts, "Test", JANUARY)
        run.action_start()
        return run

    def _trigger(self, xml_id=WORKER):
        """Run a scheduled action as the scheduler would; the expected warnings of failures are muted."""
        with self.enter_registry_test_mode(), mute_logger(RUN):
            return self.env.ref(xml_id).sudo().method_direct_trigger()

    def _errors(self, contracts):
        return contracts.activity_ids.filtered(
            lambda activity: activity.activity_type_id == self.env.ref("multiservice.mail_activity_type_billing_error")
        )


@tagged("post_install", "-at_install")
class TestBillingRun(RunCommon):
    def test_one_item_for_each_invoice_address(self):
        address = self._customer("Accounts", type="invoice", parent_id=self.customer.id, is_company=False)
        first = self._contract(invoice_partner_id=self.customer.id)
        second = self._contract(invoice_partner_id=self.customer.id)
        third = self._contract(invoice_partner_id=address.id)
        other = self._contracts(1)
        run = self.Run._create_runs(first + second + third + other, "Test", JANUARY)
        self.assertEqual(
            {item.partner_id: item.contract_ids for item in run.item_ids},
            {self.customer: first + second, address: third, other.partner_id: other},
        )

    def test_what_is_not_due_has_no_item(self):
        contracts = self._contract() + self._contract(date_start=date(2026, 2, 1))
        contracts += self._contract(activate=False)
        run = self.Run._create_runs(contracts, "Test")
        self.assertEqual(run.item_ids.contract_ids, contracts[0])

    def test_a_run_for_each_company(self):
        other = self.setup_other_company(name="Second", country_id=self.france.id)["company"]
        product = self.env["product.product"].create({"name": "Service", "type": "service"})
        foreign = self.env["multiservice.contract"].create(
            {
                "partner_id": self.customer.id,
                "company_id": other.id,
                "date_start": date(2026, 1, 1),
                "line_ids": [Command.create({"product_id": product.id, "price_unit": 10.0})],
            }
        )
        foreign._activate()
        runs = self.Run._create_runs(self._contract() + foreign, "Test", JANUARY)
        self.assertEqual(runs.company_id, self.company + other)
        runs.filtered(lambda run: run.company_id == other)._process_now()
        self.assertEqual(foreign.billable_ids.move_id.company_id, other)
        self.assertEqual(foreign.billable_ids.move_id.journal_id.company_id, other)

    def test_the_button_bills_at_once(self):
        contracts = self._contracts(2)
        with self.capture_triggers(WORKER) as captured:
            action = contracts.with_user(self.salesperson).action_bill()
        run = self.Run.browse(action["res_id"])
        self.assertEqual((run.state, run.done_count, run.move_count), ("done", 2, 2))
        self.assertEqual(run.user_id, self.salesperson)
        self.assertFalse(captured.records)
        self.assertEqual(contracts.last_run_id, run)
        self.assertEqual(run.move_ids.mapped("state"), ["posted", "posted"])
        self.assertEqual((run.amount_untaxed, run.amount_total), (200.0, 240.0))

    def test_the_button_leaves_more_than_twenty_to_the_workers(self):
        contracts = self._contracts(21)
        with self.capture_triggers(WORKER) as captured:
            action = contracts.with_user(self.salesperson).action_bill()
        run = self.Run.browse(action["res_id"])
        self.assertEqual((run.state, run.item_count, run.progress), ("running", 21, 0.0))
        self.assertFalse(run.move_ids)
        self.assertEqual(len(captured.records), 1)
        self._trigger()
        self.assertEqual((run.state, run.done_count, run.progress), ("done", 21, 100.0))
        self.assertEqual(len(run.move_ids), 21)
        self.assertTrue(run.date_done)

    def test_twenty_are_billed_at_once(self):
        contracts = self._contracts(20, posting_mode="draft")
        action = contracts.action_bill()
        self.assertEqual(self.Run.browse(action["res_id"]).state, "done")

    def test_the_button_says_when_nothing_is_due(self):
        contract = self._contract(date_start=date(2026, 2, 1))
        with self.assertRaisesRegex(UserError, "Nothing is due"):
            contract.action_bill()

    def test_a_failing_button_is_told_on_the_run(self):
        contract = self._contracts(1)
        self._break(contract)
        with mute_logger(RUN):
            run = self.Run.browse(contract.action_bill()["res_id"])
        self.assertEqual((run.state, run.failed_count), ("done", 1))
        self.assertIn("archived", run.item_ids.error)

    def test_somebody_else_billed_meanwhile_is_no_error_of_the_contract(self):
        """At the button the request is tried again by the server, as every conflict is."""
        contract = self._contract()
        run = self.Run._create_runs(contract, "Test", JANUARY)
        for error in (SerializationFailure, UniqueViolation):
            with (
                self.subTest(error),
                patch.object(self.registry["multiservice.contract"], "_bill", side_effect=error("conflict")),
                self.assertRaises(error),
                self.env.cr.savepoint(),
            ):
                run._process_now()
        self.assertFalse(contract.billing_error)

    def test_states_go_one_way(self):
        run = self.Run._create_runs(self._contract(), "Test", JANUARY)
        with self.assertRaises(UserError):
            run.action_stop()
        run.action_start()
        with self.assertRaises(UserError):
            run.unlink()

    def test_a_run_never_started_can_be_deleted(self):
        self.Run._create_runs(self._contract(), "Test", JANUARY).unlink()

    def test_the_night_bills_what_is_due(self):
        contract = self._contract(posting_mode="post")
        late = self._contract(date_start=date(2026, 2, 1))
        with self.capture_triggers(WORKER) as captured:
            self._trigger(NIGHTLY)
        run = self.Run.search([("company_id", "=", self.company.id)])
        self.assertEqual((run.state, run.through_date, run.item_ids.contract_ids), ("running", JANUARY, contract))
        self.assertEqual(len(captured.records), 1)
        self._trigger()
        self.assertEqual(run.state, "done")
        self.assertLedger(contract, [("2026-01-01", "2026-01-31", 100.0)])
        self.assertEqual(run.move_ids.state, "posted")
        self.assertFalse(late.billable_ids)
        self._trigger(NIGHTLY)
        self._trigger()
        self.assertEqual(self.Run.search([("company_id", "=", self.company.id)]), run, "nothing due, no run")
        self.assertEqual(len(contract.billable_ids), 1)

    def test_the_night_ends_what_is_over(self):
        contract = self._contract(date_end=date(2026, 1, 15))
        self._bill(contract, JANUARY)
        self._trigger(NIGHTLY)
        self.assertEqual(contract.state, "ended")

    def test_a_broken_contract_does_not_stop_the_others(self):
        contracts = self._contracts(20)
        broken = contracts[7]
        broken.user_id = self.salesperson
        self._break(broken)
        run = self._start(contracts)
        self._trigger()
        self.assertEqual((run.state, run.done_count, run.failed_count), ("done", 19, 1))
        self.assertEqual(len(run.move_ids), 19)
        self.assertEqual(set(run.move_ids.mapped("state")), {"posted"})
        item = run.item_ids.filtered(lambda item: item.state == "failed")
        self.assertEqual((item.contract_ids, item.culprit_ids), (broken, broken))
        self.assertIn("archived", item.error)
        self.assertEqual(broken.billing_error, item.error)
        self.assertFalse(broken.billable_ids)
        self.assertEqual(self._errors(contracts).user_id, self.salesperson)

        # Again, and the next night: still one activity.
        run.action_retry()
        self._trigger()
        self._trigger(NIGHTLY)
        self._trigger()
        self.assertEqual(len(self._errors(contracts)), 1)

        self._mend(broken)
        run.action_retry()
        self._trigger()
        self.assertEqual((run.state, run.done_count, run.failed_count), ("done", 20, 0))
        self.assertFalse(item.error)
        self.assertFalse(broken.billing_error)
        self.assertFalse(self._errors(contracts))
        self.assertLedger(broken, [("2026-01-01", "2026-01-31", 100.0)])
        self.assertEqual(len(contracts.billable_ids), 20, "the others were not billed again")

    def test_an_archived_journal_fails_its_contract_only(self):
        journal = self.company_data["default_journal_sale"].copy({"code": "SVC"})
        contracts = self._contracts(3)
        contracts[1].journal_id = journal
        journal.active = False
        run = self._start(contracts)
        self._trigger()
        self.assertEqual((run.done_count, run.failed_count), (2, 1))
        self.assertIn("archived journal", contracts[1].billing_error)

    def test_without_a_salesperson_the_runs_user_is_told(self):
        contract = self._contracts(1, user_id=False)
        self._break(contract)
        run = self._start(contract)
        self._trigger()
        self.assertEqual(self._errors(contract).user_id, run.user_id)

    def test_a_broken_contract_fails_its_merged_group_and_is_named(self):
        contracts = self.env["multiservice.contract"].union(
            *(self._contract(grouping="customer", posting_mode="post") for _i in range(3))
        )
        self._break(contracts[1])
        run = self._start(contracts)
        self._trigger()
        item = run.item_ids
        self.assertEqual((item.state, item.culprit_ids), ("failed", contracts[1]))
        self.assertFalse(contracts.billable_ids)
        self.assertFalse(run.move_ids)
        self.assertEqual(contracts.filtered("billing_error"), contracts[1])
        self.assertEqual(self._errors(contracts).res_id, contracts[1].id)

    def test_contracts_that_share_no_invoice_do_not_fail_together(self):
        """One customer, one invoice per contract: the broken one alone is left out."""
        contracts = self.env["multiservice.contract"].union(
            *(self._contract(grouping="contract", posting_mode="post") for _i in range(3))
        )
        self._break(contracts[1])
        run = self._start(contracts)
        self._trigger()
        self.assertEqual((run.item_ids.state, run.item_ids.culprit_ids), ("failed", contracts[1]))
        self.assertEqual(run.move_ids.service_contract_ids, contracts[0] + contracts[2])
        self.assertEqual(contracts.filtered("billing_error"), contracts[1])

    def test_spared_contracts_that_fail_together_do_not_stop_the_worker(self):
        contracts = self.env["multiservice.contract"].union(
            *(self._contract(grouping=g, posting_mode="post") for g in ("contract", "customer", "customer"))
        )
        self._break(contracts[0])
        others = self._contracts(2)
        run = self._start(contracts + others)
        bill = self.registry["multiservice.contract"]._bill

        def bill_one_by_one(records, *args):
            if records.partner_id == self.customer and len(records) > 1:
                raise ValueError("Not together")
            return bill(records, *args)

        logger = "odoo.addons.multiservice.models.billing_run_item"
        with (
            patch.object(self.registry["multiservice.contract"], "_bill", bill_one_by_one),
            self.assertLogs(logger, "WARNING") as logs,
        ):
            self._trigger()
        self.assertIn("fail together", logs.output[0])
        self.assertEqual((run.state, run.done_count, run.failed_count), ("done", 2, 1))
        self.assertEqual(run.move_ids.service_contract_ids, others)
        self.assertIn(contracts[0], contracts.filtered("billing_error"))

    def test_stop_and_go_on(self):
        run = self._start(self._contracts(3))
        Item = self.registry["multiservice.billing.run.item"]
        work = Item._work

        def work_then_stop(items):
            work(items)
            items.run_id.action_stop()

        with patch(f"{RUN}.CHUNK", 1), patch.object(Item, "_work", work_then_stop):
            self._trigger()
        self.assertEqual((run.state, run.done_count), ("stopped", 1))
        self._trigger()
        self.assertEqual((run.state, run.done_count), ("stopped", 1), "a stopped run is left alone")
        with self.capture_triggers(WORKER) as captured:
            run.action_start()
        self.assertTrue(captured.records)
        self._trigger()
        self.assertEqual((run.state, run.done_count, len(run.move_ids)), ("done", 3, 3))

    def test_an_interrupted_run_is_taken_up(self):
        contracts = self._contracts(4)
        run = self._start(contracts)
        Item = self.registry["multiservice.billing.run.item"]
        work, calls = Item._work, []

        def work_then_crash(items):
            work(items)
            calls.append(items)
            if len(calls) == 2:
                raise Crash

        with (
            patch(f"{RUN}.CHUNK", 1),
            patch.object(Item, "_work", work_then_crash),
            self.enter_registry_test_mode(),
            contextlib.suppress(Crash),
            self.registry.cursor() as cursor,
        ):
            for _loop in range(4):
                self.Run.with_env(self.env(cr=cursor))._cron_work()
        self.assertEqual(len(calls), 2)
        self.assertEqual((run.state, run.done_count), ("running", 1), "what was committed stays, no more")
        self.assertEqual(len(contracts.billable_ids), 1)
        self._trigger()
        self.assertEqual((run.state, run.done_count), ("done", 4))
        self.assertEqual(len(contracts.billable_ids), 4)
        self.assertEqual(len(run.move_ids), 4)

    def test_a_conflict_is_planned_again_and_blames_nobody(self):
        for error in (SerializationFailure, UniqueViolation):
            with self.subTest(error):
                contracts = self._contracts(2)
                run = self._start(contracts)
                Contract = self.registry["multiservice.contract"]
                bill, errors = Contract._bill, [error("conflict")]

                def bill_at_second_try(records, *args, bill=bill, errors=errors):
                    if errors:
                        raise errors.pop()
                    return bill(records, *args)

                with patch.object(Contract, "_bill", bill_at_second_try):
                    self._trigger()
                self.assertEqual((run.state, run.done_count, run.failed_count), ("done", 2, 0))
                self.assertEqual(run.item_ids.mapped("attempts"), [0, 0], "counted for those that meet it alone")
                self.assertFalse(contracts.filtered("billing_error"))
                self.assertEqual(len(contracts.billable_ids), 2)

    def test_a_conflict_that_never_ends_is_given_up(self):
        contract = self._contracts(1)
        run = self._start(contract)
        with patch.object(
            self.registry["multiservice.contract"], "_bill", side_effect=SerializationFailure("conflict")
        ):
            for _i in range(MAX_ATTEMPTS):
                self._trigger()
        self.assertEqual((run.state, run.item_ids.state), ("done", "failed"))
        self.assertIn(f"{MAX_ATTEMPTS} times in a row", run.item_ids.error)
        run.action_retry()
        self._trigger()
        self.assertEqual((run.state, run.item_ids.state), ("done", "done"))

    def test_a_conflict_of_one_is_not_counted_on_its_neighbours(self):
        bad, good = contracts = self._contracts(2)
        run = self._start(contracts)
        Contract = self.registry["multiservice.contract"]
        bill = Contract._bill

        def never_bill_the_bad(records, *args):
            if bad.id in records.ids:
                raise UniqueViolation("somebody else's key")
            return bill(records, *args)

        with patch.object(Contract, "_bill", never_bill_the_bad):
            for _i in range(MAX_ATTEMPTS):
                self._trigger()
        self.assertEqual((run.done_count, run.failed_count), (1, 1))
        self.assertEqual(contracts.filtered("billing_error"), bad)
        self.assertEqual(len(good.billable_ids), 1)

    def test_a_conflict_while_the_culprit_is_looked_for_blames_nobody(self):
        contract = self._contracts(1)
        other = self._contract(self._line(), partner_id=contract.partner_id.id, posting_mode="post")
        run = self._start(contract + other)
        errors = [SerializationFailure("conflict"), UserError("broken"), UserError("broken")]
        Contract = self.registry["multiservice.contract"]
        bill = Contract._bill

        def fail_then_bill(records, *args):
            if errors:
                raise errors.pop()
            return bill(records, *args)

        with patch.object(Contract, "_bill", fail_then_bill):
            self._trigger()
            self._trigger()
        self.assertFalse((contract + other).filtered("billing_error"))
        self.assertEqual((run.done_count, run.failed_count), (1, 0))

    def test_a_lost_connection_ends_the_worker(self):
        """The scheduler starts it again: nothing is recorded on the contract."""
        contract = self._contracts(1)
        run = self._start(contract)
        lost = patch.object(
            self.registry["multiservice.billing.run.item"],
            "try_lock_for_update",
            side_effect=DatabaseError("server closed the connection unexpectedly"),
        )
        with (
            lost,
            self.enter_registry_test_mode(),
            self.registry.cursor() as cursor,
            self.assertRaises(DatabaseError),
        ):
            self.Run.with_env(self.env(cr=cursor))._cron_work()
        self.assertFalse(contract.billing_error)
        self._trigger()
        self.assertEqual((run.state, run.done_count), ("done", 1))

    def test_several_workers_share_what_is_left(self):
        self.assertEqual(self.Run._chunk_size(1000), 40)
        self.assertEqual(self.Run._chunk_size(5), 40, "one worker alone takes all it can")
        self.Run._workers()[:2].active = True
        sizes = [self.Run._chunk_size(waiting) for waiting in (1000, 100, 5)]
        self.assertEqual(sizes, [40, 25, 10])

    def test_starting_wakes_the_active_workers(self):
        second = self.env.ref("multiservice.ir_cron_billing_worker_2").sudo()
        third = self.env.ref("multiservice.ir_cron_billing_worker_3").sudo()
        second.active = True
        with self.capture_triggers() as captured:
            self._start(self._contract())
        self.assertIn(second, captured.records.cron_id)
        self.assertNotIn(third, captured.records.cron_id)

    def test_the_second_of_two_runs_over_the_same_contracts_bills_nothing(self):
        contracts = self._contracts(2)
        first, second = self._start(contracts), self._start(contracts)
        self._trigger()
        self.assertEqual((first.state, second.state), ("done", "done"))
        self.assertEqual(len(first.move_ids + second.move_ids), 2)
        self.assertEqual(len(contracts.billable_ids), 2)

    def test_failures_can_be_retried_while_the_run_works(self):
        contracts = self._contracts(3)
        self._break(contracts[0])
        run = self._start(contracts)
        with (
            patch(f"{RUN}.CHUNK", 1),
            patch(f"{RUN}.POOL", 1),
            patch("odoo.addons.base.models.ir_cron.MIN_RUNS_PER_JOB", 1),
            patch("odoo.addons.base.models.ir_cron.MIN_TIME_PER_JOB", 0),
        ):
            self._trigger()
        self.assertEqual((run.state, run.failed_count, run.done_count), ("running", 1, 0))
        self._mend(contracts[0])
        run.action_retry()
        run.item_ids.filtered(lambda item: item.state == "failed").action_retry()
        self._trigger()
        self.assertEqual((run.state, run.done_count), ("done", 3))

    def test_one_item_can_be_retried(self):
        contract = self._contracts(1)
        self._break(contract)
        run = self._start(contract)
        self._trigger()
        self._mend(contract)
        run.item_ids.action_retry()
        self.assertEqual(run.state, "running")
        self._trigger()
        self.assertEqual((run.state, run.item_ids.state), ("done", "done"))

    def test_posting_mode_of_the_company(self):
        self.company.service_posting_mode = "post"
        contracts = self._contracts(2, posting_mode=False)
        contracts[1].posting_mode = "draft"
        run = self._start(contracts)
        self._trigger()
        self.assertEqual(run.move_ids.sorted("id").mapped("state"), ["posted", "draft"])

    def test_summary_in_the_chatter(self):
        run = self._start(self._contracts(2))
        self._trigger()
        self.assertIn("2 / 2", run.message_ids[0].body)
        self.assertIn("200.00", run.message_ids[0].body)

    def test_a_run_is_done_even_if_its_summary_fails(self):
        run, other = self._start(self._contracts(1)), self._start(self._contracts(1))
        post_summary = type(run)._post_summary

        def fails_for_the_first(summarised, users):
            if summarised == run:
                raise ValueError("No such template")
            return post_summary(summarised, users)

        with patch.object(type(run), "_post_summary", fails_for_the_first), mute_logger(RUN):
            self._trigger()
        self.assertEqual((run | other).mapped("state"), ["done", "done"])
        self.assertEqual(run.done_count, 1)
        self.assertIn("No such template", run.message_ids[0].body)
        self.assertIn("1 / 1", other.message_ids[0].body)


@tagged("post_install", "-at_install")
class TestBillingSending(RunCommon, MockEmail):
    def _send(self):
        with self.mock_mail_gateway():
            self._trigger(SENDING)

    def _billed(self, mode, **vals):
        contract = self._contracts(1, posting_mode=mode, **vals)
        with self.capture_triggers(SENDING) as captured:
            run = self._bill(contract, JANUARY)
        self.assertEqual(bool(captured.records), mode in ("send", "print"))
        return run

    def test_post_and_send_queues_with_the_salesperson_as_author(self):
        run = self._billed("send", user_id=self.salesperson.id)
        move = run.move_ids
        self.assertEqual(move.state, "posted")
        self.assertEqual(move.sending_data["author_user_id"], self.salesperson.id)
        self.assertEqual(move.sending_data["author_partner_id"], self.salesperson.partner_id.id)
        self.assertFalse(run.unsent_move_ids, "still in the queue")
        self._send()
        self.assertFalse(move.sending_data)
        self.assertTrue(move.is_move_sent)
        self.assertTrue(move.invoice_pdf_report_id)
        mail = self._new_mails.filtered(lambda mail: mail.model == "account.move")
        self.assertEqual(mail.recipient_ids, move.partner_id)
        self.assertEqual(mail.author_id, self.salesperson.partner_id)
        self.assertFalse(run.unsent_move_ids)

    def test_drafts_and_posted_invoices_are_not_queued(self):
        for mode in ("draft", "post"):
            with self.subTest(mode):
                run = self._billed(mode)
                self.assertFalse(run.move_ids.sending_data)
                self.assertFalse(run.unsent_move_ids)

    def test_post_and_print_makes_the_pdf_and_no_mail(self):
        run = self._billed("print")
        self.assertEqual(run.to_print_count, 0)
        self._send()
        move = run.move_ids
        self.assertTrue(move.invoice_pdf_report_id)
        self.assertFalse(self._new_mails.filtered(lambda mail: mail.model == "account.move"))
        self.assertEqual(run.to_print_count, 1)
        self.assertFalse(run.unsent_move_ids)

    def test_a_customer_without_e_mail_is_to_print(self):
        run = self._billed("send")
        run.move_ids.partner_id.email = False
        self._send()
        self.assertFalse(self._new_mails.filtered(lambda mail: mail.model == "account.move"))
        self.assertTrue(run.move_ids.invoice_pdf_report_id)
        self.assertEqual(run.to_print_count, 1)

    def test_an_invoice_that_is_sent_is_not_to_print(self):
        run = self._billed("send")
        self._send()
        self.assertEqual(run.to_print_count, 0)
        with self.assertRaises(UserError):
            run.action_print_batch()

    def test_the_batch_is_one_pdf(self):
        contracts = self._contracts(2, posting_mode="print")
        run = self._bill(contracts, JANUARY)
        self._send()
        for pages, move in enumerate(run.move_ids, start=1):
            move.invoice_pdf_report_id.raw = self._pdf(pages)
        action = run.action_print_batch()
        attachment = self.env["ir.attachment"].browse(
            int(action["url"].removeprefix("/web/content/").partition("?")[0])
        )
        self.assertEqual(attachment.mimetype, "application/pdf")
        self.assertEqual((attachment.res_model, attachment.res_id), (run._name, run.id))
        self.assertEqual(len(PdfFileReader(io.BytesIO(attachment.raw)).pages), 3)

    def _pdf(self, pages):
        writer, stream = PdfFileWriter(), io.BytesIO()
        for _page in range(pages):
            writer.addBlankPage(100, 100)
        writer.write(stream)
        return stream.getvalue()

    def _fail_documents(self):
        def fail(_service, _invoice, invoice_data):
            invoice_data["error"] = ARCHIVE_ERROR

        return patch.object(self.registry["account.move.send"], "_hook_invoice_document_before_pdf_report_render", fail)

    def test_a_failed_sending_is_listed_and_retried(self):
        run = self._billed("send")
        move = run.move_ids
        with self._fail_documents():
            self._send()
        self.assertFalse(move.sending_data, "core gave up")
        self.assertEqual((run.unsent_move_ids, run.unsent_count), (move, 1))
        with self.capture_triggers(SENDING) as captured:
            run.action_retry_sending()
        self.assertTrue(captured.records)
        self.assertTrue(move.sending_data)
        self.assertFalse(run.unsent_move_ids)
        self._send()
        self.assertTrue(move.is_move_sent)
        self.assertFalse(run.unsent_move_ids)

    def test_a_bounced_mail_is_listed_until_it_was_sent_again(self):
        run = self._billed("send")
        move = run.move_ids
        self._send()
        message = move.message_ids.filtered("notification_ids")[:1]
        message.sudo().notification_ids.notification_status = "bounce"
        run.invalidate_recordset()
        self.assertEqual(run.with_user(self.salesperson).unsent_move_ids, move)
        run.action_retry_sending()
        self._send()
        self.assertGreater(len(move.message_ids.filtered("notification_ids")), 1)
        run.invalidate_recordset()
        self.assertFalse(run.unsent_move_ids, "the second mail left")

    def test_a_bad_invoice_does_not_hold_up_the_queue(self):
        bad, good = self._billed("send"), self._billed("send")

        def fail(_service, invoice, invoice_data):
            if invoice.id == bad.move_ids.id:
                invoice_data["error"] = ARCHIVE_ERROR

        with patch.object(self.registry["account.move.send"], "_hook_invoice_document_before_pdf_report_render", fail):
            self._send()
        self.assertTrue(good.move_ids.is_move_sent)
        self.assertEqual(bad.unsent_move_ids, bad.move_ids)
        self.assertFalse(good.unsent_move_ids)

    def test_an_invoice_that_raises_holds_up_no_other(self):
        """Core sets a report that is none of an invoice against the whole batch, again and again."""
        bad, good = self._billed("send"), self._billed("send")
        bad.move_ids.partner_id.invoice_template_pdf_report_id = self.env["ir.actions.report"].create(
            {"name": "No invoice", "model": "account.move", "report_name": "multiservice.no_report"}
        )
        with mute_logger(SENDING_LOG):
            self._send()
        self.assertTrue(good.move_ids.is_move_sent)
        self.assertFalse(bad.move_ids.is_move_sent)
        self.assertFalse(bad.move_ids.sending_data, "out of the queue")
        self.assertEqual(bad.unsent_move_ids, bad.move_ids)
        self.assertIn("not set up properly", bad.move_ids.message_ids[0].body)

    def test_an_invoice_in_other_hands_stays_in_the_queue(self):
        run = self._billed("send")
        conflict = patch.object(
            self.registry["account.move.send"],
            "_generate_and_send_invoices",
            side_effect=SerializationFailure("conflict"),
        )
        with conflict, mute_logger("odoo.addons.base.models.ir_cron"):
            self._send()
        self.assertTrue(run.move_ids.sending_data)
        self.assertFalse(run.unsent_move_ids)
        self._send()
        self.assertTrue(run.move_ids.is_move_sent)

    def test_two_senders_share_a_short_queue(self):
        self.Run._senders().active = True
        self._bill(self._contracts(3, posting_mode="send"), JANUARY)
        sent, Service = [], self.registry["account.move.send"]
        generate = Service._generate_and_send_invoices

        def count(service, moves, **options):
            sent.append(len(moves))
            return generate(service, moves, **options)

        with patch.object(Service, "_generate_and_send_invoices", count):
            self._send()
        self.assertEqual(sent, [2, 1])

    def test_queueing_wakes_the_active_senders(self):
        second = self.env.ref("multiservice.ir_cron_sending_worker_2").sudo()
        second.active = True
        with self.capture_triggers() as captured:
            self._bill(self._contracts(1, posting_mode="send"), JANUARY)
        self.assertIn(second, captured.records.cron_id)
