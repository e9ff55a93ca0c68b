from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import LockError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

from .contract_billing import BUTTON_LIMIT

# A correction this many days after the invoice still says something about the run.
CORRECTION_DAYS = 30


class BillingSupervision(models.Model):
    """What a person sees of a billing run and does about it as a whole."""

    _inherit = "multiservice.billing.run"

    anomaly_ids = fields.One2many("multiservice.billing.anomaly", "run_id", string="Anomalies", readonly=True)
    draft_count = fields.Integer(string="To Review", compute="_compute_review")
    anomaly_count = fields.Integer(
        string="Anomalies to Check",
        compute="_compute_review",
        help="Found on the run's invoices and contracts, unchecked.",
    )
    waiting_count = fields.Integer(
        string="Invoices Waiting",
        compute="_compute_review",
        help="Invoices that the scheduler has still to post, to send or to undo.",
    )
    held_back_count = fields.Integer(
        string="Waiting for a Reference",
        compute="_compute_held_back_count",
        help="Contracts that would be billed if a reference that their buyer requires were there.",
    )
    untouched_share = fields.Float(
        string="Posted Untouched (%)",
        compute="_compute_quality",
        help="Share of the posted invoices of which nobody changed a line, in per cent.",
    )
    corrected_share = fields.Float(
        string="Corrected Within 30 Days (%)",
        compute="_compute_quality",
        help="Share of the posted invoices that were credited or corrected within 30 days, in per cent.",
    )

    @api.depends("move_ids.state", "move_ids.service_queued", "anomaly_ids.checked")
    def _compute_review(self):
        drafts = self.env["account.move"]._read_group(
            [("billing_run_id", "in", self.ids), ("state", "=", "draft")], ["billing_run_id"], ["__count"]
        )
        anomalies = self.env["multiservice.billing.anomaly"]._read_group(
            [("run_id", "in", self.ids), ("checked", "=", False)], ["run_id"], ["__count"]
        )
        waiting = self.env["account.move"]._read_group(
            [("billing_run_id", "in", self.ids), ("service_queued", "!=", False)], ["billing_run_id"], ["__count"]
        )
        draft_counts, anomaly_counts, waiting_counts = dict(drafts), dict(anomalies), dict(waiting)
        for run in self:
            run.waiting_count = waiting_counts.get(run, 0)
            run.draft_count = draft_counts.get(run, 0)
            run.anomaly_count = anomaly_counts.get(run, 0)

    def _compute_held_back_count(self):
        for run in self:
            run.held_back_count = self.env["multiservice.contract"].search_count(run._held_back_domain())

    @api.depends("move_ids.state")
    def _compute_quality(self):
        figures = self._quality()
        for run in self:
            posted, touched, corrected = figures.get(run.id, (0, 0, 0))
            run.untouched_share = 100 * (posted - touched) / posted if posted else 0
            run.corrected_share = 100 * corrected / posted if posted else 0

    def _quality(self) -> dict[int, tuple[int, int, int]]:
        """By run id: posted invoices; those changed by hand before posting; those corrected since.

        Credits and corrections, which are few, lead to the invoices that they correct, which are many.
        """
        self.env.flush_all()
        return {
            run_id: figures
            for run_id, *figures in self.env.execute_query(
                SQL(
                    """
                    WITH corrected AS (
                        SELECT origin.id
                          FROM account_move refund
                          JOIN account_move origin ON origin.id = refund.reversed_entry_id
                         WHERE origin.billing_run_id = ANY(%(runs)s) AND refund.state = 'posted'
                           AND refund.invoice_date <= origin.invoice_date + %(days)s
                     UNION
                        SELECT origin.id
                          FROM multiservice_billable later
                          JOIN multiservice_billable row
                            ON row.contract_line_id = later.contract_line_id
                           AND row.period_start = later.period_start AND row.component = later.component
                           AND row.share_id IS NOT DISTINCT FROM later.share_id
                           AND row.revision < later.revision
                          JOIN account_move_line line ON line.id = row.invoice_line_id
                          JOIN account_move origin ON origin.id = line.move_id
                          JOIN account_move_line later_line ON later_line.id = later.invoice_line_id
                          JOIN account_move correction ON correction.id = later_line.move_id
                         WHERE later.kind = 'correction' AND origin.billing_run_id = ANY(%(runs)s)
                           AND correction.id != origin.id AND correction.state = 'posted'
                           AND correction.invoice_date <= origin.invoice_date + %(days)s
                    )
                    SELECT move.billing_run_id, COUNT(*), COUNT(*) FILTER (WHERE move.service_touched),
                           COUNT(corrected.id)
                      FROM account_move move
                      LEFT JOIN corrected ON corrected.id = move.id
                     WHERE move.billing_run_id = ANY(%(runs)s) AND move.state = 'posted'
                     GROUP BY move.billing_run_id
                    """,
                    runs=list(self.ids),
                    days=CORRECTION_DAYS,
                )
            )
        }

    def action_review(self):
        """The run's drafts, what asks to be looked at first; read again, since somebody may have edited some."""
        self.ensure_one()
        self.env["account.move"].search(self._draft_domain())._detect_anomalies()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.billing_review_action")
        return action | {"domain": list(self._draft_domain()), "display_name": self.env._("Review of %s", self.name)}

    def action_view_anomalies(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.billing_anomaly_action")
        return action | {"domain": [("run_id", "=", self.id)]}

    def action_view_held_back(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.awaiting_reference_action")
        return action | {"domain": list(self._held_back_domain())}

    def action_post_drafts(self):
        """Post the run's drafts, those put aside excepted."""
        return self.env["account.move"].search(self._draft_domain()).action_service_post()

    def action_post_and_send_drafts(self):
        return self.env["account.move"].search(self._draft_domain()).action_service_post_and_send()

    def action_undo(self):
        """Delete the run's drafts, credit what it posted, and set its periods free: the next run bills them again."""
        self.ensure_one()
        if not self.env.user.has_group("multiservice.group_manager"):
            raise UserError(self.env._("Only a billing manager may undo a billing run."))
        self._stop_for_good()
        self._move_to("undoing")
        moves = self._to_undo()
        moves._mark(service_queued="undo")
        self._free_unbilled_rows()
        if len(moves) > BUTTON_LIMIT:
            moves._wake_review()
        else:
            moves._work_queue()
            self._close_undone()
        return True

    def _to_undo(self):
        """The run's invoices that are neither cancelled nor credited so that their periods are billed again."""
        self.ensure_one()
        return self.move_ids.filtered(lambda move: move.state != "cancel" and not move._is_undone())

    def _stop_for_good(self) -> None:
        """Take the customers that were not billed yet out of the run.

        Raises UserError while a worker bills some; one whose snapshot is older fails to serialize and finds nothing.
        """
        try:
            self.item_ids.lock_for_update(allow_referencing=True)
        except LockError as busy:
            raise UserError(
                self.env._("Customers of this run are being billed just now: try again in a moment.")
            ) from busy
        self.item_ids.filtered(lambda item: item.state == "pending").state = "left"

    def _free_unbilled_rows(self) -> None:
        """Periods that cost nothing have no invoice to delete: open them again."""
        # sudo: the ledger is written by billing alone, never by hand
        rows = self.env["multiservice.billable"].sudo()
        rows.search([("billing_run_id", "=", self.id), ("closed_reason", "=", "free")]).closed_reason = False

    @api.model
    def _close_undone(self) -> None:
        """Close the runs of which no invoice waits to be undone, saying what could not be."""
        over = [("state", "=", "undoing"), ("move_ids", "not any", [("service_queued", "!=", False)])]
        for found in self.search(over):
            run = found.with_context(lang=found.company_id._service_lang())
            left = run._to_undo()
            run._move_to("done" if left else "undone")
            body = (
                run.env._(
                    "The run was undone, except for %s: see the anomalies.", ", ".join(left.mapped("display_name"))
                )
                if left
                else run.env._("The run was undone: its periods are due again.")
            )
            run.message_post(body=body)

    def _summary_users(self):
        """Who is told that the run is over: those chosen for the company, and its responsible if it is a person."""
        self.ensure_one()
        return self.company_id.service_summary_user_ids | self.user_id.filtered(lambda user: user._is_internal())

    def _post_summary(self, users) -> None:
        """Write what the run did on its own page, and send that to `users`."""
        self.ensure_one()
        run = self.with_company(self.company_id).with_context(lang=self.company_id._service_lang())
        body = run.env["ir.qweb"]._render(
            "multiservice.billing_run_summary", {"run": run, "failed": run._failed_items()}
        )
        run.message_post(
            body=body,
            subject=run.env._("%(run)s: %(invoices)s invoices", run=run.name, invoices=run.move_count),
            partner_ids=users.partner_id.ids,
        )

    def _failed_items(self):
        return self.item_ids.filtered(lambda item: item.state == "failed")

    def _draft_domain(self) -> Domain:
        self.ensure_one()
        return Domain("billing_run_id", "=", self.id) & Domain("state", "=", "draft")

    def _held_back_domain(self) -> Domain:
        self.ensure_one()
        awaiting = self.env["multiservice.contract"]._awaiting_domain(self.through_date)
        return Domain("company_id", "=", self.company_id.id) & Domain(awaiting)

    def _detect_contract_anomalies(self) -> None:
        """What the run leaves to look at beyond its own invoices, each said once."""
        self.ensure_one()
        Anomaly = self.env["multiservice.billing.anomaly"].sudo()  # sudo: written by the code alone
        nothing = self.env["account.move"]
        Contract = self.env["multiservice.contract"].with_context(lang=self.company_id._service_lang())
        today = min(self.through_date, self.company_id._service_today())
        contracts = Contract.search(Contract._unbilled_at_end_domain(self.company_id, today))
        known = Anomaly.search([("kind", "=", "unbilled"), ("contract_id", "in", contracts.ids)])
        said = {(anomaly.contract_id.id, anomaly.reason) for anomaly in known}
        found = [
            Anomaly._record(self, nothing, contract, "unbilled", reason)
            for contract in contracts
            if (contract.id, reason := contract._unbilled_reason()) not in said
        ]
        found += [
            Anomaly._record(self, refund, refund.service_contract_ids[:1], "outside", self._outside_reason(refund))
            for refund in self._credited_outside()
        ]
        Anomaly.create(found)

    def _detect_free_periods(self, contracts) -> None:
        """Point out periods that cost nothing and cost something before: they make no invoice that would show it."""
        # sudo: the ledger tells, whoever bills
        free = (
            self.env["multiservice.billable"]
            .sudo()
            .search(
                [
                    ("billing_run_id", "=", self.id),
                    ("contract_id", "in", contracts.ids),
                    ("closed_reason", "=", "free"),
                    ("component", "=", "base"),
                ]
            )
        )
        if not free:
            return
        Anomaly = self.env["multiservice.billing.anomaly"].sudo()  # sudo: written by the code alone
        known = Anomaly.search([("run_id", "=", self.id), ("kind", "=", "zero"), ("move_id", "=", False)])
        said = {(anomaly.contract_id, anomaly.reason) for anomaly in known}
        nothing = self.env["account.move"]
        Anomaly.create(
            [
                Anomaly._record(self, nothing, contract, "zero", reason)
                for contract, reason in free._zero_reasons(free._previous_of_rows()).items()
                if (contract, reason) not in said
            ]
        )

    def _credited_outside(self):
        """Posted credit notes of services that the ledger does not know and that no run pointed out yet."""
        return self.env["account.move"].search(
            [
                ("company_id", "=", self.company_id.id),
                ("move_type", "=", "out_refund"),
                ("state", "=", "posted"),
                ("date", ">=", self.through_date - timedelta(days=366)),
                ("invoice_line_ids", "any", [("service_origin_line_id", "!=", False), ("billable_ids", "=", False)]),
                ("service_anomaly_ids", "=", False),
            ]
        )

    def _outside_reason(self, refund) -> str:
        return self.env._(
            "%(invoice)s was credited without the billing: its periods count as billed and are not billed again.",
            invoice=", ".join(refund.invoice_line_ids.service_origin_line_id.move_id.mapped("display_name")),
        )


class Corrections(models.Model):
    _inherit = "multiservice.billable"

    _correction_idx = models.Index("(id) WHERE kind = 'correction'")
