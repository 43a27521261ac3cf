"""Parquet footers: what a file holds, told from its last bytes alone.

A Parquet file ends with its footer, the footer's length in four bytes and ``PAR1``. A writer that dies leaves none of
them, and an object cut short has lost them, so the last bytes decide whether the object is a whole file.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from radar_pipeline.domain.snapshots import BrokenFile, Column, DataFile

# Holds the footer of a table of 100 columns in 4 row groups; larger ones take a second request.
TAIL_BYTES = 64 * 1024

_MAGIC = b"PAR1"
_ENCRYPTED = b"PARE"
_TRAILER_BYTES = 8
_LEAST_BYTES = len(_MAGIC) + _TRAILER_BYTES

# Names before and after destination-s3 1.0.
EXTRACTED_AT = ("_airbyte_extracted_at", "_airbyte_emitted_at")
_SYNC_ID = "_airbyte_meta.sync_id"

_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class FileOnDisk:
    """What the listing tells about an object."""

    key: str
    size: int
    modified_at: dt.datetime


def missing_bytes(file: FileOnDisk, tail: bytes) -> int:
    """How many bytes before the tail are still needed to hold the whole footer; 0 where the tail will do."""
    if len(tail) < _LEAST_BYTES or tail[-4:] != _MAGIC:
        return 0
    needed = _footer_bytes(tail)
    return max(min(needed, file.size) - len(tail), 0)


def _footer_bytes(tail: bytes) -> int:
    return int.from_bytes(tail[-8:-4], "little") + _TRAILER_BYTES


def looks_cut(tail: bytes) -> bool:
    """Whether the last bytes are not those of a Parquet file, so that the first four say more about what it is."""
    return len(tail) >= _LEAST_BYTES and tail[-4:] not in {_MAGIC, _ENCRYPTED}


def parse_footer(file: FileOnDisk, tail: bytes, head: bytes = b"") -> DataFile | BrokenFile:
    """Reads a footer.

    Args:
        file: The object, from the listing.
        tail: Its last bytes, the whole footer included (see ``missing_bytes``).
        head: Its first bytes, where ``looks_cut`` asked for them.

    Returns:
        The file's rows, extraction range and columns; or what is wrong with it.
    """
    problem = _plain_problem(file, tail, head)
    if problem:
        return BrokenFile(file.key, file.size, problem)
    try:
        # `metadata.schema` would be shorter, but that object and its metadata hold each other until the garbage
        # collector comes by: 17 KB for each of thousands of files.
        reader = pq.ParquetFile(pa.BufferReader(tail))
        metadata, schema = reader.metadata, reader.schema_arrow
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        return BrokenFile(file.key, file.size, f"its Parquet footer cannot be read: {reason}")
    if problem := _misfit(metadata, file.size):
        return BrokenFile(file.key, file.size, problem)
    oldest, newest = _extraction_range(metadata, schema)
    return DataFile(
        key=file.key,
        size=file.size,
        modified_at=file.modified_at,
        rows=metadata.num_rows,
        oldest=oldest,
        newest=newest,
        columns=tuple(Column(each.name, str(each.type)) for each in schema),
        sync_id=_sync_id(metadata),
    )


def _plain_problem(file: FileOnDisk, tail: bytes, head: bytes) -> str | None:
    """What is wrong with an object that is no whole Parquet file, before any footer is parsed."""
    if file.size == 0:
        return "it has no bytes"
    if file.size < _LEAST_BYTES:
        return f"its {file.size} bytes are too few for a Parquet file"
    if tail[-4:] == _ENCRYPTED:
        return "its footer is encrypted, so nothing can be known about its rows"
    if tail[-4:] != _MAGIC:
        if head[:4] == _MAGIC:
            return f"it is cut short: it begins as a Parquet file and ends after {file.size} bytes without a footer"
        return f"it is no Parquet file: it begins with {head[:4]!r}"
    if _footer_bytes(tail) + len(_MAGIC) > file.size:
        return f"its footer claims {_footer_bytes(tail)} bytes of a file of {file.size}"
    return None


def _misfit(metadata: pq.FileMetaData, size: int) -> str | None:
    """Why row groups cannot be those of this file; a footer may be whole while the data before it is not."""
    counted, end = 0, len(_MAGIC)
    for group in (metadata.row_group(number) for number in range(metadata.num_row_groups)):
        counted += group.num_rows
        for chunk in (group.column(number) for number in range(group.num_columns)):
            start = chunk.dictionary_page_offset or chunk.data_page_offset
            end = max(end, start + chunk.total_compressed_size)
    room = size - metadata.serialized_size - _TRAILER_BYTES
    if end > room:
        return f"it is cut short: its row groups end at byte {end} where only {max(room, 0)} bytes of data remain"
    if counted != metadata.num_rows:
        return f"its footer counts {metadata.num_rows} rows where its row groups hold {counted}"
    return None


def _extraction_range(metadata: pq.FileMetaData, schema: pa.Schema) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Earliest and latest extraction time; None where the column or its statistics are missing."""
    name = next((name for name in EXTRACTED_AT if name in schema.names), None)
    if name is None or not pa.types.is_timestamp(schema.field(name).type):
        return None, None
    per_second = _UNITS[schema.field(name).type.unit]
    bounds = _bounds(metadata, name)
    if bounds is None:
        return None, None
    low, high = (_EPOCH + dt.timedelta(microseconds=raw * 10**6 // per_second) for raw in bounds)
    return low, high


def _sync_id(metadata: pq.FileMetaData) -> int | None:
    bounds = _bounds(metadata, _SYNC_ID)
    return bounds[0] if bounds and bounds[0] == bounds[1] else None


def _bounds(metadata: pq.FileMetaData, path: str) -> tuple[int, int] | None:
    """Least and greatest stored value of an integer column over all row groups with rows; None where one keeps none."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    groups = [group for group in groups if group.num_rows]
    index = _column_index(groups[0], path) if groups else None
    if index is None:
        return None
    seen: list[Any] = []
    for group in groups:
        statistics = group.column(index).statistics
        if statistics is None or not statistics.has_min_max:
            return None
        seen += [statistics.min_raw, statistics.max_raw]
    return (min(seen), max(seen)) if all(isinstance(value, int) for value in seen) else None


def _column_index(group: pq.RowGroupMetaData, path: str) -> int | None:
    return next((number for number in range(group.num_columns) if group.column(number).path_in_schema == path), None)
