"""What happens to rows that are there already: some are edited each day, a few disappear."""

from __future__ import annotations

import datetime as dt

from radar_pipeline.domain.mysql_types import base_type
from radar_pipeline.local.demo.database import quoted
from radar_pipeline.local.demo.oddities import EXTREMES_TABLE, is_nullable
from radar_pipeline.local.demo.rows import World, parent_of
from radar_pipeline.local.demo.sizes import new_rows, stable_hash
from radar_pipeline.tables.model import Table

_COUNTING_KEYS = {"smallint", "mediumint", "int", "bigint"}
# Of a table's rows, one day edits a window of one in this many.
_EDITED = 100
_DELETED = 5_000


def change_statements(table: Table, rows: int, day: int, world: World) -> list[str]:
    """UPDATE and DELETE statements of a day for a table that has counted up to ``rows`` so far."""
    key = next((column for column in table.columns if table.primary_key == (column.name,)), None)
    is_still = new_rows(table, rows, day) == 0
    if key is None or is_still or base_type(key.type) not in _COUNTING_KEYS or parent_of(table, key, world.now):
        return []
    if table.name == EXTREMES_TABLE:
        return []
    name, width = quoted(key.name), max(1, rows // _EDITED)
    start = stable_hash(f"{table.name} edits {day}") % max(1, rows - width) + 1
    window = f"{name} BETWEEN {start} AND {start + width - 1}"
    edits = _edits(table, world.today)
    # Names cannot be bound as parameters; they are quoted, and everything else here is a number.
    statements = [f"UPDATE {quoted(table.name)} SET {edits} WHERE {window}"] if edits else []  # noqa: S608
    if table.name not in world.referenced and stable_hash(table.name) % 2:
        gone = stable_hash(f"{table.name} deletions {day}") % rows + 1
        few = max(1, rows // _DELETED)
        statements.append(f"DELETE FROM {quoted(table.name)} WHERE {name} BETWEEN {gone} AND {gone + few - 1}")  # noqa: S608
    return statements


def _edits(table: Table, today: dt.date) -> str:
    """Assignments of one UPDATE: the time of the change where the table keeps one, and a price or amount."""
    moment = next((column for column in table.columns if column.name == "Modified_At"), None)
    amount = next(
        (
            column
            for column in table.columns
            if base_type(column.type) == "decimal" and is_nullable(table.primary_key, column)
        ),
        None,
    )
    parts = []
    if moment:
        parts.append(f"{quoted(moment.name)} = '{today} 03:00:00'")
    if amount:
        parts.append(f"{quoted(amount.name)} = ROUND({quoted(amount.name)} * 1.01, 2)")
    return ", ".join(parts)
