"""Dagster's SQLite event log, with its engines kept open and its events written in few transactions.

Dagster 1.13 makes a new SQLAlchemy engine for each of up to three transactions that it stores one event in, so no
statement is ever found in the compilation cache; and it stores a batch one event at a time. Measured with the events
of one run of 85 tables and 340 checks on 2 cores: 9.8 s as it comes, 0.7 s with this class (the batch of 425 planned
events 3.9 s and 0.1 s). A run's database is made as a copy of the index that all runs share, 0.009 s instead of 0.14.
Tables, files, locking and every row are Dagster's own, so an instance can go back at any time.

What belongs here: how databases are made, connections, transactions and statements. What does not: anything that people
see and that a PostgreSQL event log, which production runs on, would not have too.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Self

from dagster import Field, StringSource
from dagster._config import UserConfigSchema
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluation,
    AssetCheckEvaluationPlanned,
)
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, EVENT_TYPE_TO_PIPELINE_RUN_STATUS
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus as _Status
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, AssetKeyTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import bindparam, create_engine, event, inspect
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import QueuePool

from radar_pipeline.settings import event_log_folder

# As long as Dagster's own storage waits for another process to finish writing.
BUSY_TIMEOUT_SECONDS = 30

# Every run has a database of its own; the webserver may look at many. Few are ever written at the same time.
MAX_ENGINES = 16

# 64 MB of write-ahead log before SQLite carries it over by itself, instead of 4 MB: the events of one run are about
# 35 MB there, and carrying them over nine times took a quarter of the time of writing them. The last connection to
# close does it anyway.
CHECKPOINT_PAGES = 16_000

# What the index that all runs share has a copy of, as in Dagster's own store_event.
_MIRRORED = {*ASSET_EVENTS, *ASSET_CHECK_EVENTS, *EVENT_TYPE_TO_PIPELINE_RUN_STATUS}

# Statements made once: a new one for every event has to be compared with all that were compiled before it.
_INSERT = SqlEventLogStorageTable.insert()
_INSERT_CHECK = AssetCheckExecutionsTable.insert()
_UPDATE_CHECK = AssetCheckExecutionsTable.update().where(
    AssetCheckExecutionsTable.c.asset_key == bindparam("of_asset"),
    AssetCheckExecutionsTable.c.check_name == bindparam("of_check"),
    AssetCheckExecutionsTable.c.run_id == bindparam("of_run"),
    AssetCheckExecutionsTable.c.partition.is_not_distinct_from(bindparam("of_partition")),
)
_UPDATE_ASSET = AssetKeyTable.update().where(AssetKeyTable.c.asset_key == bindparam("of_asset"))
_INSERT_WITH_IDS = _INSERT.returning(SqlEventLogStorageTable.c.id, sort_by_parameter_order=True)


# What SQLite makes by itself has no statement or a name of its kind.
_STATEMENTS_OF_TABLES = (
    "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
    "ORDER BY type = 'table' DESC, rowid"
)


class _Held(threading.local):
    """The transactions that a thread holds open while it stores events; ``stack`` is None where it holds none."""

    stack: ExitStack | None = None

    def __init__(self) -> None:
        self.connections: dict[str, Connection] = {}


class PooledSqliteEventLogStorage(SqliteEventLogStorage):
    """``SqliteEventLogStorage`` with one engine kept for each of the databases used last."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}
        self._known_tables: set[str] = set()
        self._known_columns: set[str] = set()
        self._held = _Held()
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """The block in dagster.yaml: ``base_dir`` may be left out, and is then where Dagster's own storage has it."""
        return {"base_dir": Field(StringSource, is_required=False)}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """Builds the storage from its block in dagster.yaml."""
        return cls(config_value.get("base_dir") or str(event_log_folder()), inst_data)

    def store_event(self, event: EventLogEntry) -> None:
        """Stores one event."""
        self.store_event_batch([event])

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Stores events in one transaction for each database that they belong to: all of them or none.

        A run begins with such a batch: everything that it plans to materialize and to check.
        """
        rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        mirrored = []
        for entry in events:
            row = self._event_to_row(entry)
            rows[entry.run_id].append(row)
            if entry.is_dagster_event and entry.dagster_event_type in _MIRRORED:
                mirrored.append((entry, row))
        with self._one_transaction():
            for run_id, of_run in rows.items():
                with self.run_connection(run_id) as connection:
                    connection.execute(_INSERT, of_run)
            if mirrored:
                self._mirror(mirrored)

    def _mirror(self, mirrored: Sequence[tuple[EventLogEntry, dict[str, Any]]]) -> None:
        """Copies events into the index, with what the index keeps beside them about assets and checks."""
        with self.index_connection() as connection:
            ids = connection.execute(_INSERT_WITH_IDS, [row for _, row in mirrored]).scalars().all()
            for event_id, (entry, row) in zip(ids, mirrored, strict=True):
                if entry.dagster_event_type in ASSET_EVENTS:
                    self._store_asset_event_tags(connection, [entry], [event_id])
                    self._store_asset_event(connection, entry, event_id)
                elif entry.dagster_event_type in ASSET_CHECK_EVENTS and not _store_check(
                    connection, entry, row, event_id
                ):
                    self.store_asset_check_event(entry, event_id)

    def has_table(self, table_name: str) -> bool:
        """Whether a table exists, asked once: Dagster asks for every check evaluation, and tables do not vanish."""
        if table_name not in self._known_tables and super().has_table(table_name):
            self._known_tables.add(table_name)
        return table_name in self._known_tables

    def _has_asset_key_col_on_connection(self, conn: Connection, column_name: str) -> bool:
        """Whether the table of assets has a column, asked once: Dagster asks for every event of an asset."""
        if column_name not in self._known_columns and super()._has_asset_key_col_on_connection(conn, column_name):
            self._known_columns.add(column_name)
        return column_name in self._known_columns

    def _store_asset_event(self, conn: Connection, event: EventLogEntry, event_id: int) -> None:
        """Notes an event as the newest of its asset.

        Dagster's own inserts first, which fails for each asset from its second day on.
        """
        told = event.dagster_event
        if told and told.asset_key:
            has_columns = self._has_asset_key_index_cols_on_connection(conn)
            values = self._get_asset_entry_values(event, event_id, has_columns)
            of = {"of_asset": told.asset_key.to_string()}
            if values and conn.execute(_UPDATE_ASSET, {**values, **of}).rowcount == 1:
                return
        super()._store_asset_event(conn, event, event_id)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        held = self._held
        if held.stack is not None:
            if shard not in held.connections:
                held.connections[shard] = held.stack.enter_context(self._begin(shard))
            yield held.connections[shard]
            return
        with self._db_lock, self._begin(shard) as connection:
            yield connection

    @contextmanager
    def _one_transaction(self) -> Iterator[None]:
        """Whatever this thread stores within goes into one transaction for each database.

        A run's own database is always opened before the index that all runs share, so two processes that write at once
        never wait for each other in a circle.
        """
        held = self._held
        with self._db_lock, ExitStack() as stack:
            held.stack = stack
            try:
                yield
            finally:
                held.stack, held.connections = None, {}

    def _initdb(self, engine: Engine, for_index_shard: bool = False) -> None:
        """Makes the tables of a database that has none yet: a run's as the index has them.

        Dagster makes all of them alike, and executes the 88 scripts of its migrations twice for each, only to learn the
        name of the newest. Whoever finds another at work on the same database, or one that was not finished, leaves it
        to Dagster, which tries until it is.
        """
        with suppress(DatabaseError):
            if _revisions(engine) or (not for_index_shard and _make_alike(engine, self._engine(INDEX_SHARD_NAME))):
                return
        super()._initdb(engine, for_index_shard)

    @contextmanager
    def _begin(self, shard: str) -> Iterator[Connection]:
        engine = self._engine(shard)
        if shard not in self._initialized_dbs:
            self._initdb(engine)
            self._initialized_dbs.add(shard)
        with engine.connect() as connection, connection.begin():
            yield connection

    def _engine(self, shard: str) -> Engine:
        engines = self._engines
        if shard in engines:
            engines[shard] = engines.pop(shard)
            return engines[shard]
        while len(engines) >= MAX_ENGINES:
            engines.pop(next(iter(engines))).dispose()
        engines[shard] = create_engine(
            self.conn_string_for_shard(shard),
            poolclass=QueuePool,
            pool_size=1,
            max_overflow=-1,
            connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
        )
        event.listen(engines[shard], "connect", _write_ahead)
        return engines[shard]

    def dispose(self) -> None:
        """Closes every engine."""
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
        super().dispose()


def _revisions(engine: Engine) -> list[str]:
    """The migration that a database is at; none for one that is not finished, as Dagster notes it last."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return []
        return list(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars())


