from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..engine.penalty import Policy
from .res_company_legal import LATE_PENALTIES

REGULATED_ACTIVITIES = [
    ("cleaning", "Cleaning"),
    ("guarding", "Guarding"),
    ("home_services", "Home services"),
]


class ContractLatePenalty(models.Model):
    _inherit = "multiservice.contract"

    late_penalty = fields.Selection(
        LATE_PENALTIES,
        string="Late Penalties",
        tracking=True,
        help="What the contract agreed on for late payment, as its invoices say. Empty: as set for the company.",
    )
    late_penalty_rate = fields.Float(
        string="Own Penalty Rate (%)",
        digits=(16, 2),
        tracking=True,
        help="Per cent a year. Raised to three times the rate of legal interest where that is more.",
    )

    @api.constrains("late_penalty", "late_penalty_rate")
    def _check_late_penalty(self):
        if any(contract.late_penalty == "own" and contract.late_penalty_rate <= 0 for contract in self):
            raise ValidationError(self.env._("Late penalties at an own rate: enter the rate, above zero."))

    def _late_penalty(self) -> tuple[Policy, Decimal]:
        """The contract's policy, the company's where it has none, and the own rate in per cent a year."""
        self.ensure_one()
        if not self.late_penalty:
            return self.company_id._late_penalty()
        return self.late_penalty, Decimal(str(self.late_penalty_rate))


class ProductActivity(models.Model):
    _inherit = "product.template"

    regulated_activity = fields.Selection(
        REGULATED_ACTIVITIES,
        help="What the law has something special to say about on invoices.\n"
        "Cleaning: no reverse charge of VAT under a subcontract of its own.\n"
        "Guarding: the company's authorisation is needed.\n"
        "Home services: the company's declaration is printed for consumers.",
    )
