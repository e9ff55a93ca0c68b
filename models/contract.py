from collections import defaultdict
from datetime import date

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from .contract_line import BILLED_STATES
from .res_company import GROUPINGS, POSTING_MODES


class Contract(models.Model):
    """A service contract of one customer over any number of its sites.

    The contract only says what is owed: what was billed is in the ledger (`multiservice.billable`).
    """

    _name = "multiservice.contract"
    _description = "Service Contract"
    _inherit = ["multiservice.schedule.mixin", "multiservice.priced.portal.mixin", "mail.thread", "mail.activity.mixin"]
    _order = "name desc, id desc"
    _check_company_auto = True
    _rec_names_search = ["name", "title", "partner_id.name", "order_reference", "market_reference"]

    _name_uniq = models.Constraint("UNIQUE(name, company_id)", "A contract with this number exists already.")
    _dates_ordered = models.Constraint(
        "CHECK(date_end IS NULL OR date_end >= date_start)", "A contract cannot end before it starts."
    )
    _next_billing_idx = models.Index("(company_id, next_billing_date) WHERE next_billing_date IS NOT NULL")

    name = fields.Char(string="Number", default="/", required=True, copy=False, readonly=True, index="trigram")
    title = fields.Char(string="Subject", tracking=True)
    active = fields.Boolean(default=True)
    state = fields.Selection(
        [("draft", "Draft"), ("active", "Active"), ("ended", "Ended"), ("cancelled", "Cancelled")],
        string="Status",
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
        index=True,
    )
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, index=True, tracking=True
    )
    template_id = fields.Many2one("multiservice.contract.template", string="Contract Type", check_company=True)
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        index=True,
        tracking=True,
        check_company=True,
        domain="[('is_service_site', '=', False), '|', ('parent_id', '=', False), ('is_company', '=', True)]",
        ondelete="restrict",
    )
    invoice_partner_id = fields.Many2one(
        "res.partner",
        string="Invoice Address",
        compute="_compute_invoice_partner_id",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        index=True,
        tracking=True,
        check_company=True,
        domain="[('commercial_partner_id', '=', partner_id), ('is_service_site', '=', False)]",
        ondelete="restrict",
        help="The customer or one of its own addresses.",
    )
    user_id = fields.Many2one(
        "res.users",
        string="Salesperson",
        default=lambda self: self.env.user,
        tracking=True,
        domain="[('share', '=', False), ('company_ids', 'in', company_id)]",
    )
    date_start = fields.Date(
        string="Start", required=True, default=fields.Date.context_today, copy=False, tracking=True
    )
    date_end = fields.Date(
        string="End",
        tracking=True,
        copy=False,
        help="Last day of service. Empty while nobody refused or terminated the contract.",
    )
    billed_until = fields.Date(
        copy=False,
        tracking=True,
        help="Last day that the previous system billed, for a contract taken over: nothing up to that day is billed.",
    )
    currency_id = fields.Many2one(
        "res.currency",
        compute="_compute_currency_id",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
    )
    pricelist_id = fields.Many2one("product.pricelist", string="Price List", check_company=True)
    fiscal_position_id = fields.Many2one(
        "account.fiscal.position",
        compute="_compute_fiscal_position_id",
        store=True,
        readonly=False,
        precompute=True,
        check_company=True,
    )
    payment_term_id = fields.Many2one(
        "account.payment.term",
        string="Payment Terms",
        compute="_compute_payment_term_id",
        store=True,
        readonly=False,
        precompute=True,
        check_company=True,
    )
    journal_id = fields.Many2one(
        "account.journal",
        domain="[('type', '=', 'sale')]",
        check_company=True,
        help="Empty: the company's first sales journal.",
    )
    grouping = fields.Selection(
        GROUPINGS, required=True, default=lambda self: self.env.company.service_grouping, tracking=True
    )
    per_period = fields.Boolean(
        string="One Invoice per Issue Date",
        help="When several periods are due together, each issue date gets its own invoice.",
    )
    posting_mode = fields.Selection(
        POSTING_MODES, string="Posting", tracking=True, help="Empty: as set for the company."
    )
    order_reference = fields.Char(tracking=True, help="The buyer's own order number (EN 16931 BT-13).")
    market_reference = fields.Char(
        tracking=True, help="Number of the public market or framework contract (EN 16931 BT-12)."
    )
    buyer_reference = fields.Char(
        tracking=True, help="The code of the service that the buyer wants on its invoices (EN 16931 BT-10)."
    )
    analytic_account_id = fields.Many2one("account.analytic.account", check_company=True, copy=False)
    housing_works_statement = fields.Date(
        copy=False,
        help="Date of the customer's statement that allows reduced VAT on works in a dwelling.",
    )
    note = fields.Html(string="Terms and Notes")
    line_ids = fields.One2many("multiservice.contract.line", "contract_id", string="Lines", copy=True)
    suspension_ids = fields.One2many("multiservice.suspension", "contract_id", string="Suspensions")
    suspension_count = fields.Integer(compute="_compute_suspensions")
    is_suspended = fields.Boolean(
        string="Suspended", compute="_compute_suspensions", help="Nothing of the contract is served today."
    )
    prior_invoice_ids = fields.One2many(
        "multiservice.prior.invoice", "contract_id", string="Invoices of the Previous System"
    )
    billable_ids = fields.One2many("multiservice.billable", "contract_id", string="Ledger")
    site_ids = fields.Many2many("res.partner", compute="_compute_sites", string="Sites")
    site_count = fields.Integer(compute="_compute_sites")
    invoice_count = fields.Integer(compute="_compute_invoice_count")
    is_held = fields.Boolean(string="In the Ledger", compute="_compute_is_held")
    next_billing_date = fields.Date(
        compute="_compute_next_billing_date",
        store=True,
        index=True,
        help="The day from which the next period may be billed.",
    )
    last_run_id = fields.Many2one(
        "multiservice.billing.run", string="Last Billing Run", readonly=True, copy=False, ondelete="set null"
    )
    billing_error = fields.Text(readonly=True, copy=False, groups="multiservice.group_planner")
    billing_failed = fields.Boolean(compute="_compute_billing_failed", compute_sudo=True)
    upcoming_html = fields.Html(
        string="Upcoming Billing", compute="_compute_upcoming_html", groups="multiservice.group_billing_user"
    )

    def _compute_access_url(self):
        result = super()._compute_access_url()
        for contract in self:
            contract.access_url = f"/my/service_contracts/{contract.id}"
        return result

    @api.depends("partner_id")
    def _compute_invoice_partner_id(self):
        for contract in self:
            if contract.invoice_partner_id.commercial_partner_id != contract.partner_id:
                addresses = contract.partner_id.address_get(["invoice"]) if contract.partner_id else {}
                contract.invoice_partner_id = addresses.get("invoice", False)

    @api.depends("company_id", "pricelist_id", "journal_id")
    def _compute_currency_id(self):
        for contract in self:
            proposed = contract.pricelist_id.currency_id or contract.journal_id.currency_id
            kept = contract.currency_id if contract.is_held or not proposed else proposed
            contract.currency_id = kept or contract.company_id.currency_id

    @api.depends("partner_id", "company_id")
    def _compute_fiscal_position_id(self):
        FiscalPosition = self.env["account.fiscal.position"]
        for contract in self:
            positions = FiscalPosition.with_company(contract.company_id)
            customer = contract.partner_id
            contract.fiscal_position_id = positions._get_fiscal_position(customer) if customer else False

    @api.depends("partner_id", "company_id")
    def _compute_payment_term_id(self):
        for contract in self:
            partner = contract.partner_id.with_company(contract.company_id)
            contract.payment_term_id = partner.property_payment_term_id or contract.payment_term_id

    @api.depends("line_ids.site_id")
    def _compute_sites(self):
        for contract in self:
            contract.site_ids = contract.line_ids.site_id
            contract.site_count = len(contract.site_ids)

    def _compute_invoice_count(self):
        counts = defaultdict(set)
        # sudo: a planner sees that there are invoices, not the invoices
        groups = (
            self.env["account.move.line"]
            .sudo()
            ._read_group([("service_contract_id", "in", self.ids)], ["service_contract_id", "move_id"])
        )
        for contract, move in groups:
            counts[contract.id].add(move.id)
        for contract in self:
            contract.invoice_count = len(counts[contract.id])

    @api.depends("line_ids.billable_ids.held")
    def _compute_is_held(self):
        held = (
            self.env["multiservice.billable"]
            .sudo()
            ._read_group(  # sudo: see Billable._held_to
                [("contract_id", "in", self._origin.ids), ("held", "=", True)], ["contract_id"]
            )
        )
        held_ids = {contract.id for (contract,) in held}
        for contract in self:
            contract.is_held = contract._origin.id in held_ids

    @api.depends("state", "line_ids.next_billing_date")
    def _compute_next_billing_date(self):
        for contract in self:
            dates = [day for day in contract.line_ids.mapped("next_billing_date") if day]
            contract.next_billing_date = min(dates) if dates and contract.state in BILLED_STATES else False

    @api.depends("billing_error")
    def _compute_billing_failed(self):
        for contract in self:
            contract.billing_failed = bool(contract.billing_error)

    @api.constrains("partner_id", "invoice_partner_id")
    def _check_parties(self):
        for contract in self:
            customer = contract.partner_id
            if customer.is_service_site or customer != customer.commercial_partner_id:
                raise ValidationError(
                    self.env._(
                        "%(partner)s is a contact or a site: the customer of a contract is the company or person "
                        "that owes, here %(customer)s.",
                        partner=customer.display_name,
                        customer=customer.commercial_partner_id.display_name,
                    )
                )
            if contract.invoice_partner_id.commercial_partner_id != customer:
                raise ValidationError(
                    self.env._(
                        "The invoice address %(address)s does not belong to %(customer)s. "
                        "Another legal debtor is not an invoice address.",
                        address=contract.invoice_partner_id.display_name,
                        customer=customer.display_name,
                    )
                )
        self.line_ids._check_site()

    @api.onchange("template_id")
    def _onchange_template_id(self):
        """Fill the contract from its type; lines are proposed only while it has none."""
        template = self.template_id
        if not template:
            return
        self.update(template._schedule_vals() | template._term_vals())
        for name in ("grouping", "posting_mode", "payment_term_id", "journal_id", "price_clause_id"):
            if template[name]:
                self[name] = template[name]
        if not self.line_ids:
            self.line_ids = [fields.Command.create(line._prepare_line_vals()) for line in template.line_ids]

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if vals.get("name", "/") == "/":
                company = vals.get("company_id") or self.env.company.id
                sequence = self.env["ir.sequence"].with_company(company)
                vals["name"] = sequence.next_by_code("multiservice.contract")
        contracts = super().create(vals_list)
        if any(contract.state != "draft" for contract in contracts):
            raise UserError(self.env._("A contract starts as a draft: activate it once it is complete."))
        return contracts

    @api.ondelete(at_uninstall=False)
    def _unlink_except_running(self):
        for contract in self:
            if contract.state not in ("draft", "cancelled") or contract.billable_ids:
                raise UserError(
                    self.env._(
                        "Contract %(contract)s is active or was billed: it can be ended or archived, not deleted.",
                        contract=contract.display_name,
                    )
                )

    def copy_data(self, default=None):
        """A duplicate starts afresh, with the lines in force and no date of theirs."""
        vals_list = super().copy_data(default)
        for contract, vals in zip(self, vals_list, strict=True):
            current = contract._lines_in_force()
            dates = {"date_start": False, "date_end": False, "anchor_date": False, "billed_until": False}
            vals["line_ids"] = [
                fields.Command.create(
                    {name: value for name, value in (line_vals | dates).items() if name not in dates or value}
                )
                for line_vals in current.copy_data({"contract_id": False})
            ]
            if contract.title and not (default or {}).get("title"):
                vals["title"] = self.env._("%s (copy)", contract.title)
        return vals_list

    @api.depends("name", "title")
    def _compute_display_name(self):
        for contract in self:
            number = contract.name if contract.name != "/" else self.env._("New contract")
            contract.display_name = f"{number} – {contract.title}" if contract.title else number

    def _lines_in_force(self):
        """Lines that a duplicate takes over: headings, and services not ended or replaced yet."""
        self.ensure_one()
        day = min(self.company_id._service_today(), self.date_end or date.max)
        return self.line_ids.filtered(
            lambda line: line.display_type or (not line.successor_ids and (not line.date_end or line.date_end >= day))
        )

    def action_view_invoices(self):
        action = self.env["ir.actions.act_window"]._for_xml_id("account.action_move_out_invoice_type")
        return action | {
            "domain": [("line_ids.service_contract_id", "in", self.ids)],
            "context": {"default_move_type": "out_invoice"},
        }

    def action_view_ledger(self):
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.billable_action")
        return action | {"domain": [("contract_id", "in", self.ids)], "context": {}}

    def action_view_sites(self):
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.site_action")
        return action | {"domain": [("id", "in", self.site_ids.ids)], "context": {}}

    def action_clear_error(self):
        self.billing_error = False

    def _journal(self):
        """The contract's journal, else the company's first sales journal."""
        self.ensure_one()
        Journal = self.env["account.journal"]
        return self.journal_id or Journal.search(
            [*Journal._check_company_domain(self.company_id), ("type", "=", "sale")], limit=1
        )

    def _posting_mode(self) -> str:
        return self.posting_mode or self.company_id.service_posting_mode

    @api.model
    def _cron_end_contracts(self):
        """End the contracts that are past their last day with nothing left to bill."""
        done = Domain([("state", "=", "active"), ("date_end", "!=", False), ("next_billing_date", "=", False)])
        for (company,) in self._read_group(done, ["company_id"]):
            today = company._service_today()
            over = self.search(done & Domain([("company_id", "=", company.id), ("date_end", "<", today)]))
            over._move_to("ended")
