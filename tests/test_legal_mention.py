from datetime import date

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models.legal_mention import PLACEHOLDERS, placeholders
from .common import MultiserviceCommon

MENTION = "multiservice.legal.mention"
RATE = "multiservice.late.rate"
NOTES = {"PMT", "PMD", "AAB"}
DAY = date(2026, 3, 15)


class LegalMentionCommon(MultiserviceCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mentions = cls.env[MENTION]
        cls.consumer = cls._customer("Camille Exemple", is_company=False, legal_category="consumer")
        cls.syndicate = cls._customer("Copropriété des Tilleuls", legal_category="non_professional")
        cls.town = cls._customer("Commune de Valombre", legal_category="public_body")
        cls.tax_10 = cls.tax.copy({"name": "10 %", "amount": 10})
        cls.tax_5_5 = cls.tax.copy({"name": "5.5 %", "amount": 5.5})
        cls.supplies = cls.env["product.product"].create({"name": "Supplies", "type": "consu"})

    @classmethod
    def _zero_tax(cls, category, code=False):
        return cls.tax.copy(
            {
                "name": f"0 % {category} {code}",
                "amount": 0,
                "ubl_cii_tax_category_code": category,
                "ubl_cii_tax_exemption_reason_code": code,
            }
        )

    @classmethod
    def _invoice(cls, customer=None, tax=None, product=None, move_type="out_invoice", lines=None, **vals):
        tax = cls.tax if tax is None else tax
        lines = lines or [(product or cls.service, 100.0)]
        return cls.env["account.move"].create(
            {
                "move_type": move_type,
                "partner_id": (customer or cls.customer).id,
                "company_id": cls.company.id,
                "invoice_date": DAY,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "product_id": sold.id,
                            "name": sold.name,
                            "price_unit": price,
                            "tax_ids": [Command.set(tax.ids)],
                        }
                    )
                    for sold, price in lines
                ],
                **vals,
            }
        )

    def _said(self, invoice) -> dict[str, str]:
        """What the invoice says, by the mention's code."""
        return {mention.code: text for mention, text in self.mentions._for_move(invoice)}

    def _notes(self, invoice) -> dict[str, str]:
        notes = self.mentions._notes_for_move(invoice)
        self.assertEqual(len(notes), len(dict(notes)), "a subject occurs twice")
        return dict(notes)

    def _printed(self, invoice) -> str:
        report = self.env["ir.actions.report"]
        html = report._render_qweb_html("account.report_invoice", invoice.ids)[0]
        return " ".join(html.decode().replace("\N{NO-BREAK SPACE}", " ").split())


