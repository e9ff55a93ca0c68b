from collections import Counter, defaultdict
from datetime import date
from fractions import Fraction
from itertools import islice, takewhile
from typing import NamedTuple

from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import format_date, formatLang

from ..engine.grouping import MERGED_GROUPINGS, InvoiceDraft, Item, Policy, invoice_drafts
from ..engine.plan import Charge, by_period
from ..engine.pricing import BANK
from .billable import _key_of
from .wording import number

BUTTON_LIMIT = 20
UPCOMING_PERIODS = 12
# Computed fields of a ledger row that are given to a new one, see `_computed_vals`.
KNOWN_OF_NEW_ROWS = ("contract_id", "company_id", "partner_id", "held", "state", "hand_edited")


class Agreement(NamedTuple):
    """What all lines of one invoice share, as values of `account.move`."""

    company_id: int
    partner_id: int
    journal_id: int
    currency_id: int
    invoice_payment_term_id: int
    fiscal_position_id: int
    service_posting_mode: str
    service_order_reference: str
    service_market_reference: str
    service_buyer_reference: str
    service_mandate_id: int


class ContractBilling(models.Model):
    """From contracts to invoices: plan, group, create, enter in the ledger. Nothing here decides: the engine does."""

    _inherit = "multiservice.contract"

    def action_bill(self):
        """Bill what is due today: at once for a few contracts, by a run in the background for more."""
        self.check_access("write")
        run = self.env["multiservice.billing.run"]._create_runs(self, self.env._("Contracts chosen by hand"))
        if not run:
            if awaiting := self.filtered("awaiting_reference"):
                raise UserError(
                    self.env._(
                        "%(contract)s waits for a reference that its buyer requires: %(missing)s.",
                        contract=awaiting[0].display_name,
                        missing=awaiting[0].missing_references,
                    )
                )
            raise UserError(self.env._("Nothing is due today: see “Upcoming billing” on the contract."))
        if len(self) <= BUTTON_LIMIT:
            run._process_now()
        else:
            run.action_start()
        return run._get_records_action(name=self.env._("Billing run"))

    def _plan(self, through: date) -> list[tuple]:
        """Pairs (contract line, charge) that may be billed on `through`, in the order of contracts and lines."""
        plan = []
        for line, charges in self.line_ids._proposals():
            plan += [(line, charge) for charge in takewhile(lambda charge: charge.issue <= through, charges)]
        return plan

    def _upcoming(self) -> list[tuple]:
        """Pairs (line, its next charges not billed yet), of at most 12 periods for each line."""
        self.ensure_one()
        return [
            (line, [charge for of_period in islice(by_period(charges), UPCOMING_PERIODS) for charge in of_period])
            for line, charges in self.line_ids._proposals()
        ]

    def _compute_upcoming_html(self):
        for contract in self:
            contract.upcoming_html = contract.id and self.env["ir.qweb"]._render(
                "multiservice.contract_upcoming",
                {"contract": contract, "upcoming": contract._upcoming(), "format_charge": self._format_charge},
            )

    def _bill(self, run):
        """Bill what is due for `run`: invoices and ledger rows, all or nothing. Returns the draft invoices."""
        plan = self._plan(run.through_date)
        origins = self._corrected_lines(plan)
        zero = [(line, charge) for line, charge in plan if not charge.amount]
        priced = [(line, charge) for line, charge in plan if charge.amount]
        drafts = invoice_drafts(self._to_items(priced, origins))
        dates = self._posting_dates(drafts)
        vals_list = [self._prepare_invoice_vals(draft, priced, origins, run, dates) for draft in drafts]
        moves = self.env["account.move"]._create_complete(vals_list)
        rows = [
            (line, charge, {"closed_reason": "bank" if charge.component == BANK else "free", "billing_run_id": run.id})
            for line, charge in zero
        ]
        for draft, move in zip(drafts, moves, strict=True):
            move_lines = move.invoice_line_ids.sorted("sequence")
            for entry, move_line in zip(draft.entries, move_lines, strict=True):
                if entry.charge is not None:
                    settled = {"invoice_line_id": move_line.id, "billing_run_id": run.id}
                    rows.append((*priced[entry.charge], settled))
        # sudo: the ledger is written by billing alone, never by hand
        ledger = self.env["multiservice.billable"].sudo()
        entered = ledger._enter(rows)
        self.env["multiservice.usage"].sudo()._settle(entered)  # sudo: as above
        ledger._drop_stale(self.line_ids.sudo())
        ledger._close_windows(self.line_ids.sudo())
        return moves

    def _corrected_lines(self, plan) -> dict:
        """By charge that corrects a held key, the invoice line that it corrects."""
        corrections = [charge for _line, charge in plan if charge.held]
        since = {}
        for charge in corrections:
            since[charge.line] = min(charge.full.start, since.get(charge.line, charge.full.start))
        # sudo: the ledger tells where the correction belongs, whoever bills
        rows = self.env["multiservice.billable"].sudo()._rows_since(since)
        billed = rows.filtered(lambda row: row.held and row.invoice_line_id and row.kind != "kept")
        origins = {}
        for charge in corrections:
            of_period = billed.filtered(
                lambda row, charge=charge: (
                    row.contract_line_id.id == charge.line
                    and charge.full.start <= row.period_start <= charge.full.end
                    and row._share() == charge.share
                )
            )
            of_component = of_period.filtered(lambda row, charge=charge: row.component == charge.component)
            origins[charge] = (of_component or of_period)[:1].invoice_line_id
        return origins

    def _to_items(self, plan, origins) -> list[Item]:
        headings = {contract: contract._headings() for contract in self}
        agreements = self._agreements()
        policies = {contract: contract._to_policy(agreement) for contract, agreement in agreements.items()}
        journals = self.env["account.journal"]
        shares = self.env["multiservice.share"].sudo()  # sudo: invoices go to the payers, whoever bills
        ranks = {line: rank for contract in self for rank, line in enumerate(contract.line_ids)}
        credited = self._credited(plan, origins)
        items = []
        for index, (line, charge) in enumerate(plan):
            contract = line.contract_id
            before, after = headings[contract].get(line, ((), ()))
            origin, share = origins.get(charge), shares.browse(charge.share)
            corrected = origin.move_id if origin else credited.get(index)
            policy = policies[contract]
            if corrected or share:
                agreement = contract._agreement(corrected, journals.browse(agreements[contract].journal_id), share)
                policy = contract._to_policy(agreement, share)
            site = line._charged_site(charge)
            items.append(
                Item(
                    charge=index,
                    policy=policy,
                    site=site.id or None,
                    site_rank=site.site_code or site.name or "",
                    rank=ranks[line],
                    period=charge.period,
                    issue=charge.issue,
                    amount=charge.amount,
                    before=before,
                    after=after,
                    credited=credited[index].id if index in credited else 0,
                )
            )
        return items

    def _to_policy(self, agreement: Agreement, share=None) -> Policy:
        """How the contract's charges are grouped; `share`: those of this payer."""
        self.ensure_one()
        grouping = share._grouping() if share else self.grouping
        payer = bool(share and share.partner_id)
        return Policy(
            contract=self.id,
            grouping=grouping,
            agreement=agreement,
            per_period=self.per_period,
            by_month=self.immediate_advance and not payer,
            credits_apart=self.immediate_advance or payer,
        )

    def _sharing_invoices_with(self, others):
        """The contracts of `self` that are billed together with one of `others`, and so fail with it."""
        merged = {
            (*policy.agreement, policy.grouping)
            for other in others
            for policy in other._policies()
            if policy.grouping in MERGED_GROUPINGS
        }
        return self.filtered(
            lambda contract: any((*policy.agreement, policy.grouping) in merged for policy in contract._policies())
        )

    def _policies(self) -> list[Policy]:
        """How the charges of the customer and of each payer are grouped."""
        self.ensure_one()
        shares = self.sudo().share_ids  # sudo: as in _to_items
        return [
            self._to_policy(self._agreement()),
            *(self._to_policy(self._agreement(share=share), share) for share in shares),
        ]

    def _agreements(self) -> dict:
        """The agreement of each contract; where it names no journal, its company's is looked up once for all."""
        unnamed = self.filtered(lambda contract: not contract.journal_id).grouped("company_id")
        journals = {company: contracts[0]._journal() for company, contracts in unnamed.items()}
        return {
            contract: contract._agreement(journal=contract.journal_id or journals[contract.company_id])
            for contract in self
        }

    def _agreement(self, corrected=None, journal=None, share=None) -> Agreement:
        """What an invoice of the contract bears: today's terms; for a correction, what ties it to the corrected one.

        `share`: the invoice of this payer, with its own references and terms.
        """
        self.ensure_one()
        payer = share if share and share.partner_id else None
        source = corrected or payer or self
        prefix = "service_" if corrected else ""
        return Agreement(
            company_id=self.company_id.id,
            partner_id=payer.partner_id.id if payer else self.invoice_partner_id.id,
            journal_id=(journal or self._journal()).id,
            currency_id=self.currency_id.id,
            invoice_payment_term_id=(payer or self).payment_term_id.id,
            fiscal_position_id=(corrected or self).fiscal_position_id.id,
            service_posting_mode=self._posting_mode(),
            service_order_reference=source[f"{prefix}order_reference"] or "",
            service_market_reference=source[f"{prefix}market_reference"] or "",
            service_buyer_reference=source[f"{prefix}buyer_reference"] or "",
            service_mandate_id=False if payer else self.mandate_id.id,
        )

    def _headings(self) -> dict:
        """By line to bill, the ids of the contract's section and notes printed before it and of the notes after it."""
        self.ensure_one()
        headings, before, last = {}, (), None
        for line in self.line_ids:
            if line.display_type == "line_section":
                before, last = (line.id,), None
            elif line.display_type and last:
                headings[last] = (headings[last][0], (*headings[last][1], line.id))
            elif line.display_type:
                before = (*before, line.id)
            else:
                headings[line], last = (before, ()), line
        return headings

    def _posting_dates(self, drafts) -> dict:
        """By journal and kind of document (credit note or not), the date of the invoices that are posted at once."""
        agreements = [(Agreement(*draft.agreement), draft.refund) for draft in drafts]
        keys = {(a.journal_id, refund) for a, refund in agreements if a.service_posting_mode != "draft"}
        journals = self.env["account.journal"]
        return {
            (journal_id, refund): journals.browse(journal_id)._service_invoice_date(refund)
            for journal_id, refund in keys
        }

    def _prepare_invoice_vals(self, draft: InvoiceDraft, plan, origins, run, dates) -> dict:
        contracts = self.browse(draft.contracts)
        agreement = Agreement(*draft.agreement)
        posted = agreement.service_posting_mode != "draft"
        invoice_date = posted and dates[agreement.journal_id, draft.refund]
        return agreement._asdict() | {
            "move_type": "out_refund" if draft.refund else "out_invoice",
            "invoice_date": invoice_date,
            "invoice_date_due": not agreement.invoice_payment_term_id and invoice_date,
            "service_mandate_id": not draft.refund and agreement.service_mandate_id,
            # Core reconciles the two when the credit note is posted.
            "reversed_entry_id": (draft.refund and draft.credited) or False,
            "partner_shipping_id": draft.site or False,
            "invoice_user_id": contracts[0].user_id.id,
            "invoice_origin": ", ".join(contracts.mapped("name")),
            "ref": agreement.service_order_reference,
            "billing_run_id": run.id,
            "invoice_line_ids": [
                Command.create(self._prepare_entry_vals(draft, entry, plan, origins) | {"sequence": sequence})
                for sequence, entry in enumerate(draft.entries, start=1)
            ],
        }

    def _prepare_entry_vals(self, draft: InvoiceDraft, entry, plan, origins) -> dict:
        if entry.charge is not None:
            line, charge = plan[entry.charge]
            show_site = draft.site is None and not draft.by_site
            vals = line._prepare_invoice_line_vals(charge, draft.refund, show_site)
            origin = origins.get(charge)
            return vals | origin._prepare_correction_vals() if origin else vals
        if entry.beneficiary is not None:
            payer = self.env["res.partner"].browse(Agreement(*draft.agreement).partner_id)
            label = self.browse(entry.beneficiary)._beneficiary_label(payer)
            return {"display_type": "line_section", "name": label}
        if entry.site is not None:
            site = self.env["res.partner"].browse(entry.site)
            return {"display_type": "line_section", "name": site._site_label()}
        heading = self.env["multiservice.contract.line"].browse(entry.heading)
        nested = draft.by_site or any(one.beneficiary for one in draft.entries)
        subsection = nested and heading.display_type == "line_section"
        return {"display_type": "line_subsection" if subsection else heading.display_type, "name": heading.name}

    def _format_charge(self, line, charge: Charge) -> dict:
        """The charge in the user's language, for screens."""
        return {
            "period": f"{format_date(self.env, charge.period.start)} – {format_date(self.env, charge.period.end)}",
            "issue": format_date(self.env, charge.issue),
            "amount": formatLang(self.env, float(charge.amount), currency_obj=line.currency_id),
            "explanation": line._explain(charge),
        }


