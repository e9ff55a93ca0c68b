"""Billing the demonstration company as its billing user would, through what the user has."""

import time
from datetime import date, timedelta

from odoo.fields import Command

from ._contracts import ADVANCED, REFUSED, REVISED, TERMINATED_AFTER_BILLING, month_start
from ._users import BILLING, PEOPLE

CREDITED = "contract_LES-2"  # one of its invoices is credited
AMENDED = ("QUE-1", "BRI-1", "TES-1")  # applied, to sign, accepted with its day to come
SUSPENDED = ("BOC-3", "COR-2")  # one of its sites, and a whole contract
INCOMPLETE = {"GRI": ("company_registry", "vat"), "ECU": ("zip",), "OPT": ("vat",)}
EVERY_PAID = 8  # one invoice of eight is paid


def bill(env, today: date) -> dict:
    """Bill all that is due on `today`; returns figures for a summary.

    In two runs, the close of last month and what is due since, with a termination between them. Then some
    customers pay, and one invoice is credited.
    """
    started = time.monotonic()
    company = env.ref("multiservice_demo.company")
    context = {"lang": "fr_FR", "tz": "Europe/Paris", "allowed_company_ids": company.ids}
    env = env(user=env.ref(f"multiservice_demo.user_{BILLING}").id, context=context)
    closing = _run(env, "Clôture mensuelle", month_start(today) - timedelta(days=1))
    _terminate(env.ref(f"multiservice_demo.contract_{TERMINATED_AFTER_BILLING}"), today - timedelta(days=20))
    _suspend(env, today)
    _amend(env, today)
    _refuse(env.ref(f"multiservice_demo.contract_{REFUSED}"), today - timedelta(days=3))
    _propose_prices(env.ref(f"multiservice_demo.contract_{REVISED}"))
    _dry_run(env, today)
    latest = _run(env, "Échéances du jour", today)
    env["multiservice.contract"]._cron_end_contracts()
    # All of this is one transaction: without figures on its many new lines, PostgreSQL plans core's queries for
    # empty tables, and matching payments takes minutes.
    env.flush_all()
    env.cr.execute("ANALYZE account_move, account_move_line")
    if closing:
        closing.anomaly_ids.action_check()  # last month was reviewed; today's invoices are not
        _give_a_discount(latest)
        _credit(env.ref(f"multiservice_demo.{CREDITED}"))
        _ask_for_advances(env.ref(f"multiservice_demo.contract_{ADVANCED}"))
        _pay(closing)
        _leave_incomplete(env)
    return {**_figures(env), "seconds": round(time.monotonic() - started, 1)}


def _run(env, origin: str, through: date):
    contracts = env["multiservice.contract"].search([("state", "=", "active")])
    run = env["multiservice.billing.run"]._create_runs(contracts, origin, through)
    if run:
        run._process_now()
    return run


def _dry_run(env, through: date) -> None:
    """Kept, so that the run can be compared with it."""
    preview = env["multiservice.billing.preview"].create({"through_date": through})
    preview.action_preview()
    if preview.line_ids:
        preview.action_keep()


def _terminate(contract, day: date) -> None:
    """The customer leaves before the end of what it was billed in advance: the next run credits the rest."""
    if not contract.date_end:
        wizard = contract.env["multiservice.line.end"].create({"contract_id": contract.id, "date_end": day})
        wizard.action_confirm()


def _suspend(env, today: date) -> None:
    """A site closed in the last days of a month that was prepaid: the next run credits them. A whole contract pauses
    next month.
    """
    works, holidays = (env.ref(f"multiservice_demo.contract_{key}") for key in SUSPENDED)
    if works.suspension_ids:
        return
    next_month = (today.replace(day=1) + timedelta(days=31)).replace(day=1)
    env["multiservice.suspension"].create(
        [
            {
                "contract_id": works.id,
                "site_id": works.site_ids[:1].id,
                "date_start": month_start(today) - timedelta(days=6),
                "reason": "Travaux dans le magasin",
            },
            {
                "contract_id": holidays.id,
                "date_start": next_month,
                "date_end": next_month + timedelta(days=13),
                "reason": "Fermeture annuelle",
            },
        ]
    )


