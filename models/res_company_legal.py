from datetime import date
from decimal import Decimal

from odoo import fields, models
from odoo.tools import format_amount, format_date

from ..engine.penalty import Policy

LATE_PENALTIES = [
    ("ecb", "ECB rate + 10 points"),
    ("legal", "3 × legal interest"),
    ("own", "Own rate"),
]


class ResCompany(models.Model):
    """What a company's invoices must say of it, and of its terms."""

    _inherit = "res.company"

    service_legal_form = fields.Char(
        string="Legal Form", help="As in the register: SAS, SARL, entrepreneur individuel (EI) …"
    )
    service_share_capital = fields.Monetary(string="Share Capital", help="Empty for who has none.")
    service_rcs_city = fields.Char(
        string="RCS City", help="City of the commercial register (RCS) that lists the company."
    )
    service_vat_franchise = fields.Boolean(
        string="VAT Franchise",
        help="The company is under the turnover limits and charges no VAT (franchise en base, CGI art. 293 B).",
    )
    service_vat_on_debits = fields.Boolean(
        string="VAT on Debits",
        help="The company has opted for paying VAT on services when invoiced rather than when paid. Without the "
        "option, invoices say nothing of it.",
    )
    service_vat_on_debits_from = fields.Date(
        string="VAT on Debits From",
        help="First day to which the option applies: the 1st of the month after it was declared (CGI, annexe III, "
        "art. 77).",
    )
    service_late_penalty = fields.Selection(
        LATE_PENALTIES,
        string="Late Penalties",
        default="ecb",
        required=True,
        help="What businesses owe when they pay late, unless the contract says otherwise. ECB rate + 10 points is what "
        "the law sets where nothing is agreed (Code de commerce, art. L441-10 II).",
    )
    service_late_penalty_rate = fields.Float(
        string="Own Penalty Rate (%)",
        digits=(16, 2),
        help="Per cent a year. Raised to three times the rate of legal interest where that is more.",
    )
    service_early_payment_terms = fields.Char(
        string="Early Payment Discount",
        translate=True,
        help="What invoices say of it, where the payment terms have no discount of their own. Empty: no discount.",
    )
    service_home_declaration = fields.Char(
        string="Home Services Declaration No.",
        help="Number of the declaration as a provider of home services (SAP…): printed for consumers when a home "
        "service is invoiced.",
    )
    service_home_declaration_date = fields.Date(string="Home Services Declared On")
    service_home_approval = fields.Char(
        string="Home Services Approval No.", help="For the activities that need an approval (agrément)."
    )
    service_guarding_authorisation = fields.Char(
        string="Guarding Authorisation No.",
        help="Number of the company's authorisation by the CNAPS, on every document of a guarding company (Code de la "
        "sécurité intérieure, art. L612-9 and L612-15).",
    )

    def _vat_on_debits(self, day: date) -> bool:
        """Whether the option for VAT on debits applies on that day: always, where its date is not known."""
        self.ensure_one()
        start = self.service_vat_on_debits_from
        return self.service_vat_on_debits and (not start or start <= day)

    def _late_penalty(self) -> tuple[Policy, Decimal]:
        """The company's policy, and its own rate in per cent a year: without a rate, the least that the law admits."""
        self.ensure_one()
        policy, rate = self.service_late_penalty, self.service_late_penalty_rate
        return "legal" if policy == "own" and rate <= 0 else policy, Decimal(str(rate))

    def _legal_values(self) -> dict[str, str]:
        """What legal mentions may say of the company, in the language of the context; "" for what it does not have."""
        self.ensure_one()
        declared = self.service_home_declaration_date
        return {
            "company": self.name or "",
            "address": self._address_in_a_line(),
            "legal_form": self.service_legal_form or "",
            "capital": self.service_share_capital
            and format_amount(self.env, self.service_share_capital, self.currency_id, trailing_zeroes=False),
            "rcs_city": self.service_rcs_city or "",
            "siren": self.partner_id.siren or "",
            "siret": self.company_registry or "",
            "ape": self.ape or "",
            "vat": self.vat or "",
            "early_payment_terms": self.service_early_payment_terms or "",
            "home_declaration": self.service_home_declaration or "",
            "home_declaration_date": declared and format_date(self.env, declared),
            "home_approval": self.service_home_approval or "",
            "guarding_authorisation": self.service_guarding_authorisation or "",
        }

    def _address_in_a_line(self) -> str:
        self.ensure_one()
        town = " ".join(filter(None, (self.zip, self.city)))
        return ", ".join(filter(None, (self.street, self.street2, town)))

    def _legal_identity(self, lang: str | None = None) -> str:
        """Legal form, capital and register in one line (EN 16931 BT-33), from the mentions in force today."""
        self.ensure_one()
        company = self.with_context(lang=lang or self._service_lang())
        mentions = company.env["multiservice.legal.mention"]._in_force(company, company._service_today())
        values = company._legal_values()
        return ", ".join(filter(None, (one._fill(values) for one in mentions.filtered(lambda m: m.kind == "identity"))))


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    service_legal_form = fields.Char(related="company_id.service_legal_form", readonly=False)
    service_share_capital = fields.Monetary(related="company_id.service_share_capital", readonly=False)
    service_rcs_city = fields.Char(related="company_id.service_rcs_city", readonly=False)
    service_vat_franchise = fields.Boolean(related="company_id.service_vat_franchise", readonly=False)
    service_vat_on_debits = fields.Boolean(related="company_id.service_vat_on_debits", readonly=False)
    service_vat_on_debits_from = fields.Date(related="company_id.service_vat_on_debits_from", readonly=False)
    service_late_penalty = fields.Selection(related="company_id.service_late_penalty", readonly=False)
    service_late_penalty_rate = fields.Float(related="company_id.service_late_penalty_rate", readonly=False)
    service_early_payment_terms = fields.Char(related="company_id.service_early_payment_terms", readonly=False)
    service_home_declaration = fields.Char(related="company_id.service_home_declaration", readonly=False)
    service_home_declaration_date = fields.Date(related="company_id.service_home_declaration_date", readonly=False)
    service_home_approval = fields.Char(related="company_id.service_home_approval", readonly=False)
    service_guarding_authorisation = fields.Char(related="company_id.service_guarding_authorisation", readonly=False)
    service_late_rate_missing = fields.Boolean(compute="_compute_service_late_rate_missing")

    def _compute_service_late_rate_missing(self):
        for settings in self:
            today = settings.company_id._service_today()
            settings.service_late_rate_missing = bool(self.env["multiservice.late.rate"]._missing_semester(today))
