"""The bronze assets: one multi-asset for one connection, because a sync moves the whole connection.

What belongs here: turning a day's report into Dagster events. What does not: finding it out (day) or judging it
(domain). Every check is a ``check_spec`` of the multi-asset and comes from its body: a separate multi-asset check over
all tables would be skipped as soon as one table did not land.
"""

import datetime as dt
import gc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dagster as dg

from radar_pipeline.domain.judgement import Check, TableDay
from radar_pipeline.orchestration.evaluating import Target, evaluated_on, evaluations, targets_of
from radar_pipeline.orchestration.keys import BRONZE, bronze_key, tables_by_key
from radar_pipeline.orchestration.metadata import check_metadata, materialization_metadata
from radar_pipeline.orchestration.systems import Systems
from radar_pipeline.tables.model import Registry, Table

if TYPE_CHECKING:
    from radar_pipeline.orchestration.day import DayReport

# dagster.yaml gives this pool one slot: a connection cannot run two syncs at once.
POOL = "airbyte_connection"

# Set on a run by `radar run --force`, with the time (ISO 8601): sync although the day is proven.
FORCE_TAG = "radar/force"

_DESCRIPTIONS = {
    Check.LANDED: "The day's full copy of the table lies in the bucket, shown by Parquet footers.",
    Check.ROW_COUNTS_AGREE: "Footers, Airbyte and the source count the same rows.",
    Check.VOLUME_WITHIN_BAND: "The row count is believable against the accepted snapshots before it.",
    Check.SCHEMA_MATCHES_CONTRACT: "The columns are those that the registry states.",
}

# Bronze is due by 03:00 UTC and nothing of a day exists before that day begins.
FRESHNESS = dg.FreshnessPolicy.cron(deadline_cron="0 3 * * *", lower_bound_delta=dt.timedelta(hours=3), timezone="UTC")


def bronze_assets(
    registry: Registry, partitions: dg.PartitionsDefinition[str], systems: Systems
) -> dg.AssetsDefinition:
    """The multi-asset over every table of the registry, with four checks a table.

    Selecting some tables still syncs the connection; the others that landed are materialized too, because they are
    fresh as well. Selecting checks alone evaluates them without a sync.
    """
    names = tables_by_key(registry)

    @dg.multi_asset(
        name=BRONZE,
        specs=[asset_spec(table) for table in registry.tables],
        check_specs=[spec for table in registry.tables for spec in check_specs(table, partitions)],
        partitions_def=partitions,
        can_subset=True,
        pool=POOL,
        op_tags={"dagster/priority": "10"},
    )
    def bronze_radar(context: dg.AssetExecutionContext) -> Iterator[Any]:
        from radar_pipeline.orchestration.execution import fail_on_missing, report_of_run
        from radar_pipeline.orchestration.failing import plain_failures

        with _collecting_seldom(), plain_failures(systems.settings, context.log.debug):
            report = report_of_run(context, systems)
            selected = {names[key] for key in context.selected_asset_keys}
            checks = {(names[key.asset_key], Check(key.name)) for key in context.selected_asset_check_keys}
            keyed = [(bronze_key(registry[table.table]), table) for table in report.tables]
            for key, table in keyed:
                if selected and table.landing.is_proven:
                    yield _materialization(context, systems, report, table, key)
            targets = targets_of(
                context.instance, {key.asset_key for key in context.selected_asset_check_keys}, report.day
            )
            for key, table in keyed:
                yield from _evaluations(context, report, table, key, checks, targets.get(key))
            fail_on_missing(context, report, selected, systems.settings.table_attempts)

    return bronze_radar


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Keeps the garbage collector from walking through what lives as long as the process anyway.

    Modules and definitions are half a million objects, and 425 results make enough new ones for several full
    collections: 0.15 s of the 1.5 s of CPU that a run takes beside its sync.
    """
    before = gc.get_threshold()
    gc.set_threshold(50_000, 10, 10)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def asset_spec(table: Table) -> dg.AssetSpec:
    """One table as an asset. It may be left out of a run's results: what one table lacks never hides the others."""
    return dg.AssetSpec(
        bronze_key(table),
        description=table.description or None,
        group_name="bronze",
        owners=[table.owner],
        kinds={"airbyte", "s3", "parquet"},
        tags={"radar/area": table.area, "radar/critical": str(table.critical).lower()},
        metadata={"source_table": table.name, "primary_key": ", ".join(table.primary_key) or "none"},
        skippable=True,
        freshness_policy=FRESHNESS,
    )


def check_specs(table: Table, partitions: dg.PartitionsDefinition[str]) -> list[dg.AssetCheckSpec]:
    """The four checks of one table, with a history for each partition.

    Partitioned checks are marked as a preview in Dagster 1.13; they are used knowingly, and setup.py pins the line.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return [
            dg.AssetCheckSpec(check.value, asset=bronze_key(table), description=text, partitions_def=partitions)
            for check, text in _DESCRIPTIONS.items()
        ]


def _materialization(
    context: dg.AssetExecutionContext, systems: Systems, report: "DayReport", table: TableDay, key: dg.AssetKey
) -> dg.MaterializeResult[Any] | dg.AssetMaterialization:
    """The materialization of a table whose data is there: a result where the run selected it, an event otherwise."""
    from radar_pipeline.orchestration.judging import standing_job

    folder = systems.layout.folder(table.table, report.day)
    job, attempt = standing_job(table.landing, report.evidence.jobs)
    metadata = materialization_metadata(
        table,
        uri=f"s3://{systems.settings.bucket}/{folder}",
        job=job,
        attempt=attempt,
        job_url=report.job_urls.get(job.id) if job else None,
    )
    if key in context.selected_asset_keys:
        return dg.MaterializeResult(asset_key=key, metadata=metadata)
    return dg.AssetMaterialization(asset_key=key, partition=context.partition_key, metadata=metadata)


def _evaluations(
    context: dg.AssetExecutionContext,
    report: "DayReport",
    table: TableDay,
    key: dg.AssetKey,
    selected: set[tuple[str, Check]],
    target: Target | None,
) -> Iterator[dg.Output[None] | dg.AssetCheckEvaluation]:
    """The selected checks of one table that there is something to say about."""
    wanted = [check for check in Check if (table.table, check) in selected and table.passed(check) is not None]
    partition = report.day.isoformat()
    job = report.job
    job_url = report.job_urls.get(job.id) if job else None
    for check in wanted:
        yield from evaluations(
            dg.AssetCheckKey(key, check.value),
            on=evaluated_on(partition, has_partition=context.has_partition_key),
            passed=bool(table.passed(check)),
            is_error=table.critical,
            description="; ".join(table.reasons(check)),
            metadata=check_metadata(table, check, partition, job=job, job_url=job_url),
            target=target,
        )
