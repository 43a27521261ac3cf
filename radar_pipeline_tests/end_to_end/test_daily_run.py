"""The daily job against a whole local stack of either era: what is green, what is said, how many syncs there were."""

from __future__ import annotations

import datetime as dt
from typing import Any

import dagster as dg
import pytest

from radar_pipeline.orchestration.keys import bronze_key
from radar_pipeline_tests.end_to_end.world import NEW, OLD, World

pytestmark = pytest.mark.e2e


def test_every_table_lands_is_checked_and_is_synced_once(world: World) -> None:
    day = world.new_day()
    first = world.run(day)
    assert first.success, first.failure
    assert first.status.is_accepted, first.status.reasons
    again = world.run(day)
    assert again.success
    assert "no second sync" in " ".join(again.lines)
    assert world.syncs_posted(day) == 1
    assert again.status.document()["tables"] == first.status.document()["tables"]


def test_progress_is_told_and_metadata_is_whole(world: World) -> None:
    day = world.new_day()
    outcome = world.run(day)
    assert any("sync job" in line and "tables" in line for line in outcome.lines)
    metadata = materialization(world, "store", day)
    store = outcome.table("store")
    assert metadata["dagster/row_count"] == metadata["dagster/partition_row_count"] == store.rows == 100
    assert (metadata["files"], metadata["bytes"]) == (1, store.bytes)
    assert metadata["dagster/uri"].endswith(f"/store/cog_dt_ingestion={day}/")
    assert {column.name for column in metadata["dagster/column_schema"].columns} >= {"Id", "CNPJ", "Name"}
    assert day.isoformat() == dt.datetime.fromtimestamp(metadata["newest_extraction"], dt.UTC).date().isoformat()
    assert metadata["oldest_extraction"] <= metadata["newest_extraction"]
    assert metadata["airbyte_attempt"] == 1
    assert str(metadata["airbyte_job_id"]) in metadata["airbyte_job"]
    assert metadata["sync_seconds"] >= 0


@OLD
def test_the_volume_check_shows_band_reference_and_reason(world: World) -> None:
    yesterday = world.new_day()
    assert world.run(yesterday).success
    day = world.new_day()
    assert world.run(day).success
    found = evaluation(world, "store", "volume_within_band", day)
    assert (found["rows"], found["reference_rows"], found["reference_day"]) == (100, 100, yesterday.isoformat())
    assert found["band_lower"] < 100 < found["band_upper"]
    assert "100 rows" in found["reason"]


@OLD
def test_the_link_leads_to_the_job_that_wrote_the_standing_copy(world: World) -> None:
    day = world.new_day()
    assert world.run(day).success
    first = materialization(world, "store", day)
    with world.fault("mysql-refused", times=None, checks=False):
        forced = world.run(day, forced_at=world.clock())
    assert forced.table("store").landed
    again = materialization(world, "store", day)
    assert again["airbyte_job_id"] == first["airbyte_job_id"]
    assert again["airbyte_job"] == first["airbyte_job"]


def materialization(world: World, table: str, day: dt.date) -> dict[str, Any]:
    wanted = dg.AssetRecordsFilter(bronze_key(world.registry[table]), asset_partitions=[day.isoformat()])
    event = world.instance.fetch_materializations(wanted, limit=1).records[0].asset_materialization
    assert event
    return {key: value.value for key, value in event.metadata.items()}


def evaluation(world: World, table: str, check: str, day: dt.date) -> dict[str, Any]:
    key = dg.AssetCheckKey(bronze_key(world.registry[table]), check)
    for record in world.instance.event_log_storage.get_asset_check_execution_history(key, limit=20):
        event = record.event.dagster_event if record.event else None
        if event and event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            found = event.asset_check_evaluation_data
            if found.partition == day.isoformat():
                return {name: value.value for name, value in found.metadata.items()}
    raise AssertionError(f"no evaluation of {check} on {table} for {day}")


@NEW
def test_force_syncs_again_and_each_row_counts_once(world: World) -> None:
    day = world.new_day()
    first = world.run(day)
    forced = world.run(day, force=True)
    assert forced.success, forced.failure
    assert world.syncs_posted(day) == 2
    assert forced.table("store").rows == first.table("store").rows
    assert len(world.data_keys("store", day)) == 1
    assert len(world.quarantined("store", day)) == 1


@NEW
def test_a_past_day_is_proven_again_and_never_synced(world: World) -> None:
    day = world.new_day()
    first = world.run(day)
    world.new_day()
    past = world.run(day)
    assert past.success, past.failure
    assert past.status.document()["tables"] == first.status.document()["tables"]
    assert world.syncs_posted(day) == 1


@OLD
def test_a_past_day_of_which_nothing_lies_there_fails_and_says_what_can_be_done(world: World) -> None:
    world.new_day()
    outcome = world.run(world.settings.first_partition)
    assert not outcome.success
    assert "a past day cannot be extracted again" in (outcome.failure or "")
    assert not outcome.green


@OLD
def test_a_future_day_fails_and_says_so(world: World) -> None:
    day = world.new_day()
    outcome = world.run(day + dt.timedelta(days=1))
    assert not outcome.success
    assert "has not begun" in (outcome.failure or "")


@OLD
def test_markers_in_the_folder_are_no_data(world: World) -> None:
    day = world.new_day()
    systems = world.platform.systems
    folder = systems.layout.folder("store", day)
    for name in ("_SUCCESS", "_metadata.json"):
        systems.lake.put(f"{folder}{name}", b"{}")
    outcome = world.run(day)
    assert outcome.status.is_accepted, outcome.status.reasons
    assert {f"{folder}_SUCCESS", f"{folder}_metadata.json"} <= set(world.keys("store", day))


@pytest.mark.parametrize(
    "body",
    [b"no parquet at all" * 100, b"PAR1" + b"\0" * 500],
    ids=["no parquet", "cut short"],
)
@NEW
def test_an_unreadable_file_beside_the_data_is_quarantined_and_nothing_else_suffers(world: World, body: bytes) -> None:
    day = world.new_day()
    systems = world.platform.systems
    systems.lake.put(f"{systems.layout.folder('menu', day)}file_menu_stray.parquet", body)
    outcome = world.run(day)
    assert outcome.table("menu").landed, outcome.status.reasons
    assert any("stray" in key for key in world.quarantined("menu", day))
    assert not any("stray" in key for key in world.data_keys("menu", day))


@OLD
def test_a_file_cut_short_is_never_a_green_asset(world: World) -> None:
    day = world.new_day()
    assert world.run(day).success
    systems = world.platform.systems
    key = world.data_keys("store", day)[0]
    systems.lake.put(key, systems.lake.read(key)[:-600])
    world.new_day()
    outcome = world.run(day)
    assert not outcome.success
    assert not outcome.table("store").landed
    assert "file_store" in outcome.reason("store", "landed")
    assert outcome.table("menu").landed
