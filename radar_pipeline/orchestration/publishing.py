"""What follows from a judged day: which files leave, what that does to a table, and what goes on record. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

from radar_pipeline.domain.judgement import TableDay
from radar_pipeline.domain.landing import Landing
from radar_pipeline.domain.ledger import CHECKS, Judgement
from radar_pipeline.domain.snapshots import BrokenFile, DataFile


def judgement_of(table: TableDay, now: dt.datetime) -> Judgement:
    """What the checks say of a table, for the ledger."""
    landing = table.landing
    snapshot = landing.snapshot
    return Judgement(
        table=table.table,
        rows=snapshot.rows if snapshot else 0,
        bytes=snapshot.bytes if snapshot else 0,
        files=len(snapshot.files) if snapshot else 0,
        newest=snapshot.newest if snapshot else None,
        accepted=table.is_accepted,
        # A person's word is recorded by `radar accept` alone; this is the machine's, whatever it rests on.
        by=CHECKS,
        reason="; ".join(landing.reasons),
        recorded_at=now,
    )


def with_strays(table: TableDay, stayed: Mapping[str, str]) -> TableDay:
    """A table whose superseded files could not leave its folder has not landed: readers would see rows twice."""
    strays = [file.key for file in table.landing.superseded if file.key in stayed]
    if not strays:
        return table
    reason = f"{len(strays)} files of other attempts could not leave the folder, so rows would count twice"
    landing = replace(
        table.landing,
        landing=Landing.INCOMPLETE,
        snapshot=None,
        reasons=(reason, f"{strays[0]}: {stayed[strays[0]]}", *table.landing.reasons),
    )
    return TableDay(table.table, table.critical, landing)


def superseded_of(tables: tuple[TableDay, ...]) -> list[DataFile | BrokenFile]:
    """Files that are not of the standing copies."""
    return [file for table in tables for file in table.landing.superseded]
