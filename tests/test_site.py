from datetime import date

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, HttpCase, TransactionCase, new_test_user, tagged
from odoo.tools import file_open, mute_logger
from odoo.tools.safe_eval import safe_eval

# Right checksums, given to nobody.
SIREN = "123456782"
SIRET = "12345678200010"


class SiteCommon(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.france = cls.env.ref("base.fr")
        cls.customer = cls._customer("Boulangerie Martin", country_id=cls.france.id, street="1 rue du Four")
        cls.site = cls._site(
            "Fournil",
            street="2 rue du Levain",
            site_code="F-01",
            site_access_code="A1234",
            site_access_info="Back door, ring twice",
        )

    @classmethod
    def _customer(cls, name, **vals):
        return cls.env["res.partner"].create({"name": name, "is_company": True, **vals})

    @classmethod
    def _site(cls, name, **vals):
        return cls.env["res.partner"].create(
            {"name": name, "parent_id": cls.customer.id, "is_service_site": True, **vals}
        )

    @classmethod
    def _user(cls, group):
        return new_test_user(cls.env, f"test_{group}", f"multiservice.group_{group}")


@tagged("post_install", "-at_install")
class TestSite(SiteCommon):
    def test_a_new_site_is_an_address_of_its_customer(self):
        self.assertEqual(self.site.type, "other")
        self.assertFalse(self.site.is_company)
        self.assertEqual(self.site.commercial_partner_id, self.customer)
        self.assertEqual(self.site.country_id, self.france, "the country is the customer's when none is given")
        self.assertEqual(self.site.street, "2 rue du Levain")
        self.assertEqual(self.customer.street, "1 rue du Four")
        self.assertEqual(self.site.display_name, "Boulangerie Martin, Fournil")
        self.assertEqual(self.customer.site_ids, self.site)
        self.assertEqual(self.customer.site_count, 1)

    def test_site_of_a_private_person_reads_well(self):
        person = self._customer("Jeanne Roux", is_company=False)
        site = self._site("Maison de campagne", parent_id=person.id)
        self.assertEqual(site.display_name, "Jeanne Roux, Maison de campagne")
        self.assertEqual(site.commercial_partner_id, person)

    def test_site_is_never_the_delivery_or_invoice_address(self):
        addresses = self.customer.address_get(["delivery", "invoice", "contact"])
        self.assertEqual(set(addresses.values()), {self.customer.id})
        self.assertEqual(self.site.address_get(["invoice"])["invoice"], self.customer.id)

    def test_default_of_an_action_makes_a_site(self):
        site = (
            self.env["res.partner"].with_context(default_is_service_site=True, default_parent_id=self.customer.id)
        ).create({"name": "Boutique"})
        self.assertTrue(site.is_service_site)
        self.assertEqual(site.type, "other")
        self.assertEqual(site.parent_id, self.customer)

    def test_site_belongs_to_the_company_of_its_customer(self):
        company = self.env["res.company"].create({"name": "Agence B"})
        customer = self._customer("Client B", company_id=company.id)
        self.assertEqual(self._site("Site B", parent_id=customer.id).company_id, company)

    def test_what_a_site_must_be(self):
        contact = self.env["res.partner"].create({"name": "Paul", "parent_id": self.customer.id})
        for vals, message in (
            ({"parent_id": False}, "The site Fournil has no customer: choose the one it belongs to"),
            ({"name": False}, "A site of Boulangerie Martin has no name"),
            ({"parent_id": self._site("Other").id}, "a site has no sites of its own"),
            ({"is_company": True}, "The site Fournil is marked as a company and would be billed itself"),
            ({"parent_id": contact.id}, "to the customer Boulangerie Martin itself, not to its contact Paul"),
            ({"type": "delivery"}, "The site Fournil must keep the address type 'Other'"),
        ):
            with (
                self.subTest(vals),
                self.assertRaisesRegex(ValidationError, message),
                self.env.cr.savepoint(),
            ):
                self.site.write(vals)

    def test_customer_of_a_site_cannot_become_a_site_or_a_contact(self):
        other = self._customer("Groupe Martin")
        for vals in (
            {"is_service_site": True, "parent_id": other.id, "type": "other", "is_company": False},
            {"parent_id": other.id, "is_company": False},
        ):
            with self.subTest(vals), self.assertRaises(ValidationError), self.env.cr.savepoint():
                self.customer.write(vals)
        self.site.active = False
        with self.assertRaises(ValidationError):
            self.customer.write(vals)

    def test_subsidiary_keeps_its_sites(self):
        self.customer.parent_id = self._customer("Groupe Martin")
        self.assertEqual(self.site.commercial_partner_id, self.customer)

    def test_site_code_is_unique_per_customer(self):
        other = self._customer("Autre client")
        self._site("Fournil", parent_id=other.id, site_code="f-01")
        self._site("Sans code 1", site_code="")
        self._site("Sans code 2", site_code="  ")
        self.site.active = False
        for code in ("F-01", " f-01 "):
            with (
                self.subTest(code),
                mute_logger("odoo.sql_db"),
                self.assertRaisesRegex(IntegrityError, "site_code_uniq"),
                self.env.cr.savepoint(),
            ):
                self._site("Doublon", site_code=code)

    def test_copy_of_a_site_has_no_code(self):
        copy = self.site.copy()
        self.assertTrue(copy.is_service_site)
        self.assertEqual((copy.type, copy.parent_id), ("other", self.customer))
        self.assertFalse(copy.site_code or copy.site_access_code or copy.site_access_info)

    def test_site_siret(self):
        self.site.site_siret = "123 456 782 00010"
        self.assertEqual(self.site.site_siret, SIRET)
        self.assertEqual(self.site.company_registry, self.customer.company_registry)
        for number in ("12345678200011", SIREN, "1234567820001A"):
            with self.subTest(number), self.assertRaisesRegex(ValidationError, "Fournil.*14 digits"):
                self.site.site_siret = number

    def test_code_finds_the_site_when_typed(self):
        found = self.env["res.partner"].name_search("F-01")
        self.assertIn(self.site.id, [partner_id for partner_id, _name in found])
        self.assertFalse(self.env["res.partner"].name_search("F-01", operator="="))

    def test_link_to_a_site_opens_its_own_form(self):
        form = self.env.ref("multiservice.site_view_form")
        self.assertEqual(self.site.get_formview_action()["views"], [(form.id, "form")])
        self.assertFalse(self.customer.get_formview_id())

    def test_form_creates_a_site_with_a_contact(self):
        action = self.customer.action_new_site()
        partners = self.env["res.partner"].with_context(**action["context"])
        with Form(partners, view="multiservice.site_view_form") as form:
            form.name = "Boutique"
            form.street = "3 rue du Pain"
            with form.child_ids.new() as person:
                person.name = "Lucie"
                person.phone = "0102030405"
        site = form.record
        self.assertEqual((site.parent_id, site.type), (self.customer, "other"))
        self.assertEqual(site.country_id, self.france)
        self.assertEqual(site.child_ids.mapped("name"), ["Lucie"])
        self.assertFalse(site.child_ids.is_service_site)
        self.assertEqual(site.child_ids.street, "3 rue du Pain", "a person on site is reached at the site")
        self.assertEqual(self.customer.street, "1 rue du Four")

    def test_customer_form_saves_without_touching_sites(self):
        with Form(self.customer, view="base.view_partner_form") as form:
            form.legal_category = "business"
            form.street = "9 rue du Four"
        self.assertEqual(self.customer.site_ids, self.site)
        self.assertEqual(self.site.street, "2 rue du Levain")

    def test_smart_buttons(self):
        action = self.customer.action_view_sites()
        self.assertEqual(self.env["res.partner"].search(action["domain"]), self.site)
        self.assertEqual(action["context"]["default_parent_id"], self.customer.id)
        self.assertEqual(self.customer.contract_count, 0)
        contracts = self.customer.action_view_service_contracts()
        self.assertEqual(contracts["context"]["default_partner_id"], self.customer.id)
        self.assertEqual(self.customer.action_view_balance()["context"]["search_default_open"], 1)

    def test_counts_of_many_customers_take_one_query(self):
        customers = self.env["res.partner"].create([{"name": f"Client {i}"} for i in range(30)])
        self._site("Site", parent_id=customers[0].id)
        self.env.flush_all()
        with self.assertQueryCount(1):
            self.assertEqual(sum(customers.mapped("site_count")), 1)

    def test_merging_customers_keeps_their_sites(self):
        other = self._customer("Boulangerie Martin SARL")
        site = self._site("Boutique", parent_id=other.id, site_code="B-01")
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((self.customer + other).ids, self.customer)
        self.assertEqual(self.customer.site_ids, self.site + site)

    def test_merging_customers_whose_sites_share_a_code_is_refused(self):
        other = self._customer("Boulangerie Martin SARL")
        site = self._site("Boutique", parent_id=other.id, site_code="f-01")
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaisesRegex(IntegrityError, "site_code_uniq"),
            self.env.cr.savepoint(),
        ):
            wizard._merge((self.customer + other).ids, self.customer)
        self.assertTrue(site.exists() and self.site.exists())


