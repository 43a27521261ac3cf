"""The catalogue as Athena sees it: tables, their days, and what this platform notes beside them.

What belongs here: the words and how names become those of the catalogue. What does not: how a table's columns change
(``evolution``), and what is wrong between lake and catalogue (``drift``).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from types import MappingProxyType

from radar_pipeline.domain.aging.tiers import StorageClass, storage_class
from radar_pipeline.domain.layout import PARTITION_COLUMN, BronzeLayout, stored_name

NOTHING: Mapping[str, str] = MappingProxyType({})

# What this platform notes at tables and partitions; other parameters are other people's and stay as they are.
MANAGED_BY = "radar.managed_by"
VERSION_OF = "radar.version_of"
OLDER_TYPES = "radar.older_types"
ROWS = "radar.rows"
FILES = "radar.files"
BYTES = "radar.bytes"
SNAPSHOT = "radar.snapshot"
TIER = "radar.tier"
READABLE_UNTIL = "radar.readable_until"

# Without it Athena skips the objects of a restored archive as it skips those of one that was not restored. Source:
# Athena user guide, "Query restored Amazon S3 Glacier objects" (engine version 3, per table).
READS_RESTORED = "read_restored_glacier_objects"

TABLE_PARAMETERS: Mapping[str, str] = MappingProxyType(
    {"classification": "parquet", "EXTERNAL": "TRUE", READS_RESTORED: "true", MANAGED_BY: "radar_pipeline"}
)


@dataclass(frozen=True, slots=True)
class CatalogueColumn:
    """A column as the catalogue holds it.

    Attributes:
        name: Column name, lower case as Glue keeps it.
        type: Hive type (``bigint``, ``struct<member0:date,member1:string>``).
        comment: For people; says nothing about whether two columns are the same.
    """

    name: str
    type: str
    comment: str = field(default="", compare=False)


# A string, as the crawler and Airbyte's own tables have it: what filters by `= '2026-11-23'` works on either, and ISO
# days sort as dates do. A table that somebody made with a key of type `date` keeps it.
PARTITION_KEY = CatalogueColumn(PARTITION_COLUMN, "string")


@dataclass(frozen=True)
class CatalogueTable:
    """A table as the catalogue holds it.

    Attributes:
        name: Name in the catalogue.
        location: ``s3://bucket/prefix/`` of all its days.
        columns: Data columns in order; the partition key is none of them.
        parameters: Table parameters.
        partition_keys: Partition keys in order.
        is_parquet: Whether it is read as Parquet, and its columns by name.
        is_view: Whether it is a view: somebody's query, with no data of its own.
        version: What Glue counts its changes by; None for a table that is not there yet. Says nothing about whether two
            tables are the same.
    """

    name: str
    location: str
    columns: tuple[CatalogueColumn, ...]
    parameters: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    partition_keys: tuple[CatalogueColumn, ...] = (PARTITION_KEY,)
    is_parquet: bool = True
    is_view: bool = False
    version: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class CataloguePartition:
    """One day of a table as the catalogue holds it.

    Attributes:
        day: Its ``cog_dt_ingestion``.
        location: ``s3://bucket/prefix/`` of the day.
        columns: Its own columns, from its own footers; empty where they were not read from the catalogue.
        parameters: Partition parameters.
    """

    day: dt.date
    location: str
    columns: tuple[CatalogueColumn, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True)
class CatalogueState:
    """What the catalogue holds of one table.

    Attributes:
        table: The table; None where there is none.
        partitions: Its days.
        versions: Days of the tables that keep older types of it, by their names.
        odd: Partitions that are no day, as they are spelt.
        problem: Why it could not be read; None where it could.
    """

    table: CatalogueTable | None = None
    partitions: Mapping[dt.date, CataloguePartition] = field(default_factory=lambda: MappingProxyType({}))
    versions: Mapping[str, AbstractSet[dt.date]] = field(default_factory=lambda: MappingProxyType({}))
    odd: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class Mark:
    """How readable a day is.

    Attributes:
        tier: Coldest tier among the day's data files.
        readable_until: Until when restored copies of its archived files can be read, UTC; None where there are none.
    """

    tier: StorageClass
    readable_until: dt.datetime | None = None

    def is_readable(self, now: dt.datetime) -> bool:
        """Whether Athena reads the whole day; what it does not read it skips without a word."""
        return not self.tier.is_archived or (self.readable_until is not None and now < self.readable_until)

    @property
    def parameters(self) -> Mapping[str, str]:
        """The mark as partition parameters."""
        until = {READABLE_UNTIL: self.readable_until.isoformat()} if self.readable_until else {}
        return {TIER: str(self.tier), **until}


def mark_of(partition: CataloguePartition) -> Mark | None:
    """The mark that a partition carries; None where it carries none, as a day that was never moved."""
    tier = partition.parameters.get(TIER)
    if not tier:
        return None
    try:
        until = dt.datetime.fromisoformat(partition.parameters.get(READABLE_UNTIL, ""))
    except ValueError:
        return Mark(storage_class(tier))
    return Mark(storage_class(tier), until if until.tzinfo else until.replace(tzinfo=dt.UTC))


def with_mark(parameters: Mapping[str, str], mark: Mark) -> Mapping[str, str]:
    """Partition parameters with another mark, and everything else as it was."""
    others = {name: value for name, value in parameters.items() if name not in {TIER, READABLE_UNTIL}}
    return {**others, **mark.parameters}


def catalogue_name(table: str) -> str:
    """A table's name in the catalogue: that of its folder in lower case, with nothing but letters, digits and ``_``.

    Source: Athena user guide, "Name databases, tables, and columns": lower case, and no special character but ``_``.
    """
    return re.sub(r"[^a-z0-9_]", "_", stored_name(table).lower())


def clashing_names(tables: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Tables that would share one name in the catalogue, by that name; empty where each has its own."""
    by_name: dict[str, list[str]] = {}
    for table in tables:
        by_name.setdefault(catalogue_name(table), []).append(table)
    return {name: tuple(found) for name, found in by_name.items() if len(found) > 1}


