"""The benchmark: its databases, the module it compares with, its parts, each a program of bench/, and their figures."""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import _databases
from _cache import MODULE, REPOSITORY, build_once, cache_folder, checkout_folder, digest, locked
from _console import Failure, say
from _mail_sink import start_mail_sink
from _odoo import configuration, free_port, log_file, odoo_command, odoo_environment, run_odoo
from _python import pip_command, pip_install, runtime_python

# Compared with at run time only: its licence (AGPL) is not this module's.
COMPARED = "odoo-addon-contract==19.0.1.2.1.2"
COMPARED_MODULE = "contract"

USUAL_PARTS = ("planning", "billing", "workers", "sending")
PARTS = (*USUAL_PARTS, "memory", "scale")
WITHOUT_DATABASE = ("planning",)
BOOK = f"{MODULE}_bench_{digest(REPOSITORY)}"
SCALE = f"{BOOK}_scale"
TARGETS = {
    "billing.ratios.drafts_vs_core": 2.2,
    "billing.ratios.drafts_vs_oca": 2.8,
    "billing.ratios.posted_vs_core": 2.1,
    "workers.ratio": 1.7,
    "planning.line_periods_per_second": 20_000,
    "sending.ratio_one_worker": 1.5,
    "sending.ratio_two_workers": 2.7,
}


def measure(parts: Sequence[str], options: argparse.Namespace) -> None:
    """Run the parts one after the other, print what they found, and last all of it as one JSON object."""
    started = time.monotonic()
    figures: dict[str, Any] = {}
    with locked(f"bench-{digest(REPOSITORY)}"):
        if set(parts) - {*WITHOUT_DATABASE, "scale"}:
            _make_book(options)
        if "scale" in parts:
            _upgrade_scale()
        for part in parts:
            say(f"bench: {part}")
            figures[part] = _run_part(part, SCALE if part == "scale" else BOOK, options)
            _print(figures[part])
    figures["seconds"] = round(time.monotonic() - started)
    _print_targets(figures)
    path = checkout_folder() / "bench.json"
    path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    say(f"written to {path}")
    say(json.dumps(figures))


def seed_scale(options: argparse.Namespace) -> None:
    """A database of 10,000 contracts with two years of history, kept until it is seeded again."""
    with locked(f"bench-{digest(REPOSITORY)}"):
        say("bench: seeding 10,000 contracts with 24 months of history (some minutes)")
        _new_database(SCALE, MODULE)
        _print(_run_part("seed_scale", SCALE, options))
    say("now: dev/bench --only scale")


def _make_book(options: argparse.Namespace) -> None:
    say(f"bench: a database of {options.contracts} contracts, with {COMPARED} beside")
    _new_database(BOOK, f"{MODULE},{COMPARED_MODULE}")
    _run_part("seed", BOOK, options)


def _new_database(name: str, modules: str) -> None:
    _databases.drop(name)
    _databases.create(name)
    run_odoo(*_options(name), "-i", modules, "--stop-after-init", "--no-http", advice="")


def _upgrade_scale() -> None:
    if not _databases.exists(SCALE):
        raise Failure("The large database is not there: dev/bench --seed makes it.")
    run_odoo(*_options(SCALE), "-u", MODULE, "--stop-after-init", "--no-http", advice="Seed again: dev/bench --seed")


def _options(database: str) -> tuple[str, ...]:
    return "-c", str(_configuration()), "-d", database


def _configuration() -> Path:
    """Odoo's configuration with the compared module among the addons."""
    text = configuration().read_text(encoding="utf-8")
    lines = (f"{line},{_compared()}" if line.startswith("addons_path") else line for line in text.splitlines())
    path = checkout_folder() / "bench.conf"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _compared() -> Path:
    """The addons folder of the module that billing is compared with."""

    def build(folder: Path) -> None:
        pip_install(pip_command(), "--no-deps", "--target", str(folder), COMPARED)

    return build_once(cache_folder() / COMPARED, COMPARED, build) / "odoo/addons"


def _run_part(part: str, database: str, options: argparse.Namespace) -> Any:
    """Run one program of bench/, its progress shown, and return its figures."""
    with tempfile.TemporaryDirectory() as folder, _surroundings(part, database, Path(folder)) as arguments:
        result = Path(folder) / "figures.json"
        command = [runtime_python(), REPOSITORY / "bench" / f"{part}.py", "--result", result, *arguments]
        if part not in WITHOUT_DATABASE:
            command += ["--conf", _configuration(), "--database", database]
            command += [f"--contracts={options.contracts}", f"--rounds={options.rounds}"]
        if subprocess.run([str(word) for word in command], env=odoo_environment(), check=False).returncode:
            raise Failure(f"The part {part} of the benchmark failed, see above.")
        return json.loads(result.read_text(encoding="utf-8"))


@contextmanager
def _surroundings(part: str, database: str, folder: Path) -> Iterator[list[str]]:
    """What a part needs to be running beside it, as options: sending needs a mail server, and a server for styles."""
    if part != "sending":
        yield []
        return
    smtp_port = start_mail_sink(folder / "e-mails")
    port = free_port()
    command = odoo_command(*_options(database), "--http-port", str(port), "--max-cron-threads", "0")
    with open(log_file("bench-server"), "wb") as output:
        server = subprocess.Popen(
            command, env=odoo_environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            yield [f"--smtp-port={smtp_port}", f"--server=http://127.0.0.1:{port}", f"--mails={folder / 'e-mails'}"]
        finally:
            server.terminate()
            server.wait()


def _print(figures: Mapping[str, Any], indent: str = "  ") -> None:
    for name, value in figures.items():
        if isinstance(value, dict) and any(isinstance(inner, dict) for inner in value.values()):
            say(f"{indent}{name}")
            _print(value, f"{indent}  ")
        elif isinstance(value, dict):
            say(f"{indent}{name:<28} " + "  ".join(f"{key} {inner}" for key, inner in value.items()))
        else:
            say(f"{indent}{name:<28} {value}")


def _print_targets(figures: Mapping[str, Any]) -> None:
    for path, target in TARGETS.items():
        value: Any = figures
        for key in path.split("."):
            value = value.get(key, {})
        if value != {}:
            say(f"  {'reached' if value >= target else 'MISSED ':<8} {path:<40} {value:>10,} (target {target:,})")
