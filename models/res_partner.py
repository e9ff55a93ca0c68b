from stdnum.exceptions import ValidationError as NumberError
from stdnum.fr import siren, siret

from odoo import api, fields, models
from odoo.fields import Domain

LEGAL_CATEGORIES = [
    ("business", "Business"),
    ("public_body", "Public body"),
    ("non_professional", "Non-professional legal person"),
    ("consumer", "Consumer"),
]
SIREN_LENGTH = 9
# Where establishments have a SIRET; New Caledonia and French Polynesia keep registers of their own.
SIRET_COUNTRIES = {"FR", "GP", "MQ", "GF", "RE", "YT", "BL", "MF", "PM"}


class ResPartner(models.Model):
    """Customers: which law and which VAT they are under, who manages them, what they have with us.

    These facts belong to the commercial partner; its contacts and sites follow.
    """

    _inherit = "res.partner"

    legal_category = fields.Selection(
        LEGAL_CATEGORIES,
        tracking=True,
        help="Decides which law applies to contracts, reminders and invoices.\n"
        "Business: company, self-employed professional.\n"
        "Public body: State, town, hospital, public establishment.\n"
        "Non-professional legal person: co-ownership syndicate, association.\n"
        "Consumer: private person.",
    )
    vat_liable = fields.Boolean(
        string="Liable to VAT",
        compute="_compute_vat_liable",
        store=True,
        readonly=False,
        tracking=True,
        help="Whether the customer is a taxable person for VAT: its invoices then are electronic invoices, "
        "others are reported only. Proposed from the legal category: businesses are, public bodies in "
        "their sovereign activity, syndicates and consumers are not.",
    )
    manager_ids = fields.One2many(
        "multiservice.customer.manager",
        "partner_id",
        string="Managers",
        groups="multiservice.group_planner",
        help="Who managed this customer, and when.",
    )
    manager_id = fields.Many2one(
        "res.partner",
        string="Current Manager",
        compute="_compute_manager_id",
        search="_search_manager_id",
        groups="multiservice.group_planner",
        help="Syndic, managing agent or parent company that acts for this customer today.",
    )
    mandate_ids = fields.One2many(
        "multiservice.customer.manager",
        "manager_id",
        string="Mandates",
        groups="multiservice.group_planner",
        help="Whom this contact managed, and when.",
    )
    managed_ids = fields.Many2many(
        "res.partner",
        string="Managed Customers",
        compute="_compute_managed_ids",
        groups="multiservice.group_planner",
        help="The customers that this contact manages today.",
    )
    managed_count = fields.Integer(
        string="Number of Managed Customers",
        compute="_compute_managed_ids",
        groups="multiservice.group_planner",
    )
    service_contract_ids = fields.One2many(
        "multiservice.contract",
        "partner_id",
        string="Contracts",
        groups="multiservice.group_planner",
    )
    contract_count = fields.Integer(
        string="Number of Contracts",
        compute="_compute_contract_count",
        groups="multiservice.group_planner",
    )

    @api.depends("service_contract_ids")
    def _compute_contract_count(self):
        contracts = self.env["multiservice.contract"]
        counts = dict(contracts._read_group([("partner_id", "in", self.ids)], ["partner_id"], ["__count"]))
        for partner in self:
            partner.contract_count = counts.get(partner._origin, 0)

    @api.depends("legal_category", "commercial_partner_id")
    def _compute_vat_liable(self):
        contacts = self.filtered(lambda partner: partner.commercial_partner_id - partner)
        for customer in self - contacts:
            customer.vat_liable = customer.legal_category == "business"
        for contact in contacts:
            contact.vat_liable = contact.commercial_partner_id.vat_liable

    @api.depends(
        "commercial_partner_id.manager_ids.manager_id",
        "commercial_partner_id.manager_ids.date_from",
        "commercial_partner_id.manager_ids.date_to",
    )
    def _compute_manager_id(self):
        today = fields.Date.context_today(self)
        current = self.env["multiservice.customer.manager"]._current_domain(today)
        for partner in self:
            mandates = partner.commercial_partner_id.manager_ids.filtered_domain(current)
            partner.manager_id = mandates[:1].manager_id

    def _search_manager_id(self, operator, value):
        if operator in Domain.NEGATIVE_OPERATORS:
            return NotImplemented
        mandates = self.env["multiservice.customer.manager"]
        current = mandates._current_domain(fields.Date.context_today(self))
        path = "commercial_partner_id.manager_ids"
        domain = Domain(path, "any", current & Domain("manager_id", operator, value))
        if operator == "in" and False in value:
            domain |= Domain(path, "not any", current)
        return domain

    @api.depends("mandate_ids.partner_id", "mandate_ids.date_from", "mandate_ids.date_to")
    def _compute_managed_ids(self):
        today = fields.Date.context_today(self)
        current = self.env["multiservice.customer.manager"]._current_domain(today)
        for partner in self:
            partner.managed_ids = partner.mandate_ids.filtered_domain(current).partner_id
            partner.managed_count = len(partner.managed_ids)

    @api.model
    def _commercial_fields(self):
        return [*super()._commercial_fields(), "legal_category", "vat_liable"]

    def _convert_fields_to_values(self, field_names):
        """Let planners import sites: core's import reads accounting fields of the customer to copy them."""
        readable = [name for name in field_names if self._has_field_access(self._fields[name], "read")]
        return super()._convert_fields_to_values(readable)

    def action_view_service_contracts(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Contracts"),
            "res_model": "multiservice.contract",
            "view_mode": "list,form",
            "domain": [("partner_id", "=", self.id)],
            "context": {"default_partner_id": self.id},
        }

    def action_view_managed_customers(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.customer_action")
        action["name"] = self.env._("Managed customers")
        action["domain"] = [("id", "in", self.managed_ids.ids)]
        action["context"] = {}
        return action

    def action_view_balance(self):
        """The customer's unpaid invoices."""
        action = self.action_view_partner_invoices()
        action["context"]["search_default_open"] = 1
        return action

    def _siret_error(self):
        """What is wrong with the customer's SIRET or SIREN, in words, or False. None at all is not wrong."""
        self.ensure_one()
        number = siret.compact(self.company_registry or "")
        if not number or (self.country_code or "FR") not in SIRET_COUNTRIES:
            return False
        return self._registry_number_error(number, siren if len(number) == SIREN_LENGTH else siret)

    @api.model
    def _registry_number_error(self, number, kind):
        """Check a French number with `siren` or `siret` of stdnum, which knows La Poste's own checksum."""
        try:
            kind.validate(number)
        except NumberError:
            return (
                self.env._("%(number)s is not a valid SIREN: 9 digits with a right checksum.", number=number)
                if kind is siren
                else self.env._("%(number)s is not a valid SIRET: 14 digits with a right checksum.", number=number)
            )
        return False
