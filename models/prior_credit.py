from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import format_date, formatLang

from ..einvoice.model import PrecedingInvoice
from ..engine.plan import charges


class Prior(NamedTuple):
    """What the terms say of days that the previous system billed, for a line and those that replaced it."""

    amount: Decimal
    start: date
    end: date


class PriorCredit(models.Model):
    """An amendment of days that another system billed: nothing is billed again, what is too much is credited.

    The ledger does not hold these days, so the credit note is drafted from the terms before and after.
    """

    _inherit = "multiservice.amendment"

    credit_ids = fields.One2many(
        "account.move",
        "service_amendment_id",
        string="Other Documents",
        help="Credit notes of the previous system's invoices, and damages.",
    )

    def _apply_changes(self) -> None:
        day = self._prior_day()
        before = self.contract_id._prior_owed(day)
        result = super()._apply_changes()
        self._credit_prior(before, self.contract_id._prior_owed(day))
        return result

    def _undo(self) -> None:
        issued = self.credit_ids.filtered(lambda move: move.state == "posted")
        if issued:
            raise UserError(
                self.env._(
                    "%(document)s was posted for this amendment: it can no longer be taken back. Amend the contract "
                    "once more.",
                    document=issued[0].display_name,
                )
            )
        self.credit_ids.unlink()
        return super()._undo()

    def _prior_day(self) -> date:
        return min((change._first_day() for change in self.change_ids), default=self._day())

    def _credit_prior(self, before: dict, after: dict) -> None:
        """Draft a credit note of what the previous system billed and is not owed any more."""
        nothing = Prior(Decimal(0), date.max, date.min)
        less = {
            line: (owed, after.get(line, nothing).amount)
            for line, owed in before.items()
            if after.get(line, nothing).amount < owed.amount
        }
        if less:
            self.env["account.move"].create(self._prepare_prior_credit_vals(less))

    def _prepare_prior_credit_vals(self, less: dict) -> dict:
        contract = self.contract_id
        agreement = contract._agreement()._asdict()
        start = min(owed.start for owed, _left in less.values())
        cited = contract._prior_invoices_from(start)
        return agreement | {
            "move_type": "out_refund",
            "service_posting_mode": "draft",
            "service_mandate_id": False,
            "invoice_origin": self.name,
            "ref": agreement["service_order_reference"],
            "invoice_user_id": contract.user_id.id,
            "service_amendment_id": self.id,
            "service_prior_invoice_ids": [Command.set(cited.ids)],
            "invoice_line_ids": [
                Command.create(line._prepare_prior_credit_vals(owed, left, cited))
                for line, (owed, left) in less.items()
            ],
        }


class PriorContract(models.Model):
    _inherit = "multiservice.contract"

    def _prior_owed(self, since: date) -> dict:
        """By line that replaced no other, what the terms say of the days from `since` on that the previous system
        billed.
        """
        owed = {}
        for line in self.line_ids:
            first = line._first_billable_day()
            if line.display_type or line.pricing == "one_off" or not first or first <= since:
                continue
            root, prior = line._chain_root(), line._prior_owed(since, first - timedelta(days=1))
            known = owed.get(root, Prior(Decimal(0), since, first - timedelta(days=1)))
            owed[root] = known._replace(amount=known.amount + prior)
        return owed

    def _prior_invoices_from(self, day: date):
        """The previous system's invoices of services on that day or later; failing that, its last one."""
        known = self.prior_invoice_ids.filtered(lambda one: one.period_end and one.period_end >= day)
        return known or self.prior_invoice_ids.sorted("date", reverse=True)[:1]


class PriorLine(models.Model):
    _inherit = "multiservice.contract.line"

    def _prior_owed(self, since: date, until: date) -> Decimal:
        """What the customer owes by the terms from the period of `since` to `until`, as if nothing had been billed."""
        self.ensure_one()
        terms = self._to_terms()
        end = min(terms.end or until, until)
        if end < terms.start:
            return Decimal(0)
        chain_end = terms.chain_end and max(terms.chain_end, end)
        owed = charges(replace(terms, not_before=None, end=end, chain_end=chain_end), since)
        return sum((charge.amount for charge in owed if not charge.share), Decimal(0))

    def _prepare_prior_credit_vals(self, owed: Prior, left: Decimal, cited) -> dict:
        self.ensure_one()
        line = self.with_context(lang=self.partner_id.lang or self.env.lang)
        amount = owed.amount - left
        return {
            "display_type": "product",
            "product_id": self.product_id.id,
            "product_uom_id": False,
            "name": line._prior_credit_name(owed, left, cited),
            "quantity": 1.0,
            "price_unit": float(amount),
            "tax_ids": [Command.set(self.tax_ids.ids)],
            "account_id": self._income_account().id,
            "analytic_distribution": self._analytic_distribution(),
            "service_start": owed.start,
            "service_end": owed.end,
            "service_site_id": self.site_id.id,
            "service_contract_id": self.contract_id.id,
        }

    def _prior_credit_name(self, owed: Prior, left: Decimal, cited) -> str:
        env, currency = self.env, self.currency_id
        period = f"{format_date(env, owed.start)} – {format_date(env, owed.end)}"
        where = self.site_id._site_label() if self.site_id else ""
        text = env._(
            "Billed before, not owed any more: %(left)s due instead of %(owed)s for the periods of these days",
            left=formatLang(env, float(left), currency_obj=currency),
            owed=formatLang(env, float(owed.amount), currency_obj=currency),
        )
        invoices = [
            env._("invoice %(number)s of %(date)s", number=one.name, date=format_date(env, one.date)) for one in cited
        ]
        credited = [env._("Credit of %s", ", ".join(invoices))] if invoices else []
        return "\n".join([self.name, " · ".join(filter(None, [where, period])), text, *credited])


class PriorMove(models.Model):
    _inherit = "account.move"

    service_amendment_id = fields.Many2one(
        "multiservice.amendment",
        string="Amendment",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
    )
    service_prior_invoice_ids = fields.Many2many(
        "multiservice.prior.invoice",
        string="Invoices of the Previous System",
        readonly=True,
        copy=False,
        help="What this credit note corrects.",
    )

    def _einvoice_preceding(self) -> tuple[PrecedingInvoice, ...]:
        """BG-3: the previous system's invoices, too."""
        prior = self.service_prior_invoice_ids if self.move_type == "out_refund" else ()
        return super()._einvoice_preceding() + tuple(PrecedingInvoice(one.name, one.date) for one in prior)

    def _to_einvoice_context(self):
        context = super()._to_einvoice_context()
        if context.issued is None:
            return context
        return replace(context, issued=context.issued | set(self.service_prior_invoice_ids.mapped("name")))
