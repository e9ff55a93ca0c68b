from decimal import Decimal

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import format_date

from .amendment_change import CONTRACT_TERMS, LINE_TERMS
from .schedule_mixin import SCHEDULE_FIELDS

REPORT = "multiservice.amendment_report_action"
TO_SIGN = "multiservice.mail_template_amendment"


class AmendmentDocument(models.Model):
    """The amendment as its customer reads and signs it: printed, e-mailed, on the portal."""

    _inherit = "multiservice.amendment"

    _mail_post_access = "read"  # customers write to us from the portal, where they can only read

    def action_send(self):
        """Send the amendment to the customer by e-mail, with the link where it can be signed."""
        for amendment in self:
            amendment._check_complete()
            if not amendment.partner_id.email:
                raise UserError(
                    self.env._(
                        "%s has no e-mail address: print the amendment and record its acceptance by hand.",
                        amendment.partner_id.display_name,
                    )
                )
            if amendment.state == "draft":
                amendment._move_to("sent")
            amendment._write_unguarded({"sent_on": amendment.company_id._service_today()})
            amendment._portal_ensure_token()
            amendment.message_post_with_source(
                self.env.ref(TO_SIGN),
                subtype_xmlid="mail.mt_comment",
                message_type="comment",
                partner_ids=amendment.partner_id.ids,
            )

    def action_preview_portal(self):
        """Open the page that the customer sees."""
        self.ensure_one()
        return {"type": "ir.actions.act_url", "target": "self", "url": self.get_portal_url()}

    def action_view_contract(self):
        self.ensure_one()
        return self.contract_id._get_records_action()

    def _get_report_base_filename(self):
        self.ensure_one()
        return self.env._("Amendment %s", self.name.replace("/", "-"))

    def _can_be_signed(self) -> bool:
        self.ensure_one()
        return self.state == "sent"

    def _sign(self, name: str, signature: str) -> None:
        """The customer signed on the portal: keep what it signed."""
        self.ensure_one()
        self._accept(name, self.company_id._service_today(), signature)
        self.env.flush_all()  # the PDF shows the signature
        report = self.env["ir.actions.report"].with_context(lang=self.partner_id.lang)
        pdf = report._render_qweb_pdf(REPORT, self.ids)[0]
        self.message_post(
            body=self.env._("Amendment signed by %s", name),
            attachments=[(f"{self._get_report_base_filename()}.pdf", pdf)],
            author_id=self.partner_id.id,
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
        )

    def _decline(self, reason: str) -> None:
        """The customer refused on the portal."""
        self.ensure_one()
        self._refuse(reason)
        self.message_post(
            body=self.env._("Amendment refused: %s", reason),
            author_id=self.partner_id.id,
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
        )


