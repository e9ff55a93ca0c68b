from datetime import date

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import ormcache

from ..engine.penalty import half_year_start

ACTIVITY = "multiservice.mail_activity_type_late_rate"


class LateRate(models.Model):
    """The rates that late penalties are counted from, for one half-year. They are the same for every company.

    A half-year that is not published is not there: nothing ever takes the one before for it.
    """

    _name = "multiservice.late.rate"
    _description = "Late Interest Rates"
    _inherit = ["multiservice.cached.mixin", "mail.thread", "mail.activity.mixin"]
    _order = "date_from desc"

    _date_from_uniq = models.Constraint("UNIQUE(date_from)", "The rates of this half-year are there already.")
    _rates_positive = models.Constraint(
        "CHECK(legal_rate > 0 AND legal_rate_individual > 0 AND ecb_rate >= 0)",
        "Rates of legal interest are above zero, the European Central Bank's is zero or more.",
    )

    date_from = fields.Date(
        string="Half-Year From", required=True, help="1 January or 1 July. The rates hold for six months."
    )
    legal_rate = fields.Float(
        string="Legal Rate, Professionals (%)",
        required=True,
        digits=(16, 2),
        tracking=True,
        help="Legal interest where the creditor is a professional: what consumers and syndicates owe after a formal "
        "notice, and of which a contract's penalties are at least three times.",
    )
    legal_rate_individual = fields.Float(
        string="Legal Rate, Individuals (%)",
        required=True,
        digits=(16, 2),
        tracking=True,
        help="Legal interest where the creditor is a private person who does not act for a profession.",
    )
    ecb_rate = fields.Float(
        string="ECB Rate (%)",
        required=True,
        digits=(16, 2),
        tracking=True,
        help="Rate of the European Central Bank's main refinancing operations in force on the first day of the "
        "half-year.",
    )
    source = fields.Char(help="The order that fixed the legal rates, or where they were read.")

    @api.constrains("date_from")
    def _check_date_from(self):
        for rates in self:
            if rates.date_from != half_year_start(rates.date_from):
                raise ValidationError(self.env._("Rates hold for a half-year: it starts on 1 January or on 1 July."))

    @api.depends("date_from")
    def _compute_display_name(self):
        for rates in self:
            day = rates.date_from
            rates.display_name = day and self.env._(
                "Half-year %(number)s of %(year)s", number=1 if day.month == 1 else 2, year=day.year
            )

    @api.model_create_multi
    def create(self, vals_list):
        rates = super().create(vals_list)
        self._close_reminders()
        return rates

    @api.model
    def _rates_on(self, day: date):
        """The rates of the half-year in which `day` is; none where they are not known."""
        return self.browse(self._rates_ids(half_year_start(day)))

    @api.model
    @ormcache("start")
    def _rates_ids(self, start: date) -> tuple[int, ...]:
        # sudo: figures of law are no secret
        return self.sudo().search([("date_from", "=", start)])._ids

    @api.model
    def _missing_semester(self, on: date) -> date | None:
        """First day of the half-year in which `on` is, where its rates are missing."""
        return None if self._rates_on(on) else half_year_start(on)

    @api.model
    def _cron_check_semester(self):
        """Ask each billing manager, once, for the rates of the current half-year."""
        missing = self._missing_semester(fields.Date.context_today(self))
        latest = self.search([], limit=1)
        if not missing or not latest:
            return
        managers = self.env.ref("multiservice.group_manager").all_user_ids.filtered(
            lambda user: user.active and not user.share and user != self.env.ref("base.user_root")
        )
        for user in managers - latest.activity_search([ACTIVITY], only_automated=False).user_id:
            latest.activity_schedule(
                ACTIVITY,
                user_id=user.id,
                summary=self.with_context(lang=user.lang).env._("Enter the late interest rates of the half-year"),
            )

    @api.model
    def _close_reminders(self):
        if not self._missing_semester(fields.Date.context_today(self)):
            # sudo: the reminders of all managers are settled by the one who enters the rates
            self.sudo().search([("activity_ids.activity_type_id", "=", self.env.ref(ACTIVITY).id)]).activity_unlink(
                [ACTIVITY], only_automated=False
            )
