from odoo import http
from odoo.exceptions import AccessError, MissingError
from odoo.fields import Domain
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal
from odoo.addons.portal.controllers.portal import pager as portal_pager

URL = "/my/service_contracts"
HISTORY = "my_service_contracts_history"
# A draft may be shown by its link, as a proposal; the record rule hides it from the customer's list.
SHOWN_STATES = ("draft", "active", "ended")
INVOICES_SHOWN = 12


class ContractPortal(CustomerPortal):
    """A customer's contracts: list, page, PDF."""

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "service_contract_count" in counters:
            Contract = request.env["multiservice.contract"]
            can_read = Contract.has_access("read")
            values["service_contract_count"] = can_read and Contract.search_count(self._contracts_domain(), limit=1)
        return values

    def _contracts_domain(self):
        """The visitor's own contracts, also for a user of ours whose rights go further."""
        customer = request.env.user.partner_id.commercial_partner_id
        return Domain("partner_id", "=", customer.id) & Domain("state", "in", ("active", "ended"))

    def _contract_sortings(self):
        return {
            "number": {"label": request.env._("Number"), "order": "name desc, id desc"},
            "title": {"label": request.env._("Subject"), "order": "title, id desc"},
            "start": {"label": request.env._("Start"), "order": "date_start desc, id desc"},
            "next": {"label": request.env._("Next Billing"), "order": "next_billing_date, id desc"},
        }

    def _contract_filters(self):
        return {
            "all": {"label": request.env._("All"), "domain": Domain.TRUE},
            "active": {"label": request.env._("Active"), "domain": Domain("state", "=", "active")},
            "ended": {"label": request.env._("Ended"), "domain": Domain("state", "=", "ended")},
        }

    def _contract_search_inputs(self):
        return {
            "all": {"input": "all", "label": request.env._("Search in All")},
            "name": {"input": "name", "label": request.env._("Search in Numbers and Subjects")},
            "site": {"input": "site", "label": request.env._("Search in Sites")},
            "reference": {"input": "reference", "label": request.env._("Search in References")},
        }

    def _contract_search_domain(self, search_in, search):
        by_field = {
            "name": ("name", "title"),
            "site": ("line_ids.site_id.name", "line_ids.site_id.site_code", "line_ids.site_id.city"),
            "reference": ("order_reference", "market_reference", "buyer_reference"),
        }
        names = by_field.get(search_in) or [name for names in by_field.values() for name in names]
        return Domain.OR(Domain(name, "ilike", search) for name in names)

    # Not readonly: the links of the list may create access tokens.
    @http.route([URL, f"{URL}/page/<int:page>"], type="http", auth="user", website=True)
    def portal_my_service_contracts(self, page=1, sortby=None, filterby=None, search=None, search_in="all", **kwargs):
        values = self._prepare_portal_layout_values()
        sortings, filters = self._contract_sortings(), self._contract_filters()
        sortby = sortby if sortby in sortings else "number"
        filterby = filterby if filterby in filters else "all"
        domain = self._contracts_domain() & filters[filterby]["domain"]
        if search:
            domain &= self._contract_search_domain(search_in, search)
        Contract = request.env["multiservice.contract"]
        can_read = Contract.has_access("read")
        pager = portal_pager(
            url=URL,
            url_args={"sortby": sortby, "filterby": filterby, "search_in": search_in, "search": search},
            total=Contract.search_count(domain) if can_read else 0,
            page=page,
            step=self._items_per_page,
        )
        contracts = Contract
        if can_read:
            contracts = Contract.search(
                domain, order=sortings[sortby]["order"], limit=self._items_per_page, offset=pager["offset"]
            )
        request.session[HISTORY] = contracts.ids[:100]
        values.update(
            contracts=contracts,
            page_name="service_contract",
            pager=pager,
            default_url=URL,
            searchbar_sortings=sortings,
            sortby=sortby,
            searchbar_filters=filters,
            filterby=filterby,
            searchbar_inputs=self._contract_search_inputs(),
            search_in=search_in,
            search=search,
        )
        return request.render("multiservice.portal_my_contracts", values)

    @http.route([f"{URL}/<int:contract_id>"], type="http", auth="public", website=True)
    def portal_my_service_contract(self, contract_id, access_token=None, report_type=None, download=False, **kwargs):
        try:
            contract_sudo = self._contract_check_access(contract_id, access_token)
        except (AccessError, MissingError):
            return request.redirect("/my")
        if report_type in ("html", "pdf", "text"):
            return self._show_report(
                model=contract_sudo,
                report_type=report_type,
                report_ref="multiservice.contract_report_action",
                download=download,
            )
        values = {
            "contract": contract_sudo,
            "doc": contract_sudo,
            "page_name": "service_contract",
            "report_type": "html",
            "invoices": self._contract_invoices(contract_sudo),
            "backend_url": f"/odoo/action-multiservice.contract_action/{contract_sudo.id}",
            "res_company": contract_sudo.company_id,  # its logo
        }
        values = self._get_page_view_values(contract_sudo, access_token, values, HISTORY, False, **kwargs)
        return request.render("multiservice.portal_contract_page", values)

    def _contract_check_access(self, contract_id, access_token):
        """The contract, as superuser, for a visitor who may see it with its prices."""
        contract_sudo = self._document_check_access("multiservice.contract", contract_id, access_token)
        user = request.env.user
        if user._is_internal() and not user.has_group("multiservice.group_billing_user"):
            raise AccessError(request.env._("The page of a contract shows prices: it is for billing users."))
        if contract_sudo.state not in SHOWN_STATES:
            raise MissingError(request.env._("This contract was cancelled."))
        return contract_sudo

    def _contract_invoices(self, contract_sudo):
        """The latest posted invoices of the contract that the visitor may see, whatever link was used."""
        Move = request.env["account.move"]
        if not Move.has_access("read"):
            return Move
        domain = [
            ("invoice_line_ids.service_contract_id", "=", contract_sudo.id),
            ("move_type", "in", ("out_invoice", "out_refund")),
            ("state", "=", "posted"),
        ]
        return Move.search(domain, order="invoice_date desc, name desc", limit=INVOICES_SHOWN)
