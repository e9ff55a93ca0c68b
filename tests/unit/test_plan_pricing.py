"""Ways of pricing over the periods of a line: parts of periods, minimum, budget, price list, measured quantities."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from builders import FAR, day, days, hold, line, plan
from hypothesis import given
from hypothesis import strategies as st

from engine import allowance
from engine.periods import IssueRule, Recurrence
from engine.plan import whole_period
from engine.pricing import Price, Tariff, Tier
from engine.revenue import monthly

TWO = (Tier(Decimal(10), Decimal(2)), Tier(None, Decimal(1), Decimal(5)))
ARREARS = IssueRule("arrears")


def tiered(start="2026-01-01", end=None, quantity="15", pricing="graduated", minimum="0", **options):
    tariff = Tariff(tiers=TWO, minimum=Decimal(minimum))
    return line(start, end, price="0", quantity=quantity, pricing=pricing, tariff=tariff, **options)


def measured(*usage, start="2026-01-01", end=None, price="2", **options):
    """Billed by what was measured, at 2 a unit; `usage`: (day, quantity)."""
    readings = tuple((day(on), Decimal(quantity)) for on, quantity in usage)
    return line(start, end, price=price, usage=readings, issue=ARREARS, **options)


def told(charges):
    return [(c.component, c.kind, c.period.start.isoformat(), str(c.amount)) for c in charges]


def test_a_line_by_slices():
    assert told(plan(tiered(), "2026-01-01")) == [
        ("tier:1", "whole", "2026-01-01", "20.00"),
        ("tier:2", "whole", "2026-01-01", "5.00"),
        ("fee:2", "whole", "2026-01-01", "5.00"),
    ]


# Served for the second half of April:
#
#   01/04          16/04          30/04
#     |              |== served ===|
def test_slices_of_an_agreed_quantity_are_prorated_each():
    assert told(plan(tiered("2026-04-16", "2026-04-30"), FAR)) == [
        ("tier:1", "prorated", "2026-04-16", "10.00"),
        ("tier:2", "prorated", "2026-04-16", "2.50"),
        ("fee:2", "prorated", "2026-04-16", "2.50"),
    ]


# Billed at 15 units in January; they turn out to be 8: the second slice and its fee are credited, the first in part.
def test_fewer_units_credit_the_slices_no_more_reached():
    billed = hold(plan(tiered(), "2026-01-01"))
    assert told(plan(tiered(quantity="8"), "2026-01-31", billed)) == [
        ("tier:1", "correction", "2026-01-01", "-4.00"),
        ("tier:2", "correction", "2026-01-01", "-5.00"),
        ("fee:2", "correction", "2026-01-01", "-5.00"),
    ]


def test_by_volume_another_tier_is_one_correction():
    billed = hold(plan(tiered(quantity="10", pricing="volume"), "2026-01-01"))
    assert told(plan(tiered(quantity="11", pricing="volume"), "2026-01-31", billed)) == [
        ("base", "correction", "2026-01-01", "-9.00"),
        ("fee:2", "whole", "2026-01-01", "5.00"),
    ]


@pytest.mark.parametrize(
    ("minimum", "missing"),
    [
        pytest.param("50", "20.00", id="below: the difference"),
        pytest.param("30", None, id="reached: nothing"),
        pytest.param("25", None, id="exceeded: nothing"),
    ],
)
def test_minimum_of_a_whole_period(minimum, missing):
    least = [charge for charge in plan(tiered(minimum=minimum), "2026-01-01") if charge.component == "minimum"]
    assert [str(charge.amount) for charge in least] == ([missing] if missing else [])


# 50 a month at least, from the 16th of April: 25, less the 15 that half of 30 comes to.
def test_the_minimum_is_prorated_with_the_period():
    least = plan(tiered("2026-04-16", "2026-04-30", minimum="50"), FAR)[-1]
    assert (least.component, least.ratio, least.less, str(least.amount)) == (
        "minimum",
        Fraction(1, 2),
        Decimal("15.00"),
        "10.00",
    )
    assert least.billed == Price(Decimal(1), Decimal("10.00"))


def test_the_minimum_bears_no_discount_and_counts_what_is_billed_after_it():
    terms = line("2026-01-01", price="100", discount="10", tariff=Tariff(minimum=Decimal(95)))
    assert told(plan(terms, "2026-01-01")) == [
        ("base", "whole", "2026-01-01", "90.00"),
        ("minimum", "whole", "2026-01-01", "5.00"),
    ]


def test_a_rebate_by_the_lot_is_not_brought_back_to_a_minimum_that_there_is_not():
    terms = line("2026-01-01", price="-3", quantity="250", pricing="package", tariff=Tariff(package_size=Decimal(100)))
    assert told(plan(terms, "2026-01-01")) == [("base", "whole", "2026-01-01", "-9.00")]


# A budget of 1 000 a year from the 1st of January, by the month: eleven times 83.33, then 83.37, and so on.
def test_a_budget_is_paid_in_equal_instalments_whatever_the_days():
    terms = line("2026-01-01", price="1000", pricing="smoothed")
    amounts = [str(charge.amount) for charge in plan(terms, "2027-12-31")]
    assert amounts == ([*["83.33"] * 11, "83.37"]) * 2


def test_a_budget_by_the_quarter_from_an_anniversary():
    schedule = {"recurrence": Recurrence("month", 3, day("2026-02-10"))}
    terms = line("2026-02-10", price="1000.01", pricing="smoothed", **schedule)
    assert [str(charge.amount) for charge in plan(terms, "2027-02-10")] == [*["250.00"] * 3, "250.01", "250.00"]


def test_a_budget_needs_periods_that_make_a_year():
    with pytest.raises(ValueError, match="makes a year"):
        line("2026-01-01", pricing="smoothed", recurrence=Recurrence("month", 5, day("2026-01-01")))


# The list says 31 until the end of February, then 40:
#
#   01/01      01/02      01/03      01/04
#     |-- 31 ----|-- 31 ----|-- 40 ----|
def test_each_period_has_the_price_of_the_list_on_its_first_day():
    terms = line("2026-01-01", prices=((day("2026-01-01"), Decimal(31)), (day("2026-02-02"), Decimal(40))))
    assert [str(charge.amount) for charge in plan(terms, "2026-03-01")] == ["31.00", "31.00", "40.00"]


#   05/01  20/01      03/02             14/04
#     | 3    | 4        | 5               | 2
def test_what_was_measured_is_billed_in_its_period_once_it_is_over():
    terms = measured(("2026-01-05", "3"), ("2026-01-20", "4"), ("2026-02-03", "5"), ("2026-04-14", "2"))
    assert plan(terms, "2026-01-30") == []
    assert told(plan(terms, "2026-04-30")) == [
        ("base", "whole", "2026-01-01", "14.00"),
        ("base", "whole", "2026-02-01", "10.00"),
        ("base", "free", "2026-03-01", "0.00"),
        ("base", "whole", "2026-04-01", "4.00"),
    ]


# 4 measured on the 20th are told once January is billed: they are billed next, for January.
def test_what_is_measured_late_is_billed_for_its_own_period():
    on_time = measured(("2026-01-05", "3"))
    billed = hold(plan(on_time, "2026-01-31"))
    late = measured(("2026-01-05", "3"), ("2026-01-20", "4"))
    assert told(plan(late, "2026-02-15", billed)) == [("base", "correction", "2026-01-01", "8.00")]


def test_what_is_measured_late_for_a_period_without_anything_is_not_a_correction():
    billed = hold(plan(measured(), "2026-01-31"))
    assert told(plan(measured(("2026-01-20", "4")), "2026-02-15", billed)) == [("base", "whole", "2026-01-01", "8.00")]


def test_what_was_measured_is_not_prorated_but_the_minimum_is():
    terms = measured(("2026-04-20", "3"), start="2026-04-16", end="2026-04-30", tariff=Tariff(minimum=Decimal(40)))
    assert told(plan(terms, FAR)) == [
        ("base", "prorated", "2026-04-16", "6.00"),
        ("minimum", "prorated", "2026-04-16", "14.00"),
    ]


def test_what_was_measured_outside_the_line_is_not_billed():
    terms = measured(("2026-01-05", "3"), ("2026-01-15", "4"), start="2026-01-10")
    assert [str(charge.amount) for charge in plan(terms, "2026-01-31")] == ["8.00"]


def test_credits_never_exceed_what_was_measured():
    terms = measured(("2026-01-05", "3"), ("2026-01-06", "-5"))
    assert [(charge.measured, charge.kind) for charge in plan(terms, "2026-01-31")] == [(0, "free")]


@pytest.mark.parametrize(
    ("quantity", "overage"),
    [
        pytest.param("9", None, id="below what is included"),
        pytest.param("10", None, id="all of it"),
        pytest.param("12.5", "150.00", id="beyond, at its own price"),
    ],
)
def test_a_fixed_price_that_includes_a_quantity(quantity, overage):
    tariff = Tariff(included=Decimal(10), overage_price=Decimal(60))
    charges = plan(measured(("2026-01-05", quantity), price="500", pricing="flat", tariff=tariff), "2026-01-31")
    assert told(charges)[0] == ("base", "whole", "2026-01-01", "500.00")
    assert [str(charge.amount) for charge in charges[1:]] == ([overage] if overage else [])


# 10 hours a month at 500, from the 16th of April: 5 hours for 250, and 2 beyond.
def test_what_is_included_is_prorated_with_the_price():
    tariff = Tariff(included=Decimal(10), overage_price=Decimal(60))
    terms = measured(
        ("2026-04-20", "7"), start="2026-04-16", end="2026-04-30", price="500", pricing="flat", tariff=tariff
    )
    assert told(plan(terms, FAR)) == [
        ("base", "prorated", "2026-04-16", "250.00"),
        ("overage", "prorated", "2026-04-16", "120.00"),
    ]


def test_what_is_included_and_not_used_is_lost():
    tariff = Tariff(included=Decimal(10), overage_price=Decimal(60))
    terms = measured(("2026-02-05", "15"), price="500", pricing="flat", tariff=tariff)
    assert [str(charge.amount) for charge in plan(terms, "2026-02-28")] == ["500.00", "500.00", "300.00"]


def test_recurring_revenue_counts_what_is_agreed_only():
    terms = measured(("2026-01-05", "100"), tariff=Tariff(minimum=Decimal(40)))
    assert monthly(terms, day("2026-01-15")) == 40
    assert monthly(line("2026-01-01", price="1200", pricing="smoothed"), day("2026-01-15")) == 100
    assert whole_period(tiered(), day("2026-01-15")) == 30
    assert whole_period(line("2026-01-10", price="80", pricing="one_off"), day("2026-01-15")) == 80


# A visit missed on 12/01 is told once January is billed: 10 are deducted next, for January; then that is taken back.
def test_a_price_reduction_is_a_component_of_the_period_in_which_it_happened():
    terms = line("2026-01-01", tariff=Tariff(minimum=Decimal(31)))
    billed = hold(plan(terms, "2026-01-31"))
    lowered = replace(terms, reductions=((7, day("2026-01-12"), Decimal(10)),))
    deducted = plan(lowered, "2026-01-31", billed)
    assert told(deducted) == [("penalty:7", "whole", "2026-01-01", "-10.00")]
    billed = hold(deducted, billed)
    assert plan(lowered, "2026-01-31", billed) == []
    assert told(plan(terms, "2026-01-31", billed)) == [("penalty:7", "correction", "2026-01-01", "10.00")]


def test_terms_without_a_tier_are_refused():
    with pytest.raises(ValueError, match="no tier"):
        line("2026-01-01", pricing="volume")


@given(st.decimals(0, 100, places=2), st.decimals(0, 100, places=2), st.fractions(0, 1, max_denominator=366))
def test_what_exceeds_the_included_quantity_and_what_does_not_make_the_whole(quantity, included, ratio):
    beyond = allowance.beyond(quantity, included, ratio)
    assert 0 <= beyond <= quantity
    assert abs(Fraction(quantity - beyond) - min(Fraction(quantity), Fraction(included) * ratio)) <= Fraction(1, 20000)


readings = st.lists(
    st.tuples(st.integers(0, 120).map(lambda n: day("2026-01-01").fromordinal(day("2026-01-01").toordinal() + n)),
              st.decimals(0, 50, places=2)),
    max_size=6,
)  # fmt: skip


@given(readings, readings, st.sampled_from(["unit", "graduated", "volume", "flat"]), st.integers(0, 150))
def test_whenever_it_is_told_what_was_measured_comes_to_the_same(known, late, pricing, billed_after):
    tariff = Tariff(tiers=TWO, minimum=Decimal(10), included=Decimal(5), overage_price=Decimal(3))
    terms = line("2026-01-01", "2026-05-20", price="2", pricing=pricing, tariff=tariff, issue=ARREARS)
    first = replace(terms, usage=tuple(known))
    full = replace(terms, usage=(*known, *late))
    held = hold(plan(first, day("2026-01-01").fromordinal(day("2026-01-01").toordinal() + billed_after)))
    held = hold(plan(full, FAR, held), held)
    assert plan(full, FAR, held) == []
    assert sum(key.amount for key in held) == sum(charge.amount for charge in plan(full, FAR))
    assert {key.period for key in held} <= {days(f"2026-0{n}-01", e) for n, e in zip(range(1, 6), ENDS, strict=True)}


ENDS = ("2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-20")
