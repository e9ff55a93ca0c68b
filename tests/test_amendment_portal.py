from base64 import b64encode
from datetime import date

from odoo import http
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger
from odoo.tools.misc import file_open

from odoo.addons.mail.tests.common import MockEmail

from .test_portal import PortalCommon


@tagged("post_install", "-at_install")
class TestAmendmentPortal(PortalCommon, MockEmail):
    """An amendment as its customer reads, signs and refuses it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.amendment = cls.env["multiservice.amendment"].create(
            {
                "contract_id": cls.contract.id,
                "title": "A second cleaner",
                "date_effect": date(2026, 3, 1),
                "change_ids": [
                    Command.create(
                        {
                            "kind": "replace_line",
                            "line_id": cls.contract.line_ids[0].id,
                            "quantity": 2.0,
                            "price_unit": 90,
                        }
                    ),
                    Command.create({"kind": "close_site", "site_id": cls.site_b.id}),
                ],
            }
        )
        with file_open("web/static/img/logo.png", "rb") as image:
            cls.signature = b64encode(image.read()).decode()

    def _send(self):
        with self.mock_mail_gateway():
            self.amendment.action_send()

    def _page(self, suffix="", token=False, **query):
        if token:
            query["access_token"] = self.amendment._portal_ensure_token()
        arguments = "&".join(f"{name}={value}" for name, value in query.items())
        return f"/my/service_amendments/{self.amendment.id}{suffix}" + (f"?{arguments}" if arguments else "")

    def _accept(self, login=None, token=True, **params):
        self.authenticate(login, login) if login else self.authenticate(None, None)
        params = {"name": "A. Client", "signature": self.signature, **params}
        return self.make_jsonrpc_request(self._page("/accept", token=token), params)

    def test_sent_by_email_with_its_pdf(self):
        with self.mock_mail_gateway():
            self.amendment.action_send()
        self.assertEqual((self.amendment.state, self.amendment.sent_on), ("sent", date(2026, 2, 10)))
        message = self.amendment.message_ids.filtered(lambda message: message.message_type == "comment")
        self.assertIn("/my/service_amendments/", message.body)
        self.assertEqual(len(message.attachment_ids), 1)
        self.assertEqual(message.partner_ids, self.customer)

    def test_owner_reads_what_changes(self):
        self._send()
        response = self._get(self._page(), "portal_owner")
        self.assertEqual(response.status_code, 200)
        for expected in ("A second cleaner", "03/01/2026", "90.00", "100.00", "Close a site", "Accept and sign"):
            with self.subTest(expected):
                self.assertIn(expected, response.text)
        response = self._get(f"/my/service_contracts/{self.contract.id}", "portal_owner")
        self.assertIn(self.amendment.name, response.text)

    def test_who_may_not_see_it(self):
        self.assertEqual(self._get(self._page(), "portal_owner").status_code, 303, "a draft is not shown")
        self._send()
        for login in ("portal_stranger", "portal_site", None):
            with self.subTest(login):
                self.assertEqual(self._get(self._page(), login).status_code, 303)
        self.assertEqual(self._get(self._page(token=True)).status_code, 200, "with the link")
        self.amendment.action_cancel()
        self.assertEqual(self._get(self._page(token=True)).status_code, 303)

    def test_portal_users_read_no_prices_by_rpc(self):
        self._send()
        changes = self.amendment.change_ids.with_user(self.owner)
        self.assertEqual(changes[0].quantity, 2.0)
        known = set(changes.fields_get())
        self.assertFalse(known & {"price_unit", "discount", "before", "done", "indemnity"})
        self.assertFalse(self.env["multiservice.amendment"].with_user(self.stranger).search([]))

    def test_signed_through_the_link(self):
        self._send()
        result = self._accept()
        self.assertIn("message=sign_ok", result["redirect_url"])
        amendment = self.amendment
        self.assertEqual((amendment.state, amendment.accepted_by), ("accepted", "A. Client"))
        self.assertEqual(amendment.accepted_on, date(2026, 2, 10))
        self.assertTrue(amendment.signature)
        signed = amendment.message_ids.filtered(lambda message: "signed by A. Client" in message.body)
        self.assertEqual(signed.author_id, self.customer)
        self.assertEqual(signed.attachment_ids.mapped("name"), [f"{amendment._get_report_base_filename()}.pdf"])
        self.assertIn("error", self._accept(name="Somebody else"), "signed once")
        self.assertEqual(amendment.accepted_by, "A. Client")
        self.assertEqual(self.contract.line_ids[0].quantity, 1.0, "applied on its day")

    def test_who_may_not_sign(self):
        self.assertIn("error", self._accept(), "a draft is not to be signed")
        self._send()
        self.assertIn("error", self._accept(token=False))
        self.assertIn("error", self._accept("portal_stranger", token=False))
        self.assertIn("error", self._accept(signature=""))
        self.assertIn("error", self._accept(name=""))
        with mute_logger("odoo.http"):
            self.assertIn("error", self._accept(signature="%%%"))
        biller = self._user("ap_billing_user", "multiservice.group_billing_user")
        self.assertIn("error", self._accept(biller.login, token=False), "we do not sign for the customer")
        self.assertEqual(self.amendment.state, "sent")
        self.assertIn("redirect_url", self._accept("portal_owner", token=False))

    def test_refused(self):
        self._send()
        self.authenticate(None, None)
        url = self._page("/decline", token=True)
        token = http.Request.csrf_token(self)
        self.url_open(url, data={"csrf_token": token, "reason": " "}, allow_redirects=False)
        self.assertEqual(self.amendment.state, "sent", "a reason is asked for")
        self.url_open(url, data={"csrf_token": token, "reason": "Too dear"}, allow_redirects=False)
        self.assertEqual((self.amendment.state, self.amendment.refusal_reason), ("refused", "Too dear"))

    def test_printed(self):
        html = (
            self.env["ir.actions.report"]
            ._render_qweb_html("multiservice.amendment_report_action", self.amendment.ids)[0]
            .decode()
        )
        for expected in (self.amendment.name, "to contract", "Change a service", "Quantity", "Last day of service"):
            with self.subTest(expected):
                self.assertIn(expected, html)
        self.assertNotIn("SECRET", html)

    def test_every_kind_is_printed(self):
        suspension = self.env["multiservice.suspension"].create(
            {"contract_id": self.contract.id, "date_start": date(2026, 2, 20), "reason": "Works"}
        )
        reason = self.env.ref("multiservice.termination_reason_price")
        line = self.contract.line_ids[0]
        changes = [
            ({"kind": "add_line", "product_id": self.service.id, "price_unit": 12.5, "discount": 5.0}, "12.50"),
            ({"kind": "replace_line", "line_id": line.id, "recurrence_unit": "quarter"}, "Billed quarterly in advance"),
            ({"kind": "replace_line", "line_id": line.id, "product_id": False, "tax_ids": [Command.clear()]}, "none"),
            ({"kind": "end_line", "line_id": line.id}, "02/28/2026"),
            ({"kind": "add_site", "site_id": self.site_b.id, "model_site_id": self.site_a.id}, "Tour B"),
            ({"kind": "close_site", "site_id": self.site_b.id}, "Tour B"),
            ({"kind": "suspend", "reason": "Inner matter"}, "until further notice"),
            ({"kind": "resume", "suspension_id": suspension.id}, "03/01/2026"),
            ({"kind": "contract_terms", "grouping": "customer"}, "One invoice per customer"),
            ({"kind": "terminate", "termination_reason_id": reason.id, "notice_on": date(2026, 2, 1)}, "02/28/2026"),
        ]
        for change, expected in changes:
            with self.subTest(change["kind"]):
                amendment = self.amendment.copy({"change_ids": [Command.create(change)]})
                html = (
                    self.env["ir.actions.report"]
                    ._render_qweb_html("multiservice.amendment_report_action", amendment.ids)[0]
                    .decode()
                )
                self.assertIn(expected, html)
                self.assertNotIn("Inner matter", html)
