import json
from datetime import date, timedelta

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged
from odoo.tools import file_open, mute_logger

from .common import MultiserviceCommon

JANUARY, FEBRUARY, MARCH = date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)


class UsageCommon(MultiserviceCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.planner = cls._user("u_planner", "multiservice.group_planner")
        cls.contract = cls._contract(cls._line(2.0, site_id=cls.site_a.id, measured=True, meter="C-1"))
        cls.line = cls.contract.line_ids

    def _measure(self, day, quantity, line=None, **vals):
        vals = {"line_id": (line or self.line).id, "date": day, "quantity": quantity, **vals}
        return self.env["multiservice.usage"].with_user(self.planner).create(vals)

    def _amounts(self, contract=None):
        rows = (contract or self.contract).billable_ids.filtered("held").sorted(lambda r: (r.period_start, r.revision))
        return [(row.period_start.month, row.kind, row.amount) for row in rows]


@tagged("post_install", "-at_install")
class TestUsage(UsageCommon):
    def test_what_is_measured_is_billed_once_its_period_is_over(self):
        self._measure(date(2026, 1, 5), 3)
        self._measure(date(2026, 1, 31), 4.5)
        self.assertEqual(self.line.next_billing_date, JANUARY, "in arrears, though the contract is billed in advance")
        self.assertFalse(self._bill(self.contract, date(2026, 1, 30)))
        move = self._bill(self.contract, JANUARY).move_ids
        self.assertEqual((move.invoice_line_ids.quantity, move.invoice_line_ids.price_unit), (7.5, 2.0))
        self.assertEqual(self._amounts(), [(1, "whole", 15.0)])

    def test_a_period_without_anything_measured_costs_nothing(self):
        self._bill(self.contract, FEBRUARY)
        self.assertEqual(self._amounts(), [(1, "free", 0.0), (2, "free", 0.0)])
        self.assertEqual(self.contract.billable_ids.mapped("explanation"), ["Nothing measured"] * 2)

    def test_what_becomes_known_late_is_billed_next_for_its_own_period(self):
        self._measure(date(2026, 1, 5), 3)
        self._bill(self.contract, JANUARY)
        late = self._measure(date(2026, 1, 20), 4)
        self.assertTrue(late.late)
        self.assertEqual(self.line.next_billing_date, JANUARY)
        self._measure(date(2026, 2, 3), 5)
        move = self._bill(self.contract, FEBRUARY).move_ids
        self.assertEqual(
            [(str(line.service_start), line.price_subtotal) for line in move.invoice_line_ids.sorted("sequence")],
            [("2026-01-01", 8.0), ("2026-02-01", 10.0)],
        )
        self.assertEqual(self._amounts(), [(1, "whole", 6.0), (1, "correction", 8.0), (2, "whole", 10.0)])
        self.assertFalse(self._bill(self.contract, FEBRUARY))

    def test_less_than_what_was_billed_is_credited(self):
        self._measure(date(2026, 1, 5), 30)
        self._bill(self.contract, JANUARY)
        self._measure(date(2026, 1, 5), -10, note="Read again")
        move = self._bill(self.contract, FEBRUARY).move_ids
        self.assertEqual((move.move_type, move.amount_untaxed), ("out_refund", 20.0))

    def test_what_is_billed_is_frozen(self):
        usage = self._measure(date(2026, 1, 5), 3)
        usage.quantity = 4
        move = self._bill(self.contract, JANUARY).move_ids
        self.assertTrue(usage.is_billed)
        self.assertEqual(usage.billable_id.move_id, move)
        for act in (
            lambda: usage.write({"quantity": 5}),
            lambda: usage.write({"date": date(2026, 1, 6)}),
            lambda: usage.unlink(),
        ):
            with self.assertRaisesRegex(UserError, "was billed on"), self.cr.savepoint():
                act()
        usage.write({"quantity": 4, "note": "Nothing that was billed changes"})

    def test_a_deleted_draft_sets_it_free_again(self):
        usage = self._measure(date(2026, 1, 5), 3)
        self._bill(self.contract, JANUARY).move_ids.unlink()
        self.assertFalse(usage.is_billed)
        usage.quantity = 5
        self._bill(self.contract, JANUARY)
        self.assertEqual(self._amounts(), [(1, "whole", 10.0)])
        self.assertTrue(usage.is_billed)

    def test_it_goes_to_the_line_in_force_on_the_day(self):
        self._measure(date(2026, 1, 5), 3)
        later = self._measure(date(2026, 1, 20), 4)
        successor = self.line._replace_from(date(2026, 1, 16), {"price_unit": 3.0})
        self.assertEqual(later.line_id, successor)
        self.assertEqual(self._measure(date(2026, 1, 25), 1).line_id, successor)
        self.assertEqual(self._measure(date(2026, 1, 10), 1, successor).line_id, self.line)
        self._bill(self.contract, JANUARY)
        self.assertEqual(self._amounts(), [(1, "prorated", 8.0), (1, "prorated", 15.0)])

    def test_a_new_price_from_a_billed_day_is_that_of_what_was_measured_since(self):
        self._measure(date(2026, 1, 5), 3)
        self._measure(date(2026, 1, 20), 4)
        self._bill(self.contract, JANUARY)
        self.line._replace_from(date(2026, 1, 16), {"price_unit": 3.0})
        self._bill(self.contract, FEBRUARY)
        self.assertEqual(sum(self.contract.billable_ids.filtered("held").mapped("amount")), 3 * 2 + 4 * 3)

    def test_a_day_without_service_is_refused(self):
        self.line.date_end = FEBRUARY
        for day in (date(2025, 12, 31), date(2026, 3, 1)):
            with self.assertRaisesRegex(ValidationError, "not in service"), self.cr.savepoint():
                self._measure(day, 1)
        other = self._contract(self._line(5.0)).line_ids
        with self.assertRaisesRegex(ValidationError, "measured quantity"), self.cr.savepoint():
            self._measure(JANUARY, 1, other)

    def test_a_suspended_day_is_refused(self):
        """What is measured in a pause would be billed by nobody: whoever enters it is told."""
        self.env["multiservice.suspension"].create(
            {
                "contract_id": self.contract.id,
                "date_start": date(2026, 1, 10),
                "date_end": date(2026, 1, 20),
                "reason": "Works",
            }
        )
        with self.assertRaisesRegex(ValidationError, "suspended on"), self.cr.savepoint():
            self._measure(date(2026, 1, 15), 3)
        self.assertTrue(self._measure(date(2026, 1, 21), 3))

    def test_a_flat_price_with_an_included_quantity(self):
        line = self._line(500.0, pricing="flat", measured=True, included_quantity=10.0, overage_price=60.0)
        contract = self._contract(line)
        self._measure(date(2026, 1, 5), 12.5, contract.line_ids)
        move = self._bill(contract, JANUARY).move_ids
        self.assertEqual(
            [(line.quantity, line.price_unit) for line in move.invoice_line_ids.sorted("sequence")],
            [(1, 500), (2.5, 60)],
        )
        self.assertIn("Beyond what is included (12.5 measured, 10 included)", move.invoice_line_ids[1].name)

    def test_slices_of_what_was_measured(self):
        tiers = [Command.create({"up_to": 10, "unit_price": 2}), Command.create({"unit_price": 1, "flat_fee": 5})]
        contract = self._contract(self._line(0.0, pricing="graduated", measured=True, tier_ids=tiers))
        self._measure(date(2026, 1, 5), 12, contract.line_ids)
        self._bill(contract, JANUARY)
        self._measure(date(2026, 1, 6), 4, contract.line_ids)
        self._bill(contract, FEBRUARY)
        january = contract.billable_ids.filtered(lambda row: row.period_start.month == 1)
        self.assertEqual(
            sorted((row.component, row.revision, row.amount) for row in january),
            [("fee:2", 0, 5.0), ("tier:1", 0, 20.0), ("tier:2", 0, 2.0), ("tier:2", 1, 4.0)],
        )

    def test_recurring_revenue_counts_no_measured_quantity(self):
        self._measure(date(2026, 1, 5), 30)
        self.assertEqual(self.line.amount, 0)
        self.line.minimum_amount = 12.0
        self.assertEqual(self.line.amount, 12)


@tagged("post_install", "-at_install")
class TestUsageReceived(UsageCommon, HttpCase):
    def _push(self, *items):
        return self.env["multiservice.usage"].with_user(self.planner).push(list(items))

    def test_pushed_once_however_often_it_is_sent(self):
        item = {"reference": "R-1", "meter": "C-1", "date": "2026-01-05", "quantity": 3}
        self.assertEqual([told["status"] for told in self._push(item, item)], ["created", "unchanged"])
        told = self._push(item | {"quantity": 4})
        self.assertEqual((told[0]["status"], told[0]["message"]), ("updated", False))
        usage = self.line.usage_ids
        self.assertEqual((usage.quantity, usage.source, usage.id), (4, "pushed", told[0]["id"]))

    def test_each_item_is_settled_by_itself(self):
        self._bill(self.contract, JANUARY)
        good = {"reference": "R-2", "line_id": self.line.id, "date": "2026-02-05", "quantity": 3}
        told = self._push(
            good | {"reference": "R-1", "line_id": False, "meter": "unknown"},
            good,
            good | {"reference": False},
            good | {"reference": "R-3", "date": "yesterday"},
            good | {"reference": "R-4", "date": "2025-02-05"},
            good | {"reference": "R-5", "price": 5},
        )
        self.assertEqual([one["status"] for one in told], ["error", "created", "error", "error", "error", "error"])
        self.assertIn("unknown", told[0]["message"])
        self.assertIn("not in service", told[4]["message"])
        self.assertEqual(self.line.usage_ids.mapped("reference"), ["R-2"])

    def test_a_billed_item_is_not_changed(self):
        item = {"reference": "R-1", "meter": "C-1", "date": "2026-01-05", "quantity": 3}
        self._push(item)
        self._bill(self.contract, JANUARY)
        told = self._push(item, item | {"quantity": 5})
        self.assertEqual([one["status"] for one in told], ["unchanged", "error"])

    def test_over_the_api(self):
        expires = fields.Datetime.now() + timedelta(days=1)
        key = self.env["res.users.apikeys"].with_user(self.planner)._generate("rpc", "Meters", expires)
        body = {"items": [{"reference": "R-9", "meter": "C-1", "date": "2026-01-05", "quantity": 3}]}
        answers = []
        for _time in range(2):
            response = self.url_open(
                "/json/2/multiservice.usage/push",
                data=json.dumps(body),
                headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
            )
            self.assertEqual(response.status_code, 200, response.text)
            answers += response.json()
        self.assertEqual([told["status"] for told in answers], ["created", "unchanged"])

    def test_the_import_template_is_imported_once(self):
        self.line.meter = "C-1042"
        self._contract(self._line(2.0, measured=True, meter="C-1043"))
        (template,) = self.env["multiservice.usage"].get_import_templates()
        with file_open(template["template"].lstrip("/"), "rb") as file:
            content = file.read()
        columns = content.decode().splitlines()[0].split(",")
        options = {"quoting": '"', "separator": ",", "has_headers": True, "encoding": "utf-8"}
        for _time in range(2):
            wizard = (
                self.env["base_import.import"]
                .with_user(self.planner)
                .create(
                    {"res_model": "multiservice.usage", "file": content, "file_name": "u.csv", "file_type": "text/csv"}
                )
            )
            with mute_logger("odoo.sql_db"):
                result = wizard.execute_import(columns, columns, options)
            self.assertFalse(result["messages"])
        usages = self.env["multiservice.usage"].search([("meter", "like", "C-104")], order="meter")
        self.assertEqual([(u.quantity, u.source, u.line_id.meter) for u in usages],
                         [(125.5, "imported", "C-1042"), (80, "imported", "C-1043")])  # fmt: skip
