from odoo import fields, models


class ContractActivation(models.TransientModel):
    _name = "multiservice.contract.activation"
    _description = "Confirm the Activation of Contracts"

    contract_ids = fields.Many2many("multiservice.contract", required=True)
    warnings = fields.Text(readonly=True)

    def action_confirm(self):
        self.contract_ids._activate()
        return {"type": "ir.actions.act_window_close"}
