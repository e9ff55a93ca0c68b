import io
import re
from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged
from odoo.tools.pdf import PdfFileReader

from .common import MultiserviceCommon


def text_of(html) -> str:
    """The words of an HTML document, blanks collapsed."""
    content = html.decode() if isinstance(html, bytes) else str(html)
    return " ".join(re.sub(r"<[^>]+>", " ", content).split())


def references_of(env, **references: str) -> list[str]:
    """How an invoice prints its references: in the words of core's Chorus Pro module where that prints them."""
    core = {"order": "Purchase Order Reference", "market": "Contract Reference", "buyer": "Buyer Reference"}
    own = {"order": "Order reference", "market": "Market reference", "buyer": "Buyer reference"}
    labels = core if "purchase_order_reference" in env["account.move"]._fields else own
    return [f"{labels[name]}: {value}" for name, value in references.items()]


@tagged("post_install", "-at_install")
class TestScheduleInWords(MultiserviceCommon):
    def _words(self, **schedule):
        return self._contract(activate=False, **schedule)._schedule_in_words()

    def test_monthly_in_advance_on_the_25th(self):
        self.assertEqual(
            self._words(issue_method="day_before", issue_day=25),
            "Billed monthly in advance. Invoices are issued on the 25th, at the latest on the first day of the period. "
            "Periods begin on the 1st of the month. A first or last period that is not whole is prorated by days.",
        )

    def test_how_often(self):
        contract = self._contract(activate=False)
        for unit, interval, expected in (
            ("day", 1, "Billed daily in arrears"),
            ("week", 2, "Billed every 2 weeks in arrears"),
            ("quarter", 1, "Billed quarterly in arrears"),
            ("half_year", 1, "Billed half-yearly in arrears"),
            ("year", 3, "Billed every 3 years in arrears"),
        ):
            with self.subTest(expected):
                contract.write({"recurrence_unit": unit, "recurrence_interval": interval, "timing": "arrears"})
                self.assertEqual(contract._frequency_in_words(), expected)

    def test_when_issued(self):
        for schedule, expected in (
            ({"timing": "advance"}, "Invoices are issued on the first day of the period."),
            ({"timing": "arrears"}, "Invoices are issued on the last day of the period."),
            (
                {"issue_method": "offset", "issue_offset": -1},
                "Invoices are issued 1 day before the first day of the period.",
            ),
            (
                {"issue_method": "offset", "issue_offset": 10, "timing": "arrears"},
                "Invoices are issued 10 days after the last day of the period.",
            ),
            ({"issue_method": "offset", "issue_offset": 0}, "Invoices are issued on the first day of the period."),
            (
                {"issue_method": "day_after", "issue_day": 1, "timing": "arrears"},
                "Invoices are issued on the 1st, at the earliest on the last day of the period.",
            ),
        ):
            with self.subTest(expected):
                self.assertIn(f" {expected} ", self._words(**schedule))

    def test_where_periods_begin(self):
        for schedule, expected in (
            ({"alignment": "anniversary"}, "Periods are counted from the start date."),
            ({"alignment": "day", "alignment_day": 22}, "Periods begin on the 22nd of the month."),
            ({"recurrence_unit": "week"}, "Periods begin on a Monday."),
            ({"recurrence_unit": "quarter"}, "Periods begin with the calendar quarter."),
            ({"recurrence_unit": "year"}, "Periods begin on 1 January."),
        ):
            with self.subTest(expected):
                self.assertIn(expected, self._words(**schedule))

    def test_partial_periods(self):
        self.assertIn(
            "A first period that is not whole is free of charge, a last one charged in full.",
            self._words(first_partial="free", last_partial="full"),
        )
        self.assertIn("is prorated by months of 30 days.", self._words(proration_basis="thirty"))
        self.assertIn("is prorated by days.", self._words(proration_basis="thirty", recurrence_unit="week"))

    def test_ordinals(self):
        contract = self._contract(activate=False)
        days = (1, 2, 3, 4, 11, 12, 13, 21, 22, 23, 31)
        self.assertEqual(
            [contract._day_in_words(day) for day in days],
            ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "23rd", "31st"],
        )


