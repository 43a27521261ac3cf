"""Landing: whether a day of a table is in the bucket, and which of its copies stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from radar_pipeline.domain.snapshots import BrokenFile, DataFile, Folder, Snapshot, by_key, split_attempts
from radar_pipeline.domain.sync import Attempt, JobStatus, StreamState, SyncJob, syncs_of_day


class Landing(StrEnum):
    """Whether a table's day is in the bucket."""

    LANDED = "landed"
    EMPTY = "empty"
    MISSING = "missing"
    INCOMPLETE = "incomplete"
    BROKEN = "broken"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class LandingVerdict:
    """What is true of one table and one day.

    Attributes:
        table: Table name.
        landing: The state.
        snapshot: The copy that stands; with no files for ``empty``; None where none stands.
        superseded: Files that are not of the standing copy and must leave the folder for the quarantine.
        reasons: Why, in sentences for a person.
    """

    table: str
    landing: Landing
    snapshot: Snapshot | None
    superseded: tuple[DataFile | BrokenFile, ...]
    reasons: tuple[str, ...]

    @property
    def is_proven(self) -> bool:
        """Whether the day's data is there: the only thing that makes an asset green."""
        return self.landing in {Landing.LANDED, Landing.EMPTY}


@dataclass(frozen=True)
class Expectation:
    """What is known, from outside the bucket, about the copy that should be there.

    Attributes:
        jobs: Sync jobs of the day with their attempts, in any order.
        source_rows: Least and most rows the source held around the sync; None where it could not be asked.
        may_be_empty: Whether the registry allows the table to have no rows.
    """

    jobs: tuple[SyncJob, ...] = ()
    source_rows: tuple[int, int] | None = None
    may_be_empty: bool = False


def judge_landing(folder: Folder, expected: Expectation) -> LandingVerdict:
    """Decides which copy of a table stands for the day, if any.

    The newest complete snapshot stands. A snapshot is complete when its attempt succeeded and the rows in the footers
    are the rows that the server counted; or, whatever became of the attempt, when the server calls the table complete
    or the footers hold the rows that the source itself counted. What cannot be shown to be complete does not stand.
    """
    if folder.error:
        return LandingVerdict(folder.table, Landing.UNREADABLE, None, (), (folder.error,))
    snapshots = [each for each in split_attempts(folder.files, expected.jobs) if each.rows]
    snapshots = _joined_by_source(snapshots, expected)
    doubts: list[str] = []
    for snapshot in reversed(snapshots):
        doubt = _doubt(snapshot, snapshots, folder, expected)
        if doubt is None:
            superseded = _superseded(snapshot, snapshots, folder, expected)
            reasons = (_standing_reason(snapshot, superseded), *doubts)
            return LandingVerdict(folder.table, Landing.LANDED, snapshot, superseded, reasons)
        doubts.append(doubt)
    if folder.broken:
        problems = tuple(f"{file.key}: {file.problem}" for file in folder.broken)
        return LandingVerdict(folder.table, Landing.BROKEN, None, (), (*problems, *doubts))
    if doubts:
        reasons = (doubts[0], *_cause(folder, expected), *_older(snapshots[:-1]))
        return LandingVerdict(folder.table, Landing.INCOMPLETE, None, (), reasons)
    return _judge_nothing(folder, expected)


def _cause(folder: Folder, expected: Expectation) -> tuple[str, ...]:
    """What the newest sync of the day failed with, where it did, in the server's words."""
    newest = next(iter(syncs_of_day(expected.jobs, folder.day)), None)
    if newest is None or newest.status is JobStatus.SUCCEEDED or not newest.status.is_final:
        return ()
    return (f"sync job {newest.id} {newest.status}: {newest.failure or 'no reason given'}",)


def _older(snapshots: Sequence[Snapshot]) -> tuple[str, ...]:
    if not snapshots:
        return ()
    rows = ", ".join(str(snapshot.rows) for snapshot in reversed(snapshots))
    noun, verb = ("copy", "is") if len(snapshots) == 1 else ("copies", "are")
    return (f"{len(snapshots)} older {noun} of {rows} rows {verb} not shown to be complete either",)


def _joined_by_source(snapshots: Sequence[Snapshot], expected: Expectation) -> list[Snapshot]:
    """Snapshots told apart by pauses alone, made one again where only together they hold the source's rows."""
    bursts = [each for each in snapshots if each.attempt is None]
    whole = Snapshot(by_key([file for burst in bursts for file in burst.files]))
    if len(bursts) < len(snapshots) or len({each.job_id for each in bursts}) != 1:
        return list(snapshots)
    if not _source_agrees(whole, expected) or any(_source_agrees(each, expected) for each in bursts):
        return list(snapshots)
    return [Snapshot(whole.files, job_id=bursts[0].job_id)]


