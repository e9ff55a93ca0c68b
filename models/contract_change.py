from datetime import date, timedelta

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import float_compare, format_date

from .pricing_mixin import TARIFF_FIELDS
from .schedule_mixin import SCHEDULE_FIELDS
from .transition import check_transition

TRANSITIONS = {
    "draft": {"active", "cancelled"},
    "active": {"ended", "cancelled"},
    "ended": {"active"},
    "cancelled": {"draft"},
}

# Read-only in the model once something was billed: other periods would be read another way.
CONTRACT_HELD_FIELDS = frozenset((*SCHEDULE_FIELDS, "date_start", "date_end", "billed_until", "currency_id"))
# What an act records, with all that follows from it.
ACT_FIELDS = frozenset(
    ("state", "renewal_count", "informed_on", "free_exit_from", "refused_on", "refused_by", "refusal_reason")
)
# Who owes and who is served changes only by a dated act, never by an edit of a running contract.
PARTY_FIELDS = frozenset(("partner_id", "company_id"))

# What a period already billed depends on: read-only in the model once the ledger holds a row of the line.
LINE_HELD_FIELDS = frozenset(
    (
        *SCHEDULE_FIELDS,
        "own_schedule",
        "display_type",
        "date_start",
        "date_end",
        "anchor_date",
        "billed_until",
        *TARIFF_FIELDS,
        "tier_ids",
        "bank_id",
        "product_id",
        "quantity",
        "price_unit",
        "discount",
        "tax_ids",
        "site_id",
        "predecessor_id",
    )
)


