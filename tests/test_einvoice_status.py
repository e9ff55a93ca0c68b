from datetime import date
from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo.exceptions import AccessError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .einvoice_life import EinvoiceLifeCommon

STATUS = "multiservice.einvoice.status"


@tagged("post_install", "-at_install")
class TestCollection(EinvoiceLifeCommon):
    """Status 212, from payments."""

    def test_the_taxes_are_there(self):
        for tax in (self.tax_20, self.tax_10, self.debits):
            self.assertTrue(tax)

    def test_paid_at_once(self):
        invoice = self._invoice((100.0, self.tax_20))
        self._pay(invoice)
        self._collect()
        self.assertEqual(self._collected(invoice), [("2026-03-05", {20.0: 120.0})])
        self.assertEqual((invoice.einvoice_state, invoice.einvoice_status_ids.direction), ("212", "sent"))

    def test_never_twice(self):
        invoice = self._invoice((100.0, self.tax_20))
        self._pay(invoice)
        self._collect()
        self._collect()
        self.assertEqual(len(invoice.einvoice_status_ids), 1)
        partials = invoice.line_ids.matched_credit_ids
        self.assertTrue(partials.collection_checked)
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            partials._enter_collected()

    def test_part_payments_of_a_mixed_invoice(self):
        """100.01 at 20 % and 100.01 at 10 %: 230.02 in three payments of odd cents."""
        invoice = self._invoice((100.01, self.tax_20), (100.01, self.tax_10))
        for amount in (33.33, 100.0):
            self._pay(invoice, amount)
        self._collect()
        self._pay(invoice, day="2026-03-09")
        self._collect()
        told = self._collected(invoice)
        self.assertEqual([day for day, _amounts in told], ["2026-03-05", "2026-03-05", "2026-03-09"])
        for (_day, amounts), paid in zip(told, (33.33, 100.0, 96.69), strict=True):
            self.assertAlmostEqual(sum(amounts.values()), paid, 2)
            self.assertAlmostEqual(amounts[20.0] / amounts[10.0], 120.01 / 110.01, 2)
        for rate, total in ((20.0, 120.01), (10.0, 110.01)):
            self.assertAlmostEqual(sum(amounts[rate] for _day, amounts in told), total, 2)

    def test_vat_on_debits_is_not_told(self):
        invoice = self._invoice((100.0, self.debits))
        mixed = self._invoice((100.0, self.tax_10), (100.0, self.debits, self.goods))
        self._pay(invoice)
        self._pay(mixed, 115.0)
        self._collect()
        self.assertFalse(invoice.einvoice_status_ids)
        self.assertEqual(self._collected(mixed), [("2026-03-05", {10.0: 55.0})])
        self._pay(mixed)
        self._collect()
        self.assertEqual(self._collected(mixed)[1], ("2026-03-05", {10.0: 55.0}))

    def test_a_cancelled_payment_is_told_less(self):
        invoice = self._invoice((100.0, self.tax_20), (100.0, self.tax_10))
        self._pay(invoice, 115.0)
        self._collect()
        invoice.line_ids.remove_move_reconcile()
        self._collect()
        self.assertEqual(
            self._collected(invoice),
            [("2026-03-05", {20.0: 60.0, 10.0: 55.0}), ("2026-03-10", {20.0: -60.0, 10.0: -55.0})],
        )
        self.assertFalse(invoice.einvoice_state, "as if it had not been paid")
        self._collect()
        self.assertEqual(len(invoice.einvoice_status_ids), 2)
        self._pay(invoice, 230.0, day="2026-03-10")
        self._collect()
        self.assertEqual(self._collected(invoice)[2:], [("2026-03-10", {20.0: 120.0, 10.0: 110.0})])
        self.assertEqual(invoice.einvoice_state, "212")

    def test_a_payment_undone_before_anybody_looked_is_not_told(self):
        invoice = self._invoice((100.0, self.tax_20))
        self._pay(invoice)
        invoice.line_ids.remove_move_reconcile()
        self._collect()
        self.assertFalse(invoice.einvoice_status_ids)

    def test_a_credit_note_is_no_money(self):
        """The 10 % line is credited: what is then paid is at 20 %."""
        invoice = self._invoice((100.0, self.tax_20), (100.0, self.tax_10))
        note = self._invoice((100.0, self.tax_10), move_type="out_refund", reversed_entry_id=invoice.id)
        lines = (invoice + note).line_ids.filtered(lambda line: line.account_type == "asset_receivable")
        lines.reconcile()
        self._collect()
        self.assertFalse((invoice + note).einvoice_status_ids)
        self._pay(invoice, day="2026-03-06")
        self._collect()
        self.assertEqual(self._collected(invoice), [("2026-03-06", {20.0: 120.0})])

    def test_a_credit_note_paid_back_is_told_less(self):
        note = self._invoice((100.0, self.tax_20), move_type="out_refund")
        self._pay(note)
        self._collect()
        self.assertEqual(self._collected(note), [("2026-03-05", {20.0: -120.0})])

    def test_a_discount_for_early_payment_is_not_collected(self):
        term = self.env["account.payment.term"].create(
            {
                "name": "2 % in 10 days",
                "early_discount": True,
                "discount_percentage": 2,
                "discount_days": 10,
                "early_pay_discount_computation": "included",
                "line_ids": [(0, 0, {"value": "percent", "value_amount": 100, "nb_days": 30})],
            }
        )
        invoice = self._invoice((100.0, self.tax_20), invoice_payment_term_id=term.id)
        self._pay(invoice, day="2026-03-05")
        self.assertFalse(invoice.amount_residual)
        self._collect()
        self.assertEqual(self._collected(invoice), [("2026-03-05", {20.0: 117.6})])

    def test_a_loss_is_not_collected(self):
        invoice = self._invoice((100.0, self.tax_20))
        receivable = invoice.line_ids.filtered(lambda line: line.account_type == "asset_receivable")
        loss = self.env["account.move"].create(
            {
                "journal_id": self.company_data["default_journal_misc"].id,
                "date": "2026-03-08",
                "line_ids": [
                    (0, 0, {"account_id": receivable.account_id.id, "partner_id": self.customer.id, "credit": 120.0}),
                    (0, 0, {"account_id": self.company_data["default_account_expense"].id, "debit": 120.0}),
                ],
            }
        )
        loss._post()
        (receivable + loss.line_ids[:1]).reconcile()
        self._collect()
        self.assertFalse(invoice.einvoice_status_ids)

    def test_foreign_currency(self):
        dollars = self.setup_other_currency("USD", rates=[("2026-01-01", 1.25), ("2026-03-04", 1.1)])
        invoice = self._invoice((100.0, self.tax_20), currency_id=dollars.id)
        self._pay(invoice, 60.0, currency_id=dollars.id)
        self._collect()
        self.assertEqual(self._collected(invoice), [("2026-03-05", {20.0: 60.0})])

    def test_an_invoice_of_before_is_left_alone(self):
        self.company.service_einvoice = False
        invoice = self._invoice((100.0, self.tax_20))
        self.company.service_einvoice = True
        self._pay(invoice)
        self._collect()
        self.assertFalse(invoice.einvoice_status_ids)
        self.assertTrue(invoice.line_ids.matched_credit_ids.collection_checked)

    def test_one_that_cannot_be_told_does_not_stop_the_others(self):
        bad, good = self._invoice((100.0, self.tax_20)), self._invoice((100.0, self.tax_20))
        for invoice in (bad, good):
            self._pay(invoice)
        Move = self.registry["account.move"]
        table = Move._collection_table

        def failing(move):
            if move == bad:
                raise ValueError("bad")
            return table(move)

        with patch.object(Move, "_collection_table", failing), mute_logger("odoo.addons.multiservice"):
            self._collect()
        self.assertEqual((len(bad.einvoice_status_ids), len(good.einvoice_status_ids)), (0, 1))
        self._collect()
        self.assertEqual(len(bad.einvoice_status_ids), 1, "tried again")

    def test_only_what_is_new_is_looked_at(self):
        self._collect()
        invoices = [self._invoice((100.0, self.tax_20)) for _ in range(3)]
        for invoice in invoices:
            self._pay(invoice)
        self._collect()
        Partial = self.env["account.partial.reconcile"]
        self.assertFalse(Partial.search(Partial._collection_domain()))
        self.assertFalse(self.env[STATUS].search(self.env[STATUS]._undone_domain()))


