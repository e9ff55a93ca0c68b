from dataclasses import replace
from datetime import date

from dateutil.relativedelta import relativedelta
from stdnum import iban
from stdnum.eu import at_02

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from ..einvoice import codes
from ..einvoice.finding import Context
from ..einvoice.model import DirectDebit, Payment

# EPC SEPA Direct Debit Core Rulebook, 4.1: a mandate without a collection for 36 months is no longer valid.
MONTHS_OF_VALIDITY = 36


class Mandate(models.Model):
    """A customer's agreement that we collect what it owes from its bank account (SEPA direct debit)."""

    _name = "multiservice.mandate"
    _description = "Direct Debit Mandate"
    _inherit = ["mail.thread"]
    _order = "partner_id, id desc"
    _check_company_auto = True
    _rec_names_search = ["name", "partner_id.name"]

    _name_uniq = models.Constraint("UNIQUE(name, company_id)", "A mandate with this reference exists already.")

    name = fields.Char(
        string="Reference (RUM)",
        default="/",
        required=True,
        copy=False,
        tracking=True,
        help="Unique mandate reference, as the customer signed it (EN 16931 BT-89).",
    )
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company, index=True)
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        index=True,
        check_company=True,
        domain="[('is_service_site', '=', False), '|', ('parent_id', '=', False), ('is_company', '=', True)]",
        ondelete="restrict",
        tracking=True,
    )
    bank_id = fields.Many2one(
        "res.partner.bank",
        string="Bank Account",
        required=True,
        domain="[('partner_id', '=', partner_id)]",
        ondelete="restrict",
        tracking=True,
        help="The customer's IBAN, that is debited (EN 16931 BT-91).",
    )
    date_signed = fields.Date(string="Signed On", copy=False, tracking=True)
    date_revoked = fields.Date(string="Revoked On", copy=False, tracking=True)
    date_used = fields.Date(
        string="Last Used On", readonly=True, copy=False, help="Date of the last invoice collected under it."
    )
    date_expiry = fields.Date(
        string="Valid Until",
        compute="_compute_date_expiry",
        store=True,
        help="36 months after its last use, or its signature: then the customer has to sign a new one.",
    )
    state = fields.Selection(
        [("draft", "Not signed"), ("valid", "Valid"), ("expired", "Lapsed"), ("revoked", "Revoked")],
        string="Status",
        compute="_compute_state",
        search="_search_state",
    )
    contract_ids = fields.One2many("multiservice.contract", "mandate_id", string="Contracts")

    @api.depends("date_signed", "date_used")
    def _compute_date_expiry(self):
        for mandate in self:
            last = max(filter(None, (mandate.date_signed, mandate.date_used)), default=None)
            mandate.date_expiry = last and last + relativedelta(months=MONTHS_OF_VALIDITY)

    @api.depends("date_signed", "date_revoked", "date_expiry")
    def _compute_state(self):
        for mandate in self:
            mandate.state = mandate._state_on(mandate.company_id._service_today() if mandate.company_id else date.max)

    def _state_on(self, day: date) -> str:
        if self.date_revoked and self.date_revoked <= day:
            return "revoked"
        if not self.date_signed or self.date_signed > day:
            return "draft"
        return "valid" if day <= self.date_expiry else "expired"

    def _search_state(self, operator, value):
        if operator != "in":
            return NotImplemented
        today = self.env.company._service_today()
        revoked, signed = Domain("date_revoked", "<=", today), Domain("date_signed", "<=", today)
        in_time = Domain("date_expiry", ">=", today)
        domains = {
            "revoked": revoked,
            "draft": ~revoked & ~signed,
            "valid": ~revoked & signed & in_time,
            "expired": ~revoked & signed & ~in_time,
        }
        return Domain.OR(domains[state] for state in value if state in domains)

    @api.constrains("partner_id", "bank_id")
    def _check_account(self):
        for mandate in self:
            if mandate.bank_id.partner_id.commercial_partner_id != mandate.partner_id.commercial_partner_id:
                raise ValidationError(
                    self.env._(
                        "The bank account %(account)s is not one of %(customer)s.",
                        account=mandate.bank_id.acc_number,
                        customer=mandate.partner_id.display_name,
                    )
                )
            if not iban.is_valid(mandate.bank_id.sanitized_acc_number or ""):
                raise ValidationError(
                    self.env._("Direct debit needs an IBAN: “%s” is not a valid one.", mandate.bank_id.acc_number)
                )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if vals.get("name", "/") == "/":
                company = vals.get("company_id") or self.env.company.id
                sequence = self.env["ir.sequence"].with_company(company)
                vals["name"] = sequence.next_by_code("multiservice.mandate")
        return super().create(vals_list)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if any(mandate.date_used for mandate in self):
            raise UserError(self.env._("A mandate that was used is kept as proof: revoke it."))

    def action_revoke(self):
        self.check_access("write")
        for mandate in self.filtered(lambda mandate: not mandate.date_revoked):
            mandate.date_revoked = mandate.company_id._service_today()

    def _use(self, day: date) -> None:
        """Note that an invoice of that day is collected under the mandate."""
        for mandate in self:
            if not mandate.date_used or mandate.date_used < day:
                mandate.date_used = day

    def _to_direct_debit(self) -> DirectDebit:
        self.ensure_one()
        return DirectDebit(
            mandate=self.name,
            creditor_id=self.company_id.service_creditor_identifier or "",
            debtor_iban=self.bank_id.sanitized_acc_number or "",
        )


