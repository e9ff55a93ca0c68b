from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.deduction import Sum, deductions, share

CENT = Decimal("0.01")


def money(net: str, tax: str) -> Sum:
    return Sum(Decimal(net), Decimal(tax))


@pytest.mark.parametrize(
    ("left", "room", "wanted", "expected"),
    [
        pytest.param({20: ("100", "20")}, {20: ("500", "100")}, None, {20: ("100", "20")}, id="all of it"),
        pytest.param({20: ("100", "20")}, {20: ("30", "6")}, None, {20: ("30", "6.00")}, id="small invoice"),
        pytest.param({20: ("100", "20")}, {20: ("30", "5.99")}, None, {20: ("30", "5.99")}, id="never below zero"),
        pytest.param({20: ("100", "20")}, {10: ("500", "50")}, None, {}, id="other rate"),
        pytest.param({20: ("100", "20")}, {20: ("-10", "-2")}, None, {}, id="negative invoice"),
        pytest.param({20: ("0", "0")}, {20: ("500", "100")}, None, {}, id="nothing left"),
        pytest.param({20: ("100", "20")}, {20: ("500", "100")}, "40", {20: ("33.33", "6.67")}, id="a third"),
        pytest.param({20: ("33.34", "6.66")}, {20: ("500", "100")}, None, {20: ("33.34", "6.66")}, id="last third"),
        pytest.param({20: ("100", "20")}, {20: ("500", "100")}, "500", {20: ("100", "20")}, id="more than there is"),
        pytest.param({20: ("100", "20")}, {20: ("500", "100")}, "0", {}, id="nothing wanted"),
        pytest.param(
            {20: ("100", "20"), 10: ("100", "10")},
            {20: ("500", "100"), 10: ("500", "50")},
            "115",
            {20: ("50.00", "10.00"), 10: ("50.00", "5.00")},
            id="two rates, half",
        ),
        pytest.param({0: ("100", "0")}, {0: ("40", "0")}, None, {0: ("40", "0")}, id="no VAT"),
    ],
)
def test_deductions(left, room, wanted, expected):
    found = deductions(
        {rate: money(*one) for rate, one in left.items()},
        {rate: money(*one) for rate, one in room.items()},
        wanted and Decimal(wanted),
        CENT,
    )
    assert found == {rate: money(*one) for rate, one in expected.items()}


@pytest.mark.parametrize(
    ("left", "invoices", "expected"),
    [("100", 3, "33.33"), ("66.67", 2, "33.34"), ("33.33", 1, None), ("10", 0, None), ("10", -2, None)],
)
def test_share(left, invoices, expected):
    assert share(Decimal(left), invoices, CENT) == (Decimal(expected) if expected else None)


cents = st.integers(min_value=1, max_value=10**7).map(lambda count: count * CENT)


@given(net=cents, rate=st.sampled_from(["0", "5.5", "10", "20"]), invoices=st.integers(min_value=1, max_value=12))
def test_shares_add_up_to_the_deposit(net, rate, invoices):
    """Whatever is rounded on the way, the invoices together deduct the deposit and its VAT to the cent."""
    tax = (net * Decimal(rate) / 100).quantize(CENT)
    room = {rate: Sum(10 * net, 10 * tax + 1)}
    left = whole = Sum(net, tax)
    for number in range(invoices):
        part = deductions({rate: left}, room, share(left.gross, invoices - number, CENT), CENT).get(rate)
        if part is not None:
            assert part.net > 0 and part.tax >= 0
            left = Sum(left.net - part.net, left.tax - part.tax)
    assert left == Sum(Decimal(0), Decimal(0)), whole


@given(left=cents, room=cents, wanted=st.none() | cents)
def test_never_more_than_is_left_or_fits(left, room, wanted):
    tax = (left / 5).quantize(CENT)
    part = deductions({"20": Sum(left, tax)}, {"20": Sum(room, (room / 5).quantize(CENT))}, wanted, CENT).get("20")
    if part is not None:
        assert part.net <= min(left, room)
        assert part.tax <= min(tax, (room / 5).quantize(CENT))
        assert wanted is None or part.gross <= wanted
