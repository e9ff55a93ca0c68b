import contextlib
from datetime import date

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, TransactionCase, tagged
from odoo.tools import mute_logger
from odoo.tools.safe_eval import safe_eval

from odoo.addons.multiservice.models.contract_change import CONTRACT_HELD_FIELDS as HELD_FIELDS
from odoo.addons.multiservice.models.contract_change import TRANSITIONS

from .common import MultiserviceCommon

TODAY = date(2026, 1, 15)


class ContractCase(MultiserviceCommon):
    @classmethod
    def _service(cls, name, price, taxes=None):
        return cls.env["product.product"].create(
            {
                "name": name,
                "type": "service",
                "list_price": price,
                "taxes_id": [Command.set((taxes or cls.tax).ids)],
            }
        )

    def _company_without_accounts(self):
        """Another company: a bare one, where nothing is posted."""
        return self.env["res.company"].create({"name": "Agence du Sud", "country_id": self.france.id})


@tagged("post_install", "-at_install")
class TestContract(ContractCase):
    """A contract from its first word to its end. One class: loading a chart of accounts for each is slow."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.option = cls._service("Window cleaning", 40.0)
        cls.template = cls.env["multiservice.contract.template"].create(
            {
                "name": "Cleaning",
                "recurrence_unit": "quarter",
                "recurrence_interval": 2,
                "timing": "arrears",
                "alignment": "anniversary",
                "first_partial": "free",
                "proration_basis": "thirty",
                "issue_method": "day_after",
                "issue_day": 10,
                "grouping": "site",
                "posting_mode": "post",
                "line_ids": [
                    Command.create({"display_type": "line_section", "name": "Offices", "sequence": 1}),
                    Command.create({"product_id": cls.service.id, "quantity": 3, "sequence": 2}),
                    Command.create(
                        {
                            "product_id": cls.option.id,
                            "name": "Windows, both sides",
                            "pricing": "flat",
                            "sequence": 3,
                        }
                    ),
                ],
            }
        )

    def test_number_comes_from_the_sequence_of_the_company(self):
        first, second = self._contract(activate=False), self._contract(activate=False)
        self.assertNotEqual(first.name, second.name)
        self.assertRegex(first.name, r"^CT/\d{4}/\d{4}$")
        other = self._company_without_accounts()
        self.env["ir.sequence"].create(
            {
                "name": "Contracts of the south",
                "code": "multiservice.contract",
                "prefix": "SUD-",
                "company_id": other.id,
            }
        )
        contract = self.env["multiservice.contract"].create({"partner_id": self.customer.id, "company_id": other.id})
        self.assertEqual(contract.name, "SUD-1")
        self.assertRegex(self._contract(activate=False).name, "^CT/", "the first company keeps its own numbers")

    def test_number_is_unique_in_its_company(self):
        contract = self._contract(activate=False)
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError), self.env.cr.savepoint():
            self._contract(activate=False, name=contract.name)
        other = self._company_without_accounts()
        twin = self.env["multiservice.contract"].create(
            {"partner_id": self.customer.id, "company_id": other.id, "name": contract.name}
        )
        self.assertEqual(twin.name, contract.name)

    @freeze_time(TODAY)
    def test_defaults(self):
        self.company.service_grouping = "sections"
        contract = self.env["multiservice.contract"].create({"partner_id": self.customer.id})
        self.assertEqual(contract.state, "draft")
        self.assertEqual(contract.company_id, self.company)
        self.assertEqual(contract.user_id, self.env.user)
        self.assertEqual(contract.date_start, TODAY)
        self.assertFalse(contract.date_end)
        self.assertEqual(contract.currency_id, self.company.currency_id)
        self.assertEqual(contract.grouping, "sections", "as set for the company")
        self.assertFalse(contract.posting_mode, "empty: the company's, at the time of billing")
        self.assertEqual(
            (contract.recurrence_interval, contract.recurrence_unit, contract.timing, contract.alignment),
            (1, "month", "advance", "calendar"),
        )
        self.assertFalse(contract.next_billing_date, "a draft is not billed")

    def test_terms_come_from_the_customer(self):
        invoicing = self.env["res.partner"].create(
            {"name": "Comptabilité", "parent_id": self.customer.id, "type": "invoice"}
        )
        term = self.env["account.payment.term"].create({"name": "Thirty days"})
        position = self.env["account.fiscal.position"].create({"name": "Export"})
        self.customer.write({"property_payment_term_id": term.id, "property_account_position_id": position.id})
        contract = self._contract(activate=False)
        self.assertEqual(contract.invoice_partner_id, invoicing)
        self.assertEqual(contract.payment_term_id, term)
        self.assertEqual(contract.fiscal_position_id, position)
        other = self._customer("Autre client")
        contract = self._contract(self._line(), activate=False)
        contract.partner_id = other
        self.assertEqual(contract.invoice_partner_id, other, "the address follows the customer")
        self.assertNotEqual(contract.fiscal_position_id, position)

    def test_customer_is_who_owes(self):
        contact = self.env["res.partner"].create({"name": "Paul Durand", "parent_id": self.customer.id})
        for partner in (contact, self.site_a):
            with (
                self.subTest(partner.name),
                self.assertRaisesRegex(ValidationError, "is a contact or a site.*here Bureaux du Parc"),
                self.env.cr.savepoint(),
            ):
                self._contract(self._line(), activate=False, partner_id=partner.id)
        subsidiary = self._customer("Filiale", parent_id=self.customer.id)
        self.assertTrue(self._contract(self._line(), activate=False, partner_id=subsidiary.id))

    def test_subsidiary_can_be_chosen_as_customer(self):
        subsidiary = self._customer("Filiale", parent_id=self.customer.id)
        contract = self._contract(activate=False)
        domain = self.env["multiservice.contract"].fields_get(["partner_id"])["partner_id"]["domain"]
        names = self.env["res.partner"].name_search("Filiale", self._evaluated(domain, contract))
        self.assertIn(subsidiary.id, [id_ for id_, _name in names])

    def _evaluated(self, domain, contract):
        """The domain of a field, as the web client evaluates it on `contract`."""
        if not isinstance(domain, str):
            return domain
        return safe_eval(domain, {"company_id": contract.company_id.id, "partner_id": contract.partner_id.id})

    def test_invoice_address_belongs_to_the_customer(self):
        other = self._customer("Autre client")
        with self.assertRaisesRegex(ValidationError, "Autre client does not belong to Bureaux du Parc"):
            self._contract(activate=False, invoice_partner_id=other.id)

    def test_sites_belong_to_the_customer(self):
        other = self._customer("Autre client")
        stranger = self._site(other, "Entrepôt", "E")
        with (
            self.assertRaisesRegex(ValidationError, "Entrepôt does not belong to Bureaux du Parc"),
            self.env.cr.savepoint(),
        ):
            self._contract(self._line(site_id=stranger.id), activate=False)
        contract = self._contract(activate=False)
        with self.assertRaisesRegex(ValidationError, "Tour A does not belong to Autre client"):
            contract.partner_id = other

    def test_end_before_start_is_refused(self):
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            self._contract(activate=False, date_end=date(2025, 12, 31))

    def test_currency_follows_price_list_then_journal(self):
        dollars = self.setup_other_currency("USD", rates=[("2020-01-01", 2.0)])
        pricelist = self.env["product.pricelist"].create({"name": "Dollars", "currency_id": dollars.id})
        journal = self.company_data["default_journal_sale"].copy({"currency_id": dollars.id})
        self.assertEqual(self._contract(activate=False, pricelist_id=pricelist.id).currency_id, dollars)
        self.assertEqual(self._contract(activate=False, journal_id=journal.id).currency_id, dollars)
        self.assertEqual(self._contract(activate=False, currency_id=dollars.id).currency_id, dollars)

    def test_display_name_has_number_and_subject(self):
        contract = self._contract(activate=False, title="Ménage")
        self.assertEqual(contract.display_name, f"{contract.name} – Ménage")
        contract.title = False
        self.assertEqual(contract.display_name, contract.name)

    def test_found_by_number_subject_customer_and_references(self):
        contract = self._contract(activate=False, title="Ménage", order_reference="BC-77", market_reference="M-9")
        for typed in (contract.name, "Ménage", "Bureaux du Parc", "BC-77", "M-9"):
            found = [id_ for id_, _name in self.env["multiservice.contract"].name_search(typed)]
            self.assertIn(contract.id, found, typed)

    def test_sites_of_a_contract(self):
        contract = self._contract(
            self._line(site_id=self.site_a.id),
            self._line(site_id=self.site_b.id),
            self._line(site_id=self.site_a.id),
            activate=False,
        )
        self.assertEqual((contract.site_ids, contract.site_count), (self.site_a | self.site_b, 2))

    def test_schedule_must_make_sense(self):
        contract = self._contract(activate=False)
        for vals, message in (
            ({"recurrence_interval": 0}, "at least 1 unit"),
            ({"recurrence_interval": -1}, "at least 1 unit"),
            ({"alignment": "day", "alignment_day": 0}, "must be from 1 to 31"),
            ({"alignment": "day", "alignment_day": 32}, "must be from 1 to 31"),
            ({"alignment": "day", "recurrence_unit": "week"}, "needs a period in months"),
            ({"issue_method": "day_after", "issue_day": 0}, "day of issue must be from 1 to 31"),
        ):
            with (
                self.subTest(vals),
                self.assertRaisesRegex(ValidationError, message),
                self.env.cr.savepoint(),
            ):
                contract.write(vals)
        contract.write({"alignment": "day", "alignment_day": 31})
        with self.assertRaisesRegex(ValidationError, "needs a period in months"):
            contract.recurrence_unit = "day"

    @freeze_time(TODAY)
    def test_type_fills_schedule_and_lines(self):
        with Form(self.env["multiservice.contract"]) as form:
            form.partner_id = self.customer
            form.template_id = self.template
        contract = form.record
        for name in (
            "recurrence_unit",
            "recurrence_interval",
            "timing",
            "alignment",
            "first_partial",
            "proration_basis",
            "issue_method",
            "issue_day",
            "grouping",
            "posting_mode",
        ):
            self.assertEqual(contract[name], self.template[name], name)
        section, office, windows = contract.line_ids
        self.assertEqual((section.display_type, section.name), ("line_section", "Offices"))
        self.assertEqual((office.product_id, office.quantity, office.price_unit), (self.service, 3, 100.0))
        self.assertEqual(office.pricing, "unit")
        self.assertEqual(office.tax_ids, self.tax)
        self.assertEqual((windows.name, windows.pricing), ("Windows, both sides", "flat"))
        self.assertEqual(office.date_start, TODAY)

    def test_type_leaves_lines_that_were_typed(self):
        with Form(self.env["multiservice.contract"]) as form:
            form.partner_id = self.customer
            with form.line_ids.new() as line:
                line.product_id = self.option
            form.template_id = self.template
        self.assertEqual(form.record.line_ids.product_id, self.option)
        self.assertEqual(form.record.recurrence_unit, "quarter")

    def test_form_opens_before_a_customer_is_chosen(self):
        form = Form(self.env["multiservice.contract"])
        self.assertFalse(form.partner_id)
        self.assertFalse(form.fiscal_position_id)
        form.partner_id = self.customer
        self.assertEqual(form.invoice_partner_id, self.customer)

    def test_lines_follow_the_start_typed_after_them(self):
        """A line that starts with its contract still does when the contract's start is corrected."""
        with Form(self.env["multiservice.contract"]) as form:
            form.partner_id = self.customer
            form.date_start = "2026-01-01"
            with form.line_ids.new() as line:
                line.product_id = self.service
            form.date_start = "2026-03-01"
        self.assertEqual(form.record.line_ids.date_start, date(2026, 3, 1))
        self.assertEqual(form.record.line_ids.anchor_date, date(2026, 3, 1))

    def test_saved_lines_follow_the_start_of_a_draft(self):
        contract = self._contract(
            self._line(), self._line(date_start=date(2026, 2, 10)), activate=False, date_start=date(2026, 1, 1)
        )
        contract.date_start = date(2026, 1, 20)
        self.assertEqual(
            contract.line_ids.mapped("date_start"),
            [date(2026, 1, 20), date(2026, 2, 10)],
            "the line with a start of its own keeps it",
        )

    def test_line_price_may_be_typed(self):
        with Form(self.env["multiservice.contract"]) as form:
            form.partner_id = self.customer
            with form.line_ids.new() as line:
                line.product_id = self.service
                self.assertEqual(line.price_unit, 100.0)
                line.price_unit = 87.5
                line.quantity = 2
                self.assertEqual(line.amount, 175.0)
        self.assertEqual(form.record.line_ids.price_unit, 87.5)

    def test_duplicate_opens_and_saves_in_the_form(self):
        with Form(self._contract(activate=False).copy()) as form:
            form.title = "Next year"
        self.assertEqual(form.record.title, "Next year")

    def test_transitions(self):
        actions = {
            "active": "_activate",
            "cancelled": "action_cancel",
            "draft": "action_draft",
        }
        for state in TRANSITIONS:
            for target, action in actions.items():
                contract = self._contract_in(state)
                with self.subTest(f"{state} to {target}"):
                    if target in TRANSITIONS[state]:
                        getattr(contract, action)()
                        self.assertEqual(contract.state, target)
                    else:
                        with self.assertRaisesRegex(UserError, "cannot become"):
                            getattr(contract, action)()
                        self.assertEqual(contract.state, state)

    def _contract_in(self, state):
        contract = self._contract(activate=state in ("active", "ended"))
        if state != contract.state:
            contract._move_to(state)
        return contract

    def test_state_cannot_be_written_past_the_transitions(self):
        """By RPC or import as by the buttons: an activation is checked, a billed contract is not cancelled."""
        draft = self._contract(activate=False)
        billed = self._contract()
        self._bill(billed, date(2026, 1, 1))
        for contract, state in ((draft, "active"), (draft, "ended"), (billed, "cancelled"), (billed, "draft")):
            with self.subTest(state), self.assertRaises(UserError), self.env.cr.savepoint():
                contract.write({"state": state})
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self._contract(activate=False, state="active")
        with self.assertRaises(UserError):
            self.env["multiservice.contract"].with_context(default_state="active").create(
                {"partner_id": self.customer.id}
            )

    def test_cancel_only_while_nothing_is_held(self):
        contract = self._contract()
        self._bill(contract, date(2026, 1, 1))
        with self.assertRaisesRegex(UserError, "was billed and can no longer be cancelled"):
            contract.action_cancel()
        contract.billable_ids.move_id.unlink()
        contract.action_cancel()
        self.assertEqual(contract.state, "cancelled")
        self.assertFalse(contract.next_billing_date)
        self.assertFalse(self._bill(contract, date(2026, 6, 1)), "a cancelled contract is not billed")

    def test_one_billed_contract_refuses_the_cancelling_of_all(self):
        free, billed = self._contract(), self._contract()
        self._bill(billed, date(2026, 1, 1))
        with self.assertRaises(UserError):
            (free | billed).action_cancel()
        self.assertEqual(free.state, "active")

    def test_delete(self):
        draft = self._contract(activate=False)
        draft.unlink()
        cancelled = self._contract()
        cancelled.action_cancel()
        cancelled.unlink()
        self.assertFalse((draft | cancelled).exists())

    def test_delete_is_refused_once_active_or_billed(self):
        active, billed = self._contract(), self._contract()
        self._bill(billed, date(2026, 1, 1))
        billed.billable_ids.move_id.unlink()
        billed.action_cancel()
        ended = self._contract()
        ended._move_to("ended")
        for contract in (active, billed, ended):
            with (
                self.subTest(contract.state),
                self.assertRaisesRegex(UserError, "it can be ended or archived, not deleted"),
                self.env.cr.savepoint(),
            ):
                contract.unlink()

    def test_customer_with_contracts_is_not_deleted(self):
        self._contract(self._line())
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            self.customer.unlink()

    def test_archive(self):
        ended = self._contract()
        ended._move_to("ended")
        ended.action_archive()
        self.assertFalse(self.env["multiservice.contract"].search([("id", "=", ended.id)]))
        self.assertTrue(ended.line_ids, "its lines stay")

    def test_running_contract_is_not_archived(self):
        """It would silently stop being billed."""
        contract = self._contract()
        with self.assertRaises(UserError):
            contract.action_archive()

    @freeze_time("2026-03-10")
    def test_contract_past_its_end_ends_by_itself(self):
        open_ended, due, over = (
            self._contract(),
            self._contract(date_end=date(2026, 2, 28)),
            self._contract(date_end=date(2026, 2, 28)),
        )
        self._bill(over, date(2026, 2, 1))
        self.env["multiservice.contract"]._cron_end_contracts()
        self.assertEqual(
            (open_ended | due | over).mapped("state"),
            ["active", "active", "ended"],
            "not while something is left to bill",
        )

    @freeze_time("2026-02-28")
    def test_contract_lives_through_its_last_day(self):
        contract = self._contract(date_end=date(2026, 2, 28))
        self._bill(contract, date(2026, 2, 1))
        self.env["multiservice.contract"]._cron_end_contracts()
        self.assertEqual(contract.state, "active")

    @freeze_time("2026-06-10")
    def test_duplicate_starts_afresh(self):
        contract = self._contract(
            title="Ménage",
            date_end=date(2026, 12, 31),
            billed_until=date(2026, 2, 28),
            housing_works_statement=date(2026, 1, 1),
            recurrence_unit="quarter",
        )
        self._bill(contract, date(2026, 6, 1))
        contract.prior_invoice_ids = [Command.create({"name": "F-1", "date": date(2026, 1, 2)})]
        copy = contract.copy()
        self.assertEqual((copy.state, copy.title), ("draft", "Ménage (copy)"))
        self.assertNotEqual(copy.name, contract.name)
        self.assertEqual(copy.date_start, date(2026, 6, 10), "a duplicate does not bill the past again")
        self.assertFalse(copy.date_end or copy.billed_until or copy.housing_works_statement)
        self.assertFalse(copy.billable_ids or copy.prior_invoice_ids or copy.is_held)
        self.assertEqual(copy.recurrence_unit, "quarter")
        self.assertEqual((copy.line_ids.date_start, copy.line_ids.anchor_date), (date(2026, 6, 10), date(2026, 6, 10)))
        self.assertEqual(copy.line_ids.price_unit, 100.0)
        self.assertEqual(copy.line_ids.site_id, self.site_a)
        self.assertTrue(contract.title == "Ménage" and contract.is_held)

    @freeze_time("2026-06-10")
    def test_duplicate_takes_lines_in_force_only(self):
        contract = self._contract(
            Command.create({"display_type": "line_section", "name": "Offices", "sequence": 1}),
            self._line(name="Kept", sequence=2),
            self._line(name="Replaced", sequence=3),
            self._line(name="Stopped", sequence=4),
            self._line(name="Stops later", date_end=date(2026, 9, 30), sequence=5),
        )
        _section, _kept, replaced, stopped, _later = contract.line_ids
        replaced._replace_from(date(2026, 3, 1), {"name": "Successor", "price_unit": 120.0})
        stopped._end_on(date(2026, 3, 31))
        copy = contract.copy()
        self.assertEqual(sorted(copy.line_ids.mapped("name")), ["Kept", "Offices", "Stops later", "Successor"])
        self.assertEqual(copy.line_ids.filtered(lambda line: line.name == "Successor").price_unit, 120.0)
        self.assertFalse(copy.line_ids.predecessor_id)
        self.assertEqual(set(copy.line_ids.mapped("date_end")), {False})

    def test_duplicate_of_an_ended_contract_has_its_last_lines(self):
        contract = self._contract(date_end=date(2026, 2, 28))
        contract._move_to("ended")
        with freeze_time("2026-06-10"):
            self.assertEqual(len(contract.copy().line_ids), 1)

    def test_duplicate_several_at_once(self):
        first = self._contract(self._line(price=1.0), title="One")
        second = self._contract(self._line(price=2.0), self._line(price=3.0))
        copies = (first | second).copy()
        self.assertEqual([c.line_ids.mapped("price_unit") for c in copies], [[1.0], [2.0, 3.0]])
        self.assertEqual(copies.mapped("title"), ["One (copy)", False])

    def test_invoices_of_a_contract(self):
        contract = self._contract()
        self._bill(contract, date(2026, 2, 1))
        self.assertEqual(contract.invoice_count, 1)
        moves = self.env["account.move"].search(contract.action_view_invoices()["domain"])
        self.assertEqual(moves, contract.billable_ids.move_id)
        rows = self.env["multiservice.billable"].search(contract.action_view_ledger()["domain"])
        self.assertEqual(len(rows), 2)
        sites = self.env["res.partner"].search(contract.action_view_sites()["domain"])
        self.assertEqual(sites, self.site_a)

    def _prior(self, contract, **vals):
        return self.env["multiservice.prior.invoice"].create(
            {"contract_id": contract.id, "name": "F-2025-1", "date": date(2025, 12, 1), **vals}
        )

    def test_old_invoices_are_recorded_and_never_billed(self):
        contract = self._contract(billed_until=date(2026, 2, 28))
        self._prior(contract, period_start=date(2026, 1, 1), period_end=date(2026, 2, 28), amount=200.0)
        self._bill(contract, date(2026, 3, 1))
        self.assertLedger(contract, [("2026-03-01", "2026-03-31", 100.0)])

    def test_old_invoice_is_recorded_once_per_contract(self):
        contract = self._contract(activate=False)
        self._prior(contract)
        self._prior(self._contract(activate=False))
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            self._prior(contract)

    def test_period_of_an_old_invoice_is_ordered(self):
        contract = self._contract(activate=False)
        with self.assertRaisesRegex(ValidationError, "F-2025-1 ends before it starts"):
            self._prior(contract, period_start=date(2025, 12, 1), period_end=date(2025, 11, 30))


