import contextlib
from contextlib import suppress
from datetime import date

from freezegun import freeze_time
from lxml import etree

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from .common import MultiserviceCommon

TODAY = date(2026, 1, 15)
CONTRACT = "multiservice.contract"
LINE = "multiservice.contract.line"
LEDGER = "multiservice.billable"
AMENDMENT = "multiservice.amendment"
CHANGE = "multiservice.amendment.change"
# Fields that show money: nobody below a billing user reads them.
PRICES = {
    CONTRACT: ["upcoming_html"],
    LINE: ["price_unit", "discount", "amount"],
    LEDGER: ["price_unit", "discount", "amount", "explanation"],
    "multiservice.prior.invoice": ["amount"],
    CHANGE: ["price_unit", "discount", "indemnity"],
}
CERTIFICATE = ("multiservice.tax.certificate", "multiservice.tax.certificate.line")
OWN_MODELS = [
    CONTRACT,
    LINE,
    LEDGER,
    "multiservice.contract.line.tier",
    "multiservice.usage",
    "multiservice.penalty",
    "multiservice.hours.bank",
    "multiservice.hours.bank.entry",
    "multiservice.hours.credit",
    "multiservice.suspension",
    "multiservice.share",
    "multiservice.tax.certificate",
    "multiservice.tax.certificate.line",
    "multiservice.advance.request",
    AMENDMENT,
    CHANGE,
    "multiservice.amendment.preview",
    "multiservice.amendment.preview.line",
    "multiservice.contract.as.of",
    "multiservice.termination.reason",
    "multiservice.contract.transfer",
    "multiservice.manager.change",
    "multiservice.price.index",
    "multiservice.price.index.value",
    "multiservice.price.clause",
    "multiservice.price.clause.term",
    "multiservice.price.revision",
    "multiservice.price.revision.line",
    "multiservice.price.change",
    "multiservice.contract.template",
    "multiservice.contract.template.line",
    "multiservice.prior.invoice",
    "multiservice.billing.run",
    "multiservice.billing.run.item",
    "multiservice.legal.figure",
    "multiservice.billing.preview",
    "multiservice.billing.preview.line",
    "multiservice.contract.activation",
    "multiservice.line.end",
    "multiservice.line.replace",
    "multiservice.renewal.refusal",
    "multiservice.legal.mention",
    "multiservice.late.rate",
    "multiservice.deposit",
    "multiservice.deposit.deduction",
    "multiservice.guarantee.return",
    "multiservice.mandate",
    "multiservice.einvoice.gap",
    "multiservice.einvoice.severity",
    "multiservice.einvoice.status",
    "multiservice.einvoice.status.amount",
    "multiservice.ereporting",
    "multiservice.ereporting.check",
]


