from odoo import models


class AccountEdiXmlCii(models.AbstractModel):
    """The XML of French companies' invoices is this module's; other countries keep core's."""

    _inherit = "account.edi.xml.cii"

    def _export_invoice(self, invoice):
        if not invoice._is_french_einvoice():
            return super()._export_invoice(invoice)
        return invoice._make_einvoice_xml()
