"""The check that needs several processes: billing workers on one database."""

from __future__ import annotations

import _databases
from _checks import Outcome
from _console import Failure
from _odoo import configuration, odoo_environment
from _static_checks import run_pytest


def worker_processes(database: str) -> Outcome:
    """Kill, race and interrupt real workers on the database of the tests, where the module is installed and unused."""
    if not _databases.exists(database):
        raise Failure("The module was not installed: run odoo-tests too.")
    environment = {
        **odoo_environment(),
        "MULTISERVICE_PROCESS_CONF": str(configuration()),
        "MULTISERVICE_PROCESS_DB": database,
    }
    return run_pytest("--confcutdir=tests/processes", "tests/processes", environment=environment)
