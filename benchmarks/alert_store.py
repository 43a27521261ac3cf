"""Dagster instances with a past: what weeks of daily runs, and a day of outage, leave in storage.

Written row by row as Dagster itself writes them, but many in one statement: through the instance's own methods this
would take longer than anything that is measured on it.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluation
from dagster._core.events import StepMaterializationData
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.runs.schema import RunsTable, RunTagsTable
from dagster._core.storage.schedules.schema import JobTickTable
from dagster._daemon.types import DaemonHeartbeat
from dagster._serdes import serialize_value

from radar_pipeline.domain.judgement import Check
from radar_pipeline.orchestration.event_log import PooledSqliteEventLogStorage
from radar_pipeline.orchestration.jobs import INGEST_JOB, INGEST_SCHEDULE
from radar_pipeline.orchestration.keys import bronze_key
from radar_pipeline.orchestration.now_facts import ALERT_SENSOR, RETRY_SENSOR
from radar_pipeline.tables.model import Registry

_ORIGIN = RemoteRepositoryOrigin(
    GrpcServerCodeLocationOrigin(host="127.0.0.1", port=1, location_name="radar_pipeline"), "__repository__"
)
_END = {
    dg.DagsterRunStatus.SUCCESS: dg.DagsterEventType.RUN_SUCCESS,
    dg.DagsterRunStatus.FAILURE: dg.DagsterEventType.RUN_FAILURE,
}


def add_runs(
    instance: dg.DagsterInstance, runs: Sequence[tuple[dt.datetime, dt.date]], status: dg.DagsterRunStatus
) -> list[str]:
    """Runs of the daily job that ended, each ten minutes after it began, with the event of its end in the index."""
    storage: Any = instance.run_storage
    made, rows, tags, ends = [], [], [], []
    for began, day in runs:
        run = dg.DagsterRun(
            job_name=INGEST_JOB, run_id=str(uuid.uuid4()), status=status, tags={"dagster/partition": day.isoformat()}
        )
        ended = (began + dt.timedelta(minutes=10)).timestamp()
        values = storage._get_run_insertion_values(run, began)
        rows.append({**values, "start_time": began.timestamp(), "end_time": ended})
        tags += [{"run_id": run.run_id, "key": key, "value": value} for key, value in run.tags_for_storage().items()]
        event = dg.DagsterEvent(_END[status].value, INGEST_JOB, message="it ended")
        ends.append(dg.EventLogEntry(None, 10, "", run.run_id, ended, job_name=INGEST_JOB, dagster_event=event))
        made.append(run.run_id)
    with storage.connect() as connection:
        connection.execute(RunsTable.insert(), rows)
        connection.execute(RunTagsTable.insert(), tags)
    add_to_index(instance, ends)
    return made


def add_to_index(instance: dg.DagsterInstance, events: Sequence[dg.EventLogEntry]) -> None:
    """Events in the index that all runs share, without those that lie in the runs' own databases."""
    storage = instance.event_log_storage
    if not isinstance(storage, PooledSqliteEventLogStorage):
        message = "this writes what the project's own storage keeps"
        raise TypeError(message)
    rows = [storage._event_to_row(event) for event in events]
    with storage.index_connection() as connection:
        connection.execute(SqlEventLogStorageTable.insert(), rows)


def add_day(instance: dg.DagsterInstance, registry: Registry, day: dt.date, *, passed: bool = True) -> None:
    """A day's run, with a materialization of every table and every check; or one that found every table missing."""
    began = dt.datetime.combine(day, dt.time(2), dt.UTC)
    (run_id,) = add_runs(instance, [(began, day)], dg.DagsterRunStatus.SUCCESS)
    storage = instance.event_log_storage
    storage.store_event_batch(list(_events(registry, day, run_id, began.timestamp() + 500, passed=passed)))


def _events(registry: Registry, day: dt.date, run_id: str, at: float, *, passed: bool) -> Iterator[dg.EventLogEntry]:
    def entry(kind: dg.DagsterEventType, data: Any) -> dg.EventLogEntry:
        event = dg.DagsterEvent(kind.value, INGEST_JOB, step_key="bronze_radar", event_specific_data=data)
        return dg.EventLogEntry(None, 10, "", run_id, at, job_name=INGEST_JOB, dagster_event=event)

    partition = day.isoformat()
    for table in registry.tables:
        numbers = {"dagster/row_count": 1000, "bytes": 10_000, "airbyte_job_id": 7}
        landed = dg.AssetMaterialization(bronze_key(table), metadata=numbers, partition=partition)
        if passed:
            yield entry(dg.DagsterEventType.ASSET_MATERIALIZATION, StepMaterializationData(landed))
        for check in Check if passed else (Check.LANDED,):
            evaluation = AssetCheckEvaluation(
                asset_key=bronze_key(table),
                check_name=check.value,
                passed=passed,
                metadata={"partition": dg.MetadataValue.text(partition)},
                partition=partition,
            )
            yield entry(dg.DagsterEventType.ASSET_CHECK_EVALUATION, evaluation)


def add_ticks(instance: dg.DagsterInstance, now: dt.datetime, days: int) -> None:
    """What a daemon that has been at work for some days leaves: states, a tick every 30 seconds, heartbeats."""
    since = now - dt.timedelta(days=days)
    kinds: list[tuple[str, InstigatorType, Any, dt.timedelta]] = [
        (ALERT_SENSOR, InstigatorType.SENSOR, SensorInstigatorData(min_interval=30), dt.timedelta(seconds=30)),
        (RETRY_SENSOR, InstigatorType.SENSOR, SensorInstigatorData(min_interval=30), dt.timedelta(seconds=30)),
        (
            INGEST_SCHEDULE,
            InstigatorType.SCHEDULE,
            ScheduleInstigatorData("0 2 * * *", since.timestamp()),
            dt.timedelta(days=1),
        ),
    ]
    storage: Any = instance.schedule_storage
    for name, kind, data, every in kinds:
        state = InstigatorState(RemoteInstigatorOrigin(_ORIGIN, name), kind, InstigatorStatus.RUNNING, data)
        instance.add_instigator_state(state)
        moments = [now - every * back for back in range(1, int(dt.timedelta(days=days) / every))]
        rows = [
            {
                "job_origin_id": state.instigator_origin_id,
                "selector_id": state.selector_id,
                "status": TickStatus.SKIPPED.value,
                "type": kind.value,
                "timestamp": moment.replace(tzinfo=None),
                "tick_body": serialize_value(
                    TickData(
                        state.instigator_origin_id,
                        name,
                        kind,
                        TickStatus.SKIPPED,
                        moment.timestamp(),
                        selector_id=state.selector_id,
                    )
                ),
            }
            for moment in reversed(moments)
        ]
        with storage.connect() as connection:
            connection.execute(JobTickTable.insert(), rows)
    for name in instance.get_required_daemon_types():
        instance.add_daemon_heartbeat(DaemonHeartbeat(now.timestamp(), name, "the-daemon"))
