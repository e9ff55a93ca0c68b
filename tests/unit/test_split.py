"""Who pays what of a period: payers in their order, the customer the rest, and never more or less than the whole."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from builders import CENT, day, days
from hypothesis import given
from hypothesis import strategies as st

from engine.periods import Period
from engine.split import PayerPart, Share, Whole, overfull, split

JANUARY = days("2026-01-01", "2026-01-31")
FEBRUARY = days("2026-02-01", "2026-02-28")


def always(period: Period) -> list[Period]:
    """Service without an end or a pause."""
    return [period]


def during(start: str, end: str):
    """Service from `start` to `end` only."""
    served = days(start, end)
    return lambda period: [part for part in [period.intersection(served)] if part]


def share(number: int = 1, takes: str = "percent", rate: str = "50", **options) -> Share:
    for name in ("start", "end"):
        if name in options:
            options[name] = day(options[name])
    for name in ("max_quantity", "max_amount"):
        if name in options:
            options[name] = Decimal(options[name])
    return Share(number, takes, Decimal(rate), **options)


def parts(
    amount: str,
    *shares: Share,
    quantity: str | None = None,
    period: Period = JANUARY,
    service=always,
    uses: Sequence[tuple[str, str]] = (),
) -> list[PayerPart]:
    whole = Whole(Decimal(amount), None if quantity is None else Fraction(quantity))
    used = [(day(on), Decimal(count)) for on, count in uses]
    return split([whole], period, service, shares, CENT, used)[0]


def amounts(of: list[PayerPart]) -> dict[int | None, str]:
    return {part.share: str(part.amount) for part in of}


@pytest.mark.parametrize(
    ("amount", "shares", "expected"),
    [
        pytest.param("100.00", [], {None: "100.00"}, id="no payer"),
        pytest.param("100.00", [share(rate="30")], {1: "30.00", None: "70.00"}, id="percentage"),
        pytest.param("100.00", [share(rate="100")], {1: "100.00"}, id="full payer: nothing left"),
        pytest.param("100.00", [share(rate="0")], {None: "100.00"}, id="takes nothing"),
        pytest.param("0.01", [share(rate="50")], {1: "0.01"}, id="one cent goes to the first"),
        pytest.param(
            "100.00",
            [share(1, rate="33.3333"), share(2, rate="33.3333")],
            {1: "33.33", 2: "33.33", None: "33.34"},
            id="the cent left over goes to the largest remainder",
        ),
        pytest.param(
            "100.00",
            [share(1, rate="60"), share(2, rate="50", of_rest=True)],
            {1: "60.00", 2: "20.00", None: "20.00"},
            id="half of what the first left",
        ),
        pytest.param(
            "100.00",
            [share(2, rate="50", of_rest=True), share(1, rate="60")],
            {2: "50.00", 1: "50.00"},
            id="the other order: the second takes all that is left",
        ),
        pytest.param("-100.00", [share(rate="30")], {1: "-30.00", None: "-70.00"}, id="a discount is shared too"),
        pytest.param(
            "100.00", [share(rate="80", max_amount="50")], {1: "50.00", None: "50.00"}, id="money capped by month"
        ),
    ],
)
def test_parts_of_the_price(amount, shares, expected):
    assert amounts(parts(amount, *shares)) == expected


# 22 h done in January at 25.00; the plan gives 20 h a month and asks a participation of 4.50 for each.
#
#   payer     min(22, 20) × (25.00 − 4.50) = 410.00
#   customer  20 × 4.50 + 2 × 25.00        = 140.00
def test_hours_of_the_plan_at_the_tariff_less_the_participation():
    plan = share(takes="beyond", rate="4.50", max_quantity="20")
    taken, rest = parts("550.00", plan, quantity="22")
    assert (taken.amount, taken.units, rest.amount) == (Decimal("410.00"), 20, Decimal("140.00"))


@pytest.mark.parametrize(
    ("quantity", "amount", "shares", "expected"),
    [
        pytest.param("10", "250.00", [share(takes="unit", rate="12")], {1: "120.00", None: "130.00"}, id="each hour"),
        pytest.param(
            "10",
            "250.00",
            [share(takes="unit", rate="12", max_quantity="8")],
            {1: "96.00", None: "154.00"},
            id="hours capped",
        ),
        pytest.param(
            "10",
            "250.00",
            [share(takes="unit", rate="12", max_quantity="8", max_amount="90")],
            {1: "90.00", None: "160.00"},
            id="hours and money capped",
        ),
        pytest.param(
            "10", "100.00", [share(takes="unit", rate="12")], {1: "100.00"}, id="never more than the service costs"
        ),
        pytest.param(
            "10", "40.00", [share(takes="beyond", rate="4.50")], {None: "40.00"}, id="costs less than the participation"
        ),
        pytest.param(
            "30",
            "750.00",
            [share(1, max_quantity="20", rate="100"), share(2, takes="unit", rate="5", max_quantity="4")],
            {1: "500.00", 2: "20.00", None: "230.00"},
            id="two plans in their order",
        ),
        pytest.param(
            "10",
            "-50.00",
            [share(takes="unit", rate="12")],
            {None: "-50.00"},
            id="no amount per hour of a discount",
        ),
    ],
)
def test_parts_by_hour(quantity, amount, shares, expected):
    assert amounts(parts(amount, *shares, quantity=quantity)) == expected


def test_what_is_not_counted_in_hours_has_no_part_by_hour():
    assert amounts(parts("250.00", share(takes="unit", rate="12"))) == {None: "250.00"}
    assert amounts(parts("250.00", share(max_quantity="5"))) == {None: "250.00"}


# The payer changes in the month, 310.00 for 31 days:
#
#   01/01         15/01 16/01                    31/01
#     |====== 1 ======|============ 2 =============|
def test_the_payer_of_a_day_is_the_one_in_force_on_it():
    first, second = share(1, rate="100", end="2026-01-15"), share(2, rate="100", start="2026-01-16")
    taken = parts("310.00", first, second)
    assert [(part.share, part.period, str(part.amount)) for part in taken] == [
        (1, days("2026-01-01", "2026-01-15"), "150.00"),
        (2, days("2026-01-16", "2026-01-31"), "160.00"),
    ]


#   01/01      10/01 11/01                       31/01
#     |== customer ===|======== 1 and customer =====|
def test_a_payer_that_comes_later_pays_from_its_first_day():
    later, rest = parts("310.00", share(start="2026-01-11"))
    assert (later.period, later.amount) == (days("2026-01-11", "2026-01-31"), Decimal("105.00"))
    assert (rest.period, rest.amount) == (JANUARY, Decimal("205.00"))


#   01/01                     20/01 21/01   31/01
#     |========== 1 ===============| customer |
def test_the_customer_pays_for_the_days_left_to_it_alone():
    gone, rest = parts("310.00", share(rate="100", end="2026-01-20"))
    assert (gone.period, gone.amount) == (days("2026-01-01", "2026-01-20"), Decimal("200.00"))
    assert (rest.period, rest.amount) == (days("2026-01-21", "2026-01-31"), Decimal("110.00"))


def test_a_pause_counts_for_no_payer():
    # 1 pays to 10/01, then the customer; no service from 06/01 to 10/01: 5 days and 21 days of 26
    service = lambda period: [  # noqa: E731
        part
        for span in (("2026-01-01", "2026-01-05"), ("2026-01-11", "2026-01-31"))
        if (part := period.intersection(days(*span)))
    ]
    assert amounts(parts("260.00", share(rate="100", end="2026-01-10"), service=service)) == {
        1: "50.00",
        None: "210.00",
    }


# Ten hours a week at 20.00 for eight weeks, 4 h a week paid. Week of 29/12: 29-31/12 are before, of 26/01: to 01/02
# is served too.
#
#   Mo 29/12   05/01   12/01   19/01   26/01    01/02
#     |...1-4....|..4 h..|..4 h..|..4 h..|6 of 7 |
def test_a_cap_by_week_is_cut_with_the_month():
    cap = share(rate="100", max_quantity="4", per="week")
    taken, _rest = parts("886.00", cap, quantity="44.3")
    assert taken.units == 4 * (Fraction(4, 7) + 3 + Fraction(6, 7))


def test_weeks_of_two_months_together_give_the_cap_once():
    cap = share(rate="100", max_quantity="4", per="week")
    in_january, _rest = parts("620.00", cap, quantity="31")
    in_february, _rest = parts("560.00", cap, quantity="28", period=FEBRUARY)
    # 59 days from 01/01 to 28/02 are 8 whole weeks and the 3 days of the first that lie outside
    assert in_january.units + in_february.units == 4 * Fraction(59, 7)


def test_a_month_served_in_part_has_its_whole_cap():
    cap = share(rate="100", max_quantity="20")
    [taken] = parts("400.00", cap, quantity="16", service=during("2026-01-16", "2026-12-31"))
    assert taken.units == 16


def test_unused_hours_are_not_carried_over():
    # a quarter of 10 + 30 + 20 hours, 20 h a month: January's 10 unused ones are lost
    cap = share(rate="100", max_quantity="20")
    taken, _rest = parts(
        "600.00",
        cap,
        quantity="60",
        period=days("2026-01-01", "2026-03-31"),
        uses=[("2026-01-10", "10"), ("2026-02-10", "30"), ("2026-03-10", "20")],
    )
    assert (taken.units, taken.amount) == (50, Decimal("500.00"))


# Two hours a day in the week of 26/01, paid up to 8 h a week:
#
#   26  27  28  29  30  31 | 01/02
#    2   2   2   -   -   - |  3
def test_hours_of_the_days_before_count_against_their_week():
    cap = share(rate="100", max_quantity="8", per="week")
    uses = [("2026-01-26", "2"), ("2026-01-27", "2"), ("2026-01-28", "2"), ("2026-02-01", "3")]
    taken, rest = parts("60.00", cap, quantity="3", period=FEBRUARY, uses=uses)
    assert (taken.units, rest.amount) == (2, Decimal("20.00"))


def test_the_components_of_a_period_share_one_cap():
    cap = share(rate="100", max_quantity="15")
    wholes = [Whole(Decimal("100.00"), Fraction(10)), Whole(Decimal("80.00"), Fraction(10)), Whole(Decimal("30.00"))]
    first, second, fee = split(wholes, JANUARY, always, [cap], CENT)
    assert (amounts(first), amounts(second)) == ({1: "100.00"}, {1: "40.00", None: "40.00"})
    assert amounts(fee) == {None: "30.00"}


def test_a_free_period_is_nobodys():
    assert amounts(parts("0.00", share())) == {None: "0.00"}


@pytest.mark.parametrize(
    ("shares", "guilty"),
    [
        pytest.param([share(1, rate="60"), share(2, rate="40")], None, id="exactly the whole"),
        pytest.param([share(1, rate="60"), share(2, rate="40.01")], 2, id="a little more than the whole"),
        pytest.param(
            [share(1, rate="100", end="2026-01-31"), share(2, rate="100", start="2026-02-01")],
            None,
            id="one after the other",
        ),
        pytest.param(
            [share(1, rate="100", end="2026-02-01"), share(2, rate="100", start="2026-02-01")], 2, id="on one day"
        ),
        pytest.param([share(1, rate="80"), share(2, rate="100", of_rest=True)], None, id="all of what is left"),
        pytest.param([share(1, rate="100"), share(2, takes="unit", rate="3")], None, id="amounts take what is left"),
    ],
)
def test_more_than_the_whole_is_found(shares, guilty):
    found = overfull(shares)
    assert (found and found.share) == guilty


def test_a_share_over_the_whole_is_refused_by_name():
    with pytest.raises(ValueError, match=r"share 7 takes 100\.5 %"):
        share(7, rate="100.5")
    with pytest.raises(ValueError, match="share 7 has a negative rate or cap"):
        share(7, rate="-1")


rates = st.decimals(0, 100, places=2)
caps = st.none() | st.decimals(0, 500, places=2)
starts = st.just(date.min) | st.dates(day("2025-12-01"), day("2026-04-30"))


@st.composite
def share_lists(draw) -> list[Share]:
    result = []
    for number in range(1, draw(st.integers(0, 4)) + 1):
        start = draw(starts)
        ends = draw(st.booleans())
        result.append(
            Share(
                number,
                draw(st.sampled_from(["percent", "unit", "beyond"])),
                draw(rates),
                start,
                max(start, day("2025-12-15")) + timedelta(days=draw(st.integers(0, 120))) if ends else None,
                of_rest=draw(st.booleans()),
                max_quantity=draw(caps),
                max_amount=draw(caps),
                per=draw(st.sampled_from(["week", "month"])),
            )
        )
    return result


@given(
    shares=share_lists(),
    amount=st.decimals(-5000, 5000, places=2),
    quantity=st.none() | st.decimals("0.1", 200, places=2),
    period=st.sampled_from([JANUARY, FEBRUARY, days("2026-01-01", "2026-03-31"), days("2026-01-15", "2026-02-14")]),
    uses=st.lists(st.tuples(st.dates(day("2025-12-20"), day("2026-03-31")), st.decimals(0, 12, places=2)), max_size=8),
)
def test_the_parts_sum_to_the_whole(shares, amount, quantity, period, uses):
    whole = Whole(amount, None if quantity is None else Fraction(quantity))
    [of_whole] = split([whole], period, always, shares, CENT, uses)
    assert sum((part.amount for part in of_whole), Decimal(0)) == amount
    assert all((part.amount >= 0) == (amount >= 0) for part in of_whole)
    assert len({part.share for part in of_whole}) == len(of_whole)
    for part in of_whole:
        assert part.amount == part.amount.quantize(CENT)
        assert period.start <= part.period.start <= part.period.end <= period.end
