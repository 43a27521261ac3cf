"""Types of the table registry. Frozen, so that a definition built from them cannot drift while it runs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from radar_pipeline.domain.layout import without_accents
from radar_pipeline.domain.retention import DEFAULT_CLASS


def asset_name_of(table: str) -> str:
    """A table's name spelt with what Dagster allows in names: ``promoção`` becomes ``promocao``.

    An asset key takes any text, but Dagster derives the names of a multi-asset's outputs and of its checks from the
    key and refuses everything but ``[A-Za-z0-9_]`` there. It turns ``-`` and ``.`` into ``_`` by itself, so that
    ``a-b`` and ``a_b`` clash; hence they are replaced here, where the clash can be seen and named.
    """
    return re.sub(r"[^A-Za-z0-9_]", "_", without_accents(table))


class LoadMode(StrEnum):
    """What one day of a table in bronze is."""

    FULL = "full"
    INCREMENTAL = "incremental"


@dataclass(frozen=True)
class ColumnContract:
    """One column as its consumers rely on it.

    Attributes:
        name: Column name at the source.
        type: MySQL type as ``information_schema.columns.column_type`` spells it (``int(11)``, ``decimal(12,2)``).
        mandatory: Whether a missing value is a fault (nulls at most 1 %).
        personal: Whether it holds personal data under the LGPD.
        secret: Whether it must never leave bronze.
    """

    name: str
    type: str
    mandatory: bool = False
    personal: bool = False
    secret: bool = False


@dataclass(frozen=True)
class Table:
    """One Radar table.

    Attributes:
        name: Name at the source, which is the stream's name too.
        area: Business area (``stores``, ``users``, ...); the asset's tag and the unit of ownership.
        owner: Dagster owner, ``team:...`` or an e-mail address.
        primary_key: Key columns; empty where the table has none.
        critical: Whether a day without it fails the run.
        may_be_empty: Whether a day with no rows is right.
        load: What one day holds.
        volume_limit: Share by which rows may differ from the last accepted snapshot (0.20 is the written rule).
        retention: Name of its retention class.
        hold: Why nothing of it may be deleted (a legal hold); empty where it may.
        columns: The contract; empty where nothing is known, which checks nothing but the metadata columns.
        description: One sentence for the asset's page.
        asset: Name of the Dagster asset where the one derived from ``name`` would be another table's too; else empty.
    """

    name: str
    area: str
    owner: str
    primary_key: tuple[str, ...] = ()
    critical: bool = False
    may_be_empty: bool = False
    load: LoadMode = LoadMode.FULL
    volume_limit: float = 0.20
    retention: str = DEFAULT_CLASS
    hold: str = ""
    columns: tuple[ColumnContract, ...] = ()
    description: str = ""
    asset: str = ""

    @property
    def asset_name(self) -> str:
        """Last part of the Dagster asset key; the same as ``name`` wherever Dagster allows it."""
        return self.asset or asset_name_of(self.name)


@dataclass(frozen=True)
class Registry:
    """All tables of one Airbyte connection.

    Attributes:
        tables: The tables in file order.
        path: The file they were read from; None for a registry made in memory.
    """

    tables: tuple[Table, ...]
    path: Path | None = None
    _by_name: dict[str, Table] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {table.name: table for table in self.tables})

    def __getitem__(self, name: str) -> Table:
        """The table of that name; KeyError where there is none."""
        return self._by_name[name]

    def get(self, name: str) -> Table | None:
        """The table of that name; None where there is none."""
        return self._by_name.get(name)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    @property
    def names(self) -> tuple[str, ...]:
        """Table names in file order."""
        return tuple(self._by_name)
