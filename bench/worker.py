"""A worker process of the benchmark: gets ready, waits for the word, does its job, and tells what it took."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import part


def bill(env: Any) -> None:
    """The billing worker, as the scheduler calls it, until nothing is left."""
    Run, Item = env["multiservice.billing.run"], env["multiservice.billing.run.item"]
    while Item.search_count(Run._pending_domain()):
        Run._cron_work()
        part.publish(env)


def send(env: Any) -> None:
    """The sending worker, as the scheduler calls it, until its queue is empty."""
    Move = env["account.move"]
    while Move.search_count(Move._to_send_domain()):
        Move._cron_account_move_send()
        part.publish(env)


def send_by_core(env: Any) -> None:
    """What core's service does with the whole queue at once, to the last e-mail."""
    env["account.move.send"]._generate_and_send_invoices(
        env["account.move"].search(env["account.move"]._to_send_domain()), from_cron=True
    )
    part.publish(env)
    env["mail.mail"].process_email_queue()


def count(_env: Any) -> None:
    """A program that shares nothing with others: about a second of one processor."""
    texts: dict[int, str] = {}
    for number in range(3_000_000):
        texts[number % 50_000] = str(number)


def warm_up(env: Any) -> None:
    """Send one invoice for nothing: a service that has been up for long has read its templates and styles before."""
    posted = env["account.move"].search([("move_type", "=", "out_invoice"), ("state", "=", "posted")], limit=1)
    queued = env["account.move.send"].with_context(mail_notify_force_send=False)
    queued._generate_and_send_invoices(posted, sending_methods={"email"})
    env.cr.rollback()


JOBS = {job.__name__: job for job in (bill, send, send_by_core, count)}


def race(options: Any, job: str, count: int) -> dict[str, Any]:
    """Have `count` new processes do a job side by side; seconds on the wall, and what each of them took."""
    command = [sys.executable, str(Path(__file__)), options.conf, options.database, str(options.smtp_port), job]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _i in range(count)
    ]
    for worker in workers:
        assert worker.stdout and worker.stdout.readline() == "ready\n", f"a worker could not start: {job}"
    started = time.perf_counter()
    for worker in workers:
        assert worker.stdin
        worker.stdin.write("go\n")
        worker.stdin.flush()
    took = [json.loads(worker.communicate()[0]) for worker in workers]
    return {"wall": max(one["ended"] for one in took) - started, "workers": took}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("conf")
    parser.add_argument("database")
    parser.add_argument("smtp_port", type=int)
    parser.add_argument("job", choices=JOBS)
    options = parser.parse_args()
    with part.environment(options.conf, options.database, options.smtp_port) as env:
        if options.job.startswith("send"):
            warm_up(env)
        at_rest = _peak_megabytes()
        print("ready", flush=True)
        sys.stdin.readline()
        cpu = time.process_time()
        JOBS[options.job](env)
        ended = time.perf_counter()  # one clock for all processes of the machine
        cpu = time.process_time() - cpu
    print(json.dumps({"ended": ended, "cpu": cpu, "at_rest_mb": at_rest, "peak_mb": _peak_megabytes()}))


def _peak_megabytes() -> int:
    """The most memory that this program had resident; `getrusage` would count its parent's before the fork, too."""
    [line] = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    main()
