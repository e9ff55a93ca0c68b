from odoo import fields, models
from odoo.tools import SQL

from .res_partner import LEGAL_CATEGORIES

KINDS = [
    ("category", "Legal category"),
    ("address", "Street, postcode, town or country"),
    ("siren", "SIREN"),
    ("vat", "VAT number"),
    ("electronic_address", "Electronic invoice address"),
    ("buyer_reference", "Service code of a public body"),
    ("order_reference", "Commitment number of a public body"),
]


class EinvoiceGap(models.Model):
    """What is missing on customers with an active contract before their invoices can be Factur-X: one row for each
    customer and datum.
    """

    _name = "multiservice.einvoice.gap"
    _description = "Datum Missing for E-Invoices"
    _auto = False
    _order = "kind, partner_id, id"

    kind = fields.Selection(KINDS, string="What Is Missing", readonly=True)
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    legal_category = fields.Selection(LEGAL_CATEGORIES, readonly=True)
    contract_id = fields.Many2one("multiservice.contract", readonly=True)
    contract_count = fields.Integer(string="Contracts", readonly=True)
    user_id = fields.Many2one("res.users", string="Salesperson", readonly=True)

    @property
    def _table_query(self):
        return SQL(
            """
            WITH debtor AS (
                SELECT id AS contract_id, company_id, partner_id, user_id, buyer_reference, order_reference
                  FROM multiservice_contract
                 WHERE state = 'active'
                 UNION ALL
                SELECT contract.id, contract.company_id, payer.commercial_partner_id, contract.user_id,
                       share.buyer_reference, share.order_reference
                  FROM multiservice_share share
                  JOIN multiservice_contract contract ON contract.id = share.contract_id AND contract.state = 'active'
                  JOIN res_partner payer ON payer.id = share.partner_id
                 WHERE share.billing IN ('own', 'collective')
                   AND (share.date_end IS NULL OR share.date_end >= CURRENT_DATE)
            ),
            customer AS (
                SELECT debtor.company_id, debtor.partner_id, MAX(debtor.user_id) AS user_id,
                       COUNT(DISTINCT debtor.contract_id) AS contract_count,
                       MAX(contract_id) FILTER (WHERE COALESCE(debtor.buyer_reference, '') = '') AS without_buyer,
                       MAX(contract_id) FILTER (WHERE COALESCE(debtor.order_reference, '') = '') AS without_order
                  FROM debtor
                  JOIN res_company company ON company.id = debtor.company_id AND company.service_einvoice
                 GROUP BY debtor.company_id, debtor.partner_id
            )
            SELECT (customer.partner_id::bigint * 10 + gap.rank) * 1000 + customer.company_id AS id,
                   gap.kind, customer.partner_id, customer.company_id, partner.legal_category, gap.contract_id,
                   customer.contract_count, customer.user_id
              FROM customer
              JOIN res_partner partner ON partner.id = customer.partner_id
              LEFT JOIN res_country country ON country.id = partner.country_id
              CROSS JOIN LATERAL (
                    VALUES
                    (1, 'category', NULL::int, partner.legal_category IS NULL),
                    (2, 'address', NULL, COALESCE(partner.street, '') = '' OR COALESCE(partner.zip, '') = ''
                                       OR COALESCE(partner.city, '') = '' OR country.id IS NULL),
                    (3, 'siren', NULL, COALESCE(country.code, 'FR') = 'FR' AND COALESCE(partner.siren, '') = ''
                                     AND (partner.legal_category IN ('business', 'public_body')
                                          OR partner.legal_category IS NULL AND partner.is_company)),
                    (4, 'vat', NULL, partner.vat_liable AND COALESCE(partner.vat, '') = ''
                                     AND COALESCE(country.code, 'FR') = ANY(%s)),
                    (5, 'electronic_address', NULL, COALESCE(country.code, 'FR') = 'FR'
                                     AND partner.legal_category IN ('business', 'public_body')
                                     AND COALESCE(partner.einvoice_address, '') = ''),
                    (6, 'buyer_reference', customer.without_buyer,
                                     partner.legal_category = 'public_body' AND customer.without_buyer IS NOT NULL),
                    (7, 'order_reference', customer.without_order,
                                     partner.legal_category = 'public_body' AND customer.without_order IS NOT NULL)
              ) AS gap(rank, kind, contract_id, missing)
             WHERE gap.missing
            """,
            [*self.env["res.partner"]._french_countries(), *self.env.ref("base.europe").country_ids.mapped("code")],
        )

    def action_open(self):
        """The record on which the datum is to be typed."""
        self.ensure_one()
        return (self.contract_id or self.partner_id)._get_records_action()
