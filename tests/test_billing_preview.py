from datetime import date

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import MultiserviceCommon


@tagged("post_install", "-at_install")
class TestBillingPreview(MultiserviceCommon):
    """The dry run, and billing a selection from it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time("2026-02-10 12:00:00"))
        cls.other = cls._customer("Mairie de Testville")
        cls.first = cls._contract(
            cls._line(site_id=cls.site_a.id),
            cls._line(33.3333, quantity=3.0, discount=5.0, site_id=cls.site_b.id),
            date_start=date(2026, 1, 17),
        )
        cls.second = cls._contract(cls._line(-20.0), cls._line(80.0), partner_id=cls.other.id)
        cls.contracts = cls.first + cls.second

    def _preview(self, through=date(2026, 2, 10), **vals):
        preview = self.env["multiservice.billing.preview"].create({"through_date": through, **vals})
        preview.action_preview()
        return preview

    def _counts(self):
        models = ("account.move", "account.move.line", "multiservice.billable", "multiservice.billing.run")
        return [self.env[model].sudo().search_count([]) for model in models]

    def _figures(self, rows):
        """What the preview's lines and the ledger's rows both say."""
        names = ("period_start", "period_end", "issue_date", "quantity", "price_unit", "discount", "amount")
        return sorted(
            [row.contract_line_id.id, row.site_id.id, *(row[name] for name in names), row.explanation] for row in rows
        )

    def test_nothing_is_written_and_the_real_run_bills_the_same(self):
        self.env.flush_all()
        before = self._counts()
        preview = self._preview()
        self.assertEqual(self._counts(), before)
        self.assertFalse(self.contracts.billable_ids)
        self.assertEqual((preview.line_count, preview.contract_count), (8, 2))
        run = self._bill(self.contracts, date(2026, 2, 10))
        self.assertEqual(self._figures(preview.line_ids), self._figures(self.contracts.billable_ids))
        self.assertAlmostEqual(sum(preview.line_ids.mapped("amount")), run.amount_untaxed)
        self.assertFalse(self._preview().line_ids)

    def test_corrections_are_foreseen_too(self):
        self._bill(self.contracts, date(2026, 2, 10))
        self.first._end_on(date(2026, 2, 14))
        preview = self._preview()
        expected = sorted(preview.line_ids.mapped("amount"))
        self.assertEqual(expected, [-50.0, -47.5])
        before = self.first.billable_ids
        self._bill(self.contracts, date(2026, 2, 10))
        added = self.first.billable_ids - before
        self.assertEqual(sorted(added.mapped("amount")), expected)
        self.assertEqual(self._figures(preview.line_ids), self._figures(added))

    def test_a_free_period_is_shown(self):
        self.first._end_on(None)
        free = self._contract(date_start=date(2026, 1, 20), first_partial="free")
        preview = self._preview(contract_ids=[Command.set(free.ids)])
        self.assertEqual(preview.line_ids.sorted("period_start").mapped("amount"), [0.0, 100.0])

    def test_filters(self):
        template = self.env["multiservice.contract.template"].create({"name": "Cleaning"})
        self.second.template_id = template
        self.second.posting_mode = "post"
        for filters, expected in (
            ({}, self.contracts),
            ({"contract_ids": [Command.set(self.first.ids)]}, self.first),
            ({"partner_ids": [Command.set(self.other.ids)]}, self.second),
            ({"template_ids": [Command.set(template.ids)]}, self.second),
            ({"posting_mode": "post"}, self.second),
            ({"posting_mode": "draft"}, self.first),
            ({"posting_mode": "print"}, self.env["multiservice.contract"]),
            (
                {"contract_ids": [Command.set(self.first.ids)], "partner_ids": [Command.set(self.other.ids)]},
                self.env["multiservice.contract"],
            ),
        ):
            with self.subTest(filters):
                self.assertEqual(self._preview(**filters).line_ids.contract_id, expected)

    def test_what_is_billed_is_what_was_filtered(self):
        preview = self._preview(partner_ids=[Command.set(self.other.ids)])
        run = self.env["multiservice.billing.run"].browse(preview.action_bill()["res_id"])
        self.assertEqual((run.state, run.through_date), ("running", date(2026, 2, 10)))
        self.assertEqual(run.item_ids.contract_ids, self.second)
        self.assertIn(self.other.name, run.origin)

    def test_a_future_day_is_for_a_dry_run(self):
        preview = self._preview(date(2026, 4, 30))
        self.assertEqual(max(preview.line_ids.mapped("period_start")), date(2026, 4, 1))
        with self.assertRaisesRegex(UserError, "still to come"):
            preview.action_bill()

    def test_bill_early_bears_todays_date(self):
        contract = self._contract(date_start=date(2026, 3, 1), posting_mode="post")
        preview = self._preview(date(2026, 3, 31), contract_ids=[Command.set(contract.ids)], bill_early=True)
        run = self.env["multiservice.billing.run"].browse(preview.action_bill()["res_id"])
        for item in run.item_ids:
            item._work()
        move = run.move_ids
        self.assertEqual((move.state, move.invoice_date), ("posted", date(2026, 2, 10)))
        self.assertEqual(move.invoice_line_ids.service_start, date(2026, 3, 1))
        self.assertLedger(contract, [("2026-03-01", "2026-03-31", 100.0)])

    def test_the_default_day_is_the_companys_today(self):
        with freeze_time("2026-02-10 23:30:00"):
            preview = self.env["multiservice.billing.preview"].create({})
            self.assertEqual(preview.through_date, date(2026, 2, 11))

    def test_nothing_due_is_said(self):
        self._bill(self.contracts, date(2026, 2, 10))
        with self.assertRaisesRegex(UserError, "Nothing is due"):
            self._preview().action_bill()

    def test_totals_by_currency(self):
        dollar = self.setup_other_currency("USD", rates=[("2026-01-01", 1.2)])
        self._contract(self._line(50.0), currency_id=dollar.id)
        totals = self._preview().totals
        self.assertEqual(len(totals.split(" + ")), 2)
        self.assertIn("100.00", totals, "two months of 50 dollars")

    def test_contracts_of_another_company_are_left_out(self):
        other = self.setup_other_company(name="Second", country_id=self.france.id)["company"]
        preview = self._preview(company_id=other.id)
        self.assertFalse(preview.line_ids)

    def test_a_billing_user_previews_and_bills(self):
        user = self._user("ledger_billing_user", "multiservice.group_billing_user")
        preview = self.env["multiservice.billing.preview"].with_user(user).create({"through_date": date(2026, 2, 10)})
        preview.action_preview()
        self.assertEqual(preview.line_count, 8)
        self.assertTrue(preview.action_bill()["res_id"])

    def test_each_line_beside_the_period_before(self):
        self._bill(self.contracts, date(2026, 1, 31))
        self.second.line_ids[1]._replace_from(date(2026, 2, 1), {"price_unit": 90.0})
        lines = self._preview().line_ids
        replaced = lines.filtered(lambda line: line.contract_line_id.predecessor_id)
        self.assertEqual((replaced.previous_amount, replaced.amount, replaced.change), (80.0, 90.0, 10.0))
        partial = lines.filtered(lambda line: line.contract_line_id == self.first.line_ids[0])
        self.assertEqual((partial.previous_amount, partial.amount), (48.39, 100.0))

    def test_what_the_last_kept_dry_run_had_foreseen(self):
        self._preview().action_keep()
        self.second.line_ids[1].price_unit = 85.0
        line = self._preview().line_ids.filtered(lambda line: line.contract_line_id == self.second.line_ids[1])[0]
        self.assertEqual((line.foreseen_amount, line.amount), (80.0, 85.0))

    def test_a_kept_dry_run_is_compared_with_the_run(self):
        preview = self._preview()
        preview.action_keep()
        self.second.line_ids[1].price_unit = 85.0
        self.second.line_ids[0].unlink()
        late = self._contract(self._line(), partner_id=self.other.id, date_start=date(2026, 2, 1))
        run = self._bill(self.contracts + late, date(2026, 2, 10))
        self.assertEqual(run.preview_id, preview)
        self.env.flush_all()
        rows = self.env["multiservice.billing.comparison"].search(run.action_compare()["domain"])
        outcomes = {
            (row.contract_line_id, str(row.period_start)): (row.outcome, row.foreseen, row.billed, row.difference)
            for row in rows
        }
        self.assertEqual(len(rows), 7)  # the lines of the deleted contract line went with it
        changed = outcomes[self.second.line_ids, "2026-02-01"]
        self.assertEqual(changed, ("other", 80.0, 85.0, 5.0))
        self.assertEqual(outcomes[late.line_ids, "2026-02-01"], ("extra", 0.0, 100.0, 100.0))
        self.assertEqual(outcomes[self.first.line_ids[0], "2026-02-01"], ("same", 100.0, 100.0, 0.0))
        run.move_ids.filtered(lambda move: self.first in move.service_contract_ids).unlink()
        missing = self.env["multiservice.billing.comparison"].search(
            [("preview_id", "=", preview.id), ("outcome", "=", "missing")]
        )
        self.assertEqual(missing.contract_id, self.first)

    def test_runs_of_earlier_days_bill_a_dry_run_too(self):
        preview = self._preview(date(2026, 2, 28))
        preview.action_keep()
        later = self._contract(self._line(), partner_id=self.other.id, date_start=date(2026, 2, 20))
        runs = self._bill(self.first, date(2026, 2, 5)) + self._bill(self.second, date(2026, 2, 28))
        self.assertEqual(runs.preview_id, preview)
        runs += self._bill(later, date(2026, 3, 1))
        self.env.flush_all()
        rows = self.env["multiservice.billing.comparison"].search([("preview_id", "=", preview.id)])
        self.assertEqual(rows.mapped("outcome"), ["same"] * 8)

    def test_a_correction_is_compared_with_what_it_changed(self):
        self._bill(self.contracts, date(2026, 2, 10))
        self.first._end_on(date(2026, 2, 14))
        preview = self._preview(date(2026, 2, 28))
        preview.action_keep()
        self.env.flush_all()
        rows = self.env["multiservice.billing.comparison"].search([("preview_id", "=", preview.id)])
        self.assertEqual(rows.mapped("outcome"), ["missing", "missing"])
        self._bill(self.contracts, date(2026, 2, 28))
        self.env.invalidate_all()
        self.assertEqual(rows.mapped(lambda row: (row.outcome, row.difference)), [("same", 0.0), ("same", 0.0)])

    def test_what_is_not_due_yet_is_still_to_come(self):
        self._contract(self._line(), timing="arrears", date_start=date(2026, 2, 1))
        preview = self._preview(date(2026, 2, 28))
        preview.action_keep()
        self._bill(self.contracts, date(2026, 2, 10))
        self.env.flush_all()
        rows = self.env["multiservice.billing.comparison"].search([("preview_id", "=", preview.id)])
        self.assertEqual(sorted(rows.mapped("outcome")), ["coming"] + ["same"] * 8)

    def test_several_runs_bill_one_dry_run(self):
        preview = self._preview()
        preview.action_keep()
        first, second = self._bill(self.first, date(2026, 2, 10)), self._bill(self.second, date(2026, 2, 10))
        self.env.flush_all()
        rows = self.env["multiservice.billing.comparison"].search(first.action_compare()["domain"])
        self.assertEqual(first.action_compare()["domain"], second.action_compare()["domain"])
        self.assertEqual(set(rows.mapped("outcome")), {"same"})
        self.assertEqual(len(set(rows.ids)), 8)

    def test_a_dry_run_of_some_is_compared_with_its_own_run_only(self):
        preview = self._preview(partner_ids=[Command.set(self.other.ids)])
        preview.action_keep()
        self.assertFalse(self._bill(self.first, date(2026, 2, 10)).preview_id)
        action = preview.action_bill()
        self.assertEqual(self.env["multiservice.billing.run"].browse(action["res_id"]).preview_id, preview)

    def test_a_line_that_ended_is_shown_beside_the_rest(self):
        self._bill(self.contracts, date(2026, 1, 31))
        self.second.line_ids[1]._end_on(date(2026, 1, 31))
        preview = self._preview()
        ended = preview.line_ids.filtered("ended")
        self.assertEqual(ended.contract_line_id, self.second.line_ids[1])
        self.assertEqual((ended.amount, ended.previous_amount, ended.change), (0.0, 80.0, -80.0))
        self.assertEqual(preview.line_count, 3)

    def test_a_contract_that_ended_is_shown_too(self):
        self._bill(self.contracts, date(2026, 1, 31))
        self.second._end_on(date(2026, 1, 31))
        ended = self._preview(date(2026, 2, 10)).line_ids.filtered("ended")
        self.assertEqual(ended.contract_id, self.second)
        self.assertEqual(sorted(ended.mapped("change")), [-80.0, 20.0])
        self.assertFalse(self._preview(date(2026, 3, 10)).line_ids.filtered("ended"))

    def test_a_line_that_ended_is_shown_until_its_contract_is_billed_again(self):
        self._bill(self.contracts, date(2026, 1, 31))
        self.second.line_ids[1]._end_on(date(2026, 1, 31))
        self._bill(self.contracts, date(2026, 2, 1))
        self.assertFalse(self._preview(date(2026, 2, 10)).line_ids)

    def test_a_correction_is_compared_with_nothing(self):
        self._bill(self.contracts, date(2026, 2, 10))
        self.first._end_on(date(2026, 2, 14))
        lines = self._preview(date(2026, 2, 28)).line_ids
        self.assertTrue(lines)
        self.assertEqual(set(lines.mapped("previous_amount")), {0.0})

    def test_an_empty_dry_run_is_not_kept(self):
        preview = self.env["multiservice.billing.preview"].create({"through_date": date(2025, 12, 1)})
        with self.assertRaisesRegex(UserError, "make the dry run first"):
            preview.action_keep()

    def test_what_nobody_kept_is_deleted_after_a_day(self):
        kept, dropped = self._preview(), self._preview()
        kept.action_keep()
        self.env.flush_all()
        self.env.cr.execute("UPDATE multiservice_billing_preview SET write_date = '2026-02-08'")
        self.env.invalidate_all()
        self.env["multiservice.billing.preview"]._gc_not_kept()
        self.assertEqual((kept + dropped).exists(), kept)

    def test_contracts_that_wait_for_a_reference_are_counted(self):
        self.first.order_reference_required = True
        preview = self._preview()
        self.assertEqual((preview.contract_count, preview.awaiting_count), (1, 1))
        listed = self.env["multiservice.contract"].search(preview.action_view_awaiting()["domain"])
        self.assertEqual(listed, self.first)
