from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError


class PriceChange(models.TransientModel):
    """*Change prices…*: new prices for many contracts at once, proposed, not applied yet."""

    _name = "multiservice.price.change"
    _description = "Change Prices of Contracts"

    contract_ids = fields.Many2many("multiservice.contract", string="Contracts", required=True)
    contract_count = fields.Integer(compute="_compute_contract_count")
    date = fields.Date(string="From", required=True, help="First day at the new prices.")
    method = fields.Selection(
        [("percent", "By a percentage"), ("pricelist", "As the price list of the contract says on that day")],
        default="percent",
        required=True,
    )
    percent = fields.Float(string="Change (%)", help="3 raises prices by 3 %, -2 lowers them by 2 %.")
    ground = fields.Selection(
        [("clause", "A clause of the contract"), ("agreement", "An agreement with the customer")],
        default="clause",
        required=True,
    )
    reason = fields.Char(required=True, help="Said in the letter and on the invoices, in words of yours.")

    @api.depends("contract_ids")
    def _compute_contract_count(self):
        for wizard in self:
            wizard.contract_count = len(wizard.contract_ids)

    def action_propose(self):
        """Propose the new prices: a revision for each contract, to look at and to apply."""
        self.ensure_one()
        if self.method == "percent" and not -100 < self.percent != 0:
            raise UserError(self.env._("Enter by how many per cent prices change: 3, or -2."))
        contracts = self.contract_ids.filtered(lambda contract: contract.state == "active")
        factor = 1 + self.percent / 100 if self.method == "percent" else 1.0
        revisions = contracts._propose_prices(self.date, self.ground, self.reason, self._price_of, factor)
        if not revisions:
            raise UserError(
                self.env._("No price of these contracts changes: only active contracts and recurring services count.")
            )
        return revisions._get_records_action(name=self.env._("Price revisions"), context={})

    def _price_of(self, line) -> Decimal:
        if self.method == "pricelist":
            return Decimal(str(line._list_price(self.date)))
        return Decimal(str(line.price_unit)) * (1 + Decimal(str(self.percent)) / 100)
