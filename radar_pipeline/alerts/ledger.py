"""The ledger: incidents, what was told of them to whom, and up to where the sources of alerts were read.

One SQLite file, safe with several processes: a step is one transaction, and whoever writes waits for the other. What is
committed survives a killed process and a power cut.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from radar_pipeline.alerts.codec import read_incident, read_time, write_alert, write_message, write_state, write_time
from radar_pipeline.domain.incident import Incident, Message, Silence
from radar_pipeline.domain.routing import Target

FILE = "ledger.sqlite"

# Where no channel is configured at all.
NOWHERE = "nowhere"
# Note that says that the file of dead letters is to be written anew.
DEAD_LETTERS_CHANGED = "dead letters changed"

# How long a writer waits for another process's transaction, in seconds.
_PATIENCE = 30.0
_FORMAT = 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS positions (source TEXT PRIMARY KEY, position TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS incidents (
    id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL, ended_at TEXT, alert TEXT NOT NULL, state TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS incidents_by_fingerprint ON incidents (fingerprint, id);
CREATE INDEX IF NOT EXISTS incidents_by_end ON incidents (ended_at);
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY, incident INTEGER NOT NULL REFERENCES incidents ON DELETE CASCADE,
    step TEXT NOT NULL, alert TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS messages_by_incident ON messages (incident);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY, incident INTEGER NOT NULL REFERENCES incidents ON DELETE CASCADE,
    message INTEGER NOT NULL REFERENCES messages ON DELETE CASCADE, medium TEXT NOT NULL, target TEXT NOT NULL,
    state TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, made_at TEXT NOT NULL, changed_at TEXT NOT NULL,
    receipt TEXT, problem TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS deliveries_by_state ON deliveries (state, medium, tries, id);
CREATE INDEX IF NOT EXISTS deliveries_by_place ON deliveries (incident, target, id);
CREATE INDEX IF NOT EXISTS deliveries_by_target ON deliveries (target, state, id);
CREATE INDEX IF NOT EXISTS deliveries_by_message ON deliveries (message);
CREATE TABLE IF NOT EXISTS health (
    place TEXT PRIMARY KEY, since TEXT NOT NULL, failures INTEGER NOT NULL, pause_until TEXT, problem TEXT NOT NULL)
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS silences (
    id INTEGER PRIMARY KEY, what TEXT NOT NULL, until TEXT NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL);
"""


class LedgerError(Exception):
    """The ledger cannot be used; the text says why and what to do."""