@tagged("post_install", "-at_install")
class TestLegalMention(LegalMentionCommon):
    """What is said to whom."""

    def test_three_notes_for_everybody(self):
        for customer in (self.customer, self.consumer, self.syndicate, self.town):
            for move_type in ("out_invoice", "out_refund"):
                with self.subTest(customer.name, move_type=move_type):
                    notes = self._notes(self._invoice(customer, move_type=move_type))
                    self.assertLessEqual(NOTES, set(notes))
                    self.assertTrue(all(text.strip() for text in notes.values()))

    def test_business(self):
        notes = self._notes(self._invoice())
        self.assertIn("40", notes["PMT"])
        self.assertIn("plus 10 percentage points, that is 12.15\N{NO-BREAK SPACE}% a year", notes["PMD"])
        self.assertEqual(notes["AAB"], "No discount for early payment.")
        self.assertNotIn("TXD", notes)

    def test_nothing_is_imposed_on_who_is_no_professional(self):
        for customer in (self.consumer, self.syndicate):
            with self.subTest(customer.name):
                said = self._said(self._invoice(customer))
                self.assertIn("legal rate from a formal notice only", said["late_other"])
                self.assertIn("not applicable", said["indemnity_other"])
                self.assertFalse([code for code, text in said.items() if "40" in text or "12.15" in text])

    def test_public_body(self):
        said = self._said(self._invoice(self.town))
        self.assertIn("plus 8 percentage points, that is 10.15\N{NO-BREAK SPACE}%", said["late_public"])
        self.assertIn("40", said["indemnity_public"])
        self.assertNotIn("indemnity_business", said)

    def test_without_legal_category(self):
        self.customer.legal_category = self.consumer.legal_category = False
        self.assertIn("indemnity_business", self._said(self._invoice()))
        self.assertIn("indemnity_other", self._said(self._invoice(self.consumer)))

    def test_contact_follows_its_customer(self):
        contact = self.env["res.partner"].create({"name": "Accounts", "parent_id": self.syndicate.id})
        self.assertIn("indemnity_other", self._said(self._invoice(contact)))

    def test_credit_note(self):
        said = self._said(self._invoice(move_type="out_refund", tax=self._zero_tax("AE", "VATEX-FR-AE")))
        self.assertLessEqual(
            {"early_credit_note", "late_credit_note", "indemnity_credit_note", "reverse_building"}, set(said)
        )
        self.assertNotIn("indemnity_business", said)

    def test_only_sales_of_french_companies(self):
        bill = self.env["account.move"].create({"move_type": "in_invoice", "partner_id": self.customer.id})
        self.assertFalse(self.mentions._for_move(bill))
        self.company.country_id = self.env.ref("base.be")
        self.company.account_fiscal_country_id = self.env.ref("base.be")
        self.assertFalse(self.mentions._for_move(self._invoice(tax=self.env["account.tax"])))

    def test_nature_of_operations(self):
        for goods, services, nature in (
            (0, 100, "services"),
            (100, 0, "goods"),
            (60, 40, "mixed"),
            (5, 95, "services"),
        ):
            with self.subTest(goods=goods, services=services):
                lines = [pair for pair in ((self.supplies, goods), (self.service, services)) if pair[1]]
                invoice = self._invoice(lines=lines)
                invoice.einvoice_framework = False
                self.assertIn(f"nature_{nature}", self._said(invoice))
                self.assertEqual(len([code for code in self._said(invoice) if code.startswith("nature")]), 1)

    def test_nature_decided_by_a_person(self):
        invoice = self._invoice()
        invoice.einvoice_framework = "M1"
        self.assertIn("nature_mixed", self._said(invoice))

    def test_identity(self):
        self.company.write(
            {"service_legal_form": "SAS", "service_rcs_city": "Lyon", "company_registry": "73282932000074"}
        )
        self.company.service_share_capital = 0
        said = self._said(self._invoice())
        self.assertNotIn("capital", said)
        self.assertEqual(said["rcs"], "RCS Lyon 732829320")
        self.company.service_share_capital = 10000
        self.assertIn("SAS with a share capital of", self._said(self._invoice())["capital"])
        self.assertIn("10,000", self._notes(self._invoice())["ABL"])
        self.assertIn("RCS Lyon 732829320", self.company._legal_identity("en_US"))


