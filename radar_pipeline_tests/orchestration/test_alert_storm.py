"""A storm: thousands of ends of runs wait, and hundreds of tables fail at once. One alert, whatever the number.

Time and memory of 10,000 runs and of 1,000 tables are measured by ``benchmarks/alert_tick.py``.
"""

from __future__ import annotations

import datetime as dt

import dagster as dg
import pytest

from benchmarks.alert_store import add_runs
from radar_pipeline.domain.diagnosis import Cause, Diagnosis, RunFailure
from radar_pipeline.domain.failure import FailureClass
from radar_pipeline.orchestration.now_facts import Standpoint
from radar_pipeline.orchestration.run_facts import PAGE
from radar_pipeline.tables.model import Registry, Table
from radar_pipeline_tests.orchestration.alert_location import failing, location
from radar_pipeline_tests.orchestration.desk import Desk, desk, new_desk, template

__all__ = ["desk", "new_desk", "template"]

pytestmark = pytest.mark.integration

# More than one page of events.
WAITING = 2 * PAGE + 1


def test_thousands_of_events_after_a_day_of_outage_are_one_alert_a_day(desk: Desk) -> None:
    today = desk.clock().date()
    days = (today - dt.timedelta(days=1), today)
    outage = desk.clock() - dt.timedelta(days=1)
    runs = [(outage + dt.timedelta(seconds=40 * number), days[number % 2]) for number in range(WAITING)]
    add_runs(desk.instance, runs, dg.DagsterRunStatus.FAILURE)
    alerting = desk.alerting()
    # A round that has no time left reads one page, and the next goes on behind it.
    reports = [alerting.tick(desk.instance, standpoint=Standpoint.SENSOR, seconds=0.001) for _ in range(4)]
    assert [report.ends for report in reports] == [PAGE, PAGE, 1, 0]
    assert [report.more for report in reports] == [True, True, False, False]
    assert len(desk.told()) == len(days)


def test_hundreds_of_tables_that_fail_at_once_are_one_alert(desk: Desk) -> None:
    registry = Registry(tuple(Table(f"table_{number:04}", "all", "team:all") for number in range(200)))
    found = Diagnosis(Cause.OUT_OF_MEMORY, FailureClass.PLATFORM, "the worker ran out of memory", "give it more")
    failing(RunFailure(found), missing=registry.names).write(desk.orders)
    job = location(desk.orders, registry=registry, **desk.settings).resolve_job_def("ingest_bronze_job")
    job.execute_in_process(instance=desk.instance, partition_key=desk.today, raise_on_error=False)
    alerting = desk.alerting(registry)
    alerting.tick(desk.instance, standpoint=Standpoint.SENSOR)
    assert len(desk.told()) == 1
    (alert,) = desk.open_alerts()
    assert len(alert.tables) == 200
    assert alert.follows == ("200 tables are not as they should be",)
