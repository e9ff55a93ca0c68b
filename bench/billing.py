"""Billing against core's plain `create` and against OCA's `contract`, of the same invoices, in one database.

Every round takes the next contracts and has each contender bill them, one after the other, each in a transaction that
is rolled back: what else runs on the machine slows them alike, and the ratios stay true.
"""

from __future__ import annotations

from collections import defaultdict
from copy import deepcopy
from typing import Any
from unittest.mock import patch

import book
import clock
import part

BATCH = 100  # invoices in one `create` of the integrator
WARM_UP = 20


def measure(env: Any, options: Any) -> dict[str, Any]:
    contracts = book.find_contracts(env)
    oca = env["contract.contract"].search([], order="id") if "contract.contract" in env else []
    size = len(contracts) // options.rounds
    costs: dict[str, list[clock.Cost]] = defaultdict(list)
    _round(env, contracts[:WARM_UP], oca[:WARM_UP], defaultdict(list))
    for start in range(0, size * options.rounds, size):
        _round(env, contracts[start : start + size], oca[start : start + size], costs)
        print(f"  {start + size} contracts", flush=True)
    figures = {name: clock.medians(of_name, size) for name, of_name in costs.items()}
    ratios = {
        "drafts_vs_core": clock.ratio(costs["core_drafts"], costs["drafts"]),
        "posted_vs_core": clock.ratio(costs["core_posted"], costs["posted"]),
    }
    if costs["oca_drafts"]:
        ratios["drafts_vs_oca"] = clock.ratio(costs["oca_drafts"], costs["drafts"])
    return {"invoices_a_round": size, "rounds": options.rounds, **figures, "ratios": ratios}


def _round(env: Any, contracts: Any, oca: Any, costs: dict[str, list[clock.Cost]]) -> None:
    """One round of all contenders on the same contracts; all must come to the same total."""
    values = book.plain_values(contracts)
    contenders = {
        "drafts": lambda: _ours(contracts, "draft"),
        "core_drafts": lambda: _core(env, values),
        "posted": lambda: _ours(contracts, "post"),
        "core_posted": lambda: _core(env, values, post=True),
    }
    if oca:
        contenders["oca_drafts"] = lambda: oca._recurring_create_invoice(book.first_of_month())
    totals = {}
    for name, contender in contenders.items():
        before = max(env["account.move"].search([], order="id desc", limit=1).ids, default=0)
        costs[name].append(clock.cost(env, contender))
        moves = env["account.move"].search([("id", ">", before), ("move_type", "=", "out_invoice")])
        assert len(moves) == len(contracts), f"{name}: {len(moves)} invoices for {len(contracts)} contracts"
        totals[name] = round(sum(moves.mapped("amount_total")), 2)
        env.cr.rollback()
    assert len(set(totals.values())) == 1, f"not the same invoices: {totals}"


def _ours(contracts: Any, posting_mode: str) -> None:
    """A whole billing run as its worker does it; where the worker commits, what it wrote is sent and forgotten."""
    env = contracts.env

    def instead_of_commit(cron: Any, *_args: Any, **_options: Any) -> float:
        cron.env.cr.flush()
        cron.env.cr.clear()
        return float("inf")

    env.company.service_posting_mode = posting_mode
    with patch.object(type(env["ir.cron"]), "_commit_progress", instead_of_commit):
        book.work_off(book.open_run(contracts))


def _core(env: Any, values: list[dict[str, Any]], post: bool = False) -> None:
    for start in range(0, len(values), BATCH):
        moves = env["account.move"].create(deepcopy(values[start : start + BATCH]))
        if post:
            moves.action_post()


if __name__ == "__main__":
    part.run(measure)
