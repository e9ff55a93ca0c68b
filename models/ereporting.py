from odoo import api, fields, models
from odoo.tools import SQL

from ..einvoice import codes

# Data that the authority is sent, CGI ann. II art. 242 nonies M; the flows are numbered by its specifications.
FLOWS = [
    ("10.1", "10.1 – International sales to businesses, one by one"),
    ("10.2", "10.2 – Payments of international sales"),
    ("10.3", "10.3 – Sales to customers not liable to VAT, by day"),
    ("10.4", "10.4 – Payments of customers not liable to VAT, by day"),
]
CATEGORIES = [
    ("TLB1", "TLB1 – Goods"),
    ("TPS1", "TPS1 – Services"),
    ("TNT1", "TNT1 – Not taxable in France"),
]
BY_DAY = (codes.B2C, codes.B2C_ABROAD)
ONE_BY_ONE = (codes.B2B_ABROAD,)
NOT_TAXABLE_HERE = ("O", "G", "K", "AE")  # EN 16931 BT-118

SALES = """
    SELECT m.id AS move_id, m.company_id, m.invoice_date AS day, m.einvoice_routing AS routing,
           tax.id AS tax_id, COALESCE(tax.amount, 0) AS rate,
           CASE WHEN COALESCE(tax.amount, 0) = 0
                     AND (m.einvoice_routing IN %(abroad)s OR tax.ubl_cii_tax_category_code IN %(not_taxable)s)
                THEN 'TNT1' WHEN template.type = 'consu' THEN 'TLB1' ELSE 'TPS1' END AS category,
           -SUM(line.balance) AS base, MIN(line.id) AS line_id
      FROM account_move m
      JOIN account_move_line line ON line.move_id = m.id AND line.display_type = 'product'
      LEFT JOIN product_product product ON product.id = line.product_id
      LEFT JOIN product_template template ON template.id = product.product_tmpl_id
      LEFT JOIN LATERAL (
               SELECT t.id, t.amount, t.ubl_cii_tax_category_code
                 FROM account_move_line_account_tax_rel rel
                 JOIN account_tax t ON t.id = rel.account_tax_id
                WHERE rel.account_move_line_id = line.id AND t.amount_type = 'percent'
                ORDER BY t.sequence, t.id LIMIT 1
           ) tax ON TRUE
     WHERE m.state = 'posted' AND m.move_type IN ('out_invoice', 'out_refund') AND m.einvoice_routing IN %(reported)s
     GROUP BY m.id, tax.id, tax.amount, category
"""
# The VAT of one tax on one invoice, as it stands in the ledger, shared between goods and services to the cent; the
# larger base takes the odd one.
SALES_WITH_VAT = """
    SELECT shared.*, CASE place WHEN 1 THEN vat_total - SUM(share) OVER of_tax + share ELSE share END AS vat
      FROM (SELECT s.*, COALESCE(ledger.amount, 0) AS vat_total,
                   COALESCE(ROUND(ledger.amount * s.base / NULLIF(SUM(s.base) OVER of_tax, 0), 2), 0) AS share,
                   ROW_NUMBER() OVER (of_tax ORDER BY ABS(s.base) DESC, s.category) AS place
              FROM sale s
              LEFT JOIN LATERAL (
                       SELECT -SUM(line.balance) AS amount FROM account_move_line line
                        WHERE line.move_id = s.move_id AND line.tax_line_id = s.tax_id
                   ) ledger ON TRUE
            WINDOW of_tax AS (PARTITION BY s.move_id, s.tax_id)) shared
    WINDOW of_tax AS (PARTITION BY move_id, tax_id)
"""
PAYMENTS = """
    SELECT one.id, status.company_id, status.move_id, m.einvoice_routing AS routing, status.date::date AS day,
           one.vat_rate AS rate, one.amount / COALESCE(NULLIF(m.invoice_currency_rate, 0), 1) AS gross
      FROM multiservice_einvoice_status_amount one
      JOIN multiservice_einvoice_status status ON status.id = one.status_id
      JOIN account_move m ON m.id = status.move_id
     WHERE status.code = '212' AND status.direction = 'sent' AND m.einvoice_routing IN %(reported)s
"""
# Each row has a number of its own that stays: of its first invoice line, or its first amount, times four.
REPORT = """
    WITH sale AS (%(sales)s), taxed AS (%(sales_with_vat)s), payment AS (%(payments)s)
    SELECT (MIN(line_id) * 4)::integer AS id, company_id, day AS date, '10.3' AS flow, NULL::integer AS move_id,
           category, rate, SUM(base) AS base, SUM(vat) AS vat,
           COUNT(DISTINCT move_id)::integer AS operations
      FROM taxed WHERE routing IN %(by_day)s GROUP BY company_id, day, category, rate
    UNION ALL
    SELECT (MIN(line_id) * 4 + 1)::integer, company_id, day, '10.1', move_id,
           category, rate, SUM(base), SUM(vat), 1
      FROM taxed WHERE routing IN %(one_by_one)s GROUP BY company_id, day, move_id, category, rate
    UNION ALL
    SELECT (MIN(id) * 4 + 2)::integer, company_id, day, '10.4', NULL,
           NULL, rate, ROUND(SUM(gross) * 100 / (100 + rate), 2),
           SUM(gross) - ROUND(SUM(gross) * 100 / (100 + rate), 2), COUNT(*)::integer
      FROM payment WHERE routing IN %(by_day)s GROUP BY company_id, day, rate
    UNION ALL
    SELECT (MIN(id) * 4 + 3)::integer, company_id, day, '10.2', move_id,
           NULL, rate, ROUND(SUM(gross) * 100 / (100 + rate), 2),
           SUM(gross) - ROUND(SUM(gross) * 100 / (100 + rate), 2), COUNT(*)::integer
      FROM payment WHERE routing IN %(one_by_one)s GROUP BY company_id, day, move_id, rate
"""


