from odoo import fields, models
from odoo.exceptions import UserError


class TaxCertificateBatch(models.TransientModel):
    _name = "multiservice.tax.certificate.batch"
    _description = "Tax Certificates of a Year"

    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    year = fields.Integer(
        required=True,
        default=lambda self: self.env.company._service_today().year - 1,
        help="The year in which the services were paid. The certificates are due by 31 March after it.",
    )

    def action_make(self):
        """Make the certificates of all customers who paid home services in the year; those not sent are updated."""
        self.ensure_one()
        certificates = self.env["multiservice.tax.certificate"]._make(self.company_id, self.year)
        if not certificates:
            raise UserError(self.env._("No private person paid home services in %s.", self.year))
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.tax_certificate_action")
        return action | {"domain": [("id", "in", certificates.ids)], "context": {}}
