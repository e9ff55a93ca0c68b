"""What a Factur-X costs on top of core's printed PDF: document and checks, XML, and the PDF that carries it.

One PDF is printed and used for every invoice: printing takes a hundred times longer than what is measured.
"""

from __future__ import annotations

import resource
from typing import Any

import book
import clock

INVOICES, ROUNDS = 200, 5


def measure(env: Any, _options: Any) -> dict[str, Any]:
    domain = [("move_type", "=", "out_invoice"), ("state", "=", "posted")]
    invoices = env["account.move"].search(domain, order="id", limit=INVOICES)
    assert len(invoices) == INVOICES, "the book has too few posted invoices"
    book.make_ready(env)
    pdf = env["ir.actions.report"]._render_qweb_pdf("account.account_invoices", invoices[:1].ids)[0]
    assert pdf.startswith(b"%PDF")
    _make(invoices[:20], pdf)
    costs, before = [], _kilobytes()
    for _round in range(ROUNDS):
        costs.append(clock.cost(env, lambda: _make(invoices, pdf)))
    grown = _kilobytes() - before
    env.cr.rollback()
    figures = clock.medians(costs, INVOICES)
    return {
        "invoices_a_round": INVOICES,
        **figures,
        "memory_grown_kb": grown,
        "below_25_ms": 25 - figures["wall_ms"],
    }


def _make(invoices: Any, pdf: bytes) -> None:
    """What the sending of each invoice adds: its checks and XML, then its Factur-X."""
    send = invoices.env["account.move.send"]
    for invoice in invoices:
        xml, faults = invoice._make_einvoice_xml()
        assert not faults, faults
        send._package_facturx(invoice, pdf, xml)


def _kilobytes() -> int:
    """The most memory that the process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    import part

    part.run(measure)
