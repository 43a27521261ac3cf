"""Merges the small files of one day of a table into one, so that readers see the same rows and S3 can move them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from radar_pipeline.domain.compaction import Proven
from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.lake.store import LakeStore


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
        """Why it was not done; None where it was."""
        return self.words if self.outcome in {CompactionOutcome.LEFT, CompactionOutcome.FAILED} else None


def compact_day(
    store: LakeStore,
    layout: BronzeLayout,
    table: str,
    day: dt.date,
    *,
    proven: Proven,
    clock: Callable[[], dt.datetime],
) -> Compaction:
    """Merges the small files of one day of one table, or finishes what a killed run began there. Never raises.

    Args:
        store: The bucket.
        layout: Where tables, quarantine and journal lie in it.
        table: Table name.
        day: The day; a past one.
        proven: Rows and newest extraction time of the day's proven snapshots, by the ledger.
        clock: Time of now.
    """
    raise NotImplementedError


def finish_open(store: LakeStore, layout: BronzeLayout) -> tuple[Compaction, ...]:
    """Finishes every compaction that a killed run left open. Never raises for what is wrong with one."""
    raise NotImplementedError
