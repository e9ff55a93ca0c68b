from odoo import http
from odoo.exceptions import AccessError, MissingError
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal

URL = "/my/tax_certificates"


class CertificatePortal(CustomerPortal):
    """A private person's tax certificates: list and PDF."""

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "tax_certificate_count" in counters:
            values["tax_certificate_count"] = len(self._certificates())
        return values

    def _certificates(self):
        """The visitor's own certificates that were sent, also for a user of ours whose rights go further."""
        Certificate = request.env["multiservice.tax.certificate"]
        if not Certificate.has_access("read"):
            return Certificate
        customer = request.env.user.partner_id.commercial_partner_id
        return Certificate.search([("partner_id", "=", customer.id), ("sent_on", "!=", False)])

    @http.route(URL, type="http", auth="user", website=True)
    def portal_my_tax_certificates(self, **kwargs):
        values = self._prepare_portal_layout_values()
        values |= {"certificates": self._certificates(), "page_name": "tax_certificate", "default_url": URL}
        return request.render("multiservice.portal_my_tax_certificates", values)

    @http.route(f"{URL}/<int:certificate_id>", type="http", auth="user", website=True)
    def portal_my_tax_certificate(self, certificate_id, **kwargs):
        """The PDF: there is no other page of a certificate."""
        try:
            certificate = self._document_check_access("multiservice.tax.certificate", certificate_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        return self._show_report(
            model=certificate,
            report_type="pdf",
            report_ref="multiservice.tax_certificate_report_action",
            download=True,
        )
