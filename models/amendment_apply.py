from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import format_date

from .amendment_change import LINE_TERMS
from .contract_line import SIMPLE
from .schedule_mixin import SCHEDULE_FIELDS, UNITS

# Lengths of the units of a schedule, as far as one is a multiple of the other.
UNIT_LENGTHS = {"month": ("month", 1), "year": ("month", 12), "day": ("day", 1), "week": ("day", 7)}


class AppliedChange(models.Model):
    """How each kind of change is applied, by the acts that a person would use, and taken back."""

    _inherit = "multiservice.amendment.change"

    def _apply(self) -> None:
        self.ensure_one()
        done = getattr(self, f"_apply_{self.kind}")() or {}
        self._write_unguarded({"done": done})

    def _undo(self) -> None:
        """Take the change back: what it made goes, what it ended goes on as before."""
        self.ensure_one()
        done = self.done or {}
        for line in self.new_line_ids[::-1]:
            line._take_back()
        for line_id, end in done.get("ends", ())[::-1]:
            self.env["multiservice.contract.line"].browse(line_id)._go_on_until(_to_date(end))
        undo = getattr(self, f"_undo_{self.kind}", None)
        if undo:
            undo(done)
        self._write_unguarded({"done": False, "new_line_ids": [Command.clear()]})

    def _apply_add_line(self) -> None:
        self._add(self.env["multiservice.contract.line"].create(self._prepare_line_vals()))

    def _prepare_line_vals(self) -> dict:
        return {
            "contract_id": self.contract_id.id,
            "sequence": 10 + max(self.contract_id.line_ids.mapped("sequence"), default=0),
            "site_id": self.site_id.id,
            "product_id": self.product_id.id,
            "name": self.name,
            "pricing": self.pricing,
            "quantity": self.quantity,
            "price_unit": self.price_unit,
            "discount": self.discount,
            "tax_ids": [Command.set(self.tax_ids.ids)],
            "date_start": self.amendment_id._day(),
            "date_end": self.date_last,
        }

    def _apply_replace_line(self) -> dict:
        if not self._changed((*LINE_TERMS, *SCHEDULE_FIELDS)):
            raise UserError(self.env._("“%s” changes nothing: the terms are those in force.", self.summary))
        return self._replace(self.line_id._succeeding_from(self.amendment_id._day()), self._replacing_vals)

    def _replacing_vals(self, line) -> dict:
        """Values in which the line that follows `line` differs from it."""
        vals = self._changed(LINE_TERMS)
        if "product_id" in vals:
            product = self.product_id.with_context(lang=self.partner_id.lang)
            vals["name"] = product.get_product_multiline_description_sale()
        if self._changed(SCHEDULE_FIELDS):
            price = {} if "price_unit" in vals else self._rescaled(line)
            vals |= price | {name: self[name] for name in SCHEDULE_FIELDS} | {"own_schedule": True}
        if "price_unit" in vals:
            vals["price_note"] = False
        return vals

    def _rescaled(self, line) -> dict:
        """The line's price for a period of the new schedule."""
        owner = line._schedule_owner()
        factor = self._length(self) / self._length(owner) if self._is_multiple(owner) else None
        if factor is None:
            raise UserError(
                self.env._(
                    "“%s”: weeks or days and months are no multiples of each other. Change each service by itself, and "
                    "give it a new price.",
                    self.summary,
                )
            )
        if factor == 1 or line.measured or line.pricing == "smoothed":
            return {}  # the price is for a unit measured, or for a year
        if line.pricing not in SIMPLE or line.minimum_amount:
            raise UserError(
                self.env._(
                    "“%(line)s” has tiers, lots or a minimum for one period: end it, and add it on the new schedule.",
                    line=line._first_line(),
                )
            )
        price = Decimal(str(line.price_unit)) * factor.numerator / factor.denominator
        return {"price_unit": float(line._rounded_price(price))}

    def _is_multiple(self, other) -> bool:
        return _unit(self) == _unit(other)

    @api.model
    def _length(self, schedule) -> Fraction:
        unit, factor = UNITS[schedule.recurrence_unit]
        return Fraction(UNIT_LENGTHS[unit][1] * factor * schedule.recurrence_interval)

    def _replace(self, lines, vals_of) -> dict:
        """Succeed `lines` from the day of the amendment, or from their own first day where that is later."""
        if not lines:
            raise UserError(
                self.env._(
                    "“%(change)s”: nothing of it is left on %(day)s.",
                    change=self.summary,
                    day=format_date(self.env, self.amendment_id._day()),
                )
            )
        ends = []
        for line in lines:
            ends.append([line.id, _to_json(line.date_end)])
            name = {"name": line.name}  # a translated product gives a copy another text
            self._add(line._replace_from(max(self.amendment_id._day(), line.date_start), name | vals_of(line)))
        return {"ends": ends}

    def _add(self, lines) -> None:
        self._write_unguarded({"new_line_ids": [Command.link(line.id) for line in lines]})

    def _apply_end_line(self) -> dict:
        last = self._last_day()
        return self._end(self.line_id._succeeding_from(last + timedelta(days=1)))

    def _apply_close_site(self) -> dict:
        day = self._last_day() + timedelta(days=1)
        lines = self.contract_id.line_ids.filtered(
            lambda line: line.site_id == self.site_id and not line.display_type and line._is_served_from(day)
        )
        return self._end(lines)

    def _end(self, lines) -> dict:
        """End `lines`, those that start later without a day of service."""
        last, ends = self._last_day(), []
        if not lines:
            raise UserError(
                self.env._(
                    "“%(change)s”: nothing of it goes on after %(day)s.",
                    change=self.summary,
                    day=format_date(self.env, last),
                )
            )
        for line in lines.sorted("date_start", reverse=True):
            ends.append([line.id, _to_json(line.date_end)])
            line._end_on(max(last, line.date_start - timedelta(days=1)))
        return {"ends": ends}

    def _apply_add_site(self) -> None:
        day = self.amendment_id._day()
        lines = self.contract_id.line_ids.filtered(
            lambda line: (
                line.site_id == self.model_site_id
                and not line.display_type
                and line.pricing != "one_off"
                and not line.successor_ids
                and line._is_served_from(day)
            )
        )
        if not lines:
            raise UserError(
                self.env._(
                    "“%(change)s”: the contract has no service on %(site)s that day.",
                    change=self.summary,
                    site=self.model_site_id.display_name,
                )
            )
        last = max(self.contract_id.line_ids.mapped("sequence"))
        for rank, line in enumerate(lines, start=1):
            start = max(day, line.date_start)
            vals = {"site_id": self.site_id.id, "date_start": start, "sequence": last + 10 * rank, "name": line.name}
            self._add(line.copy(vals | {"date_end": line.date_end, "anchor_date": line.anchor_date}))

    def _apply_suspend(self) -> None:
        suspension = self.env["multiservice.suspension"].create(
            {
                "contract_id": self.contract_id.id,
                "site_id": not self.line_id and self.site_id.id,
                "line_id": self.line_id.id,
                "date_start": self.amendment_id._day(),
                "date_end": self.date_last,
                "reason": self.reason,
                "prolong": self.prolong and not (self.line_id or self.site_id),
            }
        )
        self._write_unguarded({"new_suspension_id": suspension.id})

    def _undo_suspend(self, _done: dict) -> None:
        self.new_suspension_id.unlink()

    def _apply_resume(self) -> dict:
        suspension, day = self.suspension_id, self.amendment_id._day()
        known = {"date_start": suspension.date_start, "date_end": suspension.date_end}
        if day <= suspension.date_start:
            raise UserError(
                self.env._("“%s”: not a day of the suspension would be left, take it back itself.", self.summary)
            )
        suspension.date_end = day - timedelta(days=1)
        return {"suspension_end": _to_json(known["date_end"])}

    def _undo_resume(self, done: dict) -> None:
        self.suspension_id.date_end = _to_date(done["suspension_end"])

    def _apply_contract_terms(self) -> dict:
        """Write what has no day of its own from now on; let the lines follow another schedule from that day."""
        contract = self.contract_id
        plain_terms = self._changed(("payment_term_id", "grouping", "invoice_partner_id"))
        schedule = self._changed(SCHEDULE_FIELDS)
        if not (plain_terms or schedule):
            raise UserError(self.env._("“%s” changes nothing: the terms are those in force.", self.summary))
        before = {name: contract[name].id if name.endswith("_id") else contract[name] for name in plain_terms}
        contract.write(plain_terms)
        return {"terms": before} | (self._change_schedule() if schedule else {})

    def _undo_contract_terms(self, done: dict) -> None:
        contract = self.contract_id
        contract.write(done["terms"])
        if "schedule" in done:
            frozen = self.env["multiservice.contract.line"].browse(done["frozen"])
            for line in frozen:
                line._write_unguarded({"own_schedule": False, "anchor_date": line.anchor_date})
            contract._write_unguarded(done["schedule"])

    def _change_schedule(self) -> dict:
        """The lines so far keep the old schedule as their own; those that follow them go by the contract's new one."""
        contract, day = self.contract_id, self.amendment_id._day()
        following = contract.line_ids.filtered(
            lambda line: not (line.display_type or line.own_schedule) and line.pricing != "one_off"
        )
        going_on = following.filtered(lambda line: line._is_served_from(day))
        prices = {line: self._rescaled(line) for line in going_on}
        before = {name: contract[name] for name in SCHEDULE_FIELDS}
        frozen = following | contract.line_ids.filtered(lambda line: line.pricing == "one_off" and line.is_held)
        frozen = frozen.filtered(lambda line: not line.own_schedule)
        for line in frozen:
            line._write_unguarded(before | {"own_schedule": True, "anchor_date": line.anchor_date})
        contract._write_unguarded({name: self[name] for name in SCHEDULE_FIELDS})
        done = self._replace(going_on, lambda line: {"own_schedule": False, **prices[line]})
        return done | {"schedule": before, "frozen": frozen.ids}