@tagged("post_install", "-at_install")
class TestVatMention(LegalMentionCommon):
    def test_franchise(self):
        self.company.service_vat_franchise = True
        exempt = self._zero_tax("E", "VATEX-FR-FRANCHISE")
        invoice = self._invoice(tax=exempt)
        self.assertEqual(self._said(invoice)["vat_franchise"], "VAT not applicable, art. 293 B of the CGI")
        self.assertEqual(self._notes(invoice)["TXD"], "VAT not applicable, art. 293 B of the CGI")
        self.assertEqual(
            self.mentions._exemption(invoice, "VATEX-FR-FRANCHISE"), "VAT not applicable, art. 293 B of the CGI"
        )
        invoice.invoice_date = date(2028, 1, 1)
        self.assertEqual(self._said(invoice)["vat_franchise"], "VAT not applicable, art. L. 223-3 of the CIBS")

    def test_franchise_without_a_tax(self):
        self.company.service_vat_franchise = True
        self.assertIn("vat_franchise", self._said(self._invoice(tax=self.env["account.tax"])))

    def test_reasons_of_taxes(self):
        german = self._customer("Muster", country_id=self.env.ref("base.de").id, vat="DE123456788")
        american = self._customer("Sample", country_id=self.env.ref("base.us").id)
        for code, customer, tax, product in (
            ("reverse_building", self.customer, self._zero_tax("AE", "VATEX-FR-AE"), self.service),
            ("reverse_building", self.customer, self._zero_tax("AE"), self.service),
            ("reverse_eu", german, self._zero_tax("AE", "VATEX-EU-AE"), self.service),
            ("reverse_eu", german, self.tax.copy({"name": "0 % EU", "amount": 0}), self.service),
            ("goods_eu", german, self._zero_tax("K", "VATEX-EU-IC"), self.supplies),
            ("services_abroad", american, self._zero_tax("O"), self.service),
            ("goods_abroad", american, self._zero_tax("G", "VATEX-EU-G"), self.supplies),
        ):
            with self.subTest(code=code, tax=tax.name):
                invoice = self._invoice(customer, tax=tax, product=product)
                vat_said = [
                    mention.code for mention, _text in self.mentions._for_move(invoice) if mention.kind == "vat"
                ]
                self.assertEqual(vat_said, [code])
                self.assertIn("TXD", self._notes(invoice))

    def test_reverse_charge_says_its_word(self):
        tax = self._zero_tax("AE", "VATEX-FR-AE")
        for day in (DAY, date(2028, 1, 1)):
            notes = self._notes(self._invoice(tax=tax, invoice_date=day))
            self.assertTrue(notes["TXD"].startswith("Reverse charge – VAT due by the customer"))

    def test_vat_due_at_different_times(self):
        """BT-8 holds one rule: with two, a note states how much VAT falls due when."""
        on_payment = self.env["account.chart.template"].with_company(self.company).ref("tva_normale_encaissement")
        invoice = self._invoice(lines=[(self.service, 100.0), (self.supplies, 50.0)])
        self.assertNotIn("points_mixed", self._said(invoice))
        invoice.invoice_line_ids[0].tax_ids = on_payment
        self.assertEqual(
            self._said(invoice)["points_mixed"].replace("\N{NO-BREAK SPACE}", " "),
            "VAT due on the invoice: 10.00 €; VAT due on payment: 20.00 €",
        )
        self.assertIn("10.00 €", self._notes(invoice)["AAI"].replace("\N{NO-BREAK SPACE}", " "))
        self.company.service_vat_on_debits = True
        self.assertNotIn("points_mixed", self._said(invoice))

    def test_debits_only_with_the_option(self):
        self.assertEqual(self.tax.tax_exigibility, "on_invoice")
        self.assertNotIn("debits", self._said(self._invoice()))
        self.company.write({"service_vat_on_debits": True, "service_vat_on_debits_from": date(2026, 4, 1)})
        self.assertNotIn("debits", self._said(self._invoice()))
        self.assertIn("debits", self._said(self._invoice(invoice_date=date(2026, 4, 1))))
        goods = self._invoice(product=self.supplies, invoice_date=date(2026, 4, 1))
        self.assertNotIn("debits", self._said(goods))
        self.company.service_vat_franchise = True
        self.assertNotIn("debits", self._said(self._invoice(invoice_date=date(2026, 4, 1))))

    def test_housing_works(self):
        self.service.housing_works = True
        self.assertFalse([code for code in self._said(self._invoice(self.consumer)) if code.startswith("housing")])
        for tax, code in ((self.tax_10, "housing_10"), (self.tax_5_5, "housing_5_5")):
            text = self._said(self._invoice(self.consumer, tax=tax))[code]
            self.assertIn("I the undersigned Camille Exemple certify", text)
            self.assertEqual("energy renovation" in text, code == "housing_5_5")
        before = self._invoice(self.consumer, tax=self.tax_10, invoice_date=date(2025, 2, 15))
        self.assertNotIn("housing_10", self._said(before))

    def test_housing_works_stated_on_the_contract(self):
        self.service.housing_works = True
        contract = self._contract(
            self._line(tax_ids=[Command.set(self.tax_10.ids)]),
            partner_id=self.consumer.id,
            housing_works_statement=date(2025, 12, 20),
        )
        invoice = self._bill(contract, DAY).move_ids[:1]
        invoice.invoice_date = DAY
        said = self._said(invoice)
        self.assertIn("12/20/2025", said["housing_stated"])
        self.assertNotIn("housing_10", said)


