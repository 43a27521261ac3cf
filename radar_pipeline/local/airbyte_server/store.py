"""What survives a restart, in one SQLite file: configuration, faults, the clock. Jobs are in ``ledger``."""

from __future__ import annotations

import fcntl
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from radar_pipeline.local.airbyte_server.faults import CATALOGUE, ActiveFault, Stage
from radar_pipeline.local.airbyte_server.records import Connection, Connector

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS connector (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, definition_id TEXT NOT NULL, name TEXT NOT NULL,
    configuration TEXT NOT NULL, created_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS connection (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, source_id TEXT NOT NULL, destination_id TEXT NOT NULL,
    status TEXT NOT NULL, catalog TEXT NOT NULL, options TEXT NOT NULL, created_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS fault (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, table_name TEXT, times INTEGER, options TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS job (
    id INTEGER PRIMARY KEY AUTOINCREMENT, connection_id TEXT NOT NULL, kind TEXT NOT NULL, status TEXT NOT NULL,
    created_at REAL NOT NULL, updated_at REAL NOT NULL, started_at REAL, faults TEXT NOT NULL, streams TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS attempt (
    job_id INTEGER NOT NULL, number INTEGER NOT NULL, status TEXT NOT NULL, created_at REAL NOT NULL,
    updated_at REAL NOT NULL, ended_at REAL, failures TEXT NOT NULL DEFAULT '[]',
    worker_lost INTEGER NOT NULL DEFAULT 0, worker_pid INTEGER, worker_started REAL, PRIMARY KEY (job_id, number));
CREATE TABLE IF NOT EXISTS stream_count (
    job_id INTEGER NOT NULL, attempt INTEGER NOT NULL, stream TEXT NOT NULL, records INTEGER NOT NULL,
    bytes INTEGER NOT NULL, state TEXT NOT NULL, updated_at REAL NOT NULL, PRIMARY KEY (job_id, attempt, stream));
CREATE TABLE IF NOT EXISTS log_line (
    job_id INTEGER NOT NULL, attempt INTEGER NOT NULL, at REAL NOT NULL, level TEXT NOT NULL, source TEXT NOT NULL,
    message TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS log_line_of_attempt ON log_line (job_id, attempt);
CREATE INDEX IF NOT EXISTS job_newest ON job (connection_id, created_at);
"""


class StateInUseError(Exception):
    """Another server works on the same state directory."""


class Store:
    """The state directory of one server.

    One connection behind one lock: every statement is short, and jobs, requests and workers write at the same time.

    Args:
        directory: Where the state is; made with mode 0700, because the configuration holds secrets.

    Raises:
        StateInUseError: Another server has it open.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._hold = (directory / "server.lock").open("w")
        try:
            fcntl.flock(self._hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._hold.close()
            msg = f"another server is using {directory}: stop it first or give another --state"
            raise StateInUseError(msg) from None
        path = directory / "airbyte.sqlite"
        path.touch(mode=0o600)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Closes the file and gives the directory free."""
        with self._lock:
            self._db.close()
        self._hold.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The database, alone and all or nothing."""
        with self._lock:
            nested = self._db.in_transaction
            if not nested:
                self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                if not nested:
                    self._db.execute("ROLLBACK")
                raise
            if not nested:
                self._db.execute("COMMIT")

    def query(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def write(self, sql: str, *values: Any) -> None:
        """Runs one statement."""
        with self._lock:
            self._db.execute(sql, values)

    # Small settings.

    def get(self, key: str, default: Any = None) -> Any:
        """A remembered value."""
        rows = self.query("SELECT value FROM meta WHERE key = ?", key)
        return json.loads(rows[0]["value"]) if rows else default

    def put(self, key: str, value: Any) -> None:
        """Remembers a value."""
        self.write("INSERT OR REPLACE INTO meta VALUES (?, ?)", key, json.dumps(value))

    def next_number(self, key: str) -> int:
        """Counts one further and remembers it."""
        with self.transaction():
            number = int(self.get(key, 0)) + 1
            self.put(key, number)
        return number

    # Configuration.

    def save_connector(self, connector: Connector) -> None:
        """Makes or replaces a source or destination; the time it was first made stays."""
        self.write(
            "INSERT INTO connector VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " definition_id = excluded.definition_id, name = excluded.name, configuration = excluded.configuration",
            connector.id,
            connector.kind,
            connector.definition_id,
            connector.name,
            json.dumps(connector.configuration),
            connector.created_at,
        )

    def connector(self, kind: str, connector_id: str) -> Connector | None:
        """A source or destination by id."""
        rows = self.query("SELECT * FROM connector WHERE kind = ? AND id = ?", kind, connector_id)
        return _connector(rows[0]) if rows else None

    def connectors(self, kind: str) -> tuple[Connector, ...]:
        """All sources or all destinations."""
        rows = self.query("SELECT * FROM connector WHERE kind = ? ORDER BY created_at, id", kind)
        return tuple(_connector(row) for row in rows)

    def save_connection(self, connection: Connection) -> None:
        """Makes or replaces a connection; the time it was first made stays."""
        self.write(
            "INSERT INTO connection VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " name = excluded.name, source_id = excluded.source_id, destination_id = excluded.destination_id,"
            " status = excluded.status, catalog = excluded.catalog, options = excluded.options",
            connection.id,
            connection.name,
            connection.source_id,
            connection.destination_id,
            connection.status,
            json.dumps(connection.catalog),
            json.dumps(connection.options),
            connection.created_at,
        )

    def connection(self, connection_id: str) -> Connection | None:
        """A connection by id."""
        rows = self.query("SELECT * FROM connection WHERE id = ?", connection_id)
        return _connection(rows[0]) if rows else None

    def connections(self) -> tuple[Connection, ...]:
        """All connections."""
        return tuple(_connection(row) for row in self.query("SELECT * FROM connection ORDER BY created_at, id"))

    # Faults.

    def faults(self) -> tuple[ActiveFault, ...]:
        """Faults that are switched on, in the order they were."""
        return tuple(
            ActiveFault(row["name"], row["table_name"], row["times"], json.loads(row["options"]), row["id"])
            for row in self.query("SELECT * FROM fault ORDER BY id")
        )

    def add_fault(self, fault: ActiveFault) -> None:
        """Switches a fault on."""
        options = json.dumps(dict(fault.options))
        self.write(
            "INSERT INTO fault (name, table_name, times, options) VALUES (?, ?, ?, ?)",
            fault.name,
            fault.table,
            fault.times,
            options,
        )

    def clear_faults(self) -> None:
        """Switches every fault off. A job that already carries one keeps it."""
        self.write("DELETE FROM fault")

    def take_faults(self, stage: Stage) -> tuple[ActiveFault, ...]:
        """The faults of a stage that take hold now; each uses up one of its times."""
        with self.transaction() as db:
            taken = tuple(fault for fault in self.faults() if CATALOGUE[fault.name].stage is stage)
            for fault in taken:
                if fault.times is not None:
                    db.execute("UPDATE fault SET times = times - 1 WHERE id = ?", (fault.id,))
            db.execute("DELETE FROM fault WHERE times <= 0")
        return taken


def _connector(row: sqlite3.Row) -> Connector:
    return Connector(
        kind=row["kind"],
        id=row["id"],
        definition_id=row["definition_id"],
        name=row["name"],
        configuration=json.loads(row["configuration"]),
        created_at=row["created_at"],
    )


def _connection(row: sqlite3.Row) -> Connection:
    return Connection(
        id=row["id"],
        name=row["name"],
        source_id=row["source_id"],
        destination_id=row["destination_id"],
        status=row["status"],
        catalog=json.loads(row["catalog"]),
        options=json.loads(row["options"]),
        created_at=row["created_at"],
    )