@tagged("post_install", "-at_install")
class TestSiteAccess(SiteCommon):
    ACCESS_FIELDS = ("site_access_code", "site_access_info")

    def _assert_access_hidden(self, user):
        site = self.site.with_user(user)
        self.assertEqual(site.name, "Fournil")
        for name in self.ACCESS_FIELDS:
            with self.assertRaises(AccessError):
                site.read([name])
            with self.assertRaises(AccessError):
                site[name]
            with self.assertRaises(AccessError):
                site.search([(name, "ilike", "A")])
        self.assertFalse(set(self.ACCESS_FIELDS) & set(site.fields_get()))

    def test_technician_reads_the_site_but_no_access_code(self):
        technician = self._user("technician")
        self._assert_access_hidden(technician)
        with self.assertRaises(AccessError):
            self.site.with_user(technician).name = "Changed"
        arch = self.env["res.partner"].with_user(technician).get_view(self.env.ref("multiservice.site_view_form").id)
        self.assertNotIn("site_access", arch["arch"])

    def test_export_holds_no_access_code(self):
        groups = "multiservice.group_technician,base.group_allow_export"
        exporter = new_test_user(self.env, "test_exporter", groups)
        for name in self.ACCESS_FIELDS:
            with self.assertRaises(AccessError):
                self.site.with_user(exporter).export_data(["name", name])

    def test_accountant_without_our_groups_reads_no_access_code(self):
        self._assert_access_hidden(new_test_user(self.env, "test_accountant", "account.group_account_invoice"))

    def test_portal_contact_reads_no_access_code(self):
        contact = self.env["res.partner"].create({"name": "Paul", "parent_id": self.customer.id})
        portal = new_test_user(self.env, "test_portal", "base.group_portal", partner_id=contact.id)
        self._assert_access_hidden(portal)
        for name in ("manager_id", "manager_ids", "managed_ids", "service_contract_ids", "contract_count"):
            with self.assertRaises(AccessError):
                self.customer.with_user(portal).read([name])
        with self.assertRaises(AccessError):
            self.env["multiservice.customer.manager"].with_user(portal).search([])

    def test_planner_and_billing_user_keep_sites(self):
        for group in ("planner", "billing_user", "manager"):
            user = self._user(group)
            site = self.site.with_user(user)
            self.assertEqual(site.site_access_code, "A1234")
            site.site_access_info = f"Key at the {group}'s"
            created = site.create({"name": f"Site of {group}", "parent_id": self.customer.id, "is_service_site": True})
            self.assertEqual(created.type, "other")

    def test_planner_reads_managers_and_billing_user_writes_them(self):
        vals = {"partner_id": self.customer.id, "manager_id": self._customer("Syndic").id}
        Manager = self.env["multiservice.customer.manager"]
        planner = self._user("planner")
        with self.assertRaises(AccessError):
            Manager.with_user(planner).create(vals)
        mandate = Manager.with_user(self._user("billing_user")).create(vals)
        self.assertEqual(self.customer.with_user(planner).manager_id.name, "Syndic")
        self.assertFalse(Manager.with_user(planner).has_access("write"))
        mandate.unlink()
        with self.assertRaises(AccessError):
            Manager.with_user(self._user("technician")).search([])

    def test_planner_sees_nothing_of_another_company(self):
        company = self.env["res.company"].create({"name": "Agence B"})
        customer = self._customer("Client B", company_id=company.id)
        site = self._site("Site B", parent_id=customer.id)
        mandate = self.env["multiservice.customer.manager"].create(
            {"partner_id": customer.id, "manager_id": self._customer("Syndic").id}
        )
        planner = self._user("planner")
        self.assertFalse(self.env["res.partner"].with_user(planner).search([("id", "in", (customer + site).ids)]))
        self.assertFalse(mandate.with_user(planner).search([("id", "=", mandate.id)]))
        with self.assertRaises(AccessError):
            site.with_user(planner).read(["name", "site_access_code"])

    def test_screens_open_for_everybody(self):
        self.customer.manager_ids = [Command.create({"manager_id": self._customer("Syndic").id})]
        users = [self._user(group) for group in ("technician", "planner", "billing_user", "manager")]
        users.append(new_test_user(self.env, "test_accountant", "account.group_account_invoice"))
        for user in users:
            with self.subTest(user=user.login):
                Form(self.customer.with_user(user), view="base.view_partner_form")
                Form(self.site.with_user(user), view="multiservice.site_view_form")
                for view in ("site_view_list", "site_view_kanban", "site_view_search", "customer_view_list"):
                    self.env["res.partner"].with_user(user).get_view(self.env.ref(f"multiservice.{view}").id)

    def test_access_changes_are_not_tracked(self):
        self.env.flush_all()
        self.env.cr.flush()  # where chatter writes its tracking
        self.site.write({"site_access_code": "B9876", "site_access_info": "Front door", "phone": "0102030405"})
        self.env.flush_all()
        self.env.cr.flush()
        tracked = self.site.message_ids.sudo().tracking_value_ids.field_id.mapped("name")
        self.assertEqual(tracked, ["phone"])
        self.assertNotIn("B9876", str(self.site.message_ids.mapped("body")))


