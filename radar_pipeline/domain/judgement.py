"""The judgement of one table's day: its four checks together, and whether the snapshot is accepted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from radar_pipeline.domain.counts import CountsVerdict
from radar_pipeline.domain.landing import LandingVerdict
from radar_pipeline.domain.schema import SchemaVerdict
from radar_pipeline.domain.volume import VolumeVerdict


class Check(StrEnum):
    """The checks of every table, each named for what holds when it is green."""

    LANDED = "landed"
    ROW_COUNTS_AGREE = "row_counts_agree"
    VOLUME_WITHIN_BAND = "volume_within_band"
    SCHEMA_MATCHES_CONTRACT = "schema_matches_contract"


@dataclass(frozen=True)
class PersonalAcceptance:
    """A person's word that a snapshot is right although a check doubts it."""

    by: str
    reason: str


@dataclass(frozen=True)
class TableDay:
    """What is known and judged of one table and day.

    Attributes:
        table: Table name.
        critical: Whether a day without it fails the run.
        landing: Whether the day's data is there.
        counts: Whether the counts agree; None where nothing landed.
        volume: Whether the row count is believable; None as above.
        schema: Whether the columns are the contract's; None as above.
        accepted_by: The person who accepted the snapshot, and why; None where nobody did.
    """

    table: str
    critical: bool
    landing: LandingVerdict
    counts: CountsVerdict | None = None
    volume: VolumeVerdict | None = None
    schema: SchemaVerdict | None = None
    accepted_by: PersonalAcceptance | None = None

    def passed(self, check: Check) -> bool | None:
        """Whether a check holds; None where there is nothing to check.

        A person's acceptance stands for judgements about the content, never for data that is not there.
        """
        if check is Check.LANDED:
            return self.landing.is_proven
        if not self.landing.is_proven:
            return None
        if check is Check.ROW_COUNTS_AGREE:
            return self.counts.passed if self.counts else None
        verdict = self.volume if check is Check.VOLUME_WITHIN_BAND else self.schema
        if verdict is None:
            return None
        return verdict.passed or self.accepted_by is not None

    def reasons(self, check: Check) -> tuple[str, ...]:
        """Why a check holds or does not."""
        verdict = {
            Check.LANDED: self.landing,
            Check.ROW_COUNTS_AGREE: self.counts,
            Check.VOLUME_WITHIN_BAND: self.volume,
            Check.SCHEMA_MATCHES_CONTRACT: self.schema,
        }[check]
        if verdict is None:
            return ("not checked: the table's data is not there",)
        if self.accepted_by and check in _JUDGED_BY_PEOPLE and not self._verdict_passed(check):
            return (f"accepted by {self.accepted_by.by}: {self.accepted_by.reason}", *verdict.reasons)
        return verdict.reasons

    def _verdict_passed(self, check: Check) -> bool:
        verdict = self.volume if check is Check.VOLUME_WITHIN_BAND else self.schema
        return verdict is not None and verdict.passed

    @property
    def is_accepted(self) -> bool:
        """Whether the data is there and passed its checks, or a person's acceptance stands for them."""
        return all(self.passed(check) for check in Check)


_JUDGED_BY_PEOPLE = frozenset({Check.VOLUME_WITHIN_BAND, Check.SCHEMA_MATCHES_CONTRACT})


def missing_tables(days: Iterable[TableDay], *, critical_only: bool = False) -> tuple[TableDay, ...]:
    """The tables whose data is not there, critical ones first."""
    lacking = [day for day in days if not day.landing.is_proven and (day.critical or not critical_only)]
    return tuple(sorted(lacking, key=lambda day: (not day.critical, day.table)))


def explain_missing(day: dt.date, tables: Sequence[TableDay], missing: Sequence[TableDay], *, can_sync: bool) -> str:
    """Says to a person which critical tables are not there, why, what landed nevertheless, and what can be done.

    Args:
        day: The partition's day.
        tables: Every table, judged.
        missing: The tables that were asked for and are not there, critical ones first.
        can_sync: Whether the day can still be extracted.
    """
    critical = [table for table in missing if table.critical]
    by_reason: dict[str, list[str]] = {}
    for table in critical:
        by_reason.setdefault("; ".join(table.landing.reasons), []).append(table.table)
    why = ". ".join(f"{', '.join(names)}: {reason}" for reason, names in by_reason.items())
    noun, verb = ("table", "is") if len(critical) == 1 else ("tables", "are")
    landed = sum(table.landing.is_proven for table in tables)
    ordinary = ", ".join(table.table for table in missing if not table.critical)
    others = f"; also missing: {ordinary}" if ordinary else ""
    remedy = (
        f"Remove the cause and run {day} again before it ends (midnight UTC): no row will count twice."
        if can_sync
        else "A past day cannot be extracted again: put its files back, or leave it missing."
    )
    return (
        f"{len(critical)} critical {noun} of {day} {verb} not there. {why}. {landed} of {len(tables)} tables are there "
        f"and materialized{others}. {remedy}"
    )
