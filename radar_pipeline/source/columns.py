"""The tables of the source as ``information_schema`` shows them."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from radar_pipeline.domain.schema import ObservedColumn, ObservedTable
from radar_pipeline.source.connection import SourceAddress, cursor_at

_THIS_SCHEMA = (
    "table_schema = DATABASE() AND "
    "(@@lower_case_table_names <> 0 OR CAST(table_schema AS BINARY) = CAST(DATABASE() AS BINARY))"
)


def of_this_schema(query: str) -> str:
    """A query of ``information_schema`` in which THIS_SCHEMA stands for the condition on ``table_schema``.

    Names compare without case and accents there: in a join ``promocao`` would get the columns of ``promoção``, so
    tables are put together in Python; and ``radar`` would get the tables of ``Radar``, so the schema is compared byte
    by byte, unless the server itself knows no difference. The plain comparison stays for speed: MariaDB opens no other
    schema then.
    """
    return query.replace("THIS_SCHEMA", _THIS_SCHEMA)


# A query each for all tables, columns and keys: asked table by table, 85 tables would be 170 round trips.
_TABLES = of_this_schema("""
SELECT table_name, table_type
FROM information_schema.tables
WHERE THIS_SCHEMA AND table_type IN ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED', 'SEQUENCE')
""")
_COLUMNS = of_this_schema("""
SELECT table_name, column_name, column_type, is_nullable
FROM information_schema.columns
WHERE THIS_SCHEMA
ORDER BY table_name, CAST(table_name AS BINARY), ordinal_position
""")
_KEYS = of_this_schema("""
SELECT table_name, column_name
FROM information_schema.statistics
WHERE THIS_SCHEMA AND index_name = 'PRIMARY'
ORDER BY table_name, seq_in_index
""")


def observe_tables(address: SourceAddress) -> tuple[ObservedTable, ...]:
    """Every table, view and sequence of the database that the user may see, by name, with columns and key in order.

    Raises:
        SourceError: Where the source cannot be reached or refuses.
    """
    with cursor_at(address, "reading its columns") as cursor:
        cursor.execute(_TABLES)
        kinds: dict[str, str] = dict(cursor.fetchall())
        cursor.execute(_COLUMNS)
        columns: list[tuple[Any, ...]] = list(cursor.fetchall())
        cursor.execute(_KEYS)
        keys: list[tuple[Any, ...]] = list(cursor.fetchall())
    primary: dict[str, list[str]] = defaultdict(list)
    for table, column in keys:
        primary[table].append(column)
    observed: dict[str, list[ObservedColumn]] = defaultdict(list)
    for table, column, column_type, nullable in columns:
        if table in kinds:
            observed[table].append(ObservedColumn(name=column, type=_text(column_type), nullable=nullable == "YES"))
    return tuple(
        ObservedTable(
            name=name,
            columns=tuple(found),
            primary_key=tuple(primary[name]),
            is_view=kinds[name] == "VIEW",
            is_sequence=kinds[name] == "SEQUENCE",
        )
        for name, found in observed.items()
    )


def _text(value: str | bytes) -> str:
    # MySQL 8 hands out column_type as a blob to some clients: its data dictionary keeps it as MEDIUMTEXT.
    return value.decode("utf-8") if isinstance(value, bytes) else value
