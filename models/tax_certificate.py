from collections import defaultdict
from datetime import date
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command, Domain

from ..engine.paid import paid_of
from .einvoice_document import decimal
from .home_service import HOME


class TaxCertificate(models.Model):
    """What a private person really paid for home services in a year, for its tax return (CGI art. 199 sexdecies).

    The amounts come from the reconciliations of its invoices: what is not paid is not there, and what a credit note
    settles is no payment. Prefinanced vouchers (CESU) are told apart: the customer declares the part that it paid for.
    """

    _name = "multiservice.tax.certificate"
    _description = "Tax Certificate for Home Services"
    _inherit = ["portal.mixin", "mail.thread"]
    _order = "year desc, partner_id, id"
    _check_company_auto = True
    _mail_post_access = "read"

    _one_a_year = models.Constraint(
        "UNIQUE(company_id, partner_id, year)", "This customer has a certificate of that year already: update it."
    )

    name = fields.Char(compute="_compute_name", store=True)
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    partner_id = fields.Many2one("res.partner", string="Customer", required=True, index=True, ondelete="restrict")
    year = fields.Integer(required=True)
    issued_on = fields.Date(readonly=True, help="Day on which the amounts were found.")
    sent_on = fields.Date(readonly=True, copy=False)
    line_ids = fields.One2many("multiservice.tax.certificate.line", "certificate_id", string="Payments", readonly=True)
    amount_paid = fields.Monetary(string="Paid", compute="_compute_amounts", store=True)
    amount_prefinanced = fields.Monetary(
        string="Of Which Prefinanced Vouchers", compute="_compute_amounts", store=True, help="CESU préfinancés."
    )
    amount_advance = fields.Monetary(string="Of Which Immediate Advance", compute="_compute_amounts", store=True)
    amount_own = fields.Monetary(
        string="Paid Without Vouchers", compute="_compute_amounts", store=True, help="Paid, less prefinanced vouchers."
    )

    @api.depends("partner_id.name", "year")
    def _compute_name(self):
        for certificate in self:
            certificate.name = f"{certificate.year} – {certificate.partner_id.name or ''}"

    @api.depends("line_ids.amount", "line_ids.kind")
    def _compute_amounts(self):
        for certificate in self:
            sums = defaultdict(float)
            for line in certificate.line_ids:
                sums[line.kind] += line.amount
            certificate.amount_paid = sum(sums.values())
            certificate.amount_prefinanced = sums["prefinanced"]
            certificate.amount_advance = sums["advance"]
            certificate.amount_own = sum(sums.values()) - sums["prefinanced"]

    def _compute_access_url(self):
        result = super()._compute_access_url()
        for certificate in self:
            certificate.access_url = f"/my/tax_certificates/{certificate.id}"
        return result

    @api.constrains("year")
    def _check_year(self):
        for certificate in self:
            if not 2000 <= certificate.year <= certificate.company_id._service_today().year:
                raise ValidationError(
                    self.env._("A certificate is for a year that has begun, not %s.", certificate.year)
                )

    @api.model_create_multi
    def create(self, vals_list):
        certificates = super().create(vals_list)
        certificates._fill()
        return certificates

    @api.ondelete(at_uninstall=False)
    def _unlink_except_sent(self):
        if any(certificate.sent_on for certificate in self):
            raise UserError(self.env._("A certificate that was sent is kept: update it and send it again."))

    def action_update(self):
        """Find the amounts again, from the payments as they are now."""
        self.check_access("write")
        self._fill()

    def action_send(self):
        """E-mail each certificate to its customer; those without an address are named and left to print."""
        self.check_access("write")
        mute = self.filtered(lambda certificate: not certificate.partner_id.email)
        sent = self - mute
        template = self.env.ref("multiservice.mail_template_tax_certificate")
        for certificate in sent:
            certificate.message_post_with_source(
                template,
                subtype_xmlid="mail.mt_comment",
                message_type="comment",
                partner_ids=certificate.partner_id.ids,
            )
            certificate.sent_on = certificate.company_id._service_today()
        message = self.env._("%s certificates were sent.", len(sent))
        if mute:
            names = ", ".join(mute.partner_id.mapped("name"))
            message = self.env._(
                "%(message)s Without an e-mail address, to print: %(names)s.", message=message, names=names
            )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if mute else "success",
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def action_print(self):
        return self.env.ref("multiservice.tax_certificate_report_action").report_action(self)

    def _get_report_base_filename(self):
        self.ensure_one()
        return self.env._("Tax certificate %(year)s %(customer)s", year=self.year, customer=self.partner_id.name)

    @api.model
    def _make(self, company, year: int):
        """The certificates of the year, new ones for customers who have none yet; those not sent are updated."""
        known = self.search([("company_id", "=", company.id), ("year", "=", year)])
        known.filtered(lambda certificate: not certificate.sent_on)._fill()
        payments = self.env["account.partial.reconcile"]._of_home_services(company, year)
        customers = payments.debit_move_id.move_id.commercial_partner_id
        customers |= payments.credit_move_id.move_id.filtered(lambda move: move.is_invoice()).commercial_partner_id
        new = customers.filtered(lambda partner: partner.legal_category == "consumer") - known.partner_id
        made = self.create([{"company_id": company.id, "partner_id": partner.id, "year": year} for partner in new])
        made.filtered(lambda certificate: not certificate.line_ids).unlink()
        return known | made.exists()

    def _fill(self) -> None:
        for (company, year), certificates in self.grouped(lambda one: (one.company_id, one.year)).items():
            partials = self.env["account.partial.reconcile"]._of_home_services(company, year, certificates.partner_id)
            by_customer = partials._home_payments(year)
            for certificate in certificates:
                lines = by_customer.get(certificate.partner_id, [])
                certificate.line_ids = [Command.clear(), *(Command.create(vals) for vals in lines)]
        for certificate in self:
            certificate.issued_on = certificate.company_id._service_today()


