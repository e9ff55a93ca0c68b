"""The terms of a contract: when one ends, until when it may be refused, and when a consumer must be told."""

from datetime import date, timedelta
from typing import NamedTuple

from .periods import ONE_DAY, on_day_of_month

# Code de la consommation, art. L215-1: told at the earliest three months and at the latest one month before the last
# day on which renewal may be refused.
INFORM_EARLIEST, INFORM_LATEST = 3, 1


class Window(NamedTuple):
    """The last day to refuse renewal, and the days between which a consumer must be told of it."""

    refusal_deadline: date
    inform_from: date
    inform_until: date


def term_end(start: date, initial: int, renewal: int, times: int) -> date:
    """The last day of the term in force after `times` renewals of `renewal` months, the first term having `initial`.

    Always counted from `start`, never from an earlier end: 31/01 plus one month is 28/02, plus two 31/03.
    Raises ValueError when a length is not positive.
    """
    if initial < 1 or (times and renewal < 1):
        raise ValueError(f"terms have at least one month, not {initial} and {renewal}")
    return after_months(start, initial + renewal * times) - ONE_DAY


def notice_window(term_end: date, months: int = 0, days: int = 0) -> Window:
    """When a term that ends on `term_end` may be refused at the latest, with a notice of `months` and `days`.

    Raises ValueError for a negative notice.
    """
    if months < 0 or days < 0:
        raise ValueError(f"a notice is not negative: {months} months, {days} days")
    deadline = before_months(term_end, months) - timedelta(days=days)
    return Window(deadline, before_months(deadline, INFORM_EARLIEST), before_months(deadline, INFORM_LATEST))


def after_months(day: date, months: int) -> date:
    """The same day `months` later, or the last day of a shorter month."""
    return on_day_of_month(day.year, day.month + months, day.day)


def before_months(day: date, months: int) -> date:
    """The same day `months` earlier; the last day of a month stays one, so that whole months are left."""
    if (day + ONE_DAY).day == 1:
        return on_day_of_month(day.year, day.month - months, 31)
    return on_day_of_month(day.year, day.month - months, day.day)
