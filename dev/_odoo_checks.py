"""The checks that run Odoo: the module's tests, its upgrade, and its demonstration data."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence

import _databases
from _cache import MODULE, REPOSITORY, checkout_folder, digest
from _checks import Check, Outcome
from _console import Failure, run, say
from _odoo import debian_wkhtmltopdf, free_port, log_file, odoo_command, odoo_environment, pdftotext
from _odoo_log import count_tests, problems
from _postgres import sql
from _process_checks import worker_processes
from _python import runtime_python

BROWSERS = ("google-chrome", "chromium", "chromium-browser", "google-chrome-stable")  # those Odoo looks for
TEST_DATABASE = f"{MODULE}_test_{digest(REPOSITORY)}"
DEMO_DATABASE = f"{MODULE}_demo_data_{digest(REPOSITORY)}"
ALL_TESTS = f"/{MODULE}"
UPGRADED_PART = 1  # the part of the tests whose database is upgraded afterwards
CHORUS_PART = 2  # the part that has core's module for Chorus Pro beside ours
CHORUS, CHORUS_TESTS = "l10n_fr_facturx_chorus_pro", "TestChorus"


def odoo_checks(tags: str) -> tuple[list[Check], list[Check]]:
    """Two tracks to run side by side. Half of the tests is on each, unless tags are asked for."""
    first, second = _halves() if tags == ALL_TESTS else (tags, "")
    installed = f"{TEST_DATABASE}_{UPGRADED_PART}"
    tests = [
        Check("odoo-tests", lambda: module_tests(1, first)),
        Check("processes", lambda: worker_processes(installed)),
        Check("upgrade", upgrade),
    ]
    others = [Check("demo-data", demo_data)]
    if second:
        others.append(Check("odoo-tests", lambda: module_tests(2, second)))
    return tests, others


def _halves() -> tuple[str, str]:
    """Tags of the two halves by number of tests; the second is all that is not in the first, so none is lost."""
    sizes = {
        name: len(re.findall(r"^    def test_", body, re.MULTILINE))
        for path in (REPOSITORY / "tests").glob("test_*.py")
        for name, body in re.findall(r"^class (\w+)(.*?)(?=^class |\Z)", path.read_text(), re.MULTILINE | re.DOTALL)
    }
    sizes.pop(CHORUS_TESTS)  # what is not in the first half is in the second
    first: list[str] = []
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        if 2 * sum(sizes[chosen] for chosen in [*first, name]) <= sum(sizes.values()):
            first.append(name)
    chosen = [f"{ALL_TESTS}:{name}" for name in first]
    return ",".join(chosen) or ALL_TESTS, ",".join([ALL_TESTS, *(f"-{tag}" for tag in chosen)])


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


def module_tests(part: int, tags: str) -> Outcome:
    """Install the module on the template and run some of its tests, measured."""
    database = f"{TEST_DATABASE}_{part}"
    _databases.drop(database)
    _databases.create(database)
    measured = ("-m", "coverage", "run", f"--data-file={checkout_folder() / f'coverage.odoo-{part}'}", "--source=.")
    port = ("--http-port", str(free_port()))
    variables = {
        "MULTISERVICE_DEBIAN_WKHTMLTOPDF": str(debian_wkhtmltopdf()),
        "MULTISERVICE_PDFTOTEXT": str(pdftotext()),
    }
    modules = f"{MODULE},{CHORUS}" if part == CHORUS_PART else MODULE
    arguments = ("-d", database, "-i", modules, "--test-tags", tags, *port)
    log = _odoo(f"tests-{part}", *arguments, tool=measured, variables=variables)
    if part != UPGRADED_PART:
        _databases.drop(database)
    return _tests_outcome(log, part)


def _tests_outcome(log: str, part: int) -> Outcome:
    count, found = count_tests(log), problems(log)
    if not count.passed + count.failed:
        raise Failure("No test ran.\n" + "\n".join(found))
    without_browser = [text for text in count.skipped if "hrome" in text or "websocket" in text]
    if without_browser and is_ci():
        found += ["Browser tests were skipped in CI:", *without_browser]
    return Outcome(
        passed=count.passed,
        failed=count.failed or int(bool(found)),
        skipped=len(count.skipped),
        remark=f"{count.passed + count.failed} tests, log in {log_file(f'tests-{part}')}",
        details="\n".join([*count.skipped, *found]),
    )


def coverage() -> Outcome:
    """How much of the module the pure and the Odoo tests execute together; the report by file stays in the cache."""
    folder = checkout_folder()
    data = [str(folder / f"coverage.{part}") for part in ("unit", "odoo-1", "odoo-2")]
    command = [str(runtime_python()), "-m", "coverage"]
    total = f"--data-file={folder / 'coverage'}"
    advice = "The data comes from the checks unit-tests and odoo-tests: run them all."
    run([*command, "combine", "--keep", "--quiet", total, *data], cwd=REPOSITORY, advice=advice)
    report = run([*command, "report", "--show-missing", total], cwd=REPOSITORY, advice=advice)
    (folder / "coverage.txt").write_text(report, encoding="utf-8")
    percentage = re.findall(r"^TOTAL.* (\S+)\s*$", report, re.MULTILINE)
    return Outcome(remark=f"{percentage[0]} of the module, by file in {folder / 'coverage.txt'}")


def upgrade() -> Outcome:
    """Upgrade what the tests installed: not one warning."""
    database = f"{TEST_DATABASE}_{UPGRADED_PART}"
    if not _databases.exists(database):
        raise Failure("The module was not installed, so its upgrade cannot be tried: run odoo-tests too.")
    log = _odoo("upgrade", "-d", database, "-u", MODULE, "--stop-after-init", "--no-http")
    _databases.drop(database)
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


def _odoo(name: str, *arguments: str, tool: Sequence[str] = (), variables: Mapping[str, str] | None = None) -> str:
    """Run Odoo and return its log, which stays readable in the cache; its exit code tells no more."""
    path = log_file(name)
    with open(path, "w", encoding="utf-8") as log:
        command = odoo_command(*arguments, tool=tool)
        environment = {**odoo_environment(), **(variables or {})}
        done = subprocess.run(
            command, env=environment, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    text = path.read_text(encoding="utf-8", errors="replace")
    if done.returncode and not problems(text):
        raise Failure(f"Odoo stopped with exit code {done.returncode}: see {path}")
    return text
