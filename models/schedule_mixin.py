from datetime import date

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..engine.periods import IssueRule, Recurrence, calendar_anchor, on_day_of_month
from ..engine.terms import Schedule

# Unit of the interface -> (unit of the engine, how many of them).
UNITS = {
    "day": ("day", 1),
    "week": ("week", 1),
    "month": ("month", 1),
    "quarter": ("month", 3),
    "half_year": ("month", 6),
    "year": ("year", 1),
}
PARTIAL_POLICIES = [("prorate", "Prorated"), ("full", "Charged in full"), ("free", "Free")]
SCHEDULE_FIELDS = (
    "recurrence_interval",
    "recurrence_unit",
    "timing",
    "alignment",
    "alignment_day",
    "first_partial",
    "last_partial",
    "proration_basis",
    "issue_method",
    "issue_offset",
    "issue_day",
)


class ScheduleMixin(models.AbstractModel):
    """The billing schedule of a contract, of a contract template, or of a line that differs from its contract."""

    _name = "multiservice.schedule.mixin"
    _description = "Billing Schedule"

    recurrence_interval = fields.Integer(
        string="Every", default=1, required=True, help="Number of units in one billing period."
    )
    recurrence_unit = fields.Selection(
        [
            ("day", "Day(s)"),
            ("week", "Week(s)"),
            ("month", "Month(s)"),
            ("quarter", "Quarter(s)"),
            ("half_year", "Half-year(s)"),
            ("year", "Year(s)"),
        ],
        string="Period Unit",
        default="month",
        required=True,
    )
    timing = fields.Selection(
        [("advance", "In advance"), ("arrears", "In arrears")],
        string="Term",
        default="advance",
        required=True,
        help="In advance: a period is due on its first day. In arrears: on its last day.",
    )
    alignment = fields.Selection(
        [("anniversary", "Anniversary"), ("calendar", "Calendar"), ("day", "Chosen day")],
        default="calendar",
        required=True,
        help="Anniversary: periods are counted from the start date. Calendar: they begin on the 1st of the month, "
        "quarter, half-year or year, or on Monday. Chosen day: on that day of the month.",
    )
    alignment_day = fields.Integer(
        string="Day of Month",
        default=1,
        help="Periods begin on that day; in a shorter month, on its last day.",
    )
    first_partial = fields.Selection(PARTIAL_POLICIES, string="First Partial Period", default="prorate", required=True)
    last_partial = fields.Selection(PARTIAL_POLICIES, string="Last Partial Period", default="prorate", required=True)
    proration_basis = fields.Selection(
        [("actual", "Actual days"), ("thirty", "30-day month")],
        string="Proration",
        default="actual",
        required=True,
        help="Actual days: days served over days of the period. 30-day month: every month counts 30 days. "
        "Periods in days or weeks always use actual days.",
    )
    issue_method = fields.Selection(
        [
            ("due", "When due"),
            ("offset", "A number of days from then"),
            ("day_before", "Fixed day, on or before"),
            ("day_after", "Fixed day, on or after"),
        ],
        string="Issue Date",
        default="due",
        required=True,
        help="When a due period is billed. Example: a monthly contract in advance with a fixed day on or before the "
        "25th bills December on 25 November.",
    )
    issue_offset = fields.Integer(
        string="Days", help="Days after (positive) or before (negative) the day on which the period is due."
    )
    issue_day = fields.Integer(default=25)

    @api.constrains("recurrence_interval", "recurrence_unit", "alignment", "alignment_day", "issue_method", "issue_day")
    def _check_schedule(self):
        for schedule in self:
            if schedule.recurrence_interval < 1:
                raise ValidationError(self.env._("The billing period must count at least 1 unit."))
            if schedule.alignment == "day" and not 1 <= schedule.alignment_day <= 31:
                raise ValidationError(self.env._("The day of the month on which periods begin must be from 1 to 31."))
            if schedule.alignment == "day" and schedule.recurrence_unit in ("day", "week"):
                raise ValidationError(
                    self.env._("A chosen day of the month needs a period in months, quarters, half-years or years.")
                )
            if schedule.issue_method in ("day_before", "day_after") and not 1 <= schedule.issue_day <= 31:
                raise ValidationError(self.env._("The day of issue must be from 1 to 31."))

    def _to_schedule(self, reference: date) -> Schedule:
        """The schedule with its periods counted from `reference` (start of the contract, or of the line)."""
        self.ensure_one()
        unit, factor = UNITS[self.recurrence_unit]
        interval = factor * self.recurrence_interval
        anchor, day = reference, None
        if self.alignment == "calendar":
            anchor = calendar_anchor(unit, interval, reference)
        elif self.alignment == "day":
            day = self.alignment_day
            anchor = on_day_of_month(reference.year, reference.month, day)
        fixed_day = self.issue_method in ("day_before", "day_after")
        return Schedule(
            recurrence=Recurrence(unit, interval, anchor, day),
            issue=IssueRule(self.timing, self.issue_method, self.issue_offset, self.issue_day if fixed_day else 1),
            first_partial=self.first_partial,
            last_partial=self.last_partial,
            basis=self.proration_basis,
        )
