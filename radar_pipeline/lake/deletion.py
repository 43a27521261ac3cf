"""Deletes what a plan holds, each key looked at again just before and written down, and brings it back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.retention import Hold
from radar_pipeline.lake.audit import AuditEntry
from radar_pipeline.lake.store import LakeStore

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Recheck:
    """What is asked again just before each batch is deleted.

    Attributes:
        holds: Every hold that there is now: those in the bucket (``read_holds``) and those of the registry.
        newest_accepted: Newest accepted day of each table now; None for a table without one.
    """

    holds: Callable[[], Sequence[Hold]]
    newest_accepted: Callable[[], Mapping[str, dt.date | None]]


@dataclass(frozen=True)
class UndeleteReport:
    """What bringing back a run's deletions came to.

    Attributes:
        restored: Deletions that were undone.
        skipped: Those that were not, each with the reason (brought back before, written anew, gone for good).
        failed: Those that could not be undone, each with the problem.
    """

    restored: tuple[AuditEntry, ...]
    skipped: tuple[tuple[AuditEntry, str], ...]
    failed: tuple[tuple[AuditEntry, str], ...]


def undelete(
    store: LakeStore,
    layout: BronzeLayout,
    run_id: str,
    *,
    clock: Callable[[], dt.datetime],
    parallel: int = 16,
    on_progress: Progress | None = None,
) -> UndeleteReport:
    """Brings back what a run deleted, by removing its delete markers; harmless twice.

    Raises:
        LakeError: The audit log cannot be read, or says nothing of such a run (``MISSING``).
    """
    raise NotImplementedError
