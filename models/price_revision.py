from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import float_compare, format_date, formatLang

from ..engine.indexation import revise

LETTER_BY_MAIL = "multiservice.mail_template_price_revision"
MOST_DECIMALS = 6  # of a price or a coefficient on a document


# Filled by the clause and decided by the buttons, never written otherwise.
GUARDED_FIELDS = frozenset(
    (
        "contract_id",
        "clause_id",
        "date",
        "ground",
        "state",
        "coefficient",
        "calculation",
        "index_months",
        "customer_accepted_on",
        "decided_by_id",
    )
)


class NoIndexValue(Exception):
    """Why a revision cannot be computed yet, in words."""


class PriceRevision(models.Model):
    """One revision of a contract's prices: proposed by the clause, decided by a person, kept with its calculation."""

    _name = "multiservice.price.revision"
    _description = "Price Revision"
    _inherit = ["mail.thread"]
    _order = "date desc, id desc"

    _date_uniq = models.UniqueIndex(
        "(contract_id, date) WHERE state != 'refused'", "The contract has a revision on that day already."
    )

    contract_id = fields.Many2one("multiservice.contract", required=True, readonly=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="contract_id.company_id", store=True, precompute=True)
    partner_id = fields.Many2one(related="contract_id.partner_id", string="Customer", store=True, precompute=True)
    currency_id = fields.Many2one(related="contract_id.currency_id")
    clause_id = fields.Many2one("multiservice.price.clause", readonly=True, ondelete="restrict")
    date = fields.Date(string="From", required=True, readonly=True, help="First day at the new price.")
    state = fields.Selection(
        [
            ("waiting", "Cannot be computed yet"),
            ("proposed", "To decide"),
            ("accepted", "Applied"),
            ("refused", "Refused"),
            ("skipped", "Below the threshold"),
        ],
        default="proposed",
        required=True,
        readonly=True,
        index=True,
        tracking=True,
    )
    coefficient = fields.Float(readonly=True, digits=(12, 6), aggregator="avg")
    calculation = fields.Text(readonly=True, help="The formula with the values of the indices, or what is missing.")
    index_months = fields.Json(readonly=True, help="Month of the value of each index, by its code.")
    line_ids = fields.One2many("multiservice.price.revision.line", "revision_id", string="Prices", readonly=True)
    amount_before = fields.Monetary(
        string="Before", compute="_compute_amounts", store=True, help="Sum of the old prices for one period each."
    )
    amount_after = fields.Monetary(
        string="After", compute="_compute_amounts", store=True, help="Sum of the new prices for one period each."
    )
    decided_by_id = fields.Many2one("res.users", readonly=True)

    @api.depends("date", "line_ids.amount_before", "line_ids.amount_after", "line_ids.line_id.date_start")
    def _compute_amounts(self):
        for revision in self:
            # A line that takes the place of another later on is not added to it.
            lines = revision.line_ids.filtered(lambda line, day=revision.date: line.line_id.date_start <= day)
            revision.amount_before = sum(lines.mapped("amount_before"))
            revision.amount_after = sum(lines.mapped("amount_after"))

    @api.depends("contract_id", "date")
    def _compute_display_name(self):
        for revision in self:
            revision.display_name = f"{revision.contract_id.name} – {format_date(self.env, revision.date)}"

    def write(self, vals):
        if GUARDED_FIELDS.intersection(vals):
            raise UserError(self.env._("A price revision is computed and decided by its buttons alone."))
        return super().write(vals)

    def _write_unguarded(self, vals):
        """Write what only the acts of this class may change."""
        return super().write(vals)  # pylint: disable=super-method-mismatch

    @api.ondelete(at_uninstall=False)
    def _unlink_except_applied(self):
        if applied := self.filtered(lambda revision: revision.state == "accepted"):
            raise UserError(
                self.env._("%s was applied: it is kept as the reason of the prices.", applied[0].display_name)
            )

    def action_compute(self):
        """Compute again: an index has its value now, or another one."""
        for revision in self:
            if revision.state in ("accepted", "refused") or not revision.clause_id:
                raise UserError(self.env._("%s was decided already, or follows no index.", revision.display_name))
            revision._compute_revision()

    def action_accept(self):
        """Apply the new prices from their day; what was billed since is corrected by the next billing run."""
        self.check_access("write")
        for revision in self:
            if revision.state not in ("proposed", "skipped"):
                raise UserError(
                    self.env._(
                        "%(revision)s cannot be applied, it is “%(state)s”.",
                        revision=revision.display_name,
                        state=revision._state_in_words(),
                    )
                )
            revision._check_current()
            revision.line_ids._apply()
            revision._write_unguarded({"state": "accepted", "decided_by_id": self.env.uid})
            revision.contract_id.message_post(
                body=self.env._(
                    "Prices revised from %(day)s: %(calculation)s",
                    day=format_date(self.env, revision.date),
                    calculation=revision.calculation,
                )
            )

    def action_refuse(self):
        """Leave the prices as they are; the next revision counts from the same reference."""
        for revision in self:
            if revision.state == "accepted":
                raise UserError(self.env._("%s was applied already.", revision.display_name))
        self._write_unguarded({"state": "refused", "decided_by_id": self.env.uid})

    def action_send_letter(self):
        """Tell the customers of their new prices by e-mail."""
        template = self.env.ref(LETTER_BY_MAIL)
        for revision in self:
            if revision.state != "accepted" or not revision.partner_id.email:
                raise UserError(
                    self.env._(
                        "%s: apply the revision first, and give the customer an e-mail address.",
                        revision.display_name,
                    )
                )
            revision.message_post_with_source(
                template,
                subtype_xmlid="mail.mt_comment",
                message_type="comment",
                partner_ids=revision.partner_id.ids,
            )

    def _state_in_words(self) -> str:
        return dict(self._fields["state"]._description_selection(self.env))[self.state]

    def _compute_revision(self) -> None:
        """Fill the revision from the clause and the values of the indices that are known now."""
        self.ensure_one()
        try:
            vals = self._revision_vals()
        except NoIndexValue as missing:
            vals = {"state": "waiting", "calculation": str(missing), "line_ids": []}
        lines = [Command.clear(), *(Command.create(line_vals) for line_vals in vals["line_ids"])]
        self._write_unguarded(vals | {"line_ids": lines})

    def _revision_vals(self) -> dict:
        """What the clause gives now: values of the revision, and of each of its lines.

        Raises NoIndexValue as long as the indices do not allow it.
        """
        self.ensure_one()
        contract = self.contract_id
        clause = contract.price_clause_id or self.clause_id
        clause._check_formula()
        clause._check_indices()
        base, current = contract._index_values(clause, self.date)
        values = [{code: value._linked() for code, value in of_day.items()} for of_day in (base, current)]
        result = revise(Decimal(1), clause._to_clause(), *values)
        change = abs(result.coefficient / contract._coefficient_in_force(clause, self.date) - 1) * 100
        # In the language of the customer, who reads it on its invoices.
        printed = self.with_context(lang=self.partner_id.lang or self.env.lang)
        return {
            "clause_id": clause.id,
            "state": "skipped" if not round(change, 4) or change < Decimal(str(clause.threshold)) else "proposed",
            "coefficient": float(result.coefficient),
            "calculation": printed._calculation(clause, base, current, result),
            "index_months": {code: value.month.isoformat() for code, value in current.items()},
            "line_ids": contract._revised_lines(clause, self.date, result.coefficient),
        }

    def _check_current(self) -> None:
        """Refuse to apply what the index values, the clause or the lines of the contract do not give any more."""
        self.ensure_one()
        try:
            vals = self._revision_vals()
        except NoIndexValue:
            vals = None
        names = ("price_before", "price_initial", "price_after")
        shown = {line.line_id.id: [line[name] for name in names] for line in self.line_ids}
        if vals is None or (
            vals["clause_id"] != self.clause_id.id
            or float_compare(vals["coefficient"], self.coefficient, precision_digits=6)
            or {line_vals["line_id"]: [line_vals[name] for name in names] for line_vals in vals["line_ids"]} != shown
        ):
            raise UserError(
                self.env._("%s: the contract or an index changed since, compute it again.", self.display_name)
            )

    def _calculation(self, clause, base, current, result) -> str:
        """The formula with its figures: 0.15 + 0.85 × 130.5 (05/2026) / 121.2 (05/2025) = 1.0652."""
        parts = [self._number(clause.fixed)] if clause.fixed else []
        for term in clause.term_ids:
            code = term.index_id.code
            now, then = (self._value_in_words(of_day[code]) for of_day in (current, base))
            parts.append(f"{self._number(term.weight)} × {code} {now} / {then}")
        text = f"{' + '.join(parts)} = {self._number(result.computed)}"
        if result.coefficient != result.computed:
            text += self.env._(", limited to %s", self._number(result.coefficient))
        return text

    def _value_in_words(self, value) -> str:
        number, link = self._number(value.value), value._link()
        if link != 1:
            number = f"({number} × {self._number(link)})"
        return f"{number} ({value.month:%m/%Y})"

    def _number(self, value) -> str:
        return formatLang(self.env, float(value), digits=min(decimals(value), MOST_DECIMALS))


