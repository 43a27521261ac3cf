"""Glue's own shapes of tables and partitions, and back. What other people set at a table stays as they set it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from radar_pipeline.domain.catalogue.model import CatalogueColumn, CataloguePartition, CatalogueTable

Raw = Mapping[str, Any]

# Source: Athena user guide, "Parquet SerDe".
SERDE = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
INPUT_FORMAT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
OUTPUT_FORMAT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"

# With it Athena reads columns by their place and not by name. Source: Athena user guide, "Handle schema updates".
_BY_PLACE = "parquet.column.index.access"

_TABLE_INPUT = (
    "Description",
    "Owner",
    "LastAccessTime",
    "LastAnalyzedTime",
    "Retention",
    "ViewOriginalText",
    "ViewExpandedText",
    "TargetTable",
)


def table_of(raw: Raw) -> CatalogueTable:
    """A table as ``get_table`` tells it."""
    storage = raw.get("StorageDescriptor") or {}
    is_view = raw.get("TableType") == "VIRTUAL_VIEW"
    return CatalogueTable(
        name=raw["Name"],
        location=storage.get("Location", ""),
        columns=_columns_of(storage.get("Columns", ())),
        parameters=dict(raw.get("Parameters") or {}),
        partition_keys=_columns_of(raw.get("PartitionKeys", ())),
        is_parquet=not is_view and _reads_parquet_by_name(storage),
        is_view=is_view,
        version=str(raw.get("VersionId") or ""),
    )


def _reads_parquet_by_name(storage: Raw) -> bool:
    serde = storage.get("SerdeInfo") or {}
    by_place = str((serde.get("Parameters") or {}).get(_BY_PLACE, "")).lower() == "true"
    return serde.get("SerializationLibrary") == SERDE and not by_place


def table_input(table: CatalogueTable, there: Raw | None) -> dict[str, Any]:
    """A table as ``create_table`` and ``update_table`` want it.

    Args:
        table: The table.
        there: The table that is there, as ``get_table`` tells it; None where there is none.
    """
    old = there or {}
    kept = {name: old[name] for name in _TABLE_INPUT if old.get(name)}
    return {
        **kept,
        "Name": table.name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": dict(table.parameters),
        "PartitionKeys": _columns(table.partition_keys),
        "StorageDescriptor": {
            **(old.get("StorageDescriptor") or {}),
            **_storage(table.location, table.columns),
        },
    }


def partition_of(raw: Raw, *, with_columns: bool = True) -> CataloguePartition | str:
    """A partition as ``get_partitions`` tells it; one that is no day, as it is spelt."""
    storage = raw.get("StorageDescriptor") or {}
    value = "/".join(raw.get("Values") or ())
    try:
        day = dt.date.fromisoformat(value)
    except ValueError:
        return value
    if day.isoformat() != value:
        return value  # 20261124 is a day to Python, and another partition to Glue.
    # A server may tell columns that were not asked for.
    columns = _columns_of(storage.get("Columns") or ()) if with_columns else ()
    return CataloguePartition(day, storage.get("Location", ""), columns, dict(raw.get("Parameters") or {}))


def partition_input(partition: CataloguePartition) -> dict[str, Any]:
    """A partition as the batches want it."""
    return {
        "Values": [partition.day.isoformat()],
        "StorageDescriptor": _storage(partition.location, partition.columns),
        "Parameters": dict(partition.parameters),
    }


def _storage(location: str, columns: Iterable[CatalogueColumn]) -> dict[str, Any]:
    return {
        "Location": location,
        "Columns": _columns(columns),
        "InputFormat": INPUT_FORMAT,
        "OutputFormat": OUTPUT_FORMAT,
        "SerdeInfo": {"SerializationLibrary": SERDE, "Parameters": {"serialization.format": "1"}},
    }


def _columns_of(raw: Iterable[Raw]) -> tuple[CatalogueColumn, ...]:
    return tuple(CatalogueColumn(each["Name"], each.get("Type", ""), each.get("Comment", "")) for each in raw)


def _columns(columns: Iterable[CatalogueColumn]) -> list[dict[str, str]]:
    return [
        {"Name": each.name, "Type": each.type, **({"Comment": each.comment} if each.comment else {})}
        for each in columns
    ]
