import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

const pick = (field, text) => [
    { trigger: `.o_field_widget[name='${field}'] input`, run: `edit ${text}` },
    { trigger: `.ui-autocomplete > li > a:contains(${text})`, run: "click" },
];

/** A line of the contract: its site, its service, its price. */
const addService = (rank, site, price) => [
    { trigger: ".o_field_x2many_list_row_add a:contains(Add a service)", run: "click" },
    { trigger: `.o_data_row:nth-child(${rank}).o_selected_row` },
    ...pick("site_id", site),
    ...pick("product_id", "Office cleaning"),
    { trigger: ".o_selected_row .o_field_widget[name='price_unit'] input", run: `edit ${price}` },
];

registry.category("web_tour.tours").add("multiservice_contract_to_invoice", {
    url: "/odoo/service-contracts",
    steps: () => [
        { content: "Create a contract", trigger: ".o_list_button_add", run: "click" },
        { trigger: ".o_field_widget[name='title'] input, .o_field_widget[name='title'] textarea", run: "edit Cleaning" },
        ...pick("partner_id", "Bureaux du Parc"),
        ...addService(1, "Tour A", "100"),
        ...addService(2, "Tour B", "50"),
        ...stepUtils.saveForm(),
        { content: "Look at what it will bill", trigger: "a.nav-link:contains(Upcoming billing)", run: "click" },
        { trigger: ".o_service_upcoming td:contains(100.00)" },
        { trigger: ".o_service_upcoming td:contains(50.00)" },
        { content: "Activate it", trigger: "button[name='action_activate']", run: "click" },
        { trigger: ".o_statusbar_status .o_arrow_button_current:contains(Active)" },
        { content: "Dry run", trigger: ".o_menu_sections button:contains(Billing)", run: "click" },
        { trigger: ".o-dropdown--menu a:contains(Bill contracts)", run: "click" },
        { trigger: ".modal button[name='action_preview']", run: "click" },
        { trigger: ".modal .o_field_widget[name='line_ids'] td:contains(Tour B)" },
        { trigger: ".modal .o_field_widget[name='totals']:contains(€)" },
        { trigger: ".modal footer button[special='cancel'], .modal footer button:contains(Close)", run: "click" },
        { content: "Bill it", trigger: "body:not(:has(.modal)) button[name='action_bill']", run: "click" },
        { trigger: ".modal footer button:contains(Ok)", run: "click" },
        { content: "The run is done", trigger: ".o_statusbar_status .o_arrow_button_current:contains(Done)" },
        { content: "Open the invoice", trigger: "button[name='action_view_moves']", run: "click" },
        { trigger: ".o_field_widget[name='invoice_line_ids'] td:contains(Tour A)" },
        { trigger: "button[name='action_view_service_contracts']" },
    ],
});
