from odoo import api, fields, models
from odoo.tools import SQL


class BillingRunComparison(models.Model):
    _inherit = "multiservice.billing.run"

    preview_id = fields.Many2one(
        "multiservice.billing.preview",
        string="Dry Run",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The dry run that was kept before, to compare with.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        """A run follows the last dry run of all contracts kept for the same day, whoever starts it."""
        runs = super().create(vals_list)
        for run in runs:
            run.preview_id = self.env["multiservice.billing.preview"]._kept_for(run)
        return runs

    def action_compare(self):
        """What was billed beside what the dry run had foreseen."""
        self.ensure_one()
        return self.preview_id.action_compare()


class BillingPreviewComparison(models.Model):
    _inherit = "multiservice.billing.preview"

    @api.model
    def _kept_for(self, run):
        """The last dry run of all contracts that was kept for the run's company and day."""
        return self.search(
            [
                ("company_id", "=", run.company_id.id),
                ("kept", "=", True),
                ("through_date", "=", run.through_date),
                ("contract_ids", "=", False),
                ("partner_ids", "=", False),
                ("template_ids", "=", False),
                ("posting_mode", "=", False),
            ],
            limit=1,
        )

    def action_compare(self):
        """What was billed since beside what the dry run had foreseen."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.billing_comparison_action")
        return action | {"domain": [("preview_id", "=", self.id)]}


class BillingComparison(models.Model):
    """What a dry run had foreseen for each period beside what the runs that follow it billed."""

    _name = "multiservice.billing.comparison"
    _description = "Dry Run Compared With What Was Billed"
    _auto = False
    _order = "partner_id, contract_id, period_start, id"

    preview_id = fields.Many2one("multiservice.billing.preview", string="Dry Run", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    contract_id = fields.Many2one("multiservice.contract", readonly=True)
    contract_line_id = fields.Many2one("multiservice.contract.line", string="Line", readonly=True)
    period_start = fields.Date(string="From", readonly=True)
    currency_id = fields.Many2one(related="contract_line_id.currency_id")
    foreseen = fields.Monetary(readonly=True)
    billed = fields.Monetary(readonly=True)
    difference = fields.Monetary(readonly=True, help="Billed less foreseen.")
    outcome = fields.Selection(
        [("same", "As foreseen"), ("other", "Another amount"), ("missing", "Not billed"), ("extra", "Not foreseen")],
        readonly=True,
    )

    @property
    def _table_query(self):
        return SQL(
            """
            WITH foreseen AS (
                SELECT preview_id, contract_line_id, period_start, component, MIN(id) AS line_id, SUM(amount) AS amount
                  FROM multiservice_billing_preview_line
                 WHERE ended IS NOT TRUE
                 GROUP BY preview_id, contract_line_id, period_start, component
            ), billed AS (
                SELECT run.preview_id, row.contract_line_id, row.period_start, row.component,
                       MIN(row.id) AS row_id, SUM(row.amount) AS amount
                  FROM multiservice_billing_run run
                  JOIN multiservice_billable row ON row.billing_run_id = run.id AND row.held
                 WHERE run.preview_id IS NOT NULL
                 GROUP BY run.preview_id, row.contract_line_id, row.period_start, row.component
            )
            SELECT COALESCE(2 * line_id, 2 * row_id + 1) AS id,
                   preview_id, contract_line_id, period_start,
                   contract.id AS contract_id, contract.partner_id, contract.company_id,
                   COALESCE(foreseen.amount, 0) AS foreseen, COALESCE(billed.amount, 0) AS billed,
                   COALESCE(billed.amount, 0) - COALESCE(foreseen.amount, 0) AS difference,
                   CASE WHEN row_id IS NULL THEN 'missing' WHEN line_id IS NULL THEN 'extra'
                        WHEN billed.amount = foreseen.amount THEN 'same' ELSE 'other' END AS outcome
              FROM foreseen
              FULL JOIN billed USING (preview_id, contract_line_id, period_start, component)
              JOIN multiservice_contract_line contract_line ON contract_line.id = contract_line_id
              JOIN multiservice_contract contract ON contract.id = contract_line.contract_id
            """
        )
