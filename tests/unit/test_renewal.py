"""Terms, notice, and the window in which a consumer is told that a contract is about to renew itself."""

import pytest
from builders import day
from hypothesis import given
from hypothesis import strategies as st

from engine.periods import ONE_DAY
from engine.renewal import after_months, before_months, notice_window, term_end


# 3 years, then from year to year:
#
#   01/01/2026                          31/12/2028     31/12/2029     31/12/2030
#        |======== initial term ============|==== 1st =====|==== 2nd =====|
@pytest.mark.parametrize(("times", "expected"), [(0, "2028-12-31"), (1, "2029-12-31"), (2, "2030-12-31")])
def test_three_years_then_yearly(times, expected):
    assert term_end(day("2026-01-01"), 36, 12, times) == day(expected)


def test_terms_never_drift_from_the_start():
    ends = [term_end(day("2026-01-31"), 1, 1, times) for times in range(3)]
    assert ends == [day("2026-02-27"), day("2026-03-30"), day("2026-04-29")]


# Notice of three months, end 31/12:
#
#   30/06       31/08         30/09                      31/12
#     |---- inform ----|--------|---------- notice ----------|
@pytest.mark.parametrize(
    ("end", "months", "days", "deadline", "inform_from", "inform_until"),
    [
        pytest.param("2026-12-31", 3, 0, "2026-09-30", "2026-06-30", "2026-08-31", id="three months"),
        pytest.param("2026-12-31", 0, 60, "2026-11-01", "2026-08-01", "2026-10-01", id="sixty days"),
        pytest.param("2026-06-14", 2, 0, "2026-04-14", "2026-01-14", "2026-03-14", id="inside a month"),
        pytest.param("2026-05-30", 3, 0, "2026-02-28", "2025-11-30", "2026-01-31", id="a shorter month"),
        pytest.param("2026-12-31", 0, 0, "2026-12-31", "2026-09-30", "2026-11-30", id="no notice"),
    ],
)
def test_notice(end, months, days, deadline, inform_from, inform_until):
    window = notice_window(day(end), months=months, days=days)
    assert window == (day(deadline), day(inform_from), day(inform_until))


def test_after_a_renewal_the_deadline_is_that_of_the_renewed_end():
    renewed = term_end(day("2026-01-01"), 36, 12, 1)
    assert notice_window(renewed, months=3).refusal_deadline == day("2029-09-30")


@pytest.mark.parametrize(("initial", "renewal", "times"), [(0, 12, 0), (12, 0, 1)])
def test_terms_without_a_length_are_refused(initial, renewal, times):
    with pytest.raises(ValueError, match="at least one month"):
        term_end(day("2026-01-01"), initial, renewal, times)


def test_a_negative_notice_is_refused():
    with pytest.raises(ValueError, match="not negative"):
        notice_window(day("2026-12-31"), months=-1)


@given(st.dates(day("2000-01-01"), day("2100-01-01")), st.integers(1, 60), st.integers(1, 36), st.integers(0, 20))
def test_terms_follow_each_other(start, initial, renewal, times):
    first = term_end(start, initial, renewal, times) + ONE_DAY
    then = term_end(start, initial, renewal, times + 1)
    assert first == after_months(start, initial + renewal * times)
    assert first <= then


@given(st.dates(day("2000-01-01"), day("2100-01-01")), st.integers(0, 24), st.integers(0, 200))
def test_the_window_lies_before_the_deadline_and_the_deadline_before_the_end(end, months, days):
    window = notice_window(end, months, days)
    assert window.inform_from < window.inform_until < window.refusal_deadline <= end
    assert before_months(end, months) >= window.refusal_deadline
