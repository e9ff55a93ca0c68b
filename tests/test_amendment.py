from datetime import date, timedelta
from random import Random

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import MultiserviceCommon

JANUARY, FEBRUARY, MARCH, APRIL = (date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30))


class AmendmentCommon(MultiserviceCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time("2026-04-15 12:00:00"))
        cls.reason = cls.env.ref("multiservice.termination_reason_price")

    def _amendment(self, contract, day, *changes, **vals):
        return self.env["multiservice.amendment"].create(
            {
                "contract_id": contract.id,
                "date_effect": day,
                "change_ids": [Command.create(change) for change in changes],
                **vals,
            }
        )

    def _apply(self, contract, day, *changes, **vals):
        amendment = self._amendment(contract, day, *changes, accepted_by="A. Client", **vals)
        amendment.action_accept()
        amendment.action_apply()
        return amendment

    def _billed(self, contract):
        """The held amount of each month."""
        sums = {}
        for row in contract.billable_ids.filtered("held"):
            sums[row.period_start.month] = round(sums.get(row.period_start.month, 0) + row.amount, 2)
        return sums

    def _cron(self, day):
        with freeze_time(f"{day} 03:00:00"), self.enter_registry_test_mode():
            self.env.ref("multiservice.ir_cron_amendments").sudo().method_direct_trigger()
        self.env.invalidate_all()

    def _pay(self, moves):
        register = self.env["account.payment.register"].with_context(active_model="account.move", active_ids=moves.ids)
        register.create({"group_payment": False}).action_create_payments()
        self.assertFalse(any(moves.mapped("amount_residual")))


