from datetime import date
from decimal import Decimal

import pytest

from engine.penalty import half_year_start, penalty_rate, public_rate

D = Decimal


@pytest.mark.parametrize(
    ("day", "start"),
    [
        (date(2026, 1, 1), date(2026, 1, 1)),
        (date(2026, 6, 30), date(2026, 1, 1)),
        (date(2026, 7, 1), date(2026, 7, 1)),
        (date(2026, 12, 31), date(2026, 7, 1)),
    ],
)
def test_half_year(day, start):
    assert half_year_start(day) == start


@pytest.mark.parametrize(
    ("policy", "own", "ecb", "legal", "rate"),
    [
        ("ecb", 0, "2.15", "2.62", "12.15"),
        ("ecb", 0, "4.25", "4.92", "14.25"),  # a silent contract: not raised to 14.76
        ("ecb", 0, "0", "0.87", "10"),
        ("legal", 0, "2.15", "2.62", "7.86"),
        ("own", "12", "2.15", "2.62", "12"),
        ("own", "5", "2.15", "2.62", "7.86"),  # raised to three times the legal rate
        ("own", "5", None, None, "5"),
        ("ecb", 0, None, None, None),
        ("legal", 0, None, None, None),
    ],
)
def test_penalty(policy, own, ecb, legal, rate):
    figures = [None if figure is None else D(figure) for figure in (ecb, legal)]
    assert penalty_rate(policy, D(own), *figures) == (rate and D(rate))


def test_public_body():
    assert public_rate(D("2.15")) == D("10.15")
    assert public_rate(None) is None