@tagged("post_install", "-at_install")
class TestActivityMention(LegalMentionCommon):
    def test_home_services(self):
        self.service.regulated_activity = "home_services"
        self.company.write(
            {"service_home_declaration": "SAP732829320", "service_home_declaration_date": date(2020, 5, 4)}
        )
        said = self._said(self._invoice(self.consumer))
        self.assertIn("no. SAP732829320 on 05/04/2020", said["home_declaration"])
        self.assertNotIn("home_approval", said)
        self.company.service_home_approval = "SAP-A-1"
        self.assertIn("SAP-A-1", self._notes(self._invoice(self.consumer))["REG"])
        self.assertNotIn("home_declaration", self._said(self._invoice()))
        self.assertNotIn("home_declaration", self._said(self._invoice(self.consumer, product=self.supplies)))

    def test_guarding(self):
        self.assertNotIn("guarding", self._said(self._invoice()))
        self.company.service_guarding_authorisation = "AUT-069-2112-01-01-20260000001"
        text = self._said(self._invoice())["guarding"]
        self.assertIn("AUT-069-2112-01-01-20260000001", text)
        self.assertIn("confers no prerogative of public authority", text)


@tagged("post_install", "-at_install")
class TestPaymentMention(LegalMentionCommon):
    def test_policy_of_the_company(self):
        for policy, rate, expected in (
            ("ecb", 0, "12.15\N{NO-BREAK SPACE}%"),
            ("legal", 0, "three times the rate of legal interest, that is 7.86\N{NO-BREAK SPACE}%"),
            ("own", 12, "12.00\N{NO-BREAK SPACE}% a year, and never less than three times"),
            ("own", 5, "7.86\N{NO-BREAK SPACE}% a year"),
            ("own", 0, "three times the rate of legal interest, that is 7.86\N{NO-BREAK SPACE}%"),
        ):
            with self.subTest(policy=policy, rate=rate):
                self.company.write({"service_late_penalty": policy, "service_late_penalty_rate": rate})
                self.assertIn(expected, self._notes(self._invoice())["PMD"])

    def test_rate_of_the_half_year_of_the_invoice(self):
        for day, expected in (("2024-12-31", "14.25"), ("2025-01-01", "13.15"), ("2026-06-30", "12.15")):
            self.assertIn(expected, self._notes(self._invoice(invoice_date=day))["PMD"])

    def test_rate_not_known(self):
        """The rule is stated without a figure; the half-year before never stands in."""
        for policy in ("ecb", "legal"):
            self.company.service_late_penalty = policy
            for customer in (self.customer, self.town):
                text = self._notes(self._invoice(customer, invoice_date=date(2026, 7, 1)))["PMD"]
                self.assertNotIn("that is", text)
                self.assertNotIn("%", text)

    def test_contract_has_its_own(self):
        contract = self._contract(late_penalty="own", late_penalty_rate=15)
        invoice = self._bill(contract, DAY).move_ids[:1]
        invoice.invoice_date = DAY
        self.assertIn("15.00", self._notes(invoice)["PMD"])

    def test_contracts_that_differ(self):
        contracts = self._contract(late_penalty="own", late_penalty_rate=15, grouping="customer")
        contracts |= self._contract(grouping="customer")
        invoice = self._bill(contracts, DAY).move_ids[:1]
        invoice.invoice_date = DAY
        self.assertEqual(invoice.service_contract_ids, contracts)
        self.assertIn("12.15", self._notes(invoice)["PMD"])
        self.assertIn("different late penalties", self._warnings(invoice))

    def _warnings(self, invoice):
        return " ".join(message for message, _record in self.mentions._warnings_for_move(invoice))

    def test_own_rate_is_needed(self):
        with self.assertRaisesRegex(ValidationError, "enter the rate"):
            self._contract(activate=False, late_penalty="own")

    def test_early_payment(self):
        term = self.env["account.payment.term"].create(
            {"name": "2/10", "early_discount": True, "discount_percentage": 2, "discount_days": 10}
        )
        self.company.service_early_payment_terms = "1.00 % for payment within 5 days"
        note = self._notes(self._invoice())["AAB"]
        self.assertEqual(note, "Early payment discount: 1.00 % for payment within 5 days")
        note = self._notes(self._invoice(invoice_payment_term_id=term.id))["AAB"]
        self.assertIn("2.00\N{NO-BREAK SPACE}% for payment by 03/25/2026", note)
        self.assertIn("only the VAT on the price actually paid is then deductible", note)
        note = self._notes(self._invoice(self.consumer, invoice_payment_term_id=term.id))["AAB"]
        self.assertNotIn("deductible", note)