class AccessCase(MultiserviceCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.technician = cls._user("a_technician", "multiservice.group_technician")
        cls.planner = cls._user("a_planner", "multiservice.group_planner")
        cls.biller = cls._user("a_billing_user", "multiservice.group_billing_user")
        cls.manager = cls._user("a_manager", "multiservice.group_manager")
        cls.accountant = cls._user("an_accountant", "account.group_account_manager")
        cls.contract = cls._contract(
            cls._line(site_id=cls.site_a.id, price=123.45, discount=1.0), title="Ménage", user_id=cls.biller.id
        )
        cls.contract.prior_invoice_ids = [Command.create({"name": "F-1", "date": date(2025, 12, 1), "amount": 99.0})]
        cls.line = cls.contract.line_ids
        cls.billing_run = cls._bill(cls.contract, date(2026, 1, 1))
        cls.rows = cls.contract.billable_ids
        cls.move = cls.rows.move_id
        cls.template = cls.env["multiservice.contract.template"].create(
            {"name": "Cleaning", "line_ids": [Command.create({"product_id": cls.service.id})]}
        )
        cls.amendment = cls.env[AMENDMENT].create(
            {
                "contract_id": cls.contract.id,
                "date_effect": date(2026, 3, 1),
                "change_ids": [Command.create({"kind": "replace_line", "line_id": cls.line.id, "price_unit": 150.0})],
            }
        )
        # Each test meets the records as the user's own browser does: nothing read for it by somebody else.
        cls.env.flush_all()

    def setUp(self):
        super().setUp()
        self.env.invalidate_all()

    def _rpc(self, user, record, method, *args, **kwargs):
        """Call a method as a client does: by name, on ids."""
        model = self.env[record._name].with_user(user)
        if method in ("create", "search", "search_read", "web_search_read", "formatted_read_group", "default_get"):
            return call_kw(model, method, list(args), kwargs)
        return call_kw(model, method, [record.ids, *args], kwargs)

    def _menus(self, user):
        """Names of our menus that the user sees."""
        menus = self.env["ir.ui.menu"].with_user(user).load_menus(False)
        names = {menu["xmlid"] for menu in menus.values() if menu.get("xmlid")}
        return {name.split(".")[1] for name in names if name.startswith("multiservice.")}

    def assertForbidden(self, user, record, method, *args, **kwargs):
        label = f"{user.login}: {record._name}.{method}{args}"
        with (
            self.subTest(label),
            mute_logger("odoo.addons.base.models.ir_rule", "odoo.addons.base.models.ir_model"),
            self.assertRaises(AccessError, msg=label),
            self.env.cr.savepoint(),
        ):
            self._rpc(user, record, method, *args, **kwargs)
            self.env.flush_all()
        self.env.invalidate_all()


def read_all(case, model, record, kinds, view_refs=None):
    """Open views as the web client does for that user: load them, then read every field they show."""
    views = model.get_views([((view_refs or {}).get(kind, False), kind) for kind in kinds])
    for kind in kinds:
        case.env.invalidate_all()
        arch = etree.fromstring(views["views"][kind]["arch"])
        fields = views["models"]
        specification = specify(arch, model._name, fields)
        case.assertTrue(specification, kind)
        case.assertTrue(record.with_user(model.env.user).with_env(model.env).web_read(specification), kind)
    return views


def specify(arch, model_name, models):
    """The `web_read` specification for the fields of a view, with those of its sub-views."""
    known = models[model_name]["fields"]
    specification = {}
    for node in top_fields(arch):
        name = node.get("name")
        field = known[name]
        specification[name] = {}
        if field["type"] in ("many2one", "many2many"):
            specification[name] = {"fields": {"display_name": {}}}
        elif field["type"] == "one2many":
            nested = {}
            for sub_view in node:
                if sub_view.tag in ("list", "kanban", "form"):
                    nested |= specify(sub_view, field["relation"], models)
            specification[name] = {"fields": nested}
    return specification


def top_fields(arch):
    return [
        node
        for node in arch.iter("field")
        if not any(ancestor.tag == "field" for ancestor in node.iterancestors()) or arch.tag == "field"
    ]


@tagged("post_install", "-at_install")
class TestAccess(AccessCase):
    """What each group may do, and what it may not. One class: loading a chart of accounts for each is slow."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        contact = cls.env["res.partner"].create({"name": "Paul Durand", "parent_id": cls.customer.id})
        site_contact = cls.env["res.partner"].create({"name": "Gardien", "parent_id": cls.site_a.id})
        stranger = cls._customer("Autre client")
        cls.portal = cls._portal_user("portal_customer", contact)
        cls.at_site = cls._portal_user("portal_site_contact", site_contact)
        cls.the_site = cls._portal_user("portal_site", cls.site_b)
        cls.stranger = cls._portal_user("portal_stranger", stranger)
        cls.draft = cls._contract(cls._line(), activate=False)
        cls.foreign = cls._contract(cls._line(), partner_id=stranger.id)
        cls.env.flush_all()

    def test_technician_no_model_of_ours(self):
        for name in OWN_MODELS:
            model = self.env[name]
            for operation in ("read", "write", "create", "unlink"):
                self.assertFalse(model.with_user(self.technician).has_access(operation), f"{operation} on {name}")
        self.assertForbidden(self.technician, self.contract, "read", ["name"])
        self.assertForbidden(self.technician, self.env[CONTRACT], "search", [])
        self.assertForbidden(self.technician, self.line, "web_read", {"name": {}})

    def test_technician_nothing_through_the_customer(self):
        partner = self.customer.with_user(self.technician)
        self.assertEqual(partner.read(["name"])[0]["name"], "Bureaux du Parc")
        for name in ("service_contract_ids", "contract_count"):
            self.assertForbidden(self.technician, self.customer, "read", [name])
            self.assertForbidden(self.technician, self.env["res.partner"], "search", [(name, "!=", False)])

    def test_technician_customer_form_opens(self):
        read_all(self, self.env["res.partner"].with_user(self.technician), self.customer, ("form", "list", "kanban"))

    def test_technician_menus(self):
        self.assertFalse(
            self._menus(self.technician).intersection(["menu_root", "contract_menu", "billing_menu_parent"])
        )

    def test_planner_screens_open(self):
        user_env = self.env(user=self.planner)
        for name, record in (
            (CONTRACT, self.contract),
            (LINE, self.line),
            (LEDGER, self.rows),
            (AMENDMENT, self.amendment),
            ("multiservice.contract.template", self.template),
        ):
            with self.subTest(name):
                read_all(self, user_env[name], record, ("form", "list", "search") if name != LEDGER else ("list",))
        read_all(self, user_env[CONTRACT], self.contract, ("kanban",))

    def test_planner_screens_show_no_price(self):
        for name, fields in PRICES.items():
            views = self.env[name].with_user(self.planner).get_views([(False, "form"), (False, "list")])
            for kind in views["views"]:
                arch = etree.fromstring(views["views"][kind]["arch"])
                shown = {
                    node.get("name")
                    for node in arch.iter("field")
                    if not any(parent.tag == "field" for parent in node.iterancestors())
                }
                self.assertFalse(shown.intersection(fields), f"{name} {kind}")
        form = self.env[CONTRACT].with_user(self.planner).get_view(view_type="form")["arch"]
        for shown in ('name="price_unit"', 'name="amount"', 'name="upcoming_html"', 'name="action_bill"'):
            self.assertNotIn(shown, form)

    def test_planner_contracts_can_be_read_searched_and_found(self):
        contracts = self.env[CONTRACT].with_user(self.planner)
        self.assertIn(self.contract, contracts.search([("partner_id", "=", self.customer.id)]))
        self.assertIn(self.contract.id, [id_ for id_, _name in contracts.name_search(self.contract.name)])
        line = self.line.with_user(self.planner)
        self.assertEqual((line.site_id, line.quantity, line.billed_to), (self.site_a, 1.0, date(2026, 1, 31)))
        self.assertTrue(self.contract.with_user(self.planner).is_held)
        self.assertEqual(self.contract.with_user(self.planner).invoice_count, 1)

    def test_planner_no_price_by_any_way(self):
        self.planner.group_ids += self.env.ref("base.group_allow_export")
        self.assertEqual(self._rpc(self.planner, self.line, "export_data", ["name"])["datas"], [["Office cleaning"]])
        samples = {
            CONTRACT: self.contract,
            LINE: self.line,
            LEDGER: self.rows,
            "multiservice.prior.invoice": self.contract.prior_invoice_ids,
            CHANGE: self.amendment.change_ids,
        }
        for name, fields in PRICES.items():
            record = samples[name]
            model = self.env[name]
            self.assertFalse(set(fields).intersection(model.with_user(self.planner).fields_get()), name)
            for field in fields:
                self.assertForbidden(self.planner, record, "read", [field])
                self.assertForbidden(self.planner, record, "web_read", {field: {}})
                self.assertForbidden(self.planner, record, "export_data", [field])
                self.assertForbidden(self.planner, model, "search_read", [], ["id", field])
                if not model._fields[field].store:
                    continue
                self.assertForbidden(self.planner, model, "search", [(field, "!=", False)])
                self.assertForbidden(self.planner, model, "search", [], order=f"{field} desc")
                if model._fields[field].aggregator:
                    self.assertForbidden(self.planner, model, "formatted_read_group", [], [], [f"{field}:sum"])
                else:
                    self.assertForbidden(self.planner, model, "formatted_read_group", [], [field], ["__count"])

    def test_planner_no_price_through_a_relation(self):
        self.planner.group_ids += self.env.ref("base.group_allow_export")
        contracts = self.env[CONTRACT]
        for domain in (
            [("line_ids.price_unit", ">", 100)],
            [("line_ids", "any", [("price_unit", ">", 100)])],
            [("billable_ids.amount", ">", 100)],
            [("prior_invoice_ids.amount", ">", 90)],
        ):
            self.assertForbidden(self.planner, contracts, "search", domain)
        self.assertForbidden(
            self.planner, self.env["res.partner"], "search", [("service_contract_ids.line_ids.price_unit", ">", 100)]
        )
        self.assertForbidden(self.planner, self.contract, "export_data", ["line_ids/price_unit"])
        self.assertForbidden(self.planner, self.contract, "web_read", {"line_ids": {"fields": {"price_unit": {}}}})
        self.assertForbidden(self.planner, self.move, "read", ["amount_total"])

    def test_planner_no_price_in_the_onchange_of_a_new_record(self):
        spec = {"line_ids": {"fields": {"product_id": {}, "price_unit": {}}}}
        with self.assertRaises(AccessError):
            self._rpc(
                self.planner,
                self.env[CONTRACT],
                "onchange",
                {"line_ids": [[0, "x", {"product_id": self.service.id}]]},
                ["line_ids"],
                spec,
            )

    def test_planner_no_write(self):
        for record in (self.contract, self.line, self.rows, self.contract.prior_invoice_ids, self.template):
            vals = {"name": "Mine"} if "name" in record._fields else {"ratio": "1/2"}
            self.assertForbidden(self.planner, record, "write", vals)
            self.assertForbidden(self.planner, record, "unlink")
        self.assertForbidden(self.planner, self.env[CONTRACT], "create", {"partner_id": self.customer.id})
        self.assertForbidden(self.planner, self.env[LINE], "create", {"contract_id": self.contract.id, "name": "Mine"})
        self.assertForbidden(self.planner, self.contract, "copy")
        ended = self._contract()
        ended._move_to("ended")
        self.env.flush_all()
        self.assertForbidden(self.planner, ended, "action_archive")

    @freeze_time(TODAY)
    def test_planner_no_button(self):
        draft = self._contract(activate=False, date_start=TODAY)
        warned = self._contract(activate=False, date_start=date(2010, 1, 1))
        ended = self._contract()
        ended._move_to("ended")
        cancelled = self._contract()
        cancelled.action_cancel()
        due = self._contract()
        self.env.flush_all()
        for contract, method in (
            (draft, "action_activate"),
            (warned, "action_activate"),
            (draft, "action_cancel"),
            (ended, "action_reopen"),
            (cancelled, "action_draft"),
            (due, "action_bill"),
            (due, "action_clear_error"),
        ):
            self.assertForbidden(self.planner, contract, method)
        for name in (
            "multiservice.line.end",
            "multiservice.line.replace",
            "multiservice.billing.preview",
            "multiservice.contract.activation",
        ):
            self.assertForbidden(self.planner, self.env[name], "create", {})

    def test_planner_no_billing_run(self):
        for name in ("multiservice.billing.run", "multiservice.billing.run.item"):
            for operation in ("read", "write", "create", "unlink"):
                self.assertFalse(self.env[name].with_user(self.planner).has_access(operation), f"{operation} {name}")
        self.assertForbidden(self.planner, self.billing_run, "action_retry")
        self.assertForbidden(self.planner, self.billing_run, "read", ["name"])

    def test_planner_menus(self):
        menus = self._menus(self.planner)
        self.assertIn("contract_menu", menus)
        hidden = {"billing_preview_menu", "billing_run_menu", "settings_menu", "contract_template_menu"}
        self.assertFalse(menus.intersection(hidden))
        self.assertFalse(hidden - {"settings_menu"} - self._menus(self.manager))

    def test_nobody_writes_the_ledger(self):
        vals = {
            "contract_line_id": self.line.id,
            "period_start": "2026-02-01",
            "period_end": "2026-02-28",
            "kind": "whole",
            "closed_reason": "waived",
        }
        for user in (self.planner, self.biller, self.manager, self.accountant):
            self.assertForbidden(user, self.rows, "write", {"amount": 0.0})
            self.assertForbidden(user, self.rows, "write", {"closed_reason": "waived"})
            self.assertForbidden(user, self.rows, "unlink")
            self.assertForbidden(user, self.env[LEDGER], "create", vals)
        for user in (self.biller, self.manager):
            self.assertForbidden(
                user, self.contract, "write", {"billable_ids": [Command.update(self.rows.id, {"amount": 0.0})]}
            )
            self.assertForbidden(user, self.line, "write", {"billable_ids": [Command.delete(self.rows.id)]})
            self.assertForbidden(user, self.line, "write", {"billable_ids": [Command.create(vals)]})
            self.assertForbidden(
                user,
                self.move.invoice_line_ids.filtered("billable_ids"),
                "write",
                {"billable_ids": [Command.clear()]},
            )

    def test_manager_may_not_import_ledger_rows(self):
        result = (
            self.env[LEDGER]
            .with_user(self.manager)
            .load(
                ["contract_line_id/.id", "period_start", "period_end", "kind"],
                [[str(self.line.id), "2026-02-01", "2026-02-28", "whole"]],
            )
        )
        self.assertFalse(result["ids"])
        self.assertEqual(len(self.contract.billable_ids), 1)

    def test_private_methods_are_not_for_rpc(self):
        for record, method, args in (
            (self.contract, "_activate", []),
            (self.contract, "_move_to", ["cancelled"]),
            (self.contract, "_end_on", [False]),
            (self.contract, "_bill", [self.billing_run.id]),
            (self.line, "_end_on", [False]),
            (self.line, "_replace_from", ["2026-02-01", {}]),
            (self.rows, "_enter", [[]]),
            (self.billing_run, "_process_now", []),
            (self.billing_run, "_cron_work", []),
            (self.billing_run.item_ids, "_work", []),
        ):
            with self.subTest(method), self.assertRaisesRegex(AccessError, "cannot be called remotely"):
                self._rpc(self.manager, record, method, *args)

    @classmethod
    def _portal_user(cls, login, partner):
        return new_test_user(
            cls.env,
            login,
            groups="base.group_portal",
            partner_id=partner.id,
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def test_portal_own_contracts(self):
        contracts = self.env[CONTRACT].with_user(self.portal).search([])
        self.assertEqual(contracts, self.contract, "running ones only, no draft")
        self.assertEqual(self.env[LINE].with_user(self.portal).search([]), self.line)
        self.assertEqual(contracts.read(["name", "date_start"])[0]["name"], self.contract.name)

    def test_portal_nothing_of_others(self):
        self.assertEqual(self.env[CONTRACT].with_user(self.stranger).search([]), self.foreign)
        self.assertEqual(self.env[LINE].with_user(self.stranger).search([]), self.foreign.line_ids)
        for user in (self.stranger, self.at_site, self.the_site):
            with self.subTest(user.login):
                if user != self.stranger:
                    self.assertFalse(self.env[CONTRACT].with_user(user).search([]))
                    self.assertFalse(self.env[LINE].with_user(user).search([]))
            self.assertForbidden(user, self.contract, "read", ["name"])
            self.assertForbidden(user, self.line, "read", ["name"])
        self.assertForbidden(self.portal, self.draft, "read", ["name"])
        self.assertForbidden(self.portal, self.draft.line_ids, "read", ["name"])

    def test_portal_no_ledger_no_price_no_run(self):
        for name in OWN_MODELS:
            # A customer's own certificates, once they were sent: see TestHomeDocuments.
            if name not in (CONTRACT, LINE, AMENDMENT, CHANGE, *CERTIFICATE):
                self.assertFalse(self.env[name].with_user(self.portal).has_access("read"), name)
        for field in PRICES[LINE]:
            self.assertForbidden(self.portal, self.line, "read", [field])
        self.assertForbidden(self.portal, self.amendment, "read", ["name"])  # a draft
        self.amendment._move_to("sent")
        self.env.flush_all()
        self.assertEqual(self._rpc(self.portal, self.amendment.change_ids, "read", ["quantity"])[0]["quantity"], 1.0)
        for field in (*PRICES[CHANGE], "reason", "before", "done"):
            self.assertForbidden(self.portal, self.amendment.change_ids, "read", [field])
        self.assertForbidden(self.portal, self.amendment, "write", {"title": "Mine"})
        for user in (self.stranger, self.at_site, self.the_site):
            self.assertForbidden(user, self.amendment, "read", ["name"])
            self.assertForbidden(user, self.amendment.change_ids, "read", ["kind"])
        self.assertForbidden(self.portal, self.contract, "read", ["upcoming_html"])
        self.assertForbidden(self.portal, self.contract, "read", ["billing_error"])
        self.assertForbidden(self.portal, self.env[CONTRACT], "search", [("line_ids.price_unit", ">", 0)])
        self.assertForbidden(self.portal, self.env[CONTRACT], "search", [("billable_ids.amount", ">", 0)])
        self.assertForbidden(self.portal, self.rows, "read", ["period_start"])

    def test_portal_no_write(self):
        for record in (self.contract, self.line):
            self.assertForbidden(
                self.portal, record, "write", {"sequence": 1} if record == self.line else {"title": "Mine"}
            )
            self.assertForbidden(self.portal, record, "unlink")
            self.assertForbidden(self.portal, record, "copy")
        self.assertForbidden(self.portal, self.env[CONTRACT], "create", {"partner_id": self.customer.id})
        for method in ("action_cancel", "action_bill", "action_clear_error"):
            self.assertForbidden(self.stranger, self.foreign, method)

    def test_accountant_no_contract(self):
        for name in (CONTRACT, LINE, LEDGER, "multiservice.billing.run"):
            self.assertFalse(self.env[name].with_user(self.accountant).has_access("read"), name)

    def test_accountant_invoice_opens(self):
        moves = self.env["account.move"].with_user(self.accountant)
        read_all(self, moves, self.move, ("form", "list", "kanban"))

    def test_accountant_invoice_is_posted_credited_and_deleted(self):
        move = self.move.with_user(self.accountant)
        move.action_post()
        self.assertEqual(move.state, "posted")
        self.env.invalidate_all()
        wizard = (
            self.env["account.move.reversal"]
            .with_user(self.accountant)
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"journal_id": move.journal_id.id, "service_rebill": "yes"})
        )
        action = wizard.reverse_moves()
        refund = self.env["account.move"].with_user(self.accountant).browse(action["res_id"])
        refund.action_post()
        self.env.invalidate_all()
        self.assertEqual(self.contract.next_billing_date, date(2026, 1, 1), "to bill again")
        draft = self._bill(self._contract(), date(2026, 1, 1)).move_ids
        self.env.flush_all()
        self.env.invalidate_all()
        contract = draft.service_contract_ids
        draft.with_user(self.accountant).unlink()
        self.assertFalse(contract.is_held)

    @freeze_time(TODAY)
    def test_billing_user_screens_open(self):
        env = self.env(user=self.biller)
        for name, record in (
            (CONTRACT, self.contract),
            (LINE, self.line),
            (LEDGER, self.rows),
            ("multiservice.contract.template", self.template),
            ("multiservice.billing.run", self.billing_run),
        ):
            with self.subTest(name):
                read_all(self, env[name], record, ("form", "list") if name != LEDGER else ("list",))
        for user in (self.biller, self.manager):
            read_all(self, self.env["res.partner"].with_user(user), self.customer, ("form", "list", "kanban"))

    @freeze_time(TODAY)
    def test_billing_user_from_contract_to_credit_note(self):
        env = self.env(user=self.biller)
        with Form(env[CONTRACT]) as form:
            form.partner_id = self.customer.with_env(env)
            form.title = "Gardiennage"
            form.date_start = "2026-01-01"
            for site in (self.site_a, self.site_b):
                with form.line_ids.new() as line:
                    line.site_id = site.with_env(env)
                    line.product_id = self.service.with_env(env)
                    line.price_unit = 50.0
        contract = form.record
        self.assertEqual(contract.env.user, self.biller)
        self.assertIs(contract.action_activate(), True)
        self.assertIn("50.00", str(contract.upcoming_html))
        run = env["multiservice.billing.run"].browse(contract.action_bill()["res_id"])
        self.assertEqual((run.state, run.failed_count, run.move_count), ("done", 0, 1))
        move = contract.billable_ids.move_id
        move.action_post()
        self.assertEqual(move.amount_untaxed, 100.0)
        with Form(env["multiservice.line.replace"].with_context(default_line_id=contract.line_ids[0].id)) as replace:
            replace.date_start = "2026-01-11"
            replace.price_unit = 80.0
        replace.record.action_confirm()
        with Form(env["multiservice.line.end"].with_context(default_line_id=contract.line_ids[1].id)) as end:
            end.date_end = "2026-01-31"
        end.record.action_confirm()
        self.assertEqual(len(contract.line_ids), 3)
        contract.action_bill()
        self.assertAlmostEqual(sum(contract.billable_ids.filtered("held").mapped("amount")), 16.13 + 54.19 + 50.0)
        wizard = (
            env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"journal_id": move.journal_id.id, "service_rebill": "no"})
        )
        refund = env["account.move"].browse(wizard.reverse_moves()["res_id"])
        refund.action_post()
        self.assertEqual(refund.state, "posted")
        with Form(env["multiservice.line.end"].with_context(default_contract_id=contract.id)) as end:
            end.date_end = "2026-01-31"
        end.record.action_confirm()
        self.assertEqual(contract.date_end, date(2026, 1, 31))
        copy = contract.copy()
        self.assertEqual(copy.state, "draft")
        copy.unlink()

    @freeze_time(TODAY)
    def test_billing_user_wizard_and_run_form(self):
        env = self.env(user=self.biller)
        contract = self._contract(self._line(), user_id=self.biller.id, posting_mode="post").with_env(env)
        self.env.flush_all()
        with Form(env["multiservice.billing.preview"]) as form:
            form.contract_ids.add(contract)
        preview = form.record
        preview.action_preview()
        self.assertEqual(preview.line_ids.mapped("amount"), [100.0])
        self.assertFalse(contract.billable_ids, "a dry run writes nothing")
        action = preview.action_bill()
        run = env["multiservice.billing.run"].browse(action["res_id"])
        self.assertEqual(run.state, "running")
        run.action_stop()
        run.action_start()
        self.assertEqual(run.item_ids.contract_ids, contract)
        for method in ("action_view_moves", "action_view_failures", "action_view_unsent"):
            self.assertTrue(getattr(run, method)())
        with Form(run) as form:
            self.assertEqual(form.state, "running")

    @freeze_time(TODAY)
    def test_billing_user_what_is_for_managers(self):
        self.assertForbidden(self.biller, self.template, "write", {"name": "Mine"})
        self.assertForbidden(self.biller, self.template, "unlink")
        figure = self.env.ref("multiservice.legal_figure_payment_days")
        self.assertForbidden(self.biller, figure, "write", {"value": 90})
        self.assertForbidden(self.biller, self.billing_run, "unlink")
        figure.with_user(self.manager).value = 61
        self.template.with_user(self.manager).name = "Cleaning of offices"

    @freeze_time(TODAY)
    def test_billing_user_settings_are_for_managers(self):
        self.assertForbidden(self.biller, self.company, "write", {"service_posting_mode": "send"})


@tagged("post_install", "-at_install")
class TestOtherCompany(AccessCase):
    """Who works for one company sees and touches nothing of another, whatever it shares with it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.setup_other_company(name="Agence du Sud")
        cls.other_company = cls.other["company"]
        # The same, shared customer and service: only the company keeps them apart.
        cls.env.user.company_ids |= cls.other_company
        cls.service.taxes_id = cls.tax | cls.other["default_tax_sale"]
        cls.foreign = cls._contract(
            cls._line(site_id=cls.site_a.id),
            company_id=cls.other_company.id,
            journal_id=cls.other["default_journal_sale"].id,
        )
        cls.foreign.prior_invoice_ids = [Command.create({"name": "S-1", "date": date(2025, 12, 1)})]
        cls.foreign_run = cls._bill(cls.foreign, date(2026, 1, 1))
        cls.foreign_template = cls.env["multiservice.contract.template"].create(
            {
                "name": "South",
                "company_id": cls.other_company.id,
                "line_ids": [Command.create({"name": "Cleaning in the south"})],
            }
        )
        cls.env.flush_all()

    def _foreign_records(self):
        return (
            self.foreign,
            self.foreign.line_ids,
            self.foreign.billable_ids,
            self.foreign.prior_invoice_ids,
            self.foreign_run,
            self.foreign_run.item_ids,
            self.foreign_template,
            self.foreign_template.line_ids,
        )

    def test_nothing_is_seen(self):
        for user in (self.planner, self.biller, self.manager):
            for record in self._foreign_records():
                self.assertTrue(record, "the test needs a record")
                model = self.env[record._name].with_user(user)
                if not model.has_access("read"):
                    continue
                with self.subTest(f"{user.login} {record._name}"):
                    self.assertFalse(model.search([("id", "in", record.ids)]))
                    self.assertFalse(model.search([("company_id", "=", self.other_company.id)]))
                self.assertForbidden(user, record, "read", ["display_name"])

    def test_nothing_is_changed(self):
        for user in (self.biller, self.manager):
            for record in self._foreign_records():
                self.assertForbidden(user, record, "write", {"company_id": self.company.id})
                self.assertForbidden(user, record, "unlink")
            self.assertForbidden(
                user,
                self.env[CONTRACT],
                "create",
                {"partner_id": self.customer.id, "company_id": self.other_company.id},
            )
            self.assertForbidden(
                user,
                self.env[LINE],
                "create",
                {"contract_id": self.foreign.id, "display_type": "line_note", "name": "N"},
            )
            self.assertForbidden(
                user,
                self.env["multiservice.prior.invoice"],
                "create",
                {"contract_id": self.foreign.id, "name": "S-2", "date": "2025-12-01"},
            )
            self.assertForbidden(
                user,
                self.env["multiservice.billing.run"],
                "create",
                {"company_id": self.other_company.id, "through_date": "2026-02-01"},
            )

    def test_what_one_owns_is_not_smuggled_over(self):
        """Rules are checked before a write only: what a write leads to must be checked too."""
        mine = self._contract(self._line(), activate=False)
        prior = self.env["multiservice.prior.invoice"].create(
            {"contract_id": mine.id, "name": "F-9", "date": "2025-12-01"}
        )
        self.env.flush_all()
        for record, vals in (
            (mine.line_ids, {"contract_id": self.foreign.id}),
            (prior, {"contract_id": self.foreign.id}),
            (mine, {"company_id": self.other_company.id}),
        ):
            with self.subTest(record._name), self.assertRaises(UserError), self.env.cr.savepoint():
                self._rpc(self.biller, record, "write", vals)
                self.env.flush_all()
            self.env.invalidate_all()
        self.assertEqual(len(self.foreign.line_ids), 1)

    @freeze_time("2026-02-15")
    def test_buttons_do_nothing_there(self):
        for method in ("action_activate", "action_bill", "action_cancel", "action_reopen", "action_clear_error"):
            self.assertForbidden(self.biller, self.foreign, method)
        for method in ("action_retry", "action_start", "action_stop"):
            self.assertForbidden(self.manager, self.foreign_run, method)
        self.assertForbidden(self.manager, self.foreign_run.item_ids, "action_retry")

    def _confirm(self, name, vals, method="action_confirm"):
        """Create a wizard by RPC on what the user may not see, and push its button."""
        wizard = self.env[name].with_user(self.biller).create(vals)
        return call_kw(wizard.browse(), method, [wizard.ids], {})

    @freeze_time("2026-02-15")
    def test_wizards_do_nothing_there(self):
        draft = self._contract(self._line(), activate=False, company_id=self.other_company.id)
        line = self.foreign.line_ids
        self.env.flush_all()
        for name, vals in (
            ("multiservice.line.end", {"line_id": line.id, "date_end": "2026-01-10"}),
            ("multiservice.line.end", {"contract_id": self.foreign.id, "date_end": "2026-01-10"}),
            (
                "multiservice.line.replace",
                {
                    "line_id": line.id,
                    "date_start": "2026-02-01",
                    "name": "x",
                    "price_unit": 1.0,
                    "quantity": 1.0,
                    "discount": 0.0,
                    "product_id": self.service.id,
                    "site_id": self.site_a.id,
                    "tax_ids": [Command.set(self.tax.ids)],
                },
            ),
        ):
            vals = {key: value for key, value in vals.items() if key in self.env[name]._fields}
            self.env.invalidate_all()
            with (
                self.subTest(name),
                mute_logger("odoo.addons.base.models.ir_rule"),
                self.assertRaises(AccessError),
                self.env.cr.savepoint(),
            ):
                self._confirm(name, vals)
        self.env.invalidate_all()
        with (
            mute_logger("odoo.addons.base.models.ir_rule"),
            contextlib.suppress(UserError),
            self.env.cr.savepoint(),
        ):
            self._confirm("multiservice.contract.activation", {"contract_ids": [Command.set(draft.ids)]})
        self.env.invalidate_all()
        self.assertEqual(draft.state, "draft")
        self.assertFalse(line.date_end or line.successor_ids or self.foreign.date_end)

    def test_wizard_tells_nothing_of_it(self):
        wizard = self.env["multiservice.line.end"].with_user(self.biller)
        wizard = wizard.create({"line_id": self.foreign.line_ids.id, "date_end": "2026-01-10"})
        self.env.invalidate_all()
        try:
            consequence = wizard.consequence or ""
        except AccessError:
            consequence = ""
        self.assertNotIn("2026", consequence, "the day to which another company billed")

    @freeze_time("2026-02-15")
    def test_dry_run_finds_nothing_there(self):
        for vals in (
            {"company_id": self.other_company.id},
            {"contract_ids": [Command.set(self.foreign.ids)]},
            {"company_id": self.other_company.id, "contract_ids": [Command.set(self.foreign.ids)]},
        ):
            preview = self.env["multiservice.billing.preview"].with_user(self.biller)
            with self.subTest(vals), mute_logger("odoo.addons.base.models.ir_rule"), suppress(UserError):
                preview = preview.create({"through_date": "2026-02-15", **vals})
                preview.action_preview()
                self.assertNotIn(self.foreign, preview.sudo().line_ids.contract_id)
                preview.action_bill()
        self.env.invalidate_all()
        self.assertEqual(len(self.foreign.billable_ids), 1, "nothing more was billed")

    @freeze_time("2026-02-15")
    def test_run_of_one_company_never_bills_another(self):
        """Not even when the contract is put among its items: the workers are allowed everything."""
        run = self.env["multiservice.billing.run"].with_user(self.biller)
        quiet = ("odoo.addons.base.models.ir_rule", "odoo.addons.multiservice.models.billing_run")
        with mute_logger(*quiet), suppress(UserError):
            run = run.create(
                {
                    "through_date": "2026-02-15",
                    "company_id": self.company.id,
                    "item_ids": [
                        Command.create(
                            {
                                "partner_id": self.customer.id,
                                "contract_ids": [Command.set(self.foreign.ids)],
                            }
                        )
                    ],
                }
            )
            self.env.flush_all()
            run.sudo()._process_now()
        self.env.invalidate_all()
        self.assertEqual(len(self.foreign.billable_ids), 1)

    def test_dry_runs_are_for_all_who_bill_in_the_company(self):
        preview = self.env["multiservice.billing.preview"].with_user(self.biller).create({})
        self.assertTrue(preview.with_user(self.manager).read(["through_date"]))
        self.assertForbidden(self.planner, preview, "read", ["through_date"])

    def test_wizards_are_their_author_s(self):
        activation = (
            self.env["multiservice.contract.activation"]
            .with_user(self.biller)
            .create({"contract_ids": [Command.set(self.contract.ids)], "warnings": "Old"})
        )
        end = (
            self.env["multiservice.line.end"]
            .with_user(self.biller)
            .create({"contract_id": self.contract.id, "date_end": "2026-01-20"})
        )
        self.env.flush_all()
        for wizard in (activation, end):
            self.assertForbidden(self.manager, wizard, "read", ["display_name"])

    def test_shared_template_is_for_everybody(self):
        for user in (self.planner, self.biller):
            templates = self.env["multiservice.contract.template"].with_user(user)
            self.assertEqual(templates.search([("id", "=", self.template.id)]).line_ids.product_id, self.service)
