from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from odoo import api, fields, models
from odoo.tools import html2plaintext

from ..einvoice import codes
from ..einvoice.finding import Context
from ..einvoice.model import (
    AllowanceCharge,
    Invoice,
    Line,
    Note,
    Party,
    Payment,
    Period,
    PrecedingInvoice,
    Totals,
)

FRAMEWORKS = [
    ("S1", "S1 – Services"),
    ("B1", "B1 – Goods"),
    ("M1", "M1 – Goods and services"),
    ("S2", "S2 – Services, paid already"),
    ("B2", "B2 – Goods, paid already"),
    ("M2", "M2 – Goods and services, paid already"),
    ("S4", "S4 – Services, final invoice after a deposit"),
    ("B4", "B4 – Goods, final invoice after a deposit"),
    ("M4", "M4 – Goods and services, final invoice after a deposit"),
    ("S3", "S3 – Subcontractor's request for direct payment"),
    ("S5", "S5 – Subcontractor"),
    ("S6", "S6 – Co-contractor"),
    ("S7", "S7 – Services, VAT reported already"),
    ("B7", "B7 – Goods, VAT reported already"),
]
EURO = "EUR"
PRICE_UNIT = Decimal("0.000001")  # prices have at most six decimals (BR-FR-DEC-03)
QUANTITY_UNIT = Decimal("0.0001")  # quantities at most four (BR-FR-DEC-02)


def decimal(number: float, unit: Decimal | None = None) -> Decimal:
    """A float of Odoo as the decimal number that it stands for, rounded to a multiple of `unit`."""
    exact = Decimal(str(number))
    return exact.quantize(unit, rounding=ROUND_HALF_UP) if unit else exact


def _is_document_discount(base_line) -> bool:
    """Whether the line is a discount on the whole document, as core's "Discount" makes it, rather than a service."""
    return (base_line["computation_key"] or "").startswith("global_discount") and base_line["price_unit"] < 0


def contributions(base_line) -> list:
    """Of the taxes of a line those that are a charge of their own in EN 16931 (BG-28), such as an eco-contribution."""
    return [one for one in base_line["tax_details"]["taxes_data"] if not one["tax"]._is_vat()]


def _is_community_supply(vat) -> bool:
    """Whether goods are sent to another member state of the European Union."""
    return any(one.category == "K" for one in vat)


