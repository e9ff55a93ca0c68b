"""Lines that replace each other: the parts of a period add up, whatever the policies of its two ends."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from builders import FAR, day, hold, line, plan, ratios, summary

from engine.periods import ONE_DAY
from engine.pricing import Price
from engine.terms import LineTerms


def succession(uncut: LineTerms, *cuts: str) -> list[LineTerms]:
    """The lines that replace each other on the days `cuts` and together serve the same days as `uncut`."""
    starts = [uncut.start, *map(day, cuts)]
    ends = [start - ONE_DAY for start in starts[1:]] + [uncut.end]
    return [
        replace(uncut, line=number, start=start, end=end)
        for number, (start, end) in enumerate(zip(starts, ends, strict=True), 1)
    ]


def parts(*lines: LineTerms) -> list[list[Fraction]]:
    return [ratios(plan(terms, FAR)) for terms in lines]


# Replaced on 16/01 and 21/01, all inside one period of the open succession:
#
#   01/01     10/01      16/01   21/01       31/01
#     |---------|====A=====|==B====|====C======|
#         9          6         5        11
@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        pytest.param("prorate", [["6/31"], ["5/31"], ["11/31"]], id="prorate"),
        pytest.param("full", [["15/31"], ["5/31"], ["11/31"]], id="full: the first one bears the days before"),
        pytest.param("free", [["0"], ["0"], ["0"]], id="free: all of the period"),
    ],
)
def test_a_succession_inside_the_first_period(policy, expected):
    lines = succession(line("2026-01-10", "2026-01-31", first_partial=policy), "2026-01-16", "2026-01-21")
    assert parts(*lines) == [[Fraction(part) for part in line_parts] for line_parts in expected]


# The same in the last period, which ends on 20/02:
#
#   01/02     06/02      15/02   20/02       28/02
#     |====A====|====B=====|==C====|-----------|
#          5         9         6        8
@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        pytest.param("prorate", [["5/28"], ["9/28"], ["6/28"]], id="prorate"),
        pytest.param("full", [["5/28"], ["9/28"], ["14/28"]], id="full: the last one bears the days after"),
        pytest.param("free", [["0"], ["0"], ["0"]], id="free: all of the period"),
    ],
)
def test_a_succession_inside_the_last_period(policy, expected):
    lines = succession(line("2026-02-01", "2026-02-20", last_partial=policy), "2026-02-06", "2026-02-15")
    assert parts(*lines) == [[Fraction(part) for part in line_parts] for line_parts in expected]


def test_a_succession_inside_one_period_that_is_first_and_last():
    uncut = line("2026-01-10", "2026-01-20", first_partial="full", last_partial="full")
    assert parts(*succession(uncut, "2026-01-15")) == [[Fraction(14, 31)], [Fraction(17, 31)]]


# Replaced on 11/05, in the middle of the succession:
#
#   01/04              01/05    11/05              01/06
#     |====== A =========|=== A ==|====== B =========|=== B
@pytest.mark.parametrize("policy", ["prorate", "full", "free"])
def test_policies_do_not_apply_to_an_inner_joint(policy):
    uncut = line("2026-04-01", "2026-06-30", first_partial=policy, last_partial=policy)
    assert parts(*succession(uncut, "2026-05-11")) == [[1, Fraction(10, 31)], [Fraction(21, 31), 1]]


def test_an_inner_joint_on_a_boundary_cuts_nothing():
    assert parts(*succession(line("2026-04-01", "2026-05-31"), "2026-05-01")) == [[1], [1]]


def test_an_inner_joint_in_months_of_thirty_days():
    uncut = line("2026-02-01", "2026-02-28", basis="thirty")
    assert parts(*succession(uncut, "2026-02-15")) == [[Fraction(14, 30)], [Fraction(16, 30)]]


# 20 a month, billed for May in advance; 40 a month from 11/05 (domain.md D.2):
#
#   01/05            11/05                       31/05
#     |== 20 x 10/31 ==|====== 40 x 21/31 =========|
#        6.45                    27.10
def test_upgrade_in_the_middle_of_a_billed_month():
    old = line("2026-05-01", price="20")
    billed = hold(plan(old, "2026-05-01"))
    before, after = succession(old, "2026-05-11")
    after = replace(after, price=Price(Decimal(1), Decimal(40)))
    credit, charge = plan(before, "2026-05-31", billed) + plan(after, "2026-05-31")
    assert (credit.kind, credit.amount, credit.held) == ("correction", Decimal("-13.55"), Decimal("20.00"))
    assert (charge.kind, charge.amount) == ("prorated", Decimal("27.10"))
    assert credit.amount + charge.amount == Decimal("13.55")


def test_the_successor_keeps_the_periods_of_the_first_line():
    lines = succession(line("2026-01-10", "2026-03-31", price="28"), "2026-02-15")
    assert summary(plan(lines[1], "2026-03-01")) == [
        ("prorated", "2026-02-15", "2026-02-28", "14.00"),
        ("whole", "2026-03-01", "2026-03-31", "28.00"),
    ]
