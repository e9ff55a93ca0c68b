"""Services, where they are booked, and the types of contract that propose them."""

from odoo.fields import Command

from ._book import Book
from ._services import ACTIVITIES, SERVICES


def make_services(book: Book) -> None:
    accounts = book.env["account.account"].create(
        [
            {
                "code": f"706{activity.account}",
                "name": f"Prestations – {activity.name}",
                "account_type": "income",
                "company_ids": [Command.set(book.company.ids)],
            }
            for activity in ACTIVITIES
        ]
    )
    categories = book.env["product.category"].create([{"name": activity.name} for activity in ACTIVITIES])
    for category, account in zip(categories, accounts, strict=True):
        category.property_account_income_categ_id = account
    book.keep("category", [activity.key for activity in ACTIVITIES], categories)
    services = book.env["product.product"].create([_service_vals(book, service) for service in SERVICES])
    book.keep("service", [service.key for service in SERVICES], services)
    for service, product in zip(SERVICES, services, strict=True):
        if service.account:
            product.property_account_income_id = _account(book, service.account)
    _create_contract_types(book)


def _service_vals(book: Book, service) -> dict:
    unit = book.env.ref("uom.product_uom_hour" if service.unit == "hour" else "uom.product_uom_unit")
    return {
        "name": service.name,
        "description_sale": service.description,
        "type": "service",
        "categ_id": book.get("category", service.activity).id,
        "uom_id": unit.id,
        "list_price": service.price,
        "purchase_ok": False,
        "taxes_id": [Command.set(book.tax(service.vat).ids)],
        "supplier_taxes_id": [Command.clear()],
        "housing_works": service.housing_works,
        "company_id": book.company.id,
    }


def _account(book: Book, code: str):
    return book.env["account.account"].search([("code", "=", code), ("company_ids", "in", book.company.ids)], limit=1)


def _create_contract_types(book: Book) -> None:
    types = book.env["multiservice.contract.template"].create(
        [
            {
                "name": activity.name,
                "company_id": book.company.id,
                "payment_term_id": book.get("payment_term", "net30").id,
                **activity.terms,
                "line_ids": [Command.create({"product_id": book.get("service", key).id}) for key in activity.services],
            }
            for activity in ACTIVITIES
        ]
    )
    book.keep("contract_type", [activity.key for activity in ACTIVITIES], types)
