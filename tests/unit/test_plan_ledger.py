"""What the ledger holds is subtracted: nothing twice, and a correction where the terms say otherwise now."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from builders import FAR, day, days, hold, line, plan, summary

from engine.periods import IssueRule
from engine.plan import build_plan, window_start
from engine.pricing import Price
from engine.terms import Held


def ended(terms, last_day: str):
    return replace(terms, end=day(last_day), chain_end=day(last_day))


def test_running_twice_bills_nothing_twice():
    terms = line("2026-01-10", price="50")
    assert plan(terms, "2026-06-01", hold(plan(terms, "2026-06-01"))) == []


def test_catch_up_bills_each_missed_period_on_its_own():
    terms = line("2026-01-01")
    billed = hold(plan(terms, "2026-01-31"))
    assert [charge.period.start.month for charge in plan(terms, "2026-04-15", billed)] == [2, 3, 4]


def test_a_period_missing_in_the_middle_is_billed():
    terms = line("2026-01-01")
    billed = [held for held in hold(plan(terms, "2026-05-01")) if held.period.start.month != 3]
    assert [charge.period.start.month for charge in plan(terms, "2026-05-31", billed)] == [3]


def test_the_order_of_the_ledger_does_not_matter():
    terms = line("2026-01-01")
    billed = hold(plan(terms, "2026-05-01"))
    assert plan(terms, "2026-07-01", billed[::-1]) == plan(terms, "2026-07-01", billed)


# Billed January to March, then ended on 10/02:
#
#   01/01              01/02    10/02        01/03              31/03
#     |==== billed ======|==== billed =========|==== billed ======|
#     |==== served ======|=======|  -18.00     |     -31.00       |
def test_end_before_what_was_billed():
    terms = line("2026-01-01", price="28")
    billed = hold(plan(terms, "2026-03-01"))
    assert summary(plan(ended(terms, "2026-02-10"), FAR, billed)) == [
        ("correction", "2026-02-01", "2026-02-28", "-18.00"),
        ("correction", "2026-03-01", "2026-03-31", "-28.00"),
    ]


def test_a_correction_tells_what_was_held_and_what_counts_now():
    terms = line("2026-01-01")
    (correction,) = plan(ended(terms, "2026-01-10"), FAR, hold(plan(terms, "2026-01-01")))
    assert (correction.held, correction.amount) == (Decimal("31.00"), Decimal("-21.00"))
    assert correction.ratio == Fraction(10, 31)
    assert correction.billed == Price(Decimal(1), Decimal("-21.00"))
    assert correction.issue == day("2026-01-01")


def test_a_period_no_longer_served_is_corrected_to_nothing():
    terms = line("2026-01-01")
    billed = hold(plan(terms, "2026-02-01"))
    (correction,) = plan(ended(terms, "2026-01-31"), FAR, billed)
    assert (correction.period, correction.ratio, correction.amount) == (
        billed[1].period,
        0,
        Decimal("-31.00"),
    )


# Billed from January, though the service begins in March:
#
#   01/01      01/02      01/03      31/03
#     |- billed --|- billed --|= served ==|
def test_what_was_billed_before_the_start_is_credited_first():
    billed = hold(plan(line("2026-01-01"), "2026-02-01"))
    assert summary(plan(line("2026-03-01"), "2026-03-31", billed)) == [
        ("correction", "2026-01-01", "2026-01-31", "-31.00"),
        ("correction", "2026-02-01", "2026-02-28", "-31.00"),
        ("whole", "2026-03-01", "2026-03-31", "31.00"),
    ]


def test_a_correction_is_made_once():
    terms = line("2026-01-01", price="28")
    billed = hold(plan(terms, "2026-03-01"))
    terms = ended(terms, "2026-02-10")
    billed = hold(plan(terms, FAR, billed), billed)
    assert plan(terms, FAR, billed) == []
    assert sum(held.amount for held in billed) == Decimal("38.00")


@pytest.mark.parametrize(
    ("policy", "amounts"),
    [
        pytest.param("prorate", ["-21.00"], id="prorate"),
        pytest.param("full", [], id="full: nothing to credit"),
        pytest.param("free", ["-31.00"], id="free: all is credited"),
    ],
)
def test_end_in_a_billed_period_follows_the_policy(policy, amounts):
    terms = line("2026-01-01", last_partial=policy)
    corrections = plan(ended(terms, "2026-01-10"), FAR, hold(plan(terms, "2026-01-01")))
    assert [str(charge.amount) for charge in corrections] == amounts


@pytest.mark.parametrize(
    ("price", "amounts"),
    [pytest.param("40", ["9.00", "9.00"], id="dearer"), pytest.param("30", ["-1.00", "-1.00"], id="cheaper")],
)
def test_a_price_changed_after_billing_gives_corrections(price, amounts):
    billed = hold(plan(line("2026-01-01"), "2026-02-01"))
    corrections = plan(line("2026-01-01", price=price), "2026-02-28", billed)
    assert [(charge.kind, str(charge.amount)) for charge in corrections] == [("correction", a) for a in amounts]


def test_a_period_credited_without_closing_is_billed_again_as_it_was():
    """Whole: its quantity and price come back, as if nothing had been billed."""
    terms = line("2026-01-01", price="12.5", quantity="4")
    billed = [Held(days("2026-01-01", "2026-01-31"), "base", Decimal(0))]
    assert plan(terms, "2026-01-31", billed) == plan(terms, "2026-01-31")


# Billed for ten days, then the end is taken back:
#
#   01/01       10/01                         31/01
#     |= billed ==|========== added ===========|
def test_a_line_reopened_in_a_billed_period_bills_the_days_added():
    terms = line("2026-01-01")
    billed = hold(plan(ended(terms, "2026-01-10"), FAR))
    assert summary(plan(terms, "2026-02-01", billed)) == [
        ("prorated", "2026-01-11", "2026-01-31", "21.00"),
        ("whole", "2026-02-01", "2026-02-28", "31.00"),
    ]


def test_days_added_are_told_from_what_was_billed():
    terms = line("2026-01-01")
    (added,) = plan(terms, "2026-01-31", hold(plan(ended(terms, "2026-01-10"), FAR)))
    assert (added.ratio, added.held, added.billed) == (1, Decimal("10.00"), Price(Decimal(1), Decimal("21.00")))


def test_a_period_billed_in_two_parts_is_corrected_as_one():
    terms = line("2026-01-01")
    billed = hold(plan(ended(terms, "2026-01-10"), FAR))
    billed = hold(plan(terms, "2026-01-31", billed), billed)
    (correction,) = plan(ended(terms, "2026-01-20"), FAR, billed)
    assert (correction.kind, correction.held, str(correction.amount)) == ("correction", Decimal(31), "-11.00")


# Billed for December on 25/11, then the contract ends on 30/11: the line has no day of service left.
def test_a_line_ended_before_it_starts_is_credited():
    terms = line("2026-12-01", issue=IssueRule("advance", "day_before", day=25))
    billed = hold(plan(terms, "2026-11-25"))
    assert summary(plan(ended(terms, "2026-11-30"), "2026-11-30", billed)) == [
        ("correction", "2026-12-01", "2026-12-31", "-31.00")
    ]


def test_a_one_off_ended_before_it_starts_is_credited():
    terms = line("2026-12-01", pricing="one_off")
    billed = hold(plan(terms, "2026-12-01"))
    (credit,) = plan(ended(terms, "2026-11-30"), FAR, billed)
    assert (credit.kind, credit.billed) == ("correction", Price(Decimal(1), Decimal(-31)))


# The old system billed until 14/03 and left its rows in the ledger: they are not ours to correct.
def test_what_the_old_system_billed_is_left_alone():
    terms = line("2026-01-01", not_before=day("2026-03-15"))
    rows = [
        Held(days("2026-02-01", "2026-02-28"), "base", Decimal("17")),
        Held(days("2026-03-01", "2026-03-14"), "base", Decimal("14")),
    ]
    assert summary(plan(terms, "2026-03-31", rows)) == [("prorated", "2026-03-15", "2026-03-31", "17.00")]


def test_a_free_period_held_is_not_proposed_again():
    terms = line("2026-01-10", "2026-01-31", first_partial="free")
    assert plan(terms, FAR, hold(plan(terms, FAR))) == []


def test_a_one_off_is_billed_once():
    terms = line("2026-01-10", pricing="one_off")
    assert plan(terms, FAR, hold(plan(terms, FAR))) == []


def test_a_one_off_at_another_price_is_corrected():
    billed = hold(plan(line("2026-01-10", price="100", pricing="one_off"), FAR))
    corrections = plan(line("2026-01-10", price="120", pricing="one_off"), FAR, billed)
    assert summary(corrections) == [("correction", "2026-01-10", "2026-01-10", "20.00")]


def test_a_correction_waits_for_the_issue_date_of_its_period():
    terms = line("2026-01-01", issue=IssueRule("arrears"))
    billed = hold(plan(terms, "2026-01-31"))
    dearer = line("2026-01-01", price="40", issue=IssueRule("arrears"))
    assert plan(dearer, "2026-01-30", billed) == []
    assert [str(charge.amount) for charge in plan(dearer, "2026-01-31", billed)] == ["9.00"]


@pytest.mark.parametrize(
    ("terms", "since", "first"),
    [
        pytest.param(line("2026-01-01"), "2026-05-11", "2026-05-01", id="start of the period"),
        pytest.param(line("2026-01-01"), "2026-05-01", "2026-05-01", id="on a boundary"),
        pytest.param(line("2026-01-10", pricing="one_off"), "2026-05-11", "2026-01-10", id="one-off: its day"),
    ],
)
def test_window_start(terms, since, first):
    assert window_start(terms, day(since)) == day(first)


def test_a_window_opens_to_the_first_held_key_it_is_given():
    billed = hold(plan(line("2026-01-01"), "2026-02-01"))
    window = (line("2026-01-01", price="40"), billed, day("2026-02-15"))
    assert [charge.period.start.month for charge in build_plan([window], day("2026-02-28"))] == [1, 2]


# Ended on 10/05 and billed: a window from the next day must not bill May again.
def test_a_window_after_the_last_billed_day_bills_nothing_again():
    terms = line("2026-05-01", "2026-05-10")
    billed = hold(plan(terms, FAR))
    since = window_start(terms, day("2026-05-11"))
    assert build_plan([(terms, [held for held in billed if held.period.end >= since], since)], FAR) == []
