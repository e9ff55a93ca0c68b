from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import RedirectWarning, UserError

from ..einvoice import cii
from ..einvoice.finding import Finding
from ..einvoice.model import Invoice
from ..einvoice.rules import check, fatal

LATE_RATES = "multiservice.late_rate_action"
SETTINGS = "/odoo/settings"
SAID_BY_LAW = {"MS-LEGAL-INFORMATION"}  # the warnings on legal mentions say the same, for each legal form
PAID_ALREADY = "BR-FR-CO-09"
NO_XML = b"<invoice/>"  # core embeds something even of an invoice that it refuses to send


class EinvoiceCheck(models.Model):
    """The French rules, applied before an invoice is posted and before it is sent, in words that say what to mend."""

    _inherit = "account.move"

    einvoice_findings = fields.Html(
        string="E-Invoice Check",
        compute="_compute_einvoice_findings",
        sanitize=False,  # made here, every value escaped
        help="What the French rules on electronic invoices refuse.",
    )

    einvoice_warnings = fields.Html(
        string="E-Invoice Warnings",
        compute="_compute_einvoice_findings",
        sanitize=False,  # as above
        help="What looks wrong in what the invoice says by law, without being refused.",
    )

    @api.depends(
        "state",
        "partner_id",
        "invoice_date",
        "invoice_line_ids.price_subtotal",
        "invoice_line_ids.tax_ids",
        "service_order_reference",
        "service_buyer_reference",
        "einvoice_framework",
        "einvoice_buyer",
    )
    @api.depends_context("lang")
    def _compute_einvoice_findings(self):
        Mention = self.env["multiservice.legal.mention"]
        for move in self:
            shown = move._is_checked()
            found = move._einvoice_check() if shown else ()
            refused = fatal(found)
            doubted = [one for one in found if one not in refused and one.code not in SAID_BY_LAW]
            warnings = Mention._warnings_for_move(move) if shown else []
            move.einvoice_findings = move._to_list(move._remarks(refused))
            move.einvoice_warnings = move._to_list([*move._remarks(doubted), *warnings])

    def _is_checked(self) -> bool:
        """Whether something can still be mended on the invoice."""
        self.ensure_one()
        return bool(
            self.id
            and self.invoice_line_ids
            and self._is_french_einvoice()
            and self.state in ("draft", "posted")
            and not self.invoice_pdf_report_id
        )

    def _remarks(self, findings) -> list[tuple]:
        """What is wrong in words, and the record to mend."""
        return [(self._say(finding), self._to_mend(finding)) for finding in findings]

    def _to_list(self, remarks) -> Markup | bool:
        """Pairs (words, record to mend) as a list of links; False when there are none."""
        items = Markup().join(
            Markup('<li><a href="%s">%s</a></li>') % (self._url(record), words) for words, record in remarks
        )
        return Markup("<ul class='mb-0'>%s</ul>") % items if items else False

    def _einvoice_check(self) -> tuple[Finding, ...]:
        """What the rules find, on a draft all but what posting gives it: its number and its date."""
        self.ensure_one()
        return self._check_einvoice(self._to_einvoice())

    def _check_einvoice(self, invoice: Invoice) -> tuple[Finding, ...]:
        """`_einvoice_check` of what was made of the invoice already."""
        found = check(invoice, self._to_einvoice_context())
        found = self.env["multiservice.einvoice.severity"]._apply(self.company_id, found)
        if self.state == "posted":
            return found
        return tuple(finding for finding in found if finding.datum not in ("BT-1", "BT-2", "BT-9", "BT-83"))

    def _einvoice_faults(self) -> list[str]:
        """What forbids to issue the invoice, in words."""
        return [self._say(finding) for finding in fatal(self._einvoice_check())]

    def _refuse_faults(self) -> None:
        """Raise UserError, with a way to the record to mend, for posted invoices that break a French rule, where their
        company wants that.
        """
        strict = self.filtered(
            lambda move: move._is_french_einvoice() and move.company_id.service_einvoice_check == "block"
        )
        faulty = {move: faults for move in strict if (faults := move._faults_on_posting())}
        if not faulty:
            return
        message = self._refusal(faulty)
        if len(faulty) > 1:
            raise UserError(message)
        [(move, faults)] = faulty.items()
        record = move._to_mend(faults[0])
        if record == move:
            raise UserError(message)
        action = record._get_records_action(context={})
        name = record.sudo().display_name  # sudo: an accountant may not read contracts, and is told whose they are
        raise RedirectWarning(message, action, self.env._("Open %s", name))

    def _refusal(self, faulty: dict) -> str:
        """What is wrong with each invoice, and the way out for who must post it today."""
        told = []
        for move, faults in faulty.items():
            if len(faulty) > 1:
                told.append(self.env._("%(customer)s:", customer=move.commercial_partner_id.name))
            told += [f"• {move._say(fault)}" for fault in faults]
        return self.env._(
            "The French rules on invoices refuse this:\n%(faults)s\n\nThe draft has a link to each record to mend. To "
            "post invoices all the same, and complete them before they are sent: Settings, Service billing, “Invoice "
            "That Breaks a French Rule”.",
            faults="\n".join(told),
        )

    def _faults_on_posting(self) -> tuple[Finding, ...]:
        """What forbids to post: not that an invoice said to be paid already is not, since it is paid once posted."""
        return tuple(one for one in fatal(self._einvoice_check()) if one.code != PAID_ALREADY)

    def _say(self, finding: Finding) -> str:
        """The finding in the user's language, with the place that it is about."""
        message = self.env._(finding.message, **finding.values)
        place = {
            "seller": self.env._("Our company"),
            "buyer": self.env._("Customer"),
            "payee": self.env._("Payee"),
            "payer": self.env._("Payer"),
            "payment": self.env._("Payment"),
        }.get(finding.part, "")
        if finding.line:
            place = self.env._("Line %s", finding.line)
        told = self.env._("%(place)s: %(message)s", place=place, message=message) if place else message
        return f"{told} [{finding.code}]"

    def _to_mend(self, finding: Finding):
        """The record that holds the datum at fault."""
        self.ensure_one()
        if finding.part == "buyer":
            return self.partner_id if finding.datum in ("BG-5", "BG-8") else self.commercial_partner_id
        if finding.datum in ("BT-10", "BT-13") and len(self.service_contract_ids) == 1:
            return self.service_contract_ids
        return self._holders().get(finding.part) or self

    def _holders(self) -> dict:
        """The records that hold what a part of the invoice says, where that is one."""
        company, sites = self.company_id.partner_id, self.invoice_line_ids.service_site_id
        return {
            "seller": company,
            "payment": self.partner_bank_id or company,
            "payee": self.partner_bank_id.partner_id,
            "payer": self.commercial_partner_id.einvoice_payer_id,
            "mandate": self.service_mandate_id,
            "site": sites if len(sites) == 1 else None,
        }

    @api.model
    def _url(self, record) -> str:
        """The page of the record, or the one on which it is made or set."""
        if record._name == "res.company":
            return SETTINGS
        if record._name == "multiservice.late.rate" and not record:
            return f"/odoo/action-{LATE_RATES}"
        return f"/odoo/{record._name}/{record.id}"

    def _make_einvoice_xml(self) -> tuple[bytes, set[str]]:
        """The XML, and what forbids to send it; never raises: core embeds the bytes even beside errors."""
        self.ensure_one()
        self._note_paid()
        invoice = self._to_einvoice()
        faults = {self._say(finding) for finding in fatal(self._check_einvoice(invoice))}
        try:
            return cii.generate(invoice), faults
        except cii.InvalidXml as error:
            return NO_XML, faults | {str(error)}

    def _einvoice_subject(self) -> str:
        kind = self.env._("Credit note") if self.move_type == "out_refund" else self.env._("Invoice")
        return f"{kind} {self.name}"

    def _einvoice_attachments(self):
        """Files that go along inside the PDF, beside the XML."""
        return self.env["ir.attachment"]
