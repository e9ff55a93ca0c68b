from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command, Domain

from ..engine.deduction import Sum, share

KINDS = [("deposit", "Deposit"), ("guarantee", "Guarantee deposit")]
AMOUNT_TYPES = [
    ("fixed", "An amount"),
    ("period", "Per cent of one billing period"),
    ("year", "Per cent of a year"),
]
DEDUCTIONS = [
    ("next", "Whole, on the next invoices"),
    ("share", "In equal parts, on several invoices"),
    ("manual", "By hand"),
]
STATES = [
    ("draft", "Draft"),
    ("open", "Requested"),
    ("done", "Deducted or returned"),
    ("refunded", "Credited"),
]
PERIODS_PER_YEAR = {"day": 365, "week": 52, "month": 12, "quarter": 4, "half_year": 2, "year": 1}
AMOUNTS_OF_LINES = [
    f"{lines}.{name}" for lines in ("line_ids", "deduction_line_ids") for name in ("parent_state", "amount_currency")
]
ZERO = Sum(Decimal(0), Decimal(0))


class Deposit(models.Model):
    """Money asked of a customer in advance: a deposit on what it will be invoiced, or a guarantee to be returned.

    A deposit has its own invoice with VAT, due when paid whatever the company opted for (CGI art. 269, 2-a and c), and
    is deducted from later invoices. What is left of it is always asked of the accounts: what its invoices hold, less
    what the lines that deduct or credit it take, drafts included.
    """

    _name = "multiservice.deposit"
    _description = "Deposit"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _check_company_auto = True
    _rec_names_search = ["name", "partner_id.name", "contract_id.name"]

    _name_uniq = models.Constraint("UNIQUE(name, company_id)", "A deposit with this number exists already.")

    name = fields.Char(string="Number", default="/", required=True, copy=False, readonly=True)
    kind = fields.Selection(KINDS, required=True, default="deposit", tracking=True)
    company_id = fields.Many2one(
        "res.company",
        compute="_compute_company_id",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        index=True,
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        compute="_compute_partner_id",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        index=True,
        check_company=True,
        domain="[('is_service_site', '=', False), '|', ('parent_id', '=', False), ('is_company', '=', True)]",
        ondelete="restrict",
        tracking=True,
    )
    contract_id = fields.Many2one(
        "multiservice.contract",
        index="btree_not_null",
        check_company=True,
        ondelete="restrict",
        tracking=True,
        help="Deducted from this contract's services only. Empty: from any service of the customer.",
    )
    currency_id = fields.Many2one(
        "res.currency", compute="_compute_currency_id", store=True, readonly=False, precompute=True, required=True
    )
    amount_type = fields.Selection(AMOUNT_TYPES, string="Amount Is", required=True, default="fixed")
    percentage = fields.Float(string="Per Cent", digits=(16, 2), default=30.0)
    amount = fields.Monetary(
        compute="_compute_amount",
        store=True,
        readonly=False,
        tracking=True,
        help="What the customer pays: VAT included for a deposit. A guarantee deposit bears no VAT.",
    )
    tax_ids = fields.Many2many(
        "account.tax",
        string="Taxes",
        compute="_compute_tax_ids",
        store=True,
        readonly=False,
        check_company=True,
        domain="[('type_tax_use', '=', 'sale')]",
        help="Without a contract, whose lines have taxes of their own.",
    )
    payment_term_id = fields.Many2one(
        "account.payment.term", string="Payment Terms", check_company=True, help="Empty: to be paid at once."
    )
    deduction = fields.Selection(DEDUCTIONS, required=True, default="next", tracking=True)
    deduction_count = fields.Integer(string="Number of Invoices", default=12)
    line_ids = fields.One2many("account.move.line", "service_deposit_id", string="Invoiced and Credited")
    deduction_line_ids = fields.One2many("account.move.line", "service_deducted_id", string="Deducted and Returned")
    state = fields.Selection(
        STATES,
        string="Status",
        compute="_compute_state",
        compute_sudo=True,  # an accountant who posts an invoice may not be allowed to read deposits
        store=True,
        tracking=True,
    )
    amount_left = fields.Monetary(
        string="Left", compute="_compute_amount_left", help="Neither deducted, credited nor returned yet; with VAT."
    )
    is_paid = fields.Boolean(string="Paid", compute="_compute_is_paid")
    move_count = fields.Integer(compute="_compute_move_count")
    last_move_id = fields.Many2one(
        "account.move",
        string="Last Deducted On",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
    )

    @api.depends("contract_id")
    def _compute_company_id(self):
        for deposit in self:
            deposit.company_id = deposit.contract_id.company_id or deposit.company_id or self.env.company

    @api.depends("contract_id")
    def _compute_partner_id(self):
        for deposit in self:
            deposit.partner_id = deposit.contract_id.partner_id or deposit.partner_id

    @api.depends("contract_id", "company_id")
    def _compute_currency_id(self):
        for deposit in self:
            deposit.currency_id = deposit.contract_id.currency_id or deposit.company_id.currency_id

    @api.depends("contract_id", "kind", "amount_type", "percentage")
    def _compute_amount(self):
        for deposit in self:
            if deposit.amount_type != "fixed" and deposit.contract_id and deposit.state in (False, "draft"):
                total = deposit._amount_of_contract()
                deposit.amount = deposit.currency_id.round(total * deposit.percentage / 100)
            else:
                deposit.amount = deposit.amount

    @api.depends("contract_id", "kind", "company_id")
    def _compute_tax_ids(self):
        for deposit in self:
            if deposit.kind == "guarantee" or deposit.contract_id:
                deposit.tax_ids = False
            else:
                deposit.tax_ids = deposit.tax_ids or deposit.company_id.account_sale_tax_id

    @api.depends(*AMOUNTS_OF_LINES)
    def _compute_state(self):
        left = self._left()
        for deposit in self:
            deposit.state = deposit._state_by_lines(left[deposit._origin.id])

    def _state_by_lines(self, left) -> str:
        held = self.line_ids.filtered(lambda line: line.parent_state in ("draft", "posted"))
        asked = held.filtered(lambda line: line.move_id.move_type != "out_refund")
        if not asked:
            return "draft"
        if "draft" in asked.mapped("parent_state") or any(one.net for one in left.values()):
            return "open"
        taken = self.deduction_line_ids.filtered(lambda line: line.parent_state in ("draft", "posted"))
        return "done" if sum(taken.mapped("amount_currency")) else "refunded"

    @api.depends(*AMOUNTS_OF_LINES)
    def _compute_amount_left(self):
        left = self._left()
        for deposit in self:
            deposit.amount_left = float(sum((one.gross for one in left[deposit._origin.id].values()), Decimal(0)))

    @api.depends("line_ids.move_id.payment_state")
    def _compute_is_paid(self):
        for deposit in self:
            posted = deposit.line_ids.filtered(lambda line: line.parent_state == "posted").move_id
            asked = posted.filtered(lambda move: move.move_type != "out_refund")
            deposit.is_paid = bool(asked) and all(move._is_deposit_paid() for move in asked)

    @api.depends("line_ids", "deduction_line_ids")
    def _compute_move_count(self):
        for deposit in self:
            deposit.move_count = len(deposit.line_ids.move_id | deposit.deduction_line_ids.move_id)

    @api.constrains("partner_id", "contract_id")
    def _check_parties(self):
        for deposit in self:
            customer = deposit.partner_id
            if customer != customer.commercial_partner_id or customer.is_service_site:
                raise ValidationError(
                    self.env._(
                        "%(partner)s is a contact or a site: the deposit is owed by %(customer)s.",
                        partner=customer.display_name,
                        customer=customer.commercial_partner_id.display_name,
                    )
                )
            if deposit.contract_id and deposit.contract_id.partner_id != customer:
                raise ValidationError(
                    self.env._(
                        "Contract %(contract)s is not one of %(customer)s.",
                        contract=deposit.contract_id.display_name,
                        customer=customer.display_name,
                    )
                )

    @api.constrains("amount_type", "percentage", "contract_id", "deduction", "deduction_count", "amount")
    def _check_amount(self):
        for deposit in self:
            if deposit.amount < 0:
                raise ValidationError(self.env._("A deposit cannot be negative."))
            if deposit.amount_type != "fixed" and not deposit.contract_id:
                raise ValidationError(self.env._("A percentage needs the contract that it is taken of."))
            if deposit.amount_type != "fixed" and deposit.percentage <= 0:
                raise ValidationError(self.env._("The percentage of a deposit must be above zero."))
            if deposit.deduction == "share" and deposit.deduction_count < 1:
                raise ValidationError(self.env._("Say on how many invoices the deposit is deducted."))

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if vals.get("name", "/") == "/":
                contract = self.env["multiservice.contract"].browse(vals.get("contract_id"))
                company = vals.get("company_id") or contract.company_id.id or self.env.company.id
                sequence = self.env["ir.sequence"].with_company(company)
                vals["name"] = sequence.next_by_code("multiservice.deposit")
        return super().create(vals_list)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_requested(self):
        if any(deposit.line_ids or deposit.deduction_line_ids for deposit in self):
            raise UserError(self.env._("A deposit that was requested can be credited, not deleted."))

    def action_request(self):
        """Ask the customer for the deposit: an invoice of its own, or for a guarantee an entry outside revenue."""
        self.check_access("write")
        for deposit in self:
            if deposit.state != "draft":
                raise UserError(self.env._("Deposit %s was requested already.", deposit.name))
            if deposit.currency_id.compare_amounts(deposit.amount, 0.0) <= 0:
                raise UserError(self.env._("Deposit %s has no amount.", deposit.name))
        guarantees = self.filtered(lambda deposit: deposit.kind == "guarantee")
        guarantees._request_guarantee()
        for deposit in self - guarantees:
            move = self.env["account.move"].create(deposit._prepare_invoice_vals())
            self.env["multiservice.billing.run"]._settle(move)
        return self.action_view_moves()

    def action_refund(self):
        """A draft credit note of what is left of the deposit (type 503), naming its invoice."""
        self.ensure_one()
        self.check_access("write")
        left = {rate: one for rate, one in self._left()[self.id].items() if one.net > 0}
        lines = self._standing_lines()
        if self.kind == "guarantee" or not left or not lines:
            raise UserError(self.env._("Nothing is left of deposit %s to be credited.", self.name))
        origin = lines.move_id[:1]
        note = self.env["account.move"].create(self._prepare_refund_vals(origin, left, lines))
        return note._get_records_action(name=self.env._("Credit note"))

    def action_view_moves(self):
        moves = self.line_ids.move_id | self.deduction_line_ids.move_id
        return moves._get_records_action(name=self.env._("Invoices and entries"))

    def _check_not_deducted(self) -> None:
        self.ensure_one()
        taken = self.deduction_line_ids.filtered(lambda line: line.parent_state in ("draft", "posted"))
        if self.currency_id.compare_amounts(sum(taken.mapped("amount_currency")), 0.0) > 0:
            raise UserError(
                self.env._(
                    "Deposit %(deposit)s is deducted by %(invoices)s: its invoice stays as it is.",
                    deposit=self.name,
                    invoices=", ".join(taken.move_id.mapped("display_name")),
                )
            )

    def _left(self) -> dict[int, dict]:
        """By id and rate of VAT, in its currency, what neither deduction, credit note nor return took of it.

        Counts what posted documents bring and what draft or posted ones take, so that nothing is taken twice.
        """
        left = defaultdict(lambda: defaultdict(lambda: ZERO))
        # sudo: what is left does not depend on which invoices the user may read
        for line in self.env["account.move.line"].sudo().search(self._lines_domain()):
            if line.parent_state == "posted" or line.amount_currency > 0:
                of_deposit = left[(line.service_deposit_id or line.service_deducted_id).id]
                known, one = of_deposit[line._deposit_rate()], line._deposit_sum()
                of_deposit[line._deposit_rate()] = Sum(known.net + one.net, known.tax + one.tax)
        return left

    def _standing_lines(self):
        """The lines that ask for the deposit on posted invoices not credited in full, latest first."""
        posted = self.line_ids.filtered(lambda line: line.parent_state == "posted")
        asked = defaultdict(float)
        for line in posted:
            asked[line.move_id.reversed_entry_id or line.move_id] -= line.amount_currency
        return posted.filtered(
            lambda line: line.amount_currency < 0 and line.currency_id.compare_amounts(asked[line.move_id], 0.0) > 0
        ).sorted("id", reverse=True)

    def _lines_domain(self) -> Domain:
        of_deposit = Domain("service_deposit_id", "in", self.ids) | Domain("service_deducted_id", "in", self.ids)
        return of_deposit & Domain("parent_state", "in", ("draft", "posted"))

    def _wanted(self, left) -> Decimal | None:
        """What the next invoice is to deduct by the deposit's own plan, tax included; None for all of it."""
        self.ensure_one()
        if self.deduction != "share":
            return None
        taken = defaultdict(float)
        for line in self.deduction_line_ids.filtered(lambda line: line.parent_state in ("draft", "posted")):
            taken[line.move_id.reversed_entry_id or line.move_id] += line.amount_currency
        used = sum(1 for amount in taken.values() if self.currency_id.compare_amounts(amount, 0.0) > 0)
        gross = sum((one.gross for one in left.values()), Decimal(0))
        return share(gross, self.deduction_count - used, self._unit())

    def _unit(self) -> Decimal:
        return Decimal(str(self.currency_id.rounding))

    def _prepare_invoice_vals(self) -> dict:
        self.ensure_one()
        terms = self._invoice_terms()
        posted = terms["service_posting_mode"] != "draft"
        journal = self.env["account.journal"].browse(terms["journal_id"])
        return terms | {
            "move_type": "out_invoice",
            "invoice_date": posted and journal._service_invoice_date(refund=False),
            "invoice_payment_term_id": self.payment_term_id.id,
            "invoice_origin": self.contract_id.name or self.name,
            "invoice_line_ids": [Command.create(vals) for vals in self._prepare_request_lines()],
        }

    def _invoice_terms(self) -> dict:
        """What the deposit's invoice has in common with others of its contract, or of its customer."""
        if self.contract_id:
            contract = self.contract_id
            return contract._agreement()._asdict() | {"invoice_user_id": contract.user_id.id}
        company, customer = self.company_id, self.partner_id.with_company(self.company_id)
        Journal = self.env["account.journal"]
        journal = Journal.search([*Journal._check_company_domain(company), ("type", "=", "sale")], limit=1)
        return {
            "company_id": company.id,
            "partner_id": customer.address_get(["invoice"])["invoice"],
            "journal_id": journal.id,
            "currency_id": self.currency_id.id,
            "service_posting_mode": company.service_posting_mode,
            "invoice_user_id": self.env.uid,
        }

    def _prepare_request_lines(self) -> list[dict]:
        """One line for each set of taxes, that add up to the amount asked for to the cent."""
        AccountTax = self.env["account.tax"]
        lines = AccountTax._prepare_down_payment_lines(
            self._base_lines(on_payment=True),
            self.company_id,
            "fixed",
            self.amount,
            computation_key=f"deposit,{self.id}",
        )
        total = sum(line["tax_details"]["total_included_currency"] for line in lines)
        if not lines or self.currency_id.compare_amounts(total, self.amount):
            raise UserError(
                self.env._("Contract %s costs nothing yet: a deposit has no VAT to go by.", self.contract_id.name)
            )
        account = self.company_id._deposit_account()
        return [
            {
                "display_type": "product",
                "name": self._request_label(),
                "quantity": line["quantity"],
                "price_unit": line["price_unit"],
                "tax_ids": [Command.set(line["tax_ids"].ids)],
                "account_id": account.id,
                "extra_tax_data": AccountTax._export_base_line_extra_tax_data(line),
                "service_deposit_id": self.id,
                "service_contract_id": self.contract_id.id,
            }
            for line in lines
        ]

    def _request_label(self) -> str:
        deposit = self.with_context(lang=self.partner_id.lang or self.company_id._service_lang())
        if self.contract_id:
            return deposit.env._("Deposit on contract %s", self.contract_id.name)
        return deposit.env._("Deposit on services to come")

    def _base_lines(self, on_payment: bool = False) -> list[dict]:
        """What the deposit is taken of, for core's tax engine; `on_payment`: with taxes that fall due when paid."""
        AccountTax = self.env["account.tax"]
        day = self.company_id._service_today()
        company_currency = self.company_id.currency_id
        rate = self.env["res.currency"]._get_conversion_rate(company_currency, self.currency_id, self.company_id, day)
        common = {"currency_id": self.currency_id, "rate": rate, "partner_id": self.partner_id}
        lines = [
            AccountTax._prepare_base_line_for_taxes_computation({}, **common, **values)
            for values in self._values_asked_for()
        ]
        if on_payment:
            for line in lines:
                line["tax_ids"] = line["tax_ids"]._on_payment()
        AccountTax._add_tax_details_in_base_lines(lines, self.company_id)
        AccountTax._round_base_lines_tax_details(lines, self.company_id)
        return lines

    def _values_asked_for(self) -> list[dict]:
        """Quantity, price and taxes of what the contract's lines in force cost, in one period or in a year. Without a
        contract any price will do: the amount is given.
        """
        if not self.contract_id:
            return [{"price_unit": 100.0, "quantity": 1.0, "tax_ids": self.tax_ids}]
        values = []
        for line in self.contract_id._lines_in_force().filtered(lambda line: not line.display_type):
            times = self._periods_per_year(line) if self.amount_type == "year" else 1
            simple = not line._pricing_in_words()
            quantity = line.quantity if simple and line.pricing != "flat" else 1.0
            values.append(
                {
                    "quantity": float(quantity * times),
                    "price_unit": line.price_unit if simple else line.amount,
                    "discount": line.discount if simple else 0.0,
                    "product_id": line.product_id,
                    "tax_ids": line.tax_ids,
                }
            )
        return values

    def _periods_per_year(self, line) -> Fraction:
        """How often the line is billed in a year; a one-off service is billed once."""
        if line.pricing == "one_off":
            return Fraction(1)
        schedule = line._schedule_owner()
        return Fraction(PERIODS_PER_YEAR[schedule.recurrence_unit], schedule.recurrence_interval)

    def _amount_of_contract(self) -> float:
        """What a percentage is taken of: tax included for a deposit, without for a guarantee, which bears none."""
        details = [line["tax_details"] for line in self._base_lines()]
        side = "total_excluded_currency" if self.kind == "guarantee" else "total_included_currency"
        return sum(one[side] for one in details)

    def _prepare_refund_vals(self, origin, left, lines) -> dict:
        of_rate = {line._deposit_rate(): line for line in lines}
        kept = ("company_id", "partner_id", "journal_id", "currency_id", "fiscal_position_id", "invoice_user_id")
        return {name: origin[name].id for name in kept} | {
            "move_type": "out_refund",
            "reversed_entry_id": origin.id,
            "invoice_origin": origin.name,
            "invoice_payment_term_id": False,
            "service_posting_mode": origin.service_posting_mode,
            "invoice_line_ids": [
                Command.create(
                    of_rate[rate]._prepare_deposit_part(one, 1)
                    | {"name": of_rate[rate].name, "service_deposit_id": self.id}
                )
                for rate, one in left.items()
            ],
        }