@tagged("post_install", "-at_install")
class TestAmendment(AmendmentCommon):
    """An amendment as a document: its states, and what each kind of change does to the contract and the money."""

    def test_numbers_and_states(self):
        contract = self._contract()
        change = {"kind": "end_line", "line_id": contract.line_ids.id}
        first, second = (self._amendment(contract, date(2026, 5, 1), change) for _number in range(2))
        self.assertEqual(first.name, f"{contract.name}-1")
        self.assertEqual(second.name, f"{contract.name}-2")
        self.assertEqual(contract.amendment_count, 2)
        with self.assertRaisesRegex(UserError, "who accepted"), self.cr.savepoint():
            first.action_accept()
        first.accepted_by = "A. Client"
        first.action_accept()
        self.assertEqual((first.state, first.accepted_on), ("accepted", date(2026, 4, 15)))
        for vals in ({"date_effect": date(2026, 6, 1)}, {"state": "draft"}, {"accepted_by": "B. Autre"}):
            with self.subTest(vals), self.assertRaises(UserError), self.cr.savepoint():
                first.write(vals)
        with self.assertRaisesRegex(UserError, "take it back to draft"), self.cr.savepoint():
            first.change_ids.date_last = date(2026, 6, 1)
        with self.assertRaisesRegex(UserError, "is kept"), self.cr.savepoint():
            first.unlink()
        second.action_cancel()
        with self.assertRaisesRegex(UserError, "cannot become"), self.cr.savepoint():
            second._move_to("applied")
        second.unlink()

    def test_quantity_and_price_from_a_day_in_the_past(self):
        """Jan ─── Feb ─── Mar posted at 100; two units at 110 from 16/02: Feb +13/28, Mar whole."""
        contract = self._contract(posting_mode="post", line_ids=[self._line(price=100.0)])
        posted = self._bill(contract, date(2026, 3, 1)).move_ids
        issued = posted.invoice_line_ids.read(["name", "quantity", "price_unit", "price_subtotal"])
        amendment = self._amendment(
            contract,
            date(2026, 2, 16),
            {"kind": "replace_line", "line_id": contract.line_ids.id, "quantity": 2.0, "price_unit": 110.0},
            accepted_by="A. Client",
        )
        self.assertEqual(amendment.change_ids.product_id, self.service, "what is not changed stays as it is")
        amendment.action_accept()
        amendment.action_apply()
        self.assertEqual(amendment.state, "applied")
        self.assertEqual(amendment.change_ids.new_line_ids.predecessor_id, contract.line_ids[0])
        self.assertEqual(posted.invoice_line_ids.read(["name", "quantity", "price_unit", "price_subtotal"]), issued)
        self._bill(contract, date(2026, 3, 1))
        self.assertEqual(self._billed(contract), {1: 100.0, 2: 53.57 + 102.14, 3: 220.0})

    def test_a_day_to_come_changes_only_what_is_billed_then(self):
        contract = self._contract(self._line(price=280.0))
        self._bill(contract, JANUARY)
        self._apply(
            contract,
            date(2026, 2, 15),
            {"kind": "replace_line", "line_id": contract.line_ids.id, "price_unit": 560.0},
        )
        self._bill(contract, MARCH)
        self.assertEqual(self._billed(contract), {1: 280.0, 2: 140.0 + 280.0, 3: 560.0})

    def test_a_change_holds_for_what_replaced_the_line_later_on(self):
        """A price revised from April on; then two units from February on: two units at the revised price, too."""
        contract = self._contract(self._line(price=100.0))
        first = contract.line_ids
        first._replace_from(date(2026, 4, 1), {"price_unit": 105.0})
        self._apply(contract, date(2026, 2, 1), {"kind": "replace_line", "line_id": first.id, "quantity": 2.0})
        self._bill(contract, APRIL)
        self.assertEqual(self._billed(contract), {1: 100.0, 2: 200.0, 3: 200.0, 4: 210.0})

    def test_what_was_revised_since_is_not_set_back(self):
        contract = self._contract(self._line(price=100.0))
        line = contract.line_ids
        amendment = self._amendment(
            contract,
            date(2026, 4, 1),
            {"kind": "replace_line", "line_id": line.id, "quantity": 2.0},
            accepted_by="A. Client",
        )
        line._replace_from(date(2026, 3, 1), {"price_unit": 105.0})
        amendment.action_accept()
        amendment.action_apply()
        self._bill(contract, APRIL)
        self.assertEqual(self._billed(contract), {1: 100.0, 2: 100.0, 3: 105.0, 4: 210.0})

    def test_billed_from_another_day(self):
        contract = self._contract(self._line(price=280.0))
        self._apply(
            contract,
            date(2026, 2, 1),
            {"kind": "replace_line", "line_id": contract.line_ids.id, "price_unit": 560.0},
            date_billing=date(2026, 3, 1),
        )
        self._bill(contract, MARCH)
        self.assertEqual(self._billed(contract), {1: 280.0, 2: 280.0, 3: 560.0})

    def test_services_added_and_ended(self):
        contract = self._contract(self._line(price=100.0))
        self._bill(contract, FEBRUARY)
        amendment = self._apply(
            contract,
            date(2026, 2, 15),
            {"kind": "add_line", "product_id": self.service.id, "price_unit": 56.0, "site_id": self.site_b.id},
            {"kind": "end_line", "line_id": contract.line_ids.id, "date_last": date(2026, 3, 31)},
        )
        added = amendment.change_ids[0].new_line_ids
        self.assertEqual((added.name, added.tax_ids), (self.service.name, self.tax))
        self._bill(contract, APRIL)
        self.assertEqual(self._billed(contract), {1: 100.0, 2: 128.0, 3: 156.0, 4: 56.0})

    def test_a_site_added_like_another_and_closed(self):
        contract = self._contract(
            self._line(price=100.0, site_id=self.site_a.id), self._line(price=20.0, site_id=self.site_a.id)
        )
        self._apply(
            contract,
            date(2026, 2, 1),
            {"kind": "add_site", "site_id": self.site_b.id, "model_site_id": self.site_a.id},
        )
        self._apply(contract, date(2026, 3, 1), {"kind": "close_site", "site_id": self.site_a.id})
        self._bill(contract, APRIL)
        self.assertEqual(self._billed(contract), {1: 120.0, 2: 240.0, 3: 120.0, 4: 120.0})
        self.assertEqual(set(contract.line_ids.mapped("date_end")), {date(2026, 2, 28), False})

    def test_suspended_and_resumed(self):
        contract = self._contract(self._line(price=280.0))
        amendment = self._apply(
            contract, date(2026, 2, 15), {"kind": "suspend", "reason": "Works"}, accepted_on=date(2026, 2, 1)
        )
        self._bill(contract, MARCH)
        self.assertEqual(self._billed(contract), {1: 280.0, 2: 140.0})
        suspension = amendment.change_ids.new_suspension_id
        self._apply(contract, date(2026, 4, 1), {"kind": "resume", "suspension_id": suspension.id})
        self.assertEqual(suspension.date_end, MARCH)
        self._bill(contract, APRIL)
        self.assertEqual(self._billed(contract), {1: 280.0, 2: 140.0, 4: 280.0})

    def test_billed_by_the_quarter_instead(self):
        """Monthly ├ Jan ┤├ Feb ┤├ Mar ┤ then quarterly ├── Apr to Jun ──┤ at three times the price."""
        contract = self._contract(self._line(price=100.0), self._line(price=10.0, quantity=2.0))
        self._bill(contract, MARCH)
        change = {"kind": "contract_terms", "recurrence_unit": "quarter", "grouping": "customer"}
        amendment = self._amendment(contract, date(2026, 4, 1), change, accepted_by="A. Client")
        amendment.action_accept()
        self._bill(contract, APRIL)
        self.assertEqual(self._billed(contract)[4], 120.0, "not changed yet")
        amendment.action_apply()
        self.assertEqual((contract.recurrence_unit, contract.grouping), ("quarter", "customer"))
        self.assertEqual(self._billed(contract), {1: 120.0, 2: 120.0, 3: 120.0, 4: 360.0}, "the draft is made again")
        self.assertEqual(max(contract.billable_ids.mapped("period_end")), date(2026, 6, 30))
        amendment.action_undo()
        self.assertEqual((contract.recurrence_unit, contract.grouping), ("month", "contract"))
        self._bill(contract, APRIL)
        self.assertEqual(self._billed(contract), {1: 120.0, 2: 120.0, 3: 120.0, 4: 120.0})

    def test_months_and_weeks_are_no_multiples(self):
        contract = self._contract()
        amendment = self._amendment(
            contract,
            date(2026, 4, 1),
            {"kind": "contract_terms", "recurrence_unit": "week"},
            accepted_by="A. Client",
        )
        with self.assertRaisesRegex(UserError, "no multiples"), self.cr.savepoint():
            amendment.action_preview()
        self._apply(
            contract,
            date(2026, 4, 6),
            {"kind": "replace_line", "line_id": contract.line_ids.id, "recurrence_unit": "week", "price_unit": 25.0},
        )
        self.assertEqual(contract.line_ids[1].recurrence_unit, "week")
        self.assertTrue(contract.line_ids[1].own_schedule)

    def test_taken_back_while_nothing_is_posted(self):
        contract = self._contract(self._line(price=280.0), self._line(price=100.0))
        self._bill(contract, MARCH)
        before = [(row.period_start, row.amount) for row in contract.billable_ids]
        first, second = contract.line_ids
        amendment = self._apply(
            contract,
            date(2026, 2, 15),
            {"kind": "replace_line", "line_id": first.id, "quantity": 3.0},
            {"kind": "end_line", "line_id": second.id},
            {"kind": "add_line", "product_id": self.service.id, "price_unit": 5.0},
            {"kind": "suspend", "reason": "Works", "date_last": date(2026, 2, 20)},
        )
        self._bill(contract, APRIL)
        amendment.action_undo()
        self.assertEqual(amendment.state, "draft")
        self.assertEqual(contract.line_ids, first | second)
        self.assertFalse(contract.suspension_ids)
        self.assertEqual(contract.line_ids.mapped("date_end"), [False, False])
        self._bill(contract, MARCH)
        rows = contract.billable_ids.filtered(lambda row: row.held and row.period_start <= MARCH)
        self.assertEqual(sorted((row.period_start, row.amount) for row in rows), sorted(before))

    def test_taken_back_in_the_order_they_came(self):
        contract = self._contract(self._line(price=280.0))
        line = contract.line_ids
        first = self._apply(contract, date(2026, 2, 1), {"kind": "replace_line", "line_id": line.id, "quantity": 2.0})
        middle = first.change_ids.new_line_ids
        second = self._apply(
            contract, date(2026, 3, 1), {"kind": "replace_line", "line_id": middle.id, "quantity": 3.0}
        )
        with self.assertRaisesRegex(UserError, "take that back first"), self.cr.savepoint():
            first.action_undo()
        second.action_undo()
        first.action_undo()
        self.assertEqual((contract.line_ids, line.date_end), (line, False))
        self.assertEqual(second.change_ids.line_id, line, "of what goes on")

    def test_a_service_that_another_amendment_is_of(self):
        contract = self._contract()
        added = self._apply(contract, date(2026, 2, 1), {"kind": "add_line", "product_id": self.service.id})
        self._amendment(contract, date(2026, 3, 1), {"kind": "end_line", "line_id": added.change_ids.new_line_ids.id})
        with self.assertRaisesRegex(UserError, "delete it first"):
            added.action_undo()

    def test_not_taken_back_once_posted(self):
        contract = self._contract(posting_mode="post")
        amendment = self._apply(
            contract, date(2026, 2, 15), {"kind": "replace_line", "line_id": contract.line_ids.id, "quantity": 2.0}
        )
        self._bill(contract, MARCH)
        with self.assertRaisesRegex(UserError, "can no longer be taken back"):
            amendment.action_undo()

    def test_applies_itself_on_its_day(self):
        contract = self._contract(self._line(price=300.0), user_id=self.env.user.id)
        waiting = self._amendment(
            contract,
            date(2026, 4, 20),
            {"kind": "replace_line", "line_id": contract.line_ids.id, "price_unit": 600.0},
            accepted_by="A. Client",
        )
        other = self._contract()
        broken = self._amendment(
            other,
            date(2026, 4, 20),
            {"kind": "end_line", "line_id": other.line_ids.id},
            accepted_by="A. Client",
        )
        (waiting | broken).action_accept()
        other.line_ids._end_on(date(2026, 3, 31))
        self._cron("2026-04-19")
        self.assertEqual((waiting.state, broken.state), ("accepted", "accepted"), "their day is to come")
        with self.assertLogs("odoo.addons.multiservice", "WARNING") as log:
            self._cron("2026-04-20")
        self.assertEqual((waiting.state, broken.state), ("applied", "accepted"))
        self.assertIn("nothing of it goes on", log.output[0])
        self.assertEqual(broken.activity_ids.summary, "Could not be applied")
        with self.assertLogs("odoo.addons.multiservice", "WARNING"):
            self._cron("2026-04-21")
        self.assertEqual(len(broken.activity_ids), 1, "told once")
        self._bill(contract, APRIL)
        self.assertEqual(self._billed(contract)[4], 190.0 + 220.0)

    def test_drafts_are_made_again(self):
        contract = self._contract(self._line(price=280.0), self._line(price=100.0))
        draft = self._bill(contract, FEBRUARY).move_ids
        edited = self._contract(self._line(price=280.0))
        edited_draft = self._bill(edited, FEBRUARY).move_ids
        edited_draft.invoice_line_ids[0].price_unit = 200.0
        for of_contract in (contract, edited):
            amendment = self._amendment(
                of_contract,
                date(2026, 2, 15),
                {"kind": "replace_line", "line_id": of_contract.line_ids[0].id, "price_unit": 560.0},
                accepted_by="A. Client",
            )
            preview = self.env["multiservice.amendment.preview"].browse(amendment.action_preview()["res_id"])
            self.assertEqual(preview.rebuilt_ids, draft if of_contract == contract else draft.browse())
            self.assertEqual(preview.kept_ids, edited_draft if of_contract == edited else draft.browse())
            amendment.action_accept()
            amendment.action_apply()
        self.assertFalse(draft.exists())
        self.assertTrue(edited_draft.exists())
        made = contract.billable_ids.move_id
        self.assertEqual((len(made), made.state, made.amount_untaxed), (1, "draft", 280.0 + 140.0 + 280.0 + 200.0))
        self.assertEqual(self._billed(contract), {1: 380.0, 2: 140.0 + 280.0 + 100.0})

    def test_what_is_refused_changes_nothing(self):
        contract = self._contract(self._line(price=280.0), date_end=date(2026, 12, 31))
        line = contract.line_ids
        other = self._contract()
        cases = [
            ("can be amended from the day after", date(2026, 1, 1), {"kind": "end_line", "line_id": line.id}),
            ("lacks: Service in Force", date(2026, 2, 1), {"kind": "end_line"}),
            ("lacks: Reason", date(2026, 2, 1), {"kind": "suspend"}),
            ("does not belong to contract", date(2026, 2, 1), {"kind": "end_line", "line_id": other.line_ids.id}),
            (
                "ends before it begins",
                date(2026, 2, 1),
                {"kind": "suspend", "reason": "Works", "date_last": date(2026, 1, 15)},
            ),
            ("not negative", date(2026, 2, 1), {"kind": "replace_line", "line_id": line.id, "quantity": -1.0}),
        ]
        for message, day, change in cases:
            with self.subTest(message), self.assertRaisesRegex(ValidationError, message), self.cr.savepoint():
                self._amendment(contract, day, change)
        with self.assertRaisesRegex(ValidationError, "is not in force"), self.cr.savepoint():
            self._amendment(self._contract(activate=False), date(2026, 2, 1))
        for message, change in (
            ("changes nothing: the terms", {"kind": "replace_line", "line_id": line.id}),
            ("nothing of it goes on after", {"kind": "close_site", "site_id": self.site_b.id}),
        ):
            amendment = self._amendment(contract, date(2026, 2, 1), change, accepted_by="A. Client")
            amendment.action_accept()
            with self.subTest(message), self.assertRaisesRegex(UserError, message), self.cr.savepoint():
                amendment.action_apply()
        self.assertEqual(contract.line_ids, line)

    def test_form(self):
        contract = self._contract(self._line(price=100.0))
        biller = self._user("am_billing_user", "multiservice.group_billing_user")
        action = contract.action_amend()
        form = Form(self.env["multiservice.amendment"].with_user(biller).with_context(**action["context"]))
        form.title = "A second cleaner"
        form.date_effect = date(2026, 5, 1)
        with form.change_ids.new() as change:
            change.kind = "replace_line"
            change.line_id = contract.line_ids
            self.assertEqual((change.quantity, change.price_unit, change.product_id), (1.0, 100.0, self.service))
            change.quantity = 2.0
        with form.change_ids.new() as change:
            change.kind = "add_line"
            change.product_id = self.service
            self.assertEqual((change.name, change.tax_ids[:]), (self.service.name, self.tax))
        amendment = form.save()
        self.assertEqual(amendment.change_ids.mapped("summary")[1], f"Add a service: {self.service.name}")
        amendment.accepted_by = "A. Client"
        amendment.action_accept()
        amendment.action_apply()
        self.assertEqual(contract.line_ids.mapped("quantity"), [1.0, 2.0, 1.0])

    def test_who_sees_and_decides(self):
        contract = self._contract(self._line(price=123.45))
        amendment = self._amendment(
            contract,
            date(2026, 5, 1),
            {"kind": "replace_line", "line_id": contract.line_ids.id, "price_unit": 150.0},
            accepted_by="A. Client",
        )
        planner = self._user("am_planner", "multiservice.group_planner")
        technician = self._user("am_technician", "multiservice.group_technician")
        self.env.flush_all()
        self.assertIn("Change a service", amendment.with_user(planner).change_ids.summary)
        acts = [
            lambda: amendment.with_user(technician).read(["name"]),
            lambda: amendment.with_user(planner).change_ids.read(["price_unit"]),
            lambda: amendment.with_user(planner).change_ids.read(["before"]),
            lambda: amendment.with_user(planner).write({"title": "Mine"}),
            lambda: amendment.with_user(planner).action_preview(),
            lambda: amendment.with_user(planner).action_accept(),
            lambda: amendment.with_user(planner)._portal_ensure_token(),
        ]
        for number, act in enumerate(acts):
            self.env.invalidate_all()
            with (
                self.subTest(number),
                mute_logger("odoo.addons.base.models.ir_model"),
                self.assertRaises(AccessError),
                self.cr.savepoint(),
            ):
                act()
        biller = self._user("am_biller", "multiservice.group_billing_user")
        amendment.with_user(biller).action_accept()
        amendment.with_user(biller).action_apply()
        self.assertEqual(contract.line_ids[1].price_unit, 150.0)
        other = self.env["res.company"].create({"name": "Other company"})
        stranger = self._user("am_stranger", "multiservice.group_manager")
        stranger.write({"company_ids": [Command.set(other.ids)], "company_id": other.id})
        self.assertFalse(self.env["multiservice.amendment"].with_user(stranger).search([("id", "=", amendment.id)]))


