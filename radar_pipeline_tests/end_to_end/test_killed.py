"""``kill -9`` of the run's process at each point of its way: the re-run ends as if nothing had been, with one sync."""

from __future__ import annotations

import datetime as dt
import signal
from collections.abc import Mapping
from typing import Any

import dagster as dg
import pytest

from radar_pipeline_tests.end_to_end.proof import EMPTY, assert_all_green, tables
from radar_pipeline_tests.end_to_end.world import NEW, Outcome, World

pytestmark = pytest.mark.e2e


def result(outcome: Outcome) -> list[Mapping[str, Any]]:
    """What a day looks like, less what differs from day to day: sizes of compressed random ids."""
    return [{**table, "bytes": None} for table in outcome.status.document()["tables"]]


def kill_at(world: World, day: dt.date, point: str, **environment: str) -> None:
    killed = world.start_process(day, RADAR_TEST_KILL_AT=point, **environment)
    said = killed.end(timeout=120)
    assert killed.returncode == -signal.SIGKILL, said


def unfinished_runs(world: World, day: dt.date) -> list[dg.DagsterRun]:
    mine = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED], tags={"dagster/partition": day.isoformat()})
    return list(world.instance.get_runs(mine))


@pytest.fixture(scope="module")
def undisturbed(world: World) -> list[Mapping[str, Any]]:
    """What a day looks like that nothing went wrong on."""
    return result(world.run(world.new_day()))


@pytest.mark.parametrize(
    ("world", "point"),
    [
        ("0.39", "before-post"),
        *((era, point) for point in ("after-post", "polling") for era in ("0.39", "2.0")),
        ("2.0", "proving"),
        ("0.39", "recording"),
    ],
    indirect=["world"],
    scope="session",
)
def test_a_killed_run_is_run_again_with_the_same_result_and_one_sync(
    world: World, undisturbed: list[Mapping[str, Any]], point: str
) -> None:
    day = world.new_day()
    kill_at(world, day, point)
    assert world.syncs_posted(day) == (0 if point == "before-post" else 1)
    # Nobody tells Dagster that the run is dead; the next one does, or the dead one would hold its place in the queue.
    assert len(unfinished_runs(world, day)) == 1
    again = world.run(day)
    assert not unfinished_runs(world, day)
    assert result(again) == undisturbed
    assert_all_green(world, day, again, syncs=1, posts=1)


@NEW
def test_a_run_killed_before_it_moves_superseded_files_is_finished_by_the_next(world: World) -> None:
    day = world.new_day()
    first = world.run(day)
    forced_at = world.clock()
    kill_at(world, day, "publishing", RADAR_TEST_FORCED_AT=forced_at.isoformat())
    assert world.syncs_posted(day) == 2
    assert len(world.data_keys("store", day)) == 2
    # What Dagster retries has the tags of the run that died: the sync was asked for once.
    again = world.run(day, forced_at=forced_at)
    assert result(again) == result(first)
    assert_all_green(world, day, again, syncs=2)
    for name in tables(world) - {EMPTY}:
        assert world.rows_of(world.quarantined(name, day)) == world.source_rows()[name]
