from datetime import date

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_amount, format_date, frozendict

from ..einvoice import codes
from ..einvoice.model import Note

HIGHEST_RATE = 5.0  # law no. 71-584 of 16 July 1971, art. 1
OWN_INVOICES = ("contract", "site")


class Contract(models.Model):
    """A contract for works of which the customer keeps a part back until its reservations are lifted."""

    _inherit = "multiservice.contract"

    retention_rate = fields.Float(
        string="Retention (%)",
        digits=(16, 2),
        tracking=True,
        help="Part of each invoice, VAT included, that the customer keeps back as a guarantee: at most 5 % (law no. "
        "71-584 of 16 July 1971).",
    )
    retention_months = fields.Integer(
        string="Retention Due After (Months)",
        default=12,
        tracking=True,
        help="Months after the contract's end, or after the invoice where it has none. The law wants the retention "
        "paid one year after the works were accepted.",
    )
    retention_date = fields.Date(
        string="Retention Due On",
        tracking=True,
        copy=False,
        help="A day of its own, such as one year after the works were accepted; instead of the months.",
    )

    @api.constrains("retention_rate", "retention_months", "grouping")
    def _check_retention(self):
        for contract in self:
            if not 0 <= contract.retention_rate <= HIGHEST_RATE:
                raise ValidationError(
                    self.env._(
                        "A retention is at most %(rate)s\N{NO-BREAK SPACE}%% of the works (law no. 71-584 of 16 July "
                        "1971, article 1).",
                        rate=f"{HIGHEST_RATE:g}",
                    )
                )
            if contract.retention_months < 0:
                raise ValidationError(self.env._("The months after which a retention is due cannot be negative."))
            if contract.retention_rate and contract.grouping not in OWN_INVOICES:
                raise ValidationError(
                    self.env._("A contract with a retention needs invoices of its own: group them by contract or site.")
                )

    def _retention_due_date(self, invoice_date: date) -> date:
        self.ensure_one()
        start = self.date_end or invoice_date
        return max(self.retention_date or start + relativedelta(months=self.retention_months), invoice_date)


