from collections import defaultdict
from datetime import date

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_date, formatLang

from .billable import FOLLOWING_KINDS, HOLDING_STATES
from .contract_line import BILLED_STATES
from .previous_period import RECURRING_KINDS

# By kind: how it is called, and how much it asks to be looked at.
KINDS = {
    "failed": ("Could not be posted or undone", 90),
    "hand_edit": ("Edited by hand", 80),
    "credit": ("Unexpected credit", 70),
    "zero": ("Zero amount", 60),
    "moved": ("Amount moved", 50),
    "missing_reference": ("Reference missing", 40),
    "unbilled": ("Ended, not billed to its end", 40),
    "outside": ("Credited outside billing", 30),
    "first": ("First invoice", 10),
}
# What is judged by the contract, and by the invoice; the other kinds are written where they happen.
CONTRACT_KINDS = ("first", "moved")
INVOICE_KINDS = ("missing_reference", "credit", "zero", "hand_edit")


class BillingAnomaly(models.Model):
    """Something about a run's invoice, or about one of its contracts, that a person should look at, and why."""

    _name = "multiservice.billing.anomaly"
    _description = "Billing Anomaly"
    _order = "severity desc, id"

    run_id = fields.Many2one("multiservice.billing.run", readonly=True, index=True, ondelete="cascade")
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    move_id = fields.Many2one(
        "account.move", string="Invoice", readonly=True, index="btree_not_null", ondelete="cascade"
    )
    contract_id = fields.Many2one("multiservice.contract", readonly=True, index="btree_not_null", ondelete="cascade")
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    kind = fields.Selection([(kind, label) for kind, (label, _severity) in KINDS.items()], required=True, readonly=True)
    severity = fields.Integer(compute="_compute_severity", store=True, precompute=True)
    reason = fields.Text(required=True, readonly=True)
    checked = fields.Boolean(readonly=True, help="Somebody looked at it and found it right.")
    checked_by_id = fields.Many2one("res.users", readonly=True)

    @api.depends("kind")
    def _compute_severity(self):
        for anomaly in self:
            anomaly.severity = KINDS[anomaly.kind][1]

    @api.depends("kind")
    def _compute_display_name(self):
        labels = dict(self._fields["kind"]._description_selection(self.env))
        for anomaly in self:
            anomaly.display_name = labels[anomaly.kind]

    def action_check(self):
        """Take the anomalies for right: they leave the review queue."""
        self.check_access("read")
        # sudo: anomalies are written by the code alone; whoever may see them may tick them off
        self.sudo().write({"checked": True, "checked_by_id": self.env.uid})

    def action_open(self):
        """The invoice or the contract in question."""
        self.ensure_one()
        return (self.move_id or self.contract_id)._get_records_action(name=self.display_name)

    @api.model
    def _record(self, run, move, contract, kind: str, reason: str) -> dict:
        """Values of an anomaly of an invoice, of a contract, or of both."""
        return {
            "run_id": run.id,
            "company_id": (move or contract).company_id.id,
            "move_id": move.id,
            "contract_id": contract.id,
            "partner_id": (move.commercial_partner_id or contract.partner_id).id,
            "kind": kind,
            "reason": reason,
        }


