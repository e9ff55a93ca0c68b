"""Every way of pricing on invoices really posted and sent, held against the official rules."""

from datetime import date

from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from .test_facturx import FEBRUARY, JANUARY, EinvoiceCommon
from .test_pricing import tiers

TIERS = ((10, 2.0, 0.0), (100, 1.255, 5.0), (0, 0.99, 30.0))


@tagged("post_install", "-at_install")
class TestPricingFacturx(EinvoiceCommon, HttpCase):
    def _measured(self, quantity, price=0.0, **vals):
        """The January invoice of what was measured, and its contract."""
        contract = self._contract(self._line(price, measured=True, **vals), posting_mode="post")
        self.env["multiservice.usage"].create(
            {"line_id": contract.line_ids.id, "date": date(2026, 1, 20), "quantity": quantity}
        )
        return contract, self._bill(contract, JANUARY).move_ids

    def _kinds(self):
        included = self._tax(20.0, price_include_override="tax_included")
        slices = {"pricing": "graduated", "tier_ids": tiers(*TIERS), "discount": 10.0}
        corrected, first = self._measured(130.3333, **slices, minimum_amount=300.0)
        self.env["multiservice.usage"].create(
            {"line_id": corrected.line_ids.id, "date": date(2026, 1, 25), "quantity": -60}
        )
        rebate = self._line(-3.0, pricing="package", quantity=250, package_size=100)
        return {
            "slices, fees and minimum": self._invoice(self._line(0.0, quantity=50, **slices, minimum_amount=200.0)),
            "slices of a part of a month": self._invoice(
                self._line(0.0, quantity=120, date_start=date(2026, 1, 20), minimum_amount=400.0, **slices)
            ),
            "volume": self._invoice(self._line(0.0, quantity=45, pricing="volume", tier_ids=tiers(*TIERS))),
            "lots, and a rebate by the lot": self._invoice(
                self._line(7.5, pricing="package", quantity=350, package_size=100, free_units=100), rebate
            ),
            "annual budget": self._invoice(self._line(1000.0, pricing="smoothed")),
            "measured finer than an invoice line": first,
            "measured less since": self._bill(corrected, FEBRUARY).move_ids,
            "beyond what is included": self._measured(
                12.75, 500.0, pricing="flat", included_quantity=10.0, overage_price=61.3
            )[1],
            "tax included": self._invoice(
                self._taxed(
                    included, 0.0, quantity=33, pricing="graduated", tier_ids=tiers(*TIERS), minimum_amount=99.0
                )
            ),
        }

    def test_every_way_of_pricing_passes_the_official_rules(self):
        kinds = self._kinds()
        documents = self._assert_right(kinds)
        texts = {kind: self._text(documents[move][1]) for kind, move in kinds.items()}
        for said in ("Tier 2 (over 10 up to 100)", "Fixed fee of the tier over 10 up to 100", "Minimum billing"):
            self.assertIn(said, texts["slices, fees and minimum"])
        self.assertIn("30.3333", texts["measured finer than an invoice line"].replace(",", "."))
        self.assertEqual(kinds["slices, fees and minimum"].amount_untaxed, 200.0)
        self.assertEqual(kinds["measured less since"].amount_untaxed, 300.0, "the minimum of February")
        lots = kinds["lots, and a rebate by the lot"].invoice_line_ids
        self.assertEqual(lots.mapped("quantity"), [3.0, -3.0])
        self.assertEqual(kinds["tax included"].amount_total, 99.0)

    def test_units_of_slices_and_of_amounts(self):
        hour = self.env.ref("uom.product_uom_hour")
        self.service.uom_id = hour
        line = self._line(0.0, quantity=50, pricing="graduated", tier_ids=tiers(*TIERS), minimum_amount=200.0)
        lines = self._invoice(line)._to_einvoice().lines
        self.assertEqual([one.unit for one in lines], ["HUR", "HUR", "C62", "C62"])
        self.assertEqual([str(one.quantity) for one in lines][2:], ["1.0000", "1.0000"])

    def test_a_credit_note_of_slices_bills_them_again(self):
        contract = self._contract(
            self._line(0.0, quantity=15, pricing="graduated", tier_ids=[*tiers(*TIERS)]), posting_mode="post"
        )
        move = self._bill(contract, JANUARY).move_ids
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"journal_id": move.journal_id.id, "reason": "Test", "service_rebill": "yes"})
        )
        wizard.reverse_moves()
        move.reversal_move_ids.filtered(lambda note: note.state == "draft")._post(soft=False)
        again = self._bill(contract, JANUARY).move_ids
        self.assertEqual(again.amount_untaxed, move.amount_untaxed)
        self.assertEqual(sorted(again.invoice_line_ids.billable_ids.mapped("component")), ["fee:2", "tier:1", "tier:2"])

    def test_one_slice_credited_leaves_the_others(self):
        contract = self._contract(
            self._line(0.0, quantity=15, pricing="graduated", tier_ids=[Command.create({"unit_price": 2.0})]),
            self._line(0.0, quantity=15, pricing="graduated", tier_ids=tiers(*TIERS)),
            posting_mode="post",
        )
        move = self._bill(contract, JANUARY).move_ids
        note = self._credit(move, amount=0.0)
        self.assertEqual(note.amount_untaxed, move.amount_untaxed - 30.0)
        self.assertFalse(self._bill(contract, JANUARY), "credited and not to be billed again")
