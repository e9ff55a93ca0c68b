"""Issue dates: from when a period may be billed."""

import pytest
from builders import day, days
from hypothesis import given
from hypothesis import strategies as st

from engine.periods import IssueRule, Recurrence, issue_date

NOVEMBER = days("2026-11-01", "2026-11-30")
DECEMBER = days("2026-12-01", "2026-12-31")
FEBRUARY = days("2026-02-01", "2026-02-28")

rules = st.builds(
    IssueRule,
    timing=st.sampled_from(["advance", "arrears"]),
    method=st.sampled_from(["due", "offset", "day_before", "day_after"]),
    offset=st.integers(-60, 60),
    day=st.integers(1, 31),
)
recurrences = st.builds(
    Recurrence,
    unit=st.sampled_from(["day", "week", "month", "year"]),
    interval=st.integers(1, 12),
    anchor=st.dates(day("2020-01-01"), day("2030-12-31")),
)


# "Le 25", monthly:
#
#      25/10     01/11        25/11     01/12        25/12     31/12
#   -----|---------|============|=========|============|=========|--
#                 advance, before: 25/11 bills December
#                                arrears, before: 25/12 bills December
@pytest.mark.parametrize(
    ("period", "rule", "issue"),
    [
        pytest.param(DECEMBER, IssueRule("advance"), "2026-12-01", id="in advance"),
        pytest.param(DECEMBER, IssueRule("arrears"), "2026-12-31", id="in arrears"),
        pytest.param(DECEMBER, IssueRule("advance", "offset", -15), "2026-11-16", id="15 days before"),
        pytest.param(DECEMBER, IssueRule("arrears", "offset", 5), "2027-01-05", id="5 days after the end"),
        pytest.param(DECEMBER, IssueRule("advance", "offset", 0), "2026-12-01", id="no day after"),
        pytest.param(DECEMBER, IssueRule("advance", "day_before", day=25), "2026-11-25", id="25th before December"),
        pytest.param(DECEMBER, IssueRule("advance", "day_after", day=25), "2026-12-25", id="25th after 1 December"),
        pytest.param(DECEMBER, IssueRule("arrears", "day_before", day=25), "2026-12-25", id="25th before the end"),
        pytest.param(DECEMBER, IssueRule("arrears", "day_after", day=25), "2027-01-25", id="25th after the end"),
        pytest.param(DECEMBER, IssueRule("advance", "day_before", day=1), "2026-12-01", id="on the day, before"),
        pytest.param(DECEMBER, IssueRule("advance", "day_after", day=1), "2026-12-01", id="on the day, after"),
        pytest.param(DECEMBER, IssueRule("arrears", "day_before", day=31), "2026-12-31", id="31st, before"),
        pytest.param(NOVEMBER, IssueRule("arrears", "day_before", day=31), "2026-11-30", id="31st clamps to the 30th"),
        pytest.param(NOVEMBER, IssueRule("arrears", "day_after", day=31), "2026-11-30", id="31st clamps, after"),
        pytest.param(FEBRUARY, IssueRule("arrears", "day_after", day=30), "2026-02-28", id="30th clamps in February"),
        pytest.param(
            days("2026-03-01", "2026-03-31"),
            IssueRule("advance", "day_before", day=31),
            "2026-02-28",
            id="31st before 1 March",
        ),
        pytest.param(
            days("2024-03-01", "2024-03-31"),
            IssueRule("advance", "day_before", day=31),
            "2024-02-29",
            id="31st before 1 March, leap year",
        ),
        pytest.param(
            days("2027-01-01", "2027-01-31"),
            IssueRule("advance", "day_before", day=25),
            "2026-12-25",
            id="January is billed last year",
        ),
        pytest.param(
            days("2026-08-10", "2026-08-31"),
            IssueRule("advance", "day_before", day=25),
            "2026-07-25",
            id="leading: from the first day served",
        ),
    ],
)
def test_issue_date(period, rule, issue):
    assert issue_date(period, rule) == day(issue)


@given(recurrences, rules, st.integers(-30, 30))
def test_periods_are_issued_in_their_order(recurrence, rule, n):
    assert issue_date(recurrence.period(n), rule) <= issue_date(recurrence.period(n + 1), rule)


@given(recurrences, rules, st.integers(-30, 30))
def test_a_fixed_day_is_the_nearest_on_its_side(recurrence, rule, n):
    period = recurrence.period(n)
    due = period.start if rule.timing == "advance" else period.end
    distance = (issue_date(period, rule) - due).days
    allowed = {"due": {0}, "offset": {rule.offset}, "day_before": range(-30, 1), "day_after": range(31)}
    assert distance in allowed[rule.method]


def test_by_default_a_period_is_issued_when_it_is_due_in_advance():
    assert IssueRule() == IssueRule("advance", "due", 0, 1)


@pytest.mark.parametrize("number", [0, 32, -1])
def test_a_day_of_the_month_is_from_1_to_31(number):
    with pytest.raises(ValueError, match="from 1 to 31"):
        IssueRule("advance", "day_before", day=number)
