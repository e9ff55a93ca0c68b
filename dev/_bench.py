"""The benchmark: its databases, the module it compares with, its parts, each a program of bench/, and their figures."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
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

BOOK = f"{MODULE}_bench_{digest(REPOSITORY)}"
MEMORY, SCALE, SCALE_COPY = f"{BOOK}_memory", f"{BOOK}_scale", f"{BOOK}_scale_copy"
NO_DATABASE = ""
DATABASES = {
    "planning": NO_DATABASE,
    "billing": BOOK,
    "workers": BOOK,
    "sending": BOOK,
    "einvoice": BOOK,
    "memory": MEMORY,
    "scale": SCALE_COPY,
}
PARTS = tuple(DATABASES)
USUAL_PARTS = PARTS[:5]  # the others take long
WITH_SERVERS = ("sending", "scale")
SCALE_MONTHS = 24
MEMORY_FACTOR = 11  # times the contracts asked for: once for a small run, ten times for a large one

# At least this, and at most that.
TARGETS = {
    "billing.ratios.drafts_vs_core": 2.2,
    "billing.ratios.drafts_vs_oca": 2.8,
    "billing.ratios.posted_vs_core": 2.1,
    "workers.ratio": 1.7,
    "planning.line_periods_per_second": 20_000,
    "sending.ratio_one_worker": 1.5,
    "sending.ratio_two_workers": 2.7,
}
LIMITS = {
    "planning.history_ratio": 1.1,
    "einvoice.cpu_ms": 25,
    "einvoice.memory_grown_kb": 4096,
    "memory.peak_mb_ratio": 1.1,
    "memory.cpu_ms_ratio": 1.1,
    "scale.slowest_screen_s": 2,
    "scale.slowest_request_cpu_s": 60,
}


def measure(parts: Sequence[str], contracts: int, rounds: int) -> None:
    """Run the parts one after the other, print what they found, and last all of it as one JSON object."""
    started = time.monotonic()
    figures: dict[str, Any] = {}
    with locked(f"bench-{digest(REPOSITORY)}"):
        _make_databases({DATABASES[part] for part in parts}, contracts)
        for part in parts:
            say(f"bench: {part}")
            figures[part] = _run_part(part, contracts=contracts, rounds=rounds)
            _print(figures[part])
    figures["seconds"] = round(time.monotonic() - started)
    _print_targets(figures)
    path = checkout_folder() / "bench.json"
    path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if "scale" in parts:
        _databases.drop(SCALE_COPY)
    say(f"written to {path}")
    say(json.dumps(figures))


def seed_scale(contracts: int) -> None:
    """A database of many contracts with two years of history, kept until it is seeded again."""
    with locked(f"bench-{digest(REPOSITORY)}"):
        say(f"bench: {contracts:,} contracts with {SCALE_MONTHS} months of history")
        _new_database(SCALE, MODULE)
        _print(_run_program("seed_scale", SCALE, contracts=contracts, months=SCALE_MONTHS))
    say("now: dev/bench --only scale")


def _make_databases(databases: Collection[str], contracts: int) -> None:
    if BOOK in databases:
        say(f"bench: a database of {contracts:,} contracts, with {COMPARED} beside")
        _new_database(BOOK, f"{MODULE},{COMPARED_MODULE}")
        _run_program("seed", BOOK, contracts=contracts)
    if MEMORY in databases:
        say(f"bench: a database of {MEMORY_FACTOR * contracts:,} contracts")
        _new_database(MEMORY, MODULE)
        _run_program("seed_scale", MEMORY, contracts=MEMORY_FACTOR * contracts, months=1)
    if SCALE_COPY in databases:
        _copy_scale()


def _new_database(name: str, modules: str) -> None:
    _databases.drop(name)
    _databases.create(name)
    run_odoo(*_options(name), "-i", modules, "--stop-after-init", "--no-http", advice="")


def _copy_scale() -> None:
    """A copy of the large database, upgraded to what the module is now: the part bills in it, and commits."""
    if not _databases.exists(SCALE):
        raise Failure("The large database is not there: dev/bench --seed makes it.")
    say("bench: a copy of the large database")
    _databases.drop(SCALE_COPY)
    _databases.copy(SCALE, SCALE_COPY)
    run_odoo(*_options(SCALE_COPY), "-u", MODULE, "--stop-after-init", "--no-http", advice="Try dev/bench --seed")


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


def _run_part(part: str, **values: int) -> Any:
    database = DATABASES[part]
    if part not in WITH_SERVERS:
        return _run_program(part, database, **values)
    with tempfile.TemporaryDirectory() as folder, _servers(database, Path(folder)) as arguments:
        return _run_program(part, database, *arguments, **values)


def _run_program(name: str, database: str, *arguments: str, **values: int) -> Any:
    """Run one program of bench/, its progress shown, and return its figures."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "figures.json"
        command = [runtime_python(), REPOSITORY / "bench" / f"{name}.py", "--result", result, *arguments]
        if database != NO_DATABASE:
            command += ["--conf", _configuration(), "--database", database]
            command += [f"--{option}={value}" for option, value in values.items()]
        if subprocess.run([str(word) for word in command], env=odoo_environment(), check=False).returncode:
            raise Failure(f"The part {name} of the benchmark failed, see above.")
        return json.loads(result.read_text(encoding="utf-8"))


@contextmanager
def _servers(database: str, folder: Path) -> Iterator[list[str]]:
    """A mail server and an Odoo that serves pages and styles, running beside a part, as options for it."""
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
        if (value := _figure(figures, path)) is not None:
            _print_target(path, value, f"target {target:,}", value >= target)
    for path, limit in LIMITS.items():
        if (value := _figure(figures, path)) is not None:
            _print_target(path, value, f"at most {limit:,}", value <= limit)


def _figure(figures: Any, path: str) -> float | None:
    for key in path.split("."):
        figures = figures.get(key, {})
    return figures if figures != {} else None


def _print_target(path: str, value: float, wanted: str, reached: bool) -> None:
    say(f"  {'reached' if reached else 'MISSED ':<8} {path:<40} {value:>10,} ({wanted})")
