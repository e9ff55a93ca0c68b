from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..engine.pricing import Price
from ..engine.terms import LineTerms
from .pricing_mixin import TARIFF_FIELDS
from .schedule_mixin import SCHEDULE_FIELDS

# What a price depends on beside the way of pricing, the quantity, the unit price and the discount.
PRICE_FIELDS = (
    *(name for name in TARIFF_FIELDS if name != "pricing"),
    *(f"tier_ids.{name}" for name in ("sequence", "up_to", "unit_price", "flat_fee")),
)
# Priced by quantity × unit price, or by the unit price alone.
SIMPLE = ("flat", "unit", "one_off")

# An ended contract still bills what a cancelled or credited invoice sets free.
BILLED_STATES = ("active", "ended")


class ContractLine(models.Model):
    """One service of a contract on one site, at one price, for a span of days.

    A line that the ledger holds is never edited: it is ended, or ended and succeeded by another line.
    """

    _name = "multiservice.contract.line"
    _description = "Contract Line"
    _inherit = ["multiservice.schedule.mixin", "multiservice.pricing.mixin", "analytic.mixin"]
    _order = "contract_id, sequence, id"
    _check_company_auto = True

    _dates_ordered = models.Constraint(
        "CHECK(date_end IS NULL OR date_end >= date_start - 1)", "A contract line cannot end before it starts."
    )
    _predecessor_uniq = models.UniqueIndex(
        "(predecessor_id) WHERE predecessor_id IS NOT NULL", "A contract line can be replaced only once."
    )
    _next_billing_idx = models.Index("(next_billing_date) WHERE next_billing_date IS NOT NULL")

    contract_id = fields.Many2one("multiservice.contract", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="contract_id.company_id", store=True, precompute=True)
    currency_id = fields.Many2one(related="contract_id.currency_id")
    partner_id = fields.Many2one(related="contract_id.partner_id", string="Customer", store=True, precompute=True)
    contract_state = fields.Selection(related="contract_id.state", string="Contract Status")
    sequence = fields.Integer(default=10)
    display_type = fields.Selection([("line_section", "Section"), ("line_note", "Note")])
    site_id = fields.Many2one(
        "res.partner",
        domain="[('is_service_site', '=', True), ('commercial_partner_id', '=', partner_id)]",
        index="btree_not_null",
        ondelete="restrict",
        help="Where the service is rendered.",
    )
    product_id = fields.Many2one(
        "product.product",
        string="Service",
        domain="[('sale_ok', '=', True)]",
        check_company=True,
        ondelete="restrict",
    )
    name = fields.Text(string="Description", compute="_compute_name", store=True, readonly=False, precompute=True)
    quantity = fields.Float(default=1.0, digits=(16, 4), min_display_digits="Product Unit")
    price_unit = fields.Float(
        string="Unit Price",
        compute="_compute_price_unit",
        store=True,
        readonly=False,
        precompute=True,
        min_display_digits="Product Price",
        groups="multiservice.group_billing_user",
        help="Price of one unit for one billing period (of one lot; of a year for an annual budget), with or without "
        "tax as the taxes of the line say.",
    )
    discount = fields.Float(string="Discount %", digits="Discount", groups="multiservice.group_billing_user")
    tax_ids = fields.Many2many(
        "account.tax",
        string="Taxes",
        compute="_compute_tax_ids",
        store=True,
        readonly=False,
        precompute=True,
        check_company=True,
        domain="[('type_tax_use', '=', 'sale')]",
        help="Final taxes, mapped by the contract's fiscal position already; passed to the invoice as they are.",
    )
    date_start = fields.Date(
        string="Start", compute="_compute_date_start", store=True, readonly=False, precompute=True, required=True
    )
    date_end = fields.Date(string="End", help="Last day of service. Empty: as long as the contract.")
    anchor_date = fields.Date(
        string="Periods Counted From",
        compute="_compute_anchor_date",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        help="Every billing period is computed from this day; a line that replaces another keeps the other's.",
    )
    billed_until = fields.Date(
        help="Last day that the previous system billed for this line. Empty: as on the contract.",
    )
    own_schedule = fields.Boolean(
        string="Own Billing Schedule", help="Billed on a schedule of its own instead of the contract's."
    )
    replan_from = fields.Date(
        readonly=True,
        copy=False,
        help="Earliest day touched by a change since the line was billed: planning goes back to it once.",
    )
    predecessor_id = fields.Many2one(
        "multiservice.contract.line", string="Replaces", readonly=True, copy=False, ondelete="restrict"
    )
    successor_ids = fields.One2many("multiservice.contract.line", "predecessor_id", string="Replaced By")
    billable_ids = fields.One2many("multiservice.billable", "contract_line_id", string="Ledger")
    is_held = fields.Boolean(string="In the Ledger", compute="_compute_billed_to")
    billed_to = fields.Date(compute="_compute_billed_to", help="Last day that a draft or posted invoice covers.")
    next_billing_date = fields.Date(
        compute="_compute_next_billing_date",
        store=True,
        help="The day from which the next period may be billed; computed from the terms and the ledger.",
    )
    amount = fields.Monetary(
        string="Price of a Period",
        compute="_compute_amount",
        groups="multiservice.group_billing_user",
        help="Price of one whole period before taxes as the price says, discount deducted.",
    )

    @api.depends("product_id")
    def _compute_name(self):
        for line in self:
            if line.product_id:
                product = line.product_id.with_context(lang=line.contract_id.partner_id.lang)
                line.name = product.get_product_multiline_description_sale()
            elif not line.name:
                line.name = False

    @api.depends("contract_id.date_start")
    def _compute_date_start(self):
        """Lines follow the start of a contract that is being typed; those of a saved one, see its `write`."""
        for line in self:
            typing = not line._origin and not line.contract_id._origin
            line.date_start = line.contract_id.date_start if typing or not line.date_start else line.date_start

    @api.depends("contract_id.date_start", "date_start", "own_schedule")
    def _compute_anchor_date(self):
        for line in self:
            if line.is_held or line.predecessor_id:
                line.anchor_date = line.anchor_date
            else:
                line.anchor_date = line.date_start if line.own_schedule else line.contract_id.date_start

    @api.depends("product_id", "contract_id.pricelist_id")
    def _compute_price_unit(self):
        for line in self:
            if line.product_id and not line.is_held:
                line.price_unit = line._list_price(line.date_start)
            else:
                line.price_unit = line.price_unit

    @api.depends("product_id", "contract_id.fiscal_position_id")
    def _compute_tax_ids(self):
        for line in self:
            if line.product_id and not line.is_held:
                taxes = line.product_id.taxes_id._filter_taxes_by_company(line.company_id)
                line.tax_ids = line.contract_id.fiscal_position_id.map_tax(taxes)
            else:
                line.tax_ids = line.tax_ids

    @api.depends("billable_ids.held", "billable_ids.period_end")
    def _compute_billed_to(self):
        held_to = self.env["multiservice.billable"]._held_to(self)
        for line in self:
            line.billed_to = held_to.get(line._origin.id)
            line.is_held = bool(line.billed_to)

    @api.depends(
        *SCHEDULE_FIELDS,
        *(f"contract_id.{name}" for name in SCHEDULE_FIELDS),
        "own_schedule",
        "display_type",
        "date_start",
        "date_end",
        "anchor_date",
        "billed_until",
        "replan_from",
        "pricing",
        "quantity",
        "price_unit",
        "discount",
        *PRICE_FIELDS,
        "contract_id.pricelist_id",
        "predecessor_id",
        "site_id",
        "successor_ids.date_end",
        "contract_id.state",
        "contract_id.date_end",
        "contract_id.billed_until",
        "contract_id.suspension_ids.date_start",
        "contract_id.suspension_ids.date_end",
        "contract_id.suspension_ids.site_id",
        "contract_id.suspension_ids.line_id",
        "billable_ids.held",
        "billable_ids.amount",
    )
    def _compute_next_billing_date(self):
        billed = self.filtered(lambda line: line.contract_id.state in BILLED_STATES and not line.display_type)
        (self - billed).next_billing_date = False
        for line, charges in billed._proposals():
            first = next(charges, None)  # issue dates rise along the periods
            line.next_billing_date = first.issue if first else False

    @api.depends("pricing", "quantity", "price_unit", "discount", "currency_id", *PRICE_FIELDS)
    def _compute_amount(self):
        for line in self:
            if line.pricing in SIMPLE and not line.measured and not line.minimum_amount:
                quantity = 1.0 if line.pricing == "flat" else line.quantity
                amount = quantity * line.price_unit * (1 - line.discount / 100)
            else:
                amount = line._amount_of_period()
            line.amount = line.currency_id.round(amount) if line.currency_id else amount

    @api.constrains("display_type", "name", "product_id")
    def _check_name(self):
        if any(not line.name for line in self):
            raise ValidationError(self.env._("Every line of a contract needs a description or a service."))

    @api.constrains("site_id", "contract_id")
    def _check_site(self):
        for line in self.filtered("site_id"):
            if line.site_id.commercial_partner_id != line.contract_id.partner_id.commercial_partner_id:
                raise ValidationError(
                    self.env._(
                        "Site %(site)s does not belong to %(customer)s, the customer of contract %(contract)s.",
                        site=line.site_id.display_name,
                        customer=line.contract_id.partner_id.display_name,
                        contract=line.contract_id.display_name,
                    )
                )

    @api.constrains("predecessor_id")
    def _check_predecessor(self):
        if self._has_cycle("predecessor_id"):
            raise ValidationError(self.env._("A contract line cannot replace itself."))

    @api.constrains("product_id", "tax_ids", "display_type", "contract_id")
    def _check_ready_when_active(self):
        """A line added to a running contract must be as complete as activation asks."""
        for line in self.filtered(lambda line: line.contract_id.state == "active" and not line.display_type):
            if missing := line._missing_to_bill():
                raise ValidationError("\n".join(f"{line.display_name}: {error}" for error in missing))

    @api.constrains("quantity", "discount")
    def _check_numbers(self):
        for line in self:
            if line.quantity < 0:
                raise ValidationError(
                    self.env._("Line “%(line)s” has a negative quantity: use a negative price.", line=line.name)
                )
            if not 0 <= line.sudo().discount <= 100:  # sudo: the check holds whoever writes, prices visible or not
                raise ValidationError(
                    self.env._("The discount of line “%(line)s” must be from 0 to 100 %%.", line=line.name)
                )

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create([self._without_empty_dates(vals) for vals in vals_list])
        lines.contract_id._check_editable()
        return lines

    @api.model
    def _without_empty_dates(self, vals: dict) -> dict:
        """An empty start, as imports give it, means the contract's."""
        return {name: value for name, value in vals.items() if value or name not in ("date_start", "anchor_date")}

    @api.ondelete(at_uninstall=False)
    def _unlink_except_in_ledger(self):
        billed = self.filtered("billable_ids")
        if billed:
            raise UserError(
                self.env._(
                    "Line “%(line)s” is in the billing ledger and cannot be deleted: use “End on…”.",
                    line=billed[0].name,
                )
            )

    @api.depends("name", "site_id", "contract_id.name")
    def _compute_display_name(self):
        for line in self:
            first = (line.name or "").partition("\n")[0]
            parts = (line.contract_id.name, first, line.site_id.name)
            line.display_name = " – ".join(part for part in parts if part)

    def action_open_form(self):
        self.ensure_one()
        return self._get_records_action(name=self.env._("Contract line"))

    def action_view_ledger(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.billable_action")
        return action | {"domain": [("contract_line_id", "=", self.id)], "context": {}}

    def _list_price(self, on: date | None) -> float:
        """The product's price on that day, from the contract's price list if it has one, in its currency."""
        self.ensure_one()
        contract = self.contract_id
        product, quantity = self.product_id, self.quantity or 1.0
        if not product:
            return 0.0
        if contract.pricelist_id:
            price = contract.pricelist_id._get_product_price(product, quantity, date=on)
            source = contract.pricelist_id.currency_id
        else:
            price, source = product.lst_price, product.currency_id
        if source and contract.currency_id and source != contract.currency_id:
            price = source._convert(price, contract.currency_id, contract.company_id, on or fields.Date.today())
        # Where the fiscal position maps a tax that prices include to one that they do not.
        taxes = product.taxes_id._filter_taxes_by_company(contract.company_id)
        return product._get_tax_included_unit_price_from_price(price, taxes, contract.fiscal_position_id)

    def _income_account(self):
        """The account that the invoice line will use: the product's, mapped, else the journal's."""
        self.ensure_one()
        contract = self.contract_id.with_company(self.company_id)
        product = self.product_id.with_company(self.company_id)
        account = product._get_product_accounts()["income"] if product else self.env["account.account"]
        account = account or contract._journal().default_account_id
        return contract.fiscal_position_id.map_account(account)

    def _succession(self, schedule) -> tuple[date, date | None]:
        """First and last day of service of the lines that replaced each other on `schedule`, with this one.

        Where the schedule changed there is an inner joint, not an end: no policy for partial periods applies there.
        """
        self.ensure_one()
        first = self
        while first.predecessor_id:
            first = first.predecessor_id
            if first._to_schedule_in_force() != schedule:
                return date.min, self._succession_end(schedule)
        return first.date_start, self._succession_end(schedule)

    def _succession_end(self, schedule) -> date | None:
        last = self
        while last.successor_ids:
            last = last.successor_ids[0]
            if last._to_schedule_in_force() != schedule:
                return None
        return last._service_end()

    def _service_end(self) -> date | None:
        """Last day of service: the line's or the contract's, whichever comes first."""
        ends = [day for day in (self.date_end, self.contract_id.date_end) if day]
        return min(ends) if ends else None

    def _schedule_owner(self):
        return self if self.own_schedule else self.contract_id

    def _to_schedule_in_force(self):
        """The line's schedule. What is measured is known, and billed, once its period is over."""
        schedule = self._schedule_owner()._to_schedule(self.anchor_date)
        return replace(schedule, issue=replace(schedule.issue, timing="arrears")) if self.measured else schedule

    def _to_terms(self) -> LineTerms:
        """The line as the engine sees it."""
        self.ensure_one()
        end = self._service_end()
        if end:
            end = max(end, self.date_start - timedelta(days=1))  # ended before it starts: no day of service
        schedule = self._to_schedule_in_force()
        chain_start, chain_end = self._succession(schedule)
        return LineTerms(
            line=self._origin.id or self.id,
            start=self.date_start,
            end=end,
            chain_start=chain_start,
            chain_end=max(chain_end, end) if chain_end and end else chain_end,
            schedule=schedule,
            pricing=self.pricing,
            price=self._to_price(),
            currency_unit=Decimal(str(self.currency_id.rounding)),
            not_before=self._first_billable_day(),
            quantity_digits=self.env["decimal.precision"].precision_get("Product Unit"),
            pauses=self.contract_id.suspension_ids._pauses(self),
            tariff=self._to_tariff(),
            prices=self._price_steps(),
            usage=() if self.measured else None,
            shares=self._shares(),
        )

    def _to_price(self) -> Price:
        return Price(Decimal(str(self.quantity)), Decimal(str(self.price_unit)), Decimal(str(self.discount)))

    def _first_billable_day(self) -> date | None:
        billed_until = self.billed_until or self.contract_id.billed_until
        return billed_until + timedelta(days=1) if billed_until else None

    def _proposals(self):
        """Pairs (line, charges left to bill, lazily) for the lines of `self` that are not headings.

        Charges come in the order of their periods and never end for an open line: take what you need.
        """
        return self.env["multiservice.billable"]._proposals(self)
