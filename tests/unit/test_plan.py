"""One line, nothing billed yet: which periods, how much, and when."""

from decimal import Decimal
from fractions import Fraction

import pytest
from builders import FAR, day, days, line, plan, ratios, summary

from engine.periods import IssueRule, Recurrence
from engine.plan import build_plan
from engine.pricing import Price


def quarterly(anchor: str) -> Recurrence:
    return Recurrence("month", 3, day(anchor))


@pytest.mark.parametrize(
    ("terms", "through", "expected"),
    [
        #  |---------======================|===============================|
        # 01/08    10/08               31/08                           30/09
        pytest.param(
            line("2026-08-10", price="50"),
            "2026-09-01",
            [
                ("prorated", "2026-08-10", "2026-08-31", "35.48"),
                ("whole", "2026-09-01", "2026-09-30", "50.00"),
            ],
            id="leading",
        ),
        #  |===============================|=========----------------------|
        # 01/01                        31/01     10/02
        pytest.param(
            line("2026-01-01", "2026-02-10", price="28"),
            "2026-12-31",
            [
                ("whole", "2026-01-01", "2026-01-31", "28.00"),
                ("prorated", "2026-02-01", "2026-02-10", "10.00"),
            ],
            id="trailing",
        ),
        #  |---------===========-----------|
        # 01/01    10/01     20/01     31/01
        pytest.param(
            line("2026-01-10", "2026-01-20"),
            "2026-12-31",
            [("prorated", "2026-01-10", "2026-01-20", "11.00")],
            id="double",
        ),
        pytest.param(
            line("2024-02-15", "2024-02-29", price="29"),
            "2024-12-31",
            [("prorated", "2024-02-15", "2024-02-29", "15.00")],
            id="leap year",
        ),
        #   31/01          28/02          31/03          30/04
        #     |======1=======|======2=======|======3=======|
        pytest.param(
            line("2026-01-31", recurrence=Recurrence("month", 1, day("2026-01-31"))),
            "2026-03-31",
            [
                ("whole", "2026-01-31", "2026-02-27", "31.00"),
                ("whole", "2026-02-28", "2026-03-30", "31.00"),
                ("whole", "2026-03-31", "2026-04-29", "31.00"),
            ],
            id="31st",
        ),
        pytest.param(
            line("2026-02-15", price="30", basis="thirty"),
            "2026-02-28",
            [("prorated", "2026-02-15", "2026-02-28", "16.00")],
            id="thirty",
        ),
        pytest.param(
            line(
                "2026-08-12",
                "2026-08-18",
                price="7",
                basis="thirty",
                recurrence=Recurrence("week", 1, day("2026-08-10")),
            ),
            "2026-12-31",
            [
                ("prorated", "2026-08-12", "2026-08-16", "5.00"),
                ("prorated", "2026-08-17", "2026-08-18", "2.00"),
            ],
            id="weeks count actual days whatever the basis",
        ),
        pytest.param(
            line("2026-02-15", price="900", recurrence=quarterly("2026-01-01")),
            "2026-04-01",
            [
                ("prorated", "2026-02-15", "2026-03-31", "450.00"),
                ("whole", "2026-04-01", "2026-06-30", "900.00"),
            ],
            id="calendar quarter",
        ),
        pytest.param(
            line("2026-07-01", "2026-12-31", price="365", recurrence=Recurrence("year", 1, day("2026-01-01"))),
            "2026-12-31",
            [("prorated", "2026-07-01", "2026-12-31", "184.00")],
            id="calendar year",
        ),
        pytest.param(
            line("2026-01-01", "2026-01-31", price="0"),
            "2026-12-31",
            [("free", "2026-01-01", "2026-01-31", "0.00")],
            id="free of charge is still told",
        ),
        pytest.param(
            line("2026-01-01", "2026-01-31", price="80", quantity="0.3333"),
            "2026-12-31",
            [("whole", "2026-01-01", "2026-01-31", "26.66")],
            id="quantity that does not divide",
        ),
        pytest.param(
            line("2026-01-01", "2026-01-31", price="80", quantity="3", pricing="flat"),
            "2026-12-31",
            [("whole", "2026-01-01", "2026-01-31", "80.00")],
            id="flat, whatever the quantity",
        ),
    ],
)
def test_charges(terms, through, expected):
    assert summary(plan(terms, through)) == expected


