from datetime import date, datetime

import pytz

from odoo import fields, models

from odoo.addons.base.models.res_partner import _tz_get

GROUPINGS = [
    ("customer", "One invoice per customer"),
    ("sections", "One invoice per customer, a section per site"),
    ("contract", "One invoice per contract"),
    ("site", "One invoice per site"),
]
POSTING_MODES = [
    ("draft", "Draft for review"),
    ("post", "Post"),
    ("send", "Post and send by e-mail"),
    ("print", "Post and print"),
]


class ResCompany(models.Model):
    _inherit = "res.company"

    service_posting_mode = fields.Selection(
        POSTING_MODES,
        string="Posting of Service Invoices",
        default="draft",
        required=True,
        help="What the billing run does with an invoice, unless the contract says otherwise.",
    )
    service_grouping = fields.Selection(
        GROUPINGS,
        string="Grouping of Service Invoices",
        default="contract",
        required=True,
        help="Proposed on new contracts.",
    )
    service_analytic_plan_id = fields.Many2one(
        "account.analytic.plan",
        string="Analytic Plan of Contracts",
        help="When set, activating a contract creates its analytic account in this plan.",
    )
    service_tz = fields.Selection(
        _tz_get,
        string="Time Zone of Invoices",
        default="Europe/Paris",
        required=True,
        help="The invoice date is the day of posting in this time zone.",
    )

    service_review_threshold = fields.Float(
        string="Amount Moved Beyond (%)",
        default=10.0,
        required=True,
        help="The review of a billing run points out contracts whose amount moved by more, in per cent of what the "
        "period before cost.",
    )
    service_summary_user_ids = fields.Many2many(
        "res.users",
        "multiservice_company_summary_user_rel",
        string="Summary of Billing Runs To",
        domain="[('share', '=', False)]",
        help="Who gets a message at the end of each billing run, besides its responsible.",
    )

    _service_review_threshold_positive = models.Constraint(
        "CHECK(service_review_threshold >= 0)", "The review threshold is a percentage, 0 or more."
    )

    def _service_lang(self) -> str:
        """The company's own language, if installed: that of its ledger and of messages nobody in particular reads."""
        self.ensure_one()
        return self.partner_id.lang or self.env.lang or "en_US"

    def _service_today(self) -> date:
        """Today on the company's own calendar: the date that its documents bear."""
        self.ensure_one()
        return datetime.now(pytz.timezone(self.service_tz)).date()
