"""Merges the small files of one day of a table into one, so that readers see the same rows and S3 can move them.

The order of the steps, and why:

1. The merged file is made, uploaded to where no reader looks, read back and compared with its parts value for value.
2. The parts are copied into quarantine. Readers still see what they saw.
3. A record of what is about to happen is written beside it.
4. The merged file is copied into the day's folder, and the parts leave it at once.
5. The waiting copy and the record go.

S3 cannot exchange several files for one at once, so between the two halves of step 4 a reader either sees rows twice or
misses them. Twice is chosen: rows that are missing look like a day that is merely small, rows that are there twice fail
every count, and whatever goes wrong in between no row was ever out of reach. All slow work is done before, so that what
lies between is one request for each part, all at once. Killed at any point, the next call goes on: before the record it
begins anew and overwrites what it left, from the record on it finishes what is written there.

The merged file is not named like a part. destination-s3 numbers its parts by the keys that begin with its own file name
(``lake/publish.py``): the markers that stay in the place of the parts keep the count as it was.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

from radar_pipeline.domain.compaction import CompactionVerdict, Proven, judge_compaction, merged_name
from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.tiers import SMALLEST_MOVED_BYTES
from radar_pipeline.lake.compaction_record import OpenCompaction, read_records, staged_key, write_record
from radar_pipeline.lake.errors import LakeError
from radar_pipeline.lake.inventory import read_folders
from radar_pipeline.lake.merging import MergeError, check_merged, merge_files
from radar_pipeline.lake.publish import Outcome, differs, keep_copy, quarantine
from radar_pipeline.lake.store import LakeStore, StoredObject
from radar_pipeline.lake.transfers import download, read_same, remove_for_good, upload

_PARALLEL = 16

# S3's code for an archived object that is to be read. Such a day is left: what lies in it cannot be compared.
_ARCHIVED = "InvalidObjectState"


class CompactionOutcome(StrEnum):
    """What became of one day."""

    MERGED = "merged"
    FINISHED = "finished"
    LEFT = "left"
    FAILED = "failed"


@dataclass(frozen=True)
class Compaction:
    """What compacting one day of one table came to.

    Attributes:
        table: Table name.
        day: The day.
        outcome: What became of it: merged now, finished what a killed run began, left as it is, or failed.
        key: The merged file; None where there is none.
        files: Files that were merged.
        rows: Rows of the merged file.
        bytes: Its bytes.
        words: Why, in one sentence for a person.
    """

    table: str
    day: dt.date
    outcome: CompactionOutcome
    key: str | None
    files: int
    rows: int
    bytes: int
    words: str

    @property
    def problem(self) -> str | None:
        """What went wrong; None where nothing did."""
        return self.words if self.outcome is CompactionOutcome.FAILED else None

    @property
    def left(self) -> str | None:
        """Why the day was left as it is on purpose; None where it was not."""
        return self.words if self.outcome is CompactionOutcome.LEFT else None


def compact_day(
    store: LakeStore,
    layout: BronzeLayout,
    table: str,
    day: dt.date,
    *,
    proven: Proven,
    clock: Callable[[], dt.datetime],
    small_bytes: int = SMALLEST_MOVED_BYTES,
) -> Compaction:
    """Merges the small files of one day of one table, or finishes what a killed run began there.

    Never raises for what is wrong in the bucket.

    Args:
        store: The bucket.
        layout: Where tables, quarantine and records lie in it.
        table: Table name.
        day: The day; a past one.
        proven: Rows and newest extraction time of the day's proven snapshots, by the ledger.
        clock: Time of now.
        small_bytes: Files below this size are merged.
    """
    try:
        if begun := read_records(store, layout.compaction_folder(table, day)):
            return _finish_all(store, layout, table, day, begun)
        folder = read_folders(store, layout, [table], day)[table]
        if folder.error and _ARCHIVED not in folder.error:
            return _not_done(table, day, CompactionOutcome.FAILED, folder.error)
        verdict = judge_compaction(folder, proven=proven, today=clock().date(), small_bytes=small_bytes)
        if not verdict.files:
            return _not_done(table, day, CompactionOutcome.LEFT, verdict.reason)
        return _compact(store, layout, verdict)
    except (LakeError, MergeError) as error:
        return _not_done(table, day, CompactionOutcome.FAILED, str(error))


def finish_open(store: LakeStore, layout: BronzeLayout) -> tuple[Compaction, ...]:
    """Finishes every compaction that a killed run left open.

    Raises:
        LakeError: The records cannot be read.
    """
    done = []
    for record in read_records(store, layout.compaction_prefix):
        if isinstance(record, str):
            done.append(_not_done("", dt.date.min, CompactionOutcome.FAILED, record))
            continue
        try:
            done.append(_finish(store, layout, record, CompactionOutcome.FINISHED))
        except LakeError as error:
            done.append(_not_done(record.table, record.day, CompactionOutcome.FAILED, str(error)))
    return tuple(done)


def _finish_all(
    store: LakeStore, layout: BronzeLayout, table: str, day: dt.date, records: Sequence[OpenCompaction | str]
) -> Compaction:
    done = [
        _not_done(table, day, CompactionOutcome.FAILED, record)
        if isinstance(record, str)
        else _finish(store, layout, record, CompactionOutcome.FINISHED)
        for record in records
    ]
    return next((each for each in done if each.problem or each.left), done[-1])


def _compact(store: LakeStore, layout: BronzeLayout, verdict: CompactionVerdict) -> Compaction:
    table, day, files = verdict.table, verdict.day, verdict.files
    with ThreadPoolExecutor(min(_PARALLEL, len(files)), thread_name_prefix="compaction") as pool:
        looked = list(pool.map(lambda file: store.head(file.key), files))
        parts = [each for each in looked if each is not None]
        if len(parts) < len(files) or any(differs(part, file) for part, file in zip(parts, files, strict=True)):
            return _not_done(table, day, CompactionOutcome.LEFT, "a file was changed since it was looked at")
        name = merged_name([(part.key, part.etag) for part in parts])
        staged = staged_key(layout, table, day, name)
        with TemporaryDirectory(prefix="radar-compaction-") as folder:
            merged = Path(folder) / "merged.parquet"
            size = _stage(store, parts, staged, merged)
        list(pool.map(lambda part: keep_copy(store, layout, part), parts))
    rows = sum(file.rows for file in files)
    record = OpenCompaction(table, day, staged, layout.folder(table, day) + name, size, rows, files)
    write_record(store, record)
    return _finish(store, layout, record, CompactionOutcome.MERGED)


def _stage(store: LakeStore, parts: Sequence[StoredObject], staged: str, merged: Path) -> int:
    """Makes the merged file, uploads it to where nobody reads, and compares what lies there with its parts.

    Returns:
        Its bytes. They may be fewer than S3 moves, as parts have much in common: it is merged all the same, or every
        run would try again.
    """
    names = [part.key.rpartition("/")[2] for part in parts]

    def read(number: int) -> bytes:
        return read_same(store, parts[number])

    merge_files(read, names, merged)
    upload(store, staged, merged)
    back = merged.with_name("back.parquet")
    download(store, staged, back)
    check_merged(back, read, names)
    return merged.stat().st_size


def _finish(store: LakeStore, layout: BronzeLayout, record: OpenCompaction, done: CompactionOutcome) -> Compaction:
    """Puts a merged file in the place of its parts; every step is harmless where it was done before."""
    target = store.head(record.target)
    if target is None or target.size != record.size:
        if why := _why_not_visible(store, record):
            _discard(store, record)
            return _not_done(record.table, record.day, CompactionOutcome.LEFT, why)
        staged = store.head(record.staged)
        if staged is None or staged.size != record.size:
            _discard(store, record)
            words = f"the merged file {record.staged} is gone before it was put in place; the next run makes it again"
            return _not_done(record.table, record.day, CompactionOutcome.LEFT, words)
        store.copy(staged, record.target, metadata={})
    moves = quarantine(store, layout, record.files)
    stuck = [each for each in moves if each.outcome in {Outcome.FAILED, Outcome.CHANGED}]
    if stuck:
        what = stuck[0].problem or f"{stuck[0].key} was changed after it was merged; look at the day before it is read"
        words = f"{len(stuck)} of {len(moves)} files that were merged into {record.target} are there still: {what}"
        return _not_done(record.table, record.day, CompactionOutcome.FAILED, words)
    _discard(store, record)
    words = f"{len(record.files)} files became one of {record.size} bytes"
    count = len(record.files)
    return Compaction(record.table, record.day, done, record.target, count, record.rows, record.size, words)


def _why_not_visible(store: LakeStore, record: OpenCompaction) -> str | None:
    """Why a merged file must not be put beside its parts; None where all of them lie there as they were merged."""
    with ThreadPoolExecutor(min(_PARALLEL, len(record.files)), thread_name_prefix="compaction") as pool:
        for file, found in zip(record.files, pool.map(lambda file: store.head(file.key), record.files), strict=True):
            if found is None or differs(found, file):
                return f"{file.key} was changed or taken away before the merged file was put in place"
    return None


def _discard(store: LakeStore, record: OpenCompaction) -> None:
    """Ends a compaction. The record goes last: while it is there, the next run knows what to do."""
    remove_for_good(store, record.staged)
    remove_for_good(store, record.key)


def _not_done(table: str, day: dt.date, outcome: CompactionOutcome, words: str) -> Compaction:
    return Compaction(table, day, outcome, None, 0, 0, 0, words)
