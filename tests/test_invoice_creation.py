import random
from copy import deepcopy
from datetime import date

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import MultiserviceCommon

SEED = 20260101
INVOICES = 60
# What an invoice and a line have of their own: every other stored field must be the same.
OWN_FIELDS = {
    "account.move": {"id", "name", "sequence_number", "payment_reference", "create_date", "write_date"},
    "account.move.line": {"id", "move_id", "move_name", "create_date", "write_date"},
}


@tagged("post_install", "-at_install")
class TestInvoiceCreation(MultiserviceCommon):
    """Complete values change nothing: the invoices are, line by line, those that core's plain `create` makes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.service_einvoice = False  # taxes and customers here are whatever chance makes of them
        cls.journal = cls.company_data["default_journal_sale"]
        cls.move_fields, cls.line_fields = (
            [
                name
                for name, field in cls.env[model]._fields.items()
                if field.store and field.type != "one2many" and name not in own
            ]
            for model, own in OWN_FIELDS.items()
        )
        revenue = cls.company_data["default_account_revenue"]
        cls.accounts = [revenue, revenue, revenue.copy({"reconcile": True})]
        cls.dollars = cls.setup_other_currency("USD", rates=[("2020-01-01", 1.2345), ("2026-02-01", 0.8765)])
        cls.position = cls._position()
        cls.terms = cls.env["account.payment.term"].search([("early_discount", "=", False)], limit=6)
        cls.analytic = cls.env["account.analytic.account"].create(
            {"name": "Cost", "plan_id": cls.env["account.analytic.plan"].create({"name": "Plan"}).id}
        )
        cls.taxes = cls._taxes()

    @classmethod
    def _position(cls):
        """A fiscal position under which customers owe on another account."""
        owed = cls.company_data["default_account_receivable"]
        mapping = Command.create({"account_src_id": owed.id, "account_dest_id": owed.copy().id})
        return cls.env["account.fiscal.position"].create({"name": "Mapped", "account_ids": [mapping]})

    @classmethod
    def _taxes(cls):
        """Sets of taxes of one line: the chart's rates, on collection too, included, cascading, fixed, reversed,
        several, none.
        """
        domain = [("type_tax_use", "=", "sale"), ("company_id", "=", cls.company.id), ("amount", ">", 0)]
        chart = cls.env["account.tax"].search([*domain, ("amount_type", "=", "percent")])
        reduced = chart.filtered(lambda tax: tax.amount in (5.5, 10.0))[:3]
        collected = chart.filtered(lambda tax: tax.tax_exigibility == "on_payment")[:3]
        included = cls.tax.copy({"name": "Included", "price_include_override": "tax_included"})
        division = cls.tax.copy({"name": "Division", "amount_type": "division", "amount": 12.0})
        cascading = cls.tax.copy({"name": "Base", "include_base_amount": True, "amount": 5.0, "sequence": 0})
        fixed = cls.tax.copy({"name": "Fixed", "amount_type": "fixed", "amount": 0.37, "sequence": 0})
        reverse = cls.tax.copy({"name": "Reverse charge"})
        for lines in (reverse.invoice_repartition_line_ids, reverse.refund_repartition_line_ids):
            lines.filtered(lambda line: line.repartition_type == "tax").copy({"factor_percent": -100})
        several = [cascading + cls.tax, fixed + cls.tax, cls.tax + reduced[:1]]
        return [cls.tax, included, division, *several, reverse, cls.tax.browse(), *reduced, *collected]

    def _vals_list(self, chance) -> list[dict]:
        return [self._vals(chance) for _i in range(INVOICES)]

    def _vals(self, chance) -> dict:
        lines = [self._line_vals(chance) for _i in range(chance.randint(1, 5))]
        if chance.random() < 0.3:
            lines.insert(0, {"display_type": "line_section", "name": "Tour A"})
        return {
            "company_id": self.company.id,
            "move_type": chance.choice(("out_invoice", "out_invoice", "out_refund")),
            "journal_id": self.journal.id,
            "partner_id": chance.choice((self.customer, self.partner_a, self.partner_b)).id,
            "partner_shipping_id": chance.choice((self.site_a.id, False)),
            "currency_id": chance.choice((self.company.currency_id, self.company.currency_id, self.dollars)).id,
            "invoice_date": chance.choice((date(2026, 1, 15), date(2026, 2, 28), False)),
            "ref": chance.choice(("Order 12", "", False)),
            "fiscal_position_id": chance.choice((self.position.id, False)),
            "invoice_payment_term_id": chance.choice((*self.terms.ids, False)),
            "invoice_line_ids": [
                Command.create(line | {"sequence": sequence}) for sequence, line in enumerate(lines, start=1)
            ],
        }

    def _line_vals(self, chance) -> dict:
        return {
            "display_type": "product",
            "product_id": chance.choice((self.service.id, self.product_a.id, False)),
            "product_uom_id": chance.choice((self.service.uom_id.id, False)),
            "name": "Service",
            "quantity": chance.choice((1.0, 1.0, 3.0, 0.33, -1.0, 0.0)),
            "price_unit": chance.choice((100.0, 35.48, 1.005, 33.333, 12.3456, 1234.565)),
            "discount": chance.choice((0.0, 0.0, 12.5, 33.33, 100.0)),
            "tax_ids": [Command.set(chance.choice(self.taxes).ids)],
            "account_id": chance.choice(self.accounts).id,
            "analytic_distribution": chance.choice((False, {str(self.analytic.id): 100})),
        }

    def _values(self, moves, apart) -> list:
        self.env.flush_all()
        self.env.invalidate_all()
        return [
            (
                [self._value(move, name) for name in self.move_fields if name not in apart],
                [[self._value(line, name) for name in self.line_fields] for line in move.line_ids],
            )
            for move in moves
        ]

    def _value(self, record, name):
        value = record[name]
        if record._name == "account.move.line" and name == "name" and value and record.move_id.name:
            return value.replace(record.move_id.name, "its number")
        return value.ids if hasattr(value, "ids") else value

    def _compare(self, seed: int) -> None:
        plain, complete = self._create_both(seed)
        self._assert_same(plain, complete)
        for move in complete:  # core leaves another day on its own drafts, until they are posted
            self.assertEqual(
                move.invoice_date_due, max(move.line_ids.mapped(lambda line: line.date_maturity or date.min))
            )
        postable = [i for i, move in enumerate(plain) if move.amount_total > 0]
        self.assertGreater(len(postable), INVOICES // 3)
        plain = plain.browse(plain[i].id for i in postable)
        complete = complete.browse(complete[i].id for i in postable)
        plain._post(soft=False)
        complete._post_dated()
        self._assert_same(plain, complete, apart=())

    def _create_both(self, seed: int):
        """The same random invoices, made by core and made complete."""
        vals_list = self._vals_list(random.Random(seed))
        plain = self.env["account.move"].create(deepcopy(vals_list))
        self._analyze()
        complete = self.env["account.move"]._create_complete(deepcopy(vals_list))
        self._analyze()
        return plain, complete

    def _analyze(self) -> None:
        """All is one transaction: without figures PostgreSQL plans core's payment queries for empty tables, and they
        take minutes.
        """
        self.env.flush_all()
        self.env.cr.execute("ANALYZE account_move, account_move_line")

    def _assert_same(self, plain, complete, apart=("invoice_date_due",)) -> None:
        move_fields = [name for name in self.move_fields if name not in apart]
        for move, (move_a, lines_a), (move_b, lines_b) in zip(
            complete, self._values(plain, apart), self._values(complete, apart), strict=True
        ):
            with self.subTest(move=move.id):
                self.assertEqual(self._named(move_fields, move_a), self._named(move_fields, move_b))
                self.assertEqual(len(lines_a), len(lines_b))
                for line_a, line_b in zip(lines_a, lines_b, strict=True):
                    self.assertEqual(self._named(self.line_fields, line_a), self._named(self.line_fields, line_b))

    @staticmethod
    def _named(names, values) -> dict:
        return dict(zip(names, values, strict=True))

    def test_rounding_on_the_whole_document(self):
        self.company.tax_calculation_rounding_method = "round_globally"
        self._compare(SEED)

    def test_rounding_line_by_line(self):
        self.company.tax_calculation_rounding_method = "round_per_line"
        self._compare(SEED + 1)

    def test_drafts_edited_afterwards(self):
        plain, complete = self._create_both(SEED + 2)
        for moves in (plain, complete):
            for move in moves[:20]:
                line = move.invoice_line_ids.filtered(lambda line: line.display_type == "product")[0]
                move.write({"invoice_line_ids": [Command.update(line.id, {"quantity": 7.0, "price_unit": 19.99})]})
        self._assert_same(plain, complete)

    def test_core_has_the_last_word_where_another_module_has_its_say(self):
        AccountMove = self.env["account.move"]
        self.assertTrue(AccountMove._core_alone_decides())
        core = type(AccountMove)._get_sync_stack
        asked = []

        def extended(moves, container):
            asked.append(moves)
            return core(moves, container)

        self.patch(type(AccountMove), "_get_sync_stack", extended)
        self.assertFalse(AccountMove._core_alone_decides())
        vals_list = self._vals_list(random.Random(SEED + 3))
        plain = AccountMove.create(deepcopy(vals_list))
        self._analyze()
        asked.clear()
        complete = AccountMove._create_complete(deepcopy(vals_list))
        self.assertTrue(asked)
        self._assert_same(plain, complete)

    def test_a_line_of_another_company_is_refused(self):
        """One line of each kind is checked: among many good ones, the bad one is found."""
        vals = self._vals(random.Random(SEED))
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        good = [Command.create(self._line_vals(random.Random(SEED))) for _i in range(5)]
        theirs = self.env["product.product"].create({"name": "Theirs", "company_id": elsewhere.id})
        bad = good[0][2] | {"product_id": theirs.id}
        vals |= {"invoice_line_ids": [*good, Command.create(bad)]}
        with self.assertRaisesRegex(UserError, "company inconsistencies"):
            self.env["account.move"]._create_complete([vals])

    def test_a_case_that_core_completes_itself_is_left_to_it(self):
        vals = self._vals(random.Random(SEED))
        term = self.env["account.payment.term"].create(
            {"name": "2/7", "early_discount": True, "early_pay_discount_computation": "mixed"}
        )
        self.assertTrue(self.env["account.move"]._is_completable(vals))
        vals |= {"invoice_payment_term_id": term.id, "move_type": "out_invoice"}
        self.assertFalse(self.env["account.move"]._is_completable(vals))
        self._assert_same(
            self.env["account.move"].create(deepcopy(vals)), self.env["account.move"]._create_complete([deepcopy(vals)])
        )