@tagged("post_install", "-at_install")
class TestSitePortal(SiteCommon, HttpCase):
    def setUp(self):
        super().setUp()
        self.contact = self.env["res.partner"].create(
            {"name": "Paul", "parent_id": self.customer.id, "email": "paul@example.com"}
        )
        self.address = self.env["res.partner"].create(
            {"name": "Comptabilité", "parent_id": self.customer.id, "type": "other", "street": "8 rue du Son"}
        )
        new_test_user(self.env, "test_portal", "base.group_portal", partner_id=self.contact.id)
        self.authenticate("test_portal", "test_portal")

    def test_address_book_of_the_customer_shows_no_site(self):
        page = self.url_open("/my/addresses").text
        self.assertIn("8 rue du Son", page)
        self.assertNotIn("2 rue du Levain", page)
        self.assertNotIn("A1234", page)

    def test_customer_neither_edits_nor_archives_a_site(self):
        page = self.url_open(f"/my/address?partner_id={self.site.id}")
        self.assertEqual(page.status_code, 403)
        self.assertEqual(self.url_open(f"/my/address?partner_id={self.address.id}").status_code, 200)
        portal = self.env["res.users"].search([("login", "=", "test_portal")])
        site, address = (self.site + self.address).with_user(portal).sudo()
        self.assertFalse(site._can_be_edited_by_current_customer())
        self.assertTrue(address._can_be_edited_by_current_customer())


