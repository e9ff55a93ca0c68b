"""Fill a new database with many contracts that were billed for months: a few for real, month by month, then copied."""

from __future__ import annotations

import time
from typing import Any

import book
import part
from copies import multiply
from freezegun import freeze_time

ORIGINALS = 20
COUNTED = ("multiservice.contract", "multiservice.contract.line", "multiservice.billable", "account.move")


def measure(env: Any, options: Any) -> dict[str, Any]:
    started = time.monotonic()
    originals = min(ORIGINALS, options.contracts)
    contracts = book.contracts(env, originals, options.months)
    for months_ago in range(options.months, 0, -1):
        with freeze_time(book.first_of_month(months_ago)):  # read before time stands still
            book.bill_and_post(contracts)
    print(f"  {originals} contracts billed for {options.months} months", flush=True)
    multiply(contracts.partner_id, options.contracts // originals - 1)
    part.publish(env)
    part.analyze(env)
    counts = {name: env[name].search_count([]) for name in COUNTED}
    return {**counts, "seconds": round(time.monotonic() - started)}


if __name__ == "__main__":
    part.run(measure)
