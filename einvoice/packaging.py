"""The PDF that carries the XML: a Factur-X file in PDF/A-3b (ISO 19005-3), from what wkhtmltopdf printed.

`facturx.generate_from_binary` embeds the XML and its metadata, and leaves a file that is no PDF/A. Here the PDF is read
and written once (once more, before or after factur-x, would take twice the time), with factur-x's metadata and with:

* a file identifier, an output intent (sRGB), the flag "printed" of annotations, a header of PDF 1.7;
* true glyph widths: the wkhtmltopdf built on patched Qt prints each width about 1 % too small (6.2.11.5). It places
  every glyph by itself, so that correct widths move nothing.
"""

import hashlib
import mimetypes
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from io import BytesIO
from pathlib import PurePath
from typing import Any

import facturx  # type: ignore[import-untyped]
from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from pypdf.generic import (
    ArrayObject,
    ByteStringObject,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    IndirectObject,
    NameObject,
    NumberObject,
    TextStringObject,
)

from .profile import Profile

PRINTED = 4  # bit of an annotation's /F
UNSEEN = 1 | 2 | 32 | 256  # invisible, hidden, no view, toggle no view: forbidden in PDF/A
SRGB = "sRGB IEC61966-2.1"
XML_NAME = "factur-x.xml"
PDF_DATE = "D:%Y%m%d%H%M%S+00'00'"


class NotAPdf(ValueError):
    """The file is no PDF that can be read, or holds embedded files already."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the PDF says of itself. `made`: when, in UTC; `language`: "fr-FR"."""

    title: str
    author: str
    subject: str
    made: datetime
    language: str = "fr-FR"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along in the PDF, beside the XML: a signed report, a time sheet."""

    name: str
    content: bytes
    description: str
    modified: datetime


def package(
    pdf: bytes,
    xml: bytes,
    profile: Profile,
    icc: bytes,
    metadata: Metadata,
    attachments: Sequence[Attachment] = (),
) -> bytes:
    """The Factur-X file: `pdf` with `xml` embedded once as factur-x.xml. `icc`: a colour profile of sRGB.

    The XML is taken as valid (`cii.generate` checks it). Raises NotAPdf.
    """
    writer = PdfWriter(clone_from=_reader(pdf))
    data = Attachment(XML_NAME, xml, "Factur-X", metadata.made)
    files = [
        _embed(writer, data, "text/xml", "Data"),
        *(_embed(writer, file, _mime_type(file.name), "Supplement") for file in _distinct(attachments)),
    ]
    root = writer.root_object
    root[NameObject("/AF")] = ArrayObject(reference for _name, reference in files)
    root[NameObject("/Names")] = _file_names(sorted(files))
    root[NameObject("/PageMode")] = NameObject("/UseAttachments")
    root[NameObject("/Lang")] = TextStringObject(metadata.language)
    root[NameObject("/OutputIntents")] = ArrayObject([_output_intent(writer, icc)])
    _describe(writer, profile, metadata)
    _mend_pages(writer)
    return _written(writer, pdf + xml)


def _reader(pdf: bytes) -> PdfReader:
    try:
        reader = PdfReader(BytesIO(pdf))
        if reader.is_encrypted:
            raise NotAPdf("The PDF is encrypted.")
        embedded = "/EmbeddedFiles" in _resolved(_resolved(reader.trailer["/Root"]).get("/Names", {}))
    except (PyPdfError, KeyError) as error:
        raise NotAPdf(f"The PDF cannot be read: {error}") from error
    if embedded:
        raise NotAPdf("The PDF holds embedded files already: the XML is embedded once, in the PDF as it was printed.")
    return reader


def _embed(writer: PdfWriter, file: Attachment, mime_type: str, relationship: str) -> tuple[str, IndirectObject]:
    """Add a file and its specification (ISO 32000-1, 7.11; ISO 19005-3, 6.8), and return its name and reference."""
    stream = DecodedStreamObject()
    stream.set_data(file.content)
    packed = stream.flate_encode()
    packed[NameObject("/Type")] = NameObject("/EmbeddedFile")
    packed[NameObject("/Subtype")] = NameObject(f"/{mime_type}")
    packed[NameObject("/Params")] = DictionaryObject(
        {
            NameObject("/Size"): NumberObject(len(file.content)),
            NameObject("/CheckSum"): ByteStringObject(hashlib.md5(file.content, usedforsecurity=False).digest()),
            NameObject("/ModDate"): TextStringObject(file.modified.astimezone(timezone.utc).strftime(PDF_DATE)),
        }
    )
    reference = writer._add_object(packed)
    specification = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Filespec"),
            NameObject("/AFRelationship"): NameObject(f"/{relationship}"),
            NameObject("/F"): TextStringObject(file.name),
            NameObject("/UF"): TextStringObject(file.name),
            NameObject("/Desc"): TextStringObject(file.description),
            NameObject("/EF"): DictionaryObject({NameObject("/F"): reference, NameObject("/UF"): reference}),
        }
    )
    return file.name, writer._add_object(specification)


def _distinct(files: Sequence[Attachment]) -> Iterator[Attachment]:
    """The same files under names that differ, from each other and from the XML's."""
    taken = {XML_NAME}
    for file in files:
        name, number = file.name, 1
        while name in taken:
            number += 1
            path = PurePath(file.name)
            name = f"{path.stem} ({number}){path.suffix}"
        taken.add(name)
        yield replace(file, name=name)


