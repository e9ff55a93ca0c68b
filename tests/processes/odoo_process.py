"""Odoo in a process of its own: `python odoo_process.py CONF DATABASE JOB [IDS]`, and what tests need to start some."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path


@contextmanager
def environment(conf: str, database: str) -> Iterator:
    """An Odoo environment of the superuser on a transaction of its own, committed at the end."""
    import odoo.cli  # noqa: F401  # prepares the addons
    from odoo import SUPERUSER_ID, api
    from odoo.modules.registry import Registry
    from odoo.tools import config

    if not config["db_name"]:
        config.parse_config(["-c", conf, "-d", database])
    with Registry(database).cursor() as cr:
        yield api.Environment(cr, SUPERUSER_ID, {})


def close_all() -> None:
    """Close this process's connections to PostgreSQL."""
    from odoo import sql_db

    sql_db.close_all()


def start(conf: str, database: str, job: str, *ids: int) -> subprocess.Popen:
    command = [sys.executable, str(Path(__file__)), conf, database, job, *map(str, ids)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process: subprocess.Popen, seconds: int = 300) -> str:
    """Wait for the end of a process; its output, which is the message when it failed."""
    output, _ = process.communicate(timeout=seconds)
    assert process.returncode == 0, output[-4000:]
    return output


def work(env) -> None:
    """A billing worker, as the scheduler calls it, until nothing is left to do."""
    Run, Item = env["multiservice.billing.run"], env["multiservice.billing.run.item"]
    while True:
        Run._cron_work()
        env.cr.commit()
        if not Item.search_count(Run._pending_domain()):
            Run._cron_work()  # closes the run
            return


def send(env) -> None:
    """A sending worker, as the scheduler calls it save for smaller batches, until the queue is empty."""
    Move = env["account.move"]
    while Move.search_count(Move._to_send_domain()):
        Move._cron_account_move_send(10)
        env.cr.commit()


def send_mails(env) -> None:
    """Core's mail queue, as the scheduler calls it."""
    env["mail.mail"].process_email_queue()


def press_bill(env, ids) -> None:
    """A user's "Bill now" on contracts, retried on a conflict as Odoo's request handling does."""
    from odoo.exceptions import UserError
    from odoo.service.model import retrying

    def press() -> None:
        try:
            env["multiservice.contract"].browse(ids).action_bill()
        except UserError as nothing_due:
            print(nothing_due)

    retrying(press, env)


def bill_on_old_snapshot(env, ids) -> None:
    """Take a snapshot, wait until told that others billed, then bill all the same."""
    contracts = env["multiservice.contract"].browse(ids)
    contracts.mapped("next_billing_date")
    print("snapshot taken", flush=True)
    sys.stdin.readline()
    run = env["multiservice.billing.run"]._create_runs(contracts, "Stale", date.today())  # noqa: DTZ011
    run._process_now()


JOBS = {
    "work": lambda env, ids: work(env),
    "send": lambda env, ids: send(env),
    "mails": lambda env, ids: send_mails(env),
    "press": press_bill,
    "stale": bill_on_old_snapshot,
}

if __name__ == "__main__":
    conf, database, job, *ids = sys.argv[1:]
    with environment(conf, database) as env:
        logging.basicConfig()
        logging.getLogger("odoo.addons.multiservice").setLevel(logging.INFO)
        partial(JOBS[job], env)([int(i) for i in ids])
