"""Real worker processes on a real database, named by MULTISERVICE_PROCESS_CONF and MULTISERVICE_PROCESS_DB.

The PG… variables name its server, which nobody else uses; PG_CTL is the command line that restarts it.
"""

import email
import os
import re
import shlex
import subprocess
import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path

import psycopg2
import pytest
from dateutil.relativedelta import relativedelta

sys.path.extend([str(Path(__file__).parent), *(str(Path(__file__).parents[2] / room) for room in ("dev", "demo"))])

import _identity as identity
from _mail_sink import start_mail_sink
from odoo_process import close_all, environment, finish, start


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

    def seed(self, count: int, label: str, posting_mode: str = "post") -> list[int]:
        """`count` customers with one active monthly contract of two lines each, due since the first of the month."""
        with self.environment() as env:
            self._set_up_company(env)
            france = env.ref("base.fr").id
            number = env["res.partner"].search_count([])  # so that no two customers have the same
            customers = env["res.partner"].create(
                [
                    {
                        "name": f"{label} {n}",
                        "email": f"{label}.{n}@customer.invalid".lower(),
                        "is_company": True,
                        "legal_category": "business",
                        "street": "1 rue de l'Exemple",
                        "zip": "69001",
                        "city": "Lyon",
                        "country_id": france,
                        "company_registry": identity.siret(identity.siren(number + n)),
                        "vat": identity.vat_number(identity.siren(number + n)),
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
                        "posting_mode": posting_mode,
                        "line_ids": [(0, 0, line), (0, 0, line)],
                    }
                    for customer in customers
                ]
            )
            contracts._activate()
            return contracts.ids

    def _set_up_company(self, env) -> None:
        """What the French rules ask of the seller: without it no invoice is posted."""
        partner = env.company.partner_id
        if not partner.vat:
            siren = identity.siren(0)
            partner.write(
                {
                    "street": "9 rue de l'Exemple",
                    "zip": "69001",
                    "city": "Lyon",
                    "company_registry": identity.siret(siren),
                    "vat": identity.vat_number(siren),
                }
            )
            env["res.partner.bank"].create({"acc_number": identity.iban(1), "partner_id": partner.id})

    def open_run(self, contract_ids: list[int], months: int = 0) -> int:
        """A running run, through a day that many months ahead."""
        through = date.today() + relativedelta(months=months)  # noqa: DTZ011
        with self.environment() as env:
            contracts = env["multiservice.contract"].browse(contract_ids)
            run = env["multiservice.billing.run"]._create_runs(contracts, "Processes", through)
            run.action_start()
            return run.id

    def progress(self, run_id: int) -> tuple[int, int]:
        with self.environment() as env:
            run = env["multiservice.billing.run"].browse(run_id)
            return run.done_count, run.failed_count

    def wait_for_the_middle(self, run_id: int) -> None:
        deadline = time.monotonic() + 120
        while not self.progress(run_id)[0]:
            assert time.monotonic() < deadline, "the workers bill nothing"
            time.sleep(0.05)

    def connection(self):
        """A connection of somebody who is no worker."""
        return psycopg2.connect(dbname=self.database)

    def restart_server(self) -> None:
        """Stop PostgreSQL as a crash would, and start it."""
        owner = os.stat(os.environ["PGDATA"])
        account = {"user": owner.st_uid, "group": owner.st_gid} if os.geteuid() == 0 else {}
        command = [*shlex.split(os.environ["PG_CTL"]), "--mode=immediate", "restart"]
        subprocess.run(command, cwd="/", check=True, **account)
        close_all()  # this process's own connections

    def check_billed_once(self, contract_ids: list[int], run_id: int | None = None, periods: int = 1) -> None:
        """Each contract has one posted invoice of its two lines for each period, one held row per line, no error was
        recorded, and the numbers have no gap.
        """
        with self.environment() as env:
            contracts = env["multiservice.contract"].browse(contract_ids)
            held = contracts.billable_ids.filtered("held")
            assert len(held) == 2 * periods * len(contracts), f"{len(held)} rows for {len(contracts)} contracts"
            moves = held.move_id
            assert len(moves) == periods * len(contracts)
            assert set(moves.mapped("state")) == {"posted"}
            assert not contracts.filtered("billing_error"), contracts.mapped("billing_error")
            journal_moves = env["account.move"].search(
                [("journal_id", "in", moves.journal_id.ids), ("state", "=", "posted")]
            )
            numbers = sorted(journal_moves.mapped("sequence_number"))
            assert numbers == list(range(1, len(numbers) + 1)), "the numbers have a gap"
            if run_id:
                assert env["multiservice.billing.run"].browse(run_id).state == "done"


class Mailbox:
    """The e-mails that a mail server of the tests took."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.on_message = folder, lambda: None
        self.port = start_mail_sink(folder, lambda: self.on_message())

    def messages(self) -> list[Path]:
        return sorted(self.folder.glob("*.eml"))

    def invoices(self) -> Counter:
        """How often each invoice, by its number, was e-mailed."""
        subjects = [email.message_from_bytes(path.read_bytes())["Subject"] for path in self.messages()]
        return Counter(re.search(r"INV\S+|FA\S+", subject).group().rstrip(")") for subject in subjects)


@pytest.fixture(scope="session")
def billing() -> Billing:
    return Billing(os.environ["MULTISERVICE_PROCESS_CONF"], os.environ["MULTISERVICE_PROCESS_DB"])


@pytest.fixture
def mailbox(billing, tmp_path) -> Mailbox:
    box = Mailbox(tmp_path)
    with billing.environment() as env:
        env["ir.mail_server"].search([]).unlink()
        env["ir.mail_server"].create({"name": "Tests", "smtp_host": "127.0.0.1", "smtp_port": box.port})
        parameters = env["ir.config_parameter"]
        parameters.set_param("report.print_delay", "30")
        parameters.set_param("report.url", "http://127.0.0.1:9")  # nobody there: documents without styles, at once
    return box


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
