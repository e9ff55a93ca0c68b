from datetime import date
from decimal import Decimal

from odoo import fields, models
from odoo.tools import format_date, formatLang

from ..engine.plan import FIXED
from .pricing_mixin import TIERED

DATES_SHOWN = 6
PERIOD_UNITS = ("day", "week", "month", "quarter", "half_year", "year")


class ScheduleInWords(models.AbstractModel):
    """A billing schedule as a customer reads it. The language is the one of the environment."""

    _inherit = "multiservice.schedule.mixin"

    def _schedule_in_words(self) -> str:
        """The whole schedule: how often, when invoices are issued, where periods begin, what a part costs."""
        self.ensure_one()
        sentences = (
            self.env._("%(frequency)s.", frequency=self._frequency_in_words()),
            self._issue_in_words(),
            self._alignment_in_words(),
            self._partial_in_words(),
        )
        return " ".join(sentence for sentence in sentences if sentence)

    def _frequency_in_words(self) -> str:
        """In short: “Billed monthly in advance”."""
        timing = self.env._("in advance") if self.timing == "advance" else self.env._("in arrears")
        return self.env._("Billed %(every)s %(timing)s", every=self._every_in_words(), timing=timing)

    def _every_in_words(self) -> str:
        if self.recurrence_interval == 1:
            return {
                "day": self.env._("daily"),
                "week": self.env._("weekly"),
                "month": self.env._("monthly"),
                "quarter": self.env._("quarterly"),
                "half_year": self.env._("half-yearly"),
                "year": self.env._("yearly"),
            }[self.recurrence_unit]
        return {
            "day": self.env._("every %s days", self.recurrence_interval),
            "week": self.env._("every %s weeks", self.recurrence_interval),
            "month": self.env._("every %s months", self.recurrence_interval),
            "quarter": self.env._("every %s quarters", self.recurrence_interval),
            "half_year": self.env._("every %s half-years", self.recurrence_interval),
            "year": self.env._("every %s years", self.recurrence_interval),
        }[self.recurrence_unit]

    def _period_in_words(self) -> str:
        """What a price is for: “per month”."""
        if self.recurrence_interval == 1:
            return {
                "day": self.env._("per day"),
                "week": self.env._("per week"),
                "month": self.env._("per month"),
                "quarter": self.env._("per quarter"),
                "half_year": self.env._("per half-year"),
                "year": self.env._("per year"),
            }[self.recurrence_unit]
        return {
            "day": self.env._("per %s days", self.recurrence_interval),
            "week": self.env._("per %s weeks", self.recurrence_interval),
            "month": self.env._("per %s months", self.recurrence_interval),
            "quarter": self.env._("per %s quarters", self.recurrence_interval),
            "half_year": self.env._("per %s half-years", self.recurrence_interval),
            "year": self.env._("per %s years", self.recurrence_interval),
        }[self.recurrence_unit]

    def _issue_in_words(self) -> str:
        first = self.timing == "advance"
        edge = self.env._("the first day of the period") if first else self.env._("the last day of the period")
        if self.issue_method == "day_before":
            day = self._day_in_words(self.issue_day)
            return self.env._("Invoices are issued on the %(day)s, at the latest on %(edge)s.", day=day, edge=edge)
        if self.issue_method == "day_after":
            day = self._day_in_words(self.issue_day)
            return self.env._("Invoices are issued on the %(day)s, at the earliest on %(edge)s.", day=day, edge=edge)
        if self.issue_method == "offset" and self.issue_offset:
            count = abs(self.issue_offset)
            days = self.env._("1 day") if count == 1 else self.env._("%s days", count)
            if self.issue_offset < 0:
                return self.env._("Invoices are issued %(days)s before %(edge)s.", days=days, edge=edge)
            return self.env._("Invoices are issued %(days)s after %(edge)s.", days=days, edge=edge)
        return self.env._("Invoices are issued on %(edge)s.", edge=edge)

    def _alignment_in_words(self) -> str:
        if self.alignment == "anniversary":
            return self.env._("Periods are counted from the start date.")
        if self.alignment == "day":
            return self.env._("Periods begin on the %(day)s of the month.", day=self._day_in_words(self.alignment_day))
        return {
            "day": "",
            "week": self.env._("Periods begin on a Monday."),
            "month": self.env._("Periods begin on the 1st of the month."),
            "quarter": self.env._("Periods begin with the calendar quarter."),
            "half_year": self.env._("Periods begin with the calendar half-year."),
            "year": self.env._("Periods begin on 1 January."),
        }[self.recurrence_unit]

    def _partial_in_words(self) -> str:
        thirty = self.proration_basis == "thirty" and self.recurrence_unit not in ("day", "week")
        policies = {
            "prorate": self.env._("prorated by months of 30 days") if thirty else self.env._("prorated by days"),
            "full": self.env._("charged in full"),
            "free": self.env._("free of charge"),
        }
        first, last = policies[self.first_partial], policies[self.last_partial]
        if first == last:
            return self.env._("A first or last period that is not whole is %(policy)s.", policy=first)
        return self.env._("A first period that is not whole is %(first)s, a last one %(last)s.", first=first, last=last)

    def _day_in_words(self, day: int) -> str:
        """The ordinal of a day of the month."""
        if day == 1:
            return self.env._("1st")
        if day in (21, 31):
            return self.env._("%sst", day)
        if day in (2, 22):
            return self.env._("%snd", day)
        if day in (3, 23):
            return self.env._("%srd", day)
        return self.env._("%sth", day)


