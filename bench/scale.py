"""How many contracts with years of history bear up: a run, what looks ahead or back, screens, portal pages.

Seconds are on the wall, as the user waits, and of CPU, of which Odoo allows a request 60 (`limit_time_cpu`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import book
import clock
import part
import screens
import worker


def measure(env: Any, options: Any) -> dict[str, Any]:
    contracts = book.find_contracts(env)
    user_env = env(user=_user(env))
    part.publish(env)
    requests = {name: _cost(user_env, name, request) for name, request in _requests_before(user_env).items()}
    run = book.open_run(contracts)
    figures = {"contracts": len(contracts), "run": _work_off(run, options)}
    requests |= {name: _cost(user_env, name, request) for name, request in _requests_after(user_env, run).items()}
    shown = screens.backend(user_env, run) | screens.statements(user_env)
    shown |= screens.portal(env, contracts[0].partner_id, options)
    seen = {name: _cost(user_env, name, screen, times=2) for name, screen in shown.items()}
    return {
        **figures,
        "requests": requests,
        "screens": seen,
        "slowest_request_cpu_s": max(cost["cpu_s"] for cost in requests.values()),
        "slowest_screen_s": max(cost["wall_s"] for cost in seen.values()),
    }


def _user(env: Any) -> Any:
    """Somebody who answers for the billing; the superuser would see without record rules."""
    groups = [env.ref("multiservice.group_manager").id, env.ref("account.group_account_invoice").id]
    return env["res.users"].create(
        {"name": "Benchmark", "login": "user@benchmark.invalid", "group_ids": [(6, 0, groups)]}
    )


def _work_off(run: Any, options: Any) -> dict[str, float]:
    """What the month's run takes a worker process, drafts committed."""
    env = run.env
    part.publish(env)
    took = worker.race(options, "bill", 1)
    env.cr.rollback()  # see what the worker wrote
    assert run.move_count == run.done_count == run.item_count, "not every contract was billed"
    [process] = took["workers"]
    figures = {
        "drafts": run.move_count,
        "wall_s": round(took["wall"]),
        "cpu_s": round(process["cpu"]),
        "per_second": round(run.move_count / took["wall"], 1),
        "at_rest_mb": process["at_rest_mb"],
        "peak_mb": process["peak_mb"],
    }
    print(f"  run: {figures}", flush=True)
    return figures


def _requests_before(env: Any) -> dict[str, Callable[[], object]]:
    """What a user asks for while the month is still to bill."""
    Statement = env["multiservice.revenue.statement"]
    return {
        "dry_run": lambda: env["multiservice.billing.preview"].create({}).action_preview(),
        **{
            content: lambda content=content: Statement.create({"content": content}).action_compute()
            for content in screens.STATEMENTS
        },
    }


def _requests_after(env: Any, run: Any) -> dict[str, Callable[[], object]]:
    """What a user asks for when the drafts are there."""
    return {
        "review": env["account.move"].action_service_review,
        "post_all": run.with_env(env).move_ids.action_service_post,
    }


def _cost(env: Any, name: str, work: Callable[[], object], times: int = 1) -> dict[str, float]:
    """What `work` costs the last of `times` times, and nothing of it is kept; earlier ones fill caches that last."""
    for _time in range(times):
        with env.cr.savepoint() as savepoint:
            cost = clock.cost(env, work)
            savepoint.rollback()
    figures = {"wall_s": round(cost.wall, 2), "cpu_s": round(cost.cpu, 2), "queries": cost.queries}
    print(f"  {name}: {figures}", flush=True)
    return figures


if __name__ == "__main__":
    part.run(measure)
