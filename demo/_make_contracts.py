"""Contracts, active, and what happened to some of them since they began."""

from datetime import timedelta

from odoo.fields import Command

from ._book import Book
from ._contracts import BROKEN, FOREIGN, POST, TAKEN_OVER, contracts, month_start
from ._customers import CUSTOMERS
from ._users import BILLING, DIRECTION

BIG_CUSTOMERS = {"BRI", "TES", "COM"}  # the manager is their salesperson
OWN_PRICES = {customer.key for customer in CUSTOMERS if customer.pricelist}


def make_contracts(book: Book) -> None:
    rows = contracts(book.today)
    records = book.env["multiservice.contract"].create([_contract_vals(book, row) for row in rows])
    book.keep("contract", [row.key for row in rows], records)
    _record_prior_invoices(book)
    for row, contract in zip(rows, records, strict=True):
        _activate(book, contract)
        if row.replacement:
            line = contract.line_ids.filtered(lambda line: not line.display_type)[0]
            line._replace_from(row.replacement.day, row.replacement.vals)
        if row.end:
            contract._end_on(row.end)
    _break(book, book.get("contract", BROKEN))


def _contract_vals(book: Book, row) -> dict:
    customer = book.get("customer", row.customer)
    contract_type = book.get("contract_type", row.activity)
    salesperson = DIRECTION if row.customer in BIG_CUSTOMERS else BILLING
    vals = {
        "company_id": book.company.id,
        "template_id": contract_type.id,
        "partner_id": customer.id,
        "title": row.title,
        "user_id": book.get("user", salesperson).id,
        "date_start": row.start,
        "posting_mode": False if row.mode == POST else row.mode,
        "grouping": contract_type.grouping,
        **contract_type._schedule_vals(),
        **row.vals,
        "line_ids": [
            Command.create({"sequence": 10 * rank, **_line_vals(book, line)})
            for rank, line in enumerate(row.lines, start=1)
        ],
    }
    if row.customer in OWN_PRICES:
        vals["pricelist_id"] = book.get("pricelist", "co_ownerships").id
    if row.key == FOREIGN:
        # Work on a building is taxed where the building is, whoever the customer (CGI art. 259 A).
        vals["currency_id"] = book.env.ref("base.CHF").id
        vals["fiscal_position_id"] = _domestic_position(book).id
    return vals


def _domestic_position(book: Book):
    return book.env["account.fiscal.position"].search(
        [("company_id", "=", book.company.id), ("country_id.code", "=", "FR"), ("auto_apply", "=", True)], limit=1
    )


def _line_vals(book: Book, line) -> dict:
    if line.heading:
        return {"name": line.heading, **line.vals}
    vals = {
        "product_id": book.get("service", line.service).id,
        "site_id": book.get("site", line.site).id,
        **line.vals,
    }
    return vals if line.price is None else {"price_unit": line.price, **vals}


def _record_prior_invoices(book: Book) -> None:
    contract = book.get("contract", TAKEN_OVER)
    for number, before in enumerate((4, 3, 2), start=1):
        start = month_start(book.today, before + 1)
        end = month_start(book.today, before) - timedelta(days=1)
        book.env["multiservice.prior.invoice"].create(
            {
                "contract_id": contract.id,
                "name": f"F-{end.year}-{1180 + 37 * number}",
                "date": end,
                "period_start": start,
                "period_end": end,
                "amount": 392.0,
            }
        )


def _activate(book: Book, contract) -> None:
    """Activate as a person would: where warnings ask for a confirmation, confirm."""
    action = contract.action_activate()
    if contract.state != "active":
        book.env[action["res_model"]].browse(action["res_id"]).action_confirm()


def _break(book: Book, contract) -> None:
    """Archive the account that the contract's service is booked on: it is an error to bill it from now on."""
    contract.line_ids._income_account().active = False
