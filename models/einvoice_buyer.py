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

    def _freeze_buyer(self) -> None:
        """Keep the buyer of posted invoices as it is now; a credit note has the buyer of the invoice it credits."""
        for move in self.filtered(lambda move: move._is_french_einvoice()):
            origin = move.reversed_entry_id.einvoice_buyer if move.move_type == "out_refund" else None
            move.einvoice_buyer = origin or asdict(move.partner_id._to_buyer())

    def _einvoice_buyer(self) -> Party:
        self.ensure_one()
        if self.state != "draft" and self.einvoice_buyer:
            return self._thaw(self.einvoice_buyer)
        return self.partner_id._to_buyer()

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
        """Take the customer's present data, for an invoice that was posted with wrong ones and has not left yet."""
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
