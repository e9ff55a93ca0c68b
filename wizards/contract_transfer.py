from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import format_date

# What belongs to the buyer or follows from it: found anew for the new customer.
OF_THE_BUYER = (
    "invoice_partner_id",
    "fiscal_position_id",
    "order_reference",
    "market_reference",
    "buyer_reference",
    "order_reference_required",
    "buyer_reference_required",
    "reference_contact_id",
)


class ContractTransfer(models.TransientModel):
    """*Transfer…*: another legal person takes a contract over from a day on. A new SIREN is a new customer.

    The contract ends the day before; a new one goes on with its services, prices, periods and term. What was billed to
    the old customer beyond that day is credited to it, and billed to the new one.
    """

    _name = "multiservice.contract.transfer"
    _description = "Transfer a Contract"

    contract_id = fields.Many2one("multiservice.contract", required=True, readonly=True)
    company_id = fields.Many2one(related="contract_id.company_id")
    date = fields.Date(
        string="From",
        required=True,
        default=fields.Date.context_today,
        help="First day of service of the new customer.",
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="New Customer",
        domain="[('is_service_site', '=', False), '|', ('parent_id', '=', False), ('is_company', '=', True)]",
        required=True,
        help="The legal person that owes from that day on.",
    )
    consequence = fields.Text(compute="_compute_consequence")

    @api.depends("contract_id", "date")
    def _compute_consequence(self):
        for wizard in self:
            contract = wizard.contract_id
            wizard.consequence = wizard.date and contract._consequence_of_end(wizard.date - timedelta(days=1))

    def action_confirm(self):
        self.ensure_one()
        self.contract_id.check_access("write")
        self._check()
        taken_over = self.contract_id._transfer(self.partner_id, self.date)
        return taken_over._get_records_action(name=self.env._("Contract"))

    def _check(self) -> None:
        contract, day = self.contract_id, self.date
        if contract.state != "active":
            raise UserError(self.env._("%s is not in force: nothing can be transferred.", contract.display_name))
        if self.partner_id.commercial_partner_id == contract.partner_id:
            raise UserError(
                self.env._("%s is the customer already: change its invoice address.", contract.partner_id.display_name)
            )
        first = contract.date_start + timedelta(days=1)
        if contract.billed_until:
            first = max(first, contract.billed_until + timedelta(days=1))
        if day < first:
            raise UserError(
                self.env._(
                    "%(contract)s can be transferred from %(first)s: before, it has no day of service, or was "
                    "billed by the previous system.",
                    contract=contract.display_name,
                    first=format_date(self.env, first),
                )
            )
        # sudo: hours that are left must not be lost, whoever transfers
        if bank := contract._lines_from(day).sudo().bank_id[:1]:
            raise UserError(
                self.env._(
                    "The hours of “%(bank)s” are the old customer's: settle what is left with it, take the bank off "
                    "the services of %(contract)s, and transfer then.",
                    bank=bank.display_name,
                    contract=contract.display_name,
                )
            )
        if contract.date_end and contract.date_end < day:
            raise UserError(
                self.env._(
                    "%(contract)s ends on %(end)s: nothing is left to transfer.",
                    contract=contract.display_name,
                    end=format_date(self.env, contract.date_end),
                )
            )