class ContractDocument(models.Model):
    """What the printed contract and its page on the portal show, and to whom."""

    _inherit = "multiservice.contract"

    _mail_post_access = "read"  # customers write to us from the portal, where they can only read

    access_token = fields.Char(groups="multiservice.group_billing_user")  # opens a page with prices

    def _compute_access_warning(self):
        result = super()._compute_access_warning()
        for contract in self.filtered(lambda contract: contract.state == "cancelled"):
            contract.access_warning = self.env._("A cancelled contract cannot be shared: its link opens no page.")
        return result

    def action_preview_portal(self):
        """Open the page that the customer sees."""
        self.ensure_one()
        return {"type": "ir.actions.act_url", "target": "self", "url": self.get_portal_url()}

    def _get_report_base_filename(self):
        self.ensure_one()
        return self.env._("Contract %s", self.name.replace("/", "-"))

    def _document_lines(self):
        """The services agreed: in force or to come; of a contract that is over, those in force at its end.

        A line that another one replaced, or that ended before, is history and not printed.
        """
        self.ensure_one()
        today = self.company_id._service_today()
        on = min(today, self.date_end or date.max)

        def is_current(line):
            ended = line.date_end and line.date_end < on and (line.pricing != "one_off" or line.successor_ids)
            never = line.date_end and line.date_end < line.date_start
            return not (line.display_type or ended or never)

        return self.line_ids.filtered(is_current)

    def _document_groups(self) -> list[dict]:
        """The services by site, in the contract's order, with its own titles and notes around them."""
        self.ensure_one()
        headings = self._headings()
        groups = []
        for site, lines in self._document_lines().grouped("site_id").items():
            rows, printed = [], set()
            for line in lines:
                before, after = headings.get(line, ((), ()))
                rows += self._document_headings(before, printed)
                rows.append({"line": line, "display_type": False})
                rows += self._document_headings(after, printed)
            groups.append({"site": site, "rows": rows})
        return sorted(groups, key=lambda group: bool(group["site"]))

    def _document_headings(self, ids, printed: set) -> list[dict]:
        """Rows for the headings `ids` that were not printed yet."""
        new = [heading for heading in ids if heading not in printed]
        printed.update(new)
        return [
            {"line": heading, "display_type": heading.display_type}
            for heading in self.env["multiservice.contract.line"].browse(new)
        ]

    def _document_totals(self) -> list[dict]:
        """Total of each billing period, and of what is billed once, with taxes as core computes them."""
        self.ensure_one()
        totals = []
        for (_rank, _interval, label), lines in sorted(
            self._document_lines().grouped(lambda line: line._document_period()).items()
        ):
            totals.append({"label": self.env._("Total %s", label), "tax_totals": self._tax_totals(lines)})
        return totals

    def _tax_totals(self, lines) -> dict:
        AccountTax = self.env["account.tax"]
        base_lines = [line._prepare_base_line() for line in lines]
        AccountTax._add_tax_details_in_base_lines(base_lines, self.company_id)
        AccountTax._round_base_lines_tax_details(base_lines, self.company_id)
        return AccountTax._get_tax_totals_summary(base_lines, self.currency_id, self.company_id)

    def _next_billings(self, limit: int = DATES_SHOWN) -> list[dict]:
        """The next days on which something is billed to the customer: day, services from and to, amount as the prices
        say.
        """
        self.ensure_one()
        if self.state not in ("draft", "active"):
            return []
        # sudo: who pays the rest is not shown
        paid_by_others = set(self.sudo().share_ids.filtered("partner_id").ids)
        by_day = {}
        for _line, charges in self._upcoming():
            for charge in charges:
                if charge.share in paid_by_others:
                    continue
                entry = by_day.setdefault(charge.issue, {"issue": charge.issue, "amount": Decimal(0)})
                entry["start"] = min(charge.period.start, entry.get("start", date.max))
                entry["end"] = max(charge.period.end, entry.get("end", date.min))
                entry["amount"] += charge.amount
        return [by_day[day] for day in sorted(by_day)[:limit]]


