from collections import defaultdict
from datetime import date
from typing import NamedTuple

from odoo import api, models
from odoo.tools import SQL

from ..engine.periods import Period, issue_date

# Kinds of charges that follow each other period by period.
RECURRING_KINDS = ("whole", "prorated", "free")


class Entry(NamedTuple):
    """A charge to compare. `root` stands for the succession of its line, `index` for its period on the schedule."""

    line: models.Model
    start: date
    amount: float
    root: models.Model
    index: int


class Before(NamedTuple):
    """What the period before cost, whether it was a part of a period, and whether there was none at all."""

    amount: float = 0.0
    in_part: bool = False
    new: bool = False


class Previous(NamedTuple):
    """What was billed for the periods before some others.

    `compared`: by (line id, first day). Left out is what only adds to a period that was billed already, and what is
    `rescheduled`: the first period of a line that replaces one with another schedule. `ended`: what the lines of the
    same contracts that have nothing any more cost in the period before.
    """

    compared: dict[tuple[int, date], Before]
    rescheduled: set[tuple[int, date]]
    ended: dict

    def amount(self, line_id: int, start: date) -> float:
        return self.compared.get((line_id, start), Before()).amount


class PreviousPeriod(models.Model):
    _inherit = "multiservice.contract.line"

    @api.model
    def _previous_periods(self, entries, corrections=(), rows=None, over=None, through=None) -> Previous:
        """What was billed before `entries`, which are (line, first day, amount) of recurring services, one for each
        component.

        Each period is compared with the one before it on its schedule, be that in the ledger or among the entries.
        Lines that replaced each other count together; the first entry of a period bears the comparison.

        `corrections`: triples like `entries` that change what earlier periods cost. `rows`: the ledger's rows of the
        entries, where they are in it already. `over`: lines that have nothing left to bill; what they cost before the
        period due on the day `through` has ended, unless the contract's period was billed already.
        """
        groups = self._by_schedule(entries)
        indexes = {key: {entry.index for entry in of_key} for key, of_key in groups.items()}
        for line in over or ():
            key = line._schedule_key()
            if key not in groups:
                indexes[key] = {_last_due(*key[1:], through)}
        billed = self._billed_around(indexes, corrections, rows)
        previous = Previous({}, set(), {})
        for key, of_key in indexes.items():
            costs = _Costs(groups.get(key, []), billed[key])
            costs.compare(previous)
            if key in groups or not any(costs.total(root, index) for root, index in billed[key] if index in of_key):
                previous.ended.update(costs.ended(of_key))
        return previous

    @api.model
    def _by_schedule(self, entries) -> dict[tuple, list[Entry]]:
        amounts, groups = defaultdict(float), defaultdict(list)
        for line, start, amount in entries:  # the components of a period are compared together
            amounts[line, start] += amount
        for (line, start), amount in sorted(amounts.items(), key=lambda entry: (entry[0][1], entry[0][0].id)):
            key = line._schedule_key()
            groups[key].append(Entry(line, start, amount, line._chain_root(), key[1].index(start)))
        return groups

    @api.model
    def _billed_around(self, indexes, corrections, rows) -> dict[tuple, dict]:
        """By schedule, then by (root, index): what the ledger holds, less `rows`, in the periods of `indexes` and the
        ones before them, as (line, amount, whether a part of a period).
        """
        windows, keys = {}, {}
        for key, of_key in indexes.items():
            contract, recurrence, _issue = key
            window = Period(recurrence.period(min(of_key) - 1).start, recurrence.period(max(of_key)).end)
            for line in contract.line_ids.filtered(lambda line: line._is_recurring()):
                if line._schedule_key() == key:
                    windows[line], keys[line] = window, key
        held = self.env["multiservice.billable"]._held_within(windows, rows)
        held += [(line, start, amount, False) for line, start, amount in corrections if line in keys]
        billed = {key: defaultdict(list) for key in indexes}
        for line, start, amount, in_part in held:
            index = keys[line][1].index(start)
            billed[keys[line]][line._chain_root(), index].append((line, amount, in_part))
        return billed

    def _schedule_key(self) -> tuple:
        """What lines have in common whose periods are billed together, one after the other."""
        self.ensure_one()
        schedule = self._to_schedule_in_force()
        return self.contract_id, schedule.recurrence, schedule.issue

    def _is_recurring(self) -> bool:
        self.ensure_one()
        return not self.display_type and self.pricing != "one_off" and bool(self.date_start)

    def _chain_root(self):
        """The first of the lines that replaced each other up to this one."""
        root = self
        while root.predecessor_id:
            root = root.predecessor_id
        return root


