from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..engine.plan import FIXED
from ..engine.pricing import PLAIN, Tariff, check_tiers

PRICINGS = [
    ("flat", "Flat per period"),
    ("unit", "Quantity × price"),
    ("graduated", "Tiers, each slice at its price"),
    ("volume", "Tiers, all at the price reached"),
    ("package", "By the lot"),
    ("smoothed", "Annual budget in equal instalments"),
    ("one_off", "One-off"),
]
TIERED = ("graduated", "volume")
# Fields of a tariff, copied from a contract type to the line.
TARIFF_FIELDS = (
    "pricing",
    "measured",
    "price_from_list",
    "package_size",
    "free_units",
    "minimum_amount",
    "included_quantity",
    "overage_price",
)


class PricingMixin(models.AbstractModel):
    """How a service is priced: what a contract line and the line of a contract type have in common."""

    _name = "multiservice.pricing.mixin"
    _description = "Pricing"

    pricing = fields.Selection(
        PRICINGS,
        default="unit",
        required=True,
        help="Flat: the price is for the period, whatever the quantity. Tiers: the price of a unit depends on how many "
        "there are. By the lot: the unit price is that of a lot, a lot begun counts whole. Annual budget: quantity × "
        "unit price is what a year costs, billed in equal instalments whatever the days; the last one absorbs the "
        "cents. One-off: billed once, on the start date.",
    )
    measured = fields.Boolean(
        string="By Measured Quantity",
        help="The quantity of each period is what was measured in it (Contracts > Usage), billed once the period is "
        "over. With a flat price or an annual budget: what exceeds the quantity included.",
    )
    price_from_list = fields.Boolean(
        string="Price of the Day",
        help="Each period has the price that the contract's price list gives on its first day, instead of one fixed "
        "price.",
    )
    package_size = fields.Float(
        string="Units per Lot", default=1.0, digits=(16, 4), min_display_digits="Product Unit", help="By the lot."
    )
    free_units = fields.Float(
        digits=(16, 4), min_display_digits="Product Unit", help="By the lot: units of each period that cost nothing."
    )
    minimum_amount = fields.Float(
        string="Minimum per Period",
        min_display_digits="Product Price",
        groups="multiservice.group_billing_user",
        help="What a whole period costs at least; what is missing is billed as a line of its own, prorated with the "
        "period. It bears no discount.",
    )
    included_quantity = fields.Float(
        digits=(16, 4),
        min_display_digits="Product Unit",
        help="Measured quantity that the flat price of a whole period includes; what is not used is lost.",
    )
    overage_price = fields.Float(
        min_display_digits="Product Price",
        groups="multiservice.group_billing_user",
        help="Price of a unit beyond the quantity included.",
    )

    @api.constrains("package_size", "free_units", "included_quantity", "minimum_amount")
    def _check_tariff(self):
        for line in self.sudo():  # sudo: the check holds whoever writes, prices visible or not
            if line.package_size <= 0:
                raise ValidationError(self.env._("A lot of “%s” must hold more than nothing.", line.name))
            if min(line.free_units, line.included_quantity, line.minimum_amount) < 0:
                raise ValidationError(
                    self.env._(
                        "Free units, included quantity and minimum of “%s” cannot be below zero.",
                        line.name,
                    )
                )

    @api.constrains("pricing", "measured")
    def _check_measured(self):
        if any(line.measured and line.pricing == "one_off" for line in self):
            raise ValidationError(self.env._("A one-off service has no measured quantity: choose another pricing."))

    @api.constrains("tier_ids", "pricing")
    def _check_tiers(self):
        for line in self.filtered(lambda line: line.tier_ids):
            if line.pricing not in TIERED:
                raise ValidationError(self.env._("“%s” has tiers, which its way of pricing does not use.", line.name))
            try:
                check_tiers(line.tier_ids._to_tiers())
            except ValueError as error:
                raise ValidationError(
                    self.env._(
                        "Tiers of “%(line)s”: the upper bounds must rise, and the last tier have none. (%(error)s)",
                        line=line.name,
                        error=error,
                    )
                ) from None

    def _to_tariff(self) -> Tariff:
        """What prices a quantity beside the unit price."""
        self.ensure_one()
        included = self.measured and self.pricing in FIXED
        if not (self.minimum_amount or included or self.pricing in ("package", *TIERED)):
            return PLAIN
        return Tariff(
            tiers=self.tier_ids._to_tiers() if self.pricing in TIERED else (),
            package_size=_decimal(self.package_size),
            free_units=_decimal(self.free_units),
            minimum=_decimal(self.minimum_amount),
            included=_decimal(self.included_quantity) if included else None,
            overage_price=_decimal(self.overage_price),
        )

    def _missing_to_price(self) -> list[str]:
        """What the way of pricing lacks."""
        self.ensure_one()
        if self.pricing in TIERED and not self.tier_ids:
            return [self.env._("no tiers; open the details of the line and enter them.")]
        return []


def _decimal(number: float) -> Decimal:
    return Decimal(str(number))
