"""One round of alerting: what happened and what the state of now is, judged, recorded and delivered.

The sensor, ``radar run`` and ``radar alerts watch`` all call ``Alerting.tick``. It may be killed anywhere: what was
read is behind the position only once its alerts are recorded, in the same transaction, and what is recorded is
delivered by the next round.

What belongs here: the order in which things are done. What does not: reading (``run_facts``, ``day_facts``,
``now_facts``), deciding (domain) and sending (alerts).
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from radar_pipeline.domain.alert import Alert, Link
from radar_pipeline.domain.facts import RunFacts, RunState, Watched, last_run
from radar_pipeline.domain.lateness import watch_now
from radar_pipeline.domain.retrying import RetryVerdict, judge_retry
from radar_pipeline.domain.watchers import is_silent
from radar_pipeline.domain.watching import watch_day, watch_job
from radar_pipeline.orchestration.day_facts import DayReader
from radar_pipeline.orchestration.dead_runs import end_dead_runs
from radar_pipeline.orchestration.now_facts import NowReader, Standpoint, misses_daemon
from radar_pipeline.orchestration.office import Office, open_office
from radar_pipeline.orchestration.run_facts import ENDS, End, RunReader, newest_positions, read_ends
from radar_pipeline.orchestration.systems import utc_now
from radar_pipeline.settings import Settings
from radar_pipeline.tables.model import Registry

if TYPE_CHECKING:
    from radar_pipeline.alerts.centre import DeliveryReport

# How long one round reads events; what is left is read by the next. Dagster gives a sensor's tick 180 seconds, of which
# delivery takes up to 30.
READING_SECONDS = 20.0

# Name of the position that holds the result with which the newest day was told to be complete.
TOLD = "day_complete"


@dataclass(frozen=True)
class TickReport:
    """What one round did.

    Attributes:
        ends: How many ends of runs were read.
        raised: How many alerts were raised.
        resolved: How many alerts ended.
        delivery: What became of the messages.
        positions: Up to where events are read.
        more: Whether events were left for the next round.
    """

    ends: int
    raised: int
    resolved: int
    delivery: DeliveryReport
    positions: Mapping[str, str]
    more: bool = False

    @property
    def words(self) -> str:
        """The round in one sentence."""
        parts = [f"{self.ends:,} ends of runs", f"{self.raised} alerts raised", f"{self.resolved} ended"]
        parts += [f"{number} delivered to {channel}" for channel, number in sorted(self.delivery.delivered.items())]
        parts += [f"{number} wait for {channel}" for channel, number in sorted(self.delivery.waiting.items()) if number]
        parts += [f"{number} dead for {channel}" for channel, number in sorted(self.delivery.dead.items()) if number]
        parts += [f"{channel}: {problem}" for channel, problem in sorted(self.delivery.problems.items())]
        if self.delivery.busy:
            parts.append("another process is delivering")
        if self.more:
            parts.append("more events wait")
        return "; ".join(parts)


@dataclass(frozen=True)
class Alerting:
    """Alerting of one environment.

    Attributes:
        settings: The environment.
        registry: The tables.
        clock: What time it is, UTC.
        shift: By how much the clock differs from the one that Dagster records by. Only tests move it.
    """

    settings: Settings
    registry: Registry
    clock: Callable[[], dt.datetime] = utc_now
    shift: dt.timedelta = dt.timedelta()

    @contextmanager
    def office(self, instance: dg.DagsterInstance) -> Iterator[Office]:
        """The alerts of the environment, open for the block."""
        office = open_office(self.settings, Path(instance.root_directory))
        with closing(office.centre):
            yield office

    def begin(self, instance: dg.DagsterInstance) -> None:
        """Notes where events begin, where an environment has no alerts yet: what is past is not told to it."""
        with self.office(instance) as office:
            self._positions(instance, office)

    def _positions(self, instance: dg.DagsterInstance, office: Office) -> Mapping[str, str]:
        """Up to where events are read; where nothing was ever read, up to now."""
        known = {name: office.centre.position(name) for name in ENDS.values()}
        if all(known.values()):
            return {name: position for name, position in known.items() if position}
        newest = newest_positions(instance)
        positions = {name: position or newest[name] for name, position in known.items()}
        office.centre.record((), (), now=self.clock(), positions=positions)
        return positions

    def tick(
        self, instance: dg.DagsterInstance, *, standpoint: Standpoint, seconds: float = READING_SECONDS
    ) -> TickReport:
        """One round: reads events, judges them and the state of now, records, delivers."""
        # A run whose process died without a word has not ended for anybody until somebody says so.
        end_dead_runs(instance)
        with self.office(instance) as office:
            return self._tick(instance, office, standpoint, seconds)

    def _tick(self, instance: dg.DagsterInstance, office: Office, standpoint: Standpoint, seconds: float) -> TickReport:
        positions = dict(self._positions(instance, office))
        facts, retries = self._now_reader(instance).read(
            now=self.clock(), thresholds=office.thresholds, standpoint=standpoint
        )
        until = time.monotonic() + seconds
        ends, watched, more = 0, Watched(), True
        while more:
            batch = read_ends(instance, positions)
            more = batch.more
            if batch.ends:
                told = self._judge_ends(instance, office, batch.ends, batch.positions, retries=retries)
                watched, ends = watched + told, ends + len(batch.ends)
                positions |= batch.positions
            if time.monotonic() >= until:
                break
        now = self.clock()
        state = watch_now(facts, now=now, thresholds=office.thresholds, opened=_opened(office))
        if state.raised or state.resolved:
            office.centre.record(state.raised, state.resolved, now=now)
        watched += state
        delivery = office.centre.deliver(now=self.clock())
        raised = len({alert.fingerprint for alert in watched.raised})
        return TickReport(ends, raised, len(watched.resolved), delivery, positions, more)

    def _judge_ends(
        self,
        instance: dg.DagsterInstance,
        office: Office,
        ends: Mapping[str, End],
        positions: Mapping[str, str],
        *,
        retries: bool,
    ) -> Watched:
        """Judges what ended, and records it together with the positions behind it."""
        reader = self._run_reader(instance)
        days = DayReader(reader, self.registry)
        now, opened = self.clock(), dict(_opened(office))
        told = office.centre.position(TOLD)
        watched = Watched()
        touched, others = _sorted_out(reader.by_id(ends), days)
        for day in sorted(touched):
            known = told.partition(" ")[2] if told and told.startswith(f"{day} ") else None
            facts = days.read(day, ends)
            verdict = watch_day(
                facts, now=now, thresholds=office.thresholds, opened=opened, retries=retries, told=known
            )
            watched += verdict
            # A later day that is well ends what an earlier one of the same round raises.
            opened |= {alert.fingerprint: alert for alert in verdict.raised}
        for run in others:
            watched += watch_job(reader.with_failure(run), opened=opened)
        results = [f"{day} {result}" for day, result in sorted(watched.results.items())]
        marks = {**positions, **({TOLD: results[-1]} if results else {})}
        office.centre.record(watched.raised, watched.resolved, now=now, positions=marks)
        return watched

    def stand_in(self, instance: dg.DagsterInstance) -> TickReport | None:
        """One round in the place of a sensor or daemon that should be at work and is not; None where they are."""
        if not misses_daemon(self.settings.environment, Standpoint.RUN):
            return None
        with self.office(instance) as office:
            now, thresholds = self.clock(), office.thresholds
            facts, _ = self._now_reader(instance).read(now=now, thresholds=thresholds, standpoint=Standpoint.RUN)
        if not any(is_silent(watcher, now=now, thresholds=thresholds) for watcher in facts.watchers or ()):
            return None
        return self.tick(instance, standpoint=Standpoint.RUN)

    def judge_today(self, instance: dg.DagsterInstance) -> tuple[dt.date, RetryVerdict]:
        """Today, and whether it is to be run again."""
        end_dead_runs(instance)
        reader, now = self._run_reader(instance), self.clock()
        runs = reader.of_day(now.date(), {})
        last = last_run(runs)
        runs = tuple(reader.with_failure(run) if run is last else run for run in runs)
        with self.office(instance) as office:
            return now.date(), judge_retry(now.date(), runs, now=now, thresholds=office.thresholds)

    def is_accepted(self, instance: dg.DagsterInstance, day: dt.date) -> bool:
        """Whether every table of a day is recorded as there and accepted."""
        return DayReader(self._run_reader(instance), self.registry).is_accepted(day)

    def links_of_run(self, run_id: str) -> tuple[Link, ...]:
        """Where a person sees a run; empty where the UI's address is not known."""
        url = str(self.settings.dagster_ui_url).rstrip("/") if self.settings.dagster_ui_url else ""
        return (Link("run", f"{url}/runs/{run_id}"),) if url else ()

    def _run_reader(self, instance: dg.DagsterInstance) -> RunReader:
        url = str(self.settings.dagster_ui_url).rstrip("/") if self.settings.dagster_ui_url else ""
        return RunReader(instance, url, self.shift)

    def _now_reader(self, instance: dg.DagsterInstance) -> NowReader:
        return NowReader(self._run_reader(instance), self.registry, self.settings.environment)


def _sorted_out(runs: list[RunFacts], days: DayReader) -> tuple[set[dt.date], list[RunFacts]]:
    """The days of bronze that runs were about, and of each other subject the run that ended last.

    What failed to land a day is told of its day; what landed one ends what is told of checks alone.
    """
    touched: set[dt.date] = set()
    others: dict[str, RunFacts] = {}
    for run in runs:
        if run.is_bronze and run.day:
            touched.add(run.day)
        elif run.is_bronze and run.state is RunState.SUCCEEDED:
            touched |= days.days_of_checks(run.id)
        newest = others.get(run.subject)
        counts = run.state is RunState.SUCCEEDED or not (run.ingests and run.day)
        if counts and (newest is None or _ended(run) >= _ended(newest)):
            others[run.subject] = run
    return touched, list(others.values())


def _ended(run: RunFacts) -> dt.datetime:
    return run.ended or run.created


def _opened(office: Office) -> Mapping[str, Alert]:
    return {alert.fingerprint: alert for alert in office.centre.open_alerts()}
