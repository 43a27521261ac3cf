"""What Dagster has on record about runs, as facts that the domain can judge.

What belongs here: reading runs, their ends and what they failed with, with few queries: ends of runs come from the
index that all runs share, and a run's own events are read only where it failed and the failure matters. What does not:
what a day's tables look like (``day_facts``), what ticks (``now_facts``), and what any of it is worth (domain).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import dagster as dg
from dagster._core.storage.tags import PARTITION_NAME_TAG, WILL_RETRY_TAG

from radar_pipeline.domain.alert import Link
from radar_pipeline.domain.diagnosis import RECORD, Cause, Diagnosis, Origin, RunFailure, diagnose
from radar_pipeline.domain.facts import RunFacts, RunState
from radar_pipeline.domain.failure import FailureClass
from radar_pipeline.domain.judgement import Check
from radar_pipeline.orchestration.catalogue.jobs import CATALOGUE_JOB, RECONCILE_JOB
from radar_pipeline.orchestration.jobs import CHECKS_TAG, INGEST_JOB
from radar_pipeline.orchestration.keys import BRONZE, CATALOGUE_KEY, DRIFT_KEY

# Of one day. A day has a handful of runs, and as many that register it; one that is run in a loop must not cost memory.
MOST_RUNS = 40

# Events of one kind that are read at a time.
PAGE = 1000

# The ends of runs, each with the name of its position.
ENDS: Mapping[dg.DagsterEventType, str] = {
    dg.DagsterEventType.RUN_FAILURE: "run_failure",
    dg.DagsterEventType.RUN_SUCCESS: "run_success",
    dg.DagsterEventType.RUN_CANCELED: "run_canceled",
}

_ENDED = {
    dg.DagsterEventType.RUN_FAILURE: RunState.FAILED,
    dg.DagsterEventType.RUN_SUCCESS: RunState.SUCCEEDED,
    dg.DagsterEventType.RUN_CANCELED: RunState.TERMINATED,
}

_STATES = {
    dg.DagsterRunStatus.SUCCESS: RunState.SUCCEEDED,
    dg.DagsterRunStatus.FAILURE: RunState.FAILED,
    dg.DagsterRunStatus.CANCELED: RunState.TERMINATED,
    dg.DagsterRunStatus.STARTED: RunState.UNDER_WAY,
    dg.DagsterRunStatus.CANCELING: RunState.UNDER_WAY,
}


@dataclass(frozen=True)
class End:
    """That a run ended, as its event says. The run's own record may lag behind it by a moment."""

    run_id: str
    state: RunState
    at: float


@dataclass(frozen=True)
class Ends:
    """Some ends of runs, and up to where they were read.

    Attributes:
        ends: The ends by run id.
        positions: Where to go on, by the name of the position.
        more: Whether there may be more.
    """

    ends: Mapping[str, End]
    positions: Mapping[str, str]
    more: bool


def read_ends(instance: dg.DagsterInstance, positions: Mapping[str, str], *, page: int = PAGE) -> Ends:
    """Reads the next ends of runs after the given positions."""
    ends: dict[str, End] = {}
    reached: dict[str, str] = {}
    more = False
    for kind, name in ENDS.items():
        found = instance.fetch_run_status_changes(kind, limit=page, cursor=positions[name], ascending=True)
        if found.records:
            reached[name] = found.cursor
        more |= len(found.records) == page
        for record in found.records:
            ends[record.event_log_entry.run_id] = End(
                record.event_log_entry.run_id, _ENDED[kind], record.event_log_entry.timestamp
            )
    return Ends(ends, reached, more)


def newest_positions(instance: dg.DagsterInstance) -> Mapping[str, str]:
    """Positions behind everything that has happened: what is past is not told again to an environment that is new."""
    return {name: instance.fetch_run_status_changes(kind, limit=1).cursor for kind, name in ENDS.items()}


