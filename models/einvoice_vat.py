from collections import defaultdict
from decimal import Decimal

from odoo import models
from odoo.tools import html2plaintext

from ..einvoice import codes
from ..einvoice.model import VatBreakdown
from .einvoice_document import contributions, decimal

# Why no VAT is due, by category, where the tax has no code of its own (EN 16931 BT-121).
VATEX = {"AE": "VATEX-FR-AE", "K": "VATEX-EU-IC", "G": "VATEX-EU-G", "O": "VATEX-EU-O"}
VATEX_FRANCHISE, VATEX_ABROAD = "VATEX-FR-FRANCHISE", "VATEX-EU-AE"


class EinvoiceVat(models.Model):
    """VAT of a customer invoice as EN 16931 has it: categories, reasons for exemption, table, when it falls due."""

    _inherit = "account.move"

    def _to_vat(self, base_lines) -> tuple[VatBreakdown, ...]:
        """BG-23: one row for each category and rate. The bases are those of the lines, so that both add up to the same
        to the cent; the amounts are core's.
        """
        unit = decimal(self.currency_id.rounding)
        rows = defaultdict(lambda: {"base": Decimal(0), "amount": Decimal(0), "texts": {}, "codes": {}})
        detailed = self.env["account.tax"]._aggregate_base_lines_tax_details(base_lines, self._vat_key)
        for base_line, groups in detailed:
            for key, values in groups.items():
                if key is None:
                    continue
                row = rows[key["category"], key["rate"]]
                row["base"] += decimal(values["total_excluded_currency"]) + _contributed(base_line)
                row["amount"] += sum(decimal(one["tax_amount_currency"]) for one in _vat_only(values["taxes_data"]))
                row["texts"][key["exemption"]] = row["codes"][key["exemption_code"]] = True
        return tuple(
            VatBreakdown(
                category=category,
                rate=rate,
                base=row["base"].quantize(unit),
                amount=row["amount"].quantize(unit),
                exemption="; ".join(filter(None, row["texts"])),
                exemption_code=next(filter(None, row["codes"]), ""),
            )
            for (category, rate), row in rows.items()
        )

    def _vat_key(self, base_line, tax_data) -> dict | None:
        """Category, rate and reason for exemption of one tax on one line (BT-118 to BT-121); None for a contribution,
        which is part of the base of the VAT beside it.
        """
        tax = tax_data and tax_data["tax"]
        if tax and not tax._is_vat():
            if _vat_only(base_line["tax_details"]["taxes_data"]):
                return None
            tax = None
        return self._vat_of(tax, base_line["product_id"])

    def _vat_of(self, tax, product) -> dict:
        tax = tax or self.env["account.tax"]
        category = self._vat_category(tax, product)
        if category in ("S", "Z"):
            rate = decimal(tax.amount if category == "S" else 0.0)
            return {"category": category, "rate": rate, "exemption": "", "exemption_code": ""}
        code = tax.ubl_cii_tax_exemption_reason_code or self._vatex(category)
        rate = None if category == "O" else Decimal(0)
        text = self._exemption_text(tax, code)
        return {"category": category, "rate": rate, "exemption": text, "exemption_code": code}

    def _vat_category(self, tax, product) -> str:
        """Core's, except where it takes services for goods, and neighbours of the European Union for members."""
        if tax.amount and not tax.ubl_cii_tax_category_code and not tax.has_negative_factor:
            return "S"
        customer, supplier = self.commercial_partner_id, self.company_id.partner_id
        category = self.env["account.edi.common"]._get_tax_category_code(customer, supplier, tax)
        if tax.ubl_cii_tax_category_code or category not in ("K", "G"):
            return category
        if not customer._is_abroad():
            return "E"
        member = customer._is_in_european_union()
        if product.type == "consu":
            return "K" if member else "G"
        return "AE" if member else "O"  # taxed by its buyer, or not at all (directive 2006/112/EC, art. 44 and 196)

    def _vatex(self, category: str) -> str:
        if category == "E":
            return VATEX_FRANCHISE if self.company_id.service_vat_franchise else ""
        if category == "AE" and self.commercial_partner_id._is_abroad():
            return VATEX_ABROAD
        return VATEX.get(category, "")

    def _exemption_text(self, tax, code: str) -> str:
        """BT-120 in words: the legal mention for that code, else what the tax says, else core's own words."""
        mention = code and self.env["multiservice.legal.mention"]._exemption(self, code)
        if mention:
            return mention
        legal_notes = html2plaintext(tax.invoice_legal_notes or "").strip()
        if legal_notes:
            return legal_notes
        customer, supplier = self.commercial_partner_id, self.company_id.partner_id
        reason = self.env["account.edi.common"]._get_tax_exemption_reason(customer, supplier, tax)
        return reason.get("tax_exemption_reason") or code

    def _einvoice_vat_point(self) -> str:
        """BT-8: when VAT falls due; empty where no VAT is due, or where it falls due at different times.

        The option for debits is a promise to the buyer and comes first: `check` then compares it with the taxes used.
        """
        points = self._vat_points()
        if points and self._on_debits():
            return codes.ON_INVOICE
        return points.pop() if len(points) == 1 else ""

    def _on_debits(self) -> bool:
        """Whether the company's option for paying VAT on debits holds for the invoice: never for a deposit."""
        return self.company_id._vat_on_debits(self._legal_date())

    def _vat_points(self) -> set[str]:
        """When VAT falls due by the taxes used, codes of BT-8."""
        taxes = self.invoice_line_ids.tax_ids.flatten_taxes_hierarchy()
        return {tax._vat_point() for tax in taxes if tax.amount and tax._is_vat()}

    def _vat_by_point(self) -> dict[str, float]:
        """VAT in the document's currency by when it falls due."""
        sums = defaultdict(float)
        for line in self._vat_lines():
            sums[line.tax_line_id._vat_point()] += self.direction_sign * line.amount_currency
        return sums

    def _vat_lines(self):
        """The journal items of VAT, without those of fixed contributions."""
        return self.line_ids.filtered(lambda line: line.tax_line_id and line.tax_line_id._is_vat())

    def _odd_taxes(self) -> tuple[tuple[str, str], ...]:
        """(line, tax) of those that EN 16931 has no place for: a second VAT, or one that is neither a percentage nor a
        fixed contribution on which VAT is counted.
        """
        together = {line.tax_ids for line in self.invoice_line_ids}  # few, on however many lines
        if all(len(taxes) <= 1 and (not taxes or taxes._is_vat()) for taxes in together):
            return ()
        base_lines, _tax_lines = self._get_rounded_base_and_tax_lines()
        return tuple(
            (str(number), tax.name)
            for number, base_line in enumerate(base_lines, start=1)
            for tax in _odd_taxes_of(base_line["tax_details"], decimal(self.currency_id.rounding))
        )


