import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from .billing_run_item import CONFLICTS
from .contract_billing import BUTTON_LIMIT

_logger = logging.getLogger(__name__)

# Invoices posted in one transaction, and invoices undone: core credits them one by one, a second each.
CHUNK = 50
UNDO_CHUNK = 10
# What meets another process is tried again after it.
PAUSE = timedelta(minutes=1)


class BillingReview(models.Model):
    """What a person does with the drafts of a billing run: check, put aside, post, send, undo."""

    _inherit = "account.move"

    service_anomaly_ids = fields.One2many(
        "multiservice.billing.anomaly",
        "move_id",
        string="Anomalies",
        readonly=True,
        groups="multiservice.group_billing_user",
    )
    service_severity = fields.Integer(
        string="To Look At",
        compute="_compute_service_severity",
        compute_sudo=True,  # accountants post without reading anomalies
        store=True,
        help="How much the anomalies that nobody checked yet ask to be looked at; 0: nothing to look at.",
        groups="base.group_user",
    )
    service_anomaly_reasons = fields.Text(
        string="Why",
        compute="_compute_service_anomaly_reasons",
        compute_sudo=True,
        groups="multiservice.group_billing_user",
    )
    service_set_aside = fields.Boolean(
        string="Put Aside",
        readonly=True,
        copy=False,
        help="Left out when the drafts of a billing run are posted together. Its periods stay on it, so they are not "
        "billed again.",
        groups="base.group_user",
    )
    service_touched = fields.Boolean(
        string="Changed by Hand",
        readonly=True,
        copy=False,
        help="Whether something was changed, added or removed by hand before the invoice was posted.",
        groups="base.group_user",
    )
    service_queued = fields.Selection(
        [("post", "To post"), ("send", "To post and send"), ("undo", "To undo")],
        string="Waiting",
        readonly=True,
        copy=False,
        help="What the scheduler does with the invoice next.",
        groups="base.group_user",
    )

    _service_queued_idx = models.Index("(id) WHERE service_queued IS NOT NULL")

    @api.depends("service_anomaly_ids.checked", "service_anomaly_ids.severity")
    def _compute_service_severity(self):
        for move in self:
            move.service_severity = max(move._unchecked().mapped("severity"), default=0)

    @api.depends("service_anomaly_ids.reason", "service_anomaly_ids.checked")
    @api.depends_context("lang")
    def _compute_service_anomaly_reasons(self):
        for move in self:
            several = len(move.service_contract_ids) > 1
            move.service_anomaly_reasons = "\n".join(
                f"{anomaly.contract_id.name} – {anomaly.display_name} – {anomaly.reason}"
                if several and anomaly.contract_id
                else f"{anomaly.display_name} – {anomaly.reason}"
                for anomaly in move._unchecked()
            )

    def _unchecked(self):
        return self.service_anomaly_ids.filtered(lambda anomaly: not anomaly.checked)

    @api.model
    def action_service_review(self):
        """The drafts of all billing runs, read again since somebody may have edited some."""
        self.search([("billing_run_id", "!=", False), ("state", "=", "draft")])._detect_anomalies()
        return self.env["ir.actions.act_window"]._for_xml_id("multiservice.billing_review_action")

    def action_service_check(self):
        """Take the invoices for right, anomalies and all."""
        self.service_anomaly_ids.action_check()

    def action_service_set_aside(self):
        self._to_review()._mark(service_set_aside=True, service_queued=None)

    def action_service_take_back(self):
        self._to_review()._mark(service_set_aside=False)

    def action_service_post(self):
        return self._to_review()._queue_service("post")

    def action_service_post_and_send(self):
        return self._to_review()._queue_service("send")

    def _to_review(self):
        """The drafts of services among the invoices chosen."""
        self.check_access("write")
        drafts = self.filtered(
            lambda move: move.state == "draft" and move.billing_run_id and move.service_queued != "undo"
        )
        if not drafts:
            raise UserError(self.env._("None of these is a draft of a billing run, or the run is being undone."))
        return drafts

    def _queue_service(self, what: str):
        """Do it at once for a few invoices, by the scheduler for more. Returns a notice for the user."""
        moves = self.filtered(lambda move: not move.service_set_aside)
        if not moves:
            raise UserError(self.env._("All of these are put aside: take them back first."))
        moves._mark(service_queued=what)
        if len(moves) > BUTTON_LIMIT:
            self._wake_review()
            return self._notify(self.env._("%s invoices are being posted in the background.", len(moves)))
        failed = moves._work_queue()
        if not failed:
            return self._notify(self.env._("%s invoices were posted.", len(moves)))
        return self._notify(
            self.env._(
                "%(done)s invoices were posted, %(failed)s could not: see why in the list.",
                done=len(moves) - len(failed),
                failed=len(failed),
            ),
            "warning",
        )

    @api.model
    def _notify(self, message: str, kind: str = "success"):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {"type": kind, "message": message, "next": {"type": "ir.actions.client", "tag": "soft_reload"}},
        }

    @api.model
    def _wake_review(self, at=None):
        # sudo: who reviews need not be allowed to see scheduled actions
        self.env.ref("multiservice.ir_cron_billing_review").sudo()._trigger(at)

    def _mark(self, **values) -> None:
        """Write fields of the review by one statement: nothing depends on them, and core's `write` would take every
        line of every invoice through its sync, for minutes where there are thousands.
        """
        self.flush_recordset(values)
        for name, value in values.items():
            self.env.cr.execute(
                SQL("UPDATE account_move SET %s = %s WHERE id = ANY(%s)", SQL.identifier(name), value, list(self.ids))
            )
        self.modified(values)
        self.invalidate_recordset(values, flush=False)

    @api.model
    def _cron_review(self):
        """Post, send or undo the invoices that wait for it, a chunk for each transaction. Those that meet another
        process even alone wait a little.
        """
        waiting, met = Domain("service_queued", "!=", False), self.browse()
        while moves := self._next_chunk(waiting):
            met += moves._work_chunk()
            waiting &= Domain("id", "not in", met.ids)
            if not self.env["ir.cron"]._commit_progress(len(moves), remaining=self.search_count(waiting)):
                break
        try:
            self.env["multiservice.billing.run"]._close_undone()
            self.env.flush_all()
            busy = bool(met)
        except CONFLICTS:
            self.env.cr.rollback()
            busy = True
        if busy:
            self._wake_review(at=fields.Datetime.now() + PAUSE)

    @api.model
    def _next_chunk(self, waiting: Domain):
        """The next invoices that wait for the same thing and that no other process holds."""
        moves = self.search(waiting, limit=CHUNK)
        what = moves[:1].service_queued
        moves = moves.filtered(lambda move: move.service_queued == what)
        return moves.try_lock_for_update(limit=UNDO_CHUNK if what == "undo" else CHUNK)

    def _work_chunk(self):
        """Work off the queue for the invoices; one by one where they meet another process. Returns those that still
        do.
        """
        try:
            self._work_queue()
            self.env.flush_all()
        except CONFLICTS as error:
            self.env.cr.rollback()
            _logger.info("invoices %s meet another process (%s)", self.ids, type(error).__name__)
            if len(self) == 1:
                return self
            met = self.browse()
            for move in self:
                met += move.exists().filtered("service_queued").try_lock_for_update()._work_chunk()
                self.env["ir.cron"]._commit_progress()
            return met
        return self.browse()

    def _work_queue(self):
        """Do what the invoices wait for: together, or each alone where one of them fails. Returns those that failed,
        with the reason among their anomalies.
        """
        failed = self.browse()
        for (company, what), of_both in self.grouped(lambda move: (move.company_id, move.service_queued)).items():
            moves = of_both.with_context(lang=company._service_lang())
            try:
                with self.env.cr.savepoint():
                    moves._do_queued(what)
            except CONFLICTS:
                raise
            except Exception as error:
                if len(moves) > 1:
                    failed += failed.union(*(move._work_queue() for move in moves))
                else:
                    _logger.warning("invoice %s could not be settled: %s", moves.id, error)
                    moves._fail_queued(error)
                    failed += moves
        return failed

    def _do_queued(self, what: str) -> None:
        self._mark(service_queued=None)
        self.sudo().service_anomaly_ids.filtered(lambda anomaly: anomaly.kind == "failed").unlink()  # sudo: as below
        if what == "undo":  # decided by a manager for the whole run, or not at all
            self.filtered(lambda move: move.billing_run_id.state == "undoing")._undo_services()
            return
        drafts = self.filtered(lambda move: move.state == "draft" and not move.service_set_aside)
        drafts._detect_anomalies()  # somebody may have edited some since they were reviewed
        drafts._post_dated()
        if what == "send":
            drafts.service_posting_mode = "send"
            self.env["multiservice.billing.run"]._queue_sending(drafts)

    def _note_touched(self) -> None:
        """Keep whether a person changed the invoices, for the figures of their billing run."""
        edited = self.sudo()._hand_edits()  # sudo: the ledger tells, whoever posts
        self.browse(move.id for move in edited)._mark(service_touched=True)

    def _fail_queued(self, error: Exception) -> None:
        self.ensure_one()
        self._mark(service_queued=None)
        Anomaly = self.env["multiservice.billing.anomaly"].sudo()  # sudo: written by the code alone
        Anomaly.search([("move_id", "=", self.id), ("kind", "=", "failed")]).unlink()
        message = str(error) or type(error).__name__
        Anomaly.create(Anomaly._record(self.billing_run_id, self, self.env["multiservice.contract"], "failed", message))

    def _undo_services(self) -> None:
        """Delete the drafts and credit what was posted, so that the periods become due again.

        Raises UserError for an invoice that was credited already, since how much of it is left to undo is for a
        person to say, and for a draft that bears a number.
        """
        credited = self.reversal_move_ids.filtered(lambda move: move.state != "cancel")
        if credited:
            raise UserError(
                self.env._(
                    "It was credited already by %s: what is left of it has to be settled by hand.",
                    ", ".join(credited.mapped("display_name")),
                )
            )
        drafts = self.filtered(lambda move: move.state == "draft")
        if numbered := drafts.filtered("posted_before"):
            raise UserError(
                self.env._(
                    "%s was posted before and bears its number: post it again, so that it can be credited.",
                    ", ".join(numbered.mapped("display_name")),
                )
            )
        posted = self.filtered(lambda move: move.state == "posted")
        drafts.unlink()
        for moves in posted.grouped(lambda move: (move.journal_id, move.move_type)).values():
            moves._credit_to_bill_again()

    def _is_undone(self) -> bool:
        """Whether all that the ledger has of the invoice was credited so that it is billed again. A payment changes
        nothing about that.
        """
        self.ensure_one()
        moves = self.sudo()  # sudo: the ledger tells, whoever undoes
        credit_notes = moves.reversal_move_ids.filtered(lambda move: move.state == "posted")
        rows = credit_notes.invoice_line_ids.billable_ids
        keys = {row._key() for row in moves.invoice_line_ids.billable_ids}
        credited = {row._key() for row in rows if row.kind == "credit"}
        return bool(credit_notes) and keys <= credited and "kept" not in rows.mapped("kind")

    def _credit_to_bill_again(self) -> None:
        """Credit notes of the whole invoices, posted, and sent where the invoice was."""
        sent = self.filtered("is_move_sent")
        self.sending_data = False  # what has not left yet does not leave any more
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=self.ids)
            .create(
                {
                    "journal_id": self.journal_id.id,
                    "reason": self.env._("Billing run undone"),
                    "service_rebill": "yes",
                }
            )
        )
        wizard.reverse_moves()
        credit_notes = wizard.new_move_ids
        for note in credit_notes:
            origin = note.reversed_entry_id
            note.service_posting_mode = origin.service_posting_mode if origin in sent else "post"
        credit_notes._post(soft=False)
        self.env["multiservice.billing.run"]._queue_sending(
            credit_notes.filtered(lambda move: move.reversed_entry_id in sent)
        )
