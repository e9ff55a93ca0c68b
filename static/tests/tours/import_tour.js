import { registry } from "@web/core/registry";
import { inputFiles } from "@web/../tests/utils";

registry.category("web_tour.tours").add("multiservice_import_sites", {
    url: "/odoo/action-multiservice.site_action",
    steps: () => [
        { trigger: ".o_control_panel .o_cp_action_menus button", run: "click" },
        { trigger: ".o-dropdown--menu .o_import_menu", run: "click" },
        { content: "The shipped template is offered", trigger: "a[href*='multiservice/static/import/sites.csv']" },
        {
            content: "Import it as it is",
            trigger: ".o_import_file",
            async run() {
                const template = await fetch("/multiservice/static/import/sites.csv");
                const file = new File([await template.text()], "sites.csv", { type: "text/csv" });
                await inputFiles(".o_control_panel input[type='file']", [file]);
            },
        },
        { trigger: ".o_import_data_content" },
        { trigger: ".o_control_panel button:contains(/^Import$/)", run: "click" },
        { content: "Both sites are there", trigger: ".o_list_view .o_data_row:contains(Agence Grenoble)" },
        { trigger: ".o_list_view .o_data_row:contains(LYO-01)" },
    ],
});
