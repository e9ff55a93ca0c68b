"""The check that needs several processes: billing workers on one database."""

from __future__ import annotations

import _databases
from _checks import Outcome
from _console import Failure
from _odoo import configuration, odoo_environment
from _postgres import private_server
from _static_checks import run_pytest


def worker_processes(database: str) -> Outcome:
    """Kill, race and interrupt real workers on a copy of the tests' database, where the module is installed and unused.

    The copy is on a server of its own: one test restarts it, and others run beside on the shared one.
    """
    if not _databases.exists(database):
        raise Failure("The module was not installed: run odoo-tests too.")
    with private_server(database) as server:
        environment = {
            **odoo_environment(),
            **server,
            "MULTISERVICE_PROCESS_CONF": str(configuration()),
            "MULTISERVICE_PROCESS_DB": database,
        }
        return run_pytest("--confcutdir=tests/processes", "--durations=0", "tests/processes", environment=environment)
