"""Billing by several processes at once: each period once, numbers without a gap, whatever happens to a worker."""

import signal
import time


def test_two_workers_share_a_run(billing, finished):
    contracts = billing.seed(120, "Shared")
    run = billing.open_run(contracts)
    finished(billing.start("work"), billing.start("work"))
    billing.check_billed_once(contracts, run)


def test_a_killed_worker_is_taken_over(billing, finished):
    contracts = billing.seed(120, "Killed")
    run = billing.open_run(contracts)
    worker = billing.start("work")
    deadline = time.monotonic() + 120
    while not billing.progress(run)[0] and time.monotonic() < deadline:
        time.sleep(0.05)
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    done, _failed = billing.progress(run)
    assert 0 < done < len(contracts), "the worker was to be killed in the middle"
    finished(billing.start("work"))
    billing.check_billed_once(contracts, run)


def test_a_user_bills_while_a_worker_does(billing, finished):
    contracts = billing.seed(50, "Pressed")
    run = billing.open_run(contracts)
    finished(billing.start("work"), billing.start("press", *contracts[-15:]), billing.start("press", *contracts[:15]))
    billing.check_billed_once(contracts, run)


def test_one_broken_contract_in_two_hundred(billing, finished):
    contracts = billing.seed(200, "Broken")
    broken, *good = contracts
    with billing.environment() as env:
        contract = env["multiservice.contract"].browse(broken)
        contract.journal_id = env["account.journal"].create({"name": "Closed", "code": "CLOSD", "type": "sale"})
        contract.journal_id.active = False
    run = billing.open_run(contracts)
    finished(billing.start("work"))
    billing.check_billed_once(good, run)
    assert billing.progress(run) == (199, 1)
    with billing.environment() as env:
        contract = env["multiservice.contract"].browse(broken)
        assert contract.billing_error
        assert len(contract.activity_ids) == 1
        contract.journal_id = False
        env["multiservice.billing.run"].browse(run).action_retry()
    finished(billing.start("work"))
    billing.check_billed_once(contracts, run)


def test_a_stale_snapshot_bills_nothing(billing, finished):
    contracts = billing.seed(3, "Stale")
    stale = billing.start_waiting("stale", *contracts)
    finished(billing.start("press", *contracts))
    output, _ = stale.communicate("go\n", timeout=120)
    assert stale.returncode != 0, "a transaction that saw the contracts unbilled must fail"
    assert "could not serialize" in output
    billing.check_billed_once(contracts)
