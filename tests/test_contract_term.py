from datetime import date
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from odoo.addons.base.tests.test_ir_cron import CronMixinCase
from odoo.addons.mail.tests.common import MockEmail

from .common import MultiserviceCommon

TERM_LOG = "odoo.addons.multiservice.models.contract_term"


@tagged("post_install", "-at_install")
class TestContractTerm(MultiserviceCommon, CronMixinCase, MockEmail):
    """Contracts of a year from 01/01/2026 that renew themselves, with a notice of three months."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time("2026-01-10 12:00:00"))
        cls.syndicate = cls._customer("Residence", legal_category="non_professional")
        cls.salesperson = cls._user("t_salesperson", "multiservice.group_billing_user")

    def _year(self, **vals):
        terms = {"term_months": 12, "notice_months": 3, "user_id": self.salesperson.id}
        return self._contract(self._line(), **terms | vals)

    def _cron(self, day):
        with freeze_time(f"{day} 03:00:00"), self.mock_mail_gateway(), self.enter_registry_test_mode():
            self.env.ref("multiservice.ir_cron_terms").sudo().method_direct_trigger()

    def _refuse(self, contract, day, by="customer"):
        with freeze_time(f"{day} 12:00:00"):
            wizard = self.env["multiservice.renewal.refusal"].create(
                {"contract_id": contract.id, "refused_on": day, "refused_by": by, "reason": "The site is given up"}
            )
            consequence = wizard.consequence
            wizard.action_confirm()
        return consequence

    def test_deadlines(self):
        contract = self._year()
        self.assertEqual(contract.term_end, date(2026, 12, 31))
        self.assertEqual(contract.refusal_deadline, date(2026, 9, 30))
        self.assertEqual((contract.inform_from, contract.inform_until), (date(2026, 6, 30), date(2026, 8, 31)))
        self.assertFalse(contract.date_end, "billing goes on")
        self.assertFalse(contract.information, "businesses need no letter")

    def test_renews_itself_and_the_deadline_follows(self):
        contract = self._year()
        self._cron("2026-12-31")
        self.assertEqual(contract.renewal_count, 0)
        self._cron("2027-01-01")
        self.assertEqual((contract.renewal_count, contract.term_end), (1, date(2027, 12, 31)))
        self.assertEqual(contract.refusal_deadline, date(2027, 9, 30))
        self.assertIn("Renewed until 12/31/2027", "".join(contract.message_ids.mapped("body")))
        self._cron("2027-01-02")
        self.assertEqual(contract.renewal_count, 1, "once")
        self.assertFalse(contract.date_end)

    def test_a_contract_of_long_ago_catches_up(self):
        contract = self._year(date_start=date(2020, 1, 1), billed_until=date(2025, 12, 31))
        self._cron("2026-01-10")
        self.assertEqual((contract.renewal_count, contract.term_end), (6, date(2026, 12, 31)))

    def test_the_last_renewal_ends_the_contract(self):
        contract = self._year(renewal_limit=1)
        self.assertFalse(contract.date_end)
        self._cron("2027-01-01")
        self.assertEqual(contract.date_end, date(2027, 12, 31))
        self.assertFalse(contract.refusal_deadline, "nothing follows that could be refused")

    def test_without_tacit_renewal_it_ends_with_its_term(self):
        for renewal in ("none", "express"):
            contract = self._year(renewal=renewal)
            self.assertEqual(contract.date_end, date(2026, 12, 31))
            self._cron("2027-01-01")
            self.assertEqual(contract.renewal_count, 0)

    def test_renewed_by_agreement(self):
        contract = self._year(renewal="express", renewal_months=6)
        contract.action_renew()
        self.assertEqual((contract.term_end, contract.date_end), (date(2027, 6, 30), date(2027, 6, 30)))
        with self.assertRaisesRegex(UserError, "no term that could be renewed"):
            self._year(renewal="none").action_renew()
        with self.assertRaisesRegex(UserError, "as often as it may be"):
            self._year(renewal="express", renewal_limit=1, renewal_count=1).action_renew()

    def test_refused_in_time(self):
        contract = self._year()
        self.assertEqual(self._refuse(contract, date(2026, 9, 30)), "The contract ends on 12/31/2026.")
        self.assertEqual(contract.date_end, date(2026, 12, 31))
        self._cron("2027-01-01")
        self.assertEqual(contract.renewal_count, 0)

    def test_refused_too_late_ends_with_the_next_term(self):
        contract = self._year()
        self.assertIn("the last day was 09/30/2026", self._refuse(contract, date(2026, 10, 1), by="company"))
        self.assertEqual(contract.date_end, date(2027, 12, 31))

    def test_a_refusal_is_taken_back(self):
        contract = self._year()
        self._refuse(contract, date(2026, 9, 1))
        contract.action_take_back_refusal()
        self.assertFalse(contract.date_end)
        self.assertEqual(contract.refusal_deadline, date(2026, 9, 30))
        self._cron("2027-01-01")
        self.assertEqual(contract.renewal_count, 1)

    def test_the_salesperson_is_told_once_a_term(self):
        contract = self._year()
        self._cron("2026-08-15")
        self.assertFalse(contract.activity_ids)
        self._cron("2026-08-16")
        self._cron("2026-08-17")
        self.assertEqual(contract.activity_ids.user_id, self.salesperson)
        self.assertEqual(contract.activity_ids.date_deadline, date(2026, 9, 30))
        contract.activity_ids.action_done()
        self._cron("2026-08-18")
        self.assertFalse(contract.activity_ids, "done is done")
        self._cron("2027-01-01")
        self._cron("2027-09-01")
        self.assertEqual(contract.activity_ids.date_deadline, date(2027, 9, 30))

    def test_a_syndicate_is_told_in_time_by_e_mail(self):
        contract = self._year(partner_id=self.syndicate.id)
        self.assertEqual(contract.information, "to_come")
        self._cron("2026-06-29")
        self.assertFalse(contract.informed_on)
        self._cron("2026-06-30")
        self.assertEqual(contract.informed_on, date(2026, 6, 30))
        mail = self._new_mails.filtered(lambda mail: mail.res_id == contract.id)
        self.assertEqual(mail.recipient_ids, self.syndicate)
        self.assertIn("09/30/2026", mail.body_html)
        self.assertTrue(
            contract.message_ids.attachment_ids.filtered(lambda file: file.name.startswith("Renewal letter"))
        )
        with freeze_time("2026-09-01"):
            contract.invalidate_recordset()
            self.assertEqual(contract.information, "done")
        self._cron("2026-07-01")
        self.assertFalse(self._new_mails, "once")
        self._cron("2027-01-01")
        self.assertFalse(contract.free_exit_from)

    def test_without_e_mail_somebody_posts_the_letter(self):
        self.syndicate.email = False
        contract = self._year(partner_id=self.syndicate.id)
        self._cron("2026-07-01")
        self._cron("2026-07-02")
        self.assertEqual(contract.activity_ids.summary, "Send the letter on the renewal by post")
        with self.assertRaisesRegex(UserError, "no e-mail address: print the letter"):
            contract.action_send_information()
        with freeze_time("2026-07-03 12:00:00"):
            contract.action_informed_by_post()
        self.assertEqual(contract.informed_on, date(2026, 7, 3))

    def test_who_was_not_told_may_leave_at_any_time_after_the_renewal(self):
        contract = self._year(partner_id=self.syndicate.id)
        # The database's own clock is not frozen.
        self.env.cr.execute("UPDATE multiservice_contract SET create_date = '2026-01-10' WHERE id = %s", contract.ids)
        with freeze_time("2026-09-01"):
            contract.invalidate_recordset()
            self.assertEqual(contract.information, "missed")
        self._cron("2027-01-01")
        self.assertEqual(contract.free_exit_from, date(2027, 1, 1))
        self._bill(contract, date(2027, 3, 1))
        self._refuse(contract, date(2027, 3, 10))
        self.assertEqual(contract.date_end, date(2027, 3, 10))
        refund = self._bill(contract, date(2027, 3, 10)).move_ids
        self.assertEqual((refund.move_type, refund.amount_untaxed), ("out_refund", round(100 * 21 / 31, 2)))

    def test_who_was_told_too_late_may_refuse_until_the_end_of_the_term(self):
        contract = self._year(partner_id=self.syndicate.id)
        self._refuse(contract, date(2026, 11, 15))
        self.assertEqual(contract.date_end, date(2026, 12, 31))

    def test_nothing_is_claimed_of_the_time_before_the_contract_was_kept_here(self):
        contract = self._year(
            partner_id=self.syndicate.id, date_start=date(2024, 1, 1), billed_until=date(2025, 12, 31)
        )
        self._cron("2026-01-10")
        self.assertEqual(contract.term_end, date(2026, 12, 31))
        self.assertFalse(contract.free_exit_from)

    def test_a_letter_that_left_too_late_is_none(self):
        contract = self._year(partner_id=self.syndicate.id)
        self.env.cr.execute("UPDATE multiservice_contract SET create_date = '2026-01-10' WHERE id = %s", contract.ids)
        contract.invalidate_recordset()
        with freeze_time("2026-09-15 12:00:00"):
            contract.action_informed_by_post()
            self.assertEqual(contract.information, "missed")
        self._cron("2027-01-01")
        self.assertEqual(contract.free_exit_from, date(2027, 1, 1))

    def test_a_second_letter_leaves_the_date_of_the_first(self):
        contract = self._year(partner_id=self.syndicate.id)
        for day in ("2026-07-03", "2026-09-15"):
            with freeze_time(f"{day} 12:00:00"):
                contract.action_informed_by_post()
        self.assertEqual(contract.informed_on, date(2026, 7, 3))
        self.assertEqual(contract.information, "done")

    def test_no_letter_on_a_renewal_that_does_not_come(self):
        contract = self._year(renewal="none", partner_id=self.syndicate.id)
        for act in (contract.action_send_information, contract.action_informed_by_post):
            with self.assertRaisesRegex(UserError, "does not renew itself"), self.cr.savepoint():
                act()

    def test_a_refusal_that_came_in_time_and_is_recorded_late(self):
        contract = self._year()
        self._bill(contract, date(2027, 2, 1))
        self._cron("2027-01-01")
        with freeze_time("2027-02-10 12:00:00"):
            wizard = self.env["multiservice.renewal.refusal"].create(
                {"contract_id": contract.id, "refused_on": date(2026, 9, 20), "reason": "Letter found"}
            )
            self.assertEqual(wizard.consequence, "The contract ends on 12/31/2026.")
            wizard.action_confirm()
        self.assertEqual(contract.date_end, date(2026, 12, 31))
        refund = self._bill(contract, date(2027, 2, 10)).move_ids
        self.assertEqual((refund.move_type, refund.amount_untaxed), ("out_refund", 200.0))

    def test_numbers_being_typed(self):
        form = Form(self.env["multiservice.contract"])
        form.partner_id = self.customer
        form.term_months = 12
        for name, number in (("notice_months", -1), ("notice_days", -5), ("notice_months", 99999)):
            form[name] = number
            form[name] = 0
        form.term_months = 999999
        form.renewal_months = -3
        form.date_start = False
        self.assertFalse(form.term_end)

    def test_terms_of_a_running_contract_change(self):
        contract = self._year()
        self._bill(contract, date(2026, 1, 10))
        contract.renewal = "none"
        self.assertEqual(contract.date_end, date(2026, 12, 31), "nothing follows any more")
        contract.term_months = 24
        self.assertEqual(contract.date_end, date(2027, 12, 31))
        contract.renewal = "tacit"
        self.assertFalse(contract.date_end)
        self.assertEqual(contract.refusal_deadline, date(2027, 9, 30))
        contract._end_on(date(2026, 6, 30))
        contract.notice_months = 2
        self.assertEqual(contract.date_end, date(2026, 6, 30), "ended by hand")

    def test_terms_of_long_ago_do_not_end_a_running_contract(self):
        contract = self._contract(date_start=date(2020, 1, 1), billed_until=date(2025, 12, 31))
        with self.assertRaisesRegex(UserError, "ended on 12/31/2020"), self.cr.savepoint():
            contract.write({"term_months": 12, "renewal": "express"})
        draft = self._contract(
            date_start=date(2020, 1, 1), billed_until=date(2025, 12, 31), term_months=12, renewal="none", activate=False
        )
        with self.assertRaisesRegex(UserError, "ended on 12/31/2020"), self.cr.savepoint():
            draft._activate()

    def test_a_refused_contract_is_not_renewed_by_the_way(self):
        contract = self._year()
        self._refuse(contract, date(2026, 9, 1))
        with self.assertRaisesRegex(UserError, "take the refusal back"), self.cr.savepoint():
            contract.action_renew()

    def test_what_was_recorded_is_not_edited(self):
        contract = self._year()
        contract = contract.with_user(self.salesperson)
        for vals in (
            {"renewal_count": 3},
            {"informed_on": date(2026, 7, 1)},
            {"free_exit_from": False, "refused_on": date(2026, 9, 1)},
        ):
            with self.subTest(vals), self.assertRaisesRegex(UserError, "use the buttons"), self.cr.savepoint():
                contract.write(vals)

    def test_a_copy_takes_the_terms_and_no_decision(self):
        contract = self._year()
        self._refuse(contract, date(2026, 9, 1))
        copy = contract.copy()
        self.assertEqual((copy.term_months, copy.notice_months, copy.renewal), (12, 3, "tacit"))
        self.assertFalse(copy.date_end or copy.refused_on or copy.informed_on or copy.renewal_count)

    def test_one_failure_stops_no_other(self):
        first, second = self._year(), self._year()
        renew = type(first)._renew

        def fails_for_the_first(contract):
            if contract == first:
                raise ValueError("Locked")
            renew(contract)

        with patch.object(type(first), "_renew", fails_for_the_first), mute_logger(TERM_LOG):
            self._cron("2027-01-01")
        self.assertEqual((first | second).mapped("renewal_count"), [0, 1])

    def test_bad_numbers_are_refused(self):
        contract = self._year()
        for vals in ({"notice_months": -1}, {"renewal_months": 0}, {"notice_months": 13}):
            with self.subTest(vals), self.assertRaises(ValidationError), self.cr.savepoint():
                contract.write(vals)

    def test_only_what_renews_itself_can_be_refused(self):
        contract = self._year(renewal="none")
        with self.assertRaisesRegex(UserError, "no renewal that could be refused"), self.cr.savepoint():
            self._refuse(contract, date(2026, 3, 1))

    def test_in_words(self):
        contract = self._year(renewal_months=6)
        self.assertEqual(
            contract._term_in_words(),
            "Initial term of 12 months, until 12/31/2026. Then renews itself for 6 months at a time. "
            "Either party may refuse the renewal with a notice of 3 months.",
        )
        self.assertEqual(self._contract()._term_in_words(), "")
        html = self.env["ir.qweb"]._render(
            "multiservice.report_term_information_document",
            {"doc": contract, "company": self.company, "env": self.env, "report_type": "html", "is_html_empty": bool},
        )
        self.assertIn("09/30/2026", html)

    def test_a_contract_type_fills_the_term(self):
        template = self.env["multiservice.contract.template"].create(
            {"name": "Yearly", "term_months": 36, "notice_months": 2, "renewal": "express"}
        )
        form = Form(self.env["multiservice.contract"])
        form.partner_id = self.customer
        form.template_id = template
        self.assertEqual((form.term_months, form.notice_months, form.renewal), (36, 2, "express"))
