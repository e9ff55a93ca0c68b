from datetime import date

from odoo.tests import HttpCase, tagged

from .common import MultiserviceCommon


@tagged("post_install", "-at_install")
class TestTours(MultiserviceCommon, HttpCase):
    """What people click, in a real browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = cls._user("billing_clerk", "multiservice.group_billing_user", password="billing_clerk")

    def test_from_the_contract_to_the_invoice(self):
        self.start_tour("/odoo/service-contracts", "multiservice_contract_to_invoice", login="billing_clerk")
        contract = self.env["multiservice.contract"].search([("partner_id", "=", self.customer.id)])
        invoice = contract.billable_ids.move_id
        self.assertEqual(contract.state, "active")
        self.assertEqual(contract.site_ids, self.site_a | self.site_b)
        self.assertEqual(invoice.state, "draft", "the company reviews its drafts")
        self.assertEqual(len(contract.billable_ids), 2)
        self.assertAlmostEqual(invoice.amount_untaxed, sum(contract.billable_ids.mapped("amount")))

    def test_import_the_shipped_template_of_sites(self):
        self._customer("Groupe Exemple")
        self.start_tour("/odoo/action-multiservice.site_action", "multiservice_import_sites", login="billing_clerk")
        sites = self.env["res.partner"].search([("site_code", "in", ("LYO-01", "GRE-01"))])
        self.assertEqual(len(sites), 2)
        self.assertEqual(set(sites.mapped("type")), {"other"})

    def test_review_a_run(self):
        customers = [self._customer(name) for name in ("Usual", "Dearer", "Doubtful")]
        usual, dearer, doubtful = (self._contract(self._line(), partner_id=customer.id) for customer in customers)
        contracts = usual + dearer + doubtful
        self._bill(contracts, date(2026, 1, 1)).move_ids.action_post()
        dearer.line_ids._replace_from(date(2026, 2, 1), {"price_unit": 120.0})
        run = self._bill(contracts, date(2026, 2, 1))
        run.origin = "February"
        self.start_tour("/odoo/service-runs", "multiservice_review", login="billing_clerk")
        drafts = run.move_ids.filtered(lambda move: move.state == "draft")
        self.assertEqual((run.move_count, drafts.service_contract_ids), (3, doubtful))
        self.assertTrue(drafts.service_set_aside)
        self.assertEqual(run.anomaly_ids.checked_by_id, self.clerk)

    def test_an_hours_bank_is_filled_and_used_up(self):
        line = self._line(60.0, site_id=self.site_a.id, measured=True)
        contract = self._contract(line, date_start=date(2020, 1, 1))
        bank = self.env["multiservice.hours.bank"].create(
            {"name": "Maintenance hours", "contract_id": contract.id, "product_id": self.service.id}
        )
        contract.line_ids.bank_id = bank
        self.start_tour("/odoo/service-hours-banks", "multiservice_hours_bank", login="billing_clerk")
        self.assertEqual((bank.balance, contract.line_ids.usage_ids.covered), (0, 10))

    def test_amend_with_preview(self):
        contract = self._contract(self._line(site_id=self.site_a.id), title="To amend")
        self.start_tour("/odoo/service-contracts", "multiservice_amendment", login="billing_clerk")
        amendment = contract.amendment_ids
        self.assertEqual((amendment.state, amendment.title), ("applied", "Twice a week"))
        self.assertEqual(contract.line_ids.mapped("quantity"), [1.0, 2.0])
        self.assertEqual(contract.line_ids[1].predecessor_id, contract.line_ids[0])

    def test_suspend_and_see_beforehand_what_is_credited(self):
        contract = self._contract(self._line(price=100.0), title="To suspend")
        self._bill(contract, date(2026, 2, 1)).move_ids.action_post()
        self.start_tour("/odoo/service-contracts", "multiservice_suspension", login="billing_clerk")
        suspension = contract.suspension_ids
        self.assertEqual((suspension.date_start, suspension.date_end), (date(2026, 2, 15), date(2026, 2, 28)))
        self.assertEqual(self._bill(contract, date(2026, 2, 1)).move_ids.amount_untaxed, 50.0)

    def test_apply_a_proposed_revision(self):
        contract = self._contract(self._line(price=100.0), title="To revise")
        values = {"contract_ids": contract.ids, "date": date(2026, 2, 1), "percent": 3.0, "reason": "Yearly increase"}
        self.env["multiservice.price.change"].create(values).action_propose()
        self.start_tour(
            "/odoo/action-multiservice.price_revision_action", "multiservice_revision", login="billing_clerk"
        )
        self.assertEqual(contract.line_ids.mapped("price_unit"), [100.0, 103.0])