@tagged("post_install", "-at_install")
class TestAmendmentSequence(AmendmentCommon):
    """Whenever each amendment is learnt of, the money comes to what the final terms say; issued invoices stay."""

    SEEDS = range(3)

    def _random_amendments(self, random):
        """Pairs (day, what changes, by the rank of the service), in the order in which they are learnt of."""
        kinds = ("quantity", "price", "end", "suspend", "site")
        days = [date(2026, 1, 2) + timedelta(days=random.randrange(110)) for _number in range(6)]
        return [(day, random.choice(kinds), random.randrange(3), random.randrange(1, 9)) for day in days]

    def _change(self, contract, day, kind, rank, number):
        current = contract.line_ids.filtered(lambda line: not line.predecessor_id).sorted("id")[rank]
        while current.successor_ids:
            current = current.successor_ids
        change = {"kind": "replace_line", "line_id": current.id}
        if kind == "quantity":
            return change | {"quantity": current.quantity + number}
        if kind == "price":
            return change | {"price_unit": current.price_unit + 10.0 * number}
        if kind == "site":
            return change | {"site_id": self.site_b.id, "discount": float(number)}
        if kind == "end":
            return {"kind": "end_line", "line_id": current.id}
        return {"kind": "suspend", "line_id": current.id, "reason": "Works", "date_last": day + timedelta(days=number)}

    def _try(self, contract, day, *what):
        """Apply, unless nothing of the service is left that day or it is suspended then already."""
        try:
            with self.cr.savepoint():
                return self._apply(contract, day, self._change(contract, day, *what))
        except UserError as error:
            self.assertRegex(str(error), "nothing|overlap")

    def _sequence_contract(self):
        lines = [self._line(price=price, site_id=self.site_a.id) for price in (310.0, 99.99, 47.3)]
        return self._contract(*lines, posting_mode="post")

    def test_day_by_day_or_at_once(self):
        for seed in self.SEEDS:
            with self.subTest(seed=seed):
                random = Random(seed)
                amendments = self._random_amendments(random)
                step_by_step, at_once = self._sequence_contract(), self._sequence_contract()
                issued = {}
                for day, *what in amendments:
                    for move in self._bill(step_by_step, date(2026, random.randrange(1, 5), 28)).move_ids:
                        issued[move] = (move.name, move.amount_total, move.invoice_line_ids.mapped("name"))
                    self._try(step_by_step, day, *what)
                    self._try(at_once, day, *what)
                for contract in (step_by_step, at_once):
                    self._bill(contract, date(2026, 5, 31))
                    self.assertFalse(self._bill(contract, date(2026, 5, 31)), "settled")
                self.assertEqual(self._billed(step_by_step), self._billed(at_once))
                for move, as_issued in issued.items():
                    self.assertEqual((move.name, move.amount_total, move.invoice_line_ids.mapped("name")), as_issued)

    def test_applied_and_taken_back(self):
        for seed in self.SEEDS:
            with self.subTest(seed=seed):
                random = Random(100 + seed)
                contract, untouched = self._sequence_contract(), self._sequence_contract()
                contract.posting_mode = "draft"
                self._bill(contract, date(2026, random.randrange(1, 5), 28))
                applied = []
                for day, *what in self._random_amendments(random):
                    if amendment := self._try(contract, day, *what):
                        applied.append(amendment)
                    self._bill(contract, date(2026, random.randrange(1, 5), 28))
                for amendment in applied[::-1]:
                    amendment.action_undo()
                self.assertEqual(len(contract.line_ids), 3)
                for one in (contract, untouched):
                    self._bill(one, date(2026, 5, 31))
                self.assertEqual(self._billed(contract), self._billed(untouched))


