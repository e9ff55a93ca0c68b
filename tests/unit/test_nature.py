from decimal import Decimal

import pytest

from engine.nature import nature_of


@pytest.mark.parametrize(
    ("goods", "services", "nature"),
    [
        (0, 100, "S"),
        (100, 0, "B"),
        (50, 50, "M"),
        (20, 80, "M"),
        (19, 81, "S"),  # consumables of a cleaning
        (81, 19, "B"),  # delivery of what is sold
        (0, 0, "S"),
        (-50, -50, "M"),  # a credit note
        (-10, 90, "S"),
    ],
)
def test_nature(goods, services, nature):
    assert nature_of(Decimal(goods), Decimal(services)) == nature