class ContractLineDocument(models.Model):
    _inherit = "multiservice.contract.line"

    def _document_period(self) -> tuple[int, int, str]:
        """What the line's price is for, sortable from the shortest period to what is billed once."""
        self.ensure_one()
        if self.pricing == "one_off":
            return (len(PERIOD_UNITS), 0, self.env._("one-off"))
        owner = self._schedule_owner()
        return (PERIOD_UNITS.index(owner.recurrence_unit), owner.recurrence_interval, owner._period_in_words())

    def _prepare_base_line(self) -> dict:
        self.ensure_one()
        values = {"quantity": 1.0 if self.pricing == "flat" else self.quantity}
        if self._pricing_in_words():
            values = {"quantity": 1.0, "price_unit": self.amount, "discount": 0.0}
        return self.env["account.tax"]._prepare_base_line_for_taxes_computation(
            self, currency_id=self.currency_id, partner_id=self.partner_id, **values
        )

    def _document_quantity(self) -> str:
        """The quantity without idle decimals; none for a flat price, nor for what is measured."""
        self.ensure_one()
        if self.pricing in FIXED or self.measured:
            return ""
        quantity = Decimal(str(self.quantity)).normalize()
        return formatLang(self.env, self.quantity, digits=max(0, -quantity.as_tuple().exponent))

    def _document_unit_price(self) -> str:
        """None where the price depends on the quantity: the remarks tell it."""
        self.ensure_one()
        if self.pricing in ("package", "smoothed", *TIERED):
            return ""
        return self._format_unit_price(Decimal(str(self.price_unit)))

    def _document_remarks(self) -> list[str]:
        """What differs from the contract: dates and schedule of its own."""
        self.ensure_one()
        contract, remarks = self.contract_id, self._pricing_in_words()
        start = format_date(self.env, self.date_start) if self.date_start > contract.date_start else ""
        end = format_date(self.env, self.date_end) if self.date_end and self.date_end != contract.date_end else ""
        if self.pricing == "one_off":
            remarks.append(self.env._("Billed once, on %s", format_date(self.env, self.date_start)))
        elif start and end:
            remarks.append(self.env._("From %(start)s to %(end)s", start=start, end=end))
        elif start:
            remarks.append(self.env._("From %s", start))
        elif end:
            remarks.append(self.env._("Until %s", end))
        if self.own_schedule and self.pricing != "one_off":
            remarks.append(self._schedule_owner()._frequency_in_words())
        return remarks


class AccountMoveDocument(models.Model):
    _inherit = "account.move"

    def _service_document(self) -> dict:
        """What the printed invoice says about services; empty for an invoice without."""
        self.ensure_one()
        contracts = self.service_contract_ids.sudo()  # sudo: whoever may print the invoice may print what it is for
        if not contracts:
            return {}
        sites = self.invoice_line_ids.service_site_id.sudo()  # sudo: as above
        return {
            "contracts": contracts.sorted("name"),
            "site": sites if len(sites) == 1 else sites.browse(),
            "credited": self._service_credited(),
            "banks": contracts.bank_ids.filtered("credited"),
        }

    def _service_credited(self):
        """The invoices that a credit note corrects: the one it reverses, else those that billed its periods."""
        self.ensure_one()
        if self.move_type != "out_refund":
            return self.browse()
        lines = self.invoice_line_ids.sudo()  # sudo: the ledger is not for everyone who may print an invoice
        moves = self.sudo().reversed_entry_id | lines.service_origin_line_id.move_id
        return (moves or lines.billable_ids._earlier_invoices()).sorted(lambda move: (move.invoice_date, move.name))


class BillableDocument(models.Model):
    _inherit = "multiservice.billable"

    def _earlier_invoices(self):
        """The posted invoices that billed the same periods of the same lines in an earlier revision."""
        rows = self.contract_line_id.billable_ids
        moves = self.env["account.move"]
        for row in self:
            moves |= rows.filtered(
                lambda earlier, row=row: (
                    earlier.contract_line_id == row.contract_line_id
                    and earlier.period_start == row.period_start
                    and earlier.component == row.component
                    and earlier._share() == row._share()
                    and earlier.revision < row.revision
                )
            ).invoice_line_id.move_id
        return moves.filtered(lambda move: move.state == "posted" and move.move_type == "out_invoice")
