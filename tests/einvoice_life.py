from freezegun import freeze_time

from odoo.fields import Command

from .common import MultiserviceCommon

COLLECT = "multiservice.ir_cron_einvoice_collection"


class EinvoiceLifeCommon(MultiserviceCommon):
    """Invoices of a French company, their payments, and its scheduled actions run as the server runs them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time("2026-03-10 10:00:00"))
        cls.company.write({"service_einvoice": True, "service_einvoice_check": "warn"})
        cls.tax_20, cls.tax_10 = cls._vat(20.0), cls._vat(10.0)
        cls.debits = cls._vat(20.0, exigibility="on_invoice")
        cls.goods = cls.env["product.product"].create({"name": "Soap", "type": "consu"})
        cls.person = cls._customer(
            "Camille Exemple", legal_category="consumer", is_company=False, vat=False, company_registry=False
        )

    @classmethod
    def _vat(cls, amount, exigibility="on_payment", company=None):
        """A sales tax of the chart."""
        return cls.env["account.tax"].search(
            [
                *cls.env["account.tax"]._check_company_domain(company or cls.company),
                ("type_tax_use", "=", "sale"),
                ("amount_type", "=", "percent"),
                ("amount", "=", amount),
                ("tax_exigibility", "=", exigibility),
                ("price_include_override", "!=", "tax_included"),
            ],
            limit=1,
        )

    @classmethod
    def _invoice(cls, *lines, partner=None, day="2026-03-01", move_type="out_invoice", **vals):
        """A posted invoice; `lines`: (price, tax) or (price, tax, product)."""
        move = cls.env["account.move"].create(
            {
                "move_type": move_type,
                "partner_id": (partner or cls.customer).id,
                "invoice_date": day,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "product_id": (product[0] if product else cls.service).id,
                            "price_unit": price,
                            "tax_ids": [Command.set(tax.ids)],
                        }
                    )
                    for price, tax, *product in lines
                ],
                **vals,
            }
        )
        move._post(soft=False)
        return move

    @classmethod
    def _pay(cls, move, amount=None, day="2026-03-05", **vals):
        """Money on the bank account, reconciled with the invoice; returns the payment."""
        wizard = (
            cls.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"payment_date": day, "journal_id": cls.company_data["default_journal_bank"].id, **vals})
        )
        if amount is not None:
            wizard.amount = amount
        return wizard._create_payments()

    @classmethod
    def _credit(cls, move, is_modify=False):
        wizard = (
            cls.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"journal_id": move.journal_id.id, "reason": "Test"})
        )
        wizard.reverse_moves(is_modify)
        notes = move.reversal_move_ids
        notes.filtered(lambda note: note.state == "draft")._post(soft=False)
        return notes

    def _run(self, cron):
        self.env.flush_all()
        with self.enter_registry_test_mode():
            self.env.ref(cron).method_direct_trigger()
        self.env.invalidate_all()

    def _collect(self):
        self._run(COLLECT)

    def _collected(self, move):
        """What was told of the invoice, first to last: the day, then amounts by rate."""
        statuses = move.einvoice_status_ids.filtered(lambda one: one.code == "212").sorted("id")
        return [
            (str(status.date.date()), {one.vat_rate: one.amount for one in status.amount_ids}) for status in statuses
        ]
