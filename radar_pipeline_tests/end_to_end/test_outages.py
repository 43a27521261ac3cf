"""An Airbyte server that is slow, silent, busy or away: one sync, a correct result, no healthy sync cancelled."""

from __future__ import annotations

import datetime as dt
import functools
import re
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from radar_pipeline.airbyte.configuration_api import ConfigurationApi
from radar_pipeline.airbyte.sync import SyncOutcome
from radar_pipeline.orchestration import extraction
from radar_pipeline_tests.end_to_end.proof import assert_all_green, tables
from radar_pipeline_tests.end_to_end.world import NEW, OLD, Outcome, World

pytestmark = pytest.mark.e2e


@pytest.fixture
def settles_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Watches the list of jobs for 1 s instead of 20 s before it is certain that no sync was started."""
    monkeypatch.setattr(extraction, "ensure_sync", functools.partial(extraction.ensure_sync, settle_seconds=1.0))


@OLD
def test_a_start_that_is_answered_late_is_one_sync(world: World) -> None:
    day = world.new_day()
    with world.fault("slow-post", seconds=2.0):
        outcome = world.run(day)
    assert_all_green(world, day, outcome, syncs=1, posts=1)


def test_a_start_whose_answer_is_lost_is_found_and_not_repeated(world: World) -> None:
    day = world.new_day()
    with world.fault("lost-post-response"):
        outcome = world.run(day)
    assert_all_green(world, day, outcome, syncs=1, posts=1)
    assert says_that_the_answer_was_lost(world, day, outcome)


def says_that_the_answer_was_lost(world: World, day: dt.date, outcome: Outcome) -> bool:
    """Whether one line of the log says which job a start without an answer led to."""
    words = (
        rf"the answer to the start was lost \(Airbyte at .+\): sync job {world.syncs(day)[0].id} is the one that it "
    )
    return sum(re.match(f"{words}started", line) is not None for line in outcome.lines) == 1


@OLD
def test_a_start_that_is_answered_too_late_is_found_and_not_repeated(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = world.new_day()
    start = ConfigurationApi.start
    monkeypatch.setattr(ConfigurationApi, "start", lambda api, _timeout: start(api, 0.5))
    with world.fault("slow-post", seconds=2.0):
        outcome = world.run(day)
        # The server counts a request when it is answered.
        time.sleep(2.0)
    assert_all_green(world, day, outcome, syncs=1, posts=1)
    assert says_that_the_answer_was_lost(world, day, outcome)


@pytest.mark.usefixtures("settles_soon")
@pytest.mark.parametrize(
    ("world", "fault"), [("0.39", "post-500"), ("2.0", "post-409")], indirect=["world"], scope="session"
)
def test_a_refused_start_is_repeated_only_once_no_sync_is_there(world: World, fault: str) -> None:
    day = world.new_day()
    with world.fault(fault):
        outcome = world.run(day)
    assert_all_green(world, day, outcome, syncs=1, posts=2)


@pytest.mark.usefixtures("settles_soon")
@pytest.mark.parametrize(
    ("world", "fault", "words"),
    [
        ("0.39", "post-500", "Something failed before the job was created"),
        ("0.39", "post-409", "A sync is already running"),
        # A current server keeps its reasons to itself and tells where they are.
        ("2.0", "post-500", "log has one under errorId"),
    ],
    indirect=["world"],
    scope="session",
)
def test_a_server_that_never_starts_a_sync_fails_the_run_in_its_words(world: World, fault: str, words: str) -> None:
    day = world.new_day()
    with world.fault(fault, times=None):
        outcome = world.run(day)
    assert not outcome.success
    assert not outcome.green
    assert f"no sync of {day} could be started in 3 tries, and none runs" in (outcome.failure or "")
    assert words in (outcome.failure or "")
    assert world.syncs_posted(day) == 0
    assert_all_green(world, day, world.run(day), syncs=1)


@pytest.mark.parametrize(("world", "mode"), [("0.39", "503"), ("2.0", "reset")], indirect=["world"], scope="session")
def test_a_server_away_for_seconds_during_a_sync_is_waited_for(world: World, mode: str) -> None:
    day = world.new_day()
    with world.fault("poll-outage", seconds=2.5, mode=mode):
        outcome = world.run(day)
    assert any("Airbyte does not answer, the sync goes on without being watched" in line for line in outcome.lines)
    assert any("Airbyte answers again after" in line for line in outcome.lines)
    assert_all_green(world, day, outcome, syncs=1, posts=1)


@pytest.mark.parametrize("world", ["0.39"], indirect=True)
def test_a_server_away_for_sixty_seconds_during_a_sync_costs_nothing_but_time(world: World) -> None:
    day = world.new_day()
    began = time.monotonic()
    with world.fault("poll-outage", seconds=60.0, mode="reset"):
        outcome = world.run(day)
    assert time.monotonic() - began > 60
    # A sign of life at least every 10 s.
    assert sum("no answer from Airbyte for" in line for line in outcome.lines) >= 5
    assert_all_green(world, day, outcome, syncs=1, posts=1)


def _then_away(sync: Callable[..., SyncOutcome], world: World, seconds: float) -> Callable[..., SyncOutcome]:
    """The sync, at whose end the server goes away."""

    def ensured(*given: Any, **options: Any) -> SyncOutcome:
        outcome = sync(*given, **options)
        options = {"seconds": seconds, "mode": "reset", "when": "now"}
        world.admin.switch_on("poll-outage", table=None, times=1, options=options)
        return outcome

    return ensured


@NEW
def test_a_server_away_right_after_the_sync_delays_the_proof_and_does_not_fail_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = world.new_day()
    monkeypatch.setattr(extraction, "ensure_sync", _then_away(extraction.ensure_sync, world, 22.0))
    began = time.monotonic()
    outcome = world.run(day)
    assert outcome.success, (outcome.failure, outcome.lines)
    assert time.monotonic() - began > 22
    # A sign of life at least every 10 s.
    waits = [float(found[1]) for line in outcome.lines if (found := re.match(r"waiting for Airbyte for (\d+) s", line))]
    assert len(waits) >= 2
    assert max(later - earlier for earlier, later in pairwise([0.0, *waits])) <= 11
    assert_all_green(world, day, outcome, syncs=1, posts=1)


@OLD
def test_a_server_away_when_the_run_begins_is_waited_for(world: World) -> None:
    day = world.new_day()
    with world.fault("poll-outage", seconds=2.0, when="now"):
        outcome = world.run(day)
    assert_all_green(world, day, outcome, syncs=1, posts=1)


@NEW  # Server 0.39 knows no `queued`.
def test_a_job_that_is_queued_first_is_followed_and_not_cancelled(world: World) -> None:
    day = world.new_day()
    with world.fault("queued-first", seconds=1.5):
        outcome = world.run(day)
    assert any("sync job" in line and "queued" in line for line in outcome.lines)
    assert_all_green(world, day, outcome, syncs=1, posts=1)


@OLD
def test_a_running_reset_is_waited_for_and_named(world: World) -> None:
    day = world.new_day()
    with world.fault("reset-running", seconds=2.0):
        outcome = world.run(day)
    assert any(line.startswith("reset job") and "a sync must wait" in line for line in outcome.lines)
    assert not any(line.startswith("sync job") and "succeeded" in line for line in outcome.lines[:3])
    assert_all_green(world, day, outcome, syncs=1, posts=1)


@NEW
def test_a_sync_that_somebody_else_started_is_followed(world: World) -> None:
    day = world.new_day()
    with world.fault("already-running", seconds=1.5):
        outcome = world.run(day)
    assert any("is running: following it" in line for line in outcome.lines)
    assert_all_green(world, day, outcome, syncs=1, posts=0)


@OLD
def test_two_runs_started_at_once_are_one_sync_and_end_the_same(world: World) -> None:
    day = world.new_day()
    runs = [world.start_process(day), world.start_process(day)]
    said = [run.end(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    assert world.syncs_posted(day) == 1
    for name in tables(world):
        assert len(world.data_keys(name, day)) <= 1
        assert not world.quarantined(name, day)
    assert_all_green(world, day, world.run(day), syncs=1)
