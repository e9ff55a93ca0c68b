from datetime import date

from freezegun import freeze_time

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from .common import MultiserviceCommon
from .test_facturx import EinvoiceCommon

JANUARY, FEBRUARY = date(2026, 1, 31), date(2026, 2, 28)


class HomeCommon(MultiserviceCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time("2026-03-31 12:00:00"))
        cls.company.write({"service_home_declaration": "SAP123456789", "service_home_declaration_date": "2020-01-01"})
        cls.service.regulated_activity = "home_services"
        cls.person = cls._customer(
            "Camille Exemple", legal_category="consumer", is_company=False, vat=False, company_registry=False
        )

    @classmethod
    def _home_contract(cls, *lines, **vals):
        lines = lines or [cls._line(25.0, quantity=4.0, worker_reference="INT-7")]
        vals = {"partner_id": cls.person.id, "timing": "arrears", "posting_mode": "post", **vals}
        return cls._contract(*lines, **vals)

    def _pay(self, move, day, amount=None, journal=None):
        wizard = (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create(
                {
                    "payment_date": day,
                    "journal_id": (journal or self.company_data["default_journal_bank"]).id,
                    **({"amount": amount} if amount else {}),
                }
            )
        )
        payment = wizard._create_payments()
        if not payment.move_id:  # where payments wait for the bank statement: entered as the statement does
            payment._generate_journal_entry()
            payment.move_id.action_post()
            payment.action_validate()
        return payment


