from . import (
    test_billable,
    test_billing_preview,
    test_billing_run,
    test_credit_note,
    test_flow_billing,
    test_merge,
    test_site,
)
