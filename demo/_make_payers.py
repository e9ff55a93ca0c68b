"""Home services: who else pays, the tax credit that is advanced, who does the work."""

from ._book import Book
from ._contracts import ADVANCED, AIDED
from ._identity import siren, siret

PAYER = 90  # its rank among the numbers of the demonstration
HOME = ("menage", "assistance", "repas", "dossier")


def make_payers(book: Book) -> None:
    """A department pays the hours of a plan of aid, less the customer's participation; another customer has its tax
    credit advanced.
    """
    for key in HOME:
        book.get("service", key).regulated_activity = "home_services"
    aided, advanced = book.get("contract", AIDED), book.get("contract", ADVANCED)
    for rank, line in enumerate((aided | advanced).line_ids.filtered("product_id"), start=1):
        line.worker_reference = f"INT-{rank:03d}"
    book.env["multiservice.share"].create(
        {
            "contract_id": aided.id,
            "partner_id": _department(book).id,
            "line_id": aided.line_ids.filtered("product_id")[0].id,
            "takes": "beyond",
            "participation": 4.5,
            "cap_quantity": 30,
            "date_start": aided.date_start,
            "file_number": "APA-004217",
            "order_reference": "APA-2026-118",
            "buyer_reference": "SVC-AUTONOMIE",
        }
    )
    advanced.partner_id.write({"advance_activated_on": advanced.date_start, "advance_identifier": "DEMO-0001"})
    advanced.immediate_advance = True


def _department(book: Book):
    number = siren(PAYER)
    payer = book.env["res.partner"].create(
        {
            "name": "Département des Trois-Vallons",
            "is_company": True,
            "legal_category": "public_body",
            "company_registry": siret(number),
            "street": "1 place de l'Hôtel-du-Département",
            "zip": "69003",
            "city": "Lyon",
            "country_id": book.env.ref("base.fr").id,
            "email": "autonomie@trois-vallons.invalid",
            "property_payment_term_id": book.get("payment_term", "net30").id,
            "lang": "fr_FR",
        }
    )
    book.keep("payer", ["DEP"], payer)
    return payer
