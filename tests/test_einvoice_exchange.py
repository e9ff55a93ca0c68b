import json
import os
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from ..models.exchange_folder import ExchangeFolder, safe_name
from .einvoice_life import EinvoiceLifeCommon

CRON = "multiservice.ir_cron_einvoice_exchange"
LOGGER = "odoo.addons.multiservice.models.einvoice_exchange"
PDF = b"%PDF-1.7 not printed, for the test"


class ExchangeCommon(EinvoiceLifeCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = Path(folder.name)
        cls.sub_root = cls.root / "exchange"

    def setUp(self):
        super().setUp()
        folder = TemporaryDirectory(dir=self.root)
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.company.service_exchange_folder = str(self.folder)
        self.company.service_exchange_from = "2026-03-01"

    @classmethod
    def _issued(cls, *lines, pdf=PDF, **vals):
        """A posted invoice with its document."""
        move = cls._invoice(*(lines or [(100.0, cls.tax_20)]), **vals)
        move.invoice_pdf_report_file = b64encode(pdf)
        return move

    def _exchange(self):
        with mute_logger(LOGGER):
            self._run(CRON)

    def _files(self, name):
        return sorted(os.listdir(self.folder / name))

    def _out(self, kind):
        """What was written for the platform, of one kind."""
        messages = [json.loads(path.read_text()) for path in sorted((self.folder / "out").glob("*.json"))]
        return [message for message in messages if message["kind"] == kind]

    def _told(self, name="status.json", content=None, **said):
        (self.folder / "in").mkdir(exist_ok=True)
        path = self.folder / "in" / name
        path.write_bytes(content if content is not None else json.dumps(said).encode())
        return path

    def _reason(self):
        [path] = (self.folder / "error").glob("*.txt")
        return path.read_text()


@tagged("post_install", "-at_install")
class TestEinvoiceGiven(ExchangeCommon):
    """Invoices out."""

    def test_the_document_and_its_manifest(self):
        invoice = self._issued()
        self._exchange()
        name = f"{safe_name(invoice.name)}-{invoice.id}"
        self.assertEqual(self._files("out"), [f"{name}.json", f"{name}.pdf"])
        self.assertEqual((self.folder / "out" / f"{name}.pdf").read_bytes(), PDF)
        [manifest] = self._out("invoice")
        expected = {
            "file": f"{name}.pdf",
            "sha256": sha256(PDF).hexdigest(),
            "size": len(PDF),
            "number": invoice.name,
            "type": "380",
            "date": "2026-03-01",
            "routing": "B2B",
            "framework": "S1",
            "seller_siren": self.company.partner_id.siren,
            "buyer_siren": self.customer.siren,
            "buyer_address": {"scheme": "0225", "value": self.customer.siren},
            "currency": "EUR",
            "amount_untaxed": "100.00",
            "amount_vat": "20.00",
            "amount_total": "120.00",
            "preceding": [],
        }
        self.assertEqual({key: manifest[key] for key in expected}, expected)
        self.assertTrue(invoice.einvoice_exchanged_on)

    def test_never_twice(self):
        self._issued()
        self._exchange()
        for path in (self.folder / "out").iterdir():
            path.unlink()
        self._exchange()
        self.assertFalse(self._files("out"), "what the platform took away is not given again")

    def test_what_is_not_ready_waits(self):
        self._invoice((100.0, self.tax_20))
        draft = self._issued()
        draft.button_draft()
        old = self._issued(day="2026-02-28")
        self._exchange()
        self.assertFalse(self._files("out"))
        self.assertFalse(old.einvoice_exchanged_on)

    def test_what_cancels_an_invoice_sent_back_stays_in_the_house(self):
        rejected, credited = self._issued(), self._issued()
        rejected._add_einvoice_status("213", "R")
        for invoice in (rejected, credited):
            note = self._credit(invoice)
            note.invoice_pdf_report_file = b64encode(PDF)
        self._exchange()
        notes = [manifest for manifest in self._out("invoice") if manifest["type"] == "381"]
        self.assertEqual([note["preceding"] for note in notes], [[credited.name]])
        self.assertFalse(rejected.reversal_move_ids.einvoice_exchanged_on)

    def test_the_folder_comes_back(self):
        invoice = self._issued()
        away = self.folder.rename(self.folder.with_name("away"))
        self._exchange()
        self.assertIn("cannot be reached", invoice.einvoice_exchange_error)
        self.assertFalse(invoice.einvoice_exchanged_on)
        self.assertFalse(self.folder.exists(), "an unmounted share is not made anew")
        away.rename(self.folder)
        self._exchange()
        self.assertTrue(invoice.einvoice_exchanged_on)
        self.assertFalse(invoice.einvoice_exchange_error)

    def test_one_failure_stops_no_other(self):
        bad, good = self._issued(), self._issued()
        give = ExchangeFolder.give

        def full(folder, name, content):
            if str(bad.id) in name and name.endswith(".json"):
                raise OSError(28, "No space left on device")
            give(folder, name, content)

        with patch.object(ExchangeFolder, "give", full):
            self._exchange()
        self.assertIn("No space left", bad.einvoice_exchange_error)
        self.assertEqual([manifest["number"] for manifest in self._out("invoice")], [good.name])
        self._exchange()
        self.assertEqual(len(self._out("invoice")), 2)
        self.assertFalse(bad.einvoice_exchange_error)

    def test_no_half_file_is_seen(self):
        invoice = self._issued()
        with patch.object(Path, "replace", side_effect=OSError("killed")):
            self._exchange()
        self.assertFalse([name for name in self._files("out") if not name.startswith(".")])
        self.assertTrue(invoice.einvoice_exchange_error)
        self._exchange()
        self.assertEqual(len(self._files("out")), 2)

    def test_what_was_collected_is_told_once_and_to_platforms_only(self):
        invoice, consumer = self._issued(), self._issued(partner=self.person)
        for move in (invoice, consumer):
            self._pay(move, 60.0)
        self._collect()
        self._exchange()
        self._exchange()
        [status] = self._out("status")
        self.assertEqual(
            (status["number"], status["code"], status["date"], status["amounts"]),
            (invoice.name, "212", "2026-03-05T12:00:00Z", [{"vat_rate": "20.00", "amount": "60.00"}]),
        )
        self.assertTrue(invoice.einvoice_status_ids.exchanged_on)
        self.assertFalse(consumer.einvoice_status_ids.exchanged_on)

    def test_names_keep_apart(self):
        self.assertEqual(safe_name("INV/2026/00001"), "INV_2026_00001")
        self.assertEqual(safe_name("../../etc/passwd"), "etc_passwd")


@tagged("post_install", "-at_install")
class TestEinvoiceTold(ExchangeCommon):
    """Statuses in."""

    def setUp(self):
        super().setUp()
        self.invoice = self._invoice((100.0, self.tax_20))

    def test_a_status(self):
        said = {"number": self.invoice.name, "code": "213", "date": "2026-03-02T10:15:00+01:00", "reference": "P-77"}
        self._told(**said, reason_code="DEST_INC", reason="Unknown buyer", seller_siren=self.company.partner_id.siren)
        self._exchange()
        status = self.invoice.einvoice_status_ids
        self.assertEqual(
            (status.code, str(status.date), status.reference, status.reason_code, status.reason, status.direction),
            ("213", "2026-03-02 09:15:00", "P-77", "DEST_INC", "Unknown buyer", "received"),
        )
        self.assertEqual(self.invoice.einvoice_state, "213")
        self.assertEqual((self._files("done"), self._files("in"), self._files("error")), (["status.json"], [], []))
        self.assertIn(b"P-77", status.with_context(bin_size=False).raw and self._raw(status))

    def _raw(self, status):
        return (
            self.env["ir.attachment"]
            .search([("res_model", "=", status._name), ("res_field", "=", "raw"), ("res_id", "=", status.id)])
            .raw
        )

    def test_told_twice_is_entered_once(self):
        said = {"number": self.invoice.name, "code": "205", "date": "2026-03-02"}
        for _ in range(2):
            self._told(**said)
            self._exchange()
        self._told(name="other.json", **said, reason="Now with a reason")
        self._exchange()
        self.assertEqual(len(self.invoice.einvoice_status_ids), 2, "without a reference, the content is one")
        self.assertEqual(self._files("done"), ["other.json", "status-2.json", "status.json"])

    def test_amounts(self):
        amounts = [{"vat_rate": "20.00", "amount": "60.00"}, {"vat_rate": 10, "amount": -5.5}]
        self._told(number=self.invoice.name, code="212", date="2026-03-02", amounts=amounts)
        self._exchange()
        lines = self.invoice.einvoice_status_ids.amount_ids
        self.assertEqual({one.vat_rate: one.amount for one in lines}, {20.0: 60.0, 10.0: -5.5})

    def test_what_cannot_be_taken_is_put_aside_with_its_reason(self):
        said = {"number": self.invoice.name, "code": "205", "date": "2026-03-02"}
        for content, reason in (
            (b"<xml/>", "not JSON"),
            (b"\xff\xfe", "not JSON"),
            (b"[]", "JSON object"),
            (said | {"number": "NONE/1"}, "NONE/1"),
            (said | {"number": 7}, "number"),
            (said | {"code": "999"}, "999 is not a code"),
            (said | {"code": ""}, "“code” is missing"),
            (said | {"date": "02/03/2026"}, "02/03/2026"),
            (said | {"reason": ["no"]}, "“reason” is not a text"),
            (said | {"amounts": [{"vat_rate": "NaN", "amount": "1"}]}, "“amounts”"),
            (said | {"amounts": 5}, "“amounts”"),
            (said | {"seller_siren": "123456782"}, "No posted invoice"),
            (b"[" * 100000, "not JSON"),
            (b" " * 1_000_001, "larger than"),
        ):
            with self.subTest(reason):
                content = content if isinstance(content, bytes) else json.dumps(content).encode()
                self._told(content=content)
                self._exchange()
                self.assertIn(reason, self._reason())
                for path in (self.folder / "error").iterdir():
                    path.unlink()
        self.assertFalse(self.invoice.einvoice_status_ids)
        self.assertFalse(self._files("in"))

    def test_a_bad_one_stops_no_other(self):
        self._told(name="a.json", content=b"{")
        self._told(name="b.json", number=self.invoice.name, code="205", date="2026-03-02")
        self._told(name=".c.json", content=b"being written")
        self._told(name="d.json.part", content=b"being written")
        (self.folder / "in" / "e.json").symlink_to("/etc/hostname")
        self._exchange()
        self.assertEqual(self.invoice.einvoice_state, "205")
        self.assertEqual(self._files("in"), [".c.json", "d.json.part", "e.json"])

    def test_companies_may_share_a_folder(self):
        other = self.setup_other_company(name="Second French company")["company"]
        other.write({"country_id": self.france.id, "service_einvoice": True, "company_registry": "73282932000074"})
        other.service_exchange_folder = str(self.folder)
        theirs = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "company_id": other.id,
                "journal_id": self.env["account.journal"]
                .search([("company_id", "=", other.id), ("type", "=", "sale")], limit=1)
                .id,
                "partner_id": self.customer.id,
                "invoice_line_ids": [(0, 0, {"name": "x", "price_unit": 1.0, "tax_ids": False})],
                "name": self.invoice.name,
            }
        )
        with patch.object(self.registry["account.move"], "_refuse_faults", lambda self: None):
            theirs._post(soft=False)
        said = {"number": theirs.name, "code": "205", "date": "2026-03-02"}
        self._told(**said)
        self._exchange()
        self.assertIn("seller_siren", self._reason())
        self._told(**said, seller_siren=other.partner_id.siren)
        self._exchange()
        self.assertEqual((self.invoice.einvoice_state, theirs.einvoice_state), (False, "205"))


