"""Faults of data and of workers: what is green lies there, what is missing is named with its cause, nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from radar_pipeline.local.drift import apply_drift, plan_drift, undo_drift
from radar_pipeline.local.mariadb import connect
from radar_pipeline_tests.end_to_end.proof import (
    EMPTY,
    assert_all_green,
    assert_green_is_there,
    assert_missing,
    assert_nothing_cancelled,
    tables,
    watched_quarantine,
)
from radar_pipeline_tests.end_to_end.world import ATTEMPTS, NEW, OLD, World

pytestmark = pytest.mark.e2e


@OLD
def test_a_sync_that_succeeds_without_data_makes_nothing_green(world: World) -> None:
    day = world.new_day()
    reports = {"counts": "counted 100 rows, the bucket holds none", "nothing": "without a row; the source holds 100"}
    for report, words in reports.items():
        with world.fault("succeeded-without-data", report=report):
            outcome = world.run(day, table_attempts=1)
        # What has no rows at the source is there without a file.
        assert_missing(world, day, outcome, tables(world) - {EMPTY})
        assert words in outcome.reason("store", "landed")
        assert words in (outcome.failure or "")
    again = world.run(day)
    assert any("succeeded but not all of its data is in the bucket" in line for line in again.lines)
    assert_all_green(world, day, again, syncs=3)


def test_a_table_that_fails_is_named_with_its_cause_and_hides_no_other(world: World) -> None:
    day = world.new_day()
    with world.fault("stream-fails", table="menu"):
        outcome = world.run(day)
    assert_missing(world, day, outcome, {"menu"}, "reading 'menu' broke off after")
    assert world.syncs_posted(day) == 1
    # Both attempts wrote each of the other tables; one copy of each stands.
    assert world.rows_of(world.quarantined("login", day)) == world.rows_of(world.data_keys("login", day))
    assert_all_green(world, day, world.run(day), syncs=2)
    assert len(world.quarantined("menu", day)) == ATTEMPTS


@pytest.mark.parametrize(
    ("world", "table", "share"),
    [("0.39", None, 1.0), ("2.0", "store", 0.5)],
    ids=["whole copies", "half a copy"],
    indirect=["world"],
    scope="session",
)
def test_rows_of_a_failed_attempt_never_count_and_end_in_quarantine(
    world: World, monkeypatch: pytest.MonkeyPatch, table: str | None, share: float
) -> None:
    day = world.new_day()
    with (
        world.fault("attempt-fails-then-succeeds", table=table, share=share),
        watched_quarantine(world, monkeypatch) as moved,
    ):
        outcome = world.run(day)
    assert_all_green(world, day, outcome, syncs=1)
    failed = rf"{table or 'user_access'} could not be extracted \(attempt 1 of {ATTEMPTS}\), the others go on: "
    assert sum(re.match(f"{failed}.*broke off after", line) is not None for line in outcome.lines) == 1
    assert len(moved.contents) == len(tables(world) - {EMPTY})
    whole = world.source_rows()
    for name in tables(world) - {EMPTY}:
        first_copy = whole[name] * share if name == table else whole[name]
        assert world.rows_of(world.quarantined(name, day)) == first_copy


@pytest.mark.parametrize("table", ["menu", "store"])
@NEW
def test_a_table_written_in_part_and_reported_in_full_is_not_green(world: World, table: str) -> None:
    day = world.new_day()
    with world.fault("half-written-table", table=table):
        outcome = world.run(day, table_attempts=1)
    held, whole = world.rows_of(world.data_keys(table, day)), world.source_rows()[table]
    assert 0 < held < whole
    assert_missing(world, day, outcome, {table}, f"left {held} rows in the bucket where Airbyte counted {whole}")
    assert_all_green(world, day, world.run(day), syncs=2)
    assert world.rows_of(world.quarantined(table, day)) == held


@OLD
def test_a_sync_that_could_do_nothing_is_told_in_the_workers_words(world: World) -> None:
    day = world.new_day()
    faults = {
        "s3-denied": "S3 refused list_objects_v2",
        "mysql-refused": "cannot be reached: Connection refused",
        "wrong-password": "refused user 'bi-cognitivo-read': the password is wrong",
    }
    for syncs, (fault, words) in enumerate(faults.items(), 1):
        with world.fault(fault, checks=False):
            outcome = world.run(day)
        assert_missing(world, day, outcome, tables(world) - {EMPTY}, words)
        # A cause that all share is told once.
        assert (outcome.failure or "").count(words) == 1
        assert world.syncs_posted(day) == syncs
    assert_all_green(world, day, world.run(day), syncs=4)


@OLD
def test_a_worker_out_of_memory_leaves_whole_tables_green_and_names_the_others(world: World) -> None:
    day = world.new_day()
    with world.fault("worker-out-of-memory"):
        outcome = world.run(day)
    missing = {table.table for table in outcome.status.tables if not table.landed}
    assert missing
    assert missing != tables(world)
    assert_missing(world, day, outcome, missing, "the worker ran out of memory")
    assert world.syncs_posted(day) == 1
    assert_all_green(world, day, world.run(day), syncs=2)


@NEW
def test_a_worker_out_of_memory_once_is_made_good_by_the_next_attempt(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = world.new_day()
    with world.fault("worker-out-of-memory", attempts=1), watched_quarantine(world, monkeypatch) as moved:
        outcome = world.run(day)
    assert moved.contents
    assert_all_green(world, day, outcome, syncs=1)


@OLD
def test_a_sync_that_crosses_midnight_is_found_under_the_next_day_and_said(world: World) -> None:
    day = world.new_day()
    with world.fault("crosses-midnight"):
        outcome = world.run(day, table_attempts=1)
    assert_missing(world, day, outcome, tables(world) - {EMPTY}, "the sync crossed midnight UTC")
    next_day = world.new_day()
    assert f"100 rows lie under {next_day}" in outcome.reason("store", "landed")
    strayed = world.data_keys("store", next_day)
    # The next day's own sync stands; what strayed there is neither counted nor lost.
    assert_all_green(world, next_day, world.run(next_day), syncs=1)
    assert len(strayed) == 1
    assert world.rows_of(world.quarantined("store", next_day)) == world.source_rows()["store"]


@NEW
def test_a_sync_that_crossed_midnight_can_be_made_good_while_its_day_lasts(world: World) -> None:
    day = world.new_day()
    with world.fault("crosses-midnight"):
        assert not world.run(day, table_attempts=1).success
    assert_all_green(world, day, world.run(day), syncs=2)
    world.new_day()


@OLD
def test_a_stuck_job_is_given_up_with_a_message_and_never_cancelled(world: World) -> None:
    day = world.new_day()
    try:
        with world.fault("stuck-job"):
            outcome = world.run(day, sync_timeout_seconds=1.0)
        assert not outcome.success
        assert not outcome.green
        job = world.syncs(day)[0]
        assert f"sync job {job.id} is still running after" in (outcome.failure or "")
        assert "the next run of the same day will follow it" in (outcome.failure or "")
        assert "cancel it there and run the day again" in (outcome.failure or "")
        again = world.run(day, sync_timeout_seconds=1.0)
        assert not again.success
        assert world.syncs_posted(day) == 1
        assert_nothing_cancelled(world, day)
        assert not world.syncs(day)[0].status.is_final
    finally:
        world.cancel_syncs(day)
    healed = world.run(day)
    assert healed.status.is_accepted, healed.status.reasons
    assert_green_is_there(world, day, healed)
    assert world.syncs_posted(day) == 2


# What changes at the source, and how its check says so: each in a table of its own.
DRIFTS = {
    "store": ("added", "added in MySQL"),
    "login": ("lost", "lost in MySQL"),
    "menu": ("retyped", "became longtext in MySQL"),
}


@OLD
def test_a_column_that_drifts_at_the_source_is_named_with_the_hop_that_changed_it(world: World) -> None:
    day = world.new_day()
    home, admin = world.stack.home, world.stack.servers.admin
    drifts = [plan_drift(admin, home.drift, table=table, change=change) for table, (change, _) in DRIFTS.items()]
    with world.fault("schema-drift", table="store", times=None), flagged(world):
        try:
            for drift in drifts:
                apply_drift(admin, home.drift, drift)
            outcome = world.run(day)
        finally:
            undo_drift(admin, home.drift)
    # The rows are all there: the tables are green, and what their checks say is about their columns.
    assert outcome.green == tables(world)
    assert_green_is_there(world, day, outcome)
    for drift in drifts:
        said = outcome.reason(drift.table, "schema_matches_contract")
        assert drift.column in said
        assert DRIFTS[drift.table][1] in said
    assert "Status: int became tinyint(1) in MySQL" in outcome.reason("store", "schema_matches_contract")
    # Only of a critical table is it an error.
    found = {table.table: table.checks["schema_matches_contract"] for table in outcome.status.tables}
    drifted = {"store": "failed", "login": "warned", "menu": "warned"}
    assert found == dict.fromkeys(tables(world), "passed") | drifted
    assert {table.table for table in outcome.status.tables if not table.is_accepted} == set(drifted)
    assert_all_green(world, day, world.run(day, force=True), syncs=2)


@contextmanager
def flagged(world: World) -> Iterator[None]:
    """For the block, a number of ``store`` is what MySQL has for a flag; every value of it fits."""
    with connect(world.stack.servers.admin) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW CREATE TABLE store")
        before = cursor.fetchone()
        cursor.execute("ALTER TABLE store MODIFY Status tinyint(1) NOT NULL")
        try:
            yield
        finally:
            cursor.execute("ALTER TABLE store MODIFY Status int NOT NULL")
        cursor.execute("SHOW CREATE TABLE store")
        assert cursor.fetchone() == before
