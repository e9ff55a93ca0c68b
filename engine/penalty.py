"""Rates of late penalties, from the figures of the law for one half-year. All rates are in per cent a year."""

from datetime import date
from decimal import Decimal
from typing import Literal

Policy = Literal["ecb", "legal", "own"]

ECB_MARGIN = Decimal(10)  # points; Code de commerce, art. L441-10 II
PUBLIC_ECB_MARGIN = Decimal(8)  # points; Code de la commande publique, art. R2192-31
LEGAL_MULTIPLE = 3  # what a contract may not go below; Code de commerce, art. L441-10 II


def half_year_start(day: date) -> date:
    """The 1 January or 1 July from which the rates that hold on `day` hold."""
    return date(day.year, 1 if day.month <= 6 else 7, 1)


def penalty_rate(policy: Policy, own: Decimal, ecb: Decimal | None, legal: Decimal | None) -> Decimal | None:
    """What a late business owes. `ecb`: rate of the European Central Bank's main refinancing operations; `legal`: rate
    of legal interest for creditors who are professionals; both None while not published.

    The floor of three times the legal rate binds a rate that the seller chose; the law's own, ECB + 10 points, may be
    below. None where the policy needs a figure that is not known.
    """
    if policy == "ecb":
        return None if ecb is None else ecb + ECB_MARGIN
    floor = None if legal is None else LEGAL_MULTIPLE * legal
    if policy == "legal":
        return floor
    return own if floor is None else max(own, floor)


def public_rate(ecb: Decimal | None) -> Decimal | None:
    """What a late public body owes, None while the rate is not published."""
    return None if ecb is None else ecb + PUBLIC_ECB_MARGIN