class TransferredContract(models.Model):
    _inherit = "multiservice.contract"

    transferred_from_id = fields.Many2one(
        "multiservice.contract",
        string="Taken Over From",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
        help="The contract of the customer that transferred it.",
    )
    transferred_to_ids = fields.One2many("multiservice.contract", "transferred_from_id")
    is_transferred = fields.Boolean(compute="_compute_is_transferred", help="To another customer, or from one.")

    @api.depends("transferred_from_id", "transferred_to_ids")
    def _compute_is_transferred(self):
        for contract in self:
            contract.is_transferred = bool(contract.transferred_from_id or contract.transferred_to_ids)

    def action_transfer(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.contract_transfer_action")
        return action | {"context": {"default_contract_id": self.id}}

    def action_view_transfer(self):
        return (self.transferred_from_id | self.transferred_to_ids)._get_records_action()

    def _transfer(self, customer, day):
        """Let `customer` take the contract over on `day`. Returns its contract, in force."""
        self.ensure_one()
        sites = {site: site._site_of(customer) for site in self._lines_from(day).site_id}
        taken_over = self.create(self._prepare_transfer_vals(customer, day))
        lines = self._transfer_lines(taken_over, sites, day)
        self._transfer_suspensions(taken_over, sites, lines, day)
        payers = self._transfer_shares(taken_over, lines, day)
        taken_over._activate()
        self._stop_prolonging(day - timedelta(days=1))
        self._prorate_last_period()
        self._end_on(day - timedelta(days=1))
        message = self.env._(
            "Transferred from %(old)s to %(new)s on %(day)s.",
            old=self.partner_id.display_name,
            new=customer.display_name,
            day=format_date(self.env, day),
        )
        for contract in self | taken_over:
            contract.message_post(body=message)
        if payers:
            taken_over.message_post(
                body=self.env._("Their shares go on for the new customer; check them: the payers of the contract.")
            )
        return taken_over

    def _lines_from(self, day):
        return self.line_ids.filtered(
            lambda line: (
                not line.display_type
                and line._is_served_from(day)
                and (line.pricing != "one_off" or line.date_start >= day)
            )
        )

    def _prepare_transfer_vals(self, customer, day) -> dict:
        vals = self.copy_data({"title": self.title})[0]
        for name in (*OF_THE_BUYER, "line_ids"):
            vals.pop(name, None)
        if customer.with_company(self.company_id).property_payment_term_id:
            vals.pop("payment_term_id", None)
        if self.term_end and self.term_end >= day:
            left = relativedelta(self.term_end + timedelta(days=1), day)
            vals["term_months"] = 12 * left.years + left.months + bool(left.days)
        return vals | {
            "partner_id": customer.id,
            "date_start": day,
            "date_end": self.date_end,
            "first_partial": "prorate",  # the two share the period in which it changes hands
            "price_reference_month": self.price_reference_month,
            "analytic_account_id": self.analytic_account_id.id,
            "transferred_from_id": self.id,
        }

    def _transfer_lines(self, taken_over, sites: dict, day) -> dict:
        """Copies of the services, headings and notes. Returns the new lines by the old ones."""
        lines = {}
        same_taxes = taken_over.fiscal_position_id == self.fiscal_position_id
        for line in self.line_ids.filtered("display_type") | self._lines_from(day):
            vals = line.copy_data({"contract_id": taken_over.id, "name": line.name})[0]
            if not (same_taxes or line.display_type):
                vals["tax_ids"] = [Command.set(line._taxes_in(taken_over).ids)]
            vals |= {
                "sequence": line.sequence,
                "site_id": sites[line.site_id].id if line.site_id else False,
                "date_start": max(day, line.date_start),
                "date_end": line.date_end,
                "anchor_date": line.anchor_date,
                "billed_until": False,
            }
            lines[line] = self.env["multiservice.contract.line"].create(vals)
        for line, copy in lines.items():
            if line.own_schedule:
                copy.first_partial = "prorate"
            if before := lines.get(line.predecessor_id):
                copy._write_unguarded({"predecessor_id": before.id})
        return lines

    def _transfer_suspensions(self, taken_over, sites: dict, lines: dict, day) -> None:
        for suspension in self.suspension_ids.filtered(lambda one: not one.date_end or one.date_end >= day):
            line = suspension.line_id._succeeding_from(day)[:1]
            if (suspension.line_id and line not in lines) or (suspension.site_id and suspension.site_id not in sites):
                continue
            self.env["multiservice.suspension"].create(
                {
                    "contract_id": taken_over.id,
                    "site_id": suspension.site_id and sites[suspension.site_id].id,
                    "line_id": line and lines[line].id,
                    "date_start": max(day, suspension.date_start),
                    "date_end": suspension.date_end,
                    "reason": suspension.reason,
                }
            )

    def _transfer_shares(self, taken_over, lines: dict, day):
        """Who pays a part goes on paying it, save for the new customer itself. Returns the new shares."""
        customer = taken_over.partner_id
        # sudo: who transfers a contract need not see who pays what of it
        shares = self.sudo().share_ids.filtered(lambda share: not share.date_end or share.date_end >= day)
        new = shares.browse()
        for share in shares.filtered(lambda share: share.partner_id.commercial_partner_id != customer):
            line = share.line_id._succeeding_from(day)[:1]
            if share.line_id and line not in lines:
                continue
            vals = {
                "contract_id": taken_over.id,
                "line_id": line and lines[line].id,
                "site_id": share.site_id and share.site_id._site_of(customer).id,
                "date_start": max(day, share.date_start),
                "date_end": share.date_end,
            }
            new |= share.copy(vals)
        return new

    def _prorate_last_period(self) -> None:
        """The last period is shared with the customer that follows, whatever the policy for the end of a contract."""
        self._write_unguarded({"last_partial": "prorate"})
        for line in self.line_ids.filtered("own_schedule"):
            line._write_unguarded({"last_partial": "prorate"})


class TransferredLine(models.Model):
    _inherit = "multiservice.contract.line"

    def _taxes_in(self, contract):
        """The line's taxes as that contract's fiscal position maps the product's; its own without a product."""
        self.ensure_one()
        taxes = self.product_id.taxes_id._filter_taxes_by_company(self.company_id)
        return contract.fiscal_position_id.map_tax(taxes) or self.tax_ids


class TransferredSite(models.Model):
    _inherit = "res.partner"

    def _site_of(self, customer):
        """The same place as a site of `customer`: the one with the same code, else a copy.

        The SIRET is of the old legal person, and is asked for anew.
        """
        self.ensure_one()
        known = customer.site_ids.filtered(lambda site: self.site_code and site.site_code == self.site_code)
        same = ("name", "site_code", "site_access_info", "site_access_code")
        return known[:1] or self.copy({name: self[name] for name in same} | {"parent_id": customer.id})
