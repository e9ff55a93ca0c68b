from stdnum.fr import siret

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import escape_psql


class ResPartner(models.Model):
    """Sites: where services are carried out.

    A site is a child contact of its customer, of type *Other*: core then never takes it for the delivery
    address of an invoice made by hand, and its customer stays the debtor.
    """

    _inherit = "res.partner"  # pylint: disable=consider-merging-classes-inherited  # one concern per file

    _service_site_idx = models.Index("(parent_id) WHERE is_service_site")
    _site_code_uniq = models.UniqueIndex(
        "(parent_id, lower(site_code)) WHERE is_service_site AND site_code IS NOT NULL",
        "Another site of this customer, maybe an archived one, already has this site code.",
    )

    is_service_site = fields.Boolean(
        string="Is a Site",
        help="A place where services are carried out for the customer it belongs to.",
    )
    site_code = fields.Char(
        copy=False,
        help="How the customer or you name this site on documents. Unique per customer, capitals ignored.",
    )
    site_siret = fields.Char(
        string="Site SIRET",
        copy=False,
        help="The 14-digit number of the establishment at this place, if it has its own.",
    )
    site_access_info = fields.Text(
        string="Access Information",
        copy=False,
        groups="multiservice.group_planner",
        help="How to get in: entrance, floor, keys, alarm, person to ask for. "
        "Only planners, and the technician of an intervention, read it; it is never printed nor sent.",
    )
    site_access_code = fields.Char(
        string="Access Code",
        copy=False,
        groups="multiservice.group_planner",
        help="Door or alarm code. Only planners, and the technician of an intervention, read it; "
        "it is never printed nor sent.",
    )
    is_site_contact = fields.Boolean(
        compute="_compute_is_site_contact",
        recursive=True,
        help="A site, or somebody at a site: sees its interventions, never contracts or amounts.",
    )
    site_ids = fields.One2many(
        "res.partner",
        "parent_id",
        string="Sites",
        domain=[("is_service_site", "=", True)],
    )
    site_count = fields.Integer(string="Number of Sites", compute="_compute_site_count")

    @api.depends("is_service_site", "parent_id.is_site_contact")
    def _compute_is_site_contact(self):
        for partner in self:
            partner.is_site_contact = partner.is_service_site or partner.parent_id.is_site_contact

    @api.depends("site_ids")
    def _compute_site_count(self):
        domain = [("parent_id", "in", self.ids), ("is_service_site", "=", True)]
        counts = dict(self._read_group(domain, ["parent_id"], ["__count"]))
        for partner in self:
            partner.site_count = counts.get(partner._origin, 0)

    @api.constrains("is_service_site", "parent_id", "type", "is_company", "name")
    def _check_service_site(self):
        children = self.with_context(active_test=False).site_ids
        for site in (self | children).filtered("is_service_site"):
            if error := site._site_error():
                raise ValidationError(error)

    @api.constrains("site_siret")
    def _check_site_siret(self):
        for site in self.filtered("site_siret"):
            if error := site._site_siret_error():
                raise ValidationError(
                    self.env._("SIRET of the site %(site)s: %(error)s", site=site.display_name, error=error)
                )

    @api.onchange("parent_id")
    def _onchange_site_customer(self):
        if self.is_service_site and not self.country_id:
            self.country_id = self.parent_id.country_id

    @api.model_create_multi
    def create(self, vals_list):
        return super().create(self._prepare_site_vals_list(vals_list))

    def write(self, vals):
        return super().write(self._clean_site_vals(vals))

    def get_formview_id(self, access_uid=None):
        if len(self) == 1 and self.is_service_site:
            return self.env.ref("multiservice.site_view_form").id
        return super().get_formview_id(access_uid=access_uid)

    @api.model
    def _search_display_name(self, operator, value):
        """Let people type a site's code. Imports, which compare with "=", do not take codes for customers."""
        domain = super()._search_display_name(operator, value)
        return domain | Domain("site_code", operator, value) if operator == "ilike" else domain

    def _can_be_edited_by_current_customer(self, **kwargs):
        """Core lets portal customers edit and archive their addresses of type *Other*: never sites."""
        return not self.is_service_site and super()._can_be_edited_by_current_customer(**kwargs)

    def _get_delivery_address_domain(self):
        return super()._get_delivery_address_domain() & Domain("is_service_site", "=", False)

    def _handle_first_contact_creation(self):
        """Core gives a customer without address the one of its first imported contact: never a site's."""
        if self.is_service_site:
            return None
        return super()._handle_first_contact_creation()

    @api.model
    def get_import_templates(self):
        if not self.env.context.get("default_is_service_site"):
            return super().get_import_templates()
        return [
            {
                "label": self.env._("Import Template for Sites"),
                "template": "/multiservice/static/import/sites.csv",
            }
        ]

    @api.model
    def load(self, fields, data):
        return super(ResPartner, self.with_context(imported_site_rows={})).load(fields, data)

    def _load_records(self, data_list, update=False):
        """Import a site again: its customer and its code find it when no identifier does."""
        self._identify_imported_sites(data_list)
        return super()._load_records(data_list, update)

    def action_view_sites(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.site_action")
        action["domain"] = [("is_service_site", "=", True), ("parent_id", "=", self.id)]
        action["context"] = self._prepare_site_context()
        return action

    def action_new_site(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New site"),
            "res_model": "res.partner",
            "view_mode": "form",
            "views": [(self.env.ref("multiservice.site_view_form").id, "form")],
            "context": self._prepare_site_context(),
        }

    def _site_error(self):
        """What makes this site wrong, in words, or False."""
        self.ensure_one()
        if error := self._site_customer_error():
            return error
        site = self.name
        if not site:
            return self.env._("A site of %(customer)s has no name.", customer=self.parent_id.display_name)
        if self.is_company:
            return self.env._(
                "The site %(site)s is marked as a company and would be billed itself: choose 'Person', not 'Company'.",
                site=site,
            )
        if self.type != "other":
            return self.env._("The site %(site)s must keep the address type 'Other'.", site=site)
        return False

    def _site_customer_error(self):
        site, customer = self.name or self.site_code or "", self.parent_id
        if not customer:
            return self.env._("The site %(site)s has no customer: choose the one it belongs to.", site=site)
        if customer.is_service_site:
            return self.env._(
                "The site %(site)s cannot belong to another site, %(parent)s: a site has no sites of its own.",
                site=site,
                parent=customer.name,
            )
        if customer != customer.commercial_partner_id:
            return self.env._(
                "The site %(site)s must belong to the customer %(customer)s itself, not to its contact %(contact)s.",
                site=site,
                customer=customer.commercial_partner_id.display_name,
                contact=customer.name,
            )
        return False

    @api.model
    def _clean_site_vals(self, vals):
        """Keep site numbers as they are compared and printed: without blanks."""
        cleaned = dict(vals)
        if vals.get("site_siret"):
            cleaned["site_siret"] = siret.compact(vals["site_siret"])
        if "site_code" in vals:
            cleaned["site_code"] = (vals["site_code"] or "").strip() or False
        return cleaned

    @api.model
    def _prepare_site_vals_list(self, vals_list):
        """Give new sites their address type, and the company and country of their customer."""
        default = self.env.context.get("default_is_service_site")
        prepared = [self._clean_site_vals(vals) for vals in vals_list]
        for vals in prepared:
            if vals.get("is_service_site", default):
                vals["type"] = vals.get("type") or "other"
                customer = self.browse(vals.get("parent_id") or self.env.context.get("default_parent_id"))
                vals.setdefault("company_id", customer.company_id.id)
                vals["country_id"] = vals.get("country_id") or customer.country_id.id
        return prepared

    def _prepare_site_context(self):
        """Defaults of a site that is created from its customer."""
        return {
            "default_is_service_site": True,
            "default_type": "other",
            "default_is_company": False,
            "default_parent_id": self.id,
            "default_country_id": self.country_id.id,
            "default_lang": self.lang,
        }

    @api.model
    def _identify_imported_sites(self, data_list):
        """Set the id in the rows that hold the customer and the code of a site we have.

        Not in the second row of one file with the same code: it meets the unique index, and is reported.
        """
        rows = {}
        seen = self.env.context.get("imported_site_rows", {})
        for data in data_list:
            values = data["values"]
            if data.get("xml_id") or values.get("id") or not (values.get("site_code") and values.get("parent_id")):
                continue
            key = values["parent_id"], values["site_code"].strip().lower()
            if seen.setdefault(key, values) is values:
                rows[key] = values
        if not rows:
            return
        domain = Domain("is_service_site", "=", True) & Domain.OR(
            Domain("parent_id", "=", customer_id) & Domain("site_code", "=ilike", escape_psql(code))
            for customer_id, code in rows
        )
        for site in self.with_context(active_test=False).search(domain):
            key = site.parent_id.id, site.site_code.lower()
            if key in rows:
                rows[key]["id"] = site.id

    def _site_siret_error(self):
        """What is wrong with the site's own SIRET, in words, or False. None at all is not wrong."""
        self.ensure_one()
        return bool(self.site_siret) and self._registry_number_error(self.site_siret, siret)

    def _site_label(self) -> str:
        """The site as its customer reads it on a document: name, code and town, never an access code."""
        self.ensure_one()
        name = f"{self.name} ({self.site_code})" if self.site_code else self.name
        return ", ".join(part for part in (name, self.city) if part)
