"""Run by `odoo shell` for dev/demo: load the demonstration company, bill it, and write what came of it.

Takes from the environment DEMO_SERVER, the address of a running Odoo that gives reports their styles, and
DEMO_FOLDER, where the PDF files and summary.json go.
"""

import json
import os
from pathlib import Path

from odoo import fields

from odoo.addons.multiservice.demo import loader


def bill_demonstration(env, folder):
    """Load, bill and send; the figures of the loader come last, so that it may be more precise."""
    env["ir.config_parameter"].set_param("report.url", os.environ["DEMO_SERVER"])
    today = fields.Date.context_today(env.user)
    loader.load(env, today)
    env.cr.commit()
    billed = loader.bill(env, today)
    env.cr.commit()
    invoices = env["account.move"].search([("service_posting_mode", "!=", False)])
    make_documents(env, invoices.filtered(lambda invoice: invoice.state == "posted"))
    env.cr.commit()
    figures = {**count(env, invoices), **billed, "pdf_files": export(invoices, folder)}
    (folder / "summary.json").write_text(json.dumps(figures, indent=2, default=str), encoding="utf-8")


def make_documents(env, posted):
    """Core's send service: first its own queue, then the invoices that no customer waits for."""
    queue = env.ref("account.ir_cron_account_move_send")
    waiting = posted.filtered("sending_data")
    while waiting:
        queue.method_direct_trigger()
        env.invalidate_all()
        still_waiting = posted.filtered("sending_data")
        if len(still_waiting) == len(waiting):
            break
        waiting = still_waiting
    unprinted = posted.filtered(lambda invoice: not invoice.invoice_pdf_report_id)
    if unprinted:
        env["account.move.send"]._generate_and_send_invoices(unprinted, sending_methods={}, allow_raising=False)


def count(env, invoices):
    modes = sorted(set(invoices.mapped("service_posting_mode")))
    return {
        "contracts": env["multiservice.contract"].search_count([]),
        "sites": env["res.partner"].search_count([("is_service_site", "=", True)]),
        "billables": env["multiservice.billable"].search_count([]),
        "invoices": len(invoices),
        "totals": {mode: total(invoices.filtered_domain([("service_posting_mode", "=", mode)])) for mode in modes},
        "failures": env["multiservice.billing.run.item"].search_count([("state", "=", "failed")]),
    }


def total(invoices):
    """In the company's currency."""
    return {
        "invoices": len(invoices),
        "untaxed": round(sum(invoices.mapped("amount_untaxed_signed")), 2),
        "taxed": round(sum(invoices.mapped("amount_total_signed")), 2),
    }


def export(invoices, folder):
    """Write the PDF that core's send service attached to each posted invoice, and return their number."""
    documents = invoices.filtered(lambda invoice: invoice.state == "posted" and invoice.invoice_pdf_report_id)
    for invoice in documents:
        (folder / f"{invoice.name.replace('/', '-')}.pdf").write_bytes(invoice.invoice_pdf_report_id.raw)
    return len(documents)


# The shell gives `env`.
bill_demonstration(env, Path(os.environ["DEMO_FOLDER"]))  # noqa: F821
