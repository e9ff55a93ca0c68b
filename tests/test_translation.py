"""French is complete and right in form: every term of the code has its French, and nothing else is in `fr.po`."""

import io
import re
from collections import Counter

import polib

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import TransactionCase, tagged
from odoo.tools import file_path
from odoo.tools.translate import trans_export

from .common import MultiserviceCommon

MODULE, LANG = "multiservice", "fr_FR"
# What the text needs as it is: %(name)s, %s, %d, %%, the {figures} of legal mentions, and the tags of markup without
# what they say to people.
PLACEHOLDER = re.compile(r"%\(\w+\)[sdf]|%[sdf%]|\{\w+\}|<(?:/?\w+)")
# Fields of core's mixins: which of them there are depends on the modules installed (sms, rating …).
MIXIN_FIELD = re.compile(
    r"^model:ir\.model\.fields,.*__(?:message|has_message|(?:my_)?activity|rating|website_message)"
)
# Punctuation that French keeps together with its word by a no-break space.
LOOSE = re.compile(r" [:;?!»]|« |[^\s\N{NO-BREAK SPACE}](?:[?!»]| ;)|[“”]")


def one_line(text):
    return " ".join(text.split())


def own_terms(entries):
    """The terms that are the module's own in every database."""
    return {entry.msgid for entry in entries if not all(MIXIN_FIELD.match(where) for where, _line in entry.occurrences)}


@tagged("post_install", "-at_install")
class TestTranslation(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.french = polib.pofile(file_path(f"{MODULE}/i18n/fr.po"))
        cls.template = polib.pofile(file_path(f"{MODULE}/i18n/{MODULE}.pot"))
        # what `odoo i18n export` would write now
        buffer = io.BytesIO()
        trans_export(False, [MODULE], buffer, "po", cls.env)
        cls.terms = own_terms(polib.pofile(buffer.getvalue().decode()))

    def assertNoTerms(self, terms, problem):
        self.assertFalse(terms, "\n".join([f"{len(terms)} terms {problem}:", *sorted(map(one_line, terms))]))

    def test_every_term_is_translated(self):
        translated = {entry.msgid for entry in self.french if entry.msgstr.strip() and not entry.fuzzy}
        self.assertNoTerms(self.terms - translated, "of the module lack their French in i18n/fr.po")

    def test_nothing_is_obsolete(self):
        obsolete = {entry.msgid for entry in self.french.obsolete_entries()}
        current = own_terms(entry for entry in self.french if not entry.obsolete)
        self.assertNoTerms(obsolete | (current - self.terms), "of i18n/fr.po are no longer in the module")

    def test_template_is_up_to_date(self):
        self.assertNoTerms(
            self.terms ^ own_terms(self.template),
            "differ between the module and i18n/multiservice.pot: export it again",
        )

    def test_terms_are_written_once(self):
        counts = Counter(entry.msgid for entry in self.french)
        self.assertNoTerms({term for term, count in counts.items() if count > 1}, "occur twice in i18n/fr.po")

    def test_placeholders(self):
        broken = {
            f"{entry.msgid} -> {entry.msgstr}"
            for entry in self.french
            if Counter(PLACEHOLDER.findall(entry.msgid)) != Counter(PLACEHOLDER.findall(entry.msgstr))
        }
        self.assertNoTerms(broken, "have other placeholders or tags in French")

    def test_typography(self):
        """No-break spaces where French has them, its own quotation marks; code and markup are not read."""
        texts = {entry.msgstr: re.sub(r"<[^>]*>|%\(\w+\)|\w+\.\w+\(\)", "", entry.msgstr) for entry in self.french}
        self.assertNoTerms({text for text, said in texts.items() if LOOSE.search(said)}, "are not set as French is")


@tagged("post_install", "-at_install")
class TestFrench(MultiserviceCommon):
    """What a French user sees, with the language loaded as an upgrade loads it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang(LANG)
        cls.env["ir.module.module"]._load_module_terms([MODULE], [LANG], overwrite=True)
        cls.french = cls.env(context={**cls.env.context, "lang": LANG})

    def test_view(self):
        arch = self.french["multiservice.contract"].get_view(view_type="form")["arch"]
        for said in ("Facturation à venir", "Mettre fin le…", "Ajouter une prestation"):
            self.assertIn(said, arch)
        self.assertNotIn("Upcoming billing", arch)

    def test_fields_and_choices(self):
        fields = self.french["multiservice.contract"].fields_get(["order_reference", "timing", "grouping"])
        self.assertEqual(fields["order_reference"]["string"], "N°\N{NO-BREAK SPACE}d'engagement")
        self.assertEqual(dict(fields["timing"]["selection"]), {"advance": "Terme à échoir", "arrears": "Terme échu"})
        self.assertEqual(dict(fields["grouping"]["selection"])["site"], "Une facture par site")

    def test_message(self):
        contract = self.french["multiservice.contract"].create({"partner_id": self.customer.id})
        with self.assertRaisesRegex(UserError, f"Le contrat {contract.name} n'a aucune ligne à facturer."):
            contract.action_activate()

    def test_schedule_in_words(self):
        contract = self.french["multiservice.contract"].create(
            {
                "partner_id": self.customer.id,
                "recurrence_unit": "quarter",
                "timing": "arrears",
                "issue_method": "day_after",
                "issue_day": 1,
                "line_ids": [Command.create({"product_id": self.service.id, "site_id": self.site_a.id})],
            }
        )
        self.assertEqual(
            contract._schedule_in_words(),
            "Facturation trimestrielle à terme échu. "
            "Les factures sont émises le 1er du mois, au plus tôt le dernier jour de la période. "
            "Les périodes commencent avec le trimestre civil. "
            "Une première ou dernière période incomplète est facturée prorata temporis en jours réels.",
        )
