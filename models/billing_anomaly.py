from datetime import date

from odoo import api, fields, models
from odoo.tools import SQL, format_date, formatLang

from .contract_line import BILLED_STATES

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
        self.check_access("write")
        # sudo: anomalies are written by the code alone; whoever may supervise a run may tick them off
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
        """Write down what is unusual about these invoices of services, in place of what was found before.

        What a person has checked stays checked while its reason is the same.
        """
        for company, moves in self.grouped("company_id").items():
            moves.with_context(lang=company._service_lang())._write_anomalies()

    def _write_anomalies(self) -> None:
        Anomaly = self.env["multiservice.billing.anomaly"].sudo()  # sudo: written by the code alone, never by hand
        before = Anomaly.search([("move_id", "in", self.ids), ("kind", "!=", "failed")])
        kept = {(anomaly.move_id.id, anomaly.kind, anomaly.reason): anomaly for anomaly in before}
        found = []
        for move, contract, kind, reason in self._anomalies():
            if (move.id, kind, reason) in kept:
                before -= kept[move.id, kind, reason]
            else:
                found.append(Anomaly._record(move.billing_run_id, move, contract, kind, reason))
        before.unlink()
        Anomaly.create(found)

    def _anomalies(self):
        """Quadruples (invoice, contract or none, kind, reason) of these invoices."""
        nothing = self.env["multiservice.contract"]
        # sudo: the ledger tells, whoever reviews
        rows = self.sudo().invoice_line_ids.billable_ids.filtered(lambda row: row.kind != "kept").with_env(self.env)
        previous = rows._previous_amounts({row._period_key() for row in rows})
        by_move = rows.grouped("move_id")
        started = rows.contract_id._billed_before(rows)
        for move in self:
            of_move = by_move.get(move, rows.browse())
            for contract, of_contract in of_move.grouped("contract_id").items():
                if contract not in started:
                    yield move, contract, "first", self.env._("The contract was never billed before.")
                elif reason := of_contract._moved_reason(previous):
                    yield move, contract, "moved", reason
                if contract._lacks_reference(move):
                    yield move, contract, "missing_reference", self.env._("The buyer requires it on its invoices.")
            if reason := of_move._credit_reason():
                yield move, nothing, "credit", reason
            elif move.move_type == "out_refund":
                yield move, nothing, "credit", self.env._("What is taken off is more than what is billed.")
            if move.currency_id.is_zero(move.amount_total):
                yield move, nothing, "zero", self.env._("Nothing is to be paid.")
            if reason := move._hand_edit_reason(of_move):
                yield move, nothing, "hand_edit", reason

    def _hand_edit_reason(self, rows) -> str:
        """What was changed by hand on the invoice since it was computed; empty when nothing was."""
        self.ensure_one()
        reasons = [
            self.env._(
                "%(line)s: %(now)s instead of %(computed)s.",
                line=row.contract_line_id.name.partition("\n")[0],
                now=formatLang(self.env, row.invoice_line_id._service_amount(), currency_obj=row.currency_id),
                computed=formatLang(self.env, row.amount, currency_obj=row.currency_id),
            )
            for row in rows
            if row.hand_edited
        ]
        added = self.invoice_line_ids.filtered(
            lambda line: line.display_type == "product" and not line.sudo().billable_ids  # sudo: as above
        )
        reasons += [self.env._("%s: added by hand.", (line.name or "").partition("\n")[0]) for line in added]
        return "\n".join(reasons)


