"""Fill a new database with the book of contracts that most parts bill."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import book
import part


def measure(env: Any, options: Any) -> dict[str, Any]:
    started = time.monotonic()
    contracts = book.contracts(env, options.contracts, months=1)
    book.bill_and_post(contracts, book.first_of_month() - timedelta(days=1))
    if "contract.contract" in env:
        book.oca_contracts(contracts)
    part.analyze(env)
    return {"contracts": len(contracts), "seconds": round(time.monotonic() - started, 1)}


if __name__ == "__main__":
    part.run(measure)
