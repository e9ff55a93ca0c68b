"""The check that needs several processes: billing workers on one database."""

from __future__ import annotations

import re

import _databases
from _cache import REPOSITORY
from _checks import Outcome
from _console import EVERY_LINE, Failure, run
from _odoo import configuration, odoo_environment
from _python import runtime_python


def worker_processes(database: str) -> Outcome:
    """Kill, race and interrupt real workers on the database of the tests, where the module is installed and unused."""
    if not _databases.exists(database):
        raise Failure("The module was not installed: run odoo-tests too.")
    environment = {
        **odoo_environment(),
        "MULTISERVICE_PROCESS_CONF": str(configuration()),
        "MULTISERVICE_PROCESS_DB": database,
    }
    command = [runtime_python(), "-m", "pytest", "-q", "--confcutdir=tests/processes", "tests/processes"]
    try:
        output = run(command, cwd=REPOSITORY, env=environment, shown=EVERY_LINE, advice="")
        details = ""
    except Failure as failure:
        output = details = str(failure)
    passed, failed = (_counted(word, output) for word in ("passed", "failed"))
    failed += _counted("errors?", output)
    if not passed + failed:
        raise Failure(f"No test ran.\n{output}")
    return Outcome(passed=passed, failed=failed, remark=f"{passed + failed} tests", details=details)


def _counted(word: str, output: str) -> int:
    summary = output.rstrip().splitlines()[-5:]
    return sum(int(number) for line in summary for number in re.findall(rf"\b(\d+) {word}\b", line))