@tagged("post_install", "-at_install")
class TestCustomer(SiteCommon):
    def test_vat_liability_follows_the_legal_category_and_stays_editable(self):
        for category, liable in (
            ("business", True),
            ("public_body", False),
            ("non_professional", False),
            ("consumer", False),
        ):
            self.customer.legal_category = category
            self.assertEqual(self.customer.vat_liable, liable, category)
        self.customer.vat_liable = True
        self.customer.street = "4 rue du Four"
        self.assertTrue(self.customer.vat_liable)
        self.assertFalse(self._customer("Sans catégorie").vat_liable)
        exempt = self._customer("Micro-entreprise", legal_category="business", vat_liable=False)
        self.assertFalse(exempt.vat_liable)

    def test_children_follow_their_customer(self):
        self.customer.write({"legal_category": "business", "vat_liable": False})
        self.assertEqual((self.site.legal_category, self.site.vat_liable), ("business", False))
        later = self._site("Boutique")
        self.assertEqual((later.legal_category, later.vat_liable), ("business", False))
        self.customer.vat_liable = True
        self.assertTrue(self.site.vat_liable and later.vat_liable)
        self.customer.legal_category = "consumer"
        self.assertEqual((self.site.legal_category, self.site.vat_liable), ("consumer", False))

    def test_siret_error(self):
        for number, wrong in (
            (False, False),
            (SIRET, False),
            ("123 456 782 00010", False),
            (SIREN, False),
            ("35600000000048", False),  # La Poste, head office
            ("35600000000006", False),  # La Poste, an office: the digits sum to a multiple of 5
            ("35600000000007", True),
            ("12345678200011", True),
            ("123456783", True),
            ("1234", True),
            ("1234567820001X", True),
        ):
            self.customer.company_registry = number
            self.assertEqual(bool(self.customer._siret_error()), wrong, number)
        self.assertIn("SIRET", self.customer._siret_error())
        self.customer.company_registry = "123456783"
        self.assertIn("SIREN", self.customer._siret_error())
        self.customer.country_id = self.env.ref("base.be")
        self.assertFalse(self.customer._siret_error(), "a foreign registry number is not ours to check")

    def test_customers_are_not_sites(self):
        self.customer.customer_rank = 1
        self.site.customer_rank = 1
        domain = self.env.ref("multiservice.customer_action")._get_action_dict()["domain"]
        found = self.env["res.partner"].search(safe_eval(domain))
        self.assertIn(self.customer, found)
        self.assertNotIn(self.site, found)