def _doubt(snapshot: Snapshot, snapshots: Sequence[Snapshot], folder: Folder, expected: Expectation) -> str | None:
    """Why a snapshot cannot be called complete; None where it can."""
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
    if _source_agrees(snapshot, expected):
        return None
    if any(job.attempts for job in expected.jobs):
        return f"{snapshot.rows} rows were written outside every known sync of {folder.day}"
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


def _source_agrees(snapshot: Snapshot, expected: Expectation) -> bool:
    if expected.source_rows is None:
        return False
    least, most = expected.source_rows
    return least <= snapshot.rows <= most


def _attempt_of(snapshot: Snapshot, jobs: Sequence[SyncJob]) -> tuple[SyncJob, Attempt] | None:
    pairs = ((job, attempt) for job in jobs for attempt in job.attempts)
    return next((p for p in pairs if (p[0].id, p[1].number) == (snapshot.job_id, snapshot.attempt)), None)


def _superseded(
    standing: Snapshot, snapshots: Sequence[Snapshot], folder: Folder, expected: Expectation
) -> tuple[DataFile | BrokenFile, ...]:
    """Files to move away: whatever is not of the standing copy, except what a running job may still be writing."""
    if any(not job.status.is_final for job in expected.jobs):
        finished = {(j.id, a.number) for j in expected.jobs if j.status.is_final for a in j.attempts}
        others = [each for each in snapshots if (each.job_id, each.attempt) in finished]
        return tuple(file for other in others if other is not standing for file in other.files)
    rest = tuple(file for other in snapshots if other is not standing for file in other.files)
    return (*rest, *folder.broken)


def _standing_reason(snapshot: Snapshot, superseded: Sequence[DataFile | BrokenFile]) -> str:
    by = f"job {snapshot.job_id}" if snapshot.job_id is not None else "a sync that Airbyte does not list for the day"
    if snapshot.attempt is not None:
        by += f", attempt {snapshot.attempt + 1}"
    tail = f"; {len(superseded)} files of other attempts are superseded" if superseded else ""
    return f"{snapshot.rows} rows in {len(snapshot.files)} files of {by}{tail}"


def _judge_nothing(folder: Folder, expected: Expectation) -> LandingVerdict:
    """Judges a day without a single row: empty as the table may be, or missing."""

    def verdict(landing: Landing, reason: str) -> LandingVerdict:
        standing = Snapshot(()) if landing is Landing.EMPTY else None
        return LandingVerdict(folder.table, landing, standing, (), (reason, folder.note) if folder.note else (reason,))

    done = next((job for job in syncs_of_day(expected.jobs, folder.day) if job.status is JobStatus.SUCCEEDED), None)
    if done is None:
        if expected.may_be_empty and (told := _told_empty(folder, expected)):
            return verdict(Landing.EMPTY, f"{told}, as the registry allows for this table")
        ran = syncs_of_day(expected.jobs, folder.day)
        why = next(iter(_cause(folder, expected)), "its sync has not ended" if ran else "no sync ran")
        return verdict(Landing.MISSING, f"nothing lies in the bucket for {folder.day}; {why}")
    streams = done.last_attempt.streams if done.last_attempt else None
    counted = streams[folder.table].records if streams and folder.table in streams else 0
    if counted:
        return verdict(Landing.MISSING, f"job {done.id} counted {counted} rows, the bucket holds none")
    if expected.source_rows and expected.source_rows[0] > 0:
        least, most = expected.source_rows
        held = f"{least}" if least == most else f"{least} to {most}"
        return verdict(Landing.MISSING, f"job {done.id} succeeded without a row; the source holds {held}")
    if expected.may_be_empty:
        return verdict(Landing.EMPTY, f"job {done.id} found no rows, as the registry allows for this table")
    return verdict(Landing.MISSING, f"job {done.id} succeeded, but no file of the table lies in the bucket")


def _told_empty(folder: Folder, expected: Expectation) -> str | None:
    """Who says that a table had no rows although no sync of the day succeeded; None where nobody does."""
    newest = next(iter(syncs_of_day(expected.jobs, folder.day)), None)
    if newest is None or not newest.status.is_final:
        return None
    streams = newest.last_attempt.streams if newest.last_attempt else None
    counted = streams.get(folder.table) if streams else None
    if counted and counted.state is StreamState.COMPLETE and not counted.records:
        return f"job {newest.id} {newest.status}, but read this table to its end and found no rows"
    if expected.source_rows == (0, 0):
        return f"job {newest.id} {newest.status}, but the source itself counted no rows"
    return None
