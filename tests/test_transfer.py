from datetime import date

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .test_amendment import AmendmentCommon

FEBRUARY, MARCH = date(2026, 2, 28), date(2026, 3, 31)


@tagged("post_install", "-at_install")
class TestTransfer(AmendmentCommon):
    """A contract goes on with another legal person: a new SIREN is a new customer."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.buyer = cls._customer("Repreneur")

    def _transfer(self, contract, day, customer=None):
        form = Form(
            self.env["multiservice.contract.transfer"].with_context(**contract.action_transfer()["context"]),
            view="multiservice.contract_transfer_view_form",
        )
        form.partner_id = customer or self.buyer
        form.date = day
        action = form.save().action_confirm()
        return contract.browse(action["res_id"])

    def test_the_old_customer_is_credited_and_the_new_one_billed(self):
        """Old ├ Jan ┤├── Feb ─┤ posted; from 15/02 the new one: each pays half of February, whatever the policies."""
        contract = self._contract(
            self._line(price=280.0, site_id=self.site_a.id),
            posting_mode="post",
            first_partial="full",
            last_partial="full",
            order_reference="PO-OLD",
        )
        self._bill(contract, FEBRUARY)
        taken_over = self._transfer(contract, date(2026, 2, 15))
        self.assertEqual((taken_over.partner_id, taken_over.state), (self.buyer, "active"))
        self.assertEqual((taken_over.transferred_from_id, contract.transferred_to_ids), (contract, taken_over))
        self.assertEqual(contract.date_end, date(2026, 2, 14))
        self.assertFalse(taken_over.order_reference)
        self.assertEqual(taken_over.invoice_partner_id, self.buyer)
        self._bill(contract | taken_over, MARCH)
        self.assertEqual(self._billed(contract), {1: 280.0, 2: 140.0})
        self.assertEqual(self._billed(taken_over), {2: 140.0, 3: 280.0})
        self.assertEqual(taken_over.billable_ids.move_id.partner_id, self.buyer)

    def test_payers_go_on_paying_for_the_new_customer(self):
        """An insurer pays 60 %, the new customer paid 10 %: from 01/03 the insurer does, the other is the customer."""
        insurer = self._customer("Assurance Exemple")
        contract = self._contract(self._line(price=280.0), posting_mode="post")
        for payer, percent in ((insurer, 60.0), (self.buyer, 10.0)):
            self.env["multiservice.share"].create(
                {
                    "contract_id": contract.id,
                    "partner_id": payer.id,
                    "date_start": contract.date_start,
                    "percent": percent,
                }
            )
        taken_over = self._transfer(contract, date(2026, 3, 1))
        share = taken_over.share_ids
        self.assertEqual((share.partner_id, share.percent, share.date_start), (insurer, 60.0, date(2026, 3, 1)))
        moves = self._bill(contract | taken_over, MARCH).move_ids
        of_march = moves.invoice_line_ids.filtered(lambda line: line.service_start == date(2026, 3, 1))
        self.assertEqual(
            {line.move_id.partner_id: line.price_subtotal for line in of_march if line.display_type == "product"},
            {insurer: 168.0, self.buyer: 112.0},
        )

    def test_hours_of_a_bank_are_not_lost(self):
        contract = self._contract(self._line(60.0, measured=True))
        bank = self.env["multiservice.hours.bank"].create(
            {"name": "Maintenance hours", "contract_id": contract.id, "product_id": self.service.id}
        )
        contract.line_ids.bank_id = bank
        with self.assertRaisesRegex(UserError, "Maintenance hours.*settle what is left"):
            self._transfer(contract, date(2026, 3, 1))
        self.assertFalse(contract.transferred_to_ids)

    def test_sites_are_those_of_the_new_customer(self):
        self.site_a.site_siret = "35600000000048"
        known = self._site(self.buyer, "Tour B, reprise", "B")
        contract = self._contract(self._line(site_id=self.site_a.id), self._line(site_id=self.site_b.id))
        taken_over = self._transfer(contract, date(2026, 3, 1))
        copied, same = taken_over.line_ids.mapped("site_id")
        self.assertEqual(same, known)
        self.assertEqual((copied.name, copied.site_code, copied.parent_id), ("Tour A", "A", self.buyer))
        self.assertFalse(copied.site_siret, "of the old legal person")
        self.assertEqual(contract.line_ids.site_id, self.site_a | self.site_b)

    def test_what_is_agreed_goes_on(self):
        contract = self._contract(
            Command.create({"display_type": "line_section", "name": "Offices"}),
            self._line(price=100.0),
            self._line(price=50.0, date_end=date(2026, 1, 31)),
            self._line(price=10.0, pricing="one_off", date_start=date(2026, 1, 1)),
            term_months=12,
            renewal="express",
        )
        first = contract.line_ids[1]
        first._replace_from(date(2026, 4, 1), {"price_unit": 120.0})
        suspension = self.env["multiservice.suspension"].create(
            {"contract_id": contract.id, "line_id": first.id, "date_start": date(2026, 2, 20), "reason": "Works"}
        )
        taken_over = self._transfer(contract, date(2026, 3, 1))
        self.assertEqual(taken_over.line_ids.mapped("price_unit"), [0.0, 100.0, 120.0])
        self.assertEqual(taken_over.line_ids[2].predecessor_id, taken_over.line_ids[1])
        self.assertEqual((taken_over.term_months, taken_over.term_end), (10, date(2026, 12, 31)))
        self.assertEqual(taken_over.suspension_ids.line_id, taken_over.line_ids[1])
        self.assertEqual(taken_over.suspension_ids.date_start, date(2026, 3, 1))
        self.assertEqual(suspension.contract_id, contract)
        self.assertIn("Transferred from", "".join(taken_over.message_ids.mapped("body")))

    def test_what_is_refused_changes_nothing(self):
        contract = self._contract(date_end=date(2026, 6, 30))
        taken_over = self._contract(billed_until=MARCH)
        cases = [
            ("is the customer already", contract, date(2026, 3, 1), self.customer),
            ("can be transferred from 01/02/2026", contract, date(2026, 1, 1), self.buyer),
            ("nothing is left to transfer", contract, date(2026, 7, 1), self.buyer),
            ("can be transferred from 04/01/2026", taken_over, MARCH, self.buyer),
            ("is not in force", self._contract(activate=False), date(2026, 3, 1), self.buyer),
        ]
        for message, of_contract, day, customer in cases:
            with self.subTest(message), self.assertRaisesRegex(UserError, message), self.cr.savepoint():
                self._transfer(of_contract, day, customer)
        self.assertEqual(contract.date_end, date(2026, 6, 30))

    def test_planners_transfer_nothing(self):
        planner = self._user("tr_planner", "multiservice.group_planner")
        with mute_logger("odoo.addons.base.models.ir_model"), self.assertRaises(AccessError):
            self.env["multiservice.contract.transfer"].with_user(planner).create({})


@tagged("post_install", "-at_install")
class TestManagerChange(AmendmentCommon):
    def test_one_dated_action(self):
        old, new = self._customer("Ancien syndic"), self._customer("Nouveau syndic")
        other = self._customer("Autre client")
        customers = self.customer | other
        self.customer.manager_ids = [Command.create({"manager_id": old.id})]
        biller = self._user("mc_billing_user", "multiservice.group_billing_user")
        action = customers.with_user(biller).action_change_manager()
        form = Form(self.env["multiservice.manager.change"].with_user(biller).with_context(**action["context"]))
        form.manager_id = new
        form.date = date(2026, 5, 1)
        form.save().action_confirm()
        ended, current = self.customer.manager_ids.sorted(lambda mandate: mandate.date_to or date.max)
        self.assertEqual((ended.manager_id, ended.date_to), (old, date(2026, 4, 30)))
        self.assertEqual((current.manager_id, current.date_from, current.date_to), (new, date(2026, 5, 1), False))
        self.assertEqual(other.manager_ids.manager_id, new)
        self.assertIn("Manager from 05/01/2026", self.customer.message_ids[0].body)
        with self.assertRaisesRegex(UserError, "correct that mandate"), self.cr.savepoint():
            customers._change_manager(old, date(2026, 4, 20))
        customers._change_manager(old.browse(), date(2026, 6, 1))
        self.assertEqual(current.date_to, date(2026, 5, 31))
