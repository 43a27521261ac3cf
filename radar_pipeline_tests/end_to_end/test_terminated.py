"""Who ends a sync: a person who terminates its run, and nobody else. A worker that is evicted gets the same signal."""

from __future__ import annotations

import datetime as dt
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from radar_pipeline.domain.sync import JobStatus
from radar_pipeline_tests.end_to_end.process import RunProcess
from radar_pipeline_tests.end_to_end.world import OLD, World
from radar_pipeline_tests.servers import PROJECT

pytestmark = pytest.mark.e2e


@contextmanager
def followed(world: World, day: dt.date) -> Iterator[tuple[RunProcess, dg.DagsterRun]]:
    """A run in a process of its own that follows a sync without end."""
    with world.fault("stuck-job"):
        process = world.start_process(day)
        try:
            run = until_followed(world, day, process)
            yield process, run
        finally:
            process.kill()
            world.cancel_syncs(day)


def until_followed(world: World, day: dt.date, process: RunProcess) -> dg.DagsterRun:
    """The run, once it says that it follows the sync."""
    for line in process.stdout:
        if line.startswith("sync job"):
            break
    else:
        pytest.fail("the run ended before it followed a sync")
    (run,) = world.instance.get_runs(dg.RunsFilter(tags={"dagster/partition": day.isoformat()}))
    return run


def end_of(world: World, process: RunProcess, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    """Sends the signal that a pod gets when it is deleted or evicted, and says what the run ended as."""
    process.send_signal(signal.SIGTERM)
    said = process.end(timeout=60)
    ended = world.instance.get_run_by_id(run.run_id)
    assert ended is not None, said
    assert ended.is_finished, said
    return ended.status


def test_a_person_who_terminates_the_run_cancels_its_sync(world: World) -> None:
    day = world.new_day()
    with followed(world, day) as (process, run):
        # What Dagster's launchers do before the signal.
        world.instance.report_run_canceling(run)
        assert end_of(world, process, run) is dg.DagsterRunStatus.CANCELED
        (job,) = world.syncs(day)
        assert until_final(world, day) is JobStatus.CANCELLED
    again = world.run(day)
    assert again.success, again.failure
    assert [each.status for each in world.syncs(day)] == [JobStatus.SUCCEEDED, JobStatus.CANCELLED]
    assert world.syncs(day)[1].id == job.id


@OLD
def test_a_worker_that_is_evicted_leaves_its_sync_alone(world: World) -> None:
    day = world.new_day()
    with followed(world, day) as (process, run):
        assert end_of(world, process, run) is dg.DagsterRunStatus.FAILURE
        time.sleep(1)
        assert [job.status for job in world.syncs(day)] == [JobStatus.RUNNING]
        assert world.sync_requests(day) == 1


def until_final(world: World, day: dt.date) -> JobStatus:
    """What the day's newest sync ends as; a cancel takes a moment."""
    for _ in range(100):
        status = world.syncs(day)[0].status
        if status.is_final:
            break
        time.sleep(0.1)
    return status


@pytest.mark.parametrize("world", ["0.39"], indirect=True, scope="session")
def test_a_run_ended_at_the_keyboard_says_that_its_sync_goes_on_and_is_recorded_as_ended_by_a_person(
    world: World,
) -> None:
    today = dt.datetime.now(dt.UTC).date()
    world.move_to(dt.datetime.now(dt.UTC))
    radar = [str(Path(sys.executable).parent / "radar"), "run", "--force"]
    with world.fault("stuck-job"):
        process = subprocess.Popen(
            radar, env={**os.environ, **world.environment()}, cwd=PROJECT, stderr=subprocess.PIPE, text=True
        )
        try:
            assert process.stderr is not None
            assert any(re.match(r"sync job \d+ running", line) for line in process.stderr)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
            (running,) = [job for job in world.syncs(today) if not job.status.is_final]
        finally:
            process.kill()
            world.cancel_syncs(today)
    assert running.status is JobStatus.RUNNING
    assert process.returncode == 2
    assert "interrupted; a sync that was started goes on in Airbyte" in said
    assert "Traceback" not in said
    (run,) = world.instance.get_runs(dg.RunsFilter(tags={"dagster/partition": today.isoformat()}), limit=1)
    assert run.status is dg.DagsterRunStatus.CANCELED
