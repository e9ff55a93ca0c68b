from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.collection import Band, collect, due_when_paid

CENT = Decimal("0.01")


def bands(*rows):
    return [Band(Decimal(str(rate)), Decimal(str(gross)), due) for rate, gross, due in rows]


def decimals(*amounts):
    return [Decimal(str(amount)) for amount in amounts]


NOTHING = decimals(0, 0, 0)


@pytest.mark.parametrize(
    ("story", "table", "before", "payment", "expected"),
    [
        ("all at once", [(20, 120, True)], [0], 120, [120]),
        ("half", [(20, 120, True)], [0], 60, [60]),
        ("two rates, pro rata", [(20, 120, True), (10, 110, True)], [0, 0], 115, [60, 55]),
        (
            "a third of odd cents",
            [(20, 100, True), (10, 100, True), (5.5, 100, True)],
            [0, 0, 0],
            100,
            [33.34, 33.33, 33.33],
        ),
        ("the last payment leaves nothing", [(20, 100, True), (10, 0.01, True)], [50, 0], 50.01, [50, 0.01]),
        ("goods on debits share the payment", [(20, 120, True), (20, 120, False)], [0, 0], 60, [30, 30]),
        ("a rate of discounts alone", [(20, 120, True), (10, -11, True)], [0, 0], 109, [120, -11]),
        ("half of that", [(20, 120, True), (10, -11, True)], [0, 0], 54.5, [60, -5.5]),
        ("more than is left", [(20, 120, True), (10, 110, True)], [120, 110], 23, [12, 11]),
    ],
)
def test_collect(story, table, before, payment, expected):
    assert collect(bands(*table), decimals(*before), Decimal(str(payment)), CENT) == decimals(*expected), story


def test_nothing_to_collect():
    with pytest.raises(ValueError, match="worth nothing"):
        collect(bands((20, 0, True)), [Decimal(0)], Decimal(0), CENT)


def test_due_when_paid_keeps_what_is_on_payment_and_taxed():
    table = bands((20, 120, True), (20, 60, True), (20, 30, False), (0, 50, True), (10, 0, True))
    assert due_when_paid(table, decimals(12, 6, 3, 5, 0)) == {Decimal(20): Decimal(18)}


cents = st.integers(min_value=1, max_value=10**7).map(lambda n: n * CENT)


@given(st.lists(cents, min_size=1, max_size=5), st.lists(st.integers(1, 100), min_size=1, max_size=8))
def test_partial_payments_add_up_to_the_table(grosses, weights):
    """Whatever the instalments, each is shared to the cent, no band ever gives too much, all give all at last."""
    table = [Band(Decimal(20), gross, True) for gross in grosses]
    left, total = sum(grosses), sum(grosses)
    sums = [Decimal(0)] * len(table)
    for number, weight in enumerate(weights):
        last = number == len(weights) - 1
        payment = left if last else min(left, (total * weight / sum(weights)).quantize(CENT))
        if not payment:
            continue
        parts = collect(table, sums, payment, CENT)
        assert sum(parts) == payment
        sums = [one + part for one, part in zip(sums, parts, strict=True)]
        assert all(0 <= one <= gross for one, gross in zip(sums, grosses, strict=True))
        left -= payment
    assert sums == grosses
