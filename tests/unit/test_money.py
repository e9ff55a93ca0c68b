"""Rounding and sharing of amounts."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.money import allocate, round_to

CENT = Decimal("0.01")

cents = st.integers(-10_000_000, 10_000_000).map(lambda n: n * CENT)
weights = st.lists(st.integers(0, 5000).map(lambda n: n / Decimal(100)), min_size=1, max_size=8).filter(any)


@pytest.mark.parametrize(
    ("amount", "unit", "rounded"),
    [
        pytest.param("35.4838709", "0.01", "35.48", id="down"),
        pytest.param("27.0967741", "0.01", "27.10", id="up"),
        pytest.param("2.675", "0.01", "2.68", id="half goes away from zero"),
        pytest.param("-2.675", "0.01", "-2.68", id="negative half goes away from zero"),
        pytest.param("2.665", "0.01", "2.67", id="half of an even cent goes up too"),
        pytest.param("1.02", "0.05", "1.00", id="Swiss five cents, down"),
        pytest.param("1.025", "0.05", "1.05", id="Swiss five cents, half"),
        pytest.param("1234.5", "1", "1235", id="yen"),
        pytest.param("0.0005", "0.001", "0.001", id="dinar"),
        pytest.param("12.30", "0.01", "12.30", id="nothing to round"),
    ],
)
def test_round_to(amount, unit, rounded):
    assert round_to(Decimal(amount), Decimal(unit)) == Decimal(rounded)


@pytest.mark.parametrize("amount", ["-0.001", "-0.00", "0"])
def test_nothing_has_no_sign(amount):
    assert str(round_to(Decimal(amount), CENT)) == "0.00"


@given(st.decimals(-(10**9), 10**9, places=6), st.sampled_from(["0.01", "0.05", "1", "0.001"]).map(Decimal))
def test_rounded_is_the_nearest_multiple(amount, unit):
    rounded = round_to(amount, unit)
    assert rounded % unit == 0
    assert abs(rounded - amount) <= unit / 2
    assert round_to(rounded, unit) == rounded
    assert round_to(-amount, unit) == -rounded


@pytest.mark.parametrize(
    ("amount", "shares", "parts"),
    [
        pytest.param("100", ["1", "1", "1"], ["33.34", "33.33", "33.33"], id="thirds: equal remainders in order"),
        pytest.param("0.05", ["1", "1"], ["0.03", "0.02"], id="odd cent goes first"),
        pytest.param("10", ["1", "2", "4"], ["1.43", "2.86", "5.71"], id="largest remainders 0.71 and 0.57 first"),
        pytest.param("-100", ["1", "1", "1"], ["-33.34", "-33.33", "-33.33"], id="credit mirrors the debit"),
        pytest.param("12.34", ["0", "1", "0"], ["0", "12.34", "0"], id="no weight, no part"),
        pytest.param("0", ["2", "3"], ["0", "0"], id="nothing to share"),
        pytest.param("0.01", ["1", "1", "1"], ["0.01", "0", "0"], id="less than there are parts"),
        pytest.param("1.005", ["0", "1", "1"], ["0", "0.505", "0.50"], id="finer than a cent: first with a weight"),
        pytest.param("0.30", ["14", "32", "6"], ["0.08", "0.19", "0.03"], id="equal remainders of unequal shares"),
        pytest.param("1000", ["0.333", "0.667"], ["333", "667"], id="percentages"),
    ],
)
def test_allocate(amount, shares, parts):
    assert allocate(Decimal(amount), [Decimal(s) for s in shares], CENT) == [Decimal(p) for p in parts]


def test_allocate_in_another_unit():
    assert allocate(Decimal("1"), [Decimal(1)] * 3, Decimal("0.05")) == [
        Decimal("0.35"),
        Decimal("0.35"),
        Decimal("0.30"),
    ]


@pytest.mark.parametrize("bad", [[], ["0", "0"], ["1", "-1", "5"], ["-1"]], ids=["none", "zeros", "mixed", "negative"])
def test_impossible_weights_are_refused(bad):
    with pytest.raises(ValueError, match="weights"):
        allocate(Decimal(10), [Decimal(w) for w in bad], CENT)


@given(cents, weights)
def test_parts_sum_exactly_and_stay_within_one_unit_of_their_share(amount, weights):
    parts = allocate(amount, weights, CENT)
    assert sum(parts) == amount
    total = sum(map(Fraction, weights))
    for part, weight in zip(parts, weights, strict=True):
        assert part % CENT == 0
        assert abs(Fraction(part) - Fraction(amount) * Fraction(weight) / total) < Fraction(CENT)
        assert weight or not part


@given(cents, weights)
def test_the_largest_remainders_are_rounded_away_from_zero_in_the_order_given(amount, weights):
    total = sum(map(Fraction, weights))
    shares = [abs(Fraction(amount)) * Fraction(weight) / total / Fraction(CENT) for weight in weights]
    parts = [abs(part) / CENT for part in allocate(amount, weights, CENT)]
    ranks = [(-(share % 1), position) for position, share in enumerate(shares)]
    served = [rank for rank, part, share in zip(ranks, parts, shares, strict=True) if part > share]
    assert sorted(served) == sorted(ranks)[: len(served)]


@given(cents, weights)
def test_a_credit_is_shared_as_the_debit_was(amount, weights):
    assert allocate(-amount, weights, CENT) == [-part for part in allocate(amount, weights, CENT)]


@given(cents, weights, st.randoms(use_true_random=False))
def test_shares_do_not_depend_on_the_order_save_for_ties(amount, weights, random):
    total = sum(map(Fraction, weights))
    remainders = {Fraction(amount) * Fraction(weight) / total % Fraction(CENT) for weight in weights}
    assume(len(remainders) == len(weights))
    shuffled = list(weights)
    random.shuffle(shuffled)
    assert sorted(allocate(amount, shuffled, CENT)) == sorted(allocate(amount, weights, CENT))


@given(st.decimals(-(10**6), 10**6, places=5), weights)
def test_parts_sum_exactly_even_for_an_amount_finer_than_the_unit(amount, weights):
    assert sum(allocate(amount, weights, CENT)) == amount
