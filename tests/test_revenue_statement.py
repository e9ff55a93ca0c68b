"""What an accountant asks at the close: billed in advance, done and not billed, recurring and contracted revenue."""

from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged

from .common import MultiserviceCommon


@tagged("post_install", "-at_install")
class TestRevenueStatement(MultiserviceCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time("2026-01-10 12:00:00"))

    def _statement(self, content="accruals", on=date(2025, 12, 31)):
        statement = self.env["multiservice.revenue.statement"].create({"content": content, "date": on})
        statement.action_compute()
        return statement

    def _sums(self, *arguments):
        """By (kind, contract): the amounts of a statement."""
        return {(line.kind, line.contract_id): line.amount for line in self._statement(*arguments).line_ids}

    def _yearly(self, **vals):
        return self._contract(
            self._line(365.0),
            date_start=date(2025, 10, 1),
            posting_mode="post",
            recurrence_unit="year",
            recurrence_interval=1,
            alignment="anniversary",
            **vals,
        )

    def _bill_on(self, contract, day):
        with freeze_time(f"{day} 12:00:00"):
            return self._bill(contract, day)

    def test_a_year_billed_in_advance(self):
        """365 for 01/10/2025 – 30/09/2026: 92 days done, 273 to come on 31/12."""
        contract = self._yearly()
        self._bill_on(contract, date(2025, 10, 1))
        self.assertEqual(self._sums(), {("deferred", contract): 273.0})
        statement = self._statement()
        self.assertEqual(statement.line_ids.account_id, contract.billable_ids.invoice_line_id.account_id)

    def test_a_year_in_arrears_is_done_and_not_billed(self):
        contract = self._yearly(timing="arrears")
        self.assertEqual(self._sums(), {("accrued", contract): 92.0})

    def test_an_invoice_dated_after_the_close_was_not_there_yet(self):
        """December, in arrears, billed on 10 January: done and not billed on 31/12, nothing on 31/01."""
        contract = self._contract(date_start=date(2025, 12, 1), timing="arrears", posting_mode="post")
        self._bill(contract, date(2026, 1, 10))
        self.assertEqual(self._sums(), {("accrued", contract): 100.0})
        self.assertEqual(self._sums("accruals", date(2026, 1, 31)), {("accrued", contract): 100.0})  # January's own

    def test_a_draft_is_not_billed_yet(self):
        contract = self._contract(date_start=date(2025, 12, 1))
        self._bill(contract, date(2025, 12, 31))
        self.assertEqual(self._sums(), {("accrued", contract): 100.0})

    def test_billed_before_the_close_for_days_up_to_it_is_neither(self):
        contract = self._contract(date_start=date(2025, 12, 1), posting_mode="post")
        self._bill_on(contract, date(2025, 12, 1))
        self.assertEqual(self._sums(), {})

    def test_a_credit_note_takes_back_what_was_deferred(self):
        contract = self._yearly()
        run = self._bill_on(contract, date(2025, 10, 1))
        with freeze_time("2025-11-15 12:00:00"):
            wizard = (
                self.env["account.move.reversal"]
                .with_context(active_model="account.move", active_ids=run.move_ids.ids)
                .create({"journal_id": run.move_ids.journal_id.id, "service_rebill": "no"})
            )
            wizard.reverse_moves()
            wizard.new_move_ids._post(soft=False)
        self.assertEqual(self._sums(), {})

    def test_a_price_with_tax_counts_without_it(self):
        included = self.tax.copy({"name": "20 % included", "price_include_override": "tax_included"})
        contract = self._contract(
            self._line(120.0, tax_ids=[Command.set(included.ids)]), date_start=date(2025, 12, 1), timing="arrears"
        )
        self.assertEqual(self._sums(), {("accrued", contract): 100.0})

    def test_in_the_companys_currency(self):
        dollars = self.setup_other_currency("USD", rates=[("2025-01-01", 2.0)])
        contract = self._contract(date_start=date(2025, 12, 1), timing="arrears", currency_id=dollars.id)
        self.assertEqual(self._sums(), {("accrued", contract): 50.0})

    def test_recurring_monthly_revenue(self):
        quarterly = self._contract(self._line(300.0), recurrence_interval=3, date_start=date(2025, 1, 1))
        yearly = self._contract(
            self._line(1200.0), self._line(80.0, pricing="one_off"), recurrence_unit="year", date_start=date(2025, 1, 1)
        )
        self._contract(date_start=date(2026, 1, 1))  # not in force yet
        self._contract(date_start=date(2025, 1, 1), activate=False)
        self.assertEqual(self._sums("recurring"), {("recurring", quarterly): 100.0, ("recurring", yearly): 100.0})

    def test_contracted_revenue_by_month(self):
        contract = self._contract(date_start=date(2025, 6, 1), posting_mode="post")
        self._bill_on(contract, date(2026, 1, 1))  # billed or not does not count
        ending = self._contract(date_start=date(2025, 6, 1), date_end=date(2026, 2, 14))
        lines = self._statement("contracted").line_ids
        of_contract = lines.filtered(lambda line: line.contract_id == contract)
        self.assertEqual(of_contract.mapped("amount"), [100.0] * 12)
        self.assertEqual(of_contract.mapped("month"), [date(2026, month, 1) for month in range(1, 13)])
        self.assertEqual(
            [(str(line.month), line.amount) for line in lines - of_contract],
            [("2026-01-01", 100.0), ("2026-02-01", 50.0)],
        )
        self.assertEqual((lines - of_contract).contract_id, ending)

    def test_a_year_ended_in_the_middle(self):
        """Ended on 31/12 and corrected in November: billed 92, rendered 92. Corrected in January: 273 to give back."""
        for corrected, expected in ((date(2025, 11, 10), {}), (date(2026, 1, 10), 273.0)):
            with self.subTest(corrected=corrected):
                contract = self._yearly()
                self._bill_on(contract, date(2025, 10, 1))
                contract._end_on(date(2025, 12, 31))
                run = self._bill_on(contract, corrected)
                self.assertEqual(run.amount_untaxed, -273.0)
                sums = {key: amount for key, amount in self._sums().items() if key[1] == contract}
                self.assertEqual(sums, expected and {("deferred", contract): expected})

    def test_accruals_of_a_series_add_up(self):
        """What is deferred at a close is revenue later: over a contract's life nothing is lost."""
        contract = self._yearly()
        self._bill_on(contract, date(2025, 10, 1))
        closes = [date(2025, 10, 31), date(2025, 12, 31), date(2026, 3, 31), date(2026, 9, 30)]
        deferred = [self._sums("accruals", on).get(("deferred", contract), 0.0) for on in closes]
        self.assertEqual(deferred, [334.0, 273.0, 183.0, 0.0])

    def test_a_statement_is_its_authors_alone(self):
        self._contract(date_start=date(2025, 12, 1), timing="arrears")
        user = self._user("statement_user", "multiservice.group_billing_user")
        with self.assertRaises(AccessError):
            self._statement().with_user(user).line_ids.read(["amount"])
        own = self.env["multiservice.revenue.statement"].with_user(user).create({"date": date(2025, 12, 31)})
        own.action_compute()
        self.assertEqual(own.line_ids.mapped("amount"), [100.0])
        planner = self._user("statement_planner", "multiservice.group_planner")
        with self.assertRaises(AccessError):
            self.env["multiservice.revenue.statement"].with_user(planner).create({"date": date(2025, 12, 31)})
