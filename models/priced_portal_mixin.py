from odoo import models
from odoo.exceptions import AccessError


class PricedPortalMixin(models.AbstractModel):
    """A document that customers read on the portal, and whose page shows prices that not all users of ours may see."""

    _name = "multiservice.priced.portal.mixin"
    _inherit = "portal.mixin"
    _description = "Portal Document with Prices"

    def _portal_ensure_token(self):
        """The link shows prices: it is for customers and for users who may see them."""
        user = self.env.user
        if not (self.env.su or user.share or user.has_group("multiservice.group_billing_user")):
            raise AccessError(self.env._("Only billing users share this link: the page that it opens shows prices."))
        # sudo: a customer who may read the document may have its link, though not read the token field
        return super(PricedPortalMixin, self.sudo())._portal_ensure_token()

    def _sign_token(self, pid):
        # sudo: whoever may post a message makes the signature in its e-mail; the token itself is not shown
        return super(PricedPortalMixin, self.sudo())._sign_token(pid)
