from collections import defaultdict
from dataclasses import replace
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import format_date

TRANSITIONS = {"draft": {"approved", "refused"}, "approved": {"draft"}, "refused": {"draft"}}
# What a penalty is decided on: frozen once it is.
DECIDED_FIELDS = frozenset(("line_id", "date", "rule", "nature", "basis", "rate", "amount", "state", "decided_by_id"))


class Penalty(models.Model):
    """A contractual penalty that we owe for a service: what happened, by which rule, with its evidence, and approved by
    somebody.

    A price reduction lowers what the period of its day costs: its own row of the ledger, on the invoice line's tax,
    quantity below zero. An indemnity is outside VAT, lowers no price and stands on no e-invoice: it is settled apart.
    """

    _name = "multiservice.penalty"
    _description = "Penalty"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "date desc, id desc"

    _amount_positive = models.Constraint("CHECK(amount >= 0 AND rate >= 0 AND rate <= 100)", "A penalty is above zero.")

    line_id = fields.Many2one(
        "multiservice.contract.line",
        string="Service",
        required=True,
        domain="[('display_type', '=', False), ('contract_state', 'in', ('active', 'ended'))]",
        ondelete="restrict",
        index=True,
    )
    contract_id = fields.Many2one(related="line_id.contract_id", store=True, index=True, precompute=True)
    company_id = fields.Many2one(related="line_id.company_id", store=True, index=True, precompute=True)
    partner_id = fields.Many2one(related="line_id.partner_id", string="Customer", store=True, precompute=True)
    site_id = fields.Many2one(related="line_id.site_id", store=True, precompute=True)
    currency_id = fields.Many2one(related="line_id.currency_id")
    date = fields.Date(required=True, tracking=True, help="Day on which it happened: the period that it lowers.")
    rule = fields.Selection(
        [
            ("missed_visit", "Missed visit"),
            ("late", "Late intervention"),
            ("quality", "Quality score"),
            ("other", "Other"),
        ],
        required=True,
        default="missed_visit",
        tracking=True,
    )
    nature = fields.Selection(
        [("reduction", "Price reduction"), ("indemnity", "Indemnity, outside VAT")],
        required=True,
        default="reduction",
        tracking=True,
        help="What the clause of the contract says it is. A price reduction bears the tax of the service and is billed "
        "by itself. An indemnity repairs a loss: outside VAT, on no invoice, settled apart.",
    )
    basis = fields.Selection(
        [("amount", "An amount"), ("rate", "A part of the period's price")], required=True, default="amount"
    )
    rate = fields.Float(string="Part (%)", groups="multiservice.group_billing_user")
    amount = fields.Monetary(
        compute="_compute_amount",
        store=True,
        readonly=False,
        tracking=True,
        groups="multiservice.group_billing_user",
        help="In the basis of the line's price, with or without tax.",
    )
    evidence = fields.Text(required=True, help="What happened and how it is known; files are added below.")
    state = fields.Selection(
        [("draft", "To approve"), ("approved", "Approved"), ("refused", "Refused")],
        default="draft",
        required=True,
        readonly=True,
        tracking=True,
        copy=False,
    )
    decided_by_id = fields.Many2one("res.users", readonly=True, copy=False)

    @api.depends("basis", "rate", "line_id")
    def _compute_amount(self):
        for penalty in self:
            if penalty.basis == "rate":
                penalty.amount = penalty.currency_id.round(penalty.line_id.amount * penalty.rate / 100)
            else:
                penalty.amount = penalty.amount

    @api.depends("rule", "date", "line_id.name")
    def _compute_display_name(self):
        for penalty in self:
            penalty.display_name = f"{penalty._label()} – {penalty.line_id.display_name}"

    @api.constrains("line_id", "date")
    def _check_served(self):
        for penalty in self:
            if not penalty.line_id._serves_on(penalty.date):
                raise ValidationError(
                    self.env._(
                        "“%(line)s” is not in service on %(day)s.",
                        line=penalty.line_id.display_name,
                        day=format_date(self.env, penalty.date),
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if vals.get("state", "draft") != "draft":
                raise UserError(self.env._("A penalty is approved by its button, once its evidence is entered."))
        computed = [
            {n: v for n, v in vals.items() if n != "amount" or vals.get("basis") != "rate"} for vals in vals_list
        ]
        return super().create(computed)

    def write(self, vals):
        changed = DECIDED_FIELDS.intersection(vals)
        if "state" in changed or (changed and any(penalty.state != "draft" for penalty in self)):
            raise UserError(self.env._("A penalty is decided by its buttons; set it back to change it."))
        return super().write(vals)

    def _write_unguarded(self, vals):
        """Write what only the acts of this class may change."""
        return super().write(vals)  # pylint: disable=super-method-mismatch

    @api.ondelete(at_uninstall=False)
    def _unlink_except_decided(self):
        if any(penalty.state != "draft" for penalty in self):
            raise UserError(self.env._("A penalty that was decided is kept: set it back first."))

    def action_approve(self):
        """Approve: a price reduction is deducted by the next billing run."""
        for penalty in self:
            if not penalty.amount:
                raise UserError(self.env._("%s has no amount.", penalty.display_name))
        self._move_to("approved")

    def action_refuse(self):
        self._move_to("refused")

    def action_back_to_draft(self):
        """Take the decision back: what was deducted is billed again by the next billing run."""
        self._move_to("draft")

    def _move_to(self, state: str) -> None:
        if not (self.env.su or self.env.user.has_group("multiservice.group_billing_user")):
            raise AccessError(self.env._("Only billing users decide on penalties."))
        for penalty in self:
            if state not in TRANSITIONS[penalty.state]:
                raise UserError(self.env._("%s was decided already.", penalty.display_name))
            penalty._write_unguarded({"state": state, "decided_by_id": state != "draft" and self.env.uid})
            line = penalty.line_id
            if penalty.nature == "reduction" and line.is_held:
                line.replan_from = line._touch(penalty.date)

    def _label(self) -> str:
        return self.env._(
            "%(rule)s of %(day)s",
            rule=dict(self._fields["rule"]._description_selection(self.env))[self.rule],
            day=format_date(self.env, self.date),
        )


class PenalizedLine(models.Model):
    _inherit = "multiservice.contract.line"

    penalty_ids = fields.One2many("multiservice.penalty", "line_id", string="Penalties")
    has_reductions = fields.Boolean(
        compute="_compute_has_reductions", store=True, help="Whether approved penalties lower what some period costs."
    )

    @api.depends("penalty_ids.state", "penalty_ids.nature")
    def _compute_has_reductions(self):
        for line in self:
            line.has_reductions = bool(line.penalty_ids.filtered(_lowers))

    @api.depends("has_reductions", "penalty_ids.state")
    def _compute_next_billing_date(self):
        return super()._compute_next_billing_date()

    def _replace_from(self, day, vals):
        """What happened from `day` on lowers what the successor costs."""
        successor = super()._replace_from(day, vals)
        self.penalty_ids.filtered(lambda penalty: penalty.date >= day)._write_unguarded({"line_id": successor.id})
        return successor


class PenaltyInPlan(models.Model):
    _inherit = "multiservice.billable"

    @api.model
    def _with_usage(self, terms, since):
        """Also with the approved penalties that lower the price."""
        terms = super()._with_usage(terms, since)
        lowered = {line: term for line, term in terms.items() if line.has_reductions and line._origin}
        reductions = defaultdict(list)
        for line in lowered:
            # sudo: amounts are planned, not shown; a planner's change must plan like a billing user's
            for penalty in line.sudo().penalty_ids.filtered(_lowers).sorted("id"):
                reductions[line].append((penalty.id, penalty.date, Decimal(str(penalty.amount))))
        return terms | {line: replace(term, reductions=tuple(reductions[line])) for line, term in lowered.items()}


def _lowers(penalty) -> bool:
    return penalty.state == "approved" and penalty.nature == "reduction"
