"""Quantities measured each month: by tiers with a minimum, and hours taken from a bank that is nearly used up.
Penalties, one deducted and one to approve.
"""

from datetime import timedelta

from odoo.fields import Command

from ._book import Book
from ._contracts import BANKED, MEASURED, month_start

READINGS = ((2, 140.0), (1, 365.5), (0, 90.0))  # (months before today's, quantity)
HOURS = ((2, 6.5), (1, 10.0))


def make_usage(book: Book) -> None:
    contract = book.get("contract", MEASURED)
    containers = _line(
        book,
        contract,
        "consommables",
        "QUE-01",
        name="Évacuation des déchets, au kilogramme",
        pricing="graduated",
        meter="QUE-BALANCE-1",
        minimum_amount=60.0,
        tier_ids=[
            Command.create({"sequence": 10, "up_to": 200, "unit_price": 0.31}),
            Command.create({"sequence": 20, "unit_price": 0.24, "flat_fee": 12.0}),
        ],
    )
    _measure(book, containers, READINGS)
    maintained = book.get("contract", BANKED)
    bank = book.env["multiservice.hours.bank"].create(
        {
            "name": "Crédit d'heures de dépannage",
            "contract_id": maintained.id,
            "product_id": book.get("service", "cvc").id,
            "price_unit": 62.0,
            "rollover": "limited",
            "rollover_limit": 5.0,
        }
    )
    bank._credit("granted", 20.0, maintained.date_start, None, note="Compris dans le contrat de la première année")
    hours = _line(book, maintained, "cvc", "PON-01", name="Dépannage, à l'heure", price_unit=68.0, bank_id=bank.id)
    _measure(book, hours, HOURS)
    _penalize(book, contract.line_ids[:1])


def _penalize(book: Book, line) -> None:
    last_month = month_start(book.today, 1)
    missed, _late = book.env["multiservice.penalty"].create(
        [
            {
                "line_id": line.id,
                "date": last_month + timedelta(days=11),
                "rule": "missed_visit",
                "amount": 40.0,
                "evidence": "Aucun passage ce jour-là au registre du site.",
            },
            {
                "line_id": line.id,
                "date": last_month + timedelta(days=18),
                "rule": "late",
                "basis": "rate",
                "rate": 2.0,
                "evidence": "Arrivée à 9 h 40 au lieu de 6 h, constatée par le gardien.",
            },
        ]
    )
    missed.action_approve()


def _line(book: Book, contract, service: str, site: str, **vals):
    return book.env["multiservice.contract.line"].create(
        {
            "contract_id": contract.id,
            "sequence": 900,
            "product_id": book.get("service", service).id,
            "site_id": book.get("site", site).id,
            "measured": True,
            "price_unit": 0.0,
            **vals,
        }
    )


def _measure(book: Book, line, readings) -> None:
    """On the 2nd of each month, or today where that is still to come."""
    days = [(min(month_start(book.today, before) + timedelta(days=1), book.today), q) for before, q in readings]
    book.env["multiservice.usage"].create(
        [{"line_id": line.id, "date": day, "quantity": quantity} for day, quantity in days]
    )
