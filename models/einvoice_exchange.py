import logging
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from ..einvoice import codes
from .einvoice_status import STATUS_CODES, VOID
from .exchange_folder import ExchangeFolder, Refused, read_status, safe_name, to_json

_logger = logging.getLogger(__name__)

CRON = "multiservice.ir_cron_einvoice_exchange"
BATCH = 200  # invoices looked at together; each is given and committed by itself
TOLD = (codes.B2B, codes.B2B_ABROAD)  # collected sums of other customers are only reported


class ResCompany(models.Model):
    """Exchange with an approved platform through a folder; its files are described in doc/einvoice.md."""

    _inherit = "res.company"

    service_exchange_folder = fields.Char(
        string="Exchange Folder",
        inverse="_inverse_service_exchange_folder",
        groups="base.group_system",
        help="A folder on the server, given by its absolute path, where issued invoices are put for the platform and "
        "its statuses are found. Empty: no exchange.",
    )
    service_exchange_from = fields.Date(
        string="Exchange Invoices From",
        inverse="_inverse_service_exchange_folder",
        groups="base.group_system",
        help="Invoices of this day and later are put in the exchange folder.",
    )

    @api.constrains("service_exchange_folder")
    def _check_service_exchange_folder(self):
        for company in self:
            folder = company.service_exchange_folder
            if folder and not Path(folder).is_absolute():
                raise ValidationError(
                    self.env._("The exchange folder must be an absolute path, such as /srv/exchange: %s", folder)
                )
            if folder and not Path(folder).is_dir():
                raise ValidationError(self.env._("The exchange folder does not exist on the server: %s", folder))

    def _inverse_service_exchange_folder(self):
        """The scheduled action is at work while there is a folder; without a day to start from, it starts today."""
        for company in self:
            if company.service_exchange_folder and not company.service_exchange_from:
                company.service_exchange_from = company._service_today()
        # sudo: scheduled actions are kept by administrators; who sets the folder is one, and a settings page may not be
        self.env.ref(CRON).sudo().toggle("res.company", [("service_exchange_folder", "!=", False)])

    @api.model
    def _cron_exchange(self):
        """Give what is new to the platforms, take in what they say. Everything given or taken is committed by itself:
        what fails is said on the invoice or beside the file, and stops nothing else.
        """
        for company in self.search([("service_exchange_folder", "!=", False)]):
            try:
                company._exchange_folder().open()
            except OSError as error:
                _logger.warning("exchange folder of %s: %s", company.name, error)
                company._say_folder_is_away(error)
                continue
            company._give_invoices()
            company._give_statuses()
            company._take_statuses()

    def _exchange_folder(self) -> ExchangeFolder:
        self.ensure_one()
        return ExchangeFolder(self.service_exchange_folder)

    def _say_folder_is_away(self, error: OSError) -> None:
        waiting = self.env["account.move"].search(
            self._to_exchange_domain() & Domain("einvoice_exchange_error", "=", False)
        )
        waiting.einvoice_exchange_error = self.env._("The exchange folder cannot be reached: %s", error)
        self.env["ir.cron"]._commit_progress()

    def _to_exchange_domain(self) -> Domain:
        """Invoices issued, whose document is made, not given yet. What cancels an invoice that was sent back, or that a
        corrective one replaces, stays in the house.
        """
        self.ensure_one()
        return Domain(
            [
                ("company_id", "=", self.id),
                ("state", "=", "posted"),
                ("einvoice_routing", "!=", False),
                ("einvoice_exchanged_on", "=", False),
                ("invoice_date", ">=", self.service_exchange_from),
                ("invoice_pdf_report_file", "!=", False),
            ]
        ) & ~(
            Domain("reversed_entry_id.einvoice_state", "in", VOID)
            | Domain("reversed_entry_id.einvoice_corrective_ids", "any", [("state", "!=", "cancel")])
        )

    def _give_invoices(self) -> None:
        Move, domain = self.env["account.move"], self._to_exchange_domain()
        last_id = 0
        while moves := Move.search(domain & Domain("id", ">", last_id), limit=BATCH, order="id"):
            last_id = moves[-1].id
            for move in moves:
                move._give_to_platform(domain)
                if not self.env["ir.cron"]._commit_progress(1):
                    return

    def _give_statuses(self) -> None:
        """What was collected of invoices that the platform has."""
        Status = self.env["multiservice.einvoice.status"]
        domain = Domain(
            [
                ("company_id", "=", self.id),
                ("direction", "=", "sent"),
                ("exchanged_on", "=", False),
                ("move_id.einvoice_exchanged_on", "!=", False),
                ("move_id.einvoice_routing", "in", TOLD),
            ]
        )
        last_id = 0
        while statuses := Status.search(domain & Domain("id", ">", last_id), limit=BATCH, order="id"):
            last_id = statuses[-1].id
            for status in statuses:
                status._give_to_platform(domain)
                if not self.env["ir.cron"]._commit_progress(1):
                    return

    def _take_statuses(self) -> None:
        folder = self._exchange_folder()
        for path in folder.waiting():  # none when the folder went away meanwhile
            try:
                with self.env.cr.savepoint():
                    reason = self._take_status(path)
            except (OSError, OperationalError) as error:
                _logger.warning("status file %s: %s", path, error)  # stays there: tried again the next time
                continue
            except Exception as error:
                _logger.exception("status file %s", path)
                reason = str(error) or repr(error)
            if reason is None:
                continue
            time_left = self.env["ir.cron"]._commit_progress(1)
            try:
                folder.put_away(
                    path, reason
                )  # after the commit: a file left behind is taken in once more, to no effect
            except OSError as error:
                _logger.warning("status file %s: %s", path, error)
            if not time_left:
                return

    def _take_status(self, path: Path) -> str | None:
        """Enter what a file says; "" when that is done, else why it cannot be. None: the file is for another company
        with the same folder.
        """
        try:
            content, said = read_status(path)
        except Refused as refused:
            return self.env._(refused.args[0])
        sharing = self.search([("service_exchange_folder", "=", self.service_exchange_folder)])
        if said.seller_siren:
            sharing = sharing.filtered(lambda company: company.partner_id.siren == said.seller_siren)
        moves = self.env["account.move"].search(
            [
                ("name", "=", said.number),
                ("company_id", "in", sharing.ids),
                ("move_type", "in", ("out_invoice", "out_refund")),
                ("state", "=", "posted"),
            ]
        )
        if not moves:
            return self.env._("No posted invoice has the number %s.", said.number)
        if len(moves) > 1:
            return self.env._("Several companies have an invoice %s: “seller_siren” must say which.", said.number)
        if moves.company_id != self:
            return None
        if said.code not in dict(STATUS_CODES):
            return self.env._("%s is not a code of the life cycle of invoices.", said.code)
        moves._add_einvoice_status(
            said.code,
            said.reference,
            said.amounts,
            date=said.date,
            reason_code=said.reason_code,
            reason=said.reason,
            raw=b64encode(content),
            raw_name=path.name,
        )
        return ""


