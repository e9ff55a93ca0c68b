"""Revenue by the days of service: deferred, to be billed, recurring, contracted."""

from datetime import date
from decimal import Decimal

import pytest
from builders import CENT, day, days, line
from hypothesis import given
from hypothesis import strategies as st

from engine.periods import IssueRule, Period, Recurrence
from engine.revenue import by_month, coming_year, contracted, cut, monthly

D = Decimal


@pytest.mark.parametrize(
    ("period", "on", "done", "to_come"),
    [
        #  |=========|------------------------|   a year billed in advance on 1 October
        # 01/10    31/12                   30/09
        pytest.param(days("2025-10-01", "2026-09-30"), "2025-12-31", "92.00", "273.00", id="a year across the close"),
        #           |==========================|
        # 31/12   01/01                     31/12
        pytest.param(days("2026-01-01", "2026-12-31"), "2025-12-31", "0.00", "365.00", id="all in advance"),
        pytest.param(days("2025-01-01", "2025-12-31"), "2025-12-31", "365.00", "0.00", id="all done"),
        pytest.param(days("2025-12-31", "2026-12-30"), "2025-12-31", "1.00", "364.00", id="its first day"),
    ],
)
def test_cut_at_the_close(period, on, done, to_come):
    assert cut(D("365.00"), period, day(on), CENT) == (D(done), D(to_come))


@given(
    st.decimals(-10_000, 10_000, places=2),
    st.dates(date(2024, 1, 1), date(2027, 1, 1)),
    st.integers(0, 800),
    st.integers(-10, 810),
)
def test_parts_add_up(total, start, length, offset):
    period = Period(start, date.fromordinal(start.toordinal() + length))
    on = date.fromordinal(start.toordinal() + offset)
    assert sum(cut(total, period, on, CENT)) == total
    months = by_month(total, period, CENT)
    assert sum(months.values()) == total
    assert all(month.day == 1 for month in months)
    assert list(months) == sorted(set(months))


def test_a_quarter_by_month():
    # 15/01 … 14/04: 17, 28, 31 and 14 days of 90
    assert by_month(D("900.00"), days("2026-01-15", "2026-04-14"), CENT) == {
        day("2026-01-01"): D("170.00"),
        day("2026-02-01"): D("280.00"),
        day("2026-03-01"): D("310.00"),
        day("2026-04-01"): D("140.00"),
    }


def test_contracted_revenue_of_the_coming_year():
    #  |====|====|== … ==|===|
    # 01/26              15/06/26: the last month counts half
    window = coming_year(day("2025-12-31"))
    revenue = contracted(line("2025-07-01", "2026-06-15", price="30"), window)
    assert revenue == {date(2026, m, 1): D("30.00") for m in range(1, 6)} | {day("2026-06-01"): D("15.00")}


def test_contracted_revenue_of_a_yearly_line_counts_only_the_window():
    terms = line("2025-07-01", price="365", recurrence=Recurrence("year", 1, day("2025-07-01")))
    revenue = contracted(terms, days("2026-01-01", "2026-12-31"))
    assert len(revenue) == 12
    assert sum(revenue.values()) == D("365.00")
    assert revenue[day("2026-01-01")] == D("31.00")


def test_contracted_revenue_of_a_one_off():
    terms = line("2026-03-10", "2026-03-10", price="80", pricing="one_off")
    assert contracted(terms, days("2026-01-01", "2026-12-31")) == {day("2026-03-01"): D("80")}
    assert contracted(terms, days("2026-04-01", "2026-12-31")) == {}


def test_in_arrears_is_revenue_of_its_own_month():
    terms = line("2026-01-01", price="31", issue=IssueRule("arrears"))
    assert list(contracted(terms, days("2026-02-01", "2026-03-31"))) == [day("2026-02-01"), day("2026-03-01")]


@pytest.mark.parametrize(
    ("unit", "interval", "price", "month"),
    [
        ("month", 1, "100", "100"),
        ("month", 3, "300", "100"),
        ("year", 1, "1200", "100"),
        ("year", 2, "1200", "50"),
        ("week", 1, "7", "30.4375"),
        ("day", 1, "1", "30.4375"),
    ],
)
def test_recurring_revenue_of_a_month(unit, interval, price, month):
    first = day("2026-01-01")
    terms = line("2026-01-01", price=price, recurrence=Recurrence(unit, interval, first))
    assert round(monthly(terms, first), 6) == D(month)


def test_recurring_revenue_counts_lines_in_force_only():
    terms = line("2026-01-10", "2026-02-10")
    assert [bool(monthly(terms, day(on))) for on in ("2026-01-09", "2026-01-10", "2026-02-10", "2026-02-11")] == [
        False,
        True,
        True,
        False,
    ]
    assert monthly(line("2026-01-10", price="10", quantity="3", pricing="flat"), day("2026-01-10")) == 10
    assert not monthly(line("2026-01-10", pricing="one_off"), day("2026-01-10"))


@pytest.mark.parametrize(
    ("on", "first", "last"),
    [
        ("2025-12-31", "2026-01-01", "2026-12-31"),
        ("2026-01-15", "2026-02-01", "2027-01-31"),
        ("2024-01-31", "2024-02-01", "2025-01-31"),
    ],
)
def test_the_coming_year_is_twelve_calendar_months(on, first, last):
    assert coming_year(day(on)) == days(first, last)
