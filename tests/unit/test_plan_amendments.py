"""What holds for any sequence of amendments: the money follows the terms, whenever each of them was learnt of.

An amendment ends the lines in force the day before it takes effect, and lets others succeed them from then on.
"""

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from builders import day, hold, plan
from hypothesis import given
from hypothesis import strategies as st
from test_plan_properties import recurring

from engine.periods import ONE_DAY
from engine.plan import Charge
from engine.pricing import Price
from engine.terms import Held, LineTerms

FAR = day("2029-06-30")
LEARNT_LATER = timedelta(days=90)  # until an amendment is taken back
changes = st.lists(
    st.tuples(
        st.integers(0, 500),  # effective, in days after the start
        st.one_of(st.none(), st.decimals(0, 2000, places=2)),  # the new price; None: service ends the day before
        st.dates(day("2024-01-01"), day("2028-12-31")),  # billed through, before the next amendment
    ),
    max_size=5,
)
lines = recurring(ends=False).map(lambda terms: replace(terms, not_before=None))


def amended(lines: list[LineTerms], effective: date, price: Decimal | None) -> list[LineTerms]:
    """The lines after an amendment: what is in force from `effective` on has the new price, or ends."""
    after = []
    for line in lines:
        if line.end is not None and line.end < max(effective, line.start):
            after.append(line)
            continue
        start = max(effective, line.start)
        after.append(replace(line, end=start - ONE_DAY))
        if price is not None:
            number = 1 + max(known.line for known in [*lines, *after])
            after.append(replace(line, line=number, start=start, price=Price(Decimal(1), price)))
    chain_end = max((line.end for line in after if line.end), default=None)
    if any(line.end is None for line in after):
        chain_end = None
    return [replace(line, chain_end=chain_end) for line in after]


def by_period(charges: list[Charge], terms: LineTerms) -> dict[int, Decimal]:
    """What was charged for each whole period, by all lines together, without those that come to nothing."""
    sums: dict[int, Decimal] = defaultdict(Decimal)
    for charge in charges:
        sums[terms.schedule.recurrence.index(charge.period.start)] += charge.amount
    return {number: amount for number, amount in sums.items() if amount}


def bill(lines: list[LineTerms], through: date, ledger: dict[int, list[Held]]) -> list[Charge]:
    """Bill what is due of all lines, and enter it."""
    billed = []
    for line in lines:
        due = plan(line, through, ledger.get(line.line, []))
        ledger[line.line] = hold(due, ledger.get(line.line, []))
        billed += due
    return billed


@given(lines, changes)
def test_amended_day_by_day_is_billed_as_the_final_terms_at_once(first, history):
    known, ledger, billed = [first], {}, []
    for offset, price, through in history:
        billed += bill(known, through, ledger)
        known = amended(known, first.start + timedelta(days=offset), price)
    billed += bill(known, FAR, ledger)
    assert bill(known, FAR, ledger) == []
    assert by_period(billed, first) == by_period(bill(known, FAR, {}), first)


@given(
    lines, changes, st.integers(0, 500), st.decimals(0, 2000, places=2), st.dates(day("2024-01-01"), FAR - LEARNT_LATER)
)
def test_an_amendment_applied_and_taken_back_comes_to_nothing(first, history, offset, price, through):
    """Taken back, the lines are as before, and what succeeded them has not a day of service."""
    known, ledger = [first], {}
    for effective, new_price, _through in history:
        known = amended(known, first.start + timedelta(days=effective), new_price)
    billed = bill(known, through, ledger)
    after = amended(known, first.start + timedelta(days=offset), price)
    billed += bill(after, through + LEARNT_LATER, ledger)
    ended = [replace(line, end=line.start - ONE_DAY) for line in after[:] if line.line not in {k.line for k in known}]
    billed += bill(known + [replace(line, chain_end=known[-1].chain_end) for line in ended], FAR, ledger)
    assert by_period(billed, first) == by_period(bill(known, FAR, {}), first)