@tagged("post_install", "-at_install")
class TestAmendmentPreview(AmendmentCommon):
    """What the preview says before anything is applied, and that it leaves no trace."""

    def _preview(self, amendment):
        return self.env["multiservice.amendment.preview"].browse(amendment.action_preview()["res_id"])

    def _trace(self, contract):
        self.env.flush_all()
        self.env.invalidate_all()
        return (
            contract.line_ids.read(["date_start", "date_end", "quantity", "price_unit", "replan_from"]),
            contract.billable_ids.read(["amount", "state", "held"]),
            contract.message_ids.ids,
            contract.suspension_ids.ids,
            contract.read(["date_end", "state", "next_billing_date"]),
            self.env["account.move"].search_count([]),
        )

    def test_period_by_period(self):
        contract = self._contract(self._line(price=280.0), posting_mode="post")
        invoice = self._bill(contract, date(2026, 4, 1)).move_ids
        amendment = self._amendment(
            contract,
            date(2026, 4, 16),
            {"kind": "replace_line", "line_id": contract.line_ids.id, "price_unit": 560.0},
        )
        before = self._trace(contract)
        preview = self._preview(amendment)
        self.assertEqual(self._trace(contract), before)
        rows = [
            (str(row.period_start), str(row.period_end), row.billed, row.planned, row.change)
            for row in preview.line_ids
        ]
        self.assertEqual(rows[0], ("2026-04-01", "2026-04-30", 280.0, 0.0, -140.0))
        self.assertIn(("2026-05-01", "2026-05-31", 0.0, 280.0, 0.0), rows)
        self.assertIn(("2026-04-16", "2026-04-30", 0.0, 0.0, 280.0), rows)
        self.assertIn(("2026-12-01", "2026-12-31", 0.0, 0.0, 560.0), rows)
        self.assertIn("due instead of", preview.line_ids[0].explanation)
        self.assertEqual(
            preview.line_ids[0].settled,
            f"Deducted from the next invoice (corrects {invoice.display_name})",
            "more is owed in its place",
        )
        explanations = preview.line_ids.mapped("explanation")
        self.assertTrue(any(text.startswith("15/30 days × ") for text in explanations), explanations)
        self.assertEqual(preview.credited, -140.0)
        self.assertEqual(preview.billed, 280.0 + 8 * 560.0)
        self.assertEqual(
            (preview.year, preview.year_before, preview.year_after), ("2026", 3360.0, 3360.0 + 140 + 8 * 280)
        )
        self.assertEqual((preview.monthly_before, preview.monthly_after), (280.0, 560.0))

    def test_what_it_says_is_what_is_billed(self):
        contract = self._contract(self._line(price=280.0), self._line(price=31.0), posting_mode="post")
        self._bill(contract, date(2026, 4, 1))
        amendment = self._amendment(
            contract,
            date(2026, 3, 10),
            {"kind": "end_line", "line_id": contract.line_ids[0].id},
            {"kind": "suspend", "reason": "Works", "line_id": contract.line_ids[1].id, "date_last": date(2026, 3, 20)},
            accepted_by="A. Client",
        )
        preview = self._preview(amendment)
        foreseen = sum(row.change for row in preview.line_ids if row.period_start <= APRIL)
        before = sum(contract.billable_ids.mapped("amount"))
        amendment.action_accept()
        preview.action_apply()
        self._bill(contract, APRIL)
        self.assertAlmostEqual(sum(contract.billable_ids.mapped("amount")) - before, foreseen, 2)

    def test_every_kind_leaves_no_trace(self):
        contract = self._contract(
            self._line(price=280.0, site_id=self.site_a.id),
            self._line(price=100.0, site_id=self.site_a.id),
            date_end=date(2026, 12, 31),
        )
        self._bill(contract, MARCH)
        suspension = self.env["multiservice.suspension"].create(
            {
                "contract_id": contract.id,
                "date_start": date(2026, 3, 10),
                "date_end": date(2026, 3, 20),
                "reason": "Works",
                "prolong": True,
            }
        )
        line = contract.line_ids[0]
        changes = [
            {"kind": "add_line", "product_id": self.service.id},
            {"kind": "replace_line", "line_id": line.id, "quantity": 3.0},
            {"kind": "end_line", "line_id": line.id},
            {"kind": "add_site", "site_id": self.site_b.id, "model_site_id": self.site_a.id},
            {"kind": "close_site", "site_id": self.site_a.id},
            {"kind": "resume", "suspension_id": suspension.id},
            {"kind": "contract_terms", "recurrence_unit": "quarter"},
            {"kind": "terminate", "termination_reason_id": self.reason.id, "notice_on": date(2026, 3, 1)},
        ]
        before = None
        for change in changes:
            amendment = self._amendment(contract, date(2026, 3, 15), change)
            before = self._trace(contract)
            with self.subTest(change["kind"]):
                self.assertTrue(self._preview(amendment).line_ids)
                self.assertEqual(self._trace(contract), before)


