from odoo import api, fields, models
from odoo.fields import Command

# Core's own switches. The values of the lines are complete, so nothing is left to bring in step line by line; taxes,
# totals and due dates are still computed and checked by core, which repairs or refuses what does not agree.
CREATE_CONTEXT = {"tracking_disable": True, "skip_analytic_sync": True, "skip_invoice_line_sync": True}
POST_CONTEXT = {"tracking_disable": True, "skip_invoice_sync": True}


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
        moves = self.with_context(**CREATE_CONTEXT).create([self._complete_vals(vals) for vals in vals_list])
        return self.browse(moves.ids)

    @api.model
    def _is_completable(self, vals: dict) -> bool:
        """Core adds lines of its own to invoices with early-payment discounts and discounts booked apart."""
        company = self.env["res.company"].browse(vals["company_id"])
        term = self.env["account.payment.term"].browse(vals["invoice_payment_term_id"] or [])
        return not (
            company.account_discount_expense_allocation_id
            or (term.early_discount and term.early_pay_discount_computation == "mixed")
        )

    @api.model
    def _complete_vals(self, vals: dict) -> dict:
        """`vals` with the amounts and the tax tags of each product line, from core's tax engine."""
        AccountTax = self.env["account.tax"]
        company = self.env["res.company"].browse(vals["company_id"])
        commands = vals["invoice_line_ids"]
        product_vals = [command[2] for command in commands if command[2]["display_type"] == "product"]
        base_lines = [self._prepare_base_line(vals, line_vals, company) for line_vals in product_vals]
        AccountTax._add_tax_details_in_base_lines(base_lines, company)
        AccountTax._round_base_lines_tax_details(base_lines, company)
        AccountTax._add_accounting_data_in_base_lines_tax_details(base_lines, company, include_caba_tags=False)
        amounts = iter(AccountTax._prepare_tax_lines(base_lines, company)["base_lines_to_update"])
        return vals | {
            "invoice_line_ids": [
                Command.create(line_vals | next(amounts)[1])
                if line_vals["display_type"] == "product"
                else Command.create(line_vals)
                for _command, _id, line_vals in commands
            ]
        }

    @api.model
    def _prepare_base_line(self, vals: dict, line_vals: dict, company) -> dict:
        env = self.env
        currency = env["res.currency"].browse(vals["currency_id"])
        refund = vals["move_type"] == "out_refund"
        line_fields = env["account.move.line"]._fields
        stored = {
            name: line_fields[name].convert_to_cache(line_vals[name], env["account.move.line"])
            for name in ("price_unit", "quantity", "discount")
        }
        on = fields.Date.to_date(vals.get("invoice_date")) or fields.Date.context_today(self)
        return env["account.tax"]._prepare_base_line_for_taxes_computation(
            {},
            **stored,
            product_id=env["product.product"].browse(line_vals["product_id"] or []),
            product_uom_id=env["uom.uom"].browse(line_vals["product_uom_id"] or []),
            tax_ids=env["account.tax"].browse(line_vals["tax_ids"][0][2]),
            currency_id=currency,
            partner_id=env["res.partner"].browse(vals["partner_id"]).commercial_partner_id,
            account_id=env["account.account"].browse(line_vals["account_id"]),
            analytic_distribution=line_vals["analytic_distribution"],
            rate=env["res.currency"]._get_conversion_rate(company.currency_id, currency, company, on),
            sign=1 if refund else -1,
            is_refund=refund,
        )

    def _post_dated(self):
        """Post invoices that bear their date already; the same result as `_post`, sooner."""
        locked = self.filtered(lambda move: not move.invoice_date or move._get_violated_lock_dates(move.date, True))
        locked._post(soft=False)
        (self - locked).with_context(**POST_CONTEXT)._post(soft=False)
