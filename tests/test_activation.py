from datetime import date

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import MultiserviceCommon

TODAY = date(2026, 1, 15)
SIRET = "12345678200010"
WRONG_SIRET = "12345678200011"


@tagged("post_install", "-at_install")
@freeze_time(TODAY)
class TestActivation(MultiserviceCommon):
    """What forbids to bill is said at once, in plain words; what is only unusual asks for a confirmation."""

    def _errors(self, contracts):
        with self.assertRaises(UserError) as caught:
            contracts.action_activate()
        self.assertEqual(set(contracts.mapped("state")), {"draft"})
        return str(caught.exception).split("\n")

    def _draft(self, *lines, **vals):
        return self._contract(*lines, activate=False, **vals)

    def test_complete_contract_is_activated_without_a_question(self):
        contract = self._draft(date_start=TODAY)
        self.assertIs(contract.action_activate(), True)
        self.assertEqual(contract.state, "active")
        self.assertEqual(contract.next_billing_date, TODAY)

    def test_everything_missing_at_once(self):
        customer = self._customer("Client vide", legal_category=False, street=False)
        customer.company_registry = WRONG_SIRET
        contract = self._draft(
            self._line(name="Without tax", tax_ids=[Command.clear()]),
            self._line(name="Backwards", date_start=date(2026, 3, 1)),
            partner_id=customer.id,
            date_end=date(2026, 2, 28),
        )
        errors = self._errors(contract)
        self.assertEqual(len(errors), 5, errors)
        for part in (
            "Client vide: choose its legal category on the customer.",
            "Client vide: the invoice address needs a street, a city and a country.",
            f"{WRONG_SIRET} is not a valid SIRET",
            f"{contract.name} – Without tax: no tax; choose one, if need be an exempt one.",
            f"{contract.name} – Backwards: starts on 03/01/2026, after the service ends on 02/28/2026",
        ):
            self.assertTrue(any(part in error for error in errors), f"{part} not in {errors}")

    def test_errors_of_several_contracts_at_once(self):
        bare = self._customer("Client vide", legal_category=False)
        first = self._draft(self._line(), partner_id=bare.id)
        second = self._draft(self._line(name="Without tax", tax_ids=[Command.clear()]))
        fine = self._draft(date_start=TODAY)
        errors = self._errors(first | second | fine)
        self.assertEqual(len(errors), 2)
        self.assertIn("Client vide", errors[0])
        self.assertIn(second.name, errors[1])

    def test_legal_category(self):
        contract = self._draft()
        self.customer.legal_category = False
        self.assertEqual(self._errors(contract), ["Bureaux du Parc: choose its legal category on the customer."])
        for category in ("business", "public_body", "non_professional", "consumer"):
            self.customer.legal_category = category
            self.assertFalse(contract._activation_errors(), category)

    def test_address(self):
        for name in ("street", "city", "country_id"):
            contract = self._draft()
            value = self.customer[name]
            self.customer[name] = False
            with self.subTest(name):
                self.assertEqual(
                    self._errors(contract),
                    ["Bureaux du Parc: the invoice address needs a street, a city and a country."],
                )
            self.customer[name] = value

    def test_address_of_the_invoices_counts(self):
        address = self.env["res.partner"].create(
            {"name": "Comptabilité", "parent_id": self.customer.id, "type": "invoice"}
        )
        contract = self._draft()
        self.assertEqual(contract.invoice_partner_id, address)
        (error,) = self._errors(contract)
        self.assertIn("Comptabilité: the invoice address needs", error)

    def test_siret_of_the_customer_and_of_its_sites(self):
        contract = self._draft()
        self.customer.company_registry = WRONG_SIRET
        (error,) = self._errors(contract)
        self.assertIn(WRONG_SIRET, error)
        self.assertIn("Bureaux du Parc", error, "whose number is it?")
        self.customer.company_registry = SIRET
        self.assertFalse(contract._activation_errors())
        self.customer.company_registry = False
        self.assertFalse(contract._activation_errors(), "not everybody has one")

    def test_siret_of_a_site_that_came_around_the_check(self):
        contract = self._draft()
        self.env.flush_all()
        self.env.cr.execute("UPDATE res_partner SET site_siret = %s WHERE id = %s", (WRONG_SIRET, self.site_a.id))
        self.env.invalidate_all()
        (error,) = self._errors(contract)
        self.assertIn(WRONG_SIRET, error)
        self.assertIn("Tour A", error)

    def test_no_line(self):
        contract = self._draft(Command.create({"display_type": "line_note", "name": "Keys at the desk"}))
        self.assertEqual(self._errors(contract), [f"Contract {contract.name} has no line to bill."])

    def test_headings_are_not_checked(self):
        contract = self._draft(Command.create({"display_type": "line_section", "name": "Offices"}), self._line())
        self.assertFalse(contract._activation_errors())

    def test_income_account(self):
        product = self.env["product.product"].create({"name": "Orphan", "type": "service"})
        product.categ_id = self.env["product.category"].create({"name": "Nothing"})
        journal = self.company_data["default_journal_sale"].copy()
        product.categ_id.property_account_income_categ_id = False
        journal.default_account_id = False
        self.company.income_account_id = False
        contract = self._draft(self._line(product_id=product.id, tax_ids=[Command.set(self.tax.ids)]))
        contract.journal_id = journal
        (error,) = self._errors(contract)
        self.assertIn("Orphan: no income account; set one on the product or its category", error)
        journal.default_account_id = self.company_data["default_account_revenue"]
        self.assertFalse(contract._activation_errors(), "the journal's will do")

    def test_no_day_of_service(self):
        contract = self._draft(self._line(name="Nothing", date_end=date(2025, 12, 31)))
        (error,) = self._errors(contract)
        self.assertIn("starts on 01/01/2026, after the service ends on 12/31/2025: there is no day to bill", error)
        one_day = self._draft(self._line(date_end=date(2026, 1, 1)))
        self.assertFalse(one_day._activation_errors())

    def test_billed_until_after_the_end(self):
        contract = self._draft(self._line(name="Over", date_end=date(2026, 1, 31)), billed_until=date(2026, 2, 28))
        (error,) = self._errors(contract)
        self.assertIn("was billed until 02/28/2026, after its end", error)
        exactly = self._draft(self._line(date_end=date(2026, 1, 31)), billed_until=date(2026, 1, 31))
        self.assertFalse(exactly._activation_errors())

    def test_line_that_starts_before_its_contract(self):
        contract = self._draft(self._line(name="Early", date_start=date(2025, 12, 1)))
        (error,) = self._errors(contract)
        self.assertIn("Early", error)
        self.assertIn("12/01/2025", error)

    def test_site_of_another_customer_that_came_around_the_check(self):
        other = self._customer("Autre client")
        contract = self._draft()
        self.site_a.parent_id = other
        (error,) = self._errors(contract)
        self.assertIn("Tour A", error)

    def test_active_contract_is_not_activated_twice(self):
        contract = self._contract(date_start=TODAY)
        with self.assertRaisesRegex(UserError, "is “Active” and cannot become “Active”"):
            contract.action_activate()

    def test_analytic_account(self):
        plan = self.env["account.analytic.plan"].create({"name": "Contracts"})
        contract = self._draft()
        contract._activate()
        self.assertFalse(contract.analytic_account_id)
        self.company.service_analytic_plan_id = plan
        contract = self._draft(title="Ménage")
        contract._activate()
        account = contract.analytic_account_id
        self.assertEqual((account.plan_id, account.partner_id), (plan, self.customer))
        self.assertEqual(account.name, contract.display_name)
        contract._move_to("cancelled")
        contract._move_to("draft")
        contract._activate()
        self.assertEqual(contract.analytic_account_id, account, "made once")
        self._bill(contract, date(2026, 1, 1))
        self.assertEqual(contract.billable_ids.invoice_line_id.analytic_distribution, {str(account.id): 100})

    def _warnings(self, contracts):
        """The warnings that the button shows; nothing is activated yet."""
        action = contracts.action_activate()
        if action is True:
            return []
        self.assertEqual(set(contracts.mapped("state")), {"draft"})
        self.assertEqual((action["res_model"], action["target"]), ("multiservice.contract.activation", "new"))
        wizard = self.env[action["res_model"]].browse(action["res_id"])
        self.assertEqual(wizard.contract_ids, contracts)
        self.wizard = wizard
        return wizard.warnings.split("\n")

    def test_public_body_in_advance(self):
        self.customer.legal_category = "public_body"
        (warning,) = self._warnings(self._draft())
        self.assertIn("Bureaux du Parc is a public body billed in advance", warning)
        self.assertIn("L2191-4", warning)
        self.assertFalse(self._warnings(self._draft(timing="arrears")))
        own = self._draft(self._line(own_schedule=True, timing="advance"), timing="arrears")
        self.assertEqual(len(self._warnings(own)), 1, "a line in advance is enough")
        ignored = self._draft(self._line(own_schedule=True, timing="arrears"), timing="advance")
        self.assertFalse(self._warnings(ignored), "no line follows the contract's schedule")

    def test_confirm_activates(self):
        self.customer.legal_category = "public_body"
        contracts = self._draft() | self._draft(timing="arrears")
        self._warnings(contracts)
        self.wizard.action_confirm()
        self.assertEqual(contracts.mapped("state"), ["active", "active"])

    def test_confirm_is_no_way_around_the_errors(self):
        self.customer.legal_category = "public_body"
        contract = self._draft()
        self._warnings(contract)
        contract.line_ids.tax_ids = False
        with self.assertRaisesRegex(UserError, "no tax"):
            self.wizard.action_confirm()
        self.assertEqual(contract.state, "draft")

    def test_warnings_name_their_contract(self):
        self.customer.legal_category = "public_body"
        first, second = self._draft(), self._draft(date_start=date(2016, 1, 1))
        text = "\n".join(self._warnings(first | second))
        self.assertIn(second.name, text)

    def test_housing_works(self):
        reduced = self.tax.copy({"name": "10%", "amount": 10.0})
        self.service.housing_works = True
        contract = self._draft(self._line(tax_ids=[Command.set(reduced.ids)]))
        (warning,) = self._warnings(contract)
        self.assertIn("reduced VAT rate on works in a dwelling needs the customer's statement", warning)
        contract.housing_works_statement = date(2026, 1, 2)
        self.assertFalse(self._warnings(contract))
        self.assertFalse(self._warnings(self._draft()), "at the normal rate")
        exempt = self.tax.copy({"name": "0%", "amount": 0.0})
        self.assertFalse(self._warnings(self._draft(self._line(tax_ids=[Command.set(exempt.ids)]))))
        self.service.housing_works = False
        self.assertFalse(self._warnings(self._draft(self._line(tax_ids=[Command.set(reduced.ids)]))))

    def _term(self, days, delay_type="days_after", **vals):
        return self.env["account.payment.term"].create(
            {
                "name": f"{days} {delay_type}",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 100, "delay_type": delay_type, "nb_days": days})
                ],
                **vals,
            }
        )

    def test_payment_terms(self):
        # (category, days, kind of delay, warned)
        for category, days, delay_type, warned in (
            ("business", 60, "days_after", False),
            ("business", 61, "days_after", True),
            ("business", 45, "days_after_end_of_month", False),
            ("business", 46, "days_after_end_of_month", True),
            ("business", 90, "days_after_end_of_month", True),
            ("public_body", 30, "days_after", False),
            ("public_body", 31, "days_after", True),
            ("public_body", 45, "days_after_end_of_month", True),
            ("consumer", 90, "days_after", False),
            ("non_professional", 90, "days_after", False),
        ):
            self.customer.legal_category = category
            contract = self._draft(timing="arrears", payment_term_id=self._term(days, delay_type).id)
            with self.subTest(f"{category} {days} {delay_type}"):
                self.assertEqual(bool(self._warnings(contract)), warned)

    def test_payment_term_is_named_with_the_ceiling(self):
        contract = self._draft(payment_term_id=self._term(75).id)
        (warning,) = self._warnings(contract)
        self.assertIn("“75 days_after” give 75 days; the law allows 60", warning)

    def test_latest_instalment_counts(self):
        term = self._term(0)
        term.line_ids = [
            Command.update(term.line_ids.id, {"value_amount": 50}),
            Command.create({"value": "percent", "value_amount": 50, "delay_type": "days_after", "nb_days": 61}),
        ]
        self.assertEqual(len(self._warnings(self._draft(payment_term_id=term.id))), 1)

    def test_absurd_start(self):
        # February 2024 to January 2026: 24 months, January 2024 one more.
        self.assertFalse(self._warnings(self._draft(date_start=date(2024, 2, 1))))
        (warning,) = self._warnings(self._draft(date_start=date(2024, 1, 1)))
        self.assertIn("would bill 25 periods at once: check the start 01/01/2024", warning)
        taken_over = self._draft(date_start=date(2016, 1, 1), billed_until=date(2025, 12, 31))
        self.assertFalse(self._warnings(taken_over))
        several = self._draft(*[self._line() for _n in range(30)])
        self.assertFalse(self._warnings(several), "many lines are not many periods")

    def test_several_warnings_at_once(self):
        self.customer.legal_category = "public_body"
        contract = self._draft(date_start=date(2016, 1, 1), payment_term_id=self._term(60).id)
        self.assertEqual(len(self._warnings(contract)), 3)

    def test_what_was_confirmed_is_billed(self):
        contract = self._draft(date_start=date(2023, 12, 1))
        self._warnings(contract)
        self.wizard.action_confirm()
        contract.action_bill()
        self.assertEqual(len(contract.billable_ids.filtered("held")), 26)
