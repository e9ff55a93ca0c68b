from datetime import date

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .common import MultiserviceCommon

JANUARY, FEBRUARY, MARCH = date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)
TIERS = ((10, 2.0, 0.0), (0, 1.0, 5.0))


def tiers(*rows):
    return [
        Command.create({"sequence": 10 * rank, "up_to": up_to, "unit_price": price, "flat_fee": fee})
        for rank, (up_to, price, fee) in enumerate(rows, start=1)
    ]


class PricingCommon(MultiserviceCommon):
    def _priced(self, price=0.0, **vals):
        return self._contract(self._line(price, site_id=self.site_a.id, **vals))

    def _graduated(self, quantity=15.0, **vals):
        return self._priced(quantity=quantity, pricing="graduated", tier_ids=tiers(*TIERS), **vals)

    def _billed(self, contract):
        """What is on the invoices: (component, quantity, unit price, amount), as the ledger has it."""
        rows = contract.billable_ids.filtered("invoice_line_id").sorted(lambda row: (row.period_start, row.id))
        return [
            (row.component, row.invoice_line_id.quantity, row.invoice_line_id.price_unit, row.amount) for row in rows
        ]


@tagged("post_install", "-at_install")
class TestPricing(PricingCommon):
    def test_graduated_gives_a_line_for_each_slice_and_each_fee(self):
        contract = self._graduated()
        move = self._bill(contract, date(2026, 1, 1)).move_ids
        self.assertEqual(self._billed(contract), [("tier:1", 10, 2, 20), ("tier:2", 5, 1, 5), ("fee:2", 1, 5, 5)])
        self.assertEqual(move.amount_untaxed, 30)
        first, second, fee = move.invoice_line_ids.sorted("sequence")
        self.assertIn("Tier 1 (up to 10)", first.name)
        self.assertIn("Tier 2 (over 10)", second.name)
        self.assertIn("Fixed fee of the tier over 10", fee.name)
        self.assertEqual(first.product_uom_id, self.service.uom_id)
        self.assertEqual(contract.line_ids.amount, 30)

    def test_volume(self):
        contract = self._priced(quantity=15, pricing="volume", tier_ids=tiers(*TIERS))
        move = self._bill(contract, date(2026, 1, 1)).move_ids
        self.assertEqual(self._billed(contract), [("base", 15, 1, 15), ("fee:2", 1, 5, 5)])
        self.assertIn("Tier 2 (over 10)", move.invoice_line_ids[0].name)

    def test_package(self):
        contract = self._priced(5.0, quantity=350, pricing="package", package_size=100, free_units=100)
        move = self._bill(contract, date(2026, 1, 1)).move_ids
        self.assertEqual(self._billed(contract), [("base", 3, 5, 15)])
        self.assertIn("350 by lots of 100, 100 free", move.invoice_line_ids.name)

    def test_minimum_is_a_line_of_its_own_and_prorated(self):
        contract = self._contract(
            self._line(10.0, minimum_amount=50.0, date_start=date(2026, 4, 16)), date_start=date(2026, 4, 1)
        )
        move = self._bill(contract, date(2026, 5, 1)).move_ids
        self.assertEqual(
            self._billed(contract),
            [("base", 1, 5, 5), ("minimum", 1, 20, 20), ("base", 1, 10, 10), ("minimum", 1, 40, 40)],
        )
        partial = move.invoice_line_ids.filtered(lambda line: line.price_unit == 20)
        self.assertIn("Minimum billing", partial.name)
        self.assertIn("less", partial.name)

    def test_annual_budget_is_billed_in_twelfths(self):
        contract = self._priced(1000.0, pricing="smoothed")
        self._bill(contract, date(2026, 12, 31))
        rows = contract.billable_ids.sorted("period_start")
        self.assertEqual(rows.mapped("amount"), [83.33] * 11 + [83.37])
        self.assertIn("Instalment 12 of 12 of an annual budget of", rows[-1].explanation)
        self.assertEqual(contract.line_ids.amount, 83.33)

    def test_price_of_the_day_follows_the_list_of_the_contract(self):
        pricelist = self.env["product.pricelist"].create(
            {
                "name": "Services",
                "item_ids": [
                    Command.create({"fixed_price": 40.0, "date_end": "2026-02-14 22:59:59"}),
                    Command.create({"fixed_price": 44.0, "date_start": "2026-02-14 23:00:00"}),
                ],
            }
        )
        contract = self._contract(self._line(0.0, price_from_list=True), pricelist_id=pricelist.id)
        self._bill(contract, MARCH)
        self.assertEqual([row.amount for row in contract.billable_ids.sorted("period_start")], [40, 40, 44])

    def test_a_price_of_the_list_changed_in_place_corrects_nothing_billed(self):
        pricelist = self.env["product.pricelist"].create(
            {"name": "Services", "item_ids": [Command.create({"fixed_price": 40.0})]}
        )
        contract = self._contract(self._line(0.0, price_from_list=True), pricelist_id=pricelist.id)
        self._bill(contract, JANUARY)
        pricelist.item_ids.fixed_price = 50.0
        contract.line_ids._end_on(date(2026, 1, 15))
        self._bill(contract, FEBRUARY)
        self.assertAlmostEqual(sum(contract.billable_ids.mapped("amount")), round(40 * 15 / 31, 2))

    def test_a_discount_holds_for_slices_and_fees_but_not_for_the_minimum(self):
        contract = self._graduated(discount=10.0, minimum_amount=30.0)
        self._bill(contract, date(2026, 1, 1))
        self.assertEqual(
            [(row.component, row.amount) for row in contract.billable_ids],
            [("tier:1", 18), ("tier:2", 4.5), ("fee:2", 4.5), ("minimum", 3)],
        )

    def test_fewer_units_from_a_day_on_credit_each_slice(self):
        contract = self._graduated()
        self._bill(contract, JANUARY)
        line = contract.line_ids._replace_from(date(2026, 1, 16), {"quantity": 8.0})
        self.assertEqual(line.tier_ids.mapped("up_to"), [10, 0])
        self._bill(contract, FEBRUARY)
        owed = round(20 * 15 / 31, 2) + 2 * round(5 * 15 / 31, 2) + round(16 * 16 / 31, 2) + 16
        self.assertAlmostEqual(sum(contract.billable_ids.mapped("amount")), owed)

    def test_upcoming_and_preview_tell_each_component(self):
        contract = self._graduated()
        ((_line, charges),) = contract._upcoming()
        self.assertEqual(len(charges), 36)
        self.assertIn("Fixed fee of the tier over 10", contract.upcoming_html)
        preview = self.env["multiservice.billing.preview"].create({"through_date": date(2026, 1, 1)})
        preview.contract_ids = contract
        preview.action_preview()
        self.assertEqual(sorted(preview.line_ids.mapped("component")), ["fee:2", "tier:1", "tier:2"])

    def test_the_period_before_is_compared_once_for_all_components(self):
        contract = self._graduated()
        self._bill(contract, date(2026, 1, 1))
        preview = self.env["multiservice.billing.preview"].create({"through_date": date(2026, 2, 1)})
        preview.contract_ids = contract
        preview.action_preview()
        self.assertEqual(sum(preview.line_ids.mapped("previous_amount")), 30)
        run = self._bill(contract, date(2026, 2, 1))
        self.assertFalse(run.anomaly_ids.filtered(lambda anomaly: anomaly.kind == "moved"))


