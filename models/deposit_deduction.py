from dataclasses import replace
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import format_date

from ..einvoice import codes
from ..einvoice.model import PrecedingInvoice
from ..engine.deduction import Sum, deductions
from .einvoice_document import decimal

FINAL, NORMAL = "4", "1"  # figures of the billing framework (BT-23)


class AccountMoveLineDeposit(models.Model):
    _inherit = "account.move.line"

    service_deposit_id = fields.Many2one(
        "multiservice.deposit",
        string="Deposit",
        copy=False,
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        help="The deposit that this line asks for, or credits.",
    )
    service_deducted_id = fields.Many2one(
        "multiservice.deposit",
        string="Deducted Deposit",
        copy=False,
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        help="The deposit of which this line deducts some, gives some back, or returns some to the customer.",
    )

    def _copy_data_extend_business_fields(self, values):
        """A credit note credits the deposit, or gives back what was deducted; a plain duplicate does neither."""
        result = super()._copy_data_extend_business_fields(values)
        if self.service_deposit_id or self.service_deducted_id:
            values |= {
                "service_deposit_id": self.service_deposit_id.id,
                "service_deducted_id": self.service_deducted_id.id,
                "service_origin_line_id": False,  # no service of the ledger
            }
        return result

    def _deposit_rate(self) -> float:
        """The rate of VAT of a line, 0 without."""
        self.ensure_one()
        return sum(
            self.tax_ids.flatten_taxes_hierarchy().filtered(lambda t: t.amount_type == "percent").mapped("amount")
        )

    def _deposit_sum(self) -> Sum:
        """What the line adds to what is left of its deposit (less, where negative), in the document's currency."""
        self.ensure_one()
        sign = -1 if self.move_id.move_type == "out_refund" else 1
        return Sum(-decimal(self.amount_currency), decimal(self.currency_id.round(sign * self._tax_amount())))

    def _tax_amount(self) -> float:
        return self.price_total - self.price_subtotal if self.move_id.is_invoice() else 0.0

    def _prepare_deposit_part(self, part: Sum, quantity: int, taxes=None) -> dict:
        """Values of a line for that much of the deposit that this line asks for, at exactly that tax. `quantity`: 1 to
        credit it, −1 to deduct it. `taxes`: in the place of the deposit's own, at the same rate.
        """
        AccountTax, move = self.env["account.tax"], self.move_id
        taxes = taxes or self.tax_ids
        included = taxes.flatten_taxes_hierarchy()[:1].price_include
        rate = move.invoice_currency_rate or 1.0
        manual = {}
        for tax in taxes.flatten_taxes_hierarchy().filtered(lambda tax: tax.amount_type == "percent"):
            amounts = {"tax_amount": part.tax if tax.amount else Decimal(0), "base_amount": part.net}
            manual[str(tax.id)] = {
                **{f"{name}_currency": float(quantity * amount) for name, amount in amounts.items()},
                **{name: self._in_company_currency(quantity * amount, rate) for name, amount in amounts.items()},
            }
        base_line = AccountTax._prepare_base_line_for_taxes_computation(
            {},
            price_unit=float(part.gross if included else part.net),
            quantity=float(quantity),
            tax_ids=taxes,
            currency_id=self.currency_id,
            rate=rate,
            computation_key=f"deposit,{self.service_deposit_id.id},{self._deposit_rate():g}",
            manual_total_excluded_currency=float(quantity * part.net),
            manual_total_excluded=self._in_company_currency(quantity * part.net, rate),
            manual_tax_amounts=manual,
        )
        return {
            "display_type": "product",
            "quantity": base_line["quantity"],
            "price_unit": base_line["price_unit"],
            "tax_ids": [Command.set(taxes.ids)],
            "account_id": self.account_id.id,
            "extra_tax_data": AccountTax._export_base_line_extra_tax_data(base_line),
            "service_contract_id": self.service_deposit_id.contract_id.id,
        }

    def _in_company_currency(self, amount: Decimal, rate: float) -> float:
        return self.company_currency_id.round(float(amount) / rate)