@tagged("post_install", "-at_install")
class TestExchangeSetting(ExchangeCommon):
    def test_only_a_folder_that_is_there(self):
        for folder, reason in (
            ("exchange", "absolute"),
            ("/nowhere/at/all", "does not exist"),
            (__file__, "not exist"),
        ):
            with self.subTest(folder), self.assertRaisesRegex(ValidationError, reason):
                self.company.service_exchange_folder = folder

    def test_the_action_is_at_work_while_there_is_a_folder(self):
        cron = self.env.ref(CRON)
        self.assertTrue(cron.active)
        self.company.service_exchange_folder = False
        self.assertFalse(cron.active)

    def test_from_today_unless_said_otherwise(self):
        self.company.write({"service_exchange_folder": False, "service_exchange_from": False})
        self.company.service_exchange_folder = str(self.folder)
        self.assertEqual(str(self.company.service_exchange_from), "2026-03-10")

    def test_administrators_only(self):
        manager = self._user("an_exchange_manager", "multiservice.group_manager")
        admin = self._user("an_exchange_admin", "multiservice.group_manager,base.group_system")
        with self.assertRaises(AccessError):
            self.company.with_user(manager).read(["service_exchange_folder"])
        with self.assertRaises(AccessError):
            self.company.with_user(manager).service_exchange_folder = "/tmp"
        self.company.service_exchange_folder = False
        self.env.flush_all()
        with Form(self.env["res.config.settings"].with_user(admin)) as settings:
            settings.service_exchange_folder = str(self.folder)
        settings.record.execute()
        self.assertEqual(self.company.service_exchange_folder, str(self.folder))
