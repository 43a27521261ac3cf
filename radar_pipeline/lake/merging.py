"""Makes one Parquet file of several, row after row, and shows that nothing was lost on the way.

Memory holds one row group and one small file at a time, however many there are.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

# A row group of the merged file has about this many bytes in memory.
_GROUP_BYTES = 32 * 1024**2
_BATCH_ROWS = 16 * 1024

# Under this key the footer of a merged file names the files that it was made of.
ORIGIN = "radar.compacted_from"

_ARROW_SCHEMA = b"ARROW:schema"

# Makes the content of one of the files, by its place in the order.
Read = Callable[[int], bytes]


class MergeError(Exception):
    """Files cannot be merged, or what was made of them is not the same; the text is meant for a person."""


def merge_files(read: Read, names: Sequence[str], target: Path) -> None:
    """Writes the rows of several files into one, in the order given, with the same columns and types.

    Args:
        read: Gives the content of each file.
        names: What the files are called, for the footer and for messages.
        target: Where the merged file goes.

    Raises:
        MergeError: A file has other columns or types than the first.
    """
    first = pq.ParquetFile(pa.BufferReader(read(0)))
    schema, metadata = first.schema_arrow, first.metadata
    codec = metadata.row_group(0).column(0).compression if metadata.num_row_groups else "SNAPPY"
    with pq.ParquetWriter(
        target,
        schema,
        compression="NONE" if codec == "UNCOMPRESSED" else codec,
        # A reader that goes by names inside lists must find those of the originals.
        use_compliant_nested_type=any(".list.element" in path for path in _paths(metadata)),
        store_schema=_ARROW_SCHEMA in (metadata.metadata or {}),
    ) as writer:
        writer.add_key_value_metadata({ORIGIN: json.dumps(list(names))})
        for group in _groups(_tables(read, names, schema)):
            writer.write_table(group, row_group_size=len(group))


def check_merged(merged: Path, read: Read, names: Sequence[str]) -> None:
    """Compares a merged file with the files that it was made of: their footers, and every value of every row.

    Raises:
        MergeError: Something differs. A float that is no number equals nothing, so such a file is never the same.
    """
    with pq.ParquetFile(merged) as whole:
        rows, counted = _Rows(whole), 0
        nulls: Counter[str] = Counter()
        unknown: set[str] = set()
        for number, name in enumerate(names):
            part = pq.ParquetFile(pa.BufferReader(read(number)))
            if _leaves(part.metadata) != _leaves(whole.metadata) or not part.schema_arrow.equals(whole.schema_arrow):
                message = f"{name} is stored in other columns or types than the merged file"
                raise MergeError(message)
            counted += part.metadata.num_rows
            known = _null_counts(part.metadata)
            nulls.update(known)
            unknown |= set(_flat_columns(whole.metadata)) - set(known)
            for batch in part.iter_batches(_BATCH_ROWS):
                if not rows.take(len(batch)).equals(pa.Table.from_batches([batch])):
                    message = f"rows of {name} are not the same in the merged file"
                    raise MergeError(message)
        if counted != whole.metadata.num_rows:
            message = f"the merged file has {whole.metadata.num_rows} rows where its parts have {counted}"
            raise MergeError(message)
        found = _null_counts(whole.metadata)
        if path := next((path for path in sorted(set(found) - unknown) if found[path] != nulls[path]), None):
            message = f"the merged file has {found[path]} nulls in {path} where its parts have {nulls[path]}"
            raise MergeError(message)


def _tables(read: Read, names: Sequence[str], schema: pa.Schema) -> Iterator[pa.Table]:
    for number, name in enumerate(names):
        file = pq.ParquetFile(pa.BufferReader(read(number)))
        if not file.schema_arrow.equals(schema):
            message = f"{name} has other columns or types than {names[0]}"
            raise MergeError(message)
        for batch in file.iter_batches(_BATCH_ROWS):
            yield pa.Table.from_batches([batch]).cast(schema)


def _groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(each.nbytes for each in waiting) >= _GROUP_BYTES:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def _columns(metadata: pq.FileMetaData) -> Iterator[pq.ColumnSchema]:
    return (metadata.schema.column(number) for number in range(metadata.num_columns))


def _paths(metadata: pq.FileMetaData) -> list[str]:
    return [each.path for each in _columns(metadata)]


def _leaves(metadata: pq.FileMetaData) -> list[tuple[str, str, str, int, int]]:
    """Stored columns as any reader sees them. Lists of two levels (parquet-avro) count as those of three."""
    return [
        (
            each.path.replace(".list.", "."),
            each.physical_type,
            str(each.converted_type),
            each.max_definition_level,
            each.max_repetition_level,
        )
        for each in _columns(metadata)
    ]


def _flat_columns(metadata: pq.FileMetaData) -> dict[str, int]:
    """Stored columns outside lists, by path: writers differ in what they call a null inside one."""
    return {each.path: n for n, each in enumerate(_columns(metadata)) if each.max_repetition_level == 0}


def _null_counts(metadata: pq.FileMetaData) -> dict[str, int]:
    """Nulls by stored column as the footer counts them; a column that it does not count is left out."""
    counts = {}
    for path, number in _flat_columns(metadata).items():
        groups = [metadata.row_group(group).column(number).statistics for group in range(metadata.num_row_groups)]
        if all(each is not None and each.has_null_count for each in groups):
            counts[path] = sum(each.null_count for each in groups)
    return counts


class _Rows:
    """The rows of a file, some at a time."""

    def __init__(self, file: pq.ParquetFile) -> None:
        self._schema = file.schema_arrow
        self._batches = file.iter_batches(_BATCH_ROWS)
        self._left: list[pa.RecordBatch] = []

    def take(self, rows: int) -> pa.Table:
        """The next rows, fewer where the file ends."""
        taken, missing = [], rows
        while missing:
            batch = self._left.pop() if self._left else next(self._batches, None)
            if batch is None:
                break
            taken.append(batch.slice(0, missing))
            if len(batch) > missing:
                self._left.append(batch.slice(missing))
            missing -= len(taken[-1])
        return pa.Table.from_batches(taken, self._schema.remove_metadata())
