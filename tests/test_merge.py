from datetime import date

from psycopg2 import IntegrityError

from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import MultiserviceCommon

FEBRUARY = date(2026, 2, 28)


@tagged("post_install", "-at_install")
class TestMerge(MultiserviceCommon):
    """Core's *Merge contacts* re-bills nothing and loses no row."""

    def _merge(self, keep, other):
        self.env.flush_all()
        self.env["base.partner.merge.automatic.wizard"].sudo()._merge((keep + other).ids, keep)
        self.env.invalidate_all()
        self.assertFalse(other.exists())

    def _ledger(self, contracts):
        return [
            (row.id, row.contract_line_id.id, row.period_start, row.revision, row.amount, row.held, row.move_id.id)
            for row in contracts.billable_ids.sorted("id")
        ]

    def _two_customers(self, **vals):
        other = self._customer("Bureaux du Parc (bis)")
        site = self._site(other, "Tour C", "C")
        contracts = self._contract(posting_mode="post", **vals)
        contracts += self._contract(self._line(site_id=site.id), partner_id=other.id, posting_mode="post", **vals)
        self._bill(contracts, FEBRUARY)
        return contracts, other

    def test_two_customers(self):
        contracts, other = self._two_customers(grouping="customer")
        before = self._ledger(contracts)
        self.assertEqual(len(before), 4)
        self._merge(self.customer, other)
        self.assertEqual(self._ledger(contracts), before)
        self.assertEqual(contracts.partner_id, self.customer)
        self.assertEqual(contracts.invoice_partner_id, self.customer)
        self.assertEqual(contracts.line_ids.partner_id, self.customer)
        self.assertEqual(contracts.billable_ids.partner_id, self.customer)
        self.assertEqual(contracts.line_ids.site_id.parent_id, self.customer)
        self.assertFalse(self._bill(contracts, FEBRUARY))
        run = self._bill(contracts, date(2026, 3, 31))
        self.assertEqual(len(run.item_ids), 1)
        self.assertEqual(run.move_ids.amount_untaxed, 200.0)
        self.assertEqual(run.move_ids.partner_id, self.customer)

    def test_two_customers_each_with_a_site_of_the_same_code(self):
        other = self._customer("Bureaux du Parc (bis)")
        site = self._site(other, "Tour A (bis)", "A")
        contract = self._contract(self._line(site_id=site.id), partner_id=other.id, posting_mode="post")
        self._bill(contract, FEBRUARY)
        before = self._ledger(contract)
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            self._merge(self.customer, other)
        self.assertEqual(contract.partner_id, other, "refused as a whole: the user gives the site another code")
        site.site_code = "A2"
        self._merge(self.customer, other)
        self.assertEqual(site.parent_id, self.customer)
        self.assertEqual(self._ledger(contract), before)
        self.assertFalse(self._bill(contract, FEBRUARY))

    def test_two_sites(self):
        contract = self._contract(
            self._line(site_id=self.site_a.id), self._line(70.0, site_id=self.site_b.id), grouping="site"
        )
        self._bill(contract, FEBRUARY)
        before = self._ledger(contract)
        self._merge(self.site_a, self.site_b)
        self.assertEqual(self._ledger(contract), before)
        self.assertEqual(contract.line_ids.site_id, self.site_a)
        self.assertEqual(contract.billable_ids.site_id, self.site_a)
        self.assertFalse(self._bill(contract, FEBRUARY))
        run = self._bill(contract, date(2026, 3, 31))
        self.assertEqual((len(run.move_ids), run.move_ids.amount_untaxed), (1, 170.0))

    def test_an_invoice_address_into_its_customer(self):
        address = self._customer("Accounts", type="invoice", parent_id=self.customer.id, is_company=False)
        contract = self._contract(invoice_partner_id=address.id)
        self._bill(contract, FEBRUARY)
        before = self._ledger(contract)
        # Core refuses to merge a contact into its own parent: the other way round, a second address.
        second = address.copy({"name": "Accounts (bis)"})
        self._merge(second, address)
        self.assertEqual(contract.invoice_partner_id, second)
        self.assertEqual(self._ledger(contract), before)
        self.assertFalse(self._bill(contract, FEBRUARY))

    def test_an_end_after_the_merge_corrects_for_the_customer_that_stays(self):
        contracts, other = self._two_customers()
        self._merge(self.customer, other)
        contracts[1]._end_on(date(2026, 2, 14))
        refund = self._bill(contracts, FEBRUARY).move_ids
        self.assertEqual((refund.move_type, refund.amount_untaxed), ("out_refund", 50.0))
        self.assertEqual(refund.partner_id, self.customer)