@tagged("post_install", "-at_install")
class TestEinvoiceStatus(EinvoiceLifeCommon):
    """Events told by platforms."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.salesperson = cls._user("a_salesperson", "multiservice.group_billing_user")
        cls.manager = cls._user("a_life_manager", "multiservice.group_manager")
        cls.invoice = cls._invoice((100.0, cls.tax_20), invoice_user_id=cls.salesperson.id)

    def _say(self, code, move=None, **vals):
        vals = {"reference": f"R-{code}", "date": f"2026-03-0{int(code) % 9 + 1} 08:00:00", **vals}
        return (move or self.invoice)._add_einvoice_status(code, **vals)

    def test_the_state_is_the_last_event_whenever_it_is_learnt(self):
        self._say("205", date="2026-03-05 08:00:00")
        self._say("200", date="2026-03-02 08:00:00")
        self.assertEqual(self.invoice.einvoice_state, "205")
        self.assertEqual(self.invoice.einvoice_status_count, 2)

    def test_once(self):
        first = self._say("200")
        self.assertEqual(self._say("200"), first)
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            self.env[STATUS].create({"move_id": self.invoice.id, "code": "200", "reference": "R-200"})

    def test_one_activity_for_the_salesperson(self):
        for code in ("200", "205", "211"):
            self._say(code)
        self.assertFalse(self.invoice.activity_ids)
        self._say("207", reason="Quantity <b>", reason_code="QTE_ERR")
        activity = self.invoice.activity_ids
        self.assertEqual(activity.user_id, self.salesperson)
        self.assertIn("In dispute", activity.summary)
        self.assertIn("QTE_ERR Quantity &lt;b&gt;", activity.note)
        self._say("208")
        self.assertEqual(self.invoice.activity_ids, activity)
        activity.action_done()
        for code in ("210", "213"):
            with self.subTest(code):
                self._say(code)
                self.assertEqual(len(self.invoice.activity_ids), 1)
                self.invoice.activity_ids.action_done()

    def test_without_a_salesperson_somebody_is_told_all_the_same(self):
        invoice = self._invoice((10.0, self.tax_20), invoice_user_id=False)
        self._say("213", invoice)
        self.assertTrue(invoice.activity_ids.user_id.active)

    def test_deposit_date_of_a_public_body(self):
        town = self._customer("Commune de Testville", legal_category="public_body", vat=False)
        invoice = self._invoice((100.0, self.tax_20), partner=town)
        self._say("200", invoice, date="2026-03-03 23:30:00", reference="chorus-1")
        self._say("200", invoice, date="2026-03-06 08:00:00", reference="chorus-2")
        self.assertEqual(invoice.einvoice_deposit_date, date(2026, 3, 4), "on the calendar of Paris")
        self._say("200")
        self.assertFalse(self.invoice.einvoice_deposit_date)

    def test_routing_stays_as_it_was_issued(self):
        invoice = self._invoice((100.0, self.tax_20), partner=self.person)
        self.assertEqual((self.invoice.einvoice_routing, invoice.einvoice_routing), ("B2B", "B2C"))
        self.customer.vat_liable = False
        self.env.flush_all()
        self.assertEqual(self.invoice.einvoice_routing, "B2B")
        self.assertEqual(self._invoice((100.0, self.tax_20)).einvoice_routing, "B2C")

    def test_search_filters(self):
        self._say("213")
        for domain, found in (
            ([("einvoice_state", "in", ("210", "213", "221", "501"))], True),
            ([("einvoice_state", "=", "208")], False),
        ):
            self.assertEqual(self.invoice in self.env["account.move"].search(domain), found)

    def test_an_invoice_with_a_life_is_not_deleted(self):
        self._say("200")
        self.env.flush_all()
        self.invoice.button_draft()
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            self.invoice.with_context(force_delete=True).unlink()
            self.env.flush_all()

    def test_reissue_after_a_rejection_by_reversal(self):
        self._say("213", reason="DEST_INC")
        note = self._credit(self.invoice)
        self.assertEqual((note.move_type, note.state), ("out_refund", "posted"))
        self.assertEqual([one.number for one in note._einvoice_preceding()], [self.invoice.name])
        self.assertTrue(self.invoice._is_void_einvoice())
        self.assertFalse(note.einvoice_state)
        self.assertEqual(self.invoice.payment_state, "reversed")

    def test_reissue_after_a_refusal_by_reverse_and_create(self):
        self._say("210")
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=self.invoice.ids)
            .create({"journal_id": self.invoice.journal_id.id, "reason": "Refused"})
        )
        wizard.reverse_moves(is_modify=True)
        again = wizard.new_move_ids
        again.invoice_line_ids.price_unit = 90.0
        again._post(soft=False)
        self.assertNotEqual(again.name, self.invoice.name)
        self.assertEqual((again.move_type, again.amount_total), ("out_invoice", 108.0))
        self.assertFalse(again.einvoice_status_ids or again.einvoice_state, "a life of its own")
        self.assertEqual(self.invoice.reversal_move_ids.state, "posted")

    def test_who_may(self):
        status = self._say("200")
        accountant = self._user("a_life_accountant", "account.group_account_manager")
        planner = self._user("a_life_planner", "multiservice.group_planner")
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(status.with_user(self.salesperson).code, "200")
        with self.assertRaises(AccessError):
            status.with_user(self.salesperson).reason = "Mine"
        with self.assertRaises(AccessError):
            self.env[STATUS].with_user(self.salesperson).create({"move_id": self.invoice.id, "code": "205"})
        status.with_user(self.manager).reason = "Ours"
        self.env[STATUS].with_user(self.manager).create({"move_id": self.invoice.id, "code": "213"})
        for user in (accountant, planner):
            with self.assertRaises(AccessError):
                status.with_user(user).read(["code"])
        self.assertEqual(self.invoice.with_user(accountant).einvoice_state, "213")
        with self.assertRaises(AccessError):
            self.invoice.with_user(accountant).read(["einvoice_status_ids"])

    def test_who_may_portal(self):
        status = self._say("200")
        contact = self.env["res.partner"].create({"name": "Paul Exemple", "parent_id": self.customer.id})
        portal = self._user("portal_life", "base.group_portal", partner_id=contact.id)
        for record in (status, self._say("212", amounts={20.0: 1.0}).amount_ids):
            self.assertFalse(record.with_user(portal).has_access("read"))
        self.assertFalse(self.env["multiservice.ereporting"].with_user(portal).has_access("read"))

    def test_other_company(self):
        other = self.setup_other_company()["company"]
        stranger = self._user("a_life_stranger", "multiservice.group_manager")
        stranger.write({"company_ids": [(6, 0, other.ids)], "company_id": other.id})
        status = self._say("212", amounts={20.0: 12.0})
        self.env.flush_all()
        self.env.invalidate_all()
        for record in (status, status.amount_ids):
            self.assertFalse(self.env[record._name].with_user(stranger).search([("id", "in", record.ids)]))
            with self.assertRaises(AccessError), mute_logger("odoo.addons.base.models.ir_rule"):
                record.with_user(stranger).read(["display_name"])

    def test_the_form_shows_the_life(self):
        self._say("200")
        with Form(self.invoice.with_user(self.salesperson)) as form:
            self.assertEqual(form.einvoice_status_count, 1)
            self.assertEqual(len(form.einvoice_status_ids), 1)
        action = self.invoice.with_user(self.salesperson).action_view_einvoice_statuses()
        self.assertEqual(self.env[STATUS].search(action["domain"]), self.invoice.einvoice_status_ids)

    def test_the_billing_run_s_invoices_find_somebody(self):
        """A scheduled action makes invoices as OdooBot, whom nobody reads."""
        bot = self.env.ref("base.user_root")
        invoice = self._invoice((10.0, self.tax_20), invoice_user_id=False)
        self.env.cr.execute("UPDATE account_move SET create_uid = %s WHERE id = %s", [bot.id, invoice.id])
        self.env.invalidate_all()
        self._say("213", invoice.with_user(bot))
        self.assertIn(self.company, invoice.activity_ids.user_id.company_ids)
        self.assertTrue(invoice.activity_ids.user_id.has_group("multiservice.group_manager"))
        watcher = self.salesperson
        self.company.service_summary_user_ids = watcher
        invoice.activity_ids.unlink()
        self._say("210", invoice.with_user(bot))
        self.assertEqual(invoice.activity_ids.user_id, watcher)
