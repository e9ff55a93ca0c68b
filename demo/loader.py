"""The demonstration company: a French group that sells several services on its customers' sites.

`load` builds it relative to one day, `bill` bills it as its billing user would. For databases made to be looked
at only: both write whatever they need.
"""

from datetime import date, timedelta

from odoo import SUPERUSER_ID
from odoo.fields import Command

from . import _identity as identity
from ._billing import bill  # noqa: F401: `loader.bill` is how others call it
from ._brand import GOLD, GREEN, logo
from ._contracts import BROKEN, FOREIGN, POST, TAKEN_OVER, contracts, month_start
from ._customers import BUSINESS, CONSUMER, CUSTOMERS
from ._services import ACTIVITIES, SERVICES
from ._users import CLIENT_OF, PEOPLE, BILLING, DIRECTION

NAME = "Groupe Montfaucelle Services"
LANGUAGE = "fr_FR"
MODULE = "multiservice_demo"  # of the external identifiers
DOMAIN = "montfaucelle.invalid"
LATE_PAYMENT = (
    "<p>En cas de retard de paiement : pénalités au taux de 3 fois l'intérêt légal et, pour les professionnels, "
    "indemnité forfaitaire de recouvrement de 40 €. Pas d'escompte pour paiement anticipé.</p>"
)
PAYMENT_TERMS = {
    "receipt": ("À réception de facture", "days_after", 0),
    "net30": ("30 jours date de facture", "days_after", 30),
    "eom45": ("45 jours fin de mois", "days_after_end_of_month", 45),
}
BIG_CUSTOMERS = {"BRI", "TES", "COM"}  # the manager is their salesperson


def load(env, today: date, company=None):
    """Make `company` (default: the environment's) the demonstration company as of `today`, and return it.

    A second call does nothing. The system does it, whoever asks: it is the set-up of a whole company.
    """
    existing = env.ref(f"{MODULE}.company", raise_if_not_found=False)
    if existing:
        return existing
    company = company or env.company
    quiet = {"lang": LANGUAGE, "tracking_disable": True, "no_reset_password": True}
    system = env(user=SUPERUSER_ID, context={**quiet, "allowed_company_ids": company.ids})
    _Loader(system, system["res.company"].browse(company.id), today).run()
    env.invalidate_all()
    return company


