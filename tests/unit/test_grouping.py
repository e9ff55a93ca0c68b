"""Which charges share an invoice, and how they are printed."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from builders import days
from hypothesis import given
from hypothesis import strategies as st

from engine.grouping import Entry, InvoiceDraft, Item, Policy, invoice_drafts

JANUARY, FEBRUARY = days("2026-01-01", "2026-01-31"), days("2026-02-01", "2026-02-28")
DURAND, MARTIN = ("Durand", "EUR"), ("Martin", "EUR")
LYON, PARIS = 10, 20


def item(charge, contract=1, grouping="customer", *, agreement=DURAND, per_period=False, site=None, **options) -> Item:
    of_policy = {name: options.pop(name) for name in ("by_month", "credits_apart") if name in options}
    policy = Policy(contract, grouping, agreement, per_period, **of_policy)
    period = options.pop("period", JANUARY)
    rank = {LYON: ("Lyon", LYON), PARIS: ("Paris", PARIS), None: ("", 0)}[site]
    defaults = {"rank": 1, "issue": period.start, "amount": Decimal(100)}
    return Item(charge, policy, site, rank, period=period, **{**defaults, **options})


def charges(draft: InvoiceDraft) -> list[int]:
    return [entry.charge for entry in draft.entries if entry.charge]


def invoices(*items: Item) -> list[list[int]]:
    return [charges(draft) for draft in invoice_drafts(items)]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param([item(1), item(2, contract=2)], [[1, 2]], id="customer: contracts merge"),
        pytest.param(
            [item(1), item(2, contract=2, agreement=MARTIN)],
            [[1], [2]],
            id="customer: unless they do not agree",
        ),
        pytest.param([item(1, grouping="contract"), item(2, 2, "contract")], [[1], [2]], id="contract: one each"),
        pytest.param(
            [item(1, grouping="contract", site=LYON), item(2, grouping="contract", site=PARIS)],
            [[1, 2]],
            id="contract: sites together",
        ),
        pytest.param(
            [
                item(1, grouping="site", site=LYON),
                item(2, grouping="site", site=PARIS),
                item(3, grouping="site"),
            ],
            [[3], [1], [2]],
            id="site: one each, and one without site",
        ),
        pytest.param(
            [item(1, grouping="site", site=LYON), item(2, 2, "site", site=LYON)],
            [[1], [2]],
            id="site: contracts stay apart",
        ),
        pytest.param(
            [item(1, 1, "sections", site=LYON), item(2, 2, "sections", site=LYON)],
            [[1, 2]],
            id="sections: contracts merge",
        ),
        pytest.param(
            [item(1, grouping="customer"), item(2, 2, "sections")],
            [[1], [2]],
            id="another grouping, another invoice",
        ),
        pytest.param([item(1), item(2, period=FEBRUARY)], [[1, 2]], id="catch-up on one invoice"),
        pytest.param(
            [item(1, per_period=True), item(2, per_period=True, period=FEBRUARY)],
            [[1], [2]],
            id="per period: one for each issue date",
        ),
        pytest.param([], [], id="nothing to bill"),
    ],
)
def test_who_shares_an_invoice(items, expected):
    assert invoices(*items) == expected


@pytest.mark.parametrize(
    ("grouping", "site"),
    [("customer", LYON), ("contract", LYON), ("site", LYON), ("sections", LYON)],
)
def test_the_site_is_told_when_there_is_only_one(grouping, site):
    (draft,) = invoice_drafts([item(1, 1, grouping, site=site), item(2, 1, grouping, site=site)])
    assert draft.site == site


def test_no_site_is_told_for_several():
    (draft,) = invoice_drafts([item(1, site=LYON), item(2, site=PARIS)])
    assert draft.site is None
    (draft,) = invoice_drafts([item(1, site=LYON), item(2)])
    assert draft.site is None


def test_the_contracts_of_an_invoice_are_told_once_each():
    (draft,) = invoice_drafts([item(1, 2), item(2, 1), item(3, 2)])
    assert draft.contracts == (1, 2)


@pytest.mark.parametrize(
    ("amounts", "refund"),
    [
        pytest.param(["100", "-99.99"], False, id="a credit within an invoice"),
        pytest.param(["100", "-100"], False, id="comes to nothing"),
        pytest.param(["100", "-100.01"], True, id="less than nothing"),
        pytest.param(["-5"], True, id="credit alone"),
    ],
)
def test_refund(amounts, refund):
    (draft,) = invoice_drafts([item(n, amount=Decimal(amount)) for n, amount in enumerate(amounts, 1)])
    assert draft.refund is refund


def test_lines_follow_the_contract_then_their_rank_then_their_period():
    printed = invoices(
        item(1, contract=2, rank=1),
        item(2, contract=1, rank=2),
        item(3, contract=1, rank=1, period=FEBRUARY),
        item(4, contract=1, rank=1, period=JANUARY),
    )
    assert printed == [[4, 3, 2, 1]]


@pytest.mark.parametrize("grouping", ["customer", "contract"])
def test_sites_do_not_order_an_invoice_without_sections(grouping):
    assert invoices(item(1, 1, grouping, site=PARIS), item(2, 1, grouping, site=LYON, rank=2)) == [[1, 2]]


def test_one_invoice_for_all_that_is_due_unless_told_otherwise():
    assert not Policy(1, "customer", DURAND).per_period


def test_contracts_are_ordered_by_number_not_by_text():
    assert invoices(item(1, 10, "contract"), item(2, 9, "contract")) == [[2], [1]]


def test_a_section_for_each_site_after_what_has_none():
    (draft,) = invoice_drafts(
        [
            item(1, 1, "sections", site=PARIS),
            item(2, 2, "sections", site=LYON),
            item(3, 1, "sections"),
            item(4, 1, "sections", site=LYON),
        ]
    )
    assert draft.by_site
    assert draft.entries == (
        Entry(charge=3),
        Entry(site=LYON),
        Entry(charge=4),
        Entry(charge=2),
        Entry(site=PARIS),
        Entry(charge=1),
    )


def test_sites_of_one_rank_have_a_section_each():
    items = [item(n, 1, "sections", site=site) for n, site in enumerate([PARIS, LYON, PARIS, LYON], 1)]
    (draft,) = invoice_drafts([replace(one, site_rank=("Agence", 0)) for one in items])
    assert [entry.site for entry in draft.entries if entry.site] == [LYON, PARIS]
    assert charges(draft) == [2, 4, 1, 3]


@pytest.mark.parametrize("grouping", ["customer", "contract", "site"])
def test_no_section_otherwise(grouping):
    (draft,) = invoice_drafts([item(1, 1, grouping, site=LYON)])
    assert not draft.by_site
    assert draft.entries == (Entry(charge=1),)


# A contract reads: section 71, line 1, line 2, note 72.
def test_headings_are_printed_once_around_their_lines():
    (draft,) = invoice_drafts(
        [
            item(1, rank=1, before=(71,)),
            item(2, rank=1, before=(71,), period=FEBRUARY),
            item(3, rank=2, before=(71,), after=(72,)),
            item(4, rank=2, before=(71,), after=(72,), period=FEBRUARY),
        ]
    )
    assert draft.entries == (
        Entry(heading=71),
        Entry(charge=1),
        Entry(charge=2),
        Entry(charge=3),
        Entry(charge=4),
        Entry(heading=72),
    )


def test_headings_of_a_line_that_is_not_billed_are_not_printed():
    (draft,) = invoice_drafts([item(3, rank=2, before=(71,), after=(72,))])
    assert draft.entries == (Entry(heading=71), Entry(charge=3), Entry(heading=72))


def test_headings_come_again_under_each_site():
    (draft,) = invoice_drafts(
        [
            item(1, 1, "sections", site=LYON, before=(71,)),
            item(2, 1, "sections", site=PARIS, rank=2, before=(71,)),
        ]
    )
    assert draft.entries == (
        Entry(site=LYON),
        Entry(heading=71),
        Entry(charge=1),
        Entry(site=PARIS),
        Entry(heading=71),
        Entry(charge=2),
    )


def test_a_note_closes_the_last_period_of_its_line_before_the_next_contract():
    (draft,) = invoice_drafts(
        [item(1, 1, after=(72,)), item(2, 1, after=(72,), period=FEBRUARY), item(3, 2, after=(82,))]
    )
    assert draft.entries == (
        Entry(charge=1),
        Entry(charge=2),
        Entry(heading=72),
        Entry(charge=3),
        Entry(heading=82),
    )


def test_a_note_closes_its_line_before_the_next_contract():
    (draft,) = invoice_drafts([item(1, 1, after=(72,)), item(2, 2, after=(82,))])
    assert draft.entries == (Entry(charge=1), Entry(heading=72), Entry(charge=2), Entry(heading=82))


@st.composite
def item_lists(draw) -> list[Item]:
    """Charges of contracts that have a policy each, on a few sites."""
    policies = draw(
        st.lists(
            st.builds(
                Policy,
                contract=st.integers(1, 2000),
                grouping=st.sampled_from(["customer", "contract", "site", "sections"]),
                agreement=st.sampled_from([DURAND, MARTIN]),
                per_period=st.booleans(),
            ),
            min_size=1,
            max_size=5,
            unique_by=lambda policy: policy.contract,
        )
    )
    drawn = draw(
        st.lists(
            st.tuples(
                st.sampled_from(policies),
                st.sampled_from([None, LYON, PARIS]),
                st.integers(1, 3),
                st.sampled_from([JANUARY, FEBRUARY]),
                st.integers(-50, 100),
            ),
            max_size=20,
        )
    )
    return [
        Item(
            n,
            policy,
            site,
            (f"site {site}", site or 0),
            rank,
            period,
            period.start,
            Decimal(amount),
            (rank * 10,),
        )
        for n, (policy, site, rank, period, amount) in enumerate(drawn, 1)
    ]


@given(item_lists())
def test_every_charge_is_on_exactly_one_invoice(items):
    printed = [charge for invoice in invoices(*items) for charge in invoice]
    assert sorted(printed) == [one.charge for one in items]


@given(item_lists(), st.randoms(use_true_random=False))
def test_drafts_do_not_depend_on_the_order_of_the_charges(items, random):
    shuffled = list(items)
    random.shuffle(shuffled)
    assert invoice_drafts(shuffled) == invoice_drafts(items)


@given(item_lists())
def test_what_an_invoice_has_in_common(items):
    by_charge = {one.charge: one for one in items}
    for draft in invoice_drafts(items):
        members = [by_charge[charge] for charge in charges(draft)]
        assert len({(one.policy.agreement, one.policy.grouping, one.policy.per_period) for one in members}) == 1
        policy = members[0].policy
        assert {one.policy.contract for one in members} == set(draft.contracts)
        assert draft.agreement == policy.agreement
        assert len(draft.contracts) == 1 or policy.grouping in ("customer", "sections")
        assert not policy.per_period or len({one.issue for one in members}) == 1
        assert policy.grouping != "site" or len({one.site for one in members}) == 1
        assert draft.refund == (sum(one.amount for one in members) < 0)


@given(item_lists())
def test_charges_that_may_share_an_invoice_do(items):
    """No two drafts that one could merge: as many invoices as there are things to tell apart."""
    apart: set[tuple[object, ...]] = set()
    for one in items:
        policy, issue = one.policy, one.issue if one.policy.per_period else date.min
        contract = 0 if policy.grouping in ("customer", "sections") else policy.contract
        site = one.site if policy.grouping == "site" else 0
        apart.add((policy.agreement, policy.grouping, policy.per_period, contract, site, issue))
    assert len(invoice_drafts(items)) == len(apart)


@given(item_lists())
def test_each_entry_is_one_thing_and_each_site_has_one_section(items):
    for draft in invoice_drafts(items):
        for entry in draft.entries:
            assert [entry.site, entry.heading, entry.charge].count(None) == 2
        sections = [entry.site for entry in draft.entries if entry.site]
        assert len(sections) == len(set(sections))
        assert draft.by_site or not sections


def test_one_invoice_for_each_month_of_service():
    january, february = item(1, by_month=True), item(2, by_month=True, period=FEBRUARY, issue=JANUARY.start)
    assert invoices(january, february) == [[1], [2]]


def test_credits_apart_are_never_deducted():
    owed, credit = item(1, credits_apart=True), item(2, credits_apart=True, amount=Decimal(-40))
    assert [(charges(draft), draft.refund) for draft in invoice_drafts([owed, credit])] == [([1], False), ([2], True)]


def test_each_beneficiary_has_its_section():
    items = [item(1, 1, "beneficiaries"), item(2, 1, "beneficiaries", rank=2), item(3, 2, "beneficiaries")]
    [draft] = invoice_drafts(items)
    assert draft.entries == (
        Entry(beneficiary=1),
        Entry(charge=1),
        Entry(charge=2),
        Entry(beneficiary=2),
        Entry(charge=3),
    )


def test_what_credits_one_invoice_alone_is_apart_from_all_else():
    """Of any site and period, even where each of these has an invoice of its own."""
    items = [
        item(1, grouping="site", site=LYON, per_period=True),
        item(2, grouping="site", site=LYON, per_period=True, amount=Decimal(-60), credited=7),
        item(3, grouping="site", site=PARIS, per_period=True, amount=Decimal(20), credited=7, period=FEBRUARY),
        item(4, grouping="site", site=LYON, per_period=True, amount=Decimal(-10), credited=8),
    ]
    drafts = invoice_drafts(items)
    assert [(charges(draft), draft.credited, draft.refund) for draft in drafts] == [
        ([2, 3], 7, True),
        ([4], 8, True),
        ([1], 0, False),
    ]
