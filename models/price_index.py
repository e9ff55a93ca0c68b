from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..engine.indexation import Clause
from ..engine.renewal import before_months

ROUNDINGS = {"nearest": ROUND_HALF_UP, "up": ROUND_UP, "down": ROUND_DOWN}


class PriceIndex(models.Model):
    """A published series by which prices are revised."""

    _name = "multiservice.price.index"
    _description = "Price Index"
    _order = "name"

    _code_uniq = models.Constraint("UNIQUE(code)", "This index exists already.")

    name = fields.Char(required=True, translate=True)
    code = fields.Char(required=True, help="Short name, printed in the calculation.")
    source = fields.Char(help="Who publishes it, and where.")
    forbidden_reason = fields.Char(help="Why the law forbids to revise prices by this index; empty where it does not.")
    link_month = fields.Date(
        string="New Series From", help="First month of a new series; values before it are brought to the new one."
    )
    link_coefficient = fields.Float(
        digits=(12, 6),
        default=1.0,
        help="By which values of the old series are multiplied to compare with the new one.",
    )
    quarterly = fields.Boolean(
        help="One value for a quarter, entered for its last month: it is the value of the two months before too."
    )
    value_ids = fields.One2many("multiservice.price.index.value", "index_id", string="Values")
    last_month = fields.Date(compute="_compute_last_month", string="Last Value")
    active = fields.Boolean(default=True)

    @api.depends("value_ids.month")
    def _compute_last_month(self):
        for index in self:
            index.last_month = max(index.value_ids.mapped("month"), default=False)

    def _known_on(self, day: date):
        """The latest value that was published, and final, on that day."""
        self.ensure_one()
        known = self.value_ids.filtered(
            lambda value: not value.provisional and (value.published_on or value.month) <= day and value.month <= day
        )
        return known.sorted("month")[-1:]

    def _of_month(self, month: date):
        """The final value of that month, or of its quarter."""
        self.ensure_one()
        last = month.month + -month.month % 3 if self.quarterly else month.month
        first_day = month.replace(month=last, day=1)
        return self.value_ids.filtered(lambda value: not value.provisional and value.month == first_day)


class PriceIndexValue(models.Model):
    _name = "multiservice.price.index.value"
    _description = "Price Index Value"
    _order = "index_id, month desc"

    _month_uniq = models.Constraint("UNIQUE(index_id, month)", "The index has a value for that month already.")
    _value_positive = models.Constraint("CHECK(value > 0)", "The value of an index is above zero.")

    index_id = fields.Many2one("multiservice.price.index", required=True, ondelete="cascade", index=True)
    month = fields.Date(required=True, help="Any day of the month; quarterly series: of its last month.")
    value = fields.Float(required=True, digits=(16, 4), min_display_digits=1)
    provisional = fields.Boolean(help="Revisions wait for the final value.")
    published_on = fields.Date(help="From that day the value is known. Empty: from the month itself.")

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._first_of_month(vals) for vals in vals_list])

    def write(self, vals):
        return super().write(self._first_of_month(vals))

    @api.depends("index_id", "month")
    def _compute_display_name(self):
        for value in self:
            value.display_name = f"{value.index_id.code} {value.month:%m/%Y}" if value.month else value.index_id.code

    @api.model
    def _first_of_month(self, vals: dict) -> dict:
        if not vals.get("month"):
            return vals
        return vals | {"month": fields.Date.to_date(vals["month"]).replace(day=1)}

    def _linked(self) -> Decimal:
        """The value in the scale of the newest series."""
        self.ensure_one()
        return Decimal(str(self.value)) * Decimal(str(self._link()))

    def _link(self) -> float:
        """By what the value is multiplied to compare with the newest series."""
        index = self.index_id
        return index.link_coefficient if index.link_month and self.month < index.link_month else 1.0


