from datetime import date

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import ormcache


class LegalFigure(models.Model):
    """A figure of law with the day from which it holds. Code asks for a figure on a date, never for "the" figure."""

    _name = "multiservice.legal.figure"
    _description = "Legal Figure"
    _inherit = ["multiservice.cached.mixin"]
    _order = "code, date_from desc"

    _code_date_uniq = models.Constraint("UNIQUE(code, date_from)", "This figure has a value from that date already.")

    code = fields.Char(required=True, help="Technical name by which the module asks for the figure.")
    name = fields.Char(required=True, translate=True)
    value = fields.Float(required=True, digits=(16, 4), min_display_digits=0)
    date_from = fields.Date(string="From", required=True)
    source = fields.Char(required=True, help="The article of law, decree or notice that states the figure.")

    @api.constrains("value")
    def _check_value(self):
        if any(figure.value < 0 for figure in self):
            raise ValidationError(self.env._("A legal figure cannot be negative."))

    @api.model
    @ormcache("code", "on")
    def _value(self, code: str, on: date) -> float | None:
        """The value of `code` in force on that day, or None before its first date."""
        # sudo: figures of law are no secret, and what is kept in the cache is the same for everybody
        figures = self.sudo().search([("code", "=", code), ("date_from", "<=", on)], order="date_from desc", limit=1)
        return figures.value if figures else None
