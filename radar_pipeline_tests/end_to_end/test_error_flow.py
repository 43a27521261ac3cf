"""The error flow, branch by branch: a real run with the fault switched on, its outcome, and each table's state."""

from __future__ import annotations

import datetime as dt
import functools
import time
from typing import Any

import dagster as dg
import pytest

from radar_pipeline.airbyte.errors import SyncLostError
from radar_pipeline.domain.causes import Cause
from radar_pipeline.domain.diagnosis import RECORD, RunFailure
from radar_pipeline.domain.failure import TREATMENTS, FailureClass, Mechanism
from radar_pipeline.domain.sync import JobStatus
from radar_pipeline.orchestration import extraction, preflight
from radar_pipeline_tests.end_to_end.proof import (
    EMPTY,
    assert_all_green,
    assert_green_is_there,
    assert_missing,
    tables,
)
from radar_pipeline_tests.end_to_end.world import NEW, OLD, Outcome, World

pytestmark = pytest.mark.e2e

GRANT = "SELECT command denied to user 'bi-cognitivo-read'@'10.0.0.7' for table '{}'"


def record(world: World, day: dt.date) -> RunFailure:
    """What the day's newest run left on record of its failure."""
    (run,) = world.instance.get_runs(dg.RunsFilter(tags={"dagster/partition": day.isoformat()}), limit=1)
    records = world.instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records
    event = records[0].event_log_entry.get_dagster_event()
    failed = event.step_failure_data
    assert failed.user_failure_data is not None
    # A description is for people; the words of a stack trace are not.
    assert "Traceback" not in (failed.user_failure_data.description or "")
    return RunFailure.parse(failed.user_failure_data.metadata[RECORD].value)


def assert_nothing_synced(world: World, day: dt.date, outcome: Outcome) -> None:
    assert not outcome.success
    assert not outcome.green
    assert world.sync_requests(day) == 0
    assert "nothing was synced, because" in (outcome.failure or "")
    assert "Likely cause:" in (outcome.failure or "")
    assert "Next step:" in (outcome.failure or "")


@pytest.mark.parametrize(
    ("fault", "end", "cause", "failure_class"),
    [
        ("mysql-refused", "MySQL", Cause.MYSQL_REFUSED, FailureClass.SOURCE),
        ("wrong-password", "MySQL", Cause.MYSQL_DENIED, FailureClass.SOURCE),
        ("s3-denied", "S3", Cause.S3_DENIED, FailureClass.DESTINATION),
    ],
)
@OLD
def test_an_end_that_cannot_be_used_is_asked_three_times_and_nothing_is_synced(
    world: World, fault: str, end: str, cause: Cause, failure_class: FailureClass
) -> None:
    day = world.new_day()
    with world.fault(fault):
        began = time.monotonic()
        outcome = world.run(day, preflight_pause_seconds=0.3)
        took = time.monotonic() - began
    assert_nothing_synced(world, day, outcome)
    assert f"because {end} cannot be used (asked 3 times)" in (outcome.failure or "")
    assert sum("failed before the sync (attempt" in line for line in outcome.lines) == 3
    assert took >= 0.3 + 0.6
    found = record(world, day)
    assert (found.diagnosis.cause, found.diagnosis.failure_class) == (cause, failure_class)
    assert found.diagnosis.next_step in (outcome.failure or "")


@OLD
def test_an_end_that_comes_back_between_two_questions_costs_nothing_but_the_pause(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = world.new_day()
    world.admin.switch_on("mysql-refused", table=None, times=1, options={})
    heal = functools.partial(preflight.check_ends, sleep=lambda _seconds: world.admin.clear_faults())
    monkeypatch.setattr(extraction, "check_ends", heal)
    assert_all_green(world, day, world.run(day), syncs=1)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"bucket": "no-such-bucket"}, "check S3_BUCKET_NAME"),
        ({"s3_endpoint_url": "http://127.0.0.1:9"}, "S3 at http://127.0.0.1:9 does not answer"),
    ],
    ids=["bucket", "nobody listens"],
)
@OLD
def test_a_bucket_that_this_platform_cannot_use_stops_the_sync_too(
    world: World, settings: dict[str, Any], words: str
) -> None:
    day = world.new_day()
    outcome = world.run(day, **settings)
    assert_nothing_synced(world, day, outcome)
    assert words in (outcome.failure or "")
    assert "asked directly" in (outcome.failure or "")


@NEW
def test_a_missing_table_is_tried_again_with_one_more_sync_in_the_same_run(world: World) -> None:
    day = world.new_day()
    with world.fault("stream-fails", table="menu"):
        outcome = world.run(day, table_attempts=3)
    assert_all_green(world, day, outcome, syncs=2)
    said = "\n".join(outcome.lines)
    assert "menu could not be extracted (attempt 1 of 3), the others go on" in said
    assert "menu could not be extracted (attempt 2 of 3), the others go on" in said
    assert "menu: not there, tried again with one more sync, attempt 3 of 3" in said
    assert "reading 'menu' broke off after" in said


