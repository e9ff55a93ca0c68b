from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..engine.pricing import Tier
from .wording import labelled, number


class ContractLineTier(models.Model):
    """One tier of the price of a contract line, or of the line of a contract type."""

    _name = "multiservice.contract.line.tier"
    _description = "Price Tier"
    _order = "line_id, template_line_id, sequence, id"

    _one_owner = models.Constraint(
        "CHECK((line_id IS NULL) != (template_line_id IS NULL))",
        "A tier is of a contract line or of a line of a contract type.",
    )
    _not_negative = models.Constraint("CHECK(up_to >= 0)", "The upper bound of a tier cannot be below zero.")

    line_id = fields.Many2one("multiservice.contract.line", ondelete="cascade", index="btree_not_null")
    template_line_id = fields.Many2one(
        "multiservice.contract.template.line", ondelete="cascade", index="btree_not_null"
    )
    company_id = fields.Many2one("res.company", compute="_compute_company_id", store=True, precompute=True)
    sequence = fields.Integer(default=10)
    up_to = fields.Float(
        digits=(16, 4),
        min_display_digits="Product Unit",
        help="Last quantity of the tier, which belongs to it. Zero: all the others.",
    )
    unit_price = fields.Float(min_display_digits="Product Price", help="Price of one unit of the tier.")
    flat_fee = fields.Float(
        min_display_digits="Product Price", help="Due beside the units as soon as the tier is reached."
    )

    @api.depends("line_id.company_id", "template_line_id.company_id")
    def _compute_company_id(self):
        for tier in self:
            tier.company_id = tier.line_id.company_id or tier.template_line_id.company_id

    @api.depends("up_to", "unit_price")
    def _compute_display_name(self):
        for tier in self:
            bound = self.env._("up to %s", number(self.env, tier.up_to)) if tier.up_to else self.env._("beyond")
            tier.display_name = labelled(self.env, bound, number(self.env, tier.unit_price))

    @api.model_create_multi
    def create(self, vals_list):
        tiers = super().create(vals_list)
        tiers._check_not_held()
        return tiers

    def write(self, vals):
        self._check_not_held()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_held(self):
        self._check_not_held()

    def _check_not_held(self):
        """Refuse to change by what a line was billed."""
        for line in self.line_id.filtered("is_held"):
            raise UserError(
                self.env._(
                    "“%s” was billed by its tiers: they can no longer be edited. Use “Replace from…” on the line, and "
                    "change those of the line that replaces it.",
                    line.name,
                )
            )

    def _to_tiers(self) -> tuple[Tier, ...]:
        return tuple(
            Tier(
                up_to=Decimal(str(tier.up_to)) if tier.up_to else None,
                unit_price=Decimal(str(tier.unit_price)),
                flat_fee=Decimal(str(tier.flat_fee)),
            )
            for tier in self.sorted("sequence")
        )

    def _prepare_copy(self) -> dict:
        """Values of the same tier of another line."""
        self.ensure_one()
        return {name: self[name] for name in ("sequence", "up_to", "unit_price", "flat_fee")}
