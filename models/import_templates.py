from odoo import api, models

# Sites have theirs in res_partner_site.py.


class ResPartner(models.Model):
    _inherit = "res.partner"  # pylint: disable=consider-merging-classes-inherited  # one concern per file

    @api.model
    def get_import_templates(self):
        """Beside core's, customers with what invoices need: legal category, VAT liability, registry number."""
        templates = super().get_import_templates()
        if self.env.context.get("default_customer_rank") and not self.env.context.get("default_is_service_site"):
            templates.append(
                {
                    "label": self.env._("Import Template for Customers"),
                    "template": "/multiservice/static/import/customers.csv",
                }
            )
        return templates


class Contract(models.Model):
    _inherit = "multiservice.contract"

    @api.model
    def get_import_templates(self):
        """One file for contracts and their lines. Its identifiers (`id`, `line_ids/id`) tell a second import of the
        file from new contracts: nothing doubles.
        """
        return [
            {
                "label": self.env._("Import Template for Contracts and Their Lines"),
                "template": "/multiservice/static/import/contracts.csv",
            }
        ]


class Usage(models.Model):
    _inherit = "multiservice.usage"  # pylint: disable=consider-merging-classes-inherited  # one concern per file

    @api.model
    def get_import_templates(self):
        """Measured quantities by meter. The identifier of each row tells a second import of the file."""
        return [
            {
                "label": self.env._("Import Template for Measured Quantities"),
                "template": "/multiservice/static/import/usage.csv",
            }
        ]