def _mime_type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _file_names(files: Sequence[tuple[str, IndirectObject]]) -> DictionaryObject:
    """The name tree of the embedded files, sorted by name."""
    leaves = ArrayObject(leaf for name, reference in files for leaf in (TextStringObject(name), reference))
    return DictionaryObject({NameObject("/EmbeddedFiles"): DictionaryObject({NameObject("/Names"): leaves})})


def _describe(writer: PdfWriter, profile: Profile, metadata: Metadata) -> None:
    """What the file says of itself: factur-x's XMP, which holds the profile's name, and the same in the old dictionary.

    factur-x 7.8 leaves out `rdf:about`, which each description needs (ISO 16684-1, 7.4).
    """
    told = {
        "title": metadata.title,
        "author": metadata.author,
        "subject": metadata.subject,
    }
    xmp = facturx.generate_xmp_bytes("factur-x", profile.level, None, told)
    stream = DecodedStreamObject()
    stream.set_data(xmp.replace(b"<rdf:Description>", b'<rdf:Description rdf:about="">'))
    stream[NameObject("/Type")] = NameObject("/Metadata")
    stream[NameObject("/Subtype")] = NameObject("/XML")
    writer.root_object[NameObject("/Metadata")] = writer._add_object(stream)
    made = metadata.made.strftime(PDF_DATE)
    writer.add_metadata(
        {
            "/Title": metadata.title,
            "/Author": metadata.author,
            "/Subject": metadata.subject,
            "/Producer": "pypdf",
            "/Creator": facturx.facturx.CREATOR,
            "/CreationDate": made,
            "/ModDate": made,
        }
    )


def _mend_pages(writer: PdfWriter) -> None:
    for page in writer.pages:
        for annotation in _resolved(page.get("/Annots", ())):
            _print_annotation(_resolved(annotation))
    for font in _composite_fonts(writer):
        _true_widths(font)


def _written(writer: PdfWriter, origin: bytes) -> bytes:
    """The file's bytes. `origin`: what it is made of, from which its identifier comes (ISO 32000-1, 14.4); pypdf's own
    way writes the whole file once more for that."""
    writer.pdf_header = "%PDF-1.7"
    identifier = ByteStringObject(hashlib.md5(origin, usedforsecurity=False).digest())
    writer._ID = ArrayObject([identifier, identifier])
    result = BytesIO()
    writer.write(result)
    return result.getvalue()


def _output_intent(writer: PdfWriter, icc: bytes) -> DictionaryObject:
    profile = DecodedStreamObject()
    profile.set_data(icc)
    stream = profile.flate_encode()
    stream[NameObject("/N")] = NumberObject(3)
    return DictionaryObject(
        {
            NameObject("/Type"): NameObject("/OutputIntent"),
            NameObject("/S"): NameObject("/GTS_PDFA1"),
            NameObject("/OutputConditionIdentifier"): TextStringObject(SRGB),
            NameObject("/RegistryName"): TextStringObject("http://www.color.org"),
            NameObject("/Info"): TextStringObject(SRGB),
            NameObject("/DestOutputProfile"): writer._add_object(stream),
        }
    )


def _print_annotation(annotation: DictionaryObject) -> None:
    flags = int(annotation.get("/F", 0))
    annotation[NameObject("/F")] = NumberObject(flags & ~UNSEEN | PRINTED)


def _composite_fonts(writer: PdfWriter) -> Iterator[DictionaryObject]:
    """The TrueType fonts whose glyphs are named by their place in the font file: all that Qt makes."""
    for font in writer._objects:
        if isinstance(font, DictionaryObject) and font.get("/Subtype") == "/CIDFontType2":
            yield font


def _true_widths(font: DictionaryObject) -> None:
    descriptor = _resolved(font["/FontDescriptor"])
    if "/FontFile2" in descriptor and font.get("/CIDToGIDMap", "/Identity") == "/Identity":
        widths = _advance_widths(_resolved(descriptor["/FontFile2"]).get_data())
        font[NameObject("/W")] = ArrayObject([NumberObject(0), ArrayObject(FloatObject(width) for width in widths)])


def _advance_widths(font: bytes) -> list[float]:
    """The width of each glyph in thousandths of an em, from the tables of a TrueType file (ISO 14496-22, `hmtx`)."""
    (count,) = struct.unpack_from(">H", font, 4)
    tables = {}
    for index in range(count):
        tag, _checksum, offset, _length = struct.unpack_from(">4sLLL", font, 12 + 16 * index)
        tables[tag] = offset
    (units,) = struct.unpack_from(">H", font, tables[b"head"] + 18)
    (measured,) = struct.unpack_from(">H", font, tables[b"hhea"] + 34)
    (glyphs,) = struct.unpack_from(">H", font, tables[b"maxp"] + 4)
    advances = [struct.unpack_from(">H", font, tables[b"hmtx"] + 4 * index)[0] for index in range(measured)]
    advances += advances[-1:] * (glyphs - measured)  # a monospaced end shares the last width
    return [round(advance * 1000 / units, 3) for advance in advances]


def _resolved(value: Any) -> Any:
    return value.get_object() if isinstance(value, IndirectObject) else value
