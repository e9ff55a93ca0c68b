"""Planning alone: the pure engine over lines of several kinds, without Odoo."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from engine.periods import ONE_DAY, IssueRule, Period, Recurrence, calendar_anchor
from engine.plan import build_plan, window_start
from engine.pricing import Price
from engine.terms import Held, LineTerms, Schedule

LINES, ROUNDS = 2000, 5
START, THROUGH = date(2025, 1, 15), date(2026, 12, 31)
# A change last month, after ten years or after a month: what was billed of the window is the same.
LONG_AGO, LAST_MONTH, CHANGED, TODAY = date(2016, 11, 1), date(2026, 11, 1), date(2026, 11, 16), date(2026, 12, 31)


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


def changed(line: int, start: date) -> list[tuple[LineTerms, tuple[Held, ...], date]]:
    """A line that runs since `start`, ended in a month that is billed already, and the dearer one that succeeds it.

    As in the module, what is held is read from the start of the window only.
    """
    monthly = Recurrence("month", 1, calendar_anchor("month", 1, start))
    schedule = Schedule(monthly, IssueRule("advance", "day_before", day=1))
    ended = LineTerms(
        line=2 * line,
        start=start,
        end=CHANGED - ONE_DAY,
        chain_start=start,
        chain_end=None,
        schedule=schedule,
        pricing="unit",
        price=Price(Decimal(1), Decimal(100), Decimal(0)),
        currency_unit=Decimal("0.01"),
    )
    dearer = Price(Decimal(1), Decimal(120), Decimal(0))
    successor = replace(ended, line=2 * line + 1, start=CHANGED, end=None, price=dearer)
    billed = Held(Period(LAST_MONTH, date(2026, 11, 30)), "base", Decimal(100))
    return [(ended, (billed,), window_start(ended, CHANGED)), (successor, (), CHANGED)]


def seconds_to_plan(lines: list[tuple[LineTerms, tuple[Held, ...], date]], through: date) -> float:
    started = time.process_time()
    build_plan(lines, through)
    return time.process_time() - started


def measure_history() -> dict[str, float]:
    """CPU time to plan a change of last month, of lines ten years old and of lines that began with the window."""
    old, new = ([one for line in range(LINES) for one in changed(line, start)] for start in (LONG_AGO, LAST_MONTH))
    if [charge.amount for charge in build_plan(old, TODAY)] != [charge.amount for charge in build_plan(new, TODAY)]:
        raise AssertionError("ten years of history change what the window comes to")
    rounds = [(seconds_to_plan(old, TODAY), seconds_to_plan(new, TODAY)) for _round in range(ROUNDS)]
    ten_years, window = (statistics.median(column) for column in zip(*rounds, strict=True))
    return {
        "ten_years_us": round(ten_years / LINES * 1e6, 1),
        "window_us": round(window / LINES * 1e6, 1),
        "history_ratio": round(ten_years / window, 2),
    }


def measure() -> dict[str, float]:
    lines = [(terms(line), (), START) for line in range(LINES)]
    periods = len(build_plan(lines, THROUGH))
    seconds = statistics.median(seconds_to_plan(lines, THROUGH) for _round in range(ROUNDS))
    return {"line_periods": periods, "line_periods_per_second": round(periods / seconds), **measure_history()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--result", type=Path, required=True)
    parser.parse_args().result.write_text(json.dumps(measure()), encoding="utf-8")