class AccountMoveDeposit(models.Model):
    """Invoices of deposits, and final invoices that deduct them."""

    _inherit = "account.move"

    service_deducts = fields.Boolean(
        string="Deducts a Deposit", compute="_compute_service_deducts", help="Final invoice after a deposit."
    )
    service_has_open_deposit = fields.Boolean(compute="_compute_service_has_open_deposit", compute_sudo=True)

    @api.depends("invoice_line_ids.service_deducted_id")
    def _compute_service_deducts(self):
        for move in self:
            move.service_deducts = move.move_type == "out_invoice" and bool(move.invoice_line_ids.service_deducted_id)

    @api.depends("partner_id", "state", "move_type")
    def _compute_service_has_open_deposit(self):
        """Whether something of a deposit of the customer can be deducted from the draft."""
        drafts = self.filtered(lambda move: move.state == "draft" and move.move_type == "out_invoice")
        open_deposits = self.env["multiservice.deposit"].search(drafts._open_deposits_domain()) if drafts else None
        for move in self:
            move.service_has_open_deposit = bool(move in drafts and move._deposits_among(open_deposits))

    def _is_deposit(self) -> bool:
        """An invoice that asks for a deposit, or a credit note that gives one back."""
        self.ensure_one()
        return self.is_invoice() and bool(self.invoice_line_ids.service_deposit_id)

    def _is_deposit_paid(self) -> bool:
        if self.is_invoice():
            return self.payment_state in ("paid", "in_payment")
        owed = self.line_ids.filtered(lambda line: line.account_type == "asset_receivable")
        return all(owed.mapped("reconciled"))

    def _open_deposits_domain(self) -> list:
        return [
            ("kind", "=", "deposit"),
            ("state", "=", "open"),
            ("company_id", "in", self.company_id.ids),
            ("partner_id", "in", self.commercial_partner_id.ids),
        ]

    def _deposits_among(self, deposits):
        """Those of `deposits` that the invoice may deduct some of."""
        self.ensure_one()
        if self._is_deposit():
            return deposits.browse()
        return deposits.filtered(
            lambda deposit: (
                deposit.company_id == self.company_id
                and deposit.partner_id == self.commercial_partner_id
                and deposit.currency_id == self.currency_id
                and (not deposit.contract_id or deposit.contract_id in self.service_contract_ids)
            )
        )

    def _deduct_deposits(self) -> None:
        """Deduct from draft invoices the deposits that are to be deducted by themselves, oldest first."""
        drafts = self.filtered(lambda move: move.move_type == "out_invoice" and move.state == "draft")
        Deposit = self.env["multiservice.deposit"]
        domain = [*drafts._open_deposits_domain(), ("deduction", "!=", "manual")]
        deposits = Deposit.search(domain, order="id") if drafts else Deposit
        for move in drafts if deposits else ():
            for deposit in move._deposits_among(deposits):
                parts = move._deductible(deposit, deposit._wanted(deposit._left()[deposit.id]))
                if parts:
                    move._deduct(deposit, parts)

    def _deductible(self, deposit, wanted: Decimal | None = None) -> dict[float, Sum]:
        """By rate of VAT, what can be deducted of `deposit`: of `wanted`, tax included, or of all that is left."""
        self.ensure_one()
        return deductions(deposit._left()[deposit.id], self._room(deposit.contract_id), wanted, deposit._unit())

    def _deduct(self, deposit, parts: dict[float, Sum]) -> None:
        """Add lines that deduct these parts of `deposit`."""
        self.ensure_one()
        # Read by nothing: writing the deposit makes a second biller on a stale snapshot fail and plan again.
        deposit.last_move_id = self
        deposit.flush_recordset(["last_move_id"])
        sequence = max(self.invoice_line_ids.mapped("sequence"), default=0)
        self.invoice_line_ids = [
            Command.create(vals | {"sequence": sequence + number})
            for number, vals in enumerate(self._prepare_deductions(deposit, parts), start=1)
        ]

    def _prepare_deductions(self, deposit, parts) -> list[dict]:
        of_rate = {line._deposit_rate(): line for line in deposit._standing_lines()}
        return [
            of_rate[rate]._prepare_deposit_part(part, -1, self._taxes_at(rate, of_rate[rate].tax_ids))
            | {"name": self._deduction_label(of_rate[rate].move_id), "service_deducted_id": deposit.id}
            for rate, part in parts.items()
        ]

    def _deduction_label(self, invoice) -> str:
        move = self.with_context(lang=self.partner_id.lang or self.company_id._service_lang())
        return move.env._(
            "Deposit deducted: invoice %(number)s of %(date)s",
            number=invoice.name,
            date=format_date(move.env, invoice.invoice_date),
        )

    def _taxes_at(self, rate: float, preferred):
        """The invoice's own taxes at that rate: what is deducted falls due with what it is deducted from."""
        sold = self._lines_to_deduct_from().filtered(lambda line: line._deposit_rate() == rate)
        own = [line.tax_ids for line in sold]
        return preferred if preferred in own or not own else own[0]

    def _lines_to_deduct_from(self, contract=None):
        lines = self.invoice_line_ids.filtered(
            lambda line: line.display_type == "product" and not line.service_deducted_id
        )
        return lines.filtered(lambda line: line.service_contract_id == contract) if contract else lines

    def _room(self, contract) -> dict[float, Sum]:
        """By rate of VAT, how much the invoice can deduct without falling below zero: of `contract`, if given."""
        whole = self._sums_by_rate(self.invoice_line_ids)
        if not contract:
            return whole
        own = self._sums_by_rate(self._lines_to_deduct_from(contract))
        return {
            rate: Sum(min(one.net, whole[rate].net), min(one.tax, whole[rate].tax))
            for rate, one in own.items()
            if rate in whole
        }

    def _sums_by_rate(self, lines) -> dict[float, Sum]:
        """Net and VAT of some of the invoice's lines, from core's tax engine."""
        base_lines, _tax_lines = self._get_rounded_base_and_tax_lines()
        sums: dict[float, Sum] = {}
        for base_line in base_lines:
            if base_line["record"] not in lines:
                continue
            details, rate = base_line["tax_details"], base_line["record"]._deposit_rate()
            net = decimal(details["total_excluded_currency"] + details["delta_total_excluded_currency"])
            tax = sum((decimal(one["tax_amount_currency"]) for one in details["taxes_data"]), Decimal(0))
            known = sums.get(rate, Sum(Decimal(0), Decimal(0)))
            sums[rate] = Sum(known.net + net, known.tax + tax)
        unit = decimal(self.currency_id.rounding)
        return {rate: Sum(one.net.quantize(unit), one.tax.quantize(unit)) for rate, one in sums.items()}

    def _post(self, soft=True):
        posted = super()._post(soft)
        posted._check_deposits_left()
        return posted

    def _check_draftable(self):
        asking = self.filtered(lambda move: move.state == "posted" and move._is_deposit())
        for deposit in asking.invoice_line_ids.service_deposit_id:
            deposit._check_not_deducted()
        return super()._check_draftable()

    def _check_deposits_left(self) -> None:
        """No more is deducted or credited of a deposit than was invoiced. Raises UserError."""
        deposits = self.line_ids.service_deposit_id | self.line_ids.service_deducted_id
        left = deposits._left()
        for deposit in deposits:
            if any(one.net < 0 for one in left[deposit.id].values()):
                raise UserError(
                    self.env._("More would be taken of deposit %s than is left of it.", deposit.sudo().display_name)
                )

    # What electronic invoices say of deposits

    @api.depends("invoice_line_ids.service_deducted_id")
    def _compute_einvoice_framework(self):
        """Figure 4, final after a deposit, while the invoice deducts one."""
        result = super()._compute_einvoice_framework()
        for move in self.filtered("einvoice_framework"):
            letter, figure = move.einvoice_framework
            if move.service_deducts and figure == NORMAL:
                move.einvoice_framework = f"{letter}{FINAL}"
            elif not move.service_deducts and figure == FINAL:
                move.einvoice_framework = f"{letter}{NORMAL}"
        return result

    def _on_debits(self) -> bool:
        """VAT on a deposit falls due when it is paid, whatever was opted for (CGI art. 269, 2-a and c)."""
        return super()._on_debits() and not self._is_deposit()

    def _einvoice_type(self) -> str:
        if self._is_deposit():
            return codes.DEPOSIT_CREDIT_NOTE if self.move_type == "out_refund" else codes.DEPOSIT
        return super()._einvoice_type()

    def _einvoice_preceding(self) -> tuple[PrecedingInvoice, ...]:
        preceding = super()._einvoice_preceding()
        if self._is_deposit():
            return tuple(replace(known, type_code=codes.DEPOSIT) for known in preceding)
        return preceding + tuple(
            PrecedingInvoice(invoice.name, invoice.invoice_date, codes.DEPOSIT) for invoice in self._deducted_invoices()
        )

    def _deducted_invoices(self):
        """The posted invoices of the deposits that this invoice deducts."""
        if not self.service_deducts:
            return self.browse()
        # sudo: whoever may print the invoice may name what it deducts
        deposits = self.invoice_line_ids.service_deducted_id.sudo()
        asked = self.env["account.move.line"].sudo().union(*(deposit._standing_lines() for deposit in deposits))
        return asked.move_id.sorted(lambda move: (move.invoice_date, move.name))

    def _einvoice_subject(self) -> str:
        if self._is_deposit() and self.move_type == "out_invoice":
            return self.env._("Deposit invoice %s", self.name)
        return super()._einvoice_subject()
