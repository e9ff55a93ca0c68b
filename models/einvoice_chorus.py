from odoo import models

# Fields of core's module for Chorus Pro (l10n_fr_facturx_chorus_pro), and ours for the same.
CHORUS_FIELDS = {
    "buyer_reference": "service_buyer_reference",
    "contract_reference": "service_market_reference",
    "purchase_order_reference": "service_order_reference",
}


class EinvoiceChorus(models.Model):
    """Where core's module for Chorus Pro is installed too: each reference is typed once, in its fields or in ours, and
    goes into the Factur-X as well as into core's UBL; the paper says it once.
    """

    _inherit = "account.move"

    def _reference_of_chorus(self, name: str) -> str:
        """A reference in the fields of core's Chorus Pro module, where that is installed."""
        self.ensure_one()
        return (name in self._fields and self[name]) or ""

    def _tell_chorus(self) -> None:
        """Fill in its fields from ours on posting, which its UBL is made from; what was typed there is kept."""
        for theirs, ours in CHORUS_FIELDS.items():
            if theirs in self._fields:
                for move in self.filtered(lambda move, theirs=theirs, ours=ours: move[ours] and not move[theirs]):
                    move[theirs] = move[ours]
