from datetime import date
from decimal import Decimal

from odoo import api, models
from odoo.tools import format_amount, format_date, formatLang

from odoo.addons.base.models import ir_actions_report

from ..einvoice import codes
from ..engine.nature import Nature, nature_of
from ..engine.penalty import Policy, penalty_rate, public_rate

# Why no VAT is due, by VATEX code.
EXEMPTIONS = {
    "VATEX-FR-FRANCHISE": "franchise",
    "VATEX-FR-AE": "reverse_building",
    "VATEX-EU-AE": "reverse_eu",
    "VATEX-EU-IC": "goods_eu",
}
# The same by VAT category, for services and for goods, where the tax has no code.
CATEGORIES = {
    "AE": ("reverse_building", "reverse_building"),
    "K": ("reverse_eu", "goods_eu"),
    "G": ("services_abroad", "goods_abroad"),
    "O": ("services_abroad", "goods_abroad"),
}
NATURES = {"S": "services", "B": "goods", "M": "mixed"}
SYSTEM_FONTS = "DejaVu Sans, Liberation Sans, Noto Sans, Arial, Helvetica, Lato"  # the last one is Odoo's web font
REDUCED_RATES = {10.0: "housing_10", 5.5: "housing_5_5"}


class AccountMoveLegal(models.Model):
    """The facts of an invoice on which its legal mentions depend, and what fills them in."""

    _inherit = "account.move"

    def _legal_mentions(self) -> list[str]:
        """What the printed invoice says below its totals."""
        mentions = self.env["multiservice.legal.mention"]._for_move(self)
        return [text for mention, text in mentions if mention.print_on_invoice]

    @api.model
    def _text_font(self) -> str:
        """The font in which an invoice is printed, where wkhtmltopdf draws letters of web fonts as outlines, so that
        nobody could search or copy what the invoice says: a font of the system. "" where it writes them as text.
        """
        return "" if ir_actions_report._wkhtml().is_patched_qt else SYSTEM_FONTS

    def _has_legal_mentions(self) -> bool:
        """Whether French law says what is on the document: a customer invoice or credit note of a French company."""
        self.ensure_one()
        return self.l10n_fr_is_company_french and self.move_type in ("out_invoice", "out_refund")

    def _in_customer_lang(self):
        """Mentions and report are in the same language, whoever prints."""
        self.ensure_one()
        return self.with_context(lang=self.partner_id.lang or self.company_id._service_lang())

    def _legal_date(self) -> date:
        self.ensure_one()
        return self.invoice_date or self.company_id._service_today()

    def _customer_law(self) -> tuple[str, bool]:
        """The customer's legal category and whether it is liable to VAT. Without a category, a company is taken for a
        business and anybody else for a consumer.
        """
        customer = self.commercial_partner_id
        category = customer.legal_category or ("business" if customer.is_company else "consumer")
        return category, customer.vat_liable

    def _operation_nature(self) -> Nature:
        """Goods, services or both, by what the lines sell for how much: an accessory follows the rest."""
        amounts = {"goods": Decimal(0), "services": Decimal(0)}
        for line in self._sold_lines():
            amounts["goods" if line._sells_goods() else "services"] += Decimal(str(line.price_subtotal))
        return nature_of(**amounts)

    def _sold_lines(self):
        return self.invoice_line_ids.filtered(lambda line: line.display_type == "product")

    def _legal_situations(self) -> set[str]:
        """Which of the mentions' situations the invoice is in."""
        nature = NATURES[(self.einvoice_framework or self._operation_nature())[0]]
        situations = {"always", nature, f"penalty_{self._late_penalty_policy()[0]}", *self._vat_situations()}
        situations |= {line._housing_situation() for line in self._sold_lines()} - {None}
        if self.move_type == "out_refund":
            situations.add("credit_note")
        if "home_services" in self._regulated_activities():
            situations.add("home_services")
        if self.company_id.service_vat_franchise:
            situations.add("franchise")
        elif nature != "goods" and self._on_debits():
            situations.add("debits")
        elif len(self._vat_points()) > 1:
            situations.add("points_mixed")
        return situations

    def _vat_situations(self) -> set[str]:
        """Why no VAT is due on some lines, as the electronic invoice says it by codes."""
        situations = set()
        for line in self._sold_lines().filtered(lambda line: not line._vat_tax().amount):
            vat = self._vat_of(line._vat_tax(), line.product_id)
            services, goods = CATEGORIES.get(vat["category"], (None, None))
            situations.add(EXEMPTIONS.get(vat["exemption_code"], goods if line._sells_goods() else services))
        return situations - {None}

    def _regulated_activities(self) -> set[str]:
        return set(filter(None, self._sold_lines().product_id.mapped("regulated_activity")))

    def _late_penalty_policy(self) -> tuple[Policy, Decimal]:
        """The contracts' policy on late payment where they agree, else the company's; with its own rate."""
        policies = self._late_penalty_policies()
        return policies.pop() if len(policies) == 1 else self.company_id._late_penalty()

    def _late_penalty_policies(self) -> set[tuple[Policy, Decimal]]:
        # sudo: an accountant posts invoices of contracts that are not theirs to read
        return {contract._late_penalty() for contract in self.service_contract_ids.sudo()}

    def _legal_values(self) -> dict[str, str]:
        """What mentions may say of the invoice, in the language of the context; "" for what is not so."""
        self.ensure_one()
        day = self._legal_date()
        rates = self.env["multiservice.late.rate"].sudo()._rates_on(day)  # sudo: figures of law are no secret
        ecb, legal = (Decimal(str(rates[name])) if rates else None for name in ("ecb_rate", "legal_rate"))
        policy, own = self._late_penalty_policy()
        # sudo: as above
        indemnity = self.env["multiservice.legal.figure"].sudo()._value("recovery_indemnity", day)
        euro = self.env["res.currency"].browse(self.env["ir.model.data"]._xmlid_to_res_id("base.EUR"))
        statements = [line._housing_statement() for line in self._sold_lines() if line._housing_statement()]
        return {
            **self.company_id._legal_values(),
            **self._discount_values(),
            **self._vat_point_values(),
            "customer": self.commercial_partner_id.name or "",
            "customer_vat": self.commercial_partner_id.vat or "",
            "rate": self._percentage(penalty_rate(policy, own, ecb, legal)),
            "public_rate": self._percentage(public_rate(ecb)),
            "legal_rate": self._percentage(legal),
            "recovery_indemnity": indemnity and format_amount(self.env, indemnity, euro, trailing_zeroes=False),
            "statement_date": statements and format_date(self.env, max(statements)),
        }

    def _discount_values(self) -> dict[str, str]:
        """The discount for early payment of the payment terms."""
        term = self.invoice_payment_term_id
        if not term.early_discount:
            return {"discount_rate": "", "discount_date": ""}
        last_day = term._get_last_discount_date(self._legal_date())
        return {
            "discount_rate": self._percentage(Decimal(str(term.discount_percentage))),
            "discount_date": format_date(self.env, last_day),
        }

    def _vat_point_values(self) -> dict[str, str]:
        """How much VAT falls due when."""
        sums = self._vat_by_point()
        names = {"vat_on_invoice": codes.ON_INVOICE, "vat_on_payment": codes.ON_PAYMENT}
        return {
            name: format_amount(self.env, sums[point], self.currency_id) if point in sums else ""
            for name, point in names.items()
        }

    @api.model
    def _percentage(self, rate: Decimal | None) -> str:
        if rate is None:
            return ""
        return f"{formatLang(self.env, float(rate), digits=2)}\N{NO-BREAK SPACE}%"


class AccountMoveLineLegal(models.Model):
    _inherit = "account.move.line"

    def _sells_goods(self) -> bool:
        """Goods rather than a service, which a line without product is taken for."""
        self.ensure_one()
        return bool(self.product_id) and self.product_id.type != "service"

    def _housing_statement(self) -> date | None:
        """Date of the customer's statement that allows reduced VAT on the line's works, if there is one already."""
        # sudo: an accountant posts invoices of contracts that are not theirs to read
        stated = self.product_id.housing_works and self.service_contract_id.sudo().housing_works_statement
        return stated if stated and stated <= self.move_id._legal_date() else None

    def _housing_situation(self) -> str | None:
        """Which mention works in a dwelling call for: none at the full rate of VAT."""
        situation = self.product_id.housing_works and REDUCED_RATES.get(self._vat_tax().amount)
        if not situation:
            return None
        return "housing_stated" if self._housing_statement() else situation
