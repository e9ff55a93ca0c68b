"""Sending posted invoices with their e-mail: core's service as Odoo sets it up, against the module's workers.

`report.print_delay` is what Odoo makes wkhtmltopdf wait, twice for each run of it: 1000 ms unless set.
"""

from __future__ import annotations

import time
import urllib.request
from typing import Any

import part
import worker

BATCH = 48  # at most
ROUNDS = 2
CORE_DELAY, SHORT_DELAY = 1000, 200
WAYS = {
    "core": ("send_by_core", 1, CORE_DELAY),
    "one_worker": ("send", 1, SHORT_DELAY),
    "two_workers": ("send", 2, SHORT_DELAY),
}


def measure(env: Any, options: Any) -> dict[str, Any]:
    _wait_for(options.server)
    env["ir.config_parameter"].set_param("report.url", options.server)
    domain = [("move_type", "=", "out_invoice"), ("state", "=", "posted"), ("is_move_sent", "=", False)]
    unsent = env["account.move"].search(domain, order="id")
    size = min(BATCH, len(unsent) // (ROUNDS * len(WAYS)))
    walls: dict[str, list[float]] = {way: [] for way in WAYS}
    for turn in range(ROUNDS):
        for way, (job, processes, delay) in WAYS.items():
            batch, unsent = unsent[:size], unsent[size:]
            before = len(list(options.mails.iterdir()))
            senders = env["multiservice.billing.run"]._senders()
            senders.active = False
            senders[:processes].active = True  # so that they share out the queue; nothing here runs them
            _queue(batch, delay)
            walls[way].append(worker.race(options, job, processes)["wall"])
            env.cr.rollback()  # see what the workers wrote
            assert all(move.is_move_sent and move.invoice_pdf_report_id for move in batch), f"{way}: not all were sent"
            arrived = len(list(options.mails.iterdir())) - before
            assert arrived == size > 0, f"{way}: {arrived} e-mails for {size} invoices"
            print(f"  {way}, round {turn + 1}: {size / walls[way][-1]:.1f} invoices a second", flush=True)
    rates = {way: round(size / min(of_way), 1) for way, of_way in walls.items()}
    return {
        "invoices_a_turn": size,
        **{f"{way}_per_second": rate for way, rate in rates.items()},
        **{f"ratio_{way}": round(rate / rates["core"], 2) for way, rate in rates.items() if way != "core"},
    }


def _queue(moves: Any, delay: int) -> None:
    env = moves.env
    env["ir.config_parameter"].set_param("report.print_delay", delay)
    moves.sending_data = {"author_user_id": env.uid, "author_partner_id": env.user.partner_id.id}
    part.publish(env)


def _wait_for(server: str) -> None:
    for _attempt in range(300):
        try:
            urllib.request.urlopen(f"{server}/web/health", timeout=5).close()
            return
        except OSError:
            time.sleep(0.3)
    raise AssertionError(f"no server answers at {server}")


if __name__ == "__main__":
    part.run(measure)
