"""What lake, catalogue and Dagster do not agree on, day by day, and what mends it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import StrEnum

from radar_pipeline.domain import catalogue as words
from radar_pipeline.domain.catalogue import CataloguePartition, CatalogueState, CatalogueTable, Mark
from radar_pipeline.domain.evolution import unreadable_columns
from radar_pipeline.domain.layout import BronzeLayout, is_data_file
from radar_pipeline.domain.tiers import LakeObject, StorageClass

_NO_DAYS: AbstractSet[dt.date] = frozenset()


class FindingKind(StrEnum):
    """What is amiss."""

    MISSING = "missing"
    ORPHANED = "orphaned"
    WRONG = "wrong"


class Place(StrEnum):
    """Where it is amiss."""

    LAKE = "lake"
    GLUE = "glue"
    DAGSTER = "dagster"


class Remedy(StrEnum):
    """What mends a finding; the first three are for the repair of the catalogue, the last is a run of the day."""

    REGISTER = "register"
    DROP = "drop"
    MARK = "mark"
    PROVE = "prove"


@dataclass(frozen=True)
class LakeDay:
    """One day of one table as a listing shows it.

    Attributes:
        day: Its ``cog_dt_ingestion``.
        files: Data files.
        bytes: Their bytes.
        mark: How readable it is.
    """

    day: dt.date
    files: int
    bytes: int
    mark: Mark


@dataclass(frozen=True)
class Finding:
    """One thing that is amiss.

    Attributes:
        table: Table name, as the registry spells it; of a table that it does not know, the catalogue's.
        day: The day; None where it is about the table.
        kind: What is amiss.
        where: Where.
        words: The same as a sentence for a person.
        remedy: What mends it; None where a person has to decide.
        mark: The mark that the day should carry, where the remedy is to mark it.
    """

    table: str
    day: dt.date | None
    kind: FindingKind
    where: Place
    words: str
    remedy: Remedy | None = None
    mark: Mark | None = None


def lake_days(
    objects: Iterable[LakeObject],
    layout: BronzeLayout,
    *,
    readable_until: Mapping[str, dt.datetime] | None = None,
) -> dict[dt.date, LakeDay]:
    """The days of one table that hold data files, from its listing.

    Args:
        objects: Objects under the table's prefix, in any order.
        layout: Where things lie.
        readable_until: Until when restored copies can be read, by key, where that was asked.
    """
    files: dict[dt.date, list[LakeObject]] = {}
    for each in objects:
        if is_data_file(each.key) and (day := layout.day_of(each.key)) is not None:
            files.setdefault(day, []).append(each)
    return {
        day: LakeDay(day, len(found), sum(each.size for each in found), _mark(found, readable_until or {}))
        for day, found in sorted(files.items())
    }


def _mark(files: Iterable[LakeObject], readable_until: Mapping[str, dt.datetime]) -> Mark:
    """A day is as cold as its coldest file, and readable only while every archived file has its copy."""
    tiers = [(each.tier, readable_until.get(each.key)) for each in files]
    coldest = max((tier for tier, _ in tiers), key=lambda tier: tier.rank, default=StorageClass.STANDARD)
    copies = [until for tier, until in tiers if tier.is_archived]
    whole = [until for until in copies if until is not None]
    return Mark(coldest, min(whole) if whole and len(whole) == len(copies) else None)


def diff_catalogue(
    *,
    lake: Mapping[str, Mapping[dt.date, LakeDay]],
    glue: Mapping[str, CatalogueState],
    dagster: Mapping[str, AbstractSet[dt.date]] | None,
    bucket: str,
    layout: BronzeLayout,
    proven: Mapping[str, AbstractSet[dt.date]] | None = None,
    without_data: Mapping[str, AbstractSet[dt.date]] | None = None,
    unregistered: Iterable[str] = (),
) -> tuple[Finding, ...]:
    """Compares what lies in the lake with what the catalogue and Dagster say.

    Args:
        lake: Days with data files by table, for every table that could be listed; others are left out of the result.
        glue: What the catalogue holds by table, for the same tables.
        dagster: Materialized days by table; None where that is not asked.
        bucket: Bucket name.
        layout: Where things lie.
        proven: Days whose snapshot was proven, by table; None where every day with data counts as such. A day that
            is not proven is not missed by the catalogue.
        without_data: Days that rightly hold no data, by table: deleted by the policy, or of a table that was empty.
        unregistered: Tables of the Glue database that are of no table of the registry (``strange_tables``).

    Returns:
        Every finding, by table and day.
    """
    clashes = {table: found for found in words.clashing_names(lake).values() for table in found}
    findings: list[Finding] = []
    for table, days in lake.items():
        state = glue.get(table, CatalogueState())
        if problem := _unreadable(table, state, clashes):
            findings.append(problem)
            continue
        vouched = days.keys() if proven is None else proven.get(table, _NO_DAYS)
        view = _TableView(table, bucket, layout, days, state, vouched)
        findings += view.in_glue()
        if dagster is not None:
            findings += view.in_dagster(dagster.get(table, _NO_DAYS), (without_data or {}).get(table, _NO_DAYS))
    for name in unregistered:
        sentence = f"the catalogue has a table {name} that no table of the registry has the name of"
        findings.append(Finding(name, None, FindingKind.ORPHANED, Place.GLUE, sentence))
    return tuple(sorted(findings, key=lambda each: (each.table, each.day or dt.date.min, each.where, each.words)))


def _unreadable(table: str, state: CatalogueState, clashes: Mapping[str, tuple[str, ...]]) -> Finding | None:
    """What keeps a table from being compared at all."""
    if table in clashes:
        others = ", ".join(other for other in clashes[table] if other != table)
        sentence = f"{table} has the same name in the catalogue as {others}: one of them has to be renamed"
        return Finding(table, None, FindingKind.WRONG, Place.GLUE, sentence)
    if state.problem:
        return Finding(table, None, FindingKind.WRONG, Place.GLUE, state.problem)
    return None


@dataclass(frozen=True)
class _TableView:
    table: str
    bucket: str
    layout: BronzeLayout
    days: Mapping[dt.date, LakeDay]
    state: CatalogueState
    proven: AbstractSet[dt.date]

    def in_glue(self) -> Iterator[Finding]:
        """What is amiss in the catalogue."""
        if self.state.table is not None:
            whole = self._whole_table(self.state.table)
            yield from whole
            if any(finding.day is None for finding in whole):
                return
        for odd in self.state.odd:
            sentence = f"the catalogue has a partition {odd!r}, which is no day"
            yield Finding(self.table, None, FindingKind.ORPHANED, Place.GLUE, sentence)
        for day, found in self.days.items():
            partition = self.state.partitions.get(day)
            if partition is not None:
                yield from self._partition(found, partition)
            elif day in self.proven:
                sentence = "the day's data is there and proven, and the catalogue does not have it"
                yield self._finding(day, FindingKind.MISSING, Place.GLUE, sentence, Remedy.REGISTER)
        yield from self._orphaned()

    def in_dagster(self, materialized: AbstractSet[dt.date], without_data: AbstractSet[dt.date]) -> Iterator[Finding]:
        """What is amiss between the lake and Dagster's partitions."""
        for day in self.days.keys() - materialized:
            if day in self.proven:
                sentence = "the day's data is there and proven, and its partition in Dagster is not materialized"
                yield self._finding(day, FindingKind.MISSING, Place.DAGSTER, sentence, Remedy.PROVE)
        for day in materialized - self.days.keys() - without_data:
            sentence = "the partition is materialized in Dagster, and the day's folder holds no data"
            yield self._finding(day, FindingKind.MISSING, Place.LAKE, sentence)

    def _whole_table(self, table: CatalogueTable) -> list[Finding]:
        location = words.table_location(self.bucket, self.layout, self.table)
        if problem := words.why_not_ours(table, location):
            return [Finding(self.table, None, FindingKind.WRONG, Place.GLUE, problem)]
        registered = sorted(self.state.partitions.keys() & self.days.keys())
        if registered and table.parameters.get(words.READS_RESTORED, "").lower() != "true":
            sentence = f"its table has no {words.READS_RESTORED}: Athena would skip restored days without a word"
            return [self._finding(registered[-1], FindingKind.WRONG, Place.GLUE, sentence, Remedy.REGISTER)]
        return []

    def _partition(self, found: LakeDay, partition: CataloguePartition) -> Iterator[Finding]:
        """A day that both have: it must be the same, or be registered again; and its mark must be that of its tier."""
        wrong = self._mismatch(found, partition)
        if wrong:
            yield self._finding(found.day, FindingKind.WRONG, Place.GLUE, wrong, Remedy.REGISTER)
        mark = words.mark_of(partition)
        if not _same_mark(found.mark, mark):
            said = f"marked as {mark.tier}" if mark else "not marked"
            until = f", readable until {found.mark.readable_until:%Y-%m-%d %H:%M}" if found.mark.readable_until else ""
            sentence = f"the partition is {said}, and the coldest of its files is in {found.mark.tier}{until}"
            finding = self._finding(found.day, FindingKind.WRONG, Place.GLUE, sentence, Remedy.MARK)
            yield replace(finding, mark=found.mark)

    def _mismatch(self, found: LakeDay, partition: CataloguePartition) -> str | None:
        location = words.day_location(self.bucket, self.layout, self.table, found.day)
        if not words.same_location(partition.location, location):
            return f"the partition is at {partition.location or 'no place'}, and the day's data at {location}"
        noted = (partition.parameters.get(words.FILES), partition.parameters.get(words.BYTES))
        if None not in noted and noted != (str(found.files), str(found.bytes)):
            return (
                f"it was registered with {noted[0]} files of {noted[1]} bytes, and the day's folder holds "
                f"{found.files} of {found.bytes}"
            )
        table = {column.name: column for column in self.state.table.columns} if self.state.table else {}
        if unreadable := unreadable_columns(partition.columns, table):
            columns = ", ".join(f"{column.name} {column.type}" for column in unreadable)
            return f"Athena refuses queries that touch the day: its partition has {columns}, and its table another type"
        return None

    def _orphaned(self) -> Iterator[Finding]:
        known = set(self.state.partitions).union(*self.state.versions.values())
        # A table of which nothing is listed at all is more likely looked for in the wrong place than deleted.
        remedy = Remedy.DROP if self.days else None
        for day in known - self.days.keys():
            sentence = "the catalogue has the day, and its folder holds no data"
            if remedy is None:
                sentence += "; nor does any other day of the table: check bucket and prefix before dropping it"
            yield self._finding(day, FindingKind.ORPHANED, Place.GLUE, sentence, remedy)

    def _finding(
        self, day: dt.date, kind: FindingKind, where: Place, sentence: str, remedy: Remedy | None = None
    ) -> Finding:
        return Finding(self.table, day, kind, where, f"{self.table} {day}: {sentence}", remedy)


def _same_mark(found: Mark, mark: Mark | None) -> bool:
    """Whether a partition says of its day what the listing says.

    A day that was never moved needs no mark. A copy's end that the listing does not tell is none to differ about.
    """
    if mark is None:
        return found.tier is StorageClass.STANDARD
    return mark.tier is found.tier and found.readable_until in {None, mark.readable_until}
