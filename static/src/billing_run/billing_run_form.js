import { onWillUnmount, useEffect } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { formView } from "@web/views/form/form_view";

const POLL_INTERVAL = 2000; // milliseconds

/** A form that reloads by itself while the billing run works. */
export class BillingRunFormController extends formView.Controller {
    setup() {
        super.setup();
        useEffect(
            (state) => {
                clearInterval(this.poll);
                if (state === "running") {
                    this.poll = setInterval(() => this.model.root.load(), POLL_INTERVAL);
                }
            },
            () => [this.model.root?.data?.state]
        );
        onWillUnmount(() => clearInterval(this.poll));
    }
}

registry.category("views").add("multiservice_billing_run", {
    ...formView,
    Controller: BillingRunFormController,
});