class ResCompany(models.Model):
    _inherit = "res.company"

    service_deposit_account_id = fields.Many2one(
        "account.account",
        string="Account of Deposits",
        domain="[('account_type', 'in', ('liability_current', 'liability_non_current'))]",
        check_company=True,
        help="Where deposits received wait to be deducted, never a revenue account. Empty: 4191 of the French chart.",
    )

    def _deposit_account(self):
        """The account of deposits received. Raises UserError where there is none, or where it is one of revenue."""
        self.ensure_one()
        account = self.service_deposit_account_id or self._chart_account("pcg_4191")
        if not account:
            raise UserError(self.env._("Choose the account of deposits (4191) in the settings of service billing."))
        if account.account_type.startswith("income"):
            raise UserError(
                self.env._("A deposit is no revenue yet: %s cannot be the account of deposits.", account.display_name)
            )
        return account

    def _chart_account(self, xmlid: str):
        """An account of the French chart, if this company has it."""
        chart = self.env["account.chart.template"].with_company(self)
        return chart.ref(xmlid, raise_if_not_found=False) or self.env["account.account"]


class AccountTax(models.Model):
    _inherit = "account.tax"

    def _on_payment(self):
        """The same taxes, of which VAT falls due when paid: that on deposits does, for goods since 2023 and whatever
        was opted for (CGI art. 269, 2-a and c).

        Raises UserError where the company has no such tax in use.
        """
        taxes = self.browse()
        for tax in self:
            if tax.tax_exigibility == "on_payment" or tax.amount_type != "percent" or not tax.amount:
                taxes += tax
                continue
            twin = tax._twin_on_payment().filtered("active")[:1]
            if not twin:
                known = tax._twin_on_payment()[:1].name or f"{tax.amount:g} %"
                raise UserError(
                    self.env._(
                        "VAT on a deposit falls due when it is paid (CGI art. 269, 2): activate or create the tax "
                        "“%(known)s” on payment, that takes the place of “%(tax)s”.",
                        known=known,
                        tax=tax.name,
                    )
                )
            taxes += twin
        return taxes

    def _twin_on_payment(self):
        self.ensure_one()
        return self.with_context(active_test=False).search(
            [
                *self._check_company_domain(self.company_id),
                ("type_tax_use", "=", self.type_tax_use),
                ("amount_type", "=", "percent"),
                ("amount", "=", self.amount),
                ("tax_exigibility", "=", "on_payment"),
                ("price_include", "=", self.price_include),
                ("country_id", "=", self.country_id.id),
            ],
            order="active desc, sequence, id",
        )
