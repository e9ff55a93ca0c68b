from datetime import date, timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tools import format_date

from .pricing_mixin import PRICINGS
from .res_company import GROUPINGS
from .schedule_mixin import SCHEDULE_FIELDS
from .wording import labelled

KINDS = [
    ("add_line", "Add a service"),
    ("replace_line", "Change a service"),
    ("end_line", "End a service"),
    ("add_site", "Add a site"),
    ("close_site", "Close a site"),
    ("suspend", "Suspend"),
    ("resume", "Resume"),
    ("contract_terms", "Change how the contract is billed"),
    ("terminate", "Terminate the contract"),
]
# Kinds that end something: their day is the last one of service.
ENDING_KINDS = ("end_line", "close_site", "terminate")
# What each kind cannot do without.
NEEDED = {
    "add_line": ("name", "tax_ids"),
    "replace_line": ("line_id",),
    "end_line": ("line_id",),
    "add_site": ("site_id", "model_site_id"),
    "close_site": ("site_id",),
    "suspend": ("reason",),
    "resume": ("suspension_id",),
    "terminate": ("termination_reason_id",),
}
LINE_TERMS = ("product_id", "site_id", "quantity", "price_unit", "discount", "tax_ids")
CONTRACT_TERMS = ("payment_term_id", "grouping", "invoice_partner_id")
# What the acts record.
DONE_FIELDS = frozenset(("before", "done", "new_line_ids", "new_suspension_id"))


def plain(value):
    """A value of a field as JSON keeps it."""
    if isinstance(value, models.BaseModel):
        return sorted(value.ids) if len(value) > 1 or value._name == "account.tax" else value.id
    return value


# How a new service may be priced: the ways that need nothing but a quantity and a price.
ADDED_PRICINGS = ("flat", "unit", "smoothed", "one_off")


