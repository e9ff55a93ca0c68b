"""Billing by several processes at once: each period once, numbers without a gap, whatever happens to a worker."""

import signal
import time


def test_two_and_then_four_workers_share_a_run(billing, finished):
    contracts = billing.seed(500, "Shared")
    for workers, periods in ((2, 1), (4, 2)):
        run = billing.open_run(contracts, months=periods - 1)
        finished(*(billing.start("work") for _ in range(workers)))
        billing.check_billed_once(contracts, run, periods)


def test_a_killed_worker_is_taken_over(billing, finished):
    contracts = billing.seed(80, "Killed")
    run = billing.open_run(contracts)
    worker = billing.start("work")
    billing.wait_for_the_middle(run)
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    done, _failed = billing.progress(run)
    assert 0 < done < len(contracts), "the worker was to be killed in the middle"
    finished(billing.start("work"))
    billing.check_billed_once(contracts, run)


def test_the_database_server_crashes_and_comes_back(billing, finished):
    contracts = billing.seed(100, "Crashed")
    run = billing.open_run(contracts)
    workers = [billing.start("work"), billing.start("work")]
    billing.wait_for_the_middle(run)
    billing.restart_server()
    for worker in workers:
        worker.communicate()
        assert worker.returncode, "a worker without a connection ends"
    done, failed = billing.progress(run)
    assert 0 < done < len(contracts), "the server was to crash in the middle"
    assert not failed
    finished(billing.start("work"), billing.start("work"))
    billing.check_billed_once(contracts, run)


def test_a_deadlock_and_a_changed_contract_are_planned_again(billing, finished):
    contracts = billing.seed(10, "Rival")
    run = billing.open_run(contracts)
    rival = billing.connection()
    cursor = rival.cursor()
    cursor.execute("UPDATE multiservice_contract SET write_date = now() WHERE id = %s", [contracts[-1]])
    worker = billing.start("work")
    wait_until_blocked_by(rival, billing)
    # The worker holds the run's items and waits for a contract. It waited first, so it is the one that gives way.
    first = "SELECT min(id) FROM multiservice_billing_run_item WHERE run_id = %s"
    cursor.execute(f"UPDATE multiservice_billing_run_item SET write_date = now() WHERE id = ({first})", [run])
    wait_until_blocked_by(rival, billing)  # one by one, it came to the contract again
    rival.commit()
    [output] = finished(worker)
    assert "DeadlockDetected" in output
    assert "SerializationFailure" in output
    billing.check_billed_once(contracts, run)


def wait_until_blocked_by(rival, billing):
    """Until a process waits for a lock that the connection holds."""
    observer = billing.connection()
    observer.autocommit = True
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
    deadline = time.monotonic() + 60
    with observer.cursor() as cursor:
        while True:
            cursor.execute(blocked, [rival.info.backend_pid])
            if cursor.fetchone()[0]:
                break
            assert time.monotonic() < deadline, "nobody waits for the lock"
            time.sleep(0.02)
    observer.close()


def test_a_user_bills_while_a_worker_does(billing, finished):
    contracts = billing.seed(50, "Pressed")
    run = billing.open_run(contracts)
    finished(billing.start("work"), billing.start("press", *contracts[-15:]), billing.start("press", *contracts[:15]))
    billing.check_billed_once(contracts, run)


def test_one_broken_contract_in_a_hundred(billing, finished):
    contracts = billing.seed(100, "Broken")
    broken, *good = contracts
    with billing.environment() as env:
        contract = env["multiservice.contract"].browse(broken)
        contract.journal_id = env["account.journal"].create({"name": "Closed", "code": "CLOSD", "type": "sale"})
        contract.journal_id.active = False
    run = billing.open_run(contracts)
    finished(billing.start("work"))
    billing.check_billed_once(good, run)
    assert billing.progress(run) == (99, 1)
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
