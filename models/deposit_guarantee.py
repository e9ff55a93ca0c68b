from datetime import date

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import format_amount


class GuaranteeDeposit(models.Model):
    """Money held as a guarantee: no price of anything, so no invoice, no VAT and no revenue; a debt to the customer
    (account 165) until a person returns it.
    """

    _inherit = "multiservice.deposit"

    def _request_guarantee(self) -> None:
        """Enter what is asked for: owed by the customer, and to be returned to it."""
        entries = self.env["account.move"].create([guarantee._prepare_guarantee_vals() for guarantee in self])
        entries._post(soft=False)

    def _prepare_guarantee_vals(self) -> dict:
        self.ensure_one()
        owed = {"account_id": self._receivable_account().id, "date_maturity": self._guarantee_due_date()}
        held = {"account_id": self.company_id._guarantee_account().id, "service_deposit_id": self.id}
        label = self.env._("Guarantee deposit %s", self.name)
        return self._prepare_entry_vals(label, [(self.amount, owed), (-self.amount, held)])

    def _prepare_entry_vals(self, label: str, parts) -> dict:
        """Values of an entry; `parts`: pairs (amount in the deposit's currency, debit positive; other values)."""
        company = self.company_id
        day = company._service_today()
        return {
            "move_type": "entry",
            "company_id": company.id,
            "journal_id": company._guarantee_journal().id,
            "date": day,
            "ref": label,
            "line_ids": [
                Command.create(
                    {
                        "name": label,
                        "partner_id": self.partner_id.id,
                        "currency_id": self.currency_id.id,
                        "amount_currency": amount,
                        "balance": self.currency_id._convert(amount, company.currency_id, company, day),
                    }
                    | values
                )
                for amount, values in parts
            ],
        }

    def _receivable_account(self):
        return self.partner_id.with_company(self.company_id).property_account_receivable_id

    def _guarantee_due_date(self) -> date:
        day = self.company_id._service_today()
        return max((line._get_due_date(day) for line in self.payment_term_id.line_ids), default=day)

    def _guarantee_due(self) -> date | None:
        """When the guarantee asked for is to be paid."""
        asked = self.line_ids.move_id.filtered(lambda move: move.state == "posted")
        return max(filter(None, asked.line_ids.mapped("date_maturity")), default=None)

    def action_return_guarantee(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Return the guarantee"),
            "res_model": "multiservice.guarantee.return",
            "view_mode": "form",
            "target": "new",
            "context": {"default_deposit_id": self.id},
        }

    def _return_guarantee(self, returned: float, kept: float, account, reason: str):
        """Give `returned` back and keep `kept` for `reason`, on `account`. Returns the entry: what is given back is
        owed to the customer until it is paid, or set against its invoices.
        """
        self.ensure_one()
        label = self.env._("Return of guarantee deposit %s", self.name)
        parts = [(returned + kept, {"account_id": self._held_account().id, "service_deducted_id": self.id})]
        if returned:
            parts.append((-returned, {"account_id": self._receivable_account().id}))
        if kept:
            parts.append((-kept, {"account_id": account.id, "name": f"{label}: {reason}"}))
        entry = self.env["account.move"].create(self._prepare_entry_vals(label, parts))
        entry._post(soft=False)
        if kept:
            amount = format_amount(self.env, kept, self.currency_id)
            self.message_post(body=self.env._("Kept: %(amount)s. %(reason)s", amount=amount, reason=reason))
        return entry

    def _held_account(self):
        return self.line_ids.filtered(lambda line: line.parent_state == "posted").account_id[:1]


class ResCompany(models.Model):
    _inherit = "res.company"

    service_guarantee_account_id = fields.Many2one(
        "account.account",
        string="Account of Guarantee Deposits",
        domain="[('account_type', 'in', ('liability_current', 'liability_non_current'))]",
        check_company=True,
        help="Where guarantees received are kept until they are returned. Empty: 1651 of the French chart.",
    )
    service_guarantee_journal_id = fields.Many2one(
        "account.journal",
        string="Journal of Guarantee Deposits",
        domain="[('type', '=', 'general')]",
        check_company=True,
        help="Empty: the first miscellaneous journal.",
    )

    def _guarantee_account(self):
        """Raises UserError where there is none, or where it is no account of the balance sheet."""
        self.ensure_one()
        account = self.service_guarantee_account_id or self._chart_account("pcg_1651")
        if not account:
            raise UserError(
                self.env._("Choose the account of guarantee deposits (165) in the settings of service billing.")
            )
        if account.internal_group not in ("liability", "asset"):
            raise UserError(
                self.env._("%s is no account of the balance sheet: a guarantee is returned.", account.display_name)
            )
        return account

    def _guarantee_journal(self):
        self.ensure_one()
        Journal = self.env["account.journal"]
        own = self.tax_cash_basis_journal_id | self.currency_exchange_journal_id
        domain = [*Journal._check_company_domain(self), ("type", "=", "general"), ("id", "not in", own.ids)]
        return self.service_guarantee_journal_id or Journal.search(domain, limit=1)
