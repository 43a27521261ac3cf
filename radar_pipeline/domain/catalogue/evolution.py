"""How a catalogued table's columns follow what its files hold, so that old and new days stay queryable together.

The rules and their evidence are in docs/decisions/014-catalogue.md. In short: the table has every column that any day
ever had, each with the newest type; a day has its own columns with its own types, but none whose type Athena could not
read through the table's, because one such column makes Athena refuse every query that touches the day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from radar_pipeline.domain.catalogue.hive_types import TIME_COMMENT, UnknownTypeError, hive_type, widens_to
from radar_pipeline.domain.catalogue.model import CatalogueColumn, CatalogueTable
from radar_pipeline.domain.layout import PARTITION_COLUMN
from radar_pipeline.domain.snapshots import Column

_METADATA = "_airbyte_"
_NAME = re.compile(r"[a-z0-9_]{1,255}")


class Alteration(StrEnum):
    """What becomes of a column of the table."""

    ADDED = "added"
    LOST = "lost"
    WIDENED = "widened"
    NARROWER = "narrower"
    RETYPED = "retyped"
    UNKNOWN_TYPE = "unknown type"
    NAME_CLASH = "name clash"
    ODD_NAME = "odd name"
    TWO_TYPES = "two types"


@dataclass(frozen=True)
class ColumnChange:
    """One column that is not in the day as it is in the table.

    Attributes:
        column: Name in the catalogue; of a column that cannot be there, the name in the files.
        alteration: What became of it.
        known: Type in the table; empty where it had none.
        found: Type in the day; empty where it has none. Of a column that cannot be there, what is in its way.
    """

    column: str
    alteration: Alteration
    known: str = ""
    found: str = ""


@dataclass(frozen=True)
class EvolutionVerdict:
    """What a day's files mean for the table.

    Attributes:
        columns: The table's columns from now on.
        partition_columns: The day's own columns, as this table can read them.
        changes: What differs between them and the table as known.
        passed: Whether every column of the day can be queried.
        reasons: Why, in sentences for a person, with what to do where it did not pass.
        day_columns: The day's own columns, those included that this table cannot read.
    """

    columns: tuple[CatalogueColumn, ...]
    partition_columns: tuple[CatalogueColumn, ...]
    changes: tuple[ColumnChange, ...]
    passed: bool
    reasons: tuple[str, ...]
    day_columns: tuple[CatalogueColumn, ...] = ()

    @property
    def retyped(self) -> tuple[ColumnChange, ...]:
        """Columns whose type in the day cannot be read through the table's, or the other way round."""
        return tuple(change for change in self.changes if change.alteration is Alteration.RETYPED)


def catalogue_columns(found: Sequence[Column]) -> tuple[tuple[CatalogueColumn, ...], tuple[ColumnChange, ...]]:
    """A day's columns in the words of the catalogue, and those that cannot be there, each with what is in its way.

    Args:
        found: Columns of the day's files in order; of two types for a name both are there.
    """
    spelt: dict[str, list[Column]] = {}
    for column in found:
        spelt.setdefault(column.name.lower(), []).append(column)
    judged = [_one_column(name, same) for name, same in spelt.items()]
    return tuple(column for column, _ in judged if column), tuple(fault for _, fault in judged if fault)


def _one_column(name: str, same: Sequence[Column]) -> tuple[CatalogueColumn | None, ColumnChange | None]:
    """The column of one name; or, where it cannot be, the fault. Of names that differ by case the first stays."""
    first = same[0].name
    if not _NAME.fullmatch(name):
        return None, ColumnChange(first, Alteration.ODD_NAME, found=same[0].type)
    if name == PARTITION_COLUMN:
        return None, ColumnChange(first, Alteration.NAME_CLASH, found="the partition key")
    others = list(dict.fromkeys(each.name for each in same if each.name != first))
    clash = ColumnChange(first, Alteration.NAME_CLASH, found=", ".join(others)) if others else None
    arrow = [each.type for each in same if each.name == first]
    try:
        kinds = list(dict.fromkeys(hive_type(each) for each in arrow))
    except UnknownTypeError as error:
        return None, ColumnChange(first, Alteration.UNKNOWN_TYPE, found=str(error))
    widest = next((wide for wide in kinds if all(wide == each or widens_to(each, wide) for each in kinds)), None)
    if widest is None:
        return None, ColumnChange(first, Alteration.TWO_TYPES, found=" and ".join(kinds))
    return CatalogueColumn(name, widest, TIME_COMMENT if any("time64" in each for each in arrow) else ""), clash


def judge_evolution(
    known: CatalogueTable | None, found: Sequence[Column], *, is_newest: bool = True
) -> EvolutionVerdict:
    """Compares a day's columns with the table.

    Args:
        known: The table as the catalogue holds it; None where it holds none yet.
        found: Columns of the day's files in order, metadata columns included; of two types for a name both are there.
        is_newest: Whether no later day is registered. A later day's type wins over an earlier one's.
    """
    day, faults = catalogue_columns(found)
    return judge_columns(known, day, faults, is_newest=is_newest)


