from odoo import api, models
from odoo.tools import is_html_empty

from ..einvoice import codes


class LegalWarning(models.Model):
    _inherit = "multiservice.legal.mention"

    @api.model
    def _warnings_for_move(self, move) -> list[tuple]:
        """(what looks wrong, the record to mend) about what the invoice says by law: nothing here forbids posting."""
        move.ensure_one()
        if not move._has_legal_mentions():
            return []
        situations = move._legal_situations()
        return [
            *move._customer_warnings(),
            *move._vat_warnings(situations),
            *move._point_warnings(),
            *move._activity_warnings(situations),
            *move._penalty_warnings(),
        ]


class AccountMoveWarnings(models.Model):
    _inherit = "account.move"

    def _customer_warnings(self) -> list[tuple]:
        customer, company = self.commercial_partner_id, self.company_id
        warnings = []
        if not customer.legal_category:
            message = self.env._(
                "%(customer)s has no legal category: the mentions are those for a %(taken)s.",
                customer=customer.display_name,
                taken=self.env._("business") if customer.is_company else self.env._("consumer"),
            )
            warnings.append((message, customer))
        if not company.service_legal_form or (company.service_rcs_city and not company.service_share_capital):
            message = self.env._(
                "Invoices must say the legal form of %(company)s and, for a company, its share capital and its "
                "commercial register (RCS): enter them in the settings.",
                company=company.name,
            )
            warnings.append((message, company))
        return warnings

    def _vat_warnings(self, situations) -> list[tuple]:
        customer, warnings = self.commercial_partner_id, []
        reverse = situations & {"reverse_building", "reverse_eu"}
        if reverse and not customer.vat_liable:
            message = self.env._(
                "VAT under reverse charge is due by the customer, but %(customer)s is not liable to VAT.",
                customer=customer.display_name,
            )
            warnings.append((message, customer))
        if "reverse_building" in situations and "cleaning" in self._regulated_activities():
            message = self.env._(
                "Cleaning under a subcontract of its own is no building work: the tax authority admits no reverse "
                "charge (BOI-TVA-DECLA-10-10-20); only cleaning that goes on from building work within the same "
                "subcontract has it. Check the tax of the cleaning lines."
            )
            warnings.append((message, self))
        if self.company_id.service_vat_franchise and not self.currency_id.is_zero(self.amount_tax):
            message = self.env._(
                "%(company)s is under the VAT franchise, but the invoice charges VAT.", company=self.company_id.name
            )
            warnings.append((message, self))
        untold = self._sold_lines().filtered(lambda line: line._lacks_vat_reason())
        if untold:
            message = self.env._(
                "No VAT is charged on “%s”, and its tax does not say why: choose a tax with a reason for exemption.",
                (untold[0].name or "").partition("\n")[0],
            )
            warnings.append((message, self))
        return warnings

    def _point_warnings(self) -> list[tuple]:
        """Services whose tax is due on the invoice, as on goods, where the company did not opt for that."""
        if self._on_debits() or self.company_id.service_vat_franchise:
            return []
        taxes = self._sold_lines().filtered(lambda line: not line._sells_goods()).tax_ids.flatten_taxes_hierarchy()
        early = taxes.filtered(lambda tax: tax.amount and tax._vat_point() == codes.ON_INVOICE)
        if not early:
            return []
        message = self.env._(
            "VAT on services falls due on payment, but the tax %(tax)s falls due on the invoice: use the tax on "
            "payment, or enter the company's option for VAT on debits in the settings.",
            tax=", ".join(early.mapped("name")),
        )
        return [(message, self)]

    def _activity_warnings(self, situations) -> list[tuple]:
        company, warnings = self.company_id, []
        activities = self._regulated_activities()
        if "guarding" in activities and not company.service_guarding_authorisation:
            message = self.env._(
                "The invoice is for guarding: enter the company's CNAPS authorisation in the settings."
            )
            warnings.append((message, company))
        consumer = self._customer_law()[0] == "consumer"
        declared = company.service_home_declaration and company.service_home_declaration_date
        if consumer and "home_services" in activities and not declared:
            message = self.env._(
                "The invoice is for home services: enter the number and the date of the company's declaration in the "
                "settings."
            )
            warnings.append((message, company))
        if situations & {"housing_10", "housing_5_5"}:
            message = self.env._(
                "Reduced VAT on works in a dwelling needs the customer's statement: have the one printed on the "
                "invoice signed, or enter the date of the statement on the contract."
            )
            warnings.append((message, self.service_contract_ids[:1] or self))
        return warnings

    def _penalty_warnings(self) -> list[tuple]:
        warnings = []
        professional = self._customer_law()[0] in ("business", "public_body")
        missing = (
            self.env["multiservice.late.rate"].sudo()._missing_semester(self._legal_date())
        )  # sudo: figures of law
        if professional and missing:
            message = self.env._(
                "The late interest rates of the half-year are not known: the invoice states the rule without the rate."
            )
            warnings.append((message, self.env["multiservice.late.rate"]))
        if len(self._late_penalty_policies()) > 1:
            message = self.env._(
                "The contracts on this invoice agree on different late penalties: the invoice states the company's."
            )
            warnings.append((message, self.service_contract_ids[:1]))
        return warnings


class AccountMoveLineWarnings(models.Model):
    _inherit = "account.move.line"

    def _lacks_vat_reason(self) -> bool:
        """Whether no VAT is charged on the line at home, for a reason that neither the tax nor the company tells."""
        tax = self._vat_tax()
        if not self.price_subtotal or tax.amount:
            return False
        vat = self.move_id._vat_of(tax, self.product_id)
        return vat["category"] == "E" and not vat["exemption_code"] and is_html_empty(tax.invoice_legal_notes)
