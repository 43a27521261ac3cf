"""What the demonstration says to MySQL: tables made from the registry, and batches of rows loaded in bulk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.csv as pv
import pymysql
from pymysql.cursors import Cursor

from radar_pipeline.domain.mysql_types import base_type
from radar_pipeline.local.demo.oddities import columns_of, is_nullable, may_be_null
from radar_pipeline.local.demo.rows import Batch
from radar_pipeline.local.mariadb import MySqlAddress
from radar_pipeline.source.connection import connect_preferring_tls
from radar_pipeline.tables.model import ColumnContract, Table

Connection: TypeAlias = "pymysql.connections.Connection[Cursor]"

# Large enough that the load dominates, small enough that a batch and its file stay in tens of megabytes.
BATCH_ROWS = 100_000
_MISSING = "\\N"
_MISSING_IN_SQL = r"'\\N'"
_BYTES = {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"}


def quoted(name: str) -> str:
    """A name as MySQL takes it anywhere, reserved word or not."""
    return f"`{name.replace('`', '``')}`"


@contextmanager
def session(admin: MySqlAddress) -> Iterator[Connection]:
    """A connection that may load files, stores zero dates and knows no time zone but UTC. The caller commits."""
    connection = connect_preferring_tls(
        host=admin.host,
        port=admin.port,
        user=admin.user,
        password=admin.password,
        database=admin.database,
        charset="utf8mb4",
        connect_timeout=10,
        local_infile=True,
        init_command="SET SESSION sql_mode = '', time_zone = '+00:00', unique_checks = 0, foreign_key_checks = 0",
    )
    try:
        yield connection
    finally:
        connection.close()


def create_statement(table: Table) -> str:
    """The table's DDL."""
    lines = [f"{quoted(column.name)} {_column_definition(table, column)}" for column in table.columns]
    if table.primary_key:
        lines.append(f"PRIMARY KEY ({', '.join(quoted(name) for name in table.primary_key)})")
    body = ",\n  ".join(lines)
    return f"CREATE TABLE {quoted(table.name)} (\n  {body}\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"


def _column_definition(table: Table, column: ColumnContract) -> str:
    return f"{column.type} {'NULL' if is_nullable(table.primary_key, column) else 'NOT NULL'}"


def load(cursor: Cursor, batch: Batch) -> None:
    """Puts a batch into its table: written as CSV by Arrow, read by the server's own bulk loader."""
    if not batch.count:
        return
    values = {name: _without_null_text(array) for name, array in columns_of(batch).items()}
    with tempfile.TemporaryDirectory(prefix="radar-demo-") as folder:
        path = Path(folder) / "rows.csv"
        pv.write_csv(pa.table(values), path, pv.WriteOptions(include_header=False))
        cursor.execute(_load_statement(batch.table, values, path))


def _without_null_text(array: Any) -> Any:
    # In the file a missing text and an empty one would look the same.
    return array.fill_null(_MISSING) if pa.types.is_string(array.type) and array.null_count else array


def _load_statement(table: Table, values: dict[str, Any], path: Path) -> str:
    targets, assignments = [], []
    for number, column in enumerate(table.columns):
        expression = _expression(table, column, f"@v{number}", is_text=pa.types.is_string(values[column.name].type))
        targets.append(quoted(column.name) if expression is None else f"@v{number}")
        if expression is not None:
            assignments.append(f"{quoted(column.name)} = {expression}")
    setting = f" SET {', '.join(assignments)}" if assignments else ""
    return (
        f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE {quoted(table.name)} CHARACTER SET utf8mb4 "
        f"FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\\n' "
        f"({', '.join(targets)}){setting}"
    )


def _expression(table: Table, column: ColumnContract, variable: str, *, is_text: bool) -> str | None:
    """How a field becomes the column's value; None where it is the value already."""
    source = variable
    if is_nullable(table.primary_key, column) and may_be_null(column, table.name):
        source = f"NULLIF({variable}, {_MISSING_IN_SQL if is_text else repr('')})"
    kind = base_type(column.type)
    if kind in _BYTES:
        return f"UNHEX({source})"
    if kind == "bit":
        return f"CAST({source} AS UNSIGNED)"
    return None if source == variable else source
