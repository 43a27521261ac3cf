"""Makes the demonstration database and brings it from one day to the next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from queue import SimpleQueue
from typing import Final

from radar_pipeline.local.demo.changes import change_statements
from radar_pipeline.local.demo.database import BATCH_ROWS, Connection, create_statement, load, quoted, session
from radar_pipeline.local.demo.keys import capacity
from radar_pipeline.local.demo.rows import Batch, World, parent_of
from radar_pipeline.local.demo.sizes import new_rows, rows_at_start
from radar_pipeline.local.demo.state import State, StateStore, fingerprint
from radar_pipeline.local.errors import LocalStackError
from radar_pipeline.local.mariadb import MySqlAddress
from radar_pipeline.tables.loader import load_registry
from radar_pipeline.tables.model import Registry, Table

Progress = Callable[[str, int], None]
"""Called with a table's name and the rows just written to it, from more than one thread."""

# A fixed day: the same data on every machine and on every day of the year. It is the day of the documents' example.
FIRST_DAY: Final = dt.date(2025, 8, 8)
_TABLES_AT_ONCE = 2


def seed(
    admin: MySqlAddress,
    *,
    scale: float = 1.0,
    progress: Progress | None = None,
    registry: Registry | None = None,
    first_day: dt.date = FIRST_DAY,
) -> dict[str, int]:
    """Makes every table of the registry anew and fills it; what was in those tables before is lost.

    A seed that was interrupted is begun again: only its last statement makes `is_seeded` true.

    Args:
        admin: A user that may create schemas and load local files.
        scale: Share of the documented sizes.
        progress: Called as rows are written.
        registry: The tables; the project's own where none is given.
        first_day: The day that the data ends on.

    Returns:
        Rows by table.
    """
    if not 0 < scale <= 100:
        message = f"the scale of the demonstration data must be above 0 and at most 100, found {scale:g}"
        raise LocalStackError(message)
    registry = registry or load_registry()
    store = StateStore(admin.database)
    sizes = _sizes(registry, scale)
    world = World(sizes, sizes, first_day, first_day, _referenced(registry, sizes))
    with session(admin) as connection, connection.cursor() as cursor:
        store.clear(cursor)

    def fill(connection: Connection, table: Table) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {quoted(table.name)}")
            cursor.execute(create_statement(table))
            for first in range(0, sizes[table.name], BATCH_ROWS):
                batch = Batch(table, first, min(BATCH_ROWS, sizes[table.name] - first), world)
                load(cursor, batch)
                connection.commit()
                if progress:
                    progress(table.name, batch.count)
            store.save_table(cursor, table.name, 0)
            connection.commit()

    _two_at_a_time(admin, fill, sorted(registry.tables, key=lambda table: -sizes[table.name]))
    with session(admin) as connection, connection.cursor() as cursor:
        store.finish_seed(cursor, State(fingerprint(registry, sizes), scale, first_day, 0))
        connection.commit()
    return sizes


def advance(
    admin: MySqlAddress, *, days: int = 1, progress: Progress | None = None, registry: Registry | None = None
) -> dt.date:
    """Brings the data to the next day, or several days on: new rows, changed rows, a few deleted ones.

    The same day always brings the same changes. An interrupted day is finished by the next call, never applied twice.

    Returns:
        The day that the data is at now.

    Raises:
        LocalStackError: Where the database was not seeded.
    """
    if days < 1:
        message = f"the number of days to advance must be at least 1, found {days}"
        raise LocalStackError(message)
    registry = registry or load_registry()
    state = _state(admin)
    if state is None or state.fingerprint != _expected(registry, state.scale):
        what = "was not seeded" if state is None else "was seeded from another table registry"
        message = f"the demonstration database {admin.database} {what}: seed it first (radar local seed)"
        raise LocalStackError(message)
    for day in range(state.day + 1, state.day + days + 1):
        _advance_to(admin, registry, state, day, progress)
    return state.first_day + dt.timedelta(days=state.day + days)


def is_seeded(admin: MySqlAddress, *, scale: float | None = None, registry: Registry | None = None) -> bool:
    """Whether the database was seeded to the end from this registry, at this scale where one is named."""
    state = _state(admin)
    if state is None or (scale is not None and state.scale != scale):
        return False
    return state.fingerprint == _expected(registry or load_registry(), state.scale)


def _state(admin: MySqlAddress) -> State | None:
    with session(admin) as connection, connection.cursor() as cursor:
        return StateStore(admin.database).load(cursor)


def _expected(registry: Registry, scale: float) -> str:
    return fingerprint(registry, _sizes(registry, scale))


def _sizes(registry: Registry, scale: float) -> dict[str, int]:
    wanted = {table.name: rows_at_start(table, scale) for table in registry.tables}
    return {table.name: min(wanted[table.name], capacity(table, wanted)) for table in registry.tables}


def _referenced(registry: Registry, sizes: Mapping[str, int]) -> frozenset[str]:
    parents = (parent_of(table, column, sizes) for table in registry.tables for column in table.columns)
    return frozenset(parent for parent in parents if parent)


def _gained(table: Table, rows: int, day: int, at_start: Mapping[str, int]) -> int:
    return min(new_rows(table, rows, day), capacity(table, at_start) - rows)


def _rows_before(table: Table, day: int, at_start: Mapping[str, int]) -> int:
    """Rows a table ever had at the end of the day before: reckoned, so that an interrupted day goes on the same way."""
    rows = at_start[table.name]
    for earlier in range(1, day):
        rows += _gained(table, rows, earlier, at_start)
    return rows


def _advance_to(admin: MySqlAddress, registry: Registry, state: State, day: int, progress: Progress | None) -> None:
    store = StateStore(admin.database)
    with session(admin) as connection, connection.cursor() as cursor:
        reached = store.table_days(cursor)
    at_start = _sizes(registry, state.scale)
    rows = {table.name: _rows_before(table, day, at_start) for table in registry.tables}
    today = state.first_day + dt.timedelta(days=day)
    world = World(at_start, rows, today, state.first_day, _referenced(registry, at_start))

    def change(connection: Connection, table: Table) -> None:
        batch = Batch(table, rows[table.name], _gained(table, rows[table.name], day, at_start), world)
        with connection.cursor() as cursor:
            for statement in change_statements(table, batch.first, day, world):
                cursor.execute(statement)
            load(cursor, batch)
            store.save_table(cursor, table.name, day)
            connection.commit()
        if progress:
            progress(table.name, batch.count)

    _two_at_a_time(admin, change, [table for table in registry.tables if reached[table.name] < day])
    with session(admin) as connection, connection.cursor() as cursor:
        store.finish_day(cursor, day)
        connection.commit()


def _two_at_a_time(admin: MySqlAddress, work: Callable[[Connection, Table], None], tables: Sequence[Table]) -> None:
    """Does the work for all tables and raises the first failure, after which no further table is begun."""
    with ExitStack() as stack:
        free: SimpleQueue[Connection] = SimpleQueue()
        # One connection for each worker: a TLS handshake for every table took longer than most tables do.
        for _ in range(_TABLES_AT_ONCE):
            free.put(stack.enter_context(session(admin)))

        def run(table: Table) -> None:
            connection = free.get()
            try:
                work(connection, table)
            finally:
                free.put(connection)

        pool = stack.enter_context(ThreadPoolExecutor(_TABLES_AT_ONCE))
        futures = [pool.submit(run, table) for table in tables]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
