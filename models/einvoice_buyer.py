from dataclasses import asdict

from odoo import fields, models
from odoo.exceptions import UserError

from ..einvoice.model import Address, Contact, Identifier, Party


class EinvoiceBuyer(models.Model):
    """The buyer as it was when the invoice was issued: later changes of the customer do not rewrite documents."""

    _inherit = "account.move"

    einvoice_buyer = fields.Json(
        string="Buyer as Issued",
        readonly=True,
        copy=False,
        help="Name, address and identifiers of the buyer on the day of posting.",
    )
    einvoice_payer = fields.Json(
        string="Payer as Issued",
        readonly=True,
        copy=False,
        help="The same of who pays in the buyer's place; empty where nobody does.",
    )

    def _freeze_buyer(self) -> None:
        """Keep the buyer of posted invoices as it is now, and who pays in its place; a credit note has the buyer of the
        invoices that it credits, where that is one.
        """
        for move in self.filtered(lambda move: move._is_french_einvoice()):
            issued = [invoice.einvoice_buyer for invoice in move._service_credited()]
            same = issued and all(buyer == issued[0] for buyer in issued)
            move.einvoice_buyer = (same and issued[0]) or asdict(move.partner_id._to_buyer())
            payer = move._payer_today()
            move.einvoice_payer = payer and asdict(payer)

    def _einvoice_buyer(self) -> Party:
        self.ensure_one()
        if self.state != "draft" and self.einvoice_buyer:
            return self._thaw(self.einvoice_buyer)
        return self.partner_id._to_buyer()

    def _einvoice_payer(self) -> Party | None:
        self.ensure_one()
        if self.state != "draft" and self.einvoice_buyer:
            return self._thaw(self.einvoice_payer) if self.einvoice_payer else None
        return self._payer_today()

    def _payer_today(self) -> Party | None:
        """Who pays in the buyer's place, an invoice and not a credit note."""
        payer = self.commercial_partner_id.einvoice_payer_id
        return payer._to_buyer() if payer and self.move_type == "out_invoice" else None

    def _thaw(self, kept: dict) -> Party:
        address, contact = kept["address"], kept["contact"]
        return Party(
            **kept
            | {
                "address": address and Address(**address),
                "contact": contact and Contact(**contact),
                "identifiers": tuple(Identifier(**one) for one in kept["identifiers"]),
            }
        )

    def action_update_buyer(self):
        """Take the customer's and payer's present data, for an invoice posted with wrong ones that has not left yet."""
        self.check_access("write")
        issued = self.filtered(lambda move: move.state != "posted" or move.invoice_pdf_report_id)
        if issued:
            raise UserError(
                self.env._(
                    "%s has its document already: the buyer's data can only be corrected by a credit note.",
                    ", ".join(issued.mapped("display_name")),
                )
            )
        self._freeze_buyer()

    def _is_duplicate(self) -> bool:
        """Whether a print made now comes after the document that was issued."""
        self.ensure_one()
        return bool(self._is_french_einvoice() and self.invoice_pdf_report_id)

    def _buyer_to_print(self) -> Party | None:
        """The buyer as issued, where the customer has changed since."""
        self.ensure_one()
        if not self.einvoice_buyer or self.state == "draft":
            return None
        issued = self._einvoice_buyer()
        return issued if issued != self.partner_id._to_buyer() else None