class AccountMove(models.Model):
    """An invoice of which a part is due later: core's instalments, with one more that waits to be released."""

    _inherit = "account.move"

    service_retention_rate = fields.Float(
        string="Retention (%)",
        digits=(16, 2),
        compute="_compute_service_retention",
        compute_sudo=True,  # an accountant posts invoices of contracts that are not theirs to read
        store=True,
        copy=False,
    )
    service_retention_due = fields.Date(
        string="Retention Due On", compute="_compute_service_retention", compute_sudo=True, store=True, copy=False
    )
    service_retained = fields.Monetary(
        string="Retained", compute="_compute_service_retained", help="Kept back by the customer, not released yet."
    )

    @api.depends("invoice_line_ids.service_contract_id", "invoice_date", "reversed_entry_id", "move_type")
    def _compute_service_retention(self):
        """As the contract says; a credit note takes off the retention what it takes off the invoice."""
        for move in self:
            origin, contracts = move.reversed_entry_id, move.invoice_line_ids.service_contract_id
            rate, due = 0.0, False
            if move.move_type == "out_refund" and origin:
                rate, due = origin.service_retention_rate, origin.service_retention_due
            elif move.is_sale_document() and len(contracts) == 1 and not move._is_deposit():
                day = move.invoice_date or move.company_id._service_today()
                rate = contracts.retention_rate
                due = rate and contracts._retention_due_date(day)
            move.service_retention_rate, move.service_retention_due = rate, due

    @api.depends("line_ids.service_retention", "line_ids.service_released_on", "line_ids.amount_residual_currency")
    def _compute_service_retained(self):
        for move in self:
            move.service_retained = sum(move._retained_lines().mapped("amount_residual_currency"))

    def _retained_lines(self):
        return self.line_ids.filtered(lambda line: line.service_retention and not line.service_released_on)

    @api.model
    def _is_completable(self, vals: dict) -> bool:
        """A retention is an instalment that only core's sync, with `_compute_needed_terms`, makes."""
        ids = {line_vals.get("service_contract_id") for _command, _id, line_vals in vals["invoice_line_ids"]}
        contracts = self.env["multiservice.contract"].browse(ids - {None})
        return super()._is_completable(vals) and not any(contracts.mapped("retention_rate"))

    @api.depends("service_retention_rate", "service_retention_due")
    def _compute_needed_terms(self):
        result = super()._compute_needed_terms()
        for move in self:
            terms = {
                frozendict(key | {"service_retention": False}): values for key, values in move.needed_terms.items()
            }
            move.needed_terms = move._retain(terms) if move.service_retention_rate and terms else terms
        return result

    def _retain(self, terms: dict) -> dict:
        """`terms` with the retention as an instalment of its own, taken off the last ones."""
        retained = {
            "balance": self._share_retained(self.amount_total_signed, self.company_currency_id),
            "amount_currency": self._share_retained(self.amount_total_in_currency_signed, self.currency_id),
        }
        last = max(terms, key=lambda key: key["date_maturity"] or date.min)
        terms[last] = terms[last] | {name: terms[last][name] - amount for name, amount in retained.items()}
        key = frozendict(
            {
                "move_id": self.id,
                "date_maturity": self.service_retention_due,
                "discount_date": False,
                "service_retention": True,
            }
        )
        return terms | {key: retained}

    def _share_retained(self, total: float, currency) -> float:
        return currency.round(total * self.service_retention_rate / 100)

    @api.depends("service_retention_rate")
    def _compute_invoice_date_due(self):
        """The invoice is due when what is not retained is."""
        retained = self.filtered("service_retention_rate")
        for move in retained:
            terms = move.needed_terms or {}  # none while they are being computed, from this very date
            ordinary = [key["date_maturity"] for key in terms if not key.get("service_retention")]
            today = fields.Date.context_today(move)
            move.invoice_date_due = max(filter(None, ordinary), default=move.invoice_date_due or today)
        return super(AccountMove, self - retained)._compute_invoice_date_due()

    def action_release_retention(self):
        """The retained part is due from today."""
        self.check_access("write")
        lines = self._retained_lines().filtered(lambda line: line.parent_state == "posted")
        if not lines:
            raise UserError(self.env._("Nothing is retained on these invoices any more."))
        lines._release()

    def _retention_label(self) -> str:
        """What the invoice says of the retention, in the customer's language; "" without."""
        self.ensure_one()
        lines = self.line_ids.filtered("service_retention")
        if not lines:
            return ""
        move = self.with_context(lang=self.partner_id.lang or self.company_id._service_lang())
        return move.env._(
            "Retention of %(rate)s\N{NO-BREAK SPACE}%% (law no. 71-584 of 16 July 1971): %(amount)s, included in the "
            "total, due on %(date)s.",
            rate=f"{self.service_retention_rate:g}",
            amount=format_amount(move.env, abs(sum(lines.mapped("amount_currency"))), self.currency_id),
            date=format_date(move.env, self.service_retention_due),
        )

    def _einvoice_notes(self) -> tuple[Note, ...]:
        clause = self._retention_label()
        return super()._einvoice_notes() + ((Note(codes.CONDITIONS, clause),) if clause else ())


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    service_retention = fields.Boolean(
        string="Retention",
        readonly=True,
        copy=False,
        help="The instalment that the customer keeps back as a guarantee: no reminder is sent before it is released.",
    )
    service_released_on = fields.Date(string="Released On", readonly=True, copy=False)

    @api.depends("service_retention")
    def _compute_term_key(self):
        result = super()._compute_term_key()
        for line in self.filtered("term_key"):
            line.term_key = frozendict(line.term_key | {"service_retention": line.service_retention})
        return result

    def action_release_retention(self):
        return self.move_id.action_release_retention()

    def _release(self) -> None:
        for move, lines in self.grouped("move_id").items():
            today = move.company_id._service_today()
            move.with_context(skip_invoice_sync=True).service_retention_due = today
            lines.write({"date_maturity": today, "service_released_on": today})