@pytest.mark.parametrize(
    ("rule", "through", "starts"),
    [
        pytest.param(IssueRule("advance", "day_before", day=25), "2026-11-24", ["2026-11-01"], id="le 24: not yet"),
        pytest.param(
            IssueRule("advance", "day_before", day=25),
            "2026-11-25",
            ["2026-11-01", "2026-12-01"],
            id="le 25: December",
        ),
        pytest.param(IssueRule("arrears"), "2026-11-29", [], id="arrears: not yet"),
        pytest.param(IssueRule("arrears"), "2026-11-30", ["2026-11-01"], id="arrears: on the last day"),
        pytest.param(IssueRule("arrears", "day_before", day=25), "2026-11-25", ["2026-11-01"], id="arrears, le 25"),
        pytest.param(
            IssueRule("advance", "offset", -10),
            "2026-11-21",
            ["2026-11-01", "2026-12-01"],
            id="ten days ahead",
        ),
    ],
)
def test_what_may_be_billed(rule, through, starts):
    charges = plan(line("2026-11-01", issue=rule), through)
    assert [charge.period.start.isoformat() for charge in charges] == starts


def test_a_partial_period_in_arrears_is_due_on_its_last_day_of_service():
    terms = line("2026-01-01", "2026-01-10", issue=IssueRule("arrears"))
    assert [charge.issue for charge in plan(terms, FAR)] == [day("2026-01-10")]


# A line from 10/01 to 20/02:
#
#   01/01     10/01              31/01|01/02         20/02      28/02
#     |---------==================|====================----------|
@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("prorate", "prorate", ["22/31", "20/28"]),
        ("full", "prorate", ["1", "20/28"]),
        ("free", "prorate", ["0", "20/28"]),
        ("prorate", "full", ["22/31", "1"]),
        ("prorate", "free", ["22/31", "0"]),
        ("full", "full", ["1", "1"]),
        ("free", "free", ["0", "0"]),
    ],
)
def test_policies_for_the_first_and_last_period(first, last, expected):
    charges = plan(line("2026-01-10", "2026-02-20", first_partial=first, last_partial=last), FAR)
    assert ratios(charges) == [Fraction(part) for part in expected]
    assert [charge.period for charge in charges] == [
        days("2026-01-10", "2026-01-31"),
        days("2026-02-01", "2026-02-20"),
    ]
    assert [charge.full for charge in charges] == [
        days("2026-01-01", "2026-01-31"),
        days("2026-02-01", "2026-02-28"),
    ]


# A line from the last day of a period to the first day of another: 31/01 to 01/03.
#
#   01/01             31/01|01/02             28/02|01/03             31/03
#     |-----------------=  |========================|=------------------|
@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        pytest.param("prorate", ["1/31", "1", "1/31"], id="prorate"),
        pytest.param("full", ["1", "1", "1"], id="full"),
        pytest.param("free", ["0", "1", "0"], id="free"),
    ],
)
def test_policies_for_a_single_day_of_a_period(policy, expected):
    charges = plan(line("2026-01-31", "2026-03-01", first_partial=policy, last_partial=policy), FAR)
    assert ratios(charges) == [Fraction(part) for part in expected]


# The same period is the first and the last one, 10/01 to 20/01: 9 days before, 11 served, 11 after.
@pytest.mark.parametrize(
    ("first", "last", "part"),
    [
        ("prorate", "prorate", "11/31"),
        ("full", "prorate", "20/31"),
        ("prorate", "full", "22/31"),
        ("full", "full", "1"),
        ("free", "full", "0"),
        ("full", "free", "0"),
    ],
)
def test_policies_when_one_period_is_both_first_and_last(first, last, part):
    charges = plan(line("2026-01-10", "2026-01-20", first_partial=first, last_partial=last), FAR)
    assert ratios(charges) == [Fraction(part)]


@pytest.mark.parametrize("policy", ["full", "free"])
def test_policies_do_not_touch_periods_that_are_whole(policy):
    terms = line("2026-01-01", "2026-02-28", first_partial=policy, last_partial=policy)
    assert [charge.kind for charge in plan(terms, FAR)] == ["whole", "whole"]


def test_a_free_period_is_due_like_any_other():
    (charge, *_rest) = plan(line("2026-01-10", "2026-01-20", first_partial="free"), FAR)
    assert (charge.kind, charge.issue, charge.amount) == ("free", day("2026-01-10"), 0)


# Taken over from another system, which billed until 14/03:
#
#   01/01                    01/03     15/03       31/03|01/04
#     |------ nothing --------|----------=============|======
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(
            {},
            [
                ("prorated", "2026-03-15", "2026-03-31", "17.00"),
                ("whole", "2026-04-01", "2026-04-30", "31.00"),
            ],
            id="prorate",
        ),
        pytest.param(
            {"first_partial": "full"},
            [
                ("prorated", "2026-03-15", "2026-03-31", "17.00"),
                ("whole", "2026-04-01", "2026-04-30", "31.00"),
            ],
            id="no first period there: the service began in January",
        ),
    ],
)
def test_billed_until(options, expected):
    assert summary(plan(line("2026-01-01", not_before=day("2026-03-15"), **options), "2026-04-01")) == expected


