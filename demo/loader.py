"""The demonstration company: a French group that sells several services on its customers' sites.

`load` builds it relative to one day, `bill` bills it as its billing user would. For databases made to be looked
at only: both write whatever they need.
"""

from datetime import date

from odoo import SUPERUSER_ID

from ._billing import bill
from ._book import LANGUAGE, MODULE, Book
from ._make_company import make_company
from ._make_contracts import make_contracts
from ._make_customers import make_customers
from ._make_payers import make_payers
from ._make_services import make_services
from ._make_terms import make_terms
from ._make_usage import make_usage

__all__ = ["bill", "load"]


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
    system["res.lang"]._activate_and_install_lang(LANGUAGE)
    book = Book(system, system["res.company"].browse(company.id), today)
    make_company(book)
    make_services(book)
    make_customers(book)
    make_contracts(book)
    make_terms(book)
    make_payers(book)
    make_usage(book)
    book.publish()
    env.invalidate_all()
    return company
