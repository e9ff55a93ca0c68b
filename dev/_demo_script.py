"""Run by `odoo shell` for dev/demo: load the demonstration company, bill it, and write what came of it.

Takes from the environment DEMO_SERVER, the address of a running Odoo that gives reports their styles, and
DEMO_FOLDER, where the PDF files and summary.json go.
"""

import json
import os
from pathlib import Path

from odoo import fields

from odoo.addons.multiservice.demo import loader

INVOICES = ("out_invoice", "out_refund")


def publish(env):
    """End the transaction, which is this program's own: the server and the queues see what it wrote."""
    env.cr.commit()


def bill_demonstration(env, folder):
    """Load and bill, then give every posted invoice its document."""
    env["ir.config_parameter"].set_param("report.url", os.environ["DEMO_SERVER"])
    env["ir.config_parameter"].set_param("report.print_delay", "200")  # as the settings page offers
    today = fields.Date.context_today(env.user)
    loader.load(env, today)
    publish(env)
    figures = loader.bill(env, today)
    publish(env)
    invoices = env["account.move"].search([("move_type", "in", INVOICES), ("state", "=", "posted")])
    make_documents(env, invoices)
    publish(env)
    env.ref("mail.ir_cron_mail_scheduler_action").method_direct_trigger()
    printed = invoices.filtered("invoice_pdf_report_id")
    export(printed, folder)
    figures["pdf_files"] = len(printed)
    figures["failures"] += [f"{invoice.name}: no PDF" for invoice in invoices - printed]
    (folder / "summary.json").write_text(json.dumps(figures, indent=2, default=str), encoding="utf-8")


def make_documents(env, posted):
    """Core's send service: first its own queue, then the invoices that nobody asked to send."""
    queue = env.ref("account.ir_cron_account_move_send")
    waiting, before = posted.filtered("sending_data"), None
    while waiting and waiting != before:
        queue.method_direct_trigger()
        publish(env)  # the queue works in its own transaction: see what it wrote
        waiting, before = waiting.filtered("sending_data"), waiting
    unprinted = posted.filtered(lambda invoice: not invoice.invoice_pdf_report_id)
    if unprinted:
        env["account.move.send"]._generate_and_send_invoices(unprinted, sending_methods={}, allow_raising=False)


def export(invoices, folder):
    """Write the PDF that core's send service attached to each invoice."""
    for invoice in invoices:
        (folder / f"{invoice.name.replace('/', '-')}.pdf").write_bytes(invoice.invoice_pdf_report_id.raw)


# The shell gives `env`.
bill_demonstration(env, Path(os.environ["DEMO_FOLDER"]))  # noqa: F821
