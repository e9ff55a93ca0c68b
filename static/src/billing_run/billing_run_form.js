import { onWillUnmount, useEffect } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { formView } from "@web/views/form/form_view";

const POLL_INTERVAL = 2000; // milliseconds

/** A form that reloads by itself while the billing run works, or while its invoices are posted, sent or undone. */
export class BillingRunFormController extends formView.Controller {
    setup() {
        super.setup();
        useEffect(
            (working) => {
                clearInterval(this.poll);
                if (working) {
                    this.poll = setInterval(() => this.model.root.load(), POLL_INTERVAL);
                }
            },
            () => {
                const { state, waiting_count } = this.model.root?.data || {};
                return [["running", "undoing"].includes(state) || waiting_count > 0];
            }
        );
        onWillUnmount(() => clearInterval(this.poll));
    }
}

registry.category("views").add("multiservice_billing_run", {
    ...formView,
    Controller: BillingRunFormController,
});
