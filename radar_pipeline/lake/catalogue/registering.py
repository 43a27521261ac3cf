"""One day of one table into the catalogue, in steps of which each leaves everything queryable.

A killed registration is run again and ends the same: what is there is read, what differs is written, nothing else. Of
two at once the later one finds that the table changed under it, reads it again and decides again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from radar_pipeline.domain.catalogue import model as words
from radar_pipeline.domain.catalogue.evolution import (
    ColumnChange,
    EvolutionVerdict,
    judge_columns,
    judge_evolution,
    unreadable_columns,
)
from radar_pipeline.domain.catalogue.model import CatalogueColumn, CataloguePartition, CatalogueTable
from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.snapshots import Snapshot
from radar_pipeline.lake.catalogue.glue import CatalogueError, CatalogueFault, GlueCatalogue

# Of several who change a table at once one wins each time, so as many may change it as there are tries.
_TRIES = 12


@dataclass(frozen=True)
class CatalogueVerdict:
    """Whether a table's day can be queried.

    Attributes:
        table: Table name, as the registry spells it.
        passed: Whether it can, and everything registered before still can.
        reasons: Why, in sentences for a person.
        changes: What became of the table's columns.
        columns: The table's columns from now on; empty where it could not be registered.
        name: Name in the catalogue.
        written: Whether anything had to be written; False for a day that was registered as it is.
    """

    table: str
    passed: bool
    reasons: tuple[str, ...]
    changes: tuple[ColumnChange, ...] = ()
    columns: tuple[CatalogueColumn, ...] = ()
    name: str = ""
    written: bool = False


@dataclass(frozen=True)
class LandedDay:
    """What landed of one table on one day, in the words of the catalogue.

    Attributes:
        table: Table name, as the registry spells it.
        day: Its ``cog_dt_ingestion``.
        snapshot: The files that stand.
        bucket: Bucket name.
        layout: Where things lie in it.
    """

    table: str
    day: dt.date
    snapshot: Snapshot
    bucket: str
    layout: BronzeLayout

    @property
    def name(self) -> str:
        """The table's name in the catalogue."""
        return words.catalogue_name(self.table)

    @property
    def table_location(self) -> str:
        """Where all its days lie."""
        return words.table_location(self.bucket, self.layout, self.table)

    def partition(self, columns: Sequence[CatalogueColumn], there: CataloguePartition | None) -> CataloguePartition:
        """The partition as it is to be. Marks hold for as long as the files are the same."""
        newest = self.snapshot.newest
        notes = {
            words.ROWS: str(self.snapshot.rows),
            words.FILES: str(len(self.snapshot.files)),
            words.BYTES: str(self.snapshot.bytes),
            words.SNAPSHOT: newest.isoformat() if newest else "",
        }
        old = dict(there.parameters) if there else {}
        if any(old.get(note) != value for note, value in notes.items()):
            old = {name: value for name, value in old.items() if name not in {words.TIER, words.READABLE_UNTIL}}
        location = words.day_location(self.bucket, self.layout, self.table, self.day)
        return CataloguePartition(self.day, location, tuple(columns), {**old, **notes})


class _RefusedError(Exception):
    """Some of the days that a step needs were refused; the text names them."""


