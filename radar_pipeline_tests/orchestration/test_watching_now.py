"""The state of now, read from real storage: who is late, what waits, what does not tick, and who may say so."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import TickStatus

from radar_pipeline.domain.severity import Severity
from radar_pipeline.orchestration.alerting import Alerting
from radar_pipeline.orchestration.keys import bronze_key
from radar_pipeline.orchestration.now_facts import Standpoint
from radar_pipeline.settings import Settings
from radar_pipeline.tables.model import Registry
from radar_pipeline_tests.orchestration.alert_location import REGISTRY, Orders
from radar_pipeline_tests.orchestration.desk import Desk, desk, new_desk, template
from radar_pipeline_tests.orchestration.ticking import beat, leave, schedule_state, sensor_state

__all__ = ["desk", "new_desk", "template"]

pytestmark = pytest.mark.integration

NOW = dt.datetime(2026, 11, 24, 3, 1, tzinfo=dt.UTC)
SCHEDULE = "ingest_bronze_job_schedule"


def look(
    desk: Desk,
    now: dt.datetime = NOW,
    *,
    standpoint: Standpoint = Standpoint.OUTSIDE,
    environment: str = "development",
    registry: Registry = REGISTRY,
) -> dict[str, Severity]:
    """What is open after somebody looked at a time. Nobody is told: no channel is configured."""
    alerting = Alerting(Settings(RADAR_ENV=environment), registry, lambda: now)  # type: ignore[call-arg]
    alerting.tick(desk.instance, standpoint=standpoint)
    return {alert.fingerprint: alert.severity for alert in desk.open_alerts()}


def land(desk: Desk, day: dt.date, *tables: str) -> None:
    for name in tables or REGISTRY.names:
        event = dg.AssetMaterialization(bronze_key(REGISTRY[name]), partition=day.isoformat())
        desk.instance.report_runless_asset_event(event)


def alive(desk: Desk, now: dt.datetime = NOW) -> None:
    """Everything ticks."""
    second = dt.timedelta(seconds=1)
    beat(desk.instance, now - second)
    for name in ("alert_sensor", "retry_sensor"):
        leave(desk.instance, sensor_state(name), now - second)
    leave(desk.instance, schedule_state(SCHEDULE, since=now - dt.timedelta(days=30)), now.replace(hour=2, minute=0))


def test_a_day_that_is_not_there_when_it_is_due_is_told_and_ends_when_it_comes(new_desk: Desk) -> None:
    alive(new_desk)
    land(new_desk, NOW.date() - dt.timedelta(days=1))
    before = NOW - dt.timedelta(minutes=2)
    assert look(new_desk, before) == {}
    assert look(new_desk) == {"stale": Severity.CRITICAL}
    # What is critical is what a day needs to be one.
    land(new_desk, NOW.date(), "store")
    assert look(new_desk) == {}


def test_a_table_that_is_not_critical_makes_no_day(new_desk: Desk) -> None:
    alive(new_desk)
    land(new_desk, NOW.date() - dt.timedelta(days=1))
    land(new_desk, NOW.date(), "menu", "login")
    assert "stale" in look(new_desk)


def test_the_second_day_without_data_is_an_emergency(new_desk: Desk) -> None:
    alive(new_desk)
    land(new_desk, NOW.date() - dt.timedelta(days=2))
    assert look(new_desk)["stale"] is Severity.EMERGENCY


def test_a_critical_table_that_is_new_in_the_registry_makes_no_day_late(new_desk: Desk) -> None:
    alive(new_desk)
    (critical,) = (table.name for table in REGISTRY.tables if table.critical)
    land(new_desk, NOW.date(), critical)
    registry = Registry(tuple(replace(table, critical=True) for table in REGISTRY.tables))
    assert look(new_desk, registry=registry) == {}
    # From its first day on it counts.
    land(new_desk, NOW.date() - dt.timedelta(days=2))
    assert look(new_desk, registry=registry) == {"stale": Severity.EMERGENCY}


def test_nothing_is_due_where_the_schedule_is_off_and_nobody_relies_on_it(new_desk: Desk) -> None:
    alive(new_desk)
    leave(new_desk.instance, schedule_state(SCHEDULE, since=NOW, on=False))
    land(new_desk, NOW.date() - dt.timedelta(days=9))
    assert look(new_desk) == {}


def test_in_production_a_schedule_that_is_off_is_told_and_days_are_due_all_the_same(new_desk: Desk) -> None:
    alive(new_desk)
    leave(new_desk.instance, schedule_state(SCHEDULE, since=NOW, on=False))
    land(new_desk, NOW.date() - dt.timedelta(days=1))
    told = look(new_desk, environment="production")
    assert told == {"stale": Severity.CRITICAL, f"watcher/{SCHEDULE}": Severity.WARNING}


def test_switching_the_schedule_off_and_on_makes_no_late_day_of_production_well(new_desk: Desk) -> None:
    alive(new_desk)
    land(new_desk, NOW.date() - dt.timedelta(days=2))
    assert look(new_desk, environment="production")["stale"] is Severity.EMERGENCY
    leave(new_desk.instance, schedule_state(SCHEDULE, since=NOW - dt.timedelta(minutes=1)))
    assert look(new_desk, environment="production")["stale"] is Severity.EMERGENCY


def test_a_first_day_of_production_is_late_only_once_its_schedule_is_on(new_desk: Desk) -> None:
    alive(new_desk)
    leave(new_desk.instance, schedule_state(SCHEDULE, since=NOW - dt.timedelta(minutes=1)))
    assert look(new_desk, environment="production") == {}


def test_a_run_that_waits_and_a_run_that_takes_long_are_told(new_desk: Desk) -> None:
    job = new_desk.definitions.resolve_job_def("ingest_bronze_job")
    running = new_desk.instance.create_run_for_job(job, tags={"dagster/partition": "2026-11-24"})
    for kind in (dg.DagsterEventType.RUN_STARTING, dg.DagsterEventType.RUN_START):
        event = dg.DagsterEvent(kind.value, job.name, message="")
        new_desk.instance.report_dagster_event(event, running.run_id)
    new_desk.instance.create_run_for_job(job, tags={"dagster/partition": "2026-11-24"})
    now = dt.datetime.now(dt.UTC)
    alive(new_desk, now)
    leave(new_desk.instance, schedule_state(SCHEDULE, since=now, on=False))
    assert look(new_desk, now) == {}
    later = now + dt.timedelta(minutes=91)
    alive(new_desk, later)
    leave(new_desk.instance, schedule_state(SCHEDULE, since=now, on=False))
    told = look(new_desk, later)
    assert told == {"queue": Severity.WARNING, f"duration/{running.run_id}": Severity.WARNING}


@pytest.mark.parametrize("silent", ["alert_sensor", "retry_sensor"])
def test_a_sensor_that_is_on_and_does_not_tick_is_told_from_outside(new_desk: Desk, silent: str) -> None:
    alive(new_desk)
    later = NOW + dt.timedelta(minutes=11)
    beat(new_desk.instance, later)
    land(new_desk, NOW.date())
    (other,) = {"alert_sensor", "retry_sensor"} - {silent}
    leave(new_desk.instance, sensor_state(other), later)
    # A tick that fails is none.
    leave(new_desk.instance, sensor_state(silent), later, status=TickStatus.FAILURE)
    assert look(new_desk, later) == {f"watcher/{silent}": Severity.ERROR}
    leave(new_desk.instance, sensor_state(silent), later)
    assert look(new_desk, later) == {}


def test_a_schedule_that_is_on_and_missed_its_time_is_told(new_desk: Desk) -> None:
    alive(new_desk)
    land(new_desk, NOW.date())
    tomorrow = NOW + dt.timedelta(days=1) - dt.timedelta(minutes=40)
    beat(new_desk.instance, tomorrow)
    for name in ("alert_sensor", "retry_sensor"):
        leave(new_desk.instance, sensor_state(name), tomorrow)
    assert look(new_desk, tomorrow) == {f"watcher/{SCHEDULE}": Severity.ERROR}


def test_what_a_code_location_of_another_name_left_behind_does_not_count(new_desk: Desk) -> None:
    """Dagster keeps it for ever, and as switched on."""
    long_ago = NOW - dt.timedelta(days=90)
    beat(new_desk.instance, NOW)
    land(new_desk, NOW.date())
    two = NOW.replace(hour=2, minute=0)
    for name in ("alert_sensor", "retry_sensor"):
        leave(new_desk.instance, sensor_state(name, ticked=NOW), NOW)
        leave(new_desk.instance, sensor_state(name, location="old", ticked=long_ago), long_ago)
    leave(new_desk.instance, schedule_state(SCHEDULE, since=NOW - dt.timedelta(days=30)), two)
    leave(new_desk.instance, schedule_state(SCHEDULE, since=long_ago, location="old"), long_ago)
    assert look(new_desk) == {}


def test_a_dead_daemon_is_one_alert_from_outside_and_none_from_a_laptop(new_desk: Desk) -> None:
    alive(new_desk)
    land(new_desk, NOW.date())
    later = NOW + dt.timedelta(minutes=30)
    assert look(new_desk, later, standpoint=Standpoint.RUN, environment="local") == {}
    assert look(new_desk, later, standpoint=Standpoint.RUN) == {"watcher/daemon": Severity.ERROR}
    beat(new_desk.instance, later)
    for name in ("alert_sensor", "retry_sensor"):
        leave(new_desk.instance, sensor_state(name), later)
    assert look(new_desk, later) == {}


def test_a_daemon_that_never_was_is_missed_from_outside_alone(new_desk: Desk) -> None:
    assert look(new_desk, standpoint=Standpoint.RUN) == {}
    assert look(new_desk) == {"watcher/daemon": Severity.ERROR}


def test_a_daemon_that_comes_back_does_not_accuse_itself(new_desk: Desk) -> None:
    alive(new_desk)
    land(new_desk, NOW.date())
    later = NOW + dt.timedelta(minutes=30)
    assert look(new_desk, later, standpoint=Standpoint.SENSOR) == {}
    leave(new_desk.instance, sensor_state("alert_sensor"), later)
    # From the next tick on it judges: the other sensor and the other daemons are still silent.
    assert look(new_desk, later, standpoint=Standpoint.SENSOR) == {"watcher/daemon": Severity.ERROR}


@pytest.mark.parametrize("orders", [Orders(), Orders(words="it broke")], ids=["a good run", "a failed run"])
@pytest.mark.parametrize("begins", [dt.time(12), dt.time(23, 55)], ids=["at noon", "shortly before midnight"])
def test_a_run_tells_that_the_sensor_which_should_tell_of_it_is_silent(
    desk: Desk, orders: Orders, begins: dt.time
) -> None:
    today = dt.datetime.now(dt.UTC).date()
    desk.offset = dt.datetime.combine(today, begins, dt.UTC) - dt.datetime.now(dt.UTC)
    alive(desk, desk.clock())
    # Both are runs of one day: what begins shortly before midnight ends after it, and Dagster has no tomorrow to run.
    desk.run(orders, today.isoformat())
    assert desk.told() == []
    desk.offset += dt.timedelta(minutes=11)
    beat(desk.instance, desk.clock())
    leave(desk.instance, sensor_state("retry_sensor"), desk.clock())
    desk.run(orders, today.isoformat())
    assert "watcher/alert_sensor: ERROR: The sensor alert_sensor does not tick" in desk.told()
