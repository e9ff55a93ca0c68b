"""The contracts that the benchmark bills, and the same ones as a plain Odoo and as OCA's `contract` would hold them."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from odoo import fields

sys.path.append(str(Path(__file__).parent.parent / "demo"))

import _identity as identity

LINES = 4
LABEL = "Benchmark"


def first_of_month(months_ago: int = 0) -> date:
    day = fields.Date.today().replace(day=1)
    for _month in range(months_ago):
        day = (day - timedelta(days=1)).replace(day=1)
    return day


def services_tax(env: Any) -> Any:
    """The chart's 20 % on services, due on payment."""
    taxes = env["account.tax"].search(
        [
            ("type_tax_use", "=", "sale"),
            ("amount", "=", 20),
            ("tax_scope", "=", "service"),
            ("price_include", "=", False),
        ]
    )
    return (taxes.filtered(lambda tax: tax.tax_exigibility == "on_payment") or taxes)[:1]


def products(env: Any) -> Any:
    tax = services_tax(env)
    return env["product.product"].create(
        [
            {"name": f"{LABEL} service {n}", "type": "service", "list_price": 100 + n, "taxes_id": [(6, 0, tax.ids)]}
            for n in range(LINES)
        ]
    )


def set_up_company(env: Any) -> None:
    """What the French rules ask of a company before it may post an invoice."""
    siren = identity.siren(0)
    partner = env.company.partner_id
    partner.write({"street": "1 rue de l'Exemple", "zip": "69001", "city": "Lyon", "country_id": env.ref("base.fr").id})
    partner.write({"company_registry": identity.siret(siren), "vat": identity.vat_number(siren)})
    env["res.partner.bank"].create({"acc_number": identity.iban(1), "partner_id": partner.id})


def customers(env: Any, count: int) -> Any:
    france = env.ref("base.fr").id
    return env["res.partner"].create(
        [
            {
                "name": f"{LABEL} customer {n:05}",
                "is_company": True,
                "legal_category": "business",
                "street": "1 rue de l'Exemple",
                "zip": "69001",
                "city": "Lyon",
                "country_id": france,
                "email": f"customer{n:05}@benchmark.invalid",
                "company_registry": identity.siret(identity.siren(n + 1)),
                "vat": identity.vat_number(identity.siren(n + 1)),
                "customer_rank": 1,
            }
            for n in range(count)
        ]
    )


def terms(contract: int, line: int) -> dict[str, float]:
    """Mixed quantities and prices: hardly two lines of the book are alike."""
    return {
        "quantity": (1.0, 1.0, 2.0, 0.5)[(contract + line) % 4],
        "price_unit": round(80 + 13.37 * line + (contract * 7919 % 10007) / 100, 2),
    }


def contracts(env: Any, count: int, months: int) -> Any:
    """`count` active contracts, monthly and in advance, which started `months` months ago and were never billed."""
    set_up_company(env)
    services, partners = products(env), customers(env, count)
    records = env["multiservice.contract"].create(
        [
            {
                "partner_id": partner.id,
                "date_start": first_of_month(months),
                "line_ids": [(0, 0, {"product_id": service.id, **terms(n, k)}) for k, service in enumerate(services)],
            }
            for n, partner in enumerate(partners)
        ]
    )
    records._activate()
    return records


def find_contracts(env: Any) -> Any:
    return env["multiservice.contract"].search([("partner_id.name", "=like", f"{LABEL}%")], order="id")


def open_run(contracts: Any, through: date | None = None) -> Any:
    run = contracts.env["multiservice.billing.run"]._create_runs(contracts, LABEL, through)
    run.action_start()
    return run


def work_off(run: Any) -> None:
    """What the billing worker does until the run is done; commits."""
    while run.state == "running":
        run._cron_work()
    failed = run.item_ids.filtered(lambda item: item.state == "failed")
    assert not failed, failed[:1].error


def bill_and_post(contracts: Any, through: date | None = None) -> None:
    """Bill what is due of `contracts` today, or on `through`; commits."""
    contracts.posting_mode = "post"
    work_off(open_run(contracts, through))
    contracts.posting_mode = False


def plain_values(contracts: Any) -> list[dict[str, Any]]:
    """Values of the invoices that billing makes of `contracts`, as a careful integrator gives them to core."""
    start = first_of_month()
    return [
        {
            "move_type": "out_invoice",
            "partner_id": contract.partner_id.id,
            "invoice_date": fields.Date.today(),
            "invoice_line_ids": [
                (
                    0,
                    0,
                    {
                        "product_id": line.product_id.id,
                        "name": f"{line.name}\n{start}",
                        "quantity": line.quantity,
                        "price_unit": line.price_unit,
                        "tax_ids": [(6, 0, line.tax_ids.ids)],
                    },
                )
                for line in contract.line_ids
            ],
        }
        for contract in contracts
    ]


def oca_contracts(contracts: Any) -> Any:
    """The same contracts in OCA's module."""
    return contracts.env["contract.contract"].create(
        [
            {
                "name": f"OCA {contract.name}",
                "partner_id": contract.partner_id.id,
                "invoice_partner_id": contract.invoice_partner_id.id,
                "line_recurrence": False,
                "date_start": first_of_month(),
                "recurring_next_date": first_of_month(),
                "recurring_rule_type": "monthly",
                "recurring_interval": 1,
                "recurring_invoicing_type": "pre-paid",
                "contract_line_ids": [
                    (
                        0,
                        0,
                        {
                            "product_id": line.product_id.id,
                            "name": f"{line.name}\n#START# – #END#",
                            "quantity": line.quantity,
                            "price_unit": line.price_unit,
                            "specific_price": line.price_unit,
                            "recurring_next_date": first_of_month(),
                            "date_start": first_of_month(),
                        },
                    )
                    for line in contract.line_ids
                ],
            }
            for contract in contracts
        ]
    )
