import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

const dialog = (field) => `.modal .o_field_widget[name='${field}']`;

registry.category("web_tour.tours").add("multiservice_amendment", {
    url: "/odoo/service-contracts",
    steps: () => [
        { content: "Open the contract", trigger: ".o_list_view .o_data_row:contains(To amend) td[name='name']", run: "click" },
        { trigger: ".o_form_statusbar button[name='action_amend']", run: "click" },
        { content: "The amendment", trigger: ".o_form_view .o_field_widget[name='date_effect']" },
        { trigger: ".o_field_widget[name='title'] input, .o_field_widget[name='title'] textarea", run: "edit Twice a week" },
        { trigger: ".o_field_widget[name='change_ids'] .o_field_x2many_list_row_add a", run: "click" },
        { content: "The terms in force are there", trigger: `${dialog("line_id")} input`, run: "edit Office" },
        { trigger: ".ui-autocomplete > li > a:contains(Office cleaning)", run: "click" },
        { trigger: `${dialog("price_unit")} input:value(100)` },
        { trigger: `${dialog("quantity")} input`, run: "edit 2" },
        { trigger: ".modal footer .o_form_button_save", run: "click" },
        { trigger: ".o_field_widget[name='change_ids'] td:contains(Change a service: Office cleaning)" },
        ...stepUtils.saveForm(),
        { content: "What would it do?", trigger: "button[name='action_preview']", run: "click" },
        { trigger: ".modal td:contains(200.00)" },
        { trigger: ".modal .o_field_widget[name='monthly_after']:contains(200.00)" },
        { trigger: ".modal footer button[special='cancel'], .modal footer button:contains(Close)", run: "click" },
        { trigger: "body:not(:has(.modal)) a.nav-link:contains(Acceptance)", run: "click" },
        { trigger: ".o_field_widget[name='accepted_by'] input", run: "edit A. Client" },
        { trigger: "button[name='action_accept']", run: "click" },
        { trigger: ".o_statusbar_status .o_arrow_button_current:contains(Accepted by the customer)" },
        { trigger: ".o_form_statusbar button[name='action_apply']", run: "click" },
        { trigger: ".modal footer button:contains(Ok)", run: "click" },
        { trigger: ".o_statusbar_status .o_arrow_button_current:contains(In force)" },
        { content: "The contract goes on", trigger: "button[name='action_view_contract']", run: "click" },
        { trigger: ".o_field_widget[name='line_ids'] .o_data_row:contains(2.00)" },
    ],
});
