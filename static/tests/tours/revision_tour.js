import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("multiservice_revision", {
    url: "/odoo/action-multiservice.price_revision_action",
    steps: () => [
        { content: "Open the proposal", trigger: ".o_list_view .o_data_row:contains(To revise) td[name='contract_id']", run: "click" },
        { content: "Old price, new price", trigger: ".o_field_widget[name='line_ids'] .o_data_row:contains(100.00):contains(103.00)" },
        { trigger: ".o_form_statusbar button[name='action_accept']:contains(Apply)", run: "click" },
        { trigger: ".modal footer button:contains(Ok)", run: "click" },
        { trigger: ".o_statusbar_status .o_arrow_button_current:contains(Applied)" },
    ],
});
