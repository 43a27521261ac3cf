"""Emptiness: whether a sync of the day shows that the table had no rows when it was read, and since when that holds.

A table without rows leaves no file, so nothing in the bucket tells a sync that found none from one that lost them all.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from radar_pipeline.domain.completeness import Expectation
from radar_pipeline.domain.snapshots import Folder, Snapshot
from radar_pipeline.domain.sync import Attempt, JobStatus, StreamState, SyncJob, syncs_of_day


@dataclass(frozen=True)
class Emptiness:
    """A sync that read the table and found no rows.

    Attributes:
        job_id: The sync.
        attempt: Which of its attempts; None where the server tells none.
        began: When it began to read, UTC.
        reason: Who shows it, in words for a person.
    """

    job_id: int
    attempt: int | None
    began: dt.datetime
    reason: str

    def is_newer_than(self, copy: Snapshot) -> bool:
        """Whether the copy had been read before: it is then no copy of what the table is now."""
        if copy.job_id is None:
            return max(file.newest or file.modified_at for file in copy.files) <= self.began
        if copy.job_id == self.job_id:
            return copy.attempt is not None and self.attempt is not None and copy.attempt < self.attempt
        return copy.job_id < self.job_id


def newest_emptiness(snapshots: Sequence[Snapshot], folder: Folder, expected: Expectation) -> Emptiness | None:
    """The newest sync of the day that shows the table to have no rows; None where none does.

    The server shows it by calling the table complete without a row, whatever became of the job. The source shows it
    of the newest sync, which its counts are about, where that one succeeded and nobody counted a row. A source that
    holds rows contradicts both.
    """
    if expected.source_rows and expected.source_rows[0]:
        return None
    for place, job in enumerate(syncs_of_day(expected.jobs, folder.day)):
        if not job.status.is_final:
            continue
        for attempt in reversed(job.attempts):
            told = (attempt.streams or {}).get(folder.table)
            if told and told.state is StreamState.COMPLETE:
                is_bare = not told.records and _wrote_nothing(job, attempt, snapshots)
                return Emptiness(job.id, attempt.number, attempt.created_at, _words(job, expected)) if is_bare else None
        if place == 0 and job.status is JobStatus.SUCCEEDED and expected.source_rows == (0, 0):
            last = job.last_attempt
            if _counted(last, folder.table) or not _wrote_nothing(job, last, snapshots):
                return None
            began = last.created_at if last else job.created_at
            return Emptiness(job.id, last.number if last else None, began, _words(job, expected))
    return None


def newer_without_file(copy: Snapshot, snapshots: Sequence[Snapshot], folder: Folder, expected: Expectation) -> str:
    """What is said of a copy that stands although a newer sync succeeded and brought no file; empty where none did."""
    job = next((job for job in syncs_of_day(expected.jobs, folder.day) if job.status is JobStatus.SUCCEEDED), None)
    if job is None or any(each.job_id == job.id for each in snapshots):
        return ""
    if not Emptiness(job.id, None, job.created_at, "").is_newer_than(copy):
        return ""
    if expected.source_rows is None:
        source = "the source could not be asked whether it holds rows"
    else:
        source = f"the source held {rows_in_words(expected.source_rows)} around the newest sync"
    return f"job {job.id} succeeded after it and brought no file of the table; {source}"


def rows_in_words(band: tuple[int, int]) -> str:
    """Least and most rows, as one number where they are the same."""
    least, most = band
    return f"{least}" if least == most else f"{least} to {most}"


def _wrote_nothing(job: SyncJob, attempt: Attempt | None, snapshots: Sequence[Snapshot]) -> bool:
    mine = {None, attempt.number if attempt else None}
    return not any(each.job_id == job.id and each.attempt in mine for each in snapshots)


def _counted(attempt: Attempt | None, table: str) -> int:
    told = (attempt.streams or {}).get(table) if attempt else None
    return told.records if told else 0


def _words(job: SyncJob, expected: Expectation) -> str:
    if expected.source_rows == (0, 0):
        shown = "the source holds no rows of this table either"
    else:
        shown = "the server says that it read this table to its end and found no rows"
    link = "and" if job.status is JobStatus.SUCCEEDED else "but"
    return f"job {job.id} {job.status}, {link} {shown}"
