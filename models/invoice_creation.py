from operator import itemgetter

from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import groupby

# Core's own switches. The values of the lines are complete, so nothing is left to bring in step line by line; totals
# are still computed, and the balance checked, by core.
CREATE_CONTEXT = {"tracking_disable": True, "skip_analytic_sync": True, "skip_invoice_line_sync": True}
POST_CONTEXT = {"tracking_disable": True, "skip_invoice_sync": True}

# How core finds the amounts, taxes and due lines of an invoice, and the modules whose say in it does not touch a
# service invoice (expenses change only the entries that they make, a retention only invoices that are not completed).
LINE_METHODS = {
    "account.move": ("_get_sync_stack", "_compute_needed_terms", "_prepare_product_base_line_for_taxes_computation"),
    "account.move.line": ("_compute_totals", "_compute_amount_residual"),
}
# How core finds the dates and the rate of an invoice.
DATE_METHODS = {
    "account.move": (
        "_compute_date",
        "_compute_delivery_date",
        "_compute_taxable_supply_date",
        "_compute_expected_currency_rate",
        "_compute_invoice_currency_rate",
    )
}
LINE_MODULES = (
    "odoo.addons.account.models.",
    "odoo.addons.hr_expense.models.",
    "odoo.addons.multiservice.models.retention",
)
LINE_TOTALS = {"price_subtotal": "total_excluded_currency", "price_total": "total_included_currency"}
# What core finds of any line of a new draft.
OF_NEW_DRAFTS = {"parent_state": "draft", "payment_id": False, "statement_line_id": False, "statement_id": False}
# `no_followup` is a matter of other entries: it stays unset, which is false.
KNOWN_OF_LINES = (
    *LINE_TOTALS,
    *OF_NEW_DRAFTS,
    *("date", "invoice_date", "ref"),
    *("amount_residual", "amount_residual_currency", "reconciled"),
    "no_followup",
)
LIQUIDITY_TYPES = ("asset_cash", "liability_credit_card")