@tagged("post_install", "-at_install")
class TestTaxCertificate(HomeCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        account = cls.company_data["default_account_receivable"].copy(
            {"name": "Receipts", "account_type": "asset_current"}
        )
        cls.vouchers = cls.company_data["default_journal_bank"].copy(
            {"name": "CESU", "code": "CESU", "service_prefinanced": True}
        )
        journals = cls.company_data["default_journal_bank"] | cls.vouchers
        journals.inbound_payment_method_line_ids.payment_account_id = account

    def _certificate(self, year=2026):
        certificates = self.env["multiservice.tax.certificate"]._make(self.company, year)
        return certificates.filtered(lambda one: one.partner_id == self.person)

    def test_what_was_paid_in_the_year(self):
        contract = self._home_contract()
        january = self._bill(contract, JANUARY).move_ids
        february = self._bill(contract, FEBRUARY).move_ids
        self._pay(january, date(2026, 2, 5))
        self._pay(february, date(2026, 3, 5), amount=30.0, journal=self.vouchers)
        certificate = self._certificate()
        self.assertEqual((certificate.amount_paid, certificate.amount_prefinanced), (150.0, 30.0))
        self.assertEqual(certificate.amount_own, 120.0)
        first, second = certificate.line_ids
        self.assertEqual(
            (first.move_id, first.paid_on, first.hours, first.workers), (january, date(2026, 2, 5), 4.0, "INT-7")
        )
        self.assertEqual((second.kind, second.amount), ("prefinanced", 30.0))
        self.assertEqual((first.service_start, first.service_end), (date(2026, 1, 1), JANUARY))

    def test_the_year_is_that_of_the_payment(self):
        contract = self._home_contract(date_start=date(2025, 12, 1))
        december = self._bill(contract, date(2025, 12, 31)).move_ids
        self._pay(december, date(2026, 1, 8), amount=50.0)
        self.assertEqual(self._certificate().amount_paid, 50.0)
        self.assertFalse(self._certificate(2025))

    def test_what_is_credited_or_unpaid_is_not_paid(self):
        contract = self._home_contract()
        january = self._bill(contract, JANUARY).move_ids
        self._bill(contract, FEBRUARY)
        january._reverse_moves([{"invoice_date": date(2026, 3, 31)}], cancel=True)
        self.assertFalse(self._certificate())

    def test_only_the_part_of_home_services(self):
        other = self.env["product.product"].create(
            {"name": "Window", "type": "service", "taxes_id": [Command.set(self.tax.ids)]}
        )
        contract = self._home_contract(self._line(75.0), self._line(25.0, product_id=other.id))
        january = self._bill(contract, JANUARY).move_ids
        self._pay(january, date(2026, 2, 5), amount=60.0)
        self.assertEqual(self._certificate().amount_paid, 45.0)
        self._pay(january, date(2026, 2, 6))
        self.assertEqual(self._certificate().amount_paid, 90.0)

    def test_a_payer_gets_no_certificate_and_its_part_is_not_on_it(self):
        contract = self._home_contract()
        department = self._customer("Departement Exemple", legal_category="public_body", vat=False)
        contract.share_ids = [
            Command.create({"partner_id": department.id, "percent": 60.0, "date_start": "2026-01-01"})
        ]
        for move in self._bill(contract, JANUARY).move_ids:
            self._pay(move, date(2026, 2, 5))
        certificates = self.env["multiservice.tax.certificate"]._make(self.company, 2026)
        self.assertEqual((certificates.partner_id, certificates.amount_paid), (self.person, 48.0))
        self.assertEqual(certificates.line_ids.hours, 4.0, "the hours served, whoever pays them")

    def test_sent_kept_and_updated(self):
        contract = self._home_contract()
        self._pay(self._bill(contract, JANUARY).move_ids, date(2026, 2, 5))
        certificate = self._certificate()
        with mute_logger("odoo.addons.base.models.ir_actions_report"):
            certificate.action_send()
        self.assertEqual(certificate.sent_on, date(2026, 3, 31))
        message = certificate.message_ids.filtered(lambda one: one.message_type == "comment")
        self.assertIn(self.person, message.partner_ids)
        self.assertTrue(message.attachment_ids)
        with self.assertRaisesRegex(UserError, "is kept"), self.cr.savepoint():
            certificate.unlink()
        self._pay(self._bill(contract, FEBRUARY).move_ids, date(2026, 3, 5))
        self.assertEqual(self._certificate().amount_paid, 120.0, "what was sent changes only when asked")
        certificate.action_update()
        self.assertEqual(certificate.amount_paid, 240.0)

    def test_those_without_an_address_are_named(self):
        contract = self._home_contract()
        self._pay(self._bill(contract, JANUARY).move_ids, date(2026, 2, 5))
        self.person.email = False
        certificate = self._certificate()
        self.assertIn("Camille Exemple", certificate.action_send()["params"]["message"])
        self.assertFalse(certificate.sent_on)

    def test_batch_of_a_year(self):
        batch = self.env["multiservice.tax.certificate.batch"].create({"year": 2026})
        with self.assertRaisesRegex(UserError, "No private person paid"), self.cr.savepoint():
            batch.action_make()
        self._pay(self._bill(self._home_contract(), JANUARY).move_ids, date(2026, 2, 5))
        action = batch.action_make()
        certificates = self.env["multiservice.tax.certificate"].search(action["domain"])
        self.assertEqual(certificates.partner_id, self.person)
        html = (
            self.env["ir.actions.report"]
            ._render_qweb_html("multiservice.report_tax_certificate", certificates.ids)[0]
            .decode()
        )
        for said in ("SAP123456789", "Camille Exemple", "INT-7", "120.00"):
            self.assertIn(said, html)
        with self.assertRaisesRegex(ValidationError, "has begun"), self.cr.savepoint():
            certificates.copy({"year": 2031})


@tagged("post_install", "-at_install")
class TestAdvance(HomeCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.person.write({"advance_activated_on": "2026-01-01", "advance_identifier": "U-1"})

    def _requested(self):
        invoice = self._bill(self._home_contract(immediate_advance=True), JANUARY).move_ids
        self.assertTrue(invoice.advance_possible)
        invoice.action_request_advance()
        return invoice, invoice.advance_request_ids

    def test_from_the_request_to_the_money(self):
        invoice, request = self._requested()
        self.assertEqual((request.state, request.amount, invoice.advance_pending), ("draft", 120.0, True))
        self.assertFalse(invoice.advance_possible)
        action = request.action_export()
        attachment = self.env["ir.attachment"].browse(int(action["url"].split("/")[3].split("?")[0]))
        rows = attachment.raw.decode("utf-8-sig").splitlines()
        self.assertEqual(
            rows[1],
            f"{request.name};U-1;Camille Exemple;{invoice.name};2026-03-31;2026-01-01;2026-01-31;4;100,00;120,00;INT-7",
        )
        request.action_received()
        self.assertEqual((request.state, str(request.answer_by)), ("waiting", "2026-04-02 12:00:00"))
        self.env["multiservice.advance.request"]._cron_accept()
        self.assertEqual(request.state, "waiting", "the 48 hours run")
        with freeze_time("2026-04-02 12:00:01"):
            self.env["multiservice.advance.request"]._cron_accept()
        self.assertEqual(request.state, "accepted")
        with self.assertRaisesRegex(UserError, "is not paid"), self.cr.savepoint():
            request.action_paid()
        self._pay(invoice, date(2026, 4, 3))
        if request.state != "paid":  # in payment: the bank statement is still to come
            request.action_paid()
        self.assertEqual((request.state, invoice.advance_pending), ("paid", False))

    def test_refused_the_customer_owes_the_whole(self):
        invoice, request = self._requested()
        request.action_export()
        request.action_received()
        request.action_refuse()
        self.assertEqual((invoice.advance_pending, invoice.amount_residual), (False, 120.0))
        self.assertTrue(request.activity_ids)
        self.assertTrue(invoice.advance_possible, "it may be asked for again")
        with self.assertRaisesRegex(UserError, "cannot become"), self.cr.savepoint():
            request.action_accept()

    def test_states_are_changed_by_their_buttons(self):
        _invoice, request = self._requested()
        with self.assertRaisesRegex(UserError, "by its buttons"), self.cr.savepoint():
            request.state = "paid"
        with self.assertRaisesRegex(UserError, "asked for already"), self.cr.savepoint():
            request.move_id.action_request_advance()
        request.action_export()
        with self.assertRaisesRegex(UserError, "is kept"), self.cr.savepoint():
            request.unlink()

    def test_what_forbids_a_request(self):
        def faults(invoice, needle):
            with self.assertRaisesRegex(UserError, needle), self.cr.savepoint():
                invoice.action_request_advance()

        ordinary = self._bill(self._home_contract(self._line(100.0, discount=10.0)), JANUARY).move_ids
        faults(ordinary, "a discount")
        faults(self._bill(self._home_contract(), FEBRUARY).move_ids, "more than one calendar month")
        faults(self._bill(self._home_contract(posting_mode="draft"), JANUARY).move_ids, "only a posted invoice")
        paid = self._bill(self._home_contract(), JANUARY).move_ids
        self._pay(paid, date(2026, 2, 5))
        faults(paid, "paid or credited")
        self.person.advance_activated_on = date(2026, 1, 15)
        faults(self._bill(self._home_contract(), JANUARY).move_ids, "before the customer's account")
        self.person.advance_activated_on = False
        faults(self._bill(self._home_contract(), JANUARY).move_ids, "was not activated")
        self.person.advance_activated_on = date(2026, 1, 1)
        april = self._home_contract(timing="advance", date_start=date(2026, 4, 1))
        with freeze_time("2026-04-01"):
            faults(self._bill(april, date(2026, 4, 1)).move_ids, "not entirely done")

    def test_the_contract_must_fit(self):
        for vals, needle in (
            ({"timing": "advance"}, "in arrears"),
            ({"recurrence_unit": "quarter"}, "calendar months"),
            ({"partner_id": self.customer.id}, "no private person"),
        ):
            with self.subTest(needle), self.assertRaisesRegex(ValidationError, needle), self.cr.savepoint():
                self._home_contract(immediate_advance=True, **vals)
        with self.assertRaisesRegex(ValidationError, "no discount"), self.cr.savepoint():
            self._home_contract(self._line(100.0, discount=5.0), immediate_advance=True)

    def test_an_invoice_for_each_month_and_credits_apart(self):
        contract = self._home_contract(immediate_advance=True)
        moves = self._bill(contract, FEBRUARY).move_ids
        self.assertEqual(sorted(moves.mapped("amount_total")), [120.0, 120.0])
        self.env["multiservice.suspension"].create(
            {"contract_id": contract.id, "date_start": "2026-02-15", "date_end": "2026-02-28", "reason": "Away"}
        )
        march = self._bill(contract, date(2026, 3, 31)).move_ids
        self.assertEqual(
            sorted(march.mapped(lambda move: (move.move_type, move.amount_total))),
            [("out_invoice", 120.0), ("out_refund", 60.0)],
        )


@tagged("post_install", "-at_install")
class TestHomeDocuments(EinvoiceCommon, HttpCase, HomeCommon):
    def test_the_invoice_says_what_the_law_wants(self):
        invoice = self._bill(self._home_contract(), JANUARY).move_ids
        xml, pdf = self._assert_right({"home": invoice})[invoice]
        text = self._text(pdf)
        for said in ("SAP123456789", "Employee: INT-7", "Home services as provider"):
            self.assertIn(said, text)
        self.assertIn(b"Home services as provider", xml)

    def test_days_and_hours_that_were_measured(self):
        contract = self._home_contract(self._line(25.0, measured=True, worker_reference="INT-7"))
        self.env["multiservice.usage"].create(
            [
                {"line_id": contract.line_ids.id, "date": date(2026, 1, day), "quantity": hours}
                for day, hours in ((5, 2.0), (12, 1.5))
            ]
        )
        line = self._bill(contract, JANUARY).move_ids.invoice_line_ids
        self.assertIn("Days and quantities: 05/01 2, 12/01 1.5", line.name)
        self.assertEqual((line.service_hours, line.service_worker), (3.5, "INT-7"))

    def test_portal_download(self):
        user = new_test_user(self.env, "camille_portal", groups="base.group_portal", email="camille@customer.invalid")
        customer = user.partner_id
        customer.write({"legal_category": "consumer", "company_id": False})
        other = self.person
        own, foreign = (
            self.env["multiservice.tax.certificate"].create({"partner_id": partner.id, "year": 2026})
            for partner in (customer, other)
        )
        user.write({"company_ids": [Command.set(self.company.ids)], "company_id": self.company.id})
        self.authenticate("camille_portal", "camille_portal")
        self.assertNotIn(f"/my/tax_certificates/{own.id}", self.url_open("/my/tax_certificates").text, "not sent yet")
        (own | foreign).sent_on = date(2026, 2, 27)
        page = self.url_open("/my/tax_certificates").text
        self.assertIn(f"/my/tax_certificates/{own.id}", page)
        self.assertNotIn(f"/my/tax_certificates/{foreign.id}", page)
        response = self.url_open(f"/my/tax_certificates/{own.id}")
        self.assertEqual(response.headers["Content-Type"], "application/pdf")
        refused = self.url_open(f"/my/tax_certificates/{foreign.id}", allow_redirects=False)
        self.assertEqual(refused.status_code, 303)
