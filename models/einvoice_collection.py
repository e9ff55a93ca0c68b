import logging
from collections import defaultdict
from datetime import datetime, time
from decimal import Decimal

from odoo import api, fields, models
from odoo.fields import Command, Domain

from ..engine.collection import Band, collect, due_when_paid
from .einvoice_document import decimal
from .einvoice_status import COLLECTED

_logger = logging.getLogger(__name__)

BATCH = 200  # payments entered in one transaction
MONEY_JOURNALS = ("bank", "cash", "credit")


class AccountPartialReconcile(models.Model):
    """Payments of invoices whose VAT is due on collection, told as status 212.

    Core makes a reconciliation when an invoice is paid and deletes it when the payment is undone. Neither is
    intercepted: a scheduled action looks at those that it has not seen, and at the statuses whose reconciliation is
    gone. Both are found by an index that holds nothing else.
    """

    _inherit = "account.partial.reconcile"

    _collection_idx = models.Index("(id) WHERE collection_checked IS NOT TRUE")

    collection_checked = fields.Boolean(
        readonly=True, copy=False, help="Looked at, to tell what was collected of an invoice."
    )

    @api.model
    def _collection_domain(self) -> Domain:
        """Reconciliations to look at. Those of drafts wait until they are posted."""
        return Domain(
            [
                ("collection_checked", "=", False),
                ("debit_move_id.parent_state", "=", "posted"),
                ("credit_move_id.parent_state", "=", "posted"),
            ]
        )

    @api.model
    def _cron_collect(self):
        """Tell what was collected, and what was not after all, since the last time. Every batch is committed; a
        payment that cannot be told is logged and tried again the next time.
        """
        last_id, domain = 0, self._collection_domain()
        while partials := self.search(domain & Domain("id", ">", last_id), limit=BATCH, order="id"):
            last_id = partials[-1].id
            partials._tell_collected()
            # What failed does not count as remaining: the scheduler would call again at once, and for ever.
            remaining = self.search_count(domain & Domain("id", ">", last_id))
            if not self.env["ir.cron"]._commit_progress(len(partials), remaining=remaining):
                return
        Status = self.env["multiservice.einvoice.status"]
        while undone := Status.search(Status._undone_domain(), limit=BATCH, order="id"):
            undone._take_back()
            remaining = Status.search_count(Status._undone_domain())
            if not self.env["ir.cron"]._commit_progress(len(undone), remaining=remaining):
                return

    def _tell_collected(self) -> None:
        """Enter what these reconciliations collect; one by one where they cannot be entered together."""
        try:
            with self.env.cr.savepoint():
                self._enter_collected()
        except Exception:
            if len(self) == 1:
                _logger.exception("what reconciliation %s collects cannot be told", self.id)
                return
            for partial in self:
                partial._tell_collected()

    def _enter_collected(self) -> None:
        tables, vals_list = {}, []
        for partial in self:
            move, amount = partial._collected()
            if not amount:
                continue
            if move not in tables:
                tables[move] = move._collection_table()
            bands, sums = tables[move]
            parts = collect(bands, sums, amount, decimal(move.currency_id.rounding))
            sums[:] = [before + part for before, part in zip(sums, parts, strict=True)]
            due = due_when_paid(bands, parts)
            if due:
                vals_list.append(partial._prepare_collected_vals(move, amount, due))
        self.env["multiservice.einvoice.status"].create(vals_list)
        self.collection_checked = True

    def _collected(self) -> tuple[models.BaseModel, Decimal]:
        """The invoice, or the credit note paid back, and how much money moved for it, in its currency; 0 where it is
        none of ours, or no money: a credit note set off, a loss, a difference of exchange.
        """
        self.ensure_one()
        for line, other, amount, move_type in (
            (self.debit_move_id, self.credit_move_id, self.debit_amount_currency, "out_invoice"),
            (self.credit_move_id, self.debit_move_id, self.credit_amount_currency, "out_refund"),
        ):
            move = line.move_id
            if move.move_type == move_type and move.einvoice_buyer and move._is_french_einvoice():
                return move, decimal(amount * other._money_share(), decimal(move.currency_id.rounding))
        return self.env["account.move"], Decimal(0)

    def _prepare_collected_vals(self, move, amount: Decimal, due: dict) -> dict:
        """Status 212 of `move`: of the payment of `amount`, `due` by VAT rate; all negative for a credit note, which
        is paid back.
        """
        sign = -1 if move.move_type == "out_refund" else 1
        return {
            "move_id": move.id,
            "code": COLLECTED,
            "date": datetime.combine(self.max_date, time(12)),  # noon: the same day on every European calendar
            "direction": "sent",
            "reference": f"reconciliation-{self.id}",
            "from_payment": True,
            "partial_id": self.id,
            "payment_amount": sign * amount,
            "amount_ids": [Command.create({"vat_rate": rate, "amount": sign * due[rate]}) for rate in sorted(due)],
        }


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    def _money_share(self) -> float:
        """Which part of a line that settles an invoice is money: 1 for a payment, less when a discount for early
        payment was granted with it, 0 for anything that is not in a journal of money.
        """
        self.ensure_one()
        move, company = self.move_id, self.company_id
        if move.is_invoice(include_receipts=True) or move.journal_id.type not in MONEY_JOURNALS:
            return 0.0
        discounts = company.account_journal_early_pay_discount_loss_account_id
        given_up = move.line_ids.filtered(lambda line: line.account_id == discounts) if discounts else self.browse()
        if not given_up:
            return 1.0
        given_up |= move.line_ids.filtered("tax_line_id")
        settled = move.line_ids.filtered(lambda line: line.account_type == self.account_type)
        return 1.0 - abs(sum(given_up.mapped("balance"))) / abs(sum(settled.mapped("balance")))