class ContractChange(models.Model):
    """How a contract changes: its states, and the guards on what was billed or is running."""

    _inherit = "multiservice.contract"

    def write(self, vals):
        if ACT_FIELDS.intersection(vals):
            self._check_unchanged(vals, ACT_FIELDS, self, self.env._("use the buttons of the contract"))
        if not vals.get("active", True):
            self._check_archivable()
        if PARTY_FIELDS.intersection(vals):
            self._check_unchanged(
                vals,
                PARTY_FIELDS,
                self.filtered(lambda contract: contract.state in ("active", "ended") or contract.is_held),
                self.env._("the customer of a running contract does not change by an edit: end it and make another"),
            )
        if CONTRACT_HELD_FIELDS.intersection(vals):
            self._check_unchanged(
                vals,
                CONTRACT_HELD_FIELDS,
                self.filtered("is_held"),
                self.env._("it was billed by these terms: use “End on…”, or “Replace from…” on a line"),
            )
        if "date_end" in vals:
            self._stop_prolonging(fields.Date.to_date(vals["date_end"]))
        following = self.env["multiservice.contract.line"]
        if "date_start" in vals:
            following = self.line_ids.filtered(lambda line: line.date_start == line.contract_id.date_start)
        result = super().write(vals)
        if "company_id" in vals:
            self.check_access("write")  # not into a company that is not the user's
        if "date_start" in vals:
            following.write({"date_start": vals["date_start"]})
        return result

    def _check_editable(self):
        """No line is added to a contract that is over."""
        for contract in self:
            if contract.state in ("ended", "cancelled"):
                raise UserError(
                    self.env._("Contract %(contract)s is over: no line can be added.", contract=contract.display_name)
                )

    def _write_unguarded(self, vals):
        """Write what only the acts of this class may change."""
        return super().write(vals)  # pylint: disable=super-method-mismatch

    def _move_to(self, state: str) -> None:
        check_transition(self, TRANSITIONS, state)
        self._write_unguarded({"state": state})

    def action_cancel(self):
        for contract in self:
            if contract.is_held:
                raise UserError(
                    self.env._(
                        "Contract %(contract)s was billed and can no longer be cancelled: use “End on…”.",
                        contract=contract.display_name,
                    )
                )
        self._move_to("cancelled")

    def action_draft(self):
        self._move_to("draft")

    def action_reopen(self):
        self._move_to("active")

    def action_end_on(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.line_end_action")
        return action | {"context": {"default_contract_id": self.id}}

    def _check_unchanged(self, vals, names, contracts, why: str):
        for contract in contracts:
            for name in names.intersection(vals):
                field = self._fields[name]
                new = field.convert_to_record(field.convert_to_cache(vals[name], contract), contract)
                if new != contract[name]:
                    raise UserError(
                        self.env._(
                            "%(contract)s: “%(field)s” cannot be changed; %(why)s.",
                            contract=contract.display_name,
                            field=field._description_string(self.env),
                            why=why,
                        )
                    )

    def _check_archivable(self):
        for contract in self:
            if contract.state == "active":
                raise UserError(
                    self.env._(
                        "Contract %(contract)s is running and bills itself: end it before you archive it.",
                        contract=contract.display_name,
                    )
                )

    def _end_on(self, day: date | None) -> None:
        """Make `day` the last day of service (None: open again), whatever was billed: the ledger corrects itself."""
        for contract in self:
            touched = min(contract.date_end or date.max, day or date.max)
            for line in contract.line_ids.filtered("is_held"):
                line.replan_from = line._touch(touched)
            contract._write_unguarded({"date_end": day})
            if contract.state == "ended" and (day is None or day >= contract.company_id._service_today()):
                contract._move_to("active")
        # sudo: the ledger is written by billing alone, never by hand
        self.env["multiservice.billable"].sudo()._drop_stale(self.line_ids.sudo())

    def _check_end(self, day: date | None) -> None:
        """Refuse an end that the contract cannot have."""
        self.ensure_one()
        if day and day < self.date_start:
            raise UserError(
                self.env._(
                    "Contract %(contract)s starts on %(start)s: it cannot end before.",
                    contract=self.display_name,
                    start=format_date(self.env, self.date_start),
                )
            )

    def _consequence_of_end(self, day: date | None) -> str:
        return self.line_ids._consequence_of_end(day)


class ContractLineChange(models.Model):
    """How a line changes: never by an edit once it was billed, but by an end, or an end and a successor."""

    _inherit = "multiservice.contract.line"

    def write(self, vals):
        if LINE_HELD_FIELDS.intersection(vals):
            self._check_not_held(vals)
        if "contract_id" in vals and any(line._would_change("contract_id", vals["contract_id"]) for line in self):
            raise UserError(self.env._("A line stays in its contract: end it there and add one to the other."))
        if "product_id" in vals and not any(line._would_change("product_id", vals["product_id"]) for line in self):
            # The same service again, as an import writes it: the price and text typed for it stay.
            vals = {name: value for name, value in vals.items() if name != "product_id"}
        return super().write(vals)

    def _write_unguarded(self, vals):
        """Write what only the acts of this class may change."""
        return super().write(vals)  # pylint: disable=super-method-mismatch

    def action_end_on(self):
        return self._open_change("multiservice.line_end_action")

    def action_replace_from(self):
        return self._open_change("multiservice.line_replace_action")

    def _open_change(self, xml_id: str) -> dict:
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(xml_id)
        return action | {"context": {"default_line_id": self.id}}

    def _check_not_held(self, vals):
        """Refuse a change of what a held line was billed by. Writing the same value again is no change."""
        for line in self.filtered("is_held"):
            changed = [name for name in LINE_HELD_FIELDS.intersection(vals) if line._would_change(name, vals[name])]
            if changed:
                labels = self.fields_get(changed, ["string"])
                raise UserError(
                    self.env._(
                        "“%(line)s” was billed to %(date)s: its %(fields)s can no longer be edited. "
                        "Use “End on…” or “Replace from…” on the line.",
                        line=line.name,
                        date=format_date(self.env, line.billed_to),
                        fields=", ".join(sorted(labels.get(name, {}).get("string", name) for name in changed)),
                    )
                )

    def _would_change(self, name, value) -> bool:
        field = self._fields[name]
        record = self.sudo()  # sudo: compares prices for a user who may not see them; nothing is returned
        if field.type in ("one2many", "many2many"):
            new = self.new({name: value}, origin=self)
            values = new.sudo()[name]
            return len(values) != len(record[name]) or set(values._origin.ids) != set(record[name].ids)
        if field.type == "float":
            digits = field.get_digits(self.env)
            return bool(float_compare(record[name], value or 0.0, precision_digits=digits[1] if digits else 6))
        return field.convert_to_record(field.convert_to_cache(value, self), self) != record[name]

    def _end_on(self, day: date | None) -> None:
        """Make `day` the last day of service (None: open again), whatever was billed: the ledger corrects itself."""
        for line in self:
            touched = min(line.date_end or date.max, day or date.max)
            line._write_unguarded({"date_end": day, "replan_from": line._touch(touched)})
            while line.predecessor_id:  # the end of a succession may settle its last period for all of it
                line = line.predecessor_id
                line.replan_from = line._touch(touched)
        # sudo: the ledger is written by billing alone, never by hand
        self.env["multiservice.billable"].sudo()._drop_stale(self.sudo())

    def _check_end(self, day: date | None) -> None:
        """Refuse an end that the line cannot have."""
        self.ensure_one()
        if self.successor_ids:
            raise UserError(
                self.env._(
                    "“%(line)s” is replaced from %(date)s: end the line that replaces it.",
                    line=self.name,
                    date=format_date(self.env, self.successor_ids[0].date_start),
                )
            )
        if day and day < self.date_start - timedelta(days=1):
            raise UserError(
                self.env._(
                    "“%(line)s” starts on %(start)s: it cannot end before %(first)s (no day of service at all).",
                    line=self.name,
                    start=format_date(self.env, self.date_start),
                    first=format_date(self.env, self.date_start - timedelta(days=1)),
                )
            )

    def _consequence_of_end(self, day: date | None) -> str:
        """What ending on `day` does to what was billed, for the person who decides."""
        billed_to = max((line.billed_to for line in self if line.billed_to), default=None)
        if day and billed_to and billed_to > day:
            return self.env._(
                "Billed to %(billed)s: the part after %(end)s is credited by the next billing run.",
                billed=format_date(self.env, billed_to),
                end=format_date(self.env, day),
            )
        return self.env._("Nothing that was billed changes.") if self else ""

    def _touch(self, day: date) -> date:
        """The day from which to plan again after a change on `day`."""
        self.ensure_one()
        return min(day, self.replan_from or date.max)

    def _replace_from(self, day: date, vals: dict) -> "ContractLineChange":
        """End the line the day before `day` and succeed it by a copy with `vals` changed; returns the successor.

        What replaced the line from a later day on then replaces that successor.
        """
        self.ensure_one()
        later = self.successor_ids
        successor_vals = {
            "date_start": day,
            "date_end": self.date_end,
            "anchor_date": self.anchor_date,
            "predecessor_id": self.id,
            **vals,
        }
        later._write_unguarded({"predecessor_id": False})
        later.flush_recordset(["predecessor_id"])  # a line is replaced only once
        self._end_on(day - timedelta(days=1))
        for rank, line in enumerate(self.contract_id.line_ids, start=1):
            line.sequence = 10 * rank
        successor = self.copy(successor_vals | {"sequence": self.sequence + 1})
        later._write_unguarded({"predecessor_id": successor.id})
        return successor
