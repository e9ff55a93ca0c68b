from datetime import date, timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_amount, format_date

from ..engine.split import Share, overfull
from .wording import number

TAKES = [
    ("percent", "Percentage"),
    ("unit", "Amount for each unit"),
    ("beyond", "Price of each unit less a participation"),
]
BILLINGS = [
    ("own", "Invoice of its own"),
    ("collective", "One invoice for all beneficiaries"),
    ("shown", "Shown on the customer's invoice"),
    ("informed", "Aid paid to the customer, for information"),
]
INVOICED = ("own", "collective")
# What decides who owes what: a change of it is looked at from the first day of the share.
DECIDING_FIELDS = frozenset(
    (
        *("contract_id", "sequence", "partner_id", "line_id", "site_id", "takes", "percent", "unit_amount"),
        *("participation", "of_rest", "cap_quantity", "cap_amount", "cap_per", "billing", "date_start", "date_end"),
    )
)
# What a share that was billed keeps: it is ended, and another one takes its place. Its payer may change its address.
HELD_FIELDS = DECIDING_FIELDS - {"sequence", "date_end", "billing", "partner_id"}
REFERENCE_FIELDS = frozenset(
    ("file_number", "order_reference", "market_reference", "buyer_reference", "payment_term_id")
)


class PayerShare(models.Model):
    """What somebody else than the customer pays of a contract: a department, an insurer, a funder, another company of
    the group; or, without a payer, the part of one of the customer's sites in a cost that is split between them.

    The ledger keeps the share with each amount, never the payer's name. What was billed for days on which the payers
    are others since is credited to one and charged to the other by the next billing run.
    """

    _name = "multiservice.share"
    _description = "Payer's Share"
    _order = "contract_id, sequence, id"
    _check_company_auto = True

    _dates_ordered = models.Constraint(
        "CHECK(date_end IS NULL OR date_end >= date_start - 1)", "A share cannot end before it starts."
    )
    _somebody = models.Constraint(
        "CHECK(partner_id IS NOT NULL OR site_id IS NOT NULL)", "A share needs a payer, or a site that bears the cost."
    )

    contract_id = fields.Many2one("multiservice.contract", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="contract_id.company_id", store=True, precompute=True)
    currency_id = fields.Many2one(related="contract_id.currency_id")
    beneficiary_id = fields.Many2one(
        related="contract_id.partner_id", string="Customer", store=True, precompute=True, index=True
    )
    sequence = fields.Integer(default=10, help="Payers take their part one after the other.")
    partner_id = fields.Many2one(
        "res.partner",
        string="Payer",
        index="btree_not_null",
        check_company=True,
        domain="[('is_service_site', '=', False)]",
        ondelete="restrict",
        help="Who pays, or the address that its invoices go to. Empty: the customer itself, for one of its sites.",
    )
    line_id = fields.Many2one(
        "multiservice.contract.line",
        string="Service",
        domain="[('contract_id', '=', contract_id), ('display_type', '=', False)]",
        index="btree_not_null",
        ondelete="restrict",
        help="One service only, with the lines that replace it. Empty: all services of the contract.",
    )
    site_id = fields.Many2one(
        "res.partner",
        domain="[('is_service_site', '=', True), ('commercial_partner_id', '=', beneficiary_id)]",
        index="btree_not_null",
        ondelete="restrict",
        help="The site that bears the part, for a cost split between sites.",
    )
    takes = fields.Selection(
        TAKES,
        string="Pays",
        default="percent",
        required=True,
        help="Percentage: of the price. Amount for each unit: so much for each hour, visit or other unit billed. Price "
        "of each unit less a participation: the customer pays its participation for each unit, the payer the rest.",
    )
    percent = fields.Float(string="Percentage", digits=(16, 4))
    unit_amount = fields.Float(string="Amount for Each Unit", min_display_digits="Product Price")
    participation = fields.Float(
        string="Customer's Participation", min_display_digits="Product Price", help="For each unit."
    )
    of_rest = fields.Boolean(
        string="Of What Is Left", help="The percentage is of what the payers before left, not of the whole price."
    )
    cap_quantity = fields.Float(
        string="Units at Most",
        digits=(16, 4),
        help="At most so many hours, or other units, in each week or month. Empty: as many as are billed. What is not "
        "used is not carried over.",
    )
    cap_amount = fields.Monetary(string="Amount at Most", help="In each week or month. Empty: whatever it comes to.")
    cap_per = fields.Selection([("week", "Week"), ("month", "Month")], string="Per", default="month", required=True)
    date_start = fields.Date(
        string="From", required=True, default=lambda self: self.env.company._service_today(), help="First day paid for."
    )
    date_end = fields.Date(string="To", help="Last day paid for. Empty: until it is known.")
    replaces_id = fields.Many2one(
        "multiservice.share",
        readonly=True,
        copy=False,
        ondelete="set null",
        help="The share that ends the day before this one starts.",
    )
    billing = fields.Selection(
        BILLINGS,
        default="own",
        required=True,
        help="Invoice of its own: the payer gets one for each beneficiary. One invoice for all beneficiaries: with the "
        "detail of each. Shown on the customer's invoice: the customer is billed the whole, and the payer pays its "
        "part of that invoice. Aid paid to the customer: the same, the payer pays the customer.",
    )
    file_number = fields.Char(help="The beneficiary's file at the payer, printed on the payer's invoice.")
    order_reference = fields.Char(help="The payer's own order or agreement number (EN 16931 BT-13).")
    market_reference = fields.Char(help="Number of the payer's framework contract (EN 16931 BT-12).")
    buyer_reference = fields.Char(help="The code of the payer's service (EN 16931 BT-10).")
    payment_term_id = fields.Many2one(
        "account.payment.term",
        string="Payment Terms",
        compute="_compute_payment_term_id",
        store=True,
        readonly=False,
        precompute=True,
        check_company=True,
    )
    billable_ids = fields.One2many("multiservice.billable", "share_id", string="Ledger")
    is_held = fields.Boolean(string="Billed", compute="_compute_is_held")
    terms_in_words = fields.Char(string="Part", compute="_compute_terms_in_words")
    consequence = fields.Text(compute="_compute_consequence")

    @api.depends("partner_id", "company_id")
    def _compute_payment_term_id(self):
        for share in self:
            payer = share.partner_id.with_company(share.company_id)
            share.payment_term_id = payer.property_payment_term_id

    @api.depends("billable_ids.held")
    def _compute_is_held(self):
        held = self.env["multiservice.billable"]._read_group(
            [("share_id", "in", self._origin.ids), ("held", "=", True)], ["share_id"]
        )
        held_ids = {share.id for (share,) in held}
        for share in self:
            share.is_held = share._origin.id in held_ids

    @api.depends("takes", "percent", "unit_amount", "participation", "of_rest", "cap_quantity", "cap_amount", "cap_per")
    @api.depends_context("lang")
    def _compute_terms_in_words(self):
        for share in self:
            share.terms_in_words = ", ".join([share._part_in_words(), *share._caps_in_words()])

    @api.depends("contract_id", "line_id", "date_start", "date_end")
    def _compute_consequence(self):
        for share in self:
            share.consequence = share._consequence() if share.date_start and share.contract_id else False

    @api.depends("partner_id", "site_id", "contract_id.name")
    def _compute_display_name(self):
        for share in self:
            who = share.partner_id.name or share.site_id.name
            share.display_name = " – ".join(filter(None, [who, share.contract_id.name]))

    @api.constrains("contract_id", "partner_id", "site_id", "billing")
    def _check_parties(self):
        for share in self:
            customer, payer = share.contract_id.partner_id, share.partner_id.commercial_partner_id
            if payer == customer:
                raise ValidationError(
                    self.env._("%s is the customer: it pays what is left by itself.", payer.display_name)
                )
            if share.site_id and share.site_id.commercial_partner_id != customer:
                raise ValidationError(
                    self.env._(
                        "Site %(site)s does not belong to %(customer)s.",
                        site=share.site_id.display_name,
                        customer=customer.display_name,
                    )
                )
            if not payer and share.billing != "own":
                raise ValidationError(
                    self.env._("The part of a site is billed to the customer: choose a payer, or “Invoice of its own”.")
                )

    @api.constrains("takes", "percent", "unit_amount", "participation", "cap_quantity", "cap_amount")
    def _check_numbers(self):
        for share in self:
            if share.takes == "percent" and not 0 < share.percent <= 100:
                raise ValidationError(
                    self.env._(
                        "%(payer)s: the percentage must be above 0 and at most 100, not %(percent)s.",
                        payer=share.display_name,
                        percent=number(self.env, share.percent),
                    )
                )
            numbers = ("unit_amount", "participation", "cap_quantity", "cap_amount")
            if any(share[name] < 0 for name in numbers):
                raise ValidationError(
                    self.env._("%s: amounts, participations and caps cannot be negative.", share.display_name)
                )
            if share.takes == "unit" and not share.unit_amount:
                raise ValidationError(
                    self.env._("%s: enter the amount that it pays for each unit.", share.display_name)
                )

    @api.constrains("contract_id", "line_id", "takes", "cap_quantity", "cap_amount")
    def _check_service(self):
        """A cap is for one service: its line alone knows what was used of it. Units are those of priced quantities."""
        for share in self:
            if share.line_id and share.line_id.contract_id != share.contract_id:
                raise ValidationError(self.env._("%s: the service is of another contract.", share.display_name))
            lines = share._lines()
            services = {line._chain_root() for line in lines}
            if (share.cap_quantity or share.cap_amount) and len(services) > 1:
                raise ValidationError(
                    self.env._(
                        "%s: a part with a cap is for one service; choose which, and make a share for each other one.",
                        share.display_name,
                    )
                )
            if lines and share._counts_units() and not any(line._has_units() for line in lines):
                raise ValidationError(
                    self.env._(
                        "%s: a part by unit needs a service priced by the quantity, not by the period.",
                        share.display_name,
                    )
                )

    @api.constrains("contract_id", "line_id", "takes", "percent", "of_rest", "date_start", "date_end")
    def _check_not_over_the_whole(self):
        self._check_numbers()
        for contract in self.contract_id:
            shares = contract.share_ids._in_order()
            for root in {share._root() for share in shares}:
                together = [share for share in shares if share._root() in (root, root.browse())]
                guilty = overfull([share._to_share() for share in together])
                if guilty:
                    raise ValidationError(
                        self.env._(
                            "With the part of %(payer)s from %(start)s on, the payers would take more than 100 %%.",
                            payer=self.browse(guilty.share).display_name,
                            start=format_date(self.env, guilty.start),
                        )
                    )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            full = self._add_missing_default_values(vals)
            if replaced := self.browse(full.get("replaces_id")):  # first: both together would take more than the whole
                replaced.date_end = fields.Date.to_date(full["date_start"]) - timedelta(days=1)
        shares = super().create(vals_list)
        for share in shares:
            share._replan(share.date_start)
        shares._tell()
        return shares

    def write(self, vals):
        if not DECIDING_FIELDS.intersection(vals):
            return super().write(vals)
        self._check_not_held(vals)
        before = {share: (share._lines(), share._first_day_touched(vals)) for share in self}
        result = super().write(vals)
        for share, (lines, day) in before.items():
            share._replan(min(day, share._first_day_touched(vals)), lines)
        self._tell()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billed(self):
        for share in self:
            if share.billable_ids:
                raise UserError(
                    self.env._(
                        "%s was billed: give the share an end instead, before its first day if it was never owed.",
                        share.display_name,
                    )
                )

    def unlink(self):
        touched = [(share._lines(), share.date_start) for share in self]
        self._tell()
        result = super().unlink()
        for lines, day in touched:
            self.env["multiservice.suspension"]._replan(lines, day)
        return result

    def action_replace(self):
        """Open another share that takes the place of this one from a day on."""
        self.ensure_one()
        names = DECIDING_FIELDS - {"date_start", "date_end"} | REFERENCE_FIELDS
        values = {name: self._fields[name].convert_to_write(self[name], self) for name in names}
        context = {f"default_{name}": value for name, value in values.items()}
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.share_new_action")
        return action | {"context": context | {"default_replaces_id": self.id}}

    def action_view_ledger(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.billable_action")
        return action | {"domain": [("share_id", "=", self.id)], "context": {}}

    def _check_not_held(self, vals: dict) -> None:
        for share in self.filtered("is_held"):
            changed = [name for name in HELD_FIELDS.intersection(vals) if share._would_change(name, vals[name])]
            payer = self.env["res.partner"].browse(vals.get("partner_id", share.partner_id.id))
            if changed or payer.commercial_partner_id != share.partner_id.commercial_partner_id:
                raise UserError(
                    self.env._(
                        "%s was billed: who pays and how much no longer change. Use “Replace from…” on the share, "
                        "or give it an end.",
                        share.display_name,
                    )
                )

    def _would_change(self, name: str, value) -> bool:
        field = self._fields[name]
        return field.convert_to_record(field.convert_to_cache(value, self), self) != self[name]

    def _first_day_touched(self, vals: dict) -> date:
        """The first day on which a change of `vals` makes a difference."""
        if DECIDING_FIELDS.intersection(vals) == {"date_end"}:
            return min(self.date_end or date.max - timedelta(days=1), date.max - timedelta(days=1)) + timedelta(days=1)
        return self.date_start

    def _replan(self, day: date, lines=None) -> None:
        """Have the next billing run look at what was billed of the lines concerned since `day`."""
        lines = (lines or self.env["multiservice.contract.line"]) | self._lines()
        self.env["multiservice.suspension"]._replan(lines, day)

    def _root(self):
        """The first line of the service that the share is for; none for all services."""
        return self.line_id._chain_root() if self.line_id else self.line_id

    def _covers(self, line) -> bool:
        self.ensure_one()
        return not self.line_id or line._chain_root() == self._root()

    def _lines(self):
        self.ensure_one()
        return self.contract_id.line_ids.filtered(lambda line: not line.display_type and self._covers(line))

    def _in_order(self):
        """The shares in the order in which they take their part, those being typed last."""
        return self.sorted(lambda share: (share.sequence, share._origin.id or float("inf")))

    def _counts_units(self) -> bool:
        self.ensure_one()
        return self.takes != "percent" or bool(self.cap_quantity)

    def _to_share(self) -> Share:
        """The share as the engine sees it."""
        self.ensure_one()
        rate = {"percent": self.percent, "unit": self.unit_amount, "beyond": self.participation}[self.takes]
        return Share(
            share=self._origin.id or self.id,
            takes=self.takes,
            rate=Decimal(str(rate)),
            start=self.date_start,
            end=self.date_end or None,
            of_rest=self.takes == "percent" and self.of_rest,
            max_quantity=Decimal(str(self.cap_quantity)) if self.cap_quantity else None,
            max_amount=Decimal(str(self.cap_amount)) if self.cap_amount else None,
            per=self.cap_per,
            invoiced=self.billing in INVOICED,
        )

    def _missing_references(self) -> list[str]:
        """The references that the payer requires and that are not there; of a share that is over, none."""
        self.ensure_one()
        payer = self.partner_id.commercial_partner_id
        over = self.date_end and self.date_end < self.contract_id.company_id._service_today()
        if self.billing not in INVOICED or not payer or over:
            return []
        return [
            name
            for name in ("order_reference", "buyer_reference")
            if payer[f"{name}_required"] and not (self[name] or "").strip()
        ]

    def _grouping(self) -> str:
        """How the part is grouped on invoices: a payer's by contract or all together, that of a site like the rest."""
        self.ensure_one()
        of_contract = self.contract_id.grouping
        if not self.partner_id:
            return of_contract
        if self.billing == "collective":
            return "beneficiaries"
        return "site" if of_contract == "site" else "contract"

    def _part_in_words(self) -> str:
        self.ensure_one()
        currency = self.currency_id or self.env.company.currency_id
        if self.takes == "unit":
            return self.env._("%s for each unit", format_amount(self.env, self.unit_amount, currency))
        if self.takes == "beyond":
            participation = format_amount(self.env, self.participation, currency)
            return self.env._("price of each unit less %s", participation)
        if self.of_rest:
            return self.env._("%s\N{NO-BREAK SPACE}%% of what is left", number(self.env, self.percent))
        return f"{number(self.env, self.percent)}\N{NO-BREAK SPACE}%"

    def _caps_in_words(self) -> list[str]:
        weekly = self.cap_per == "week"
        caps = []
        if self.cap_quantity:
            units = number(self.env, self.cap_quantity)
            caps.append(
                self.env._("at most %s units a week", units)
                if weekly
                else self.env._("at most %s units a month", units)
            )
        if self.cap_amount:
            amount = format_amount(self.env, self.cap_amount, self.currency_id or self.env.company.currency_id)
            caps.append(self.env._("at most %s a week", amount) if weekly else self.env._("at most %s a month", amount))
        return caps

    def _consequence(self) -> str:
        """What the share does to what was billed already, for the person who decides."""
        self.ensure_one()
        billed_to = max((line.billed_to for line in self._lines() if line.billed_to), default=None)
        if not billed_to or billed_to < self.date_start:
            return self.env._("Nothing that was billed changes.")
        if self._origin and not any(self._lines().mapped("replan_from")):
            return self.env._("What was billed is as the share says.")
        return self.env._(
            "Billed to %(billed)s: what changes from %(start)s on is credited to one and charged to the other by the "
            "next billing run.",
            billed=format_date(self.env, billed_to),
            start=format_date(self.env, self.date_start),
        )

    def _tell(self) -> None:
        """Who pays is not for everybody who reads the contract: only that it changed is."""
        for contract in self.contract_id:
            contract.message_post(body=self.env._("The payers of the contract changed."))
