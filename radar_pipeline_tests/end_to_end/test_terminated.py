"""Who ends a sync: a person who terminates its run, and nobody else. A worker that is evicted gets the same signal."""

from __future__ import annotations

import datetime as dt
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import pytest

from radar_pipeline.domain.sync import JobStatus
from radar_pipeline_tests.end_to_end.world import World

pytestmark = pytest.mark.e2e


@contextmanager
def followed(world: World, day: dt.date) -> Iterator[tuple[subprocess.Popen[str], dg.DagsterRun]]:
    """A run in a process of its own that follows a sync without end."""
    with world.fault("stuck-job"):
        process = world.start_process(day)
        try:
            run = until_followed(world, day, process)
            yield process, run
        finally:
            process.kill()
            process.communicate()
            world.cancel_syncs(day)


def until_followed(world: World, day: dt.date, process: subprocess.Popen[str]) -> dg.DagsterRun:
    """The run, once it says that it follows the sync."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("sync job"):
            break
    else:
        pytest.fail("the run ended before it followed a sync")
    (run,) = world.instance.get_runs(dg.RunsFilter(tags={"dagster/partition": day.isoformat()}))
    return run


def end_of(world: World, process: subprocess.Popen[str], run: dg.DagsterRun) -> dg.DagsterRunStatus:
    """Sends the signal that a pod gets when it is deleted or evicted, and says what the run ended as."""
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
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