class AnomalyDetection(models.Model):
    _inherit = "account.move"

    def _detect_anomalies(self) -> None:
        """Write down what is unusual about these invoices of billing runs, in place of what was found before.

        What a person has checked stays checked while its reason is the same.
        """
        for run, moves in self.grouped("billing_run_id").items():
            moves.with_context(lang=run.company_id._service_lang())._write_anomalies(run)

    def _write_anomalies(self, run) -> None:
        """Those of `run`'s invoices, and of their contracts: what belongs to a contract is judged on all that the run
        has of it, whichever of its invoices are at hand.
        """
        rows = self.invoice_line_ids.billable_ids.sudo()  # sudo: the ledger tells, whoever reviews
        contracts = rows.filtered(lambda row: row.kind not in FOLLOWING_KINDS).contract_id
        of_run = rows.search([("billing_run_id", "=", run.id), ("contract_id", "in", contracts.ids)])
        Anomaly = self.env["multiservice.billing.anomaly"].sudo()  # sudo: written by the code alone, never by hand
        before = Anomaly.search(
            Domain("run_id", "=", run.id)
            & (
                Domain([("kind", "in", INVOICE_KINDS), ("move_id", "in", self.ids)])
                | Domain([("kind", "in", CONTRACT_KINDS), ("contract_id", "in", contracts.ids)])
            )
        )
        kept = {(anomaly.move_id, anomaly.contract_id, anomaly.kind, anomaly.reason): anomaly for anomaly in before}
        found = []
        for move, contract, kind, reason in [*of_run._contract_anomalies(), *self.sudo()._invoice_anomalies()]:
            if known := kept.get((move, contract, kind, reason)):
                before -= known
            else:
                found.append(Anomaly._record(run, move, contract, kind, reason))
        before.unlink()
        Anomaly.create(found)

    def _invoice_anomalies(self):
        """Quadruples (invoice, contract or none, kind, reason) of what is unusual about each invoice by itself."""
        rows = self.invoice_line_ids.billable_ids.filtered(lambda row: row.kind != "kept")
        by_move = rows.grouped("move_id")
        edits = self._hand_edits()
        for move in self:
            of_move = by_move.get(move, rows.browse())
            for contract in of_move.contract_id:
                if contract._lacks_reference(move):
                    yield move, contract, "missing_reference", self.env._("The buyer requires it on its invoices.")
            only = of_move.contract_id if len(of_move.contract_id) == 1 else of_move.contract_id.browse()
            if reason := of_move._credit_reason():
                yield move, only, "credit", reason
            elif move.move_type == "out_refund":
                yield move, only, "credit", self.env._("What is taken off is more than what is billed.")
            if move.currency_id.is_zero(move.amount_total):
                yield move, only, "zero", self.env._("Nothing is to be paid.")
            if move in edits:
                yield move, only, "hand_edit", edits[move]

    def _hand_edits(self) -> dict:
        """By invoice, what was changed by hand since it was computed; invoices as they were are left out."""
        rows = self.invoice_line_ids.billable_ids.filtered(lambda row: row.kind not in FOLLOWING_KINDS)
        removed = rows.search(
            [
                ("billing_run_id", "in", self.billing_run_id.ids),
                ("contract_id", "in", rows.contract_id.ids),
                ("state", "=", "to_bill"),
            ]
        )
        by_move = rows.grouped("move_id")
        edits = {}
        for move in self:
            of_move = by_move.get(move, rows.browse())
            reasons = [
                *(reason for row in of_move if (reason := row._edit_reason())),
                *move._addition_reasons(),
                *removed._missing_on(of_move)._removal_reasons(),
            ]
            if of_move and move.partner_id not in of_move.contract_id.invoice_partner_id | of_move.share_id.partner_id:
                reasons.append(self.env._("Billed to %s.", move.partner_id.display_name))
            if reasons:
                edits[move] = "\n".join(reasons)
        return edits

    def _addition_reasons(self) -> list[str]:
        added = self.invoice_line_ids.filtered(lambda line: line.display_type == "product" and not line.billable_ids)
        return [self.env._("%s: added by hand.", line._first_line()) for line in added]


class AnomalyOfContract(models.Model):
    _inherit = "multiservice.contract"

    def _lacks_reference(self, move) -> bool:
        self.ensure_one()
        debtor = move.commercial_partner_id if move.service_beneficiary_ids else self
        return any(
            debtor[f"{name}_required"] and not (move[f"service_{name}"] or "").strip()
            for name in ("order_reference", "buyer_reference")
        )

    def _unbilled_reason(self) -> str:
        self.ensure_one()
        return self.env._(
            "It ended on %(end)s and a period is still to be billed since %(since)s.",
            end=format_date(self.env, self.date_end),
            since=format_date(self.env, self.next_billing_date),
        )

    @api.model
    def _unbilled_at_end_domain(self, company, today: date):
        """Contracts that are over and have something due still."""
        return [
            ("company_id", "=", company.id),
            ("state", "in", BILLED_STATES),
            ("next_billing_date", "<=", today),
            ("date_end", "<", today),
        ]