@tagged("post_install", "-at_install")
class TestMentionRecord(LegalMentionCommon):
    def _mention(self, **vals):
        return self.mentions.create({"name": "Ours", "code": "ours", "text": "Said", **vals})

    def test_dates(self):
        self._mention(date_from=date(2026, 1, 1), date_to=date(2026, 3, 15))
        self._mention(text="Said since", date_from=date(2026, 3, 16))
        for day, text in (("2025-12-31", None), ("2026-01-01", "Said"), (DAY, "Said"), ("2026-03-16", "Said since")):
            self.assertEqual(self._said(self._invoice(invoice_date=day)).get("ours"), text)

    def test_a_draft_is_of_today(self):
        self._mention(date_to=date(2026, 3, 31))
        invoice = self._invoice(invoice_date=False)
        with freeze_time("2026-03-31 12:00"):
            self.assertIn("ours", self._said(invoice))
        with freeze_time("2026-03-31 22:30"):  # 1 April in Paris
            self.assertNotIn("ours", self._said(invoice))

    def test_one_code_holds_once(self):
        self._mention(date_to=date(2026, 6, 30))
        with self.assertRaisesRegex(ValidationError, "same code"), self.env.cr.savepoint():
            self._mention(date_from=date(2026, 6, 30))
        self._mention(company_id=self.company.id)

    def test_own_mention_takes_the_place_of_the_shared_one(self):
        self._mention(
            code="early_none", kind="early_payment", subject_code="AAB", text="Ours", company_id=self.company.id
        )
        self.assertEqual(self._notes(self._invoice())["AAB"], "Ours")
        other = self.env["res.company"].create({"name": "Other"})
        self.mentions.search([("code", "=", "early_none"), ("company_id", "!=", False)]).company_id = other
        self.assertEqual(self._notes(self._invoice())["AAB"], "No discount for early payment.")

    def test_conditions(self):
        mention = self._mention(for_business=False)
        self.assertNotIn("ours", self._said(self._invoice()))
        self.assertIn("ours", self._said(self._invoice(self.town)))
        mention.write({"for_business": True, "customer_vat": "not_liable"})
        self.assertNotIn("ours", self._said(self._invoice()))
        mention.customer_vat = "liable"
        self.assertIn("ours", self._said(self._invoice()))
        mention.active = False
        self.assertNotIn("ours", self._said(self._invoice()))

    def test_placeholders(self):
        self._mention(text="{company} for {customer}, 100 % {{sure}}")
        said = self._said(self._invoice())["ours"]
        self.assertEqual(said, f"{self.company.name} for Bureaux du Parc, 100 % {{sure}}")

    def test_placeholder_without_a_value_silences(self):
        self._mention(text="RCS {rcs_city}")
        self.assertNotIn("ours", self._said(self._invoice()))

    def test_unknown_placeholders_are_refused(self):
        for text in ("{amount}", "{company.name}", "{0}", "{", "{rate!r}", "{rate:>9}", "{}"):
            refused = self.assertRaisesRegex(ValidationError, "cannot be filled in")
            with self.subTest(text), refused, self.env.cr.savepoint():
                self._mention(text=text)

    def test_unknown_placeholder_in_a_translation(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        with self.assertRaisesRegex(ValidationError, "Ours.*taux"):
            self._mention().with_context(lang="fr_FR").text = "{taux}"

    def test_every_placeholder_is_filled(self):
        self.assertEqual(set(self._invoice()._legal_values()), set(PLACEHOLDERS))

    def test_shipped_texts(self):
        """In every language: known placeholders, those of the source."""
        for code, _name in self.env["res.lang"].get_installed():
            for mention in self.mentions.with_context(lang=code, active_test=False).search([]):
                source = mention.with_context(lang="en_US").text
                self.assertEqual(placeholders(mention.text), placeholders(source), mention.code)

    def test_language_of_the_customer(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        mention = self._mention(text="{rate} a year", kind="other")
        mention.with_context(lang="fr_FR").text = "{rate} par an"
        self.customer.lang = "fr_FR"
        self.assertEqual(self._said(self._invoice())["ours"], "12,15\N{NO-BREAK SPACE}% par an")
        self.assertEqual(self._said(self._invoice(self.town))["ours"], "12.15\N{NO-BREAK SPACE}% a year")

    def test_access(self):
        planner = self._user("planner", "multiservice.group_planner")
        manager = self._user("manager", "multiservice.group_manager")
        mention = self._mention()
        self.assertTrue(mention.with_user(planner).text)
        for model in (MENTION, RATE):
            with self.assertRaises(AccessError):
                self.env[model].with_user(planner).search([], limit=1).unlink()
        mention.with_user(manager).text = "Ours"
        other = self.env["res.company"].create({"name": "Other"})
        mention.company_id = other
        self.assertNotIn(mention, self.mentions.with_user(manager).search([]))

    def test_whoever_prints_an_invoice_prints_its_mentions(self):
        accountant = self._user("accountant", "account.group_account_invoice")
        contract = self._contract()
        invoice = self._bill(contract, DAY).move_ids[:1]
        self.assertIn("No discount for early payment.", invoice.with_user(accountant)._legal_mentions())

    def test_in_force_filter(self):
        with freeze_time(DAY):
            past = self._mention(date_to=date(2026, 3, 14))
            self.assertFalse(past.in_force)
            found = self.mentions.search([("in_force", "=", True)])
            self.assertNotIn(past, found)
            self.assertIn(past, self.mentions.search([("in_force", "=", False)]))


@tagged("post_install", "-at_install")
class TestLateRate(LegalMentionCommon):
    def test_half_years(self):
        rates = self.env[RATE]
        self.assertEqual(rates._rates_on(date(2024, 12, 31)).ecb_rate, 4.25)
        self.assertEqual(rates._rates_on(date(2026, 6, 30)).legal_rate, 2.62)
        self.assertFalse(rates._rates_on(date(2026, 7, 1)))
        self.assertEqual(rates._missing_semester(date(2026, 9, 1)), date(2026, 7, 1))
        self.assertIsNone(rates._missing_semester(date(2026, 6, 30)))

    def test_checks(self):
        vals = {"legal_rate": 2.5, "legal_rate_individual": 6, "ecb_rate": 2}
        with self.assertRaisesRegex(ValidationError, "1 January or on 1 July"):
            self.env[RATE].create({"date_from": date(2026, 7, 2), **vals})
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
            self.env[RATE].create({"date_from": date(2026, 1, 1), **vals})
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
            self.env[RATE].create({"date_from": date(2026, 7, 1), **vals, "legal_rate": 0})

    def test_alert(self):
        manager = self._user("manager", "multiservice.group_manager")
        planner = self._user("planner", "multiservice.group_planner")
        reminders = [("res_model", "=", RATE), ("user_id", "in", (manager + planner).ids)]
        with freeze_time("2026-06-30 12:00"):
            self.env[RATE]._cron_check_semester()
            self.assertFalse(self.env["mail.activity"].search(reminders))
        with freeze_time("2026-07-02 12:00"):
            self.env[RATE]._cron_check_semester()
            self.env[RATE]._cron_check_semester()
            self.assertEqual(self.env["mail.activity"].search(reminders).user_id, manager)
            self.assertEqual(self.env["mail.activity"].search_count(reminders), 1)
            self.assertTrue(self.env["res.config.settings"].create({}).service_late_rate_missing)
            self.env[RATE].with_user(manager).create(
                {"date_from": date(2026, 7, 1), "legal_rate": 2.5, "legal_rate_individual": 6, "ecb_rate": 2}
            )
            self.assertFalse(self.env["mail.activity"].search(reminders))
            self.assertFalse(self.env["res.config.settings"].create({}).service_late_rate_missing)


@tagged("post_install", "-at_install")
class TestLegalWarning(LegalMentionCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({"service_legal_form": "SAS", "service_share_capital": 1000, "service_rcs_city": "Lyon"})
        chart = cls.env["account.chart.template"].with_company(cls.company)
        cls.on_invoice, cls.tax = cls.tax, chart.ref("tva_normale_encaissement")
        cls.tax_10 = cls.tax.copy({"name": "10 % on payment", "amount": 10})

    def _warnings(self, invoice) -> list[tuple]:
        return self.mentions._warnings_for_move(invoice)

    def assertWarns(self, invoice, *expected):
        """One warning per pair (words, record to mend), and no other."""
        warnings = self._warnings(invoice)
        self.assertEqual([record for _message, record in warnings], [record for _words, record in expected])
        for (message, _record), (words, _same) in zip(warnings, expected, strict=True):
            self.assertIn(words, message)

    def test_none(self):
        for customer in (self.customer, self.consumer, self.syndicate, self.town):
            self.assertWarns(self._invoice(customer))

    def test_reverse_charge_meets_cleaning(self):
        self.service.regulated_activity = "cleaning"
        self.assertWarns(self._invoice())
        invoice = self._invoice(tax=self._zero_tax("AE", "VATEX-FR-AE"))
        self.assertWarns(invoice, ("Cleaning under a subcontract of its own", invoice))

    def test_reverse_charge_of_who_is_not_liable(self):
        invoice = self._invoice(self.syndicate, tax=self._zero_tax("AE", "VATEX-FR-AE"))
        self.assertWarns(invoice, ("not liable to VAT", self.syndicate))

    def test_franchise_with_vat(self):
        self.company.service_vat_franchise = True
        invoice = self._invoice()
        self.assertWarns(invoice, ("charges VAT", invoice))

    def test_services_with_a_tax_due_on_the_invoice(self):
        invoice = self._invoice(tax=self.on_invoice)
        self.assertWarns(invoice, ("falls due on payment", invoice))
        self.assertWarns(self._invoice(tax=self.on_invoice, product=self.supplies))
        self.company.service_vat_on_debits = True
        self.assertWarns(self._invoice(tax=self.on_invoice))

    def test_missing_data(self):
        self.customer.legal_category = False
        self.assertWarns(self._invoice(), ("no legal category", self.customer))
        self.company.service_legal_form = False
        self.assertWarns(self._invoice(self.town), ("share capital", self.company))

    def test_regulated_activities(self):
        self.service.regulated_activity = "guarding"
        self.assertWarns(self._invoice(), ("CNAPS", self.company))
        self.service.regulated_activity = "home_services"
        self.assertWarns(self._invoice())
        self.assertWarns(self._invoice(self.consumer), ("home services", self.company))

    def test_housing_works_without_statement(self):
        self.service.housing_works = True
        invoice = self._invoice(self.consumer, tax=self.tax_10)
        self.assertWarns(invoice, ("customer's statement", invoice))

    def test_rates_not_known(self):
        late = date(2026, 7, 1)
        self.assertWarns(self._invoice(invoice_date=late), ("not known", self.env[RATE]))
        self.assertWarns(self._invoice(self.consumer, invoice_date=late))


@tagged("post_install", "-at_install")
class TestLegalMentionPrinted(LegalMentionCommon):
    def test_body_of_the_invoice(self):
        self.company.write({"service_vat_on_debits": True, "service_guarding_authorisation": "AUT-1"})
        for customer in (self.customer, self.consumer, self.town):
            invoice = self._invoice(customer)
            invoice.action_post()
            printed = self._printed(invoice)
            texts = invoice._legal_mentions()
            self.assertGreater(len(texts), 5)
            for text in texts:
                self.assertEqual(printed.count(" ".join(text.split()).replace("'", "&#39;")), 1, text)

    def test_below_the_totals(self):
        printed = self._printed(self._invoice())
        self.assertLess(printed.index('id="total"'), printed.index('name="legal_mentions"'))

    def test_core_says_nothing_wrong(self):
        invoice = self._invoice(tax=self.tax)
        self.assertEqual((self.tax.tax_exigibility, self.tax.tax_scope), ("on_invoice", "consu"))
        printed = self._printed(invoice)
        for wrong in ("Option to pay tax on debits", "Operation Type", "Goods Delivery"):
            self.assertNotIn(wrong, printed)
        self.assertIn("Nature of operations: supply of services", printed)

    def test_not_printed(self):
        self.mentions.create(
            {"name": "x", "code": "x", "text": "XML only", "print_on_invoice": False, "subject_code": "AAI"}
        )
        invoice = self._invoice()
        self.assertNotIn("XML only", self._printed(invoice))
        self.assertEqual(self._notes(invoice)["AAI"], "XML only")

    def test_markup_is_escaped(self):
        self.mentions.create({"name": "x", "code": "x", "text": "a < b & <b>c</b>"})
        self.assertIn("a &lt; b &amp; &lt;b&gt;c&lt;/b&gt;", self._printed(self._invoice()))

    def test_few_queries(self):
        """However many mentions there are, and however often it is asked."""
        invoice = self._invoice()
        self.mentions._for_move(invoice)
        with self.assertQueryCount(1):  # the figure of the recovery indemnity
            self.mentions._for_move(invoice)
