"""A storm: 10,000 ends of runs wait, and hundreds of tables fail at once. One alert, in bounded time and memory."""

from __future__ import annotations

import datetime as dt
import time
import tracemalloc

import dagster as dg

from benchmarks.alert_store import add_runs
from radar_pipeline.domain.diagnosis import Cause, Diagnosis, RunFailure
from radar_pipeline.domain.failure import FailureClass
from radar_pipeline.orchestration.alerting import Alerting
from radar_pipeline.orchestration.now_facts import Standpoint
from radar_pipeline.settings import Settings
from radar_pipeline.tables.model import Registry, Table
from radar_pipeline_tests.filed_alerts import filed
from radar_pipeline_tests.orchestration.alert_location import REGISTRY, failing, location
from radar_pipeline_tests.orchestration.desk import Desk, desk, new_desk, template

__all__ = ["desk", "new_desk", "template"]

WAITING = 10_000
DEVELOPMENT = Settings(RADAR_ENV="development")  # type: ignore[call-arg]


def test_ten_thousand_events_after_a_day_of_outage_are_one_alert_a_day_within_a_minute(desk: Desk) -> None:
    today = desk.clock().date()
    days = (today - dt.timedelta(days=1), today)
    outage = desk.clock() - dt.timedelta(days=1)
    runs = [(outage + dt.timedelta(seconds=8 * number), days[number % 2]) for number in range(WAITING)]
    add_runs(desk.instance, runs, dg.DagsterRunStatus.FAILURE)
    alerting = Alerting(DEVELOPMENT, REGISTRY, opener=filed(desk.centre.path))
    tracemalloc.start()
    begin, read, ticks = time.monotonic(), 0, 0
    more = True
    while more:
        report = alerting.tick(desk.instance, standpoint=Standpoint.SENSOR)
        read, ticks, more = read + report.ends, ticks + 1, report.more
    seconds = time.monotonic() - begin
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read == WAITING
    assert len(desk.told()) == len(days)
    assert seconds < 60, f"{seconds:.0f} s in {ticks} ticks"
    assert peak < 100e6, f"{peak / 1e6:.0f} MB"


def test_hundreds_of_tables_that_fail_at_once_are_one_alert(desk: Desk) -> None:
    registry = Registry(tuple(Table(f"table_{number:04}", "all", "team:all") for number in range(200)))
    found = Diagnosis(Cause.OUT_OF_MEMORY, FailureClass.PLATFORM, "the worker ran out of memory", "give it more")
    failing(RunFailure(found), missing=registry.names).write(desk.orders)
    job = location(desk.orders, filed(desk.centre.path), registry=registry).resolve_job_def("ingest_bronze_job")
    job.execute_in_process(instance=desk.instance, partition_key=desk.today, raise_on_error=False)
    alerting = Alerting(DEVELOPMENT, registry, opener=filed(desk.centre.path))
    alerting.tick(desk.instance, standpoint=Standpoint.SENSOR)
    assert len(desk.told()) == 1
    (alert,) = desk.centre.open_alerts()
    assert len(alert.tables) == 200
    assert alert.follows == ("200 tables are not as they should be",)
