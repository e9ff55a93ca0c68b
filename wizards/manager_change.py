from datetime import timedelta

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import format_date


class ManagerChange(models.TransientModel):
    """*Change of manager…*: another syndic, or parent company, acts for customers from a day on."""

    _name = "multiservice.manager.change"
    _description = "Change of Manager"

    partner_ids = fields.Many2many("res.partner", string="Customers", required=True)
    manager_id = fields.Many2one(
        "res.partner",
        string="New Manager",
        domain="[('is_service_site', '=', False)]",
        help="Empty: the customers have no manager any more.",
    )
    date = fields.Date(
        string="From", required=True, default=fields.Date.context_today, help="First day of the new manager."
    )

    def action_confirm(self):
        self.ensure_one()
        self.partner_ids._change_manager(self.manager_id, self.date)
        return {"type": "ir.actions.act_window_close"}


class ManagedPartner(models.Model):
    _inherit = "res.partner"

    def action_change_manager(self):
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.manager_change_action")
        return action | {"context": {"default_partner_ids": self.commercial_partner_id.ids}}

    def _change_manager(self, manager, day) -> None:
        """End the mandates that run on `day` the day before, and let `manager` follow, where there is one."""
        Mandate = self.env["multiservice.customer.manager"]
        later = Mandate.search(Domain("partner_id", "in", self.ids) & Domain("date_from", ">=", day), limit=1)
        if later:
            raise UserError(
                self.env._(
                    "%(customer)s has a manager from %(day)s already, %(manager)s: correct that mandate.",
                    customer=later.partner_id.display_name,
                    day=format_date(self.env, later.date_from),
                    manager=later.manager_id.display_name,
                )
            )
        running = Mandate.search(Domain("partner_id", "in", self.ids) & Mandate._current_domain(day))
        running.date_to = day - timedelta(days=1)
        if manager:
            Mandate.create(
                [{"partner_id": customer.id, "manager_id": manager.id, "date_from": day} for customer in self]
            )
        for customer in self:
            customer.message_post(
                body=self.env._(
                    "Manager from %(day)s: %(manager)s",
                    day=format_date(self.env, day),
                    manager=manager.display_name or self.env._("none"),
                )
            )
