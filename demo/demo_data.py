from odoo import api, models

from ._make_company import NAME
from .loader import load


class DemoData(models.AbstractModel):
    """What the manifest's demonstration data call: a company of its own beside those that are there."""

    _name = "multiservice.demo.data"
    _description = "Demonstration Data"

    @api.model
    def _load(self):
        company = self.env.ref("multiservice_demo.company", raise_if_not_found=False)
        if company:
            return
        # Without a country at first: core installs and commits modules when a company gets one.
        company = self.env["res.company"].create({"name": NAME})
        load(self.env, company._service_today(), company)
        self.env.ref("base.user_admin").company_ids += company
