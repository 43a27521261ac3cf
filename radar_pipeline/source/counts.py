"""Exact row counts, over a few connections at once."""

from __future__ import annotations

import datetime as dt
import queue
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pymysql
from pymysql.constants import ER
from pymysql.cursors import Cursor

from radar_pipeline.source.connection import SourceAddress, cursor_at

# A production reader is shared with people; three connections already hide the round trips of 85 counts.
MAX_CONNECTIONS = 3

# What cannot be counted for itself alone is named, and the others are counted. MySQL answers "denied" for a table that
# does not exist too, where the user has no grant on the whole database: the two cannot be told apart. A view over a
# dropped table is an error.
_MISSING = {
    ER.NO_SUCH_TABLE,
    ER.BAD_TABLE_ERROR,
    ER.TABLEACCESS_DENIED_ERROR,
    ER.COLUMNACCESS_DENIED_ERROR,
}


@dataclass(frozen=True)
class Counts:
    """Rows by table at the source.

    Attributes:
        taken_at: When the first count began, UTC.
        finished_at: When the last count ended, UTC. A row written in between may be in or not.
        rows: Exact rows of every table that is there for this user.
        missing: Tables asked for that the source does not have or that this user may not read, in the order asked.
    """

    taken_at: dt.datetime
    finished_at: dt.datetime
    rows: dict[str, int]
    missing: tuple[str, ...] = ()


def quote(name: str) -> str:
    """A name as a MySQL identifier."""
    return "`" + name.replace("`", "``") + "`"


def count_rows(address: SourceAddress, tables: Iterable[str], *, connections: int = MAX_CONNECTIONS) -> Counts:
    """Counts with ``SELECT COUNT(*)``, because ``information_schema.table_rows`` is an estimate.

    Args:
        address: The source.
        tables: Tables to count; a name given twice is counted once.
        connections: Connections at most, bounded by the number of tables.

    Raises:
        SourceError: Where the source cannot be reached, refuses, or fails in the middle.
    """
    names = list(dict.fromkeys(tables))
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in names:
        waiting.put(name)
    taken_at = dt.datetime.now(dt.UTC)
    workers = min(connections, len(names))
    counted: dict[str, int | None] = {}
    failed = threading.Event()
    if workers:
        with ThreadPoolExecutor(workers, thread_name_prefix="count") as pool:
            for done in [pool.submit(_drain, address, waiting, failed) for _ in range(workers)]:
                counted.update(done.result())
    return Counts(
        taken_at=taken_at,
        finished_at=dt.datetime.now(dt.UTC),
        rows={name: rows for name in names if (rows := counted[name]) is not None},
        missing=tuple(name for name in names if counted[name] is None),
    )


def _drain(address: SourceAddress, waiting: queue.SimpleQueue[str], failed: threading.Event) -> dict[str, int | None]:
    counted: dict[str, int | None] = {}
    try:
        with cursor_at(address, "counting rows") as cursor:
            while not failed.is_set():
                try:
                    name = waiting.get_nowait()
                except queue.Empty:
                    break
                counted[name] = _count(cursor, name)
    except BaseException:
        # Without this the others would count to the end before the first error is seen.
        failed.set()
        raise
    return counted


def _count(cursor: Cursor, name: str) -> int | None:
    try:
        cursor.execute(f"SELECT COUNT(*) FROM {quote(name)}")  # noqa: S608 - a quoted identifier
    except pymysql.Error as error:
        if error.args and error.args[0] in _MISSING:
            return None
        raise
    row = cursor.fetchone()
    return int(row[0]) if row else 0