class Registration:
    """One day of one table on its way into the catalogue."""

    def __init__(self, catalogue: GlueCatalogue, tables: Mapping[str, CatalogueTable], landed: LandedDay) -> None:
        self._catalogue = catalogue
        self._tables = dict(tables)
        self._landed = landed
        self._name = landed.name
        self._written = False

    def run(self) -> CatalogueVerdict:
        """Registers the day.

        Raises:
            CatalogueError: Glue refuses something for good.
        """
        for attempt in range(_TRIES):
            self._catalogue.pause(attempt)
            try:
                return self._register()
            except _RefusedError as error:
                return self._verdict(None, (str(error),))
            except CatalogueError as error:
                if error.fault is not CatalogueFault.CHANGED or attempt == _TRIES - 1:
                    raise
            self._tables = self._catalogue.tables()
        raise AssertionError  # pragma: no cover - the last attempt returns or raises

    def _register(self) -> CatalogueVerdict:
        known = self._tables.get(self._name)
        if known and (problem := words.why_not_ours(known, self._landed.table_location)):
            return self._verdict(None, (problem,))
        columns = self._landed.snapshot.columns
        verdict = judge_evolution(known, columns)
        if known and verdict.retyped:
            there = self._catalogue.partitions(self._name)
            if any(day > self._landed.day for day in there):
                verdict = judge_evolution(known, columns, is_newest=False)
            else:
                self._keep_older(known, verdict, there)
        self._settle_versions(verdict)
        self._put_table(self._wanted(known, verdict))
        if known and verdict.columns[: len(known.columns)] != known.columns:
            # Days that somebody registered by the table as it was, since they were read above.
            self._keep_older(known, verdict, self._catalogue.partitions(self._name))
        if self._put_day(self._name, verdict.partition_columns):
            self._verify(verdict)
        versions = ", ".join(table.name for table in words.versions_of(self._name, self._tables))
        older = (f"days with older types are in {versions}",) if versions and verdict.retyped else ()
        return self._verdict(verdict, (*verdict.reasons, *older))

    def _wanted(self, known: CatalogueTable | None, verdict: EvolutionVerdict) -> CatalogueTable:
        versions = ",".join(table.name for table in words.versions_of(self._name, self._tables))
        parameters = {
            **(known.parameters if known else {}),
            **words.TABLE_PARAMETERS,
            **({words.OLDER_TYPES: versions} if versions else {}),
        }
        if known is None:
            return CatalogueTable(self._name, self._landed.table_location, verdict.columns, parameters)
        return replace(known, location=self._landed.table_location, columns=verdict.columns, parameters=parameters)

    def _keep_older(
        self, known: CatalogueTable, verdict: EvolutionVerdict, there: Mapping[dt.date, CataloguePartition]
    ) -> None:
        """Makes room for a new type: days that have another one are kept with it in a table of their own.

        First they are all there too, then they leave the columns out here, and only then the table may change: killed
        between any two of these, every query that worked before still does.
        """
        wanted = {column.name: column for column in verdict.columns}
        unreadable = {day: unreadable_columns(each.columns, wanted) for day, each in there.items()}
        conflicts = [there[day] for day, columns in unreadable.items() if columns]
        kept = {
            day
            for version in words.versions_of(self._name, self._tables)
            for day in self._catalogue.partitions(version.name, with_columns=False)
        }
        older = [each for each in conflicts if each.day not in kept and each.day != self._landed.day]
        if older:
            version = self._version_for(known.columns)
            self._put_table(version)
            self._put(version.name, older)
        stripped = [
            replace(each, columns=tuple(column for column in each.columns if column not in unreadable[each.day]))
            for each in conflicts
        ]
        if stripped:
            self._put(self._name, stripped, known=True)

    def _settle_versions(self, verdict: EvolutionVerdict) -> None:
        """Puts the day beside the others of its types where this table cannot read it whole, and only then."""
        home = None
        if len(verdict.partition_columns) < len(verdict.day_columns):
            home = self._version_for(verdict.day_columns)
            self._put_table(home)
            self._put_day(home.name, verdict.day_columns)
        for version in words.versions_of(self._name, self._tables):
            if home is None or version.name != home.name:
                self._drop_stale(version.name, verdict.day_columns)

    def _drop_stale(self, version: str, columns: Sequence[CatalogueColumn]) -> None:
        """Takes the day out of a table of older types where its files are others since."""
        there = self._day_of(version)
        if there is None or there.columns == tuple(columns):
            return
        self._written = True
        if refused := self._catalogue.delete_partitions(version, [self._landed.day]):
            raise _RefusedError("; ".join(refused.values()))

    def _version_for(self, columns: Sequence[CatalogueColumn]) -> CatalogueTable:
        """The table of older types that can read the columns; a new one where there is none."""
        for version in words.versions_of(self._name, self._tables):
            judged = judge_columns(version, columns)
            if not judged.retyped:
                return replace(version, columns=judged.columns)
        number = 1
        while words.version_name(self._name, number) in self._tables:
            number += 1
        parameters = {**words.TABLE_PARAMETERS, words.VERSION_OF: self._name}
        name = words.version_name(self._name, number)
        return CatalogueTable(name, self._landed.table_location, tuple(columns), parameters)

    def _put_table(self, wanted: CatalogueTable) -> None:
        if self._tables.get(wanted.name) != wanted:
            self._catalogue.put_table(wanted)
            self._tables[wanted.name] = wanted
            self._written = True

    def _day_of(self, table: str) -> CataloguePartition | None:
        return self._catalogue.partitions_of(table, [self._landed.day]).get(self._landed.day)

    def _put_day(self, table: str, columns: Sequence[CatalogueColumn]) -> bool:
        """Writes the day where it differs. True where it did."""
        there = self._day_of(table)
        wanted = self._landed.partition(columns, there)
        if there == wanted:
            return False
        self._put(table, [wanted], known=there is not None)
        return True

    def _verify(self, verdict: EvolutionVerdict) -> None:
        """Looks whether the table still is what the day was judged by; decides again where it is not."""
        now = self._catalogue.table(self._name)
        if now is None or unreadable_columns(verdict.partition_columns, {each.name: each for each in now.columns}):
            message = f"the table {self._name} changed while its day {self._landed.day} was registered"
            raise CatalogueError(CatalogueFault.CHANGED, message)

    def _put(self, table: str, partitions: Sequence[CataloguePartition], *, known: bool = False) -> None:
        self._written = True
        if refused := self._catalogue.put_partitions(table, partitions, known=known):
            days = ", ".join(f"{day}" for day in sorted(refused))
            message = f"{days} of {table}: {next(iter(refused.values()))}"
            raise _RefusedError(message)

    def _verdict(self, verdict: EvolutionVerdict | None, reasons: tuple[str, ...]) -> CatalogueVerdict:
        return CatalogueVerdict(
            self._landed.table,
            verdict is not None and verdict.passed,
            reasons,
            verdict.changes if verdict else (),
            verdict.columns if verdict else (),
            self._name,
            self._written,
        )
