import { registry } from "@web/core/registry";

const row = (customer) => `.o_list_view .o_data_row:contains(${customer})`;

registry.category("web_tour.tours").add("multiservice_review", {
    url: "/odoo/service-runs",
    steps: () => [
        { content: "Open the run", trigger: `.o_list_view .o_data_row:contains(February) td[name='name']`, run: "click" },
        { trigger: "button[name='action_review']:contains(3)" },
        { trigger: ".o_form_statusbar button[name='action_review']", run: "click" },
        { content: "What is unusual comes first", trigger: ".o_list_view .o_data_row:first:contains(Dearer)" },
        { content: "and says why", trigger: `${row("Dearer")}:contains(120.00):contains(instead of):contains(+20)` },
        { content: "Mark it as right", trigger: `${row("Dearer")} button[name='action_service_check']`, run: "click" },
        { trigger: `${row("Dearer")}:not(:has(button[name='action_service_check'])):not(:contains(instead of))` },
        { content: "Put one aside", trigger: `${row("Doubtful")} button[name='action_service_set_aside']`, run: "click" },
        { content: "It leaves the list", trigger: `.o_list_view:not(:has(.o_data_row:contains(Doubtful)))` },
        { content: "Post the others", trigger: ".o_list_view thead .o_list_record_selector input", run: "click" },
        { trigger: ".o_control_panel button[name='action_service_post']", run: "click" },
        { trigger: ".modal footer button.btn-primary", run: "click" },
        { trigger: ".o_notification:contains(2 invoices were posted)" },
        { content: "Nothing is left to post", trigger: ".o_list_view:not(:has(.o_data_row))" },
        { content: "What was put aside is there", trigger: ".o_searchview .o_facet_remove", run: "click" },
        { trigger: `${row("Doubtful")} button[name='action_service_take_back']` },
    ],
});
