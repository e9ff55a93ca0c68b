from datetime import date
from urllib.parse import urlparse

from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user, tagged

from .common import MultiserviceCommon

LIST = "/my/service_contracts"


class PortalCommon(MultiserviceCommon, HttpCase):
    """A contract with an invoice, its customer's portal user, a stranger, and a contact of one of its sites."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time("2026-02-10 10:00:00"))
        cls.site_a.write({"site_siret": "35600000000048", "site_access_code": "SECRET-1234"})
        cls.other = cls._customer("Autre client")
        cls.contract = cls._contract(
            cls._line(100.0, site_id=cls.site_a.id, name="Offices"),
            cls._line(40.0, site_id=cls.site_b.id, name="Windows"),
            title="Towers",
            posting_mode="post",
            order_reference="PO-77",
        )
        cls.invoice = cls._bill(cls.contract, date(2026, 1, 31)).move_ids
        cls.owner = cls._portal_user("portal_owner", cls.customer)
        cls.stranger = cls._portal_user("portal_stranger", cls.other)
        cls.site_contact = cls._portal_user("portal_site", cls.site_a)

    @classmethod
    def _portal_user(cls, login, parent):
        partner = cls.env["res.partner"].create(
            {"name": login, "parent_id": parent.id, "email": f"{login}@customer.invalid"}
        )
        return new_test_user(
            cls.env,
            login,
            groups="base.group_portal",
            partner_id=partner.id,
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def _url(self, contract=None, **query):
        contract = contract or self.contract
        arguments = "&".join(f"{name}={value}" for name, value in query.items())
        return f"{LIST}/{contract.id}" + (f"?{arguments}" if arguments else "")

    def _token_url(self, contract=None, **query):
        contract = contract or self.contract
        return self._url(contract, access_token=contract._portal_ensure_token(), **query)

    def _get(self, url, login=None):
        if login:
            self.authenticate(login, login)
        else:
            self.authenticate(None, None)
        return self.url_open(url, allow_redirects=False)

    def assertShown(self, url, login=None):
        response = self._get(url, login)
        self.assertEqual(response.status_code, 200)
        self.assertIn(self.contract.name, response.text)
        return response.text

    def assertRefused(self, url, login=None):
        response = self._get(url, login)
        self.assertEqual(response.status_code, 303)
        self.assertEqual(urlparse(response.headers["Location"]).path, "/my")


@tagged("post_install", "-at_install")
class TestPortal(PortalCommon):
    """Who sees which contract on the portal, and what is on its page."""

    def test_owner_sees_the_page(self):
        text = self.assertShown(self._url(), "portal_owner")
        for expected in (
            "Towers",
            "Tour A",
            "35600000000048",
            "Offices",
            "Windows",
            "PO-77",
            "Billed monthly in advance",
            "Total per month",
            "02/01/2026",  # next billing
            self.invoice.name,
            f"/my/invoices/{self.invoice.id}",
            'id="discussion"',
        ):
            with self.subTest(expected):
                self.assertIn(expected, text)
        self.assertNotIn("SECRET", text)

    def test_stranger_is_sent_away(self):
        self.assertRefused(self._url(), "portal_stranger")
        self.assertRefused(self._url(report_type="pdf"), "portal_stranger")

    def test_contact_of_a_site_sees_nothing(self):
        self.assertRefused(self._url(), "portal_site")
        response = self._get(LIST, "portal_site")
        self.assertEqual(response.status_code, 200)
        self.assertNotIn(self.contract.name, response.text)

    def test_site_itself_sees_nothing(self):
        new_test_user(self.env, "portal_site_itself", groups="base.group_portal", partner_id=self.site_b.id)
        self.assertRefused(self._url(), "portal_site_itself")

    def test_portal_users_read_no_prices_by_rpc(self):
        lines = self.contract.line_ids.with_user(self.owner)
        self.assertEqual(lines.mapped("name"), ["Offices", "Windows"])
        with self.assertRaises(AccessError):
            lines.mapped("price_unit")
        with self.assertRaises(AccessError):
            self.contract.with_user(self.stranger).read(["name"])

    def test_visitor_without_login(self):
        self.assertRefused(self._url())
        self.assertRefused(self._url(access_token="forged"))
        self.assertRefused(self._url(access_token=""))
        text = self.assertShown(self._token_url())
        self.assertNotIn(self.invoice.name, text, "the link of a contract shows no invoice")

    def test_token_of_another_contract(self):
        other = self._contract(self._line(), partner_id=self.other.id)
        self.assertRefused(self._url(access_token=other._portal_ensure_token()))

    def test_stranger_with_the_link_sees_no_invoice(self):
        text = self.assertShown(self._token_url(), "portal_stranger")
        self.assertNotIn(self.invoice.name, text)

    def test_proposal_is_shown_by_its_link_only(self):
        draft = self._contract(activate=False, title="Gardens")
        self.assertRefused(self._url(draft), "portal_owner")
        response = self._get(self._token_url(draft))
        self.assertEqual(response.status_code, 200)
        self.assertIn("This is a proposal", response.text)
        self.assertNotIn("Gardens", self._get(LIST, "portal_owner").text)

    def test_cancelled_contract_is_gone(self):
        draft = self._contract(activate=False)
        url = self._token_url(draft)
        draft.action_cancel()
        self.assertRefused(url)
        self.assertTrue(draft.access_warning)

    def test_ended_contract_is_kept(self):
        self.contract.line_ids._end_on(date(2026, 1, 31))
        self.contract._move_to("ended")
        text = self.assertShown(self._url(), "portal_owner")
        self.assertIn("This contract has ended.", text)
        self.assertNotIn("Next Billing Dates", text)

    def test_missing_contract(self):
        self.assertRefused(f"{LIST}/{self.contract.id + 10000}", "portal_owner")

    def test_planner_does_not_see_prices_on_the_page(self):
        self._user("portal_planner", "multiservice.group_planner")
        self.assertRefused(self._url(), "portal_planner")
        self.assertRefused(self._token_url(), "portal_planner")

    def test_billing_user_previews(self):
        billing = self._user("portal_billing", "multiservice.group_billing_user")
        action = self.contract.with_user(billing).action_preview_portal()
        self.assertShown(action["url"], "portal_billing")

    def test_planner_gets_no_link(self):
        planner = self._user("link_planner", "multiservice.group_planner")
        contract = self.contract.with_user(planner)
        with self.assertRaises(AccessError):
            contract.get_portal_url()
        with self.assertRaises(AccessError):
            contract.read(["access_token"])

    def test_planner_may_still_write_to_the_customer(self):
        planner = self._user("mail_planner", "multiservice.group_planner")
        self.contract.message_subscribe(self.owner.partner_id.ids)
        message = self.contract.with_user(planner).message_post(
            body="We come on Monday.", message_type="comment", subtype_xmlid="mail.mt_comment"
        )
        self.assertTrue(message)

    def test_customer_writes_a_message(self):
        self.authenticate("portal_owner", "portal_owner")
        self.make_jsonrpc_request(
            "/mail/message/post",
            {
                "thread_model": "multiservice.contract",
                "thread_id": self.contract.id,
                "post_data": {"body": "Please come on Monday.", "message_type": "comment"},
            },
        )
        message = self.contract.message_ids[0]
        self.assertIn("Please come on Monday.", message.body)
        self.assertEqual(message.author_id, self.owner.partner_id)

    def test_pdf(self):
        response = self._get(self._url(report_type="pdf", download="true"), "portal_owner")
        self.assertEqual(response.status_code, 200)
        self.assertEqual(response.headers["Content-Type"], "application/pdf")
        self.assertIn("attachment", response.headers["Content-Disposition"])
        self.assertIn("Contract_CT", response.headers["Content-Disposition"])


@tagged("post_install", "-at_install")
class TestPortalList(PortalCommon):
    """The list: only one's own, searched, sorted, filtered, in pages."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gardens = cls._contract(
            cls._line(site_id=cls.site_b.id), title="Gardens", market_reference="M-99", date_start=date(2026, 3, 1)
        )
        cls.foreign = cls._contract(cls._line(), partner_id=cls.other.id, title="Foreign")

    def _titles(self, query="", login="portal_owner"):
        text = self._get(f"{LIST}{query}", login).text
        found = {title: text.find(title) for title in ("Towers", "Gardens", "Foreign")}
        return [title for title in sorted(found, key=found.get) if found[title] >= 0]

    def test_own_contracts_only(self):
        self.assertEqual(self._titles(), ["Gardens", "Towers"])
        self.assertEqual(self._titles(login="portal_stranger"), ["Foreign"])
        self.assertEqual(self._titles(login="portal_site"), [])

    def test_search(self):
        for query, expected in (
            ("?search=tower&search_in=name", ["Towers"]),
            ("?search=PO-77&search_in=reference", ["Towers"]),
            ("?search=M-99&search_in=all", ["Gardens"]),
            ("?search=Tour A&search_in=site", ["Towers"]),
            ("?search=Tour B&search_in=site", ["Gardens", "Towers"]),
            ("?search=oreig&search_in=all", []),
            ("?search=PO-77&search_in=nonsense", ["Towers"]),
            ("?search=nowhere", []),
        ):
            with self.subTest(query):
                self.assertEqual(self._titles(query), expected)

    def test_sort(self):
        self.assertEqual(self._titles("?sortby=next"), ["Towers", "Gardens"])
        self.assertEqual(self._titles("?sortby=title"), ["Gardens", "Towers"])
        self.assertEqual(self._titles("?sortby=nonsense"), ["Gardens", "Towers"])

    def test_filter(self):
        self.contract.line_ids._end_on(date(2026, 1, 31))
        self.contract._move_to("ended")
        self.assertEqual(self._titles("?filterby=active"), ["Gardens"])
        self.assertEqual(self._titles("?filterby=ended"), ["Towers"])
        self.assertEqual(self._titles("?filterby=nonsense"), ["Gardens", "Towers"])

    def test_pages(self):
        for n in range(80):
            self._contract(title=f"More {n}")
        self.assertEqual(self._titles("/page/2"), ["Gardens", "Towers"])

    def test_internal_user_sees_its_own_company_contracts_only(self):
        self._user("portal_list_billing", "multiservice.group_billing_user")
        self.assertEqual(self._titles(login="portal_list_billing"), [])

    def test_technician(self):
        self._user("portal_list_technician", "multiservice.group_technician")
        self.assertEqual(self._titles(login="portal_list_technician"), [])

    def test_home_card(self):
        for login, expected in (("portal_owner", 1), ("portal_site", 0)):
            self.authenticate(login, login)
            counters = self.make_jsonrpc_request("/my/counters", {"counters": ["service_contract_count"]})
            self.assertEqual(counters["service_contract_count"], expected)
        self.assertIn(LIST, self._get("/my", "portal_owner").text)
