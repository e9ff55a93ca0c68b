from collections import defaultdict
from collections.abc import Collection
from datetime import date
from decimal import Decimal
from itertools import takewhile

from odoo import api, fields, models
from odoo.tools import SQL, format_date

from ..engine.money import round_to
from ..engine.periods import ONE_DAY, Period
from ..engine.revenue import coming_year, contracted, cut, monthly
from ..models.contract_line import BILLED_STATES

CONTENTS = [
    ("accruals", "Billed in advance, done not billed"),
    ("recurring", "Recurring monthly revenue"),
    ("contracted", "Contracted revenue of the coming 12 months"),
]
KINDS = [
    ("deferred", "Billed in advance (487)"),
    ("accrued", "Done, not billed (418)"),
    ("recurring", "Recurring monthly revenue"),
    ("contracted", "Contracted revenue"),
]


def days_of(start: date, end: date, served_to: date | None) -> Period:
    """The days that an amount is for. `served_to`, of a correction: the last day of service; where the period ended
    early, the correction takes back the days after it.
    """
    if served_to and start <= served_to < end:
        return Period(served_to + ONE_DAY, end)
    return Period(start, end)


class RevenueStatement(models.TransientModel):
    """Revenue by the days of service, at any date: from the ledger for what was billed, from the contracts for the
    rest. Amounts are untaxed, in the company's currency.
    """

    _name = "multiservice.revenue.statement"
    _description = "Revenue Statement"

    content = fields.Selection(CONTENTS, required=True, default="accruals")
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    date = fields.Date(
        string="On", required=True, default=lambda self: self._end_of_last_month(), help="The last day that counts."
    )
    line_ids = fields.One2many("multiservice.revenue.statement.line", "statement_id")

    @api.model
    def _end_of_last_month(self) -> date:
        return fields.Date.subtract(self.env.company._service_today().replace(day=1), days=1)

    def action_compute(self):
        """Draw up the statement and open it."""
        self.ensure_one()
        self.line_ids.unlink()
        self._enter(getattr(self, f"_{self.content}")())
        action = self.env["ir.actions.act_window"]._for_xml_id(f"multiservice.revenue_{self.content}_action")
        labels = dict(self._fields["content"]._description_selection(self.env))
        on = format_date(self.env, self.date)
        return action | {
            "domain": [("statement_id", "=", self.id)],
            "display_name": self.env._("%(content)s, on %(date)s", content=labels[self.content], date=on),
        }

    def _enter(self, sums: dict) -> None:
        """Make the lines of the statement of sums by (kind, contract, account, month).

        In SQL: a year of thousands of contracts is a hundred thousand lines, minutes by `create`.
        """
        Line = self.env["multiservice.revenue.statement.line"]
        Line.check_access("create")
        currency = self.company_id.currency_id
        rows = [(*key, currency.round(float(amount))) for key, amount in sums.items() if amount]
        kinds, contract_ids, account_ids, months, amounts = zip(*rows, strict=True) if rows else ((),) * 5
        self.env["multiservice.contract"].flush_model(["partner_id", "user_id"])
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO multiservice_revenue_statement_line
                       (statement_id, kind, contract_id, partner_id, user_id, account_id, month, amount,
                        create_uid, create_date, write_uid, write_date)
                SELECT %(statement)s, row.kind, contract.id, contract.partner_id, contract.user_id, row.account_id,
                       row.month, row.amount, %(user)s, %(now)s, %(user)s, %(now)s
                  FROM unnest(%(kinds)s::varchar[], %(contracts)s::int[], %(accounts)s::int[], %(months)s::date[],
                              %(amounts)s::numeric[]) AS row(kind, contract_id, account_id, month, amount)
                  JOIN multiservice_contract contract ON contract.id = row.contract_id
                """,
                statement=self.id,
                user=self.env.uid,
                now=self.env.cr.now(),
                kinds=list(kinds),
                contracts=list(contract_ids),
                accounts=[account_id or None for account_id in account_ids],
                months=[month or None for month in months],
                amounts=list(amounts),
            )
        )
        self.invalidate_recordset(["line_ids"])

    def _accruals(self) -> dict:
        """By (kind, contract, account, no month): what was billed on the date for days after it, and what was done by
        the date and not billed then.

        Credit notes count where the periods that they credit do. What is due for days up to the date and has no
        invoice yet, or a draft, or one dated later, is done and not billed.
        """
        sums = defaultdict(Decimal)
        unit = Decimal(str(self.company_id.currency_id.rounding))
        for contract_id, account_id, start, end, served_to, billed_then, amount in self._billed_around():
            done, to_come = cut(Decimal(str(amount)), days_of(start, end, served_to), self.date, unit)
            if billed_then:
                sums["deferred", contract_id, account_id, False] += to_come
            else:
                sums["accrued", contract_id, account_id, False] += done
        waiting = self._lines(self._waiting_domain())
        accounts = self._income_accounts(waiting)
        for line, charges in waiting._proposals():
            rendered = []
            for charge in takewhile(lambda charge: charge.period.start <= self.date, charges):
                served_to = line._service_end() if charge.kind == "correction" else None
                days = days_of(charge.period.start, charge.period.end, served_to)
                rendered.append(cut(charge.amount, days, self.date, unit)[0])
            if rendered:
                key = "accrued", line.contract_id.id, accounts[line].id, False
                sums[key] += sum(self._in_company_currency(line, rendered))
        return sums

    def _billed_around(self):
        """Ledger rows on invoices that were billed by the date for days after it, or for days up to it and billed
        later: (contract, account, first day, last day, last day of service of a correction, whether billed by the date,
        revenue).
        """
        self.env.flush_all()
        return self.env.execute_query(
            SQL(
                """
                SELECT row.contract_id, line.account_id, row.period_start, row.period_end,
                       CASE WHEN row.kind = 'correction' THEN LEAST(service.date_end, contract.date_end) END,
                       TRUE, -line.balance
                  FROM multiservice_billable row
                  JOIN account_move_line line ON line.id = row.invoice_line_id
                  JOIN multiservice_contract_line service ON service.id = row.contract_line_id
                  JOIN multiservice_contract contract ON contract.id = service.contract_id
                 WHERE row.company_id = %(company)s AND row.period_end > %(on)s AND row.kind != 'kept'
                   AND line.parent_state = 'posted' AND line.date <= %(on)s
             UNION ALL
                SELECT row.contract_id, line.account_id, row.period_start, row.period_end,
                       CASE WHEN row.kind = 'correction' THEN LEAST(service.date_end, contract.date_end) END,
                       FALSE, -line.balance
                  FROM account_move move
                  JOIN account_move_line line ON line.move_id = move.id
                  JOIN multiservice_billable row ON row.invoice_line_id = line.id
                  JOIN multiservice_contract_line service ON service.id = row.contract_line_id
                  JOIN multiservice_contract contract ON contract.id = service.contract_id
                 WHERE move.company_id = %(company)s AND row.period_start <= %(on)s AND row.kind != 'kept'
                   AND (move.state = 'draft' OR (move.state = 'posted' AND move.date > %(on)s))
                """,
                company=self.company_id.id,
                on=self.date,
            )
        )

    def _recurring(self) -> dict:
        """By (kind, contract, account, no month): what a month of the lines in force on the date costs."""
        sums = defaultdict(Decimal)
        for line, account in self._income_accounts(self._lines([])).items():
            if revenue := monthly(line._to_terms(), self.date):
                key = "recurring", line.contract_id.id, account.id, False
                sums[key] += sum(self._in_company_currency(line, [revenue]))
        return sums

    def _contracted(self) -> dict:
        """By (kind, contract, account, first day of the month): what the contracts say for the twelve months that
        follow, billed or not. A contract without an end goes on.
        """
        sums = defaultdict(Decimal)
        window = coming_year(self.date)
        lines = self._lines(["|", ("date_end", "=", False), ("date_end", ">=", window.start)])
        for line, account in self._income_accounts(lines).items():
            contract_id, revenue = line.contract_id.id, contracted(line._to_terms(), window)
            for month, amount in zip(revenue, self._in_company_currency(line, revenue.values()), strict=True):
                sums["contracted", contract_id, account.id, month] += amount
        return sums

    def _lines(self, domain):
        """Lines of the company's contracts that are billed and match `domain`."""
        return self.env["multiservice.contract.line"].search(
            [
                ("company_id", "=", self.company_id.id),
                ("contract_id.state", "in", BILLED_STATES),
                ("display_type", "=", False),
                ("date_start", "!=", False),
                *domain,
            ]
        )

    def _waiting_domain(self):
        return [("date_start", "<=", self.date), ("next_billing_date", "!=", False)]

    @api.model
    def _income_accounts(self, lines) -> dict:
        """The income account of each of `lines`, looked up once for those that are alike."""
        alike = lines.grouped(
            lambda line: (line.product_id, line.contract_id.fiscal_position_id, line.contract_id.journal_id)
        )
        accounts = {kind: of_kind[0]._income_account() for kind, of_kind in alike.items()}
        return {line: accounts[kind] for kind, of_kind in alike.items() for line in of_kind}

    def _in_company_currency(self, line, amounts: Collection[Decimal]) -> list[Decimal]:
        """`amounts`, in the basis of the line's price, without tax and in the company's currency."""
        currency, company = line.currency_id, self.company_id
        own_currency = company.currency_id
        included = any(tax.price_include for tax in line.tax_ids.flatten_taxes_hierarchy())
        if currency == own_currency and not included:
            unit = Decimal(str(own_currency.rounding))
            return [round_to(amount, unit) for amount in amounts]
        untaxed = [float(amount) for amount in amounts]
        if included:
            untaxed = [
                line.tax_ids.compute_all(amount, currency=currency, product=line.product_id)["total_excluded"]
                for amount in untaxed
            ]
        return [Decimal(str(currency._convert(amount, own_currency, company, self.date))) for amount in untaxed]


class RevenueStatementLine(models.TransientModel):
    _name = "multiservice.revenue.statement.line"
    _description = "Line of a Revenue Statement"
    _order = "kind, partner_id, contract_id, month, id"

    statement_id = fields.Many2one("multiservice.revenue.statement", required=True, ondelete="cascade", index=True)
    kind = fields.Selection(KINDS, required=True, readonly=True)
    contract_id = fields.Many2one("multiservice.contract", readonly=True)
    partner_id = fields.Many2one(
        related="contract_id.partner_id", string="Customer", store=True, precompute=True, readonly=True
    )
    user_id = fields.Many2one(
        related="contract_id.user_id", string="Salesperson", store=True, precompute=True, readonly=True
    )
    account_id = fields.Many2one("account.account", readonly=True)
    month = fields.Date(readonly=True)
    amount = fields.Monetary(readonly=True, help="Untaxed, in the company's currency.")
    currency_id = fields.Many2one(related="statement_id.company_id.currency_id")

    def action_view_ledger(self):
        """The rows of the ledger behind the amount."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.billable_action")
        return action | {"domain": [("contract_id", "=", self.contract_id.id)], "context": {}}
