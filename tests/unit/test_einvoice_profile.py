"""EN 16931 unless a line or a payer needs EXTENDED."""

from dataclasses import replace

import pytest
from einvoice_builders import EARLIER, KINDS, TODAY, document, line, site

from einvoice.profile import Profile, decide

EXTENDED = {"multi_site", "multi_site_reverse_charge", "final_extended", "credit_note_by_line", "with_payer"}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind(kind):
    assert decide(KINDS[kind]()) is (Profile.EXTENDED if kind in EXTENDED else Profile.EN16931)


@pytest.mark.parametrize(
    "of_line", [{"site": site("Nord")}, {"order": "BC-1"}, {"delivery_date": TODAY}, {"preceding": EARLIER}]
)
def test_one_line_is_enough(of_line):
    assert decide(document(line(), line(**of_line))) is Profile.EXTENDED


@pytest.mark.parametrize("of_document", [{"site": site("Nord")}, {"order": "BC-1"}, {"preceding": (EARLIER,)}])
def test_what_the_document_says_needs_nothing(of_document):
    assert decide(replace(document(), **of_document)) is Profile.EN16931
