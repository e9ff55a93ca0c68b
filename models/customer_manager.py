from datetime import date
from itertools import pairwise

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain


class CustomerManager(models.Model):
    """Who manages a customer, and when: the syndic of a co-ownership, the parent company of a branch.

    The customer stays the buyer and the debtor. A manager only receives, in one go, what concerns all of
    its customers. No SQL constraint here: core's *Merge contacts* deletes the rows that violate one.
    """

    _name = "multiservice.customer.manager"
    _description = "Customer manager"
    _order = "partner_id, date_from desc, id desc"
    _rec_name = "manager_id"
    _check_company_auto = True

    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        index=True,
        ondelete="cascade",
        check_company=True,
        help="The managed customer. It stays the buyer and the debtor of its invoices.",
    )
    manager_id = fields.Many2one(
        "res.partner",
        required=True,
        index=True,
        ondelete="restrict",
        check_company=True,
        help="Who acts for the customer: the syndic of a co-ownership, a managing agent, a parent company.",
    )
    date_from = fields.Date(
        string="From",
        help="First day of the mandate. Empty: since always.",
    )
    date_to = fields.Date(
        string="To",
        help="Last day of the mandate, included. Empty: until further notice.",
    )
    company_id = fields.Many2one(
        related="partner_id.company_id",
        store=True,
        index="btree_not_null",
    )

    @api.constrains("partner_id", "manager_id")
    def _check_partners(self):
        for mandate in self:
            customer, manager = mandate.partner_id, mandate.manager_id
            if customer.commercial_partner_id == manager.commercial_partner_id:
                raise ValidationError(
                    self.env._("%(customer)s cannot be its own manager.", customer=customer.display_name)
                )
            if customer != customer.commercial_partner_id:
                raise ValidationError(
                    self.env._(
                        "%(contact)s is a site or a contact of %(customer)s: record the manager on the customer.",
                        contact=customer.display_name,
                        customer=customer.commercial_partner_id.display_name,
                    )
                )
            if manager.is_service_site:
                raise ValidationError(
                    self.env._("%(site)s is a site: it cannot manage a customer.", site=manager.display_name)
                )

    @api.constrains("partner_id", "date_from", "date_to")
    def _check_dates(self):
        for mandate in self:
            if mandate.date_from and mandate.date_to and mandate.date_to < mandate.date_from:
                raise ValidationError(
                    self.env._(
                        "The mandate of %(manager)s for %(customer)s ends before it starts.",
                        manager=mandate.manager_id.display_name,
                        customer=mandate.partner_id.display_name,
                    )
                )
        mandates = self.search([("partner_id", "in", self.partner_id.ids)])
        for customer_mandates in mandates.grouped("partner_id").values():
            customer_mandates._check_no_overlap()

    @api.model
    def _current_domain(self, on):
        """The mandates that run on a day."""
        return (Domain("date_from", "=", False) | Domain("date_from", "<=", on)) & (
            Domain("date_to", "=", False) | Domain("date_to", ">=", on)
        )

    def _check_no_overlap(self):
        """Refuse two mandates of one customer on the same day."""
        mandates = self.sorted(lambda mandate: (mandate.date_from or date.min, mandate.id))
        for before, after in pairwise(mandates):
            if (before.date_to or date.max) >= (after.date_from or date.min):
                raise ValidationError(
                    self.env._(
                        "%(customer)s would have two managers at once, %(before)s and %(after)s. "
                        "Enter the last day of the mandate that ends first.",
                        customer=before.partner_id.display_name,
                        before=before.manager_id.display_name,
                        after=after.manager_id.display_name,
                    )
                )