def version_name(name: str, number: int) -> str:
    """Name of the table that keeps the days whose types another table no longer has."""
    return f"{name}__v{number}"


def versions_of(name: str, tables: Mapping[str, CatalogueTable]) -> tuple[CatalogueTable, ...]:
    """The tables that keep older types of a table, by their names in the catalogue, oldest first."""
    found = [table for table in tables.values() if table.parameters.get(VERSION_OF) == name]
    return tuple(sorted(found, key=lambda table: (len(table.name), table.name)))


def strange_tables(known: Iterable[str], tables: Mapping[str, CatalogueTable]) -> tuple[str, ...]:
    """Tables of the catalogue that are neither of the registry nor keep older types of one that is; views are none.

    Args:
        known: Table names as the registry spells them.
        tables: The tables of the catalogue by their names there.
    """
    names = {catalogue_name(table) for table in known}
    return tuple(
        sorted(
            name
            for name, table in tables.items()
            if name not in names and table.parameters.get(VERSION_OF) not in names and not table.is_view
        )
    )


def table_location(bucket: str, layout: BronzeLayout, table: str) -> str:
    """``s3://bucket/prefix/`` of all days of a table."""
    return f"s3://{bucket}/{layout.table_prefix(table)}"


def day_location(bucket: str, layout: BronzeLayout, table: str, day: dt.date) -> str:
    """``s3://bucket/prefix/`` of one day of a table."""
    return f"s3://{bucket}/{layout.folder(table, day)}"


def same_location(one: str, other: str) -> bool:
    """Whether two locations are the same place; crawlers and people leave out the slash at the end."""
    return one.rstrip("/") == other.rstrip("/")


def why_not_ours(table: CatalogueTable, location: str) -> str | None:
    """Why a table that is there cannot be registered into, in a sentence for a person; None where it can be."""
    remedy = "remove it from the catalogue (its data stays) and register again"
    if not same_location(table.location, location):
        return f"the catalogue's table {table.name} is at {table.location or 'no place'}, not at {location}: {remedy}"
    if not table.is_parquet:
        return f"the catalogue's table {table.name} is not read as Parquet: {remedy}"
    keys = table.partition_keys
    if len(keys) != 1 or keys[0].name != PARTITION_COLUMN or keys[0].type not in {"string", "date"}:
        found = ", ".join(f"{key.name} {key.type}" for key in keys) or "none"
        return f"the catalogue's table {table.name} has partition keys {found}, not {PARTITION_COLUMN} string: {remedy}"
    return None
