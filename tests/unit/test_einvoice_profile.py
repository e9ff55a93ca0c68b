"""EN 16931 unless a line or a payer needs EXTENDED."""

from dataclasses import replace

import pytest
from einvoice_builders import EARLIER, KINDS, TODAY, document, line, site

from einvoice.cii import generate
from einvoice.profile import Profile, decide, profile_of

EXTENDED = {"multi_site", "multi_site_reverse_charge", "final_extended", "credit_note_by_line", "with_payer"}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind(kind):
    assert decide(KINDS[kind]()) is (Profile.EXTENDED if kind in EXTENDED else Profile.EN16931)


@pytest.mark.parametrize("kind", sorted(EXTENDED | {"flat"}))
def test_the_xml_says_its_profile(kind):
    document_of_kind = KINDS[kind]()
    assert profile_of(generate(document_of_kind)) is decide(document_of_kind)


def test_xml_of_another_profile():
    with pytest.raises(ValueError, match="no profile"):
        profile_of(b"<invoice/>")


@pytest.mark.parametrize(
    "of_line", [{"site": site("Nord")}, {"order": "BC-1"}, {"delivery_date": TODAY}, {"preceding": EARLIER}]
)
def test_one_line_is_enough(of_line):
    assert decide(document(line(), line(**of_line))) is Profile.EXTENDED


@pytest.mark.parametrize("of_document", [{"site": site("Nord")}, {"order": "BC-1"}, {"preceding": (EARLIER,)}])
def test_what_the_document_says_needs_nothing(of_document):
    assert decide(replace(document(), **of_document)) is Profile.EN16931
