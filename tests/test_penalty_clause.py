from datetime import date

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from .common import MultiserviceCommon
from .test_facturx import FEBRUARY, JANUARY, EinvoiceCommon


@tagged("post_install", "-at_install")
class TestPenaltyClause(MultiserviceCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.planner = cls._user("p_planner", "multiservice.group_planner")
        cls.biller = cls._user("p_billing_user", "multiservice.group_billing_user")
        cls.contract = cls._contract()
        cls.line = cls.contract.line_ids

    def _penalty(self, user=None, **vals):
        vals = {"line_id": self.line.id, "date": date(2026, 1, 12), "evidence": "Nobody came", "amount": 10.0, **vals}
        return self.env["multiservice.penalty"].with_user(user or self.biller).create(vals)

    def test_approved_it_is_deducted_for_the_period_in_which_it_happened(self):
        self._bill(self.contract, JANUARY)
        penalty = self._penalty()
        self.assertFalse(self._bill(self.contract, JANUARY), "not approved yet")
        penalty.action_approve()
        move = self._bill(self.contract, FEBRUARY).move_ids
        reduction = move.invoice_line_ids.filtered(lambda line: line.quantity < 0)
        self.assertEqual((reduction.quantity, reduction.price_unit, reduction.tax_ids), (-1, 10, self.line.tax_ids))
        self.assertIn("Price reduction: Missed visit of 01/12/2026", reduction.name)
        self.assertEqual((str(reduction.service_start), move.amount_untaxed), ("2026-01-01", 90.0))
        self.assertFalse(self._bill(self.contract, FEBRUARY))

    def test_taken_back_it_is_billed_again(self):
        penalty = self._penalty()
        penalty.action_approve()
        self.assertEqual(self._bill(self.contract, JANUARY).move_ids.amount_untaxed, 90)
        penalty.action_back_to_draft()
        self.assertEqual(self._bill(self.contract, FEBRUARY).move_ids.amount_untaxed, 110)

    def test_a_part_of_the_price_of_the_period(self):
        penalty = self._penalty(basis="rate", rate=5.0, amount=0)
        self.assertEqual(penalty.amount, 5)

    def test_an_indemnity_lowers_no_invoice(self):
        self._penalty(nature="indemnity").action_approve()
        self.assertEqual(self._bill(self.contract, JANUARY).move_ids.amount_untaxed, 100)

    def test_it_follows_the_line_that_replaces_the_other(self):
        penalty = self._penalty(date=date(2026, 1, 20))
        penalty.action_approve()
        successor = self.line._replace_from(date(2026, 1, 16), {"price_unit": 200.0})
        self.assertEqual(penalty.line_id, successor)
        self._bill(self.contract, JANUARY)
        self.assertAlmostEqual(
            sum(self.contract.billable_ids.mapped("amount")), round(1500 / 31, 2) + round(3200 / 31, 2) - 10
        )

    def test_only_a_billing_user_decides(self):
        penalty = self._penalty()
        with self.assertRaises(AccessError), self.cr.savepoint():
            penalty.with_user(self.planner).action_approve()
        planned = (
            self.env["multiservice.penalty"]
            .with_user(self.planner)
            .create({"line_id": self.line.id, "date": date(2026, 1, 12), "evidence": "Nobody came"})
        )
        self.assertEqual(planned.state, "draft")

    def test_a_decided_penalty_is_kept_as_it_is(self):
        penalty = self._penalty()
        penalty.action_approve()
        for act in (
            lambda: penalty.write({"amount": 50}),
            lambda: penalty.write({"state": "draft"}),
            lambda: penalty.unlink(),
            lambda: penalty.action_refuse(),
            lambda: self._penalty(state="approved"),
            lambda: self._penalty(amount=0).action_approve(),
        ):
            with self.assertRaises(UserError), self.cr.savepoint():
                act()
        with self.assertRaises(ValidationError), self.cr.savepoint():
            self._penalty(date=date(2025, 1, 1))


@tagged("post_install", "-at_install")
class TestPenaltyClauseFacturx(EinvoiceCommon, HttpCase):
    def test_a_price_reduction_passes_the_official_rules(self):
        included = self._tax(20.0, price_include_override="tax_included")
        kinds = {}
        for kind, taxes in (("without tax", self.tax), ("with tax", included)):
            contract = self._contract(self._line(tax_ids=[Command.set(taxes.ids)]), posting_mode="post")
            self._bill(contract, JANUARY)
            penalty = self.env["multiservice.penalty"].create(
                {"line_id": contract.line_ids.id, "date": JANUARY, "evidence": "Nobody came", "amount": 12.34}
            )
            penalty.action_approve()
            kinds[f"credit note, {kind}"] = self._bill(contract, JANUARY).move_ids
        self.assertEqual({move.move_type for move in kinds.values()}, {"out_refund"})
        self._assert_right(kinds)
