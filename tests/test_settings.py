from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, tagged

from .common import MultiserviceCommon

DELAY = "report.print_delay"


@tagged("post_install", "-at_install")
class TestSettings(MultiserviceCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Run = cls.env["multiservice.billing.run"]
        cls.workers, cls.senders = Run._workers(), Run._senders()
        cls.parameters = cls.env["ir.config_parameter"].sudo()

    def _save(self, **vals):
        """Save the page as a person does, whose browser sends every field that it shows."""
        with Form(self.env["res.config.settings"]) as form:
            for name, value in vals.items():
                form[name] = value
        form.record.execute()

    def test_the_number_of_workers_switches_the_scheduled_actions(self):
        self.assertEqual(self.workers.mapped("active"), [True, False, False, False])
        for count, active in (("3", [True, True, True, False]), ("2", [True, True, False, False])):
            self._save(service_billing_workers=count)
            self.assertEqual(self.workers.mapped("active"), active)
            self.assertEqual(self.env["res.config.settings"].create({}).service_billing_workers, count)

    def test_the_second_sender_is_switched(self):
        self.assertEqual(self.senders.mapped("active"), [True, False])
        self._save(service_sending_workers="2")
        self.assertEqual(self.senders.mapped("active"), [True, True])
        self._save(service_sending_workers="1")
        self.assertEqual(self.senders.mapped("active"), [True, False])

    def test_saving_another_setting_leaves_the_workers(self):
        """What somebody switched off by hand stays off, the first worker on a copy of the database too."""
        self.workers[0].active = False
        self.workers[1].active = True
        self._save(service_grouping="contract")
        self.assertEqual(self.workers.mapped("active"), [False, True, False, False])

    def test_the_workers_do_the_same(self):
        for workers in (self.workers, self.senders):
            self.assertEqual(len(set(workers.mapped("code"))), 1)
            self.assertEqual(len(workers.model_id), 1)

    def test_the_print_delay_is_cores_parameter(self):
        self.parameters.search([("key", "=", DELAY)]).unlink()
        self.assertEqual(self.env["res.config.settings"].create({}).service_print_delay, 1000)
        self._save(service_print_delay=150)
        self.assertEqual(self.parameters.get_param(DELAY), "150")
        command = self.env["ir.actions.report"]._build_wkhtmltopdf_args(self.env.ref("base.paperformat_euro"), False)
        self.assertEqual(command[command.index("--javascript-delay") + 1], "150")

    def test_a_print_delay_that_loses_the_footer_is_refused(self):
        for delay in (0, 29, -1):
            with self.subTest(delay), self.assertRaisesRegex(ValidationError, "footer"):
                self._save(service_print_delay=delay)
        self._save(service_print_delay=30)
        self.assertEqual(self.parameters.get_param(DELAY), "30")

    def test_200_ms_at_a_click(self):
        self.env["res.config.settings"].create({}).action_use_short_print_delay()
        self.assertEqual(self.parameters.get_param(DELAY), "200")

    def test_administrators_only(self):
        manager = self._user("settings_manager", "multiservice.group_manager")
        Settings = self.env["res.config.settings"].with_user(manager)
        with self.assertRaises(AccessError):
            Settings.create({})
        with self.assertRaises(AccessError):
            Settings.browse().action_use_short_print_delay()
        with self.assertRaises(AccessError):
            self.workers[1].with_user(manager).active = True
        administrator = self._user("settings_administrator", "base.group_system")
        settings = self.env["res.config.settings"].with_user(administrator).create({"service_billing_workers": "2"})
        settings.execute()
        self.assertTrue(self.workers[1].active)
