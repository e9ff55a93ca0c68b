from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from .common import MultiserviceCommon

JANUARY, FEBRUARY, MARCH = date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)


class ShareCommon(MultiserviceCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time("2026-03-31 12:00:00"))
        cls.department = cls._customer("Departement Exemple", legal_category="public_body", vat=False)
        cls.insurer = cls._customer("Assurance Exemple")

    @classmethod
    def _share(cls, contract, payer=None, **vals):
        return cls.env["multiservice.share"].create(
            {
                "contract_id": contract.id,
                "partner_id": (payer or cls.department).id,
                "date_start": contract.date_start,
                **({"percent": 60.0} if vals.get("takes", "percent") == "percent" else {}),
                **vals,
            }
        )

    def _billed(self, contract):
        """What is held for each payer, None for the customer."""
        sums = {}
        for row in contract.billable_ids.filtered("held"):
            payer = row.share_id.partner_id or None
            sums[payer] = round(sums.get(payer, 0) + row.amount, 2)
        return {payer: amount for payer, amount in sums.items() if amount}


@tagged("post_install", "-at_install")
class TestShare(ShareCommon):
    def test_each_gets_an_invoice_for_its_part(self):
        contract = self._contract()
        self._share(contract, file_number="D-4711", order_reference="ENG-1")
        moves = self._bill(contract, JANUARY).move_ids
        payers = {move.partner_id: move for move in moves}
        self.assertEqual({p: m.amount_untaxed for p, m in payers.items()}, {self.department: 60, self.customer: 40})
        to_department, to_customer = payers[self.department], payers[self.customer]
        self.assertEqual(to_department.service_order_reference, "ENG-1")
        self.assertEqual(to_department.service_beneficiary_ids, self.customer)
        self.assertIn("Beneficiary: Bureaux du Parc, file D-4711", to_department.invoice_line_ids.name)
        self.assertIn("60", to_department.invoice_line_ids.billable_ids.explanation)
        self.assertFalse(to_customer.service_beneficiary_ids)
        self.assertIn("paid by others", to_customer.invoice_line_ids.name)
        self.assertFalse(self._bill(contract, JANUARY), "once")

    def test_a_full_payer_is_the_only_debtor(self):
        contract = self._contract(self._line(25.0, quantity=4.0))
        self._share(contract, percent=100.0)
        move = self._bill(contract, JANUARY).move_ids
        self.assertEqual((move.partner_id, move.amount_untaxed), (self.department, 100.0))
        self.assertEqual((move.invoice_line_ids.quantity, move.invoice_line_ids.price_unit), (4.0, 25.0))

    def test_hours_of_a_plan_less_the_participation(self):
        contract = self._contract(self._line(25.0, quantity=22.0))
        self._share(contract, takes="beyond", participation=4.5, cap_quantity=20.0)
        self._bill(contract, JANUARY)
        self.assertEqual(self._billed(contract), {self.department: 410.0, None: 140.0})
        row = contract.billable_ids.filtered("share_id")
        self.assertIn("20 units", row.explanation)

    def test_several_payers_in_their_order(self):
        contract = self._contract()
        self._share(contract, self.insurer, sequence=2, percent=50.0, of_rest=True)
        self._share(contract, sequence=1)
        self._bill(contract, JANUARY)
        self.assertEqual(self._billed(contract), {self.department: 60.0, self.insurer: 20.0, None: 20.0})

    def test_one_invoice_for_all_beneficiaries(self):
        other = self._customer("Autre Client")
        contracts = self._contract() | self._contract(self._line(), partner_id=other.id)
        for number, contract in enumerate(contracts):
            self._share(contract, billing="collective", file_number=f"F{number}")
        run = self._bill(contracts, JANUARY)
        self.assertEqual(len(run.item_ids), 1, "never between two workers")
        [collective] = run.move_ids.filtered(lambda move: move.partner_id == self.department)
        self.assertEqual(collective.amount_untaxed, 120.0)
        sections = collective.invoice_line_ids.filtered(lambda line: line.display_type == "line_section")
        self.assertEqual(
            sections.mapped("name"),
            [f"{contract.partner_id.name} – {contract.name} – F{n}" for n, contract in enumerate(contracts)],
        )
        self.assertEqual(collective.service_beneficiary_ids, self.customer | other)
        self.assertEqual(len(run.move_ids), 3)

    def test_shown_on_the_customers_invoice(self):
        contract = self._contract()
        self._share(contract, billing="shown")
        self._share(contract, self.insurer, billing="informed", percent=10.0)
        move = self._bill(contract, JANUARY).move_ids
        self.assertEqual((move.partner_id, move.amount_untaxed), (self.customer, 100.0))
        self.assertRegex(move.invoice_line_ids.name, r"Of which paid by Departement Exemple: \S*60\.00")
        remarks = " ".join(move._shown_remarks())
        self.assertIn("Paid by Departement Exemple", remarks)
        self.assertIn("aid of Assurance Exemple", remarks)
        self.assertIn("72.00", remarks, "with tax")
        self.assertIn("Left to you", remarks)
        self.assertIn("48.00", remarks)

    def test_cost_split_between_sites(self):
        contract = self._contract(self._line(price=100.01), grouping="site")
        for site, percent in ((self.site_a, 50.0), (self.site_b, 50.0)):
            self._share(contract, partner_id=False, site_id=site.id, percent=percent)
        moves = self._bill(contract, JANUARY).move_ids
        self.assertEqual(moves.partner_id, self.customer)
        lines = moves.invoice_line_ids
        self.assertEqual(
            {line.service_site_id: line.price_subtotal for line in lines}, {self.site_a: 50.01, self.site_b: 50.0}
        )
        self.assertEqual(len(moves), 2)

    def test_a_payer_recorded_late_is_charged_and_the_customer_credited(self):
        contract = self._contract()
        self._bill(contract, FEBRUARY)
        share = self._share(contract, date_start=date(2026, 2, 15))
        self.assertIn("credited to one and charged to the other", share.consequence)
        run = self._bill(contract, FEBRUARY)
        self.assertEqual(
            {move.partner_id: (move.move_type, move.amount_untaxed) for move in run.move_ids},
            {self.department: ("out_invoice", 30.0), self.customer: ("out_refund", 30.0)},
        )
        self.assertEqual(self._billed(contract), {self.department: 30.0, None: 170.0})
        self.assertFalse(self._bill(contract, FEBRUARY), "once")

    def test_a_payer_that_leaves_is_credited(self):
        contract = self._contract()
        share = self._share(contract)
        self._bill(contract, FEBRUARY)
        share.date_end = JANUARY
        run = self._bill(contract, FEBRUARY)
        self.assertEqual(
            {move.partner_id: (move.move_type, move.amount_untaxed) for move in run.move_ids},
            {self.department: ("out_refund", 60.0), self.customer: ("out_invoice", 60.0)},
        )
        self.assertEqual(self._billed(contract), {self.department: 60.0, None: 140.0})

    def test_the_share_is_replaced_from_a_day_on(self):
        contract = self._contract()
        share = self._share(contract)
        self._bill(contract, JANUARY)
        with self.assertRaisesRegex(UserError, "was billed"), self.cr.savepoint():
            share.percent = 30.0
        with self.assertRaisesRegex(UserError, "was billed"), self.cr.savepoint():
            share.partner_id = self.insurer
        context = share.action_replace()["context"]
        successor = (
            self.env["multiservice.share"]
            .with_context(**context)
            .create({"date_start": date(2026, 2, 1), "percent": 30.0})
        )
        self.assertEqual((share.date_end, successor.partner_id), (JANUARY, self.department))
        self._bill(contract, FEBRUARY)
        self.assertEqual(self._billed(contract), {self.department: 90.0, None: 110.0})

    def test_credited_by_hand_and_billed_again(self):
        contract = self._contract(posting_mode="post")
        self._share(contract)
        moves = self._bill(contract, JANUARY).move_ids
        to_department = moves.filtered(lambda move: move.partner_id == self.department)
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=to_department.ids)
            .create({"journal_id": to_department.journal_id.id, "service_rebill": "yes"})
        )
        wizard.reverse_moves()
        wizard.new_move_ids._post(soft=False)
        run = self._bill(contract, JANUARY)
        self.assertEqual((run.move_ids.partner_id, run.move_ids.amount_untaxed), (self.department, 60.0))
        self.assertEqual(self._billed(contract), {self.department: 60.0, None: 40.0})

    def test_a_deleted_draft_frees_the_payers_part_alone(self):
        contract = self._contract()
        self._share(contract)
        moves = self._bill(contract, JANUARY).move_ids
        moves.filtered(lambda move: move.partner_id == self.department).unlink()
        again = self._bill(contract, JANUARY).move_ids
        self.assertEqual((again.partner_id, again.amount_untaxed), (self.department, 60.0))

    def test_dry_run_shows_the_parts(self):
        contract = self._contract()
        share = self._share(contract)
        preview = self.env["multiservice.billing.preview"].create(
            {"through_date": JANUARY, "contract_ids": contract.ids}
        )
        preview.action_preview()
        preview.action_keep()
        self.assertEqual({line.share_id: line.amount for line in preview.line_ids}, {share: 60.0, share.browse(): 40.0})
        preview.action_bill()
        preview.run_ids.item_ids._work()
        compared = self.env["multiservice.billing.comparison"].search([("preview_id", "=", preview.id)])
        self.assertEqual(set(compared.mapped("outcome")), {"same"})

    def test_a_payers_invoice_is_nothing_unusual_in_the_review(self):
        contract = self._contract()
        self._share(contract)
        run = self._bill(contract, JANUARY)
        run.move_ids._detect_anomalies()
        self.assertEqual(set(run.move_ids.service_anomaly_ids.mapped("kind")), {"first"})
        self.assertEqual(self.department.payer_share_count, 1)
        self.assertEqual(
            self.env["multiservice.share"].search(self.department.action_view_payer_shares()["domain"]),
            contract.share_ids,
        )

    def test_the_payers_own_references_are_asked_for(self):
        self.department.order_reference_required = True
        contract = self._contract()
        share = self._share(contract)
        self.assertTrue(contract.awaiting_reference)
        self.assertEqual(contract.reference_contact_id, self.department)
        self.assertFalse(self._bill(contract, JANUARY))
        share.order_reference = "ENG-7"
        self.assertFalse(contract.awaiting_reference)
        self.assertEqual(len(self._bill(contract, JANUARY).move_ids), 2)

    def test_what_is_refused_changes_nothing(self):
        contract = self._contract(self._line(), self._line(50.0))
        share = self._share(contract, percent=70.0)
        with self.assertRaisesRegex(ValidationError, "Assurance Exemple.*more than 100"), self.cr.savepoint():
            self._share(contract, self.insurer, percent=31.0)
        with self.assertRaisesRegex(ValidationError, "at most 100"), self.cr.savepoint():
            share.percent = 101.0
        with self.assertRaisesRegex(ValidationError, "is the customer"), self.cr.savepoint():
            share.partner_id = self.customer
        with self.assertRaisesRegex(ValidationError, "for one service"), self.cr.savepoint():
            share.cap_quantity = 10.0
        flat = self._contract(self._line(pricing="flat"))
        with self.assertRaisesRegex(ValidationError, "priced by the quantity"), self.cr.savepoint():
            self._share(flat, takes="unit", unit_amount=5.0)
        elsewhere = self._site(self.insurer, "Ailleurs", "X")
        with self.assertRaisesRegex(ValidationError, "does not belong"), self.cr.savepoint():
            self._share(contract, partner_id=False, site_id=elsewhere.id, percent=10.0)
        self.assertEqual((len(contract.share_ids), share.percent, share.cap_quantity), (1, 70.0, 0.0))

    def test_one_billed_is_not_deleted(self):
        contract = self._contract()
        share = self._share(contract)
        self._bill(contract, JANUARY)
        with self.assertRaisesRegex(UserError, "give the share an end"), self.cr.savepoint():
            share.unlink()
        share.date_end = date(2025, 12, 31)
        self._bill(contract, JANUARY)
        self.assertEqual(self._billed(contract), {None: 100.0})

    def test_one_not_billed_goes_and_the_rest_is_the_customers(self):
        contract = self._contract()
        share = self._share(contract)
        share.unlink()
        move = self._bill(contract, JANUARY).move_ids
        self.assertEqual((move.partner_id, move.amount_untaxed), (self.customer, 100.0))

    def test_merged_payers_make_no_new_key(self):
        contract = self._contract()
        share = self._share(contract)
        self._bill(contract, JANUARY)
        twin = self._customer("Departement Exemple (bis)", company_registry=False, vat=False)
        self.env["base.partner.merge.automatic.wizard"]._merge(
            [self.department.id, twin.id], dst_partner=twin, extra_checks=False
        )
        share.invalidate_recordset()
        self.assertEqual(share.partner_id, twin)
        self.assertFalse(self._bill(contract, JANUARY), "nothing is billed again")

    def test_payers_are_asked_to_be_ready_for_e_invoices(self):
        self.company.service_einvoice = True
        self.department.zip = False
        self._share(self._contract())
        self.env.flush_all()
        gaps = self.env["multiservice.einvoice.gap"].search([("partner_id", "=", self.department.id)])
        self.assertEqual(set(gaps.mapped("kind")), {"address", "buyer_reference", "order_reference"})

    def test_form(self):
        contract = self._contract()
        with Form(self.env["multiservice.share"].with_context(default_contract_id=contract.id)) as form:
            form.partner_id = self.department
            form.percent = 25.0
            form.date_start = date(2026, 1, 1)
        share = contract.share_ids
        self.assertEqual((share.terms_in_words, share.payment_term_id.id), ("25\xa0%", False))
        self.assertEqual(share.company_id, self.company)

    def test_planners_know_nothing_of_payers_and_plan_by_them(self):
        contract = self._contract()
        self._share(contract)
        planner = self._user("planner_share", "multiservice.group_planner")
        with self.assertRaises(AccessError):
            contract.share_ids.with_user(planner).read(["percent"])
        seen = contract.with_user(planner)
        self.assertEqual((seen.next_billing_date, seen.missing_references), (date(2026, 1, 1), ""))
        self.assertEqual(seen.reference_contact_id, self.customer)

    def test_other_companies_see_nothing_of_it(self):
        contract = self._contract()
        share = self._share(contract)
        other = self.env["res.company"].create({"name": "Elsewhere"})
        user = self._user("elsewhere_share", "multiservice.group_billing_user")
        user.write({"company_ids": [(6, 0, other.ids)], "company_id": other.id})
        self.assertFalse(self.env["multiservice.share"].with_user(user).search([("id", "=", share.id)]))


