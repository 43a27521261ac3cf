"""The tables of the source as ``information_schema`` shows them."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from radar_pipeline.domain.schema import ObservedColumn, ObservedTable
from radar_pipeline.source.connection import SourceAddress, cursor_at

# One query for tables with their columns, one for the keys: asked table by table, 85 tables would be 170 round trips.
_COLUMNS = """
SELECT t.table_name, t.table_type, c.column_name, c.column_type, c.is_nullable
FROM information_schema.tables t
JOIN information_schema.columns c ON c.table_schema = t.table_schema AND c.table_name = t.table_name
WHERE t.table_schema = DATABASE() AND t.table_type IN ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED')
ORDER BY t.table_name, c.ordinal_position
"""
_KEYS = """
SELECT table_name, column_name
FROM information_schema.statistics
WHERE table_schema = DATABASE() AND index_name = 'PRIMARY'
ORDER BY table_name, seq_in_index
"""


def observe_tables(address: SourceAddress) -> tuple[ObservedTable, ...]:
    """Every table and view of the database that the user may see, by name, with columns and key in order.

    Raises:
        SourceError: Where the source cannot be reached or refuses.
    """
    with cursor_at(address, "reading its columns") as cursor:
        cursor.execute(_COLUMNS)
        columns: list[tuple[Any, ...]] = list(cursor.fetchall())
        cursor.execute(_KEYS)
        keys: list[tuple[Any, ...]] = list(cursor.fetchall())
    primary: dict[str, list[str]] = defaultdict(list)
    for table, column in keys:
        primary[table].append(column)
    observed: dict[str, list[ObservedColumn]] = defaultdict(list)
    views: set[str] = set()
    for table, kind, column, column_type, nullable in columns:
        observed[table].append(ObservedColumn(name=column, type=_text(column_type), nullable=nullable == "YES"))
        if kind == "VIEW":
            views.add(table)
    return tuple(
        ObservedTable(name=name, columns=tuple(found), primary_key=tuple(primary[name]), is_view=name in views)
        for name, found in observed.items()
    )


def _text(value: str | bytes) -> str:
    # MySQL 8 hands out column_type as a blob to some clients: its data dictionary keeps it as MEDIUMTEXT.
    return value.decode("utf-8") if isinstance(value, bytes) else value
