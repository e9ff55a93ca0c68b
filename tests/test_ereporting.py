from odoo.exceptions import AccessError
from odoo.tests import Form, tagged

from .einvoice_life import EinvoiceLifeCommon

REPORT = "multiservice.ereporting"


@tagged("post_install", "-at_install")
class TestEreporting(EinvoiceLifeCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.syndicate = cls._customer("SDC Les Exemples", legal_category="non_professional", vat=False)
        cls.berlin = cls._customer(
            "Beispiel GmbH", country_id=cls.env.ref("base.de").id, vat="DE136695976", city="Berlin", zip="10115"
        )
        cls.untaxed = cls.env["account.tax"].create(
            {
                "name": "No French VAT",
                "amount": 0.0,
                "type_tax_use": "sale",
                "country_id": cls.france.id,
                "company_id": cls.company.id,
            }
        )

    def _rows(self, flow, **domain):
        self.env.flush_all()
        rows = self.env[REPORT].search(
            [("company_id", "=", self.company.id), ("flow", "=", flow)], order="date, category, rate desc, id"
        )
        return [
            (str(row.date)[5:], row.category, row.rate, row.base, row.vat, row.operations, row.move_id.name or "")
            for row in rows
        ]

    def _compare(self):
        figures = self.env[REPORT]._compare_with_ledger(self.company, "2026-03-01", "2026-03-31")
        return {key: round(value or 0.0, 2) for key, value in figures.items()}

    def _assert_agrees(self):
        figures = self._compare()
        for name in ("base", "vat", "paid_vat"):
            self.assertAlmostEqual(figures[name], figures[f"ledger_{name}"], 2, name)

    def test_sales_by_day_category_and_rate(self):
        self._invoice((100.0, self.tax_20), (50.0, self.tax_10), partner=self.person)
        self._invoice((200.0, self.tax_20), partner=self.syndicate)
        self._invoice((10.0, self.debits, self.goods), partner=self.person, day="2026-03-02")
        self._invoice((999.0, self.tax_20))  # an electronic invoice: nothing to report
        self.assertEqual(
            self._rows("10.3"),
            [
                ("03-01", "TPS1", 20.0, 300.0, 60.0, 2, ""),
                ("03-01", "TPS1", 10.0, 50.0, 5.0, 1, ""),
                ("03-02", "TLB1", 20.0, 10.0, 2.0, 1, ""),
            ],
        )
        self._assert_agrees()

    def test_credit_notes_take_off(self):
        invoice = self._invoice((100.0, self.tax_20), partner=self.person)
        self._credit(invoice).flush_recordset()
        rows = self._rows("10.3")
        self.assertEqual(sum(row[3] for row in rows), 0.0)
        self._assert_agrees()

    def test_one_tax_on_goods_and_services_is_shared_to_the_cent(self):
        """VAT is 20 % of 0.05 + 0.05 = 0.02 in the ledger; of each part 0.01."""
        self._invoice((0.07, self.debits, self.goods), (0.06, self.debits), partner=self.person)
        self._invoice((33.33, self.debits, self.goods), (33.34, self.debits), partner=self.person)
        rows = self._rows("10.3")
        self.assertEqual([row[1] for row in rows], ["TLB1", "TPS1"])
        self._assert_agrees()

    def test_drafts_and_other_companies_are_not_reported(self):
        self._invoice((100.0, self.tax_20), partner=self.person).button_draft()
        self.assertFalse(self._rows("10.3"))

    def test_sales_abroad_one_by_one(self):
        first = self._invoice((100.0, self.untaxed), partner=self.berlin)
        second = self._invoice((40.0, self.untaxed), partner=self.berlin)
        self.assertEqual(
            self._rows("10.1"),
            [
                ("03-01", "TNT1", 0.0, 100.0, 0.0, 1, first.name),
                ("03-01", "TNT1", 0.0, 40.0, 0.0, 1, second.name),
            ],
        )
        self._assert_agrees()

    def test_untaxed_at_home_keeps_its_nature(self):
        self._invoice((100.0, self.untaxed), partner=self.person)
        self.assertEqual(self._rows("10.3"), [("03-01", "TPS1", 0.0, 100.0, 0.0, 1, "")])

    def test_foreign_currency_is_told_in_euro(self):
        dollars = self.setup_other_currency("USD", rates=[("2026-01-01", 1.25)])
        invoice = self._invoice((100.0, self.tax_20), partner=self.person, currency_id=dollars.id)
        self.assertEqual(self._rows("10.3"), [("03-01", "TPS1", 20.0, 80.0, 16.0, 1, "")])
        self._pay(invoice, currency_id=dollars.id)
        self._collect()
        self.assertEqual(self._rows("10.4"), [("03-05", False, 20.0, 80.0, 16.0, 1, "")])
        self._assert_agrees()

    def test_payments_by_day_and_rate(self):
        invoice = self._invoice((100.0, self.tax_20), (100.0, self.tax_10), partner=self.person)
        other = self._invoice((100.0, self.tax_20), partner=self.syndicate)
        goods = self._invoice((100.0, self.debits, self.goods), partner=self.person)
        business = self._invoice((100.0, self.tax_20))
        self._pay(invoice, 115.0)
        for move in (other, goods, business):
            self._pay(move)
        self._collect()
        self.assertEqual(
            self._rows("10.4"),
            [("03-05", False, 20.0, 150.0, 30.0, 2, ""), ("03-05", False, 10.0, 50.0, 5.0, 1, "")],
        )
        self._assert_agrees()
        invoice.line_ids.remove_move_reconcile()
        self._collect()
        rows = self._rows("10.4")
        self.assertEqual(
            rows[2:], [("03-10", False, 20.0, -50.0, -10.0, 1, ""), ("03-10", False, 10.0, -50.0, -5.0, 1, "")]
        )
        self._assert_agrees()

    def test_a_mixed_invoice_paid_in_parts_agrees_with_cash_basis(self):
        invoice = self._invoice((100.01, self.tax_20), (50.55, self.tax_10), partner=self.person)
        for amount in (33.33, 100.0):
            self._pay(invoice, amount)
        self._pay(invoice)
        self._collect()
        figures = self._compare()
        self.assertEqual(figures["paid_vat"], 25.06)  # of 20.00 and 5.06
        self.assertAlmostEqual(figures["paid_vat"], figures["ledger_paid_vat"], delta=0.02)

    def test_payments_of_sales_abroad_one_by_one(self):
        invoice = self._invoice((100.0, self.tax_20), partner=self.berlin)
        self._pay(invoice)
        self._collect()
        self.assertEqual(self._rows("10.2"), [("03-05", False, 20.0, 100.0, 20.0, 1, invoice.name)])

    def test_the_check_says_the_difference(self):
        invoice = self._invoice((100.0, self.tax_20), partner=self.person)
        biller = self._user("an_ereporting_biller", "multiservice.group_billing_user")
        self.env.flush_all()
        check = self.env["multiservice.ereporting.check"].with_user(biller)
        check = check.create({"date_from": "2026-03-01", "date_to": "2026-03-31"})
        self.assertTrue(check.agrees)
        self.assertEqual((check.base, check.ledger_vat), (100.0, 20.0))
        self._pay(invoice)  # nobody has told yet what was collected
        check.invalidate_recordset()
        self.assertEqual((check.agrees, check.difference_paid_vat), (False, -20.0))
        self._collect()
        check.invalidate_recordset()
        self.assertTrue(check.agrees)

    def test_the_check_proposes_last_month(self):
        check = Form(self.env["multiservice.ereporting.check"])
        self.assertEqual((str(check.date_from), str(check.date_to)), ("2026-02-01", "2026-02-28"))

    def test_grouped_and_exported(self):
        self._invoice((100.0, self.tax_20), (50.0, self.tax_10), partner=self.person)
        biller = self._user("an_ereporting_reader", "multiservice.group_billing_user,base.group_allow_export")
        self.env.flush_all()
        report = self.env[REPORT].with_user(biller)
        [group] = report.formatted_read_group(
            [("company_id", "=", self.company.id)], ["date:day"], ["base:sum", "vat:sum", "__count"]
        )
        self.assertEqual((group["base:sum"], group["vat:sum"], group["__count"]), (150.0, 25.0, 2))
        rows = report.search([("company_id", "=", self.company.id)])
        exported = rows.export_data(["date", "category", "rate", "base", "vat", "operations"])["datas"]
        self.assertEqual(len(exported), 2)

    def test_who_may(self):
        planner = self._user("an_ereporting_planner", "multiservice.group_planner")
        with self.assertRaises(AccessError):
            self.env[REPORT].with_user(planner).search([])

    def test_other_company(self):
        self._invoice((100.0, self.tax_20), partner=self.person)
        other = self.setup_other_company()["company"]
        stranger = self._user("an_ereporting_stranger", "multiservice.group_manager")
        stranger.write({"company_ids": [(6, 0, other.ids)], "company_id": other.id})
        self.env.flush_all()
        self.assertFalse(self.env[REPORT].with_user(stranger).search([]))
