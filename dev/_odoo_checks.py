"""The checks that run Odoo: the module's tests, its upgrade, and its demonstration data."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

import _databases
from _cache import MODULE, REPOSITORY, checkout_folder, digest
from _checks import Check, Outcome
from _console import Failure, run, say
from _odoo import free_port, log_file, odoo_command, odoo_environment
from _odoo_log import count_tests, problems
from _postgres import sql
from _python import runtime_python

BROWSERS = ("google-chrome", "chromium", "chromium-browser", "google-chrome-stable")  # those Odoo looks for
TEST_DATABASE = f"{MODULE}_test_{digest(REPOSITORY)}"
DEMO_DATABASE = f"{MODULE}_demo_data_{digest(REPOSITORY)}"


def odoo_checks(tags: str) -> tuple[list[Check], list[Check]]:
    """Two tracks that may run side by side: the tests and then the upgrade, and the demonstration data."""
    tests = [Check("odoo-tests", lambda: module_tests(tags)), Check("upgrade", upgrade)]
    return tests, [Check("demo-data", demo_data)]


def prepare_browser() -> None:
    """Make sure of a browser in CI; elsewhere only say what will be missing."""
    if any(shutil.which(name) for name in BROWSERS):
        return
    if not is_ci():
        say("note: no chromium on this machine, browser tests will be SKIPPED (Debian's package: chromium)")
    elif os.geteuid() != 0:
        raise Failure("CI needs a browser: install Debian's package chromium.")
    else:
        say("set-up: chromium")
        run(["apt-get", "-q", "update"], advice="Install Debian's package chromium by hand.")
        install = ["apt-get", "-q", "install", "--yes", "--no-install-recommends", "chromium"]
        run(install, advice="Install Debian's package chromium by hand.")


def is_ci() -> bool:
    return os.environ.get("CI", "") not in ("", "0", "false")


def module_tests(tags: str) -> Outcome:
    """Install the module on the template and run its tests, measured."""
    prepare_browser()
    _databases.drop(TEST_DATABASE)
    _databases.create(TEST_DATABASE)
    coverage_data = checkout_folder() / "coverage.odoo"
    measured = ("-m", "coverage", "run", f"--data-file={coverage_data}", "--source=.")
    port = ("--http-port", str(free_port()))
    log = _odoo("tests", "-d", TEST_DATABASE, "-i", MODULE, "--test-tags", tags, *port, tool=measured)
    count = count_tests(log)
    found = problems(log)
    if not count.passed + count.failed:
        raise Failure("No test ran.\n" + "\n".join(found))
    no_browser = [text for text in count.skipped if "hrome" in text or "websocket" in text]
    if no_browser and is_ci():
        found += ["Browser tests were skipped in CI:", *no_browser]
    return Outcome(
        passed=count.passed,
        failed=count.failed or int(bool(found)),
        skipped=len(count.skipped),
        remark=f"{count.passed + count.failed} tests, coverage {_coverage()}",
        details="\n".join([*count.skipped, *found]),
    )


def _coverage() -> str:
    """Coverage of the module by pure and Odoo tests together; the report by file stays in the cache."""
    folder = checkout_folder()
    data = [folder / name for name in ("coverage.unit", "coverage.odoo") if (folder / name).exists()]
    coverage = [str(runtime_python()), "-m", "coverage"]
    total = f"--data-file={folder / 'coverage'}"
    run([*coverage, "combine", "--keep", "--quiet", total, *map(str, data)], cwd=REPOSITORY, advice="")
    report = run([*coverage, "report", "--show-missing", total], cwd=REPOSITORY, advice="")
    (folder / "coverage.txt").write_text(report, encoding="utf-8")
    return f"{report.split()[-1]} ({folder / 'coverage.txt'})"


def upgrade() -> Outcome:
    """Upgrade what the tests installed: not one warning."""
    if not _databases.exists(TEST_DATABASE):
        raise Failure("The module was not installed, so its upgrade cannot be tried.")
    log = _odoo("upgrade", "-d", TEST_DATABASE, "-u", MODULE, "--stop-after-init", "--no-http")
    _databases.drop(TEST_DATABASE)
    return _fail_on(problems(log))


def demo_data() -> Outcome:
    """Install with Odoo's demonstration data from scratch; a loader that fails leaves a row and no error."""
    _databases.drop(DEMO_DATABASE)
    options = ("--with-demo", "-i", MODULE, "--stop-after-init", "--no-http")
    log = _odoo("demo", "-d", DEMO_DATABASE, *options)
    failures = sql("SELECT error FROM ir_demo_failure", DEMO_DATABASE)
    _databases.drop(DEMO_DATABASE)
    return _fail_on([*problems(log), *filter(None, [failures])])


def _fail_on(found: Sequence[str]) -> Outcome:
    return Outcome(failed=int(bool(found)), details="\n".join(found))


def _odoo(name: str, *arguments: str, tool: Sequence[str] = ()) -> str:
    """Run Odoo and return its log, which stays readable in the cache; its exit code tells no more."""
    path = log_file(name)
    with open(path, "w", encoding="utf-8") as log:
        command = odoo_command(*arguments, tool=tool)
        done = subprocess.run(
            command, env=odoo_environment(), cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    text = path.read_text(encoding="utf-8", errors="replace")
    if done.returncode and not problems(text):
        raise Failure(f"Odoo stopped with exit code {done.returncode}: see {path}")
    return text
