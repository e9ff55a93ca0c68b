"""What every part of the benchmark that needs Odoo has in common: its options, its environment, its result."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def run(measure: Callable[..., dict[str, Any]]) -> None:
    """Run one part, `measure(env, options)`, on a database and write the figures that it returns as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--conf", required=True, help="Odoo's configuration file")
    parser.add_argument("--database", required=True)
    parser.add_argument("--result", type=Path, required=True, help="where the figures go")
    parser.add_argument("--contracts", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--months", type=int, default=1, help="of history")
    parser.add_argument("--smtp-port", type=int, default=0, help="where a mail server listens on this machine")
    parser.add_argument("--mails", type=Path, help="where that mail server keeps what it gets")
    parser.add_argument("--server", default="", help="address of an Odoo that gives documents their styles")
    options = parser.parse_args()
    with environment(options.conf, options.database, options.smtp_port) as env:
        figures = measure(env, options)
    options.result.write_text(json.dumps(figures), encoding="utf-8")


@contextmanager
def environment(conf: str, database: str, smtp_port: int = 0) -> Iterator[Any]:
    """An Odoo environment of the superuser on a transaction of its own, committed at the end."""
    from odoo import SUPERUSER_ID, api
    from odoo.modules.registry import Registry
    from odoo.tools import config

    smtp = [f"--smtp-port={smtp_port}", "--smtp=127.0.0.1"] if smtp_port else []
    config.parse_config(["-c", conf, "-d", database, "--log-level=warn", *smtp], setup_logging=True)
    with Registry(database).cursor() as cr:
        yield api.Environment(cr, SUPERUSER_ID, {})


def publish(env: Any) -> None:
    """End the transaction, which is this program's own: other processes see what it wrote."""
    env.cr.commit()


def analyze(env: Any) -> None:
    """Without statistics PostgreSQL plans for empty tables, and core's payment queries then take minutes."""
    env.flush_all()
    env.cr.execute("ANALYZE")
    publish(env)