@tagged("post_install", "-at_install")
class TestContractDocument(MultiserviceCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time("2026-02-10 10:00:00"))
        cls.site_a.write({"site_siret": "35600000000048", "site_access_code": "SECRET-1234"})
        cls.customer.company_registry = "55208131766522"
        cls.contract = cls._contract(
            Command.create({"display_type": "line_section", "name": "Cleaning section"}),
            cls._line(100.0, site_id=cls.site_a.id, name="Offices\nMonday to Friday"),
            cls._line(50.0, site_id=cls.site_b.id, quantity=2.5, discount=10, name="Windows"),
            Command.create({"display_type": "line_note", "name": "Ladders are ours."}),
            cls._line(1200.0, site_id=cls.site_b.id, name="Boiler", own_schedule=True, recurrence_unit="year"),
            cls._line(80.0, site_id=cls.site_a.id, pricing="one_off", name="Installation"),
            title="Towers",
            order_reference="PO-77",
            market_reference="M-12",
            buyer_reference="DEPT-9",
            note="<p>Three months of notice.</p>",
        )

    def _html(self, contract=None):
        html, _type = self.env["ir.actions.report"]._render_qweb_html(
            "multiservice.contract_report_action", (contract or self.contract).ids
        )
        return html

    def test_says_everything(self):
        text = text_of(self._html())
        for expected in (
            f"Service Contract {self.contract.name}",
            "Towers",
            self.company.name,
            "SIRET: 55208131766522",
            "Until terminated",
            "Billed monthly in advance. Invoices are issued on the first day of the period.",
            "Order reference PO-77",
            "Market reference M-12",
            "Buyer reference DEPT-9",
            "Tour A ( A )",
            "SIRET: 35600000000048",
            "2 rue de l&#39;Exemple",
            "Cleaning section",
            "Offices Monday to Friday",
            "2.5 50.00 $ 10.00",
            "Ladders are ours.",
            "Billed yearly in advance",
            "Billed once, on 01/01/2026",
            "Three months of notice.",
            "For the customer, Bureaux du Parc",
        ):
            with self.subTest(expected):
                self.assertIn(expected.replace("$", self.contract.currency_id.symbol), text)

    def test_never_an_access_code(self):
        self.assertNotIn("SECRET", str(self._html()))

    def test_totals_by_period_with_taxes(self):
        totals = {
            total["label"]: (
                total["tax_totals"]["base_amount_currency"],
                total["tax_totals"]["tax_amount_currency"],
                total["tax_totals"]["total_amount_currency"],
            )
            for total in self.contract._document_totals()
        }
        self.assertEqual(
            totals,
            {
                "Total per month": (212.5, 42.5, 255.0),
                "Total per year": (1200.0, 240.0, 1440.0),
                "Total one-off": (80.0, 16.0, 96.0),
            },
        )
        self.assertEqual(list(totals), ["Total per month", "Total per year", "Total one-off"])

    def test_flat_price_ignores_the_quantity(self):
        contract = self._contract(self._line(100.0, pricing="flat", quantity=7))
        self.assertEqual(contract._document_totals()[0]["tax_totals"]["base_amount_currency"], 100.0)
        self.assertEqual(contract.line_ids._document_quantity(), "")

    def test_services_by_site_with_their_headings(self):
        groups = [
            (group["site"].site_code, [row["line"].name.partition("\n")[0] for row in group["rows"]])
            for group in self.contract._document_groups()
        ]
        self.assertEqual(
            groups,
            [
                ("A", ["Cleaning section", "Offices", "Installation"]),
                ("B", ["Cleaning section", "Windows", "Ladders are ours.", "Boiler"]),
            ],
        )

    def test_replaced_line_is_history(self):
        line = self.contract.line_ids.filtered(lambda line: line.name == "Windows")
        successor = line._replace_from(date(2026, 4, 1), {"price_unit": 60.0})
        self.assertIn(line, self.contract._document_lines(), "still in force")
        self.assertIn("From 04/01/2026", successor._document_remarks())
        self.assertIn("Until 03/31/2026", line._document_remarks())
        with freeze_time("2026-04-02 10:00:00"):
            self.assertEqual(self.contract._document_lines() & (line | successor), successor)

    def test_contract_that_is_over_shows_its_last_services(self):
        self.contract.date_end = date(2026, 1, 31)
        self.assertEqual(len(self.contract._document_lines()), 4)

    def test_title_says_what_it_is_worth(self):
        draft = self._contract(activate=False)
        self.assertIn("Proposed Service Contract", text_of(self._html(draft)))
        draft.action_cancel()
        self.assertIn("Cancelled Service Contract", text_of(self._html(draft)))

    def test_file_name(self):
        self.contract.name = "CT/2026/0001"
        report = self.env.ref("multiservice.contract_report_action")
        self.assertEqual(self.contract._get_report_base_filename(), "Contract CT-2026-0001")
        self.assertIn("_get_report_base_filename", report.print_report_name)

    def test_in_the_language_of_the_customer(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.customer.lang = "fr_FR"
        self.contract.date_start = date(2026, 1, 15)
        self.assertIn("15/01/2026", text_of(self._html()))

    def test_planner_prints_no_prices(self):
        planner = self._user("documents_planner", "multiservice.group_planner")
        with self.assertRaises(AccessError):
            self.env["ir.actions.report"].with_user(planner)._render_qweb_html(
                "multiservice.contract_report_action", self.contract.ids
            )

    def test_next_billings(self):
        self._bill(self.contract, date(2026, 1, 31))
        first, second = self.contract._next_billings(2)
        self.assertEqual(
            (first["issue"], first["start"], first["end"], float(first["amount"])),
            (date(2026, 2, 1), date(2026, 2, 1), date(2026, 2, 28), 212.5),
        )
        self.assertEqual(second["issue"], date(2026, 3, 1))
        self.contract.date_end = False
        draft = self._contract(activate=False)
        self.assertEqual(draft._next_billings(1)[0]["issue"], date(2026, 1, 1), "a proposal says it too")
        draft.action_cancel()
        self.assertEqual(draft._next_billings(), [])


@tagged("post_install", "-at_install")
class TestInvoiceDocument(MultiserviceCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time("2026-02-10 10:00:00"))
        cls.site_a.write({"site_siret": "35600000000048", "site_access_code": "SECRET-1234"})

    def _html(self, move):
        return self.env["ir.actions.report"]._render_qweb_html("account.account_invoices", move.ids)[0]

    def _invoice(self, *lines, through=date(2026, 1, 31), **vals):
        contract = self._contract(*lines, title="Towers", posting_mode="post", **vals)
        return self._bill(contract, through).move_ids

    def test_one_site(self):
        invoice = self._invoice(order_reference="PO-77", market_reference="M-12", buyer_reference="DEPT-9")
        html = self._html(invoice)
        text = text_of(html)
        for expected in (
            f"Contract {invoice.service_contract_ids.name} – Towers",
            "Service period: 01/01/2026 – 01/31/2026",
            *references_of(self.env, order="PO-77", market="M-12", buyer="DEPT-9"),
            "Tour A ( A )",
            "SIRET: 35600000000048",
        ):
            with self.subTest(expected):
                self.assertIn(expected, text)
        self.assertNotIn("SECRET", str(html))
        self.assertEqual(text.count("PO-77"), 1, "not said twice")
        self.assertEqual(text.count(invoice.service_contract_ids.name), 1, "not said twice")
        self.assertEqual(text.count("Tour A"), 1, "the site is no delivery address too")

    def test_one_site_when_delivery_addresses_are_shown(self):
        self.env.user.group_ids += self.env.ref("account.group_delivery_invoice_address")
        text = text_of(self._html(self._invoice()))
        self.assertEqual(text.count("Tour A"), 1)
        self.assertNotIn("Shipping Address", text)

    def test_several_sites_name_theirs_on_the_line(self):
        invoice = self._invoice(self._line(site_id=self.site_a.id), self._line(40.0, site_id=self.site_b.id))
        html = self._html(invoice)
        self.assertNotIn('name="service_site"', str(html))
        self.assertIn("Tour B (B), Lyon", text_of(html))

    def test_sections_have_subtotals(self):
        invoice = self._invoice(
            self._line(site_id=self.site_a.id),
            self._line(40.0, site_id=self.site_b.id),
            self._line(2.5, site_id=self.site_b.id),
            grouping="sections",
        )
        section = invoice.invoice_line_ids.filtered(lambda line: line.name == "Tour B (B), Lyon")
        self.assertEqual(section.get_section_subtotal(), 42.5)
        self.assertRegex(text_of(self._html(invoice)), r"Tour B \(B\), Lyon [^0-9]*42.50")

    def test_line_stands_out_from_its_details(self):
        html = str(self._html(self._invoice(self._line(site_id=self.site_a.id, name="Offices\nMonday to Friday"))))
        self.assertRegex(html, r'name="line_title"[^>]*>Offices</span>')
        self.assertRegex(html, r'(?s)name="line_details"[^>]*>Monday to Friday<br/?>')
        self.assertEqual(text_of(html).count("Monday to Friday"), 1)

    def test_credit_note_names_the_invoice(self):
        invoice = self._invoice()
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"journal_id": invoice.journal_id.id})
        )
        wizard.refund_moves()
        wizard.new_move_ids.action_post()
        self.assertIn(f"Credits: {invoice.name} of 02/10/2026", text_of(self._html(wizard.new_move_ids)))
        self.assertNotIn("Credits:", text_of(self._html(invoice)))

    def test_credit_made_by_the_billing_names_the_invoice(self):
        contract = self._contract(posting_mode="post")
        invoice = self._bill(contract, date(2026, 2, 1)).move_ids
        contract.line_ids._end_on(date(2026, 2, 14))
        credit = self._bill(contract, date(2026, 2, 28)).move_ids
        self.assertEqual(credit.move_type, "out_refund")
        self.assertIn(f"Credits: {invoice.name} of", text_of(self._html(credit)))

    def test_other_invoices_are_as_core_prints_them(self):
        move = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.customer.id,
                "invoice_origin": "S-ORIGIN",
                "ref": "THEIR-REF",
                "invoice_line_ids": [Command.create({"name": "Chairs\nOak", "price_unit": 10.0})],
            }
        )
        html = str(self._html(move))
        self.assertNotIn("service_block", html)
        self.assertNotIn("line_title", html)
        self.assertIn("S-ORIGIN", html)
        self.assertIn("THEIR-REF", html)

    def test_many_contracts_on_one_line(self):
        contracts = self.env["multiservice.contract"].union(
            *(self._contract(grouping="customer", posting_mode="post", title=f"T{n}") for n in range(6))
        )
        text = text_of(self._html(self._bill(contracts, date(2026, 1, 31)).move_ids))
        self.assertIn("Contracts " + ", ".join(sorted(contracts.mapped("name"))), text)


