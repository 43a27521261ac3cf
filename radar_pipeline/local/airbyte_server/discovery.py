"""The catalogue of a MySQL database as source-mysql 3.0.0 discovers it."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pymysql

from radar_pipeline.source.columns import of_this_schema

_INTEGERS = frozenset({"tinyint", "smallint", "mediumint", "int", "integer", "bigint", "year"})
_BASE64 = frozenset(
    {"bit", "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "geometry", "point", "linestring"}
    | {"polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection"}
)
_TIMES = {
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time", "airbyte_type": "timestamp_without_timezone"},
    "timestamp": {"type": "string", "format": "date-time", "airbyte_type": "timestamp_with_timezone"},
    "time": {"type": "string", "format": "time", "airbyte_type": "time_without_timezone"},
}

_TABLES = of_this_schema("""
SELECT table_name, table_type FROM information_schema.tables
WHERE THIS_SCHEMA AND table_type IN ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED')
""")
_COLUMNS = of_this_schema("""
SELECT table_name, column_name, data_type, column_type, numeric_scale FROM information_schema.columns
WHERE THIS_SCHEMA ORDER BY table_name, CAST(table_name AS BINARY), ordinal_position
""")
_KEYS = of_this_schema("""
SELECT table_name, column_name FROM information_schema.statistics
WHERE THIS_SCHEMA AND index_name = 'PRIMARY' ORDER BY table_name, seq_in_index
""")


@dataclass(frozen=True)
class SourceColumn:
    """A column as information_schema shows it.

    Attributes:
        table: Table name.
        is_view: Whether the table is a view.
        name: Column name.
        data_type: ``data_type``.
        column_type: ``column_type``.
        scale: Digits after the point; None where it is no number.
    """

    table: str
    is_view: bool
    name: str
    data_type: str
    column_type: str
    scale: int | None


def json_schema_type(column: SourceColumn, *, modern: bool) -> dict[str, Any]:
    """JSON schema of a column.

    Args:
        column: The column.
        modern: Whether integers are written as a number with ``airbyte_type``, as the present protocol has it.
    """
    kind, spelled = column.data_type.lower(), column.column_type.lower()
    if spelled in {"tinyint(1)", "bit(1)"} or kind == "boolean":
        return {"type": "boolean"}
    if kind in _INTEGERS or (kind in {"decimal", "numeric"} and not column.scale):
        return {"type": "number", "airbyte_type": "integer"} if modern else {"type": "integer"}
    if kind in {"decimal", "numeric", "float", "double", "real"}:
        return {"type": "number"}
    if kind in _TIMES:
        return dict(_TIMES[kind])
    if kind in _BASE64:
        return {"type": "string", "contentEncoding": "base64"}
    return {"type": "string"}


def build_catalog(
    columns: Iterable[SourceColumn],
    keys: Mapping[str, Sequence[str]],
    namespace: str,
    *,
    modern: bool,
    selected: Sequence[str] | None = None,
) -> dict[str, Any]:
    """A syncCatalog with every table on full refresh and append.

    Args:
        columns: All columns in table order.
        keys: Key columns of each table that has a key.
        namespace: Name of the database.
        modern: Whether it is for a current server.
        selected: Tables to sync; None for all. Views are listed and never selected.
    """
    by_table: dict[str, list[SourceColumn]] = {}
    for column in columns:
        by_table.setdefault(column.table, []).append(column)
    streams = []
    for table, own in by_table.items():
        key = [[name] for name in keys.get(table, ())]
        is_selected = not own[0].is_view and (selected is None or table in selected)
        stream = {
            "name": table,
            "jsonSchema": {
                "type": "object",
                "properties": {column.name: json_schema_type(column, modern=modern) for column in own},
            },
            "supportedSyncModes": ["full_refresh", "incremental"],
            "defaultCursorField": [],
            "sourceDefinedPrimaryKey": key,
            "namespace": namespace,
        }
        config = {
            "syncMode": "full_refresh",
            "destinationSyncMode": "append",
            "cursorField": [],
            "primaryKey": key,
            "aliasName": table,
            "selected": is_selected,
        }
        streams.append({"stream": stream, "config": config})
    return {"streams": streams}


def connect(source: Mapping[str, Any]) -> pymysql.Connection[Any]:
    """Signs in to the source. Like ``ssl_mode`` preferred and required, it does not check the certificate."""
    context = None
    if source["tls"]:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return pymysql.connect(
        host=source["host"],
        port=source["port"],
        user=source["user"],
        password=source["password"],
        database=source["database"],
        charset="utf8mb4",
        connect_timeout=10,
        read_timeout=60,
        ssl=context,
    )


def discover(source: Mapping[str, Any], *, modern: bool, selected: Sequence[str] | None = None) -> dict[str, Any]:
    """Reads the catalogue from the source.

    Args:
        source: Where it is, as ``order.source_of`` gives it.
        modern: Whether it is for a current server.
        selected: Tables to sync; None for all.

    Raises:
        pymysql.MySQLError: It cannot be reached or read.
    """
    with connect(source) as connection, connection.cursor() as cursor:
        cursor.execute(_TABLES)
        kinds: dict[str, str] = dict(cursor.fetchall())
        cursor.execute(_COLUMNS)
        columns = [
            SourceColumn(table, kinds[table] == "VIEW", name, data_type, column_type, scale)
            for table, name, data_type, column_type, scale in cursor.fetchall()
            if table in kinds
        ]
        cursor.execute(_KEYS)
        keys: dict[str, list[str]] = {}
        for table, name in cursor.fetchall():
            keys.setdefault(table, []).append(name)
    return build_catalog(columns, keys, source["database"], modern=modern, selected=selected)
