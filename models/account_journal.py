from datetime import date

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import format_date


class AccountJournal(models.Model):
    _inherit = "account.journal"

    def _service_invoice_date(self, refund: bool) -> date:
        """The date of an invoice, or credit note, posted now in this journal: today on the company's calendar.

        Raises UserError when the last document of the same sequence bears a later day: numbers and dates rise
        together, and nothing is dated in the future.
        """
        self.ensure_one()
        today = self.company_id._service_today()
        domain = [
            ("journal_id", "=", self.id),
            ("state", "=", "posted"),
            ("date", ">=", today.replace(month=1, day=1)),
            ("date", "<=", today.replace(month=12, day=31)),
        ]
        if self.refund_sequence:
            domain.append(("move_type", "in" if refund else "not in", ("out_refund", "in_refund")))
        previous = self.env["account.move"].search(domain, order="sequence_prefix desc, sequence_number desc", limit=1)
        if previous and previous.date > today:
            raise UserError(
                self.env._(
                    "%(invoice)s is dated %(date)s, which is still to come: an invoice posted today would bear a "
                    "higher number and an earlier date. Correct that date, or bill services in their own journal.",
                    invoice=previous.name,
                    date=format_date(self.env, previous.date),
                )
            )
        return today