class ResCompany(models.Model):
    _inherit = "res.company"

    service_creditor_identifier = fields.Char(
        string="SEPA Creditor Identifier", help="ICS, given by the bank (EN 16931 BT-90)."
    )

    @api.constrains("service_creditor_identifier")
    def _check_service_creditor_identifier(self):
        for company in self.filtered("service_creditor_identifier"):
            if not at_02.is_valid(company.service_creditor_identifier):
                raise ValidationError(
                    self.env._("“%s” is not a valid SEPA creditor identifier.", company.service_creditor_identifier)
                )


class Contract(models.Model):
    _inherit = "multiservice.contract"

    mandate_id = fields.Many2one(
        "multiservice.mandate",
        string="Direct Debit Mandate",
        check_company=True,
        copy=False,
        tracking=True,
        index="btree_not_null",
        ondelete="restrict",
        domain="[('partner_id', '=', partner_id)]",
        help="Its invoices are collected under this mandate.",
    )
    mandate_state = fields.Selection(related="mandate_id.state", string="Mandate Status")

    @api.constrains("partner_id", "mandate_id")
    def _check_mandate(self):
        for contract in self.filtered("mandate_id"):
            if contract.mandate_id.partner_id.commercial_partner_id != contract.partner_id:
                raise ValidationError(
                    self.env._(
                        "The mandate %(mandate)s was not signed by %(customer)s.",
                        mandate=contract.mandate_id.name,
                        customer=contract.partner_id.display_name,
                    )
                )


class AccountMove(models.Model):
    _inherit = "account.move"

    service_mandate_id = fields.Many2one(
        "multiservice.mandate",
        string="Direct Debit Mandate",
        compute="_compute_service_mandate_id",
        compute_sudo=True,  # an accountant posts invoices of contracts that are not theirs to read
        store=True,
        readonly=False,
        copy=False,
        check_company=True,
        index="btree_not_null",
        domain="[('partner_id', '=', commercial_partner_id)]",
        help="The invoice is collected under this mandate. Proposed where all its contracts have the same.",
    )

    @api.depends("invoice_line_ids.service_contract_id", "move_type")
    def _compute_service_mandate_id(self):
        for move in self:
            mandates = {contract.mandate_id for contract in move.invoice_line_ids.service_contract_id}
            same = len(mandates) == 1 and move.move_type == "out_invoice"
            move.service_mandate_id = mandates.pop() if same else False

    def _post(self, soft=True):
        debited = self.filtered(lambda move: move._is_direct_debit())
        debited._check_mandates()
        posted = super()._post(soft)
        for move in posted & debited:
            # sudo: an accountant who posts the invoice need not be allowed to keep mandates
            move.service_mandate_id.sudo()._use(move.invoice_date)
        return posted

    def _check_mandates(self) -> None:
        """Raises UserError for an invoice to be collected under a mandate that does not allow it."""
        for move in self:
            mandate = move.service_mandate_id.sudo()  # sudo: as above
            state = mandate._state_on(move.invoice_date or move.company_id._service_today())
            if state != "valid":
                labels = dict(mandate._fields["state"]._description_selection(self.env))
                raise UserError(
                    self.env._(
                        "The mandate %(mandate)s of %(customer)s is not valid (%(state)s): have a new one signed, or "
                        "choose none.",
                        mandate=mandate.name,
                        customer=move.commercial_partner_id.display_name,
                        state=labels[state],
                    )
                )

    def _is_direct_debit(self) -> bool:
        self.ensure_one()
        return bool(self.service_mandate_id) and self.move_type == "out_invoice"

    def _to_payment(self) -> Payment | None:
        """Direct debit instead of a transfer, where the invoice has a mandate (BG-19)."""
        if not self._is_direct_debit():
            return super()._to_payment()
        return Payment(
            means_code=codes.SEPA_DEBIT,
            means_text=self.env._("SEPA direct debit"),
            remittance=self.payment_reference or self.name or "",
            direct_debit=self.service_mandate_id.sudo()._to_direct_debit(),  # sudo: as above
        )

    def _to_einvoice_context(self) -> Context:
        context = super()._to_einvoice_context()
        mandate = self.service_mandate_id.sudo()  # sudo: as above
        if not self._is_direct_debit():
            return context
        return replace(context, mandate_last_use=mandate.date_used or mandate.date_signed or None)