@tagged("post_install", "-at_install")
class TestPdf(MultiserviceCommon, HttpCase):
    """The files themselves, made by wkhtmltopdf."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time("2026-02-10 10:00:00"))
        cls.site_a.site_siret = "35600000000048"

    def _pages(self, report, record):
        reports = self.env["ir.actions.report"].with_context(force_report_rendering=True)
        content, kind = reports._render_qweb_pdf(report, record.ids)
        self.assertEqual(kind, "pdf")
        reader = PdfFileReader(io.BytesIO(content), strict=False)
        return [" ".join(page.extract_text().split()) for page in reader.pages]

    def test_invoice_of_several_pages(self):
        lines = [
            self._line(10.0 + n, site_id=self.site_a.id, name=f"Service {n:02}\n" + "with a rather long text " * 6)
            for n in range(60)
        ]
        contract = self._contract(*lines, market_reference="M-12", order_reference="PO-77", posting_mode="post")
        invoice = self._bill(contract, date(2026, 1, 31)).move_ids
        pages = self._pages("account.account_invoices", invoice)
        self.assertGreater(len(pages), 3)
        for expected in (
            f"Contract {contract.name}",
            "Service period: 01/01/2026 – 01/31/2026",
            *references_of(self.env, order="PO-77", market="M-12"),
            "SIRET: 35600000000048",
        ):
            self.assertIn(expected, pages[0])
        text = " ".join(pages)
        for n in range(60):
            self.assertEqual(text.count(f"Service {n:02} "), 1)
        pages[0] = pages[0].partition("Description")[2] + "Description"
        for page in pages:
            titles, periods = len(re.findall(r"Service \d\d ", page)), page.count("01/01/2026")
            self.assertEqual(titles, periods, "no line is cut by the end of a page")
            if titles:
                self.assertIn("Description", page, "the header is repeated")

    def test_contract(self):
        contract = self._contract(title="Towers", buyer_reference="DEPT-9")
        text = " ".join(self._pages("multiservice.contract_report_action", contract))
        for expected in (
            f"Service Contract {contract.name}",
            "Buyer reference DEPT-9",
            "SIRET: 35600000000048",
            "Total per month",
            "For the customer",
        ):
            self.assertIn(expected, text)
