"""Parquet files on their way to the bucket: written whole, counted, uploaded, removed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from radar_pipeline.local.extract.dialects import column_encodings, dictionary_columns

# A row group is written when either is reached: rows enough for its statistics to mean something, and little enough
# memory for several wide tables at once.
_GROUP_ROWS = 122_880
_GROUP_BYTES = 32 * 1024 * 1024


class SpoolError(Exception):
    """A finished file does not hold the rows that were written to it."""


class PartWriter:
    """Writes the batches of one table to one file after another and hands each over when it is full.

    A ParquetWriter that is closed after an error leaves a valid file with too few rows. So nothing leaves but
    through ``flush``, which compares the footer with what was counted, and leaving the context removes the rest.

    Attributes:
        rows: Rows handed over.
        size: Bytes of their values as Arrow held them, before encoding and compression.
    """

    def __init__(self, path: Path, schema: pa.Schema, part_bytes: int, upload: Callable[[Path], None]) -> None:
        self.rows = 0
        self.size = 0
        self._path = path
        self._schema = schema
        self._part_bytes = part_bytes
        self._upload = upload
        self._writer: pq.ParquetWriter | None = None
        self._group: list[pa.RecordBatch] = []
        self._group_size = 0
        self._part_rows = 0
        self._part_size = 0

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def add(self, batch: pa.RecordBatch, size: int) -> None:
        """Takes a batch; where that fills the file, uploads it and goes on with the next.

        Args:
            batch: Rows in the schema of the file.
            size: Bytes of the values as they were read.
        """
        self._group.append(batch)
        self._group_size += batch.nbytes
        self._part_rows += batch.num_rows
        self._part_size += size
        rows = sum(held.num_rows for held in self._group)
        if rows >= _GROUP_ROWS or self._group_size >= min(_GROUP_BYTES, self._part_bytes):
            self._write_group()
            if self._path.stat().st_size >= self._part_bytes:
                self.flush()

    def flush(self) -> None:
        """Finishes the file, counts it and hands it over. Without rows nothing is written: no file for no rows.

        Raises:
            SpoolError: Where the footer does not count what was written.
        """
        self._write_group()
        if self._writer is None:
            return
        self._writer.close()
        written = pq.read_metadata(self._path).num_rows
        if written != self._part_rows:
            message = f"{self._path.name} holds {written} rows of {self._part_rows} written: the spool disk may be full"
            raise SpoolError(message)
        self._upload(self._path)
        self.rows += self._part_rows
        self.size += self._part_size
        self._remove()

    def _write_group(self) -> None:
        if not self._group:
            return
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self._path,
                self._schema,
                compression="snappy",
                use_dictionary=dictionary_columns(self._group[0]),
                column_encoding=column_encodings(self._schema),
            )
        self._writer.write_table(pa.Table.from_batches(self._group, self._schema))
        self._group = []
        self._group_size = 0

    def _remove(self) -> None:
        if self._writer is not None:
            # Closing writes the footer, which fails on a full disk; the file goes either way.
            with suppress(OSError, pa.ArrowException):
                self._writer.close()
        self._writer = None
        self._group = []
        self._group_size = 0
        self._part_rows = self._part_size = 0
        self._path.unlink(missing_ok=True)
