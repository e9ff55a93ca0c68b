"""The demonstration: a database with the billed demonstration company, its figures, and a server on it."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import _databases
from _cache import MODULE, REPOSITORY, checkout_folder, digest, locked
from _console import Failure, say
from _files import source_files
from _mail_sink import start_mail_sink
from _odoo import free_port, log_file, odoo_command, odoo_environment, run_odoo
from _postgres import sql

SCRIPT = Path(__file__).with_name("_demo_script.py")
PREFIX = f"{MODULE}_demo_{digest(REPOSITORY)}_"
START_SECONDS = 120


def demonstration(fresh: bool) -> str:
    """Name of the database of the demonstration, built now unless one of this very module is there."""
    name = PREFIX + digest(_databases.template(), *(path.read_bytes() for path in source_files()))
    with locked(f"demo-{digest(REPOSITORY)}"):
        if fresh or not _databases.exists(name):
            for old in _databases.names(PREFIX):
                _databases.drop(old)
            _build(name)
    return name


def _build(name: str) -> None:
    """Build under another name first: what bears the demonstration's name is always complete."""
    started = time.monotonic()
    draft = f"{PREFIX}draft"
    folder = results_folder()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    say("demo: installing the module")
    _databases.create(draft)
    run_odoo("-d", draft, "-i", MODULE, "--stop-after-init", "--no-http", advice="")
    say("demo: creating the demonstration company, billing it and making its documents")
    port = free_port()
    with _server(draft, port, "--max-cron-threads", "0"):
        variables = {"DEMO_SERVER": f"http://127.0.0.1:{port}", "DEMO_FOLDER": str(folder)}
        mail = _mail_options()
        run_odoo("shell", "-d", draft, "--no-http", *mail, advice="", stdin=SCRIPT.read_text(), variables=variables)
    _databases.rename(draft, name)
    summary = {**read_summary(), "seconds": round(time.monotonic() - started)}
    (folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


def results_folder() -> Path:
    """PDF files, e-mails and summary of the demonstration that was built last."""
    return checkout_folder() / "demo"


def mail_folder() -> Path:
    return results_folder() / "e-mails"


def read_summary() -> dict[str, Any]:
    summary = json.loads((results_folder() / "summary.json").read_text(encoding="utf-8"))
    assert isinstance(summary, dict)
    return summary


def export(folder: Path) -> None:
    """Copy the PDF files and the summary to a folder that the person names."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in [*results_folder().glob("*.pdf"), results_folder() / "summary.json"]:
        shutil.copy(path, folder)


def print_table(summary: Mapping[str, Any], documents: Path) -> None:
    rows = [(name, summary.get(name, "")) for name in ("contracts", "sites", "billables", "invoices")]
    for mode, total in summary.get("totals", {}).items():
        amounts = f"{total['untaxed']:>12,.2f} untaxed {total['taxed']:>12,.2f} taxed"
        rows.append((f"  {mode}", f"{total['invoices']:>4} invoices {amounts}"))
    failures = summary.get("failures", [])
    rows += [("failures", len(failures)), *(("", failure) for failure in failures)]
    rows.append(("seconds", summary.get("seconds", "")))
    rows.append(("PDF files", f"{summary.get('pdf_files', 0)} in {documents}"))
    rows.append(("e-mails", f"kept in {mail_folder()}, none leaves this machine"))
    for name, value in rows:
        say(f"  {name:<12} {value}")


def serve(name: str, port: int) -> None:
    """Serve the demonstration until the person stops it."""
    address = f"http://127.0.0.1:{port}"
    for key in ("report.url", "web.base.url"):
        sql(f"DELETE FROM ir_config_parameter WHERE key = '{key}'", name)
        sql(f"INSERT INTO ir_config_parameter (key, value) VALUES ('{key}', '{address}')", name)
    with _server(name, port) as server:
        say(f"  {'address':<12} {address}")
        logins = read_summary().get("logins", {"admin": "admin"})
        for login, password in logins.items():
            say(f"  {'login':<12} {login} / {password}")
        say("Ctrl-C stops the server; the database is kept for the next start.")
        server.wait()


def _mail_options() -> tuple[str, ...]:
    return "--smtp", "127.0.0.1", "--smtp-port", str(start_mail_sink(mail_folder()))


@contextmanager
def _server(name: str, port: int, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Odoo serving one database, ready when the block starts and stopped when it ends."""
    path = log_file("demo-server")
    arguments = ("-d", name, "--db-filter", f"^{name}$", "--http-port", str(port), *_mail_options(), *options)
    with open(path, "wb") as log:
        server = subprocess.Popen(
            odoo_command(*arguments), env=odoo_environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            _wait_until_ready(server, port, path)
            yield server
        finally:
            server.terminate()
            server.wait()


def _wait_until_ready(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/web/health", timeout=5).close()
            return
        except OSError:
            time.sleep(0.3)
    raise Failure(f"Odoo does not serve port {port}: see {log}.")
