"""Prices that depend on the quantity: tiers by slice, tiers by volume, lots, and instalments of a year's budget."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.pricing import (
    Price,
    Tariff,
    Tier,
    by_package,
    by_slice,
    by_volume,
    graduated,
    instalment,
    lots,
    package,
    slices,
    volume,
)

CENT = Decimal("0.01")


def tier(up_to, price, fee="0"):
    return Tier(Decimal(up_to) if up_to else None, Decimal(price), Decimal(fee))


# 1.00 for the first 100, 0.50 for the next 100, 0.10 after.
THREE = (tier("100", "1"), tier("200", "0.50"), tier(None, "0.10"))
# The same with a fee of 10, 20 and 30 as soon as the tier is reached.
WITH_FEES = (tier("100", "1", "10"), tier("200", "0.50", "20"), tier(None, "0.10", "30"))


@pytest.mark.parametrize(
    ("quantity", "by_slices", "by_volumes"),
    [
        pytest.param("0", "0", "0", id="nothing"),
        pytest.param("1", "1", "1", id="first unit"),
        pytest.param("100", "100", "100", id="the bound belongs to its tier"),
        pytest.param("100.01", "100.005", "50.005", id="just beyond the bound"),
        pytest.param("200", "150", "100", id="second bound"),
        pytest.param("250", "155", "25", id="into the last tier"),
    ],
)
def test_graduated_and_volume(quantity, by_slices, by_volumes):
    assert graduated(Decimal(quantity), THREE) == Decimal(by_slices)
    assert volume(Decimal(quantity), THREE) == Decimal(by_volumes)


@pytest.mark.parametrize(
    ("quantity", "by_slices", "by_volumes"),
    [
        pytest.param("0", "0", "0", id="no tier reached, no fee"),
        pytest.param("100", "110", "110", id="first fee"),
        pytest.param("101", "130.50", "70.50", id="second fee: on top by slices, instead by volume"),
        pytest.param("300", "220", "60", id="all fees, or the last one"),
    ],
)
def test_a_flat_fee_is_due_once_its_tier_is_reached(quantity, by_slices, by_volumes):
    assert graduated(Decimal(quantity), WITH_FEES) == Decimal(by_slices)
    assert volume(Decimal(quantity), WITH_FEES) == Decimal(by_volumes)


def test_blocks_of_ten_minutes():
    """1 500 minutes are 150 blocks: 100 at 1 and 50 at 0.50."""
    assert graduated(Decimal(1500) / 10, (tier("100", "1"), tier(None, "0.50"))) == 125


@pytest.mark.parametrize(
    ("quantity", "count", "cost"),
    [
        pytest.param("0", "0", "0", id="nothing"),
        pytest.param("100", "0", "0", id="all of it is free"),
        pytest.param("100.5", "1", "5", id="a lot begun is a lot"),
        pytest.param("200", "1", "5", id="one lot"),
        pytest.param("201", "2", "10", id="a second one"),
    ],
)
def test_package_of_100_with_100_free(quantity, count, cost):
    assert lots(Decimal(quantity), Decimal(100), Decimal(100)) == Decimal(count)
    assert package(Decimal(quantity), Decimal(100), Decimal(5), Decimal(100)) == Decimal(cost)


@pytest.mark.parametrize(
    ("tiers", "message"),
    [
        pytest.param((), None, id="none: nothing to check"),
        pytest.param((tier("100", "1"),), "no upper bound", id="the last tier is bounded"),
        pytest.param((tier(None, "1"), tier(None, "2")), "only the last", id="an inner tier is open"),
        pytest.param((tier("100", "1"), tier("100", "2"), tier(None, "3")), "must rise", id="two equal bounds"),
        pytest.param((tier("0", "1"), tier(None, "3")), "must rise", id="an empty first tier"),
    ],
)
def test_tiers_that_leave_no_gap(tiers, message):
    if message:
        with pytest.raises(ValueError, match=message):
            Tariff(tiers=tiers)
    else:
        assert Tariff(tiers=tiers).tiers == ()


def test_what_cannot_be_priced_is_refused():
    with pytest.raises(ValueError, match="cannot be"):
        graduated(Decimal(-1), THREE)
    with pytest.raises(ValueError, match="no tier"):
        graduated(Decimal(5), (tier("4", "1"),))
    with pytest.raises(ValueError, match="a lot"):
        Tariff(package_size=Decimal(0))


def test_each_slice_and_each_fee_is_a_component():
    parts = by_slice(Price(Decimal(150), Decimal(0), Decimal(5)), Tariff(tiers=WITH_FEES))
    assert [(part.component, part.price.quantity, part.price.unit_price, part.price.discount) for part in parts] == [
        ("tier:1", 100, 1, 5),
        ("fee:1", 1, 10, 5),
        ("tier:2", 50, Decimal("0.50"), 5),
        ("fee:2", 1, 20, 5),
    ]


def test_volume_is_one_component_whichever_tier_it_reaches():
    parts = by_volume(Price(Decimal(150), Decimal(0)), Tariff(tiers=WITH_FEES))
    assert [(part.component, part.price.quantity, part.price.unit_price) for part in parts] == [
        ("base", 150, Decimal("0.50")),
        ("fee:2", 1, 20),
    ]


@pytest.mark.parametrize("priced", [by_slice, by_volume])
def test_nothing_measured_is_a_component_at_zero(priced):
    assert [(part.component, part.price.quantity) for part in priced(Price(Decimal(0), Decimal(0)), Tariff(THREE))] == [
        ("base", 0)
    ]


def test_a_lot_is_the_unit_of_a_package():
    tariff = Tariff(package_size=Decimal(100), free_units=Decimal(100))
    (part,) = by_package(Price(Decimal(350), Decimal(5)), tariff)
    assert part.price == Price(Decimal(3), Decimal(5))


@pytest.mark.parametrize(
    ("budget", "of_year", "equal", "last"),
    [
        pytest.param("1000", 12, "83.33", "83.37", id="a twelfth, rounded down"),
        pytest.param("1100", 12, "91.67", "91.63", id="a twelfth, rounded up"),
        pytest.param("1200", 12, "100.00", "100.00", id="no cents left"),
        pytest.param("1000", 4, "250.00", "250.00", id="by the quarter"),
        pytest.param("999.99", 2, "500.00", "499.99", id="half a cent"),
        pytest.param("1000", 1, None, "1000.00", id="by the year"),
    ],
)
def test_the_last_instalment_of_the_year_absorbs_the_cents(budget, of_year, equal, last):
    paid = [instalment(Decimal(budget), of_year, number, CENT) for number in range(2 * of_year)]
    assert paid[:of_year] == paid[of_year:] == [Decimal(equal or 0)] * (of_year - 1) + [Decimal(last)]
    assert sum(paid) == 2 * Decimal(budget)


@st.composite
def tariffs(draw) -> tuple[Tier, ...]:
    bounds = sorted(draw(st.sets(st.integers(1, 500), max_size=5)))
    prices = st.decimals(0, 100, places=3)
    return tuple(Tier(bound, draw(prices), draw(prices)) for bound in [*map(Decimal, bounds), None])


quantities = st.decimals(0, 1000, places=3)


@given(quantities, tariffs())
def test_slices_sum_to_the_whole(quantity, tiers):
    cut = slices(quantity, tiers)
    assert sum(one.quantity for one in cut) == quantity
    assert all(one.quantity > 0 for one in cut)
    parts = by_slice(Price(quantity, Decimal(0)), Tariff(tiers))
    assert sum(part.price.quantity * part.price.unit_price for part in parts) == graduated(quantity, tiers)


@given(quantities, quantities, tariffs())
def test_more_by_slices_never_costs_less(some, more, tiers):
    assert graduated(min(some, more), tiers) <= graduated(max(some, more), tiers)


@given(quantities, tariffs())
def test_one_tier_costs_the_same_by_slices_and_by_volume(quantity, tiers):
    assert graduated(quantity, tiers[-1:]) == volume(quantity, tiers[-1:])


@given(quantities, quantities, st.integers(1, 50), st.decimals(0, 100, places=2), st.integers(0, 50))
def test_more_by_lots_never_costs_less_and_no_lot_is_empty(some, more, size, price, free):
    less, greater = (package(q, Decimal(size), price, Decimal(free)) for q in sorted((some, more)))
    assert less <= greater
    count = lots(some, Decimal(size), Decimal(free))
    assert (count - 1) * size < max(some - free, 0) <= count * size or count == 0


@given(st.decimals(0, 10**6, places=2), st.sampled_from([1, 2, 3, 4, 6, 12]))
def test_instalments_sum_to_the_budget(budget, of_year):
    assert sum(instalment(budget, of_year, number, CENT) for number in range(of_year)) == budget