def test_billed_until_inside_the_first_period_charged_in_full():
    terms = line("2026-03-10", not_before=day("2026-03-15"), first_partial="full")
    assert summary(plan(terms, "2026-03-31")) == [("prorated", "2026-03-15", "2026-03-31", "17.00")]


def test_billed_until_the_end_leaves_nothing():
    assert plan(line("2026-01-01", "2026-02-28", not_before=day("2026-03-01")), FAR) == []


def test_billed_until_before_the_start_changes_nothing():
    terms = {"start": "2026-03-10", "end": "2026-05-31"}
    assert plan(line(**terms, not_before=day("2026-01-01")), FAR) == plan(line(**terms), FAR)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({}, [("one_off", "2026-01-10", "2026-01-10", "150.00")], id="on the start, whole"),
        pytest.param(
            {"first_partial": "free"},
            [("one_off", "2026-01-10", "2026-01-10", "150.00")],
            id="policies do not apply",
        ),
        pytest.param({"not_before": day("2026-02-01")}, [], id="billed by the old system"),
    ],
)
def test_one_off(options, expected):
    assert summary(plan(line("2026-01-10", price="75", quantity="2", pricing="one_off", **options), FAR)) == expected


def test_one_off_waits_for_its_issue_date():
    terms = line("2026-01-10", pricing="one_off", issue=IssueRule("arrears", "day_after", day=25))
    assert plan(terms, "2026-01-24") == []
    assert [charge.issue for charge in plan(terms, "2026-01-25")] == [day("2026-01-25")]


# As on the invoice: a whole period keeps its quantity and price, anything else is one unit at its amount.
@pytest.mark.parametrize(
    ("terms", "billed"),
    [
        pytest.param(
            line("2026-01-01", "2026-01-31", price="12.5", quantity="4", discount="10"),
            Price(Decimal(4), Decimal("12.5"), Decimal(10)),
            id="whole",
        ),
        pytest.param(
            line("2026-01-22", "2026-01-31", price="15.5", quantity="4", discount="10"),
            Price(Decimal(1), Decimal("18.00")),
            id="prorated",
        ),
        pytest.param(
            line("2026-01-01", "2026-01-31", price="80", quantity="0.33335", quantity_digits=4),
            Price(Decimal(1), Decimal("26.67")),
            id="quantity finer than an invoice line",
        ),
        pytest.param(
            line("2026-01-10", "2026-01-31", price="12.5", quantity="4", first_partial="full"),
            Price(Decimal(4), Decimal("12.5")),
            id="partial charged in full",
        ),
        pytest.param(
            line("2026-01-10", price="75", quantity="2", pricing="one_off"),
            Price(Decimal(2), Decimal(75)),
            id="one-off",
        ),
        pytest.param(
            line("2026-01-01", "2026-01-31", price="80", quantity="3", pricing="flat"),
            Price(Decimal(1), Decimal(80)),
            id="flat",
        ),
    ],
)
def test_billed_quantity_and_price(terms, billed):
    (charge,) = plan(terms, FAR)
    assert charge.billed == billed
    exact = billed.quantity * billed.unit_price * (1 - billed.discount / 100)
    assert charge.amount == exact.quantize(Decimal("0.01"))


def test_the_explanation_keeps_the_price_of_the_whole_period():
    (charge,) = plan(line("2026-01-22", "2026-01-31", price="15.5", quantity="4"), FAR)
    assert charge.price == Price(Decimal(4), Decimal("15.5"))
    assert (charge.component, charge.ratio, charge.held) == ("base", Fraction(10, 31), 0)


def test_lines_of_a_plan_keep_their_order():
    lines = [line("2026-01-01", "2026-02-28", line=2), line("2026-01-01", "2026-01-31", line=1)]
    charges = build_plan([(terms, [], terms.start) for terms in lines], FAR)
    assert [(charge.line, charge.period.start.month) for charge in charges] == [(2, 1), (2, 2), (1, 1)]


def test_a_later_window_starts_with_the_period_that_holds_it():
    charges = build_plan([(line("2026-01-01"), [], day("2026-03-01"))], day("2026-04-01"))
    assert [charge.period.start.month for charge in charges] == [3, 4]