@tagged("post_install", "-at_install")
class TestSettlement(AmendmentCommon):
    """How the customer gets back what a posted invoice said too much."""

    def _billed_and_ended(self, paid, **vals):
        contract = self._contract(
            self._line(price=280.0), self._line(price=100.0), posting_mode="post", order_reference="PO-1", **vals
        )
        invoice = self._bill(contract, date(2026, 2, 1)).move_ids
        if paid:
            self._pay(invoice)
        self._apply(contract, date(2026, 2, 15), {"kind": "end_line", "line_id": contract.line_ids[0].id})
        return contract, invoice

    def test_an_open_invoice_is_credited_and_reconciled(self):
        contract, invoice = self._billed_and_ended(paid=False)
        run = self._bill(contract, date(2026, 3, 1))
        credit = run.move_ids.filtered(lambda move: move.move_type == "out_refund")
        self.assertEqual(
            (credit.reversed_entry_id, credit.amount_untaxed, credit.amount_residual), (invoice, 140.0, 0.0)
        )
        self.assertEqual(invoice.amount_residual, invoice.amount_total - credit.amount_total)
        self.assertEqual((run.move_ids - credit).amount_untaxed, 100.0, "the next period is invoiced apart")
        self.assertEqual(credit.service_order_reference, "PO-1")

    def test_a_paid_one_is_deducted_from_the_next(self):
        contract, _invoice = self._billed_and_ended(paid=True)
        contract.line_ids[1]._replace_from(date(2026, 3, 1), {"price_unit": 200.0})
        next_invoice = self._bill(contract, date(2026, 3, 1)).move_ids
        self.assertEqual((next_invoice.move_type, next_invoice.amount_untaxed), ("out_invoice", 200.0 - 140.0))
        self.assertFalse(next_invoice.reversed_entry_id)

    def test_or_credited_where_nothing_is_left_to_deduct_from(self):
        contract, invoice = self._billed_and_ended(paid=True)
        credit = self._bill(contract, date(2026, 2, 15)).move_ids
        self.assertEqual((credit.move_type, credit.amount_untaxed), ("out_refund", 140.0))
        self.assertEqual(credit._service_credited(), invoice)

    def test_a_paid_one_is_credited_where_the_contract_says_so(self):
        contract, invoice = self._billed_and_ended(paid=True, settlement="credit")
        run = self._bill(contract, date(2026, 3, 1))
        self.assertEqual(sorted(run.move_ids.mapped("move_type")), ["out_invoice", "out_refund"])
        credit = run.move_ids.filtered(lambda move: move.move_type == "out_refund")
        self.assertEqual(credit.reversed_entry_id, invoice)

    def test_public_bodies_get_a_credit_note(self):
        self.customer.legal_category = "public_body"
        contract, invoice = self._billed_and_ended(paid=True, timing="advance", settlement="deduct")
        run = self._bill(contract, date(2026, 3, 1))
        credit = run.move_ids.filtered(lambda move: move.move_type == "out_refund")
        self.assertEqual((credit.reversed_entry_id, credit.amount_untaxed), (invoice, 140.0))

    def test_each_payer_is_credited_on_its_own_invoice(self):
        """A funder is always credited, also where more is owed in the place of what is corrected."""
        insurer = self._customer("Assurance Exemple")
        contract = self._contract(self._line(price=280.0), posting_mode="post")
        self.env["multiservice.share"].create(
            {"contract_id": contract.id, "partner_id": insurer.id, "date_start": contract.date_start, "percent": 60.0}
        )
        issued = self._bill(contract, date(2026, 2, 1)).move_ids.grouped("partner_id")
        self._pay(issued[insurer])
        self._apply(
            contract,
            date(2026, 2, 15),
            {"kind": "replace_line", "line_id": contract.line_ids.id, "price_unit": 560.0},
        )
        run = self._bill(contract, date(2026, 2, 28))
        self.assertEqual(
            sorted((move.partner_id.name, move.move_type, move.amount_untaxed) for move in run.move_ids),
            [
                ("Assurance Exemple", "out_invoice", 168.0),
                ("Assurance Exemple", "out_refund", 84.0),
                ("Bureaux du Parc", "out_invoice", 56.0),
            ],
        )
        credit = run.move_ids.filtered(lambda move: move.move_type == "out_refund")
        self.assertIn(credit.reversed_entry_id, issued[insurer])
        self.assertEqual(self._billed(contract), {1: 280.0, 2: 420.0})

    def test_the_setting_of_the_company(self):
        self.company.service_settlement = "credit"
        contract, invoice = self._billed_and_ended(paid=True)
        run = self._bill(contract, date(2026, 3, 1))
        self.assertEqual(run.move_ids.filtered("reversed_entry_id").reversed_entry_id, invoice)


