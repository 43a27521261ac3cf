"""What lake, catalogue and Dagster do not agree on, day by day, and what mends it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from radar_pipeline.domain.catalogue import CatalogueState, Mark
from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.tiers import LakeObject


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
    """What mends a finding; only the first three are for the repair of the catalogue."""

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
        table: Table name, as the registry spells it.
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
    raise NotImplementedError


def diff_catalogue(
    *,
    lake: Mapping[str, Mapping[dt.date, LakeDay]],
    glue: Mapping[str, CatalogueState],
    dagster: Mapping[str, AbstractSet[dt.date]] | None,
    bucket: str,
    layout: BronzeLayout,
    proven: Mapping[str, AbstractSet[dt.date]] | None = None,
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
        unregistered: Tables of the Glue database that no table of the registry has the name of.
    """
    raise NotImplementedError
