"""The catalogue sensor on a real instance: what it asks for, once, and what it leaves to others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import dagster as dg
import pytest

from radar_pipeline.build import build_definitions
from radar_pipeline.domain.alert import AlertKind
from radar_pipeline.domain.causes import Cause
from radar_pipeline.domain.diagnosis import Diagnosis, RunFailure
from radar_pipeline.domain.facts import RunState
from radar_pipeline.domain.failure import FailureClass
from radar_pipeline.orchestration.catalogue.checks import CATALOGUED
from radar_pipeline.orchestration.catalogue.jobs import CATALOGUE_JOB, RECONCILE_JOB
from radar_pipeline.orchestration.catalogue.sensor import BESIDE_TAG, LOOKS, LOOKS_ANYWAY, PAUSES
from radar_pipeline.orchestration.jobs import CHECKS_TAG
from radar_pipeline.orchestration.keys import CATALOGUE_KEY, bronze_key
from radar_pipeline.orchestration.now_facts import WATCHED_SENSORS
from radar_pipeline.orchestration.run_facts import End, RunReader, ingests, is_bronze
from radar_pipeline.settings import Settings
from radar_pipeline_tests.orchestration.alert_location import REGISTRY, Orders, failing
from radar_pipeline_tests.orchestration.desk import Desk, new_desk, template

__all__ = ["new_desk", "template"]

pytestmark = pytest.mark.integration

MISSING = RunFailure(Diagnosis(Cause.TABLE_FAILED, FailureClass.SOURCE, "a table failed", "look"), ("store",))


class Sensor:
    """The sensor with its cursor, at a time of day."""

    def __init__(self, desk: Desk, at: dt.time = dt.time(3, tzinfo=dt.UTC)) -> None:
        self.desk = desk
        self.now = dt.datetime.combine(dt.datetime.now(dt.UTC).date(), at)
        self.cursor: str | None = None
        self.said = ""
        self.tags: Mapping[str, str] = {}
        settings = Settings(**desk.settings)  # type: ignore[arg-type]
        self._repository = build_definitions(settings, registry=REGISTRY, clock=lambda: self.now).get_repository_def()

    def tick(self, *, keep: bool = True) -> Mapping[str, str]:
        """What is asked for: job and partition by run key. Without ``keep`` the daemon died before it noted that."""
        context = dg.build_sensor_context(self.desk.instance, cursor=self.cursor, repository_def=self._repository)
        found = self._repository.get_sensor_def("catalogue_sensor").evaluate_tick(context)
        self.said = found.skip_message or ""
        self.tags = {name: value for each in found.run_requests or () for name, value in each.tags.items()}
        if keep:
            self.cursor = found.cursor
        return {str(each.run_key): f"{each.job_name} {each.partition_key}" for each in found.run_requests or ()}


@pytest.fixture
def sensor(new_desk: Desk) -> Sensor:
    begun = Sensor(new_desk)
    assert begun.tick() == {}
    return begun


def catalogue_run(
    desk: Desk, day: str, *, fails: bool = False, checks_alone: bool = False
) -> dg.ExecuteInProcessResult:
    """What `radar run` or the daemon leaves behind of a registration."""

    @dg.op
    def register() -> None:
        if fails:
            message = "Glue is away"
            raise dg.Failure(message)

    tags = {CHECKS_TAG: "true"} if checks_alone else {}

    @dg.job(name=CATALOGUE_JOB, tags={"dagster/partition": day, **tags})
    def job() -> None:
        register()

    return job.execute_in_process(instance=desk.instance, raise_on_error=False)


def test_each_day_that_landed_is_asked_for_once_however_often_the_daemon_dies(sensor: Sensor) -> None:
    desk, yesterday = sensor.desk, "2026-01-30"
    desk.run(Orders())
    first = desk.run(Orders(), day=yesterday)
    again = desk.run(failing(MISSING, missing=("store",)), day=yesterday)
    asked = sensor.tick(keep=False)
    assert set(asked.values()) == {f"{CATALOGUE_JOB} {desk.today}", f"{CATALOGUE_JOB} {yesterday}"}
    assert f"{yesterday}/{again.run_id}" in asked, "the newest of a day, and one that failed may have landed much"
    assert not any(first.run_id in key for key in asked)
    assert sensor.tick() == asked
    assert sensor.tick() == {}


def test_checks_alone_and_a_day_that_is_registered_since_ask_for_nothing(sensor: Sensor) -> None:
    desk = sensor.desk
    desk.run(Orders())
    assert catalogue_run(desk, desk.today).success
    desk.run(Orders(), checks={dg.AssetCheckKey(bronze_key(REGISTRY["menu"]), "landed")})
    assert sensor.tick() == {}
    desk.run(Orders())
    assert len(sensor.tick()) == 1


def test_a_registration_that_failed_is_tried_again_with_growing_pauses_and_an_end(sensor: Sensor) -> None:
    desk, day = sensor.desk, sensor.desk.today
    for pause in PAUSES:
        catalogue_run(desk, day, fails=True)
        assert sensor.tick() == {}
        sensor.now += pause
        asked = sensor.tick(keep=False)
        assert list(asked.values()) == [f"{CATALOGUE_JOB} {day}"]
        assert sensor.tick() == asked, "asked for again, it is the same run"
        assert sensor.tick() == {}
    catalogue_run(desk, day, fails=True)
    sensor.tick()
    sensor.now += dt.timedelta(hours=1)
    assert sensor.tick() == {}


def test_what_succeeds_after_a_failure_is_not_tried_again(sensor: Sensor) -> None:
    catalogue_run(sensor.desk, sensor.desk.today, fails=True)
    sensor.tick()
    assert catalogue_run(sensor.desk, sensor.desk.today).success
    sensor.now += PAUSES[-1]
    assert sensor.tick() == {}


def test_everything_is_looked_at_once_a_day_after_bronze_is_due_and_not_beside_a_registration(sensor: Sensor) -> None:
    assert sensor.tick() == {}
    sensor.now = sensor.now.replace(hour=6)
    sensor.desk.run(Orders())
    assert list(sensor.tick().values()) == [f"{CATALOGUE_JOB} {sensor.desk.today}"]
    assert sensor.tick() == {f"look/{sensor.now.date()}": f"{RECONCILE_JOB} None"}
    assert sensor.tick() == {}
    sensor.now += dt.timedelta(days=1)
    assert sensor.tick() == {f"look/{sensor.now.date()}": f"{RECONCILE_JOB} None"}


@pytest.mark.parametrize("name", [CATALOGUE_JOB, "ingest_bronze_job"])
def test_the_look_waits_for_what_is_under_way_and_not_for_what_hangs(sensor: Sensor, name: str) -> None:
    @dg.job(name=name, tags={"dagster/partition": sensor.desk.today})
    def hung() -> None:
        pass

    run = sensor.desk.instance.create_run_for_job(hung, status=dg.DagsterRunStatus.STARTED)
    sensor.now = sensor.now.replace(hour=LOOKS.hour)
    assert sensor.tick() == {}
    assert run.run_id in sensor.said
    sensor.now = sensor.now.replace(hour=LOOKS_ANYWAY.hour)
    assert sensor.tick() == {f"look/{sensor.now.date()}": f"{RECONCILE_JOB} None"}
    assert sensor.tags[BESIDE_TAG] == run.run_id, "the look may tell of what this run has yet to do"


def test_checks_alone_under_the_name_of_the_registration_are_none(sensor: Sensor) -> None:
    desk = sensor.desk
    catalogue_run(desk, desk.today, fails=True)
    assert sensor.tick() == {}
    desk.run(Orders(), day="2026-01-30")
    # A subset that somebody started from a table's page: Dagster keeps the job's name.
    for day in (desk.today, "2026-01-30"):
        catalogue_run(desk, day, checks_alone=True)
    assert list(sensor.tick().values()) == [f"{CATALOGUE_JOB} 2026-01-30"]
    sensor.now += PAUSES[0]
    assert list(sensor.tick().values()) == [f"{CATALOGUE_JOB} {desk.today}"]


def test_a_cursor_that_cannot_be_read_begins_at_now(sensor: Sensor) -> None:
    sensor.desk.run(Orders())
    sensor.cursor = '{"positions": {}}'
    assert sensor.tick() == {}
    assert sensor.tick() == {}


def test_runs_of_the_catalogue_are_never_taken_for_bronze_and_their_failure_is_a_job(new_desk: Desk) -> None:
    new_desk.tick()
    failed = catalogue_run(new_desk, new_desk.today, fails=True)
    (facts,) = RunReader(new_desk.instance).by_id({failed.run_id: _end(failed)})
    assert (facts.is_bronze, facts.ingests, facts.subject) == (False, False, CATALOGUE_JOB)
    new_desk.tick()
    assert [alert.fingerprint for alert in new_desk.open_alerts()] == [f"job/{CATALOGUE_JOB}"]
    assert new_desk.open_alerts()[0].kind is AlertKind.CATALOGUE_DRIFT
    catalogue_run(new_desk, new_desk.today)
    new_desk.tick()
    assert new_desk.open_alerts() == ()


def _end(result: dg.ExecuteInProcessResult) -> End:
    return End(result.run_id, RunState.FAILED, dt.datetime.now(dt.UTC).timestamp())


@pytest.mark.parametrize(
    ("assets", "checks", "bronze", "lands"),
    [
        ([CATALOGUE_KEY], [], False, False),
        ([], [CATALOGUED], False, False),
        ([], [CATALOGUED, "landed"], True, False),
        (["store"], [], True, True),
    ],
)
def test_what_the_ui_starts_is_told_apart_by_what_is_chosen(
    assets: list[Any], checks: list[str], bronze: bool, lands: bool
) -> None:
    store = bronze_key(REGISTRY["store"])
    run = dg.DagsterRun(
        "__ASSET_JOB",
        asset_selection=frozenset(store if each == "store" else each for each in assets),
        asset_check_selection=frozenset(dg.AssetCheckKey(store, name) for name in checks),
    )
    assert (is_bronze(run), ingests(run)) == (bronze, lands)


def test_every_sensor_that_the_platform_has_is_watched() -> None:
    repository = build_definitions(Settings(), registry=REGISTRY).get_repository_def()
    assert {sensor.name for sensor in repository.sensor_defs} <= set(WATCHED_SENSORS)
