"""Snapshots: which files of a day's folder are one complete copy of a table, and which are in the way.

Full refresh with append adds a whole copy of the table for each attempt and each further sync, into the same folder,
with no marker of success. Footers tell attempts apart: every row carries when it was extracted
(``_airbyte_emitted_at``, from destination-s3 1.0 ``_airbyte_extracted_at``), and Parquet keeps the range per file.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from radar_pipeline.domain.sync import Attempt, SyncJob

# A server starts the next attempt at least 10 s (0.39.38 and later) or 60 s (before) after the last one failed, and
# within one attempt rows of one table follow each other without a pause. Only used where no attempt is known.
ATTEMPT_GAP = dt.timedelta(seconds=8)

# Clocks of the Airbyte server and of its workers agree only so far.
CLOCK_SLACK = dt.timedelta(seconds=5)

WHOLE_SECOND = dt.timedelta(seconds=1)


@dataclass(frozen=True)
class Column:
    """A column as a Parquet footer shows it.

    Attributes:
        name: Column name.
        type: Arrow spelling of the type, for example ``int64`` or ``struct<member0: date32[day], member1: string>``.
    """

    name: str
    type: str


@dataclass(frozen=True)
class DataFile:
    """A Parquet file of a day's folder, known from the listing and its footer alone.

    Attributes:
        key: Object key.
        size: Bytes of the object.
        modified_at: When the object became visible, UTC.
        rows: Rows that the footer counts.
        oldest: Earliest extraction time of its rows, UTC; None where the footer keeps no range (no rows).
        newest: Latest extraction time of its rows, UTC; None as above.
        columns: Columns in file order, metadata columns included.
        sync_id: ``_airbyte_meta.sync_id``, the Airbyte job id, where the dialect writes it.
    """

    key: str
    size: int
    modified_at: dt.datetime
    rows: int
    oldest: dt.datetime | None = None
    newest: dt.datetime | None = None
    columns: tuple[Column, ...] = ()
    sync_id: int | None = None


@dataclass(frozen=True)
class BrokenFile:
    """An object named like data that cannot be read as Parquet.

    Attributes:
        key: Object key.
        size: Bytes of the object.
        problem: What is wrong with it, in words for a person.
    """

    key: str
    size: int
    problem: str


@dataclass(frozen=True)
class Folder:
    """Everything that lies in one day of one table.

    Attributes:
        table: Table name.
        day: Ingestion day.
        files: Readable data files.
        broken: Objects that should be data and are not readable.
        ignored: Keys of markers that are no data (``_SUCCESS``, ``_metadata.json``).
        error: Why the folder could not be read at all (access refused, bucket away); None where it could.
        note: Something found elsewhere that explains why the folder is empty; None where there is nothing.
    """

    table: str
    day: dt.date
    files: tuple[DataFile, ...] = ()
    broken: tuple[BrokenFile, ...] = ()
    ignored: tuple[str, ...] = ()
    error: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Snapshot:
    """The files of one attempt: one copy of the table.

    Attributes:
        files: Its files, by key.
        job_id: Airbyte job that wrote them, by their own word or by their time; None where unknown.
        attempt: 0-based number of the attempt; None where unknown.
    """

    files: tuple[DataFile, ...]
    job_id: int | None = None
    attempt: int | None = None

    @property
    def rows(self) -> int:
        """Rows over all files."""
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        """Bytes over all files, as stored."""
        return sum(file.size for file in self.files)

    @property
    def oldest(self) -> dt.datetime | None:
        """Earliest extraction time."""
        return min((file.oldest for file in self.files if file.oldest), default=None)

    @property
    def newest(self) -> dt.datetime | None:
        """Latest extraction time."""
        return max((file.newest for file in self.files if file.newest), default=None)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Columns over all files, in the order of first appearance; of two types for a name both are kept."""
        return tuple(dict.fromkeys(column for file in self.files for column in file.columns))


