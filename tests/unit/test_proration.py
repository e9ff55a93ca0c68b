"""Prorata temporis: which part of a period is owed."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from builders import days
from hypothesis import given
from hypothesis import strategies as st

from engine.periods import ONE_DAY, Period, Recurrence, span
from engine.pricing import Price, amount
from engine.proration import ratio

JANUARY = days("2026-01-01", "2026-01-31")
FEBRUARY = days("2026-02-01", "2026-02-28")
YEAR = days("2026-01-01", "2026-12-31")


@pytest.mark.parametrize(
    ("period", "active", "part"),
    [
        #  |----------==========================|
        # 01/08      10/08                  31/08
        pytest.param(days("2026-08-01", "2026-08-31"), days("2026-08-10", "2026-08-31"), "22/31", id="leading"),
        #  |==========--------------------------|
        # 01/01    10/01                    31/01
        pytest.param(JANUARY, days("2026-01-01", "2026-01-10"), "10/31", id="trailing"),
        #  |----------==========----------------|
        # 01/01      10/01   20/01          31/01
        pytest.param(JANUARY, days("2026-01-10", "2026-01-20"), "11/31", id="double"),
        #  |====================================|
        pytest.param(JANUARY, JANUARY, "1", id="whole"),
        #  ======|==============================|=======
        pytest.param(JANUARY, YEAR, "1", id="more than whole"),
        #  |------------------------------------|  =====
        pytest.param(JANUARY, FEBRUARY, "0", id="outside"),
        pytest.param(JANUARY, days("2026-01-31", "2026-03-01"), "1/31", id="last day only"),
        pytest.param(FEBRUARY, days("2026-02-15", "2026-02-28"), "14/28", id="February"),
        #  29 days: |==============-------------|
        #          01/02        14/02       29/02
        pytest.param(
            days("2024-02-01", "2024-02-29"),
            days("2024-02-01", "2024-02-14"),
            "14/29",
            id="leap year, February",
        ),
        pytest.param(
            days("2024-01-01", "2024-12-31"),
            days("2024-07-01", "2024-12-31"),
            "184/366",
            id="leap year, year",
        ),
        pytest.param(YEAR, days("2026-07-01", "2026-12-31"), "184/365", id="half of a common year"),
        #  anchored on the 31st: 28/02 ... 30/03, 31 days
        pytest.param(days("2026-02-28", "2026-03-30"), days("2026-03-01", "2026-03-30"), "30/31", id="31st"),
        pytest.param(days("2026-08-10", "2026-08-16"), days("2026-08-12", "2026-08-16"), "5/7", id="week"),
    ],
)
def test_actual_days(period, active, part):
    assert ratio(period, active, "actual") == Fraction(part)


@pytest.mark.parametrize(
    ("period", "active", "part"),
    [
        #  |-------------==============(+2)|
        # 01/02        15/02           28/02
        pytest.param(FEBRUARY, days("2026-02-15", "2026-02-28"), "16/30", id="15-28 February"),
        pytest.param(FEBRUARY, days("2026-02-01", "2026-02-14"), "14/30", id="1-14 February"),
        pytest.param(
            days("2024-02-01", "2024-02-29"),
            days("2024-02-15", "2024-02-29"),
            "16/30",
            id="leap year, 15-29 February",
        ),
        pytest.param(
            days("2024-02-01", "2024-02-29"),
            days("2024-02-29", "2024-02-29"),
            "2/30",
            id="leap year, 29 February",
        ),
        pytest.param(JANUARY, days("2026-01-16", "2026-01-31"), "15/30", id="second half of a month of 31"),
        pytest.param(JANUARY, days("2026-01-01", "2026-01-15"), "15/30", id="first half of a month of 31"),
        pytest.param(JANUARY, days("2026-01-31", "2026-01-31"), "1/30", id="31st"),
        pytest.param(JANUARY, days("2026-01-30", "2026-01-30"), "0", id="30th of a month of 31 counts nothing"),
        pytest.param(days("2026-04-01", "2026-04-30"), days("2026-04-30", "2026-04-30"), "1/30", id="30th of April"),
        pytest.param(FEBRUARY, FEBRUARY, "1", id="whole February"),
        pytest.param(JANUARY, JANUARY, "1", id="whole January"),
        #  |------- 3 months -------==== 3 months ====... of 12
        pytest.param(YEAR, days("2026-04-01", "2026-06-30"), "90/360", id="quarter of a year"),
        pytest.param(YEAR, days("2026-02-15", "2026-12-31"), "316/360", id="year from 15 February"),
        pytest.param(
            days("2026-01-01", "2026-03-31"),
            days("2026-02-15", "2026-03-31"),
            "46/90",
            id="leading of a quarter",
        ),
    ],
)
def test_months_of_thirty_days(period, active, part):
    assert ratio(period, active, "thirty") == Fraction(part)


@pytest.mark.parametrize(
    ("active", "part"),
    [
        pytest.param(days("2026-01-31", "2026-02-28"), 1, id="one day is enough"),
        pytest.param(FEBRUARY, 0, id="no day"),
    ],
)
def test_no_proration(active, part):
    assert ratio(JANUARY, active, "none") == part


# 50 a month from 10/08; a change from 20 to 40 a month on 11/05 (domain.md D.2).
@pytest.mark.parametrize(
    ("price", "first", "last", "owed"),
    [
        pytest.param("50", "2026-08-10", "2026-08-31", "35.48", id="50 from 10/08"),
        pytest.param("40", "2026-05-11", "2026-05-31", "27.10", id="upgrade, new part"),
        pytest.param("20", "2026-05-11", "2026-05-31", "13.55", id="upgrade, unused old part"),
        pytest.param("20", "2026-05-01", "2026-05-10", "6.45", id="upgrade, used old part"),
    ],
)
def test_known_amounts(price, first, last, owed):
    active = days(first, last)
    month = Recurrence("month", 1, active.start.replace(day=1)).period(0)
    part = ratio(month, active, "actual")
    assert amount(Price(Decimal(1), Decimal(price)), Decimal("0.01"), part) == Decimal(owed)


@st.composite
def cut_periods(draw):
    """A period of whole months, and its parts after some cuts."""
    anchor = draw(st.dates(date(2019, 1, 1), date(2029, 1, 1)))
    interval = draw(st.sampled_from([1, 2, 3, 6, 12]))
    period = Recurrence("month", interval, anchor).period(draw(st.integers(-12, 12)))
    offsets = draw(st.sets(st.integers(1, period.days - 1), max_size=5))
    starts = [period.start, *(period.start + timedelta(days=n) for n in sorted(offsets))]
    ends = [start - ONE_DAY for start in starts[1:]] + [period.end]
    return period, [Period(start, end) for start, end in zip(starts, ends, strict=True)]


@given(cut_periods(), st.sampled_from(["actual", "thirty"]))
def test_parts_of_a_cut_period_add_up_to_one(cut, basis):
    period, parts = cut
    shares = [ratio(period, part, basis) for part in parts]
    assert sum(shares) == 1
    assert all(0 <= share <= 1 for share in shares)


@given(cut_periods(), st.sampled_from(["actual", "thirty", "none"]))
def test_a_full_period_counts_once_whatever_surrounds_it(cut, basis):
    period, _parts = cut
    wider = span(period.start - timedelta(days=40), period.end + timedelta(days=3))
    assert ratio(period, period, basis) == ratio(period, wider, basis) == 1


@given(cut_periods(), st.integers(1, 400))
def test_what_lies_outside_counts_nothing(cut, distance):
    period, _parts = cut
    after = period.end + timedelta(days=distance)
    assert ratio(period, Period(after, after), "thirty") == ratio(period, Period(after, after), "actual") == 0
