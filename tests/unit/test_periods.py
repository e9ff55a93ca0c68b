"""Service periods: where they begin and end, counted from an anchor."""

from datetime import timedelta

import pytest
from builders import day, days
from hypothesis import given
from hypothesis import strategies as st

from engine.periods import ONE_DAY, Period, Recurrence, calendar_anchor, merged, on_day_of_month, span

anchors = st.dates(day("2015-01-01"), day("2035-12-31"))
recurrences = st.builds(
    Recurrence,
    unit=st.sampled_from(["day", "week", "month", "year"]),
    interval=st.integers(1, 13),
    anchor=anchors,
)
numbers = st.integers(-60, 60)


# One-month periods from 31/01: the day comes back after each short month.
#
#   31/01      28/02      31/03      30/04      31/05
#     |---- 0 ---|---- 1 ---|---- 2 ---|---- 3 ---|
@pytest.mark.parametrize(
    ("recurrence", "starts"),
    [
        pytest.param(
            Recurrence("month", 1, day("2026-01-31")),
            ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30"],
            id="31st",
        ),
        pytest.param(
            Recurrence("month", 1, day("2024-01-30")),
            ["2024-01-30", "2024-02-29", "2024-03-30", "2024-04-30"],
            id="30th over a leap February",
        ),
        pytest.param(
            Recurrence("month", 3, day("2025-11-30")),
            ["2025-11-30", "2026-02-28", "2026-05-30", "2026-08-30", "2026-11-30"],
            id="quarters from 30 November",
        ),
        pytest.param(
            Recurrence("month", 2, day("2025-12-31")),
            ["2025-12-31", "2026-02-28", "2026-04-30", "2026-06-30", "2026-08-31"],
            id="every two months from the 31st",
        ),
        pytest.param(
            Recurrence("year", 1, day("2024-02-29")),
            ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"],
            id="leap year",
        ),
        pytest.param(Recurrence("week", 2, day("2026-12-28")), ["2026-12-28", "2027-01-11"], id="fortnight"),
        pytest.param(Recurrence("day", 10, day("2026-02-25")), ["2026-02-25", "2026-03-07"], id="ten days"),
        pytest.param(
            Recurrence("month", 1, day("2026-02-28"), day=31),
            ["2026-02-28", "2026-03-31", "2026-04-30"],
            id="chosen 31st, begun in February",
        ),
        pytest.param(
            Recurrence("month", 3, day("2026-05-15"), day=15),
            ["2026-05-15", "2026-08-15", "2026-11-15"],
            id="quarters on a chosen day",
        ),
    ],
)
def test_periods_start_on(recurrence, starts):
    assert [recurrence.period(n).start.isoformat() for n in range(len(starts))] == starts


@pytest.mark.parametrize(
    ("recurrence", "n", "period"),
    [
        pytest.param(Recurrence("month", 1, day("2026-01-31")), 0, ("2026-01-31", "2026-02-27"), id="31st, first"),
        pytest.param(Recurrence("month", 1, day("2026-01-31")), 1, ("2026-02-28", "2026-03-30"), id="31st, second"),
        pytest.param(
            Recurrence("month", 1, day("2026-01-31")),
            -2,
            ("2025-11-30", "2025-12-30"),
            id="before the anchor",
        ),
        pytest.param(Recurrence("month", 6, day("2026-01-01")), 1, ("2026-07-01", "2026-12-31"), id="half-year"),
        pytest.param(Recurrence("year", 1, day("2024-02-29")), 0, ("2024-02-29", "2025-02-27"), id="leap year"),
        pytest.param(Recurrence("week", 1, day("2026-08-10")), -1, ("2026-08-03", "2026-08-09"), id="week before"),
        pytest.param(Recurrence("day", 1, day("2026-08-10")), 3, ("2026-08-13", "2026-08-13"), id="one day"),
    ],
)
def test_period(recurrence, n, period):
    assert recurrence.period(n) == days(*period)


@given(recurrences, numbers)
def test_periods_leave_no_hole_and_do_not_overlap(recurrence, n):
    assert recurrence.period(n).end + ONE_DAY == recurrence.period(n + 1).start


@given(recurrences, numbers)
def test_periods_do_not_drift(recurrence, n):
    start, anchor = recurrence.period(n).start, recurrence.anchor
    if recurrence.unit in ("day", "week"):
        step = recurrence.interval * (7 if recurrence.unit == "week" else 1)
        assert start == anchor + n * timedelta(days=step)
    else:
        last_of_month = on_day_of_month(start.year, start.month, 31).day
        step = recurrence.interval * (12 if recurrence.unit == "year" else 1)
        assert start.day == min(anchor.day, last_of_month)
        assert (start.year - anchor.year) * 12 + start.month - anchor.month == n * step


@given(recurrences, numbers, st.integers(0, 10_000))
def test_index_is_the_inverse_of_period(recurrence, n, offset):
    period = recurrence.period(n)
    some_day = period.start + timedelta(days=offset % period.days)
    assert recurrence.index(period.start) == recurrence.index(some_day) == recurrence.index(period.end) == n


@given(anchors, st.integers(1, 31), st.integers(1, 7), numbers)
def test_periods_on_a_chosen_day_keep_to_it(reference, chosen, interval, n):
    anchor = on_day_of_month(reference.year, reference.month, chosen)
    recurrence = Recurrence("month", interval, anchor, chosen)
    period = recurrence.period(n)
    assert period.start == on_day_of_month(period.start.year, period.start.month, chosen)
    assert period.end + ONE_DAY == recurrence.period(n + 1).start
    assert recurrence.index(period.start) == recurrence.index(period.end) == n


