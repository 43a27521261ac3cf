"""What lies in one day of every table: one listing a table, one ranged read a file, no download to count rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Lock
from typing import TypeVar

from radar_pipeline.domain.layout import BronzeLayout, is_data_file
from radar_pipeline.domain.snapshots import BrokenFile, Column, DataFile, Folder
from radar_pipeline.lake.errors import LakeError, LakeFault
from radar_pipeline.lake.footers import TAIL_BYTES, FileOnDisk, looks_cut, missing_bytes, parse_footer
from radar_pipeline.lake.store import LakeStore

# An endpoint that failed this often, each time after all retries, is taken to be away: a thousand tables that each
# wait for their own time-outs would take hours to say the same.
_ENDPOINT_FAILURES = 8

T = TypeVar("T")
Progress = Callable[[int, int], None]
Found = tuple[tuple[str, ...], "list[Future[DataFile | BrokenFile | None]]"]


def read_folders(
    store: LakeStore,
    layout: BronzeLayout,
    tables: Sequence[str],
    day: dt.date,
    *,
    parallel: int = 32,
    on_progress: Progress | None = None,
) -> dict[str, Folder]:
    """Reads one day's folder of every table.

    Never raises for what is wrong in the bucket: a table that cannot be read carries the reason in ``Folder.error``
    and does not hide the others.

    Args:
        store: The bucket.
        layout: Where tables lie in it.
        tables: Table names.
        day: Ingestion day.
        parallel: Requests in flight.
        on_progress: Called from this thread with tables done and tables in all.

    Returns:
        A folder for every table, in the order given.
    """
    reader = _Reader(store, layout, day)
    folders: dict[str, Folder] = {}
    with ThreadPoolExecutor(parallel, thread_name_prefix="footers") as pool:
        # Footers of the first tables are read while the last ones are still being listed.
        listings = [(table, pool.submit(reader.list_folder, table)) for table in tables]
        pending = [(table, _footers_of(pool, reader, listing)) for table, listing in listings]
        for table, found in pending:
            folders[table] = reader.folder(table, found)
            if on_progress:
                on_progress(len(folders), len(tables))
    return folders


def _footers_of(pool: ThreadPoolExecutor, reader: _Reader, listing: Future[list[FileOnDisk]]) -> Found | LakeError:
    try:
        files = listing.result()
    except LakeError as error:
        return error
    data = [file for file in files if is_data_file(file.key)]
    ignored = tuple(file.key for file in files if not is_data_file(file.key))
    return ignored, [pool.submit(reader.read_file, file) for file in data]


class _Reader:
    """The requests of one inventory, and what they share: a breaker, and one copy of each list of columns."""

    def __init__(self, store: LakeStore, layout: BronzeLayout, day: dt.date) -> None:
        self._store = store
        self._layout = layout
        self._day = day
        self._lock = Lock()
        self._endpoint_failures = 0
        self._verdict: LakeError | None = None
        self._columns: dict[tuple[Column, ...], tuple[Column, ...]] = {}

    def list_folder(self, table: str) -> list[FileOnDisk]:
        objects = self._guarded(lambda: self._store.list_objects(self._layout.folder(table, self._day)))
        return [FileOnDisk(each.key, each.size, each.modified_at) for each in objects]

    def read_file(self, file: FileOnDisk) -> DataFile | BrokenFile | None:
        """The file's footer; None where the file was moved away since it was listed."""
        try:
            found = self._guarded(lambda: self._read(file))
        except LakeError as error:
            if error.fault is LakeFault.MISSING:
                return None
            raise
        if isinstance(found, DataFile):
            # Files of a table mostly share their columns; one copy keeps memory flat over thousands of files.
            return replace(found, columns=self._columns.setdefault(found.columns, found.columns))
        return found

    def folder(self, table: str, found: Found | LakeError) -> Folder:
        if isinstance(found, LakeError):
            return Folder(table, self._day, error=str(found))
        ignored, reads = found
        try:
            files = [each for each in (read.result() for read in reads) if each is not None]
        except LakeError as error:
            return Folder(table, self._day, error=str(error))
        return Folder(
            table,
            self._day,
            files=tuple(each for each in files if isinstance(each, DataFile)),
            broken=tuple(each for each in files if isinstance(each, BrokenFile)),
            ignored=ignored,
        )

    def _read(self, file: FileOnDisk) -> DataFile | BrokenFile:
        start = max(file.size - TAIL_BYTES, 0)
        tail = self._store.read_range(file.key, start, file.size) if file.size else b""
        if more := missing_bytes(file, tail):
            tail = self._store.read_range(file.key, start - more, start) + tail
        head = self._store.read_range(file.key, 0, 4) if looks_cut(tail) else b""
        return parse_footer(file, tail, head)

    def _guarded(self, request: Callable[[], T]) -> T:
        """Makes a request unless it is already known that none can succeed."""
        if self._verdict is not None:
            raise self._verdict
        try:
            return request()
        except LakeError as error:
            self._note(error)
            raise

    def _note(self, error: LakeError) -> None:
        with self._lock:
            self._endpoint_failures += error.fault is LakeFault.ENDPOINT
            if error.fault.is_bucket_wide or self._endpoint_failures >= _ENDPOINT_FAILURES:
                self._verdict = error
