from odoo import fields, models


class ProductTemplate(models.Model):
    _inherit = "product.template"

    housing_works = fields.Boolean(
        string="Works in a Dwelling",
        help="Maintenance or improvement of a dwelling: a reduced VAT rate needs the customer's statement "
        "(CGI art. 279-0 bis and 278-0 bis A).",
    )
