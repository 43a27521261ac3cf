"""Merges the small files of a day that the ledger vouches for, and has the catalogue know the merged one."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

from radar_pipeline.orchestration.systems import Systems

if TYPE_CHECKING:
    from radar_pipeline.lake.compaction import Compaction


def compact_and_register(systems: Systems, table: str, day: dt.date) -> Compaction:
    """Merges the small files of one day of one table, and registers the day anew where it was merged.

    The partition notes how many files the day has: with the old number the daily comparison would call it drift. That
    it could not be registered is said in the words and takes nothing back.

    Raises:
        LakeError: The ledger cannot be read.
    """
    from radar_pipeline.lake.compaction import compact_day
    from radar_pipeline.lake.ledger import read_history

    history = read_history(systems.lake, systems.layout, until=day, days=1)
    proven = frozenset((each.rows, each.newest) for each in history.judgements.get(table, {}).get(day, ()))
    done = compact_day(systems.lake, systems.layout, table, day, proven=proven, clock=systems.clock)
    problem = register_again(systems, table, day) if done.key else None
    return replace(done, words=f"{done.words}; {problem}") if problem else done


def register_again(systems: Systems, table: str, day: dt.date) -> str | None:
    """Registers a day whose files changed; returns why it could not be, in words."""
    from radar_pipeline.lake.cataloguing import publish_day
    from radar_pipeline.lake.errors import LakeError
    from radar_pipeline.lake.glue import CatalogueError
    from radar_pipeline.orchestration.catalogue_day import read_snapshots

    if systems.settings.catalogue not in {"register", "both"}:
        return None
    try:
        verdicts = publish_day(
            systems.glue,
            bucket=systems.settings.bucket,
            layout=systems.layout,
            day=day,
            snapshots=read_snapshots(systems, day, [table]),
        )
    except (CatalogueError, LakeError) as error:
        return f"the day could not be registered anew: {error}"
    refused = [reason for verdict in verdicts.values() if not verdict.passed for reason in verdict.reasons]
    return f"the day could not be registered anew: {'; '.join(refused)}" if refused else None