@given(recurrences)
def test_period_zero_starts_on_the_anchor(recurrence):
    assert recurrence.period(0).start == recurrence.anchor


@pytest.mark.parametrize("interval", [0, -1])
def test_a_period_cannot_last_nothing(interval):
    with pytest.raises(ValueError, match="interval"):
        Recurrence("month", interval, day("2026-01-01"))


@pytest.mark.parametrize("number", [0, 32])
def test_a_chosen_day_is_from_1_to_31(number):
    with pytest.raises(ValueError, match="from 1 to 31"):
        Recurrence("month", 1, day("2026-01-01"), number)


@pytest.mark.parametrize(
    ("unit", "interval", "start", "anchor"),
    [
        pytest.param("month", 1, "2026-08-10", "2026-08-01", id="month"),
        pytest.param("month", 1, "2026-08-01", "2026-08-01", id="month, on the 1st"),
        pytest.param("month", 2, "2026-08-10", "2026-07-01", id="two months: January, March, May, July"),
        pytest.param("month", 2, "2026-12-31", "2026-11-01", id="two months, last of the year"),
        pytest.param("month", 3, "2026-08-10", "2026-07-01", id="quarter"),
        pytest.param("month", 3, "2026-03-31", "2026-01-01", id="quarter, last day"),
        pytest.param("month", 4, "2026-08-10", "2026-05-01", id="four months"),
        pytest.param("month", 6, "2026-06-30", "2026-01-01", id="half-year, first"),
        pytest.param("month", 6, "2026-08-10", "2026-07-01", id="half-year, second"),
        pytest.param("month", 12, "2026-08-10", "2026-01-01", id="twelve months"),
        pytest.param("month", 24, "2026-08-10", "2026-01-01", id="24 months, as two years"),
        pytest.param("month", 5, "2026-08-10", "2026-08-01", id="five months have no calendar of their own"),
        pytest.param("year", 1, "2024-02-29", "2024-01-01", id="year"),
        pytest.param("year", 2, "2025-12-31", "2025-01-01", id="two years"),
        pytest.param("week", 1, "2026-08-16", "2026-08-10", id="week, from Sunday back to Monday"),
        pytest.param("week", 2, "2026-08-10", "2026-08-10", id="fortnight, on Monday"),
        pytest.param("week", 1, "2027-01-01", "2026-12-28", id="week over the new year"),
        pytest.param("day", 10, "2026-08-10", "2026-08-10", id="days"),
    ],
)
def test_calendar_anchor(unit, interval, start, anchor):
    assert calendar_anchor(unit, interval, day(start)) == day(anchor)


@given(st.sampled_from(["day", "week", "month", "year"]), st.integers(1, 12), anchors)
def test_the_calendar_period_of_a_start_holds_it(unit, interval, start):
    recurrence = Recurrence(unit, interval, calendar_anchor(unit, interval, start))
    assert recurrence.index(start) == 0


@pytest.mark.parametrize(
    ("year", "month", "number", "expected"),
    [
        pytest.param(2026, 2, 31, "2026-02-28", id="clamped"),
        pytest.param(2024, 2, 31, "2024-02-29", id="leap year"),
        pytest.param(2026, 13, 15, "2027-01-15", id="month 13"),
        pytest.param(2026, 0, 31, "2025-12-31", id="month 0"),
        pytest.param(2026, -11, 31, "2025-01-31", id="month -11"),
        pytest.param(2026, 12, 31, "2026-12-31", id="December"),
    ],
)
def test_on_day_of_month(year, month, number, expected):
    assert on_day_of_month(year, month, number) == day(expected)


def test_days_are_closed():
    assert days("2026-02-01", "2026-02-28").days == 28
    assert days("2026-02-01", "2026-02-01").days == 1


def test_a_period_cannot_end_before_it_starts():
    with pytest.raises(ValueError, match="cannot end on 2026-01-01"):
        days("2026-01-02", "2026-01-01")


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        pytest.param(("2026-01-20", "2026-02-10"), ("2026-01-20", "2026-01-31"), id="overlap"),
        pytest.param(("2026-01-31", "2026-02-10"), ("2026-01-31", "2026-01-31"), id="one day"),
        pytest.param(("2025-01-01", "2027-01-01"), ("2026-01-01", "2026-01-31"), id="contained"),
        pytest.param(("2026-02-01", "2026-02-10"), None, id="next to each other"),
    ],
)
def test_intersection(other, shared):
    january, other = days("2026-01-01", "2026-01-31"), days(*other)
    expected = days(*shared) if shared else None
    assert january.intersection(other) == other.intersection(january) == expected


def test_span_of_no_day_is_none():
    assert span(day("2026-01-02"), day("2026-01-01")) is None
    assert span(day("2026-01-01"), day("2026-01-01")) == Period(day("2026-01-01"), day("2026-01-01"))


def test_periods_that_meet_are_one():
    january, end_of_it = days("2026-01-01", "2026-01-31"), days("2026-01-20", "2026-02-10")
    assert merged([end_of_it, january, days("2026-03-01", "2026-03-02")]) == (
        days("2026-01-01", "2026-02-10"),
        days("2026-03-01", "2026-03-02"),
    )
    assert merged([january, days("2026-01-05", "2026-01-06")]) == (january,)
