"""Columns as each hop shows them, and which hop changed what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ObservedColumn:
    """A column as one system shows it.

    Attributes:
        name: Column name in that system.
        type: Type in that system's own spelling: MySQL ``column_type``, the JSON schema type of the Airbyte catalogue
            (``integer``, ``string:date-time``), or the Arrow type of a Parquet footer.
        nullable: Whether the system allows NULL.
    """

    name: str
    type: str
    nullable: bool = True


@dataclass(frozen=True)
class ObservedTable:
    """A table as one system shows it.

    Attributes:
        name: Table name in that system.
        columns: Columns in order.
        primary_key: Key columns in key order; empty where there is none.
        is_view: Whether it is a view, which a sync may read but the registry leaves out.
        is_selected: Whether the Airbyte connection syncs it; True in other systems.
    """

    name: str
    columns: tuple[ObservedColumn, ...]
    primary_key: tuple[str, ...] = ()
    is_view: bool = False
    is_selected: bool = True
