"""A real daemon, killed with SIGKILL at points of a tick: the next one tells what it owed, and nobody hears twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import TickStatus

from radar_pipeline.domain.diagnosis import Cause, Diagnosis, RunFailure
from radar_pipeline.domain.failure import FailureClass
from radar_pipeline_tests.orchestration.alert_location import failing
from radar_pipeline_tests.orchestration.desk import Desk, new_desk, template
from radar_pipeline_tests.servers import PROJECT

__all__ = ["new_desk", "template"]

pytestmark = pytest.mark.integration

REFUSED = RunFailure(Diagnosis(Cause.MYSQL_REFUSED, FailureClass.SOURCE, "MySQL said no", "ask MySQL"))
PASSING = RunFailure(Diagnosis(Cause.AIRBYTE_UNREACHABLE, FailureClass.TRANSIENT, "Airbyte is away", "wait"))


@contextmanager
def daemon(desk: Desk, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Dagster daemon with the test location, its code server in the same session so that both end together."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-W", "ignore", "-m", "dagster._daemon", "run"),
            *("-m", "radar_pipeline_tests.orchestration.alert_daemon", "--log-level", "error"),
        ],
        env={
            **os.environ,
            "DAGSTER_HOME": str(desk.instance.root_directory),
            "TEST_ALERTS": str(desk.centre.path),
            "TEST_ORDERS": str(desk.orders),
            **environment,
        },
        cwd=PROJECT,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


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


@pytest.mark.parametrize("point", ["before-deliver", "after-deliver"])
def test_what_a_killed_daemon_owed_is_told_once_by_the_next(new_desk: Desk, point: str) -> None:
    new_desk.tick()
    new_desk.run(failing(REFUSED))
    with daemon(new_desk, TEST_DIE_AT=point) as killed:
        until(lambda: killed.poll() is not None)
        assert killed.returncode == -signal.SIGKILL
    assert new_desk.centre.path.with_suffix(f".{point}").exists()
    before = ticks(new_desk)
    with daemon(new_desk):
        until(lambda: ticks(new_desk) > before + 1)
    assert new_desk.told() == [
        f"ERROR ingest/{new_desk.today}: {new_desk.today}: the run failed: MySQL refused the connection"
    ]


def test_a_daemon_runs_a_day_again_by_itself_and_tells_how_it_went(new_desk: Desk) -> None:
    new_desk.tick()
    new_desk.run(failing(PASSING))
    new_desk.orders.unlink()
    with daemon(new_desk, TEST_RETRY_PAUSE="1"):
        until(lambda: any(line.startswith("INFO complete/") for line in new_desk.centre.state.sent), seconds=100)
    first, *rest = new_desk.told()
    assert first.startswith("WARNING ingest/")
    assert sorted(line.partition("/")[0] for line in rest) == ["INFO complete", "resolved ingest"]
    day = {"dagster/partition": new_desk.today}
    again, before = new_desk.instance.get_runs(dg.RunsFilter(tags=day))
    assert (before.status, again.status) == (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS)
    assert again.tags["radar/attempt"] == "2"