class _Costs:
    """What each succession of lines of one contract, on one schedule, cost in which period."""

    def __init__(self, entries: list[Entry], billed: dict) -> None:
        self.entries = entries
        self.billed = billed
        self.entered = defaultdict(float)
        for entry in entries:
            self.entered[entry.root, entry.index] += entry.amount

    def total(self, root, index: int) -> float:
        """Rounded: sums of amounts that cancel each other out are nothing."""
        billed = sum(amount for _line, amount, _in_part in self.billed.get((root, index), ()))
        return root.currency_id.round(billed + self.entered.get((root, index), 0.0))

    def compare(self, previous: Previous) -> None:
        seen = set()
        for entry in self.entries:
            key, period, before = (entry.line.id, entry.start), (entry.root, entry.index), (entry.root, entry.index - 1)
            if entry.line.currency_id.compare_amounts(self.total(*period), self.entered[period]):
                continue  # more of a period that was billed already
            known = before in self.billed or before in self.entered
            replaced = entry.line.predecessor_id
            if period in seen:
                previous.compared[key] = Before()
            elif not known and replaced and replaced._schedule_key() != entry.line._schedule_key():
                previous.rescheduled.add(key)
            else:
                in_part = any(in_part for _line, _amount, in_part in self.billed.get(before, ()))
                previous.compared[key] = Before(self.total(*before), in_part, not known)
            seen.add(period)

    def ended(self, indexes: set[int]) -> dict:
        """By line that has nothing in one of the periods: what it cost in the one before. In a stable order, for a
        reason that somebody checked to stay the same.
        """
        ended = {}
        for root, before in sorted({*self.billed, *self.entered}, key=lambda period: (period[0].id, period[1])):
            index = before + 1
            if index not in indexes or (root, index) in self.entered or self.total(root, index):
                continue
            amount = self.total(root, before)
            last = self._last_line(root, before)
            if amount and not last.successor_ids:
                ended[last] = ended.get(last, 0.0) + amount
        return ended

    def _last_line(self, root, index: int):
        lines = [line for line, _amount, _in_part in self.billed.get((root, index), ())]
        lines += [entry.line for entry in self.entries if (entry.root, entry.index) == (root, index)]
        return max(lines, key=lambda line: line.date_start)


def _last_due(recurrence, issue, day: date) -> int:
    """The number of the last period that may be billed on `day`."""
    index = recurrence.index(day)
    while issue_date(recurrence.period(index + 1), issue) <= day:
        index += 1
    while issue_date(recurrence.period(index), issue) > day:
        index -= 1
    return index


class HeldWithin(models.Model):
    _inherit = "multiservice.billable"

    @api.model
    def _held_within(self, windows, rows=None) -> list[tuple]:
        """(line, first day, amount, whether a part of a period) of what is held of the periods that begin in each
        line's window, less `rows`.
        """
        lines = {line.id: line for line in windows if line.id}
        if not lines:
            return []
        self.flush_model()
        found = self.env.execute_query(
            SQL(
                """
                SELECT row.contract_line_id, row.period_start, row.amount, row.kind = 'prorated'
                  FROM unnest(%s::int[], %s::date[], %s::date[]) AS opened(line_id, first_day, last_day)
                  JOIN multiservice_billable row
                    ON row.contract_line_id = opened.line_id
                   AND row.period_start BETWEEN opened.first_day AND opened.last_day AND row.held
                 WHERE NOT row.id = ANY(%s)
                """,
                list(lines),
                [window.start for line, window in windows.items() if line.id],
                [window.end for line, window in windows.items() if line.id],
                list(rows.ids if rows else []),
            )
        )
        return [(lines[line_id], start, float(amount), part) for line_id, start, amount, part in found]
