"""A table that really has no rows at the source: never green by itself, and never a reason to sync again and again."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import dagster as dg
import pytest

from radar_pipeline.domain.counts import COUNT_REACH
from radar_pipeline.domain.judgement import Check
from radar_pipeline.local.mariadb import connect
from radar_pipeline.orchestration.keys import bronze_key
from radar_pipeline.tables.model import Registry
from radar_pipeline_tests.end_to_end.proof import assert_all_green, assert_missing
from radar_pipeline_tests.end_to_end.world import NEW, OLD, World

pytestmark = pytest.mark.e2e

ALLOW = "if that is right, set may_be_empty: true for it in radar_tables.yaml"


@contextmanager
def emptied(world: World, table: str) -> Iterator[None]:
    """The table has no rows at the source for the block."""
    with connect(world.stack.servers.admin) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE IF NOT EXISTS kept")
        cursor.execute(f"CREATE OR REPLACE TABLE kept.`{table}` AS SELECT * FROM `{table}`")
        cursor.execute(f"DELETE FROM `{table}`")
        connection.commit()
        try:
            yield
        finally:
            cursor.execute(f"DELETE FROM `{table}`")
            cursor.execute(f"INSERT INTO `{table}` SELECT * FROM kept.`{table}`")
            connection.commit()


def allowing(world: World, table: str) -> World:
    """The same world with a registry that lets the table be empty."""
    tables = (replace(each, may_be_empty=each.may_be_empty or each.name == table) for each in world.registry.tables)
    return replace(world, registry=Registry(tuple(tables)))


@NEW
def test_a_table_that_is_empty_at_the_source_is_synced_once_a_day_and_not_green(world: World) -> None:
    day = world.new_day()
    with emptied(world, "menu"):
        for _ in range(3):
            outcome = world.run(day, table_attempts=3)
            assert_missing(world, day, outcome, {"menu"}, "the source holds no rows of this table either", ALLOW)
            assert world.syncs_posted(day) == 1
        assert "empty at the source, so a further sync would bring nothing: menu" in "\n".join(outcome.lines)
        assert_missing(world, day, world.run(day, force=True), {"menu"})
        assert world.syncs_posted(day) == 2
    # Filled again, a run of the day brings its rows without being forced to. A server keeps whole seconds.
    time.sleep(2)
    assert_all_green(world, day, world.run(day), syncs=3)


@OLD
def test_a_table_emptied_since_is_not_green_by_its_older_copy(world: World) -> None:
    day = world.new_day()
    assert_all_green(world, day, world.run(day), syncs=1)
    # A sync of less than a second does not part the counts before and after it: these are not to meet the first run's.
    world.move_to(world.clock() + COUNT_REACH * 2)
    older = world.data_keys("menu", day)
    rows = world.rows_of(older)
    with emptied(world, "menu"):
        first, second = world.run(day, force=True), world.run(day)
        for outcome in (first, second):
            assert not outcome.table("menu").landed
            said = outcome.reason("menu", "landed")
            assert "the source holds no rows of this table either" in said
            assert f"so the older copy of {rows} rows of job " in said
            assert ALLOW in said
        assert world.syncs_posted(day) == 2
        # Nothing of it stands, so nothing of it moves.
        assert (world.data_keys("menu", day), world.quarantined("menu", day)) == (older, [])
        allowed = allowing(world, "menu").run(day)
        assert allowed.status.is_accepted, allowed.status.reasons
        assert allowed.table("menu").rows == 0
        assert world.data_keys("menu", day) == []
        assert world.rows_of(world.quarantined("menu", day)) == rows
        assert world.syncs_posted(day) == 2
    assert_all_green(world, day, world.run(day, force=True), syncs=3)


@pytest.mark.parametrize(
    ("world", "report"), [("0.39", "counts"), ("2.0", "nothing")], indirect=["world"], scope="session"
)
def test_a_newer_sync_that_lost_its_rows_leaves_the_older_copy_standing_and_is_told(world: World, report: str) -> None:
    day = world.new_day()
    world.run(day)
    with world.fault("succeeded-without-data", report=report):
        outcome = world.run(day, force=True)
    assert_all_green(world, day, outcome, syncs=2)
    said = description(world, "menu", day)
    assert f"job {world.syncs(day)[0].id} succeeded after it and brought no file of the table; the source held" in said


def description(world: World, table: str, day: dt.date) -> str:
    """What the newest evaluation of the table's ``landed`` says, green as it may be."""
    key = dg.AssetCheckKey(bronze_key(world.registry[table]), Check.LANDED.value)
    record = world.instance.event_log_storage.get_asset_check_execution_history(key, limit=1)[0]
    event = record.event.dagster_event if record.event else None
    assert event
    assert event.asset_check_evaluation_data.partition == day.isoformat()
    return event.asset_check_evaluation_data.description or ""