class InvoiceCreation(models.Model):
    """Many customer invoices at once: what core would compute for each line afterwards is given to it beforehand."""

    _inherit = "account.move"

    @api.model
    def _create_complete(self, vals_list: list[dict]):
        """Create customer invoices and credit notes from complete values of their lines (account, taxes, analytic
        distribution), with the same result as `create`, line by line.
        """
        if not all(self._is_completable(vals) for vals in vals_list):
            return self.create(vals_list)
        self.env["res.partner"].browse([vals["partner_id"] for vals in vals_list]).fetch(["commercial_partner_id"])
        core_alone = self._core_alone_decides()
        creation = self.with_context(**CREATE_CONTEXT, skip_invoice_sync=core_alone)
        completed = [self._complete_vals(vals) for vals in vals_list]
        if self._core_alone_decides(DATE_METHODS):
            completed = [vals | self._prepare_dates(vals) for vals in completed]
        moves = creation.create(completed).with_env(self.env)
        if core_alone:
            for name in KNOWN_OF_LINES:  # given like the rest: not to be computed line by line again
                self.env.remove_to_compute(moves.line_ids._fields[name], moves.line_ids)
        return moves

    @api.model
    def _core_alone_decides(self, methods_by_model=LINE_METHODS) -> bool:
        """Whether what is given is surely what core would make of it by these methods. Where another module has its
        say, core's way has the last word.
        """
        return all(
            cls.__module__.startswith(LINE_MODULES)
            for model, methods in methods_by_model.items()
            for cls in type(self.env[model]).__mro__
            if any(method in vars(cls) for method in methods)
        )

    @api.model
    def _is_completable(self, vals: dict) -> bool:
        """Core adds lines and amounts of its own for early-payment discounts and discounts booked apart."""
        company = self.env["res.company"].browse(vals["company_id"])
        term = self.env["account.payment.term"].browse(vals["invoice_payment_term_id"] or [])
        return not (company.account_discount_expense_allocation_id or term.early_discount)

    @api.model
    def _complete_vals(self, vals: dict) -> dict:
        """`vals` with the amounts and tax tags of each product line, and with the tax and due lines: all from core's
        own tax engine and payment terms.
        """
        AccountTax = self.env["account.tax"]
        company = self.env["res.company"].browse(vals["company_id"])
        lines = [line_vals for _command, _id, line_vals in vals["invoice_line_ids"]]
        products = [line_vals for line_vals in lines if line_vals["display_type"] == "product"]
        base_lines = self._prepare_base_lines(vals, products, company)
        AccountTax._add_tax_details_in_base_lines(base_lines, company)
        AccountTax._round_base_lines_tax_details(base_lines, company)
        AccountTax._add_accounting_data_in_base_lines_tax_details(base_lines, company, include_caba_tags=False)
        result = AccountTax._prepare_tax_lines(base_lines, company)
        amounts = [self._prepare_amounts(*base_line) for base_line in result["base_lines_to_update"]]
        tax_lines = [tax_line | {"display_type": "tax"} for tax_line in result["tax_lines_to_add"]]
        left = iter(amounts)
        lines = [line_vals | (next(left) if line_vals["display_type"] == "product" else {}) for line_vals in lines]
        lines += tax_lines + self._prepare_due_lines(vals, amounts, tax_lines, company)
        shared = OF_NEW_DRAFTS | {
            "currency_id": vals["currency_id"],
            "partner_id": self._debtor(vals).id,
            "date": self._invoiced_on(vals),
            "invoice_date": vals.get("invoice_date"),
            "ref": vals.get("ref", False),
        }
        completed = {name: value for name, value in vals.items() if name != "invoice_line_ids"}
        lines = [shared | line_vals | self._prepare_residual(line_vals) for line_vals in lines]
        return completed | {"line_ids": [Command.create(line_vals) for line_vals in lines]}

    @api.model
    def _prepare_dates(self, vals: dict) -> dict:
        """The rest of what core computes of an invoice before it writes it. When nothing is missing it need not make
        an invoice in memory to find it.
        """
        company = self.env["res.company"].browse(vals["company_id"])
        day = self._invoiced_on(vals)
        return {
            "date": day,
            "delivery_date": False,
            "taxable_supply_date": False,
            "invoice_currency_rate": self.env["res.currency"]._get_conversion_rate(
                company.currency_id, self.env["res.currency"].browse(vals["currency_id"]), company, day
            ),
        }

    @api.model
    def _prepare_base_lines(self, vals: dict, lines: list[dict], company) -> list[dict]:
        """The product lines as core's tax engine wants them; numbers first rounded as their fields do."""
        env = self.env
        AccountMoveLine = env["account.move.line"]
        currency = env["res.currency"].browse(vals["currency_id"])
        refund = vals["move_type"] == "out_refund"
        shared = {
            "currency_id": currency,
            "partner_id": self._debtor(vals),
            "rate": currency._get_conversion_rate(company.currency_id, currency, company, self._invoiced_on(vals)),
            "sign": 1 if refund else -1,
            "is_refund": refund,
        }
        return [
            env["account.tax"]._prepare_base_line_for_taxes_computation(
                {},
                **shared,
                **{
                    name: AccountMoveLine._fields[name].convert_to_cache(line_vals[name], AccountMoveLine)
                    for name in ("price_unit", "quantity", "discount")
                },
                product_id=env["product.product"].browse(line_vals["product_id"] or []),
                product_uom_id=env["uom.uom"].browse(line_vals["product_uom_id"] or []),
                tax_ids=env["account.tax"].browse(line_vals["tax_ids"][0][2]),
                account_id=env["account.account"].browse(line_vals["account_id"]),
                analytic_distribution=line_vals["analytic_distribution"],
            )
            for line_vals in lines
        ]

    @api.model
    def _prepare_amounts(self, base_line: dict, accounting: dict) -> dict:
        details = base_line["tax_details"]
        return accounting | {name: details[total] for name, total in LINE_TOTALS.items()}

    @api.model
    def _prepare_residual(self, line_vals: dict) -> dict:
        """What is open of a line that is reconciled with nothing yet, as core's `_compute_amount_residual` finds it."""
        account = self.env["account.account"].browse(line_vals.get("account_id", []))
        due = line_vals["display_type"] == "payment_term"  # core gives it an account to reconcile
        if not (due or account.reconcile or account.account_type in LIQUIDITY_TYPES):
            return {"amount_residual": 0.0, "amount_residual_currency": 0.0, "reconciled": False}
        balance, amount_currency = line_vals["balance"], line_vals["amount_currency"]
        return {
            "amount_residual": balance,
            "amount_residual_currency": amount_currency,
            "reconciled": not balance and not amount_currency,
        }

    @api.model
    def _prepare_due_lines(self, vals: dict, base_lines: list[dict], tax_lines: list[dict], company) -> list[dict]:
        """The lines that the customer owes, one for each due date, as core's `_compute_needed_terms` finds them."""
        currency = self.env["res.currency"].browse(vals["currency_id"])
        (untaxed, untaxed_currency), (tax, tax_currency) = (
            (
                company.currency_id.round(-sum(line["balance"] for line in lines)),
                currency.round(-sum(line["amount_currency"] for line in lines)),
            )
            for lines in (base_lines, tax_lines)
        )
        term = self.env["account.payment.term"].browse(vals["invoice_payment_term_id"] or [])
        if term:
            instalments = term._compute_terms(
                date_ref=self._invoiced_on(vals),
                currency=currency,
                company=company,
                tax_amount=tax,
                tax_amount_currency=tax_currency,
                untaxed_amount=untaxed,
                untaxed_amount_currency=untaxed_currency,
                sign=-1 if vals["move_type"] == "out_refund" else 1,
            )["line_ids"]
        else:
            total = {"company_amount": untaxed + tax, "foreign_amount": untaxed_currency + tax_currency}
            day = fields.Date.to_date(vals.get("invoice_date_due")) or fields.Date.context_today(self)
            instalments = [{"date": day, **total}]
        return [
            {
                "display_type": "payment_term",
                "date_maturity": day,
                "balance": sum(instalment["company_amount"] for instalment in of_day),
                "amount_currency": sum(instalment["foreign_amount"] for instalment in of_day),
            }
            for day, of_day in groupby(instalments, key=itemgetter("date"))
        ]

    @api.model
    def _debtor(self, vals: dict):
        return self.env["res.partner"].browse(vals["partner_id"]).commercial_partner_id

    @api.model
    def _invoiced_on(self, vals: dict):
        return fields.Date.to_date(vals.get("invoice_date")) or fields.Date.context_today(self)

    def _post_dated(self):
        """Post invoices that bear their date already; the same result as `_post`, sooner."""
        locked = self.filtered(lambda move: not move.invoice_date or move._get_violated_lock_dates(move.date, True))
        locked._post(soft=False)
        (self - locked).with_context(**POST_CONTEXT)._post(soft=False)


class InvoiceLineCreation(models.Model):
    _inherit = "account.move.line"

    def _check_company(self, fnames=None):
        """Lines that refer to the same records are as right or as wrong as the first of them: that one is checked."""
        references = [
            name
            for name, field in self._fields.items()
            if field.relational and field.check_company and name != "move_id"
        ]
        kinds = self.grouped(
            lambda line: (line.company_id, line.move_id.company_id, *(line[name] for name in references))
        )
        first_of_kinds = self.browse(lines.ids[0] for lines in kinds.values())
        return super(InvoiceLineCreation, first_of_kinds)._check_company(fnames)
