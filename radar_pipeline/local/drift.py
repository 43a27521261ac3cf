"""The schema-drift fault: a column of the own MariaDB really changes, and changes back when the fault is cleared.

What was done is noted before it is done, so that a command killed half-way can still be undone; undoing looks at the
table as it is and does nothing twice.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from radar_pipeline.local.errors import LocalStackError
from radar_pipeline.local.files import write_private
from radar_pipeline.local.mariadb import MySqlAddress, connect

CHANGES = ("added", "lost", "retyped")

_ADDED = "Radar_Drift"
_RENAMED = "Radar_Drift_"

_BYTES = re.compile(r"(?i)(tiny|medium|long)?blob|(var)?binary|bit|geometry|point|polygon|json")


@dataclass(frozen=True)
class Drift:
    """One changed column.

    Attributes:
        table: Its table.
        change: ``added``, ``lost`` (renamed, so that its values come back) or ``retyped`` (to text).
        column: The column's name before; for ``added``, its name.
        definition: The column as SHOW CREATE TABLE wrote it before; empty for ``added``.
    """

    table: str
    change: str
    column: str
    definition: str = ""


def plan_drift(admin: MySqlAddress, record: Path, *, table: str, change: str) -> Drift:
    """Chooses a column of a table and how it will change; changes nothing yet.

    Raises:
        LocalStackError: There is no such table, it has no column to spare, or it has drifted already.
    """
    if any(drift.table == table for drift in _load(record)):
        message = f"table {table} has drifted already: `radar local fault --clear` undoes it"
        raise LocalStackError(message)
    columns = _columns(admin, table)
    if not columns:
        message = f"{admin.database} has no table {table}"
        raise LocalStackError(message)
    return Drift(table, "added", _ADDED) if change == "added" else _spare_column(table, change, columns)


def apply_drift(admin: MySqlAddress, record: Path, drift: Drift) -> None:
    """Changes the column."""
    write_private(record, json.dumps([asdict(each) for each in (*_load(record), drift)], indent=2) + "\n")
    _execute(admin, _forward(drift))


def undo_drift(admin: MySqlAddress, record: Path) -> tuple[Drift, ...]:
    """Changes every drifted column back.

    Returns:
        What had drifted.
    """
    known = _load(record)
    for drift in known:
        statement = _backward(drift, _columns(admin, drift.table))
        if statement:
            _execute(admin, statement)
    record.unlink(missing_ok=True)
    return known


def _spare_column(table: str, change: str, columns: dict[str, str]) -> Drift:
    """The last column that can change and come back unharmed: first ones are keys, bytes do not pass through text."""
    for name, definition in reversed(columns.items()):
        if not _BYTES.match(definition) and "AUTO_INCREMENT" not in definition:
            return Drift(table, change, name, definition)
    message = f"table {table} has no column that can be {change} and come back unharmed"
    raise LocalStackError(message)


def _forward(drift: Drift) -> str:
    table, column = _name(drift.table), _name(drift.column)
    if drift.change == "added":
        return f"ALTER TABLE {table} ADD COLUMN {column} varchar(40) NULL DEFAULT 'drift'"
    if drift.change == "lost":
        return f"ALTER TABLE {table} RENAME COLUMN {column} TO {_name(_RENAMED + drift.column)}"
    return f"ALTER TABLE {table} MODIFY COLUMN {column} longtext NULL"


def _backward(drift: Drift, columns: dict[str, str]) -> str | None:
    """The statement that undoes a drift; None where the table shows nothing of it."""
    table, column = _name(drift.table), _name(drift.column)
    if drift.change == "added":
        return f"ALTER TABLE {table} DROP COLUMN {column}" if drift.column in columns else None
    if drift.change == "lost":
        renamed = _RENAMED + drift.column
        return f"ALTER TABLE {table} RENAME COLUMN {_name(renamed)} TO {column}" if renamed in columns else None
    if columns.get(drift.column) in {None, drift.definition}:
        return None
    return f"ALTER TABLE {table} MODIFY COLUMN {column} {drift.definition}"


def _columns(admin: MySqlAddress, table: str) -> dict[str, str]:
    """Columns of a table with their definitions, in order; empty where there is no such table."""
    with connect(admin) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s AND table_name = %s",
            (admin.database, table),
        )
        # They compare without case and accents there.
        if (table,) not in cursor.fetchall():
            return {}
        cursor.execute(f"SHOW CREATE TABLE {_name(table)}")
        text = str((cursor.fetchone() or ("", ""))[1])
    # One column a line, its name in backquotes first; keys and constraints begin with a word.
    lines = re.findall(r"(?m)^  `((?:[^`]|``)+)` (.+?),?$", text)
    return {name.replace("``", "`"): definition for name, definition in lines}


def _execute(admin: MySqlAddress, statement: str) -> None:
    with connect(admin) as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def _name(identifier: str) -> str:
    return "`" + identifier.replace("`", "``") + "`"


def _load(record: Path) -> tuple[Drift, ...]:
    if not record.exists():
        return ()
    return tuple(Drift(**each) for each in json.loads(record.read_text(encoding="utf-8")))
