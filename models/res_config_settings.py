from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    service_posting_mode = fields.Selection(related="company_id.service_posting_mode", readonly=False)
    service_grouping = fields.Selection(related="company_id.service_grouping", readonly=False)
    service_analytic_plan_id = fields.Many2one(related="company_id.service_analytic_plan_id", readonly=False)
    service_tz = fields.Selection(related="company_id.service_tz", readonly=False)
