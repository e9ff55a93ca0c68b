from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import MultiserviceCommon

JANUARY, FEBRUARY, MARCH, APRIL = (date(2026, month, 28) for month in (1, 2, 3, 4))


@tagged("post_install", "-at_install")
class TestSuspension(MultiserviceCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time("2026-04-15 12:00:00"))

    def _suspend(self, contract, start, end=None, **vals):
        return self.env["multiservice.suspension"].create(
            {"contract_id": contract.id, "date_start": start, "date_end": end, "reason": "Works", **vals}
        )

    def _billed(self, contract):
        """The held amount of each month."""
        sums = {}
        for row in contract.billable_ids.filtered("held"):
            sums[row.period_start.month] = round(sums.get(row.period_start.month, 0) + row.amount, 2)
        return sums

    def test_days_that_were_prepaid_are_credited(self):
        contract = self._contract(self._line(price=280.0))
        self._bill(contract, FEBRUARY)
        suspension = self._suspend(contract, date(2026, 2, 10), date(2026, 2, 16))
        self.assertIn("the days from 02/10/2026 to 02/16/2026 are credited", suspension.consequence)
        run = self._bill(contract, FEBRUARY)
        self.assertEqual(run.move_ids.move_type, "out_refund")
        self.assertEqual(run.move_ids.amount_untaxed, 70.0)
        self.assertIn("Suspended from 02/10/2026 to 02/16/2026", run.move_ids.invoice_line_ids.name)
        self.assertEqual(self._billed(contract), {1: 280.0, 2: 210.0})
        self.assertFalse(self._bill(contract, FEBRUARY), "once")
        suspension.invalidate_recordset(["consequence"])
        self.assertIn("has been credited", suspension.consequence)

    def test_days_to_come_are_not_billed(self):
        contract = self._contract(self._line(price=280.0))
        suspension = self._suspend(contract, date(2026, 2, 10), date(2026, 2, 16))
        self.assertIn("Nothing that was billed changes", suspension.consequence)
        run = self._bill(contract, FEBRUARY)
        self.assertEqual(self._billed(contract), {1: 280.0, 2: 210.0})
        february = run.move_ids.invoice_line_ids.filtered(lambda line: line.service_start.month == 2)
        self.assertIn("21/28 days × ", february.name)
        self.assertIn("Suspended from 02/10/2026 to 02/16/2026", february.name)

    def test_open_then_resumed(self):
        contract = self._contract(self._line(price=280.0))
        self._bill(contract, JANUARY)
        suspension = self._suspend(contract, date(2026, 2, 8))
        self._bill(contract, FEBRUARY)
        self.assertEqual(self._billed(contract), {1: 280.0, 2: 70.0})
        self.assertFalse(contract.next_billing_date)
        self.assertTrue(contract.is_suspended)
        self.assertFalse(self._bill(contract, APRIL))
        suspension.action_resume()
        self.assertEqual(suspension.date_end, date(2026, 4, 14))
        self.assertFalse(contract.is_suspended)
        self._bill(contract, date(2026, 4, 30))
        self.assertEqual(self._billed(contract), {1: 280.0, 2: 70.0, 4: round(280 * 16 / 30, 2)})

    def test_resumed_on_the_day_it_begins(self):
        contract = self._contract()
        suspension = self._suspend(contract, date(2026, 4, 15))
        suspension.action_resume()
        self.assertFalse(suspension.exists())
        self.assertFalse(contract.is_suspended)

    def test_shortened_and_taken_back(self):
        contract = self._contract(self._line(price=280.0))
        suspension = self._suspend(contract, date(2026, 2, 1), date(2026, 2, 28))
        self._bill(contract, FEBRUARY)
        self.assertEqual(self._billed(contract), {1: 280.0})
        suspension.date_end = date(2026, 2, 14)
        self._bill(contract, FEBRUARY)
        self.assertEqual(self._billed(contract), {1: 280.0, 2: 140.0})
        suspension.unlink()
        self._bill(contract, FEBRUARY)
        self.assertEqual(self._billed(contract), {1: 280.0, 2: 280.0})
        messages = "".join(contract.message_ids.mapped("body"))
        for said in ("Suspended: ", "Suspension changed: ", "Suspension taken back: "):
            self.assertIn(said, messages)

    def test_moved_to_other_days(self):
        contract = self._contract(self._line(price=280.0))
        suspension = self._suspend(contract, date(2026, 2, 1), date(2026, 2, 7))
        self._bill(contract, MARCH)
        suspension.write({"date_start": date(2026, 3, 1), "date_end": date(2026, 3, 31)})
        self._bill(contract, MARCH)
        self.assertEqual(self._billed(contract), {1: 280.0, 2: 280.0, 3: 0.0})

    def test_drafts_are_corrected_not_rewritten(self):
        contract = self._contract(self._line(price=280.0))
        draft = self._bill(contract, JANUARY).move_ids
        self._suspend(contract, date(2026, 1, 1), date(2026, 1, 31))
        self.assertEqual(draft.amount_untaxed, 280.0)
        draft.unlink()
        self.assertFalse(self._bill(contract, JANUARY), "nothing is due for days that are suspended")

    def test_one_site(self):
        contract = self._contract(
            self._line(site_id=self.site_a.id, price=280.0), self._line(site_id=self.site_b.id, price=100.0)
        )
        self._suspend(contract, date(2026, 2, 1), date(2026, 2, 28), site_id=self.site_a.id)
        self._bill(contract, FEBRUARY)
        self.assertEqual(self._billed(contract), {1: 380.0, 2: 100.0})
        self.assertFalse(contract.is_suspended)

    def test_one_service_with_the_line_that_replaces_it(self):
        contract = self._contract(self._line(price=280.0), self._line(price=100.0))
        first = contract.line_ids[0]
        first._replace_from(date(2026, 2, 15), {"price_unit": 560.0})
        self._suspend(contract, date(2026, 2, 8), date(2026, 2, 21), line_id=first.id)
        self._bill(contract, FEBRUARY)
        self.assertEqual(self._billed(contract), {1: 380.0, 2: 70.0 + 140.0 + 100.0})

    def test_one_off_services_are_not_concerned(self):
        contract = self._contract(
            self._line(price=280.0), self._line(price=50.0, pricing="one_off", date_start=date(2026, 2, 3))
        )
        self._suspend(contract, date(2026, 2, 1), date(2026, 2, 28))
        self._bill(contract, FEBRUARY)
        self.assertEqual(self._billed(contract), {1: 280.0, 2: 50.0})

    def test_prolongs_the_contract(self):
        contract = self._contract(date_end=date(2026, 6, 30))
        suspension = self._suspend(contract, date(2026, 2, 1), prolong=True)
        self.assertEqual(contract.date_end, date(2026, 6, 30), "not known yet by how much")
        suspension.date_end = date(2026, 2, 10)
        self.assertEqual((contract.date_end, suspension.days_added), (date(2026, 7, 10), 10))
        suspension.date_end = date(2026, 2, 4)
        self.assertEqual((contract.date_end, suspension.days_added), (date(2026, 7, 4), 4))
        suspension.unlink()
        self.assertEqual(contract.date_end, date(2026, 6, 30))

    def test_what_is_refused_changes_nothing(self):
        contract = self._contract(self._line(site_id=self.site_a.id), self._line(site_id=self.site_b.id))
        self._suspend(contract, date(2026, 2, 1), date(2026, 2, 28), site_id=self.site_a.id)
        one_off = self._contract(self._line(pricing="one_off"))
        taken_over = self._contract(billed_until=date(2026, 3, 31))
        cancelled = self._contract(activate=False)
        cancelled.action_cancel()
        cases = [
            ("overlap: change the days", contract, {"date_start": date(2026, 2, 28), "date_end": None}),
            ("Nothing of contract", one_off, {}),
            ("billed by the previous system until 03/31/2026", taken_over, {"date_start": date(2026, 3, 31)}),
            ("is cancelled", cancelled, {}),
            (
                "Only the suspension of a whole contract",
                contract,
                {"prolong": True, "site_id": self.site_b.id, "date_start": date(2026, 3, 1)},
            ),
        ]
        for message, of_contract, vals in cases:
            vals = {"contract_id": of_contract.id, "date_start": date(2026, 2, 1), "reason": "Works", **vals}
            with self.subTest(message), self.assertRaisesRegex(ValidationError, message), self.cr.savepoint():
                self.env["multiservice.suspension"].create(vals)
        self._suspend(contract, date(2026, 2, 1), date(2026, 2, 28), site_id=self.site_b.id)

    def test_a_service_that_moves_to_a_site_in_service_is_billed(self):
        contract = self._contract(self._line(site_id=self.site_a.id))
        contract.line_ids.copy({"site_id": self.site_a.id})
        self._suspend(contract, date(2026, 1, 1), site_id=self.site_a.id)
        line = contract.line_ids[0]
        self.assertFalse(line.next_billing_date)
        line.site_id = self.site_b
        self.assertEqual(line.next_billing_date, date(2026, 1, 1))

    def test_days_billed_afterwards_say_what_was_billed_of_their_period(self):
        contract = self._contract(self._line(price=280.0))
        suspension = self._suspend(contract, date(2026, 2, 8))
        self._bill(contract, FEBRUARY)
        suspension.date_end = date(2026, 2, 14)
        added = self._bill(contract, FEBRUARY).move_ids.invoice_line_ids
        self.assertEqual((added.price_subtotal, added.service_start), (140.0, date(2026, 2, 15)))
        self.assertIn("21/28 days × ", added.name)
        self.assertRegex(added.name, "less .*70.00.* billed before")

    def test_the_suspension_stays_with_the_line_that_was_replaced(self):
        contract = self._contract(self._line(price=280.0))
        first = contract.line_ids
        successor = first._replace_from(date(2026, 3, 1), {"price_unit": 560.0})
        suspension = self._suspend(contract, date(2026, 2, 1), date(2026, 3, 31), line_id=successor.id)
        self._bill(contract, FEBRUARY)
        successor.unlink()
        self.assertEqual(suspension.line_id, first)
        contract._end_on(date(2026, 4, 30))
        first._end_on(None)
        self._bill(contract, date(2026, 4, 30))
        self.assertEqual(self._billed(contract), {1: 280.0, 4: 280.0})

    def test_it_goes_with_a_line_that_is_deleted(self):
        contract = self._contract(self._line(price=280.0), self._line(price=100.0))
        suspension = self._suspend(contract, date(2026, 2, 1), line_id=contract.line_ids[0].id)
        contract.line_ids[0].unlink()
        self.assertFalse(suspension.exists())
        self.assertIn("Suspension taken back: ", "".join(contract.message_ids.mapped("body")))

    def test_a_suspension_stays_with_its_contract(self):
        suspension = self._suspend(self._contract(), date(2026, 2, 1))
        with self.assertRaisesRegex(UserError, "stays with its contract"):
            suspension.contract_id = self._contract()

    def test_an_end_set_by_hand_is_not_moved_any_more(self):
        contract = self._contract(date_end=date(2026, 6, 30))
        suspension = self._suspend(contract, date(2026, 2, 1), date(2026, 2, 10), prolong=True)
        self.assertEqual(contract.date_end, date(2026, 7, 10))
        self.env["multiservice.line.end"].create(
            {"contract_id": contract.id, "date_end": date(2026, 5, 31)}
        ).action_confirm()
        suspension.date_end = date(2026, 2, 4)
        self.assertEqual(contract.date_end, date(2026, 5, 31))
        suspension.unlink()
        self.assertEqual(contract.date_end, date(2026, 5, 31))
        self._suspend(contract, date(2026, 3, 1), date(2026, 3, 2), prolong=True)
        self.assertEqual(contract.date_end, date(2026, 6, 2))

    def test_prolongs_the_term_too(self):
        terms = {"term_months": 12, "renewal_months": 12, "notice_months": 1}
        express = self._contract(renewal="express", **terms)
        tacit = self._contract(**terms)
        for contract in express | tacit:
            self._suspend(contract, date(2026, 2, 1), date(2026, 2, 10), prolong=True)
            self.assertEqual(contract.term_end, date(2027, 1, 10))
        self.assertEqual(express.date_end, date(2027, 1, 10))
        self.assertEqual(tacit.refusal_deadline, date(2026, 12, 10))
        express.action_renew()
        self.assertEqual((express.term_end, express.date_end), (date(2028, 1, 10), date(2028, 1, 10)))
        tacit.suspension_ids.date_end = date(2026, 2, 4)
        self.assertEqual((tacit.term_end, tacit.date_end), (date(2027, 1, 4), False))
        tacit.suspension_ids.unlink()
        self.assertEqual(tacit.term_end, date(2026, 12, 31))

    def test_form(self):
        contract = self._contract(self._line(site_id=self.site_a.id, price=280.0))
        action = contract.action_suspend()
        biller = self._user("s_billing_user", "multiservice.group_billing_user")
        form = Form(self.env["multiservice.suspension"].with_user(biller).with_context(**action["context"]))
        form.date_start = date(2026, 2, 1)
        form.reason = "Closed for works"
        suspension = form.save()
        self.assertEqual(suspension.display_name, f"{contract.name} (from 02/01/2026)")
        self.assertEqual(contract.suspension_count, 1)
        self.assertEqual(contract.action_view_suspensions()["res_id"], suspension.id)
        self.assertIn(contract, contract.search([("suspension_ids.date_end", "=", False)]))

    def test_form_while_typing(self):
        contract = self._contract(self._line(price=280.0))
        self._bill(contract, FEBRUARY)
        suspension = self._suspend(contract, date(2026, 2, 1), line_id=contract.line_ids.id)
        form = Form(suspension)
        form.date_start = date(2026, 2, 10)
        self.assertIn("the days from 02/10/2026 to 02/28/2026 are credited", form.consequence)
        form.date_end = date(2026, 2, 9)
        form.date_start = False
        self.assertFalse(form.consequence)
        form = Form(self.env["multiservice.suspension"])
        form.date_start = date(2026, 2, 1)
        form.contract_id = contract
        form.line_id = contract.line_ids
        self.assertIn("are credited", form.consequence)

    def test_planners_see_and_billing_users_decide(self):
        suspension = self._suspend(self._contract(), date(2026, 2, 1))
        planner = self._user("s_planner", "multiservice.group_planner")
        technician = self._user("s_technician", "multiservice.group_technician")
        self.assertEqual(suspension.with_user(planner).reason, "Works")
        acts = [
            lambda: suspension.with_user(technician).read(["reason"]),
            lambda: suspension.with_user(planner).write({"date_end": date(2026, 3, 1)}),
            lambda: suspension.with_user(planner).unlink(),
        ]
        for act in acts:
            with mute_logger("odoo.addons.base.models.ir_model"), self.assertRaises(AccessError):
                act()

    def test_other_companies_see_nothing_of_it(self):
        suspension = self._suspend(self._contract(), date(2026, 2, 1))
        other = self.env["res.company"].create({"name": "Other company"})
        stranger = self._user("s_stranger", "multiservice.group_manager")
        stranger.write({"company_ids": [(6, 0, other.ids)], "company_id": other.id})
        self.assertFalse(self.env["multiservice.suspension"].with_user(stranger).search([("id", "=", suspension.id)]))