class TaxCertificateLine(models.Model):
    """A payment, and the services that it paid for."""

    _name = "multiservice.tax.certificate.line"
    _description = "Payment on a Tax Certificate"
    _order = "certificate_id, paid_on, id"

    certificate_id = fields.Many2one("multiservice.tax.certificate", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="certificate_id.company_id", store=True)
    currency_id = fields.Many2one(related="certificate_id.currency_id")
    move_id = fields.Many2one("account.move", string="Invoice", readonly=True, ondelete="restrict", index=True)
    service_start = fields.Date(string="Services From", readonly=True)
    service_end = fields.Date(string="To", readonly=True)
    services = fields.Char(readonly=True)
    workers = fields.Char(string="Employees", readonly=True)
    hours = fields.Float(readonly=True, help="Hours, or other units, of the invoice.")
    paid_on = fields.Date(readonly=True)
    kind = fields.Selection(
        [("money", "Payment"), ("prefinanced", "Prefinanced vouchers"), ("advance", "Immediate advance")],
        required=True,
        readonly=True,
    )
    amount = fields.Monetary(readonly=True)


class HomePayment(models.Model):
    _inherit = "account.partial.reconcile"

    @api.model
    def _of_home_services(self, company, year: int, customers=None):
        """The reconciliations of invoices for home services, and of credit notes paid back, with what was paid in the
        year. The day is that of the payment, which may come before the invoice.
        """
        of_home = Domain("invoice_line_ids.product_id.regulated_activity", "=", HOME) & Domain("state", "=", "posted")
        if customers is not None:
            of_home &= Domain("commercial_partner_id", "in", customers.ids)
        paid = Domain("date", ">=", date(year, 1, 1)) & Domain("date", "<=", date(year, 12, 31))
        invoices = Domain("debit_move_id.move_id", "any", of_home & Domain("move_type", "=", "out_invoice"))
        refunds = Domain("credit_move_id.move_id", "any", of_home & Domain("move_type", "=", "out_refund"))
        return self.search(
            Domain("company_id", "=", company.id)
            & ((invoices & Domain("credit_move_id", "any", paid)) | (refunds & Domain("debit_move_id", "any", paid))),
            order="max_date, id",
        )

    def _home_payments(self, year: int) -> dict:
        """By customer, the values of the certificate's lines for what was paid in the year."""
        moves = self.debit_move_id.move_id.filtered(lambda move: move.move_type == "out_invoice")
        moves |= self.credit_move_id.move_id.filtered(lambda move: move.move_type == "out_refund")
        by_customer = defaultdict(list)
        for move in moves.sorted(lambda move: (move.invoice_date, move.id)):
            if move._home_lines() and move._is_for_consumer():
                by_customer[move.commercial_partner_id] += move._home_payments(year)
        return by_customer


class HomePaidInvoice(models.Model):
    _inherit = "account.move"

    def _home_payments(self, year: int) -> list[dict]:
        """Values of a line of the certificate for each payment of the year that paid home services of the invoice."""
        self.ensure_one()
        unit = decimal(self.currency_id.rounding)
        payments = self._money_payments()  # of all years: the cents of each depend on those before
        home, total = self._home_amounts(unit)
        paid = paid_of(home, total, [amount for _day, _line, amount in payments], unit)
        sign = -1 if self.move_type == "out_refund" else 1
        return [
            self._prepare_certificate_line_vals(day, line, float(sign * part))
            for (day, line, _amount), part in zip(payments, paid, strict=True)
            if part and day.year == year
        ]

    def _money_payments(self) -> list[tuple]:
        """(Day, line of the payment, amount) of what was paid in money, in the order of the days."""
        unit = decimal(self.currency_id.rounding)
        refund = self.move_type == "out_refund"
        lines = self.line_ids.filtered(lambda line: line.account_type == "asset_receivable")
        partials = lines.matched_debit_ids if refund else lines.matched_credit_ids
        payments = []
        for partial in partials:
            other = partial.debit_move_id if refund else partial.credit_move_id
            amount = partial.credit_amount_currency if refund else partial.debit_amount_currency
            if money := decimal(amount * other._money_share(), unit):
                payments.append((other.date, other, money))
        return sorted(payments, key=lambda payment: (payment[0], payment[1].id))

    def _home_amounts(self, unit: Decimal) -> tuple[Decimal, Decimal]:
        """What home services come to on the invoice, taxes included, and its total; less the credit notes set off."""
        home = decimal(sum(self._home_lines().mapped("price_total")), unit)
        total = decimal(self.amount_total, unit)
        if self.move_type == "out_invoice":
            for credit, amount in self._set_offs():
                part = decimal(sum(credit._home_lines().mapped("price_total")))
                home -= (amount * part / decimal(credit.amount_total)).quantize(unit)
                total -= amount
        return home, total

    def _prepare_certificate_line_vals(self, day: date, payment, amount: float) -> dict:
        lines = self._home_lines()
        kind = "money"
        if payment.journal_id.service_prefinanced:
            kind = "prefinanced"
        elif self._has_advance():
            kind = "advance"
        return {
            "move_id": self.id,
            "service_start": min(filter(None, lines.mapped("service_start")), default=False),
            "service_end": max(filter(None, lines.mapped("service_end")), default=False),
            "services": ", ".join(dict.fromkeys(lines.product_id.mapped("name"))),
            "workers": ", ".join(sorted(set(filter(None, lines.mapped("service_worker"))))),
            "hours": sum(lines.mapped("service_hours")),
            "paid_on": day,
            "kind": kind,
            "amount": amount,
        }