class AmendmentChangeDocument(models.Model):
    _inherit = "multiservice.amendment.change"

    def _document_title(self) -> str:
        return dict(self._fields["kind"]._description_selection(self.env))[self.kind]

    def _document_rows(self) -> list[tuple[str, str, str]]:
        """What the customer reads of the change: label, before, after; `before` empty for what is new."""
        self.ensure_one()
        rows = getattr(self, f"_rows_of_{self.kind}")()
        return [row for row in rows if row[1] or row[2]]

    def _rows_of_add_line(self):
        line = self._as_line()
        rows = [
            (self._label("site_id"), "", self.site_id._site_label() if self.site_id else ""),
            (self.env._("Service"), "", self.name),
            (self._label("quantity"), "", "" if self.pricing == "flat" else line._document_quantity()),
            (self._label("price_unit"), "", f"{line._document_unit_price()} {line._document_period()[2]}"),
        ]
        if self.discount:
            rows.append((self._label("discount"), "", line._format_number(Decimal(str(self.discount)))))
        if self.date_last:
            rows.append((self._label("date_last"), "", format_date(self.env, self.date_last)))
        return rows

    def _rows_of_replace_line(self):
        rows = [(self.env._("Service"), "", self._subject())]
        for name in LINE_TERMS:
            if self._changed((name,)):
                rows.append((self._label(name), self._value_before(name), self._value_in_words(self, name)))
        if self._changed(SCHEDULE_FIELDS):
            rows.append(self._schedule_row())
        return rows

    def _rows_of_end_line(self):
        return [(self.env._("Service"), self._subject(), ""), self._last_day_row()]

    def _rows_of_add_site(self):
        day = self.amendment_id._day()
        lines = self.contract_id.line_ids.filtered(
            lambda line: line.site_id == self.model_site_id and not line.display_type and line._is_served_from(day)
        )
        rows = [(self._label("site_id"), "", self.site_id._site_label())]
        for line in lines - lines.filtered("successor_ids"):
            quantity = line._document_quantity()
            price = f"{line._document_unit_price()} {line._document_period()[2]}"
            rows.append((line._first_line(), "", f"{quantity} × {price}" if quantity else price))
        return rows

    def _rows_of_close_site(self):
        return [(self._label("site_id"), self.site_id._site_label(), ""), self._last_day_row()]

    def _rows_of_suspend(self):
        last = format_date(self.env, self.date_last) if self.date_last else self.env._("until further notice")
        return [
            (self.env._("Suspended"), "", self._subject() or self.env._("The whole contract")),
            (self.env._("Last day of the suspension"), "", last),
        ]

    def _rows_of_resume(self):
        return [(self.env._("Service resumes"), "", format_date(self.env, self.amendment_id._day()))]

    def _rows_of_contract_terms(self):
        rows = [
            (self._label(name), self._value_before(name), self._value_in_words(self, name))
            for name in CONTRACT_TERMS
            if self._changed((name,))
        ]
        return [*rows, self._schedule_row()] if self._changed(SCHEDULE_FIELDS) else rows

    def _rows_of_terminate(self):
        rows = [self._last_day_row(), (self._label("notice_on"), "", format_date(self.env, self.notice_on) or "")]
        if self.indemnity:
            rows.append((self.env._("Indemnity before VAT"), "", self.currency_id.format(self.indemnity)))
        return rows

    def _last_day_row(self):
        return (self.env._("Last day of service"), "", format_date(self.env, self._last_day()))

    def _schedule_row(self):
        before = self.new({name: (self.before or {})[name] for name in SCHEDULE_FIELDS})
        return (self.env._("Billing"), before._frequency_in_words(), self._frequency_in_words())

    def _label(self, name: str) -> str:
        return self.fields_get([name], ["string"])[name]["string"]

    def _value_before(self, name: str) -> str:
        field, value = self._fields[name], (self.before or {}).get(name)
        if field.relational:
            value = self.env[field.comodel_name].browse(value or [])
        return self._in_words(name, value)

    def _value_in_words(self, record, name: str) -> str:
        return self._in_words(name, record[name])

    def _in_words(self, name: str, value) -> str:
        if isinstance(value, models.BaseModel):
            return ", ".join(value.mapped("display_name")) or self.env._("none")
        if name == "grouping":
            return dict(self._fields[name]._description_selection(self.env)).get(value, "")
        line = self._as_line()
        number = Decimal(str(value or 0.0))
        return line._format_unit_price(number) if name == "price_unit" else line._format_number(number)

    def _as_line(self):
        """A line of the contract with the change's terms, to format them as a contract does."""
        return self.env["multiservice.contract.line"].new(
            {
                "contract_id": self.contract_id.id,
                "pricing": self.pricing,
                "quantity": self.quantity,
                "price_unit": self.price_unit,
                "discount": self.discount,
            }
        )


class AmendedContractDocument(models.Model):
    _inherit = "multiservice.contract"

    def _portal_amendments(self):
        """The amendments that the contract's page shows to its customer, latest first."""
        self.ensure_one()
        return self.amendment_ids.filtered(lambda amendment: amendment.state in ("sent", "accepted", "applied"))
