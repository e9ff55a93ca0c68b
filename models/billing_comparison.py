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
        """A run follows the dry run of all contracts that was kept for its day or the next one after, whoever starts
        it.
        """
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
        """The dry run of all contracts that the run bills a part of: of those kept for the run's day or a later one,
        the one for the earliest day, and the last one for that day.
        """
        return self.search(
            [
                ("company_id", "=", run.company_id.id),
                ("kept", "=", True),
                ("through_date", ">=", run.through_date),
                ("contract_ids", "=", False),
                ("partner_ids", "=", False),
                ("template_ids", "=", False),
                ("posting_mode", "=", False),
            ],
            order="through_date, id desc",
            limit=1,
        )

    def action_compare(self):
        """What was billed since beside what the dry run had foreseen."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.billing_comparison_action")
        return action | {"domain": [("preview_id", "=", self.id)]}


class BillingComparison(models.Model):
    """What a dry run had foreseen for each period beside what the ledger holds for it since then, whichever run billed
    it, and what the runs that follow the dry run billed beyond it.
    """

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
        [
            ("same", "As foreseen"),
            ("coming", "Still to come"),
            ("other", "Another amount"),
            ("missing", "Not billed"),
            ("extra", "Not foreseen"),
        ],
        readonly=True,
    )

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT compared.id, compared.preview_id, compared.contract_line_id, compared.period_start,
                   contract.id AS contract_id, contract.partner_id, contract.company_id,
                   foreseen, COALESCE(billed, 0) AS billed, COALESCE(billed, 0) - foreseen AS difference,
                   CASE WHEN extra THEN 'extra' WHEN billed = foreseen THEN 'same'
                        WHEN billed != 0 THEN 'other' WHEN issue_date > %s THEN 'coming' ELSE 'missing' END AS outcome
              FROM (SELECT 2 * line.id AS id, line.preview_id, line.contract_line_id, line.period_start,
                           line.issue_date, line.amount AS foreseen, FALSE AS extra,
                           (SELECT SUM(row.amount)
                              FROM multiservice_billable row
                             WHERE row.contract_line_id = line.contract_line_id
                               AND row.period_start = line.period_start AND row.component = line.component
                               AND row.share_id IS NOT DISTINCT FROM line.share_id
                               AND row.held) - line.held_amount AS billed
                      FROM multiservice_billing_preview_line line
                     WHERE line.ended IS NOT TRUE
                     UNION ALL
                    SELECT 2 * MIN(row.id) + 1, run.preview_id, row.contract_line_id, row.period_start,
                           MIN(row.issue_date), 0, TRUE, SUM(row.amount)
                      FROM multiservice_billing_run run
                      JOIN multiservice_billable row ON row.billing_run_id = run.id AND row.held
                     WHERE run.preview_id IS NOT NULL
                       AND NOT EXISTS (SELECT FROM multiservice_billing_preview_line line
                                        WHERE line.preview_id = run.preview_id
                                          AND line.contract_line_id = row.contract_line_id
                                          AND line.period_start = row.period_start
                                          AND line.component = row.component
                                          AND line.share_id IS NOT DISTINCT FROM row.share_id)
                     GROUP BY run.preview_id, row.contract_line_id, row.period_start, row.component,
                              row.share_id) AS compared
              JOIN multiservice_contract_line contract_line ON contract_line.id = compared.contract_line_id
              JOIN multiservice_contract contract ON contract.id = contract_line.contract_id
            """,
            fields.Date.context_today(self),
        )
