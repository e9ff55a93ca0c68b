from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from itertools import takewhile

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL, format_date

from ..engine.periods import Period
from ..engine.plan import proposals, window_start
from ..engine.terms import Held

HOLDING_STATES = ("draft", "posted")
# Rows that follow a credit note made by hand: without it they mean nothing.
FOLLOWING_KINDS = ("credit", "kept")


def _starting_by(charges, day: date):
    """Those of `charges`, which come in the order of their periods, whose period starts by `day`."""
    return takewhile(lambda charge: charge.period.start <= day, charges)


def _key_of(charge) -> tuple[date, str, int | None]:
    """The key that a charge has in the ledger of its line."""
    return charge.period.start, charge.component, charge.share


class Billable(models.Model):
    """The ledger: what was charged, or settled otherwise, for one period and component of a contract line.

    A key is (line, first day of the period, component, payer's share); its revisions add up. A row is *held* while its
    invoice line is on a draft or posted invoice, or when it was closed with a reason. "Due" and "already billed" are
    queries on this table, never flags kept elsewhere. Coming periods are computed, never stored.
    """

    _name = "multiservice.billable"
    _description = "Billing Ledger Row"
    _order = "contract_line_id, period_start, component, revision"
    _rec_name = "explanation"

    _key_uniq = models.UniqueIndex(
        "(contract_line_id, period_start, component, COALESCE(share_id, 0), revision)",
        "This period was billed in the meantime: read the contract again.",
    )
    _period_ordered = models.Constraint(
        "CHECK(period_end >= period_start)", "A period of the ledger cannot end before it starts."
    )
    _line_days_idx = models.Index("(contract_line_id, period_end)")
    _to_bill_idx = models.Index("(contract_line_id) WHERE state = 'to_bill'")
    _service_days_idx = models.Index("(company_id, period_end)")
    _changed_idx = models.Index("(contract_line_id, period_start) WHERE held IS DISTINCT FROM seen_held")

    contract_line_id = fields.Many2one("multiservice.contract.line", required=True, readonly=True, ondelete="restrict")
    contract_id = fields.Many2one(related="contract_line_id.contract_id", store=True, index=True)
    company_id = fields.Many2one(related="contract_line_id.company_id", store=True, index=True)
    partner_id = fields.Many2one(related="contract_line_id.partner_id", string="Customer", store=True)
    currency_id = fields.Many2one(related="contract_line_id.currency_id")
    site_id = fields.Many2one("res.partner", readonly=True, index="btree_not_null", ondelete="restrict")
    period_start = fields.Date(string="From", required=True, readonly=True)
    period_end = fields.Date(string="To", required=True, readonly=True)
    component = fields.Char(default="base", required=True, readonly=True)
    share_id = fields.Many2one(
        "multiservice.share",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        groups="multiservice.group_billing_user",
        help="Whose part of the amount it is. Empty: the customer's.",
    )
    revision = fields.Integer(default=0, required=True, readonly=True)
    kind = fields.Selection(
        [
            ("whole", "Whole period"),
            ("prorated", "Prorated"),
            ("free", "Free"),
            ("one_off", "One-off"),
            ("correction", "Correction"),
            ("credit", "Credited by hand"),
            ("kept", "Not billed again"),
        ],
        required=True,
        readonly=True,
    )
    ratio = fields.Char(readonly=True, help="Part of the period that counts, as a fraction.")
    issue_date = fields.Date(readonly=True, help="The day from which the row could be billed.")
    quantity = fields.Float(readonly=True, digits=(16, 4), min_display_digits="Product Unit")
    price_unit = fields.Float(
        string="Unit Price",
        readonly=True,
        min_display_digits="Product Price",
        groups="multiservice.group_billing_user",
    )
    whole_price = fields.Float(
        string="Unit Price of the Period",
        readonly=True,
        groups="multiservice.group_billing_user",
        help="Unit price of the whole period, before anything was prorated: what a price of the day was that day.",
    )
    discount = fields.Float(
        string="Discount %", readonly=True, digits="Discount", groups="multiservice.group_billing_user"
    )
    amount = fields.Monetary(
        readonly=True,
        groups="multiservice.group_billing_user",
        help="Before or with tax, as the price of the line is.",
    )
    explanation = fields.Text(readonly=True, groups="multiservice.group_billing_user")
    invoice_line_id = fields.Many2one(
        "account.move.line", readonly=True, index="btree_not_null", ondelete="set null", copy=False
    )
    move_id = fields.Many2one(related="invoice_line_id.move_id", string="Invoice")
    billing_run_id = fields.Many2one(
        "multiservice.billing.run", readonly=True, index="btree_not_null", ondelete="set null"
    )
    closed_reason = fields.Selection(
        [
            ("free", "Free period"),
            ("waived", "Waived"),
            ("taken_over", "Billed by the previous system"),
            ("credited", "Credited, not to bill again"),
            ("bank", "Covered by an hours bank"),
        ],
        readonly=True,
        help="Why the row needs no invoice line of its own.",
    )
    held = fields.Boolean(
        compute="_compute_held",
        store=True,
        help="Counts as billed: on a draft or posted invoice, or closed with a reason.",
    )
    seen_held = fields.Boolean(
        readonly=True,
        help="Whether the row was held when its line was last planned. Where that changed since, planning goes back to "
        "the row's period, once.",
    )
    state = fields.Selection(
        [
            ("to_bill", "To bill"),
            ("draft", "Draft invoice"),
            ("posted", "Invoiced"),
            ("cancelled", "Cancelled"),
            ("closed", "Closed"),
        ],
        compute="_compute_held",
        store=True,
    )
    hand_edited = fields.Boolean(
        compute="_compute_hand_edited",
        compute_sudo=True,
        store=True,
        help="The amount of the invoice line was changed by hand: the ledger keeps the computed one.",
    )

    @api.depends("invoice_line_id.parent_state", "closed_reason")
    def _compute_held(self):
        for row in self:
            on_move = row.invoice_line_id.parent_state
            # A row closed because of a credit note lives and dies with it.
            closed = row.closed_reason and (row.closed_reason != "credited" or on_move in HOLDING_STATES)
            row.held = bool(closed or on_move in HOLDING_STATES)
            if closed:
                row.state = "closed"
            elif on_move in HOLDING_STATES:
                row.state = on_move
            elif on_move or row.kind in FOLLOWING_KINDS:
                row.state = "cancelled"
            else:
                row.state = "to_bill"

    @api.depends("amount", "kind", "invoice_line_id.price_unit", "invoice_line_id.quantity", "invoice_line_id.discount")
    def _compute_hand_edited(self):
        for row in self:
            line = row.invoice_line_id
            row.hand_edited = bool(
                line and row.kind != "kept" and row.currency_id.compare_amounts(line._service_amount(), row.amount)
            )

    @api.constrains("contract_line_id", "component", "share_id", "period_start", "period_end", "held")
    def _check_no_overlap(self):
        """Held periods of one line, component and payer never overlap, save for the revisions of one key."""
        self.flush_model(["contract_line_id", "component", "share_id", "period_start", "period_end", "held"])
        overlap = self.env.execute_query(
            SQL(
                """
                SELECT a.contract_line_id, a.period_start, a.period_end, b.period_start, b.period_end
                  FROM multiservice_billable a
                  JOIN multiservice_billable b
                    ON b.contract_line_id = a.contract_line_id AND b.component = a.component
                   AND b.share_id IS NOT DISTINCT FROM a.share_id AND b.held AND b.period_start != a.period_start
                   AND b.period_start <= a.period_end AND b.period_end >= a.period_start
                 WHERE a.held AND a.id = ANY(%s)
                 LIMIT 1
                """,
                list(self.ids),
            )
        )
        for line_id, start, end, other_start, other_end in overlap:
            raise ValidationError(
                self.env._(
                    "%(line)s: the period %(start)s – %(end)s overlaps %(other_start)s – %(other_end)s, "
                    "which is billed already.",
                    line=self.env["multiservice.contract.line"].browse(line_id).display_name,
                    start=format_date(self.env, start),
                    end=format_date(self.env, end),
                    other_start=format_date(self.env, other_start),
                    other_end=format_date(self.env, other_end),
                )
            )

    @api.depends("contract_line_id", "period_start", "period_end")
    def _compute_display_name(self):
        for row in self:
            period = f"{format_date(self.env, row.period_start)} – {format_date(self.env, row.period_end)}"
            row.display_name = f"{row.contract_line_id.display_name} {period}"

    def action_view_invoice(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "account.move",
            "res_id": self.move_id.id,
            "view_mode": "form",
        }

    @api.model
    def _follow(self, entries) -> None:
        """Enter, for each (row, values), another revision of the row's key."""
        revisions, vals_list = {}, []
        for row, vals in entries:
            key = row._key()
            if key not in revisions:
                revisions[key] = max(row._same_key().mapped("revision"))
            revisions[key] += 1
            vals_list.append(row._prepare_follow_vals(revisions[key], vals["amount"]) | vals)
        self.create(vals_list)

    def _key(self) -> tuple[int, date, str, int | None]:
        self.ensure_one()
        return self.contract_line_id.id, self.period_start, self.component, self._share()

    def _share(self) -> int | None:
        return self.sudo().share_id.id or None  # sudo: a key is compared, whose it is is not shown

    def _later_held(self):
        """Held rows of the same keys with a later revision."""
        return self.browse().union(
            *(row._same_key().filtered(lambda r, row=row: r.held and r.revision > row.revision) for row in self)
        )

    def _same_key(self):
        self.ensure_one()
        return self.search(
            [
                ("contract_line_id", "=", self.contract_line_id.id),
                ("period_start", "=", self.period_start),
                ("component", "=", self.component),
                ("share_id", "=", self._share() or False),
            ]
        )

    def _prepare_follow_vals(self, revision: int, amount: float) -> dict:
        """Values of another revision of the row's key, at `amount`."""
        self.ensure_one()
        return {
            "contract_line_id": self.contract_line_id.id,
            "contract_id": self.contract_id.id,
            "site_id": self.site_id.id,
            "period_start": self.period_start,
            "period_end": self.period_end,
            "component": self.component,
            "share_id": self._share(),
            "revision": revision,
            "kind": self.kind,
            "ratio": self.ratio,
            "issue_date": self.issue_date,
            "quantity": 1.0,
            "price_unit": amount,
            "amount": amount,
            "explanation": self.explanation,
        }

    @api.model
    def _held_to(self, lines) -> dict[int, date]:
        """Last day held by line id; lines of which nothing is held are left out.

        One row of the ledger is read for each line, however long its history.
        """
        self.flush_model(["contract_line_id", "period_end", "held"])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT line_id, (SELECT MAX(period_end) FROM multiservice_billable
                                  WHERE contract_line_id = line_id AND held)
                  FROM unnest(%s::int[]) AS line_id
                """,
                list(lines._origin.ids),
            )
        )
        return {line_id: period_end for line_id, period_end in rows if period_end}

    @api.model
    def _proposals(self, lines):
        """Pairs (line, lazy charges left to bill) for the lines that are not headings.

        The ledger is read in two queries for all lines, over each line's open window only.
        """
        # Not `filtered`, which would read the lines of each contract apart.
        started = [line for line in lines if line.date_start and line.anchor_date and line._is_priced()]
        terms = {line: line._to_terms() for line in started}
        since = self._window_starts(terms)
        held = self._held(since)
        terms = self._with_usage(self._with_held_prices(terms, since), since)
        return [(line, proposals(term, held[term.line], since[term.line])) for line, term in terms.items()]

    @api.model
    def _window_starts(self, terms) -> dict[int, date]:
        """By line id, where planning starts: the first period not held, or the earliest day touched by a change."""
        lines = self.env["multiservice.contract.line"].union(*terms)
        held_to, changed_from = self._held_to(lines), self._changed_from(lines)
        starts = {}
        for line, term in terms.items():
            billed_to = held_to.get(term.line)
            first_unbilled = billed_to + timedelta(days=1) if billed_to else term.start
            touched = (changed_from.get(term.line), line.replan_from)
            starts[term.line] = window_start(term, min([first_unbilled, *filter(None, touched)]))
        return starts

    @api.model
    def _changed_from(self, lines) -> dict[int, date]:
        """By line id, the first period that was set free, credited or taken again since the line was last planned."""
        self.flush_model(["contract_line_id", "period_start", "held", "seen_held"])
        return dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT contract_line_id, MIN(period_start)
                      FROM multiservice_billable
                     WHERE held IS DISTINCT FROM seen_held AND contract_line_id = ANY(%s)
                     GROUP BY contract_line_id
                    """,
                    list(lines._origin.ids),
                )
            )
        )

    @api.model
    def _close_windows(self, lines) -> None:
        """After billing `lines`: stop looking back to what changed, up to the first period that is still to bill."""
        touched = lines.filtered("replan_from") | lines.browse(self._changed_from(lines))
        for line, charges in self._proposals(touched):
            first = next(charges, None)
            horizon = first.period.start if first else date.max
            settled = line.billable_ids.filtered(
                lambda row, horizon=horizon: row.held != row.seen_held and row.period_start < horizon
            )
            for row in settled:
                row.seen_held = row.held
            if not line.billed_to or line.billed_to < horizon:
                line.replan_from = False

    @api.model
    def _drop_stale(self, lines) -> None:
        """Delete rows that lost their invoice and that the terms no longer ask for."""
        free = self.search([("contract_line_id", "in", lines.ids), ("state", "=", "to_bill")]).contract_line_id
        for line, charges in self._proposals(lines & free):
            waiting = line.billable_ids.filtered(lambda row: row.state == "to_bill")
            last = max(waiting.mapped("period_start"), default=date.min)
            asked = {(line.id, *_key_of(charge)) for charge in _starting_by(charges, last)}
            waiting.filtered(lambda row, asked=asked: row._key() not in asked).unlink()

    @api.model
    def _rows_since(self, since: dict[int, date]):
        """All rows, held or not, of the lines of `since` that end on or after the day given for each."""
        since = {line_id: day for line_id, day in since.items() if line_id}  # a line being typed has no row
        if not since:
            return self.browse()
        self.flush_model(["contract_line_id", "period_end"])
        ids = self.env.execute_query(
            SQL(
                """
                SELECT row.id
                  FROM multiservice_billable row
                  JOIN unnest(%s::int[], %s::date[]) AS opened(line_id, since)
                    ON row.contract_line_id = opened.line_id AND row.period_end >= opened.since
                 ORDER BY row.contract_line_id, row.period_start, row.component, row.revision
                """,
                list(since),
                list(since.values()),
            )
        )
        return self.browse(id_ for (id_,) in ids)

    @api.model
    def _held(self, since: dict[int, date]) -> dict[int, list[Held]]:
        """By line id, the held keys in the window of each line, their revisions added up."""
        sums: dict = {}
        # sudo: amounts are compared, not shown; a planner's change must plan like a billing user's
        for row in self._rows_since(since).sudo().filtered("held"):
            key = row._key()
            end, amount = sums.get(key, (row.period_end, Decimal(0)))
            sums[key] = (max(end, row.period_end), amount + Decimal(str(row.amount)))
        held = defaultdict(list)
        for (line_id, start, component, share), (end, amount) in sums.items():
            held[line_id].append(Held(Period(start, end), component, amount, share))
        return held
