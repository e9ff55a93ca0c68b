from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date


class RenewalRefusal(models.TransientModel):
    """*Refuse renewal…*: one of the parties does not want another term."""

    _name = "multiservice.renewal.refusal"
    _description = "Refuse the Renewal of a Contract"

    contract_id = fields.Many2one("multiservice.contract", required=True)
    refused_on = fields.Date(
        string="Received or Sent On",
        required=True,
        default=fields.Date.context_today,
        help="The day that counts for the notice.",
    )
    refused_by = fields.Selection([("customer", "The customer"), ("company", "Us")], required=True, default="customer")
    reason = fields.Char(required=True)
    consequence = fields.Text(compute="_compute_consequence")

    @api.depends("contract_id", "refused_on", "refused_by")
    def _compute_consequence(self):
        for wizard in self:
            contract = wizard.contract_id._filtered_access("read")
            wizard.consequence = contract and wizard.refused_on and wizard._consequence(contract)

    def _consequence(self, contract) -> str:
        if not contract._renews() or not contract.term_end:
            return self.env._("The contract has no renewal that could be refused: use “End on…”.")
        end = contract._end_by_refusal(self.refused_on, self.refused_by)
        if end > contract.term_end:
            return self.env._(
                "Too late for this term: the last day was %(deadline)s. The contract is renewed once more and ends on "
                "%(end)s, unless the parties agree otherwise (“End on…”).",
                deadline=format_date(self.env, contract.refusal_deadline),
                end=format_date(self.env, end),
            )
        return self.env._("The contract ends on %s.", format_date(self.env, end))

    def action_confirm(self):
        self.ensure_one()
        contract = self.contract_id
        contract.check_access("write")
        if contract.state != "active" or not contract.term_end or not contract._renews():
            raise UserError(
                self.env._("%s has no renewal that could be refused: use “End on…”.", contract.display_name)
            )
        contract._refuse(self.refused_on, self.refused_by, self.reason)
        return {"type": "ir.actions.act_window_close"}