@tagged("post_install", "-at_install")
class TestTermination(AmendmentCommon):
    def _terminate(self, contract, last, **vals):
        change = {
            "kind": "terminate",
            "termination_reason_id": self.reason.id,
            "notice_on": date(2026, 4, 1),
            "date_last": last,
            **vals,
        }
        return self._amendment(contract, date(2026, 5, 1), change, accepted_by="A. Client")

    def test_no_period_is_billed_after_it_and_the_rest_is_credited(self):
        contract = self._contract(self._line(price=300.0), posting_mode="post", notice_months=1)
        self._bill(contract, date(2026, 4, 1))
        amendment = self._terminate(contract, date(2026, 4, 20), notice_on=date(2026, 3, 15))
        self.assertTrue(amendment.change_ids.notice_respected)
        amendment.action_accept()
        amendment.action_apply()
        self.assertEqual((contract.date_end, contract.terminated_on), (date(2026, 4, 20), date(2026, 3, 15)))
        self.assertEqual(contract.termination_reason_id, self.reason)
        self._bill(contract, date(2026, 12, 31))
        self.assertEqual(self._billed(contract), {1: 300.0, 2: 300.0, 3: 300.0, 4: 200.0})
        self.assertFalse(contract.next_billing_date)

    def test_notice(self):
        open_ended = self._contract(notice_months=2, notice_days=10)
        self.assertEqual(open_ended._regular_end(date(2026, 4, 1), "customer"), date(2026, 6, 11))
        tacit = self._contract(term_months=12, renewal_months=12, notice_months=3)
        self.assertEqual(tacit._regular_end(date(2026, 4, 1), "customer"), date(2026, 12, 31))
        self.assertEqual(tacit._regular_end(date(2026, 11, 1), "customer"), date(2027, 12, 31), "too late")
        fixed = self._contract(term_months=12, renewal="none")
        self.assertEqual(fixed._regular_end(date(2026, 4, 1), "customer"), date(2026, 12, 31))
        change = self._terminate(tacit, date(2026, 6, 30)).change_ids
        self.assertEqual((change.regular_end, change.notice_respected), (date(2026, 12, 31), False))

    def test_indemnity(self):
        terms = {"term_months": 12, "renewal": "none"}
        cases = [
            ({"indemnity_kind": "fixed", "indemnity_value": 250.0}, 250.0),
            ({"indemnity_kind": "months", "indemnity_value": 2.0}, 200.0),
            ({"indemnity_kind": "remaining", "indemnity_value": 50.0}, 300.0),
            ({}, 0.0),
        ]
        for clause, indemnity in cases:
            with self.subTest(clause):
                contract = self._contract(**terms, **clause)
                change = self._terminate(contract, date(2026, 6, 30)).change_ids
                self.assertEqual(change.indemnity, indemnity)
                change.terminated_by = "company"
                self.assertEqual(change.indemnity, 0.0, "only a customer that leaves owes it")

    def test_indemnity_is_invoiced_with_vat(self):
        contract = self._contract(
            term_months=12, renewal="none", indemnity_kind="months", indemnity_value=2.0, posting_mode="post"
        )
        amendment = self._terminate(contract, date(2026, 4, 30))
        amendment.action_accept()
        amendment.action_apply()
        invoice = self._bill(contract, APRIL).move_ids
        line = invoice.invoice_line_ids.filtered(lambda line: "indemnity" in line.name)
        self.assertEqual((line.price_subtotal, line.tax_ids), (200.0, self.tax))
        self.assertEqual(invoice.state, "posted")

    def test_applied_as_soon_as_it_is_known(self):
        """Neither a name nor the day is waited for: one party ends the contract alone."""
        contract = self._contract(term_months=12, notice_months=1)
        amendment = self._terminate(contract, date(2026, 12, 31))
        amendment.accepted_by = False
        amendment.action_accept()
        self.assertEqual(amendment.accepted_by, self.customer.name)
        self._cron("2026-04-16")
        self.assertEqual((amendment.state, contract.date_end), ("applied", date(2026, 12, 31)))
        self.assertFalse(contract._renews())

    def test_a_contract_type_brings_its_indemnity(self):
        template = self.env["multiservice.contract.template"].create(
            {"name": "Cleaning", "indemnity_kind": "months", "indemnity_value": 3.0}
        )
        form = Form(self.env["multiservice.contract"])
        form.partner_id = self.customer
        form.template_id = template
        self.assertEqual((form.indemnity_kind, form.indemnity_value), ("months", 3.0))
        contract = self._contract(activate=False)
        for vals in ({"indemnity_value": -1.0}, {"indemnity_kind": "remaining", "indemnity_value": 101.0}):
            with self.assertRaisesRegex(ValidationError, "not negative"), self.cr.savepoint():
                contract.write(vals)

    def test_taken_back(self):
        contract = self._contract(
            self._line(price=300.0),
            date_end=date(2026, 12, 31),
            term_months=12,
            renewal="none",
            indemnity_kind="fixed",
            indemnity_value=50.0,
        )
        suspension = self.env["multiservice.suspension"].create(
            {
                "contract_id": contract.id,
                "date_start": date(2026, 2, 1),
                "date_end": date(2026, 2, 10),
                "reason": "Works",
                "prolong": True,
            }
        )
        self.assertEqual(contract.date_end, date(2027, 1, 10))
        self._bill(contract, MARCH)
        amendment = self._terminate(contract, date(2026, 3, 20))
        amendment.action_accept()
        amendment.action_apply()
        self.assertEqual(contract.date_end, date(2026, 3, 20))
        amendment.action_undo()
        self.assertEqual((contract.date_end, suspension.days_added), (date(2027, 1, 10), 10))
        self.assertFalse(contract.terminated_on or contract.termination_reason_id)
        self.assertEqual(len(contract.line_ids), 1)
        self._bill(contract, APRIL)
        self.assertEqual(self._billed(contract)[4], 300.0)

    def test_final_settlement(self):
        contract = self._contract(self._line(price=300.0), notice_months=6, posting_mode="post")
        guarantee = self.env["multiservice.deposit"].create(
            {"kind": "guarantee", "contract_id": contract.id, "amount": 500.0}
        )
        guarantee.action_request()
        bank = self.env["multiservice.hours.bank"].create(
            {"name": "Spare hours", "contract_id": contract.id, "product_id": self.service.id}
        )
        bank._credit("granted", 4.5, contract.date_start, None)
        action = contract.action_terminate()
        form = Form(self.env["multiservice.amendment"].with_context(**action["context"]))
        self.assertEqual(form.date_effect, date(2026, 10, 16), "as the notice allows")
        form.date_effect = date(2026, 5, 1)
        with form.change_ids.edit(0) as change:
            self.assertEqual(change.kind, "terminate")
            change.termination_reason_id = self.reason
            self.assertEqual((change.regular_end, change.notice_respected), (date(2026, 10, 15), False))
        amendment = form.save()
        preview = self.env["multiservice.amendment.preview"].browse(amendment.action_preview()["res_id"])
        self.assertIn("The notice is not respected: the contract would end on 10/15/2026", preview.settlement)
        self.assertRegex(preview.settlement, rf"Deposit {guarantee.name}: .*500.00.* to return")
        self.assertIn("Spare hours: 4.5 hours are left, which are not paid back.", preview.settlement)
        self.assertEqual(preview.monthly_after, 0.0)

    def test_pure_damages_are_no_invoice(self):
        contract = self._contract(
            term_months=12,
            renewal="none",
            indemnity_kind="fixed",
            indemnity_value=500.0,
            indemnity_damages=True,
            posting_mode="post",
        )
        amendment = self._terminate(contract, date(2026, 4, 30))
        preview = self.env["multiservice.amendment.preview"].browse(amendment.action_preview()["res_id"])
        self.assertEqual(preview.line_ids[-1].change, 500.0)
        self.assertFalse(amendment.credit_ids, "no trace")
        amendment.action_accept()
        amendment.action_apply()
        entry = amendment.credit_ids
        self.assertEqual((entry.move_type, entry.state), ("entry", "draft"))
        self.assertFalse(entry.line_ids.tax_ids)
        self.assertEqual(entry.line_ids.account_id.mapped("code")[-1][:4], "7581")
        self._bill(contract, APRIL)
        self.assertEqual(self._billed(contract), {1: 100.0, 2: 100.0, 3: 100.0, 4: 100.0})