class ContractLineBilling(models.Model):
    _inherit = "multiservice.contract.line"

    def _prepare_invoice_line_vals(self, charge: Charge, refund: bool, show_site: bool) -> dict:
        """Values of the invoice line for `charge`. A negative price becomes a negative quantity (EN 16931 BR-27)."""
        self.ensure_one()
        quantity, price = charge.billed.quantity, charge.billed.unit_price
        if price < 0:
            quantity, price = -quantity, -price
        whole = charge.billed == charge.price
        return {
            "display_type": "product",
            "product_id": self.product_id.id,
            "product_uom_id": self.product_id.uom_id.id if whole and self._counts_units(charge) else False,
            "name": self._invoice_line_name(charge, show_site),
            "quantity": float(-quantity if refund else quantity),
            "price_unit": float(price),
            "discount": float(charge.billed.discount),
            "tax_ids": [Command.set(self.tax_ids.ids)],
            "account_id": self._income_account().id,
            "analytic_distribution": self._analytic_distribution(),
            "service_start": charge.period.start,
            "service_end": charge.period.end,
            "service_site_id": self._charged_site(charge).id,
            "service_contract_id": self.contract_id.id,
            "service_shown": [[share, float(amount)] for share, amount in charge.shown] or False,
        } | self._home_vals(charge)

    def _prepare_preview_vals(self, charge: Charge) -> dict:
        self.ensure_one()
        return {
            "partner_id": self.partner_id.id,
            "contract_id": self.contract_id.id,
            "contract_line_id": self.id,
            "site_id": self._charged_site(charge).id,
            "period_start": charge.period.start,
            "period_end": charge.period.end,
            "component": charge.component,
            "share_id": charge.share,
            "issue_date": charge.issue,
            "quantity": float(charge.billed.quantity),
            "price_unit": float(charge.billed.unit_price),
            "discount": float(charge.billed.discount),
            "amount": float(charge.amount),
            "currency_id": self.currency_id.id,
            "explanation": self._explain(charge),
        }

    def _analytic_distribution(self) -> dict | bool:
        account = self.contract_id.analytic_account_id
        return self.analytic_distribution or (account and {str(account.id): 100}) or False

    def _invoice_line_name(self, charge: Charge, show_site: bool) -> str:
        """What the debtor reads, in its language: service, site, period, and how a part was computed."""
        line = self.with_context(lang=self._debtor(charge).lang or self.env.lang)
        site = line._charged_site(charge)
        where = site._site_label() if show_site and site else ""
        lines = [line.name, " · ".join(part for part in (where, line._period_label(charge)) if part)]
        text = line._explain(charge) if charge.billed != charge.price else line._component_label(charge)
        if text:
            lines.append(text)
        if line.price_note:
            lines.append(line.price_note)
        return "\n".join([*lines, *line._home_remarks(charge), *line._payer_remarks(charge)])

    def _period_label(self, charge: Charge) -> str:
        start, end = format_date(self.env, charge.period.start), format_date(self.env, charge.period.end)
        return start if start == end else f"{start} – {end}"

    def _explain(self, charge: Charge) -> str:
        """What the component of `charge` is, how its amount was computed and whose it is, in words."""
        price = filter(None, [self._component_label(charge), self._explain_amount(charge)])
        return "\n".join([*price, *self._explain_split(charge)])

    def _explain_amount(self, charge: Charge) -> str:
        currency = self.currency_id
        if charge.kind == "correction":
            correction = self.env._(
                "Correction: %(owed)s due instead of %(billed)s billed",
                owed=formatLang(self.env, float(charge.held + charge.amount), currency_obj=currency),
                billed=formatLang(self.env, float(charge.held), currency_obj=currency),
            )
            return "\n".join([correction, *(self._explain_pause(pause) for pause in charge.pauses)])
        if charge.kind == "free":
            nothing = charge.measured is not None and not charge.measured
            return self.env._("Nothing measured") if nothing else self.env._("Free of charge")
        whole = self._explain_whole(charge.price)
        if charge.held:
            billed = formatLang(self.env, float(charge.held), currency_obj=currency)
            whole = self.env._("%(whole)s, less %(billed)s billed before", whole=whole, billed=billed)
        less = [self._explain_minimum(charge)] if charge.less else []
        if charge.ratio == 1:
            return "\n".join([whole, *less])
        days = charge.full.days * charge.ratio
        if charge.ratio == Fraction(charge.period.days, charge.full.days) or (charge.pauses and days.denominator == 1):
            part = self.env._(
                "%(days)s/%(all_days)s days × %(whole)s", days=days, all_days=charge.full.days, whole=whole
            )
        else:
            part = f"{charge.ratio.numerator}/{charge.ratio.denominator} × {whole}"
        return "\n".join([part, *less, *(self._explain_pause(pause) for pause in charge.pauses)])

    def _explain_pause(self, pause) -> str:
        return self.env._(
            "Suspended from %(start)s to %(end)s",
            start=format_date(self.env, pause.start),
            end=format_date(self.env, pause.end),
        )

    def _explain_whole(self, price) -> str:
        """Quantity × unit price − discount, as far as there is something to say."""
        whole = self._format_unit_price(price.unit_price)
        if price.quantity != 1:
            whole = f"{self._format_number(price.quantity)} × {whole}"
        if price.discount:
            whole += f" − {self._format_number(price.discount)}\N{NO-BREAK SPACE}%"
        return whole

    def _format_number(self, value, decimals: int = 0) -> str:
        """The number in the environment's language, with all its decimals and at least `decimals` of them."""
        return number(self.env, value, decimals)

    def _format_unit_price(self, price) -> str:
        """A unit price with all its decimals; `formatLang` rounds to the currency as soon as it is given one."""
        number = self._format_number(price, self.currency_id.decimal_places)
        symbol = self.currency_id.symbol
        return f"{number}\N{NO-BREAK SPACE}{symbol}" if self.currency_id.position == "after" else f"{symbol}{number}"


