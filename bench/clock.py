"""What a piece of work costs, and how such figures are summed up."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Cost(NamedTuple):
    """Seconds of the process's own CPU, seconds on the wall, and SQL queries."""

    cpu: float
    wall: float
    queries: int


def cost(env: Any, work: Callable[[], object]) -> Cost:
    """The cost of `work` in `env`, from an empty cache to the last statement sent."""
    env.flush_all()
    env.invalidate_all()
    gc.collect()
    queries, cpu, wall = env.cr.sql_log_count, time.process_time(), time.perf_counter()
    work()
    env.flush_all()
    return Cost(time.process_time() - cpu, time.perf_counter() - wall, env.cr.sql_log_count - queries)


def medians(costs: Sequence[Cost], count: int) -> dict[str, float]:
    """Medians per piece of work, of which each cost is for `count`; the rate is per CPU second."""
    cpu = statistics.median(c.cpu for c in costs)
    return {
        "per_cpu_second": round(count / cpu, 1),
        "cpu_ms": round(1000 * cpu / count, 2),
        "wall_ms": round(1000 * statistics.median(c.wall for c in costs) / count, 2),
        "queries": round(statistics.median(c.queries for c in costs) / count, 1),
    }


def ratio(slow: Sequence[Cost], fast: Sequence[Cost]) -> float:
    """How many times faster in CPU time: the median of the rounds, whose two sides ran next to each other."""
    return round(statistics.median(s.cpu / f.cpu for s, f in zip(slow, fast, strict=True)), 2)
