import re
from dataclasses import replace

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import ormcache

from ..einvoice.finding import Finding
from ..einvoice.rules import CHOSEN, RULES

SEVERITIES = [("fatal", "Blocking"), ("warning", "Warning only")]
PLACEHOLDER = re.compile(r"%\(\w+\)s")


class EinvoiceSeverity(models.Model):
    """How strictly a company holds itself to a rule on its e-invoices, where that is another way than as delivered.

    Only rules of our own: what the standard or the authority refuses stays refused, since a platform would refuse it.
    """

    _name = "multiservice.einvoice.severity"
    _description = "Severity of an E-Invoice Rule"
    _inherit = ["multiservice.cached.mixin"]
    _order = "company_id, rule"

    _rule_uniq = models.Constraint("UNIQUE(company_id, rule)", "The severity of this rule is chosen already.")

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, ondelete="cascade", index=True
    )
    rule = fields.Selection(
        "_selection_rule",
        required=True,
        help="The rules of the authority and of the standard are not here: platforms refuse what breaks them.",
    )
    default_severity = fields.Selection(SEVERITIES, string="As Delivered", compute="_compute_default_severity")
    severity = fields.Selection(
        SEVERITIES,
        string="For Us",
        required=True,
        help="Blocking: the invoice is not posted, or not sent, as the settings say.\n"
        "Warning only: it is pointed out on the draft.",
    )

    @api.model
    def _selection_rule(self):
        return [
            (rule.code, f"{rule.code}: {PLACEHOLDER.sub('…', self.env._(rule.message))}")
            for rule in RULES
            if rule.code in CHOSEN
        ]

    @api.depends("rule")
    def _compute_default_severity(self):
        delivered = {rule.code: rule.severity for rule in RULES}
        for chosen in self:
            chosen.default_severity = delivered.get(chosen.rule, False)

    @api.constrains("rule")
    def _check_rule(self):
        for chosen in self:
            if chosen.rule not in CHOSEN:
                raise ValidationError(
                    self.env._(
                        "%s is no rule of ours: platforms refuse what breaks it, however it is taken here.", chosen.rule
                    )
                )

    @api.depends("rule")
    def _compute_display_name(self):
        for chosen in self:
            chosen.display_name = chosen.rule

    @api.model
    def _apply(self, company, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """The findings with the severities that the company chose."""
        chosen = dict(self._chosen(company.id))
        return tuple(replace(one, severity=chosen.get(one.code, one.severity)) for one in findings)

    @api.model
    @ormcache("company_id")
    def _chosen(self, company_id: int) -> tuple[tuple[str, str], ...]:
        # sudo: whoever posts an invoice is held to the company's choice, without being allowed to make it
        chosen = self.sudo().search([("company_id", "=", company_id)])
        return tuple((one.rule, one.severity) for one in chosen)