class BillableEntry(models.Model):
    _inherit = "multiservice.billable"

    def _enter(self, entries) -> "BillableEntry":
        """Enter charges: for each (line, charge, how it is settled) a row, or the row that waits for it.

        A second process that billed the same key meanwhile makes the unique key fail: then nothing is entered.
        """
        waiting, revisions = self._waiting_rows(entries)
        vals_list, rows = [], self.browse()
        for line, charge, settled in entries:
            key = (line.id, *_key_of(charge))
            vals = self._prepare_vals(line, charge) | settled | {"seen_held": True}
            if row := waiting.pop(key, None):
                row.write(vals)
                rows |= row
            else:
                vals_list.append(vals | self._computed_vals(line, settled) | {"revision": revisions[key]})
                revisions[key] += 1
        created = self.create(vals_list)
        for name in KNOWN_OF_NEW_ROWS:
            self.env.remove_to_compute(self._fields[name], created)
        return rows | created

    def _computed_vals(self, line, settled: dict) -> dict:
        """What the computed fields of a new row come to, which is known here: it need not be found row by row."""
        return {
            "contract_id": line.contract_id.id,
            "company_id": line.company_id.id,
            "partner_id": line.partner_id.id,
            "held": True,
            "state": "closed" if settled.get("closed_reason") else "draft",
            "hand_edited": False,
        }

    def _waiting_rows(self, entries):
        """For the keys of `entries`: rows without an invoice that wait to be billed, and next revision numbers."""
        since = defaultdict(lambda: date.max)
        for line, charge, _settled in entries:
            since[line.id] = min(since[line.id], charge.period.start)
        waiting, revisions = {}, Counter()
        for row in self._rows_since(since):
            key = row._key()
            revisions[key] = max(revisions[key], row.revision + 1)
            if row.state == "to_bill":
                waiting[key] = row
        return waiting, revisions

    def _prepare_vals(self, line, charge: Charge) -> dict:
        return {
            "contract_line_id": line.id,
            "site_id": line._charged_site(charge).id,
            "period_start": charge.period.start,
            "period_end": charge.period.end,
            "component": charge.component,
            "share_id": charge.share,
            "kind": charge.kind,
            "ratio": f"{charge.ratio.numerator}/{charge.ratio.denominator}",
            "issue_date": charge.issue,
            "quantity": float(charge.billed.quantity),
            "price_unit": float(charge.billed.unit_price),
            "whole_price": float(charge.price.unit_price),
            "discount": float(charge.billed.discount),
            "amount": float(charge.amount),
            "explanation": line._explain(charge),
        }
