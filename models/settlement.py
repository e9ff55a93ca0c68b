from odoo import api, fields, models

SETTLEMENTS = [
    ("deduct", "Deducted from the next invoice"),
    ("credit", "Credit note"),
]


class SettlementCompany(models.Model):
    _inherit = "res.company"

    service_settlement = fields.Selection(
        SETTLEMENTS,
        string="Corrections of Paid Invoices",
        default="deduct",
        required=True,
        help="How what a paid invoice said too much is given back: on the next invoice of the same customer and order "
        "as long as that is not below zero, or always by a credit note. An invoice that is still open is credited, and "
        "so is that of a public body.",
    )


class SettlementSettings(models.TransientModel):
    _inherit = "res.config.settings"

    service_settlement = fields.Selection(related="company_id.service_settlement", readonly=False)


class SettledContract(models.Model):
    """How a correction reaches the customer: on the next invoice, or as a credit note of the invoice it corrects."""

    _inherit = "multiservice.contract"

    settlement = fields.Selection(
        SETTLEMENTS, string="Corrections of Paid Invoices", tracking=True, help="Empty: as set for the company."
    )

    @api.model
    def _credited(self, plan, origins) -> dict:
        """By number in `plan`, pairs (line, charge), the invoice of which it is credited on a credit note of its own,
        to be reconciled with it. All others share what is invoiced next. `origins`: by charge, the line it corrects.

        What takes the place of a corrected service in the same period is set off: on the credit note, where less is
        owed than before, else on the next invoice; never on the credit note of a public body.
        """
        apart = {}
        for number, (line, charge) in enumerate(plan):
            if invoice := line.contract_id._credited_apart(charge, origins.get(charge)):
                apart[number] = invoice
        credited = {number: move for number, move in apart.items() if not self._may_be_set_off(*plan[number], move)}
        for numbers in self._set_off(plan, apart.keys() - credited.keys()):
            if sum(plan[number][1].amount for number in numbers) < 0:
                move = next(apart[number] for number in numbers if number in apart)
                credited |= dict.fromkeys(numbers, move)
        return credited

    @api.model
    def _set_off(self, plan, corrections) -> list[list[int]]:
        """The numbers of `corrections` with what follows for the same periods of the lines that replaced each other."""
        keys = {number: plan[number][0]._period_key(plan[number][1]) for number in corrections}
        roots = {root for root, _share, _start in keys.values()}
        groups = {key: [] for key in keys.values()}
        for number, (line, charge) in enumerate(plan):
            key = line._period_key(charge) if roots and line._chain_root() in roots else None
            if key in groups:
                groups[key].append(number)
        return list(groups.values())

    def _credited_apart(self, charge, origin):
        """The invoice of which `charge`, by itself, is to be credited; none where it may be deducted."""
        self.ensure_one()
        move = origin.move_id if origin else self.env["account.move"]
        if charge.amount >= 0 or move.move_type != "out_invoice" or move.state != "posted":
            return move.browse()
        is_open = not move.currency_id.is_zero(move.amount_residual)
        settlement = self.settlement or self.company_id.service_settlement
        return move if is_open or settlement == "credit" or self._is_never_deducted(charge, move) else move.browse()

    def _is_never_deducted(self, charge, move) -> bool:
        """Whether what `move` says too much is always credited, and set off against nothing: public bodies, payers, and
        requests for the immediate advance.
        """
        self.ensure_one()
        share = self.env["multiservice.share"].sudo().browse(charge.share)  # sudo: as in _to_items
        public = move.commercial_partner_id.legal_category == "public_body"
        return public or self._to_policy(self._agreement(share=share), share).credits_apart

    @api.model
    def _may_be_set_off(self, line, charge, move) -> bool:
        """Whether what takes the place of `charge`, billed on `move`, may be on the same credit note: the same customer
        under the same references, and nobody whose invoices must never bear a credit.
        """
        contract = line.contract_id
        if contract._is_never_deducted(charge, move):
            return False
        share = self.env["multiservice.share"].sudo().browse(charge.share)  # sudo: as in _to_items
        return contract._agreement(move, move.journal_id, share) == contract._agreement(None, move.journal_id, share)


class SettledLine(models.Model):
    _inherit = "multiservice.contract.line"

    def _period_key(self, charge) -> tuple:
        """What the charges of one period have in common, whichever of the lines that replaced each other bear them."""
        recurrence = self._to_schedule_in_force().recurrence
        return self._chain_root(), charge.share, recurrence.period(recurrence.index(charge.period.start)).start