@tagged("post_install", "-at_install")
class TestShareOfUsage(ShareCommon):
    """Hours done and validated day by day, of which a plan pays so many a week."""

    def _measured(self, *days):
        contract = self._contract(self._line(20.0, measured=True))
        self.env["multiservice.usage"].create(
            [{"line_id": contract.line_ids.id, "date": day, "quantity": hours} for day, hours in days]
        )
        return contract

    def test_hours_of_a_week_that_lies_in_two_months(self):
        # 4 h paid of the week from 26 January: two days of it in January, two in February
        contract = self._measured(
            (date(2026, 1, 29), 2.0), (date(2026, 1, 30), 1.0), (date(2026, 2, 1), 3.0), (date(2026, 2, 3), 5.0)
        )
        self._share(contract, percent=100.0, cap_quantity=4.0, cap_per="week")
        self._bill(contract, FEBRUARY)
        rows = contract.billable_ids.filtered("share_id").sorted("period_start")
        self.assertEqual(rows.mapped("amount"), [60.0, 20.0 + 80.0])
        self.assertEqual(self._billed(contract), {self.department: 160.0, None: 60.0})

    def test_what_becomes_known_late_is_shared_too(self):
        contract = self._measured((date(2026, 1, 12), 2.0))
        self._share(contract, takes="beyond", participation=5.0)
        self._bill(contract, JANUARY)
        self.env["multiservice.usage"].create(
            {"line_id": contract.line_ids.id, "date": date(2026, 1, 14), "quantity": 1.0}
        )
        self._bill(contract, JANUARY)
        self.assertEqual(self._billed(contract), {self.department: 45.0, None: 15.0})
        self.assertFalse(self._bill(contract, JANUARY), "once")

    def test_a_month_in_which_nothing_was_measured_is_nobodys(self):
        contract = self._measured()
        self._share(contract)
        self.assertFalse(self._bill(contract, JANUARY).move_ids)
        self.env["multiservice.usage"].create(
            {"line_id": contract.line_ids.id, "date": date(2026, 1, 14), "quantity": 1.0}
        )
        self._bill(contract, JANUARY)
        self.assertEqual(self._billed(contract), {self.department: 12.0, None: 8.0})
