"""The catalogue sensor: registers what a bronze run landed, minutes after it ended, and looks at everything once a day.

At least once: the cursor moves only after the runs are asked for, and the key of a run makes it one, however often a
daemon that is killed asks for it. Where there is no cursor it starts at now; what is older the daily look finds.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.storage.tags import PARTITION_NAME_TAG

from radar_pipeline.domain.facts import RunFacts, RunState
from radar_pipeline.orchestration.alerting import Alerting
from radar_pipeline.orchestration.catalogue.jobs import CATALOGUE_JOB, RECONCILE_JOB
from radar_pipeline.orchestration.now_facts import CATALOGUE_SENSOR, SENSOR_INTERVAL
from radar_pipeline.orchestration.run_facts import (
    ENDS,
    MOST_RUNS,
    End,
    Ends,
    RunReader,
    is_checks_alone,
    newest_positions,
    read_ends,
)

# From when on the daily look is made, UTC: bronze is due by 03:00, and what came late has had time to be registered.
LOOKS = dt.time(5, tzinfo=dt.UTC)

# From when on it waits for nobody: a run that hangs must not keep everything from being looked at.
LOOKS_ANYWAY = dt.time(9, tzinfo=dt.UTC)

# Which unfinished run a look was made beside, whose day it may tell of.
BESIDE_TAG = "radar/beside"

# A registration that failed is asked for again after these pauses: Glue may be away for minutes. It is harmless twice.
PAUSES = (dt.timedelta(minutes=2), dt.timedelta(minutes=10), dt.timedelta(minutes=30))


@dataclass(frozen=True)
class Place:
    """How far the sensor is.

    Attributes:
        positions: Up to where ends of runs are read.
        looked: The day of the last daily look; empty where there was none.
        again: Registrations that failed: how often in a row, and when the next is due, by day.
    """

    positions: Mapping[str, str]
    looked: str = ""
    again: Mapping[str, tuple[int, dt.datetime]] = field(default_factory=dict)

    @staticmethod
    def parse(cursor: str | None) -> Place | None:
        """Reads a cursor; None where there is none, or one of another version."""
        try:
            document = json.loads(cursor or "")
            again = {day: (int(each[0]), dt.datetime.fromisoformat(each[1])) for day, each in document["again"].items()}
            positions = {name: str(document["positions"][name]) for name in ENDS.values()}
            return Place(positions, str(document["looked"]), again)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            return None

    def text(self) -> str:
        """As a cursor."""
        again = {day: (times, due.isoformat()) for day, (times, due) in self.again.items()}
        return json.dumps({"positions": dict(self.positions), "looked": self.looked, "again": again}, sort_keys=True)


def catalogue_sensor(
    catalogue: UnresolvedAssetJobDefinition, reconcile: UnresolvedAssetJobDefinition, alerting: Alerting
) -> dg.SensorDefinition:
    """The sensor; it is at work unless somebody switches it off."""

    @dg.sensor(
        name=CATALOGUE_SENSOR,
        jobs=[catalogue, reconcile],
        minimum_interval_seconds=int(SENSOR_INTERVAL.total_seconds()),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Registers each day that landed in the Glue catalogue, and compares all of it once a day.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        place = Place.parse(context.cursor)
        if place is None:
            begin = Place(newest_positions(context.instance))
            return dg.SensorResult(skip_reason="begins: what ends from now on is registered", cursor=begin.text())
        return _tick(context.instance, place, alerting, context.log.warning)

    return sensor


def _tick(
    instance: dg.DagsterInstance, place: Place, alerting: Alerting, warn: Callable[[str], None]
) -> dg.SensorResult:
    now = alerting.clock()
    ends = read_ends(instance, place.positions)
    runs = RunReader(instance, shift=alerting.shift).by_id(ends.ends)
    landed = _landed(instance, runs, ends)
    waiting = _waiting(place.again, _registrations(instance, runs), now)
    overdue = {day: each for day, each in waiting.items() if each[1] <= now and day not in landed}
    requests = [_request(day, run.id) for day, run in landed.items()]
    # The key is when it was due, which the cursor holds: asked for twice, it is the same run.
    requests += [_request(day, f"again/{due:%Y%m%dT%H%M%S}") for day, (_, due) in overdue.items()]
    # What is under way keeps its count, so that the pauses grow and end.
    asked = {day: (waiting[day][0], _UNDER_WAY) for day in waiting if day in overdue or day in landed}
    looked, today = place.looked, now.date().isoformat()
    waits = ""
    if looked < today and now.timetz() >= LOOKS and not requests:
        under_way = _under_way(instance)
        if under_way and now.timetz() < LOOKS_ANYWAY:
            waits = f"; the daily look waits for run {under_way}, until {LOOKS_ANYWAY:%H:%M} UTC"
        else:
            if under_way:
                warn(f"run {under_way} has not ended; the daily look is made all the same, and may tell of its day")
            tags = {BESIDE_TAG: under_way} if under_way else {}
            requests.append(dg.RunRequest(run_key=f"look/{today}", job_name=RECONCILE_JOB, tags=tags))
            looked = today
    after = Place({**place.positions, **ends.positions}, looked, {**waiting, **asked}).text()
    if requests:
        return dg.SensorResult(run_requests=requests, cursor=after)
    return dg.SensorResult(skip_reason=f"{len(ends.ends)} ends of runs, nothing to register{waits}", cursor=after)


# Due only when its run fails once more.
_UNDER_WAY = dt.datetime.max.replace(tzinfo=dt.UTC)


def _request(day: str, key: str) -> dg.RunRequest:
    return dg.RunRequest(run_key=f"{day}/{key}", partition_key=day, job_name=CATALOGUE_JOB)


def _landed(instance: dg.DagsterInstance, runs: list[RunFacts], ends: Ends) -> Mapping[str, RunFacts]:
    """The bronze run that ended last, by day; without days that a registration was begun for since."""
    newest: dict[str, RunFacts] = {}
    for run in sorted(runs, key=lambda run: ends.ends[run.id].at):
        if run.ingests and run.day:
            newest[run.day.isoformat()] = run
    return {day: run for day, run in newest.items() if not _is_covered(instance, day, ends.ends[run.id])}


def _is_covered(instance: dg.DagsterInstance, day: str, end: End) -> bool:
    """Whether a registration of the day began after a run's end, as `radar run` does by itself."""
    wanted = dg.RunsFilter(job_name=CATALOGUE_JOB, tags={PARTITION_NAME_TAG: day})
    records = instance.get_run_records(wanted, limit=MOST_RUNS)
    return any(
        record.create_timestamp.timestamp() >= end.at and not is_checks_alone(record.dagster_run) for record in records
    )


def _registrations(instance: dg.DagsterInstance, runs: list[RunFacts]) -> list[RunFacts]:
    named = {run.id: run for run in runs if run.job == CATALOGUE_JOB}
    found = instance.get_runs(dg.RunsFilter(run_ids=list(named))) if named else ()
    checks = {run.run_id for run in found if is_checks_alone(run)}
    return [run for name, run in named.items() if name not in checks]


def _waiting(
    again: Mapping[str, tuple[int, dt.datetime]], runs: list[RunFacts], now: dt.datetime
) -> dict[str, tuple[int, dt.datetime]]:
    """What is tried again after the registrations that ended: a further failure waits longer, a success ends it."""
    waiting = dict(again)
    for run in runs:
        if run.day is None:
            continue
        day = run.day.isoformat()
        times, _ = waiting.pop(day, (0, now))
        if run.state is RunState.FAILED and times < len(PAUSES):
            waiting[day] = (times + 1, now + PAUSES[times])
    return waiting


def _under_way(instance: dg.DagsterInstance) -> str | None:
    """The id of a run that lands or registers something and has not ended, if there is one."""
    runs = RunReader(instance).unfinished()
    return next((run.id for run in runs if run.ingests or run.job == CATALOGUE_JOB), None)
