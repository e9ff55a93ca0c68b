from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..engine.plan import Charge
from .wording import number

HOME = "home_services"
MODES = [("provider", "Provider (prestataire)"), ("agent", "Agent (mandataire)")]


class HomeCustomer(models.Model):
    _inherit = "res.partner"

    advance_activated_on = fields.Date(
        string="Immediate Advance Since",
        groups="multiservice.group_billing_user",
        help="Day on which the customer's account for the immediate advance (avance immédiate) was activated. Services "
        "before it are paid without it.",
    )
    advance_identifier = fields.Char(
        string="Identifier of the Advance",
        groups="multiservice.group_billing_user",
        help="The customer's identifier at the body that pays the advance.",
    )
    tax_certificate_count = fields.Integer(
        compute="_compute_tax_certificate_count", groups="multiservice.group_billing_user"
    )
    payer_share_count = fields.Integer(
        string="Beneficiaries",
        compute="_compute_payer_share_count",
        groups="multiservice.group_billing_user",
        help="Contracts of others of which this contact pays a part.",
    )

    def _compute_tax_certificate_count(self):
        counts = self._count_own("multiservice.tax.certificate")
        for partner in self:
            partner.tax_certificate_count = counts.get(partner.id, 0)

    def _compute_payer_share_count(self):
        counts = self._count_own("multiservice.share")
        for partner in self:
            partner.payer_share_count = counts.get(partner.id, 0)

    def action_view_tax_certificates(self):
        return self._view_own("multiservice.tax_certificate_action")

    def action_view_payer_shares(self):
        return self._view_own("multiservice.share_action")


class VoucherJournal(models.Model):
    _inherit = "account.journal"

    service_prefinanced = fields.Boolean(
        string="Prefinanced Vouchers (CESU)",
        help="Payments in this journal are vouchers that an employer paid for in part: the tax certificate tells them "
        "apart.",
    )


class HomeContract(models.Model):
    """Home services ("services à la personne") for a private person."""

    _inherit = "multiservice.contract"

    home_mode = fields.Selection(
        MODES,
        string="Home Services Mode",
        default="provider",
        help="Provider: our employees do the work. Agent: the customer employs them. Printed where home services are "
        "sold.",
    )
    immediate_advance = fields.Boolean(
        tracking=True,
        help="The customer's tax credit is advanced (avance immédiate): a payment request for each invoice. Billed in "
        "arrears, an invoice for each calendar month, without a discount or a credit on it.",
    )

    @api.constrains("immediate_advance", "partner_id", "timing", "recurrence_unit", "alignment", "line_ids")
    def _check_immediate_advance(self):
        for contract in self.filtered("immediate_advance"):
            if contract.partner_id.legal_category != "consumer":
                raise ValidationError(
                    self.env._(
                        "%s is no private person: only those get an advance of a tax credit.", contract.partner_id.name
                    )
                )
            for owner in {line._schedule_owner() for line in contract.line_ids if not line.display_type} or {contract}:
                owner._check_advance_schedule()
            contract.line_ids._check_advance_price()

    def _service_remark_of_home(self) -> str:
        """The mode of the home services, as documents say it."""
        self.ensure_one()
        if self.home_mode == "agent":
            return self.env._("Home services as agent (mandataire)")
        return self.env._("Home services as provider (prestataire)")


class AdvanceSchedule(models.AbstractModel):
    _inherit = "multiservice.schedule.mixin"

    def _check_advance_schedule(self) -> None:
        """An advance is asked for services entirely done, a calendar month at a time."""
        self.ensure_one()
        monthly = self.recurrence_unit == "month" and self.recurrence_interval == 1
        by_calendar = self.alignment == "calendar" or (self.alignment == "day" and self.alignment_day == 1)
        if self.timing != "arrears" or not ((monthly and by_calendar) or self._is_daily()):
            raise ValidationError(
                self.env._(
                    "%s: the immediate advance needs services billed in arrears, by calendar months.", self.display_name
                )
            )

    def _is_daily(self) -> bool:
        return self.recurrence_unit == "day" and self.recurrence_interval == 1


class HomeLine(models.Model):
    _inherit = "multiservice.contract.line"

    worker_reference = fields.Char(
        string="Employee Reference",
        help="The number by which the customer and the tax office know who does the work, for home services.",
    )

    @api.constrains("own_schedule", "timing", "recurrence_unit", "alignment", "price_unit", "discount", "contract_id")
    def _check_immediate_advance(self):
        lines = self.filtered(lambda line: line.contract_id.immediate_advance and not line.display_type)
        for line in lines:
            line._schedule_owner()._check_advance_schedule()
        lines._check_advance_price()

    def _check_advance_price(self) -> None:
        for line in self.sudo():  # sudo: the check holds whoever writes, prices visible or not
            if line.price_unit < 0 or line.discount:
                raise ValidationError(
                    self.env._(
                        "“%s”: an invoice with an immediate advance has no negative price and no discount. Lower the "
                        "price itself.",
                        line._first_line(),
                    )
                )

    def _is_home_service(self) -> bool:
        self.ensure_one()
        return self.product_id.regulated_activity == HOME

    def _home_vals(self, charge: Charge) -> dict:
        """What the invoice line of a home service keeps for the tax certificate."""
        if not self._is_home_service():
            return {}
        counted = charge.kind not in ("correction", "free") and self._counts_units(charge)
        return {
            "service_worker": self.worker_reference,
            "service_hours": float(charge.price.quantity * charge.ratio.numerator / charge.ratio.denominator)
            if counted
            else 0.0,
        }

    def _home_remarks(self, charge: Charge) -> list[str]:
        """What the law wants on the invoice of a home service: who did it, when, and for how long."""
        if not self._is_home_service() or charge.kind in ("correction", "free"):
            return []
        remarks = [self.env._("Employee: %s", self.worker_reference)] if self.worker_reference else []
        return [*remarks, *self._measured_days(charge)]

    def _measured_days(self, charge: Charge) -> list[str]:
        """The days on which something was measured in the period, with the quantity of each."""
        if not self.measured:
            return []
        # sudo: what is billed is said on the invoice, whoever bills
        days = (
            self.env["multiservice.usage"]
            .sudo()
            ._read_group(
                [("line_id", "=", self.id), ("date", ">=", charge.period.start), ("date", "<=", charge.period.end)],
                ["date:day"],
                ["quantity:sum"],
            )
        )
        told = [f"{day:%d/%m} {number(self.env, quantity)}" for day, quantity in days if quantity]
        return [self.env._("Days and quantities: %s", ", ".join(told))] if told else []


class HomeInvoiceLine(models.Model):
    _inherit = "account.move.line"

    service_worker = fields.Char(string="Employee Reference", copy=False, readonly=True)
    service_hours = fields.Float(
        string="Units Served", copy=False, readonly=True, help="Hours, or other units, of a home service."
    )


class HomeInvoice(models.Model):
    _inherit = "account.move"

    def _home_lines(self):
        return self.invoice_line_ids.filtered(lambda line: line.product_id.regulated_activity == HOME)

    def _service_remarks(self) -> list[str]:
        remarks = super()._service_remarks()
        if self._is_for_consumer() and self._home_lines():
            # sudo: who sees the invoice sees what it says
            contracts = self.with_context(lang=self.partner_id.lang)._home_lines().service_contract_id.sudo()
            remarks += dict.fromkeys(contract._service_remark_of_home() for contract in contracts)
        return remarks

    def _is_for_consumer(self) -> bool:
        self.ensure_one()
        return self.commercial_partner_id.legal_category == "consumer"
