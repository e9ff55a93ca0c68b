from collections import defaultdict
from datetime import date
from typing import NamedTuple

from odoo import api, models
from odoo.tools import SQL

# Kinds of charges that follow each other period by period.
RECURRING_KINDS = ("whole", "prorated", "free")


class Previous(NamedTuple):
    """What was billed for the periods before some others.

    `amounts`: by (line id, first day): amount of the period before, and whether that was a part of a period; left out
    where there is none. `ended`: amounts of the lines of the same contracts that have none any more.
    """

    amounts: dict[tuple[int, date], tuple[float, bool]]
    ended: dict

    def amount(self, line_id: int, start: date) -> float:
        return self.amounts.get((line_id, start), (0.0, False))[0]


class PreviousPeriod(models.Model):
    _inherit = "multiservice.contract.line"

    @api.model
    def _previous_periods(self, entries) -> Previous:
        """What was billed before `entries`, which are (line, first day, amount) of recurring services.

        The period before is that of the schedule: lines that replaced each other count together, and of several
        entries of one succession in one period the first one bears it. Where several periods follow each other in
        `entries`, each is compared with the one before it.
        """
        groups = defaultdict(list)
        for line, start, amount in sorted(entries, key=lambda entry: (entry[1], entry[0].id)):
            recurrence = line._to_schedule_in_force().recurrence
            groups[line.contract_id, recurrence].append((recurrence.index(start), line, start, amount))
        lines = {
            (contract, recurrence): contract.line_ids.filtered(lambda line, r=recurrence: line._recurs_as(r))
            for contract, recurrence in groups
        }
        billed = self.env["multiservice.billable"]._billed_within(
            {
                line: recurrence.period(groups[contract, recurrence][0][0] - 1)
                for (contract, recurrence), of_group in lines.items()
                for line in of_group
            }
        )
        amounts, ended = {}, {}
        for key, entries_of_group in groups.items():
            known = {line: billed[line.id] for line in lines[key] if line.id in billed}
            self._compare(entries_of_group, known, amounts, ended)
        return Previous(amounts, ended)

    def _compare(self, entries, billed, amounts, ended) -> None:
        """Fill `amounts` and `ended` for one schedule of one contract."""
        before, in_part, now = defaultdict(float), set(), defaultdict(float)
        for line, (amount, prorated) in billed.items():
            before[line._chain_root()] += amount
            if prorated:
                in_part.add(line._chain_root())
        for index, line, _start, amount in entries:
            now[line._chain_root(), index] += amount
        seen = set()
        for index, line, start, _amount in entries:
            root = line._chain_root()
            if (root, index) in seen:
                amounts[line.id, start] = (0.0, False)
            elif (root, index - 1) in now:
                amounts[line.id, start] = (now[root, index - 1], False)
            elif index == entries[0][0] and root in before:
                amounts[line.id, start] = (before[root], root in in_part)
            seen.add((root, index))
        roots = {root for root, _index in now}
        ended.update({line: amount for line, (amount, _part) in billed.items() if line._chain_root() not in roots})

    def _recurs_as(self, recurrence) -> bool:
        self.ensure_one()
        return (
            not self.display_type
            and self.pricing != "one_off"
            and bool(self.date_start)
            and self._to_schedule_in_force().recurrence == recurrence
        )

    def _chain_root(self):
        """The first of the lines that replaced each other up to this one."""
        root = self
        while root.predecessor_id:
            root = root.predecessor_id
        return root


class BilledWithin(models.Model):
    _inherit = "multiservice.billable"

    @api.model
    def _billed_within(self, windows) -> dict[int, tuple[float, bool]]:
        """By line id: what is held of the periods that begin in each line's window, and whether one is a part."""
        windows = {line.id: window for line, window in windows.items() if line.id}
        if not windows:
            return {}
        self.flush_model()
        return {
            line_id: (float(amount), prorated)
            for line_id, amount, prorated in self.env.execute_query(
                SQL(
                    """
                    SELECT row.contract_line_id, SUM(row.amount), BOOL_OR(row.kind = 'prorated')
                      FROM unnest(%s::int[], %s::date[], %s::date[]) AS opened(line_id, first_day, last_day)
                      JOIN multiservice_billable row
                        ON row.contract_line_id = opened.line_id
                       AND row.period_start BETWEEN opened.first_day AND opened.last_day AND row.held
                     GROUP BY row.contract_line_id
                    """,
                    list(windows),
                    [window.start for window in windows.values()],
                    [window.end for window in windows.values()],
                )
            )
        }
