"""Planning alone: the pure engine over lines of several kinds, without Odoo."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from datetime import date
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from engine.periods import IssueRule, Recurrence, calendar_anchor
from engine.plan import build_plan
from engine.pricing import Price
from engine.terms import LineTerms, Schedule

LINES, ROUNDS = 2000, 5
START, THROUGH = date(2025, 1, 15), date(2026, 12, 31)


def terms(line: int) -> LineTerms:
    """Monthly and quarterly, in advance and in arrears, whole and prorated, with and without a discount."""
    interval = (1, 1, 1, 3)[line % 4]
    recurrence = Recurrence("month", interval, calendar_anchor("month", interval, START))
    return LineTerms(
        line=line,
        start=START,
        end=date(2026, 10, 20) if line % 5 == 0 else None,
        chain_start=START,
        chain_end=date(2026, 10, 20) if line % 5 == 0 else None,
        schedule=Schedule(recurrence, IssueRule("arrears" if line % 3 == 0 else "advance", "day_before", day=25)),
        pricing="unit",
        price=Price(Decimal(1 + line % 3), Decimal("123.45") + line, Decimal(10 if line % 7 == 0 else 0)),
        currency_unit=Decimal("0.01"),
    )


def measure() -> dict[str, int]:
    lines = [(terms(line), (), START) for line in range(LINES)]
    periods = len(build_plan(lines, THROUGH))
    seconds = []
    for _round in range(ROUNDS):
        started = time.process_time()
        build_plan(lines, THROUGH)
        seconds.append(time.process_time() - started)
    return {"line_periods": periods, "line_periods_per_second": round(periods / statistics.median(seconds))}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--result", type=Path, required=True)
    parser.parse_args().result.write_text(json.dumps(measure()), encoding="utf-8")
