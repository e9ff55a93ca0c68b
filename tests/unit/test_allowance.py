"""Hours banks: which credit is used first, what is left uncovered, what expires and what goes on."""

from decimal import Decimal

import pytest
from builders import FAR, day, hold, line, plan
from hypothesis import given
from hypothesis import strategies as st

from engine.allowance import Credit, alert_level, consume, roll_over
from engine.periods import IssueRule


def credit(key, left, since="2026-01-01", until=None):
    return Credit(key, Decimal(left), day(since), day(until) if until else None)


#   1: 5 h    |============================ ... without end
#   2: 3 h    |=================| 31/03
#   3: 4 h    |========| 31/01
#   4: 9 h             |======================| from 01/02, to 30/06
BANK = (
    credit(1, "5"),
    credit(2, "3", until="2026-03-31"),
    credit(3, "4", until="2026-01-31"),
    credit(4, "9", "2026-02-01", "2026-06-30"),
)


@pytest.mark.parametrize(
    ("on", "quantity", "taken", "left"),
    [
        pytest.param("2026-01-15", "3", {3: "3"}, "0", id="what expires first"),
        pytest.param("2026-01-15", "6", {3: "4", 2: "2"}, "0", id="then the next"),
        pytest.param("2026-01-15", "14", {3: "4", 2: "3", 1: "5"}, "2", id="all that is usable, and overage"),
        pytest.param("2026-01-31", "1", {3: "1"}, "0", id="on the last day still"),
        pytest.param("2026-02-01", "4", {2: "3", 4: "1"}, "0", id="expired the day after; usable from its first day"),
        pytest.param("2025-12-31", "1", {}, "1", id="before any credit"),
        pytest.param("2026-01-15", "0", {}, "0", id="nothing used"),
    ],
)
def test_the_credit_that_expires_first_is_used_first(on, quantity, taken, left):
    assert consume(BANK, Decimal(quantity), day(on)) == (
        [(key, Decimal(part)) for key, part in taken.items()],
        Decimal(left),
    )


@pytest.mark.parametrize(
    ("rule", "kept"), [("none", "0"), ("all", "7"), pytest.param("limited", "5", id="limited to 5")]
)
def test_what_goes_on_at_expiry(rule, kept):
    assert roll_over(Decimal(7), rule, Decimal(5)) == (Decimal(kept), 7 - Decimal(kept))


@pytest.mark.parametrize(
    ("used", "total", "level"),
    [("0", "10", 0), ("7.9", "10", 0), ("8", "10", 80), ("9.99", "10", 80), ("10", "10", 100), ("0", "0", 0)],
)
def test_alerts(used, total, level):
    assert alert_level(Decimal(used), Decimal(total)) == level


# 12 hours in January, of which the bank covers 10; 4 in February, all covered; none in March.
def test_the_covered_part_is_a_component_at_zero_and_the_rest_is_priced():
    terms = line(
        "2026-01-01",
        "2026-03-31",
        price="60",
        issue=IssueRule("arrears"),
        usage=((day("2026-01-10"), Decimal(12)), (day("2026-02-10"), Decimal(4))),
        covered=((day("2026-01-10"), Decimal(10)), (day("2026-02-10"), Decimal(4))),
    )
    charges = plan(terms, FAR)
    assert [(c.component, c.period.start.month, str(c.price.quantity), str(c.amount)) for c in charges] == [
        ("base", 1, "2", "120.00"),
        ("bank", 1, "10", "0.00"),
        ("base", 2, "0", "0.00"),
        ("bank", 2, "4", "0.00"),
        ("base", 3, "0", "0.00"),
    ]
    assert plan(terms, FAR, hold(charges)) == []


credits = st.lists(
    st.builds(
        Credit,
        st.integers(1, 99),
        st.decimals(0, 20, places=2),
        st.dates(day("2026-01-01"), day("2026-06-30")),
        st.none() | st.dates(day("2026-07-01"), day("2026-12-31")),
    ),
    max_size=6,
    unique_by=lambda c: c.key,
)


@given(credits, st.decimals(0, 100, places=2), st.dates(day("2026-01-01"), day("2026-12-31")))
def test_what_is_taken_and_what_is_left_make_the_whole(bank, quantity, on):
    taken, left = consume(bank, quantity, on)
    by_key = {c.key: c for c in bank}
    assert sum(part for _key, part in taken) + left == quantity
    assert all(0 < part <= by_key[key].left and by_key[key].is_usable(on) for key, part in taken)
    if left:
        assert sum(part for _key, part in taken) == sum(c.left for c in bank if c.is_usable(on))