class SucceedingLine(models.Model):
    _inherit = "multiservice.contract.line"

    def _is_served_from(self, day: date) -> bool:
        """Whether the line has a day of service on `day` or later, by its own dates."""
        self.ensure_one()
        return not self.date_end or self.date_end >= max(day, self.date_start)

    def _succeeding_from(self, day: date):
        """Of the lines that replaced each other, with this one, those with a day of service on `day` or later."""
        line, lines = self._chain_root(), self.browse()
        while line:
            if line._is_served_from(day):
                lines |= line
            line = line.successor_ids[:1]
        return lines

    def _go_on_until(self, day: date | None) -> None:
        """Let the line go on as before it was ended or replaced, unless something else takes its place since."""
        self.ensure_one()
        if self.successor_ids.filtered(lambda line: not day or line.date_start <= day):
            raise UserError(self.env._("“%s” was changed once more since: take that back first.", self.display_name))
        self._end_on(day)

    def _take_back(self) -> None:
        """Delete a line that nothing was billed of; what replaced it later replaces again what it had replaced."""
        self.ensure_one()
        before, later = self.predecessor_id, self.successor_ids
        self._end_on(self.date_start - timedelta(days=1))  # the rows that waited for an invoice go
        if self.billable_ids:
            raise UserError(
                self.env._("“%s” was billed before and cannot be taken back: amend the contract.", self.display_name)
            )
        # sudo: amendments, whoever may see them, are of what the line replaced
        changes = self.env["multiservice.amendment.change"].sudo().search([("line_id", "=", self.id)])
        if changes and not before:
            raise UserError(
                self.env._(
                    "Amendment %(amendment)s is of “%(line)s”, too: delete it first.",
                    amendment=changes[0].amendment_id.display_name,
                    line=self.display_name,
                )
            )
        changes._write_unguarded({"line_id": before.id})
        later._write_unguarded({"predecessor_id": False})
        later.flush_recordset(["predecessor_id"])
        self.unlink()
        later._write_unguarded({"predecessor_id": before.id})


def _unit(schedule) -> str:
    return UNIT_LENGTHS[UNITS[schedule.recurrence_unit][0]][0]


def _to_json(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _to_date(day: str | None) -> date | None:
    return date.fromisoformat(day) if day else None
