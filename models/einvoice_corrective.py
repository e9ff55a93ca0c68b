from odoo import fields, models
from odoo.tools import format_date

from ..einvoice import codes
from ..einvoice.model import PrecedingInvoice

CANCELLED = "220"


class EinvoiceCorrective(models.Model):
    """A corrective invoice (type 384) takes the place of one that it names: the buyer is sent no credit note.

    In the accounts the replaced invoice is reversed as always; that credit note stays in the house.
    """

    _inherit = "account.move"

    einvoice_replaced_id = fields.Many2one(
        "account.move",
        string="Replaces Invoice",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
        help="This is a corrective invoice (type 384): it cancels and replaces that one.",
    )
    einvoice_corrective_ids = fields.One2many("account.move", "einvoice_replaced_id", string="Replaced By")

    def _can_be_replaced(self) -> bool:
        """A deposit and its deductions name other invoices already, and a corrective one may name a single one."""
        self.ensure_one()
        plain = self.move_type == "out_invoice" and not self._is_deposit() and not self.service_deducts
        replaced = self.einvoice_corrective_ids.filtered(lambda move: move.state != "cancel")
        return plain and self.state == "posted" and self._is_french_einvoice() and not replaced

    def _einvoice_type(self) -> str:
        return codes.CORRECTIVE if self.einvoice_replaced_id else super()._einvoice_type()

    def _einvoice_preceding(self) -> tuple[PrecedingInvoice, ...]:
        replaced = self.einvoice_replaced_id
        if replaced:
            return (PrecedingInvoice(replaced.name, replaced.invoice_date),)
        return super()._einvoice_preceding()

    def _einvoice_subject(self) -> str:
        if self.einvoice_replaced_id:
            return self.env._("Corrective invoice %s", self.name)
        return super()._einvoice_subject()

    def _replaced_label(self) -> str:
        """What the printed invoice says of the one that it replaces, in the customer's language; "" without."""
        self.ensure_one()
        replaced = self.einvoice_replaced_id
        if not replaced:
            return ""
        move = self._in_customer_lang()
        return move.env._(
            "Corrective invoice: cancels and replaces invoice %(number)s of %(date)s.",
            number=replaced.name,
            date=format_date(move.env, replaced.invoice_date),
        )

    def _post(self, soft=True):
        posted = super()._post(soft)
        for move in posted.filtered("einvoice_replaced_id"):
            # sudo: an accountant who posts the invoice need not be allowed to enter statuses
            move.einvoice_replaced_id.sudo()._add_einvoice_status(
                CANCELLED, f"corrective-{move.id}", direction="sent", reason=move.name
            )
        return posted