class PriceRevisionLine(models.Model):
    _name = "multiservice.price.revision.line"
    _description = "Revised Price"
    _order = "revision_id, id"

    revision_id = fields.Many2one("multiservice.price.revision", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="revision_id.company_id", store=True, precompute=True)
    currency_id = fields.Many2one(related="revision_id.currency_id")
    line_id = fields.Many2one("multiservice.contract.line", string="Service", required=True, ondelete="cascade")
    successor_id = fields.Many2one("multiservice.contract.line", string="New Line", readonly=True, ondelete="set null")
    price_before = fields.Float(string="Old Price", min_display_digits="Product Price")
    price_initial = fields.Float(
        string="Price of Reference",
        min_display_digits="Product Price",
        help="What the coefficient multiplies: the old price, or the initial one, as the clause says.",
    )
    price_after = fields.Float(string="New Price", min_display_digits="Product Price")
    factor = fields.Float(
        string="Other Prices ×",
        digits=(12, 6),
        default=1.0,
        help="What tiers, minimum and price beyond the quantity included are multiplied by.",
    )
    amount_before = fields.Monetary(compute="_compute_amounts", store=True)
    amount_after = fields.Monetary(compute="_compute_amounts", store=True)

    @api.depends("line_id.quantity", "line_id.pricing", "line_id.discount", "price_before", "price_after", "factor")
    def _compute_amounts(self):
        for line in self:
            of_line = line.line_id
            if of_line._has_other_prices():
                line.amount_before, line.amount_after = of_line.amount, of_line.amount * line.factor
                continue
            units = (1.0 if of_line.pricing == "flat" else of_line.quantity) * (1 - of_line.discount / 100)
            line.amount_before = units * line.price_before
            line.amount_after = units * line.price_after

    def _prices_in_words(self) -> tuple[str, str]:
        """The old and the new prices as the customer reads them: the unit price, and where the service has them its
        tiers, its minimum and other prices.
        """
        self.ensure_one()
        return tuple(
            "\n".join([*([line._format_unit_price(Decimal(str(price)))] if price else []), *line._pricing_in_words()])
            for line, price in (
                (self.line_id, self.price_before),
                (self.successor_id or self.line_id, self.price_after),
            )
        )

    def _apply(self) -> None:
        """Succeed each contract line by one at the new price."""
        for line in self:
            revision, before = line.revision_id, line.line_id
            env = self.with_context(lang=revision.partner_id.lang or self.env.lang).env
            note = env._(
                "Price revised on %(day)s: %(calculation)s",
                day=format_date(env, revision.date),
                calculation=revision.calculation,
            )
            line.successor_id = before._replace_from(
                max(revision.date, before.date_start),
                {"price_unit": line.price_after, "price_note": note, "name": before.name}
                | before._other_prices_times(line.factor),
            )


def decimals(number: float) -> int:
    """How many decimals the number is written with."""
    return max(-Decimal(str(number)).normalize().as_tuple().exponent, 0)
