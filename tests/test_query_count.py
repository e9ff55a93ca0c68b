"""What billing costs grows with what is due, not with history: counted in queries."""

from collections.abc import Callable
from datetime import date

from odoo.tests import tagged

from .common import MultiserviceCommon

NEW_YEAR = date(2026, 1, 1)
SHORT, LONG = date(2025, 12, 1), date(2024, 1, 1)  # one month and 24 months before
LINES = 2


@tagged("post_install", "-at_install")
class TestQueryCount(MultiserviceCommon):
    def _contracts(self, count: int, start: date):
        """Contracts of as many customers, billed up to the end of 2025, an invoice for each month."""
        contracts = self.env["multiservice.contract"].union(
            *(
                self._contract(
                    self._line(),
                    self._line(35.5),
                    partner_id=self._customer(f"Customer {number} since {start}").id,
                    date_start=start,
                    per_period=True,
                )
                for number in range(count)
            )
        )
        self._bill(contracts, SHORT)
        months = (NEW_YEAR.year - start.year) * 12 + NEW_YEAR.month - start.month
        self.assertEqual(len(contracts.billable_ids.filtered("held")), count * LINES * months)
        return contracts

    def _run(self, contracts) -> Callable:
        """A chunk of a run as its worker bills it."""

        def bill():
            run = self.env["multiservice.billing.run"]._create_runs(contracts, "Test", NEW_YEAR)
            run.item_ids._work()
            self.assertEqual(run.move_count, len(contracts))

        return bill

    def _preview(self, contracts) -> Callable:
        def look_ahead():
            preview = self.env["multiservice.billing.preview"].create(
                {"through_date": NEW_YEAR, "contract_ids": contracts.ids}
            )
            preview.action_preview()
            self.assertEqual(len(preview.line_ids), len(contracts) * LINES)

        return look_ahead

    def _upcoming(self, contracts) -> Callable:
        def show():
            for contract in contracts:
                self.assertIn("2026", contract.upcoming_html)

        return show

    def _queries(self, work: Callable) -> int:
        """The number of queries that `work` takes from an empty cache."""
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        work()
        self.env.flush_all()
        return self.env.cr.sql_log_count - before

    def test_history_costs_no_query(self):
        first, short, long = (self._contracts(5, start) for start in (SHORT, SHORT, LONG))
        for work in (self._upcoming, self._preview, self._run):
            with self.subTest(work=work.__name__):
                self._queries(work(first))  # fills the caches that outlive a transaction
                self.assertEqual(self._queries(work(long)), self._queries(work(short)))

    def test_queries_for_each_contract_more(self):
        first, few, many = (self._contracts(count, SHORT) for count in (5, 5, 25))
        for work, allowed in ((self._upcoming, 3), (self._preview, 0), (self._run, 1)):
            with self.subTest(work=work.__name__):
                self._queries(work(first))
                more = self._queries(work(many)) - self._queries(work(few))
                self.assertLessEqual(more, allowed * (len(many) - len(few)))

    def test_contracts_of_a_list_of_invoices(self):
        few, many = (self._contracts(count, SHORT).billable_ids.move_id.ids for count in (5, 25))
        read = [self._queries(lambda ids=ids: self._read_contracts(ids)) for ids in (few, few, many)]
        self.assertEqual(read[1], read[2])

    def _read_contracts(self, move_ids: list[int]) -> None:
        for vals in self.env["account.move"].browse(move_ids).read(["service_contract_ids"]):
            self.assertEqual(len(vals["service_contract_ids"]), 1)

    def test_suspensions_cost_no_query_for_each_contract_more(self):
        first, few, many = (self._contracts(count, SHORT) for count in (5, 5, 25))
        for contract in first | few | many:
            line = contract.line_ids[0]._replace_from(date(2026, 3, 1), {"price_unit": 50.0})
            self.env["multiservice.suspension"].create(
                [
                    {"contract_id": contract.id, "reason": "Works", "date_start": start, "date_end": end, **scope}
                    for start, end, scope in (
                        (date(2026, 1, 5), date(2026, 1, 9), {}),
                        (date(2026, 2, 5), date(2026, 2, 9), {"line_id": line.id}),
                    )
                ]
            )
        for work, allowed in ((self._preview, 0), (self._run, 1)):
            with self.subTest(work=work.__name__):
                self._queries(work(first))
                more = self._queries(work(many)) - self._queries(work(few))
                self.assertLessEqual(more, allowed * (len(many) - len(few)))
