"""What holds for any line: its plan covers its days once, and does not depend on when it is made."""

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from builders import CENT, day, hold, plan
from hypothesis import given
from hypothesis import strategies as st

from engine.periods import ONE_DAY, IssueRule, Period, Recurrence, calendar_anchor
from engine.plan import Charge, build_plan, proposals, window_start
from engine.pricing import Price, amount
from engine.proration import ratio
from engine.terms import LineTerms, Schedule

END_OF_TIME = day("2028-12-31")
starts = st.dates(day("2024-01-01"), day("2026-12-31"))
durations = st.integers(0, 500).map(lambda n: timedelta(days=n))
policies = st.sampled_from(["prorate", "full", "free"])
issue_rules = st.builds(
    IssueRule,
    timing=st.sampled_from(["advance", "arrears"]),
    method=st.sampled_from(["due", "offset", "day_before", "day_after"]),
    offset=st.integers(-40, 40),
    day=st.integers(1, 31),
)
prices = st.builds(
    Price,
    quantity=st.decimals("0.1", 20, places=4),
    unit_price=st.decimals(0, 2000, places=3),
    discount=st.sampled_from(["0", "12.5", "100"]).map(Decimal),
)


@st.composite
def schedules(draw, start: date) -> Schedule:
    unit, interval = draw(
        st.sampled_from([("day", 17), ("week", 1), ("week", 2)] + [("month", n) for n in (1, 2, 3, 6)] + [("year", 1)])
    )
    anniversary, calendar = start, calendar_anchor(unit, interval, start)
    elsewhere = start - timedelta(days=draw(st.integers(0, 60)))
    return Schedule(
        recurrence=Recurrence(unit, interval, draw(st.sampled_from([anniversary, calendar, elsewhere]))),
        issue=draw(issue_rules),
        first_partial=draw(policies),
        last_partial=draw(policies),
        basis=draw(st.sampled_from(["actual", "thirty"])),
    )


@st.composite
def lines(draw, ends: bool | None = None) -> LineTerms:
    """A line alone in its succession. `ends`: whether it ends, None for either."""
    start = draw(starts)
    end = start + draw(durations) if (draw(st.booleans()) if ends is None else ends) else None
    return LineTerms(
        line=1,
        start=start,
        end=end,
        chain_start=start,
        chain_end=end,
        schedule=draw(schedules(start)),
        pricing=draw(st.sampled_from(["unit", "unit", "unit", "flat", "one_off"])),
        price=draw(prices),
        currency_unit=CENT,
        not_before=draw(st.none() | st.just(start + timedelta(days=draw(st.integers(-30, 200))))),
        quantity_digits=draw(st.sampled_from([0, 2, 6])),
    )


@st.composite
def suspensions(draw, start: date) -> tuple[Period, ...]:
    """Up to three, apart from each other, from before `start` on; the last one perhaps open."""
    offsets = sorted(draw(st.sets(st.integers(-30, 500), max_size=6)))
    days = [start + timedelta(days=n) for n in offsets]
    pauses = [Period(first, last) for first, last in zip(days[::2], days[1::2], strict=False)]
    if pauses and draw(st.booleans()):
        pauses[-1] = Period(pauses[-1].start, date.max)
    return tuple(pauses)


def recurring(ends: bool | None = None) -> st.SearchStrategy[LineTerms]:
    return lines(ends).filter(lambda terms: terms.pricing != "one_off")


def amounts_by_period(terms: LineTerms, charges: list[Charge]) -> dict[int, Decimal]:
    """Amount for each whole period, charges and corrections together, without those that come to nothing."""
    sums: dict[int, Decimal] = defaultdict(Decimal)
    for charge in charges:
        sums[terms.schedule.recurrence.index(charge.period.start)] += charge.amount
    return {number: amount for number, amount in sums.items() if amount}


def explained(charge: Charge) -> bool:
    """The amount follows from what the charge tells: price of the whole period, part that counts, billed before."""
    owed = amount(charge.price, CENT, charge.ratio)
    return charge.amount == owed - charge.held == amount(charge.billed, CENT)


@given(recurring())
def test_charges_cover_the_days_of_service_once(terms):
    charges = plan(terms, END_OF_TIME)
    for before, after in pairwise(charges):
        assert before.period.end + ONE_DAY == after.period.start
    first = max(terms.start, terms.not_before or terms.start)
    if charges:
        assert charges[0].period.start == first
        assert terms.end is None or charges[-1].period.end == terms.end
    else:
        assert terms.end is not None and terms.end < first


@given(lines())
def test_a_charge_lies_in_its_period_and_counts_at_most_once(terms):
    for charge in plan(terms, END_OF_TIME):
        assert charge.full.start <= charge.period.start <= charge.period.end <= charge.full.end
        assert 0 <= charge.ratio <= 1
        assert charge.amount % CENT == 0
        whole = charge.price.quantity * charge.price.unit_price * (1 - charge.price.discount / 100)
        assert abs(Fraction(charge.amount) - Fraction(whole) * charge.ratio) <= Fraction(CENT) / 2


@given(recurring())
def test_a_period_served_whole_counts_one_and_an_inner_one_is_never_touched_by_policies(terms):
    for charge in plan(terms, END_OF_TIME):
        if charge.period == charge.full:
            assert charge.ratio == 1
            assert charge.kind == ("whole" if charge.amount else "free")


@given(recurring())
def test_without_policies_the_ratio_is_that_of_the_days_served(terms):
    schedule = replace(terms.schedule, first_partial="prorate", last_partial="prorate")
    basis = schedule.basis if schedule.recurrence.unit in ("month", "year") else "actual"
    for charge in plan(replace(terms, schedule=schedule), END_OF_TIME):
        assert charge.ratio == ratio(charge.full, charge.period, basis)


