"""What Dagster loads: the assets' face, the schedule's partition, the instance's limits."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import dagster as dg
import pytest
import yaml

from radar_pipeline.build import build_definitions
from radar_pipeline.domain.judgement import Check
from radar_pipeline.orchestration.bronze import POOL
from radar_pipeline.orchestration.catalogue_checks import CATALOGUED, ROWS_AGREE
from radar_pipeline.orchestration.catalogue_jobs import CATALOGUE_JOB, RECONCILE_JOB
from radar_pipeline.orchestration.jobs import CONNECTION_TAG, INGEST_JOB
from radar_pipeline.orchestration.keys import BRONZE, CATALOGUE_KEY, DRIFT_KEY, RETENTION_PLAN, RETENTION_RUN
from radar_pipeline.orchestration.now_facts import WATCHED_SENSORS
from radar_pipeline.orchestration.retention_sensor import RETENTION_JOB, RETENTION_TAG
from radar_pipeline.settings import Settings
from radar_pipeline.tables.loader import load_registry

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def repository() -> dg.RepositoryDefinition:
    return build_definitions(Settings(), registry=load_registry()).get_repository_def()


def test_every_table_is_an_asset_of_the_bronze_group_with_its_partitioned_checks(
    repository: dg.RepositoryDefinition,
) -> None:
    graph = repository.asset_graph
    for table in load_registry().tables:
        node = graph.get(dg.AssetKey(["bronze_radar", table.asset_name]))
        assert node.group_name == "bronze"
        assert node.owners == [table.owner]
        assert node.tags["radar/critical"] == str(table.critical).lower()
        assert {key.name for key in node.check_keys} == {*Check, CATALOGUED}
        assert all(graph.get(key).partitions_def == node.partitions_def for key in node.check_keys)


def test_bronze_is_due_by_three_and_not_before_its_day_begins(repository: dg.RepositoryDefinition) -> None:
    policy = repository.asset_graph.get(dg.AssetKey(["bronze_radar", "store"])).freshness_policy_or_from_metadata
    assert policy == dg.FreshnessPolicy.cron("0 3 * * *", dt.timedelta(hours=3), timezone="UTC")


def test_today_is_a_partition_and_tomorrow_is_not(repository: dg.RepositoryDefinition) -> None:
    partitions = repository.asset_graph.get(dg.AssetKey(["bronze_radar", "store"])).partitions_def
    assert partitions
    assert partitions.get_last_partition_key() == dt.datetime.now(dt.UTC).date().isoformat()


def test_the_schedule_asks_for_the_day_that_has_just_begun(repository: dg.RepositoryDefinition) -> None:
    schedule = repository.get_schedule_def("ingest_bronze_job_schedule")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 2 * * *", "UTC")
    with dg.instance_for_test() as instance:
        at = dt.datetime(2026, 11, 23, 2, tzinfo=dt.UTC)
        context = dg.build_schedule_context(instance, scheduled_execution_time=at, repository_def=repository)
        (request,) = schedule.evaluate_tick(context).run_requests or []
    assert (request.partition_key, request.run_key) == ("2026-11-23", "2026-11-23")


def test_one_connection_runs_one_at_a_time(repository: dg.RepositoryDefinition) -> None:
    config = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    limits = config["concurrency"]["runs"]["tag_concurrency_limits"]
    assert {each["key"]: each["limit"] for each in limits} == {CONNECTION_TAG: 1, RETENTION_TAG: 1}
    assert CONNECTION_TAG in repository.get_job("ingest_bronze_job").tags
    # A run that the UI starts from an asset has no tag of the job; the pool holds it back.
    assert config["concurrency"]["pools"] == {"granularity": "run", "default_limit": 1}
    assert {node.definition.pool for node in repository.get_job("ingest_bronze_job").nodes} == {POOL}


def test_only_crashed_workers_run_again_and_nothing_is_told_to_strangers() -> None:
    config = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    assert config["run_retries"]["retry_on_asset_or_op_failure"] is False
    assert config["run_monitoring"]["enabled"] is True
    assert config["telemetry"] == {"enabled": False}
    assert config["nux"] == {"enabled": False}


def checks_of(repository: dg.RepositoryDefinition, job: str) -> set[str]:
    return {key.name for key in repository.get_job(job).asset_layer.asset_graph.asset_check_keys}


def test_the_catalogue_has_jobs_of_its_own_and_the_daily_job_none_of_its_checks(
    repository: dg.RepositoryDefinition,
) -> None:
    assert checks_of(repository, INGEST_JOB) == set(Check)
    assert checks_of(repository, CATALOGUE_JOB) == {CATALOGUED}
    graph = repository.asset_graph
    assert {graph.get(key).group_name for key in (CATALOGUE_KEY, DRIFT_KEY)} == {"catalogue"}
    assert repository.get_job(CATALOGUE_JOB).partitions_def == graph.get(CATALOGUE_KEY).partitions_def
    assert not checks_of(repository, RECONCILE_JOB)
    sensor = repository.get_sensor_def("catalogue_sensor")
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING


def test_rows_are_counted_through_athena_only_where_a_workgroup_is_set() -> None:
    settings = Settings(RADAR_ATHENA_WORKGROUP="radar-analytics")  # type: ignore[call-arg]
    repository = build_definitions(settings, registry=load_registry()).get_repository_def()
    critical = {table.asset_name for table in load_registry().tables if table.critical}
    keys = repository.get_job(CATALOGUE_JOB).asset_layer.asset_graph.asset_check_keys
    assert {key.asset_key.path[-1] for key in keys if key.name == ROWS_AGREE} == critical


def test_without_a_catalogue_nothing_of_it_is_loaded() -> None:
    settings = Settings(RADAR_CATALOGUE="off")  # type: ignore[call-arg]
    repository = build_definitions(settings, registry=load_registry()).get_repository_def()
    assert not repository.has_job(CATALOGUE_JOB)
    checks = repository.asset_graph.asset_check_keys
    assert {key.name for key in checks if key.asset_key.path[0] == BRONZE} == set(Check)
    assert {sensor.name for sensor in repository.sensor_defs} == {"alert_sensor", "retry_sensor", "retention_sensor"}


def test_retention_is_a_job_of_its_own_one_run_at_a_time_and_its_sensor_is_on_and_watched(
    repository: dg.RepositoryDefinition,
) -> None:
    graph = repository.asset_graph
    assert {graph.get(key).group_name for key in (RETENTION_PLAN, RETENTION_RUN)} == {"lifecycle"}
    assert graph.get(RETENTION_PLAN).partitions_def is None
    assert checks_of(repository, RETENTION_JOB) == {
        "lifecycle_matches_policy",
        "deletions_within_bounds",
        "every_step_done",
    }
    job = repository.get_job(RETENTION_JOB)
    assert job.tags[RETENTION_TAG]
    assert {node.definition.pool for node in job.nodes} == {"lake_retention"}
    sensor = repository.get_sensor_def("retention_sensor")
    assert (sensor.default_status, sensor.job_name) == (dg.DefaultSensorStatus.RUNNING, RETENTION_JOB)
    assert sensor.name in WATCHED_SENSORS
