"""What a whole period costs, and the rounding of a part of it."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.pricing import BASE, Part, Price, amount, flat, unit

CENT = Decimal("0.01")


@pytest.mark.parametrize(
    ("quantity", "unit_price", "discount", "part", "owed"),
    [
        pytest.param("3", "12.50", "0", "1", "37.50", id="quantity times price"),
        pytest.param("3", "12.50", "10", "1", "33.75", id="discount"),
        pytest.param("1", "99", "100", "1", "0", id="all discounted"),
        pytest.param("2.5", "0.333333", "0", "1", "0.83", id="price of six decimals"),
        pytest.param("0.3333", "100", "0", "1", "33.33", id="quantity that does not divide"),
        pytest.param("1", "0.125", "0", "1", "0.13", id="half a cent goes up"),
        pytest.param("-1", "0.125", "0", "1", "-0.13", id="credit of half a cent mirrors it"),
        pytest.param("1", "50", "0", "22/31", "35.48", id="50 a month from the 10th"),
        pytest.param("3", "33.335", "0", "1/2", "50.00", id="rounded once: quantity, price, part, then round"),
        pytest.param("1", "100", "0", "0", "0", id="nothing owed"),
    ],
)
def test_amount(quantity, unit_price, discount, part, owed):
    price = Price(Decimal(quantity), Decimal(unit_price), Decimal(discount))
    assert amount(price, CENT, Fraction(part)) == Decimal(owed)


def test_amount_in_a_currency_without_cents():
    assert amount(Price(Decimal(1), Decimal("1000")), Decimal(1), Fraction(1, 3)) == Decimal("333")


def test_flat_ignores_the_quantity_and_keeps_the_discount():
    assert flat(Price(Decimal(7), Decimal(100), Decimal(5))) == (
        Part(BASE, Price(Decimal(1), Decimal(100), Decimal(5))),
    )


def test_unit_keeps_the_price():
    price = Price(Decimal(7), Decimal(100), Decimal(5))
    assert unit(price) == (Part(BASE, price),)


@given(
    st.decimals(-1000, 1000, places=4),
    st.decimals(0, 10**6, places=6),
    st.decimals(0, 100, places=2),
    st.fractions(0, 1, max_denominator=366),
)
def test_amount_is_the_exact_product_rounded_once(quantity, unit_price, discount, part):
    exact = Fraction(quantity) * Fraction(unit_price) * (1 - Fraction(discount) / 100) * part
    rounded = amount(Price(quantity, unit_price, discount), CENT, part)
    assert rounded % CENT == 0
    assert abs(Fraction(rounded) - exact) <= Fraction(CENT) / 2
