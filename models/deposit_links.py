from odoo import fields, models


class Contract(models.Model):
    _inherit = "multiservice.contract"

    deposit_ids = fields.One2many(
        "multiservice.deposit", "contract_id", string="Deposits", groups="multiservice.group_billing_user"
    )
    deposit_count = fields.Integer(compute="_compute_deposit_count", groups="multiservice.group_billing_user")

    def _compute_deposit_count(self):
        counts = self.env["multiservice.deposit"]._read_group(
            [("contract_id", "in", self.ids)], ["contract_id"], ["__count"]
        )
        by_contract = {contract.id: count for contract, count in counts}
        for contract in self:
            contract.deposit_count = by_contract.get(contract.id, 0)

    def action_view_deposits(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.deposit_action")
        return action | {
            "domain": [("contract_id", "=", self.id)],
            "context": {"default_contract_id": self.id, "default_partner_id": self.partner_id.id},
        }


class Partner(models.Model):
    _inherit = "res.partner"

    deposit_count = fields.Integer(compute="_compute_deposit_count", groups="multiservice.group_billing_user")
    mandate_count = fields.Integer(compute="_compute_mandate_count", groups="multiservice.group_billing_user")

    def _compute_deposit_count(self):
        counts = self._count_own("multiservice.deposit")
        for partner in self:
            partner.deposit_count = counts.get(partner.id, 0)

    def _compute_mandate_count(self):
        counts = self._count_own("multiservice.mandate")
        for partner in self:
            partner.mandate_count = counts.get(partner.id, 0)

    def _count_own(self, model: str) -> dict[int, int]:
        groups = self.env[model]._read_group([("partner_id", "in", self.ids)], ["partner_id"], ["__count"])
        return {partner.id: count for partner, count in groups}

    def action_view_deposits(self):
        return self._view_own("multiservice.deposit_action")

    def action_view_mandates(self):
        return self._view_own("multiservice.mandate_action")

    def _view_own(self, action: str):
        self.ensure_one()
        return self.env["ir.actions.act_window"]._for_xml_id(action) | {
            "domain": [("partner_id", "=", self.id)],
            "context": {"default_partner_id": self.id},
        }


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    service_deposit_account_id = fields.Many2one(related="company_id.service_deposit_account_id", readonly=False)
    service_guarantee_account_id = fields.Many2one(related="company_id.service_guarantee_account_id", readonly=False)
    service_guarantee_journal_id = fields.Many2one(related="company_id.service_guarantee_journal_id", readonly=False)
    service_creditor_identifier = fields.Char(related="company_id.service_creditor_identifier", readonly=False)
