"""Terms that cannot be are refused where they are made."""

from dataclasses import FrozenInstanceError, replace

import pytest
from builders import day, line

from engine.periods import IssueRule, Recurrence
from engine.terms import Schedule


def test_a_line_cannot_end_before_it_starts():
    with pytest.raises(ValueError, match="line 1 cannot end on 2026-01-08, before it starts on 2026-01-10"):
        line("2026-01-10", "2026-01-08")


@pytest.mark.parametrize(
    "last",
    [pytest.param("2026-01-10", id="one day"), pytest.param("2026-01-09", id="no day of service at all")],
)
def test_a_line_may_be_short(last):
    assert line("2026-01-10", last).end == day(last)


@pytest.mark.parametrize(
    "succession",
    [
        pytest.param({"chain_start": day("2026-01-11")}, id="begins after the line"),
        pytest.param({"chain_end": day("2026-03-30")}, id="ends before the line"),
        pytest.param({"end": None, "chain_end": day("2026-03-31")}, id="ends, but the line is open"),
    ],
)
def test_a_line_lies_in_its_succession(succession):
    with pytest.raises(ValueError, match="outside its own succession"):
        replace(line("2026-01-10", "2026-03-31"), **succession)


def test_terms_do_not_change():
    with pytest.raises(FrozenInstanceError):
        line("2026-01-10").start = day("2026-01-01")


def test_by_default_partial_periods_are_prorated_by_days():
    schedule = Schedule(Recurrence("month", 1, day("2026-01-01")), IssueRule())
    assert (schedule.first_partial, schedule.last_partial, schedule.basis) == ("prorate", "prorate", "actual")
