"""Syncs of one Airbyte connection: what the server reports, and whether a new one may be started.

Airbyte is the ledger of syncs: nothing here is remembered by the platform, so a process killed at any point finds the
same answer again. Field meanings: Airbyte Configuration API (``JobRead``, ``AttemptRead``) and public API
(``JobResponse``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class JobStatus(StrEnum):
    """Job status on the wire. ``incomplete`` means that an attempt failed and another follows: it is never final."""

    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    INCOMPLETE = "incomplete"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        """Whether the server will not change this status any more. A status nobody knows yet is not final."""
        return self in {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED}


class JobKind(StrEnum):
    """What a job does. Anything but ``sync`` changes or empties the destination and must be waited for."""

    SYNC = "sync"
    RESET = "reset"
    CLEAR = "clear"
    REFRESH = "refresh"
    OTHER = "other"


class StreamState(StrEnum):
    """Outcome of one table in one attempt, where the server tells it (stream statuses, server 0.44.3 and later)."""

    UNKNOWN = "unknown"
    RUNNING = "running"
    COMPLETE = "complete"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True)
class StreamCount:
    """What the server counted for one table in one attempt.

    Attributes:
        records: Rows committed at the destination, or emitted by the source where no more is known.
        bytes: Bytes in the server's own reckoning, not the size of files; None where not told.
        state: Outcome of the table, where the server tells it.
    """

    records: int
    bytes: int | None = None
    state: StreamState = StreamState.UNKNOWN


@dataclass(frozen=True)
class Attempt:
    """One attempt of a job.

    Attributes:
        number: 0-based attempt number.
        status: ``running``, ``succeeded`` or ``failed``.
        created_at: When the attempt began, UTC.
        ended_at: When it ended, UTC; None while it runs.
        streams: Counts by table; None where the server gives no counts by table, an empty mapping where it gives
            them and there are none.
        total_records: Rows over all tables; None where not told.
        failure: The server's words on why the attempt failed, shortened; None where it did not or does not say.
        table_failures: Its words on each table that one of the attempt's failures names, shortened.
    """

    number: int
    status: JobStatus
    created_at: dt.datetime
    ended_at: dt.datetime | None = None
    streams: Mapping[str, StreamCount] | None = None
    total_records: int | None = None
    failure: str | None = None
    table_failures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SyncJob:
    """One job of the connection as the server reports it.

    Attributes:
        id: The server's job id.
        kind: What it does.
        status: Its status.
        created_at: When it was created, UTC.
        updated_at: When the server last changed it, UTC.
        attempts: Attempts in ascending order; empty where the server gives none (lists, public API).
    """

    id: int
    kind: JobKind
    status: JobStatus
    created_at: dt.datetime
    updated_at: dt.datetime
    attempts: tuple[Attempt, ...] = field(default=())

    @property
    def last_attempt(self) -> Attempt | None:
        """The newest attempt, or None."""
        return self.attempts[-1] if self.attempts else None

    @property
    def failure(self) -> str | None:
        """The newest reason for failure that any attempt names."""
        return next((a.failure for a in reversed(self.attempts) if a.failure), None)

    def failure_of(self, table: str) -> str | None:
        """The newest reason for failure that is about a table; where none is, the newest of any."""
        told = (attempt.table_failures.get(table) for attempt in reversed(self.attempts))
        return next((words for words in told if words), self.failure)


class SyncAction(StrEnum):
    """What to do about the day's sync."""

    START = "start"
    ATTACH = "attach"
    REUSE = "reuse"
    WAIT = "wait"


@dataclass(frozen=True)
class SyncDecision:
    """What to do about the day's sync, and why.

    Attributes:
        action: ``start`` a new sync, ``attach`` to a running one, ``reuse`` a succeeded one, or ``wait`` for a job
            that is no sync of this day and decide again.
        job: The job that the action is about; None for ``start``.
        reason: One sentence for the log.
    """

    action: SyncAction
    job: SyncJob | None
    reason: str


def syncs_of_day(jobs: Iterable[SyncJob], day: dt.date) -> tuple[SyncJob, ...]:
    """The sync jobs created on a UTC day, newest first."""
    mine = (job for job in jobs if job.kind is JobKind.SYNC and job.created_at.astimezone(dt.UTC).date() == day)
    return tuple(sorted(mine, key=lambda job: (job.created_at, job.id), reverse=True))


def decide_sync(
    jobs: Sequence[SyncJob], day: dt.date, *, proven: bool, forced_at: dt.datetime | None = None
) -> SyncDecision:
    """Decides how the day's data comes to be: by a new sync, a running one or one that already succeeded.

    Args:
        jobs: The connection's recent jobs of every kind, in any order.
        day: The partition's UTC day.
        proven: Whether the newest succeeded sync of the day is proven by what lies in the bucket.
        forced_at: When a person asked for a new sync although the day is proven; None where nobody did. A sync
            created since then is the one that was asked for, so a run that is killed and repeated starts no third. A
            running sync is attached to in any case: two syncs of one connection cannot run at once.
    """
    active = [job for job in jobs if not job.status.is_final]
    other = next((job for job in active if job.kind is not JobKind.SYNC), None)
    if other:
        return SyncDecision(SyncAction.WAIT, other, f"{other.kind} job {other.id} is {other.status}: a sync must wait")
    running = max(active, key=lambda job: (job.created_at, job.id), default=None)
    if running and running.created_at.astimezone(dt.UTC).date() != day:
        reason = f"sync job {running.id} of another day is still {running.status}: its rows land under its own day"
        return SyncDecision(SyncAction.WAIT, running, reason)
    if running:
        return SyncDecision(SyncAction.ATTACH, running, f"sync job {running.id} is {running.status}: following it")
    done = next((job for job in syncs_of_day(jobs, day) if job.status is JobStatus.SUCCEEDED), None)
    # Servers cut a creation time to whole seconds: a sync started at once would look older than the request for it.
    is_asked_for = forced_at is not None and (done is None or done.created_at < forced_at.replace(microsecond=0))
    if done and proven and not is_asked_for:
        reason = f"sync job {done.id} of {day} succeeded and all it could bring is proven in the bucket: no second sync"
        return SyncDecision(SyncAction.REUSE, done, reason)
    if is_asked_for:
        return SyncDecision(SyncAction.START, None, "a new sync was asked for")
    if done:
        return SyncDecision(
            SyncAction.START, None, f"sync job {done.id} succeeded but not all of its data is in the bucket"
        )
    return SyncDecision(SyncAction.START, None, f"no sync of {day} has succeeded yet")
