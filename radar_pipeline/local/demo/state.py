"""What the demonstration remembers: how far each table is. It lies in a schema of its own, where no sync looks."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from pymysql.cursors import Cursor

from radar_pipeline.local.demo.database import create_statement, quoted
from radar_pipeline.tables.model import Registry


@dataclass(frozen=True)
class State:
    """How far the whole database is.

    Attributes:
        fingerprint: Of the tables and sizes it was seeded from.
        scale: Share of the documented sizes.
        first_day: The day of the seed.
        day: Days since then.
    """

    fingerprint: str
    scale: float
    first_day: dt.date
    day: int


def fingerprint(registry: Registry, sizes: Mapping[str, int]) -> str:
    """A text that changes whenever a new seed would make other tables, or as many rows no more."""
    parts = (f"{create_statement(table)}\n{sizes[table.name]}" for table in registry.tables)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class StateStore:
    """Reads and writes the state beside one database.

    Attributes:
        database: The demonstration database; the state's schema is named after it.
    """

    database: str

    def _run(self, cursor: Cursor, statement: str, values: tuple[object, ...] = ()) -> None:
        """Runs a statement in which ``@.`` stands for the state's schema: names cannot be bound as parameters."""
        cursor.execute(statement.replace("@.", f"{quoted(self.schema)}."), values)

    @property
    def schema(self) -> str:
        """Name of the schema that the state lies in."""
        return f"{self.database}_demo_state"

    def clear(self, cursor: Cursor) -> None:
        """Forgets everything: from here on the database counts as not seeded."""
        cursor.execute(f"CREATE DATABASE IF NOT EXISTS {quoted(self.schema)} CHARACTER SET utf8mb4")
        self._run(cursor, "DROP TABLE IF EXISTS @.seeded, @.tables")
        # Binary collation: MySQL on Linux tells table names apart by case and accent.
        name = "name VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY"
        self._run(cursor, f"CREATE TABLE @.tables ({name}, day INT NOT NULL) ENGINE=InnoDB")

    def save_table(self, cursor: Cursor, name: str, day: int) -> None:
        """Notes the last day in a table; committed together with its rows, so that a day is never applied twice."""
        self._run(cursor, "REPLACE INTO @.tables VALUES (%s, %s)", (name, day))

    def table_days(self, cursor: Cursor) -> dict[str, int]:
        """The last day that is in each table."""
        self._run(cursor, "SELECT name, day FROM @.tables")
        return {name: int(day) for name, day in cursor.fetchall()}

    def finish_seed(self, cursor: Cursor, state: State) -> None:
        """Writes the marker that makes the database count as seeded."""
        self._run(cursor, "CREATE TABLE @.seeded (fingerprint VARCHAR(64), scale DOUBLE, first_day DATE, day INT)")
        values = (state.fingerprint, state.scale, state.first_day, state.day)
        self._run(cursor, "INSERT INTO @.seeded VALUES (%s, %s, %s, %s)", values)

    def finish_day(self, cursor: Cursor, day: int) -> None:
        """Notes that a day is in all tables."""
        self._run(cursor, "UPDATE @.seeded SET day = %s", (day,))

    def load(self, cursor: Cursor) -> State | None:
        """The state; None where the database was never seeded to the end."""
        question = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = %s AND table_name = 'seeded'"
        cursor.execute(question, (self.schema,))
        if cursor.fetchone() == (0,):
            return None
        self._run(cursor, "SELECT fingerprint, scale, first_day, day FROM @.seeded")
        row = cursor.fetchone()
        return State(str(row[0]), float(row[1]), row[2], int(row[3])) if row else None