@dataclass(frozen=True)
class RunReader:
    """Reads runs of one instance.

    Attributes:
        instance: The instance.
        ui_url: Where people open Dagster; empty where that is not known.
        shift: By how much the platform's clock differs from the one that Dagster records by; only tests move it.
    """

    instance: dg.DagsterInstance
    ui_url: str = ""
    shift: dt.timedelta = dt.timedelta()

    def by_id(self, ends: Mapping[str, End]) -> list[RunFacts]:
        """The runs that ended. A run that was deleted since is left out."""
        if not ends:
            return []
        records = self.instance.get_run_records(dg.RunsFilter(run_ids=list(ends)))
        return [self.facts(record, ends.get(record.dagster_run.run_id)) for record in records]

    def of_day(self, day: dt.date, ends: Mapping[str, End]) -> tuple[RunFacts, ...]:
        """The newest runs of a day that ingest, newest first, whatever started them."""
        wanted = dg.RunsFilter(tags={PARTITION_NAME_TAG: day.isoformat()})
        records = self.instance.get_run_records(wanted, limit=MOST_RUNS)
        runs = [self.facts(record, ends.get(record.dagster_run.run_id)) for record in records]
        return tuple(run for run in runs if run.ingests)

    def unfinished(self) -> tuple[RunFacts, ...]:
        """Every run that waits or is under way."""
        statuses = [status for status in dg.DagsterRunStatus if status not in _FINISHED]
        records = self.instance.get_run_records(dg.RunsFilter(statuses=statuses), limit=PAGE)
        return tuple(self.facts(record) for record in records)

    def facts(self, record: dg.RunRecord, end: End | None = None) -> RunFacts:
        """One run, without what it failed with."""
        run = record.dagster_run
        state = end.state if end else _STATES.get(run.status, RunState.WAITING)
        ended = end.at if end else record.end_time
        url = f"{self.ui_url}/runs/{run.run_id}" if self.ui_url else ""
        return RunFacts(
            id=run.run_id,
            job=_JOBS.get(frozenset(run.asset_selection or ()), run.job_name),
            state=state,
            created=self.at(record.create_timestamp.timestamp()),
            started=self.at(record.start_time) if record.start_time else None,
            ended=self.at(ended) if ended and state.is_final else None,
            day=_day(run),
            is_bronze=is_bronze(run),
            ingests=ingests(run),
            # Dagster marks a run of this process too, but runs again only what it launched itself.
            runs_again=run.tags.get(WILL_RETRY_TAG) == "true" and run.remote_job_origin is not None,
            links=(Link("run", url),) if url else (),
        )

    def with_failure(self, run: RunFacts) -> RunFacts:
        """The run with what it failed with, where it failed."""
        if run.state is not RunState.FAILED:
            return run
        return replace(run, failure=failure_of(self.instance, run.id))

    def at(self, timestamp: float) -> dt.datetime:
        """A moment that Dagster recorded, on the platform's clock."""
        return dt.datetime.fromtimestamp(timestamp, dt.UTC) + self.shift


# What the UI starts from the page of one of these assets has no job of its own.
_JOBS = {frozenset({CATALOGUE_KEY}): CATALOGUE_JOB, frozenset({DRIFT_KEY}): RECONCILE_JOB}

_FINISHED = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}


def is_bronze(run: dg.DagsterRun) -> bool:
    """Whether a run is about bronze tables: the daily job, or whatever somebody chose of it in the UI.

    The checks of the catalogue are of bronze tables too, and say nothing about whether those are there.
    """
    if run.job_name in {INGEST_JOB, CATALOGUE_JOB}:
        return run.job_name == INGEST_JOB
    own = [key.asset_key for key in run.asset_check_selection or () if key.name in set(Check)]
    return any(key.path[0] == BRONZE for key in [*(run.asset_selection or ()), *own])


def ingests(run: dg.DagsterRun) -> bool:
    """Whether a run lands tables in bronze: it is about bronze tables, and not about checks alone.

    Of a run that a process executes itself (`radar accept`) Dagster does not record what was selected; its tag says it.
    """
    return is_bronze(run) and not is_checks_alone(run)


def is_checks_alone(run: dg.DagsterRun) -> bool:
    """Whether a run evaluates checks and lands or registers nothing, whatever the name of its job."""
    return CHECKS_TAG in run.tags or (bool(run.asset_check_selection) and not run.asset_selection)


def _day(run: dg.DagsterRun) -> dt.date | None:
    try:
        return dt.date.fromisoformat(run.tags.get(PARTITION_NAME_TAG, ""))
    except ValueError:
        return None


def failure_of(instance: dg.DagsterInstance, run_id: str) -> RunFailure:
    """What a failed run left on record, or what its last words say where it left nothing."""
    kinds = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}
    records = instance.get_records_for_run(run_id, of_type=kinds).records
    events = [event for record in records if (event := record.event_log_entry.dagster_event)]
    steps = [event.step_failure_data for event in events if event.is_step_failure]
    for step in steps:
        metadata = step.user_failure_data.metadata if step.user_failure_data else {}
        recorded = metadata[RECORD].value if RECORD in metadata else None
        if isinstance(recorded, Mapping):
            return RunFailure.parse(recorded)
    for step in steps:
        described = step.user_failure_data.description if step.user_failure_data else None
        error = step.error.cause or step.error if step.error else None
        return RunFailure(diagnose(described or (error.message.strip() if error else "")))
    return RunFailure(_crash([event.message or "" for event in events]))


def _crash(words: Sequence[str]) -> Diagnosis:
    """What is behind a run that ended although none of its steps failed: its process or worker is gone."""
    said = next((line for text in words for line in text.splitlines() if line.strip()), "")
    found = diagnose(said, origin=Origin.PLATFORM)
    if found.cause is not Cause.UNKNOWN:
        return found
    return Diagnosis(
        Cause.WORKER_LOST,
        FailureClass.TRANSIENT,
        f"The run's process or its worker is gone: {said}" if said else "The run's process or its worker is gone.",
        "A sync that it started goes on in Airbyte, and the next run of the day follows it. If it happens again, look "
        "at the worker's memory and at evictions.",
    )
