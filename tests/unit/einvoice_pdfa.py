"""Is a file PDF/A-3b and Factur-X? For tests, by another PDF library (qpdf) than the one that makes the files.

PDF/A is checked by pikepdf's validator, an allowlist after veraPDF's rules: what it does not know is a finding too. For
the embedded files and the extension metadata, which it does not know, the rules are written here.
"""

import logging
import tempfile
from io import BytesIO

import pikepdf
from lxml import etree
from pikepdf import pdfa

logging.getLogger("fontTools").setLevel(logging.ERROR)  # warns of the age of every font that the validator reads

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
PDFAID, FX = "http://www.aiim.org/pdfa/ns/id/", "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
SCHEMA, PROPERTY = "{http://www.aiim.org/pdfa/ns/schema#}", "{http://www.aiim.org/pdfa/ns/property#}"
EXTENSION = "{http://www.aiim.org/pdfa/ns/extension/}"
EXTENSIONS = ("pdfaExtension", "pdfaSchema", "pdfaProperty", "fx")


def pdfa_findings(file: bytes) -> list[str]:
    """Why the file is not PDF/A-3b; nothing when it is, embedded files and their metadata apart."""
    direct = pdfa.validate_written(BytesIO(file), "3b").findings
    return [str(finding) for finding in direct if not _of_factur_x(finding)] + _findings_without_factur_x(file)


def _of_factur_x(finding: pdfa.Finding) -> bool:
    """What the validator does not know: embedded files, extension schemas, opening with the attachments shown."""
    extension = any(f" {prefix}=" in finding.message or f" {prefix}:" in finding.message for prefix in EXTENSIONS)
    return (
        finding.rule == "pikepdf:embedded-file"
        or (finding.rule == "ISO_19005_3:6.6.2.3.1-1" and extension)
        or (finding.rule == "pikepdf:schema-Catalog" and "'/UseAttachments'" in finding.message)
    )


def _findings_without_factur_x(file: bytes) -> list[str]:
    """The same file less what the validator does not know, so that nothing is left that could hide a fault."""
    with pikepdf.open(BytesIO(file)) as pdf:
        for key in ("/AF", "/Names", "/PageMode"):
            del pdf.Root[key]
        for page in pdf.pages:
            _drop_unused_patterns(page)
        xmp = etree.fromstring(pdf.Root.Metadata.read_bytes())
        for description in list(xmp.iter(f"{RDF}Description")):
            if any(
                child.tag.startswith((f"{{{FX}}}", "{http://www.aiim.org/pdfa/ns/extension/}")) for child in description
            ):
                description.getparent().remove(description)
        etree.cleanup_namespaces(xmp)
        pdf.Root.Metadata = pdf.make_stream(etree.tostring(xmp), Type=pikepdf.Name.Metadata, Subtype=pikepdf.Name.XML)
        return [str(finding) for finding in pdfa.check(pdf, "3b").findings]


def _drop_unused_patterns(page: pikepdf.Page) -> None:
    """Qt declares patterns on every page, which the validator does not know; here they go where none is used."""
    resources = page.Resources
    if len(resources.get("/Pattern", ())) == 0 and b"/PCSp" not in page.Contents.read_bytes():
        for owner, key in ((resources, "/Pattern"), (resources.get("/ColorSpace", {}), "/PCSp")):
            if key in owner:
                del owner[key]


def factur_x_faults(file: bytes, xml: bytes, conformance: str) -> list[str]:
    """What is wrong in how the file carries `xml`: ISO 19005-3, 6.8 and 6.6.2.3, and Factur-X's own metadata."""
    with pikepdf.open(BytesIO(file)) as pdf:
        faults = _qpdf_faults(file)
        names = pdf.Root.Names.EmbeddedFiles.Names
        embedded = {str(names[index]): names[index + 1] for index in range(0, len(names), 2)}
        if list(embedded) != sorted(embedded):
            faults.append("names are not sorted")
        if len(pdf.Root.AF) != len(embedded):
            faults.append("a file is not associated with the document")
        specifications = [one for one in pdf.objects if isinstance(one, pikepdf.Dictionary) and one.get("/EF")]
        if len(specifications) != len(embedded):
            faults.append("there are orphan file specifications")
        for name, specification in embedded.items():
            faults += [f"{name}: {fault}" for fault in _specification_faults(name, specification)]
        if [name for name in embedded if name.endswith(".xml")] != ["factur-x.xml"]:
            faults.append(f"not exactly one factur-x.xml: {list(embedded)}")
        elif embedded["factur-x.xml"].EF.F.read_bytes() != xml:
            faults.append("another XML is embedded")
        return faults + _metadata_faults(pdf.Root.Metadata.read_bytes(), conformance)


def _qpdf_faults(file: bytes) -> list[str]:
    """What `qpdf --check` says, which pikepdf holds: faults and warnings alike."""
    with tempfile.NamedTemporaryFile(suffix=".pdf") as kept:
        kept.write(file)
        kept.flush()
        job = pikepdf.Job(["qpdf", "--check", kept.name])
        try:
            job.run()
        except pikepdf.PdfError as error:
            return [f"qpdf: {error}"]
        return ["qpdf --check warns"] if job.has_warnings or job.exit_code else []


def _specification_faults(name: str, specification: pikepdf.Object) -> list[str]:
    relationship = "/Data" if name == "factur-x.xml" else "/Supplement"
    stream = specification.EF.F
    right = {
        "type": specification.get("/Type") == "/Filespec",
        "relationship": specification.get("/AFRelationship") == relationship,
        "file names": str(specification.F) == str(specification.UF) == name,
        "description": bool(str(specification.Desc)),
        "MIME type": "/" in str(stream.Subtype)[1:],
        "size": int(stream.Params.Size) == len(stream.read_bytes()),
        "date": str(stream.Params.ModDate).startswith("D:20"),
    }
    return [what for what, holds in right.items() if not holds]


def _metadata_faults(packet: bytes, conformance: str) -> list[str]:
    xmp = etree.fromstring(packet)
    about = [description.get(f"{RDF}about") for description in xmp.findall(f".//{RDF}RDF/{RDF}Description")]
    declared = {name.text for name in xmp.iter(f"{PROPERTY}name")}
    told = {
        "part": xmp.findtext(f".//{{{PDFAID}}}part"),
        "conformance": xmp.findtext(f".//{{{PDFAID}}}conformance"),
        "schema": xmp.findtext(f".//{SCHEMA}namespaceURI"),
        "DocumentType": xmp.findtext(f".//{{{FX}}}DocumentType"),
        "DocumentFileName": xmp.findtext(f".//{{{FX}}}DocumentFileName"),
        "Version": xmp.findtext(f".//{{{FX}}}Version"),
        "ConformanceLevel": xmp.findtext(f".//{{{FX}}}ConformanceLevel"),
    }
    wanted = {
        "part": "3",
        "conformance": "B",
        "schema": FX,
        "DocumentType": "INVOICE",
        "DocumentFileName": "factur-x.xml",
        "Version": "1.0",
        "ConformanceLevel": conformance,
    }
    faults = [f"metadata: {name} is {told[name]}, not {value}" for name, value in wanted.items() if told[name] != value]
    if declared != {"DocumentType", "DocumentFileName", "Version", "ConformanceLevel"}:
        faults.append(f"metadata: the extension schema declares {declared}")
    if set(about) != {""}:
        faults.append(f"metadata: rdf:about is {about}")
    return faults
