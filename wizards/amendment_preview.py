from datetime import date
from decimal import Decimal
from itertools import takewhile
from typing import NamedTuple

from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import format_date

from ..engine.periods import Period
from ..engine.revenue import contracted, monthly
from ..models.wording import number


class Money(NamedTuple):
    """What a contract is about to bill, by (line id, first day, component, payer), and what it is worth."""

    charges: dict
    of_year: Decimal
    of_month: Decimal


class AmendmentPreview(models.TransientModel):
    """What an amendment would do to the money: it is applied for real, looked at, and always rolled back."""

    _name = "multiservice.amendment.preview"
    _description = "Preview of an Amendment"

    amendment_id = fields.Many2one("multiservice.amendment", required=True, ondelete="cascade")
    amendment_state = fields.Selection(related="amendment_id.state")
    currency_id = fields.Many2one(related="amendment_id.currency_id")
    line_ids = fields.One2many("multiservice.amendment.preview.line", "preview_id", string="Periods")
    through = fields.Date(string="Periods Until", readonly=True)
    credited = fields.Monetary(string="To Be Credited", compute="_compute_totals")
    billed = fields.Monetary(string="To Be Billed", compute="_compute_totals")
    year = fields.Char(readonly=True)
    year_before = fields.Monetary(readonly=True, help="By days of service, billed or not.")
    year_after = fields.Monetary(readonly=True)
    monthly_before = fields.Monetary(string="Monthly Revenue Before", readonly=True)
    monthly_after = fields.Monetary(string="Monthly Revenue After", readonly=True)
    rebuilt_ids = fields.Many2many("account.move", string="Drafts Made Again", readonly=True)
    kept_ids = fields.Many2many(
        "account.move",
        "multiservice_amendment_preview_kept_rel",
        string="Drafts Left as They Are",
        readonly=True,
        help="Drafts that somebody changed by hand: they are corrected like posted invoices.",
    )
    settlement = fields.Text(readonly=True, help="What else is to be settled at the end of the contract.")

    @api.depends("line_ids.change")
    def _compute_totals(self):
        for preview in self:
            preview.credited = sum(line.change for line in preview.line_ids if line.change < 0)
            preview.billed = sum(line.change for line in preview.line_ids if line.change > 0)

    def action_apply(self):
        self.ensure_one()
        self.amendment_id.action_apply()
        return {"type": "ir.actions.act_window_close"}


class AmendmentPreviewLine(models.TransientModel):
    """One period of one line, before and after."""

    _name = "multiservice.amendment.preview.line"
    _description = "Period in the Preview of an Amendment"
    _order = "id"

    preview_id = fields.Many2one("multiservice.amendment.preview", required=True, ondelete="cascade", index=True)
    currency_id = fields.Many2one(related="preview_id.currency_id")
    name = fields.Char(string="Service")
    site = fields.Char()
    period_start = fields.Date(string="From")
    period_end = fields.Date(string="To")
    billed = fields.Monetary(help="On posted invoices, and on drafts that are left as they are.")
    planned = fields.Monetary(string="Due Before", help="To be billed without the amendment.")
    change = fields.Monetary(string="Due Now", help="To be billed with the amendment; a credit is negative.")
    explanation = fields.Text(string="Computation")
    settled = fields.Char(string="Settlement")


