from collections import defaultdict
from datetime import date
from itertools import pairwise
from string import Formatter

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import ormcache

KINDS = [
    ("nature", "Nature of operations"),
    ("vat", "VAT"),
    ("housing", "Works in a dwelling"),
    ("late_penalties", "Late penalties"),
    ("recovery_indemnity", "Recovery indemnity"),
    ("early_payment", "Early payment"),
    ("home_services", "Home services"),
    ("guarding", "Guarding"),
    ("seller", "Seller"),
    ("identity", "Legal identity"),
    ("other", "Other"),
]
# Said once: of the mentions of such a kind that apply, the first is kept.
SINGLE_KINDS = {"seller", "nature", "late_penalties", "recovery_indemnity", "early_payment"}

SITUATIONS = [
    ("always", "Always"),
    ("credit_note", "Credit note"),
    ("services", "Services are sold"),
    ("goods", "Goods are sold"),
    ("mixed", "Goods and services are sold"),
    ("franchise", "Seller under the VAT franchise"),
    ("debits", "Services, VAT on debits opted for"),
    ("points_mixed", "VAT due partly on the invoice, partly on payment"),
    ("reverse_building", "Reverse charge, subcontracted building work"),
    ("reverse_eu", "Reverse charge, service in the European Union"),
    ("goods_eu", "Goods delivered in the European Union"),
    ("services_abroad", "Service outside the European Union"),
    ("goods_abroad", "Goods exported"),
    ("housing_stated", "Reduced VAT on works in a dwelling, customer's statement received"),
    ("housing_10", "10 % VAT on works in a dwelling, no statement yet"),
    ("housing_5_5", "5.5 % VAT on works in a dwelling, no statement yet"),
    ("home_services", "Home services are sold"),
    ("penalty_ecb", "Late penalties: ECB rate + 10 points"),
    ("penalty_legal", "Late penalties: 3 × legal interest"),
    ("penalty_own", "Late penalties: own rate"),
]

# UNTDID 4451, the subjects that French invoices use (EN 16931 BT-21)
SUBJECTS = [
    ("PMT", "PMT – Recovery indemnity"),
    ("PMD", "PMD – Late penalties"),
    ("AAB", "AAB – Early payment"),
    ("TXD", "TXD – Tax"),
    ("REG", "REG – Regulatory information"),
    ("ABL", "ABL – Legal information"),
    ("AAI", "AAI – General information"),
]

# What a text may have between braces; filled by `res.company._legal_values` and `account.move._legal_values`.
PLACEHOLDERS = (
    *("company", "address", "legal_form", "capital", "rcs_city", "siren", "siret", "ape", "vat"),
    *("home_declaration", "home_declaration_date", "home_approval", "guarding_authorisation"),
    *("customer", "customer_vat", "rate", "public_rate", "legal_rate", "recovery_indemnity", "statement_date"),
    *("early_payment_terms", "discount_rate", "discount_date"),
    *("vat_on_invoice", "vat_on_payment"),
)


def placeholders(text: str) -> set[str]:
    """The names between braces in `text`. Raises ValueError where it has braces that are not a plain name."""
    names = set()
    for _literal, name, spec, conversion in Formatter().parse(text or ""):
        if name is not None:
            if spec or conversion or not name.isidentifier():
                raise ValueError(name)
            names.add(name)
    return names


