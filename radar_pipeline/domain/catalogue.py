"""The catalogue as Athena sees it: tables, their days, and what this platform notes beside them.

What belongs here: the words and how names become those of the catalogue. What does not: how a table's columns change
(``evolution``), and what is wrong between lake and catalogue (``catalogue_drift``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from radar_pipeline.domain.tiers import StorageClass

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class CatalogueColumn:
    """A column as the catalogue holds it.

    Attributes:
        name: Column name, lower case as Glue keeps it.
        type: Hive type (``bigint``, ``struct<member0:date,member1:string>``).
        comment: For people; the name in the files where that is another.
    """

    name: str
    type: str
    comment: str = ""


@dataclass(frozen=True)
class CatalogueTable:
    """A table as the catalogue holds it.

    Attributes:
        name: Name in the catalogue.
        location: ``s3://bucket/prefix/`` of all its days.
        columns: Data columns in order; the partition key is none of them.
        parameters: Table parameters.
        partition_keys: Partition keys in order.
    """

    name: str
    location: str
    columns: tuple[CatalogueColumn, ...]
    parameters: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    partition_keys: tuple[CatalogueColumn, ...] = ()


@dataclass(frozen=True)
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
        problem: Why it could not be read; None where it could.
    """

    table: CatalogueTable | None = None
    partitions: Mapping[dt.date, CataloguePartition] = field(default_factory=lambda: MappingProxyType({}))
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
        raise NotImplementedError


def mark_of(partition: CataloguePartition) -> Mark | None:
    """The mark that a partition carries; None where it carries none."""
    raise NotImplementedError


def catalogue_name(table: str) -> str:
    """A table's name in the catalogue: that of its folder in lower case, with nothing but letters, digits and ``_``."""
    raise NotImplementedError


def clashing_names(tables: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Tables that would share one name in the catalogue, by that name; empty where each has its own."""
    raise NotImplementedError
