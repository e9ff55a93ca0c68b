"""The demonstration company: believable, billable by its own billing user, and belonging to nobody."""

from datetime import date, timedelta

from stdnum.fr import siret, tva

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.base_iban.models.res_partner_bank import validate_iban
from odoo.addons.multiservice.demo._contracts import (
    ADVANCED,
    AIDED,
    BANKED,
    BROKEN,
    MEASURED,
    REFUSED,
    REVISED,
    TO_INFORM,
    contracts,
)
from odoo.addons.multiservice.demo.loader import bill, load

from .common import MultiserviceCommon

BILLING_LOG = "odoo.addons.multiservice.models.billing_run"


@tagged("post_install", "-at_install")
class TestDemo(MultiserviceCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.today = date(2026, 10, 15)
        cls.demo = load(cls.env, cls.today)
        with mute_logger(BILLING_LOG):  # one contract cannot be billed, on purpose
            cls.figures = bill(cls.env, cls.today)
        cls.env = cls.env(context=dict(cls.env.context, allowed_company_ids=cls.demo.ids))
        cls.contracts = cls.env["multiservice.contract"].search([("company_id", "=", cls.demo.id)])
        cls.customers = cls.contracts.partner_id
        cls.sites = cls.customers.site_ids
        cls.moves = cls.env["account.move"].search([("company_id", "=", cls.demo.id), ("move_type", "!=", "entry")])
        cls.run_moves = cls.moves.filtered("billing_run_id")

    def test_size(self):
        self.assertEqual(
            (len(self.customers), len(self.sites), len(self.contracts), len(self.contracts.line_ids.site_id)),
            (25, 60, 80, 60),
        )

    def test_second_load_does_nothing(self):
        counted = ("res.partner", "res.users", "product.product", "multiservice.contract", "ir.model.data")
        before = [self.env[model].sudo().search_count([]) for model in counted]
        self.assertEqual(load(self.env, self.today + timedelta(days=1)), self.demo)
        self.env["multiservice.demo.data"]._load()
        self.assertEqual([self.env[model].sudo().search_count([]) for model in counted], before)

    def test_identifiers_are_right(self):
        companies = (self.customers | self.demo.partner_id).filtered("company_registry")
        for number in companies.mapped("company_registry") + self.sites.filtered("site_siret").mapped("site_siret"):
            siret.validate(number)
        for number in companies.filtered("vat").mapped("vat"):
            tva.validate(number)
        accounts = self.env["res.partner.bank"].search([("partner_id", "in", companies.ids)])
        for account in accounts:
            validate_iban(account.acc_number)
        self.assertGreater(len(accounts), 10)
        self.assertEqual(self.demo.vat[4:], self.demo.company_registry[:9])

    def test_nobody_real_is_reachable(self):
        partners = self.customers | self.sites | self.demo.partner_id
        partners |= (
            self.env["res.users"].search([("company_id", "=", self.demo.id)]).partner_id - self.env.user.partner_id
        )
        people = partners.filtered(lambda partner: partner.phone and not partner.user_ids.filtered("share"))
        for partner in people:
            self.assertRegex(partner.phone, r"^\+33 (1 99 00|6 39 98) \d\d \d\d$", partner.name)
        for partner in (self.customers | self.demo.partner_id).filtered("email"):
            self.assertTrue(partner.email.endswith(".invalid"), partner.email)
        for partner in self.customers | self.demo.partner_id:
            self.assertTrue(not partner.company_registry or partner.company_registry.startswith("000000"))

    def test_suspensions(self):
        current, coming = self.contracts.suspension_ids.sorted("date_start")
        self.assertTrue(current.site_id and not current.date_end)
        self.assertTrue(current._lines().billable_ids.filtered(lambda row: row.kind == "correction"), "credited")
        self.assertGreater(coming.date_start, self.today)

    def test_amendments(self):
        applied, sent, accepted = (
            self.env.ref(f"multiservice_demo.contract_{key}").amendment_ids for key in ("QUE-1", "BRI-1", "TES-1")
        )
        self.assertEqual([one.state for one in (applied, sent, accepted)], ["applied", "sent", "accepted"])
        self.assertTrue(applied.change_ids.new_line_ids.is_held, "billed since")
        self.assertGreater(min(sent.date_effect, accepted.date_effect), self.today)
        self.assertEqual(sent.message_ids.partner_ids, sent.partner_id)

    def test_terms_and_prices_to_revise(self):
        to_inform, refused, revised = (
            self.env.ref(f"multiservice_demo.contract_{key}") for key in (TO_INFORM, REFUSED, REVISED)
        )
        self.assertLessEqual(to_inform.inform_from, self.today)
        self.assertGreater(to_inform.inform_until, self.today)
        self.assertEqual((refused.refused_by, refused.date_end), ("customer", refused.term_end))
        revision = revised.price_revision_ids
        self.assertEqual((revision.state, revision.coefficient), ("proposed", 1.0208))
        self.assertGreater(revision.amount_after, revision.amount_before)

    def test_payers_and_home_services(self):
        department = self.env.ref("multiservice_demo.payer_DEP")
        [paid_by_it] = self.run_moves.filtered(lambda move: move.partner_id == department and move.state == "posted")
        aided = self.env.ref(f"multiservice_demo.contract_{AIDED}")
        self.assertEqual(paid_by_it.service_beneficiary_ids, aided.partner_id)
        requests = self.env["multiservice.advance.request"].search([("company_id", "=", self.demo.id)])
        self.assertEqual(requests.move_id.service_contract_ids, self.env.ref(f"multiservice_demo.contract_{ADVANCED}"))
        self.assertIn("waiting", requests.mapped("state"))

    def test_measured_quantities_and_the_hours_bank(self):
        measured, banked = (self.env.ref(f"multiservice_demo.contract_{key}") for key in (MEASURED, BANKED))
        components = set(measured.billable_ids.mapped("component"))
        self.assertLessEqual({"tier:1", "tier:2", "fee:2", "minimum"}, components)
        self.assertEqual((banked.bank_ids.balance, banked.bank_ids.alerted), (3.5, 80))
        self.assertEqual(sorted(measured.line_ids.penalty_ids.mapped("state")), ["approved", "draft"])
        self.assertTrue(any(name.startswith("penalty:") for name in components))
        covered = banked.billable_ids.filtered(lambda row: row.component == "bank")
        self.assertEqual(set(covered.mapped("closed_reason")), {"bank"})

    def test_all_kinds_of_terms(self):
        def used(name):
            return set(self.contracts.mapped(name)) | set(self.contracts.line_ids.filtered("own_schedule").mapped(name))

        for name in ("recurrence_unit", "timing", "alignment", "first_partial", "last_partial", "issue_method"):
            choices = dict(self.contracts._fields[name].selection)
            self.assertEqual(used(name), set(choices), name)
        self.assertEqual(set(self.contracts.mapped("grouping")), {"customer", "sections", "contract", "site"})
        self.assertEqual({c._posting_mode() for c in self.contracts}, {"draft", "post", "send", "print"})
        self.assertIn(True, self.contracts.mapped("per_period"))
        lines = self.contracts.line_ids
        self.assertEqual(set(lines.mapped("pricing")), {"flat", "unit", "one_off", "graduated"})
        self.assertEqual(set(lines.mapped("display_type")), {False, "line_section", "line_note"})
        self.assertEqual({tax.amount for tax in lines.tax_ids}, {5.5, 10.0, 20.0})
        self.assertEqual(set(lines.tax_ids.mapped("tax_exigibility")), {"on_payment"})
        self.assertEqual(set(self.contracts.currency_id.mapped("name")), {"EUR", "CHF"})
        self.assertEqual(
            set(self.customers.mapped("legal_category")), {"business", "public_body", "non_professional", "consumer"}
        )
        self.assertEqual(len(self.env.ref("multiservice_demo.customer_ARC").managed_ids), 6)
        self.assertTrue(lines.predecessor_id)
        self.assertTrue(self.contracts.prior_invoice_ids)
        self.assertEqual(set(self.contracts.mapped("state")), {"active", "ended"})

    def test_billed_by_its_billing_user(self):
        posted = self.run_moves.filtered(lambda move: move.state == "posted")
        self.assertGreaterEqual(len(posted), 60)
        self.assertEqual(set(self.run_moves.mapped("service_posting_mode")), {"draft", "post", "send", "print"})
        self.assertTrue(all(move.amount_total for move in self.run_moves))
        self.assertEqual(self.run_moves.create_uid, self.env.ref("multiservice_demo.user_facturation"))
        for move in self.run_moves:
            self.assertEqual(move.state == "draft", move.service_posting_mode == "draft")
        self.assertEqual(self.figures["invoices"], len(self.run_moves))
        self.assertEqual(sum(total["invoices"] for total in self.figures["totals"].values()), self.figures["invoices"])
        self.assertAlmostEqual(
            sum(total["taxed"] for total in self.figures["totals"].values()),
            sum(self.run_moves.mapped("amount_total_signed")),
            2,
        )

    def test_all_that_is_due_is_billed_but_one(self):
        broken = self.env.ref(f"multiservice_demo.contract_{BROKEN}")
        self.assertEqual(self.contracts.filtered("billing_error"), broken)
        self.assertEqual(len(self.figures["failures"]), 1)
        self.assertIn(broken.name, self.figures["failures"][0])
        awaiting = self.env.ref("multiservice_demo.contract_BOC-2")
        self.assertEqual(self.contracts.filtered("awaiting_reference"), awaiting)
        due = self.contracts.filtered(lambda c: c.next_billing_date and c.next_billing_date <= self.today)
        self.assertEqual(due, broken + awaiting)
        with self.assertLogs(BILLING_LOG, "WARNING") as log:
            again = bill(self.env, self.today)
        self.assertEqual(len(log.output), 1)
        self.assertEqual(again | {"seconds": 0}, self.figures | {"seconds": 0})

    def test_what_is_missing_for_e_invoices(self):
        """Every customer is ready but those left incomplete on purpose, and what was posted is right."""
        self.env.flush_all()
        gaps = self.env["multiservice.einvoice.gap"].search([("company_id", "=", self.company.id)])
        self.assertEqual(
            {(gap.partner_id.name, gap.kind) for gap in gaps},
            {
                (self.env.ref(f"multiservice_demo.customer_{key}").name, kind)
                for key, kinds in {
                    "GRI": ("siren", "vat", "electronic_address"),
                    "ECU": ("address",),
                    "OPT": ("vat",),
                }.items()
                for kind in kinds
            },
        )
        posted = self.run_moves.filtered(lambda move: move.state == "posted")
        self.assertEqual([fault for move in posted for fault in move._einvoice_faults()], [])
        self.assertTrue((self.run_moves - posted).filtered("einvoice_findings"))

    def test_paid_unpaid_and_credited(self):
        states = set(self.moves.mapped("payment_state"))
        self.assertLessEqual({"paid", "partial", "not_paid", "reversed"}, states)
        credits_by_hand = self.moves.filtered("reversed_entry_id") - self.run_moves
        self.assertEqual((len(credits_by_hand), credits_by_hand.state), (1, "posted"))
        credited = self.run_moves.filtered(lambda move: move.move_type == "out_refund")
        terminated, suspended = (self.env.ref(f"multiservice_demo.contract_{key}") for key in ("BRI-7", "BOC-3"))
        self.assertEqual(credited.service_contract_ids, terminated | suspended)

    def test_people(self):
        groups = {
            "facturation": "multiservice.group_billing_user",
            "planning": "multiservice.group_planner",
            "technicien": "multiservice.group_technician",
            "direction": "multiservice.group_manager",
            "client": "base.group_portal",
        }
        for login, group in groups.items():
            user = self.env.ref(f"multiservice_demo.user_{login}")
            self.assertTrue(user.has_group(group), login)
            self.assertEqual(self.figures["logins"][login], login)
        client = self.env.ref("multiservice_demo.user_client")
        seen = self.env["multiservice.contract"].with_user(client).search([])
        self.assertEqual(seen.partner_id.sudo(), self.env.ref("multiservice_demo.customer_BRI"))

    def test_rows_hold_on_any_day(self):
        for offset in range(0, 800, 7):
            today = date(2026, 1, 1) + timedelta(days=offset)
            rows = contracts(today)
            self.assertEqual(len({row.key for row in rows}), 80)
            for row in rows:
                last = row.end or today
                self.assertLess(row.start, last + timedelta(days=1), f"{row.key} on {today}")
                if row.replacement:
                    self.assertLess(row.start, row.replacement.day, f"{row.key} on {today}")
                    self.assertLessEqual(row.replacement.day, last, f"{row.key} on {today}")
