"""Reading Odoo's log: its records, the problems among them, and the tests it counted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

HEADER = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \d+ (?P<level>[A-Z]+) \S+ (?P<logger>\S+): (?P<text>.*)")
PROBLEM_LEVELS = ("WARNING", "ERROR", "CRITICAL")
SHOWN_LINES = 20  # of one problem; the log in the cache has the rest
TEST_TOTAL = re.compile(r"(\d+) failed, (\d+) error\(s\) of (\d+) tests")

# What may be logged without being wrong: (logger, text, why).
ALLOWED = (
    (
        "odoo.http",
        r"base_import\.controllers\.main\.set_file> called ignoring args",
        "Odoo's own import page posts more fields than its controller takes",
    ),
)


@dataclass
class Record:
    level: str
    logger: str
    text: str  # with the lines that follow it, such as a traceback


@dataclass(frozen=True)
class TestCount:
    passed: int
    failed: int
    skipped: tuple[str, ...]


def records(log: str) -> Iterator[Record]:
    current: Record | None = None
    for line in log.splitlines():
        if header := HEADER.match(line):
            if current:
                yield current
            current = Record(header["level"], header["logger"], header["text"])
        elif current:
            current.text += f"\n{line}"
    if current:
        yield current


def problems(log: str) -> list[str]:
    """Warnings and errors that nobody expects, each with the end of its traceback."""
    return [
        f"{record.level} {record.logger}: {_shortened(record.text)}"
        for record in records(log)
        if record.level in PROBLEM_LEVELS and not _is_allowed(record)
    ]


def _shortened(text: str) -> str:
    lines = text.rstrip().splitlines()
    if len(lines) <= SHOWN_LINES:
        return "\n".join(lines)
    return "\n".join([lines[0], "  …", *lines[2 - SHOWN_LINES :]])


def _is_allowed(record: Record) -> bool:
    return any(record.logger == logger and re.search(text, record.text) for logger, text, _why in ALLOWED)


def count_tests(log: str) -> TestCount:
    """Odoo's own total. A class skipped as a whole appears among the skipped but in no total."""
    totals = [tuple(map(int, total.groups())) for total in TEST_TOTAL.finditer(log)]
    failures, errors, ran = totals[-1] if totals else (0, 0, 0)
    skipped = tuple(record.text for record in records(log) if record.text.startswith("skipped "))
    inside = sum(not text.startswith("skipped setUpClass") for text in skipped)
    return TestCount(max(0, ran - failures - errors - inside), failures + errors, skipped)
