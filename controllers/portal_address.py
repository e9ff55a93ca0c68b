from odoo.addons.portal.controllers.portal import CustomerPortal


class SiteAddressPortal(CustomerPortal):
    def _prepare_address_data(self, partner_sudo, **kwargs):
        """Keep sites out of the customer's address book: core takes every address of type *Other* in it."""
        data = super()._prepare_address_data(partner_sudo, **kwargs)
        for key in ("billing_addresses", "delivery_addresses"):
            data[key] = data[key].filtered(lambda partner: not partner.is_service_site)
        return data
