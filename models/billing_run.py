import logging
from collections import Counter, defaultdict
from datetime import date

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools.pdf import merge_pdf

from .billing_run_item import CONFLICTS
from .contract_line import BILLED_STATES
from .transition import check_transition

_logger = logging.getLogger(__name__)

# Items billed in one transaction, and how many of them a worker looks at to find some that no other holds.
CHUNK = 40
POOL = 8 * CHUNK
SMALL_CHUNK = 10  # when little is left for several workers
WORKERS = [f"multiservice.ir_cron_billing_worker_{number}" for number in (1, 2, 3, 4)]
SENDERS = ["account.ir_cron_account_move_send", "multiservice.ir_cron_sending_worker_2"]
FAILED_NOTIFICATIONS = ("exception", "bounce")
TRANSITIONS = {
    "draft": {"running"},
    "running": {"stopped", "done"},
    "stopped": {"running", "undoing"},
    "done": {"running", "undoing"},
    "undoing": {"undone", "done"},
    "undone": set(),
}


class BillingRun(models.Model):
    """One execution of the billing for one company, worked off item by item, each item a customer's invoices."""

    _name = "multiservice.billing.run"
    _description = "Billing Run"
    _inherit = ["mail.thread"]
    _order = "id desc"
    _check_company_auto = True

    name = fields.Char(default="/", required=True, readonly=True, copy=False)
    origin = fields.Char(string="Started By", readonly=True, help="The schedule, or what somebody chose.")
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    user_id = fields.Many2one("res.users", string="Responsible", default=lambda self: self.env.user, readonly=True)
    through_date = fields.Date(
        string="Bill Through", required=True, readonly=True, help="Periods whose issue date is not after this day."
    )
    state = fields.Selection(
        [
            ("draft", "New"),
            ("running", "Running"),
            ("stopped", "Stopped"),
            ("done", "Done"),
            ("undoing", "Being undone"),
            ("undone", "Undone"),
        ],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        index=True,
    )
    item_ids = fields.One2many("multiservice.billing.run.item", "run_id", string="Customers", readonly=True)
    move_ids = fields.One2many("account.move", "billing_run_id", string="Invoices", readonly=True)
    item_count = fields.Integer(string="Customers to Bill", compute="_compute_progress")
    done_count = fields.Integer(string="Customers Billed", compute="_compute_progress")
    failed_count = fields.Integer(string="Failures", compute="_compute_progress")
    progress = fields.Float(compute="_compute_progress", help="Share of the customers worked off, in per cent.")
    move_count = fields.Integer(string="Invoice Count", compute="_compute_moves")
    amount_untaxed = fields.Monetary(
        string="Untaxed", compute="_compute_moves", groups="multiservice.group_billing_user"
    )
    amount_total = fields.Monetary(string="Total", compute="_compute_moves", groups="multiservice.group_billing_user")
    currency_id = fields.Many2one(related="company_id.currency_id")
    unsent_move_ids = fields.Many2many(
        "account.move",
        string="Not Sent",
        compute="_compute_unsent_move_ids",
        help="Posted to be sent, out of the sending queue, and not sent.",
    )
    unsent_count = fields.Integer(compute="_compute_unsent_move_ids")
    to_print_count = fields.Integer(compute="_compute_to_print_count")
    date_started = fields.Datetime(string="Started", readonly=True, copy=False)
    date_done = fields.Datetime(string="Finished", readonly=True, copy=False)
    seconds = fields.Float(compute="_compute_progress", help="Time spent on the run's customers, in seconds.")

    @api.depends("item_ids.state", "item_ids.seconds")
    def _compute_progress(self):
        groups = self.env["multiservice.billing.run.item"]._read_group(
            [("run_id", "in", self.ids)], ["run_id", "state"], ["__count", "seconds:sum"]
        )
        counts = {(run.id, state): count for run, state, count, _seconds in groups}
        seconds = Counter()
        for run, _state, _count, spent in groups:
            seconds[run.id] += spent
        for run in self:
            run.seconds = seconds[run.id]
            run.done_count = counts.get((run.id, "done"), 0)
            run.failed_count = counts.get((run.id, "failed"), 0)
            run.item_count = run.done_count + run.failed_count + counts.get((run.id, "pending"), 0)
            worked = run.done_count + run.failed_count
            run.progress = 100 * worked / run.item_count if run.item_count else 100

    @api.depends("move_ids.amount_untaxed_signed")
    def _compute_moves(self):
        # sudo: totals for who may see the run; invoices keep their own rules
        groups = (
            self.env["account.move"]
            .sudo()
            ._read_group(
                [("billing_run_id", "in", self.ids), ("state", "!=", "cancel")],
                ["billing_run_id"],
                ["__count", "amount_untaxed_signed:sum", "amount_total_signed:sum"],
            )
        )
        figures = {run.id: values for run, *values in groups}
        for run in self:
            run.move_count, run.amount_untaxed, run.amount_total = figures.get(run.id, (0, 0.0, 0.0))

    @api.depends("move_ids.state", "move_ids.sending_data", "move_ids.is_move_sent")
    def _compute_unsent_move_ids(self):
        of_run = defaultdict(list)
        for move in self.env["account.move"].search(self._unsent_domain()):
            for run in move.billing_run_id | move.reversed_entry_id.billing_run_id:
                of_run[run.id].append(move.id)
        for run in self:
            run.unsent_move_ids = of_run[run.id]
            run.unsent_count = len(run.unsent_move_ids)

    def _compute_to_print_count(self):
        for run in self:
            run.to_print_count = self.env["account.move"].search_count(run._to_print_domain())

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            company = vals.get("company_id") or self.env.company.id
            vals["name"] = self.env["ir.sequence"].with_company(company).next_by_code("multiservice.billing.run")
        return super().create(vals_list)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_worked(self):
        if any(run.state != "draft" for run in self):
            raise UserError(self.env._("A billing run that was started is kept as the record of what it did."))

    def action_start(self):
        """Start, or go on after a stop: the workers take the run's items from now on."""
        self._move_to("running")
        self.filtered(lambda run: not run.date_started).date_started = fields.Datetime.now()
        self._wake_workers()
        return True

    def action_stop(self):
        self._move_to("stopped")

    def action_retry(self):
        """Try the failed customers again."""
        self.item_ids.filtered(lambda item: item.state == "failed").write({"state": "pending", "error": False})
        return self._go_on()

    def _go_on(self):
        """Have the workers take what is pending, of runs at work or done."""
        self.filtered(lambda run: run.state != "running").action_start()
        self._wake_workers()
        return True

    def action_retry_sending(self):
        self.ensure_one()
        moves = self.unsent_move_ids
        # sudo: core's own "ignore" of a failed notification, whose author may be somebody else
        failed = moves.sudo().message_ids.notification_ids.filtered(
            lambda notification: notification.notification_status in FAILED_NOTIFICATIONS
        )
        failed.notification_status = "canceled"
        self._queue_sending(moves)

    def action_print_batch(self):
        """One PDF of the invoices that leave by post: those to print, and those of customers without an e-mail."""
        self.ensure_one()
        moves = self.env["account.move"].search(self._to_print_domain(), order="partner_id, name")
        if not moves:
            raise UserError(self.env._("No invoice of this run is ready to be printed."))
        pdf = merge_pdf([move.invoice_pdf_report_id.raw for move in moves if move.invoice_pdf_report_id])
        attachment = self.env["ir.attachment"].create(
            {
                "name": f"{self.name.replace('/', '-')}.pdf",
                "raw": pdf,
                "mimetype": "application/pdf",
                "res_model": self._name,
                "res_id": self.id,
            }
        )
        return {"type": "ir.actions.act_url", "url": f"/web/content/{attachment.id}?download=true"}

    def action_view_moves(self):
        return self._view_moves([("billing_run_id", "in", self.ids)])

    def action_view_unsent(self):
        return self._view_moves([("id", "in", self.unsent_move_ids.ids)])

    def action_view_failures(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Failures"),
            "res_model": "multiservice.billing.run.item",
            "view_mode": "list,form",
            "domain": [("run_id", "=", self.id), ("state", "=", "failed")],
        }

    def _view_moves(self, domain):
        action = self.env["ir.actions.act_window"]._for_xml_id("account.action_move_out_invoice_type")
        moves = self.env["account.move"].search(domain, limit=2)
        if len(moves) == 1:
            return action | {"views": [(False, "form")], "res_id": moves.id, "context": {}}
        return action | {"domain": domain, "context": {"default_move_type": "out_invoice"}}

    def _unsent_domain(self) -> Domain:
        asked = [
            ("service_posting_mode", "in", ("send", "print")),
            ("sending_data", "=", False),
            ("payment_state", "!=", "reversed"),
        ]
        return (
            self._posted_domain()
            & Domain(asked)
            & (
                Domain("is_move_sent", "=", False)
                | Domain("message_ids.notification_ids.notification_status", "in", FAILED_NOTIFICATIONS)
            )
        )

    def _posted_domain(self) -> Domain:
        """The runs' posted invoices, and the credit notes by which they were undone."""
        own = Domain("billing_run_id", "in", self.ids) | Domain("reversed_entry_id.billing_run_id", "in", self.ids)
        return own & Domain("state", "=", "posted")

    def _to_print_domain(self) -> Domain:
        self.ensure_one()
        # is_move_sent: core's service made its documents
        by_post = Domain("service_posting_mode", "=", "print") | (
            Domain("service_posting_mode", "=", "send") & Domain("partner_id.email", "=", False)
        )
        return self._posted_domain() & Domain("is_move_sent", "=", True) & by_post

    def _move_to(self, state: str) -> None:
        check_transition(self, TRANSITIONS, state)
        self.state = state

    @api.model
    def _create_runs(self, contracts, origin: str, through: date | None = None):
        """New runs, one for each company, over the contracts of `contracts` that are due; none if nothing is.

        `through`: bill what is due on that day, later than today to bill early. Default: each company's today.
        """
        runs = self.browse()
        for company, of_company in contracts.grouped("company_id").items():
            day = through or company._service_today()
            due = of_company.filtered_domain(self._due_domain(day))
            if due:
                groups = due._billing_groups()
                runs += self.create(
                    {
                        "company_id": company.id,
                        "origin": origin,
                        "through_date": day,
                        "item_ids": [
                            Command.create({"partner_id": partner.id, "contract_ids": [Command.set(group.ids)]})
                            for partner, group in groups.items()
                        ],
                    }
                )
        return runs

    @api.model
    def _due_domain(self, through: date) -> Domain:
        return Domain(
            [
                ("state", "in", BILLED_STATES),
                ("next_billing_date", "<=", through),
                ("awaiting_reference", "=", False),
            ]
        )

    @api.model
    def _cron_nightly(self):
        """Start a run over everything that is due, in every company; end the contracts that are over."""
        Contract = self.env["multiservice.contract"]
        waiting = Domain("state", "in", BILLED_STATES) & Domain("next_billing_date", "!=", False)
        for (company,) in Contract._read_group(waiting, ["company_id"]):
            today = company._service_today()
            due = Contract.search(Domain("company_id", "=", company.id) & self._due_domain(today))
            in_its_language = self.with_context(lang=company._service_lang())
            if runs := in_its_language._create_runs(due, in_its_language.env._("Nightly schedule")):
                runs.action_start()
        Contract._cron_end_contracts()

    @api.model
    def _wake_workers(self):
        for worker in self._workers():
            worker._trigger()  # does nothing to an inactive one

    @api.model
    def _workers(self):
        """The scheduled actions that work runs off, side by side."""
        # sudo: who starts a run need not be allowed to see scheduled actions
        return self.env["ir.cron"].sudo().union(*(self.env.ref(name) for name in WORKERS))

    @api.model
    def _senders(self):
        """The scheduled actions that send what is queued, side by side; the first is core's."""
        # sudo: who bills need not be allowed to see scheduled actions
        return self.env["ir.cron"].sudo().union(*(self.env.ref(name) for name in SENDERS))

    @api.model
    def _cron_work(self):
        """Work off one chunk of items of the running runs. Called again by the scheduler while there are more."""
        self._close_finished()
        Item = self.env["multiservice.billing.run.item"]
        pool_ids = Item.search(self._pending_domain(), limit=POOL).ids
        waiting = Item.search_count(self._pending_domain())
        size = self._chunk_size(waiting)
        # Commits: the locks that follow are taken on a fresh snapshot.
        self.env["ir.cron"]._commit_progress(remaining=waiting)
        for item_id in self._work_chunk(pool_ids, size):
            self._work_chunk([item_id], 1)
            if not self.env["ir.cron"]._commit_progress():
                break  # out of time: the scheduler calls again
        self._close_finished()

    @api.model
    def _chunk_size(self, waiting: int) -> int:
        """Items for one transaction: fewer towards the end, lest one worker is idle while another has many."""
        workers = len(self._workers().filtered("active"))
        return CHUNK if workers < 2 else min(CHUNK, max(SMALL_CHUNK, waiting // (2 * workers)))

    @api.model
    def _close_finished(self):
        """Close the running runs of which nothing is left to do, unless another worker does."""
        try:
            finished = self.search([("state", "=", "running"), ("item_ids", "not any", [("state", "=", "pending")])])
            finished.try_lock_for_update(allow_referencing=True)._close_if_done()
            self.env["ir.cron"]._commit_progress()
        except CONFLICTS:
            self.env.cr.rollback()

    @api.model
    def _pending_domain(self) -> Domain:
        return Domain([("state", "=", "pending"), ("run_id.state", "=", "running")])

    @api.model
    def _work_chunk(self, item_ids, size: int) -> list[int]:
        """Bill `size` of the items that nobody else works on, and commit. Returns what is to be tried one by one:
        the items of a chunk of several that failed, or met another process.
        """
        cr, Item = self.env.cr, self.env["multiservice.billing.run.item"]
        items = Item.browse()
        try:
            items = Item.browse(item_ids).try_lock_for_update(allow_referencing=True, limit=size)
            items = items.filtered_domain(self._pending_domain())
            with cr.savepoint():
                items._work()
        except CONFLICTS as error:
            # Somebody else billed or changed the same contracts: plan again, on a fresh snapshot.
            cr.rollback()
            _logger.info("billing items %s meet another process (%s): planned again", items.ids, type(error).__name__)
            if len(items) > 1:
                return items.ids
            items._count_attempt(error)
        except Exception as error:
            if not items:
                raise  # nothing was begun: the server is at fault, and the scheduler starts the worker again
            if len(items) > 1:
                return items.ids
            _logger.warning("billing item %s failed: %s", items.ids, error)
            self._fail_item(items, error)
        self.env["ir.cron"]._commit_progress(len(items), remaining=Item.search_count(self._pending_domain()))
        return []

    @api.model
    def _fail_item(self, item, error: Exception) -> None:
        try:
            item._fail(error)
            self.env.flush_all()
        except CONFLICTS as conflict:  # while it was found out which contract is at fault
            self.env.cr.rollback()
            item._count_attempt(conflict)

    def _process_now(self):
        """Work off the run in the request of the user who asked for it: no commit, all customers apart."""
        self._move_to("running")
        self.date_started = fields.Datetime.now()
        for item in self.item_ids:
            try:
                with self.env.cr.savepoint():
                    item._work()
            except CONFLICTS:
                raise
            except Exception as error:
                _logger.warning("billing of %s failed: %s", item.display_name, error)
                item._fail(error)
        self._close_if_done(to_notify=self.env["res.users"])

    def _close_if_done(self, to_notify=None):
        """Close the runs of which nothing is left to do. `to_notify`: users who get the summary, by default those
        chosen for the company.
        """
        for run in self:
            run.invalidate_recordset(["item_count", "done_count", "failed_count"])
            if run.state == "running" and run.done_count + run.failed_count == run.item_count:
                run._move_to("done")
                run.date_done = fields.Datetime.now()
                run._report(run._summary_users() if to_notify is None else to_notify)

    def _report(self, users) -> None:
        """Point out what the run leaves to look at, and tell `users` what it did. It is done even where that fails."""
        self.ensure_one()
        try:
            with self.env.cr.savepoint():
                self._detect_contract_anomalies()
                self._post_summary(users)
        except CONFLICTS:
            raise
        except Exception as error:
            _logger.warning("the summary of %s failed: %s", self.name, error)
            self.message_post(body=self.env._("The summary of this run could not be written: %s", error))

    def _bill_contracts(self, contracts):
        """Bill what is due of `contracts`: invoices and ledger rows, posted and queued as each asks."""
        contracts = contracts.filtered(lambda contract: contract.state in BILLED_STATES)
        # Read by nothing: writing the contract makes a second biller on a stale snapshot fail and plan again.
        contracts.last_run_id = self
        contracts.flush_recordset(["last_run_id"])
        moves = contracts._bill(self)
        moves._detect_anomalies()
        self._detect_free_periods(contracts)
        moves._deduct_deposits()
        self._settle(moves)

    def _settle(self, moves):
        """Post, and queue for sending or printing, what the contracts ask for."""
        to_post = moves.filtered(lambda move: move.service_posting_mode != "draft")
        to_post._post_dated()
        self._queue_sending(to_post.filtered(lambda move: move.service_posting_mode in ("send", "print")))

    @api.model
    def _queue_sending(self, moves):
        """Hand posted invoices to core's sending queue, their salesperson as author."""
        for author, of_author in moves.grouped(lambda move: move.invoice_user_id or self.env.user).items():
            of_author.sending_data = {"author_user_id": author.id, "author_partner_id": author.partner_id.id}
        if moves:
            for sender in self._senders():
                sender._trigger()