class PreviewedAmendment(models.Model):
    _inherit = "multiservice.amendment"

    def action_preview(self):
        """Show what the amendment would do, period by period."""
        self.ensure_one()
        self.check_access("write")
        preview = self.env["multiservice.amendment.preview"].create(self._preview_vals())
        action = preview._get_records_action(name=self.env._("Preview of %s", self.name), target="new")
        return action | {"context": {"dialog_size": "extra-large"}}

    def _preview_vals(self) -> dict:
        self._check_complete()
        days = [change._first_day() for change in self.change_ids]
        year, day = max(self.company_id._service_today(), min(days)).year, max(days)
        window = Period(date(year, 1, 1), date(year, 12, 31))
        drafts, rebuilt = self._drafts(), self._drafts_to_rebuild()
        settlement = self._final_settlement()
        with self.env.cr.savepoint() as attempt:
            rebuilt.sudo().invoice_line_ids.billable_ids.invoice_line_id = False  # sudo: see _drafts
            before = self.contract_id._money(window, day)
            self._apply_changes()
            after = self.contract_id._money(window, day)
            rows = self._preview_rows(before, after)
            attempt.rollback()
        return {
            "amendment_id": self.id,
            "through": window.end,
            "line_ids": [Command.create(row) for row in rows],
            "year": str(year),
            "year_before": float(before.of_year),
            "year_after": float(after.of_year),
            "monthly_before": float(before.of_month),
            "monthly_after": float(after.of_month),
            "rebuilt_ids": [Command.set(rebuilt.ids)],
            "kept_ids": [Command.set((drafts - rebuilt).ids)],
            "settlement": settlement,
        }

    def _preview_rows(self, before: Money, after: Money) -> list[dict]:
        """The periods of which something else is billed than without the amendment."""
        lines = self.contract_id.line_ids
        settled = self._settled_in_words([(lines.browse(key[0]), charge) for key, charge in after.charges.items()])
        ranks = {line.id: rank for rank, line in enumerate(lines)}
        rows = []
        for key in sorted({*before.charges, *after.charges}, key=lambda key: (ranks[key[0]], *key[1:])):
            then, now = before.charges.get(key), after.charges.get(key)
            if not (then and now) or (then.amount, then.period) != (now.amount, now.period):
                rows.append(self._preview_row(lines.browse(key[0]), then, now, settled.get(now)))
        return rows + [self._preview_document_row(line) for line in self.credit_ids.line_ids if line._is_of_amendment()]

    def _preview_document_row(self, line) -> dict:
        """What is settled by a document of its own: the previous system's invoices credited, damages."""
        credit = line.move_id.move_type == "out_refund"
        name, _newline, explanation = (line.name or "").partition("\n")
        return {
            "name": name,
            "site": line.service_site_id.name,
            "period_start": line.service_start,
            "period_end": line.service_end,
            "change": -line.price_subtotal if credit else line.amount_currency,
            "explanation": explanation,
            "settled": self.env._("Draft credit note") if credit else self.env._("Draft entry, outside VAT"),
        }

    def _preview_row(self, line, then, now, settled) -> dict:
        shown = now or then
        return {
            "name": line._first_line(),
            "site": line.site_id.name,
            "period_start": shown.period.start,
            "period_end": shown.period.end,
            "billed": float(shown.held),
            "planned": float(then.amount) if then else 0.0,
            "change": float(now.amount) if now else 0.0,
            "explanation": line._explain(now) if now else self.env._("Not billed any more"),
            "settled": settled,
        }

    def _settled_in_words(self, plan) -> dict:
        """By charge of `plan` that corrects an invoice, or is set off against one, how it reaches the customer."""
        origins = self.contract_id._corrected_lines(plan)
        credited = self.contract_id._credited(plan, origins)
        words = {}
        for index, (_line, charge) in enumerate(plan):
            origin = origins.get(charge)
            if index in credited:
                words[charge] = self.env._("Credit note of %s", credited[index].display_name)
            elif origin and charge.amount < 0:
                invoice = origin.move_id.display_name
                words[charge] = self.env._("Deducted from the next invoice (corrects %s)", invoice)
        return words

    def _final_settlement(self) -> str:
        """What is left to settle when the contract ends: notice, deposits to return, hours that would be lost."""
        change = self.change_ids.filtered(lambda change: change.kind == "terminate")[:1]
        if not change:
            return ""
        lines = []
        if change.regular_end and not change.notice_respected:
            lines.append(
                self.env._(
                    "The notice is not respected: the contract would end on %s.",
                    format_date(self.env, change.regular_end),
                )
            )
        deposits = self.env["multiservice.deposit"].search(
            [("contract_id", "=", self.contract_id.id), ("state", "=", "open")]
        )
        for deposit in deposits.filtered("amount_left"):
            left = self.currency_id.format(deposit.amount_left)
            returned = deposit.kind == "guarantee"
            lines.append(
                self.env._("Deposit %(deposit)s: %(left)s to return.", deposit=deposit.name, left=left)
                if returned
                else self.env._("Deposit %(deposit)s: %(left)s not deducted yet.", deposit=deposit.name, left=left)
            )
        for bank in self.contract_id.bank_ids.filtered("balance"):
            lines.append(
                self.env._(
                    "%(bank)s: %(left)s hours are left, which are not paid back.",
                    bank=bank.name,
                    left=number(self.env, bank.balance),
                )
            )
        return "\n".join(lines)


class PreviewedContract(models.Model):
    _inherit = "multiservice.contract"

    def _money(self, window: Period, on: date) -> Money:
        """What is left to bill of the periods that begin by the end of `window`, and the contract's worth."""
        self.ensure_one()
        lines = self.line_ids.filtered(lambda line: not line.display_type)
        charges = {
            (line.id, charge.period.start, charge.component, charge.share or 0): charge
            for line, left in lines._proposals()
            for charge in takewhile(lambda charge: charge.period.start <= window.end, left)
        }
        terms = [line._to_terms() for line in lines]
        of_year = sum((sum(contracted(term, window).values(), Decimal(0)) for term in terms), Decimal(0))
        return Money(charges, of_year, sum((monthly(term, on) for term in terms), Decimal(0)))


class AmendmentMoveLine(models.Model):
    _inherit = "account.move.line"

    def _is_of_amendment(self) -> bool:
        """Whether the line says what a document of an amendment settles, rather than how it is booked."""
        self.ensure_one()
        if self.move_id.move_type == "entry":
            return self.account_id.account_type == "asset_receivable"
        return self.display_type == "product"
