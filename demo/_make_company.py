"""The company itself: identity, accounting, users."""

from odoo.fields import Command

from . import _identity as identity
from ._book import LANGUAGE, Book
from ._brand import GOLD, GREEN, logo
from ._contracts import POST, month_start
from ._customers import BUSINESS
from ._users import DIRECTION, PEOPLE

NAME = "Groupe Montfaucelle Services"
DOMAIN = "montfaucelle.invalid"
PAYMENT_TERMS = {
    "receipt": ("À réception de facture", "days_after", 0),
    "net30": ("30 jours date de facture", "days_after", 30),
    "eom45": ("45 jours fin de mois", "days_after_end_of_month", 45),
}


def make_company(book: Book) -> None:
    _set_up_company(book)
    _set_up_accounting(book)
    _create_users(book)


def _set_up_company(book: Book) -> None:
    company, siren = book.company, identity.siren(0)
    siret = identity.siret(siren)
    company.partner_id.write(
        {
            "name": NAME,
            "street": "14 rue du Merle-Bleu",
            "zip": "69007",
            "city": "Lyon",
            "country_id": book.env.ref("base.fr").id,
            "lang": LANGUAGE,
            "phone": identity.phone(1000),
            "email": f"facturation@{DOMAIN}",
            "website": f"https://www.{DOMAIN}",
            "is_company": True,
            "legal_category": BUSINESS,
        }
    )
    if not company.chart_template:
        book.env["account.chart.template"]._load("fr", company, False)
    company.partner_id.write({"vat": identity.vat_number(siren), "company_registry": siret})
    company.write(
        {
            "ape": "81.21Z",
            "logo": logo(),
            "primary_color": GREEN,
            "secondary_color": GOLD,
            "font": "Roboto",
            "external_report_layout_id": book.env.ref("web.external_layout_standard").id,
            "report_footer": _footer(siren, siret),
            "service_posting_mode": POST,
            "service_grouping": "contract",
            "service_legal_form": "SAS",
            "service_share_capital": 150000,
            "service_rcs_city": "Lyon",
            "service_late_penalty": "legal",
            "service_home_declaration": "SAP500000000",
            "service_home_declaration_date": "2019-03-01",
            "service_analytic_plan_id": book.env.ref("analytic.analytic_plan_projects").id,
        }
    )


def _footer(siren: str, siret: str) -> str:
    """What the law wants on a French company's papers."""
    spaced = f"{siren[:3]} {siren[3:6]} {siren[6:]}"
    return (
        f"<p>{NAME}, SAS au capital de 150 000 € · RCS Lyon {spaced} · APE 81.21Z<br>"
        f"SIRET {spaced} {siret[9:]} · TVA {identity.vat_number(siren)} · facturation@{DOMAIN}</p>"
    )


def _set_up_accounting(book: Book) -> None:
    env, company = book.env, book.company
    taxes = [book.tax(vat) for vat in ("normale", "intermediaire", "reduite")]
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
    outstanding = book.chart.ref("account_journal_payment_debit_account_id")
    journal.inbound_payment_method_line_ids.payment_account_id = outstanding
    terms = env["account.payment.term"].create(
        [
            {
                "name": name,
                "company_id": company.id,
                "display_on_invoice": False,
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 100, "delay_type": delay, "nb_days": days})
                ],
            }
            for name, delay, days in PAYMENT_TERMS.values()
        ]
    )
    book.keep("payment_term", PAYMENT_TERMS, terms)
    _create_currency(book)


def _create_currency(book: Book) -> None:
    francs = book.env.ref("base.CHF")
    francs.active = True
    book.env["res.currency.rate"].create(
        {
            "name": month_start(book.today, 36),
            "currency_id": francs.id,
            "company_id": book.company.id,
            "rate": 0.9412,
        }
    )


def _create_users(book: Book) -> None:
    people = [person for person in PEOPLE if person.groups]
    users = book.env["res.users"].create(
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
                "company_id": book.company.id,
                "company_ids": [Command.set(book.company.ids)],
                "group_ids": [Command.set([book.env.ref(group).id for group in person.groups])],
            }
            for i, person in enumerate(people)
        ]
    )
    book.keep("user", [person.login for person in people], users)
    book.company.service_summary_user_ids = book.get("user", DIRECTION)