@tagged("post_install", "-at_install")
class TestPricingTerms(PricingCommon):
    def test_tiers_must_rise_and_be_open_at_the_end(self):
        for rows in (((10, 2, 0), (5, 1, 0), (0, 1, 0)), ((10, 2, 0),), ((0, 1, 0), (0, 2, 0))):
            with self.subTest(rows), self.assertRaises(ValidationError), self.cr.savepoint():
                self._contract(self._line(pricing="volume", tier_ids=tiers(*rows)), activate=False)

    def test_tiers_need_a_pricing_that_uses_them(self):
        with self.assertRaises(ValidationError):
            self._contract(self._line(tier_ids=tiers(*TIERS)), activate=False)

    def test_a_draft_may_lack_its_tiers_but_is_not_activated(self):
        contract = self._contract(self._line(pricing="graduated"), activate=False)
        self.assertIn("Nothing is left to bill", contract.upcoming_html)
        with self.assertRaisesRegex(UserError, "no tiers"):
            contract._activate()

    def test_an_annual_budget_needs_periods_that_make_a_year(self):
        contract = self._contract(
            self._line(1000.0, pricing="smoothed"), activate=False, recurrence_unit="week", alignment="anniversary"
        )
        with self.assertRaisesRegex(UserError, "annual budget"):
            contract._activate()

    def test_what_a_line_was_billed_by_is_frozen(self):
        contract = self._graduated(minimum_amount=1.0)
        line = contract.line_ids
        line.tier_ids[0].unit_price = 2.0
        self._bill(contract, JANUARY)
        for write in (
            lambda: line.write({"minimum_amount": 2.0}),
            lambda: line.write({"pricing": "volume"}),
            lambda: line.tier_ids[0].write({"unit_price": 3.0}),
            lambda: line.tier_ids[0].unlink(),
            lambda: line.write({"tier_ids": [Command.create({"up_to": 5})]}),
            lambda: line.write({"tier_ids": [Command.update(line.tier_ids[0].id, {"flat_fee": 5})]}),
        ):
            with self.assertRaises(UserError), self.cr.savepoint():
                write()

    def test_a_contract_type_fills_the_tariff(self):
        template = self.env["multiservice.contract.template"].create(
            {
                "name": "Rubbish",
                "line_ids": [
                    Command.create(
                        {
                            "product_id": self.service.id,
                            "pricing": "graduated",
                            "minimum_amount": 12.0,
                            "tier_ids": tiers(*TIERS),
                        }
                    )
                ],
            }
        )
        with Form(self.env["multiservice.contract"]) as form:
            form.partner_id = self.customer
            form.template_id = template
        line = form.record.line_ids
        self.assertEqual((line.pricing, line.minimum_amount), ("graduated", 12.0))
        self.assertEqual([(tier.up_to, tier.flat_fee) for tier in line.tier_ids], [(10, 0), (0, 5)])
        self.assertEqual(template.copy().line_ids.tier_ids.mapped("up_to"), [10, 0])

    def test_numbers_that_make_no_sense_are_refused(self):
        for vals in ({"pricing": "package", "package_size": 0}, {"minimum_amount": -1}, {"free_units": -1}):
            with self.subTest(vals), self.assertRaises(ValidationError), self.cr.savepoint():
                self._contract(self._line(**vals), activate=False)

    def test_the_contract_tells_its_prices_in_words(self):
        line = self._graduated(minimum_amount=50.0).line_ids
        self.assertEqual(
            [text.replace("\N{NO-BREAK SPACE}", " ") for text in line._pricing_in_words()],
            ["Tier 1 (up to 10): 2.00 €", "Tier 2 (over 10): 1.00 € + 5.00 €", "At least 50.00 € per period"],
        )
        self.assertEqual(line._document_unit_price(), "")
        self.assertEqual(line._prepare_base_line()["price_unit"], 50)
