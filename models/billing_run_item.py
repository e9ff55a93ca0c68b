import logging
import time

from psycopg2 import InterfaceError, OperationalError
from psycopg2.errors import UniqueViolation

from odoo import api, fields, models
from odoo.exceptions import RedirectWarning, UserError

_logger = logging.getLogger(__name__)

# Other processes or the database server, never a contract: a lock, a stale snapshot, a key that somebody else
# wrote first, a lost connection (after which the rollback fails too: the worker ends, the scheduler starts it again).
CONFLICTS = (OperationalError, InterfaceError, UniqueViolation)
MAX_ATTEMPTS = 10


class BillingRunItem(models.Model):
    """A customer's invoice address with all its contracts of a run: what must not fall between two workers."""

    _name = "multiservice.billing.run.item"
    _description = "Customer of a Billing Run"
    _order = "run_id, id"

    _pending_idx = models.Index("(run_id, id) WHERE state = 'pending'")

    run_id = fields.Many2one("multiservice.billing.run", required=True, ondelete="cascade", index=True)
    run_state = fields.Selection(related="run_id.state", string="Run Status")
    company_id = fields.Many2one(related="run_id.company_id", store=True, index=True)
    partner_id = fields.Many2one("res.partner", string="Invoice Address", required=True, ondelete="restrict")
    contract_ids = fields.Many2many("multiservice.contract", string="Contracts")
    state = fields.Selection(
        [("pending", "Waiting"), ("done", "Billed"), ("failed", "Failed"), ("left", "Left Out")],
        default="pending",
        required=True,
    )
    error = fields.Text(readonly=True)
    attempts = fields.Integer(
        readonly=True, help="How often the customer, tried alone, met another process on the same contracts."
    )
    seconds = fields.Float(readonly=True, help="Time spent on the customer, in seconds.")
    culprit_ids = fields.Many2many(
        "multiservice.contract",
        "multiservice_billing_run_item_culprit_rel",
        string="Cannot Be Billed",
        readonly=True,
        help="The contracts of which the planning or the invoice failed.",
    )

    @api.depends("partner_id", "run_id.name")
    def _compute_display_name(self):
        for item in self:
            item.display_name = f"{item.run_id.name} – {item.partner_id.display_name}"

    def action_retry(self):
        self.write({"state": "pending", "error": False})
        return self.run_id._go_on()

    def _work(self):
        """Bill the contracts of the items: invoices, ledger rows and state, all or nothing."""
        for of_run in self.grouped("run_id").values():
            started = time.monotonic()
            items = of_run._in_its_company()
            items.run_id._bill_contracts(items.contract_ids)
            items._succeed()
            items.seconds = (time.monotonic() - started) / len(items)

    def _in_its_company(self):
        """The items with the company and the language in which the ledger and its messages are kept, whoever bills."""
        company = self.run_id.company_id
        return self.with_company(company).with_context(lang=company._service_lang())

    def _count_attempt(self, error: Exception) -> None:
        """After a conflict that a customer met alone: give up after too many, which then are no coincidence.

        Each means that another process got ahead, and there are few: workers by themselves never come near the limit.
        To be called after a rollback. Whoever took the item meanwhile has it, and nothing is counted.
        """
        try:
            for item in self.try_lock_for_update(allow_referencing=True):
                if item.state == "pending":
                    item.attempts += 1
                if item.attempts >= MAX_ATTEMPTS:
                    item._in_its_company()._give_up(error)
            self.env.flush_all()
        except CONFLICTS:
            self.env.cr.rollback()

    def _give_up(self, error: Exception) -> None:
        self.attempts = 0  # whoever retries it starts afresh
        message = self.env._(
            "Something else held or changed the same contracts, %(times)s times in a row: %(error)s",
            times=MAX_ATTEMPTS,
            error=error,
        )
        self._record_failure(UserError(message), self.contract_ids)

    def _succeed(self):
        self.write({"state": "done", "error": False})
        recovered = self.contract_ids.filtered("billing_error")
        recovered.billing_error = False
        recovered.activity_unlink(["multiservice.mail_activity_type_billing_error"])

    def _fail(self, error: Exception) -> None:
        """Record why a customer could not be billed, name the contracts at fault, and tell somebody once.

        Its contracts that share no invoice with one at fault are billed all the same.
        """
        self.ensure_one()
        item = self._in_its_company()
        culprits = item._culprits()
        if culprits:
            item._bill_spared(culprits)
        item._record_failure(error, culprits)

    def _record_failure(self, error: Exception, culprits) -> None:
        message = str(error.args[0] if isinstance(error, RedirectWarning) else error) or type(error).__name__
        self.write({"state": "failed", "error": message, "culprit_ids": [fields.Command.set(culprits.ids)]})
        for contract in culprits or self.contract_ids:
            known = bool(contract.billing_error)
            contract.billing_error = message
            if not known:
                contract.activity_schedule(
                    "multiservice.mail_activity_type_billing_error",
                    summary=self.env._("Cannot be billed"),
                    note=message,
                    user_id=(contract.user_id or self.run_id.user_id).id,
                )

    def _bill_spared(self, culprits):
        spared = self.contract_ids - culprits - self.contract_ids._sharing_invoices_with(culprits)
        if not spared:
            return
        try:
            with self.env.cr.savepoint():
                self.run_id._bill_contracts(spared)
        except CONFLICTS:
            raise
        except Exception as error:  # alone each could be billed, together they cannot
            _logger.warning("contracts %s fail together: %s", spared.mapped("name"), error)

    def _culprits(self):
        """The contracts that fail when billed alone; none when they only fail together."""
        if len(self.contract_ids) == 1:
            return self.contract_ids
        culprits = self.env["multiservice.contract"]
        for contract in self.contract_ids:
            try:
                with self.env.cr.savepoint() as attempt:
                    self.run_id._bill_contracts(contract)
                    attempt.rollback()
            except CONFLICTS:
                raise
            except Exception:
                culprits |= contract
        return culprits
