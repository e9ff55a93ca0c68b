from datetime import date, timedelta
from itertools import takewhile

from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import format_date

from ..engine.plan import by_period

# More periods than this due at the first run look like a start date typed wrong.
ABSURD_PERIODS = 24
REDUCED_VAT_BELOW = 20.0


class ContractActivation(models.Model):
    """What must be right before a contract may bill, all said at once."""

    _inherit = "multiservice.contract"

    def action_activate(self):
        """Activate, or say everything that is missing; warnings ask for a confirmation first."""
        self._check_complete()
        warnings = [
            f"{contract.display_name}: {warning}" if len(self) > 1 else warning
            for contract in self
            for warning in contract._activation_warnings()
        ]
        if not warnings:
            return self._activate()
        wizard = self.env["multiservice.contract.activation"].create(
            {"contract_ids": [Command.set(self.ids)], "warnings": "\n".join(f"• {warning}" for warning in warnings)}
        )
        return wizard._get_records_action(target="new", name=self.env._("Before activating"))

    def _check_complete(self):
        errors = [error for contract in self for error in contract._activation_errors()]
        if errors:
            raise UserError("\n".join(errors))

    def _activate(self):
        self._check_complete()
        self._move_to("active")
        for contract in self.filtered(lambda c: c.company_id.service_analytic_plan_id and not c.analytic_account_id):
            contract.analytic_account_id = self.env["account.analytic.account"].create(
                {
                    "name": contract.display_name,
                    "plan_id": contract.company_id.service_analytic_plan_id.id,
                    "partner_id": contract.partner_id.id,
                    "company_id": contract.company_id.id,
                }
            )
        return True

    def _activation_errors(self) -> list[str]:
        """Everything that forbids to activate the contract, in plain words, each with what to do."""
        self.ensure_one()
        partner, errors = self.partner_id, []
        if not partner.legal_category:
            errors.append(self.env._("%s: choose its legal category on the customer.", partner.display_name))
        address = self.invoice_partner_id
        if not (address.street and address.city and address.country_id):
            errors.append(
                self.env._("%s: the invoice address needs a street, a city and a country.", address.display_name)
            )
        if siret_error := partner._siret_error():
            errors.append(f"{partner.display_name}: {siret_error}")
        for site in self.site_ids:
            if siret_error := site._site_siret_error():
                errors.append(f"{site.display_name}: {siret_error}")
        services = self.line_ids.filtered(lambda line: not line.display_type)
        if not services:
            errors.append(self.env._("Contract %s has no line to bill.", self.display_name))
        for line in services:
            errors += [f"{line.display_name}: {error}" for error in line._activation_errors()]
        return errors

    def _activation_warnings(self) -> list[str]:
        self.ensure_one()
        warnings = []
        owners = {line._schedule_owner() for line in self.line_ids if not line.display_type}
        if self.partner_id.legal_category == "public_body" and any(owner.timing == "advance" for owner in owners):
            warnings.append(
                self.env._(
                    "%s is a public body billed in advance: it pays for services done (CCP art. L2191-4). "
                    "Bill in arrears, unless the market provides for advances.",
                    self.partner_id.display_name,
                )
            )
        if not self.housing_works_statement and any(line._needs_housing_statement() for line in self.line_ids):
            warnings.append(
                self.env._("A reduced VAT rate on works in a dwelling needs the customer's statement: record its date.")
            )
        warnings += self._payment_term_warnings()
        periods = self._periods_due(self.company_id._service_today())
        if periods > ABSURD_PERIODS:
            warnings.append(
                self.env._(
                    "The first run would bill %(count)s periods at once: check the start %(start)s, "
                    "or say until when another system billed.",
                    count=periods,
                    start=format_date(self.env, self.date_start),
                )
            )
        return warnings

    def _payment_term_warnings(self) -> list[str]:
        """The legal ceilings of payment terms: 60 days, or 30 for a public body."""
        if not self.payment_term_id or self.partner_id.legal_category not in ("business", "public_body"):
            return []
        today = self.company_id._service_today()
        code = "payment_days_public" if self.partner_id.legal_category == "public_body" else "payment_days"
        ceiling = self.env["multiservice.legal.figure"]._value(code, today)
        latest = max(line._get_due_date(today) for line in self.payment_term_id.line_ids)
        days = (latest - today).days
        if ceiling is None or days <= ceiling or self._is_end_of_month_term(today):
            return []
        return [
            self.env._(
                "The payment terms “%(term)s” give %(days)s days; the law allows %(ceiling)s.",
                term=self.payment_term_id.name,
                days=days,
                ceiling=int(ceiling),
            )
        ]

    def _is_end_of_month_term(self, today: date) -> bool:
        """The written alternative of the law: 45 days and the end of the month."""
        ceiling = self.env["multiservice.legal.figure"]._value("payment_days_end_of_month", today)
        lines = self.payment_term_id.line_ids
        end_of_month = ("days_after_end_of_month", "days_end_of_month_on_the", "days_after_end_of_next_month")
        return (
            self.partner_id.legal_category == "business"
            and ceiling is not None
            and all(line.delay_type in end_of_month and line.nb_days <= ceiling for line in lines)
        )

    def _periods_due(self, today: date) -> int:
        """The most periods that one line of the contract would bill on `today`, counted a little beyond absurd."""
        due = [0]
        for _line, charges in self.line_ids._proposals():
            due.append(sum(1 for _period in by_period(takewhile(lambda charge: charge.issue <= today, charges))))
        return max(due)


class ContractLineActivation(models.Model):
    _inherit = "multiservice.contract.line"

    def _activation_errors(self) -> list[str]:
        """What forbids to bill the line, without its name."""
        self.ensure_one()
        errors = self._missing_to_bill()
        if self.site_id and self.site_id.commercial_partner_id != self.partner_id:
            errors.append(self.env._("site %s belongs to another customer.", self.site_id.display_name))
        if self.date_start < self.contract_id.date_start:
            errors.append(self.env._("starts before its contract, on %s.", format_date(self.env, self.date_start)))
        end = self._service_end()
        if end and end < self.date_start:
            errors.append(
                self.env._(
                    "starts on %(start)s, after the service ends on %(end)s: there is no day to bill.",
                    start=format_date(self.env, self.date_start),
                    end=format_date(self.env, end),
                )
            )
        elif end and (first := self._first_billable_day()) and first > end + timedelta(days=1):
            billed_until = format_date(self.env, first - timedelta(days=1))
            errors.append(self.env._("was billed until %s, after its end.", billed_until))
        return errors

    def _missing_to_bill(self) -> list[str]:
        """What an invoice line could not do without."""
        self.ensure_one()
        missing = []
        if not self.tax_ids:
            missing.append(self.env._("no tax; choose one, if need be an exempt one."))
        if not self._income_account():
            missing.append(self.env._("no income account; set one on the product or its category, or on the journal."))
        return missing

    def _needs_housing_statement(self) -> bool:
        return self.product_id.housing_works and any(
            0 < tax.amount < REDUCED_VAT_BELOW for tax in self.tax_ids if tax.amount_type == "percent"
        )
