from datetime import date
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from odoo.addons.base.tests.test_ir_cron import CronMixinCase
from odoo.addons.mail.tests.common import MockEmail

from .common import MultiserviceCommon

LOG = "odoo.addons.multiservice.models.contract_revision"


@tagged("post_install", "-at_install")
class TestPriceRevision(MultiserviceCommon, CronMixinCase, MockEmail):
    """Contracts from 01/01/2025, revised each year by 0.15 + 0.85 S/S0."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time("2026-01-05 12:00:00"))
        cls.index = cls._index("S", {(2024, 10): 121.2, (2025, 10): 130.5})
        cls.clause = cls._clause()

    @classmethod
    def _index(cls, code, values, **vals):
        return cls.env["multiservice.price.index"].create(
            {
                "name": f"Index {code}",
                "code": code,
                "value_ids": [
                    Command.create(
                        {"month": date(year, month, 20), "value": value, "published_on": date(year, month, 28)}
                    )
                    for (year, month), value in values.items()
                ],
                **vals,
            }
        )

    @classmethod
    def _clause(cls, **vals):
        terms = [Command.create({"index_id": cls.index.id, "weight": 0.85})]
        return cls.env["multiservice.price.clause"].create({"name": "Yearly", "fixed": 0.15, "term_ids": terms, **vals})

    def _revised(self, *lines, clause=None, **vals):
        lines = lines or (self._line(price=1000.0, date_start=date(2025, 1, 1)),)
        terms = {"date_start": date(2025, 1, 1), "billed_until": date(2025, 12, 31)}
        return self._contract(*lines, price_clause_id=(clause or self.clause).id, **terms | vals)

    def _cron(self, day="2026-01-05"):
        with freeze_time(f"{day} 03:00:00"), self.enter_registry_test_mode():
            self.env.ref("multiservice.ir_cron_revisions").sudo().method_direct_trigger()

    def _value(self, year, month, value, **vals):
        day = date(year, month, 28)
        return self.env["multiservice.price.index.value"].create(
            {"index_id": self.index.id, "month": day, "value": value, "published_on": day, **vals}
        )

    def test_proposed_on_the_anniversary_and_applied_from_it(self):
        contract = self._revised()
        self.assertEqual(contract.next_revision_date, date(2026, 1, 1))
        self._bill(contract, date(2026, 1, 5))
        self._cron()
        revision = contract.price_revision_ids
        self.assertEqual((revision.state, revision.date, revision.coefficient), ("proposed", date(2026, 1, 1), 1.0652))
        self.assertEqual(revision.calculation, "0.15 + 0.85 × S 130.5 (10/2025) / 121.2 (10/2024) = 1.0652")
        self.assertEqual((revision.amount_before, revision.amount_after), (1000.0, 1065.2))
        self.assertFalse(self._bill(contract, date(2026, 1, 5)), "nothing before it is decided")
        revision.action_accept()
        self.assertEqual(contract.line_ids.mapped("price_unit"), [1000.0, 1065.2])
        billed = self._bill(contract, date(2026, 1, 5)).move_ids
        self.assertEqual(billed.amount_untaxed, 65.2, "the difference since the anniversary")
        following = self._bill(contract, date(2026, 2, 5)).move_ids.invoice_line_ids
        self.assertEqual(following.price_unit, 1065.2)
        self.assertIn("Price revised on 01/01/2026: 0.15 + 0.85 × S 130.5 (10/2025) / 121.2", following.name)
        self.assertEqual(contract.next_revision_date, date(2027, 1, 1))
        self._cron("2026-01-06")
        self.assertEqual(contract.price_revision_count, 1, "once")

    def test_the_next_one_counts_from_the_last(self):
        contract = self._revised()
        self._cron()
        contract.price_revision_ids.action_accept()
        self._value(2026, 10, 136.0)
        self._cron("2027-01-05")
        second = contract.price_revision_ids[0]
        self.assertIn("136 (10/2026) / 130.5 (10/2025)", second.calculation)
        self.assertEqual(second.line_ids.price_before, 1065.2)

    def test_a_clause_on_the_initial_price(self):
        contract = self._revised(clause=self._clause(reference="initial"))
        self._cron()
        contract.price_revision_ids.action_accept()
        self._value(2026, 10, 136.0)
        self._cron("2027-01-05")
        second = contract.price_revision_ids[0]
        self.assertIn("136 (10/2026) / 121.2 (10/2024)", second.calculation)
        self.assertEqual(second.line_ids.price_initial, 1000.0)
        self.assertEqual(second.line_ids.price_after, 1103.8)  # 0.15 + 0.85 × 136 / 121.2 = 1.1038

    def test_waits_for_the_index(self):
        late = self._index("L", {(2024, 12): 100.0})
        clause = self._clause(choice="month", fixed=0.0, term_ids=[Command.create({"index_id": late.id, "weight": 1})])
        clause.lag_months = 1
        contract = self._revised(clause=clause)
        self._cron()
        revision = contract.price_revision_ids
        self.assertEqual(revision.state, "waiting")
        self.assertIn("The index L has no final value for 01/01/2026", revision.calculation)
        with self.assertRaisesRegex(UserError, "cannot be applied"):
            revision.action_accept()
        value = late.value_ids.create({"index_id": late.id, "month": "2025-12-01", "value": 103.0, "provisional": True})
        self._cron("2026-02-01")
        self.assertEqual(revision.state, "waiting", "a provisional value is none")
        value.provisional = False
        self._cron("2026-02-02")
        self.assertEqual((revision.state, revision.coefficient), ("proposed", 1.03))
        self._bill(contract, date(2026, 2, 2))
        revision.action_accept()
        self.assertEqual(self._bill(contract, date(2026, 2, 2)).amount_untaxed, 60.0, "January and February")

    def test_an_index_window_longer_than_the_age_of_the_price_is_refused(self):
        contract = self._revised(price_reference_month=date(2024, 9, 1))
        self._value(2024, 9, 120.0)
        self._cron()
        self.assertEqual(contract.price_revision_ids.state, "waiting")
        self.assertIn("compared over 13 months, the price being 12 months old", contract.price_revision_ids.calculation)
        self.assertIn("L112-1", contract.price_revision_ids.calculation)

    def test_refused_the_next_counts_from_the_same_reference(self):
        contract = self._revised()
        self._cron()
        contract.price_revision_ids.action_refuse()
        self.assertEqual(contract.line_ids.price_unit, 1000.0)
        self.assertEqual(contract.next_revision_date, date(2027, 1, 1))
        self._value(2026, 10, 136.0)
        self._cron("2027-01-05")
        self.assertIn("136 (10/2026) / 121.2 (10/2024)", contract.price_revision_ids[0].calculation)

    def test_below_the_threshold(self):
        contract = self._revised(clause=self._clause(threshold=7.0))
        self._cron()
        self.assertEqual(contract.price_revision_ids.state, "skipped")
        contract.price_revision_ids.action_accept()
        self.assertEqual(contract.line_ids[-1:].price_unit, 1065.2)

    def test_bounds(self):
        for vals, coefficient in (({"max_increase": 5}, 1.05), ({"digits": 3, "rounding": "up"}, 1.066)):
            with self.subTest(vals):
                contract = self._revised(clause=self._clause(**vals))
                self._cron()
                self.assertEqual(contract.price_revision_ids.coefficient, coefficient)

    def test_which_prices_are_revised(self):
        contract = self._revised(
            self._line(price=1000.0, date_start=date(2025, 1, 1)),
            self._line(price=50.0, date_start=date(2025, 1, 1), not_revised=True),
            self._line(price=70.0, date_start=date(2025, 1, 1), pricing="one_off"),
            self._line(price=90.0, date_start=date(2025, 1, 1), date_end=date(2025, 12, 31)),
            self._line(price=80.0, date_start=date(2026, 1, 1)),
        )
        self._cron()
        self.assertEqual(contract.price_revision_ids.line_ids.mapped("price_before"), [1000.0])

    def test_fixed_month_and_interval(self):
        contract = self._revised(clause=self._clause(frequency="month", month="7"))
        self.assertEqual(contract.next_revision_date, date(2026, 7, 1), "the previous system saw to that of 2025")
        contract = self._revised(clause=self._clause(frequency="month", month="7"), billed_until=False)
        self.assertEqual(contract.next_revision_date, date(2025, 7, 1))
        contract = self._revised(clause=self._clause(frequency="interval", interval_months=18))
        self.assertEqual(contract.next_revision_date, date(2026, 7, 1))
        contract._end_on(date(2026, 6, 30))
        self.assertFalse(contract.next_revision_date, "it ends before")

    def test_a_rebased_series_is_linked(self):
        linked = self._index(
            "R", {(2024, 12): 200.0, (2025, 12): 101.0}, link_month=date(2025, 6, 1), link_coefficient=0.5
        )
        clause = self._clause(fixed=0.0, term_ids=[Command.create({"index_id": linked.id, "weight": 1})])
        contract = self._revised(clause=clause)
        self._cron()
        self.assertEqual(contract.price_revision_ids.coefficient, 1.01)
        self.assertEqual(
            contract.price_revision_ids.calculation, "1 × R 101 (12/2025) / (200 × 0.5) (12/2024) = 1.01", "all of it"
        )

    def test_formula_is_checked(self):
        other = self._index("O", {})
        for terms, message in (
            ([(self.index, 0.5), (other, 0.3)], "they sum to 0.95"),
            ([(self.env.ref("multiservice.price_index_smic"), 0.85)], "SMIC"),
        ):
            commands = [Command.create({"index_id": index.id, "weight": weight}) for index, weight in terms]
            with self.subTest(message), self.assertRaisesRegex(ValidationError, message), self.cr.savepoint():
                self._clause(term_ids=commands)
        self.assertEqual(self.clause.formula, "P = P₀ × (0.15 + 0.85 × S/S₀)")

    def test_the_price_of_a_contract_taken_over_is_that_of_its_last_revision(self):
        self._value(2019, 10, 100.0)
        for reference in ("last", "initial"):
            contract = self._revised(clause=self._clause(reference=reference), date_start=date(2020, 1, 1))
            self.assertEqual(contract.next_revision_date, date(2026, 1, 1))
            revision = contract._propose_revision()
            self.assertIn("130.5 (10/2025) / 121.2 (10/2024)", revision.calculation)
            self.assertEqual(revision.line_ids.price_after, 1065.2)

    def test_an_index_that_falls_back_to_that_of_reference_lowers_the_price(self):
        contract = self._revised(clause=self._clause(reference="initial", threshold=1.0))
        contract._propose_revision().action_accept()
        self._value(2026, 10, 121.2)
        self._cron("2027-01-05")
        revision = contract.price_revision_ids[0]
        self.assertEqual((revision.state, revision.coefficient), ("proposed", 1.0))
        self.assertEqual(revision.line_ids.price_after, 1000.0)

    def test_the_threshold_is_on_the_price_in_force(self):
        contract = self._revised(clause=self._clause(reference="initial", threshold=1.0))
        contract._propose_revision().action_accept()
        self._value(2026, 10, 130.6)
        self._cron("2027-01-05")
        self.assertEqual(contract.price_revision_ids[0].state, "skipped")

    def test_the_clause_changes_before_it_is_decided(self):
        contract = self._revised()
        revision = contract._propose_revision()
        other = self._index("O", {(2024, 10): 100.0, (2025, 10): 102.0})
        contract.price_clause_id = self._clause(
            fixed=0.0, term_ids=[Command.create({"index_id": other.id, "weight": 1})]
        )
        with self.assertRaisesRegex(UserError, "compute it again"), self.cr.savepoint():
            revision.action_accept()
        revision.action_compute()
        self.assertEqual((revision.clause_id, revision.coefficient), (contract.price_clause_id, 1.02))

    def test_prices_keep_their_decimals(self):
        contract = self._revised(self._line(price=0.0123, quantity=50000, date_start=date(2025, 1, 1)))
        self.assertEqual(contract._propose_revision().line_ids.price_after, 0.0131)

    def test_a_line_that_was_replaced_since(self):
        """Accepted after January to March were billed and the quantity was doubled from March on."""
        contract = self._revised()
        first = contract.line_ids
        revision = contract._propose_revision()
        second = first._replace_from(date(2026, 3, 1), {"quantity": 2.0, "price_unit": 1000.0})
        self._bill(contract, date(2026, 3, 5))
        with self.assertRaisesRegex(UserError, "compute it again"), self.cr.savepoint():
            revision.action_accept()
        revision.action_compute()
        self.assertEqual((revision.amount_before, revision.amount_after), (1000.0, 1065.2))
        revision.action_accept()
        self.assertEqual(self._bill(contract, date(2026, 3, 5)).amount_untaxed, round(4 * 65.2, 2))
        lines = contract.line_ids.filtered(lambda line: line._service_end() is None)
        self.assertEqual((lines.quantity, lines.price_unit), (2.0, 1065.2))
        self.assertEqual(lines._chain_root(), first)
        self.assertEqual(second.predecessor_id.price_unit, 1065.2)
        self.assertEqual(contract._document_lines(), second.predecessor_id | lines, "each with days")
        self.assertFalse(self._bill(contract, date(2026, 3, 5)))

    def test_a_price_agreed_since_stays(self):
        contract = self._revised()
        contract.line_ids._replace_from(date(2026, 3, 1), {"price_unit": 1200.0})
        revision = contract._propose_revision()
        self.assertEqual(revision.line_ids.mapped("price_before"), [1000.0])
        revision.action_accept()
        self._bill(contract, date(2026, 3, 5))
        sums = {}
        for row in contract.billable_ids.filtered("held"):
            sums[row.period_start.month] = round(sums.get(row.period_start.month, 0) + row.amount, 2)
        self.assertEqual(sums, {1: 1065.2, 2: 1065.2, 3: 1200.0})

    def test_a_line_replaced_on_the_very_day_at_the_same_price(self):
        contract = self._revised(
            self._line(price=1000.0, date_start=date(2025, 1, 1)), self._line(price=80.0, date_start=date(2026, 1, 1))
        )
        contract.line_ids[0]._replace_from(date(2026, 1, 1), {"quantity": 2.0, "price_unit": 1000.0})
        revision = contract._propose_revision()
        self.assertEqual(revision.line_ids.mapped("price_after"), [1065.2])
        self.assertEqual(revision.amount_after, 2130.4)
        revision.action_accept()
        self.assertEqual(self._bill(contract, date(2026, 1, 5)).amount_untaxed, 2130.4 + 80.0)

    def test_the_initial_price_of_a_line_replaced_at_the_same_price(self):
        contract = self._revised(
            self._line(price=33.33, date_start=date(2025, 1, 1)), clause=self._clause(reference="initial")
        )
        contract._propose_revision().action_accept()
        contract.line_ids[1]._replace_from(date(2026, 3, 1), {"quantity": 2.0, "price_unit": 35.5})
        self._value(2026, 10, 136.0)
        self._cron("2027-01-05")
        self.assertEqual(contract.price_revision_ids[0].line_ids.price_initial, 33.33)

    def test_a_line_replaced_at_the_same_price_says_how_it_was_revised(self):
        contract = self._revised()
        contract._propose_revision().action_accept()
        revised = contract.line_ids[1]
        for price, said in ((1065.2, True), (1100.0, False)):
            form = Form(self.env["multiservice.line.replace"].with_context(default_line_id=revised.id))
            form.date_start, form.quantity, form.price_unit = date(2026, 3, 1), 2.0, price
            with self.subTest(price), self.cr.savepoint() as savepoint:
                form.save().action_confirm()
                self.assertEqual(bool(revised.successor_ids.price_note), said)
                savepoint.rollback()

    def test_in_the_language_of_the_customer(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.customer.lang = "fr_FR"
        contract = self._revised()
        contract._propose_revision().action_accept()
        self.assertIn("0,15 + 0,85 × S 130,5 (10/2025)", contract.line_ids[1].price_note)

    def test_quarterly_series(self):
        quarterly = self._index("Q", {(2024, 12): 100.0, (2025, 3): 101.0, (2026, 3): 104.0}, quarterly=True)
        clause = self._clause(
            choice="month", fixed=0.0, term_ids=[Command.create({"index_id": quarterly.id, "weight": 1})]
        )
        contract = self._revised(clause=clause)
        revision = contract._propose_revision()
        self.assertEqual(revision.calculation, "1 × Q 104 (03/2026) / 101 (03/2025) = 1.0297")

    def test_it_is_decided_by_its_buttons_alone(self):
        biller = self._user("p_biller", "multiservice.group_billing_user")
        contract = self._revised().with_user(biller)
        contract.action_propose_revision()
        revision = contract.price_revision_ids
        for vals in ({"state": "accepted"}, {"coefficient": 1.5}, {"date": date(2025, 6, 1)}):
            with self.subTest(vals), self.assertRaisesRegex(UserError, "by its buttons"), self.cr.savepoint():
                revision.write(vals)
        with mute_logger("odoo.addons.base.models.ir_model"), self.assertRaises(AccessError), self.cr.savepoint():
            revision.create({"contract_id": contract.id, "clause_id": self.clause.id, "date": date(2026, 2, 1)})
        revision.line_ids.price_after = 9000.0
        with self.assertRaisesRegex(UserError, "compute it again"), self.cr.savepoint():
            revision.action_accept()
        revision.action_compute()
        revision.action_accept()
        self.assertEqual(contract.line_ids[1].price_unit, 1065.2)

    def test_planners_read_contracts_without_prices(self):
        contract = self._revised()
        contract._propose_revision()
        planner = self._user("p_planner", "multiservice.group_planner")
        self.assertTrue(contract.with_user(planner).read())
        with self.assertRaises(AccessError):
            contract.with_user(planner).read(["price_revision_ids"])

    def test_a_copy_has_prices_of_its_own_day(self):
        contract = self._revised(price_reference_month=date(2024, 10, 1))
        copy = contract.copy()
        self.assertEqual(copy.price_clause_id, self.clause)
        self.assertFalse(copy.price_reference_month)

    def test_contract_form_while_typing(self):
        form = Form(self._revised())
        form.price_clause_id = self._clause(frequency="month", month=False)
        form.date_start = False
        self.assertFalse(form.next_revision_date)

    def test_letter(self):
        contract = self._revised()
        self._cron()
        revision = contract.price_revision_ids
        with self.assertRaisesRegex(UserError, "apply the revision first"):
            revision.action_send_letter()
        revision.action_accept()
        with self.mock_mail_gateway():
            revision.action_send_letter()
        self.assertIn("1,065.20", self._new_mails.body_html)
        self.assertIn("0.15 + 0.85", self._new_mails.body_html)
        with self.assertRaisesRegex(UserError, "kept as the reason"):
            revision.unlink()

    def test_by_hand_and_one_failure_stops_no_other(self):
        first, second = self._revised(), self._revised()
        propose = type(first)._propose_revision

        def fails_for_the_first(contract):
            if contract == first:
                raise ValueError("Locked")
            return propose(contract)

        with patch.object(type(first), "_propose_revision", fails_for_the_first), mute_logger(LOG):
            self._cron()
        self.assertEqual((first | second).mapped("price_revision_count"), [0, 1])
        first.action_propose_revision()
        self.assertEqual(first.price_revision_ids.state, "proposed")
        with self.assertRaisesRegex(UserError, "No price revision is due"):
            first.action_propose_revision()

    def test_other_companies_see_nothing_of_it(self):
        contract = self._revised()
        self._cron()
        other = self.env["res.company"].create({"name": "Other company"})
        stranger = self._user("p_stranger", "multiservice.group_manager")
        stranger.write({"company_ids": [Command.set(other.ids)], "company_id": other.id})
        for records in (contract.price_revision_ids, contract.price_revision_ids.line_ids):
            self.assertFalse(records.with_user(stranger).search([("id", "in", records.ids)]))
