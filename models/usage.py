from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import format_date

from .billing_run_item import CONFLICTS

# What a billed quantity was billed by.
BILLED_FIELDS = frozenset(("line_id", "date", "quantity"))
CAP_DAYS = timedelta(days=31)
PUSHED_FIELDS = ("reference", "meter", "line_id", "date", "quantity", "note")


class Usage(models.Model):
    """A quantity measured for a contract line on a day: entered, imported, or pushed by another system.

    It is priced in the period of its day and billed once that period is over. What becomes known later is billed, as a
    correction of its own period, by the next billing run.
    """

    _name = "multiservice.usage"
    _description = "Usage"
    _order = "date desc, id desc"
    _check_company_auto = True

    _reference_uniq = models.UniqueIndex(
        "(company_id, reference) WHERE reference IS NOT NULL", "This reference was received already."
    )
    _line_days_idx = models.Index("(line_id, date)")

    line_id = fields.Many2one(
        "multiservice.contract.line",
        string="Service",
        compute="_compute_line_id",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        domain="[('measured', '=', True), ('contract_state', 'in', ('draft', 'active', 'ended'))]",
        ondelete="restrict",
        help="The contract line whose quantity was measured; of lines that replaced each other, the one in force on "
        "the day.",
    )
    meter = fields.Char(
        compute="_compute_meter",
        store=True,
        readonly=False,
        precompute=True,
        help="Number of the meter or counter, as on the contract line: it finds the line.",
    )
    contract_id = fields.Many2one(related="line_id.contract_id", store=True, index=True, precompute=True)
    company_id = fields.Many2one(related="line_id.company_id", store=True, index=True, precompute=True)
    partner_id = fields.Many2one(related="line_id.partner_id", string="Customer", store=True, precompute=True)
    site_id = fields.Many2one(related="line_id.site_id", store=True, precompute=True)
    product_id = fields.Many2one(related="line_id.product_id", string="Product", store=True, precompute=True)
    date = fields.Date(required=True, default=fields.Date.context_today, help="Day on which it was measured.")
    quantity = fields.Float(
        required=True,
        digits=(16, 4),
        min_display_digits="Product Unit",
        help="Measured quantity; below zero to take back what was measured too much. The sum of a period is never "
        "billed below zero.",
    )
    reference = fields.Char(
        string="External Reference",
        copy=False,
        help="What the system that measured calls this quantity. It is received once, however often it is sent.",
    )
    note = fields.Char()
    source = fields.Selection(
        [("entered", "Entered"), ("imported", "Imported"), ("pushed", "Pushed by another system")],
        default=lambda self: "imported" if self.env.context.get("import_file") else "entered",
        required=True,
        readonly=True,
    )
    late = fields.Boolean(
        readonly=True, copy=False, help="Became known when its period was billed already: the next run bills it."
    )
    billable_id = fields.Many2one(
        "multiservice.billable",
        string="Billed In",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The row of the billing ledger that priced it.",
    )
    is_billed = fields.Boolean(
        string="Billed", related="billable_id.held", store=True, help="On a draft or posted invoice: it is frozen."
    )

    @api.depends("meter", "date")
    def _compute_line_id(self):
        for usage in self:
            found = usage.meter and usage.date and not usage.line_id and usage._line_of_meter(usage.meter, usage.date)
            usage.line_id = found or usage.line_id

    @api.depends("line_id")
    def _compute_meter(self):
        for usage in self:
            usage.meter = usage.line_id.meter or usage.meter

    @api.depends("line_id.name", "date")
    def _compute_display_name(self):
        for usage in self:
            usage.display_name = f"{usage.line_id.display_name} {format_date(self.env, usage.date)}"

    @api.constrains("line_id", "date")
    def _check_served(self):
        for usage in self:
            line = usage.line_id
            if not line.measured:
                raise ValidationError(self.env._("“%s” is not billed by a measured quantity.", line.display_name))
            first = max(line.date_start, line._first_billable_day() or line.date_start)
            end = line._service_end()
            if usage.date < first or (end and usage.date > end):
                raise ValidationError(
                    self.env._(
                        "“%(line)s” is not in service on %(day)s: nothing can be measured for it that day.",
                        line=line.display_name,
                        day=format_date(self.env, usage.date),
                    )
                )
            if any(pause.includes(usage.date) for pause in line.contract_id.suspension_ids._pauses(line)):
                raise ValidationError(
                    self.env._(
                        "“%(line)s” is suspended on %(day)s: nothing is measured then. End the suspension before that "
                        "day, or correct the day.",
                        line=line.display_name,
                        day=format_date(self.env, usage.date),
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        usages = super().create([self._prepare_create(vals) for vals in vals_list])
        usages._replan()
        return usages

    def write(self, vals):
        if BILLED_FIELDS.intersection(vals):
            self._check_not_billed(vals)
            self._replan()
        result = super().write(vals)
        if BILLED_FIELDS.intersection(vals):
            self._replan()
        return result

    def _write_unguarded(self, vals):
        """Write what only billing may change."""
        return super().write(vals)  # pylint: disable=super-method-mismatch

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billed(self):
        self._check_not_billed({})
        self._replan()

    def action_view_invoice(self):
        self.ensure_one()
        return self.billable_id.action_view_invoice()

    @api.model
    def push(self, items: list[dict]) -> list[dict]:
        """Receive measured quantities from another system, over Odoo's JSON-2 API.

        `POST /json/2/multiservice.usage/push` with `{"items": [{"reference": "R-1", "meter": "C-1042", "date":
        "2026-01-31", "quantity": 12.5, "note": ""}]}`; `line_id`, the number of the contract line, does for a meter.

        Each item is settled by itself, in order, and told as `created`, `updated`, `unchanged` or `error` with a
        message. Sent again, an item changes nothing; a billed one is never changed.
        """
        return [self._push_one(item) for item in items]

    @api.model
    def _push_one(self, item: dict) -> dict:
        reference = isinstance(item, dict) and item.get("reference")
        try:
            with self.env.cr.savepoint():
                usage, status = self._receive(item)
        except CONFLICTS:
            raise  # another process: the caller sends again
        except (UserError, TypeError, ValueError) as error:
            return {"reference": reference or False, "id": False, "status": "error", "message": str(error)}
        return {"reference": reference, "id": usage.id, "status": status, "message": False}

    @api.model
    def _receive(self, item: dict):
        """The usage that `item` tells, and what became of it."""
        unknown = set(item) - set(PUSHED_FIELDS)
        if unknown or not item.get("reference") or not item.get("date"):
            raise UserError(
                self.env._(
                    "An item has a reference, a meter or line_id, a date and a quantity, perhaps a note%(unknown)s.",
                    unknown=f"; {', '.join(sorted(unknown))}?" if unknown else "",
                )
            )
        vals = {"date": fields.Date.to_date(item["date"]), "quantity": float(item.get("quantity") or 0.0)}
        line = self._line_of(item, vals["date"])
        vals |= {"line_id": line.id, "note": item.get("note") or False}
        known = self.search([("company_id", "=", line.company_id.id), ("reference", "=", item["reference"])])
        if not known:
            return self.create(vals | {"reference": item["reference"], "source": "pushed"}), "created"
        if not any(known._would_change(name, value) for name, value in vals.items()):
            return known, "unchanged"
        known.write(vals)
        return known, "updated"

    @api.model
    def _line_of(self, item: dict, day: date):
        if item.get("line_id"):
            line = self.env["multiservice.contract.line"].search([("id", "=", int(item["line_id"]))])
            line = line and line._in_force_on(day)
        else:
            line = self._line_of_meter(item.get("meter") or "", day)
        if not line:
            raise UserError(
                self.env._("No contract line has the meter or number %s.", item.get("meter") or item.get("line_id"))
            )
        return line

    @api.model
    def _line_of_meter(self, meter: str, day: date):
        """The measured line with that meter that is in service on `day`, else the last one that had it."""
        lines = self.env["multiservice.contract.line"].search(
            Domain("meter", "=", meter)
            & Domain("measured", "=", True)
            & Domain("company_id", "=", self.env.company.id)
            & Domain("contract_id.state", "in", ("draft", "active", "ended")),
            order="date_start desc",
        )
        serving = lines.filtered(lambda line: line._serves_on(day))
        return (serving or lines)[:1]

    @api.model
    def _prepare_create(self, vals: dict) -> dict:
        """`vals` with the line of the succession that is in force on the day."""
        vals = vals | {"reference": vals.get("reference") or None}
        day = fields.Date.to_date(vals.get("date") or fields.Date.context_today(self))
        line = self.env["multiservice.contract.line"].browse(vals.get("line_id") or ())
        if not line and vals.get("meter"):
            line = self._line_of_meter(vals["meter"], day)
            if not line:
                raise UserError(self.env._("No contract line of this company has the meter %s.", vals["meter"]))
        if line:
            line = line._in_force_on(day)
            vals |= {"line_id": line.id, "late": bool(line.billed_to and day <= line.billed_to)}
        return vals

    def _check_not_billed(self, vals: dict) -> None:
        """Refuse to change what was billed, or to delete it where `vals` is empty."""
        for usage in self.filtered("is_billed"):
            if not vals or any(usage._would_change(name, vals[name]) for name in BILLED_FIELDS.intersection(vals)):
                raise UserError(
                    self.env._(
                        "%(usage)s was billed on %(invoice)s: it can no longer be changed or deleted. Enter the "
                        "difference as another quantity of the same day; the next billing run bills or credits it.",
                        usage=usage.display_name,
                        # sudo: a planner who may not read invoices is told which one it is
                        invoice=usage.sudo().billable_id.move_id.display_name or self.env._("the ledger"),
                    )
                )

    def _would_change(self, name: str, value) -> bool:
        field = self._fields[name]
        return field.convert_to_record(field.convert_to_cache(value, self), self) != self[name]

    def _replan(self) -> None:
        """Plan again what was billed of the periods in which something was measured."""
        for line, usages in self.grouped("line_id").items():
            if line.is_held:
                # sudo: a planner enters quantities, whose lines it may not edit
                line.sudo().replan_from = line._touch(min(usages.mapped("date")))

    @api.model
    def _settle(self, rows) -> None:
        """Note in which of the ledger's `rows`, just entered, quantities were billed."""
        rows = rows.filtered("contract_line_id.measured")
        if not rows:
            return
        by_line = rows.grouped("contract_line_id")
        waiting = self.search(
            [
                ("line_id", "in", rows.contract_line_id.ids),
                ("date", "<=", max(rows.mapped("period_end"))),
                ("is_billed", "=", False),
            ]
        )
        settled = defaultdict(self.browse)
        for usage in waiting:
            for row in by_line[usage.line_id]:
                if row.period_start <= usage.date <= row.period_end:
                    settled[row] |= usage
                    break
        for row, usages in settled.items():
            usages._write_unguarded({"billable_id": row.id})


class MeasuredLine(models.Model):
    _inherit = "multiservice.contract.line"

    meter = fields.Char(
        index="btree_not_null",
        copy=False,
        help="Number of the meter or counter that measures the quantity: files and other systems name the line by it.",
    )
    usage_ids = fields.One2many("multiservice.usage", "line_id")
    usage_count = fields.Integer(compute="_compute_usage_count")

    @api.depends("usage_ids")
    def _compute_usage_count(self):
        counts = dict(
            self.env["multiservice.usage"]._read_group([("line_id", "in", self.ids)], ["line_id"], ["__count"])
        )
        for line in self:
            line.usage_count = counts.get(line._origin, 0)

    @api.depends("usage_ids.date", "usage_ids.quantity")
    def _compute_next_billing_date(self):
        return super()._compute_next_billing_date()

    def action_view_usage(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("multiservice.usage_action")
        return action | {"domain": [("line_id", "=", self.id)], "context": {"default_line_id": self.id}}

    def _serves_on(self, day: date) -> bool:
        self.ensure_one()
        end = self._service_end()
        return bool(self.date_start) and self.date_start <= day and (not end or day <= end)

    def _in_force_on(self, day: date):
        """Of the lines that replaced each other, the one in service on `day`; this one if there is none."""
        self.ensure_one()
        line = self
        while line.predecessor_id and day < line.date_start:
            line = line.predecessor_id
        while line.successor_ids and day >= line.successor_ids[0].date_start:
            line = line.successor_ids[0]
        return line

    def _replace_from(self, day: date, vals: dict):
        """What was measured from `day` on belongs to the successor, and is billed at its price."""
        successor = super()._replace_from(day, {"meter": self.meter, **vals})
        moved = self.usage_ids.filtered(lambda usage: usage.date >= day)
        if moved and successor.measured:
            moved._write_unguarded({"line_id": successor.id, "billable_id": False})
            self.replan_from = self._touch(day)
        return successor


class UsageInPlan(models.Model):
    _inherit = "multiservice.billable"

    @api.model
    def _with_usage(self, terms, since):
        """`terms` with what was measured in the window of each line."""
        measured = {line: term for line, term in terms.items() if term.usage is not None and line._origin}
        if not measured:
            return terms
        first = min(since[term.line] for term in measured.values())
        if any(term.shares for term in measured.values()):
            first -= CAP_DAYS  # what was used before counts against the caps of its week or month
        domain = Domain("line_id", "in", [line._origin.id for line in measured]) & Domain("date", ">=", first)
        # sudo: quantities are added up, not shown; who may plan a contract need not see its usage
        sums = self.env["multiservice.usage"].sudo()._read_group(domain, ["line_id", "date:day"], ["quantity:sum"])
        readings = defaultdict(list)
        for line, day, quantity in sums:
            readings[line.id].append((day, Decimal(str(round(quantity, 4)))))
        return terms | {line: replace(term, usage=tuple(readings[term.line])) for line, term in measured.items()}
