from odoo import api, fields, models
from odoo.exceptions import ValidationError

# Milliseconds. Measured with wkhtmltopdf 0.12.4: the same pages from 30 on; at 20 some differ, at 0 footers lack.
SHORTEST_PRINT_DELAY = 30
SHORT_PRINT_DELAY = 200  # with a margin for a slow machine


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    service_posting_mode = fields.Selection(related="company_id.service_posting_mode", readonly=False)
    service_grouping = fields.Selection(related="company_id.service_grouping", readonly=False)
    service_analytic_plan_id = fields.Many2one(related="company_id.service_analytic_plan_id", readonly=False)
    service_einvoice = fields.Boolean(related="company_id.service_einvoice", readonly=False)
    service_einvoice_check = fields.Selection(related="company_id.service_einvoice_check", readonly=False)
    service_review_threshold = fields.Float(related="company_id.service_review_threshold", readonly=False)
    service_summary_user_ids = fields.Many2many(related="company_id.service_summary_user_ids", readonly=False)
    service_term_alert_days = fields.Integer(related="company_id.service_term_alert_days", readonly=False)
    service_tz = fields.Selection(related="company_id.service_tz", readonly=False)
    service_billing_workers = fields.Selection(
        [("1", "1"), ("2", "2"), ("3", "3"), ("4", "4")],
        string="Billing Workers",
        compute="_compute_service_workers",
        inverse="_inverse_service_billing_workers",
        help="Scheduled actions that work billing runs off side by side. Each active one takes, while a run lasts, one "
        "of the server's scheduler threads (max_cron_threads, 2 by default), and about one processor core.",
    )
    service_sending_workers = fields.Selection(
        [("1", "1"), ("2", "2")],
        string="Sending Workers",
        compute="_compute_service_workers",
        inverse="_inverse_service_sending_workers",
        help="Scheduled actions that print and e-mail queued invoices side by side. Each active one takes, while there "
        "is something to send, one of the server's scheduler threads (max_cron_threads, 2 by default).",
    )
    service_print_delay = fields.Integer(
        string="Delay Before Printing (ms)",
        config_parameter="report.print_delay",
        default=1000,
        help="How long wkhtmltopdf waits for a page to settle, twice for each batch of documents. Holds for every PDF "
        "report of this database.",
    )

    def _compute_service_workers(self):
        Run = self.env["multiservice.billing.run"]
        for settings in self:
            settings.service_billing_workers = str(1 + len(Run._workers()[1:].filtered("active")))
            settings.service_sending_workers = str(1 + len(Run._senders()[1:].filtered("active")))

    def _inverse_service_billing_workers(self):
        self._switch_workers(self.env["multiservice.billing.run"]._workers(), int(self.service_billing_workers))

    def _inverse_service_sending_workers(self):
        self._switch_workers(self.env["multiservice.billing.run"]._senders(), int(self.service_sending_workers))

    def _switch_workers(self, workers, count: int) -> None:
        """Have `count` of the workers active. The first is left as it is: somebody may have switched it off, to bill
        or send nothing for a while, or on a copy of the database.
        """
        for number, worker in enumerate(workers[1:], start=2):
            if worker.active != (number <= count):  # a worker that is running cannot be written, even unchanged
                worker.active = number <= count

    @api.constrains("service_print_delay")
    def _check_service_print_delay(self):
        if any(settings.service_print_delay < SHORTEST_PRINT_DELAY for settings in self):
            raise ValidationError(
                self.env._(
                    "The delay before printing must be at least %(shortest)s ms: with less, documents lose their "
                    "footer, with the invoice number and the page numbers.",
                    shortest=SHORTEST_PRINT_DELAY,
                )
            )

    def action_use_short_print_delay(self):
        self.env["ir.config_parameter"].set_param("report.print_delay", SHORT_PRINT_DELAY)
        return {"type": "ir.actions.client", "tag": "reload"}
