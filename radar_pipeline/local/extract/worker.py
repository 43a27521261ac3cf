"""One attempt: connects once, copies the tables a few at a time, reports."""

from __future__ import annotations

import logging
import os
import signal
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import TextIO

from radar_pipeline.domain.schema import ObservedTable
from radar_pipeline.local.extract.events import Events, Origin
from radar_pipeline.local.extract.reading import Reader, ReadError
from radar_pipeline.local.extract.request import Request, TableOrder
from radar_pipeline.local.extract.table import Copied, TableCopier
from radar_pipeline.local.extract.upload import Bucket, UploadError
from radar_pipeline.source import SourceError, observe_tables
from radar_pipeline.source.columns import of_this_schema
from radar_pipeline.source.connection import cursor_at

_log = logging.getLogger(__name__)

DONE, NOT_DONE = 0, 1

# Told to stop, a thread may sit in a read that the server does not answer; two seconds are promised in all.
_STOP_SECONDS = 1.2

_THREADS = "extract"

_SIZES = of_this_schema("SELECT table_name, COALESCE(data_length, 0) FROM information_schema.tables WHERE THIS_SCHEMA")


class _StopRequest(BaseException):
    """SIGTERM: raised in the main thread, wherever that waits."""


def run(request: Request, stdout: TextIO) -> int:
    """Carries out one attempt and returns the exit status.

    Must be called from the main thread. SIGTERM stops the work within two seconds, removes the spool and ends the
    process.
    """
    events = Events(stdout)
    cancelled = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        cancelled.set()
        raise _StopRequest

    request.spool_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=request.spool_dir, prefix="extract-") as spool:
        signal.signal(signal.SIGTERM, stop)
        try:
            # Whoever hears of it may end it: not before there is somebody who cleans up.
            events.started()
            return _attempt(request, events, cancelled, Path(spool))
        except _StopRequest:
            deadline = time.monotonic() + _STOP_SECONDS
            for thread in threading.enumerate():
                if thread.name.startswith(_THREADS):
                    thread.join(max(0.0, deadline - time.monotonic()))
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # The interpreter's own end would wait for a thread that waits for MySQL.
    os._exit(NOT_DONE)


def _attempt(request: Request, events: Events, cancelled: threading.Event, spool: Path) -> int:
    try:
        observed = {table.name: table for table in observe_tables(request.source) if not table.is_sequence}
        sizes = _sizes(request)
        reader = Reader(request.source)
    except (SourceError, ReadError) as error:
        events.failed(Origin.SOURCE, str(error))
        return NOT_DONE
    try:
        bucket = Bucket(request)
        bucket.check()
    except UploadError as error:
        events.failed(Origin.DESTINATION, str(error))
        return NOT_DONE
    copier = TableCopier(request, reader, bucket, events, cancelled)
    # The largest first: begun last, it would be the one that everybody waits for.
    orders = sorted(request.tables, key=lambda order: -sizes.get(order.name, 0))
    copied = _copy_all(copier, orders, observed, spool)
    events.finished(sum(each.rows for each in copied), sum(each.size for each in copied))
    return DONE if all(each.done for each in copied) else NOT_DONE


def _copy_all(
    copier: TableCopier, orders: Sequence[TableOrder], observed: Mapping[str, ObservedTable], spool: Path
) -> list[Copied]:
    turns = threading.Semaphore(copier.request.concurrency)

    def copy(number: int, order: TableOrder) -> Copied:
        turn = _Turn(turns)
        table = observed.get(order.name)
        try:
            if table is None:
                message = f"MySQL has no table '{order.name}' that user '{copier.request.source.user}' may see"
                copier.events.table_failed(order.name, 0, Origin.SOURCE, message)
                return Copied(done=False, rows=0, size=0)
            return copier.copy(table, order.fault, spool / f"{number}.parquet", turn.end)
        except Exception as error:  # noqa: BLE001 - see below
            # What nobody foresaw costs one table; the log has the trace, the message only the words.
            _log.exception("table %s", order.name)
            copier.events.table_failed(order.name, 0, Origin.SOURCE, f"copying '{order.name}' failed: {error}")
            return Copied(done=False, rows=0, size=0)
        finally:
            turn.end()

    # Twice as many as are read at once: the next table is read while one is uploaded.
    pool = ThreadPoolExecutor(2 * copier.request.concurrency, thread_name_prefix=_THREADS)
    try:
        copies = []
        for number, order in enumerate(orders):
            # Taken here and not by the threads, which would race for it: the order counts.
            turns.acquire()
            copies.append(pool.submit(copy, number, order))
        return [each.result() for each in copies]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class _Turn:
    """One table's turn to be read, ended once however often that is said."""

    def __init__(self, turns: threading.Semaphore) -> None:
        self._turns: threading.Semaphore | None = turns

    def end(self) -> None:
        """Lets the next table be read."""
        if self._turns is not None:
            self._turns.release()
        self._turns = None


def _sizes(request: Request) -> dict[str, int]:
    """Bytes of each table as MySQL estimates them; good enough for an order."""
    with cursor_at(request.source, "reading the sizes of its tables") as cursor:
        cursor.execute(_SIZES)
        return {name: int(size) for name, size in cursor.fetchall()}
