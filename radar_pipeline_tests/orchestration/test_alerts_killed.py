"""A real daemon, killed with SIGKILL at points of a tick: the next one tells what it owed, and nobody hears twice."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import TickStatus

from radar_pipeline.alerts.render.pagerduty import dedup_key
from radar_pipeline.domain.diagnosis import Cause, Diagnosis, RunFailure
from radar_pipeline.domain.failure import FailureClass
from radar_pipeline_tests.orchestration.alert_location import failing
from radar_pipeline_tests.orchestration.daemon_process import start_daemon
from radar_pipeline_tests.orchestration.desk import Desk, new_desk, template

__all__ = ["new_desk", "template"]

pytestmark = pytest.mark.integration

REFUSED = RunFailure(Diagnosis(Cause.MYSQL_REFUSED, FailureClass.SOURCE, "MySQL said no", "ask MySQL"))
PASSING = RunFailure(Diagnosis(Cause.AIRBYTE_UNREACHABLE, FailureClass.TRANSIENT, "Airbyte is away", "wait"))


@contextmanager
def daemon(desk: Desk, **environment: str) -> Iterator[ForkServerProcess]:
    """A Dagster daemon with the test location, its code server in the same session so that both end together."""
    process = start_daemon(
        "radar_pipeline_tests.orchestration.alert_daemon",
        {
            **os.environ,
            **desk.settings,
            "DAGSTER_HOME": str(desk.instance.root_directory),
            "TEST_ORDERS": str(desk.orders),
            **environment,
        },
    )
    try:
        yield process
    finally:
        if process.is_alive():
            os.killpg(process.pid, signal.SIGKILL)
        process.join()


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.2)


def ticks(desk: Desk) -> int:
    """Ticks of the alert sensor that ended well."""
    states = [state for state in desk.instance.all_instigator_state() if state.name == "alert_sensor"]
    done = [tick for s in states for tick in desk.instance.get_ticks(s.instigator_origin_id, s.selector_id)]
    return sum(tick.is_success or tick.status is TickStatus.SKIPPED for tick in done)


def test_what_killed_daemons_owed_is_told_once_by_the_next(new_desk: Desk) -> None:
    new_desk.configure({"routes": {"ERROR": ["slack-alerts", "pagerduty", "email"]}})
    new_desk.tick()
    new_desk.run(failing(REFUSED))

    kill(new_desk, "before-record")
    assert new_desk.open_alerts() == ()
    kill(new_desk, "after-record")
    (alert,) = new_desk.open_alerts()
    assert alert.fingerprint == f"ingest/{new_desk.today}"
    assert new_desk.arrived() == {}
    kill(new_desk, "within-deliver")
    assert new_desk.arrived() == {"slack": 1, "pagerduty": 1, "smtp": 1}
    kill(new_desk, "after-deliver")
    # Slack can be asked what it took. PagerDuty and mail get it again, under the name that they know it by.
    twice = {"slack": 1, "pagerduty": 2, "smtp": 2}
    assert new_desk.arrived() == twice
    before = ticks(new_desk)
    with daemon(new_desk):
        until(lambda: ticks(new_desk) > before + 1)

    assert new_desk.arrived() == twice
    title = f"{new_desk.today}: the run failed: MySQL refused the connection"
    assert new_desk.told() == [f"ingest/{new_desk.today}: ERROR: {title}"]
    (incident,) = new_desk.inbox.client.incidents()
    assert (incident["dedup_key"], incident["status"]) == (dedup_key(alert.fingerprint), "triggered")
    assert len({mail["headers"]["Message-ID"] for mail in new_desk.inbox.client.messages("smtp")}) == 1
    assert new_desk.open_alerts() == (alert,)


def kill(desk: Desk, point: str) -> None:
    """Lets a daemon tick until it dies at a point."""
    with daemon(desk, TEST_DIE_AT=point) as killed:
        until(lambda: not killed.is_alive())
        assert killed.exitcode == -signal.SIGKILL


def test_a_daemon_runs_a_day_again_by_itself_and_tells_how_it_went(new_desk: Desk) -> None:
    new_desk.tick()
    new_desk.run(failing(PASSING))
    new_desk.orders.unlink()
    new_desk.configure({"thresholds": {"retry_pause": "1s"}, "routes": {"WARNING": ["slack", "email"]}})
    with daemon(new_desk):
        until(lambda: new_desk.arrived() == {"slack": 3, "smtp": 2}, seconds=100)
    failed = f"{new_desk.today}: the run failed: Airbyte could not be reached"
    # Slack's message of the failure says by now that it is over, and so does the last word in its thread.
    over = f"ingest/{new_desk.today}: RESOLVED: {failed}"
    complete, *rest = sorted(new_desk.told())
    assert complete.startswith(f"complete/{new_desk.today}: ")
    assert rest == [over, over]
    mails = new_desk.inbox.client.messages("smtp")
    assert [mail["subject"].partition("] ")[2] for mail in mails] == [f"WARNING: {failed}", f"RESOLVED: {failed}"]
    day = {"dagster/partition": new_desk.today}
    again, before = new_desk.instance.get_runs(dg.RunsFilter(tags=day))
    assert (before.status, again.status) == (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS)
    assert again.tags["radar/attempt"] == "2"
