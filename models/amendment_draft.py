from datetime import date, timedelta
from typing import NamedTuple

from odoo import models

from .billable import FOLLOWING_KINDS


class LetGo(NamedTuple):
    """What was on drafts that an amendment let go: contracts to bill again, through which day, with which drafts."""

    contracts: models.Model
    through: date | None
    names: list[str]


class AmendmentDrafts(models.Model):
    """Draft invoices were not issued: those that an amendment touches are made again, by the new terms."""

    _inherit = "multiservice.amendment"

    def _drafts(self):
        """The draft invoices with periods that the amendment touches."""
        self.ensure_one()
        rows = self.env["multiservice.billable"].sudo()  # sudo: the ledger tells what was billed, whoever amends
        for change in self.change_ids:
            rows |= change._draft_rows()
        return rows.move_id.with_env(self.env)

    def _drafts_to_rebuild(self):
        return self._drafts().filtered(lambda move: move._can_be_rebuilt())

    def _let_go(self, drafts) -> LetGo:
        """Delete `drafts`: what was on them waits to be billed again."""
        rows = drafts.sudo().invoice_line_ids.billable_ids  # sudo: as above
        let_go = LetGo(
            rows.contract_id.with_env(self.env),
            max((run.through_date for run in drafts.billing_run_id), default=None),
            drafts.mapped("display_name"),
        )
        drafts.unlink()
        return let_go

    def _bill_again(self, let_go: LetGo) -> None:
        """Make the drafts that were let go again, by the terms of now."""
        if not let_go.contracts:
            return
        origin = self.env._("Drafts made again after amendment %s", self.name)
        runs = self.env["multiservice.billing.run"]._create_runs(let_go.contracts, origin, let_go.through)
        for run in runs:
            run._process_now()


class DraftedChange(models.Model):
    _inherit = "multiservice.amendment.change"

    def _draft_rows(self):
        """Rows of the ledger on draft invoices that the change touches."""
        self.ensure_one()
        # sudo: the ledger tells what was billed, whoever amends
        rows = self._touched_lines().sudo().billable_ids.filtered(lambda row: row.state == "draft")
        day = self._touched_from()
        plain_terms = self.kind == "contract_terms"  # who is invoiced and how changes for all that is not posted yet
        return rows.filtered(lambda row: plain_terms or row.period_end >= day)

    def _touched_from(self) -> date:
        """Rows that end on this day or later are touched. Once applied, also those that the change cut short."""
        self.ensure_one()
        applied = self.amendment_id.state == "applied"
        return self._first_day() - timedelta(days=1) if applied else self._first_day()

    def _touched_lines(self):
        """The lines that the change ends, replaces, suspends or made."""
        self.ensure_one()
        lines = self.contract_id.line_ids.filtered(lambda line: not line.display_type)
        if self.kind in ("replace_line", "end_line"):
            lines = self.line_id._succeeding_from(date.min)
        elif self.kind == "close_site":
            lines = lines.filtered(lambda line: line.site_id == self.site_id)
        elif self.kind == "suspend":
            root = self.line_id._chain_root()
            lines = lines.filtered(lambda line: not root or line._chain_root() == root)
            lines = lines.filtered(lambda line: root or not self.site_id or line.site_id == self.site_id)
        elif self.kind == "resume":
            lines = self.suspension_id._lines() if self.suspension_id else lines.browse()
        elif self.kind in ("add_line", "add_site"):
            lines = lines.browse()
        return lines | self.new_line_ids


class RebuiltMove(models.Model):
    _inherit = "account.move"

    def _can_be_rebuilt(self) -> bool:
        """Whether billing alone made the draft: what a person wrote on it, or issued before, is not thrown away."""
        self.ensure_one()
        products = self.sudo().invoice_line_ids.filtered(lambda line: line.display_type == "product")  # sudo: as above
        rows = products.billable_ids
        by_hand = products.filtered(lambda line: not (line.billable_ids or line.service_deducted_id))
        return (
            self.state == "draft"
            and not self.posted_before
            and not self.service_queued
            and not by_hand
            and not any(row.hand_edited or row.kind in FOLLOWING_KINDS for row in rows)
        )
