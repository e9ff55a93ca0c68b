import logging

from odoo import models

# It logs the whole of an invoice that breaks its schema, personal data included; why it does is told to the user.
logging.getLogger("factur-x").setLevel(logging.CRITICAL)


class MadeXml(bytes):
    """XML that was checked and made already. Of a type of its own: whoever calls from outside chooses the context, and
    can put no such thing in it.
    """


class AccountEdiXmlCii(models.AbstractModel):
    """The XML of French companies' invoices is this module's; other countries keep core's."""

    _inherit = "account.edi.xml.cii"

    def _export_invoice(self, invoice):
        if not invoice._is_french_einvoice():
            return super()._export_invoice(invoice)
        made = self.env.context.get("einvoice_xml")  # see account.move.send
        return (made, set()) if isinstance(made, MadeXml) else invoice._make_einvoice_xml()