class AmendmentChange(models.Model):
    """One thing that an amendment changes: a service, a site, a suspension, the contract's end or how it is billed.

    The new terms of a service, or of the contract, start as those in force (`before`); applied is what differs.
    """

    _name = "multiservice.amendment.change"
    _description = "Change of a Contract Amendment"
    _inherit = ["multiservice.schedule.mixin"]
    _order = "amendment_id, sequence, id"
    _check_company_auto = True

    amendment_id = fields.Many2one("multiservice.amendment", required=True, ondelete="cascade", index=True)
    amendment_state = fields.Selection(related="amendment_id.state")
    contract_id = fields.Many2one(related="amendment_id.contract_id", store=True, precompute=True, index=True)
    company_id = fields.Many2one(related="amendment_id.company_id", store=True, precompute=True)
    partner_id = fields.Many2one(related="amendment_id.partner_id", string="Customer")
    currency_id = fields.Many2one(related="amendment_id.currency_id")
    sequence = fields.Integer(default=10)
    kind = fields.Selection(KINDS, required=True, default="replace_line")
    line_id = fields.Many2one(
        "multiservice.contract.line",
        string="Service in Force",
        domain="[('contract_id', '=', contract_id), ('display_type', '=', False), ('successor_ids', '=', False)]",
        ondelete="restrict",
        help="With the lines that it replaced, and those that replace it.",
    )
    site_id = fields.Many2one(
        "res.partner",
        domain="[('is_service_site', '=', True), ('commercial_partner_id', '=', partner_id)]",
        ondelete="restrict",
    )
    model_site_id = fields.Many2one(
        "res.partner",
        string="With the Services of",
        domain="[('is_service_site', '=', True), ('commercial_partner_id', '=', partner_id)]",
        ondelete="restrict",
        help="The new site gets the same services at the same prices; change those that differ afterwards.",
    )
    product_id = fields.Many2one(
        "product.product", string="Service", domain="[('sale_ok', '=', True)]", check_company=True, ondelete="restrict"
    )
    name = fields.Text(string="Description")
    pricing = fields.Selection(
        [(pricing, label) for pricing, label in PRICINGS if pricing in ADDED_PRICINGS],
        default="unit",
        required=True,
        help="Tiers and lots are set on the contract's line once the amendment is applied.",
    )
    quantity = fields.Float(default=1.0, digits=(16, 4), min_display_digits="Product Unit")
    price_unit = fields.Float(
        string="Unit Price", min_display_digits="Product Price", groups="multiservice.group_billing_user"
    )
    discount = fields.Float(string="Discount %", digits="Discount", groups="multiservice.group_billing_user")
    tax_ids = fields.Many2many(
        "account.tax", string="Taxes", check_company=True, domain="[('type_tax_use', '=', 'sale')]"
    )
    date_last = fields.Date(
        string="Last Day",
        help="Last day of service, or of the suspension. Empty: what ends does so the day before the amendment takes "
        "effect; a suspension or a new service has no end yet.",
    )
    reason = fields.Char(
        groups="multiservice.group_planner", help="Why the service is suspended; for the office, not printed."
    )
    prolong = fields.Boolean(string="Prolong the Contract", help="The contract ends as many days later.")
    suspension_id = fields.Many2one(
        "multiservice.suspension",
        domain="[('contract_id', '=', contract_id)]",
        ondelete="set null",
        help="Service goes on from the day of the amendment.",
    )
    payment_term_id = fields.Many2one("account.payment.term", string="Payment Terms", check_company=True)
    grouping = fields.Selection(GROUPINGS)
    invoice_partner_id = fields.Many2one(
        "res.partner",
        string="Invoice Address",
        check_company=True,
        domain="[('commercial_partner_id', '=', partner_id), ('is_service_site', '=', False)]",
        ondelete="restrict",
    )
    summary = fields.Char(compute="_compute_summary", help="What changes, without prices.")
    before = fields.Json(
        readonly=True,
        copy=False,
        groups="multiservice.group_billing_user",
        help="The terms when the change was written.",
    )
    done = fields.Json(
        readonly=True, copy=False, groups="multiservice.group_billing_user", help="How to take the change back."
    )
    new_line_ids = fields.Many2many("multiservice.contract.line", string="New Lines", readonly=True, copy=False)
    new_suspension_id = fields.Many2one(
        "multiservice.suspension", string="Suspension Made", readonly=True, copy=False, ondelete="set null"
    )

    @api.depends("kind", "line_id", "site_id", "name", "suspension_id", "date_last", "amendment_id.date_effect")
    def _compute_summary(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for change in self:
            parts = [kinds.get(change.kind, ""), change._subject()]
            if change.kind in ENDING_KINDS and change.amendment_id.date_effect:
                parts.append(self.env._("last day %s", format_date(self.env, change._last_day())))
            told = ", ".join(filter(None, parts[1:]))
            change.summary = labelled(self.env, parts[0], told) if told else parts[0]

    @api.depends("summary")
    def _compute_display_name(self):
        for change in self:
            change.display_name = change.summary

    def _check_complete(self) -> None:
        """Refuse a change that lacks what its kind needs."""
        for change in self:
            missing = [name for name in NEEDED.get(change.kind, ()) if not change[name]]
            if missing:
                labels = self.fields_get(missing, ["string"])
                raise ValidationError(
                    self.env._(
                        "“%(change)s” lacks: %(missing)s.",
                        change=change.summary,
                        missing=", ".join(labels[name]["string"] for name in missing),
                    )
                )

    @api.constrains("line_id", "site_id", "model_site_id", "suspension_id", "invoice_partner_id", "amendment_id")
    def _check_contract(self):
        for change in self:
            contract = change.contract_id
            strangers = (
                change.line_id.contract_id - contract,
                change.suspension_id.contract_id - contract,
                (change.site_id | change.model_site_id | change.invoice_partner_id).commercial_partner_id
                - contract.partner_id,
            )
            if any(strangers):
                raise ValidationError(
                    self.env._(
                        "“%(change)s” is of something that does not belong to contract %(contract)s.",
                        change=change.summary,
                        contract=contract.display_name,
                    )
                )

    @api.constrains("quantity", "discount", "kind")
    def _check_numbers(self):
        for change in self:
            if change.quantity < 0 or not 0 <= change.discount <= 100:
                raise ValidationError(
                    self.env._("“%s”: a quantity is not negative, and a discount from 0 to 100 %%.", change.summary)
                )

    @api.constrains("kind", "date_last", "amendment_id")
    def _check_last_day(self):
        for change in self.filtered("date_last"):
            if change.kind not in ENDING_KINDS and change.date_last < change.amendment_id._day():
                raise ValidationError(
                    self.env._("“%s” ends before it begins: give it a later last day.", change.summary)
                )

    @api.onchange("kind", "line_id")
    def _onchange_terms(self):
        """The terms in force, to be changed."""
        self.update(self._prefilled())

    @api.onchange("product_id")
    def _onchange_product_id(self):
        if self.kind == "add_line" and self.product_id:
            self.update(self._new_service_vals())

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if DONE_FIELDS.intersection(vals):
                raise UserError(self.env._("What a change did is recorded when it is applied."))
        changes = super().create(vals_list)
        changes.amendment_id._check_draft()
        for change, vals in zip(changes, vals_list, strict=True):
            change._prefill(vals)
        return changes

    def write(self, vals):
        if DONE_FIELDS.intersection(vals):
            raise UserError(self.env._("What a change did is recorded when it is applied."))
        self.amendment_id._check_draft()
        result = super().write(vals)
        if {"kind", "line_id", "amendment_id"}.intersection(vals):
            for change in self:
                change._prefill(vals)
        self._check_complete()
        return result

    def _write_unguarded(self, vals):
        """Write what only the acts of this class may change."""
        return super().write(vals)  # pylint: disable=super-method-mismatch

    @api.ondelete(at_uninstall=False)
    def _unlink_except_agreed(self):
        self.amendment_id._check_draft()

    def _prefill(self, vals: dict) -> None:
        """Take over the terms in force that were not given, and remember them all."""
        self.ensure_one()
        prefilled = {name: value for name, value in self._prefilled().items() if name not in vals}
        if self.kind == "add_line" and self.product_id:
            prefilled = {name: value for name, value in self._new_service_vals().items() if name not in vals}
        self._write_unguarded(prefilled | {"before": self._terms_in_force()})
        self._check_complete()

    def _terms_in_force(self) -> dict:
        """What the change starts from: of the line, or of the contract."""
        self.ensure_one()
        names = {}
        if self.kind == "replace_line" and self.line_id:
            names = {name: plain(self.line_id[name]) for name in LINE_TERMS}
            owner = self.line_id._schedule_owner()
        elif self.kind == "contract_terms" and self.contract_id:
            names = {name: plain(self.contract_id[name]) for name in CONTRACT_TERMS}
            owner = self.contract_id
        return names and names | {name: owner[name] for name in SCHEDULE_FIELDS}

    def _prefilled(self) -> dict:
        terms = self._terms_in_force()
        if "tax_ids" in terms:
            terms["tax_ids"] = [Command.set(terms["tax_ids"])]
        return terms

    def _new_service_vals(self) -> dict:
        """What a new line with this service would be proposed."""
        line = self.env["multiservice.contract.line"].new(
            {
                "contract_id": self.contract_id.id,
                "product_id": self.product_id.id,
                "date_start": self.amendment_id._day(),
            }
        )
        return {
            "name": line.name,
            "price_unit": line.price_unit,
            "tax_ids": [Command.set(line.tax_ids._origin.ids)],
        }

    def _changed(self, names) -> dict:
        """The values of `names` that are not those in force when the change was written, as `write` takes them."""
        self.ensure_one()
        before = self.before or {}
        changed = {name: plain(self[name]) for name in names if plain(self[name]) != before.get(name)}
        if "tax_ids" in changed:
            changed["tax_ids"] = [Command.set(changed["tax_ids"])]
        return changed

    def _last_day(self) -> date:
        """The last day of service of what the change ends."""
        self.ensure_one()
        return self.date_last or self.amendment_id._day() - timedelta(days=1)

    def _first_day(self) -> date:
        """The first day on which the change makes a difference."""
        self.ensure_one()
        return self._last_day() + timedelta(days=1) if self.kind in ENDING_KINDS else self.amendment_id._day()

    def _subject(self) -> str:
        """What is changed, in short."""
        self.ensure_one()
        line = self.line_id
        if self.kind in ("replace_line", "end_line"):
            return " – ".join(filter(None, [line and line._first_line(), line.site_id.name]))
        if self.kind == "suspend":
            return (line and line._first_line()) or self.site_id.name or ""
        if self.kind == "add_line":
            return " – ".join(filter(None, [(self.name or "").partition("\n")[0], self.site_id.name]))
        if self.kind == "resume":
            return self.suspension_id.display_name or ""
        return self.site_id.name or ""
