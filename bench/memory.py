"""A run of ten times the contracts: the memory of its worker process, and the time that each contract takes."""

from __future__ import annotations

from typing import Any

import book
import part
import worker


def measure(env: Any, options: Any) -> dict[str, Any]:
    contracts = book.find_contracts(env)
    contracts.posting_mode = "post"
    few, many = (
        _bill(env, options, of_run) for of_run in (contracts[: options.contracts], contracts[options.contracts :])
    )
    ratios = {f"{name}_ratio": round(many[name] / few[name], 2) for name in ("peak_mb", "cpu_ms", "wall_ms")}
    return {"few": few, "many": many, **ratios}


def _bill(env: Any, options: Any, contracts: Any) -> dict[str, float]:
    """What a run over `contracts` takes a new worker process, invoices posted and committed; times per contract."""
    run = book.open_run(contracts)
    part.publish(env)
    took = worker.race(options, "bill", 1)
    env.cr.rollback()  # see what the worker wrote
    assert run.move_count == run.done_count == len(contracts), "not every contract was billed"
    [process] = took["workers"]
    figures = {
        "contracts": len(contracts),
        "at_rest_mb": process["at_rest_mb"],
        "peak_mb": process["peak_mb"],
        "cpu_ms": round(1000 * process["cpu"] / len(contracts), 1),
        "wall_ms": round(1000 * took["wall"] / len(contracts), 1),
    }
    print(f"  {figures}", flush=True)
    return figures


if __name__ == "__main__":
    part.run(measure)
