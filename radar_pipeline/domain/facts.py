"""What alerts and retries are decided from: a run, a day, the state of now; values without an opinion.

What belongs here: the shape of what was found out, and what follows from it without any threshold. What does not:
finding it out (orchestration) and what it is worth (``watching``, ``lateness``, ``watchers``, ``retrying``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from radar_pipeline.domain.alert import Alert, Link, Resolution
from radar_pipeline.domain.diagnosis import RunFailure
from radar_pipeline.domain.judgement import Check


class RunState(StrEnum):
    """How far a run is."""

    WAITING = "waiting"
    UNDER_WAY = "under way"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TERMINATED = "terminated"

    @property
    def is_final(self) -> bool:
        """Whether the run has ended."""
        return self in {RunState.SUCCEEDED, RunState.FAILED, RunState.TERMINATED}


@dataclass(frozen=True)
class RunFacts:
    """One run.

    Attributes:
        id: Its id.
        job: Name of its job.
        state: How far it is.
        created: When it was asked for, UTC.
        started: When its work began, UTC; None where it has not.
        ended: When it ended, UTC; None where it has not.
        day: The partition; None where it has none.
        is_bronze: Whether it is about tables of bronze; False for other jobs.
        ingests: Whether it lands tables in bronze; False for checks alone and for other jobs.
        failure: What it failed with; None where it did not fail, or nothing was read about it.
        runs_again: Whether Dagster itself runs it again, because its worker crashed.
        links: Where a person sees it.
    """

    id: str
    job: str
    state: RunState
    created: dt.datetime
    started: dt.datetime | None = None
    ended: dt.datetime | None = None
    day: dt.date | None = None
    is_bronze: bool = True
    ingests: bool = True
    failure: RunFailure | None = None
    runs_again: bool = False
    links: tuple[Link, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it took; 0 where it has not ended or never began."""
        return (self.ended - self.started).total_seconds() if self.ended and self.started else 0.0

    @property
    def subject(self) -> str:
        """What is told of it where it is not told of its day: checks of bronze are run by more than one job."""
        return "checks of bronze" if self.is_bronze else self.job


def last_run(runs: Iterable[RunFacts]) -> RunFacts | None:
    """The run that ended last; None where none has."""
    ended = [run for run in runs if run.state.is_final and run.ended]
    return max(ended, key=lambda run: run.ended or run.created, default=None)


@dataclass(frozen=True)
class Problem:
    """One check of one table that does not hold.

    Attributes:
        check: Which.
        reason: Why, for a person.
        is_error: Whether it was recorded with severity ERROR.
    """

    check: Check
    reason: str
    is_error: bool


@dataclass(frozen=True)
class TableFacts:
    """One table's day as it was recorded last.

    Attributes:
        name: Table name.
        critical: Whether it is critical.
        owner: Who answers for it.
        area: Its business area.
        url: Its page in the Dagster UI; empty where that is not known.
        landed: Whether its data is there; None where nothing was recorded.
        accepted: Whether every check of it holds.
        problems: The checks that do not hold.
        rows_found: Rows that are there; None where that is not known.
        rows_expected: Least and most rows that would have been right; None where nothing says.
    """

    name: str
    critical: bool = False
    owner: str = ""
    area: str = ""
    url: str = ""
    landed: bool | None = None
    accepted: bool = False
    problems: tuple[Problem, ...] = ()
    rows_found: int | None = None
    rows_expected: tuple[int, int] | None = None


@dataclass(frozen=True)
class DayNumbers:
    """A day in figures.

    Attributes:
        tables: How many tables are there.
        rows: Rows of all of them.
        bytes: Bytes as stored.
        seconds: How long the run took that landed them; None where that is not known.
        airbyte_job: Id of the newest sync job that wrote them; None where none is known.
    """

    tables: int
    rows: int
    bytes: int
    seconds: float | None = None
    airbyte_job: int | None = None

    @property
    def result(self) -> str:
        """What tells one result of a day from another: the same text means that nothing changed."""
        return f"{self.tables}/{self.rows}/{self.bytes}/{self.airbyte_job}"


@dataclass(frozen=True)
class DayFacts:
    """One day of bronze as far as it is recorded.

    Attributes:
        day: The partition.
        runs: The newest runs of the day that ingest, newest first.
        tables: Every table of the registry.
        judged: When a check of the day was evaluated last, UTC; None where none was.
        ended: Ids of the runs of the day whose end is news.
        numbers: The day in figures, read only where every table is accepted.
        yesterday: The day before in figures; None where it is not there.
        links: Where a person sees what belongs to the day beside its runs, such as the Airbyte job.
    """

    day: dt.date
    runs: tuple[RunFacts, ...]
    tables: tuple[TableFacts, ...]
    judged: dt.datetime | None = None
    ended: frozenset[str] = frozenset()
    numbers: DayNumbers | None = None
    yesterday: DayNumbers | None = None
    links: tuple[Link, ...] = ()

    @property
    def last(self) -> RunFacts | None:
        """The run that ended last; None where none has."""
        return last_run(self.runs)

    @property
    def is_accepted(self) -> bool:
        """Whether every table is there and accepted."""
        return bool(self.tables) and all(table.accepted for table in self.tables)


class WatcherKind(StrEnum):
    """What kind of thing has to tick."""

    DAEMON = "daemon"
    SCHEDULE = "schedule"
    SENSOR = "sensor"


@dataclass(frozen=True)
class Watcher:
    """Something that has to tick for all this to work.

    Attributes:
        name: Its name.
        kind: What it is.
        due: By when, UTC, it should have ticked; None where it is switched off.
        ticked: When it ticked last, UTC; None where it never did.
    """

    name: str
    kind: WatcherKind
    due: dt.datetime | None
    ticked: dt.datetime | None = None


@dataclass(frozen=True)
class NowFacts:
    """The state of now.

    Attributes:
        runs: Runs that wait or are under way.
        complete: The newest day of which every critical table is there; None where none is.
        promised: Whether somebody relies on a new day each day: in production, and wherever the schedule is on.
        promised_since: When the schedule was switched on, UTC; None where that is not known or makes no difference.
        watchers: What has to tick; None where this is no moment to judge it.
        schedule: Name of the daily schedule where it is off and should not be; empty otherwise.
        links: Where a person sees what is going on.
    """

    runs: tuple[RunFacts, ...] = ()
    complete: dt.date | None = None
    promised: bool = False
    promised_since: dt.datetime | None = None
    watchers: tuple[Watcher, ...] | None = ()
    schedule: str = ""
    links: tuple[Link, ...] = ()


@dataclass(frozen=True)
class Watched:
    """What is to be told.

    Attributes:
        raised: Alerts.
        resolved: Alerts whose cause is gone.
        results: The result of each day that is told to be complete, so that it is told once.
    """

    raised: tuple[Alert, ...] = ()
    resolved: tuple[Resolution, ...] = ()
    results: Mapping[dt.date, str] = field(default_factory=lambda: MappingProxyType({}))

    def __add__(self, other: Watched) -> Watched:
        """Both together."""
        return Watched(
            (*self.raised, *other.raised), (*self.resolved, *other.resolved), {**self.results, **other.results}
        )
