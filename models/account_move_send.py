from datetime import datetime, timezone

from odoo import api, models
from odoo.tools import file_open, ormcache

from ..einvoice.packaging import Attachment, Metadata, package
from ..einvoice.profile import profile_of
from .account_edi_xml_cii import MadeXml
from .einvoice_check import NO_XML

SRGB_PROFILE = "tools/data/files/sRGB2014.icc"  # Odoo's own


class AccountMoveSend(models.AbstractModel):
    """Core's send service, with the Factur-X of French companies made by this module.

    Core embeds its own XML in every PDF of an invoice, and its conversion to PDF/A fails or claims what it is not:
    what it made of the PDF is thrown away, and the file is made anew from the PDF as it was printed.
    """

    _inherit = "account.move.send"

    @api.model
    def _get_default_sending_methods(self, move) -> set:
        """An invoice to print gets its PDF from core's service, and no e-mail."""
        if move.service_posting_mode == "print":
            return {"manual"}
        return super()._get_default_sending_methods(move)

    @api.model
    def _get_default_invoice_edi_format(self, move, **kwargs) -> str:
        """Factur-X for every customer of a French company, unless another format, or none, was chosen for it."""
        if move._is_french_einvoice():
            customer = move.commercial_partner_id.with_company(move.company_id)
            return customer.invoice_edi_format if customer.invoice_edi_format_store else "facturx"
        return super()._get_default_invoice_edi_format(move, **kwargs)

    @api.model
    def _get_alerts(self, moves, moves_data):
        """Say before sending what the French rules refuse."""
        alerts = super()._get_alerts(moves, moves_data)
        faults = {move: move._einvoice_faults() for move in moves if move._is_french_einvoice()}
        faulty = moves.filtered(lambda move: faults.get(move) and not move.invoice_pdf_report_id)
        if faulty:
            alerts["multiservice_einvoice"] = {
                "level": "danger",
                "message": "\n".join(f"{move.display_name}: {fault}" for move in faulty for fault in faults[move]),
                "action_text": self.env._("View"),
                "action": faulty._get_records_action(name=self.env._("Refused by the French rules")),
            }
        return alerts

    @api.model
    def _hook_invoice_document_after_pdf_report_render(self, invoice, invoice_data):
        pdf = self._pdf_in_hand(invoice, invoice_data)
        printed = pdf and pdf["raw"]
        if not printed or not invoice._is_french_einvoice() or not printed.startswith(b"%PDF"):  # tests print HTML
            return super()._hook_invoice_document_after_pdf_report_render(invoice, invoice_data)
        xml = self._facturx_in_hand(invoice, invoice_data)
        # Without its options core embeds the XML that it is given and leaves out its costly conversion to PDF/A.
        options = invoice_data.pop("ubl_cii_xml_options", None) if self._has_facturx(invoice_data) else None
        core = super(AccountMoveSend, self.with_context(einvoice_xml=MadeXml(xml or NO_XML)))
        core._hook_invoice_document_after_pdf_report_render(invoice, invoice_data)
        if options:
            invoice_data["ubl_cii_xml_options"] = options
        if not xml or pdf is invoice_data.get("proforma_pdf_attachment_values"):
            pdf["raw"] = printed  # a pro-forma is no invoice and carries none
        else:
            pdf["raw"] = self._package_facturx(invoice, printed, xml)

    @api.model
    def _has_facturx(self, invoice_data) -> bool:
        """Whether the XML that goes with the invoice is a Factur-X, not another format of core's."""
        return (invoice_data.get("ubl_cii_xml_options") or {}).get("ubl_cii_format") == "facturx"

    @api.model
    def _facturx_in_hand(self, invoice, invoice_data) -> bytes | None:
        """The XML to embed; none where the rules refuse the invoice, which is then sent in another format."""
        if self._has_facturx(invoice_data):
            return invoice_data["ubl_cii_xml_attachment_values"]["raw"]
        xml, faults = self.env["account.edi.xml.cii"]._export_invoice(invoice)
        return None if faults else xml

    @api.model
    def _pdf_in_hand(self, invoice, invoice_data):
        """The values, or the attachment, of which core's hook changes the PDF."""
        stored = not self.env.context.get("custom_template_facturx") and invoice.invoice_pdf_report_id
        return stored or invoice_data.get("pdf_attachment_values") or invoice_data.get("proforma_pdf_attachment_values")

    @api.model
    @ormcache()
    def _srgb_profile(self) -> bytes:
        with file_open(SRGB_PROFILE, "rb") as icc:
            return icc.read()

    @api.model
    def _package_facturx(self, invoice, pdf: bytes, xml: bytes) -> bytes:
        icc = self._srgb_profile()
        company = invoice.company_id
        metadata = Metadata(
            title=f"{company.name}: {invoice.name}",
            author=company.name,
            subject=invoice._einvoice_subject(),
            made=datetime.now(timezone.utc),
            language=(invoice.partner_id.lang or company._service_lang()).replace("_", "-"),
        )
        files = [
            Attachment(
                file.name, file.raw, file.description or file.name, file.create_date.replace(tzinfo=timezone.utc)
            )
            for file in invoice._einvoice_attachments()
        ]
        return package(pdf, xml, profile_of(xml), icc, metadata, files)