class EinvoiceDocument(models.Model):
    """A customer invoice as the semantic model of EN 16931. Reads only; what is missing is said by the checks."""

    _inherit = "account.move"

    einvoice_framework = fields.Selection(
        FRAMEWORKS,
        string="Billing Framework",
        compute="_compute_einvoice_framework",
        store=True,
        readonly=False,
        copy=False,
        help="What kind of transaction the invoice is, for the French reform (EN 16931 BT-23): goods or services from "
        "what its lines sell.",
    )

    @api.depends(
        "invoice_line_ids.product_id", "invoice_line_ids.price_subtotal", "move_type", "company_id.service_einvoice"
    )
    def _compute_einvoice_framework(self):
        for move in self:
            if not move._is_french_einvoice():
                move.einvoice_framework = False
            else:
                move.einvoice_framework = move._framework((move.einvoice_framework or "S1")[1])

    def _framework(self, figure: str) -> str:
        """The framework of that figure for what is sold; as it is, where only some natures go with the figure."""
        proposed = f"{self._operation_nature()}{figure}"
        return proposed if proposed in dict(FRAMEWORKS) else self.einvoice_framework

    def _is_french_einvoice(self) -> bool:
        """Whether this module makes the invoice's Factur-X: a sale of a French company that wants it so."""
        self.ensure_one()
        return self.company_id.service_einvoice and self.move_type in ("out_invoice", "out_refund")

    def _to_einvoice(self) -> Invoice:
        self.ensure_one()
        # sudo: who may see or post the invoice need not be allowed to read the contracts and sites that it is for
        move = self.sudo().with_context(lang=self.partner_id.lang or self.env.lang)
        base_lines, _tax_lines = move._get_rounded_base_and_tax_lines()
        vat = move._to_vat(base_lines)
        allowances = tuple(one["record"]._to_allowance(one) for one in base_lines if _is_document_discount(one))
        lines = move._to_lines([one for one in base_lines if not _is_document_discount(one)])
        sites = move.invoice_line_ids.service_site_id
        seller, buyer = move._einvoice_parties(vat)
        return Invoice(
            number=move.name or "",
            issue_date=move.invoice_date or move.company_id._service_today(),
            type_code=move._einvoice_type(),
            framework=move.einvoice_framework or "",
            seller=seller,
            buyer=buyer,
            lines=lines,
            vat=vat,
            totals=move._to_totals(lines, allowances, vat),
            currency=move.currency_id.name,
            accounting_currency=EURO if move.currency_id.name != EURO else "",
            vat_point=move._einvoice_vat_point(),
            due_date=move._einvoice_due_date(),
            payment_terms=move.invoice_payment_term_id.name or "",
            buyer_reference=move.service_buyer_reference or move._reference_of_chorus("buyer_reference"),
            contract=move._einvoice_contract(),
            order=move._einvoice_order(),
            objects=sites._invoiced_objects() if len(sites) == 1 else (),
            notes=move._einvoice_notes(),
            preceding=move._einvoice_preceding(),
            payee=move._einvoice_payee(),
            payer=move._einvoice_payer(),
            site=move._einvoice_site(sites, vat),
            delivery_date=move._einvoice_delivery_date(vat),
            period=Period(move.service_period_start, move.service_period_end) if move.service_period_start else None,
            payment=move._to_payment(),
            allowances=allowances,
        )

    def _note_paid(self) -> None:
        """An invoice that was paid before its document is made says so (framework 2 in the place of 1)."""
        self.ensure_one()
        letter, figure = self.einvoice_framework or "S0"
        paid = self.payment_state in ("paid", "in_payment") and self.amount_total
        if figure == "1" and self.move_type == "out_invoice" and paid:
            self.einvoice_framework = f"{letter}2"

    def _einvoice_due_date(self) -> date | None:
        """BT-9; the day of the last payment for an invoice that was paid before (BR-FR-CO-09)."""
        if self.einvoice_framework in codes.PAID_FRAMEWORKS:
            owed = self.line_ids.filtered(lambda line: line.account_type == "asset_receivable")
            days = (owed.matched_credit_ids | owed.matched_debit_ids).mapped("max_date")
            return max(days, default=None) or self.invoice_date_due or None
        return self.invoice_date_due or None

    def _einvoice_type(self) -> str:
        """BT-3. What credits no invoice, such as a contract whose discount is more than its price, is global."""
        if self.move_type != "out_refund":
            return codes.INVOICE
        return codes.CREDIT_NOTE if self._einvoice_preceding() else codes.GLOBAL_CREDIT_NOTE

    def _einvoice_parties(self, vat) -> tuple[Party, Party]:
        """Seller and buyer, without the VAT numbers that what is outside VAT must not bear (BR-O-02)."""
        seller, buyer = self._einvoice_seller(), self._einvoice_buyer()
        if not buyer.electronic_address and self.partner_id._einvoice_routing() in (codes.B2C, codes.B2C_ABROAD):
            # Who has no e-mail is sent paper, but the rules ask for an address (BR-FR-12): ours, where it returns to.
            buyer = replace(
                buyer, electronic_address=seller.electronic_address, electronic_scheme=seller.electronic_scheme
            )
        if {one.category for one in vat} != {"O"}:
            return seller, buyer
        return replace(seller, vat_number="", tax_id=seller.siren), replace(buyer, vat_number="")

    def _einvoice_seller(self):
        return self.company_id._to_seller(self.invoice_user_id.partner_id)

    def _einvoice_buyer(self):
        return self.partner_id._to_buyer()

    def _einvoice_order(self) -> str:
        """BT-13: the buyer's own order number. What is typed as “Customer Reference” is one, on an invoice: on a credit
        note core writes there what it reverses.
        """
        order = self.service_order_reference or self._reference_of_chorus("purchase_order_reference")
        return order or (self.move_type == "out_invoice" and self.ref) or ""

    def _einvoice_contract(self) -> str:
        """BT-12: the market or framework contract where the buyer named one, else the number of our only contract. Of
        several each line names its own; a global credit note must name them all here (BR-FR-CO-03).
        """
        market = self.service_market_reference or self._reference_of_chorus("contract_reference")
        numbers = sorted(self.service_contract_ids.mapped("name"))
        if market or len(numbers) == 1 or self._einvoice_type() == codes.GLOBAL_CREDIT_NOTE:
            return market or ", ".join(numbers)
        return ""

    def _einvoice_payer(self) -> Party | None:
        """EXT-FR-FE-BG-02: who pays in the buyer's place."""
        return None

    def _einvoice_payee(self) -> Party | None:
        """BG-10: who is paid in the seller's place, a factor, by the holder of the account on the invoice."""
        holder = self.partner_bank_id.partner_id.commercial_partner_id
        own = self.move_type == "out_refund" or self._is_direct_debit()
        if own or not holder or holder == self.company_id.partner_id:
            return None
        return Party(name=holder.name or "", legal_id=holder.siren or "")

    def _einvoice_site(self, sites, vat):
        """BG-13, where all is rendered or delivered at one place that is not the buyer's own address. Goods sent to
        another member state always name it (BR-IC-12).
        """
        if sites:
            return sites._to_delivery_site() if len(sites) == 1 else None
        delivered = self.partner_shipping_id
        elsewhere = delivered and delivered._to_address() != self.partner_id._to_address()
        if _is_community_supply(vat):
            return (delivered or self.partner_id)._to_delivery_site()
        complete = delivered.street and delivered.zip and delivered.city and delivered.country_id
        return delivered._to_delivery_site() if elsewhere and complete else None

    def _einvoice_delivery_date(self, vat) -> date | None:
        """BT-72, where it was entered; goods sent to another member state always have one, or a period (BR-IC-11)."""
        if self.delivery_date or not _is_community_supply(vat) or self.service_period_start:
            return self.delivery_date or None
        return self._legal_date()

    def _einvoice_preceding(self) -> tuple[PrecedingInvoice, ...]:
        """BG-3: the invoices that a credit note corrects."""
        return tuple(PrecedingInvoice(move.name, move.invoice_date) for move in self._service_credited())

    def _einvoice_notes(self) -> tuple[Note, ...]:
        """BG-1: the mentions that the law asks for, and who is at the other end (BAR) as it was on posting."""
        kept = self.einvoice_routing if self.state == "posted" else None
        remarks = html2plaintext(self.narration or "").strip()
        return (
            *self._einvoice_mentions(),
            *((Note(codes.REMARKS, remarks),) if remarks else ()),
            Note(codes.ROUTING, kept or self.partner_id._einvoice_routing()),
        )

    def _einvoice_mentions(self) -> tuple[Note, ...]:
        mentions = self.env["multiservice.legal.mention"]._notes_for_move(self)
        return tuple(Note(subject, text) for subject, text in mentions)

    def _to_lines(self, base_lines) -> tuple[Line, ...]:
        several_sites = len(self.invoice_line_ids.service_site_id) > 1
        return tuple(
            base_line["record"]._to_einvoice_line(str(number), base_line, several_sites)
            for number, base_line in enumerate(base_lines, start=1)
        )

    def _to_totals(self, lines, allowances, vat) -> Totals:
        unit = decimal(self.currency_id.rounding)
        gross = decimal(abs(self.amount_total), unit)
        due = decimal(abs(self.amount_residual) if self.state == "posted" else abs(self.amount_total), unit)
        tax = sum((one.amount for one in vat), Decimal(0))
        in_euro = None
        if self.currency_id.name != EURO:
            in_euro = decimal(
                abs(sum(self._vat_lines().mapped("balance"))), decimal(self.company_id.currency_id.rounding)
            )
        return Totals(
            lines=sum((line.amount for line in lines), Decimal(0)),
            net=sum((one.base for one in vat), Decimal(0)),
            vat=tax,
            gross=gross,
            due=due,
            allowances=sum((one.amount for one in allowances), Decimal(0)),
            paid=gross - due,
            vat_accounting=in_euro,
        )

    def _to_payment(self) -> Payment | None:
        """BG-16: a transfer to the bank account printed on the invoice; nothing without one (BR-61)."""
        bank = self.partner_bank_id
        if self.move_type == "out_refund" or not bank:
            return None
        return Payment(
            means_code=codes.SEPA_TRANSFER if self.currency_id.name == EURO else codes.TRANSFER,
            means_text=self.env._("Bank transfer"),
            remittance=self.payment_reference or self.name or "",
            iban=bank.sanitized_acc_number or "",
            account_name=bank.acc_holder_name or bank.partner_id.name or "",
            bic=bank.bank_bic or "",
        )

    def _to_einvoice_context(self) -> Context:
        """What the accounts say of the same invoice, which must agree with it."""
        self.ensure_one()
        unit = decimal(self.currency_id.rounding)
        customer = self.commercial_partner_id
        # sudo: as above. A payer asks for its own references, whatever the customer's contract does
        debtors = customer.sudo() if self.service_beneficiary_ids else self.service_contract_ids.sudo()
        return Context(
            gross=decimal(abs(self.amount_total), unit),
            vat=decimal(abs(sum(self._vat_lines().mapped("amount_currency"))), unit),
            due=decimal(abs(self.amount_residual), unit) if self.state == "posted" else None,
            vat_points=frozenset(self._vat_points()) or None,
            issued=frozenset(move.name for move in self._service_credited() if move.state == "posted" and move.name)
            if self.move_type == "out_refund"
            else None,
            public_buyer=customer.legal_category == "public_body",
            needs_service_code=any(debtors.mapped("buyer_reference_required")),
            needs_order=any(debtors.mapped("order_reference_required")),
            unit=unit,
            odd_taxes=self._odd_taxes(),
        )


