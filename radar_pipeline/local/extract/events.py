"""The worker's stdout: one JSON object a line, flushed, from any thread."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, TextIO


class Origin(StrEnum):
    """Which side a failure came from, in Airbyte's word (``failureOrigin``)."""

    SOURCE = "source"
    DESTINATION = "destination"


class Events:
    """Writes events; lines of different tables never mix."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def started(self) -> None:
        """The request was understood."""
        self._write(event="started")

    def table_started(self, table: str) -> None:
        """The table's query was sent."""
        self._write(event="table_started", table=table)

    def table_progress(self, table: str, rows: int, size: int) -> None:
        """Rows read so far; they are in the bucket only when the table is done."""
        self._write(event="table_progress", table=table, rows=rows, bytes=size)

    def table_done(self, table: str, rows: int, size: int, files: Sequence[str]) -> None:
        """All rows of the table are in the bucket (or a fault says so)."""
        self._write(event="table_done", table=table, rows=rows, bytes=size, files=list(files))

    def table_failed(self, table: str, rows: int, origin: Origin, message: str) -> None:
        """The table is not complete; ``rows`` of it are in the bucket."""
        self._write(event="table_failed", table=table, rows=rows, origin=str(origin), message=message)

    def failed(self, origin: Origin, message: str) -> None:
        """Nothing could be done at all."""
        self._write(event="failed", origin=str(origin), message=message)

    def finished(self, rows: int, size: int) -> None:
        """Every table was tried."""
        self._write(event="finished", rows=rows, bytes=size)

    def _write(self, **event: Any) -> None:
        line = json.dumps(event, ensure_ascii=False)
        with self._lock:
            self._stream.write(line + "\n")
            self._stream.flush()
