import { registry } from "@web/core/registry";

const dialog = (field) => `.modal .o_field_widget[name='${field}'] input`;

registry.category("web_tour.tours").add("multiservice_suspension", {
    url: "/odoo/service-contracts",
    steps: () => [
        { content: "Open the contract", trigger: ".o_list_view .o_data_row:contains(To suspend) td[name='name']", run: "click" },
        { trigger: ".o_form_statusbar button[name='action_suspend']", run: "click" },
        { trigger: dialog("date_start"), run: "edit 02/15/2026 && press Tab" },
        { trigger: dialog("date_end"), run: "edit 02/28/2026 && press Tab" },
        { trigger: ".modal .o_field_widget[name='reason'] input, .modal .o_field_widget[name='reason'] textarea", run: "edit Works" },
        { content: "What it does is told beforehand", trigger: ".modal .alert-info:contains(02/15/2026 to 02/28/2026 are credited)" },
        { trigger: ".modal footer .o_form_button_save", run: "click" },
        { trigger: "body:not(:has(.modal)) button[name='action_view_suspensions']" },
    ],
});
