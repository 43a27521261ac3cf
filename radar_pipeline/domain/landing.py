"""Landing: whether a day of a table is in the bucket, and which of its copies stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from radar_pipeline.domain.completeness import Expectation, doubt_of, is_recorded, joined
from radar_pipeline.domain.snapshots import BrokenFile, DataFile, Folder, Snapshot, split_attempts
from radar_pipeline.domain.sync import JobStatus, StreamState, syncs_of_day

__all__ = ["Expectation", "Landing", "LandingVerdict", "judge_landing"]


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


def judge_landing(folder: Folder, expected: Expectation) -> LandingVerdict:
    """Decides which copy of a table stands for the day, if any.

    The newest complete snapshot stands; which are complete, ``completeness`` decides. What cannot be shown to be
    complete does not stand.
    """
    if folder.error:
        return LandingVerdict(folder.table, Landing.UNREADABLE, None, (), (folder.error,))
    snapshots = [each for each in split_attempts(folder.files, expected.jobs) if each.rows]
    snapshots = joined(snapshots, expected)
    doubts: list[str] = []
    for snapshot in reversed(snapshots):
        doubt = doubt_of(snapshot, snapshots, folder, expected)
        if doubt is None:
            superseded = _superseded(snapshot, snapshots, folder, expected)
            reasons = (_standing_reason(snapshot, superseded, expected), *doubts)
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
    return (f"sync job {newest.id} {newest.status}: {newest.failure_of(folder.table) or 'no reason given'}",)


def _older(snapshots: Sequence[Snapshot]) -> tuple[str, ...]:
    if not snapshots:
        return ()
    rows = ", ".join(str(snapshot.rows) for snapshot in reversed(snapshots))
    noun, verb = ("copy", "is") if len(snapshots) == 1 else ("copies", "are")
    return (f"{len(snapshots)} older {noun} of {rows} rows {verb} not shown to be complete either",)


def _superseded(
    standing: Snapshot, snapshots: Sequence[Snapshot], folder: Folder, expected: Expectation
) -> tuple[DataFile | BrokenFile, ...]:
    """Files to move away: whatever is not of the standing copy, except what a running job may still be writing.

    Without Airbyte nobody knows what the others are, or whether a sync is writing them now: none is moved.
    """
    if not expected.asked:
        return ()
    if any(not job.status.is_final for job in expected.jobs):
        finished = {(j.id, a.number) for j in expected.jobs if j.status.is_final for a in j.attempts}
        others = [each for each in snapshots if (each.job_id, each.attempt) in finished]
        return tuple(file for other in others if other is not standing for file in other.files)
    rest = tuple(file for other in snapshots if other is not standing for file in other.files)
    return (*rest, *folder.broken)


def _standing_reason(snapshot: Snapshot, superseded: Sequence[DataFile | BrokenFile], expected: Expectation) -> str:
    unnamed = "a sync that Airbyte does not list for the day" if expected.asked else "a sync that is not known"
    by = f"job {snapshot.job_id}" if snapshot.job_id is not None else unnamed
    if snapshot.attempt is not None:
        by += f", attempt {snapshot.attempt + 1}"
    elif is_recorded(snapshot, expected):
        by += ", proven when the day was judged before"
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
        unsynced = "no sync ran" if expected.asked else "Airbyte could not be asked whether a sync ran"
        why = next(iter(_cause(folder, expected)), "its sync has not ended" if ran else unsynced)
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
    if is_recorded(Snapshot(()), expected) and not (expected.source_rows and expected.source_rows[0]):
        return "the table was proven to be empty when the day was judged before"
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