@tagged("post_install", "-at_install")
class TestPriorCredit(AmendmentCommon):
    """Amendments of days that the previous system billed."""

    def _taken_over(self, *lines, **vals):
        contract = self._contract(*lines, billed_until=date(2026, 3, 31), date_start=date(2025, 1, 1), **vals)
        contract.prior_invoice_ids = [
            Command.create(
                {
                    "name": "OLD-77",
                    "date": date(2026, 1, 2),
                    "period_start": date(2026, 1, 1),
                    "period_end": date(2026, 3, 31),
                    "amount": 840.0,
                }
            )
        ]
        return contract

    def test_an_end_before_is_credited_citing_the_old_invoice(self):
        """Taken over, billed by the old system ├ Jan ┤├ Feb ┤├ Mar ┤; ended on 14/02: half of February, and March."""
        contract = self._taken_over(self._line(price=280.0), posting_mode="post")
        amendment = self._apply(contract, date(2026, 2, 15), {"kind": "end_line", "line_id": contract.line_ids.id})
        credit = amendment.credit_ids
        self.assertEqual(
            (credit.move_type, credit.state, credit.amount_untaxed), ("out_refund", "draft", 140.0 + 280.0)
        )
        line = credit.invoice_line_ids
        self.assertIn("invoice OLD-77 of 01/02/2026", line.name)
        self.assertEqual((line.service_start, line.service_end), (date(2026, 2, 15), date(2026, 3, 31)))
        self.assertEqual([known.number for known in credit._einvoice_preceding()], ["OLD-77"])
        self.assertFalse(self._bill(contract, APRIL), "nothing is billed again")
        credit.action_post()
        self.assertEqual(credit.state, "posted")
        with self.assertRaisesRegex(UserError, "can no longer be taken back"):
            amendment.action_undo()

    def test_less_of_it_and_then_as_agreed(self):
        contract = self._taken_over(self._line(price=280.0, quantity=2.0))
        amendment = self._amendment(
            contract,
            date(2026, 3, 1),
            {"kind": "replace_line", "line_id": contract.line_ids.id, "quantity": 1.0},
            accepted_by="A. Client",
        )
        preview = self.env["multiservice.amendment.preview"].browse(amendment.action_preview()["res_id"])
        self.assertEqual(preview.line_ids[-1].change, -280.0)
        self.assertFalse(amendment.credit_ids, "no trace")
        amendment.action_accept()
        amendment.action_apply()
        self.assertEqual(amendment.credit_ids.amount_untaxed, 280.0)
        self._bill(contract, APRIL)
        self.assertEqual(self._billed(contract), {4: 280.0})
        amendment.action_undo()
        self.assertFalse(amendment.credit_ids)
        self._bill(contract, APRIL)
        self.assertEqual(self._billed(contract), {4: 560.0})

    def test_more_of_it_is_not_billed_again(self):
        contract = self._taken_over(self._line(price=280.0))
        amendment = self._apply(
            contract, date(2026, 3, 1), {"kind": "replace_line", "line_id": contract.line_ids.id, "quantity": 3.0}
        )
        self.assertFalse(amendment.credit_ids)
        self._bill(contract, APRIL)
        self.assertEqual(self._billed(contract), {4: 840.0})


