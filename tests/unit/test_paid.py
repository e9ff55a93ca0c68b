"""What payments pay of a part of an invoice."""

from decimal import Decimal

import pytest
from builders import CENT
from hypothesis import given
from hypothesis import strategies as st

from engine.paid import paid_of


@pytest.mark.parametrize(
    ("part", "total", "payments", "expected"),
    [
        pytest.param("100", "100", ["100"], ["100.00"], id="all at once"),
        pytest.param("100", "100", ["33.33", "33.33", "33.34"], ["33.33", "33.33", "33.34"], id="in three parts"),
        pytest.param("100", "120", ["60", "60"], ["50.00", "50.00"], id="pro rata of a mixed invoice"),
        pytest.param("10", "30", ["10", "10", "10"], ["3.33", "3.34", "3.33"], id="the cents add up to the part"),
        pytest.param("100", "100", ["150"], ["100.00"], id="more than the invoice"),
        pytest.param("100", "100", ["100", "-100"], ["100.00", "-100.00"], id="paid and sent back"),
        pytest.param("100", "70", ["70"], ["70.00"], id="never more than the invoice asks"),
        pytest.param("0", "70", ["70"], ["0"], id="nothing of the kind on the invoice"),
        pytest.param("50", "0", ["70"], ["0"], id="an invoice of nothing"),
    ],
)
def test_what_each_payment_pays(part, total, payments, expected):
    paid = paid_of(Decimal(part), Decimal(total), [Decimal(payment) for payment in payments], CENT)
    assert [str(amount) for amount in paid] == expected


amounts = st.decimals("0.01", 5000, places=2)


@given(st.lists(amounts, min_size=1, max_size=6), st.decimals(0, 1, places=4))
def test_paid_in_full_pays_exactly_the_part(payments, ratio):
    total = sum(payments, Decimal(0))
    part = (total * ratio).quantize(CENT)
    assert sum(paid_of(part, total, payments, CENT), Decimal(0)) == part
