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
        """A run follows the last dry run kept for the same day, whoever starts it."""
        runs = super().create(vals_list)
        Preview = self.env["multiservice.billing.preview"]
        for run in runs:
            run.preview_id = Preview.search(
                [("company_id", "=", run.company_id.id), ("kept", "=", True), ("through_date", "=", run.through_date)],
                limit=1,
            )
        return runs

    def action_compare(self):
        """What the run billed beside what its dry run had foreseen."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.billing_comparison_action")
        return action | {"domain": [("run_id", "=", self.id)]}


class BillingComparison(models.Model):
    """What a run billed for each period beside what its dry run had foreseen."""

    _name = "multiservice.billing.comparison"
    _description = "Run Compared With Its Dry Run"
    _auto = False
    _order = "partner_id, contract_id, period_start, id"

    run_id = fields.Many2one("multiservice.billing.run", readonly=True)
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
                SELECT run.id AS run_id, line.contract_line_id, line.period_start, line.component,
                       MIN(line.id) AS line_id, SUM(line.amount) AS amount
                  FROM multiservice_billing_run run
                  JOIN multiservice_billing_preview_line line ON line.preview_id = run.preview_id
                 GROUP BY run.id, line.contract_line_id, line.period_start, line.component
            ), billed AS (
                SELECT run.id AS run_id, row.contract_line_id, row.period_start, row.component,
                       MIN(row.id) AS row_id, SUM(row.amount) AS amount
                  FROM multiservice_billing_run run
                  JOIN multiservice_billable row ON row.billing_run_id = run.id AND row.held
                 WHERE run.preview_id IS NOT NULL
                 GROUP BY run.id, row.contract_line_id, row.period_start, row.component
            )
            SELECT COALESCE(2 * line_id, 2 * row_id + 1) AS id,
                   run_id, contract_line_id, period_start,
                   contract.id AS contract_id, contract.partner_id, contract.company_id,
                   COALESCE(foreseen.amount, 0) AS foreseen, COALESCE(billed.amount, 0) AS billed,
                   COALESCE(billed.amount, 0) - COALESCE(foreseen.amount, 0) AS difference,
                   CASE WHEN billed.run_id IS NULL THEN 'missing' WHEN foreseen.run_id IS NULL THEN 'extra'
                        WHEN billed.amount = foreseen.amount THEN 'same' ELSE 'other' END AS outcome
              FROM foreseen
              FULL JOIN billed USING (run_id, contract_line_id, period_start, component)
              JOIN multiservice_contract_line contract_line ON contract_line.id = contract_line_id
              JOIN multiservice_contract contract ON contract.id = contract_line.contract_id
            """
        )