def judge_columns(
    known: CatalogueTable | None,
    day: Sequence[CatalogueColumn],
    faults: Sequence[ColumnChange] = (),
    *,
    is_newest: bool = True,
) -> EvolutionVerdict:
    """The same for columns that are in the words of the catalogue already."""
    table = {column.name: column for column in known.columns} if known else {}
    changes = [change for column in day if (change := _change(table.get(column.name), column, is_new=known is None))]
    kinds = {change.column: change.alteration for change in changes}
    readable = []
    for column in day:
        alteration = kinds.get(column.name)
        if alteration is Alteration.RETYPED and not is_newest:
            continue
        readable.append(column)
        if column.name not in table or alteration in {Alteration.WIDENED, Alteration.RETYPED}:
            table[column.name] = column
    changes += _lost(known, day, faults)
    passed = not faults
    reasons = _reasons(day, changes, faults, is_newest=is_newest)
    return EvolutionVerdict(
        tuple(table.values()), tuple(readable), (*changes, *faults), passed, reasons, day_columns=tuple(day)
    )


def _change(known: CatalogueColumn | None, found: CatalogueColumn, *, is_new: bool) -> ColumnChange | None:
    if known is None:
        return None if is_new else ColumnChange(found.name, Alteration.ADDED, found=found.type)
    if known.type == found.type:
        return None
    if widens_to(known.type, found.type):
        kind = Alteration.WIDENED
    elif widens_to(found.type, known.type):
        kind = Alteration.NARROWER
    else:
        kind = Alteration.RETYPED
    return ColumnChange(found.name, kind, known.type, found.type)


def _lost(
    known: CatalogueTable | None, day: Sequence[CatalogueColumn], faults: Sequence[ColumnChange]
) -> list[ColumnChange]:
    """Columns of the table that the day has not. Metadata columns of the other dialect are always among them."""
    there = {column.name for column in day} | {fault.column.lower() for fault in faults}
    columns = known.columns if known else ()
    gone = [column for column in columns if column.name not in there and not column.name.startswith(_METADATA)]
    return [ColumnChange(column.name, Alteration.LOST, known=column.type) for column in gone]


def unreadable_columns(
    partition: Sequence[CatalogueColumn], table: Mapping[str, CatalogueColumn]
) -> tuple[CatalogueColumn, ...]:
    """Columns of a partition that make Athena refuse every query that touches it.

    Args:
        partition: The partition's own columns.
        table: The table's columns by name.
    """
    return tuple(
        column
        for column in partition
        if (wanted := table.get(column.name)) is not None
        and wanted.type != column.type
        and not widens_to(column.type, wanted.type)
    )


def _reasons(
    day: Sequence[CatalogueColumn],
    changes: Sequence[ColumnChange],
    faults: Sequence[ColumnChange],
    *,
    is_newest: bool,
) -> tuple[str, ...]:
    said = [_FAULTS[fault.alteration].format(column=fault.column, found=fault.found) for fault in faults]
    by_kind: dict[Alteration, list[str]] = {}
    for change in changes:
        types = {
            Alteration.ADDED: f" ({change.found})",
            Alteration.LOST: f" ({change.known})",
        }.get(change.alteration, f" ({change.known}, in this day {change.found})")
        by_kind.setdefault(change.alteration, []).append(f"{change.column}{types}")
    for kind, columns in by_kind.items():
        words = _WORDS[kind] if kind is not Alteration.RETYPED or is_newest else _RETYPED_EARLIER
        said.append(words.format(columns=", ".join(columns)))
    return tuple(said) or (f"all {len(day)} columns are as the table has them",)


_WORDS: Mapping[Alteration, str] = {
    Alteration.ADDED: "added to the table: {columns}; earlier days read as NULL there",
    Alteration.LOST: "not in this day's files: {columns}; the table keeps them for other days, this one reads as NULL",
    Alteration.WIDENED: "the table's type is widened: {columns}; earlier days are converted as they are read",
    Alteration.NARROWER: "narrower than the table's type: {columns}; converted as they are read",
    Alteration.RETYPED: "retyped: {columns}; the table has the new type, and the days before are kept with theirs in a "
    "table of older types",
}
_RETYPED_EARLIER = (
    "of another type than the table has since a later day: {columns}; this day keeps its own in a table of older types"
)
_FAULTS: Mapping[Alteration, str] = {
    Alteration.UNKNOWN_TYPE: "column {column} is not in the catalogue: {found}. Change its type at the source",
    Alteration.NAME_CLASH: (
        "names that differ by case only are one name in Athena, and cog_dt_ingestion is the partition key: "
        "{column} and {found}. Rename one at the source"
    ),
    Alteration.ODD_NAME: (
        "column {column!r} is not in the catalogue: Athena reads names of letters without accents, digits and _ only. "
        "Rename it at the source"
    ),
    Alteration.TWO_TYPES: (
        "column {column} is not in this day: its files hold it as {found}, and Athena reads one type a day. Extract "
        "the day again, or quarantine the files of one type"
    ),
}
