"""Compaction: which small files of one day of a table may be merged into one, and why the others may not.

S3 does not move objects under 128 KB to a colder tier, and STANDARD_IA bills them as if they were that large. Merged
they can be moved.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from radar_pipeline.domain.snapshots import DataFile, Folder, by_key
from radar_pipeline.domain.tiers import SMALLEST_MOVED_BYTES

# Rows and newest extraction time of the snapshots of a day that the ledger holds as proven.
Proven = frozenset[tuple[int, dt.datetime | None]]

# Not ``file_``: destination-s3 numbers the parts of a day by the keys that begin with its own file name.
NAME_PREFIX = "compacted_"


@dataclass(frozen=True)
class CompactionVerdict:
    """What of a day is to be merged.

    Attributes:
        table: Table name.
        day: Its ``cog_dt_ingestion``.
        files: Files to merge, by key; empty where nothing may be.
        reason: Why, in one sentence for a person.
    """

    table: str
    day: dt.date
    files: tuple[DataFile, ...]
    reason: str


def judge_compaction(
    folder: Folder, *, proven: Proven, today: dt.date, small_bytes: int = SMALLEST_MOVED_BYTES
) -> CompactionVerdict:
    """Decides which files of a day are merged into one. What is not known to be one whole copy is left as it is.

    Args:
        folder: What lies there.
        proven: What the ledger holds of the day. The folder must hold that copy and nothing else: files of two copies
            merged could never be told apart again.
        today: The day of now; a sync may still write into it.
        small_bytes: Files below this size are merged, where together they reach it.
    """
    small = by_key([file for file in folder.files if file.size < small_bytes])
    why = _why_not_now(folder, proven, today) or _why_not_these(small, small_bytes)
    if why:
        return CompactionVerdict(folder.table, folder.day, (), why)
    reason = f"{len(small)} files under {small_bytes} bytes, {sum(file.size for file in small)} bytes together"
    return CompactionVerdict(folder.table, folder.day, small, reason)


def merged_name(files: Sequence[tuple[str, str]]) -> str:
    """Name of the file that some files become: the same for the same files, so that a killed run finds its work again.

    Args:
        files: Key and entity tag of each.
    """
    digest = hashlib.sha256("\n".join(f"{key} {etag}" for key, etag in sorted(files)).encode())
    return f"{NAME_PREFIX}{digest.hexdigest()[:16]}.parquet"


def _why_not_now(folder: Folder, proven: Proven, today: dt.date) -> str | None:
    if folder.error:
        return folder.error
    if folder.day >= today:
        return f"{folder.day} is not over: a sync may still write into it"
    if folder.broken:
        return f"{folder.broken[0].key} cannot be read: {folder.broken[0].problem}"
    rows = sum(file.rows for file in folder.files)
    newest = max((file.newest for file in folder.files if file.newest), default=None)
    if (rows, newest) not in proven:
        return f"the {rows} rows of its {len(folder.files)} files are not those of a copy that was proven"
    return None


def _why_not_these(small: Sequence[DataFile], small_bytes: int) -> str | None:
    if len(small) < 2:
        return f"it has {len(small)} files under {small_bytes} bytes: there is nothing to merge"
    size = sum(file.size for file in small)
    if size < small_bytes:
        return f"its {len(small)} small files are {size} bytes together: S3 would not move them merged either"
    first = small[0]
    for file in small:
        if file.columns != first.columns:
            return f"{file.key} has other columns than {first.key}"
        if file.sync_id != first.sync_id:
            return f"{file.key} names another sync than {first.key}"
        if file.rows and (file.oldest is None or file.newest is None):
            return f"{file.key} does not say when its rows were extracted"
    return None
