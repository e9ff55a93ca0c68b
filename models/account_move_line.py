from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Command


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    service_start = fields.Date(string="Service From", copy=False)
    service_end = fields.Date(string="Service To", copy=False)
    service_site_id = fields.Many2one(
        "res.partner", string="Site", copy=False, index="btree_not_null", ondelete="restrict"
    )
    service_contract_id = fields.Many2one(
        "multiservice.contract", string="Contract", copy=False, index="btree_not_null", ondelete="restrict"
    )
    service_origin_line_id = fields.Many2one(
        "account.move.line",
        string="Credited Line",
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The invoice line that this line credits or replaces.",
    )
    billable_ids = fields.One2many("multiservice.billable", "invoice_line_id", string="Billing Ledger")

    def _copy_data_extend_business_fields(self, values):
        """A credit note keeps the service of the lines that it credits; a plain duplicate does not."""
        result = super()._copy_data_extend_business_fields(values)
        if self.service_contract_id:
            values |= {
                "service_start": self.service_start,
                "service_end": self.service_end,
                "service_site_id": self.service_site_id.id,
                "service_contract_id": self.service_contract_id.id,
                "service_origin_line_id": self.id,
            }
        return result

    def _prepare_correction_vals(self) -> dict:
        """What a line that corrects this one takes over from it, rather than from the contract of today."""
        self.ensure_one()
        return {
            "account_id": self.account_id.id,
            "tax_ids": [Command.set(self.tax_ids.ids)],
            "analytic_distribution": self.analytic_distribution,
        }

    def _service_amount(self) -> float:
        """Quantity × unit price less discount, in the basis (with or without tax) of the price; a credit counts
        negative.
        """
        self.ensure_one()
        amount = self.quantity * self.price_unit * (1 - self.discount / 100)
        return self.currency_id.round(-amount if self.move_id.move_type == "out_refund" else amount)

    def _mirror(self, rebill: bool) -> None:
        """Enter lines of credit notes in the ledger: less what they credit, and then either kept as billed or, with
        `rebill`, waiting to be billed again.
        """
        entries = []
        for line, origin in self._unmirrored():
            credit = line._prepare_credit_vals(whole=rebill)
            then = {"amount": -credit["amount"]}
            if not rebill:
                then |= {"kind": "kept", "invoice_line_id": line.id, "closed_reason": "credited"}
            entries += [(origin, credit), (origin, then)]
        self._service_ledger()._follow(entries)

    def _ledger_amount(self) -> float:
        """What the ledger holds on the line: the computed amount, even where the line was edited."""
        self.ensure_one()
        return sum(self.billable_ids.filtered(lambda row: row.held and row.kind != "kept").mapped("amount"))

    def _mirror_replaced(self) -> None:
        """Enter lines of credit notes whose periods another invoice takes over at once."""
        self._service_ledger()._follow(
            [(origin, line._prepare_credit_vals(whole=True)) for line, origin in self._unmirrored()]
        )

    def _replace_origin(self) -> None:
        """Enter lines of invoices made by "Reverse and create invoice" as billing the periods of their originals."""
        self._service_ledger()._follow(
            [
                (origin, {"amount": line.service_origin_line_id._ledger_amount(), "invoice_line_id": line.id})
                for line, origin in self._unmirrored()
            ]
        )

    def _prepare_credit_vals(self, whole: bool) -> dict:
        """`whole`: take back all that the ledger holds on the credited line, whatever was edited on it by hand."""
        amount = -self.service_origin_line_id._ledger_amount() if whole else self._service_amount()
        return {"kind": "credit", "amount": amount, "invoice_line_id": self.id}

    def _unmirrored(self):
        """Pairs (line, first ledger row of the line that it follows) for lines not in the ledger yet."""
        lines = self.sudo().filtered(lambda line: line.service_origin_line_id and not line.billable_ids)
        pairs = [(line, line.service_origin_line_id.billable_ids.sorted("revision")[:1]) for line in lines]
        return [(line, origin) for line, origin in pairs if origin]

    def _service_ledger(self):
        # sudo: the ledger is written by billing alone, never by hand; who may credit an invoice may be no billing user
        return self.sudo().env["multiservice.billable"]

    def _check_rebilled_whole(self) -> None:
        """Only a whole line can be billed again: the rest of a partly credited one has no amount of its own."""
        for line in self.sudo():  # sudo: see _service_ledger
            credit = line.billable_ids.filtered(lambda row: row.kind == "credit")
            kept = line.billable_ids.filtered(lambda row: row.kind == "kept")
            if not credit or kept:
                continue
            credited = -line.service_origin_line_id._service_amount()
            if line.currency_id.compare_amounts(line._service_amount(), credited):
                raise UserError(
                    self.env._(
                        "“%(line)s” was to be credited in full and billed again, but its amount was changed. "
                        "Restore it, or delete this credit note and make one that is not billed again.",
                        line=line.name,
                    )
                )

    def _settle_mirrors(self) -> None:
        """Follow what was edited on a draft credit note when it is posted."""
        for line in self.sudo():  # sudo: as above
            kept = line.billable_ids.filtered(lambda row: row.kind == "kept")
            if not kept:
                continue  # billed again, or replaced: the whole was credited
            amount = line._service_amount()
            for row in line.billable_ids.filtered(lambda row: row.kind in ("credit", "kept")):
                row.amount = amount if row.kind == "credit" else -amount

    def _billed_again_on(self):
        """The invoices that hold a later revision of the lines' ledger rows."""
        return self.sudo().billable_ids._later_held().move_id.with_env(self.env)  # sudo: as above
