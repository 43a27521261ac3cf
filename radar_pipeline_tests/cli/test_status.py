"""What a day looks like to a person, as Dagster recorded it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import dagster as dg

from radar_pipeline.cli.status import FAILED, PASSED, SKIPPED, read_status
from radar_pipeline.domain.judgement import Check
from radar_pipeline.orchestration.keys import bronze_key
from radar_pipeline.tables.loader import load_registry
from radar_pipeline.tables.model import Registry

DAYS = dg.DailyPartitionsDefinition(start_date="2026-01-01", end_date="2026-02-01")
REGISTRY = Registry((load_registry()["store"], load_registry()["menu"]))
KEYS = [bronze_key(table) for table in REGISTRY.tables]


def job(*, volume: bool) -> dg.JobDefinition:
    """Lands the first of two tables; one of its checks is what a test wants."""

    @dg.multi_asset(
        specs=[dg.AssetSpec(key, skippable=True) for key in KEYS],
        check_specs=[dg.AssetCheckSpec(check.value, asset=key, partitions_def=DAYS) for key in KEYS for check in Check],
        partitions_def=DAYS,
        can_subset=True,
    )
    def bronze() -> Iterator[Any]:
        yield dg.MaterializeResult(KEYS[0], metadata={"dagster/row_count": 7, "airbyte_job_id": 3})
        for check in Check:
            passed = volume or check is not Check.VOLUME_WITHIN_BAND
            yield dg.AssetCheckResult(
                passed=passed, asset_key=KEYS[0], check_name=check.value, description="half is gone"
            )
        yield dg.AssetCheckResult(passed=False, asset_key=KEYS[1], check_name=Check.LANDED.value)

    return dg.Definitions(assets=[bronze], jobs=[dg.define_asset_job("day", "*")]).resolve_job_def("day")


def test_a_check_is_as_its_newest_evaluation_of_the_day_has_it_whatever_a_run_under_way_has_announced() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        for day, volume in (("2026-01-10", True), ("2026-01-10", False), ("2026-01-11", True)):
            assert job(volume=volume).execute_in_process(instance=instance, partition_key=day)
        before = read_status(instance, REGISTRY, dt.date(2026, 1, 10))
        instance.create_run_for_job(job(volume=True), tags={"dagster/partition": "2026-01-10"})
        status = read_status(instance, REGISTRY, dt.date(2026, 1, 10))
    assert status == before
    store, menu = status.tables
    assert (store.rows, store.landed) == (7, True)
    assert store.checks == {check.value: PASSED for check in Check} | {Check.VOLUME_WITHIN_BAND.value: FAILED}
    assert status.reasons["store", Check.VOLUME_WITHIN_BAND.value] == "half is gone"
    assert menu.checks == {check.value: SKIPPED for check in Check} | {Check.LANDED.value: FAILED}
    assert status.job == {"id": 3, "status": "unknown"}