class _Loader:
    """Builds the records in the order in which they need each other; each is found by its key afterwards."""

    def __init__(self, env, company, today: date):
        self.env, self.company, self.today = env, company, today
        self.chart = env["account.chart.template"].with_company(company)
        self.records: dict[str, object] = {}

    def run(self) -> None:
        self.env["res.lang"]._activate_and_install_lang(LANGUAGE)
        self._set_up_company()
        self._set_up_accounting()
        self._create_users()
        self._create_services()
        self._create_customers()
        self._create_contracts()
        self._remember()

    def _keep(self, kind: str, keys, records) -> None:
        self.records |= {f"{kind}_{key}": record for key, record in zip(keys, records, strict=True)}

    def _get(self, kind: str, key: str):
        return self.records[f"{kind}_{key}"]

    def _remember(self) -> None:
        """Give the records external identifiers, by which a second call and other programs find them."""
        self.env["ir.model.data"]._update_xmlids(
            [
                {"xml_id": f"{MODULE}.{name}", "record": record, "noupdate": True}
                for name, record in {"company": self.company, **self.records}.items()
            ]
        )

    # Company

    def _set_up_company(self) -> None:
        company, siren = self.company, identity.siren(0)
        siret = identity.siret(siren)
        company.partner_id.write(
            {
                "name": NAME,
                "street": "14 rue du Merle-Bleu",
                "zip": "69007",
                "city": "Lyon",
                "country_id": self.env.ref("base.fr").id,
                "lang": LANGUAGE,
                "phone": identity.phone(1000),
                "email": f"facturation@{DOMAIN}",
                "website": f"https://www.{DOMAIN}",
                "is_company": True,
                "legal_category": BUSINESS,
            }
        )
        if not company.chart_template:
            self.env["account.chart.template"]._load("fr", company, False)
        company.partner_id.write({"vat": identity.vat_number(siren), "company_registry": siret})
        company.write(
            {
                "ape": "81.21Z",
                "logo": logo(),
                "primary_color": GREEN,
                "secondary_color": GOLD,
                "font": "Roboto",
                "external_report_layout_id": self.env.ref("web.external_layout_standard").id,
                "report_footer": f"<p>{NAME}, SAS au capital de 150 000 € · RCS Lyon {siren} · SIRET {siret} · "
                f"APE 81.21Z · TVA {identity.vat_number(siren)}</p>",
                "service_posting_mode": POST,
                "service_grouping": "contract",
                "service_analytic_plan_id": self.env.ref("analytic.analytic_plan_projects").id,
            }
        )

    def _set_up_accounting(self) -> None:
        env, company = self.env, self.company
        taxes = [self._tax(vat) for vat in ("normale", "intermediaire", "reduite")]
        env["account.tax"].union(*taxes).active = True
        company.account_sale_tax_id = taxes[0]
        account = env["res.partner.bank"].create(
            {
                "acc_number": identity.iban(4200015),
                "partner_id": company.partner_id.id,
                "bank_id": env["res.bank"].create({"name": "Banque imaginaire du Rhône"}).id,
                "company_id": company.id,
                "allow_out_payment": True,
            }
        )
        journal = env["account.journal"].search([("company_id", "=", company.id), ("type", "=", "bank")], limit=1)
        journal.bank_account_id = account
        # Payments wait on this account for the bank's statement.
        outstanding = self.chart.ref("account_journal_payment_debit_account_id")
        journal.inbound_payment_method_line_ids.payment_account_id = outstanding
        terms = env["account.payment.term"].create(
            [
                {
                    "name": name,
                    "note": LATE_PAYMENT,
                    "company_id": company.id,
                    "display_on_invoice": False,
                    "line_ids": [
                        Command.create(
                            {"value": "percent", "value_amount": 100, "delay_type": delay, "nb_days": days}
                        )
                    ],
                }
                for name, delay, days in PAYMENT_TERMS.values()
            ]
        )
        self._keep("payment_term", PAYMENT_TERMS, terms)
        self._create_currency()

    def _create_currency(self) -> None:
        francs = self.env.ref("base.CHF")
        francs.active = True
        self.env["res.currency.rate"].create(
            {
                "name": month_start(self.today, 36),
                "currency_id": francs.id,
                "company_id": self.company.id,
                "rate": 0.9412,
            }
        )

    def _tax(self, vat: str):
        return self.chart.ref(f"tva_{vat}_encaissement")

    # People

    def _create_users(self) -> None:
        people = [person for person in PEOPLE if person.groups]
        users = self.env["res.users"].create(
            [
                {
                    "name": person.name,
                    "login": person.login,
                    "password": person.login,
                    "email": f"{person.login}@{DOMAIN}",
                    "phone": identity.phone(2000 + i),
                    "lang": LANGUAGE,
                    "tz": "Europe/Paris",
                    "notification_type": "inbox",
                    "company_id": self.company.id,
                    "company_ids": [Command.set(self.company.ids)],
                    "group_ids": [Command.set([self.env.ref(group).id for group in person.groups])],
                }
                for i, person in enumerate(people)
            ]
        )
        self._keep("user", [person.login for person in people], users)

    def _create_portal_user(self) -> None:
        """A contact of a customer with access to the portal."""
        customer = self._get("customer", CLIENT_OF)
        for person in PEOPLE:
            if not person.groups:
                contact = self.env["res.partner"].create(
                    {
                        "name": person.name,
                        "parent_id": customer.id,
                        "function": "Services généraux",
                        "email": f"{person.login}@{customer.email.partition('@')[2]}",
                        "phone": identity.phone(8100, mobile=True),
                        "lang": LANGUAGE,
                        "company_id": self.company.id,
                    }
                )
                user = self.env["res.users"].create(
                    {
                        "partner_id": contact.id,
                        "login": person.login,
                        "password": person.login,
                        "company_id": self.company.id,
                        "company_ids": [Command.set(self.company.ids)],
                        "group_ids": [Command.set(self.env.ref("base.group_portal").ids)],
                    }
                )
                self._keep("user", [person.login], user)

    # Services and contract types

    def _create_services(self) -> None:
        accounts = self.env["account.account"].create(
            [
                {
                    "code": f"706{activity.account}",
                    "name": f"Prestations – {activity.name}",
                    "account_type": "income",
                    "company_ids": [Command.set(self.company.ids)],
                }
                for activity in ACTIVITIES
            ]
        )
        categories = self.env["product.category"].create([{"name": activity.name} for activity in ACTIVITIES])
        for category, account in zip(categories, accounts, strict=True):
            category.property_account_income_categ_id = account
        self._keep("category", [activity.key for activity in ACTIVITIES], categories)
        services = self.env["product.product"].create([self._service_vals(service) for service in SERVICES])
        self._keep("service", [service.key for service in SERVICES], services)
        for service, product in zip(SERVICES, services, strict=True):
            if service.account:
                product.property_account_income_id = self._account(service.account)
        self._create_contract_types()

    def _service_vals(self, service) -> dict:
        unit = self.env.ref("uom.product_uom_hour" if service.unit == "hour" else "uom.product_uom_unit")
        return {
            "name": service.name,
            "description_sale": service.description,
            "type": "service",
            "categ_id": self._get("category", service.activity).id,
            "uom_id": unit.id,
            "list_price": service.price,
            "purchase_ok": False,
            "taxes_id": [Command.set(self._tax(service.vat).ids)],
            "supplier_taxes_id": [Command.clear()],
            "housing_works": service.housing_works,
            "company_id": self.company.id,
        }

    def _account(self, code: str):
        return self.env["account.account"].search(
            [("code", "=", code), ("company_ids", "in", self.company.ids)], limit=1
        )

    def _create_contract_types(self) -> None:
        types = self.env["multiservice.contract.template"].create(
            [
                {
                    "name": activity.name,
                    "company_id": self.company.id,
                    "payment_term_id": self._get("payment_term", "net30").id,
                    **activity.terms,
                    "line_ids": [
                        Command.create({"product_id": self._get("service", key).id}) for key in activity.services
                    ],
                }
                for activity in ACTIVITIES
            ]
        )
        self._keep("contract_type", [activity.key for activity in ACTIVITIES], types)

    # Customers and sites

    def _create_customers(self) -> None:
        Partner = self.env["res.partner"]
        customers = Partner.create([self._customer_vals(i, c) for i, c in enumerate(CUSTOMERS, start=1)])
        self._keep("customer", [customer.key for customer in CUSTOMERS], customers)
        sites = [(c, site, rank) for c in CUSTOMERS for rank, site in enumerate(c.sites, start=1)]
        records = Partner.create([self._site_vals(*site) for site in sites])
        self._keep("site", [site.code for _customer, site, _rank in sites], records)
        self._create_mandates()
        self._create_portal_user()
        self.env["res.partner.bank"].create(
            [
                {"acc_number": identity.iban(7300000 + i), "partner_id": customer.id, "company_id": self.company.id}
                for i, customer in enumerate(customers[:12])
            ]
        )
        pricelist = self.env["product.pricelist"].create(
            {
                "name": "Tarif copropriétés",
                "currency_id": self.company.currency_id.id,
                "company_id": self.company.id,
                "item_ids": [
                    Command.create(
                        {"applied_on": "3_global", "compute_price": "percentage", "percent_price": 4.0}
                    )
                ],
            }
        )
        self._keep("pricelist", ["co_ownerships"], pricelist)

    def _customer_vals(self, number: int, customer) -> dict:
        siren = identity.siren(number)
        vals = {
            "name": customer.name,
            "is_company": customer.category != CONSUMER,
            "legal_category": customer.category,
            "street": customer.street,
            "zip": customer.zip,
            "city": customer.city,
            "country_id": self.env.ref(f"base.{customer.country.lower()}").id,
            "email": customer.email or False,
            "phone": identity.phone(number * 101, mobile=customer.category == CONSUMER),
            "lang": LANGUAGE,
            "company_id": self.company.id,
            "property_payment_term_id": self._get("payment_term", customer.payment).id,
            "customer_rank": 1,
        }
        if customer.country == "FR" and customer.category != CONSUMER:
            vals["company_registry"] = identity.siret(siren)
            if customer.category == BUSINESS:
                vals["vat"] = identity.vat_number(siren)
        return vals

    def _site_vals(self, customer, site, rank: int) -> dict:
        owner = self._get("customer", customer.key)
        # The first site is the seat; of the others, every second one is an establishment of its own.
        own_siret = owner.company_registry and customer.category == BUSINESS and rank % 2 == 0
        return {
            "name": site.name,
            "site_code": site.code,
            "parent_id": owner.id,
            "is_service_site": True,
            "street": site.street,
            "zip": site.zip,
            "city": site.city,
            "country_id": self.env.ref("base.fr").id,
            "site_siret": own_siret and identity.siret(owner.company_registry[:9], rank),
            "site_access_info": site.access or False,
            "site_access_code": site.access_code or False,
            "lang": LANGUAGE,
            "company_id": self.company.id,
        }

    def _create_mandates(self) -> None:
        vals_list = []
        this_year = self.today.replace(month=1, day=1)
        for customer in CUSTOMERS:
            for rank, key in enumerate(customer.managers, start=1):
                last = rank == len(customer.managers)
                vals_list.append(
                    {
                        "partner_id": self._get("customer", customer.key).id,
                        "manager_id": self._manager(key).id,
                        "date_from": this_year if last and rank > 1 else False,
                        "date_to": False if last else this_year - timedelta(days=1),
                    }
                )
        self.env["multiservice.customer.manager"].create(vals_list)

    def _manager(self, key: str):
        return self.records.get(f"customer_{key}") or self.env["res.partner"].create(
            {"name": key, "is_company": True, "lang": LANGUAGE, "company_id": self.company.id}
        )

    # Contracts

    def _create_contracts(self) -> None:
        rows = contracts(self.today)
        records = self.env["multiservice.contract"].create([self._contract_vals(row) for row in rows])
        self._keep("contract", [row.key for row in rows], records)
        self._record_prior_invoices()
        for row, contract in zip(rows, records, strict=True):
            self._activate(contract)
            if row.replacement:
                line = contract.line_ids.filtered(lambda line: not line.display_type)[0]
                line._replace_from(row.replacement.day, row.replacement.vals)
            if row.end:
                contract._end_on(row.end)
        self._break(self._get("contract", BROKEN))

    def _contract_vals(self, row) -> dict:
        customer = self._get("customer", row.customer)
        contract_type = self._get("contract_type", row.activity)
        salesperson = DIRECTION if row.customer in BIG_CUSTOMERS else BILLING
        vals = {
            "company_id": self.company.id,
            "template_id": contract_type.id,
            "partner_id": customer.id,
            "title": row.title,
            "user_id": self._get("user", salesperson).id,
            "date_start": row.start,
            "posting_mode": False if row.mode == POST else row.mode,
            "grouping": contract_type.grouping,
            **contract_type._schedule_vals(),
            **row.vals,
            "line_ids": [
                Command.create({"sequence": 10 * rank, **self._line_vals(line)})
                for rank, line in enumerate(row.lines, start=1)
            ],
        }
        if any(customer.key == row.customer and customer.pricelist for customer in CUSTOMERS):
            vals["pricelist_id"] = self._get("pricelist", "co_ownerships").id
        if row.key == FOREIGN:
            # Work on a building is taxed where the building is, whoever the customer (CGI art. 259 A).
            vals["currency_id"] = self.env.ref("base.CHF").id
            vals["fiscal_position_id"] = self._domestic_position().id
        return vals

    def _domestic_position(self):
        return self.env["account.fiscal.position"].search(
            [("company_id", "=", self.company.id), ("country_id.code", "=", "FR"), ("auto_apply", "=", True)], limit=1
        )

    def _line_vals(self, line) -> dict:
        if line.heading:
            return {"name": line.heading, **line.vals}
        vals = {
            "product_id": self._get("service", line.service).id,
            "site_id": self._get("site", line.site).id,
            **line.vals,
        }
        return vals if line.price is None else {"price_unit": line.price, **vals}

    def _record_prior_invoices(self) -> None:
        contract = self._get("contract", TAKEN_OVER)
        for number, before in enumerate((4, 3, 2), start=1):
            start = month_start(self.today, before + 1)
            end = month_start(self.today, before) - timedelta(days=1)
            self.env["multiservice.prior.invoice"].create(
                {
                    "contract_id": contract.id,
                    "name": f"F-{end.year}-{1180 + 37 * number}",
                    "date": end,
                    "period_start": start,
                    "period_end": end,
                    "amount": 392.0,
                }
            )

    def _activate(self, contract) -> None:
        """Activate as a person would: where warnings ask for a confirmation, confirm."""
        action = contract.action_activate()
        if contract.state != "active":
            self.env[action["res_model"]].browse(action["res_id"]).action_confirm()

    def _break(self, contract) -> None:
        """Archive the account that the contract's service is booked on: it is an error to bill it from now on."""
        contract.line_ids._income_account().active = False
