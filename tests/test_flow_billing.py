from datetime import date, timedelta
from itertools import takewhile
from random import Random

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..engine.plan import charges
from .common import MultiserviceCommon

RUN = "odoo.addons.multiservice.models.billing_run"
JANUARY = ("2026-01-01", "2026-01-31", 100.0)
FEBRUARY = ("2026-02-01", "2026-02-28", 100.0)


@tagged("post_install", "-at_install")
class TestFlowEnd(MultiserviceCommon):
    """A contract billed in advance ends, opens again, changes: the ledger corrects itself, once."""

    def _net(self, contracts):
        """Untaxed total of all invoices less all credit notes."""
        moves = contracts.billable_ids.move_id.filtered(lambda move: move.state != "cancel")
        return round(sum(moves.mapped("amount_untaxed_signed")), 2)

    def _bill_until_settled(self, contract, through):
        """Bill, and see that a second run has nothing to add."""
        moves = self._bill(contract, through).move_ids
        self.assertFalse(self._bill(contract, through), "settled by one run")
        self.assertFalse(contract._plan(through))
        return moves

    def test_contract_ends_within_a_billed_period(self):
        contract = self._contract(posting_mode="post")
        self._bill(contract, date(2026, 2, 28))
        contract._end_on(date(2026, 2, 14))
        refund = self._bill_until_settled(contract, date(2026, 2, 28))
        self.assertEqual(refund.move_type, "out_refund")
        self.assertEqual(refund.amount_untaxed, 50.0)
        self.assertEqual(refund.amount_total, 60.0)
        line = refund.invoice_line_ids
        self.assertEqual((line.quantity, line.price_unit), (1.0, 50.0))
        self.assertEqual((line.service_start, line.service_end), (date(2026, 2, 1), date(2026, 2, 28)))
        self.assertEqual(line.tax_ids, self.tax)
        self.assertEqual(line.service_site_id, self.site_a)
        self.assertIn("50.00", line.name)
        self.assertIn("100.00", line.name)
        self.assertLedger(contract, [JANUARY, FEBRUARY, ("2026-02-01", "2026-02-28", -50.0)])
        self.assertEqual(self._net(contract), 150.0)
        self.assertFalse(contract.next_billing_date)
        self.assertFalse(contract.line_ids.replan_from, "looks back no more")
        self.assertFalse(self._bill(contract, date(2027, 1, 1)))

    def test_contract_ends_before_billed_periods(self):
        contract = self._contract(posting_mode="post")
        self._bill(contract, date(2026, 3, 31))
        contract._end_on(date(2026, 1, 31))
        refund = self._bill_until_settled(contract, date(2026, 3, 31))
        self.assertEqual((refund.move_type, refund.amount_untaxed), ("out_refund", 200.0))
        self.assertEqual(len(refund.invoice_line_ids), 2)
        self.assertEqual(self._net(contract), 100.0)

    def test_a_line_ends_while_others_go_on(self):
        contract = self._contract(self._line(), self._line(30.0), posting_mode="post")
        first, second = contract.line_ids
        self._bill(contract, date(2026, 1, 31))
        first._end_on(date(2026, 1, 10))
        moves = self._bill_until_settled(contract, date(2026, 2, 28))
        # 67.74 of January are credited on the invoice, which is still open; February of the second is due
        self.assertEqual(
            sorted((move.move_type, move.amount_untaxed) for move in moves),
            [("out_invoice", 30.0), ("out_refund", 67.74)],
        )
        self.assertEqual(self._net(contract), 92.26)
        self.assertEqual(contract.next_billing_date, date(2026, 3, 1))
        self.assertEqual(second.next_billing_date, date(2026, 3, 1))

    def test_a_correction_smaller_than_what_is_due_lowers_the_invoice(self):
        contract = self._contract(self._line(), self._line(30.0))
        self._bill(contract, date(2026, 1, 31))
        contract.line_ids[1]._end_on(date(2026, 1, 1))
        invoice = self._bill_until_settled(contract, date(2026, 2, 28))
        self.assertEqual((invoice.move_type, invoice.amount_untaxed), ("out_invoice", 70.97))
        correction = invoice.invoice_line_ids.filtered(lambda line: line.price_subtotal < 0)
        self.assertEqual((correction.quantity, correction.price_unit), (-1.0, 29.03))

    def test_in_arrears_the_end_is_billed_and_nothing_is_credited(self):
        contract = self._contract(timing="arrears")
        self._bill(contract, date(2026, 1, 31))
        contract._end_on(date(2026, 2, 14))
        invoice = self._bill_until_settled(contract, date(2026, 2, 28))
        self.assertEqual((invoice.move_type, invoice.amount_untaxed), ("out_invoice", 50.0))

    def test_a_reopened_contract_bills_again(self):
        contract = self._contract(posting_mode="post")
        self._bill(contract, date(2026, 2, 28))
        contract._end_on(date(2026, 2, 14))
        self._bill(contract, date(2026, 2, 28))
        contract._end_on(None)
        invoice = self._bill_until_settled(contract, date(2026, 2, 28))
        self.assertEqual((invoice.move_type, invoice.amount_untaxed), ("out_invoice", 50.0))
        self.assertEqual(self._net(contract), 200.0)
        self._bill(contract, date(2026, 3, 31))
        self.assertEqual(self._net(contract), 300.0)

    def test_an_end_taken_back_before_the_run_changes_nothing(self):
        contract = self._contract()
        self._bill(contract, date(2026, 2, 28))
        contract._end_on(date(2026, 1, 20))
        contract._end_on(None)
        self.assertFalse(self._bill(contract, date(2026, 2, 28)))
        self._bill(contract, date(2026, 3, 31))
        self.assertEqual(self._net(contract), 300.0)
        self.assertFalse(contract.line_ids.replan_from)

    def test_the_end_moves_twice(self):
        contract = self._contract()
        self._bill(contract, date(2026, 3, 31))
        contract._end_on(date(2026, 1, 31))
        self._bill(contract, date(2026, 3, 31))
        contract._end_on(date(2026, 2, 14))
        self._bill_until_settled(contract, date(2026, 3, 31))
        self.assertEqual(self._net(contract), 150.0)
        contract._end_on(date(2026, 1, 1))
        self._bill_until_settled(contract, date(2026, 3, 31))
        self.assertEqual(self._net(contract), 3.23)
        contract._end_on(date(2026, 3, 31))
        self._bill_until_settled(contract, date(2026, 3, 31))
        self.assertEqual(self._net(contract), 300.0)

    def test_a_prolonged_last_period_is_completed(self):
        """The last period was billed in part because the end was known: only the days added are left."""
        contract = self._contract(date_end=date(2026, 1, 15))
        self._bill(contract, date(2026, 1, 31))
        self.assertLedger(contract, [("2026-01-01", "2026-01-15", 48.39)])
        contract._end_on(date(2026, 2, 28))
        invoice = self._bill_until_settled(contract, date(2026, 2, 28))
        self.assertEqual(
            invoice.invoice_line_ids.mapped(lambda line: (line.service_start, line.service_end, line.price_subtotal)),
            [
                (date(2026, 1, 16), date(2026, 1, 31), 51.61),
                (date(2026, 2, 1), date(2026, 2, 28), 100.0),
            ],
        )
        self.assertEqual(self._net(contract), 200.0)

    def test_replaced_within_a_billed_period(self):
        contract = self._contract(posting_mode="post")
        line = contract.line_ids
        self._bill(contract, date(2026, 2, 28))
        successor = line._replace_from(date(2026, 2, 15), {"price_unit": 140.0})
        moves = self._bill_until_settled(contract, date(2026, 2, 28))
        # −50.00 of the old line, +70.00 of the new one
        self.assertEqual((moves.move_type, moves.amount_untaxed), ("out_invoice", 20.0))
        self.assertEqual(self._net(contract), 220.0)
        self.assertLedger(
            contract, [JANUARY, FEBRUARY, ("2026-02-01", "2026-02-28", -50.0), ("2026-02-15", "2026-02-28", 70.0)]
        )
        self.assertEqual(successor.billed_to, date(2026, 2, 28))
        self._bill_until_settled(contract, date(2026, 3, 31))
        self.assertEqual(self._net(contract), 360.0)

    def test_a_succession_at_the_same_price_costs_the_same(self):
        for policy in ("prorate", "full", "free"):
            for cut in (date(2026, 1, 2), date(2026, 1, 16), date(2026, 2, 28)):
                with self.subTest(policy=policy, cut=cut):
                    whole = self._contract(first_partial=policy, last_partial=policy)
                    cut_up = self._contract(first_partial=policy, last_partial=policy)
                    self._bill(cut_up, date(2026, 3, 31))
                    cut_up.line_ids._replace_from(cut, {"quantity": 1.0})
                    self._bill_until_settled(cut_up, date(2026, 3, 31))
                    self._bill(whole, date(2026, 3, 31))
                    self.assertEqual(self._net(cut_up), self._net(whole))

    def test_replaced_before_what_is_billed_begins(self):
        """Two months back: both are corrected, on one invoice."""
        contract = self._contract(self._line(100.0), posting_mode="post")
        self._bill(contract, date(2026, 3, 31))
        contract.line_ids._replace_from(date(2026, 2, 1), {"price_unit": 90.0})
        refund = self._bill_until_settled(contract, date(2026, 3, 31))
        self.assertEqual((refund.move_type, refund.amount_untaxed), ("out_refund", 20.0))
        self.assertEqual(self._net(contract), 280.0)

    def test_the_last_period_of_a_succession_is_free_as_a_whole(self):
        contract = self._contract(recurrence_unit="quarter", last_partial="free")
        line = contract.line_ids
        self._bill(contract, date(2026, 1, 1))
        successor = line._replace_from(date(2026, 2, 15), {"price_unit": 120.0})
        self._bill(contract, date(2026, 3, 1))
        successor._end_on(date(2026, 3, 10))
        self._bill_until_settled(contract, date(2026, 3, 31))
        self.assertEqual(self._net(contract), 0.0)
        successor._end_on(None)
        self._bill_until_settled(contract, date(2026, 3, 31))
        self.assertEqual(self._net(contract), 110.0)

    def test_ended_and_settled_contract_is_over(self):
        contract = self._contract(posting_mode="post")
        with freeze_time("2026-02-01"):
            self._bill(contract, date(2026, 2, 28))
        contract._end_on(date(2026, 2, 14))
        with freeze_time("2026-02-20"):
            self.env["multiservice.contract"]._cron_end_contracts()
            self.assertEqual(contract.state, "active", "the credit is not made yet")
            self._bill(contract, date(2026, 2, 20))
            self.env["multiservice.contract"]._cron_end_contracts()
            self.assertEqual(contract.state, "ended")

    def test_an_ended_contract_ends_earlier_after_all(self):
        contract = self._contract(posting_mode="post", date_end=date(2026, 2, 28))
        with freeze_time("2026-03-05"):
            self._bill(contract, date(2026, 3, 5))
            self.env["multiservice.contract"]._cron_end_contracts()
            self.assertEqual(contract.state, "ended")
            contract._end_on(date(2026, 1, 31))
            refund = self._bill(contract, date(2026, 3, 5)).move_ids
            self.assertEqual((refund.move_type, refund.amount_untaxed), ("out_refund", 100.0))

    def test_taken_over_from_another_system(self):
        contract = self._contract(billed_until=date(2026, 1, 20))
        invoice = self._bill_until_settled(contract, date(2026, 2, 28))
        self.assertEqual(
            invoice.invoice_line_ids.mapped(lambda line: (line.service_start, line.price_subtotal)),
            [(date(2026, 1, 21), 35.48), (date(2026, 2, 1), 100.0)],
        )
        contract._end_on(date(2026, 1, 10))
        self._bill_until_settled(contract, date(2026, 2, 28))
        self.assertEqual(self._net(contract), 0.0)