class EinvoiceLine(models.Model):
    _inherit = "account.move.line"

    def _to_einvoice_line(self, number: str, base_line, several_sites: bool) -> Line:
        """BG-25. `several_sites`: the invoice is for more than one, so that each line names its own (EXTENDED)."""
        self.ensure_one()
        move, unit = self.move_id, decimal(self.currency_id.rounding)
        details = base_line["tax_details"]
        amount = decimal(details["total_excluded_currency"] + details["delta_total_excluded_currency"], unit)
        quantity, price, note = self._priced(amount)
        charges = self._to_contributions(base_line)
        vat = move._vat_of(self._vat_tax(), self.product_id)
        title, _newline, rest = (self.name or "").partition("\n")
        site = several_sites and self.service_site_id
        notes = [note] if note else []
        if move.service_contract_count > 1 and self.service_contract_id:
            notes.append(self.env._("Contract: %s", self.service_contract_id.name))
        return Line(
            id=number,
            name=title or self.product_id.name or "",
            description=rest.strip(),
            note="; ".join(notes),
            quantity=quantity,
            price=price,
            amount=amount + sum((one.amount if one.charge else -one.amount for one in charges), Decimal(0)),
            allowances=charges,
            vat_category=vat["category"],
            vat_rate=vat["rate"],
            unit=self.product_uom_id._einvoice_unit(),
            seller_item=self.product_id.default_code or "",
            period=Period(self.service_start, self.service_end) if self.service_start and self.service_end else None,
            site=site._to_delivery_site() if site else None,
            objects=site._invoiced_objects() if site else (),
        )

    def _to_contributions(self, base_line) -> tuple[AllowanceCharge, ...]:
        """BG-28: taxes of a fixed amount in the VAT base; BG-27 where they are given back."""
        unit = decimal(self.currency_id.rounding)
        made = []
        for one in contributions(base_line):
            amount = decimal(one["tax_amount_currency"], unit)
            charge = amount >= 0
            code = codes.CONTRIBUTION if charge else ""
            made.append(AllowanceCharge(abs(amount), reason=one["tax"].name, reason_code=code, charge=charge))
        return tuple(made)

    def _to_allowance(self, base_line) -> AllowanceCharge:
        """BG-20."""
        details = base_line["tax_details"]
        amount = details["total_excluded_currency"] + details["delta_total_excluded_currency"]
        vat = self.move_id._vat_of(self._vat_tax(), self.product_id)
        return AllowanceCharge(
            amount=-decimal(amount, decimal(self.currency_id.rounding)),
            reason=self.name or "",
            reason_code=codes.DISCOUNT,
            vat_category=vat["category"],
            vat_rate=vat["rate"],
        )

    def _vat_tax(self):
        """The VAT among the line's taxes: the one that is a percentage."""
        return self.tax_ids.flatten_taxes_hierarchy().filtered(lambda tax: tax._is_vat())[:1]

    def _priced(self, amount: Decimal) -> tuple[Decimal, Decimal, str]:
        """Quantity and net unit price that make `amount`, the price never negative; and a note where that took one
        unit at the whole amount.
        """
        quantity = decimal(self.quantity, QUANTITY_UNIT)
        unit = decimal(self.currency_id.rounding)
        if quantity:
            price = (amount / quantity).quantize(PRICE_UNIT, rounding=ROUND_HALF_UP)
            exact = decimal(self.price_unit * (1 - self.discount / 100), PRICE_UNIT)
            for candidate in (abs(exact), abs(price)):
                sign = -1 if (amount < 0) != (quantity < 0) else 1
                if (sign * quantity * candidate).quantize(unit, rounding=ROUND_HALF_UP) == amount:
                    return sign * quantity, candidate, ""
        note = self.env._("Quantity: %s", decimal(self.quantity).normalize()) if quantity else ""
        return Decimal(1) if amount >= 0 else Decimal(-1), abs(amount), note
