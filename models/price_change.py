from datetime import date

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import format_date

from .contract_term import PROTECTED_CATEGORIES


class PriceChange(models.Model):
    """A change of prices that follows no index: a percentage, or a new price list, for one or many contracts."""

    _inherit = "multiservice.price.revision"

    ground = fields.Selection(
        [
            ("index", "Index clause"),
            ("clause", "Another clause of the contract"),
            ("agreement", "Agreement with the customer"),
        ],
        default="index",
        required=True,
        readonly=True,
        help="What entitles us to the new price.",
    )
    customer_accepted_on = fields.Date(
        readonly=True,
        tracking=True,
        help="Consumers and non-professionals pay a new price that follows no index only once they accepted it.",
    )
    needs_acceptance = fields.Boolean(compute="_compute_needs_acceptance")

    @api.depends("partner_id.legal_category", "ground", "customer_accepted_on")
    def _compute_needs_acceptance(self):
        for revision in self:
            protected = revision.partner_id.legal_category in PROTECTED_CATEGORIES
            revision.needs_acceptance = protected and revision.ground != "index" and not revision.customer_accepted_on

    def action_customer_accepted(self):
        """Record that the customers accepted the new prices today."""
        for revision in self.filtered("needs_acceptance"):
            revision._write_unguarded({"customer_accepted_on": revision.company_id._service_today()})

    def action_accept(self):
        if waiting := self.filtered("needs_acceptance"):
            raise UserError(
                self.env._(
                    "%(customer)s must accept new prices of %(contract)s before they are billed: record it with "
                    "“Customer accepted”.",
                    customer=waiting[0].partner_id.display_name,
                    contract=waiting[0].contract_id.display_name,
                )
            )
        return super().action_accept()

    def _check_current(self) -> None:
        """Refuse to apply prices that were proposed for lines that changed since."""
        if self.ground == "index":
            super()._check_current()
            return
        for line in self.line_ids:
            if line.line_id.successor_ids or line.line_id.price_unit != line.price_before:
                raise UserError(
                    self.env._(
                        "“%(line)s” was changed since %(revision)s was proposed: refuse it and propose it again.",
                        line=line.line_id._first_line(),
                        revision=self.display_name,
                    )
                )

    def action_undo(self):
        """Go back to the old prices, while nothing was billed at the new ones."""
        for revision in self:
            revision._check_can_be_undone()
            for line in revision.line_ids.filtered("successor_id"):
                end = line.successor_id.date_end
                line.successor_id.unlink()
                line.line_id._end_on(end or None)
            revision._write_unguarded({"state": "proposed", "decided_by_id": False})
            revision.contract_id.message_post(
                body=self.env._("Price revision of %s taken back.", format_date(self.env, revision.date))
            )

    def _check_can_be_undone(self):
        self.ensure_one()
        successors = self.line_ids.successor_id
        if self.state != "accepted":
            raise UserError(self.env._("%s was not applied: there is nothing to take back.", self.display_name))
        if billed := successors.filtered(lambda line: line.is_held or line.successor_ids):
            raise UserError(
                self.env._(
                    "“%(line)s” was billed or changed at the new price already: change it with “Replace from…”.",
                    line=billed[0]._first_line(),
                )
            )


class ChangedContract(models.Model):
    _inherit = "multiservice.contract"

    def action_change_prices(self):
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.price_change_action")
        return action | {"context": {"default_contract_ids": self.ids}}

    def _propose_prices(self, day: date, ground: str, reason: str, price_of, factor: float = 1.0):
        """Propose new prices from `day` for the recurring services of the contracts; `price_of(line)`: the new unit
        price as a Decimal; `factor`: what tiers, minimum and overage prices are multiplied by. Contracts without a
        price that changes are left out. Returns the proposals.
        """
        self.check_access("write")
        vals_list = []
        for contract in self:
            lines = [
                {
                    "line_id": line.id,
                    "price_before": line.price_unit,
                    "price_initial": line.price_unit,
                    "price_after": after,
                    "factor": times,
                }
                for line in contract._lines_to_revise(day)
                if (after := float(line._rounded_price(price_of(line)))) != line.price_unit
                or (line._has_other_prices() and factor != 1)
                for times in [factor if line._has_other_prices() else 1.0]
            ]
            if lines:
                vals_list.append(
                    {
                        "contract_id": contract.id,
                        "date": day,
                        "ground": ground,
                        "calculation": reason,
                        "coefficient": 1.0,
                        "line_ids": [Command.create(vals) for vals in lines],
                    }
                )
        # sudo: revisions are made by the clause and by this act alone
        revisions = self.env["multiservice.price.revision"].sudo().create(vals_list)
        return revisions.sudo(self.env.su)
