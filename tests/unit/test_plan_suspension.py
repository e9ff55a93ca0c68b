"""A suspended service costs nothing, and nothing of the pause is billed afterwards."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from builders import FAR, day, days, hold, line, plan, ratios, summary

from engine.periods import Period
from engine.revenue import monthly
from engine.terms import LineTerms


def paused(terms: LineTerms, *pauses: tuple[str, str | None]) -> LineTerms:
    """`terms` with suspensions (first day, last day or None while it is open)."""
    return replace(terms, pauses=tuple(Period(day(start), day(end) if end else date.max) for start, end in pauses))


@pytest.mark.parametrize(
    ("pauses", "expected"),
    [
        #  |=========-----------===========|
        # 01/01    10/01     20/01      31/01
        pytest.param(
            [("2026-01-10", "2026-01-20")],
            [("prorated", "2026-01-01", "2026-01-31", "20.00"), ("whole", "2026-02-01", "2026-02-28", "31.00")],
            id="inside a period",
        ),
        pytest.param(
            [("2026-01-01", "2026-01-10")],
            [("prorated", "2026-01-11", "2026-01-31", "21.00"), ("whole", "2026-02-01", "2026-02-28", "31.00")],
            id="from its first day",
        ),
        #  |====================-----------|------------===================|
        # 01/01              21/01      31/01          14/02            28/02
        pytest.param(
            [("2026-01-21", "2026-02-14")],
            [("prorated", "2026-01-01", "2026-01-20", "20.00"), ("prorated", "2026-02-15", "2026-02-28", "15.50")],
            id="across two periods",
        ),
        pytest.param(
            [("2026-01-01", "2026-01-31")],
            [("whole", "2026-02-01", "2026-02-28", "31.00")],
            id="a whole period is left out",
        ),
        pytest.param(
            [("2026-01-02", "2026-01-02"), ("2026-01-04", "2026-01-05")],
            [("prorated", "2026-01-01", "2026-01-31", "28.00"), ("whole", "2026-02-01", "2026-02-28", "31.00")],
            id="twice in a period",
        ),
        pytest.param(
            [("2026-01-11", None)],
            [("prorated", "2026-01-01", "2026-01-10", "10.00")],
            id="open: nothing until it ends",
        ),
        pytest.param([("2025-12-01", None)], [], id="open since before the start"),
    ],
)
def test_what_is_billed_around_a_suspension(pauses, expected):
    assert summary(plan(paused(line("2026-01-01", "2026-02-28"), *pauses), FAR)) == expected


# Billed January to March in advance, then suspended from 10/02 to 15/03:
#
#   01/01              01/02    10/02        01/03    15/03     31/03
#     |==== billed ======|==== billed =========|==== billed ======|
#     |==== served ======|=======| -19.00      | -15.00 |=========|
def test_what_was_prepaid_is_credited():
    terms = line("2026-01-01", "2026-12-31", price="28")
    billed = hold(plan(terms, "2026-03-01"))
    corrections = plan(paused(replace(terms, price=terms.price), ("2026-02-10", "2026-03-15")), "2026-03-31", billed)
    assert [(c.kind, c.period, c.amount) for c in corrections] == [
        ("correction", days("2026-02-01", "2026-02-28"), Decimal("-19.00")),
        ("correction", days("2026-03-01", "2026-03-31"), Decimal("-13.55")),
    ]
    assert ratios(corrections) == [Fraction(9, 28), Fraction(16, 31)]


def test_months_of_thirty_days_add_up_around_a_suspension():
    terms = line("2026-01-01", price="30", basis="thirty")
    (charge, *_) = plan(paused(terms, ("2026-01-16", "2026-01-31")), "2026-01-31")
    assert charge.ratio == Fraction(15, 30)


# Suspended on 11/02 for an unknown time, February billed to the 10th; goes on from 20/02:
def test_the_rest_of_a_period_is_billed_when_it_goes_on():
    terms = line("2026-02-01", price="28")
    billed = hold(plan(paused(terms, ("2026-02-11", None)), FAR))
    assert summary(plan(paused(terms, ("2026-02-11", "2026-02-19")), "2026-02-28", billed)) == [
        ("prorated", "2026-02-20", "2026-02-28", "9.00")
    ]


def test_the_pause_is_not_billed_afterwards():
    terms = paused(line("2026-01-01", "2026-12-31"), ("2026-02-01", "2026-04-30"))
    assert [charge.period.start.month for charge in plan(terms, "2026-06-30")] == [1, 5, 6]


def test_a_suspension_taken_back_bills_what_it_had_credited():
    terms = line("2026-01-01", "2026-12-31")
    billed = hold(plan(terms, "2026-02-01"))
    pause = paused(terms, ("2026-02-01", "2026-02-28"))
    credited = hold(plan(pause, "2026-02-28", billed), billed)
    assert sum(h.amount for h in credited) == Decimal("31.00")
    again = hold(plan(terms, "2026-02-28", credited), credited)
    assert sum(h.amount for h in again) == Decimal("62.00")


def test_suspended_lines_have_no_recurring_revenue():
    terms = paused(line("2026-01-01"), ("2026-02-01", "2026-02-28"))
    assert [monthly(terms, day(on)) for on in ("2026-01-31", "2026-02-10", "2026-03-01")] == [31, 0, 31]


def test_suspensions_that_overlap_are_refused():
    with pytest.raises(ValueError, match="suspensions of line 1 overlap"):
        paused(line("2026-01-01"), ("2026-01-10", "2026-01-20"), ("2026-01-20", None))


def test_a_charge_tells_the_suspensions_of_its_period():
    terms = paused(line("2026-01-01"), ("2025-12-20", "2026-01-03"), ("2026-01-30", "2026-02-02"))
    january, february = plan(terms, "2026-02-28")
    assert january.pauses == (days("2026-01-01", "2026-01-03"), days("2026-01-30", "2026-01-31"))
    assert february.pauses == (days("2026-02-01", "2026-02-02"),)


# Billed January in advance, then suspended until the 20th: the credit does not wait until service goes on.
def test_what_was_prepaid_is_credited_at_once_where_the_suspension_begins_with_the_period():
    terms = line("2026-01-01")
    billed = hold(plan(terms, "2026-01-01"))
    pause = paused(terms, ("2026-01-01", "2026-01-20"))
    assert summary(plan(pause, "2026-01-02", billed)) == [("correction", "2026-01-01", "2026-01-31", "-20.00")]


#  |......=========|              served from the 15th, a first partial period is billed in full
# 01/01  15/01  31/01
@pytest.mark.parametrize(
    ("pause", "amount"),
    [
        pytest.param(("2026-01-03", "2026-01-08"), "31.00", id="before the first day of service: no day is lost"),
        pytest.param(("2026-01-20", "2026-01-25"), "25.00", id="days of service are lost"),
    ],
)
def test_a_first_partial_period_in_full_loses_days_of_service_only(pause, amount):
    terms = paused(line("2026-01-15", first_partial="full"), pause)
    assert str(plan(terms, "2026-01-31")[0].amount) == amount


#  |=========......|              served until the 15th, a last partial period is billed in full
# 01/01  15/01  31/01
def test_a_last_partial_period_in_full_loses_days_of_service_only():
    terms = paused(line("2026-01-01", "2026-01-15", last_partial="full"), ("2026-01-20", None))
    assert [str(charge.amount) for charge in plan(terms, FAR)] == ["31.00"]
