from stdnum.fr import siren, siret

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..einvoice import codes
from ..einvoice.model import Address, Contact, DeliverySite, Identifier, Party

# Where a private person without an e-mail address is reached: nowhere, by no register.
VAT_SCHEMES = {"DE": "9930", "BE": "9925", "ES": "9920", "IT": "0211", "NL": "9944", "LU": "9938", "PT": "9946"}


class PartnerParty(models.Model):
    """A partner as the party of an electronic invoice."""

    _inherit = "res.partner"

    siren = fields.Char(
        string="SIREN",
        compute="_compute_siren",
        store=True,
        help="Number of the legal person, the first nine digits of its SIRET; from the company registry, else from the "
        "VAT number.",
    )
    einvoice_address = fields.Char(
        string="Electronic Invoice Address",
        compute="_compute_einvoice_address",
        store=True,
        readonly=False,
        tracking=True,
        help="Where electronic invoices are delivered, as the directory of the French reform lists it: the SIREN, or "
        "the SIREN followed by a SIRET, a routing code or a suffix, joined by “_” (EN 16931 BT-49, scheme 0225).",
    )

    einvoice_payer_id = fields.Many2one(
        "res.partner",
        string="Invoices Paid By",
        domain="[('is_company', '=', True), ('is_service_site', '=', False)]",
        index="btree_not_null",
        ondelete="restrict",
        help="Who pays in the customer's place: a parent company, an insurer. Invoices name it (EN 16931 EXTENDED, "
        "EXT-FR-FE-BG-02); the customer still owes them.",
    )

    @api.constrains("einvoice_payer_id")
    def _check_einvoice_payer_id(self):
        for partner in self:
            if partner.einvoice_payer_id.commercial_partner_id == partner.commercial_partner_id:
                raise ValidationError(self.env._("%s pays its own invoices: name no payer.", partner.display_name))

    @api.depends("company_registry", "vat", "commercial_partner_id.company_registry", "commercial_partner_id.vat")
    def _compute_siren(self):
        for partner in self:
            partner.siren = partner.commercial_partner_id._french_siren() or False

    @api.depends("siren", "commercial_partner_id")
    def _compute_einvoice_address(self):
        """The SIREN, until somebody types another; a contact's own, where it differs from its company's."""
        for partner in self:
            own = partner == partner.commercial_partner_id
            known = partner.einvoice_address
            if not known or (own and known != partner.siren and len(known) == len(partner.siren or known)):
                partner.einvoice_address = partner.siren if own else False

    def _french_siren(self) -> str:
        """The SIREN inside the company registry (a SIREN or a SIRET) or inside a French VAT number; "" without one."""
        self.ensure_one()
        number = siret.compact(self.company_registry or "")
        if number.isdigit() and len(number) in (9, 14):
            return number[:9]
        vat = (self.vat or "").replace(" ", "")
        return vat[4:] if vat.startswith("FR") and siren.is_valid(vat[4:]) else ""

    def _einvoice_routing(self) -> str:
        """Who is at the other end (note BAR): what a platform does with the invoice follows from it. A company of which
        nothing more is known is taken for a business, as by the legal mentions.
        """
        customer = self.commercial_partner_id
        abroad = customer._is_abroad()
        category = customer.legal_category
        if customer.vat_liable or category == "public_body" or (not category and customer.is_company):
            return codes.B2B_ABROAD if abroad else codes.B2B
        return codes.B2C_ABROAD if abroad else codes.B2C

    def _is_abroad(self) -> bool:
        self.ensure_one()
        return (self.country_id.code or "FR") not in self._french_countries()

    def _is_in_european_union(self) -> bool:
        """In a member state other than France."""
        self.ensure_one()
        return self._is_abroad() and self.country_id in self.env.ref("base.europe").country_ids

    @api.model
    def _french_countries(self) -> set[str]:
        """Metropolitan France, the overseas departments and the territories that share its VAT or its registers."""
        return {"FR", "GP", "MQ", "GF", "RE", "YT", "MF", "BL", "PM", "MC"}

    def _to_buyer(self) -> Party:
        """The customer that owes: name and numbers of the commercial partner, address of the invoice address."""
        self.ensure_one()
        customer = self.commercial_partner_id
        address = self if self.street or self.city else customer
        scheme, electronic = self._electronic_address()
        french = customer.siren and not customer._is_abroad()
        vat = (customer.vat or "").replace(" ", "").upper()
        legal_scheme, legal_id = customer._legal_number()
        number = siret.compact(customer.company_registry or "")
        return Party(
            name=customer.name or "",
            address=address._to_address(),
            legal_id=legal_id or "",
            legal_scheme=legal_scheme,
            identifiers=(Identifier(codes.SIRET, number),) if french and len(number) == 14 else (),
            vat_number=vat,
            electronic_address=electronic,
            electronic_scheme=scheme,
            contact=Contact(name=self.name or "") if self != customer and self.name else None,
        )

    def _legal_number(self) -> tuple[str, str]:
        """Scheme and number of the legal person (BT-47): the SIREN in France, the VAT number in the European Union;
        elsewhere, as AFNOR XP Z12-012 has it, the country and the first sixteen characters of the name.
        """
        self.ensure_one()
        if not self._is_abroad():
            return codes.SIREN, self.siren or ""
        if self._is_in_european_union():
            return codes.EUROPEAN_VAT, (self.vat or "").replace(" ", "").upper()
        return codes.OUTSIDE_EUROPE, f"{self.country_id.code}{(self.name or '')[:16]}"

    def _electronic_address(self) -> tuple[str, str]:
        """Scheme and address (BT-49): the French one; the VAT number abroad; for persons their e-mail."""
        customer = self.commercial_partner_id
        if french := self.einvoice_address or customer.einvoice_address:
            return codes.ELECTRONIC_ADDRESS, french
        country = customer.country_id.code or ""
        if customer.vat and country in VAT_SCHEMES:
            return VAT_SCHEMES[country], customer.vat.replace(" ", "").upper()
        if email := self.email_normalized or customer.email_normalized:
            return codes.EMAIL, email
        return codes.EMAIL, ""

    def _to_address(self) -> Address:
        self.ensure_one()
        return Address(
            country=self.country_id.code or "",
            line1=self.street or "",
            line2=self.street2 or "",
            postcode=self.zip or "",
            city=self.city or "",
            subdivision=self.state_id.name or "",
        )

    def _to_delivery_site(self) -> DeliverySite:
        """A site, or any other address at which the service is rendered."""
        self.ensure_one()
        number = siret.compact(self.site_siret or "")
        return DeliverySite(
            name=self.name or self.commercial_partner_id.name or "",
            address=self._to_address(),
            identifiers=(Identifier(codes.SIRET, number),) if number else (),
        )

    def _invoiced_objects(self) -> tuple[Identifier, ...]:
        """BT-18, BT-128: the site's code, by which its customer knows what is invoiced."""
        self.ensure_one()
        return (Identifier(codes.INVOICED_OBJECT, self.site_code),) if self.site_code else ()