def _vat_only(taxes_data) -> list:
    return [one for one in taxes_data if one["tax"]._is_vat()]


def _contributed(base_line) -> Decimal:
    return sum((decimal(one["tax_amount_currency"]) for one in contributions(base_line)), Decimal(0))


def _odd_taxes_of(details, unit: Decimal) -> list:
    """`details`: core's tax details of one line."""
    vat = _vat_only(details["taxes_data"])
    others = [one for one in details["taxes_data"] if one not in vat]
    fixed = sum((decimal(one["tax_amount_currency"]) for one in others), Decimal(0))
    net = decimal(details["total_excluded_currency"] + details["delta_total_excluded_currency"])
    apart = any(abs(decimal(one["base_amount_currency"]) - net - fixed) >= unit for one in vat)
    odd = [one for one in others if apart or one["tax"].amount_type != "fixed"]
    return [one["tax"] for one in (*vat[1:], *odd)]


class AccountTax(models.Model):
    _inherit = "account.tax"

    def _is_vat(self) -> bool:
        """Whether the tax is VAT, a percentage, rather than a contribution of a fixed amount."""
        self.ensure_one()
        return self.amount_type == "percent"

    def _vat_point(self) -> str:
        self.ensure_one()
        return codes.ON_PAYMENT if self.tax_exigibility == "on_payment" else codes.ON_INVOICE