@tagged("post_install", "-at_install")
class TestCustomerManager(SiteCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.old, cls.new = cls._customer("Syndic Dupont"), cls._customer("Syndic Leroy")
        cls.customer.manager_ids = [
            Command.create({"manager_id": cls.old.id, "date_to": "2026-03-31"}),
            Command.create({"manager_id": cls.new.id, "date_from": "2026-05-01"}),
        ]

    # Dupont …………………… 31/03 |  nobody  | 01/05 Leroy …………
    def test_manager_of_the_day(self):
        partners = self.env["res.partner"]
        for day, manager in (
            ("2020-01-01", self.old),
            ("2026-03-31", self.old),
            ("2026-04-01", partners),
            ("2026-05-01", self.new),
            ("2030-01-01", self.new),
        ):
            with self.subTest(day), freeze_time(day):
                self.env.invalidate_all()
                self.assertEqual(self.customer.manager_id, manager)
                self.assertEqual(self.site.manager_id, manager, "a site follows its customer")
                self.assertEqual(self.old.managed_ids, self.customer if manager == self.old else partners)
                self.assertEqual(self.new.managed_count, int(manager == self.new))

    @freeze_time("2026-05-01")
    def test_manager_is_searched(self):
        mine = (self.customer + self.site).ids

        def found(operator, value):
            domain = [("manager_id", operator, value), ("id", "in", mine)]
            return set(self.env["res.partner"].search(domain).ids)

        self.assertEqual(found("=", self.new.id), set(mine))
        self.assertEqual(found("in", [self.new.id, self.old.id]), set(mine))
        self.assertEqual(found("ilike", "leroy"), set(mine))
        self.assertEqual(found("!=", False), set(mine))
        self.assertEqual(found("!=", self.old.id), set(mine))
        self.assertEqual(found("=", self.old.id), set())
        self.assertEqual(found("=", False), set())
        self.assertEqual(found("!=", self.new.id), set())
        with freeze_time("2026-04-15"):
            self.assertEqual(found("=", False), set(mine))
            self.assertEqual(found("in", [self.new.id, False]), set(mine))

    @freeze_time("2026-05-01")
    def test_smart_button_of_the_manager(self):
        action = self.new.action_view_managed_customers()
        self.assertEqual(self.env["res.partner"].search(action["domain"]), self.customer)

    def test_mandates_do_not_overlap(self):
        for dates in (
            {"date_from": "2026-03-31", "date_to": "2026-04-30"},
            {"date_from": "2026-04-01"},
            {"date_to": "2020-01-01"},
            {},
        ):
            with (
                self.subTest(dates),
                self.assertRaisesRegex(ValidationError, "Boulangerie Martin would have two managers at once"),
                self.env.cr.savepoint(),
            ):
                self.customer.manager_ids = [Command.create({"manager_id": self.new.id, **dates})]
        self.customer.manager_ids = [
            Command.create({"manager_id": self.old.id, "date_from": "2026-04-01", "date_to": "2026-04-30"})
        ]
        self.assertEqual(len(self.customer.manager_ids), 3)
        other = self._customer("Autre client")
        other.manager_ids = [Command.create({"manager_id": self.old.id})]

    def test_mandate_ends_after_it_starts(self):
        with self.assertRaisesRegex(ValidationError, "ends before it starts"):
            self.customer.manager_ids[0].write({"date_from": date(2026, 6, 1), "date_to": date(2026, 5, 31)})

    def test_who_may_manage(self):
        other = self._customer("Autre client")
        contact = self.env["res.partner"].create({"name": "Paul", "parent_id": other.id})
        for vals, message in (
            ({"partner_id": other.id, "manager_id": other.id}, "cannot be its own manager"),
            ({"partner_id": other.id, "manager_id": contact.id}, "cannot be its own manager"),
            ({"partner_id": self.site.id, "manager_id": self.old.id}, "record the manager on the customer"),
            ({"partner_id": other.id, "manager_id": self.site.id}, "is a site: it cannot manage"),
        ):
            with (
                self.subTest(message),
                self.assertRaisesRegex(ValidationError, message),
                self.env.cr.savepoint(),
            ):
                self.env["multiservice.customer.manager"].create(vals)

    def test_debtor_stays_the_customer(self):
        self.assertEqual(self.customer.commercial_partner_id, self.customer)


@tagged("post_install", "-at_install")
class TestSiteImport(SiteCommon):
    COLUMNS = ("name", "parent_id", "site_code", "street", "zip", "city", "is_service_site")

    def setUp(self):
        super().setUp()
        # A customer without address: core would give it the address of its first imported contact.
        self.bare = self._customer("Mairie de Sainte-Foy", country_id=self.france.id)
        self.rows = [
            ["École", "Mairie de Sainte-Foy", "ECO", "1 place Verte", "69110", "Sainte-Foy", "1"],
            ["Gymnase", "Mairie de Sainte-Foy", "GYM", "2 place Verte", "69110", "Sainte-Foy", "1"],
        ]

    def _load(self, columns, rows):
        planner = self.env["res.partner"].with_user(self._planner()).with_context(import_file=True)
        result = planner.load(list(columns), [list(row) for row in rows])
        self.env.invalidate_all()
        return result

    def _planner(self):
        user = self.env["res.users"].search([("login", "=", "test_planner")])
        return user or self._user("planner")

    def test_import_makes_sites(self):
        result = self._load(self.COLUMNS, self.rows)
        self.assertFalse(result["messages"])
        sites = self.env["res.partner"].browse(result["ids"])
        self.assertEqual(self.bare.site_ids, sites)
        self.assertEqual(set(sites.mapped("type")), {"other"})
        self.assertEqual(sites.country_id, self.france)
        self.assertFalse(self.bare.street, "a site's address is not its customer's")

    def test_import_again_by_code_updates(self):
        first = self._load(self.COLUMNS, self.rows)
        self.rows[0][2] = " eco "
        self.rows[0][3] = "10 place Verte"
        self.rows.append(["Piscine", "Mairie de Sainte-Foy", "PIS", "3 place Verte", "69110", "Sainte-Foy", "1"])
        second = self._load(self.COLUMNS, self.rows)
        self.assertFalse(second["messages"])
        self.assertEqual(second["ids"][:2], first["ids"])
        self.assertEqual(len(self.bare.site_ids), 3)
        self.assertEqual(self.env["res.partner"].browse(first["ids"][0]).street, "10 place Verte")

    def test_import_again_by_external_id_updates(self):
        columns = ["id", *self.COLUMNS]
        rows = [[f"__import__.site_{row[2]}", *row] for row in self.rows]
        first = self._load(columns, rows)
        self.assertFalse(first["messages"])
        rows[0][3] = "NEW"
        second = self._load(columns, rows)
        self.assertEqual(second["ids"], first["ids"])
        self.assertEqual(self.env["res.partner"].browse(first["ids"][0]).site_code, "NEW")
        self.assertEqual(len(self.bare.site_ids), 2)

    def test_import_tells_what_is_wrong(self):
        self.rows[1][2] = "eco"
        with mute_logger("odoo.sql_db"):
            result = self._load(self.COLUMNS, self.rows)
        self.assertFalse(result["ids"])
        self.assertIn("already has this site code", result["messages"][0]["message"])
        result = self._load(["name", "is_service_site"], [["Orphelin", "1"]])
        self.assertIn("has no customer", result["messages"][0]["message"])

    def test_import_of_a_file_from_the_sites_list(self):
        """The web client's way: a CSV file, read by base_import, with the defaults of the action."""
        content = "Name,Customer,Site code,Street\nÉcole,Mairie de Sainte-Foy,ECO,1 place Verte\n"
        context = {"default_is_service_site": True, "default_type": "other", "default_is_company": False}
        for street in ("1 place Verte", "10 place Verte"):
            wizard = (
                self.env["base_import.import"]
                .with_user(self._planner())
                .with_context(**context)
                .create(
                    {
                        "res_model": "res.partner",
                        "file": content.replace("1 place Verte", street).encode(),
                        "file_name": "sites.csv",
                        "file_type": "text/csv",
                    }
                )
            )
            result = wizard.execute_import(
                ["name", "parent_id", "site_code", "street"],
                ["name", "customer", "site code", "street"],
                {"quoting": '"', "separator": ",", "has_headers": True},
            )
            self.assertFalse(result["messages"])
        self.assertEqual(self.bare.site_ids.mapped("street"), ["10 place Verte"])
        self.assertEqual(self.bare.site_ids.type, "other")

    def test_template_is_understood(self):
        sites = self.env["res.partner"].with_context(default_is_service_site=True)
        (template,) = sites.get_import_templates()
        self.assertNotEqual(self.env["res.partner"].get_import_templates(), [template])
        with file_open(template["template"].lstrip("/"), "rb") as file:
            content = file.read()
        values = {"res_model": "res.partner", "file": content, "file_type": "text/csv"}
        wizard = self.env["base_import.import"].create(values)
        options = {"quoting": '"', "separator": ",", "has_headers": True}
        preview = wizard.parse_preview(options)
        columns = preview["headers"]
        self.assertEqual([preview["matches"][i] for i in range(len(columns))], [[name] for name in columns])
        customer = self._customer("Groupe Exemple")
        result = wizard.execute_import(columns, columns, options)
        self.assertFalse(result["messages"])
        self.assertEqual(customer.site_ids.mapped("site_code"), ["GRE-01", "LYO-01"])

    def test_import_of_hundreds_of_sites_reads_in_batches(self):
        rows = [
            [f"Bâtiment {i}", "Mairie de Sainte-Foy", f"B{i}", f"{i} rue Verte", "69110", "Sainte-Foy", "1"]
            for i in range(300)
        ]
        first = self._load(self.COLUMNS, rows)
        again = self._load(self.COLUMNS, rows)
        self.assertEqual(first["ids"], again["ids"])
        self.assertEqual(self.bare.site_count, 300)
