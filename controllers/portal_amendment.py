import base64

from odoo import http
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal

URL = "/my/service_amendments"
HISTORY = "my_service_amendments_history"


class AmendmentPortal(CustomerPortal):
    """An amendment as its customer reads, signs or refuses it."""

    @http.route([f"{URL}/<int:amendment_id>"], type="http", auth="public", website=True)
    def portal_my_amendment(
        self, amendment_id, access_token=None, report_type=None, download=False, message=None, **kwargs
    ):
        try:
            amendment_sudo = self._amendment_check_access(amendment_id, access_token)
        except (AccessError, MissingError):
            return request.redirect("/my")
        if report_type in ("html", "pdf", "text"):
            return self._show_report(
                model=amendment_sudo,
                report_type=report_type,
                report_ref="multiservice.amendment_report_action",
                download=download,
            )
        visitor = request.env.user.partner_id
        values = {
            "amendment": amendment_sudo,
            "doc": amendment_sudo.contract_id,
            "page_name": "service_amendment",
            "report_type": "html",
            "message": message,
            "signer": visitor.name if not request.env.user._is_public() else "",
            "backend_url": f"/odoo/action-multiservice.amendment_action/{amendment_sudo.id}",
            "res_company": amendment_sudo.company_id,  # its logo
        }
        values = self._get_page_view_values(amendment_sudo, access_token, values, HISTORY, False, **kwargs)
        return request.render("multiservice.portal_amendment_page", values)

    @http.route([f"{URL}/<int:amendment_id>/accept"], type="jsonrpc", auth="public", website=True)
    def portal_amendment_accept(self, amendment_id, access_token=None, name=None, signature=None):
        access_token = access_token or request.httprequest.args.get("access_token")
        try:
            amendment_sudo = self._amendment_check_access(amendment_id, access_token, to_sign=True)
        except (AccessError, MissingError):
            return {"error": request.env._("This amendment cannot be signed.")}
        if not name or not signature:
            return {"error": request.env._("Give your name and your signature.")}
        try:
            base64.b64decode(signature, validate=True)
            with request.env.cr.savepoint():
                amendment_sudo._sign(name, signature)
        except (TypeError, ValueError, UserError):  # no base64, or no image
            return {"error": request.env._("The signature cannot be read.")}
        return {"force_refresh": True, "redirect_url": amendment_sudo.get_portal_url(query_string="&message=sign_ok")}

    @http.route([f"{URL}/<int:amendment_id>/decline"], type="http", auth="public", methods=["POST"], website=True)
    def portal_amendment_decline(self, amendment_id, access_token=None, reason=None, **kwargs):
        try:
            amendment_sudo = self._amendment_check_access(amendment_id, access_token, to_sign=True)
        except (AccessError, MissingError):
            return request.redirect("/my")
        if not (reason or "").strip():
            return request.redirect(amendment_sudo.get_portal_url())
        amendment_sudo._decline(reason.strip())
        return request.redirect(amendment_sudo.get_portal_url(query_string="&message=declined"))

    def _amendment_check_access(self, amendment_id, access_token, to_sign=False):
        """The amendment, as superuser, for a visitor who may see it with its prices.

        `to_sign`: and who may decide for the customer; users of ours record an acceptance in the back office.
        """
        amendment_sudo = self._document_check_access("multiservice.amendment", amendment_id, access_token)
        user = request.env.user
        internal = user._is_internal()
        if internal and not user.has_group("multiservice.group_billing_user"):
            raise AccessError(request.env._("The page of an amendment shows prices: it is for billing users."))
        if amendment_sudo.state == "cancelled":
            raise MissingError(request.env._("This amendment was cancelled."))
        if to_sign and (internal or not amendment_sudo._can_be_signed()):
            raise AccessError(request.env._("This amendment is not to be signed."))
        return amendment_sudo
