"""Prorata temporis: which part of a period is owed."""

from datetime import date
from fractions import Fraction
from typing import Literal

from .periods import ONE_DAY, Period

Basis = Literal["actual", "thirty", "none"]

WHOLE = Fraction(1)
NOTHING = Fraction(0)


def ratio(period: Period, active: Period, basis: Basis) -> Fraction:
    """The part of `period` that `active` covers, between 0 and 1. Several active spans: add their ratios.

    `actual`: days by days. `thirty`: months of 30 days, where a whole month is 1, 15–28 February is 16/30 and the
    parts of a cut period add up to 1 (so the 30th and 31st are one day together). `none`: the whole as soon as one
    day is active.
    """
    covered = period.intersection(active)
    if covered is None:
        return NOTHING
    if covered == period or basis == "none":
        return WHOLE
    if basis == "thirty" and (whole := _thirty_days(period)):
        return Fraction(_thirty_days(covered), whole)
    return Fraction(covered.days, period.days)


def _thirty_days(period: Period) -> int:
    return _thirty_index(period.end + ONE_DAY) - _thirty_index(period.start)


def _thirty_index(day: date) -> int:
    return 360 * day.year + 30 * day.month + min(day.day - 1, 29)