def _make_alike(engine: Engine, model: Engine) -> bool:
    """Makes the tables of an empty database as those of a finished one, in one transaction.

    Returns:
        Whether they were made; not where either is not as it should be.
    """
    if not (revisions := _revisions(model)):
        return False
    with model.connect() as connection:
        statements = connection.exec_driver_sql(_STATEMENTS_OF_TABLES).scalars().all()
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        if inspect(connection).has_table("event_logs"):
            return False
        for statement in statements:
            connection.exec_driver_sql(statement)
        for revision in revisions:
            connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (revision,))
        connection.commit()
    return True


def _store_check(connection: Connection, entry: EventLogEntry, row: Mapping[str, Any], event_id: int) -> bool:
    """Stores a planned check, or the evaluation of one; False for what Dagster's own code has to store.

    As Dagster's own, which makes a new statement, and the event's text again, for each: two fifths of the time.
    """
    told = entry.get_dagster_event().event_specific_data
    values = {
        "evaluation_event": row["event"],
        "evaluation_event_timestamp": row["timestamp"],
        "evaluation_event_storage_id": event_id,
    }
    if isinstance(told, AssetCheckEvaluationPlanned):
        partitions = told.partitions_subset.get_partition_keys() if told.partitions_subset else [None]
        values |= {"asset_key": told.asset_key.to_string(), "check_name": told.check_name, "run_id": entry.run_id}
        values["execution_status"] = _Status.PLANNED.value
        connection.execute(_INSERT_CHECK, [{**values, "partition": partition} for partition in partitions])
        return True
    if not isinstance(told, AssetCheckEvaluation) or not entry.run_id:
        return False
    values["execution_status"] = (_Status.SUCCEEDED if told.passed else _Status.FAILED).value
    target = told.target_materialization_data
    values["materialization_event_storage_id"] = target.storage_id if target else None
    of = {"of_asset": told.asset_key.to_string(), "of_check": told.check_name, "of_run": entry.run_id}
    # Nothing was planned for an evaluation that the run did not announce.
    return connection.execute(_UPDATE_CHECK, {**values, **of, "of_partition": told.partition}).rowcount == 1


def _write_ahead(connection: Any, _record: Any) -> None:
    """A killed process loses nothing at this level; a power cut could lose what was not yet carried over."""
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