@given(lines(), st.lists(st.dates(day("2023-10-01"), END_OF_TIME), max_size=6))
def test_planning_step_by_step_is_planning_in_one_go(terms, throughs):
    held, billed = [], []
    for through in [*sorted(throughs), END_OF_TIME]:
        due = plan(terms, through, held)
        held, billed = hold(due, held), billed + due
    assert billed == plan(terms, END_OF_TIME)


@given(lines(), st.lists(st.dates(day("2023-10-01"), END_OF_TIME), max_size=6))
def test_a_window_after_what_is_billed_plans_the_same(terms, throughs):
    """As the ledger does: plan from the first day not billed, knowing only the held keys of that window."""
    held, billed = [], []
    for through in [*sorted(throughs), END_OF_TIME]:
        billed_to = max((key.period.end + ONE_DAY for key in held), default=terms.start)
        since = window_start(terms, billed_to)
        known = [key for key in held if key.period.end >= since]
        due = build_plan([(terms, known, since)], through)
        held, billed = hold(due, held), billed + due
    assert billed == plan(terms, END_OF_TIME)


@given(lines(), st.dates(day("2023-10-01"), END_OF_TIME))
def test_planning_twice_plans_nothing(terms, through):
    assert plan(terms, through, hold(plan(terms, through))) == []


@given(lines(), st.dates(day("2023-10-01"), END_OF_TIME))
def test_all_that_is_due_is_planned_and_nothing_else(terms, through):
    in_the_end = plan(terms, END_OF_TIME + timedelta(days=800))
    assert plan(terms, through) == [charge for charge in in_the_end if charge.issue <= through]


@given(
    lines(ends=True),
    st.lists(st.tuples(st.none() | durations, st.dates(day("2024-01-01"), END_OF_TIME)), max_size=4),
)
def test_whatever_end_was_believed_before_the_ledger_comes_to_what_the_terms_say(terms, history):
    """The end is moved back and forth between runs; the last run makes good."""
    held, billed = [], []
    for duration, through in history:
        end = terms.start + duration if duration is not None else None
        believed = replace(terms, end=end, chain_end=end)
        due = plan(believed, through, held)
        if end:
            left = proposals(believed, held, terms.start)
            assert due == [charge for charge in left if charge.issue <= through]
        held, billed = hold(due, held), billed + due
        assert plan(believed, through, held) == []
        assert all(explained(charge) for charge in due)
    final = plan(terms, date(2032, 1, 1), held)
    assert plan(terms, date(2032, 1, 1), hold(final, held)) == []
    assert amounts_by_period(terms, billed + final) == amounts_by_period(terms, plan(terms, date(2032, 1, 1)))


@given(recurring().flatmap(lambda terms: st.tuples(st.just(terms), suspensions(terms.start))))
def test_what_is_suspended_is_what_is_missing(case):
    """The part served and the part suspended of each period make the whole, policies for its ends left aside."""
    terms, pauses = case
    terms = replace(terms, schedule=replace(terms.schedule, first_partial="prorate", last_partial="prorate"))
    charged: dict[date, Fraction] = defaultdict(Fraction)
    for charge in plan(replace(terms, pauses=pauses), END_OF_TIME):
        charged[charge.full.start] += charge.ratio
    first, last = terms.start - timedelta(days=60), END_OF_TIME + timedelta(days=800)
    edges = [first, *(edge for p in pauses for edge in (p.start, min(p.end, last) + ONE_DAY)), last + ONE_DAY]
    between = [Period(a, b - ONE_DAY) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b]
    for charge in plan(replace(terms, pauses=tuple(between)), END_OF_TIME):
        charged[charge.full.start] += charge.ratio
    assert charged == {charge.full.start: charge.ratio for charge in plan(terms, END_OF_TIME)}


@given(
    lines(ends=True).flatmap(
        lambda terms: st.tuples(
            st.just(terms),
            suspensions(terms.start),
            st.lists(
                st.tuples(suspensions(terms.start), st.dates(day("2024-01-01"), END_OF_TIME)), min_size=1, max_size=4
            ),
        )
    )
)
def test_whatever_was_suspended_before_the_ledger_comes_to_what_the_terms_say(case):
    """Suspensions are entered, moved and taken back between runs; the last run makes good."""
    terms, pauses, history = case
    terms = replace(terms, pauses=pauses)
    held, billed = [], []
    for believed, through in history:
        due = plan(replace(terms, pauses=believed), through, held)
        held, billed = hold(due, held), billed + due
        assert all(explained(charge) for charge in due)
    final = plan(terms, date(2032, 1, 1), held)
    assert plan(terms, date(2032, 1, 1), hold(final, held)) == []
    assert amounts_by_period(terms, billed + final) == amounts_by_period(terms, plan(terms, date(2032, 1, 1)))


@given(recurring(), st.sets(st.integers(1, 500), max_size=4))
def test_a_line_cut_anywhere_counts_as_the_uncut_one(uncut, offsets):
    uncut = replace(uncut, not_before=None)
    cuts = [uncut.start + timedelta(days=n) for n in sorted(offsets)]
    cuts = [cut for cut in cuts if uncut.end is None or cut <= uncut.end]
    firsts, lasts = [uncut.start, *cuts], [cut - ONE_DAY for cut in cuts] + [uncut.end]
    counted: dict[date, Fraction] = defaultdict(Fraction)
    for first, last in zip(firsts, lasts, strict=True):
        for charge in plan(replace(uncut, start=first, end=last), END_OF_TIME + timedelta(days=800)):
            counted[charge.full.start] += charge.ratio
    for charge in plan(uncut, END_OF_TIME):
        assert counted[charge.full.start] == charge.ratio