class AnomalyOfRow(models.Model):
    _inherit = "multiservice.billable"

    def _of(self, contracts):
        return self.filtered(lambda row: row.contract_id in contracts)

    def _contract_anomalies(self):
        """Quadruples (invoice, contract, kind, reason) of what is unusual about the contracts of the rows, which are
        all that one run has of them. The contract's first invoice bears it.
        """
        previous = self._previous_of_rows()
        new = self._never_billed_before()
        for contract, rows in self.grouped("contract_id").items():
            move = rows.filtered(lambda row: row.state in HOLDING_STATES).move_id.sorted("id")[:1]
            if not move:
                continue
            if contract in new:
                yield move, contract, "first", self.env._("The contract was never billed before.")
            elif reason := rows._moved_reason(previous):
                yield move, contract, "moved", reason

    def _never_billed_before(self):
        """The contracts of the rows, which are all that one run has of them, of which nothing was invoiced earlier,
        here or by another system.
        """
        first_moves = {
            contract.id: min(rows.move_id.ids)
            for contract, rows in self.grouped("contract_id").items()
            if rows.move_id and not (contract.billed_until or any(contract.line_ids.mapped("billed_until")))
        }
        if not first_moves:
            return self.contract_id.browse()
        self.flush_model()
        new = self.env.execute_query(
            SQL(
                """
                SELECT contract_id
                  FROM unnest(%s::int[], %s::int[]) AS looked_at(contract_id, first_move)
                 WHERE NOT EXISTS (SELECT FROM multiservice_billable row
                                     JOIN account_move_line line ON line.id = row.invoice_line_id
                                    WHERE row.contract_id = looked_at.contract_id
                                      AND line.move_id < looked_at.first_move)
                """,
                list(first_moves),
                list(first_moves.values()),
            )
        )
        return self.contract_id.browse(contract_id for (contract_id,) in new)

    def _missing_on(self, on_invoice):
        """Those of the rows, which lost their invoice lines, that belong beside `on_invoice`, the rows of one invoice:
        of the same contract in the same run, and of the same site or day where those have invoices of their own.
        """

        def is_missing(row) -> bool:
            beside = on_invoice._of(row.contract_id)
            contract = row.contract_id
            return (
                row.billing_run_id in beside.billing_run_id
                and (contract.grouping != "site" or row.site_id == beside.site_id)
                and (not contract.per_period or row.issue_date in beside.mapped("issue_date"))
            )

        return self.filtered(is_missing)

    def _recurring(self):
        return self.filtered(lambda row: row.kind in RECURRING_KINDS)

    def _previous_of_rows(self):
        recurring = self._recurring()
        entries = [(row.contract_line_id, row.period_start, row.amount) for row in recurring]
        return self.env["multiservice.contract.line"]._previous_periods(entries, rows=recurring)

    def _period_key(self) -> tuple[int, date]:
        self.ensure_one()
        return self.contract_line_id.id, self.period_start

    def _moved_reason(self, previous) -> str:
        """Why the rows, all of one contract, cost visibly more or less than the periods before them, or are billed on
        another schedule; empty when neither is so.
        """
        recurring = self._recurring()
        compared = recurring.filtered(lambda row: row._period_key() in previous.compared)
        ended = {line: amount for line, amount in previous.ended.items() if line.contract_id == self.contract_id}
        now = sum(compared.mapped("amount"))
        periods = {row._period_key() for row in compared}  # once, however many components
        before = sum(previous.amount(*period) for period in periods) + sum(ended.values())
        rescheduled = recurring.filtered(lambda row: row._period_key() in previous.rescheduled).contract_line_id
        reasons = rescheduled._schedule_reasons()
        if before and abs(now - before) * 100 > self.company_id.service_review_threshold * abs(before):
            reasons += [self._change_reason(now, before), *compared._detail_reasons(previous, ended)]
        return "\n".join(reasons)

    def _change_reason(self, now: float, before: float) -> str:
        return self.env._(
            "%(now)s instead of %(before)s for the period before (%(change)s %%).",
            now=formatLang(self.env, now, currency_obj=self.currency_id),
            before=formatLang(self.env, before, currency_obj=self.currency_id),
            change=f"{100 * (now - before) / abs(before):+.0f}",
        )

    def _detail_reasons(self, previous, ended) -> list[str]:
        """Which lines came or went, and which periods are parts."""
        compared = {row: previous.compared[row._period_key()] for row in self}
        new = {row._period_key(): row for row in self if compared[row].new}
        reasons = [row._novelty_reason() for row in new.values()]
        reasons += [
            self.env._("Suspended: %s.", line._first_line())
            if line._is_suspended()
            else self.env._("Ended: %s.", line._first_line())
            for line in ended
        ]
        if any(row.kind == "prorated" for row in self):
            reasons.append(self.env._("This period is billed in part."))
        if any(before.in_part for before in compared.values()):
            reasons.append(self.env._("The period before was billed in part."))
        return reasons

    def _novelty_reason(self) -> str:
        """Of a row with nothing in the period before."""
        line = self.contract_line_id
        if line.date_start < self.period_start and line._pauses():
            return self.env._("Served again: %s.", line._first_line())
        return self.env._("New: %s.", line._first_line())

    def _edit_reason(self) -> str:
        """How the invoice line differs from what was computed for the row."""
        self.ensure_one()
        title, line = self.contract_line_id._first_line(), self.invoice_line_id
        if self.hand_edited:
            return self.env._(
                "%(line)s: %(now)s instead of %(computed)s.",
                line=title,
                now=formatLang(self.env, line._service_amount(), currency_obj=self.currency_id),
                computed=formatLang(self.env, self.amount, currency_obj=self.currency_id),
            )
        if self.kind != "correction" and line.tax_ids != self.contract_line_id.tax_ids:
            return self.env._("%s: other taxes than on the contract.", title)
        return ""

    def _removal_reasons(self) -> list[str]:
        return [
            self.env._(
                "%(line)s, %(start)s – %(end)s: removed by hand; the next run bills it again.",
                line=row.contract_line_id._first_line(),
                start=format_date(self.env, row.period_start),
                end=format_date(self.env, row.period_end),
            )
            for row in self
        ]

    def _credit_reason(self) -> str:
        """What the rows, all of one invoice, take back; empty when they take nothing back."""
        back = self.filtered(lambda row: row.kind == "correction" and row.amount < 0)
        return "\n".join(
            self.env._(
                "%(line)s, %(start)s – %(end)s: %(amount)s. %(explanation)s",
                line=row.contract_line_id._first_line(),
                start=format_date(self.env, row.period_start),
                end=format_date(self.env, row.period_end),
                amount=formatLang(self.env, row.amount, currency_obj=row.currency_id),
                explanation=row.explanation or "",
            )
            for row in back
        )

    def _zero_reasons(self, previous) -> dict:
        """By contract, which of the rows cost nothing though their period counts, where that is new."""
        reasons = defaultdict(list)
        for row in self:
            before = previous.compared.get(row._period_key())
            counts = not row.ratio.startswith("0/")
            if counts and before and (before.new or before.amount):
                reasons[row.contract_id].append(
                    self.env._(
                        "%(line)s, %(start)s – %(end)s: nothing to bill.",
                        line=row.contract_line_id._first_line(),
                        start=format_date(self.env, row.period_start),
                        end=format_date(self.env, row.period_end),
                    )
                )
        return {contract: "\n".join(lines) for contract, lines in reasons.items()}


class AnomalyOfLine(models.Model):
    _inherit = "multiservice.contract.line"

    def _first_line(self) -> str:
        return (self.name or "").partition("\n")[0]

    def _pauses(self):
        self.ensure_one()
        return self.contract_id.suspension_ids._pauses(self)

    def _is_suspended(self) -> bool:
        """Whether the line, of which nothing is billed for a period, goes on when its suspension is over."""
        return bool(self._pauses()) and bool(self.next_billing_date or not self._service_end())

    def _schedule_reasons(self) -> list[str]:
        return [f"{line._first_line()}: {line._schedule_owner()._frequency_in_words()}." for line in self]


class AnomalyOfInvoiceLine(models.Model):
    _inherit = "account.move.line"

    def _first_line(self) -> str:
        return (self.name or "").partition("\n")[0]
