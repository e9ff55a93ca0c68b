"""Core's sending of invoices, made safe for several workers at once."""

import logging
import math
from smtplib import SMTPServerDisconnected

from psycopg2 import InterfaceError, OperationalError

from odoo import api, models
from odoo.fields import Domain

_logger = logging.getLogger(__name__)

# Invoices printed together and committed together, and how many a worker looks at to find some that no other holds.
BATCH = 40
POOL = 8 * BATCH


class AccountMove(models.Model):
    _inherit = "account.move"

    @api.model
    def _cron_account_move_send(self, job_count=BATCH):
        """Core's sending queue, one batch; called again by the scheduler while there are more.

        Replaces core's own method, which also sends what another worker has locked, whose batches of 10 pay
        `report.print_delay` more often, and which one invoice that raises blocks for all.
        """
        ids = self.search(self._to_send_domain(), order="date, invoice_date, sequence_number, id", limit=POOL).ids
        waiting = self.search_count(self._to_send_domain())
        senders = self.env["multiservice.billing.run"]._senders().filtered("active")
        size = min(job_count, math.ceil(waiting / max(len(senders), 1)))  # of a short queue, each worker's part
        # Commits: the locks that follow are taken on a fresh snapshot.
        self.env["ir.cron"]._commit_progress(remaining=waiting)
        for move_id in self._send_batch(ids, size):
            self._send_batch([move_id], 1)
            if not self.env["ir.cron"]._commit_progress():
                break  # out of time: the scheduler calls again

    @api.model
    def _to_send_domain(self) -> Domain:
        return Domain([("sending_data", "!=", False), ("state", "=", "posted")])

    @api.model
    def _send_batch(self, move_ids, size: int) -> list[int]:
        """Send some of the invoices that nobody else is sending: documents and messages in one transaction, then the
        e-mails. Returns what is to be tried one by one: the invoices of a batch of several that failed.
        """
        cr, moves = self.env.cr, self.browse()
        try:
            moves = self.browse(move_ids).try_lock_for_update(allow_referencing=True, limit=size)
            moves = moves.filtered_domain(self._to_send_domain())
            moves._send_queued()
        except (OperationalError, InterfaceError):
            cr.rollback()  # another process was at work on the same invoices: they stay in the queue
            return []
        except Exception as error:
            cr.rollback()
            if len(moves) > 1:
                return moves.ids
            _logger.warning("invoice %s cannot be sent: %s", moves.display_name, error)
            moves._leave_queue(error)
        self.env["ir.cron"]._commit_progress(len(moves), remaining=self.search_count(self._to_send_domain()))
        moves._send_their_mails()
        return []

    def _send_queued(self):
        """What core's queue does: documents, messages, and e-mails, which are only queued here.

        `skip_invoice_sync` as core's point of sale posts with: nothing here changes a line or a tax.
        """
        moves = self.with_context(mail_notify_force_send=False, skip_invoice_sync=True)
        for of_company in moves.grouped("company_id").values():
            self.env["account.move.send"]._generate_and_send_invoices(of_company, from_cron=True)
        self.env.flush_all()

    def _leave_queue(self, error: Exception) -> None:
        """Tell the invoice and its author why it was not sent, as core does for the errors it expects."""
        self.message_post(body=str(error))
        author = self.sending_data.get("author_partner_id")
        self.env["account.move.send"]._send_notifications_to_partners({author: self.ids}, is_success=False)
        self.sending_data = False

    def _send_their_mails(self) -> None:
        """Hand the invoices' queued e-mails to the mail server, each in a transaction of its own.

        Those that a lost mail server or a killed worker leaves are for core's mail queue.
        """
        mails = self.env["mail.mail"].search(
            [("model", "=", self._name), ("res_id", "in", self.ids), ("state", "=", "outgoing")]
        )
        try:
            mails.with_context(service_keep_leaving=True).send(auto_commit=True)
        except (OperationalError, SMTPServerDisconnected) as error:
            self.env.cr.rollback()
            _logger.info("e-mails %s are left to the mail queue: %s", mails.ids, error)


class MailMail(models.Model):
    _inherit = "mail.mail"

    def _prepare_outgoing_list(self, mail_server=False, doc_to_followers=None):
        """Before an e-mail of the sending queue leaves, keep that it did.

        Core has just written it as failed, until the server takes it. Committed, that is what is left when the worker
        is killed meanwhile: an invoice shown as not sent, with the reason, instead of one sent a second time.
        """
        emails = super()._prepare_outgoing_list(mail_server=mail_server, doc_to_followers=doc_to_followers)
        if self.env.context.get("service_keep_leaving"):
            reason = self.env._("Interrupted while it was handed to the mail server: it may have arrived.")
            self.failure_reason = reason
            self.notification_ids.filtered("failure_reason").failure_reason = reason
            self.env["ir.cron"]._commit_progress()
        return emails
