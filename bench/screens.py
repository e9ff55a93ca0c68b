"""The screens of the module, each as a function that reads what the web client or the portal reads to show it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from typing import Any

import part
from lxml import etree

PAGE = 80
COUNTED = 10_001  # to here the web client counts records
LINE_VIEW = "multiservice.revenue_statement_line_view"
# By content of a statement of revenue, how its list is grouped first, and its pivot.
STATEMENTS = {
    "accruals": ("account_id", f"{LINE_VIEW}_pivot_accounts"),
    "recurring": ("partner_id", f"{LINE_VIEW}_pivot_accounts"),
    "contracted": ("month:month", f"{LINE_VIEW}_pivot"),
}
PASSWORD = "portal-of-the-benchmark"
Screen = Callable[[], object]


def backend(env: Any, run: Any) -> dict[str, Screen]:
    """Lists, groups, forms and pivots, of a database whose month was billed by `run`."""
    contract = run.item_ids[len(run.item_ids) // 2].contract_ids
    running = [("state", "in", ("draft", "active"))]
    drafts = [("billing_run_id", "!=", False), ("state", "=", "draft"), ("service_set_aside", "=", False)]
    review = {"view": "multiservice.billing_review_view_list", "order": "service_severity desc, partner_id, id"}
    return {
        "contracts": _list(env, "multiservice.contract", running),
        "contracts_by_name": _list(env, "multiservice.contract", [("display_name", "ilike", contract.name)]),
        "contracts_of_customer": _list(
            env, "multiservice.contract", [("partner_id", "child_of", contract.partner_id.id)]
        ),
        "contracts_due": _list(env, "multiservice.contract", [*running, ("next_billing_date", "<=", "today")]),
        "contracts_grouped": _groups(env, "multiservice.contract", running, ["partner_id"]),
        "contract_form": _form(env, contract),
        "upcoming_billing": lambda: contract.with_env(env).upcoming_html,
        "ledger": _list(env, "multiservice.billable", []),
        "ledger_of_contract": _list(env, "multiservice.billable", [("contract_id", "=", contract.id)]),
        "ledger_grouped": _groups(env, "multiservice.billable", [], ["partner_id"], ["amount:sum"]),
        "ledger_pivot": _pivot(env, "multiservice.billable", []),
        "runs": _list(env, "multiservice.billing.run", []),
        "run_form": _form(env, run),
        "anomalies": _list(env, "multiservice.billing.anomaly", [("checked", "=", False)]),
        "review": _list(env, "account.move", drafts, **review),
        "review_grouped": _groups(env, "account.move", drafts, ["service_severity"], ["amount_untaxed:sum"]),
    }


def statements(env: Any) -> dict[str, Screen]:
    """The statements of revenue, drawn up: as their lists and pivots first show them."""
    model = "multiservice.revenue.statement.line"
    found = {}
    for content, (grouped_by, pivot) in STATEMENTS.items():
        statement = env["multiservice.revenue.statement"].create({"content": content})
        domain = statement.action_compute()["domain"]
        found[f"{content}_grouped"] = _groups(env, model, domain, [grouped_by], ["amount:sum"])
        found[f"{content}_pivot"] = _pivot(env, model, domain, pivot)
    return found


def _list(env: Any, model: str, domain: list[Any], view: str = "", order: str | None = None) -> Screen:
    def show() -> object:
        return env[model].web_search_read(
            domain, _specification(env, model, "list", view), limit=PAGE, order=order, count_limit=COUNTED
        )

    return show


def _form(env: Any, record: Any) -> Screen:
    return lambda: record.with_env(env).web_read(_specification(env, record._name, "form"))


def _groups(env: Any, model: str, domain: list[Any], groupby: list[str], aggregates: list[str] | None = None) -> Screen:
    return lambda: env[model].web_read_group(domain, groupby, ["__count", *(aggregates or [])], limit=PAGE)


def _pivot(env: Any, model: str, domain: list[Any], view: str = "") -> Screen:
    """The pivot as its view first shows it: totals, by row, by column, by both."""

    def show() -> object:
        axes: dict[str, list[str]] = {"row": [], "col": [], "measure": []}
        for node in _arch(env, model, "pivot", view).iter("field"):
            interval = f":{node.get('interval')}" if node.get("interval") else ""
            axes[node.get("type")].append(f"{node.get('name')}{interval}")
        rows, columns = ([axis[:end] for end in range(len(axis) + 1)] for axis in (axes["row"], axes["col"]))
        sets = [[*row, *column] for row in rows for column in columns]
        measures = [f"{measure}:sum" for measure in axes["measure"]]
        return env[model].formatted_read_grouping_sets(domain, sets, ["__count", *measures])

    return show


def _arch(env: Any, model: str, view_type: str, view: str = "") -> Any:
    view_id = env.ref(view).id if view else None
    return etree.fromstring(env[model].get_view(view_id=view_id, view_type=view_type)["arch"])


def _specification(env: Any, model: str, view_type: str, view: str = "") -> dict[str, Any]:
    """What the web client reads for a view."""
    return _fields(env[model], _arch(env, model, view_type, view))


def _fields(model: Any, node: Any) -> dict[str, Any]:
    specification: dict[str, Any] = {}
    for element in _field_elements(node):
        field = model._fields[element.get("name")]
        if not field.relational:
            specification[field.name] = {}
        elif (inner := element.find("list")) is not None:
            specification[field.name] = {"fields": _fields(model.env[field.comodel_name], inner), "limit": PAGE}
        else:
            specification[field.name] = {"fields": {"display_name": {}}}
    return specification


def _field_elements(node: Any) -> Iterator[Any]:
    """The fields of a view, without those of the views inside it."""
    for child in node:
        if child.tag == "field":
            yield child
        else:
            yield from _field_elements(child)


def portal(env: Any, customer: Any, options: Any) -> dict[str, Screen]:
    """The pages of a customer, served by a server of its own that runs beside."""
    login = "customer@benchmark.invalid"
    groups = [(6, 0, env.ref("base.group_portal").ids)]
    env["res.users"].create(
        {"partner_id": customer.id, "login": login, "password": PASSWORD, "group_ids": groups, "name": customer.name}
    )
    part.publish(env)
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    credentials = {"params": {"db": env.cr.dbname, "login": login, "password": PASSWORD}}
    request = urllib.request.Request(
        f"{options.server}/web/session/authenticate",
        json.dumps(credentials).encode(),
        {"Content-Type": "application/json"},
    )
    browser.open(request).close()
    [contract] = env["multiservice.contract"].search([("partner_id", "=", customer.id)])

    def page(path: str) -> Screen:
        def show() -> object:
            with browser.open(f"{options.server}/my/service_contracts{path}") as answer:
                text = answer.read().decode()
            assert contract.name in text, "the page does not show the contract"
            return text

        return show

    return {"portal_contracts": page(""), "portal_contract": page(f"/{contract.id}")}
