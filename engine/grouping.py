"""Which charges share an invoice, and in which order they are printed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Literal

from .periods import Period

Grouping = Literal["customer", "contract", "site", "sections", "beneficiaries"]
# Under these, contracts that agree share an invoice.
MERGED_GROUPINGS = ("customer", "sections", "beneficiaries")


@dataclass(frozen=True, slots=True)
class Policy:
    """How a contract wants its charges grouped.

    `agreement`: everything that must be equal for two contracts to share an invoice (company, invoice address,
    posting mode, currency, payment term, fiscal position, journal, references, direct debit mandate). `per_period`: one
    invoice for each issue date instead of one for all that is due; `by_month`: one for each calendar month of service.
    `credits_apart`: what is taken back is a credit note of its own, never deducted from an invoice.
    """

    contract: int
    grouping: Grouping
    agreement: tuple[int | str, ...]
    per_period: bool = False
    by_month: bool = False
    credits_apart: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One charge to print. `rank` orders the lines of a contract, `site_rank` the sites of an invoice.

    `before`, `after`: the contract's own headings (section lines and notes) printed around it, by id. `credited`: the
    invoice of which the charge is credited apart from all others, by id.
    """

    charge: int
    policy: Policy
    site: int | None
    site_rank: str
    rank: int
    period: Period
    issue: date
    amount: Decimal
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    credited: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the invoice: a site's section, that of a contract whose customer others pay for, a heading of the
    contract, or a charge. Exactly one is set.
    """

    site: int | None = None
    beneficiary: int | None = None
    heading: int | None = None
    charge: int | None = None


@dataclass(frozen=True, slots=True)
class InvoiceDraft:
    """An invoice to make. `site` is set when all charges are for that one; `refund`: the whole is a credit;
    `credited`: of that invoice alone, by id.
    """

    contracts: tuple[int, ...]
    agreement: tuple[int | str, ...]
    site: int | None
    by_site: bool
    refund: bool
    entries: tuple[Entry, ...]
    credited: int = 0


def invoice_drafts(items: Iterable[Item]) -> list[InvoiceDraft]:
    """The invoices for `items`, in a stable order. Every charge is on exactly one of them."""
    ordered = sorted(items, key=lambda item: (_key(item), _print_order(item)))
    return [_draft(list(group)) for _key_value, group in groupby(ordered, key=_key)]


def _key(item: Item) -> tuple[str, ...]:
    """What two charges must have in common to share an invoice, as sortable text."""
    policy = item.policy
    merged = policy.grouping in MERGED_GROUPINGS
    return (
        repr(policy.agreement),
        policy.grouping,
        "" if merged else f"{policy.contract:012d}",
        f"{item.site or 0:012d}" if policy.grouping == "site" and not item.credited else "",
        item.issue.isoformat() if policy.per_period and not item.credited else "",
        f"{item.period.start:%Y-%m}" if policy.by_month and not item.credited else "",
        "credit" if policy.credits_apart and item.amount < 0 else "",
        f"{item.credited:012d}",
    )


def _print_order(item: Item) -> tuple[object, ...]:
    by_site = item.policy.grouping == "sections"
    return (
        (item.site is not None, item.site_rank, item.site) if by_site else (),
        item.policy.contract,
        item.rank,
        item.period,
        item.charge,
    )


def _draft(items: list[Item]) -> InvoiceDraft:
    by_site = items[0].policy.grouping == "sections"
    sites = {item.site for item in items}
    return InvoiceDraft(
        contracts=tuple(dict.fromkeys(item.policy.contract for item in items)),
        agreement=items[0].policy.agreement,
        site=sites.pop() if len(sites) == 1 else None,
        by_site=by_site,
        refund=sum((item.amount for item in items), Decimal(0)) < 0,
        entries=tuple(_entries(items, by_site)),
        credited=items[0].credited,
    )


def _entries(items: list[Item], by_site: bool) -> list[Entry]:
    entries: list[Entry] = []
    site: int | None = None
    beneficiary: int | None = None
    printed: set[int] = set()

    def headings(ids: tuple[int, ...]) -> None:
        entries.extend(Entry(heading=i) for i in ids if i not in printed)
        printed.update(ids)

    for i, item in enumerate(items):
        if by_site and item.site != site:
            site = item.site
            entries.append(Entry(site=site))
            printed = set()
        policy = item.policy
        if policy.grouping == "beneficiaries" and policy.contract != beneficiary:
            beneficiary = policy.contract
            entries.append(Entry(beneficiary=beneficiary))
        headings(item.before)
        entries.append(Entry(charge=item.charge))
        last_of_line = i + 1 == len(items) or (items[i + 1].policy, items[i + 1].rank) != (item.policy, item.rank)
        if last_of_line:
            headings(item.after)
    return entries
