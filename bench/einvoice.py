"""What a Factur-X adds to core's sending: document, checks and XML, and the PDF that carries it.

Each invoice is rendered first, untimed, as sending does: what printing reads is in the cache when the XML is made. The
PDF itself is printed once and used for all: printing takes a hundred times longer than what is measured.
"""

from __future__ import annotations

import resource
import statistics
import time
from typing import Any

import book

INVOICES, ROUNDS = 60, 3
REPORT = "account.account_invoices"


def measure(env: Any, _options: Any) -> dict[str, Any]:
    contracts = book.find_contracts(env)[:INVOICES]
    contracts.posting_mode = "post"
    run = env["multiservice.billing.run"]._create_runs(contracts, book.LABEL)
    run._process_now()
    invoices = run.move_ids
    assert set(invoices.mapped("state")) == {"posted"} and len(invoices) == len(contracts), "not everything was billed"
    pdf = env["ir.actions.report"]._render_qweb_pdf(REPORT, invoices[:1].ids)[0]
    assert pdf.startswith(b"%PDF")
    _round(invoices, pdf)
    before, costs = _kilobytes(), []
    for _number in range(ROUNDS):
        costs += _round(invoices, pdf)
        print(f"  {1000 * statistics.median(cpu for cpu, _wall in costs):.1f} ms an invoice", flush=True)
    grown = _kilobytes() - before
    env.cr.rollback()
    cpu, wall = (statistics.median(of_kind) for of_kind in zip(*costs, strict=True))
    return {
        "invoices": len(costs),
        "cpu_ms": round(1000 * cpu, 2),
        "wall_ms": round(1000 * wall, 2),
        "per_cpu_second": round(1 / cpu, 1),
        "memory_grown_kb": grown,
    }


def _round(invoices: Any, pdf: bytes) -> list[tuple[float, float]]:
    """(CPU seconds, seconds) of each invoice."""
    env = invoices.env
    env.flush_all()
    env.invalidate_all()
    costs = []
    for invoice in invoices:
        env["ir.actions.report"]._render_qweb_html(REPORT, invoice.ids)
        cpu, wall = time.process_time(), time.perf_counter()
        xml, faults = invoice._make_einvoice_xml()
        env["account.move.send"]._package_facturx(invoice, pdf, xml)
        costs.append((time.process_time() - cpu, time.perf_counter() - wall))
        assert not faults, faults
    return costs


def _kilobytes() -> int:
    """The most memory that the process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    import part

    part.run(measure)