class Ereporting(models.Model):
    """What the authority is told of sales and payments that are no electronic invoice between French businesses.

    Read from the accounts at each look; amounts in the company's currency, credit notes and cancelled payments less.
    """

    _name = "multiservice.ereporting"
    _description = "E-Reporting"
    _auto = False
    _order = "date desc, flow, category, rate desc"
    _rec_name = "flow"
    _depends = {
        "account.move": [
            *("state", "move_type", "invoice_date", "company_id", "einvoice_routing", "invoice_currency_rate"),
        ],
        "account.move.line": ["move_id", "display_type", "balance", "product_id", "tax_ids", "tax_line_id"],
        "account.tax": ["amount", "amount_type", "sequence", "ubl_cii_tax_category_code"],
        "product.product": ["product_tmpl_id"],
        "product.template": ["type"],
        "multiservice.einvoice.status": ["move_id", "code", "date", "direction", "company_id"],
        "multiservice.einvoice.status.amount": ["status_id", "vat_rate", "amount"],
    }

    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    date = fields.Date(readonly=True, help="Day of the operations, or of the payments.")
    flow = fields.Selection(FLOWS, readonly=True)
    category = fields.Selection(CATEGORIES, readonly=True, help="Of the operations; payments have none.")
    rate = fields.Float(string="VAT (%)", digits=(5, 2), readonly=True, aggregator=None)
    base = fields.Monetary(string="Without VAT", readonly=True)
    vat = fields.Monetary(string="VAT", readonly=True)
    total = fields.Monetary(string="Total incl. VAT", compute="_compute_total")
    operations = fields.Integer(string="Number", readonly=True, help="How many invoices, or payments.")
    move_id = fields.Many2one("account.move", string="Invoice", readonly=True, help="Where they are told one by one.")

    @property
    def _table_query(self) -> SQL:
        reported = BY_DAY + ONE_BY_ONE
        return SQL(
            REPORT,
            sales=SQL(
                SALES, abroad=(codes.B2C_ABROAD, codes.B2B_ABROAD), not_taxable=NOT_TAXABLE_HERE, reported=reported
            ),
            sales_with_vat=SQL(SALES_WITH_VAT),
            payments=SQL(PAYMENTS, reported=reported),
            by_day=BY_DAY,
            one_by_one=ONE_BY_ONE,
        )

    @api.depends("base", "vat")
    def _compute_total(self):
        for row in self:
            row.total = row.base + row.vat

    @api.model
    def _compare_with_ledger(self, company, date_from, date_to) -> dict[str, float]:
        """Sums of what is reported for those days, and the same from the ledger: untaxed amounts and VAT of the
        invoices, and the VAT that core's cash basis entries made due when they were paid.
        """
        days = [("date", ">=", date_from), ("date", "<=", date_to), ("company_id", "=", company.id)]
        sales = [*days, ("flow", "in", ("10.1", "10.3"))]
        [(base, vat)] = self._read_group(sales, [], ["base:sum", "vat:sum"])
        [(paid_vat,)] = self._read_group([*days, ("flow", "in", ("10.2", "10.4"))], [], ["vat:sum"])
        routed = ("einvoice_routing", "in", BY_DAY + ONE_BY_ONE)
        [(ledger_base, ledger_vat)] = self.env["account.move"]._read_group(
            [
                ("company_id", "=", company.id),
                ("state", "=", "posted"),
                ("invoice_date", ">=", date_from),
                ("invoice_date", "<=", date_to),
                routed,
            ],
            [],
            ["amount_untaxed_signed:sum", "amount_tax_signed:sum"],
        )
        [(ledger_paid,)] = self.env["account.move.line"]._read_group(
            [
                *days,
                ("parent_state", "=", "posted"),
                ("tax_line_id", "!=", False),
                ("move_id.tax_cash_basis_origin_move_id.einvoice_routing", "in", BY_DAY + ONE_BY_ONE),
            ],
            [],
            ["balance:sum"],
        )
        return {
            "base": base,
            "ledger_base": ledger_base,
            "vat": vat,
            "ledger_vat": ledger_vat,
            "paid_vat": paid_vat,
            "ledger_paid_vat": -ledger_paid,
        }
