"""Payers in the plan: each has keys of its own in the ledger, and what changes corrects both sides."""

from dataclasses import replace
from decimal import Decimal

import pytest
from builders import FAR, days, hold, line, plan
from hypothesis import given
from test_plan_properties import END_OF_TIME, lines
from test_split import share, share_lists

from engine.plan import Charge
from engine.pricing import Price
from engine.split import Share
from engine.terms import LineTerms


def shared(*shares: Share, start="2026-01-01", end="2026-02-28", **options) -> LineTerms:
    return line(start, end, shares=shares, **options)


def by_payer(charges: list[Charge]) -> list[tuple[int | None, str, str, str]]:
    return [(c.share, c.period.start.isoformat(), c.period.end.isoformat(), str(c.amount)) for c in charges]


def test_each_payer_has_a_charge_of_every_period():
    assert by_payer(plan(shared(share(rate="60")), FAR)) == [
        (1, "2026-01-01", "2026-01-31", "18.60"),
        (None, "2026-01-01", "2026-01-31", "12.40"),
        (1, "2026-02-01", "2026-02-28", "18.60"),
        (None, "2026-02-01", "2026-02-28", "12.40"),
    ]


def test_a_full_payer_is_billed_quantity_and_price():
    [january, _february] = plan(shared(share(rate="100"), quantity="2", price="15.5"), FAR)
    assert (january.share, january.billed) == (1, Price(Decimal(2), Decimal("15.5")))


def test_a_free_period_is_charged_once():
    [january, _february] = plan(shared(share(rate="40"), price="0"), FAR)
    assert (january.share, january.kind, january.amount) == (None, "free", Decimal(0))


def test_what_is_only_shown_is_billed_to_the_customer():
    [january, _february] = plan(shared(share(rate="60", invoiced=False)), FAR)
    assert (january.share, january.amount, january.shown) == (None, Decimal("31.00"), ((1, Decimal("18.60")),))


# Billed in advance to 28/02, the payer then leaves at the end of January:
#
#   01/01              01/02          28/02
#     |== 1 and customer ==|== customer ==|
@pytest.mark.parametrize("rate", ["60", "100"])
def test_a_payer_that_leaves_is_credited_and_the_customer_charged(rate):
    before = shared(share(rate=rate))
    after = shared(share(rate=rate, end="2026-01-31"))
    held = hold(plan(before, FAR))
    corrections = plan(after, FAR, held)
    february = Decimal("31.00") * Decimal(rate) / 100
    assert {(c.share, c.period, c.amount) for c in corrections} == {
        (1, days("2026-02-01", "2026-02-28"), -february),
        (None, days("2026-02-01", "2026-02-28"), february),
    }
    assert plan(after, FAR, hold(corrections, held)) == []


# Billed whole to the customer, the plan of aid arrives later with effect from 15/01:
#
#   01/01         15/01            31/01
#     |== customer ==|== 1 and customer ==|
def test_a_payer_recorded_late_corrects_both_sides():
    held = hold(plan(shared(end="2026-01-31"), FAR))
    corrections = plan(shared(share(start="2026-01-15"), end="2026-01-31"), FAR, held)
    assert by_payer(corrections) == [
        (None, "2026-01-01", "2026-01-31", "-8.50"),
        (1, "2026-01-15", "2026-01-31", "8.50"),
    ]


def test_two_payers_one_after_the_other_in_a_period():
    terms = shared(share(1, rate="100", end="2026-01-15"), share(2, rate="100", start="2026-01-16"), end="2026-01-31")
    assert by_payer(plan(terms, FAR)) == [
        (1, "2026-01-01", "2026-01-15", "15.00"),
        (2, "2026-01-16", "2026-01-31", "16.00"),
    ]


def test_a_pause_lowers_the_part_of_each():
    terms = shared(share(rate="60"), end="2026-01-31")
    held = hold(plan(terms, FAR))
    paused = replace(terms, pauses=(days("2026-01-11", "2026-01-20"),))
    assert by_payer(plan(paused, FAR, held)) == [
        (1, "2026-01-01", "2026-01-31", "-6.00"),
        (None, "2026-01-01", "2026-01-31", "-4.00"),
    ]


def test_a_payer_credited_in_full_is_billed_again_alone():
    terms = shared(share(rate="60"), end="2026-01-31")
    held = hold(plan(terms, FAR))
    credited = [replace(key, amount=Decimal(0)) if key.share else key for key in held]
    assert by_payer(plan(terms, FAR, credited)) == [(1, "2026-01-01", "2026-01-31", "18.60")]


@given(lines(), share_lists())
def test_payers_together_owe_what_the_line_costs(terms, shares):
    alone, together = {}, {}
    through = END_OF_TIME if terms.end else terms.start.replace(year=terms.start.year + 1)
    for charge in plan(terms, through):
        alone[charge.full] = alone.get(charge.full, 0) + charge.amount
    for charge in plan(replace(terms, shares=tuple(shares)), through):
        together[charge.full] = together.get(charge.full, 0) + charge.amount
    assert together == alone


@given(lines(), share_lists(), share_lists())
def test_payers_changed_after_billing_are_corrected_once(terms, before, after):
    through = terms.start.replace(year=terms.start.year + 1)
    held = hold(plan(replace(terms, shares=tuple(before)), through))
    changed = replace(terms, shares=tuple(after))
    corrections = plan(changed, through, held)
    assert plan(changed, through, hold(corrections, held)) == []
