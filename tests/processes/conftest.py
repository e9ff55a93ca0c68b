"""Real worker processes on a real database, named by MULTISERVICE_PROCESS_CONF and MULTISERVICE_PROCESS_DB."""

import os
import sys
from datetime import date
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from odoo_process import environment, finish, start


class Billing:
    """What a test sees of the database, from outside the worker processes."""

    def __init__(self, conf: str, database: str) -> None:
        self.conf, self.database = conf, database

    def environment(self):
        return environment(self.conf, self.database)

    def start(self, job: str, *ids: int):
        return start(self.conf, self.database, job, *ids)

    def start_waiting(self, job: str, *ids: int):
        """Start a job that says when it waits for a line of input."""
        process = start(self.conf, self.database, job, *ids)
        while "snapshot taken" not in (line := process.stdout.readline()):
            assert line, "the process ended before it waited"
        return process

    def seed(self, count: int, label: str) -> list[int]:
        """`count` customers with one active monthly contract of two lines each, due since the first of the year."""
        with self.environment() as env:
            france = env.ref("base.fr").id
            customers = env["res.partner"].create(
                [
                    {
                        "name": f"{label} {n}",
                        "is_company": True,
                        "legal_category": "business",
                        "street": "1 rue de l'Exemple",
                        "city": "Lyon",
                        "country_id": france,
                    }
                    for n in range(count)
                ]
            )
            service = env["product.product"].create({"name": label, "type": "service", "list_price": 100.0})
            line = {"product_id": service.id, "price_unit": 100.0}
            start_of_month = date.today().replace(day=1)  # noqa: DTZ011
            contracts = env["multiservice.contract"].create(
                [
                    {
                        "partner_id": customer.id,
                        "date_start": start_of_month,
                        "posting_mode": "post",
                        "line_ids": [(0, 0, line), (0, 0, line)],
                    }
                    for customer in customers
                ]
            )
            contracts._activate()
            return contracts.ids

    def open_run(self, contract_ids: list[int]) -> int:
        with self.environment() as env:
            contracts = env["multiservice.contract"].browse(contract_ids)
            run = env["multiservice.billing.run"]._create_runs(contracts, "Processes")
            run.action_start()
            return run.id

    def progress(self, run_id: int) -> tuple[int, int]:
        with self.environment() as env:
            run = env["multiservice.billing.run"].browse(run_id)
            return run.done_count, run.failed_count

    def check_billed_once(self, contract_ids: list[int], run_id: int | None = None) -> None:
        """Each contract has one posted invoice of its two lines, one held row per line, and numbers without a gap."""
        with self.environment() as env:
            contracts = env["multiservice.contract"].browse(contract_ids)
            held = contracts.billable_ids.filtered("held")
            assert len(held) == 2 * len(contracts), f"{len(held)} rows for {len(contracts)} contracts"
            moves = held.move_id
            assert len(moves) == len(contracts)
            assert set(moves.mapped("state")) == {"posted"}
            assert not contracts.filtered("billing_error"), contracts.mapped("billing_error")
            journal_moves = env["account.move"].search(
                [("journal_id", "in", moves.journal_id.ids), ("state", "=", "posted")]
            )
            numbers = sorted(journal_moves.mapped("sequence_number"))
            assert numbers == list(range(1, len(numbers) + 1)), "the numbers have a gap"
            if run_id:
                assert env["multiservice.billing.run"].browse(run_id).state == "done"


@pytest.fixture(scope="session")
def billing() -> Billing:
    return Billing(os.environ["MULTISERVICE_PROCESS_CONF"], os.environ["MULTISERVICE_PROCESS_DB"])


@pytest.fixture
def finished():
    """Wait for processes to end; kill what a failed test leaves."""
    started = []

    def wait(*processes):
        started.extend(processes)
        return [finish(process) for process in processes]

    yield wait
    for process in started:
        process.kill()
