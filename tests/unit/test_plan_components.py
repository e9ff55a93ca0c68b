"""A period that is made of several components: each is charged, held and corrected by itself."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest
from builders import FAR, day, days, hold, line, plan
from hypothesis import given
from hypothesis import strategies as st

from engine import plan as plan_module
from engine.periods import IssueRule
from engine.plan import build_plan, by_period, charges, proposals
from engine.pricing import Part, Price
from engine.revenue import contracted, monthly
from engine.terms import Held


@pytest.fixture(autouse=True, scope="module")
def service_and_rental():
    """Every line by quantity and price costs a rental of 10 beside its service."""
    before = plan_module.PRICING["unit"]
    rental = Part("rental", Price(Decimal(1), Decimal(10)))
    plan_module.PRICING["unit"] = lambda price, tariff: (*before(price, tariff), rental)
    yield
    plan_module.PRICING["unit"] = before


def told(found):
    return [(c.component, c.kind, c.period.start.isoformat(), str(c.amount)) for c in found]


def test_every_period_has_a_charge_for_each_component():
    assert told(plan(line("2026-01-01"), "2026-02-01")) == [
        ("base", "whole", "2026-01-01", "31.00"),
        ("rental", "whole", "2026-01-01", "10.00"),
        ("base", "whole", "2026-02-01", "31.00"),
        ("rental", "whole", "2026-02-01", "10.00"),
    ]


# Served from the 16th of April, 15 days of 30:
#
#   01/04          16/04          30/04
#     |              |== served ===|
def test_a_part_of_a_period_is_that_part_of_each_component():
    assert told(plan(line("2026-04-16", "2026-04-30"), FAR)) == [
        ("base", "prorated", "2026-04-16", "15.50"),
        ("rental", "prorated", "2026-04-16", "5.00"),
    ]


def test_what_is_held_of_one_component_leaves_the_other_to_bill():
    held = [Held(days("2026-01-01", "2026-01-31"), "base", Decimal(31))]
    assert told(plan(line("2026-01-01"), "2026-01-31", held)) == [("rental", "whole", "2026-01-01", "10.00")]


# Billed January, then ended on the 10th: both components are credited, each for its own 21 days.
#
#   01/01      10/01                      31/01
#     |== billed =========================|
#     |= served ==|  -21.00 and -6.77     |
def test_each_component_is_corrected_by_itself():
    terms = line("2026-01-01")
    billed = hold(plan(terms, "2026-01-01"))
    ended = replace(terms, end=day("2026-01-10"), chain_end=day("2026-01-10"))
    corrections = plan(ended, FAR, billed)
    assert told(corrections) == [
        ("base", "correction", "2026-01-01", "-21.00"),
        ("rental", "correction", "2026-01-01", "-6.77"),
    ]
    assert plan(ended, FAR, hold(corrections, billed)) == []


def test_a_component_that_the_terms_have_no_more_is_credited():
    billed = hold(plan(line("2026-01-01"), "2026-01-31"))
    assert told(plan(line("2026-01-01", pricing="flat"), "2026-01-31", billed)) == [
        ("rental", "correction", "2026-01-01", "-10.00"),
    ]


# Ten days billed of the service only; then the line goes on, at another price of the rental, billed for all of January:
# what is corrected is due before what is added.
def test_issue_dates_rise_within_a_period():
    terms = line("2026-01-01", issue=IssueRule("arrears"))
    held = [
        Held(days("2026-01-01", "2026-01-10"), "base", Decimal(10)),
        Held(days("2026-01-01", "2026-01-10"), "rental", Decimal(12)),
    ]
    ended = replace(terms, end=day("2026-01-31"), chain_end=day("2026-01-31"))
    assert [charge.issue for charge in plan(ended, FAR, held)] == [day("2026-01-31")] * 2
    shorter = [held[0], Held(days("2026-01-01", "2026-01-10"), "gone", Decimal(5))]
    left = plan(ended, FAR, shorter)
    assert [(c.component, c.issue.day) for c in left] == [("gone", 10), ("rental", 31), ("base", 31)]
    assert plan(ended, "2026-01-10", shorter) == left[:1]


def test_periods_are_told_apart_whatever_their_components():
    found = by_period(plan(line("2026-01-01"), "2026-03-01"))
    assert [[charge.component for charge in of_period] for of_period in found] == [["base", "rental"]] * 3


def test_revenue_counts_every_component():
    terms = line("2026-01-01")
    assert monthly(terms, day("2026-01-15")) == Decimal(41)
    assert contracted(terms, days("2026-01-01", "2026-01-31")) == {day("2026-01-01"): Decimal(41)}


@given(
    st.lists(st.tuples(st.none() | st.integers(0, 90), st.integers(0, 120)), max_size=4),
    st.sampled_from(["advance", "arrears"]),
)
def test_whatever_end_was_believed_each_component_comes_to_what_the_terms_say(history, timing):
    first = day("2026-01-10")
    terms = line("2026-01-10", "2026-05-20", issue=IssueRule(timing))
    held: list[Held] = []
    for length, through in history:
        end = first if length is None else first.fromordinal(first.toordinal() + length)
        believed = replace(terms, end=end, chain_end=end)
        left = list(proposals(believed, held, first))
        assert all(before.issue <= after.issue for before, after in pairwise(left))
        due = build_plan([(believed, held, first)], first.fromordinal(first.toordinal() + through))
        held = hold(due, held)
    final = hold(plan(terms, FAR, held), held)
    assert plan(terms, FAR, final) == []
    for component in ("base", "rental"):
        owed = sum(charge.amount for charge in charges(terms, first) if charge.component == component)
        assert sum(key.amount for key in final if key.component == component) == owed
