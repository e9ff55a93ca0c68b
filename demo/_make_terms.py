"""Terms that come to their end, and a clause by which prices are to be revised today."""

from odoo.fields import Command

from ._book import Book
from ._contracts import REFUSED, REVISED, TO_INFORM, month_start

STARTED, LEFT = 2, 4  # months since the contracts with a term began, and until it ends
REVISED_STARTED = 8  # months since the contract whose prices are revised began


def make_terms(book: Book) -> None:
    """The letter on the renewal of one contract is due today; another is refused, see `bill`."""
    for key in (TO_INFORM, REFUSED):
        book.get("contract", key).write({"term_months": STARTED + LEFT, "renewal": "tacit", "notice_months": 1})
    index = book.env["multiservice.price.index"].create(
        {
            "name": "Indice de démonstration (valeurs inventées)",
            "code": "DEMO",
            "source": "Valeurs inventées",
            "value_ids": [
                Command.create({"month": month_start(book.today, before), "value": value})
                for before, value in ((REVISED_STARTED, 118.4), (1, 121.3))
            ],
        }
    )
    clause = book.env["multiservice.price.clause"].create(
        {
            "name": "Révision annuelle (démonstration)",
            "company_id": book.company.id,
            "fixed": 0.15,
            "term_ids": [Command.create({"index_id": index.id, "weight": 0.85})],
            "frequency": "month",
            "month": str(book.today.month),
        }
    )
    book.get("contract", REVISED).price_clause_id = clause
