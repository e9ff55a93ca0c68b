from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import float_round, formatLang

from ..engine.plan import FIXED, Charge, whole_period
from ..engine.pricing import BANK, BASE, MINIMUM, OVERAGE, slices
from .contract_line import SIMPLE
from .previous_period import RECURRING_KINDS
from .price_revision import MOST_DECIMALS, decimals
from .pricing_mixin import TIERED
from .wording import labelled


class PricedLine(models.Model):
    """Ways of pricing of a contract line beyond quantity × price, for the engine and in words."""

    _inherit = "multiservice.contract.line"

    tier_ids = fields.One2many(
        "multiservice.contract.line.tier",
        "line_id",
        string="Tiers",
        copy=True,
        groups="multiservice.group_billing_user",
        help="What a unit costs by how many there are. The upper bound of a tier belongs to it; the last one has none.",
    )
    template_line_id = fields.Many2one(
        "multiservice.contract.template.line",
        string="Line of the Contract Type",
        copy=False,
        readonly=True,
        ondelete="set null",
        help="Where the line comes from; it gives a new line its tiers.",
    )
    pricing_text = fields.Text(compute="_compute_pricing_text", groups="multiservice.group_billing_user")

    @api.depends(
        "pricing",
        "measured",
        "price_from_list",
        "price_unit",
        "quantity",
        "package_size",
        "free_units",
        "minimum_amount",
        "included_quantity",
        "overage_price",
        "tier_ids.up_to",
        "tier_ids.unit_price",
        "tier_ids.flat_fee",
        "tier_ids.sequence",
    )
    def _compute_pricing_text(self):
        for line in self:
            line.pricing_text = "\n".join(line._pricing_in_words())

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._with_tiers(vals) for vals in vals_list])

    @api.model
    def _with_tiers(self, vals: dict) -> dict:
        """`vals` with the tiers of the contract type, which a screen does not carry along."""
        template = self.env["multiservice.contract.template.line"].browse(vals.get("template_line_id") or ())
        if not template or "tier_ids" in vals or vals.get("pricing", template.pricing) not in TIERED:
            return vals
        return vals | {"tier_ids": [Command.create(tier._prepare_copy()) for tier in template.tier_ids]}

    def _missing_to_bill(self) -> list[str]:
        return [*super()._missing_to_bill(), *self._missing_to_price()]

    def _missing_to_price(self) -> list[str]:
        missing = super()._missing_to_price()
        if self.pricing == "smoothed":
            try:
                self._to_schedule_in_force().recurrence.per_year()
            except ValueError:
                missing.append(self.env._("an annual budget needs periods of 1, 2, 3, 4, 6 or 12 months."))
        return missing

    def _is_priced(self) -> bool:
        """Whether the line is a service whose pricing is complete; headings are not, nor what is being typed."""
        return not self.display_type and (self.pricing in SIMPLE or not self._missing_to_price())

    def _counts_units(self, charge: Charge) -> bool:
        """Whether the quantity of a charge counts units of the service, and not lots, fees or amounts."""
        component = charge.component.partition(":")[0]
        return component in ("tier", OVERAGE) or (component == BASE and self.pricing in ("volume", *SIMPLE))

    def _has_other_prices(self) -> bool:
        """Whether the line has prices beside its unit price."""
        return bool(self.pricing in TIERED or self.minimum_amount or self._to_tariff().overage_price)

    def _other_prices_times(self, factor: float) -> dict:
        """Values of a line that succeeds this one with the prices beside its unit price multiplied."""
        if factor == 1 or not self._has_other_prices():
            return {}
        digits = self.env["decimal.precision"].precision_get("Product Price")

        def times(price: float) -> float:
            return float_round(price * factor, min(max(digits, decimals(price)), MOST_DECIMALS))

        tiers = [
            Command.create(tier._prepare_copy() | {name: times(tier[name]) for name in ("unit_price", "flat_fee")})
            for tier in self.tier_ids
        ]
        return {
            "tier_ids": tiers,
            "minimum_amount": times(self.minimum_amount),
            "overage_price": times(self.overage_price),
        }

    def _price_steps(self) -> tuple[tuple[date, Decimal], ...]:
        """Since when which unit price holds, by the contract's price list; empty where the price is a fixed one."""
        self.ensure_one()
        if not self.price_from_list:
            return ()
        days = {self.date_start}
        for rule in self.contract_id.pricelist_id.item_ids:
            if rule.date_start:
                since = rule.date_start + timedelta(days=1, microseconds=-1)  # the first day that begins in it
                days.add(since.date())
            if rule.date_end:
                days.add(rule.date_end.date() + timedelta(days=1))
        return tuple((day, Decimal(str(self._list_price(day)))) for day in sorted(days) if day >= self.date_start)

    def _steps_around(self, term, rows) -> tuple[tuple[date, Decimal], ...]:
        """The price steps of `term` with the prices that `rows` of the ledger were billed at in their place."""
        steps = dict(term.prices)
        for row in rows:
            after = row.period_end + timedelta(days=1)
            steps.setdefault(after, Decimal(str(self._list_price(after))))
        steps |= {row._first_day(term): Decimal(str(row.whole_price)) for row in rows}
        return tuple(sorted(steps.items()))

    def _amount_of_period(self) -> float:
        """What a whole period costs as far as it is agreed: of a measured quantity, the fixed price or the minimum."""
        self.ensure_one()
        if not (self.date_start and self.anchor_date) or self._missing_to_price():
            return 0.0
        return float(whole_period(self._to_terms(), self.date_start))

    def _component_label(self, charge: Charge) -> str:
        """What a component is, where the line's own text does not tell."""
        name, _colon, number = charge.component.partition(":")
        if name == "tier":
            return self._tier_label(int(number))
        if name == "fee":
            return self.env._("Fixed fee of the tier %s", self._bounds(int(number)))
        if name == "penalty":
            # sudo: the customer's invoice tells what is deducted, whoever bills; a deleted one tells nothing any more
            penalty = self.env["multiservice.penalty"].sudo().browse(int(number)).exists()
            return self.env._("Price reduction: %s", penalty._label()) if penalty else self.env._("Price reduction")
        if charge.component == MINIMUM:
            return self.env._("Minimum billing")
        if charge.component == OVERAGE:
            return self.env._("Beyond what is included (%s)", self._included_in_words(charge))
        if charge.component == BANK:
            return self._bank_label(charge.price.quantity, charge)
        if self.bank_id and self.pricing == "unit" and charge.component == BASE and charge.measured:
            return self._bank_label(charge.measured - charge.price.quantity, charge)
        if self.pricing == "volume" and charge.price.quantity:
            return self._tier_label(slices(charge.price.quantity, self._to_tariff().tiers)[-1].number)
        if self.pricing == "package":
            return self._lot_label(charge)
        if self.pricing == "smoothed":
            return self._instalment_label(charge)
        return ""

    def _tier_label(self, number: int) -> str:
        return self.env._("Tier %(number)s (%(bounds)s)", number=number, bounds=self._bounds(number))

    def _bounds(self, number: int) -> str:
        """The quantities of a tier: up to 100, over 100 up to 200, over 200."""
        bounds = [tier.up_to for tier in self._to_tariff().tiers]
        upper = bounds[number - 1]
        lower = bounds[number - 2] if number > 1 else None
        if lower is None:
            return self.env._("up to %s", self._format_number(upper)) if upper else self.env._("all")
        if upper is None:
            return self.env._("over %s", self._format_number(lower))
        return self.env._(
            "over %(lower)s up to %(upper)s", lower=self._format_number(lower), upper=self._format_number(upper)
        )

    def _included_in_words(self, charge: Charge) -> str:
        """What was measured, and how much of it the period includes."""
        return self.env._(
            "%(measured)s measured, %(included)s included",
            measured=self._format_number(charge.measured),
            included=self._format_number(charge.measured - charge.price.quantity),
        )

    def _bank_label(self, covered: Decimal, charge: Charge) -> str:
        """How much of what was measured the bank covers, and what it still holds."""
        return self.env._(
            "%(measured)s measured, %(covered)s covered by “%(bank)s”, which still holds %(balance)s",
            measured=self._format_number(charge.measured),
            covered=self._format_number(covered),
            bank=self.bank_id.name,
            balance=self._format_number(Decimal(str(round(self.bank_id.sudo().balance, 4)))),  # sudo: of its own line
        )

    def _lot_label(self, charge: Charge) -> str:
        quantity = Decimal(str(self.quantity)) if charge.measured is None else charge.measured
        size, free = Decimal(str(self.package_size)), Decimal(str(self.free_units))
        label = self.env._(
            "%(quantity)s by lots of %(size)s", quantity=self._format_number(quantity), size=self._format_number(size)
        )
        return self.env._("%(lots)s, %(free)s free", lots=label, free=self._format_number(free)) if free else label

    def _instalment_label(self, charge: Charge) -> str:
        recurrence = self._to_schedule_in_force().recurrence
        of_year = recurrence.per_year()
        return self.env._(
            "Instalment %(number)s of %(count)s of an annual budget of %(budget)s",
            number=recurrence.index(charge.full.start) % of_year + 1,
            count=of_year,
            budget=formatLang(self.env, self._annual_budget(), currency_obj=self.currency_id),
        )

    def _annual_budget(self) -> float:
        return self.quantity * self.price_unit * (1 - self.discount / 100)

    def _explain_minimum(self, charge: Charge) -> str:
        """Less what the period comes to without it."""
        return self.env._(
            "less %s billed for the period", formatLang(self.env, float(charge.less), currency_obj=self.currency_id)
        )

    def _pricing_in_words(self) -> list[str]:
        """How the service is priced, beyond what quantity and unit price tell."""
        words = []
        if self.pricing in TIERED:
            words += self._tiers_in_words()
        elif self.pricing == "package":
            words.append(self._lots_in_words())
        elif self.pricing == "smoothed":
            budget = formatLang(self.env, self._annual_budget(), currency_obj=self.currency_id)
            words.append(self.env._("Annual budget of %s, in equal instalments", budget))
        if self.measured and self.pricing in FIXED:
            words.append(
                self.env._(
                    "%(included)s included per period, %(price)s for each one beyond",
                    included=self._format_number(Decimal(str(self.included_quantity))),
                    price=self._format_unit_price(Decimal(str(self.overage_price))),
                )
            )
        elif self.measured:
            words.append(self.env._("By the quantity measured in the period"))
        if self.minimum_amount:
            least = self._format_unit_price(Decimal(str(self.minimum_amount)))
            words.append(self.env._("At least %s per period", least))
        if self.price_from_list:
            words.append(self.env._("At the price of the price list on the first day of the period"))
        return words

    def _tiers_in_words(self) -> list[str]:
        words = []
        for number, tier in enumerate(self._to_tariff().tiers, start=1):
            text = labelled(self.env, self._tier_label(number), self._format_unit_price(tier.unit_price))
            if tier.flat_fee:
                text = self.env._("%(tier)s + %(fee)s", tier=text, fee=self._format_unit_price(tier.flat_fee))
            words.append(text)
        if self.pricing == "volume":
            words.append(self.env._("The price of the tier reached holds for the whole quantity"))
        return words

    def _lots_in_words(self) -> str:
        price, size = self._format_unit_price(Decimal(str(self.price_unit))), Decimal(str(self.package_size))
        text = self.env._("%(price)s per lot of %(size)s begun", price=price, size=self._format_number(size))
        if self.free_units:
            free = self._format_number(Decimal(str(self.free_units)))
            text = self.env._("%(lots)s, %(free)s free", lots=text, free=free)
        return text


