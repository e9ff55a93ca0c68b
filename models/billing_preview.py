from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import format_date

from .contract_line import BILLED_STATES
from .previous_period import RECURRING_KINDS
from .res_company import POSTING_MODES

# A dry run that nobody kept is deleted after so many days.
KEPT_DAYS = 1
# How long ago a line ended that a dry run still looks at: the last period of a yearly one.
ENDED_DAYS = 366


class BillingPreview(models.Model):
    """What to bill, until when: shown first (dry run), then billed by a run. A dry run can be kept, to compare the
    run with it afterwards.
    """

    _name = "multiservice.billing.preview"
    _description = "Dry Run"
    _order = "id desc"
    _rec_name = "through_date"

    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    through_date = fields.Date(
        string="Bill Through",
        required=True,
        default=lambda self: self.env.company._service_today(),
        help="Periods whose issue date is not after this day.",
    )
    bill_early = fields.Boolean(
        help="Bill now what is due on a later day: the invoices bear today's date, their lines their own periods."
    )
    contract_ids = fields.Many2many("multiservice.contract", string="Contracts")
    partner_ids = fields.Many2many("res.partner", string="Customers", domain="[('is_service_site', '=', False)]")
    template_ids = fields.Many2many("multiservice.contract.template", string="Contract Types")
    posting_mode = fields.Selection(POSTING_MODES)
    line_ids = fields.One2many("multiservice.billing.preview.line", "preview_id", string="Would Be Billed")
    line_count = fields.Integer(compute="_compute_totals")
    contract_count = fields.Integer(compute="_compute_totals")
    awaiting_count = fields.Integer(compute="_compute_totals")
    totals = fields.Char(string="In All", compute="_compute_totals")
    kept = fields.Boolean(readonly=True, help="Kept to be compared with the run that bills it.")
    run_ids = fields.One2many("multiservice.billing.run", "preview_id", string="Runs", readonly=True)

    @api.depends("line_ids.amount")
    def _compute_totals(self):
        Line = self.env["multiservice.billing.preview.line"]
        for preview in self:
            of_preview = [("preview_id", "in", preview._origin.ids), ("ended", "=", False)]
            groups = Line._read_group(of_preview, ["currency_id"], ["__count", "amount:sum"])
            preview.line_count = sum(count for _currency, count, _amount in groups)
            preview.totals = " + ".join(currency.format(amount) for currency, _count, amount in groups)
            contracts = Line._read_group(of_preview, [], ["contract_id:count_distinct"])
            preview.contract_count = contracts[0][0]
            preview.awaiting_count = self.env["multiservice.contract"].search_count(preview._awaiting_domain())

    @api.depends("through_date", "create_date", "kept")
    def _compute_display_name(self):
        for preview in self:
            preview.display_name = self.env._(
                "Dry run of %(made)s through %(through)s",
                made=format_date(self.env, preview.create_date or fields.Date.today()),
                through=format_date(self.env, preview.through_date),
            )

    def action_preview(self):
        """Compute what would be billed; nothing is written but the list to look at."""
        self.ensure_one()
        plan = self._due_contracts(self.through_date)._plan(self.through_date)
        previous = self._previous(plan)
        foreseen = self._foreseen_before()
        self.line_ids.unlink()
        vals_list, compared = [], set()
        for line, charge in plan:
            period = line.id, charge.period.start
            # The first component of a period bears the comparison, which is of them all.
            bears = charge.kind in RECURRING_KINDS and period not in compared
            if bears:
                compared.add(period)
            vals_list.append(
                line._prepare_preview_vals(charge)
                | {
                    "previous_amount": previous.amount(*period) if bears else 0.0,
                    "held_amount": float(charge.held),
                    "foreseen_amount": foreseen.get((*period, charge.component, charge.share), 0.0),
                }
            )
        vals_list += [line._prepare_ended_vals(amount) for line, amount in previous.ended.items()]
        self.env["multiservice.billing.preview.line"].create([vals | {"preview_id": self.id} for vals in vals_list])
        return self._get_records_action(
            target="new", name=self.env._("Bill contracts"), context={"dialog_size": "extra-large"}
        )

    def _previous(self, plan):
        """What was billed for the periods before those of `plan`, and for the lines that have nothing any more."""
        triples = [(charge.kind, (line, charge.period.start, float(charge.amount))) for line, charge in plan]
        return self.env["multiservice.contract.line"]._previous_periods(
            [entry for kind, entry in triples if kind in RECURRING_KINDS],
            corrections=[entry for kind, entry in triples if kind == "correction"],
            over=self._lines_over(),
            through=self.through_date,
        )

    def _lines_over(self):
        """Lines of the contracts chosen that ended within a year and have nothing left to bill."""
        recently = self.through_date - timedelta(days=ENDED_DAYS)
        ended = Domain("date_end", ">=", recently) | Domain("contract_id.date_end", ">=", recently)
        lines = self.env["multiservice.contract.line"].search(
            Domain("contract_id", "any", self._selection_domain())
            & Domain("contract_id.state", "in", BILLED_STATES)
            & Domain([("next_billing_date", "=", False), ("successor_ids", "=", False), ("display_type", "=", False)])
            & Domain("pricing", "!=", "one_off")
            & ended
        )
        if self.posting_mode:
            lines = lines.filtered(lambda line: line.contract_id._posting_mode() == self.posting_mode)
        return lines

    def _foreseen_before(self) -> dict:
        """By (line id, first day, component, share id): the amount in the last kept dry run of the company before this
        one.
        """
        earlier = self.search(
            [("company_id", "=", self.company_id.id), ("kept", "=", True), ("id", "<", self.id)], limit=1
        )
        return {
            (line_id.id, start, component, share.id or None): amount
            for line_id, start, component, share, amount in self.env["multiservice.billing.preview.line"]._read_group(
                [("preview_id", "=", earlier.id), ("ended", "=", False)],
                ["contract_line_id", "period_start:day", "component", "share_id"],
                ["amount:sum"],
            )
        }

    def action_keep(self):
        """Keep the dry run: the run that bills it shows what differs."""
        self.ensure_one()
        if not self.line_ids:
            raise UserError(self.env._("There is nothing to keep yet: make the dry run first."))
        self.kept = True
        return self._get_records_action(name=self.display_name)

    def action_discard(self):
        """No longer keep it: it is deleted by and by."""
        self.kept = False

    def action_view_lines(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.billing_preview_line_action")
        return action | {"domain": [("preview_id", "=", self.id)]}

    def action_view_awaiting(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.awaiting_reference_action")
        return action | {"domain": list(self._awaiting_domain())}

    def action_bill(self):
        self.ensure_one()
        today = self.company_id._service_today()
        if self.through_date > today and not self.bill_early:
            raise UserError(
                self.env._(
                    "%(date)s is still to come: only a dry run looks ahead. To bill it today, tick “Bill early”.",
                    date=format_date(self.env, self.through_date),
                )
            )
        runs = self.env["multiservice.billing.run"]._create_runs(
            self._due_contracts(self.through_date), self._selection_label(), self.through_date
        )
        if not runs:
            raise UserError(self.env._("Nothing is due through %s.", format_date(self.env, self.through_date)))
        if self.kept:
            runs.preview_id = self
        runs.action_start()
        return runs._get_records_action(name=self.env._("Billing run"))

    def _due_contracts(self, through):
        domain = self.env["multiservice.billing.run"]._due_domain(through) & self._selection_domain()
        contracts = self.env["multiservice.contract"].search(domain)
        if self.posting_mode:
            contracts = contracts.filtered(lambda contract: contract._posting_mode() == self.posting_mode)
        return contracts

    def _selection_domain(self) -> Domain:
        domain = Domain("company_id", "=", self.company_id.id)
        if self.contract_ids:
            domain &= Domain("id", "in", self.contract_ids.ids)
        if self.partner_ids:
            domain &= Domain("partner_id", "in", self.partner_ids.ids)
        if self.template_ids:
            domain &= Domain("template_id", "in", self.template_ids.ids)
        return domain

    def _awaiting_domain(self) -> Domain:
        awaiting = self.env["multiservice.contract"]._awaiting_domain(self.through_date)
        return Domain(awaiting) & self._selection_domain()

    def _selection_label(self) -> str:
        parts = [
            *self.contract_ids.mapped("name"),
            *self.partner_ids.mapped("name"),
            *self.template_ids.mapped("name"),
        ]
        return ", ".join(parts[:5]) + ("…" if len(parts) > 5 else "") or self.env._("All contracts, by hand")

    @api.autovacuum
    def _gc_not_kept(self):
        limit = fields.Datetime.now() - timedelta(days=KEPT_DAYS)
        self.search([("kept", "=", False), ("write_date", "<", limit)]).unlink()


class BillingPreviewLine(models.Model):
    _name = "multiservice.billing.preview.line"
    _description = "Line of a Dry Run"
    _order = "partner_id, contract_id, period_start, id"

    preview_id = fields.Many2one("multiservice.billing.preview", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="preview_id.company_id", store=True, precompute=True)
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    contract_id = fields.Many2one("multiservice.contract", readonly=True, ondelete="cascade", index=True)
    contract_line_id = fields.Many2one(
        "multiservice.contract.line", string="Line", readonly=True, ondelete="cascade", index=True
    )
    site_id = fields.Many2one("res.partner", readonly=True)
    period_start = fields.Date(string="From", readonly=True)
    period_end = fields.Date(string="To", readonly=True)
    component = fields.Char(default="base", readonly=True)
    share_id = fields.Many2one("multiservice.share", readonly=True, ondelete="cascade")
    payer_id = fields.Many2one(related="share_id.partner_id", string="Payer")
    issue_date = fields.Date(readonly=True)
    quantity = fields.Float(readonly=True, digits=(16, 4), min_display_digits="Product Unit")
    price_unit = fields.Float(string="Unit Price", readonly=True, min_display_digits="Product Price")
    discount = fields.Float(string="Discount %", readonly=True, digits="Discount")
    amount = fields.Monetary(readonly=True)
    previous_amount = fields.Monetary(
        string="Period Before", readonly=True, help="What was billed for the period before of the same line."
    )
    change = fields.Monetary(
        compute="_compute_change", store=True, precompute=True, help="How much more than for the period before."
    )
    held_amount = fields.Monetary(
        string="Billed Already", readonly=True, help="What was billed for the same period when the dry run was made."
    )
    foreseen_amount = fields.Monetary(
        string="Foreseen", readonly=True, help="What the last dry run that was kept said for the same period."
    )
    currency_id = fields.Many2one("res.currency", readonly=True)
    explanation = fields.Text(readonly=True)
    ended = fields.Boolean(readonly=True, help="Shown for comparison only: nothing is billed for this period.")

    @api.depends("amount", "previous_amount")
    def _compute_change(self):
        for line in self:
            line.change = line.amount - line.previous_amount


class PreviewOfLine(models.Model):
    _inherit = "multiservice.contract.line"

    def _prepare_ended_vals(self, amount: float) -> dict:
        """A line of the dry run for a service that cost `amount` in the period before and is over."""
        self.ensure_one()
        return {
            "partner_id": self.partner_id.id,
            "contract_id": self.contract_id.id,
            "contract_line_id": self.id,
            "site_id": self.site_id.id,
            "amount": 0.0,
            "previous_amount": amount,
            "currency_id": self.currency_id.id,
            "explanation": self.env._("Suspended: nothing is billed for now.")
            if self._is_suspended()
            else self.env._("Ended: nothing is billed any more."),
            "ended": True,
        }
