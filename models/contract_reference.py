from odoo import api, fields, models
from odoo.exceptions import UserError

from .contract_line import BILLED_STATES


class Partner(models.Model):
    _inherit = "res.partner"

    order_reference_required = fields.Boolean(
        string="Order Number Required", help="The customer refuses invoices without its own order number."
    )
    buyer_reference_required = fields.Boolean(help="The customer refuses invoices without the code of its service.")


class ContractReference(models.Model):
    """A contract without a reference that its buyer requires is not billed: its invoice would come back."""

    _inherit = "multiservice.contract"

    order_reference_required = fields.Boolean(
        string="Order Number Required",
        compute="_compute_order_reference_required",
        store=True,
        readonly=False,
        precompute=True,
        help="Nothing is billed while the order reference is missing.",
    )
    buyer_reference_required = fields.Boolean(
        compute="_compute_buyer_reference_required",
        store=True,
        readonly=False,
        precompute=True,
        help="Nothing is billed while the buyer reference is missing.",
    )
    awaiting_reference = fields.Boolean(
        compute="_compute_awaiting_reference",
        store=True,
        precompute=True,
        help="A reference that the buyer requires is missing: the contract is not billed until it is there.",
    )
    missing_references = fields.Char(compute="_compute_missing_references")
    reference_contact_id = fields.Many2one(
        "res.partner",
        string="Whom to Ask",
        compute="_compute_reference_contact_id",
        help="The invoice address if it has an e-mail, else the customer.",
    )
    reference_asked_on = fields.Date(string="Asked On", readonly=True, copy=False)

    @api.depends("partner_id.order_reference_required")
    def _compute_order_reference_required(self):
        for contract in self:
            contract.order_reference_required = contract.partner_id.order_reference_required

    @api.depends("partner_id.buyer_reference_required")
    def _compute_buyer_reference_required(self):
        for contract in self:
            contract.buyer_reference_required = contract.partner_id.buyer_reference_required

    @api.depends("order_reference", "buyer_reference", "order_reference_required", "buyer_reference_required")
    def _compute_awaiting_reference(self):
        for contract in self:
            contract.awaiting_reference = bool(contract._missing_reference_fields())

    @api.depends("awaiting_reference")
    @api.depends_context("lang")
    def _compute_missing_references(self):
        for contract in self:
            missing = [self._fields[name] for name in contract._missing_reference_fields()]
            contract.missing_references = ", ".join(field._description_string(self.env) for field in missing)

    @api.depends("invoice_partner_id.email", "partner_id")
    def _compute_reference_contact_id(self):
        for contract in self:
            address = contract.invoice_partner_id
            contract.reference_contact_id = address if address.email else contract.partner_id

    def _missing_reference_fields(self) -> list[str]:
        self.ensure_one()
        return [
            name
            for name in ("order_reference", "buyer_reference")
            if self[f"{name}_required"] and not (self[name] or "").strip()
        ]

    def action_ask_reference(self):
        """Write to the customers for the references that they require; one mail for each contract."""
        self.check_access("write")
        contracts = self.filtered("awaiting_reference")
        if not contracts:
            raise UserError(self.env._("No reference is missing on these contracts."))
        mute = contracts.filtered(lambda contract: not contract.reference_contact_id.email)
        asked = contracts - mute
        without = self.env._(
            "No e-mail address is known for %s: add one to the customer or its invoice address, or call.",
            ", ".join(mute.partner_id.mapped("display_name")),
        )
        if not asked:
            raise UserError(without)
        template = self.env.ref("multiservice.mail_template_missing_reference")
        for contract in asked:
            contract.message_post_with_source(
                template,
                subtype_xmlid="mail.mt_comment",
                message_type="comment",
                partner_ids=contract.reference_contact_id.ids,
            )
            contract.reference_asked_on = contract.company_id._service_today()
        message = self.env._("%s customers were asked for the missing references.", len(asked))
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if mute else "success",
                "message": f"{message} {without}" if mute else message,
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    @api.model
    def _awaiting_domain(self, through):
        """Contracts that would be billed by `through` if a reference were there."""
        return [
            ("state", "in", BILLED_STATES),
            ("next_billing_date", "<=", through),
            ("awaiting_reference", "=", True),
        ]
