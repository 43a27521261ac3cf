"""What was judged on earlier days: accepted snapshots, and what the source itself counted.

Nothing is ever changed in this record, only added, so writers cannot clash and every judgement keeps its author. What
holds for a day follows from all of its records together.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from radar_pipeline.domain.counts import SourceCounts
from radar_pipeline.domain.volume import AcceptedCount

CHECKS = "checks"


@dataclass(frozen=True)
class Judgement:
    """One judgement of one table's standing snapshot of a day.

    Attributes:
        table: Table name.
        rows: Rows of the snapshot.
        bytes: Its bytes as stored.
        files: How many files it has.
        newest: Its newest extraction time, UTC, which tells it from other snapshots of the day; None when empty.
        accepted: Whether it was accepted.
        by: ``checks``, or the person who overruled them.
        reason: Why, in one sentence.
        recorded_at: When the judgement was made, UTC.
    """

    table: str
    rows: int
    bytes: int
    files: int
    newest: dt.datetime | None
    accepted: bool
    by: str
    reason: str
    recorded_at: dt.datetime

    @property
    def is_personal(self) -> bool:
        """Whether a person made it."""
        return self.by != CHECKS


@dataclass(frozen=True)
class History:
    """The judgements and source counts of some weeks.

    Attributes:
        judgements: By table and day, in the order in which they were recorded.
        counts: Source counts by day, in the order in which they were taken.
        unreadable: Records that could not be read, each with the reason; they are left out of the rest.
    """

    judgements: Mapping[str, Mapping[dt.date, tuple[Judgement, ...]]] = field(default_factory=dict)
    counts: Mapping[dt.date, tuple[SourceCounts, ...]] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()

    def judged(self, table: str, day: dt.date) -> Judgement | None:
        """The judgement that holds for a day, or None where there is none.

        It is about the snapshot judged last. A person's word on that snapshot wins over the checks', whichever came
        later; a person's word on an earlier snapshot of the day says nothing about its successor.
        """
        records = self.judgements.get(table, {}).get(day, ())
        if not records:
            return None
        latest = max(records, key=lambda record: record.recorded_at)
        return self._personal(records, latest.newest) or latest

    def accepted(self, table: str) -> tuple[tuple[dt.date, Judgement], ...]:
        """The days of a table whose snapshot is accepted, oldest first, each with its judgement."""
        days = sorted(self.judgements.get(table, {}))
        held = ((day, self.judged(table, day)) for day in days)
        return tuple((day, judgement) for day, judgement in held if judgement and judgement.accepted)

    def accepted_before(self, table: str, day: dt.date) -> tuple[AcceptedCount, ...]:
        """Rows of the accepted snapshots before a day, oldest first."""
        return tuple(AcceptedCount(at, judgement.rows) for at, judgement in self.accepted(table) if at < day)

    def rejected_before(self, table: str, day: dt.date) -> int:
        """How many days before a day hold a snapshot that was judged and is not accepted."""
        held = (self.judged(table, at) for at in self.judgements.get(table, {}) if at < day)
        return sum(1 for judgement in held if judgement and not judgement.accepted)

    def acceptance(self, table: str, day: dt.date, newest: dt.datetime | None) -> Judgement | None:
        """A person's acceptance of the snapshot of a day with that newest extraction time, or None."""
        found = self._personal(self.judgements.get(table, {}).get(day, ()), newest)
        return found if found and found.accepted else None

    def source_counts(self, day: dt.date) -> tuple[SourceCounts, ...]:
        """What the source counted on a day."""
        return self.counts.get(day, ())

    @staticmethod
    def _personal(records: tuple[Judgement, ...], newest: dt.datetime | None) -> Judgement | None:
        mine = (record for record in records if record.is_personal and record.newest == newest)
        return max(mine, key=lambda record: record.recorded_at, default=None)
