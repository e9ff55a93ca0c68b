from decimal import Decimal

from odoo import api, fields, models

from ..engine.revenue import monthly


class ContractAsOf(models.TransientModel):
    """*As of…*: a contract as it was, or will be, on a day: the lines in force, with their prices of that day."""

    _name = "multiservice.contract.as.of"
    _description = "Contract as of a Day"

    contract_id = fields.Many2one("multiservice.contract", required=True, readonly=True)
    currency_id = fields.Many2one(related="contract_id.currency_id")
    date = fields.Date(string="On", required=True, default=fields.Date.context_today)
    line_ids = fields.Many2many(
        "multiservice.contract.line", string="Services in Force", compute="_compute_as_of", help="Suspended ones too."
    )
    amendment_ids = fields.Many2many(
        "multiservice.amendment",
        string="Amendments so Far",
        compute="_compute_as_of",
        help="Applied, and in force by then.",
    )
    is_suspended = fields.Boolean(string="Suspended", compute="_compute_as_of")
    monthly = fields.Monetary(
        string="Recurring per Month",
        compute="_compute_as_of",
        groups="multiservice.group_billing_user",
        help="What is suspended that day counts for nothing.",
    )

    @api.depends("contract_id", "date")
    def _compute_as_of(self):
        for wizard in self:
            contract, day = wizard.contract_id, wizard.date
            lines = contract._lines_on(day) if day else contract.line_ids.browse()
            wizard.line_ids = lines
            wizard.amendment_ids = contract.amendment_ids.filtered(
                lambda amendment, day=day: amendment.state == "applied" and day and amendment._day() <= day
            )
            wizard.is_suspended = bool(day) and any(
                not (pause.site_id or pause.line_id) and pause._period().includes(day)
                for pause in contract.suspension_ids
            )
            # sudo: computed for all; only who may see prices reads it
            worth = (monthly(line._to_terms(), day) for line in lines.sudo()) if day else ()
            wizard.monthly = float(sum(worth, Decimal(0)))


class ContractOnDay(models.Model):
    _inherit = "multiservice.contract"

    def action_as_of(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.contract_as_of_action")
        return action | {"context": {"default_contract_id": self.id}}

    def _lines_on(self, day):
        """The lines in force on that day; a one-off service on its own day."""
        self.ensure_one()

        def in_force(line) -> bool:
            end = line._service_end()
            if line.display_type or not line.date_start:
                return False
            if line.pricing == "one_off":
                return line.date_start == day
            return line.date_start <= day and (not end or end >= day)

        return self.line_ids.filtered(in_force)
