"""What arrived, in SQLite: it survives a restart and a kill. One thread uses it, the event loop's."""

from __future__ import annotations

import datetime as dt
import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS slack_channel (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS slack_message (
    micros INTEGER PRIMARY KEY, channel TEXT NOT NULL, thread INTEGER, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS slack_by_thread ON slack_message (channel, thread);
CREATE TABLE IF NOT EXISTS arrival (
    id INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, at REAL NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS arrival_by_channel ON arrival (channel, id);
CREATE TABLE IF NOT EXISTS incident (
    number INTEGER PRIMARY KEY AUTOINCREMENT, dedup_key TEXT NOT NULL, status TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS incident_by_key ON incident (dedup_key);
"""
# What comes before an incident's number in its id.
INCIDENT_ID = "QRADAR"
_CONTENT = ("slack_message", "arrival", "incident")


class Store:
    """The folder of one inbox.

    Args:
        folder: Where it keeps its file; made readable by its owner only.
        clock: The time, in seconds since 1970.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / "inbox.sqlite"
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        self._clock = clock
        # A page that knew another process of this inbox must not take this one's count for its own.
        self._process, self._changes = secrets.token_hex(4), 0

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    @property
    def version(self) -> str:
        """Another text whenever something changed."""
        return f"{self._process}-{self._changes}"

    def now(self) -> float:
        """The time, in seconds since 1970."""
        return self._clock()

    def forget(self) -> None:
        """Deletes every message and incident."""
        for table in _CONTENT:
            self._write(f"DELETE FROM {table}")  # noqa: S608, names of this module

    # Slack.

    def channels(self) -> dict[str, str]:
        """Names of Slack channels by id."""
        return {row["id"]: row["name"] for row in self._db.execute("SELECT id, name FROM slack_channel ORDER BY name")}

    def add_channel(self, channel: str, name: str) -> None:
        """Makes a Slack channel unless it is there."""
        self._write("INSERT OR IGNORE INTO slack_channel VALUES (?, ?)", channel, name)

    def add_slack(self, channel: str, thread: int | None, body: Mapping[str, Any]) -> int:
        """Records a Slack message.

        Returns:
            Its time in microseconds since 1970, which no other message of Slack has.
        """
        newest = self._db.execute("SELECT max(micros) FROM slack_message").fetchone()[0] or 0
        micros = max(int(self._clock() * 1_000_000), newest + 1)
        self._write("INSERT INTO slack_message VALUES (?, ?, ?, ?)", micros, channel, thread, json.dumps(body))
        return micros

    def slack(self, channel: str, micros: int) -> dict[str, Any] | None:
        """A Slack message; None where there is none."""
        query = "SELECT body FROM slack_message WHERE channel = ? AND micros = ?"
        row = self._db.execute(query, (channel, micros)).fetchone()
        return json.loads(row["body"]) if row else None

    def change_slack(self, micros: int, body: Mapping[str, Any]) -> None:
        """Replaces the content of a Slack message."""
        self._write("UPDATE slack_message SET body = ? WHERE micros = ?", json.dumps(body), micros)

    def slack_channel(self, channel: str, after: int, before: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
        """Messages of a channel that are no replies, newest first, both bounds inclusive."""
        query = (
            "SELECT micros, body FROM slack_message WHERE channel = ? AND thread IS NULL AND micros BETWEEN ? AND ?"
            " ORDER BY micros DESC LIMIT ?"
        )
        return self._slack(query, channel, after, before, limit)

    def slack_thread(self, channel: str, thread: int) -> list[tuple[int, dict[str, Any]]]:
        """Replies of a thread, oldest first."""
        query = "SELECT micros, body FROM slack_message WHERE channel = ? AND thread = ? ORDER BY micros"
        return self._slack(query, channel, thread)

    def newest_slack(self, limit: int) -> list[tuple[int, str, int | None, dict[str, Any]]]:
        """The newest messages of all channels, replies too, oldest first: time, channel, thread, content."""
        query = "SELECT * FROM slack_message ORDER BY micros DESC LIMIT ?"
        rows = [
            (row["micros"], row["channel"], row["thread"], json.loads(row["body"])) for row in self._all(query, limit)
        ]
        return rows[::-1]

    # Everything else that arrives and does not change.

    def add(self, channel: str, body: Mapping[str, Any]) -> int:
        """Records something that came by a channel; returns its number."""
        return self._write(
            "INSERT INTO arrival (channel, at, body) VALUES (?, ?, ?)", channel, self.now(), json.dumps(body)
        )

    def newest(self, channel: str, limit: int) -> list[dict[str, Any]]:
        """The newest arrivals of a channel, oldest first."""
        query = "SELECT * FROM arrival WHERE channel = ? ORDER BY id DESC LIMIT ?"
        found = [
            {"id": row["id"], "channel": channel, "at": utc(row["at"]), **json.loads(row["body"])}
            for row in self._all(query, channel, limit)
        ]
        return found[::-1]

    def arrival(self, number: int) -> dict[str, Any] | None:
        """One arrival; None where there is none of that number."""
        row = self._db.execute("SELECT body FROM arrival WHERE id = ?", (number,)).fetchone()
        return json.loads(row["body"]) if row else None

    # PagerDuty.

    def add_incident(self, dedup_key: str, body: Mapping[str, Any]) -> int:
        """Opens an incident; returns its number."""
        query = "INSERT INTO incident (dedup_key, status, body) VALUES (?, 'triggered', ?)"
        return self._write(query, dedup_key, json.dumps(body))

    def change_incident(self, number: int, status: str, body: Mapping[str, Any]) -> None:
        """Replaces status and content of an incident."""
        self._write("UPDATE incident SET status = ?, body = ? WHERE number = ?", status, json.dumps(body), number)

    def incidents(self, dedup_key: str | None = None, limit: int = 1000) -> list[dict[str, Any]]:
        """Incidents, newest first, with ``id``, ``number``, ``dedup_key`` and ``status``."""
        where, values = ("WHERE dedup_key = ?", (dedup_key,)) if dedup_key is not None else ("", ())
        query = f"SELECT * FROM incident {where} ORDER BY number DESC LIMIT ?"  # noqa: S608, a text of this method
        return [_incident(row) for row in self._all(query, *values, limit)]

    def incident(self, number: int) -> dict[str, Any] | None:
        """One incident; None where there is none of that number."""
        row = self._db.execute("SELECT * FROM incident WHERE number = ?", (number,)).fetchone()
        return _incident(row) if row else None

    def _slack(self, query: str, *values: Any) -> list[tuple[int, dict[str, Any]]]:
        return [(row["micros"], json.loads(row["body"])) for row in self._all(query, *values)]

    def _all(self, query: str, *values: Any) -> list[sqlite3.Row]:
        return self._db.execute(query, values).fetchall()

    def _write(self, query: str, *values: Any) -> int:
        self._changes += 1
        return self._db.execute(query, values).lastrowid or 0


def _incident(row: sqlite3.Row) -> dict[str, Any]:
    known = {name: row[name] for name in ("number", "dedup_key", "status")}
    return {**json.loads(row["body"]), **known, "id": f"{INCIDENT_ID}{row['number']}"}


def utc(seconds: float) -> str:
    """A time as ISO 8601 in UTC."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
