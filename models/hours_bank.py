from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from dateutil.relativedelta import relativedelta
from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command, Domain
from odoo.tools import float_round, format_date

from ..engine.allowance import Credit, alert_level, consume, roll_over
from .wording import number

CREDITS = ("bought", "granted", "rolled_over")


class HoursBank(models.Model):
    """Hours (or other units) of a service that a customer has paid for or was granted, and uses as they are measured.

    What is measured on the contract lines of the bank takes from it when it is entered, never again: what the bank
    covers costs nothing, the rest has the price of the line. Buying hours is an invoice like any other.
    """

    _name = "multiservice.hours.bank"
    _description = "Hours Bank"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "contract_id, id"
    _check_company_auto = True

    _limit_positive = models.Constraint(
        "CHECK(rollover_limit >= 0 AND rollover_months > 0 AND validity_months >= 0)",
        "The limits and the validity of an hours bank cannot be below zero.",
    )

    name = fields.Char(required=True, help="What the customer reads, for instance “Maintenance hours”.")
    active = fields.Boolean(default=True)
    contract_id = fields.Many2one(
        "multiservice.contract", required=True, ondelete="restrict", index=True, check_company=True
    )
    company_id = fields.Many2one(related="contract_id.company_id", store=True, index=True, precompute=True)
    partner_id = fields.Many2one(related="contract_id.partner_id", string="Customer", store=True, precompute=True)
    currency_id = fields.Many2one(related="contract_id.currency_id")
    product_id = fields.Many2one(
        "product.product",
        string="Service",
        required=True,
        domain="[('sale_ok', '=', True)]",
        check_company=True,
        ondelete="restrict",
        help="What hours are bought as: one known service, at one rate of VAT, taxed when they are paid.",
    )
    line_ids = fields.One2many("multiservice.contract.line", "bank_id", string="Services That Use It")
    entry_ids = fields.One2many("multiservice.hours.bank.entry", "bank_id", string="Entries", readonly=True)
    price_unit = fields.Float(
        string="Price of an Hour",
        min_display_digits="Product Price",
        groups="multiservice.group_billing_user",
        help="Proposed when hours are bought.",
    )
    usable_when = fields.Selection(
        [("posted", "Their invoice is posted"), ("paid", "Their invoice is paid")],
        string="Bought Hours Are Usable When",
        default="posted",
        required=True,
    )
    validity_months = fields.Integer(string="Validity (Months)", help="Of new hours. Zero: they do not expire.")
    rollover = fields.Selection(
        [("none", "They are lost"), ("all", "They go on"), ("limited", "Up to a limit")],
        string="Hours Left at Expiry",
        default="none",
        required=True,
        help="Hours that expire are never paid back.",
    )
    rollover_limit = fields.Float(digits=(16, 4), min_display_digits="Product Unit")
    rollover_months = fields.Integer(string="They Go On For (Months)", default=12)
    overdraw = fields.Selection(
        [("overage", "Billed at the price of the line"), ("refuse", "Refused")],
        string="Hours Beyond the Bank",
        default="overage",
        required=True,
    )
    credited = fields.Float(
        string="Hours Credited", compute="_compute_balance", digits=(16, 4), min_display_digits="Product Unit"
    )
    used = fields.Float(
        compute="_compute_balance",
        digits=(16, 4),
        min_display_digits="Product Unit",
        help="Of the hours that have not expired.",
    )
    balance = fields.Float(
        compute="_compute_balance",
        digits=(16, 4),
        min_display_digits="Product Unit",
        help="What may still be used today.",
    )
    used_share = fields.Float(string="Used (%)", compute="_compute_balance")
    alerted = fields.Integer(readonly=True, copy=False, help="Highest alert told since hours were last added, in %.")
    moved_on = fields.Datetime(
        readonly=True, copy=False, help="Last use: two transactions that use the bank at once exclude each other."
    )

    @api.depends("entry_ids.left", "entry_ids.quantity", "entry_ids.usable", "entry_ids.date_end", "entry_ids.date")
    def _compute_balance(self):
        for bank in self:
            today = bank.company_id._service_today()
            live = bank.entry_ids.filtered(lambda entry, today=today: entry._is_usable_on(today))
            bank.credited = sum(live.mapped("quantity"))
            bank.balance = sum(live.mapped("left"))
            bank.used = bank.credited - bank.balance
            bank.used_share = 100 * bank.used / bank.credited if bank.credited else 0.0

    def action_credit(self):
        """Buy or grant hours."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.hours_credit_action")
        return action | {"context": {"default_bank_id": self.id}}

    def action_view_usage(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.usage_action")
        return action | {"domain": [("line_id", "in", self.line_ids.ids)], "context": {}}

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if used := self.filtered("entry_ids"):
            raise UserError(self.env._("“%s” has entries: archive it, its hours are part of the books.", used[0].name))

    def _credit(self, kind: str, quantity: float, since: date, until: date | None, **vals):
        """Add hours; the alerts start again."""
        self.ensure_one()
        if quantity <= 0:
            raise UserError(self.env._("Enter how many hours are added."))
        if until and until < since:
            raise UserError(self.env._("Hours cannot expire before they are usable."))
        self.sudo().alerted = 0  # sudo: told by the code alone
        # sudo: entries are made by acts alone, never by hand
        return (
            self.env["multiservice.hours.bank.entry"]
            .sudo()
            .create({"bank_id": self.id, "kind": kind, "quantity": quantity, "date": since, "date_end": until, **vals})
        )

    def _buy(self, quantity: float, price: float, since: date, until: date | None):
        """Bill hours, with the VAT of their service that falls due when they are paid; returns the invoice."""
        self.ensure_one()
        contract = self.contract_id
        taxes = self.product_id.taxes_id._filter_taxes_by_company(self.company_id)
        agreement = contract._agreement()._asdict()
        journal = self.env["account.journal"].browse(agreement["journal_id"])
        posted = agreement["service_posting_mode"] != "draft"
        language = self.with_context(lang=self.partner_id.lang or self.env.lang)
        name = language.env._("%(bank)s: %(quantity)s bought", bank=self.name, quantity=number(language.env, quantity))
        if until:
            name = f"{name}\n{language.env._('Usable through %s', format_date(language.env, until))}"
        move = self.env["account.move"].create(
            agreement
            | {
                "move_type": "out_invoice",
                "invoice_date": posted and journal._service_invoice_date(refund=False),
                "invoice_origin": contract.name,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "product_id": self.product_id.id,
                            "name": name,
                            "quantity": quantity,
                            "price_unit": price,
                            "tax_ids": [Command.set(contract.fiscal_position_id.map_tax(taxes)._on_payment().ids)],
                            "service_contract_id": contract.id,
                        }
                    )
                ],
            }
        )
        self._credit("bought", quantity, since, until, invoice_line_id=move.invoice_line_ids.id)
        self.env["multiservice.billing.run"]._settle(move)
        return move

    def _consume(self, usage) -> None:
        """Take what `usage` measured from the bank, as far as it goes. What was taken stays as it is."""
        self.ensure_one()
        if usage.quantity < 0:
            raise ValidationError(
                self.env._("“%s” gives no hours back by a quantity below zero: grant them on the bank.", self.name)
            )
        entries = self.entry_ids.filtered(lambda entry: entry.kind in CREDITS and entry.usable)
        taken, left = consume([entry._to_credit() for entry in entries], _exact(usage.quantity), usage.date)
        if left and self.overdraw == "refuse":
            raise ValidationError(
                self.env._(
                    "“%(bank)s” holds %(balance)s on %(day)s: %(quantity)s is more than that, and the bank allows none "
                    "beyond. Buy or grant hours first.",
                    bank=self.name,
                    balance=number(self.env, sum((part for _key, part in taken), Decimal(0))),
                    day=format_date(self.env, usage.date),
                    quantity=number(self.env, usage.quantity),
                )
            )
        self.env["multiservice.hours.bank.entry"].create(
            [
                {
                    "bank_id": self.id,
                    "kind": "used",
                    "quantity": -float(part),
                    "date": usage.date,
                    "credit_id": key,
                    "usage_id": usage.id,
                }
                for key, part in taken
            ]
        )
        self.moved_on = fields.Datetime.now()
        self._alert()

    def _alert(self) -> None:
        """Tell the salesperson, and the customer by e-mail, that the bank is 80 % or wholly used; once each."""
        self.ensure_one()
        level = alert_level(_exact(self.used), _exact(self.credited))
        if level <= self.alerted:
            return
        self.alerted = level
        contract = self.contract_id
        summary = self.env._("%(bank)s: %(level)s %% used", bank=self.name, level=level)
        note = self.env._(
            "%(balance)s left of %(credited)s.",
            balance=number(self.env, self.balance),
            credited=number(self.env, self.credited),
        )
        self.activity_schedule(
            "mail.mail_activity_data_todo", summary=summary, note=note, user_id=(contract.user_id or self.env.user).id
        )
        self.message_post(
            body=Markup("%s – %s") % (summary, note),
            subject=summary,
            partner_ids=contract.invoice_partner_id.ids,
            subtype_xmlid="mail.mt_comment",
        )

    @api.model
    def _cron_expire(self):
        """Expire what is past its last day: what goes on by the rule of the bank, and what is lost."""
        Entry = self.env["multiservice.hours.bank.entry"]
        for (company,) in self._read_group([], ["company_id"]):
            today = company._service_today()
            due = Domain("company_id", "=", company.id) & Domain("kind", "in", CREDITS) & Domain("left", ">", 0)
            for entry in Entry.search(due & Domain("date_end", "<", today), order="date_end, id"):
                entry._expire()
                self.env["ir.cron"]._commit_progress(1)


class HoursBankEntry(models.Model):
    """A movement of an hours bank: hours added, used, or lost. Made by acts, never edited."""

    _name = "multiservice.hours.bank.entry"
    _description = "Hours Bank Entry"
    _order = "bank_id, id desc"
    _rec_name = "kind"

    bank_id = fields.Many2one("multiservice.hours.bank", required=True, ondelete="restrict", index=True)
    company_id = fields.Many2one(related="bank_id.company_id", store=True, index=True, precompute=True)
    partner_id = fields.Many2one(related="bank_id.partner_id", string="Customer", store=True, precompute=True)
    kind = fields.Selection(
        [
            ("bought", "Bought"),
            ("granted", "Granted"),
            ("rolled_over", "Carried over"),
            ("used", "Used"),
            ("expired", "Expired"),
        ],
        required=True,
        readonly=True,
    )
    date = fields.Date(required=True, readonly=True, help="Day of use, or first day on which hours are usable.")
    date_end = fields.Date(string="Usable Through", readonly=True, help="Last day. Empty: hours do not expire.")
    quantity = fields.Float(
        required=True,
        readonly=True,
        digits=(16, 4),
        min_display_digits="Product Unit",
        help="Added above zero, taken below.",
    )
    note = fields.Char(readonly=True)
    credit_id = fields.Many2one(
        "multiservice.hours.bank.entry",
        string="Taken From",
        readonly=True,
        ondelete="restrict",
        index="btree_not_null",
    )
    debit_ids = fields.One2many("multiservice.hours.bank.entry", "credit_id", string="Taken")
    usage_id = fields.Many2one("multiservice.usage", readonly=True, ondelete="cascade", index="btree_not_null")
    invoice_line_id = fields.Many2one("account.move.line", readonly=True, ondelete="restrict", index="btree_not_null")
    move_id = fields.Many2one(related="invoice_line_id.move_id", string="Invoice")
    usable = fields.Boolean(
        compute="_compute_usable",
        store=True,
        help="Bought hours: their invoice is posted, or paid, as the bank says, and not credited.",
    )
    left = fields.Float(
        compute="_compute_left", store=True, digits=(16, 4), min_display_digits="Product Unit", help="Still to use."
    )

    @api.depends(
        "kind",
        "bank_id.usable_when",
        "invoice_line_id.parent_state",
        "invoice_line_id.move_id.payment_state",
    )
    def _compute_usable(self):
        for entry in self:
            move = entry.invoice_line_id.move_id
            if entry.kind != "bought":
                entry.usable = entry.kind in CREDITS
            elif entry.bank_id.usable_when == "paid":
                entry.usable = move.state == "posted" and move.payment_state in ("paid", "in_payment")
            else:
                entry.usable = move.state == "posted" and move.payment_state != "reversed"

    @api.depends("kind", "quantity", "debit_ids.quantity")
    def _compute_left(self):
        for entry in self:
            taken = sum(entry.debit_ids.mapped("quantity"))
            entry.left = float_round(entry.quantity + taken, 4) if entry.kind in CREDITS else 0.0

    def _is_usable_on(self, day: date) -> bool:
        self.ensure_one()
        return self.usable and self.date <= day and (not self.date_end or day <= self.date_end)

    def _to_credit(self) -> Credit:
        self.ensure_one()
        return Credit(self.id, _exact(self.left), self.date, self.date_end or None)

    def _expire(self) -> None:
        """What is left goes on as far as the bank allows, and is lost for the rest; no money is given back."""
        self.ensure_one()
        bank, left, after = self.bank_id, self.left, self.date_end + timedelta(days=1)
        kept, _lost = roll_over(_exact(left), bank.rollover, _exact(bank.rollover_limit))
        self.create({"bank_id": bank.id, "kind": "expired", "quantity": -left, "date": after, "credit_id": self.id})
        if kept:
            until = after + relativedelta(months=bank.rollover_months) - timedelta(days=1)
            bank._credit("rolled_over", float(kept), after, until)


class BankedLine(models.Model):
    _inherit = "multiservice.contract.line"

    bank_id = fields.Many2one(
        "multiservice.hours.bank",
        string="Hours Bank",
        domain="[('contract_id', '=', contract_id)]",
        check_company=True,
        copy=False,
        ondelete="restrict",
        index="btree_not_null",
        help="What is measured takes from this bank first, and costs nothing as far as it goes; the price of the line "
        "is that of the hours beyond.",
    )

    def _replace_from(self, day: date, vals: dict):
        """The successor uses the same bank, as long as it is measured."""
        banked = self.bank_id if vals.get("measured", self.measured) else self.bank_id.browse()
        return super()._replace_from(day, {"bank_id": banked.id, **vals})

    @api.constrains("bank_id", "measured", "contract_id")
    def _check_bank(self):
        for line in self.filtered("bank_id"):
            if not line.measured or line.bank_id.contract_id != line.contract_id:
                raise ValidationError(
                    self.env._(
                        "“%s” uses an hours bank: it must be billed by measured quantity, and the bank be of the same "
                        "contract.",
                        line.name,
                    )
                )


class BankedUsage(models.Model):
    _inherit = "multiservice.usage"

    bank_entry_ids = fields.One2many("multiservice.hours.bank.entry", "usage_id", string="Taken From the Bank")
    covered = fields.Float(
        string="Covered by the Bank",
        compute="_compute_covered",
        store=True,
        digits=(16, 4),
        min_display_digits="Product Unit",
    )

    @api.depends("bank_entry_ids.quantity")
    def _compute_covered(self):
        for usage in self:
            usage.covered = -sum(usage.bank_entry_ids.mapped("quantity"))

    @api.model_create_multi
    def create(self, vals_list):
        usages = super().create(vals_list)
        usages._take_from_banks()
        return usages

    def write(self, vals):
        changed = self.browse()
        if {"line_id", "date", "quantity"}.intersection(vals):
            changed = self.filtered(
                lambda usage: any(usage._would_change(n, vals[n]) for n in ("line_id", "date", "quantity") if n in vals)
            )
        result = super().write(vals)
        if changed:
            # sudo: entries are made by acts alone; what was entered wrong gives back what it took
            changed.sudo().bank_entry_ids.unlink()
            changed._take_from_banks()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_give_back(self):
        # sudo: entries are made by acts alone; what was entered wrong gives back what it took
        self.sudo().bank_entry_ids.unlink()

    def _take_from_banks(self) -> None:
        """Take what was measured from the banks, in the order of entry."""
        for usage in self:
            if usage.line_id.bank_id:
                # sudo: the bank's entries are made by acts alone, whoever enters what was measured
                usage.sudo().line_id.bank_id._consume(usage.sudo())


class BankInPlan(models.Model):
    _inherit = "multiservice.billable"

    @api.model
    def _with_usage(self, terms, since):
        """Also with what the banks of the lines cover."""
        terms = super()._with_usage(terms, since)
        banked = {line: term for line, term in terms.items() if line.bank_id and line._origin}
        if not banked:
            return terms
        first = min(since[term.line] for term in banked.values())
        domain = Domain("line_id", "in", [line._origin.id for line in banked]) & Domain("date", ">=", first)
        # sudo: quantities are added up, not shown
        sums = self.env["multiservice.usage"].sudo()._read_group(domain, ["line_id", "date:day"], ["covered:sum"])
        covered = defaultdict(list)
        for line, day, quantity in sums:
            covered[line.id].append((day, _exact(quantity)))
        return terms | {line: replace(term, covered=tuple(covered[term.line])) for line, term in banked.items()}


class BankedContract(models.Model):
    _inherit = "multiservice.contract"

    bank_ids = fields.One2many("multiservice.hours.bank", "contract_id", string="Hours Banks")
    bank_balance = fields.Float(
        compute="_compute_bank_balance", digits=(16, 4), min_display_digits="Product Unit", string="Hours Left"
    )

    @api.depends("bank_ids.balance")
    def _compute_bank_balance(self):
        for contract in self:
            contract.bank_balance = sum(contract.bank_ids.mapped("balance"))

    def action_view_banks(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.hours_bank_action")
        return action | {
            "domain": [("contract_id", "=", self.id)],
            "context": {"default_contract_id": self.id},
        }


def _exact(number: float) -> Decimal:
    return Decimal(str(round(number, 4)))


class BankedInvoiceLine(models.Model):
    _inherit = "account.move.line"

    # Which hours an invoice line brought. Without it the ORM would search for them each time that any line is written.
    bank_entry_ids = fields.One2many("multiservice.hours.bank.entry", "invoice_line_id", string="Hours Bank Entry")