class AnomalyOfContract(models.Model):
    _inherit = "multiservice.contract"

    def _billed_before(self, rows):
        """Those of the contracts that were billed for an earlier period than all of `rows`, or by another system."""
        first = {contract.id: min(of.mapped("period_start")) for contract, of in rows.grouped("contract_id").items()}
        if not first:
            return self.browse()
        earlier = self.env.execute_query(
            SQL(
                """
                SELECT opened.contract_id
                  FROM unnest(%s::int[], %s::date[]) AS opened(contract_id, first_day)
                 WHERE EXISTS (SELECT FROM multiservice_billable row
                                WHERE row.contract_id = opened.contract_id AND row.held
                                  AND row.period_start < opened.first_day)
                """,
                list(first),
                list(first.values()),
            )
        )
        return self.browse(contract_id for (contract_id,) in earlier) | self.filtered("billed_until")

    def _lacks_reference(self, move) -> bool:
        self.ensure_one()
        return any(
            self[f"{name}_required"] and not (move[f"service_{name}"] or "").strip()
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
        return [
            ("company_id", "=", company.id),
            ("state", "in", BILLED_STATES),
            ("next_billing_date", "<=", today),
            ("date_end", "<", today),
        ]


class AnomalyOfRow(models.Model):
    _inherit = "multiservice.billable"

    @api.model
    def _previous_amounts(self, periods) -> dict[tuple[int, date], tuple[float, bool]]:
        """By (line id, first day) of `periods`: what was billed for the period before it of the same line, or of the
        line that it replaced, and whether that was a part of a period. Where there is none, it is left out.
        """
        periods = [(line_id, start) for line_id, start in periods if line_id]
        if not periods:
            return {}
        self.flush_model()
        return {
            (line_id, start): (float(amount), prorated)
            for line_id, start, amount, prorated in self.env.execute_query(
                SQL(
                    """
                    SELECT opened.line_id, opened.start, SUM(before.amount), BOOL_OR(before.kind = 'prorated')
                      FROM unnest(%s::int[], %s::date[]) AS opened(line_id, start)
                      JOIN multiservice_contract_line line ON line.id = opened.line_id
                      CROSS JOIN LATERAL (
                            SELECT own.contract_line_id, own.period_start
                              FROM (VALUES (line.id), (line.predecessor_id)) AS candidate(id)
                              CROSS JOIN LATERAL (
                                    SELECT contract_line_id, period_start
                                      FROM multiservice_billable
                                     WHERE contract_line_id = candidate.id
                                       AND period_start < opened.start AND held
                                     ORDER BY period_start DESC
                                     LIMIT 1
                              ) own
                             ORDER BY own.period_start DESC
                             LIMIT 1
                      ) last
                      JOIN multiservice_billable before
                        ON before.contract_line_id = last.contract_line_id
                       AND before.period_start = last.period_start AND before.held
                     GROUP BY opened.line_id, opened.start
                    """,
                    [line_id for line_id, _start in periods],
                    [start for _line_id, start in periods],
                )
            )
        }

    def _period_key(self) -> tuple[int, date]:
        self.ensure_one()
        return self.contract_line_id.id, self.period_start

    def _ended_before(self) -> dict:
        """Lines of the rows' contract that ended, without a successor, the day before one of the rows begins, with
        what their last period cost.
        """
        starts = set(self.mapped("period_start"))
        ended = self.contract_id.line_ids.filtered(
            lambda line: (
                line.date_end
                and fields.Date.add(line.date_end, days=1) in starts
                and not line.successor_ids
                and line.pricing != "one_off"
            )
        )
        amounts = {}
        for line in ended:
            last = self.search(
                [("contract_line_id", "=", line.id), ("held", "=", True)], order="period_start desc", limit=1
            )
            amounts[line] = last.amount
        return amounts

    def _moved_reason(self, previous: dict) -> str:
        """Why the rows, one contract's on one invoice, cost visibly more or less than the periods before them; empty
        when they do not.
        """
        recurring = self.filtered(lambda row: row.kind in ("whole", "prorated") and row.component == "base")
        if not recurring:
            return ""
        ended = recurring._ended_before()
        now = sum(recurring.mapped("amount"))
        before = sum(previous.get(row._period_key(), (0.0, False))[0] for row in recurring) + sum(ended.values())
        threshold = self.company_id.service_review_threshold
        if not before or abs(now - before) * 100 <= threshold * abs(before):
            return ""
        currency = self.currency_id
        reasons = [
            self.env._(
                "%(now)s instead of %(before)s for the period before (%(change)s %%).",
                now=formatLang(self.env, now, currency_obj=currency),
                before=formatLang(self.env, before, currency_obj=currency),
                change=f"{100 * (now - before) / abs(before):+.0f}",
            )
        ]
        new = recurring.filtered(lambda row: row._period_key() not in previous)
        reasons += [self.env._("New: %s.", row.contract_line_id.name.partition("\n")[0]) for row in new]
        reasons += [self.env._("Ended: %s.", line.name.partition("\n")[0]) for line in ended]
        if any(row.kind == "prorated" for row in recurring):
            reasons.append(self.env._("This period is billed in part."))
        if any(previous.get(row._period_key(), (0.0, False))[1] for row in recurring):
            reasons.append(self.env._("The period before was billed in part."))
        return "\n".join(dict.fromkeys(reasons))

    def _credit_reason(self) -> str:
        """What the rows, all of one invoice, take back; empty when they take nothing back."""
        back = self.filtered(lambda row: row.kind == "correction" and row.amount < 0)
        return "\n".join(
            self.env._(
                "%(line)s, %(start)s – %(end)s: %(amount)s. %(explanation)s",
                line=row.contract_line_id.name.partition("\n")[0],
                start=format_date(self.env, row.period_start),
                end=format_date(self.env, row.period_end),
                amount=formatLang(self.env, row.amount, currency_obj=row.currency_id),
                explanation=row.explanation or "",
            )
            for row in back
        )
