"""Revenue by the days of service, whatever was invoiced and when.

Accounts are drawn up by what was rendered: an amount belongs evenly to the days of its period (accrual principle,
PCG art. 511-3 and 944-48; deferred income 487, invoices to be issued 418).
"""

from datetime import date, timedelta
from decimal import Decimal

from .money import allocate
from .periods import ONE_DAY, Period, Recurrence, on_day_of_month, span
from .plan import charges, whole_period
from .terms import LineTerms

DAYS_OF_YEAR = Decimal("365.25")


def cut(total: Decimal, period: Period, on: date, unit: Decimal) -> tuple[Decimal, Decimal]:
    """The parts of `total` that were rendered up to `on`, that day included, and that are still to come.

    Both are multiples of `unit` and add up to `total`.
    """
    done = span(period.start, min(period.end, on))
    if done is None:
        return Decimal(0), total
    if done == period:
        return total, Decimal(0)
    rendered, to_come = allocate(total, [Decimal(done.days), Decimal(period.days - done.days)], unit)
    return rendered, to_come


def by_month(total: Decimal, period: Period, unit: Decimal) -> dict[date, Decimal]:
    """The part of `total` of each calendar month, by its first day; the parts add up to `total`."""
    first = period.start.replace(day=1)
    if first == period.end.replace(day=1):
        return {first: total}
    months = _months(period)
    parts = allocate(total, [Decimal(month.days) for month in months], unit)
    return {month.start.replace(day=1): part for month, part in zip(months, parts, strict=True)}


def contracted(terms: LineTerms, window: Period) -> dict[date, Decimal]:
    """What the terms say for the days of `window`, by the first day of each month, billed or not.

    An open line goes on as long as nobody ends it.
    """
    revenue: dict[date, Decimal] = {}
    for charge in charges(terms, window.start):
        if charge.period.start > window.end:
            break
        for month, part in by_month(charge.amount, charge.period, terms.currency_unit).items():
            if window.start.replace(day=1) <= month <= window.end:
                revenue[month] = revenue.get(month, Decimal(0)) + part
    return revenue


def monthly(terms: LineTerms, on: date) -> Decimal:
    """The recurring revenue of one month of a line in force on `on`, not rounded; zero for the others and in a pause.

    Years count as 12 months, weeks and days as parts of a year of 365.25 days.
    """
    if terms.pricing == "one_off" or on < terms.start or (terms.end is not None and on > terms.end):
        return Decimal(0)
    if any(pause.includes(on) for pause in terms.pauses):
        return Decimal(0)
    return whole_period(terms, on) / _months_of(terms.schedule.recurrence)


def coming_year(on: date) -> Period:
    """The twelve calendar months after the month of `on`."""
    first = on_day_of_month(on.year, on.month, 31) + timedelta(days=1)
    return Period(first, date(first.year + 1, first.month, 1) - timedelta(days=1))


def _months_of(recurrence: Recurrence) -> Decimal:
    """The length of one period in months."""
    per_unit = {"month": Decimal(1), "year": Decimal(12), "week": 7 * 12 / DAYS_OF_YEAR, "day": 12 / DAYS_OF_YEAR}
    return recurrence.interval * per_unit[recurrence.unit]


def _months(period: Period) -> list[Period]:
    """`period` cut at the ends of calendar months."""
    months, start = [], period.start
    while start <= period.end:
        end = min(period.end, on_day_of_month(start.year, start.month, 31))
        months.append(Period(start, end))
        start = end + ONE_DAY
    return months
