"""Compaction: which small files of one day of a table may be merged into one, and why the others may not.

S3 does not move objects under 128 KB to a colder tier, and STANDARD_IA bills them as if they were that large. Merged
they can be moved.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from radar_pipeline.domain.snapshots import DataFile, Folder
from radar_pipeline.domain.tiers import SMALLEST_MOVED_BYTES

# Rows and newest extraction time of a snapshot that the ledger holds as proven.
Proven = frozenset[tuple[int, dt.datetime | None]]


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
    """Decides which files of a day are merged into one. Unknown means keep."""
    raise NotImplementedError
