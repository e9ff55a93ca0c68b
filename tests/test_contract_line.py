from datetime import date

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from odoo.addons.multiservice.models.contract_change import LINE_HELD_FIELDS as HELD_FIELDS

from .test_contract import ContractCase


@tagged("post_install", "-at_install")
class TestContractLine(ContractCase):
    """Terms, own schedule and take-over of a line; *End on…* and *Replace from…*."""

    def test_price_of_the_product(self):
        contract = self._contract(Command.create({"product_id": self.service.id}), activate=False)
        line = contract.line_ids
        self.assertEqual(line.price_unit, 100.0)
        line.product_id = self._service("Guarding", 33.33)
        self.assertEqual(line.price_unit, 33.33)
        line.price_unit = 33.33333
        self.assertEqual(line.price_unit, 33.33333, "unit prices are not rounded")
        line.write({"quantity": 3, "discount": 10})
        self.assertEqual(line.amount, 90.0)
        line.pricing = "flat"
        self.assertEqual(line.amount, 30.0, "flat: whatever the quantity")

    def test_price_list_rules_by_quantity_and_date(self):
        pricelist = self.env["product.pricelist"].create(
            {
                "name": "Large sites",
                "item_ids": [
                    Command.create(
                        {"compute_price": "fixed", "fixed_price": 80.0, "min_quantity": 10, "applied_on": "3_global"}
                    ),
                    Command.create(
                        {
                            "compute_price": "fixed",
                            "fixed_price": 95.0,
                            "applied_on": "3_global",
                            "date_start": "2026-02-01 00:00:00",
                        }
                    ),
                ],
            }
        )
        contract = self._contract(
            Command.create({"product_id": self.service.id}),
            Command.create({"product_id": self.service.id, "quantity": 10}),
            Command.create({"product_id": self.service.id, "date_start": date(2026, 3, 1)}),
            activate=False,
            pricelist_id=pricelist.id,
        )
        self.assertEqual(contract.line_ids.mapped("price_unit"), [100.0, 80.0, 95.0])

    def test_price_is_converted_to_the_currency_of_the_contract(self):
        dollars = self.setup_other_currency("USD", rates=[("2020-01-01", 2.0), ("2026-03-01", 4.0)])
        line = Command.create({"product_id": self.service.id})
        contract = self._contract(line, activate=False, currency_id=dollars.id)
        self.assertEqual(contract.line_ids.price_unit, 200.0, "at the rate of the line's start")
        pricelist = self.env["product.pricelist"].create({"name": "Dollars", "currency_id": dollars.id})
        contract = self._contract(line, activate=False, pricelist_id=pricelist.id, date_start=date(2026, 3, 1))
        self.assertEqual((contract.currency_id, contract.line_ids.price_unit), (dollars, 400.0))
        contract = self._contract(
            line, activate=False, pricelist_id=pricelist.id, currency_id=self.company.currency_id.id
        )
        self.assertEqual(contract.line_ids.price_unit, 100.0, "list in one currency, contract in another")

    def test_taxes_are_mapped_by_the_fiscal_position(self):
        position = self.env["account.fiscal.position"].create({"name": "Export"})
        exempt = self.tax.copy({"name": "0% export", "amount": 0.0})
        exempt.write(
            {"fiscal_position_ids": [Command.set(position.ids)], "original_tax_ids": [Command.set(self.tax.ids)]}
        )
        line = Command.create({"product_id": self.service.id})
        contract = self._contract(line, activate=False)
        self.assertEqual(contract.line_ids.tax_ids, self.tax)
        contract.fiscal_position_id = position
        self.assertEqual(contract.line_ids.tax_ids, exempt)
        chosen = self._contract(self._line(tax_ids=[Command.set(exempt.ids)]), activate=False)
        self.assertEqual(chosen.line_ids.tax_ids, exempt, "taxes that were chosen are kept")

    def test_tax_included_price_follows_the_mapped_tax(self):
        """A price with tax becomes the price without it where the customer pays none, as on a sales order."""
        included = self.tax.copy({"name": "20% incl.", "amount": 20.0, "price_include_override": "tax_included"})
        position = self.env["account.fiscal.position"].create({"name": "Export"})
        exempt = self.tax.copy({"name": "0% export", "amount": 0.0, "price_include_override": "tax_excluded"})
        exempt.write(
            {"fiscal_position_ids": [Command.set(position.ids)], "original_tax_ids": [Command.set(included.ids)]}
        )
        product = self._service("Cleaning with tax", 120.0, included)
        contract = self._contract(
            Command.create({"product_id": product.id}), activate=False, fiscal_position_id=position.id
        )
        self.assertEqual(contract.line_ids.tax_ids, exempt)
        self.assertEqual(contract.line_ids.price_unit, 100.0)

    def test_taxes_of_the_company_of_the_contract_only(self):
        other = self._company_without_accounts()
        group = self.env["account.tax.group"].create(
            {"name": "South", "company_id": other.id, "country_id": self.france.id}
        )
        tax = self.env["account.tax"].create(
            {
                "name": "20% south",
                "amount": 20.0,
                "company_id": other.id,
                "country_id": self.france.id,
                "tax_group_id": group.id,
            }
        )
        self.service.taxes_id = self.tax | tax
        line = Command.create({"product_id": self.service.id})
        contract = self.env["multiservice.contract"].create(
            {"partner_id": self.customer.id, "company_id": other.id, "line_ids": [line]}
        )
        self.assertEqual(contract.line_ids.tax_ids, tax)
        self.assertEqual(self._contract(line, activate=False).line_ids.tax_ids, self.tax)

    def test_a_typed_price_outlives_what_is_not_the_product(self):
        contract = self._contract(self._line(price=77.0), activate=False)
        line = contract.line_ids
        line.write({"quantity": 12, "site_id": self.site_b.id, "discount": 5, "date_start": date(2026, 2, 1)})
        contract.write({"timing": "arrears", "title": "Ménage"})
        self.assertEqual(line.price_unit, 77.0)

    def test_writing_the_same_product_again_keeps_price_and_text(self):
        """As an import does when the same file comes a second time."""
        line = self._contract(self._line(price=77.0, name="Twice a week"), activate=False).line_ids
        line.write({"product_id": self.service.id})
        self.assertEqual((line.price_unit, line.name), (77.0, "Twice a week"))

    def test_start_and_anchor_are_the_contract_s_unless_given(self):
        contract = self._contract(
            self._line(),
            self._line(date_start=date(2026, 1, 15)),
            self._line(date_start=date(2026, 1, 15), own_schedule=True),
            activate=False,
        )
        same, later, own = contract.line_ids
        self.assertEqual((same.date_start, same.anchor_date), (date(2026, 1, 1), date(2026, 1, 1)))
        self.assertEqual((later.date_start, later.anchor_date), (date(2026, 1, 15), date(2026, 1, 1)))
        self.assertEqual((own.date_start, own.anchor_date), (date(2026, 1, 15), date(2026, 1, 15)))

    def test_text_is_the_service_s_in_the_language_of_the_customer(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.service.with_context(lang="fr_FR").name = "Ménage des bureaux"
        self.customer.lang = "fr_FR"
        line = self._contract(self._line(), activate=False).line_ids
        self.assertEqual(line.name, "Ménage des bureaux")

    def test_line_needs_a_description_or_a_service(self):
        for vals in ({}, {"display_type": "line_section"}):
            with (
                self.subTest(vals),
                self.assertRaisesRegex(ValidationError, "needs a description or a service"),
                self.env.cr.savepoint(),
            ):
                self._contract(Command.create({"site_id": self.site_a.id, **vals}), activate=False)
        contract = self._contract(Command.create({"name": "Without a product"}), activate=False)
        self.assertFalse(contract.line_ids.product_id)

    def test_numbers_make_sense(self):
        for vals, message in (
            ({"quantity": -1}, "negative quantity"),
            ({"discount": -1}, "from 0 to 100 %"),
            ({"discount": 100.5}, "from 0 to 100 %"),
        ):
            with (
                self.subTest(vals),
                self.assertRaisesRegex(ValidationError, message),
                self.env.cr.savepoint(),
            ):
                self._contract(self._line(**vals), activate=False)
        self._contract(self._line(price=-10.0, discount=100), activate=False)

    def test_end_before_start_is_refused(self):
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            self._contract(self._line(date_end=date(2025, 12, 30)), activate=False)

    def test_line_of_an_ended_or_cancelled_contract(self):
        ended, cancelled = self._contract(), self._contract()
        ended._move_to("ended")
        cancelled.action_cancel()
        for contract in (ended, cancelled):
            with self.assertRaisesRegex(UserError, "is over: no line can be added"), self.env.cr.savepoint():
                contract.line_ids = [self._line()]

    def test_line_stays_in_its_contract(self):
        """Else a line would slip past the checks of the contract that it leaves and of the one that it enters."""
        line = self._contract(activate=False).line_ids
        ended = self._contract()
        ended._move_to("ended")
        with self.assertRaises(UserError):
            line.contract_id = ended

    def test_line_cannot_follow_itself(self):
        contract = self._contract(self._line(), self._line(), activate=False)
        first, second = contract.line_ids
        first.predecessor_id = second
        with self.assertRaises(UserError):
            second.predecessor_id = first

    def test_line_in_the_ledger_is_not_deleted(self):
        contract = self._contract(self._line(), self._line(date_start=date(2026, 6, 1)))
        billed, free = contract.line_ids
        self._bill(contract, date(2026, 1, 1))
        with self.assertRaisesRegex(UserError, "is in the billing ledger and cannot be deleted"):
            contract.line_ids = [Command.delete(billed.id)]
        free.unlink()
        self.assertEqual(contract.line_ids, billed)

    def test_line_added_to_an_active_contract_is_checked_like_at_activation(self):
        """It is billed without another look: a line without tax would be invoiced without tax."""
        contract = self._contract()
        with self.assertRaisesRegex(UserError, "no tax"), self.env.cr.savepoint():
            contract.line_ids = [self._line(tax_ids=[Command.clear()])]
        with self.assertRaisesRegex(UserError, "no tax"), self.env.cr.savepoint():
            contract.line_ids.tax_ids = False
        contract.line_ids = [self._line(), Command.create({"display_type": "line_note", "name": "Keys at the desk"})]
        self.assertEqual(len(contract.line_ids), 3)

    def test_line_follows_the_contract_unless_it_has_a_schedule(self):
        contract = self._contract(
            self._line(price=100.0),
            self._line(price=300.0, own_schedule=True, recurrence_unit="quarter", timing="arrears"),
            self._line(price=9.0, recurrence_unit="year", timing="arrears"),
        )
        monthly, quarterly, ignored = contract.line_ids
        self.assertEqual(monthly.next_billing_date, date(2026, 1, 1))
        self.assertEqual(quarterly.next_billing_date, date(2026, 3, 31))
        self.assertEqual(ignored.next_billing_date, date(2026, 1, 1), "without the tick its fields mean nothing")
        self._bill(contract, date(2026, 3, 31))
        self.assertEqual(monthly.billed_to, date(2026, 3, 31))
        self.assertEqual(
            [(str(row.period_start), str(row.period_end), row.amount) for row in quarterly.billable_ids],
            [("2026-01-01", "2026-03-31", 300.0)],
        )
        self.assertEqual(contract.next_billing_date, date(2026, 4, 1))

    def test_billed_until_of_the_contract_and_of_the_line(self):
        contract = self._contract(
            self._line(price=100.0),
            self._line(price=50.0, billed_until=date(2026, 3, 31)),
            billed_until=date(2026, 1, 31),
        )
        self._bill(contract, date(2026, 4, 1))
        self.assertLedger(
            contract,
            [
                ("2026-02-01", "2026-02-28", 100.0),
                ("2026-03-01", "2026-03-31", 100.0),
                ("2026-04-01", "2026-04-30", 100.0),
                ("2026-04-01", "2026-04-30", 50.0),
            ],
        )

    def test_billed_until_within_a_period_bills_the_rest_of_it(self):
        contract = self._contract(billed_until=date(2026, 1, 15))
        self._bill(contract, date(2026, 2, 1))
        self.assertLedger(contract, [("2026-01-16", "2026-01-31", 51.61), ("2026-02-01", "2026-02-28", 100.0)])

    def test_one_off_billed_by_the_old_system_is_not_billed(self):
        contract = self._contract(self._line(price=500.0, pricing="one_off"), billed_until=date(2026, 1, 31))
        self.assertFalse(self._bill(contract, date(2026, 12, 31)))

    def test_one_off_is_billed_once(self):
        contract = self._contract(self._line(price=500.0, pricing="one_off", date_start=date(2026, 2, 10)))
        self.assertEqual(contract.next_billing_date, date(2026, 2, 10))
        self._bill(contract, date(2026, 12, 31))
        self.assertLedger(contract, [("2026-02-10", "2026-02-10", 500.0)])
        self.assertFalse(contract.next_billing_date)

    def _end(self, record, day):
        """As the wizard does it, opened by the button of `record`."""
        action = record.action_end_on()
        with Form(self.env[action["res_model"]].with_context(**action["context"])) as form:
            form.date_end = day
        wizard = form.record
        consequence = wizard.consequence
        wizard.action_confirm()
        return consequence

    def test_line_not_billed_yet(self):
        contract = self._contract()
        consequence = self._end(contract.line_ids, "2026-02-10")
        self.assertIn("Nothing that was billed changes", consequence)
        self._bill(contract, date(2026, 6, 1))
        self.assertLedger(contract, [("2026-01-01", "2026-01-31", 100.0), ("2026-02-01", "2026-02-10", 35.71)])

    def test_line_billed_beyond_is_credited(self):
        contract = self._contract(self._line(), self._line(price=50.0))
        line = contract.line_ids[0]
        self._bill(contract, date(2026, 2, 1))
        consequence = self._end(line, "2026-02-14")
        self.assertIn("Billed to 02/28/2026: the part after 02/14/2026 is credited", consequence)
        self._bill(contract, date(2026, 2, 20))
        rows = line.billable_ids.filtered("held")
        self.assertEqual(sum(rows.mapped("amount")), 150.0)
        self.assertFalse(line.next_billing_date)
        self.assertFalse(self._bill(contract, date(2026, 2, 20)), "credited once")
        self.assertFalse(line.replan_from)

    def test_end_may_be_moved_and_taken_back(self):
        contract = self._contract()
        line = contract.line_ids
        self._bill(contract, date(2026, 2, 1))
        self._end(line, "2026-02-14")
        self._bill(contract, date(2026, 2, 20))
        self._end(line, False)
        self.assertFalse(line.date_end)
        self._bill(contract, date(2026, 3, 1))
        self.assertEqual(sum(line.billable_ids.filtered("held").mapped("amount")), 300.0)

    def test_whole_contract(self):
        contract = self._contract(self._line(), self._line(price=50.0))
        self._bill(contract, date(2026, 2, 1))
        self._end(contract, "2026-02-14")
        self.assertEqual(contract.date_end, date(2026, 2, 14))
        self.assertEqual(contract.line_ids.mapped("date_end"), [False, False])
        self._bill(contract, date(2026, 3, 1))
        self.assertEqual(sum(contract.billable_ids.filtered("held").mapped("amount")), 225.0)
        self.assertFalse(contract.next_billing_date)

    @freeze_time("2026-03-10")
    def test_whole_contract_that_ended_already_is_corrected_too(self):
        contract = self._contract(date_end=date(2026, 2, 28))
        self._bill(contract, date(2026, 2, 1))
        self.env["multiservice.contract"]._cron_end_contracts()
        self.assertEqual(contract.state, "ended")
        self._end(contract, "2026-02-14")
        self._bill(contract, date(2026, 3, 10))
        self.assertEqual(sum(contract.billable_ids.filtered("held").mapped("amount")), 150.0)
        self.env["multiservice.contract"]._cron_end_contracts()
        self.assertEqual(contract.state, "ended")

    @freeze_time("2026-03-10")
    def test_ended_contract_runs_again_when_its_end_moves_on(self):
        """Else its status would say that nothing more is billed."""
        contract = self._contract(date_end=date(2026, 2, 28))
        self._bill(contract, date(2026, 2, 1))
        self.env["multiservice.contract"]._cron_end_contracts()
        self.assertEqual(contract.state, "ended")
        self._end(contract, "2026-12-31")
        self.assertEqual(contract.state, "active")
        self._bill(contract, date(2026, 3, 10))
        self.assertLedger(
            contract,
            [
                ("2026-01-01", "2026-01-31", 100.0),
                ("2026-02-01", "2026-02-28", 100.0),
                ("2026-03-01", "2026-03-31", 100.0),
            ],
        )

    def test_impossible_ends(self):
        contract = self._contract()
        line = contract.line_ids
        with self.assertRaisesRegex(UserError, "starts on 01/01/2026: it cannot end before"), self.env.cr.savepoint():
            self._end(contract, "2025-12-31")
        with self.assertRaisesRegex(UserError, "it cannot end before 12/31/2025"), self.env.cr.savepoint():
            self._end(line, "2025-12-30")
        line._replace_from(date(2026, 3, 1), {"price_unit": 120.0})
        with self.assertRaisesRegex(UserError, "is replaced from 03/01/2026: end the line that replaces it"):
            self._end(line, "2026-04-30")

    def test_no_day_of_service_at_all(self):
        contract = self._contract(self._line(), self._line(price=50.0))
        line = contract.line_ids[0]
        self._bill(contract, date(2026, 1, 1))
        self._end(line, "2025-12-31")
        self._bill(contract, date(2026, 1, 2))
        self.assertEqual(sum(line.billable_ids.filtered("held").mapped("amount")), 0.0)

    def test_wizard_without_anything_to_end(self):
        wizard = self.env["multiservice.line.end"].create({"date_end": "2026-02-14"})
        with self.assertRaises(UserError):
            wizard.action_confirm()

    def _replace(self, line, day, **vals):
        """As the wizard does it, opened by the button of the line; returns the successor."""
        action = line.action_replace_from()
        wizard = Form(self.env[action["res_model"]].with_context(**action["context"]))
        wizard.date_start = day
        for name, value in vals.items():
            if name == "tax_ids":
                wizard.tax_ids.clear()
                for tax in value:
                    wizard.tax_ids.add(tax)
            else:
                setattr(wizard, name, value)
        wizard.save().action_confirm()
        return line.successor_ids

    def test_wizard_proposes_the_terms_of_today(self):
        line = self._contract(self._line(price=80.0, quantity=2, discount=5, site_id=self.site_a.id)).line_ids
        action = line.action_replace_from()
        wizard = Form(self.env[action["res_model"]].with_context(**action["context"]))
        self.assertEqual(
            (wizard.price_unit, wizard.quantity, wizard.discount, wizard.site_id, wizard.product_id),
            (80.0, 2, 5, self.site_a, self.service),
        )
        self.assertEqual(wizard.tax_ids[:], self.tax)

    def test_price_changes_in_the_middle_of_a_period(self):
        contract = self._contract(self._line(name="Twice a week", site_id=self.site_a.id, discount=10))
        line = contract.line_ids
        self._bill(contract, date(2026, 2, 1))
        successor = self._replace(line, "2026-02-15", price_unit=200.0)
        self.assertEqual(line.date_end, date(2026, 2, 14))
        self.assertEqual((successor.date_start, successor.date_end), (date(2026, 2, 15), False))
        self.assertEqual(successor.anchor_date, line.anchor_date)
        self.assertEqual(successor.predecessor_id, line)
        self.assertEqual(
            (successor.name, successor.site_id, successor.tax_ids, successor.discount),
            (line.name, self.site_a, self.tax, 10),
        )
        self._bill(contract, date(2026, 3, 1))
        self.assertEqual(sum(line.billable_ids.filtered("held").mapped("amount")), 90.0 + 45.0)
        rows = successor.billable_ids.filtered("held").sorted("period_start")
        self.assertEqual(
            [(str(row.period_start), str(row.period_end), row.amount) for row in rows],
            [("2026-02-15", "2026-02-28", 90.0), ("2026-03-01", "2026-03-31", 180.0)],
        )

    def test_anchor_is_kept(self):
        contract = self._contract(recurrence_unit="quarter", alignment="anniversary", date_start=date(2026, 1, 10))
        line = contract.line_ids
        self._bill(contract, date(2026, 1, 10))
        successor = self._replace(line, "2026-04-10", price_unit=200.0)
        self._bill(contract, date(2026, 4, 10))
        self.assertEqual(
            [(str(row.period_start), str(row.period_end), row.amount) for row in successor.billable_ids],
            [("2026-04-10", "2026-07-09", 200.0)],
        )
        self.assertEqual(line.billable_ids.filtered("held").mapped("amount"), [100.0])

    def test_site_taxes_service_and_quantity_change(self):
        other_tax = self.tax.copy({"name": "Reduced", "amount": 10.0})
        guarding = self._service("Guarding", 10.0)
        line = self._contract(self._line(name="Twice a week", site_id=self.site_a.id)).line_ids
        successor = self._replace(
            line,
            "2026-02-01",
            site_id=self.site_b,
            tax_ids=other_tax,
            product_id=guarding,
            quantity=7,
            price_unit=12.0,
            discount=3.0,
        )
        self.assertEqual(successor.site_id, self.site_b)
        self.assertEqual(successor.tax_ids, other_tax)
        self.assertEqual((successor.product_id, successor.name), (guarding, "Guarding"))
        self.assertEqual((successor.quantity, successor.price_unit, successor.discount), (7, 12.0, 3.0))
        self.assertEqual((line.site_id, line.tax_ids, line.price_unit), (self.site_a, self.tax, 100.0))

    def test_service_may_be_emptied(self):
        line = self._contract(self._line(name="Twice a week")).line_ids
        successor = self._replace(line, "2026-02-01", product_id=self.env["product.product"])
        self.assertEqual(successor.name, "Twice a week")

    def test_site_of_another_customer_is_refused(self):
        stranger = self._site(self._customer("Autre client"), "Entrepôt", "E")
        line = self._contract(self._line(site_id=self.site_a.id)).line_ids
        with self.assertRaisesRegex(ValidationError, "does not belong to Bureaux du Parc"):
            self._replace(line, "2026-02-01", site_id=stranger)

    def test_own_schedule_and_end_go_on(self):
        line = self._contract(
            self._line(own_schedule=True, recurrence_unit="quarter", timing="arrears", date_end=date(2026, 12, 31))
        ).line_ids
        successor = self._replace(line, "2026-04-01", price_unit=200.0)
        self.assertTrue(successor.own_schedule)
        self.assertEqual((successor.recurrence_unit, successor.timing), ("quarter", "arrears"))
        self.assertEqual((line.date_end, successor.date_end), (date(2026, 3, 31), date(2026, 12, 31)))

    def test_successor_can_be_replaced_but_a_line_only_once(self):
        line = self._contract().line_ids
        second = self._replace(line, "2026-02-01", price_unit=110.0)
        third = self._replace(second, "2026-03-01", price_unit=120.0)
        self.assertEqual(third.predecessor_id.predecessor_id, line)
        with self.assertRaisesRegex(UserError, "is replaced already from 02/01/2026"):
            self._replace(line, "2026-04-01", price_unit=130.0)

    def test_impossible_starts(self):
        line = self._contract(self._line(date_end=date(2026, 6, 30))).line_ids
        for day, message in (
            ("2026-01-01", "must begin after 01/01/2026"),
            ("2025-12-01", "must begin after 01/01/2026"),
            ("2026-07-01", "ends on 06/30/2026: nothing is left to replace"),
        ):
            with self.subTest(day), self.assertRaisesRegex(UserError, message), self.env.cr.savepoint():
                self._replace(line, day, price_unit=1.0)

    def test_ended_contract_is_not_replaced(self):
        contract = self._contract()
        contract._move_to("ended")
        with self.assertRaises(UserError):
            self._replace(contract.line_ids, "2026-02-01", price_unit=1.0)

    def test_successor_takes_the_place_of_its_line(self):
        """It stays under its section on screen and on the invoice."""
        contract = self._contract(
            Command.create({"display_type": "line_section", "name": "Offices"}),
            self._line(name="Desks"),
            Command.create({"display_type": "line_section", "name": "Workshops"}),
            self._line(name="Floors"),
        )
        self._replace(contract.line_ids[1], "2026-02-01", price_unit=110.0)
        contract.invalidate_recordset(["line_ids"])
        self.assertEqual(contract.line_ids.mapped("name"), ["Offices", "Desks", "Desks", "Workshops", "Floors"])


@tagged("post_install", "-at_install")
class TestContractLineHeld(ContractCase):
    """A line that was billed keeps what it was billed by."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_service = cls._service("Guarding", 10.0)
        cls.other_tax = cls.tax.copy({"name": "Other tax"})
        cls.contract = cls._contract(cls._line(site_id=cls.site_a.id, quantity=2), cls._line(price=5.0))
        cls.line, cls.second = cls.contract.line_ids
        cls.bank = cls.env["multiservice.hours.bank"].create(
            {"name": "Hours", "contract_id": cls.contract.id, "product_id": cls.service.id}
        )
        cls.other_contract = cls._contract(cls._line())
        cls._bill(cls.contract, date(2026, 1, 1))

    def _values(self):
        return {
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
            "own_schedule": True,
            "date_start": date(2025, 12, 1),
            "date_end": date(2026, 12, 31),
            "anchor_date": date(2026, 1, 2),
            "billed_until": date(2025, 12, 31),
            "pricing": "flat",
            "product_id": self.other_service.id,
            "quantity": 3,
            "price_unit": 100.01,
            "discount": 1.0,
            "tax_ids": [Command.set(self.other_tax.ids)],
            "site_id": self.site_b.id,
            "predecessor_id": self.second.id,
            "display_type": "line_note",
            "measured": True,
            "price_from_list": True,
            "package_size": 10.0,
            "free_units": 1.0,
            "minimum_amount": 5.0,
            "included_quantity": 1.0,
            "overage_price": 5.0,
            "tier_ids": [Command.create({"unit_price": 1.0})],
            "bank_id": self.bank.id,
        }

    def test_every_held_field_is_covered(self):
        self.assertEqual(set(self._values()), set(HELD_FIELDS))

    def test_held_fields_are_read_only(self):
        for name, value in self._values().items():
            with (
                self.subTest(name),
                self.assertRaisesRegex(UserError, "was billed to 01/31/2026: its .* can no longer be edited"),
                self.env.cr.savepoint(),
            ):
                self.line.write({name: value})
            with self.subTest(name), self.assertRaises(UserError), self.env.cr.savepoint():
                self.contract.write({"line_ids": [Command.update(self.line.id, {name: value})]})

    def test_stays_in_its_contract(self):
        with self.assertRaisesRegex(UserError, "A line stays in its contract"):
            self.line.contract_id = self.other_contract
        self.line.contract_id = self.contract

    def test_message_names_the_fields(self):
        with self.assertRaisesRegex(UserError, "its Discount %, Quantity, Unit Price can"):
            self.line.write({"quantity": 9, "price_unit": 9.0, "discount": 9, "name": "Whatever"})

    def test_no_context_switches_the_guard_off(self):
        keys = ("force", "bypass", "install_mode", "import_file", "tracking_disable", "force_delete", "no_check")
        line = self.line.with_context(dict.fromkeys(keys, True), _import_current_module="__import__")
        with self.assertRaises(UserError):
            line.sudo().write({"price_unit": 1.0})

    def test_writing_the_same_values_is_allowed(self):
        for name in HELD_FIELDS:
            field = self.line._fields[name]
            self.line.write({name: field.convert_to_write(self.line[name], self.line)})
        self.line.write({"date_start": "2026-01-01", "price_unit": 100, "quantity": 2.0, "discount": False})
        self.line.write({"tax_ids": [Command.set(self.tax.ids)]})
        self.line.write({"tax_ids": [Command.link(self.tax.id)]})

    def test_smallest_change_of_price_is_a_change(self):
        with self.assertRaises(UserError):
            self.line.price_unit = 100.00001

    def test_tax_commands_are_seen_through(self):
        for command in (
            Command.clear(),
            Command.unlink(self.tax.id),
            Command.link(self.other_tax.id),
            Command.set([]),
        ):
            with self.subTest(command), self.assertRaises(UserError), self.env.cr.savepoint():
                self.line.tax_ids = [command]

    def test_what_terms_come_from_does_not_change_a_held_line(self):
        position = self.env["account.fiscal.position"].create({"name": "Export"})
        self.other_tax.write(
            {"fiscal_position_ids": [Command.set(position.ids)], "original_tax_ids": [Command.set(self.tax.ids)]}
        )
        pricelist = self.env["product.pricelist"].create(
            {
                "name": "Cheaper",
                "item_ids": [Command.create({"compute_price": "fixed", "fixed_price": 1.0, "applied_on": "3_global"})],
            }
        )
        self.contract.write({"fiscal_position_id": position.id, "pricelist_id": pricelist.id})
        self.service.list_price = 500.0
        self.assertEqual(self.line.tax_ids, self.tax)
        self.assertEqual(self.line.price_unit, 100.0)
        self.assertEqual(self.line.anchor_date, date(2026, 1, 1))

    def test_text_order_and_analytic_stay_editable(self):
        self.line.write({"name": "Twice a week", "sequence": 99})
        self.assertEqual(self.line.name, "Twice a week")

    def test_guard_ends_with_the_invoice(self):
        self.contract.billable_ids.move_id.unlink()
        self.line.price_unit = 110.0
        self._bill(self.contract, date(2026, 1, 1))
        self.assertLedger(self.contract, [("2026-01-01", "2026-01-31", 220.0), ("2026-01-01", "2026-01-31", 5.0)])

    def test_billed_to(self):
        self.assertEqual(self.line.billed_to, date(2026, 1, 31))
        self.assertTrue(self.line.is_held)
        self.assertEqual(self.line.next_billing_date, date(2026, 2, 1))
        self.assertFalse(self.other_contract.line_ids.billed_to)
