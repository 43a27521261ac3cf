"""How each MySQL type is read and what it is in Parquet: pure decisions, no connection.

The casts are source-mysql 3.x's, the connector that the customer runs: ``tinyint(1)`` and ``bit(1)`` are booleans
(greater than zero), decimals without a fraction and YEAR are integers, other decimals are doubles (Airbyte has no
decimal type: digits past the 15th to 17th are lost, here as there), binary values are base64 text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from radar_pipeline.domain.schema import ObservedColumn, stored_column

# From this precision on a decimal goes to a double by way of its text: MySQL's own conversion is off in the last
# digits there (MariaDB 10.11: 1.234567890123457e+34 for 12345678901234567890123456789012345.12), the parser is not.
_EXACT_DECIMAL_DIGITS = 15

# Name under which the source is attached to DuckDB.
ATTACHED = "source"

_MAX_LONG = 2**63 - 1
# Any decimal of this many digits fits into 64 bits.
_LONG_DIGITS = 18


class Kind(StrEnum):
    """What a value is at the destination."""

    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    STRING = "string"
    DATE = "date"
    TIMESTAMP = "timestamp"
    TIME = "time"


class Lost(StrEnum):
    """Why a value could not be kept, in the words of ``_airbyte_meta.changes[].reason``."""

    TOO_LARGE = "DESTINATION_FIELD_SIZE_LIMITATION"
    NOT_A_TIME = "SOURCE_SERIALIZATION_ERROR"


@dataclass(frozen=True)
class Cast:
    """How one column is read.

    Attributes:
        name: Column name in Parquet.
        kind: What its values are there.
        mysql: Expression that MySQL evaluates.
        duckdb: Expression that DuckDB evaluates over MySQL's value, which it calls ``{}``.
        lost: MySQL expression of the original text of a value that ``mysql`` gives as NULL because the destination
            cannot hold it, NULL elsewhere; None where that cannot happen.
        reason: Why values are lost.
    """

    name: str
    kind: Kind
    mysql: str
    duckdb: str = "{}"
    lost: str | None = None
    reason: Lost = Lost.TOO_LARGE


_DECIMAL = re.compile(r"\((\d+)(?:,(\d+))?\)")

# What needs no more than a name for its kind. A type that is in no list is text (char, enum, set, inet6, uuid, ...).
_KINDS = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "integer", "bigint", "year"), Kind.INTEGER),
    **dict.fromkeys(("double", "real"), Kind.NUMBER),
    **dict.fromkeys(("datetime", "timestamp"), Kind.TIMESTAMP),
    "date": Kind.DATE,
}
_BINARY = frozenset(
    {
        *("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "bit", "vector"),
        *("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"),
        *("geometrycollection", "geomcollection"),
    }
)


def cast_column(column: ObservedColumn) -> Cast:
    """The cast for a column, by its ``column_type``."""
    quoted = _quoted(column.name)
    name = stored_column(column.name)
    declared = column.type.strip().lower()
    word = re.split(r"[^a-z0-9]", declared, maxsplit=1)[0]
    if declared in {"tinyint(1)", "bit(1)"}:
        return Cast(name, Kind.BOOLEAN, f"{quoted} > 0")
    if word == "bigint" and "unsigned" in declared:
        return _long(name, quoted, f"{quoted} <= {_MAX_LONG}")
    if word == "decimal":
        return _decimal(name, quoted, declared)
    if word == "float":
        # 0.1 as a float is 0.10000000149011612 as a double; Airbyte passes the shortest text that gives the float.
        return Cast(name, Kind.NUMBER, quoted, "CAST(CAST({} AS VARCHAR) AS DOUBLE)")
    if word == "time":
        return _time(name, quoted)
    if word in _BINARY:
        return Cast(name, Kind.STRING, quoted, "base64({}::BLOB)")
    if word == "json":
        return Cast(name, Kind.STRING, f"CAST({quoted} AS CHAR)")
    return Cast(name, _KINDS.get(word, Kind.STRING), quoted)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _time(name: str, quoted: str) -> Cast:
    """A time of day.

    MySQL's TIME is a duration and may be negative or longer than a day, which the files cannot hold: NULL then, with
    the text beside it in the old dialect and a note in the new one.
    """
    inside = f"{quoted} >= '00:00:00' AND {quoted} < '24:00:00'"
    lost = f"IF({inside}, NULL, CAST({quoted} AS CHAR))"
    return Cast(name, Kind.TIME, f"IF({inside}, {quoted}, NULL)", lost=lost, reason=Lost.NOT_A_TIME)


def _decimal(name: str, quoted: str, declared: str) -> Cast:
    found = _DECIMAL.search(declared)
    precision, scale = (int(found.group(1)), int(found.group(2) or 0)) if found else (10, 0)
    if scale == 0:
        if precision <= _LONG_DIGITS:
            return Cast(name, Kind.INTEGER, f"CAST({quoted} AS SIGNED)")
        return _long(name, quoted, f"{quoted} BETWEEN {-_MAX_LONG - 1} AND {_MAX_LONG}")
    if precision <= _EXACT_DECIMAL_DIGITS:
        return Cast(name, Kind.NUMBER, f"{quoted} + 0e0")
    return Cast(name, Kind.NUMBER, f"CAST({quoted} AS CHAR)", "CAST({} AS DOUBLE)")


def _long(name: str, quoted: str, inside: str) -> Cast:
    """A whole number that may not fit: NULL then, as source-mysql 1.x and destination-s3 1.x make of it.

    destination-s3 0.3 would fail the sync. The local stack writes NULL in both dialects, so that one extreme value
    in the demonstration data does not keep a table from ever landing.
    """
    return Cast(
        name,
        Kind.INTEGER,
        f"IF({inside}, CAST({quoted} AS SIGNED), NULL)",
        lost=f"IF({inside}, NULL, CAST({quoted} AS CHAR))",
    )


def select(casts: tuple[Cast, ...], table: str, database: str, limit: int | None = None) -> str:
    """The query for DuckDB around the one for MySQL.

    Columns travel as ``c0``, ``c1``, ... and what was lost as ``l0``, ``l1``, ...: DuckDB 1.5.5 cannot quote a
    backtick, and two MySQL names may be one in Parquet.

    The MySQL text is a literal and no bound parameter: binding one makes DuckDB's Python client import pandas, which
    costs a second.
    """
    inner = [f"{cast.mysql} AS c{index}" for index, cast in enumerate(casts)]
    inner += [f"{cast.lost} AS l{index}" for index, cast in enumerate(casts) if cast.lost]
    outer = [f"{cast.duckdb.format(f'c{index}')} AS c{index}" for index, cast in enumerate(casts)]
    outer += [f"l{index}" for index, cast in enumerate(casts) if cast.lost]
    ending = "" if limit is None else f" LIMIT {limit}"
    query = f"SELECT {', '.join(inner)} FROM {_quoted(database)}.{_quoted(table)}{ending}"  # noqa: S608 - quoted names
    literal = query.replace("'", "''")
    return f"SELECT {', '.join(outer)} FROM mysql_query('{ATTACHED}', '{literal}')"  # noqa: S608 - quoted just above
