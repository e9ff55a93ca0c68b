"""Price revision by index: the formulas of French service contracts, with their rounding and bounds."""

from decimal import ROUND_HALF_UP, ROUND_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.indexation import Clause, revise


def clause(fixed: str, *terms: tuple[str, str], **options) -> Clause:
    return Clause(Decimal(fixed), tuple((name, Decimal(weight)) for name, weight in terms), **options)


def values(**named: str) -> dict[str, Decimal]:
    return {name: Decimal(value) for name, value in named.items()}


# P = P0 × (0.15 + 0.85 × 130.5 / 121.2), the index of engineering
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"digits": 6}, "1.065223", id="six digits"),
        pytest.param({"digits": 3}, "1.065", id="to the nearest thousandth"),
        pytest.param({"digits": 3, "rounding": ROUND_UP}, "1.066", id="up to the thousandth"),
        pytest.param({"ratio_digits": 3, "digits": 4}, "1.0655", id="each quotient rounded first"),
        pytest.param({"digits": 3, "cap": Decimal("1.05")}, "1.05", id="capped"),
        pytest.param({"digits": 3, "floor": Decimal("1.1")}, "1.1", id="floor"),
    ],
)
def test_index_of_engineering(options, expected):
    revision = revise(Decimal(1000), clause("0.15", ("S", "0.85"), **options), values(S="121.2"), values(S="130.5"))
    assert revision.coefficient == Decimal(expected)
    assert revision.price == 1000 * Decimal(expected)


# P = P0 × (0.125 + 0.875 × (0.80 S/S0 + 0.075 O/O0 + 0.125 F/F0))
def test_several_indices():
    formula = clause("0.125", ("S", "0.7"), ("O", "0.065625"), ("F", "0.109375"), digits=4)
    revision = revise(Decimal(200), formula, values(S="100", O="110", F="120"), values(S="104", O="121", F="126"))
    assert dict(revision.ratios) == {"S": Decimal("1.04"), "O": Decimal("1.1"), "F": Decimal("1.05")}
    assert revision.coefficient == Decimal("1.0400")


def test_prices_go_down_as_well():
    revision = revise(Decimal(100), clause("0", ("S", "1")), values(S="125"), values(S="120"))
    assert (revision.coefficient, revision.price) == (Decimal("0.96"), Decimal("96.00"))


def test_the_coefficient_before_the_bounds_is_told():
    revision = revise(Decimal(100), clause("0", ("S", "1"), cap=Decimal("1.03")), values(S="100"), values(S="108"))
    assert (revision.computed, revision.coefficient) == (Decimal("1.08"), Decimal("1.03"))


@pytest.mark.parametrize(
    ("fixed", "weights", "message"),
    [
        ("0.15", ["0.5", "0.3", "0.2"], "must sum to 1, not to 1.15"),
        ("0", [], "must sum to 1, not to 0"),
    ],
)
def test_weights_must_sum_to_one(fixed, weights, message):
    with pytest.raises(ValueError, match=message):
        clause(fixed, *((f"I{n}", weight) for n, weight in enumerate(weights)))


def test_a_floor_above_the_cap_is_refused():
    with pytest.raises(ValueError, match=r"floor 1.1 is above the cap 1.05"):
        clause("0", ("S", "1"), cap=Decimal("1.05"), floor=Decimal("1.1"))


@pytest.mark.parametrize(
    ("base", "current", "message"),
    [
        ({}, {"S": "1"}, "no value of the index S"),
        ({"S": "1"}, {}, "no value of the index S"),
        ({"S": "0"}, {"S": "1"}, "must be above zero"),
    ],
)
def test_missing_values_are_named(base, current, message):
    with pytest.raises(ValueError, match=message):
        revise(Decimal(1), clause("0", ("S", "1")), values(**base), values(**current))


weights = st.integers(0, 100).map(lambda n: Decimal(n) / 100)
indices = st.decimals("50", "250", places=1)


@given(weights, indices, indices, st.integers(2, 6))
def test_a_coefficient_lies_between_one_and_the_quotient(fixed, base, current, digits):
    formula = Clause(fixed, (("S", 1 - fixed),), digits=digits, rounding=ROUND_HALF_UP)
    revision = revise(Decimal(100), formula, {"S": base}, {"S": current})
    low, high = sorted((Decimal(1), current / base))
    margin = Decimal(1).scaleb(-digits)
    assert low - margin <= revision.coefficient <= high + margin


@given(weights, indices)
def test_an_index_that_stood_still_changes_nothing(fixed, value):
    revision = revise(Decimal("12.34"), Clause(fixed, (("S", 1 - fixed),)), {"S": value}, {"S": value})
    assert revision.price == Decimal("12.34")
