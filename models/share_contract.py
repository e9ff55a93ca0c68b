from odoo import api, fields, models

from ..engine.plan import FIXED
from ..engine.split import Share
from .share import DECIDING_FIELDS


class SharedContract(models.Model):
    _inherit = "multiservice.contract"

    share_ids = fields.One2many(
        "multiservice.share",
        "contract_id",
        string="Payers",
        groups="multiservice.group_billing_user",
        help="Who else than the customer pays a part of the contract.",
    )

    @api.depends(
        *(f"share_ids.{name}" for name in ("order_reference", "buyer_reference", "partner_id", "date_end", "billing"))
    )
    def _compute_awaiting_reference(self):
        return super()._compute_awaiting_reference()

    def _missing_reference_fields(self) -> list[str]:
        missing = super()._missing_reference_fields()
        lacking = self._shares_lacking_reference()
        return missing or list(dict.fromkeys(name for share in lacking for name in share._missing_references()))

    def _has_own_references(self) -> bool:
        """Whether the customer's own references are there, as far as they are required."""
        self.ensure_one()
        return all(self[name] or not self[f"{name}_required"] for name in ("order_reference", "buyer_reference"))

    def _shares_lacking_reference(self):
        # sudo: whether something is missing is for everybody who reads the contract, what and of whom is not shown
        return self.sudo().share_ids.filtered(lambda share: share._missing_references())

    def _compute_reference_contact_id(self):
        result = super()._compute_reference_contact_id()
        for contract in self:
            lacking = contract._shares_lacking_reference()
            if lacking and contract._has_own_references():
                contract.reference_contact_id = lacking[:1].partner_id
        return result

    def _billing_groups(self) -> dict:
        """The contracts by invoice address; those that an invoice for all beneficiaries of a payer brings together are
        one group, of that payer.
        """
        groups = dict(self.grouped("invoice_partner_id"))
        # sudo: who bills need not see the payers
        shares = (
            self.env["multiservice.share"]
            .sudo()
            .search([("contract_id", "in", self.ids), ("billing", "=", "collective"), ("partner_id", "!=", False)])
        )
        for payer, of_payer in shares.grouped("partner_id").items():
            met = [partner for partner, group in groups.items() if group & of_payer.contract_id.with_env(self.env)]
            together = self.browse().union(*(groups.pop(partner) for partner in met))
            groups[payer.with_env(self.env)] = groups.get(payer, self.browse()) | together
        return groups

    def _beneficiary_label(self, payer) -> str:
        """Whom the payer's invoice is for, as its heading says."""
        self.ensure_one()
        files = self.share_ids.filtered(lambda share: share.partner_id == payer and share.file_number)
        parts = [self.partner_id.display_name, self.name, *dict.fromkeys(files.mapped("file_number"))]
        return " – ".join(parts)


class SharedLine(models.Model):
    _inherit = "multiservice.contract.line"

    @api.depends(*(f"contract_id.share_ids.{name}" for name in sorted(DECIDING_FIELDS - {"contract_id", "partner_id"})))
    def _compute_next_billing_date(self):
        return super()._compute_next_billing_date()

    def _has_units(self) -> bool:
        """Whether something of the line is priced by units."""
        self.ensure_one()
        return self.measured or self.pricing not in (*FIXED, "package")

    def _shares(self) -> tuple[Share, ...]:
        """What others than the customer pay of the line, in their order."""
        # sudo: planning goes by the payers, whoever plans; who they are is not shown
        shares = self.contract_id.sudo().share_ids._in_order()
        return tuple(share._to_share() for share in shares if share.date_start and share._covers(self.sudo()))
