"""A code location with the platform's own sensors and a daily job that does what a file tells it to.

The job has the name, the keys and the checks of the real one, so that what it leaves in Dagster's storage is what the
real one leaves. Used in the test process, and by a real daemon in a process of its own.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import dagster as dg

from radar_pipeline.domain.diagnosis import RECORD, RunFailure
from radar_pipeline.domain.judgement import Check
from radar_pipeline.orchestration.alert_sensor import alert_sensor
from radar_pipeline.orchestration.alerting import Alerting
from radar_pipeline.orchestration.bronze import check_specs
from radar_pipeline.orchestration.jobs import ingest_bronze_job, ingest_bronze_job_schedule
from radar_pipeline.orchestration.keys import bronze_key
from radar_pipeline.orchestration.partitions import daily_partitions
from radar_pipeline.orchestration.retry_sensor import retry_sensor
from radar_pipeline.orchestration.systems import utc_now
from radar_pipeline.orchestration.watch_hooks import watch_hooks
from radar_pipeline.settings import Settings
from radar_pipeline.tables.model import Registry, Table

REGISTRY = Registry(
    (
        Table("store", "stores", "team:stores", critical=True),
        Table("menu", "content", "team:content"),
        Table("login", "users", "team:users"),
    )
)


@dataclass(frozen=True)
class Orders:
    """What the job is to do: which failure to end with, which tables to miss, which checks to fail."""

    failure: Mapping[str, Any] | None = None
    words: str = ""
    missing: tuple[str, ...] = ()
    doubted: Mapping[str, str] = field(default_factory=dict)
    rows: int = 100

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(self.__dict__), encoding="utf-8")

    @staticmethod
    def read(path: Path) -> "Orders":
        found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return replace(Orders(**found), missing=tuple(found.get("missing", ())))


def failing(cause: RunFailure, **changes: Any) -> Orders:
    return Orders(failure=cause.document(), **changes)


def location(
    orders: Path,
    *,
    registry: Registry = REGISTRY,
    clock: Callable[[], dt.datetime] = utc_now,
    **settings: str,
) -> dg.Definitions:
    partitions = daily_partitions(dt.date(2025, 1, 1))

    @dg.multi_asset(
        name="bronze_radar",
        specs=[dg.AssetSpec(bronze_key(table), skippable=True) for table in registry.tables],
        check_specs=[spec for table in registry.tables for spec in check_specs(table, partitions)],
        partitions_def=partitions,
        can_subset=True,
    )
    def bronze(context: dg.AssetExecutionContext) -> Iterator[Any]:
        wanted = Orders.read(orders)
        if wanted.failure and not wanted.missing:
            raise failure(wanted)
        keys = {bronze_key(table): table for table in registry.tables}
        for key, table in keys.items():
            if key in context.selected_asset_keys and table.name not in wanted.missing:
                metadata = {"dagster/row_count": wanted.rows, "bytes": 10 * wanted.rows, "airbyte_job_id": 7}
                url = dg.MetadataValue.url("http://airbyte/jobs/7")
                yield dg.MaterializeResult(asset_key=key, metadata={**metadata, "airbyte_job": url})
        for key, name in ((each.asset_key, each.name) for each in context.selected_asset_check_keys):
            yield from evaluation(context, keys[key], Check(name), wanted)
        if wanted.failure or wanted.words:
            raise failure(wanted)

    alerting = Alerting(Settings(**settings), registry, clock)  # type: ignore[arg-type]
    job = ingest_bronze_job(bronze, "the-connection", watch_hooks(alerting))
    return dg.Definitions(
        assets=[bronze],
        jobs=[job, other_job],
        schedules=[ingest_bronze_job_schedule(job)],
        sensors=[alert_sensor(alerting), retry_sensor(job, alerting)],
        executor=dg.in_process_executor,
    )


def failure(orders: Orders) -> dg.Failure:
    metadata = {RECORD: dg.MetadataValue.json(orders.failure)} if orders.failure else {}
    return dg.Failure(orders.words or "it failed", metadata=metadata, allow_retries=False)


def evaluation(context: dg.AssetExecutionContext, table: Table, check: Check, orders: Orders) -> Iterator[Any]:
    is_missing = table.name in orders.missing
    if is_missing and check is not Check.LANDED:
        return
    passed = not is_missing and orders.doubted.get(table.name) != check.value
    numbers = {"rows": orders.rows, "band_lower": 89.5, "band_upper": 110.0}
    key = bronze_key(table)
    yield dg.Output(None, output_name=dg.AssetCheckSpec(check.value, asset=key).get_python_identifier())
    yield dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=check.value,
        passed=passed,
        severity=dg.AssetCheckSeverity.ERROR if table.critical else dg.AssetCheckSeverity.WARN,
        description=f"{table.name} · {check}: {'well' if passed else 'not well'}",
        metadata={"partition": dg.MetadataValue.text(context.partition_key)}
        | (
            {name: dg.MetadataValue.float(float(value)) for name, value in numbers.items()}
            if check is Check.VOLUME_WITHIN_BAND
            else {}
        ),
        partition=context.partition_key,
        blocking=False,
    )


@dg.op
def breaks() -> None:
    message = "no such bucket"
    raise dg.Failure(message)


@dg.job
def other_job() -> None:
    breaks()