class CompanyParty(models.Model):
    _inherit = "res.company"

    service_einvoice = fields.Boolean(
        string="French E-Invoicing by Multiservice",
        compute="_compute_service_einvoice",
        inverse="_inverse_service_einvoice",
        store=True,
        help="Customer invoices carry a Factur-X that the French authority's rules accept, made by this module rather "
        "than by Odoo's own builder. Complete the company and its customers first: see “E-invoice readiness”.",
    )
    service_einvoice_unwanted = fields.Boolean(help="French e-invoicing was switched off.")
    service_einvoice_check = fields.Selection(
        [("block", "Refuse to post it"), ("warn", "Post it, and refuse to send it")],
        string="Invoice That Breaks a French Rule",
        default="block",
        required=True,
    )

    @api.depends("country_id", "service_einvoice_unwanted")
    def _compute_service_einvoice(self):
        """On for French companies, unless it was switched off."""
        for company in self:
            french = company.country_id.code in self.env["res.partner"]._french_countries()
            company.service_einvoice = french and not company.service_einvoice_unwanted

    def _inverse_service_einvoice(self):
        for company in self:
            company.service_einvoice_unwanted = not company.service_einvoice

    def _to_seller(self, contact=None) -> Party:
        """The company as the seller; `contact`: the user to whom questions about the invoice go."""
        self.ensure_one()
        partner = self.partner_id
        number = siret.compact(partner.company_registry or "")
        vat = (partner.vat or "").replace(" ", "").upper()
        return Party(
            name=partner.name or "",
            address=partner._to_address(),
            legal_id=partner.siren or "",
            identifiers=(Identifier(codes.SIRET, number),) if len(number) == 14 else (),
            vat_number="" if self.service_vat_franchise else vat,
            tax_id=(partner.siren or "") if self.service_vat_franchise or not vat else "",
            electronic_address=partner.einvoice_address or "",
            legal_information=self._legal_identity(),
            contact=contact
            and Contact(contact.name or "", contact.phone or self.phone or "", contact.email or self.email or ""),
        )
