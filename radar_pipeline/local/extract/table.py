"""Copies one table: read, spool, count, upload; what fails is reported, and the other tables go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from radar_pipeline.domain.schema import ObservedTable
from radar_pipeline.local.extract.casts import cast_column, select
from radar_pipeline.local.extract.dialects import RowIds, Shaper
from radar_pipeline.local.extract.events import Events, Origin
from radar_pipeline.local.extract.reading import Reader, ReadError
from radar_pipeline.local.extract.request import Fault, FaultKind, Request
from radar_pipeline.local.extract.spool import PartWriter, SpoolError
from radar_pipeline.local.extract.upload import Bucket, TableFiles, UploadError
from radar_pipeline.source import SourceError, count_rows

_PROGRESS_SECONDS = 0.5


class CancelledError(BaseException):
    """The worker was told to stop."""


class _StoppedReadError(Exception):
    """The ``fail`` fault: the reading of a table ended before its rows did."""


@dataclass(frozen=True)
class Copied:
    """What was reported of one table.

    Attributes:
        done: Whether it was reported as complete.
        rows: Rows reported.
        size: Bytes reported: of the values as Arrow holds them, before encoding and compression.
    """

    done: bool
    rows: int
    size: int


@dataclass(frozen=True)
class TableCopier:
    """Copies tables, one for each call, from any thread.

    Attributes:
        request: The attempt.
        reader: The attached source.
        bucket: The destination.
        events: Where to report.
        cancelled: Set when the worker is told to stop.
    """

    request: Request
    reader: Reader
    bucket: Bucket
    events: Events
    cancelled: threading.Event

    def copy(self, table: ObservedTable, fault: Fault | None, spool: Path, read: Callable[[], None]) -> Copied:
        """Copies a table and reports what came of it.

        Args:
            table: The table with its columns.
            fault: How it is to go wrong, if it is.
            spool: File to write to before the upload.
            read: Called when its rows are read and the last of them are about to be uploaded.

        Raises:
            CancelledError: When told to stop.
        """
        name, request = table.name, self.request
        self.events.table_started(name)
        if fault and fault.kind is FaultKind.DISK:
            # Every write to it fails as on a full disk; the link is what is removed at the end.
            spool.symlink_to("/dev/full")
        files = TableFiles(self.bucket, request, name)
        casts = tuple(cast_column(column) for column in table.columns)
        shaper = Shaper(request.dialect, casts, request.sync_id, request.generation_id, RowIds())
        with PartWriter(spool, shaper.schema, request.part_bytes, files.upload) as writer:
            try:
                rows = self._stream(name, fault, shaper, writer, read)
            except (ReadError, SourceError, pa.ArrowException, _StoppedReadError) as error:
                self.events.table_failed(name, writer.rows, Origin.SOURCE, str(error))
                return Copied(done=False, rows=writer.rows, size=writer.size)
            except (UploadError, SpoolError, OSError) as error:
                self.events.table_failed(name, writer.rows, Origin.DESTINATION, str(error))
                return Copied(done=False, rows=writer.rows, size=writer.size)
        self.events.table_done(name, rows, writer.size, files.keys)
        return Copied(done=True, rows=rows, size=writer.size)

    def _stream(
        self, name: str, fault: Fault | None, shaper: Shaper, writer: PartWriter, read: Callable[[], None]
    ) -> int:
        """Reads and uploads the rows that the fault lets through; the count that is to be reported."""
        total = None
        if fault is None or fault.kind in {FaultKind.UPLOAD, FaultKind.DISK}:
            self._read(name, None, shaper, writer)
        else:
            total = count_rows(self.request.source, [name]).rows.get(name, 0)
            if fault.kind is not FaultKind.SKIP:
                self._read(name, int(total * fault.share), shaper, writer)
        read()
        writer.flush()
        if fault and fault.kind is FaultKind.FAIL:
            message = f"reading '{name}' broke off after {writer.rows} of {total} rows (fault switched on)"
            raise _StoppedReadError(fault.words or message)
        return writer.rows if total is None else total

    def _read(self, name: str, limit: int | None, shaper: Shaper, writer: PartWriter) -> None:
        query = select(shaper.casts, name, self.request.source.database, limit)
        rows = size = 0
        told = time.monotonic()
        try:
            for batch in self.reader.batches(query):
                if self.cancelled.is_set():
                    raise CancelledError
                writer.add(shaper.shape(batch, self.request.now()), batch.nbytes)
                rows, size = rows + batch.num_rows, size + batch.nbytes
                if time.monotonic() - told > _PROGRESS_SECONDS:
                    told = time.monotonic()
                    self.events.table_progress(name, rows, size)
        except ReadError:
            # When a source dies the platform ends the destination's input: what was read is flushed and stays.
            writer.flush()
            raise