class PriceClause(models.Model):
    """The formula by which prices follow indices, and when."""

    _name = "multiservice.price.clause"
    _description = "Price Revision Clause"
    _order = "name"

    name = fields.Char(required=True)
    company_id = fields.Many2one("res.company", help="Empty: usable by every company.")
    active = fields.Boolean(default=True)
    fixed = fields.Float(string="Fixed Part", digits=(12, 6), help="Part of the price that follows no index.")
    term_ids = fields.One2many("multiservice.price.clause.term", "clause_id", string="Indices", copy=True)
    formula = fields.Char(compute="_compute_formula")
    reference = fields.Selection(
        [("last", "The last revised price"), ("initial", "The initial price")],
        string="Revises",
        default="last",
        required=True,
        help="From which price, and from which value of the indices, each revision counts.",
    )
    choice = fields.Selection(
        [("known", "Last one known on the day of revision"), ("month", "That of the month of revision")],
        string="Index Value",
        default="known",
        required=True,
    )
    lag_months = fields.Integer(help="The month so many months before that of the revision.")
    frequency = fields.Selection(
        [
            ("anniversary", "On the contract's anniversary"),
            ("month", "In a fixed month"),
            ("interval", "Every n months"),
        ],
        string="When",
        default="anniversary",
        required=True,
    )
    month = fields.Selection(
        [(str(number), str(number)) for number in range(1, 13)], string="Month of Revision", default="1"
    )
    interval_months = fields.Integer(string="Every (Months)", default=12)
    ratio_digits = fields.Integer(string="Decimals of Quotients", help="0: not rounded.")
    digits = fields.Integer(string="Decimals of the Coefficient", default=4, help="0: not rounded.")
    rounding = fields.Selection(
        [("nearest", "To the nearest"), ("up", "Upwards"), ("down", "Downwards")], default="nearest", required=True
    )
    max_increase = fields.Float(string="Highest Increase (%)", help="0: without a limit.")
    max_decrease = fields.Float(string="Highest Decrease (%)", help="0: without a limit.")
    no_decrease = fields.Boolean(
        help="An indexation that only works upwards is deemed unwritten (C. mon. fin. art. L112-1; Cass. 3e civ., "
        "30/06/2021, 19-23.038): leave it off."
    )
    threshold = fields.Float(
        string="Threshold (%)", help="A smaller change of the price is left for the next revision."
    )

    @api.depends("fixed", "term_ids.weight", "term_ids.index_id")
    def _compute_formula(self):
        for clause in self:
            terms = [f"{term.weight:g} × {term.index_id.code}/{term.index_id.code}₀" for term in clause.term_ids]
            parts = [f"{clause.fixed:g}"] if clause.fixed or not terms else []
            clause.formula = "P = P₀ × (" + " + ".join(parts + terms) + ")"

    @api.constrains("fixed", "term_ids", "max_increase", "max_decrease", "digits", "ratio_digits", "threshold")
    def _check_formula(self):
        for clause in self:
            numbers = (clause.max_increase, clause.max_decrease, clause.digits, clause.ratio_digits, clause.threshold)
            if min(numbers) < 0 or max(clause.digits, clause.ratio_digits) > 9:
                raise ValidationError(
                    self.env._("%s: limits are percentages from 0, decimals are from 0 to 9.", clause.name)
                )
            try:
                clause._to_clause()
            except ValueError:
                total = sum(
                    (Decimal(str(part)) for part in [clause.fixed, *clause.term_ids.mapped("weight")]), Decimal(0)
                )
                raise ValidationError(
                    self.env._(
                        "%(clause)s: the fixed part and the weights must sum to 1; they sum to %(total)s.",
                        clause=clause.name,
                        total=total.normalize(),
                    )
                ) from None

    @api.constrains("term_ids")
    def _check_indices(self):
        for term in self.term_ids.filtered("index_id.forbidden_reason"):
            raise ValidationError(
                self.env._(
                    "%(index)s cannot be used: %(reason)s",
                    index=term.index_id.name,
                    reason=term.index_id.forbidden_reason,
                )
            )

    @api.constrains("interval_months", "lag_months")
    def _check_frequency(self):
        for clause in self:
            if clause.interval_months < 1 or clause.lag_months < 0:
                raise ValidationError(
                    self.env._("%s: revisions are at least a month apart, and a lag is not negative.", clause.name)
                )

    def _value_on(self, index, day: date):
        """The value of the index that counts for a price of that day."""
        self.ensure_one()
        if self.choice == "known":
            return index._known_on(before_months(day, self.lag_months) if self.lag_months else day)
        return index._of_month(before_months(day.replace(day=1), self.lag_months))

    def _to_clause(self) -> Clause:
        self.ensure_one()
        cap = 1 + Decimal(str(self.max_increase)) / 100 if self.max_increase else None
        floor = 1 - Decimal(str(self.max_decrease)) / 100 if self.max_decrease else None
        return Clause(
            fixed=Decimal(str(self.fixed)),
            terms=tuple((term.index_id.code, Decimal(str(term.weight))) for term in self.term_ids),
            ratio_digits=self.ratio_digits or None,
            digits=self.digits or None,
            rounding=ROUNDINGS[self.rounding],
            cap=cap,
            floor=Decimal(1) if self.no_decrease else floor,
        )


class PriceClauseTerm(models.Model):
    _name = "multiservice.price.clause.term"
    _description = "Index of a Price Revision Clause"
    _order = "clause_id, id"

    _index_uniq = models.Constraint("UNIQUE(clause_id, index_id)", "An index stands once in a formula.")

    clause_id = fields.Many2one("multiservice.price.clause", required=True, ondelete="cascade", index=True)
    index_id = fields.Many2one(
        "multiservice.price.index", required=True, ondelete="restrict", domain="[('forbidden_reason', '=', False)]"
    )
    weight = fields.Float(required=True, digits=(12, 6))