@tagged("post_install", "-at_install")
class TestContractHeld(ContractCase):
    """Once billed, a contract keeps the terms by which it was billed, whoever writes and however."""

    OTHER = {
        "recurrence_interval": 2,
        "recurrence_unit": "year",
        "timing": "arrears",
        "alignment": "anniversary",
        "alignment_day": 12,
        "first_partial": "free",
        "last_partial": "full",
        "proration_basis": "thirty",
        "issue_method": "offset",
        "issue_offset": 4,
        "issue_day": 3,
        "date_start": date(2025, 12, 1),
        "date_end": date(2026, 12, 31),
        "billed_until": date(2025, 12, 31),
    }

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dollars = cls.setup_other_currency("USD", rates=[("2020-01-01", 2.0)])
        cls.contract = cls._contract()
        cls._bill(cls.contract, date(2026, 1, 1))

    def _values(self):
        return {**self.OTHER, "currency_id": self.dollars.id}

    def test_is_held(self):
        self.assertTrue(self.contract.is_held)
        self.assertFalse(self._contract().is_held)

    def test_every_held_field_is_covered(self):
        self.assertEqual(set(self._values()), set(HELD_FIELDS))

    def test_held_fields_are_read_only(self):
        for name, value in self._values().items():
            with (
                self.subTest(name),
                self.assertRaisesRegex(UserError, "cannot be changed; it was billed by these terms"),
                self.env.cr.savepoint(),
            ):
                self.contract.write({name: value, "title": "Sneaked in"})
            self.assertFalse(self.contract.title)

    def test_no_context_switches_the_guard_off(self):
        keys = ("force", "bypass", "install_mode", "import_file", "tracking_disable", "force_delete", "no_check")
        contract = self.contract.with_context(dict.fromkeys(keys, True), _import_current_module="__import__")
        with self.assertRaises(UserError):
            contract.sudo().write({"timing": "arrears"})

    def test_writing_the_same_value_is_allowed(self):
        for name in HELD_FIELDS:
            value = self._fields_value(self.contract, name)
            self.contract.write({name: value})
        self.contract.write({"date_start": "2026-01-01", "title": "Renamed"})
        self.assertEqual(self.contract.title, "Renamed")

    def _fields_value(self, record, name):
        return record._fields[name].convert_to_write(record[name], record)

    def test_one_held_contract_among_several_refuses_the_write(self):
        free = self._contract()
        with self.assertRaises(UserError):
            (free | self.contract).write({"timing": "arrears"})
        free.timing = "arrears"

    def test_currency_is_not_changed_by_price_list_or_journal(self):
        """What the currency is computed from cannot change it behind the guard."""
        pricelist = self.env["product.pricelist"].create({"name": "Dollars", "currency_id": self.dollars.id})
        journal = self.company_data["default_journal_sale"].copy({"currency_id": self.dollars.id})
        for vals in ({"pricelist_id": pricelist.id}, {"journal_id": journal.id}):
            with self.subTest(vals), self.env.cr.savepoint() as savepoint:
                with contextlib.suppress(UserError):
                    self.contract.write(vals)
                self.assertEqual(self.contract.currency_id, self.company.currency_id)
                savepoint.rollback()

    def test_what_does_not_bear_on_billed_periods_stays_editable(self):
        self.contract.write(
            {
                "title": "Ménage",
                "grouping": "site",
                "posting_mode": "post",
                "order_reference": "BC-1",
                "note": "<p>Keys at the desk</p>",
            }
        )
        self.assertEqual(self.contract.grouping, "site")

    def test_guard_ends_with_the_invoice(self):
        self.contract.billable_ids.move_id.unlink()
        self.assertFalse(self.contract.is_held)
        self.contract.timing = "arrears"
        self.assertEqual(self.contract.timing, "arrears")

    def test_cancelled_invoice_holds_nothing(self):
        move = self.contract.billable_ids.move_id
        move.button_cancel()
        self.assertFalse(self.contract.is_held)

    def test_customer_and_company_do_not_change_while_running(self):
        other = self._customer("Autre client")
        company = self._company_without_accounts()
        running = self._contract(self._line())
        for contract in (self.contract, running):
            for vals in ({"partner_id": other.id}, {"company_id": company.id}):
                with (
                    self.subTest(vals),
                    self.assertRaisesRegex(UserError, "does not change by an edit"),
                    self.env.cr.savepoint(),
                ):
                    contract.write(vals)
            contract.write({"partner_id": self.customer.id, "company_id": self.company.id})
        running._move_to("ended")
        with self.assertRaises(UserError):
            running.partner_id = other

    def test_invoice_address_may_change_within_the_customer(self):
        address = self.env["res.partner"].create(
            {"name": "Comptabilité", "parent_id": self.customer.id, "type": "invoice"}
        )
        self.contract.invoice_partner_id = address
        self.assertEqual(self.contract.invoice_partner_id, address)


@tagged("post_install", "-at_install")
class TestLegalFigure(TransactionCase):
    def test_value_on_a_date(self):
        Figure = self.env["multiservice.legal.figure"]
        common = {"code": "test_rate", "name": "Rate", "source": "A decree"}
        Figure.create(
            [
                {**common, "value": 1.5, "date_from": date(2025, 1, 1)},
                {**common, "value": 2.5, "date_from": date(2026, 1, 1)},
            ]
        )
        self.assertIsNone(Figure._value("test_rate", date(2024, 12, 31)))
        self.assertEqual(Figure._value("test_rate", date(2025, 1, 1)), 1.5)
        self.assertEqual(Figure._value("test_rate", date(2025, 12, 31)), 1.5)
        self.assertEqual(Figure._value("test_rate", date(2026, 1, 1)), 2.5)
        self.assertIsNone(Figure._value("nothing", date(2026, 1, 1)))
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError), self.env.cr.savepoint():
            Figure.create({**common, "value": 3.0, "date_from": date(2026, 1, 1)})
        with self.assertRaisesRegex(ValidationError, "cannot be negative"):
            Figure.create({**common, "value": -1.0, "date_from": date(2027, 1, 1)})