@NEW
def test_a_further_sync_that_is_lost_sight_of_fails_the_run_and_the_next_one_follows_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It writes one more copy of every table while nobody looks: green alone would leave them there twice."""
    day = world.new_day()
    again = extraction.Extraction.again

    def lost(extracting: extraction.Extraction) -> None:
        again(extracting)
        message = "Airbyte has been away for 900 s"
        raise SyncLostError(message)

    with world.fault("stream-fails", table="menu"), monkeypatch.context() as patch:
        patch.setattr(extraction.Extraction, "again", lost)
        outcome = world.run(day, table_attempts=3)
    assert not outcome.success
    # What had landed is on record all the same.
    assert outcome.green == tables(world) - {"menu"}
    assert "Airbyte has been away for 900 s" in (outcome.failure or "")
    found = record(world, day)
    assert (found.diagnosis.failure_class, found.missing) == (FailureClass.TRANSIENT, ("menu",))
    assert_all_green(world, day, world.run(day), syncs=2)


@NEW
def test_attempts_of_airbyte_and_of_the_run_are_counted_together_and_end(world: World) -> None:
    day = world.new_day()
    with world.fault("stream-fails", table="menu", times=None):
        outcome = world.run(day, table_attempts=3)
    # Not critical: a partial success, green for what landed, missing and named for the rest.
    assert_missing(world, day, outcome, {"menu"}, "reading 'menu' broke off after")
    assert world.syncs_posted(day) == 2
    assert any("menu: no further sync after 4 attempts, 3 allowed" in line for line in outcome.lines)
    assert any(
        line.startswith(f"partial success: {len(tables(world)) - 1} tables are there, not menu")
        for line in outcome.lines
    )


@OLD
def test_what_no_repetition_mends_is_not_repeated(world: World) -> None:
    day = world.new_day()
    with world.fault("stream-fails", table="menu", times=None, words=GRANT.format("menu")):
        outcome = world.run(day, table_attempts=9)
    assert_missing(world, day, outcome, {"menu"}, "SELECT command denied")
    assert world.syncs_posted(day) == 1
    assert any("menu: no further attempt mends what they fail with" in line for line in outcome.lines)


@OLD
def test_a_time_out_that_all_attempts_met_is_left_to_people_and_not_to_another_run(world: World) -> None:
    day = world.new_day()
    with world.fault("stream-fails", table="store", times=None, words="Communications link failure: timed out"):
        outcome = world.run(day)
    assert_missing(world, day, outcome, {"store"}, "Communications link failure")
    found = record(world, day).diagnosis
    assert (found.cause, found.failure_class) == (Cause.MYSQL_TIMEOUT, FailureClass.PERMANENT)


@pytest.mark.parametrize("share", [0.5, 0.0], ids=["half written", "nothing written"])
@OLD
def test_a_copy_that_is_not_whole_is_tried_again_although_the_sync_succeeded(world: World, share: float) -> None:
    day = world.new_day()
    with world.fault("half-written-table", table="store", share=share):
        outcome = world.run(day)
    assert_all_green(world, day, outcome, syncs=2)


@NEW
def test_a_critical_table_that_fails_in_its_last_attempt_aborts_the_sync(world: World) -> None:
    day = world.new_day()
    # Large enough to see the failure while other tables are still to be copied.
    with world.fault("stream-fails", table="store", times=None, words="Communications link failure in 'store'"):
        outcome = world.run(day, table_attempts=1, poll_seconds=0.05)
    assert not outcome.success
    (job,) = world.syncs(day)
    assert job.status is JobStatus.CANCELLED
    assert not outcome.table("store").landed
    assert_green_is_there(world, day, outcome)
    said = outcome.failure or ""
    assert "the sync was cancelled, because the critical table store could not be extracted in attempt 1 of 1" in said
    assert "store" in record(world, day).missing
    found = record(world, day).diagnosis
    assert found.cause is Cause.MYSQL_TIMEOUT
    # All of its attempts are made: no other run makes more of them, although the words alone would be worth one.
    assert TREATMENTS[found.failure_class].mechanism is Mechanism.NONE
    assert_repaired(world, day)


@OLD
def test_a_critical_table_that_no_repetition_mends_aborts_the_sync_between_two_attempts(world: World) -> None:
    day = world.new_day()
    with world.fault("stream-fails", table="store", times=None, words=GRANT.format("store")):
        outcome = world.run(day, table_attempts=9, poll_seconds=0.05)
    (job,) = world.syncs(day)
    assert job.status is JobStatus.CANCELLED
    assert len(job.attempts) == 1
    # What had landed complete stays and is accepted, the source's own count vouching for it.
    assert_missing(world, day, outcome, {"store"}, "SELECT command denied")
    assert all(table.is_accepted for table in outcome.status.tables if table.table != "store")
    found = record(world, day)
    assert (found.diagnosis.cause, found.diagnosis.failure_class) == (Cause.MYSQL_DENIED, FailureClass.CONFIGURATION)
    assert found.missing == ("store",)
    assert_repaired(world, day)


def assert_repaired(world: World, day: dt.date) -> None:
    """Once the cause is gone, a run of the same day makes it whole."""
    again = world.run(day, table_attempts=9)
    assert again.success, again.failure
    assert again.green == tables(world)
    assert_green_is_there(world, day, again)
    assert [job.status for job in world.syncs(day)] == [JobStatus.SUCCEEDED, JobStatus.CANCELLED]


@pytest.mark.parametrize(("tries", "syncs"), [(2, 1), (3, 2)], ids=["third try succeeds", "all tries fail"])
@NEW
def test_an_upload_that_fails_is_tried_three_times_and_then_the_table_again(
    world: World, tries: int, syncs: int
) -> None:
    day = world.new_day()
    with world.fault("upload-fails", table="menu", tries=tries):
        outcome = world.run(day, table_attempts=3)
    assert_all_green(world, day, outcome, syncs=syncs)
    said = "\n".join(outcome.lines)
    assert ("InternalError" in said) == (syncs == 2)
    assert ("menu could not be extracted (attempt 2 of 3)" in said) == (syncs == 2)


@NEW
def test_a_full_disk_is_told_from_other_failures(world: World) -> None:
    day = world.new_day()
    with world.fault("disk-full", times=None):
        outcome = world.run(day, table_attempts=1)
    assert_missing(world, day, outcome, tables(world) - {EMPTY})
    found = record(world, day)
    assert (found.diagnosis.cause, found.diagnosis.failure_class) == (Cause.DISK_FULL, FailureClass.PLATFORM)
    assert set(found.missing) == tables(world) - {EMPTY}
    assert found.missing[0] in {table.name for table in world.registry.tables if table.critical}


@OLD
def test_a_person_who_cancels_the_sync_in_airbyte_gets_no_further_one(world: World) -> None:
    day = world.new_day()
    with world.fault("stuck-job"):
        process = world.start_process(day)
        try:
            assert any(line.startswith("sync job") for line in process.stdout)
            world.cancel_syncs(day)
            said = process.end(timeout=60)
        finally:
            process.kill()
    assert "was cancelled, so no further one is made" in said
    assert world.syncs_posted(day) == 1


@pytest.mark.parametrize(
    ("settings", "cause", "failure_class"),
    [
        ({"airbyte_host": None}, Cause.VARIABLE_MISSING, FailureClass.CONFIGURATION),
        ({"airbyte_host": "127.0.0.1", "airbyte_port": 1}, Cause.AIRBYTE_UNREACHABLE, FailureClass.TRANSIENT),
        (
            {"connection_id": "00000000-0000-0000-0000-000000000000"},
            Cause.AIRBYTE_REFUSED,
            FailureClass.CONFIGURATION,
        ),
    ],
    ids=["variable", "Airbyte away", "connection"],
)
@OLD
def test_a_run_that_fails_before_its_sync_leaves_its_diagnosis_on_record(
    world: World, settings: dict[str, Any], cause: Cause, failure_class: FailureClass
) -> None:
    day = world.new_day()
    outcome = world.run(day, **settings)
    assert not outcome.success
    found = record(world, day)
    assert (found.diagnosis.cause, found.diagnosis.failure_class) == (cause, failure_class)
    assert found.diagnosis.next_step in (outcome.failure or "")


@OLD
def test_what_nobody_foresaw_fails_the_run_in_plain_words_and_without_secrets(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = world.new_day()
    secret = world.settings.aws_secret_access_key
    assert secret is not None

    def broken(*_args: object, **_named: object) -> None:
        message = f"unheard of, with {secret.get_secret_value()} of ana@example.com"
        raise ZeroDivisionError(message)

    monkeypatch.setattr("radar_pipeline.orchestration.day.judge_day", broken)
    outcome = world.run(day)
    assert not outcome.success
    assert "a fault of the platform itself (ZeroDivisionError): unheard of, with *** of ***" in (outcome.failure or "")
    assert secret.get_secret_value() not in "\n".join(outcome.lines) + (outcome.failure or "")
    assert record(world, day).diagnosis.cause is Cause.UNKNOWN
