import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("multiservice_hours_bank", {
    url: "/odoo/service-hours-banks",
    steps: () => [
        { content: "Open the bank", trigger: ".o_data_cell:contains(Maintenance hours)", run: "click" },
        { trigger: "button[name='action_credit']", run: "click" },
        { content: "Grant 10 hours", trigger: ".modal input[data-value='granted']", run: "click" },
        { trigger: ".modal .o_field_widget[name='quantity'] input", run: "edit 10" },
        { trigger: ".modal button[name='action_confirm']", run: "click" },
        { trigger: "body:not(:has(.modal)) .o_field_widget[name='balance']:contains(10.00)" },
        { content: "Use 12 of them", trigger: ".o_menu_sections button:contains(Contracts)", run: "click" },
        { trigger: ".o-dropdown--menu a:contains(Usage)", run: "click" },
        { trigger: ".o_breadcrumb:contains(Usage)" },
        { trigger: ".o_list_button_add", run: "click" },
        { trigger: ".o_selected_row .o_field_widget[name='line_id'] input", run: "edit Tour A" },
        { trigger: ".ui-autocomplete > li > a:contains(Tour A)", run: "click" },
        { trigger: ".o_selected_row .o_field_widget[name='quantity'] input", run: "edit 12" },
        { trigger: ".o_list_button_save", run: "click" },
        { trigger: ".o_data_row:not(.o_selected_row) td:contains(12.00)" },
        { content: "The bank is used up", trigger: ".o_menu_sections button:contains(Contracts)", run: "click" },
        { trigger: ".o-dropdown--menu a:contains(Hours banks)", run: "click" },
        { trigger: ".o_data_cell:contains(Maintenance hours)", run: "click" },
        { trigger: ".o_field_widget[name='entry_ids'] td:contains(-10.00)" },
        { trigger: ".o_field_widget[name='balance']:contains(0.00)" },
        { trigger: ".o-mail-Activity:contains(100 % used)" },
    ],
});