class AccountMove(models.Model):
    _inherit = "account.move"

    def _collection_table(self) -> tuple[list[Band], list[Decimal]]:
        """The VAT rates that are told when paid, and the rest as one more band; with what was collected, or set off by
        a credit note, of each before. All in the invoice's currency, positive, to the cent the invoice's total.
        """
        self.ensure_one()
        grosses, before = self._gross_by_rate(), self._collected_by_rate()
        for credit, amount in self._set_offs():
            for rate, part in credit._share_by_rate(amount).items():
                before[rate if rate in grosses else None] += part
        bands = [Band(rate or Decimal(0), gross, rate is not None) for rate, gross in grosses.items()]
        return bands, [before[rate] for rate in grosses]

    def _gross_by_rate(self) -> dict[Decimal | None, Decimal]:
        """Amounts incl. VAT by the VAT rates due on payment; what else there is, under None, last."""
        unit = decimal(self.currency_id.rounding)
        base_lines, _tax_lines = self._get_rounded_base_and_tax_lines()
        sums = defaultdict(Decimal)
        details = self.env["account.tax"]._aggregate_base_lines_tax_details(base_lines, self._collection_key)
        for _base_line, groups in details:
            for key, values in groups.items():
                if key:
                    sums[key["rate"]] += decimal(values["base_amount_currency"] + values["tax_amount_currency"])
        grosses = {rate: gross.quantize(unit) for rate, gross in sums.items() if gross.quantize(unit)}
        rest = decimal(abs(self.amount_total), unit) - sum(grosses.values(), Decimal(0))
        return grosses | {None: rest}

    def _collection_key(self, base_line, tax_data) -> dict | None:
        tax = tax_data and tax_data["tax"]
        due = tax and tax.amount_type == "percent" and tax.amount and tax.tax_exigibility == "on_payment"
        return {"rate": decimal(tax.amount).normalize()} if due else None

    def _share_by_rate(self, amount: Decimal) -> dict[Decimal | None, Decimal]:
        """A part of the invoice's total, pro rata of its VAT table."""
        grosses = self._gross_by_rate()
        bands = [Band(rate or Decimal(0), gross, rate is not None) for rate, gross in grosses.items()]
        parts = collect(bands, [Decimal(0)] * len(bands), amount, decimal(self.currency_id.rounding))
        return dict(zip(grosses, parts, strict=True))

    def _collected_by_rate(self) -> dict[Decimal | None, Decimal]:
        """What the statuses told of earlier payments; under None, what was paid besides."""
        told = self.einvoice_status_ids.filtered("payment_amount")
        sums = defaultdict(Decimal)
        for one in told.amount_ids:
            sums[decimal(one.vat_rate).normalize()] += decimal(one.amount)
        paid = sum((decimal(status.payment_amount) for status in told), Decimal(0))
        sums[None] = paid - sum(sums.values(), Decimal(0))
        sign = -1 if self.move_type == "out_refund" else 1
        return defaultdict(Decimal, {rate: sign * amount for rate, amount in sums.items()})

    def _set_offs(self) -> list[tuple[models.BaseModel, Decimal]]:
        """What was settled without money: for an invoice, by which credit note and how much; for a credit note, how
        much of itself.
        """
        unit = decimal(self.currency_id.rounding)
        if self.move_type == "out_refund":
            partials = self.line_ids.matched_debit_ids
            partials = partials.filtered(lambda one: one.debit_move_id.move_id.move_type == "out_invoice")
            return [(self, decimal(one.credit_amount_currency, unit)) for one in partials]
        partials = self.line_ids.matched_credit_ids
        partials = partials.filtered(lambda one: one.credit_move_id.move_id.move_type == "out_refund")
        return [(one.credit_move_id.move_id, decimal(one.debit_amount_currency, unit)) for one in partials]


class EinvoiceStatus(models.Model):
    _inherit = "multiservice.einvoice.status"

    @api.model
    def _undone_domain(self) -> Domain:
        return Domain([("from_payment", "=", True), ("partial_id", "=", False), ("cancelled_by_id", "=", False)])

    def _take_back(self) -> None:
        """Tell the same amounts less, today: the payments were cancelled."""
        for status in self:
            day = status.company_id._service_today()
            status.cancelled_by_id = status.move_id._add_einvoice_status(
                COLLECTED,
                f"{status.reference}-cancelled",
                {one.vat_rate: -one.amount for one in status.amount_ids},
                date=datetime.combine(day, time(12)),
                direction="sent",
                payment_amount=-status.payment_amount,
                reason=self.env._("Payment cancelled"),
            )