def split_attempts(files: Sequence[DataFile], jobs: Sequence[SyncJob]) -> tuple[Snapshot, ...]:
    """Groups a folder's files into snapshots, oldest first.

    A file belongs to the attempt whose time holds its rows' extraction time. Files that no known attempt explains are
    grouped by pauses in extraction time instead: a pause longer than ``ATTEMPT_GAP`` begins another snapshot. Such a
    group belongs to the job that its files name, or to the job without known attempts whose time holds all of it.
    """
    windows = [(job, attempt) for job in jobs for attempt in job.attempts]
    known: dict[tuple[int, int], list[DataFile]] = {}
    unexplained: list[DataFile] = []
    for file in files:
        # Attempts may follow each other within the slack of the clocks: the one that the times fit best wrote it.
        distances = [(_distance(job, attempt, file), job.id, attempt.number) for job, attempt in windows]
        distance, job_id, number = min(distances, default=(None, 0, 0), key=_nearest)
        if distance is not None and distance <= CLOCK_SLACK:
            known.setdefault((job_id, number), []).append(file)
        else:
            unexplained.append(file)
    found = [Snapshot(by_key(group), job_id=job, attempt=number) for (job, number), group in known.items()]
    found += [Snapshot(by_key(group), job_id=_writer(group, jobs)) for group in _by_pauses(unexplained)]
    return tuple(sorted(found, key=_age))


def _distance(job: SyncJob, attempt: Attempt, file: DataFile) -> dt.timedelta | None:
    """How far a file's extraction lies outside an attempt's time; None where the file names another job."""
    if file.sync_id is not None and file.sync_id != job.id:
        return None
    return _outside(attempt.created_at, attempt.ended_at, file)


def _outside(begin: dt.datetime, end: dt.datetime | None, file: DataFile) -> dt.timedelta:
    """How far a file's extraction lies outside a time as the server tells it."""
    first, last = file.oldest or file.modified_at, file.newest or file.modified_at
    # The server cuts its times to whole seconds: what ended lasted up to one longer than told.
    late = last - end - WHOLE_SECOND if end else dt.timedelta()
    return max(begin - first, late, dt.timedelta())


def _writer(group: Sequence[DataFile], jobs: Sequence[SyncJob]) -> int | None:
    """The job that wrote files of no known attempt; None where nothing tells.

    A job holds all of a group or none of it: by single files, clocks that differ by more than the slack would cut a
    copy in two and call the part that fits a whole one.
    """
    if group[0].sync_id is not None:
        return group[0].sync_id
    distances = []
    for job in jobs:
        end = job.updated_at if job.status.is_final else None
        if not job.attempts:
            distances.append((max(_outside(job.created_at, end, file) for file in group), -job.id))
    distance, minus_id = min(distances, default=(None, 0))
    return -minus_id if distance is not None and distance <= CLOCK_SLACK else None


def _nearest(candidate: tuple[dt.timedelta | None, int, int]) -> tuple[bool, dt.timedelta]:
    return candidate[0] is None, candidate[0] or dt.timedelta()


def by_key(files: Sequence[DataFile]) -> tuple[DataFile, ...]:
    """Files in the order of their keys."""
    return tuple(sorted(files, key=lambda file: file.key))


def _age(snapshot: Snapshot) -> dt.datetime:
    return max(file.newest or file.modified_at for file in snapshot.files)


def _by_pauses(files: Sequence[DataFile]) -> list[list[DataFile]]:
    groups: list[list[DataFile]] = []
    reached: dt.datetime | None = None
    for file in sorted(files, key=lambda file: (file.oldest or file.modified_at, file.key)):
        begin, end = file.oldest or file.modified_at, file.newest or file.modified_at
        if reached is None or begin > reached + ATTEMPT_GAP or groups[-1][0].sync_id != file.sync_id:
            groups.append([])
            reached = end
        groups[-1].append(file)
        reached = max(end, reached or end)
    return groups
