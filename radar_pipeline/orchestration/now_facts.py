"""The state of now as Dagster shows it: runs that wait or are under way, the newest complete day, what ticks.

What belongs here: reading, with a handful of queries, because it happens at every tick. What is too long or too late
is decided in the domain (``lateness``, ``watchers``).

Dagster's scheduler is imported inside the functions: loading the definitions needs none of it, and would take a
fifteenth longer (benchmarks/definitions_load.py).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from radar_pipeline.domain.alert import Link
from radar_pipeline.domain.facts import NowFacts, Watcher, WatcherKind
from radar_pipeline.domain.thresholds import Thresholds
from radar_pipeline.domain.watchers import is_silent
from radar_pipeline.orchestration.jobs import INGEST_SCHEDULE, STARTS
from radar_pipeline.orchestration.keys import bronze_key
from radar_pipeline.orchestration.run_facts import RunReader
from radar_pipeline.tables.model import Registry

if TYPE_CHECKING:
    from dagster._core.scheduler.instigation import InstigatorState

ALERT_SENSOR, RETRY_SENSOR = "alert_sensor", "retry_sensor"
CATALOGUE_SENSOR = "catalogue_sensor"
RETENTION_SENSOR = "retention_sensor"

# Every sensor that has to tick where it is switched on.
WATCHED_SENSORS = (
    ALERT_SENSOR,
    RETRY_SENSOR,
    CATALOGUE_SENSOR,
    RETENTION_SENSOR,
)

# How often these sensors are evaluated. The daemon looks for due sensors about every second.
SENSOR_INTERVAL = dt.timedelta(seconds=30)

# Every daemon tells at least this often that it lives.
HEARTBEAT = dt.timedelta(seconds=30)


class Standpoint(StrEnum):
    """Who looks, which says what can be expected to tick."""

    SENSOR = "the alert sensor, in the daemon"
    RUN = "a run of the radar command"
    OUTSIDE = "somebody outside Dagster who watches it"


def misses_daemon(environment: str, standpoint: Standpoint) -> bool:
    """Whether whoever looks misses a daemon that is not there.

    A laptop has none most of the time, so a run of the command there does not.
    """
    return standpoint is not Standpoint.RUN or environment != "local"


@dataclass(frozen=True)
class NowReader:
    """Reads the state of now of one instance.

    Attributes:
        runs: Reads its runs.
        registry: The tables.
        environment: ``local``, ``development``, ``staging`` or ``production``.
    """

    runs: RunReader
    registry: Registry
    environment: str

    def read(self, *, now: dt.datetime, thresholds: Thresholds, standpoint: Standpoint) -> tuple[NowFacts, bool]:
        """The state of now, and whether the retry sensor is at work.

        Args:
            now: What time it is, UTC.
            thresholds: How long something may be silent.
            standpoint: Who looks.
        """
        states = _by_name(self.runs.instance.all_instigator_state())
        schedule = states.get(INGEST_SCHEDULE)
        is_on = schedule is not None and schedule.is_running
        is_production = self.environment == "production"
        promised = is_on or is_production
        complete = self._complete(now.date()) if promised else None
        # In production a day is due each day: switching the schedule off and on makes no late one well.
        counts_from_switch = is_on and not (is_production and complete)
        ticking = {name: self._sensor(name, states.get(name)) for name in WATCHED_SENSORS}
        ui_url = self.runs.ui_url
        facts = NowFacts(
            runs=self.runs.unfinished(),
            complete=complete,
            promised=promised,
            promised_since=self._switched_on(schedule) if counts_from_switch else None,
            watchers=self._watchers(ticking, schedule, now=now, thresholds=thresholds, standpoint=standpoint),
            schedule=INGEST_SCHEDULE if is_production and not is_on else "",
            links=(Link("runs", f"{ui_url}/runs"),) if ui_url else (),
        )
        silent = {name for name, each in ticking.items() if is_silent(each, now=now, thresholds=thresholds)}
        retries = ticking[RETRY_SENSOR].due is not None and RETRY_SENSOR not in silent
        if standpoint is Standpoint.SENSOR and (RETRY_SENSOR not in states or ALERT_SENSOR in silent):
            # The daemon has just come, or come back: it evaluates the other sensor in a moment, unless that is off.
            retries = RETRY_SENSOR not in states or states[RETRY_SENSOR].is_running
        return facts, retries

    def _complete(self, today: dt.date) -> dt.date | None:
        """The newest day of which every critical table is there; where none is critical, every table.

        One that has no day at all is new in the registry, and counts from its first day on.
        """
        tables = [table for table in self.registry.tables if table.critical] or list(self.registry.tables)
        instance = self.runs.instance
        days = [days for table in tables if (days := instance.get_materialized_partitions(bronze_key(table)))]
        common = set.intersection(*days) if days else set()
        return max((day for key in common if (day := dt.date.fromisoformat(key)) <= today), default=None)

    def _switched_on(self, schedule: InstigatorState | None) -> dt.datetime | None:
        from dagster._core.scheduler.instigation import ScheduleInstigatorData

        data = schedule.instigator_data if schedule else None
        began = data.start_timestamp if isinstance(data, ScheduleInstigatorData) else None
        return self.runs.at(began) if began else None

    def _watchers(
        self,
        ticking: Mapping[str, Watcher],
        schedule: InstigatorState | None,
        *,
        now: dt.datetime,
        thresholds: Thresholds,
        standpoint: Standpoint,
    ) -> tuple[Watcher, ...] | None:
        """What has to tick; None where nobody can expect it to, or not yet.

        A daemon that comes back after a pause finds everything silent at first, itself included: that is judged a tick
        later.
        """
        if not misses_daemon(self.environment, standpoint):
            return None
        if standpoint is Standpoint.SENSOR and is_silent(ticking[ALERT_SENSOR], now=now, thresholds=thresholds):
            return None
        daemons = self._daemons(now, must_exist=standpoint is Standpoint.OUTSIDE)
        return (*daemons, *ticking.values(), self._schedule(schedule))

    def _daemons(self, now: dt.datetime, *, must_exist: bool) -> Sequence[Watcher]:
        instance = self.runs.instance
        beats = instance.get_daemon_heartbeats()
        found = []
        for name in instance.get_required_daemon_types():
            beat = self.runs.at(beats[name].timestamp) if name in beats else None
            if beat is not None or must_exist:
                due = beat + HEARTBEAT if beat else now - dt.timedelta(days=1)
                found.append(Watcher(name, WatcherKind.DAEMON, due, beat))
        return found

    def _sensor(self, name: str, state: InstigatorState | None) -> Watcher:
        from dagster._core.scheduler.instigation import SensorInstigatorData

        data = state.instigator_data if state else None
        if state is None or not state.is_running:
            return Watcher(name, WatcherKind.SENSOR, None)
        began = data.last_sensor_start_timestamp if isinstance(data, SensorInstigatorData) else None
        ticked = self._ticked(state)
        since = max((each for each in (ticked, self.runs.at(began) if began else None) if each), default=None)
        return Watcher(name, WatcherKind.SENSOR, since + SENSOR_INTERVAL if since else None, ticked)

    def _schedule(self, state: InstigatorState | None) -> Watcher:
        if state is None or not state.is_running:
            return Watcher(INGEST_SCHEDULE, WatcherKind.SCHEDULE, None)
        ticked = self._ticked(state)
        since = max((each for each in (ticked, self._switched_on(state)) if each), default=None)
        return Watcher(INGEST_SCHEDULE, WatcherKind.SCHEDULE, _next_start(since) if since else None, ticked)

    def _ticked(self, state: InstigatorState) -> dt.datetime | None:
        from dagster._core.scheduler.instigation import TickStatus

        # A tick that fails, or never ends, is no sign that it is at work.
        ticks = self.runs.instance.get_ticks(
            state.instigator_origin_id,
            state.selector_id,
            limit=1,
            statuses=[TickStatus.SUCCESS, TickStatus.SKIPPED],
        )
        return self.runs.at(ticks[0].timestamp) if ticks else None


def _next_start(after: dt.datetime) -> dt.datetime:
    start = dt.datetime.combine(after.date(), STARTS)
    return start if start > after else start + dt.timedelta(days=1)


def _by_name(states: Sequence[InstigatorState]) -> Mapping[str, InstigatorState]:
    """States by name; of several code locations' states under one name, the newest one that is switched on.

    What a code location left that has another name by now stays on record for ever, as switched on.
    """
    return {state.name: state for state in sorted(states, key=lambda state: (state.is_running, _began(state)))}


def _began(state: InstigatorState) -> float:
    from dagster._core.scheduler.instigation import ScheduleInstigatorData, SensorInstigatorData

    data = state.instigator_data
    if isinstance(data, SensorInstigatorData):
        return data.last_tick_timestamp or 0.0
    return (data.start_timestamp or 0.0) if isinstance(data, ScheduleInstigatorData) else 0.0
