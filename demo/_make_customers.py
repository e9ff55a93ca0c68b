"""Customers with their sites, who manages them, and a contact with access to the portal."""

from datetime import timedelta

from odoo.fields import Command

from . import _identity as identity
from ._book import LANGUAGE, Book
from ._customers import BUSINESS, CONSUMER, CUSTOMERS
from ._users import CLIENT_OF, PEOPLE


def make_customers(book: Book) -> None:
    Partner = book.env["res.partner"]
    customers = Partner.create([_customer_vals(book, i, c) for i, c in enumerate(CUSTOMERS, start=1)])
    book.keep("customer", [customer.key for customer in CUSTOMERS], customers)
    sites = [(c, site, rank) for c in CUSTOMERS for rank, site in enumerate(c.sites, start=1)]
    records = Partner.create([_site_vals(book, *site) for site in sites])
    book.keep("site", [site.code for _customer, site, _rank in sites], records)
    _create_mandates(book)
    _create_portal_user(book)
    book.env["res.partner.bank"].create(
        [
            {"acc_number": identity.iban(7300000 + i), "partner_id": customer.id, "company_id": book.company.id}
            for i, customer in enumerate(customers[:12])
        ]
    )
    pricelist = book.env["product.pricelist"].create(
        {
            "name": "Tarif copropriétés",
            "currency_id": book.company.currency_id.id,
            "company_id": book.company.id,
            "item_ids": [
                Command.create({"applied_on": "3_global", "compute_price": "percentage", "percent_price": 4.0})
            ],
        }
    )
    book.keep("pricelist", ["co_ownerships"], pricelist)


def _customer_vals(book: Book, number: int, customer) -> dict:
    siren = identity.siren(number)
    vals = {
        "name": customer.name,
        "is_company": customer.category != CONSUMER,
        "legal_category": customer.category,
        "street": customer.street,
        "zip": customer.zip,
        "city": customer.city,
        "country_id": book.env.ref(f"base.{customer.country.lower()}").id,
        "email": customer.email or False,
        "phone": identity.phone(number * 101, mobile=customer.category == CONSUMER),
        "lang": LANGUAGE,
        "company_id": book.company.id,
        "property_payment_term_id": book.get("payment_term", customer.payment).id,
        "customer_rank": 1,
        "order_reference_required": customer.order_required,
    }
    if customer.country == "FR" and customer.category != CONSUMER:
        vals["company_registry"] = identity.siret(siren)
        if customer.category == BUSINESS:
            vals["vat"] = identity.vat_number(siren)
    return vals


def _site_vals(book: Book, customer, site, rank: int) -> dict:
    owner = book.get("customer", customer.key)
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
        "country_id": book.env.ref("base.fr").id,
        "site_siret": own_siret and identity.siret(owner.company_registry[:9], rank),
        "site_access_info": site.access or False,
        "site_access_code": site.access_code or False,
        "lang": LANGUAGE,
        "company_id": book.company.id,
    }


def _create_mandates(book: Book) -> None:
    vals_list = []
    this_year = book.today.replace(month=1, day=1)
    for customer in CUSTOMERS:
        for rank, key in enumerate(customer.managers, start=1):
            last = rank == len(customer.managers)
            vals_list.append(
                {
                    "partner_id": book.get("customer", customer.key).id,
                    "manager_id": _manager(book, key).id,
                    "date_from": this_year if last and rank > 1 else False,
                    "date_to": False if last else this_year - timedelta(days=1),
                }
            )
    book.env["multiservice.customer.manager"].create(vals_list)


def _manager(book: Book, key: str):
    return book.records.get(f"customer_{key}") or book.env["res.partner"].create(
        {"name": key, "is_company": True, "lang": LANGUAGE, "company_id": book.company.id}
    )


def _create_portal_user(book: Book) -> None:
    """A contact of a customer with access to the portal."""
    customer = book.get("customer", CLIENT_OF)
    person = next(person for person in PEOPLE if not person.groups)
    contact = book.env["res.partner"].create(
        {
            "name": person.name,
            "parent_id": customer.id,
            "function": "Services généraux",
            "email": f"{person.login}@{customer.email.partition('@')[2]}",
            "phone": identity.phone(8100, mobile=True),
            "lang": LANGUAGE,
            "company_id": book.company.id,
        }
    )
    user = book.env["res.users"].create(
        {
            "partner_id": contact.id,
            "login": person.login,
            "password": person.login,
            "company_id": book.company.id,
            "company_ids": [Command.set(book.company.ids)],
            "group_ids": [Command.set(book.env.ref("base.group_portal").ids)],
        }
    )
    book.keep("user", [person.login], user)