@tagged("post_install", "-at_install")
class TestFlowCorrection(MultiserviceCommon):
    """A correction bears the tax, account, fiscal position, order reference and analytic of what it corrects (§3b)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        plan = cls.env["account.analytic.plan"].create({"name": "Contracts"})
        cls.analytic, cls.other_analytic = cls.env["account.analytic.account"].create(
            [{"name": name, "plan_id": plan.id} for name in ("Old", "New")]
        )
        cls.contract = cls._contract(posting_mode="post", order_reference="PO-OLD", analytic_account_id=cls.analytic.id)
        cls.invoice = cls._bill(cls.contract, date(2026, 1, 31)).move_ids

    def _correct(self):
        self.contract._end_on(date(2026, 1, 15))
        refund = self._bill(self.contract, date(2026, 1, 31)).move_ids
        self.assertEqual((refund.move_type, refund.amount_untaxed), ("out_refund", 51.61))
        return refund

    def test_order_reference(self):
        self.assertEqual(self.invoice.ref, "PO-OLD")
        self.contract.order_reference = "PO-NEW"
        self.assertEqual(self._correct().ref, "PO-OLD")

    def test_fiscal_position(self):
        before = self.invoice.fiscal_position_id
        self.contract.fiscal_position_id = self.fiscal_pos_a
        self.assertEqual(self._correct().fiscal_position_id, before)

    def test_account(self):
        before = self.invoice.invoice_line_ids.account_id
        self.service.property_account_income_id = self.copy_account(self.company_data["default_account_revenue"])
        self.assertEqual(self._correct().invoice_line_ids.account_id, before)

    def test_tax(self):
        self.service.taxes_id = [Command.set(self.tax_sale_b.ids)]
        self.assertEqual(self._correct().invoice_line_ids.tax_ids, self.tax)

    def test_analytic(self):
        self.contract.analytic_account_id = self.other_analytic
        self.assertEqual(self._correct().invoice_line_ids.analytic_distribution, {str(self.analytic.id): 100.0})

    def test_what_is_new_beside_a_correction_bears_the_new_reference(self):
        """The old and the new order are two invoices: a correction never borrows the other's reference."""
        self.contract.order_reference = "PO-NEW"
        self.contract.line_ids._replace_from(date(2026, 1, 16), {"price_unit": 200.0})
        moves = self._bill(self.contract, date(2026, 1, 31)).move_ids
        self.assertEqual(
            sorted((move.ref, move.move_type, move.amount_untaxed) for move in moves),
            [("PO-NEW", "out_invoice", 103.23), ("PO-OLD", "out_refund", 51.61)],
        )