class AccountMove(models.Model):
    _inherit = "account.move"

    _exchange_idx = models.Index(
        "(company_id, id) WHERE state = 'posted' AND einvoice_routing IS NOT NULL AND einvoice_exchanged_on IS NULL"
    )

    einvoice_exchanged_on = fields.Datetime(
        string="Given to the Platform On",
        readonly=True,
        copy=False,
        help="When the document was put in the exchange folder.",
    )
    einvoice_exchange_error = fields.Char(
        string="Not Given to the Platform", readonly=True, copy=False, help="Why; it is tried again."
    )

    def _give_to_platform(self, domain: Domain) -> None:
        """Put the document in the exchange folder, then its manifest, unless another process is doing so."""
        self.ensure_one()
        move = self.try_lock_for_update(allow_referencing=True).filtered_domain(domain)
        if not move:
            return
        folder = move.company_id._exchange_folder()
        try:
            with self.env.cr.savepoint():
                pdf = move.invoice_pdf_report_id.raw
                if not pdf:
                    raise FileNotFoundError(self.env._("The PDF of the invoice is lost."))
                name = move._exchange_name()
                folder.give(f"{name}.pdf", pdf)
                folder.give(f"{name}.json", to_json(move._to_manifest(f"{name}.pdf", pdf)))
                move.write({"einvoice_exchanged_on": fields.Datetime.now(), "einvoice_exchange_error": False})
        except Exception as error:
            _logger.warning("invoice %s cannot be given to the platform: %s", move.name, error)
            move.einvoice_exchange_error = str(error) or repr(error)

    def _exchange_name(self) -> str:
        """The document's file name without extension: two numbers that look alike in file names stay apart."""
        self.ensure_one()
        return f"{safe_name(self.name)}-{self.id}"

    def _to_manifest(self, file_name: str, pdf: bytes) -> dict:
        """What a platform needs to know to take the document, without opening it; see doc/einvoice.md."""
        self.ensure_one()
        seller, buyer = self._einvoice_seller(), self._einvoice_buyer()
        places = self.currency_id.decimal_places
        return {
            "kind": "invoice",
            "reference": f"{seller.siren}-{self.name}",
            "file": file_name,
            "sha256": sha256(pdf).hexdigest(),
            "size": len(pdf),
            "number": self.name,
            "type": self._einvoice_type(),
            "date": self.invoice_date.isoformat(),
            "due_date": self.invoice_date_due and self.invoice_date_due.isoformat(),
            "framework": self.einvoice_framework or "",
            "routing": self.einvoice_routing,
            "seller_siren": seller.siren,
            "seller_address": {"scheme": seller.electronic_scheme, "value": seller.electronic_address},
            "buyer_name": buyer.name,
            "buyer_siren": buyer.siren,
            "buyer_address": {"scheme": buyer.electronic_scheme, "value": buyer.electronic_address},
            "currency": self.currency_id.name,
            "amount_untaxed": f"{self.amount_untaxed:.{places}f}",
            "amount_vat": f"{self.amount_tax:.{places}f}",
            "amount_total": f"{self.amount_total:.{places}f}",
            "preceding": [one.number for one in self._einvoice_preceding()],
        }


class EinvoiceStatus(models.Model):
    _inherit = "multiservice.einvoice.status"

    def _give_to_platform(self, domain: Domain) -> None:
        self.ensure_one()
        status = self.try_lock_for_update(allow_referencing=True).filtered_domain(domain)
        if not status:
            return
        move = status.move_id
        try:
            name = f"{move._exchange_name()}-{status.code}-{status.id}.json"
            move.company_id._exchange_folder().give(name, to_json(status._to_message()))
            status.exchanged_on = fields.Datetime.now()
        except OSError as error:
            _logger.warning("status %s cannot be given to the platform: %s", status.display_name, error)


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    service_exchange_folder = fields.Char(
        related="company_id.service_exchange_folder", readonly=False, groups="base.group_system"
    )
    service_exchange_from = fields.Date(
        related="company_id.service_exchange_from", readonly=False, groups="base.group_system"
    )