class Ledger:
    """The ledger of one folder. Threads may share it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._lock = threading.RLock()
        self._depth = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
            self._db.row_factory = sqlite3.Row
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            message = f"the record of alerts {self.path} cannot be used: {error}; see RADAR_ALERTS_DIR"
            raise LedgerError(message) from None

    def _prepare(self) -> None:
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.execute("PRAGMA synchronous = FULL")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == _FORMAT:
            return
        if version > _FORMAT:
            message = f"it was written by a later version of this program (format {version})"
            raise sqlite3.DatabaseError(message)
        self._db.execute("PRAGMA journal_mode = WAL")
        with self.transaction():
            for statement in _SCHEMA.split(";\n"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {_FORMAT}")

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._db.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is done within is done, or none of it. One within another is part of it."""
        with self._lock:
            if self._depth:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            finally:
                self._depth = 0

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Rows of a query."""
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def row(self, query: str, *values: Any) -> sqlite3.Row | None:
        """First row of a query; None where there is none."""
        with self._lock:
            found: sqlite3.Row | None = self._db.execute(query, values).fetchone()
            return found

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        """Runs a statement."""
        with self._lock:
            return self._db.execute(statement, values)

    def position(self, source: str) -> str | None:
        """Up to where a source was read; None where it never was."""
        found = self.row("SELECT position FROM positions WHERE source = ?", source)
        return str(found["position"]) if found else None

    def set_position(self, source: str, position: str) -> None:
        """Says up to where a source was read."""
        self.execute("INSERT OR REPLACE INTO positions VALUES (?, ?)", source, position)

    def note(self, name: str) -> str | None:
        """A value kept under a name; None where there is none."""
        found = self.row("SELECT value FROM notes WHERE name = ?", name)
        return str(found["value"]) if found else None

    def set_note(self, name: str, value: str) -> None:
        """Keeps a value under a name."""
        self.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", name, value)

    def newest(self, fingerprint: str) -> tuple[int, Incident] | None:
        """Id and state of the newest incident of a fingerprint."""
        query = "SELECT id, alert, state FROM incidents WHERE fingerprint = ? ORDER BY id DESC LIMIT 1"
        found = self.row(query, fingerprint)
        return (int(found["id"]), read_incident(found["alert"], found["state"])) if found else None

    def open_ids(self) -> list[tuple[int, str]]:
        """Id and fingerprint of every open incident, oldest first."""
        found = self.rows("SELECT id, fingerprint FROM incidents WHERE ended_at IS NULL ORDER BY id")
        return [(int(row["id"]), str(row["fingerprint"])) for row in found]

    def incident(self, number: int) -> Incident:
        """The incident of an id; KeyError where there is none."""
        found = self.row("SELECT alert, state FROM incidents WHERE id = ?", number)
        if found is None:
            raise KeyError(number)
        return read_incident(found["alert"], found["state"])

    def add_incident(self, incident: Incident) -> int:
        """Stores a new incident and returns its id."""
        ended = write_time(incident.ended_at) if incident.ended_at else None
        added = self.execute(
            "INSERT INTO incidents (fingerprint, ended_at, alert, state) VALUES (?, ?, ?, ?)",
            incident.alert.fingerprint,
            ended,
            write_alert(incident.alert),
            write_state(incident),
        )
        return int(added.lastrowid or 0)

    def save_incident(self, number: int, incident: Incident) -> None:
        """Stores an incident's state."""
        ended = write_time(incident.ended_at) if incident.ended_at else None
        alert, state = write_alert(incident.alert), write_state(incident)
        self.execute(
            "UPDATE incidents SET ended_at = ?, alert = ?, state = ? WHERE id = ?", ended, alert, state, number
        )

    def add_message(
        self, incident: int, message: Message, targets: tuple[Target, ...], *, nowhere: bool = False
    ) -> None:
        """Puts a message into the outbox, for each of its targets, or at once into the dead letters (``nowhere``)."""
        added = self.execute(
            "INSERT INTO messages (incident, step, alert, body) VALUES (?, ?, ?, ?)",
            *(incident, message.step.value, write_alert(message.alert), write_message(message)),
        ).lastrowid
        self.add_deliveries(incident, int(added or 0), targets, message.at)
        if nowhere:
            now = write_time(message.at)
            self.execute(
                "INSERT INTO deliveries (incident, message, medium, target, state, made_at, changed_at, problem)"
                " VALUES (?, ?, ?, ?, 'dead', ?, ?, 'no channel is configured: see docs/alerts.md')",
                *(incident, added, NOWHERE, NOWHERE, now, now),
            )
            self.set_note(DEAD_LETTERS_CHANGED, "yes")

    def add_deliveries(self, incident: int, message: int, targets: tuple[Target, ...], now: dt.datetime) -> None:
        """Puts a stored message into the outbox, for each target."""
        made = write_time(now)
        for target in targets:
            self.execute(
                "INSERT INTO deliveries (incident, message, medium, target, state, made_at, changed_at)"
                " VALUES (?, ?, ?, ?, 'waiting', ?, ?)",
                *(incident, message, target.medium.value, str(target), made, made),
            )

    def targets_of(self, incident: int) -> tuple[Target, ...]:
        """Places that an incident was told to, or will be; not those that it could not be told to."""
        query = "SELECT DISTINCT target FROM deliveries WHERE incident = ? AND state NOT IN ('dead', 'moot')"
        return tuple(Target.parse(row["target"]) for row in self.rows(query, incident))

    def silences(self, now: dt.datetime) -> tuple[Silence, ...]:
        """Silences that hold at a time."""
        found = self.rows("SELECT what, until, who, why FROM silences WHERE until > ? ORDER BY id", write_time(now))
        return tuple(Silence(row["what"], read_time(row["until"]), row["who"], row["why"]) for row in found)

    def set_silence(self, silence: Silence) -> None:
        """Adds a silence, in the place of one for the same thing."""
        self.execute("DELETE FROM silences WHERE what = ?", silence.what)
        values = (silence.what, write_time(silence.until), silence.who, silence.why)
        self.execute("INSERT INTO silences (what, until, who, why) VALUES (?, ?, ?, ?)", *values)

    def purge(self, *, ended_before: dt.datetime, now: dt.datetime) -> None:
        """Forgets incidents that ended before a time with all that was told of them, and silences that are over."""
        self.execute("DELETE FROM incidents WHERE ended_at < ?", write_time(ended_before))
        self.execute("DELETE FROM silences WHERE until < ?", write_time(now))


def receipt_of(text: str | None) -> dict[str, str] | None:
    """The receipt that was stored; None where there is none."""
    return {str(key): str(value) for key, value in json.loads(text).items()} if text else None
