from datetime import date

from stdnum import luhn
from stdnum.fr import siren

from odoo.fields import Command
from odoo.tests import new_test_user

from odoo.addons.account.tests.common import AccountTestInvoicingCommon


class MultiserviceCommon(AccountTestInvoicingCommon):
    """A French company with a customer, two sites, a service, and builders of contracts. No demonstration data."""

    @classmethod
    @AccountTestInvoicingCommon.setup_country("fr")
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.company_data["company"]
        cls.env.user.group_ids += cls.env.ref("multiservice.group_manager")
        cls.france = cls.env.ref("base.fr")
        cls._legal_number = 0
        cls.company.partner_id.write(
            {
                "street": "9 rue de l'Exemple",
                "zip": "69001",
                "city": "Lyon",
                "country_id": cls.france.id,
                "email": "billing@company.invalid",
                "legal_category": "business",
                **cls._legal_numbers(),
            }
        )
        cls.env["res.partner.bank"].create(
            {"acc_number": "FR76 3000 6000 0112 3456 7890 189", "partner_id": cls.company.partner_id.id}
        )
        cls.tax = cls.company_data["default_tax_sale"]
        cls.customer = cls._customer("Bureaux du Parc")
        cls.site_a = cls._site(cls.customer, "Tour A", "A")
        cls.site_b = cls._site(cls.customer, "Tour B", "B")
        cls.service = cls.env["product.product"].create(
            {
                "name": "Office cleaning",
                "type": "service",
                "list_price": 100.0,
                "taxes_id": [Command.set(cls.tax.ids)],
            }
        )

    @classmethod
    def setup_independent_company(cls, **kwargs):
        """The database's own company where it is French and unused: loading a chart takes seconds for each class."""
        company = cls.env.ref("base.main_company")
        used = cls.env["account.move"].search_count([("company_id", "=", company.id)], limit=1)
        fresh = company.chart_template == "fr" and not used
        return company if fresh else super().setup_independent_company(**kwargs)

    @classmethod
    def _legal_numbers(cls) -> dict:
        """A SIRET and a VAT number with true keys, different at each call."""
        cls._legal_number += 1
        number = f"{10000000 + 37 * cls._legal_number}"
        number += luhn.calc_check_digit(number)
        return {
            "company_registry": f"{number}0001{luhn.calc_check_digit(number + '0001')}",
            "vat": f"FR{siren.to_tva(number)}",
        }

    @classmethod
    def _customer(cls, name, **vals):
        if vals.get("country_id", cls.france.id) == cls.france.id:
            vals = cls._legal_numbers() | vals
        return cls.env["res.partner"].create(
            {
                "name": name,
                "is_company": True,
                "legal_category": "business",
                "street": "1 rue de l'Exemple",
                "zip": "69001",
                "city": "Lyon",
                "country_id": cls.france.id,
                "email": f"{name.lower().replace(' ', '.')}@customer.invalid",
                **vals,
            }
        )

    @classmethod
    def _site(cls, customer, name, code, **vals):
        return cls.env["res.partner"].create(
            {
                "name": name,
                "parent_id": customer.id,
                "is_service_site": True,
                "site_code": code,
                "street": "2 rue de l'Exemple",
                "zip": "69002",
                "city": "Lyon",
                "country_id": cls.france.id,
                **vals,
            }
        )

    @classmethod
    def _line(cls, price=100.0, **vals):
        """The command for a line of `_contract`."""
        return Command.create({"product_id": cls.service.id, "price_unit": price, **vals})

    @classmethod
    def _contract(cls, *lines, activate=True, **vals):
        """A monthly calendar contract in advance, by default from 01/01/2026 with one line at 100.00 on site A."""
        vals = {
            "partner_id": cls.customer.id,
            "company_id": cls.company.id,
            "date_start": date(2026, 1, 1),
            "posting_mode": "draft",
            "line_ids": list(lines) or [cls._line(site_id=cls.site_a.id)],
            **vals,
        }
        contract = cls.env["multiservice.contract"].create(vals)
        if activate:
            contract._activate()
        return contract

    @classmethod
    def _bill(cls, contracts, through):
        """Bill what is due on `through` in one run, at once; returns the run (empty when nothing is due)."""
        run = cls.env["multiservice.billing.run"]._create_runs(contracts, "Test", through)
        if run:
            run._process_now()
            assert not run.failed_count, run.item_ids.mapped("error")
        return run

    def assertLedger(self, contracts, expected):
        """Compare held ledger rows with (first day, last day, amount), in the order of lines and periods."""
        rows = contracts.billable_ids.filtered("held").sorted(
            lambda row: (row.contract_line_id.id, row.period_start, row.component, row.revision)
        )
        self.assertEqual(
            [(str(row.period_start), str(row.period_end), row.amount) for row in rows],
            expected,
        )

    @classmethod
    def _user(cls, login, group, **vals):
        return new_test_user(
            cls.env,
            login,
            groups=group,
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
            **vals,
        )
