"""Odd invoices typed by hand: each is right by the official rules, or refused with words that help."""

from datetime import date

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .test_facturx import EinvoiceCommon, schematron

NAME = "É" * 200 + ' & Fils <b>"SARL"</b> \U0001f600'


@tagged("post_install", "-at_install")
class TestOddInvoices(EinvoiceCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.goods = cls.env["product.product"].create({"name": "Soap", "type": "consu"})
        cls.untaxed = cls._vat(0.0)
        cls.included = cls._vat(20.0, price_include_override="tax_included")
        cls.reduced = cls._vat(10.0)
        cls.eco = cls._vat(0.3, amount_type="fixed", include_base_amount=True, sequence=-1, name="Eco-contribution")
        cls.berlin = cls._customer(
            "Beispiel GmbH", country_id=cls.env.ref("base.de").id, vat="DE136695976", city="Berlin", zip="10115"
        )
        cls.california = cls._customer(
            "Example Inc",
            country_id=cls.env.ref("base.us").id,
            state_id=cls.env.ref("base.state_us_5").id,
            city="San Example",
            zip="94000",
        )

    @classmethod
    def _vat(cls, amount, **vals):
        return cls.env["account.tax"].create(
            {
                "name": f"{amount} {vals}",
                "amount": amount,
                "type_tax_use": "sale",
                "company_id": cls.company.id,
                "country_id": cls.france.id,
                **vals,
            }
        )

    def _typed(self, *lines, taxes=None, post=True, **vals):
        """An invoice typed by hand; `lines`: values, or a price."""
        taxes = self.tax if taxes is None else taxes
        lines = [line if isinstance(line, dict) else {"price_unit": line} for line in lines]
        common = {"product_id": self.service.id, "tax_ids": [Command.set(taxes.ids)]}
        move = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.customer.id,
                "invoice_date": "2026-02-28",
                "invoice_line_ids": [Command.create(common | line) for line in lines],
                **vals,
            }
        )
        if post:
            move._post(soft=False)
        return move

    def _refused(self, move):
        """What the rules refuse of a draft."""
        with self.assertRaises(UserError) as refused:
            move._post(soft=False)
        return refused.exception.args[0]

    def _assert_right_xml(self, kinds):
        """As `_assert_right`, without printing: what is odd here is not on the paper."""
        made = {}
        for kind, move in kinds.items():
            made[kind], faults = move._make_einvoice_xml()
            self.assertFalse(faults, kind)
        reports = schematron(made)
        self.assertEqual({kind: report for kind, report in reports.items() if report}, {})

    def _of_customers(self):
        swiss = self.env.ref("base.ch").id
        return {
            "abroad, no VAT": self._typed(100.0, taxes=self.untaxed, partner_id=self.california.id),
            "abroad, French VAT": self._typed(100.0, partner_id=self.california.id),
            "consumer abroad": self._typed(
                100.0, partner_id=self._customer("A", country_id=swiss, is_company=False, legal_category="consumer").id
            ),
            "La Réunion": self._typed(
                100.0,
                taxes=self._vat(8.5),
                partner_id=self._customer("B", country_id=self.env.ref("base.re").id, **self._legal_numbers()).id,
            ),
            "no VAT number": self._typed(100.0, partner_id=self._customer("C", vat=False).id),
            "unreachable association": self._typed(
                100.0,
                partner_id=self._customer(
                    "D", legal_category="non_professional", vat=False, company_registry=False, email=False
                ).id,
            ),
            "odd signs": self._typed(
                {"price_unit": 1.0, "name": "<a href='x'>&amp; \U0001f600 \u202e" + "n" * 2000 + "\nSecond & < line"},
                partner_id=self._customer(NAME, email="odd@customer.invalid").id,
                narration="<p>A &lt; B &amp; C</p>",
                ref="PO 4711 / A & B",
            ),
        }

    def _of_amounts(self):
        currency = self.setup_other_currency
        dollars = currency("USD", rates=[("2026-01-01", 1.25)])
        yen = currency("JPY", rates=[("2026-01-01", 160.0)], rounding=1.0)
        cash = self.env["account.cash.rounding"]
        profit, loss = self.company_data["default_account_revenue"], self.company_data["default_account_expense"]
        by_line = cash.create(
            {
                "name": "0.05",
                "rounding": 0.05,
                "strategy": "add_invoice_line",
                "profit_account_id": profit.id,
                "loss_account_id": loss.id,
            }
        )
        discounted = [
            {"price_unit": p, "quantity": q, "discount": d} for p, q, d in ((9.99, 3, 33.33), (33.33, 7, 12.5))
        ]
        return {
            "nothing to pay": self._typed(0.0),
            "free line": self._typed(100.0, {"price_unit": 50.0, "discount": 100.0}),
            "all free": self._typed({"price_unit": 50.0, "discount": 100.0}),
            "negative lines": self._typed(100.0, -20.0, {"price_unit": 5.0, "quantity": -3}),
            "zero quantity": self._typed(100.0, {"price_unit": 50.0, "quantity": 0.0}),
            "VAT included": self._typed(0.01, 0.02, 9.99, 33.33, *discounted, taxes=self.included),
            "fine prices": self._typed({"price_unit": 12345.678912, "quantity": 0.3333}, 0.004),
            "great amounts": self._typed({"price_unit": 123456789.99, "quantity": 99}),
            "VAT by line or in all": self._typed(*[0.125] * 40, *[0.335] * 33),
            "dollars": self._typed(33.333, 0.01, 19.99, currency_id=dollars.id),
            "yen": self._typed(33333.0, 1.0, 1999.0, currency_id=yen.id),
            "rounded to five cents": self._typed(33.31, invoice_cash_rounding_id=by_line.id),
        }

    def _of_terms(self):
        two_percent = {"name": "2 %", "early_discount": True, "discount_percentage": 2.0, "discount_days": 10}
        early, mixed = self.env["account.payment.term"].create(
            [two_percent, two_percent | {"early_pay_discount_computation": "mixed"}]
        )
        parts = self.env["account.payment.term"].create(
            {
                "name": "30 % at once",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 30.0, "nb_days": 0}),
                    Command.create({"value": "percent", "value_amount": 70.0, "nb_days": 60}),
                ],
            }
        )
        return {
            "discount for early payment": self._typed(1000.0, invoice_payment_term_id=early.id),
            "its VAT less at once": self._typed(1000.0, invoice_payment_term_id=mixed.id),
            "instalments": self._typed(1000.0, invoice_payment_term_id=parts.id),
            "no bank account": self._typed(100.0, partner_bank_id=False),
        }

    def test_customers(self):
        kinds = self._of_customers()
        self._assert_right_xml(kinds)
        odd = kinds["odd signs"]._to_einvoice()
        self.assertEqual((odd.buyer.name, odd.order), (NAME, "PO 4711 / A & B"))
        self.assertEqual(odd.note("SUR"), "A < B & C")

    def test_amounts(self):
        kinds = self._of_amounts()
        self._assert_right_xml(kinds)
        rounded = kinds["rounded to five cents"]
        self.assertEqual((rounded.amount_total, float(rounded._to_einvoice().totals.gross)), (39.95, 39.95))

    def test_terms(self):
        kinds = self._of_terms()
        self._assert_right_xml(kinds)
        self.assertIsNone(kinds["no bank account"]._to_einvoice().payment)

    def test_credit_note_of_a_credit_note(self):
        """What takes a credit note back is an invoice."""
        invoice = self._typed(100.0)
        note = self._credit(invoice)
        again = note._reverse_moves([{"invoice_date": date(2026, 2, 28)}])
        again._post(soft=False)
        self.assertEqual(again.move_type, "out_invoice")
        self.assertEqual(again._einvoice_type(), "380")
        self._assert_right_xml({"credit note": note, "taken back": again})

    def test_an_eco_contribution_is_a_charge_on_its_line(self):
        """In the base of VAT, as the tax engine has it: the books' untaxed amount differs by it, not the total."""
        line = {"price_unit": 100.0, "product_id": self.goods.id}
        both = self.eco + self.tax
        move = self._typed(dict(line, quantity=3.0), 10.0, taxes=both)
        free = self._typed(line, taxes=self.eco + self.untaxed)
        note = self._credit(move)
        made = move._to_einvoice()
        self.assertEqual([float(one.allowances[0].amount) for one in made.lines], [0.9, 0.3])
        self.assertEqual(made.lines[0].allowances[0].reason, "Eco-contribution")
        self.assertEqual((float(made.totals.net), float(made.totals.vat)), (311.2, 62.24))
        self.assertEqual(float(made.totals.gross), move.amount_total)
        self.assertEqual(made.vat_point, "5")
        self._assert_right_xml({"contribution": move, "without VAT": free, "credited": note})
        returned = self._typed(50.0, dict(line, quantity=-1.0), 200.0, taxes=both)
        self._assert_right_xml({"one taken back": returned})

    def test_taxes_that_cannot_be_shown_are_named(self):
        apart = self._vat(1.5, amount_type="fixed", sequence=99, name="Tourist tax")
        told = self._refused(self._typed(100.0, taxes=self.tax + apart, post=False))
        self.assertIn("Line 1: The tax Tourist tax cannot be shown", told)
        self.assertEqual(told.count("•"), 1, "and not the sums which it makes wrong")
        told = self._refused(self._typed(100.0, taxes=self.tax + self.reduced, post=False))
        self.assertIn("one VAT", told)

    def test_goods_to_another_member_state_say_where_and_when(self):
        line = {"price_unit": 100.0, "product_id": self.goods.id}
        move = self._typed(line, taxes=self.untaxed, partner_id=self.berlin.id)
        dated = self._typed(line, taxes=self.untaxed, partner_id=self.berlin.id, delivery_date="2026-02-20")
        with_service = self._typed(line, 50.0, taxes=self.untaxed, partner_id=self.berlin.id)
        made = move._to_einvoice()
        self.assertEqual((made.vat[0].category, made.site.address.city), ("K", "Berlin"))
        self.assertEqual(
            (made.delivery_date, dated._to_einvoice().delivery_date), (date(2026, 2, 28), date(2026, 2, 20))
        )
        self._assert_right_xml({"goods": move, "dated": dated, "goods and a service": with_service})

    def test_services_outside_the_union_go_alone(self):
        line = {"price_unit": 100.0, "product_id": self.goods.id}
        mixed = self._typed(line, 50.0, taxes=self.untaxed, partner_id=self.california.id, post=False)
        self.assertIn("invoice of its own", self._refused(mixed))

    def test_no_vat_without_a_reason_is_pointed_out(self):
        bare = self._typed(100.0, taxes=self.untaxed.browse(), post=False)
        self.assertIn("does not say why", bare.einvoice_warnings)
        told = self._vat(0.0, ubl_cii_tax_category_code="E", ubl_cii_tax_exemption_reason_code="VATEX-EU-132-1I")
        self.assertNotIn("does not say why", self._typed(100.0, taxes=told, post=False).einvoice_warnings)
        in_words = self._vat(0.0, invoice_legal_notes="Exempt, art. 261, 4 of the CGI")
        told = self._typed(100.0, taxes=in_words)
        self.assertNotIn("does not say why", told.einvoice_warnings)
        self.assertEqual(told._to_einvoice().vat[0].exemption, "Exempt, art. 261, 4 of the CGI")
        self._assert_right_xml({"exempt": told})

    def test_another_place_of_delivery(self):
        """One of the mentions that the law added: the address of delivery, where it is another."""
        depot = self.env["res.partner"].create({"parent_id": self.customer.id, "type": "delivery", "name": "Depot"})
        move = self._typed(100.0, partner_shipping_id=depot.id)
        self.assertIsNone(move._to_einvoice().site, "an incomplete one is no place")
        depot.write({"street": "5 quai X", "zip": "33000", "city": "Bordeaux", "country_id": self.france.id})
        made = move._to_einvoice()
        self.assertEqual((made.site.name, made.site.address.city), ("Depot", "Bordeaux"))
        self._assert_right_xml({"delivered elsewhere": move})

    def test_the_own_number_of_a_reversed_invoice_is_no_order(self):
        note = self._credit(self._typed(100.0))
        self.assertTrue(note.ref)
        self.assertEqual(note._to_einvoice().order, "")

    def test_several_contracts_on_one_invoice(self):
        """BT-12 holds one number: of several each line names its own. A global credit note must name them all."""
        together = {"grouping": "customer"}
        contracts = self._contract(self._line(100.0), **together) + self._contract(self._line(50.0), **together)
        invoice = self._bill(contracts, date(2026, 1, 31)).move_ids
        made = invoice._to_einvoice()
        self.assertEqual((len(invoice), made.contract), (1, ""))
        self.assertEqual(sorted(line.note for line in made.lines), [f"Contract: {one.name}" for one in contracts])
        discounts = self._contract(self._line(-10.0), **together) + self._contract(self._line(-5.0), **together)
        rebate = self._bill(discounts, date(2026, 1, 31)).move_ids
        made = rebate._to_einvoice()
        self.assertEqual((made.type_code, made.contract), ("262", ", ".join(discounts.mapped("name"))))
        (invoice + rebate)._post(soft=False)
        self._assert_right_xml({"contracts": invoice, "rebate": rebate})