class PricedTemplateLine(models.Model):
    _inherit = "multiservice.contract.template.line"

    tier_ids = fields.One2many(
        "multiservice.contract.line.tier",
        "template_line_id",
        string="Tiers",
        copy=True,
        groups="multiservice.group_billing_user",
    )


class HeldPrice(models.Model):
    _inherit = "multiservice.billable"

    @api.model
    def _with_held_prices(self, terms, since):
        """`terms` where a period that was billed at a price of the day keeps it, whatever the price list says now."""
        listed = {line: term for line, term in terms.items() if term.prices}
        # sudo: prices are compared, not shown; a planner's change must plan like a billing user's
        rows = self._rows_since({term.line: since[term.line] for term in listed.values()}).sudo()
        held = rows.filtered(lambda row: row.held and row.component == BASE and row.kind in RECURRING_KINDS)
        by_line = held.grouped("contract_line_id")
        changed = {
            line: replace(term, prices=line._steps_around(term, by_line[line]))
            for line, term in listed.items()
            if line in by_line
        }
        return terms | changed

    def _first_day(self, term) -> date:
        """The first day on which the line had a price in the row's period."""
        self.ensure_one()
        recurrence = term.schedule.recurrence
        return max(recurrence.period(recurrence.index(self.period_start)).start, term.start)