@tagged("post_install", "-at_install")
class TestFlowGrouping(MultiserviceCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contracts = cls.env["multiservice.contract"]

    def _two(self, *differences, grouping="customer", **vals):
        """Two contracts of the customer, the second with `differences`, billed for January together."""
        vals = {"grouping": grouping, "invoice_partner_id": self.customer.id, **vals}
        for site, difference in zip(self.site_a + self.site_b, ({}, *differences, {}), strict=False):
            self.contracts |= self._contract(self._line(site_id=site.id), **(vals | difference))
        return self._bill(self.contracts, date(2026, 1, 31))

    def test_per_customer(self):
        run = self._two()
        self.assertEqual(len(run.item_ids), 1)
        self.assertEqual(len(run.move_ids), 1)
        self.assertEqual(run.move_ids.service_contract_ids, self.contracts)
        self.assertFalse(run.move_ids.partner_shipping_id, "two sites: none")
        names = run.move_ids.invoice_line_ids.mapped("name")
        self.assertIn("Tour A", names[0])
        self.assertIn("Tour B", names[1])
        for contract in self.contracts:
            self.assertIn(contract.name, run.move_ids.invoice_origin)

    def test_per_contract(self):
        moves = self._two(grouping="contract").move_ids
        self.assertEqual(len(moves), 2)
        self.assertEqual(moves.sorted("id").mapped("partner_shipping_id"), self.site_a + self.site_b, "the one site")

    def test_per_site(self):
        contract = self._contract(
            self._line(site_id=self.site_b.id),
            self._line(site_id=self.site_a.id),
            self._line(name="Call-out desk"),
            grouping="site",
        )
        moves = self._bill(contract, date(2026, 2, 28)).move_ids
        self.assertEqual(len(moves), 3)
        by_site = {move.partner_shipping_id: move for move in moves}
        self.assertEqual(set(by_site), {self.site_a, self.site_b, self.env["res.partner"]})
        for move in moves:
            self.assertEqual(len(move.invoice_line_ids), 2)
            self.assertEqual(move.partner_id, self.customer)

    def test_a_section_per_site(self):
        contract = self._contract(
            self._line(name="Desk"),
            self._line(site_id=self.site_b.id),
            self._line(site_id=self.site_a.id),
            self._line(site_id=self.site_b.id, price=40.0),
            grouping="sections",
        )
        move = self._bill(contract, date(2026, 1, 31)).move_ids
        lines = move.invoice_line_ids.sorted("sequence")
        self.assertEqual(
            lines.mapped("display_type"),
            ["product", "line_section", "product", "line_section", "product", "product"],
        )
        self.assertIn("Tour A", lines[1].name)
        self.assertIn("Tour B", lines[3].name)
        self.assertEqual(lines[3].get_section_subtotal(), 140.0)
        self.assertNotIn("Tour A", lines[2].name, "said by the section already")

    def test_contracts_merge_only_when_they_agree(self):
        dollar = self.setup_other_currency("USD", rates=[("2026-01-01", 1.2)])
        journal = self.company_data["default_journal_sale"].copy({"code": "SVC"})
        address = self._customer("Accounts", type="invoice", parent_id=self.customer.id, is_company=False)
        for difference in (
            {"payment_term_id": self.pay_terms_b.id},
            {"currency_id": dollar.id},
            {"order_reference": "PO-2"},
            {"buyer_reference": "SERVICE-2"},
            {"market_reference": "MARKET-2"},
            {"posting_mode": "post"},
            {"journal_id": journal.id},
            {"fiscal_position_id": self.fiscal_pos_a.id},
            {"invoice_partner_id": address.id},
            {"grouping": "contract"},
        ):
            with self.subTest(difference):
                self.contracts = self.env["multiservice.contract"]
                moves = self._two(difference).move_ids
                self.assertEqual(len(moves), 2)

    def test_what_is_agreed_is_on_the_invoice(self):
        dollar = self.setup_other_currency("USD", rates=[("2026-01-01", 1.25)])
        journal = self.company_data["default_journal_sale"].copy({"code": "SVC", "currency_id": dollar.id})
        run = self._two(
            payment_term_id=self.pay_terms_b.id,
            currency_id=dollar.id,
            order_reference="PO-7",
            journal_id=journal.id,
            fiscal_position_id=self.fiscal_pos_a.id,
            posting_mode="post",
        )
        move = run.move_ids
        self.assertEqual(len(move), 1)
        self.assertEqual(move.invoice_payment_term_id, self.pay_terms_b)
        self.assertEqual(move.currency_id, dollar)
        self.assertEqual(move.ref, "PO-7")
        self.assertEqual(move.journal_id, journal)
        self.assertEqual(move.fiscal_position_id, self.fiscal_pos_a)
        self.assertEqual(move.amount_untaxed, 200.0)
        self.assertEqual(move.amount_untaxed_signed, 160.0)
        self.assertEqual(run.amount_untaxed, 160.0, "the run adds up the company's currency")

    def test_no_fiscal_position_is_passed_too(self):
        """The contract's choice, not what core would find for the customer or the site."""
        self.env["account.fiscal.position"].create(
            {"name": "Auto", "auto_apply": True, "country_id": self.france.id, "company_id": self.company.id}
        )
        contract = self._contract(activate=False)
        self.assertEqual(contract.fiscal_position_id.name, "Auto")
        contract.fiscal_position_id = False
        contract._activate()
        self.assertFalse(self._bill(contract, date(2026, 1, 31)).move_ids.fiscal_position_id)

    def test_customers_are_never_merged(self):
        other = self._customer("Mairie de Testville")
        contracts = self._contract(grouping="customer") + self._contract(
            self._line(), partner_id=other.id, grouping="customer"
        )
        run = self._bill(contracts, date(2026, 1, 31))
        self.assertEqual(run.item_ids.partner_id, self.customer + other)
        self.assertEqual(run.move_ids.partner_id, self.customer + other)

    def test_one_invoice_for_each_due_date(self):
        contract = self._contract(per_period=True)
        moves = self._bill(contract, date(2026, 3, 31)).move_ids
        self.assertEqual(sorted(moves.mapped("service_period_start")), [date(2026, m, 1) for m in (1, 2, 3)])

    def test_sections_and_notes_of_the_contract(self):
        def heading(kind, name):
            return Command.create({"display_type": kind, "name": name})

        contract = self._contract(
            heading("line_section", "Cleaning"),
            self._line(name="Offices", site_id=self.site_a.id),
            heading("line_note", "Windows excluded"),
            heading("line_section", "Nothing due here"),
            self._line(name="Later", date_start=date(2026, 6, 1)),
            heading("line_section", "Gardening"),
            self._line(name="Lawn", site_id=self.site_a.id),
        )
        move = self._bill(contract, date(2026, 1, 31)).move_ids
        lines = move.invoice_line_ids.sorted("sequence")
        self.assertEqual(
            [(line.display_type, line.name.splitlines()[0]) for line in lines],
            [
                ("line_section", "Cleaning"),
                ("product", "Offices"),
                ("line_note", "Windows excluded"),
                ("line_section", "Gardening"),
                ("product", "Lawn"),
            ],
        )

    def test_only_the_header_of_a_section_is_repeated_not_its_lines(self):
        contract = self._contract(
            Command.create({"display_type": "line_section", "name": "Cleaning"}), self._line(name="Offices")
        )
        move = self._bill(contract, date(2026, 2, 28)).move_ids
        self.assertEqual(
            move.invoice_line_ids.sorted("sequence").mapped("display_type"), ["line_section", "product", "product"]
        )

    def test_the_customers_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.customer.lang = "fr_FR"
        move = self._bill(self._contract(), date(2026, 1, 31)).move_ids
        self.assertIn("01/01/2026", move.invoice_line_ids.name)
        self.assertIn("31/01/2026", move.invoice_line_ids.name)

    def test_the_analytic_account_of_the_contract(self):
        plan = self.env["account.analytic.plan"].create({"name": "Contracts"})
        self.company.service_analytic_plan_id = plan
        contract = self._contract()
        self.assertEqual(contract.analytic_account_id.plan_id, plan)
        line = self._bill(contract, date(2026, 1, 31)).move_ids.invoice_line_ids
        self.assertEqual(line.analytic_distribution, {str(contract.analytic_account_id.id): 100.0})


@tagged("post_install", "-at_install")
class TestFlowInvoiceDate(MultiserviceCommon):
    """§3c: the day of posting, on the company's calendar; numbers and dates rise together."""

    def _invoice(self, contract=None, through=date(2026, 1, 31)):
        return self._bill(contract or self._contract(posting_mode="post"), through).move_ids

    def _by_hand(self, day, **kwargs):
        products = self.product_a
        return self.init_invoice("out_invoice", self.customer, products=products, invoice_date=day, **kwargs)

    def test_the_company_calendar_rules_around_midnight(self):
        self.company.service_tz = "Europe/Paris"
        with freeze_time("2026-01-31 22:59:00"):
            self.assertEqual(self._invoice().invoice_date, date(2026, 1, 31))
        with freeze_time("2026-01-31 23:01:00"):
            invoice = self._invoice()
        due = invoice.line_ids.filtered(lambda line: line.display_type == "payment_term")
        days = [invoice.invoice_date, invoice.invoice_date_due, due.date_maturity]
        self.assertEqual(days, [date(2026, 2, 1)] * 3, "an invoice is not due before its own day")

    def test_west_of_greenwich_too(self):
        self.company.service_tz = "America/Guadeloupe"
        with freeze_time("2026-02-01 03:59:00"):
            self.assertEqual(self._invoice().invoice_date, date(2026, 1, 31))
            self.env.user.tz = "Asia/Tokyo"
            self.assertEqual(self._invoice().invoice_date, date(2026, 1, 31), "whatever the user's own zone")

    def test_the_default_day_of_a_run_is_the_companys(self):
        self.company.service_tz = "Europe/Paris"
        contract = self._contract(date_start=date(2026, 2, 1))
        with freeze_time("2026-01-31 22:59:00"):
            self.assertFalse(self.env["multiservice.billing.run"]._create_runs(contract, "Test"))
        with freeze_time("2026-01-31 23:01:00"):
            run = self.env["multiservice.billing.run"]._create_runs(contract, "Test")
            self.assertEqual(run.through_date, date(2026, 2, 1))

    def _assert_refused(self, moment, last, date_start=date(2026, 1, 1)):
        """Nothing is billed at `moment`, because `last` has a lower number and bears a later day."""
        contract = self._contract(posting_mode="post", date_start=date_start)
        with freeze_time(moment), mute_logger(RUN):
            run = self.env["multiservice.billing.run"]._create_runs(contract, "Test")
            run._process_now()
        self.assertEqual(run.item_ids.state, "failed")
        self.assertIn(last.name, run.item_ids.error)
        self.assertFalse(contract.billable_ids)
        return run

    def test_never_before_the_last_posted_invoice_of_the_journal(self):
        """Nor in the future: the invoice that bears a later day is named, and the run can be retried."""
        with freeze_time("2026-02-10 12:00:00"):
            later = self._invoice()
        self.assertEqual(later.invoice_date, date(2026, 2, 10))
        run = self._assert_refused("2026-02-08 12:00:00", later)
        with freeze_time("2026-02-10 09:00:00"):
            run.action_retry()
            run.item_ids._work()
        self.assertEqual(run.move_ids.invoice_date, date(2026, 2, 10))

    def test_an_invoice_made_by_hand_counts_too(self):
        by_hand = self.init_invoice(
            "out_invoice", self.customer, products=self.product_a, invoice_date="2026-02-10", post=True
        )
        self._assert_refused("2026-02-08 12:00:00", by_hand)

    def test_a_draft_posted_by_hand_is_refused_likewise(self):
        draft = self._invoice(self._contract())
        later = self.init_invoice(
            "out_invoice", self.customer, products=self.product_a, invoice_date="2026-02-10", post=True
        )
        with freeze_time("2026-02-08 12:00:00"), self.assertRaisesRegex(UserError, later.name):
            draft.action_post()

    def test_a_draft_for_review_is_made_all_the_same(self):
        self._by_hand("2026-02-10", post=True)
        with freeze_time("2026-02-08 12:00:00"):
            draft = self._invoice(self._contract(posting_mode="draft"))
        self.assertEqual((draft.state, draft.invoice_date), ("draft", False))

    def test_a_draft_of_a_later_day_does_not_count(self):
        self._by_hand("2026-02-10")
        with freeze_time("2026-02-08 12:00:00"):
            self.assertEqual(self._invoice().invoice_date, date(2026, 2, 8))

    def test_another_journal_does_not(self):
        self._invoice_on("2026-02-10 12:00:00", self._contract(posting_mode="post"))
        journal = self.company_data["default_journal_sale"].copy({"code": "SVC"})
        contract = self._contract(posting_mode="post", journal_id=journal.id)
        self.assertEqual(self._invoice_on("2026-02-08 12:00:00", contract).invoice_date, date(2026, 2, 8))

    def _invoice_on(self, moment, contract):
        with freeze_time(moment):
            return self._invoice(contract)

    def test_credit_notes_have_their_own_sequence_or_share_it(self):
        journal = self.company_data["default_journal_sale"]
        for own in (True, False):
            with self.subTest(own_sequence=own):
                journal.refund_sequence = own
                year = 2025 if own else 2024
                contract = self._contract(posting_mode="post", date_start=date(year, 1, 1))
                with freeze_time(f"{year}-01-05 12:00:00"):
                    self._invoice(contract, date(year, 1, 5))
                contract._end_on(date(year, 1, 10))
                with freeze_time(f"{year}-01-20 12:00:00"):
                    refund = self._bill(contract, date(year, 1, 20)).move_ids
                self.assertEqual((refund.move_type, refund.invoice_date), ("out_refund", date(year, 1, 20)))
                if own:
                    with freeze_time(f"{year}-01-12 12:00:00"):
                        other = self._invoice(
                            self._contract(posting_mode="post", date_start=date(year, 1, 1)), date(year, 1, 12)
                        )
                    self.assertEqual(other.invoice_date, date(year, 1, 12))
                else:
                    self._assert_refused(f"{year}-01-12 12:00:00", refund, date_start=date(year, 1, 1))

    def test_a_draft_posted_late_bears_the_posting_day(self):
        contract = self._contract(payment_term_id=self.pay_terms_a.id)
        with freeze_time("2026-01-05 12:00:00"):
            draft = self._invoice(contract)
        self.assertFalse(draft.invoice_date)
        with freeze_time("2026-02-20 12:00:00"):
            draft.action_post()
        self.assertEqual((draft.invoice_date, draft.date), (date(2026, 2, 20), date(2026, 2, 20)))
        self.assertEqual(draft.invoice_line_ids.service_start, date(2026, 1, 1))
        self.assertEqual(draft.invoice_date_due, date(2026, 2, 20))

    def test_the_due_date_follows_the_payment_term(self):
        term = self.env["account.payment.term"].create(
            {"name": "30 days", "line_ids": [Command.create({"value": "percent", "value_amount": 100, "nb_days": 30})]}
        )
        with freeze_time("2026-01-05 12:00:00"):
            draft = self._invoice(self._contract(payment_term_id=term.id))
        with freeze_time("2026-02-20 12:00:00"):
            draft.action_post()
        self.assertEqual(draft.invoice_date_due, date(2026, 2, 20) + timedelta(days=30))

    def test_the_due_date_follows_without_a_payment_term(self):
        with freeze_time("2026-01-05 12:00:00"):
            draft = self._invoice(self._contract(payment_term_id=False))
        self.assertFalse(draft.invoice_payment_term_id)
        with freeze_time("2026-02-20 12:00:00"):
            draft.action_post()
        self.assertEqual(draft.invoice_date_due, date(2026, 2, 20))
        receivable = draft.line_ids.filtered(lambda line: line.display_type == "payment_term")
        self.assertEqual(receivable.date_maturity, date(2026, 2, 20))

    def test_a_date_typed_by_hand_is_kept(self):
        with freeze_time("2026-02-20 12:00:00"):
            draft = self._invoice(self._contract())
            draft.invoice_date = date(2026, 2, 15)
            draft.action_post()
        self.assertEqual(draft.invoice_date, date(2026, 2, 15))

    def test_a_rate_typed_by_hand_is_kept(self):
        dollar = self.setup_other_currency("USD", rates=[("2026-01-01", 1.25), ("2026-02-01", 2.0)])
        with freeze_time("2026-01-05 12:00:00"):
            drafts = self._invoice(self._contract(currency_id=dollar.id))
            by_hand = self._invoice(self._contract(currency_id=dollar.id))
            by_hand.invoice_currency_rate = 1.6
        # The database's clock is not frozen.
        self.env.cr.execute(
            "UPDATE account_move SET create_date = '2026-01-05 12:00:00' WHERE id IN %s", [(drafts + by_hand)._ids]
        )
        (drafts + by_hand).invalidate_recordset(["create_date"])
        with freeze_time("2026-02-20 12:00:00"):
            (drafts + by_hand).action_post()
        self.assertEqual(drafts.amount_untaxed_signed, 50.0, "at the rate of the invoice date")
        self.assertEqual(by_hand.amount_untaxed_signed, 62.5)

    def test_several_drafts_posted_together(self):
        with freeze_time("2026-01-05 12:00:00"):
            drafts = self._invoice(self._contract()) + self._invoice(self._contract(self._line(-5.0)))
        self.assertEqual(set(drafts.mapped("move_type")), {"out_invoice", "out_refund"})
        with freeze_time("2026-02-20 12:00:00"):
            drafts.action_post()
        self.assertEqual(set(drafts.mapped("invoice_date")), {date(2026, 2, 20)})

    def test_an_invoice_reset_and_posted_again_keeps_its_date(self):
        with freeze_time("2026-01-05 12:00:00"):
            invoice = self._invoice()
        with freeze_time("2026-02-20 12:00:00"):
            invoice.button_draft()
            invoice.action_post()
        self.assertEqual(invoice.invoice_date, date(2026, 1, 5))


@tagged("post_install", "-at_install")
class TestFlowRandom(MultiserviceCommon):
    """Whatever people do, in any order: a run makes the ledger say what the terms say, a second one adds nothing."""

    SEEDS = (5, 13, 15, 17)  # each found a defect once
    STEPS = 14

    def _owed(self, contract, through):
        """By line, what the terms ask for on that day, as if nothing had ever been billed."""
        owed = {}
        for line in contract.line_ids:
            terms = line._to_terms()
            asked = takewhile(lambda charge: charge.issue <= through, charges(terms, terms.start))
            owed[line] = float(sum(charge.amount for charge in asked))
        return owed

    def _check(self, contract, through, story):
        contract.env.flush_all()
        for line, owed in self._owed(contract, through).items():
            held = sum(line.billable_ids.filtered("held").mapped("amount"))
            self.assertAlmostEqual(held, owed, 2, f"{line.date_start} – {line.date_end} after {story}")
        self.assertFalse(self._bill(contract, through), f"a second run after {story}")
        self.assertFalse(
            contract.billable_ids.filtered(lambda row: row.state == "to_bill"), f"nothing waits after {story}"
        )

    def _step(self, random, contract, through):
        """Do one of the things that people do; returns what, or None when it made no sense."""
        day = date(2026, 1, 1) + timedelta(days=random.randrange(150))
        last = contract.line_ids.filtered(lambda line: not line.successor_ids)[-1:]
        moves = contract.billable_ids.move_id
        drafts = moves.filtered(lambda move: move.state == "draft").sorted("id")
        posted = moves.filtered(lambda move: move.state == "posted" and move.move_type == "out_invoice").sorted("id")
        action = random.choice(["end", "reopen", "line end", "replace", "delete", "cancel", "post", "no", "yes"])
        if action == "end":
            contract._end_on(max(day, contract.date_start))
            return f"end on {day}"
        if action == "reopen":
            contract._end_on(None)
        elif action == "line end":
            last._end_on(max(day, last.date_start - timedelta(days=1)))
            return f"line ends on {day}"
        elif action == "replace" and day > last.date_start and day <= (last._service_end() or day):
            last._replace_from(day, {"price_unit": float(random.choice([50, 99.99, 120, 100]))})
            return f"replaced from {day}"
        elif action == "delete" and drafts:
            random.choice(list(drafts)).unlink()
        elif action == "cancel" and drafts:
            random.choice(list(drafts)).button_cancel()
        elif action == "post" and drafts:
            drafts.filtered("invoice_line_ids").action_post()
        elif action in ("no", "yes") and posted:
            move = random.choice(list(posted))
            wizard = (
                self.env["account.move.reversal"]
                .with_context(active_model="account.move", active_ids=move.ids)
                .create({"journal_id": move.journal_id.id, "service_rebill": action})
            )
            wizard.refund_moves()
            return f"credit, again: {action}"
        else:
            return None
        return action

    def test_any_order_of_events(self):
        for seed in self.SEEDS:
            random = Random(seed)
            contract = self._contract(
                date_start=date(2026, 1, random.choice([1, 10])),
                timing=random.choice(["advance", "arrears"]),
                first_partial=random.choice(["prorate", "full", "free"]),
                last_partial=random.choice(["prorate", "full", "free"]),
                recurrence_unit=random.choice(["month", "month", "quarter", "week"]),
            )
            through, story = date(2026, 1, 31), []
            with self.subTest(seed=seed):
                for _step in range(self.STEPS):
                    if random.random() < 0.5:
                        through = min(through + timedelta(days=random.randrange(40)), date(2026, 6, 30))
                    self._bill(contract, through)
                    story.append(f"billed {through}")
                    self._check(contract, through, story)
                    story.append(self._step(random, contract, through))
