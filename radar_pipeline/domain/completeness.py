"""Completeness: whether a snapshot can be shown to be a whole copy of its table, and why not where it cannot.

Four witnesses can show it: the server, by the attempt or the job that wrote it; the source, by its own count; the
ledger, by having judged the same copy before; and, on a day of which nobody knows anything, the files themselves.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from radar_pipeline.domain.snapshots import Folder, Snapshot, by_key
from radar_pipeline.domain.sync import Attempt, JobStatus, StreamState, SyncJob


@dataclass(frozen=True)
class Expectation:
    """What is known, from outside the bucket, about the copy that should be there.

    Attributes:
        jobs: Sync jobs of the day with their attempts, in any order.
        source_rows: Least and most rows the source held around the sync; None where it could not be asked.
        may_be_empty: Whether the registry allows the table to have no rows.
        asked: Whether Airbyte could be asked about the day. Where it could not, that no job is known says nothing.
        recorded: Rows and newest extraction time of the table's snapshots that the ledger holds as proven; None where
            it knows nothing of the day for any table, empty where it knows the day but no copy of this table.
    """

    jobs: tuple[SyncJob, ...] = ()
    source_rows: tuple[int, int] | None = None
    may_be_empty: bool = False
    asked: bool = True
    recorded: frozenset[tuple[int, dt.datetime | None]] | None = None


def joined(snapshots: Sequence[Snapshot], expected: Expectation) -> list[Snapshot]:
    """Snapshots told apart by pauses alone, made one again where only together they are a copy that is vouched for."""
    whole = Snapshot(by_key([file for each in snapshots for file in each.files]))
    if any(each.attempt is not None for each in snapshots) or len({file.sync_id for file in whole.files}) != 1:
        return list(snapshots)
    if not _is_vouched_for(whole, expected) or any(_is_vouched_for(each, expected) for each in snapshots):
        return list(snapshots)
    return [Snapshot(whole.files, job_id=snapshots[-1].job_id)]


def doubt_of(snapshot: Snapshot, snapshots: Sequence[Snapshot], folder: Folder, expected: Expectation) -> str | None:
    """Why a snapshot cannot be called complete; None where it can.

    A snapshot is complete when its attempt succeeded and the rows in the footers are the rows that the server counted;
    or, whatever became of the attempt, when the server calls the table complete or the footers hold the rows that the
    source itself counted. Where no attempt is known, see ``_doubt_without_attempt``.

    Args:
        snapshot: The snapshot in question.
        snapshots: Every snapshot of the folder, it included.
        folder: What lies in the bucket.
        expected: What is known from outside the bucket.
    """
    owner = _attempt_of(snapshot, expected.jobs)
    if owner is None:
        return _doubt_without_attempt(snapshot, snapshots, folder, expected)
    job, attempt = owner
    name = f"attempt {attempt.number + 1} of job {job.id}"
    if not attempt.status.is_final:
        return f"{name} is still writing: {snapshot.rows} rows so far"
    counted = attempt.streams.get(folder.table) if attempt.streams is not None else None
    agrees = counted is not None and counted.records == snapshot.rows
    if _source_agrees(snapshot, expected) and (counted is None or agrees):
        return None
    if attempt.streams is not None and not agrees:
        told = counted.records if counted else 0
        return f"{name} left {snapshot.rows} rows in the bucket where Airbyte counted {told}"
    if counted is not None and counted.state is StreamState.COMPLETE:
        return None
    if attempt.status is not JobStatus.SUCCEEDED:
        return f"{name} {attempt.status} and nothing shows that the table was finished: {snapshot.rows} rows"
    if folder.broken and counted is None:
        return f"{name} left a file that cannot be read, and no count says whether the others are all"
    return None


def _doubt_without_attempt(
    snapshot: Snapshot, snapshots: Sequence[Snapshot], folder: Folder, expected: Expectation
) -> str | None:
    """Why a snapshot of no known attempt cannot be called complete.

    It is complete where the source or the ledger vouches for it. Else its job must have succeeded, or nobody who was
    asked may know anything of the day; and then it must be the only one of its kind, beside no broken file.
    """
    if _is_vouched_for(snapshot, expected):
        return None
    job = next((job for job in expected.jobs if job.id == snapshot.job_id and not job.attempts), None)
    if (doubt := _doubt_by_job(snapshot, job) if job else _doubt_without_job(snapshot, folder, expected)) is not None:
        return doubt
    bursts = [each for each in snapshots if each.attempt is None and each.job_id == snapshot.job_id]
    if len(bursts) > 1:
        # A source that pauses while a large table is read looks the same as a second attempt: calling the earlier
        # burst superseded would hide half of a table.
        return (
            f"the files were written in {len(bursts)} bursts, and neither Airbyte nor the source says whether they are "
            "copies or parts of one"
        )
    if folder.broken:
        return "a file cannot be read, and no record of the day's sync says whether the others are all"
    return None


def _doubt_by_job(snapshot: Snapshot, job: SyncJob) -> str | None:
    """Why a job of which the server tells no attempts does not show its snapshot to be complete."""
    if job.status is JobStatus.SUCCEEDED:
        return None
    if not job.status.is_final:
        return f"job {job.id} is still writing: {snapshot.rows} rows so far"
    return f"job {job.id} {job.status} and nothing shows that the table was finished: {snapshot.rows} rows"


def _doubt_without_job(snapshot: Snapshot, folder: Folder, expected: Expectation) -> str | None:
    """Why a snapshot that no known job wrote is not taken at its word."""
    if expected.jobs:
        return f"{snapshot.rows} rows were written outside every known sync of {folder.day}"
    judged_before = expected.recorded is not None
    if not expected.asked:
        why = "; it was not among the copies that were proven when the day was judged before" if judged_before else ""
        return f"Airbyte could not be asked, so nothing says whether this copy of {snapshot.rows} rows is whole{why}"
    if judged_before:
        return f"the day was judged before, and this copy of {snapshot.rows} rows was not among the proven ones"
    return None


def is_recorded(snapshot: Snapshot, expected: Expectation) -> bool:
    """Whether the ledger holds this very copy as proven."""
    return (snapshot.rows, snapshot.newest) in (expected.recorded or ())


def _is_vouched_for(snapshot: Snapshot, expected: Expectation) -> bool:
    return _source_agrees(snapshot, expected) or is_recorded(snapshot, expected)


def _source_agrees(snapshot: Snapshot, expected: Expectation) -> bool:
    if expected.source_rows is None:
        return False
    least, most = expected.source_rows
    return least <= snapshot.rows <= most


def _attempt_of(snapshot: Snapshot, jobs: Sequence[SyncJob]) -> tuple[SyncJob, Attempt] | None:
    pairs = ((job, attempt) for job in jobs for attempt in job.attempts)
    return next((p for p in pairs if (p[0].id, p[1].number) == (snapshot.job_id, snapshot.attempt)), None)