class LegalMention(models.Model):
    """What the law wants invoices to say, on whose and on which, from when until when.

    `_for_move` is the one answer to "what does this invoice say?": the report prints it, the electronic invoice
    carries it as notes. A text with a placeholder that has no value is not said: a company without capital says
    nothing of its capital, penalties whose rate is not published are stated by the next mention, without the rate.
    """

    _name = "multiservice.legal.mention"
    _description = "Legal Mention"
    _inherit = ["multiservice.cached.mixin"]
    _order = "sequence, id"

    _dates_ordered = models.Constraint(
        "CHECK(date_from IS NULL OR date_to IS NULL OR date_from <= date_to)", "A mention cannot end before it starts."
    )

    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        required=True,
        help="Two mentions with the same code follow each other in time. A company's own mention takes the place of "
        "the shared one with its code.",
    )
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10, help="Order on the invoice, and which comes first among those said once.")
    kind = fields.Selection(
        KINDS,
        required=True,
        default="other",
        help="Of seller, nature of operations, late penalties, recovery indemnity and early payment, an invoice has "
        "one each: the first that applies.",
    )
    text = fields.Text(
        required=True,
        translate=True,
        help="Printed in the customer's language. Names between braces are filled in; a text with one that has no "
        "value for an invoice is not printed: " + ", ".join(f"{{{name}}}" for name in PLACEHOLDERS) + ".",
    )
    situation = fields.Selection(
        SITUATIONS, string="When", required=True, default="always", help="What an invoice must be to say it."
    )
    for_business = fields.Boolean(string="To Businesses", default=True)
    for_public_body = fields.Boolean(string="To Public Bodies", default=True)
    for_non_professional = fields.Boolean(
        string="To Non-Professional Legal Persons", default=True, help="Co-ownership syndicates, associations."
    )
    for_consumer = fields.Boolean(string="To Consumers", default=True)
    customer_vat = fields.Selection(
        [("any", "Liable or not"), ("liable", "Liable to VAT"), ("not_liable", "Not liable to VAT")],
        string="Customer's VAT",
        required=True,
        default="any",
    )
    date_from = fields.Date(string="From", help="First invoice date that says it.")
    date_to = fields.Date(string="To", help="Last invoice date that says it.")
    source = fields.Char(help="The article of law, decree or notice that asks for it.")
    subject_code = fields.Selection(
        SUBJECTS,
        string="Subject in the XML",
        help="Under which subject the electronic invoice carries it as a note (EN 16931 BT-21). Empty: no note.",
    )
    vatex_code = fields.Char(
        string="VATEX Code",
        help="Where the text is the reason why no VAT is due: that reason's code in electronic invoices (EN 16931 "
        "BT-121), such as VATEX-FR-FRANCHISE.",
    )
    print_on_invoice = fields.Boolean(default=True, help="Below the totals. Else in the electronic invoice only.")
    company_id = fields.Many2one("res.company", help="Empty: for every company.")
    in_force = fields.Boolean(compute="_compute_in_force", search="_search_in_force", help="Today.")

    @api.depends("date_from", "date_to")
    def _compute_in_force(self):
        today = fields.Date.context_today(self)
        in_force = self.filtered_domain(self._dated_domain(today))
        for mention in self:
            mention.in_force = mention in in_force

    def _search_in_force(self, operator, value):
        if operator != "in":
            return NotImplemented
        return self._dated_domain(fields.Date.context_today(self))

    @api.constrains("text")
    def _check_text(self):
        for code, _name in self.env["res.lang"].get_installed():
            for mention in self.with_context(lang=code):
                mention._check_placeholders()

    def _check_placeholders(self):
        try:
            unknown = placeholders(self.text) - set(PLACEHOLDERS)
        except ValueError:
            unknown = {"{ }"}
        if unknown:
            raise ValidationError(
                self.env._(
                    "%(mention)s: %(unknown)s cannot be filled in. "
                    "A text may have these names between braces: %(known)s.",
                    mention=self.name,
                    unknown=", ".join(sorted(unknown)),
                    known=", ".join(PLACEHOLDERS),
                )
            )

    @api.constrains("code", "company_id", "date_from", "date_to", "active")
    def _check_succession(self):
        """On no day two mentions with the same code, for the same company."""
        by_code = defaultdict(self.browse)
        for mention in self.search([("code", "in", self.mapped("code"))]):
            by_code[mention.code, mention.company_id] |= mention
        for mentions in by_code.values():
            dated = mentions.sorted(lambda m: m.date_from or date.min)
            for earlier, later in pairwise(dated):
                if (earlier.date_to or date.max) >= (later.date_from or date.min):
                    raise ValidationError(
                        self.env._(
                            "%(earlier)s and %(later)s have the same code and hold on the same days: end one before "
                            "the other starts.",
                            earlier=earlier.name,
                            later=later.name,
                        )
                    )

    @api.model
    def _dated_domain(self, day: date) -> list:
        return [
            *("|", ("date_from", "=", False), ("date_from", "<=", day)),
            *("|", ("date_to", "=", False), ("date_to", ">=", day)),
        ]

    @api.model
    def _in_force(self, company, day: date):
        """The company's mentions on that day, in print order, whatever they apply to."""
        return self.sudo().browse(self._in_force_ids(company.id, day))  # sudo: who sees an invoice sees what it says

    @api.model
    @ormcache("company_id", "day")
    def _in_force_ids(self, company_id: int, day: date) -> tuple[int, ...]:
        # sudo: as above
        mentions = self.sudo().search([("company_id", "in", (False, company_id)), *self._dated_domain(day)])
        own = set(mentions.filtered("company_id").mapped("code"))
        return mentions.filtered(lambda mention: mention.company_id or mention.code not in own)._ids

    @api.model
    def _for_move(self, move) -> list[tuple]:
        """(mention, text) of all that the invoice must say, in print order, in its customer's language."""
        move.ensure_one()
        if not move._has_legal_mentions():
            return []
        move = move._in_customer_lang()
        category, liable = move._customer_law()
        situations, values = move._legal_situations(), move._legal_values()
        result, said = [], set()
        for mention in move.env[self._name]._in_force(move.company_id, move._legal_date()):
            applies = (
                mention.situation in situations
                and mention[f"for_{category}"]
                and mention.customer_vat in ("any", "liable" if liable else "not_liable")
            )
            text = applies and mention.kind not in said and mention._fill(values)
            if text:
                result.append((mention, text))
                said |= {mention.kind} & SINGLE_KINDS
        return result

    @api.model
    def _notes_for_move(self, move) -> list[tuple[str, str]]:
        """(subject, text) of the notes of the electronic invoice (EN 16931 BG-1), each subject once."""
        texts = defaultdict(list)
        for mention, text in self._for_move(move):
            if mention.subject_code:
                texts[mention.subject_code].append(text)
        return [(subject, " ".join(said)) for subject, said in texts.items()]

    @api.model
    def _exemption(self, move, vatex_code: str) -> str:
        """In words, why the invoice bears no VAT (EN 16931 BT-120), or "" where no mention has that VATEX code."""
        move = move._in_customer_lang()
        mentions = move.env[self._name]._in_force(move.company_id, move._legal_date())
        return mentions.filtered(lambda mention: mention.vatex_code == vatex_code)[:1]._fill(move._legal_values())

    def _fill(self, values: dict[str, str]) -> str:
        """The text with its placeholders filled in; "" where one has no value."""
        text = self.text or ""
        try:
            names = placeholders(text)
        except ValueError:
            return text  # a translation loaded from a file is not checked as one that is typed
        return text.format_map(values) if all(values.get(name) for name in names) else ""
