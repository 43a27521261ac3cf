"""The catalogue of a MySQL database as source-mysql 3.0.0 discovers it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from radar_pipeline.domain.mysql_types import base_type, canonical_type, type_arguments
from radar_pipeline.domain.schema import ObservedTable
from radar_pipeline.local.extract.request import source_address
from radar_pipeline.source import observe_tables

_INTEGERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "year"})
_NUMBERS = frozenset({"decimal", "float", "double"})
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


def json_schema_type(column_type: str, *, modern: bool) -> dict[str, Any]:
    """JSON schema of a column.

    Args:
        column_type: Its MySQL type as ``information_schema`` spells it.
        modern: Whether integers are written as a number with ``airbyte_type``, as the present protocol has it.
    """
    kind = base_type(column_type)
    if canonical_type(column_type) in {"tinyint(1)", "bit"}:
        return {"type": "boolean"}
    if kind in _INTEGERS or (kind == "decimal" and type_arguments(column_type)[1:] in ([], ["0"])):
        return {"type": "number", "airbyte_type": "integer"} if modern else {"type": "integer"}
    if kind in _NUMBERS:
        return {"type": "number"}
    if kind in _TIMES:
        return dict(_TIMES[kind])
    if kind in _BASE64:
        return {"type": "string", "contentEncoding": "base64"}
    return {"type": "string"}


def build_catalog(
    tables: Iterable[ObservedTable], namespace: str, *, modern: bool, selected: Sequence[str] | None = None
) -> dict[str, Any]:
    """A syncCatalog with every table on full refresh and append.

    Args:
        tables: The tables and views of the database.
        namespace: Name of the database.
        modern: Whether it is for a current server.
        selected: Tables to sync; None for all. Views are listed and never selected.
    """
    streams = []
    for table in tables:
        key = [[name] for name in table.primary_key]
        stream = {
            "name": table.name,
            "jsonSchema": {
                "type": "object",
                "properties": {each.name: json_schema_type(each.type, modern=modern) for each in table.columns},
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
            "aliasName": table.name,
            "selected": not table.is_view and (selected is None or table.name in selected),
        }
        streams.append({"stream": stream, "config": config})
    return {"streams": streams}


def discover(source: Mapping[str, Any], *, modern: bool, selected: Sequence[str] | None = None) -> dict[str, Any]:
    """Reads the catalogue from the source.

    Args:
        source: Where it is, as ``order.source_of`` gives it.
        modern: Whether it is for a current server.
        selected: Tables to sync; None for all.

    Raises:
        SourceError: It cannot be reached or read.
    """
    tables = (table for table in observe_tables(source_address(source)) if not table.is_sequence)
    return build_catalog(tables, source["database"], modern=modern, selected=selected)
