"""A check of dev/test: what it counts, how it is run, and the line it prints."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from _console import Failure, say


@dataclass(frozen=True)
class Outcome:
    """Numbers of tests (none for a check that is not made of tests), and a remark for the check's line."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    remark: str = ""
    details: str = ""


@dataclass(frozen=True)
class Check:
    name: str
    run: Callable[[], Outcome]


_printing = threading.Lock()


def run_check(check: Check) -> Outcome:
    """Run one check and print its line; one that stops without a count of tests counts as one failure."""
    started = time.monotonic()
    try:
        outcome = check.run()
    except Failure as failure:
        outcome = Outcome(failed=1, details=str(failure))
    seconds = time.monotonic() - started
    verdict = "FAILED" if outcome.failed else "ok"
    with _printing:
        say(f"{verdict:<7}{check.name:<16}{seconds:6.1f} s  {outcome.remark}".rstrip())
        if outcome.details:
            say(_indented(outcome.details))
    return outcome


def run_tracks(tracks: Sequence[Sequence[Check]]) -> list[Outcome]:
    """Run each track's checks one after the other, and the tracks side by side."""

    def run_track(checks: Iterable[Check]) -> list[Outcome]:
        return [run_check(check) for check in checks]

    with ThreadPoolExecutor(max_workers=max(1, len(tracks))) as pool:
        return [outcome for outcomes in pool.map(run_track, tracks) for outcome in outcomes]


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
