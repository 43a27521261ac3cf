"""Landing: whether a day of a table is in the bucket, and which of its copies stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from radar_pipeline.domain.completeness import Expectation, doubt_of, is_recorded, joined
from radar_pipeline.domain.emptiness import Emptiness, newer_without_file, newest_emptiness, rows_in_words
from radar_pipeline.domain.snapshots import BrokenFile, DataFile, Folder, Snapshot, split_attempts
from radar_pipeline.domain.sync import JobStatus, StreamState, syncs_of_day

__all__ = ["Expectation", "Landing", "LandingVerdict", "judge_landing"]

# What a person can do about a table that is empty at the source and may not be.
_ALLOW_OR_FILL = (
    "if that is right, set may_be_empty: true for it in radar_tables.yaml; otherwise find out why it is empty at the "
    "source, and run the day again once it holds rows"
)


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
        is_empty_at_source: Whether it is not there although the newest sync to read it lost nothing: it found no rows.
    """

    table: str
    landing: Landing
    snapshot: Snapshot | None
    superseded: tuple[DataFile | BrokenFile, ...]
    reasons: tuple[str, ...]
    is_empty_at_source: bool = False

    @property
    def is_proven(self) -> bool:
        """Whether the day's data is there: the only thing that makes an asset green."""
        return self.landing in {Landing.LANDED, Landing.EMPTY}

    @property
    def is_worth_a_sync(self) -> bool:
        """Whether it is not there and one more sync could bring it.

        None mends a folder that cannot be read, and none brings rows that the source does not hold.
        """
        return not self.is_proven and self.landing is not Landing.UNREADABLE and not self.is_empty_at_source


def judge_landing(folder: Folder, expected: Expectation) -> LandingVerdict:
    """Decides which copy of a table stands for the day, if any.

    The newest complete snapshot stands; which are complete, ``completeness`` decides. What cannot be shown to be
    complete does not stand. A sync that shows the table to be empty (``emptiness``) is newer than the copies before it.
    """
    if folder.error:
        return LandingVerdict(folder.table, Landing.UNREADABLE, None, (), (folder.error,))
    snapshots = [each for each in split_attempts(folder.files, expected.jobs) if each.rows]
    snapshots = joined(snapshots, expected)
    empty = newest_emptiness(snapshots, folder, expected)
    outdated = [each for each in snapshots if empty and empty.is_newer_than(each)]
    doubts: list[str] = []
    for snapshot in reversed(snapshots):
        if snapshot in outdated:
            continue
        doubt = doubt_of(snapshot, snapshots, folder, expected)
        if doubt is None:
            superseded = _superseded(snapshot, snapshots, folder, expected)
            since = newer_without_file(snapshot, snapshots, folder, expected)
            reasons = (_standing_reason(snapshot, superseded, expected), *([since] if since else []), *doubts)
            return LandingVerdict(folder.table, Landing.LANDED, snapshot, superseded, reasons)
        doubts.append(doubt)
    is_last_word = empty is not None and not doubts
    if folder.broken:
        problems = tuple(f"{file.key}: {file.problem}" for file in folder.broken)
        told = (empty.reason,) if empty else ()
        return LandingVerdict(folder.table, Landing.BROKEN, None, (), (*problems, *doubts, *told), is_last_word)
    if empty and outdated and is_last_word:
        return _judge_emptied(empty, outdated, folder, expected)
    if doubts:
        told = (empty.reason,) if empty else ()
        older = [each for each in snapshots if each not in outdated][:-1]
        reasons = (doubts[0], *_cause(folder, expected), *_older(older), *told)
        return LandingVerdict(folder.table, Landing.INCOMPLETE, None, (), reasons)
    return _judge_nothing(folder, expected, empty)


def _judge_emptied(
    empty: Emptiness, outdated: Sequence[Snapshot], folder: Folder, expected: Expectation
) -> LandingVerdict:
    """Judges a day of which older copies lie there, although a newer sync found the table without rows."""
    copies = ", ".join(f"{each.rows} rows of {_writer_of(each, expected)}" for each in reversed(outdated))
    noun, verb = ("copy", "is") if len(outdated) == 1 else ("copies", "are")
    past = f"the older {noun} of {copies} {verb} out of date"
    if not expected.may_be_empty:
        reasons = (f"{empty.reason}, so {past}", _ALLOW_OR_FILL)
        return LandingVerdict(folder.table, Landing.MISSING, None, (), reasons, is_empty_at_source=True)
    standing = Snapshot((), job_id=empty.job_id, attempt=empty.attempt)
    superseded = _superseded(standing, outdated, folder, expected)
    reason = f"{empty.reason}, as the registry allows; {past}"
    return LandingVerdict(folder.table, Landing.EMPTY, standing, superseded, (reason,))


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
    by = _writer_of(snapshot, expected)
    if snapshot.attempt is not None:
        by += f", attempt {snapshot.attempt + 1}"
    elif is_recorded(snapshot, expected):
        by += ", proven when the day was judged before"
    tail = f"; {len(superseded)} files of other attempts are superseded" if superseded else ""
    return f"{snapshot.rows} rows in {len(snapshot.files)} files of {by}{tail}"


def _writer_of(snapshot: Snapshot, expected: Expectation) -> str:
    unnamed = "a sync that Airbyte does not list for the day" if expected.asked else "a sync that is not known"
    return f"job {snapshot.job_id}" if snapshot.job_id is not None else unnamed


def _judge_nothing(folder: Folder, expected: Expectation, empty: Emptiness | None) -> LandingVerdict:
    """Judges a day without a single row: empty as the table may be, or missing."""

    def verdict(landing: Landing, *reasons: str, is_empty_at_source: bool = False) -> LandingVerdict:
        standing = Snapshot(()) if landing is Landing.EMPTY else None
        told = (*reasons, folder.note) if folder.note else reasons
        return LandingVerdict(folder.table, landing, standing, (), told, is_empty_at_source)

    done = next((job for job in syncs_of_day(expected.jobs, folder.day) if job.status is JobStatus.SUCCEEDED), None)
    if done is None:
        if expected.may_be_empty and (told := _told_empty(folder, expected)):
            return verdict(Landing.EMPTY, f"{told}, as the registry allows for this table")
        if empty:
            return verdict(Landing.MISSING, empty.reason, _ALLOW_OR_FILL, is_empty_at_source=True)
        ran = syncs_of_day(expected.jobs, folder.day)
        unsynced = "no sync ran" if expected.asked else "Airbyte could not be asked whether a sync ran"
        why = next(iter(_cause(folder, expected)), "its sync has not ended" if ran else unsynced)
        return verdict(Landing.MISSING, f"nothing lies in the bucket for {folder.day}; {why}")
    streams = done.last_attempt.streams if done.last_attempt else None
    counted = streams[folder.table].records if streams and folder.table in streams else 0
    if counted:
        return verdict(Landing.MISSING, f"job {done.id} counted {counted} rows, the bucket holds none")
    if expected.source_rows and expected.source_rows[0] > 0:
        held = rows_in_words(expected.source_rows)
        return verdict(Landing.MISSING, f"job {done.id} succeeded without a row; the source holds {held}")
    if expected.may_be_empty:
        return verdict(Landing.EMPTY, f"job {done.id} found no rows, as the registry allows for this table")
    if empty:
        return verdict(Landing.MISSING, empty.reason, _ALLOW_OR_FILL, is_empty_at_source=True)
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
