from datetime import date

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import Form, tagged

from odoo.addons.mail.tests.common import MockEmail

from .common import MultiserviceCommon

JANUARY, MARCH = date(2026, 1, 15), date(2026, 3, 15)


@tagged("post_install", "-at_install")
class TestPriceChange(MultiserviceCommon, MockEmail):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time("2026-01-15 12:00:00"))
        cls.biller = cls._user("c_billing_user", "multiservice.group_billing_user")

    def _change(self, contracts, day=date(2026, 2, 1), **vals):
        action = contracts.action_change_prices()
        wizard = self.env["multiservice.price.change"].with_user(self.biller).with_context(**action["context"])
        form = Form(wizard)
        form.date = day
        for name, value in ({"percent": 3.0, "reason": "Yearly increase"} | vals).items():
            form[name] = value
        result = form.save().action_propose()
        domain = [("id", "=", result["res_id"])] if result.get("res_id") else result["domain"]
        return self.env["multiservice.price.revision"].search(domain, order="id")

    def test_by_a_percentage_for_many_contracts(self):
        contracts = self._contract(self._line(price=100.0)) | self._contract(self._line(price=33.33))
        revisions = self._change(contracts)
        self.assertEqual(revisions.mapped("state"), ["proposed", "proposed"])
        self.assertEqual(sorted(revisions.mapped("amount_after")), [34.33, 103.0])
        self.assertEqual(contracts.line_ids.mapped("price_unit"), [100.0, 33.33], "nothing is applied yet")
        revisions.with_user(self.biller).action_accept()
        lines = self._bill(contracts, MARCH).move_ids.invoice_line_ids
        self.assertEqual(sorted(lines.mapped("price_unit")), [33.33, 34.33, 34.33, 100.0, 103.0, 103.0])
        february = lines.filtered(lambda line: line.price_unit == 103.0)[:1]
        self.assertIn("Yearly increase", february.name)

    def test_as_the_price_list_says(self):
        contract = self._contract(self._line(price=90.0))
        self.assertEqual(self._change(contract, method="pricelist").line_ids.price_after, 100.0)

    def test_from_a_day_that_was_billed_the_difference_is_billed(self):
        contract = self._contract(self._line(price=100.0))
        self._bill(contract, MARCH)
        self._change(contract).action_accept()
        self.assertEqual(self._bill(contract, MARCH).move_ids.amount_untaxed, 6.0)

    def test_taken_back_while_nothing_was_billed_at_the_new_price(self):
        contract = self._contract(self._line(price=100.0, date_end=date(2026, 12, 31)))
        revision = self._change(contract)
        revision.action_accept()
        revision.action_undo()
        self.assertEqual(revision.state, "proposed")
        self.assertEqual(contract.line_ids.date_end, date(2026, 12, 31))
        revision.action_accept()
        self._bill(contract, MARCH)
        with self.assertRaisesRegex(UserError, "at the new price already"):
            revision.action_undo()

    def test_consumers_and_syndicates_accept_first(self):
        syndicate = self._customer("Residence", legal_category="non_professional")
        contract = self._contract(self._line(price=100.0), partner_id=syndicate.id)
        revision = self._change(contract, ground="agreement")
        with self.assertRaisesRegex(UserError, "must accept new prices"), self.cr.savepoint():
            revision.action_accept()
        revision.action_customer_accepted()
        self.assertEqual(revision.customer_accepted_on, date(2026, 1, 15))
        revision.action_accept()
        self.assertEqual(revision.state, "accepted")

    def test_what_is_refused(self):
        contract, draft = self._contract(), self._contract(activate=False)
        for contracts, vals, message in (
            (contract, {"percent": 0.0}, "how many per cent"),
            (contract, {"percent": -100.0}, "how many per cent"),
            (contract, {"method": "pricelist"}, "No price of these contracts changes"),
            (draft, {}, "No price of these contracts changes"),
        ):
            with self.subTest(vals), self.assertRaisesRegex(UserError, message), self.cr.savepoint():
                self._change(contracts, **vals)
        revision = self._change(contract)
        with self.assertRaisesRegex(UserError, "follows no index"):
            revision.action_compute()
        with self.assertRaisesRegex(UserError, "nothing to take back"):
            revision.action_undo()

    def test_tiers_minimum_and_overage_change_with_the_other_prices(self):
        tiers = [Command.create({"up_to": 10, "unit_price": 2.0}), Command.create({"unit_price": 0.055, "flat_fee": 5})]
        contract = self._contract(
            self._line(0.0, pricing="graduated", quantity=15.0, tier_ids=tiers, minimum_amount=20.0),
            self._line(100.0, pricing="flat", measured=True, included_quantity=5, overage_price=30.0),
        )
        revision = self._change(contract, percent=10.0)
        self.assertEqual(revision.line_ids.mapped("factor"), [1.1, 1.1])
        self.assertEqual(revision.line_ids[0].amount_after, 27.81)
        revision.action_accept()
        tiered, fixed = revision.line_ids.successor_id
        self.assertEqual([(tier.unit_price, tier.flat_fee) for tier in tiered.tier_ids], [(2.2, 0.0), (0.061, 5.5)])
        self.assertEqual((tiered.minimum_amount, fixed.price_unit, fixed.overage_price), (22.0, 110.0, 33.0))
        self.assertEqual(contract.line_ids[0].tier_ids.mapped("unit_price"), [2.0, 0.055], "the old line keeps its own")
        with self.mock_mail_gateway():
            revision.action_send_letter()
        letter = self._new_mails.body_html
        for price in ("0.055", "0.061", "20.00", "22.00", "30.00", "33.00", "100.00", "110.00"):
            self.assertIn(price, letter)
        self.assertNotIn(">0.00", letter)

    def test_a_price_of_the_day_is_not_changed_by_a_percentage(self):
        contract = self._contract(self._line(0.0, price_from_list=True))
        with self.assertRaisesRegex(UserError, "No price of these contracts changes"):
            self._change(contract)
