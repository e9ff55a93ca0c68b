"""Service periods and issue dates: when a service is rendered and when it may be billed.

Days are closed, `[start, end]`, as printed on the invoice (EN 16931 BG-14). Every boundary is computed from the
original anchor, never from the previous boundary: 31/01, 28/02, 31/03, 30/04.
"""

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

Unit = Literal["day", "week", "month", "year"]
Timing = Literal["advance", "arrears"]
IssueMethod = Literal["due", "offset", "day_before", "day_after"]

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """The days from `start` to `end`, both included."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"a period cannot end on {self.end}, before it starts on {self.start}")

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1

    def includes(self, day: date) -> bool:
        return self.start <= day <= self.end

    def intersection(self, other: "Period") -> "Period | None":
        return span(max(self.start, other.start), min(self.end, other.end))


def span(start: date, end: date) -> Period | None:
    """The period from `start` to `end`, or None when there is no day in it."""
    return Period(start, end) if start <= end else None


def merged(periods: Iterable[Period]) -> tuple[Period, ...]:
    """The same days as `periods`, in order and apart from each other."""
    result: list[Period] = []
    for period in sorted(periods):
        if result and period.start <= result[-1].end:
            result[-1] = Period(result[-1].start, max(result[-1].end, period.end))
        else:
            result.append(period)
    return tuple(result)


def on_day_of_month(year: int, month: int, day: int) -> date:
    """That day of the month, or the month's last day when it is shorter. `month` may run beyond 1…12."""
    year, month0 = divmod(year * 12 + month - 1, 12)
    return date(year, month0 + 1, min(day, calendar.monthrange(year, month0 + 1)[1]))


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Periods of `interval` units, the one numbered 0 starting on the anchor.

    `day` is the day of the month that boundaries aim at, where it is not the anchor's own: an anchor in February
    with `day` 31 gives 28 February and 31 March.
    """

    unit: Unit
    interval: int
    anchor: date
    day: int | None = None

    def __post_init__(self) -> None:
        if self.interval < 1:
            raise ValueError(f"a recurrence needs an interval of at least 1, not {self.interval}")
        if self.day is not None and not 1 <= self.day <= 31:
            raise ValueError(f"a day of the month is from 1 to 31, not {self.day}")

    def period(self, n: int) -> Period:
        """The n-th period; negative numbers lie before the anchor."""
        return Period(self._boundary(n), self._boundary(n + 1) - ONE_DAY)

    def index(self, day: date) -> int:
        """The number of the period that holds `day`."""
        if self.unit in ("day", "week"):
            return (day - self.anchor).days // self._step
        months = (day.year - self.anchor.year) * 12 + day.month - self.anchor.month
        n = months // self._step
        return n - 1 if day < self._boundary(n) else n

    def per_year(self) -> int:
        """How many periods make a year; ValueError where no number of them does."""
        if self.unit not in ("month", "year") or 12 % self._step:
            raise ValueError(f"no number of periods of {self.interval} {self.unit} makes a year")
        return 12 // self._step

    @property
    def _step(self) -> int:
        """Days of one period for days and weeks, months for months and years."""
        return self.interval * {"day": 1, "week": 7, "month": 1, "year": 12}[self.unit]

    def _boundary(self, n: int) -> date:
        if self.unit in ("day", "week"):
            return self.anchor + timedelta(days=n * self._step)
        month = self.anchor.month + n * self._step
        return on_day_of_month(self.anchor.year, month, self.day or self.anchor.day)


def calendar_anchor(unit: Unit, interval: int, start: date) -> date:
    """Where calendar periods begin, at or before `start`: the 1st of the month, quarter, half-year or year; Monday.

    Months in a number that does not divide the year have no calendar of their own and count from that of `start`.
    """
    if unit == "day":
        return start
    if unit == "week":
        return start - timedelta(days=start.weekday())
    if unit == "year" or interval % 12 == 0:
        return date(start.year, 1, 1)
    month = start.month - (start.month - 1) % interval if 12 % interval == 0 else start.month
    return date(start.year, month, 1)


@dataclass(frozen=True, slots=True)
class IssueRule:
    """When a period becomes billable: its start (in advance) or its end (in arrears), then moved by `method`.

    `due`: that very day; `offset`: plus a signed number of days; `day_before` / `day_after`: the last / first day
    numbered `day` of a month on or before / on or after it ("le 25 de chaque mois").
    """

    timing: Timing = "advance"
    method: IssueMethod = "due"
    offset: int = 0
    day: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.day <= 31:
            raise ValueError(f"a day of the month is from 1 to 31, not {self.day}")


def issue_date(period: Period, rule: IssueRule) -> date:
    """The day from which `period` may be billed."""
    due = period.start if rule.timing == "advance" else period.end
    if rule.method == "due":
        return due
    if rule.method == "offset":
        return due + timedelta(days=rule.offset)
    same_month = on_day_of_month(due.year, due.month, rule.day)
    if rule.method == "day_before" and same_month > due:
        return on_day_of_month(due.year, due.month - 1, rule.day)
    if rule.method == "day_after" and same_month < due:
        return on_day_of_month(due.year, due.month + 1, rule.day)
    return same_month