@tagged("post_install", "-at_install")
class TestContractAsOf(AmendmentCommon):
    def test_lines_in_force_on_a_day(self):
        contract = self._contract(self._line(price=100.0), self._line(price=50.0))
        first, second = contract.line_ids
        amendment = self._apply(
            contract,
            date(2026, 3, 1),
            {"kind": "replace_line", "line_id": first.id, "quantity": 2.0},
            {"kind": "end_line", "line_id": second.id},
            {"kind": "suspend", "reason": "Works", "date_last": date(2026, 3, 10)},
        )
        successor = amendment.change_ids.new_line_ids
        planner = self._user("ao_planner", "multiservice.group_planner")
        wizard = self.env["multiservice.contract.as.of"].with_user(planner).create({"contract_id": contract.id})
        self.assertEqual((wizard.date, wizard.line_ids), (date(2026, 4, 15), successor))
        for day, lines, worth, suspended in (
            (date(2025, 12, 31), first.browse(), 0.0, False),
            (date(2026, 2, 28), first | second, 150.0, False),
            (date(2026, 3, 1), successor, 0.0, True),
            (date(2026, 3, 11), successor, 200.0, False),
        ):
            with self.subTest(day):
                wizard.date = day
                self.assertEqual((wizard.line_ids, wizard.is_suspended), (lines, suspended))
                self.assertEqual(wizard.sudo().monthly, worth)
        self.assertEqual(wizard.amendment_ids, amendment)