def _amend(env, today: date) -> None:
    """More hours since the middle of last month; a service that the customer is asked to sign for; a site that closes
    next month.
    """
    more, to_sign, to_come = (env.ref(f"multiservice_demo.contract_{key}") for key in AMENDED)
    if more.amendment_ids:
        return
    next_month = (today.replace(day=1) + timedelta(days=31)).replace(day=1)
    hours = more.line_ids.filtered("product_id")[:1]
    glass = env.ref("multiservice_demo.service_vitrerie")
    site = to_sign.site_ids[1]
    amendments = [
        (more, month_start(today) - timedelta(days=15), "Heures supplémentaires en salle blanche",
         {"kind": "replace_line", "line_id": hours.id, "quantity": hours.quantity + 10}),
        (to_sign, next_month, "Vitrerie de l'agence",
         {"kind": "add_line", "product_id": glass.id, "site_id": site.id, "price_unit": 95.0}),
        (to_come, next_month, "Fermeture d'un immeuble", {"kind": "close_site", "site_id": to_come.site_ids[-1:].id}),
    ]  # fmt: skip
    applied, sent, accepted = env["multiservice.amendment"].create(
        [
            {"contract_id": contract.id, "date_effect": day, "title": title, "change_ids": [Command.create(change)]}
            for contract, day, title, change in amendments
        ]
    )
    sent.action_send()
    for amendment in applied | accepted:
        amendment.accepted_by = amendment.partner_id.name
        amendment.action_accept()
    applied.action_apply()


def _refuse(contract, day: date) -> None:
    """The general meeting of the co-owners chose another firm."""
    if not contract.refused_on:
        wizard = contract.env["multiservice.renewal.refusal"].create(
            {"contract_id": contract.id, "refused_on": day, "reason": "Décision de l'assemblée générale"}
        )
        wizard.action_confirm()


def _propose_prices(contract) -> None:
    """Left to decide."""
    if not contract.price_revision_ids:
        contract.action_propose_revision()


def _give_a_discount(run) -> None:
    """A draft edited by hand: the review points it out."""
    draft = run.move_ids.filtered(lambda move: move.state == "draft").sorted("amount_total")[-1:]
    draft.invoice_line_ids.filtered(lambda line: line.display_type == "product")[:1].discount = 10.0
    run.move_ids._detect_anomalies()


def _credit(contract) -> None:
    invoices = contract.billable_ids.move_id.filtered(
        lambda move: move.move_type == "out_invoice" and move.state == "posted"
    )
    invoice = invoices.sorted("name")[:1]
    reversal = contract.env["account.move.reversal"].with_context(active_model="account.move", active_ids=invoice.ids)
    wizard = reversal.create({"reason": "Passages non effectués", "journal_id": invoice.journal_id.id})
    wizard.refund_moves()
    invoice.reversal_move_ids.action_post()


def _ask_for_advances(contract) -> None:
    """The first month's request was sent and waits for the customer, the others are to be sent."""
    invoices = contract.billable_ids.move_id.filtered(lambda move: move.advance_possible)
    invoices.action_request_advance()
    first = invoices.advance_request_ids.sorted("service_start")[:1]
    first.action_export()
    first.action_received()


def _leave_incomplete(env) -> None:
    """What the list of e-invoice readiness is for: customers of drafts, of which something is missing."""
    for key, missing in INCOMPLETE.items():
        # sudo: customers are not the billing user's to edit
        env.ref(f"multiservice_demo.customer_{key}").sudo().write(dict.fromkeys(missing, False))


def _pay(run) -> None:
    """Transfers received, all in full but the last one."""
    open_invoices = run.move_ids.filtered(
        lambda move: (
            move.payment_state == "not_paid"
            and move.move_type == "out_invoice"
            and move.state == "posted"
            and move.currency_id == run.currency_id
        )
    )
    paid = open_invoices.sorted("name")[::EVERY_PAID]
    _register_payment(paid[:-1])
    _register_payment(paid[-1], amount=run.currency_id.round(paid[-1].amount_total / 2))


def _register_payment(invoices, **vals) -> None:
    register = invoices.env["account.payment.register"].with_context(
        active_model="account.move", active_ids=invoices.ids
    )
    register.create({"group_payment": False, **vals}).action_create_payments()


def _figures(env) -> dict:
    contracts = env["multiservice.contract"].search([])
    moves = env["account.move"].search([("billing_run_id", "!=", False), ("state", "!=", "cancel")])
    return {
        "contracts": len(contracts),
        "sites": env["res.partner"].search_count([("is_service_site", "=", True)]),
        "billables": env["multiservice.billable"].search_count([]),
        "invoices": len(moves),
        "totals": {mode: _total(of_mode) for mode, of_mode in sorted(moves.grouped("service_posting_mode").items())},
        "failures": [
            f"{contract.display_name}: {contract.billing_error}" for contract in contracts.filtered("billing_error")
        ],
        "logins": {"admin": "admin"} | {person.login: person.login for person in PEOPLE},
    }


def _total(moves) -> dict:
    """In the company's currency."""
    return {
        "invoices": len(moves),
        "untaxed": round(sum(moves.mapped("amount_untaxed_signed")), 2),
        "taxed": round(sum(moves.mapped("amount_total_signed")), 2),
    }
