"""Two real worker processes against one: drafts made and posted, everything committed.

Beside it, what two processes that share nothing come to on the same machine at the same time: where that is far below
2, no two workers can be near it.
"""

from __future__ import annotations

import statistics
from typing import Any

import book
import part
import worker

TURNS = (1, 2, 2, 1)  # processes; the contracts are dealt out among these turns


def measure(env: Any, options: Any) -> dict[str, Any]:
    contracts = book.find_contracts(env)
    contracts.posting_mode = "post"
    size = len(contracts) // len(TURNS)
    rates: dict[int, list[float]] = {1: [], 2: []}
    ceilings = []
    for turn, processes in enumerate(TURNS):
        workers = env["multiservice.billing.run"]._workers()
        workers.active = False
        workers[:processes].active = True  # so that they share out what is left; nothing here runs them
        run = book.open_run(contracts[turn * size : (turn + 1) * size])
        part.publish(env)
        alone, together = (worker.race(options, "count", count)["wall"] for count in (1, 2))
        ceilings.append(2 * alone / together)
        wall = worker.race(options, "bill", processes)["wall"]
        env.cr.rollback()  # see what the workers wrote
        moves = run.move_ids
        assert len(moves) == size and set(moves.mapped("state")) == {"posted"}, "not everything was billed and posted"
        rates[processes].append(size / wall)
        print(f"  {processes} processes: {size / wall:.1f} invoices a second", flush=True)
    one, two = (statistics.median(rates[processes]) for processes in (1, 2))
    return {
        "invoices_a_turn": size,
        "one_per_second": round(one, 1),
        "two_per_second": round(two, 1),
        "ratio": round(two / one, 2),
        "two_plain_processes": round(statistics.median(ceilings), 2),
    }


if __name__ == "__main__":
    part.run(measure)
