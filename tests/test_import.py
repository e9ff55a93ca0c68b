import csv
import io
from datetime import date

from freezegun import freeze_time

from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import file_open, mute_logger

from .common import MultiserviceCommon

OPTIONS = {"quoting": '"', "separator": ",", "has_headers": True, "encoding": "utf-8"}
TODAY = date(2026, 3, 10)
CONTRACTS, LINES_EACH = 60, 5


@tagged("post_install", "-at_install")
@freeze_time(TODAY)
class TestImport(MultiserviceCommon):
    """A company comes from another system: its files go through core's import, as its billing user would do it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = cls._user("an_importer", "multiservice.group_billing_user")
        for name in ("Nettoyage", "Vitrerie", "Espaces verts"):
            cls.env["product.product"].create({"name": name, "type": "service", "taxes_id": [Command.set(cls.tax.ids)]})
        cls.partners = cls.env["res.partner"].with_context(default_is_company=True, default_customer_rank=1)
        cls.sites = cls.env["res.partner"].with_context(default_is_service_site=True)
        cls.contracts = cls.env["multiservice.contract"]

    def _wizard(self, model, content, name="file.csv", kind="text/csv"):
        return (
            self.env["base_import.import"]
            .with_user(self.user)
            .with_context(**model.env.context)
            .create({"res_model": model._name, "file": content, "file_name": name, "file_type": kind})
        )

    def _import(self, model, content, columns=None, **options):
        """Import a file whose header names the fields; returns the ids, after checking that nothing was said."""
        result = self._try_import(model, content, columns, **options)
        self.assertFalse(result["messages"])
        return result["ids"]

    def _try_import(self, model, content, columns=None, **options):
        if isinstance(content, str):
            content = content.encode()
        columns = columns or content.decode().splitlines()[0].split(",")
        with mute_logger("odoo.sql_db"):
            result = self._wizard(model, content).execute_import(columns, columns, {**OPTIONS, **options})
        self.env.invalidate_all()
        return result

    def _template(self, model):
        template = model.get_import_templates()[-1]
        with file_open(template["template"].lstrip("/"), "rb") as file:
            return file.read()

    def _columns(self, model):
        return self._template(model).decode().splitlines()[0].split(",")

    def _csv(self, columns, rows):
        """A file with `columns`, from rows given as dictionaries."""
        file = io.StringIO()
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
        return file.getvalue()

    def _big_file(self):
        """60 contracts of 5 lines, in the columns of the shipped template."""
        rows = []
        for number in range(CONTRACTS):
            contract = {
                "id": f"T-{number}",
                "title": f"Contract {number}",
                "partner_id": "Bureaux du Parc",
                "date_start": "2020-01-01",
                "billed_until": "2026-01-31" if number % 2 else "2026-02-28",
                "recurrence_interval": 1,
                "recurrence_unit": "month",
                "timing": "advance",
                "alignment": "calendar",
            }
            for line in range(LINES_EACH):
                rows.append(
                    {
                        **(contract if line == 0 else {}),
                        "line_ids/id": f"T-{number}-{line}",
                        "line_ids/site_id": f"Bureaux du Parc, Tour {'AB'[line % 2]}",
                        "line_ids/product_id": "Nettoyage",
                        "line_ids/name": f"Service {number}-{line}",
                        "line_ids/pricing": "unit",
                        "line_ids/quantity": line + 1,
                        "line_ids/price_unit": 10.5,
                    }
                )
        return self._csv(self._columns(self.contracts), rows)

    def test_templates_are_proposed_where_they_belong(self):
        paths = {
            name: [template["template"] for template in model.get_import_templates()]
            for name, model in (
                ("customers", self.partners),
                ("sites", self.sites),
                ("contracts", self.contracts),
                ("contacts", self.env["res.partner"]),
            )
        }
        self.assertIn("/multiservice/static/import/customers.csv", paths["customers"])
        self.assertEqual(paths["sites"], ["/multiservice/static/import/sites.csv"])
        self.assertEqual(paths["contracts"], ["/multiservice/static/import/contracts.csv"])
        self.assertNotIn("/multiservice/static/import/customers.csv", paths["contacts"])

    def test_columns_of_the_templates_are_recognised(self):
        for model in (self.partners, self.sites, self.contracts):
            wizard = self._wizard(model, self._template(model))
            preview = wizard.parse_preview(dict(OPTIONS))
            headers = preview["headers"]
            matches = ["/".join(preview["matches"].get(index, ["?"])) for index in range(len(headers))]
            self.assertEqual(matches, headers)

    def test_templates_import_one_after_the_other_and_again(self):
        """The examples of the three files belong together and can be activated as they are."""
        for attempt in ("first", "again"):
            with self.subTest(attempt):
                customers = self._import(self.partners, self._template(self.partners))
                sites = self._import(self.sites, self._template(self.sites))
                contracts = self._import(self.contracts, self._template(self.contracts))
                self.assertEqual((len(customers), len(sites), len(contracts)), (3, 2, 2))
        offices, gardens = self.contracts.browse(contracts)
        self.assertEqual(offices.partner_id.name, "Groupe Exemple")
        self.assertEqual(offices.line_ids[0].site_id.name, "Siège Lyon Part-Dieu")
        self.assertEqual(offices.line_ids.mapped("site_id.site_code"), ["LYO-01", "GRE-01"])
        self.assertEqual(offices.line_ids.mapped("quantity"), [1, 2, 1])
        self.assertEqual(offices.line_ids.mapped("pricing"), ["unit", "unit", "flat"])
        self.assertEqual(offices.line_ids.tax_ids, self.tax, "the taxes of the product")
        self.assertEqual(set(offices.line_ids.mapped("date_start")), {date(2024, 3, 1)})
        self.assertEqual((gardens.recurrence_unit, gardens.timing), ("quarter", "arrears"))
        self.assertEqual(gardens.date_end, date(2027, 4, 14))
        (offices | gardens).action_activate()
        self.assertEqual(set((offices | gardens).mapped("state")), {"active"})

    def test_three_hundred_lines_twice(self):
        content = self._big_file()
        first = self._import(self.contracts, content)
        self.assertEqual(len(first), CONTRACTS)
        again = self._import(self.contracts, content)
        self.assertEqual(again, first)
        contracts = self.contracts.browse(first)
        self.assertEqual(len(contracts.line_ids), CONTRACTS * LINES_EACH)
        self.assertEqual(set(contracts.mapped("state")), {"draft"})
        self.assertEqual(len(set(contracts.mapped("name"))), CONTRACTS)
        self.assertEqual(contracts.line_ids.site_id, self.site_a | self.site_b)
        self.assertEqual(set(contracts.line_ids.mapped("price_unit")), {10.5})

        contracts.with_user(self.user).action_activate()
        self.assertEqual(set(contracts.mapped("state")), {"active"})
        run = self._bill(contracts, TODAY)
        self.assertEqual((run.state, run.failed_count), ("done", 0))
        # Half of the contracts owe February and March, the others March only.
        rows = contracts.billable_ids
        self.assertEqual(len(rows), CONTRACTS // 2 * LINES_EACH * 3)
        self.assertEqual(min(rows.mapped("period_start")), date(2026, 2, 1))
        each_month = sum(10.5 * (line + 1) for line in range(LINES_EACH))
        self.assertAlmostEqual(sum(rows.mapped("amount")), CONTRACTS // 2 * 3 * each_month)
        late = contracts.filtered(lambda contract: contract.billed_until == date(2026, 2, 28))
        self.assertEqual(set(late.billable_ids.mapped("period_start")), {date(2026, 3, 1)})

        self.assertEqual(self._import(self.contracts, content), first, "the same file after billing changes nothing")
        self.assertEqual(len(contracts.line_ids), CONTRACTS * LINES_EACH)
        self.assertFalse(self._bill(contracts, TODAY), "nothing is billed twice")

    def test_second_file_updates_and_adds(self):
        columns = self._columns(self.contracts)
        row = {
            "id": "T-1",
            "title": "Offices",
            "partner_id": "Bureaux du Parc",
            "date_start": "2026-01-01",
            "recurrence_interval": 1,
            "recurrence_unit": "month",
            "timing": "advance",
            "alignment": "calendar",
            "line_ids/id": "T-1-1",
            "line_ids/product_id": "Nettoyage",
            "line_ids/name": "Desks",
            "line_ids/pricing": "unit",
            "line_ids/quantity": 1,
            "line_ids/price_unit": 10,
        }
        (contract_id,) = self._import(self.contracts, self._csv(columns, [row]))
        more = {**row, "line_ids/id": "T-1-2", "line_ids/name": "Floors"}
        second = [{**row, "title": "All offices", "line_ids/price_unit": 12}]
        second.append({name: value for name, value in more.items() if name.startswith("line_ids")})
        self.assertEqual(self._import(self.contracts, self._csv(columns, second)), [contract_id])
        contract = self.contracts.browse(contract_id)
        self.assertEqual(contract.title, "All offices")
        self.assertEqual(contract.line_ids.mapped("name"), ["Desks", "Floors"])
        self.assertEqual(contract.line_ids.mapped("price_unit"), [12, 10])

    def test_changed_price_of_a_billed_line_is_refused_in_words(self):
        content = self._csv(
            ["id", "partner_id", "date_start", "line_ids/id", "line_ids/product_id", "line_ids/price_unit"],
            [
                {
                    "id": "T-1",
                    "partner_id": "Bureaux du Parc",
                    "date_start": "2026-03-01",
                    "line_ids/id": "T-1-1",
                    "line_ids/product_id": "Nettoyage",
                    "line_ids/price_unit": 10,
                }
            ],
        )
        contract = self.contracts.browse(self._import(self.contracts, content))
        contract.action_activate()
        self._bill(contract, TODAY)
        result = self._try_import(self.contracts, content.replace(",10", ",11"))
        self.assertFalse(result["ids"])
        self.assertIn("its Unit Price can no longer be edited", result["messages"][0]["message"])
        self.assertEqual(contract.line_ids.price_unit, 10)

    def test_state_is_not_imported(self):
        result = self._try_import(self.contracts, "partner_id,state\nBureaux du Parc,active\n")
        self.assertFalse(result["ids"])
        self.assertTrue(result["messages"])

    def test_empty_start_of_a_line_is_the_contract_s(self):
        """A column may be empty on most rows."""
        content = (
            "partner_id,date_start,line_ids/product_id,line_ids/price_unit,line_ids/date_start\n"
            "Bureaux du Parc,2026-03-01,Nettoyage,10,\n"
            ",,Nettoyage,10,2026-04-01\n"
        )
        contract = self.contracts.browse(self._import(self.contracts, content))
        self.assertEqual(contract.line_ids.mapped("date_start"), [date(2026, 3, 1), date(2026, 4, 1)])

    def test_file_without_prices_takes_those_of_the_services(self):
        self.env["product.product"].search([("name", "=", "Nettoyage")]).list_price = 42.0
        content = "partner_id,date_start,line_ids/product_id\nBureaux du Parc,2026-03-01,Nettoyage\n,,Vitrerie\n"
        contract = self.contracts.browse(self._import(self.contracts, content))
        self.assertEqual(contract.line_ids.mapped("price_unit"), [42.0, 1.0])

    def test_invoices_of_the_old_system_come_along(self):
        content = (
            "id,partner_id,billed_until,"
            "prior_invoice_ids/id,prior_invoice_ids/name,prior_invoice_ids/date,prior_invoice_ids/amount\n"
            "T-1,Bureaux du Parc,2026-01-31,F-1,F2026-001,2026-01-01,100\n"
            ",,,F-2,F2026-002,2026-02-01,100\n"
        )
        for _attempt in range(2):
            contract = self.contracts.browse(self._import(self.contracts, content))
        self.assertEqual(sorted(contract.prior_invoice_ids.mapped("name")), ["F2026-001", "F2026-002"])

    def test_labels_are_understood_too(self):
        content = "partner_id,recurrence_unit,timing\nBureaux du Parc,Quarter(s),In arrears\n"
        contract = self.contracts.browse(self._import(self.contracts, content))
        self.assertEqual((contract.recurrence_unit, contract.timing), ("quarter", "arrears"))

    def test_spreadsheet_with_dates(self):
        """XLSX: dates are dates there, numbers are numbers."""
        from openpyxl import Workbook

        book = Workbook()
        book.active.append(["partner_id", "date_start", "billed_until", "line_ids/product_id", "line_ids/price_unit"])
        book.active.append(["Bureaux du Parc", date(2024, 1, 1), date(2026, 2, 28), "Nettoyage", 12.5])
        file = io.BytesIO()
        book.save(file)
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        wizard = self._wizard(self.contracts, file.getvalue(), "contracts.xlsx", kind)
        preview = wizard.parse_preview({"has_headers": True})
        options = {**preview["options"], "has_headers": True}
        result = wizard.execute_import(preview["headers"], preview["headers"], options)
        self.assertFalse(result["messages"])
        contract = self.contracts.browse(result["ids"])
        self.assertEqual((contract.date_start, contract.billed_until), (date(2024, 1, 1), date(2026, 2, 28)))
        self.assertEqual(contract.line_ids.price_unit, 12.5)

    def test_bad_rows_say_what_is_wrong(self):
        stranger = self._customer("Autre client")
        self._site(stranger, "Entrepôt", "E")
        good = {
            "partner_id": "Bureaux du Parc",
            "date_start": "2026-01-01",
            "recurrence_unit": "month",
            "line_ids/product_id": "Nettoyage",
            "line_ids/price_unit": "10",
        }
        for change, message in (
            ({"partner_id": "Personne"}, "No matching record found for name 'Personne' in field 'Customer'"),
            ({"partner_id": ""}, "Customer"),
            ({"partner_id": "Bureaux du Parc, Tour A"}, "is a contact or a site"),
            ({"line_ids/product_id": "Rien"}, "No matching record found for name 'Rien' in field 'Lines/Service'"),
            ({"line_ids/site_id": "Autre client, Entrepôt"}, "Entrepôt does not belong to Bureaux du Parc"),
            ({"line_ids/site_id": "Bureaux du Parc, Tour Z"}, "No matching record found"),
            ({"date_start": "yesterday"}, "date_start contains incorrect values"),
            ({"recurrence_unit": "fortnight"}, "Value 'fortnight' not found in selection field 'Period Unit'"),
            ({"recurrence_interval": "0"}, "must count at least 1 unit"),
            ({"date_end": "2025-12-31"}, "A contract cannot end before it starts"),
            ({"line_ids/quantity": "-1"}, "negative quantity"),
            ({"line_ids/discount": "101"}, "must be from 0 to 100 %"),
            ({"line_ids/product_id": ""}, "needs a description or a service"),
            ({"line_ids/price_unit": "a lot"}, "price_unit contains incorrect values"),
        ):
            row = {**good, **change}
            with self.subTest(change):
                count = self.contracts.search_count([])
                result = self._try_import(self.contracts, self._csv(list(row), [row]))
                self.assertFalse(result.get("ids"))
                said = " / ".join(str(entry["message"]) for entry in result["messages"])
                self.assertIn(message, said)
                self.assertNotIn("Unknown error", said)
                self.assertEqual(self.contracts.search_count([]), count, "all or nothing")

    def test_one_bad_row_stops_the_file_and_is_named(self):
        content = self._big_file().replace("Service 41-2,unit", "Service 41-2,barter")
        result = self._try_import(self.contracts, content)
        self.assertFalse(result["ids"])
        (message,) = result["messages"]
        self.assertIn("barter", message["message"])
        self.assertEqual(message["rows"], {"from": 205, "to": 209}, "the rows of contract 41")
        self.assertFalse(self.contracts.search([("title", "=", "Contract 0")]))

    def test_dry_run_writes_nothing(self):
        wizard = self._wizard(self.contracts, self._big_file().encode())
        columns = self._columns(self.contracts)
        result = wizard.execute_import(columns, columns, dict(OPTIONS), dryrun=True)
        self.assertFalse(result["messages"])
        self.assertFalse(self.contracts.search([("title", "=", "Contract 0")]))

    def test_customers_and_sites_of_real_size_twice(self):
        columns = self._columns(self.partners)
        customers = self._csv(
            columns,
            [
                {
                    "id": f"BIG-{number}",
                    "name": f"Client {number}",
                    "is_company": "True",
                    "legal_category": "business",
                    "vat_liable": "True",
                    "street": f"{number} rue de l'Exemple",
                    "zip": "69001",
                    "city": "Lyon",
                    "country_id": "France",
                }
                for number in range(100)
            ],
        )
        first = self._import(self.partners, customers)
        self.assertEqual(self._import(self.partners, customers), first)
        sites = self._csv(
            self._columns(self.sites),
            [
                {
                    "name": f"Site {number}",
                    "parent_id": f"Client {number % 100}",
                    "site_code": f"S{number}",
                    "is_service_site": "True",
                    "street": f"{number} rue du Site",
                    "zip": "69001",
                    "city": "Lyon",
                    "country_id": "France",
                }
                for number in range(300)
            ],
        )
        site_ids = self._import(self.sites, sites)
        self.assertEqual(self._import(self.sites, sites), site_ids)
        self.assertEqual(self.env["res.partner"].browse(first[7]).site_count, 3)
