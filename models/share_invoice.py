from decimal import Decimal

from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import format_amount, formatLang

from ..einvoice import codes
from ..einvoice.model import Note
from ..engine.plan import Charge


class SplitInWords(models.Model):
    """What the ledger and the invoices say of the payers."""

    _inherit = "multiservice.contract.line"

    def _share_of(self, charge: Charge):
        # sudo: a charge says whose it is to those who plan and bill it
        return self.env["multiservice.share"].sudo().browse(charge.share)

    def _debtor(self, charge: Charge):
        """Who is invoiced for `charge`."""
        return self._share_of(charge).partner_id or self.contract_id.partner_id

    def _charged_site(self, charge: Charge):
        """The site whose cost `charge` is."""
        return self._share_of(charge).site_id.with_env(self.env) or self.site_id

    def _explain_split(self, charge: Charge) -> list[str]:
        share = self._share_of(charge)
        if share:
            who = share.partner_id.name or share.site_id.name
            text = self.env._(
                "Part of %(who)s: %(terms)s", who=who, terms=share.with_env(self.env).sudo().terms_in_words
            )
            if charge.units is not None and charge.kind != "correction" and share._counts_units():
                units = self._format_number(round(Decimal(charge.units.numerator) / charge.units.denominator, 4))
                text = self.env._("%(text)s (%(units)s units)", text=text, units=units)
            return [text]
        if charge.whole is None or charge.kind == "correction":
            return []
        others = formatLang(self.env, float(charge.whole - charge.amount), currency_obj=self.currency_id)
        return [self.env._("less %s paid by others", others)]

    def _payer_remarks(self, charge: Charge) -> list[str]:
        """What an invoice line says beside its price: for whom a payer pays, or what others pay of it."""
        share = self._share_of(charge)
        if share.partner_id and share.billing == "own":
            beneficiary = self.contract_id.partner_id.display_name
            if share.file_number:
                return [self.env._("Beneficiary: %(name)s, file %(file)s", name=beneficiary, file=share.file_number)]
            return [self.env._("Beneficiary: %s", beneficiary)]
        return [self._shown_in_words(*part) for part in charge.shown]

    def _shown_in_words(self, share_id: int, amount: Decimal) -> str:
        share = self.env["multiservice.share"].sudo().browse(share_id)  # sudo: as in _share_of
        part = formatLang(self.env, float(amount), currency_obj=self.currency_id)
        if share.billing == "informed":
            return self.env._("For information, aid of %(payer)s: %(amount)s", payer=share.partner_id.name, amount=part)
        return self.env._("Of which paid by %(payer)s: %(amount)s", payer=share.partner_id.name, amount=part)


class PayerInvoice(models.Model):
    _inherit = "account.move"

    service_beneficiary_ids = fields.Many2many(
        "res.partner",
        string="Beneficiaries",
        compute="_compute_service_beneficiary_ids",
        compute_sudo=True,  # who sees a payer's invoice sees for whom it is
        help="The customers whose services another debtor pays with this invoice.",
    )

    @api.depends("invoice_line_ids.service_contract_id.partner_id", "commercial_partner_id")
    def _compute_service_beneficiary_ids(self):
        for move in self:
            customers = move.invoice_line_ids.service_contract_id.partner_id
            move.service_beneficiary_ids = [Command.set((customers - move.commercial_partner_id).ids)]

    def _service_shown(self) -> list[dict]:
        """What others pay of the invoice, taxes included: payer, whether it pays the customer, amount."""
        self.ensure_one()
        shares = self.env["multiservice.share"].sudo()  # sudo: who sees the invoice sees what it says
        totals = {}
        for line in self.invoice_line_ids.filtered("service_shown"):
            whole = line._service_amount()
            for share_id, amount in line.service_shown:
                share = shares.browse(share_id).exists()
                key = (share.partner_id, share.billing == "informed")
                totals[key] = totals.get(key, 0.0) + (line.price_total * amount / whole if whole else 0.0)
        return [
            {"payer": payer, "informed": informed, "amount": self.currency_id.round(total)}
            for (payer, informed), total in totals.items()
            if payer
        ]

    def _shown_remarks(self) -> list[str]:
        """What the document says under its total of those who pay a part of it, in the customer's language."""
        shown = self._service_shown()
        if not shown:
            return []
        move = self.with_context(lang=self.partner_id.lang or self.company_id._service_lang())
        remarks, left = [], self.amount_total
        for part in shown:
            values = {"payer": part["payer"].name, "amount": format_amount(move.env, part["amount"], self.currency_id)}
            if part["informed"]:
                remarks.append(move.env._("For information, aid of %(payer)s paid to you: %(amount)s", **values))
            else:
                left -= part["amount"]
                remarks.append(move.env._("Paid by %(payer)s: %(amount)s", **values))
        if left != self.amount_total:
            remarks.append(move.env._("Left to you: %s", format_amount(move.env, left, self.currency_id)))
        return remarks

    def _service_remarks(self) -> list[str]:
        """What the document says under its total."""
        return self._shown_remarks()

    def _einvoice_notes(self) -> tuple[Note, ...]:
        """For whom a payer pays, and what others pay of the invoice: in words, which the format has no place for."""
        words = self._service_remarks()
        if self.service_beneficiary_ids:
            names = ", ".join(self.service_beneficiary_ids.mapped("name"))
            words.append(self.env._("Beneficiaries of the services: %s", names))
        return super()._einvoice_notes() + ((Note(codes.GENERAL, "\n".join(words)),) if words else ())


class PayerInvoiceLine(models.Model):
    _inherit = "account.move.line"

    service_shown = fields.Json(
        string="Parts of Others",
        copy=False,
        readonly=True,
        help="What others pay of the line without an invoice of ours: share and amount, in the basis of the price.",
    )
