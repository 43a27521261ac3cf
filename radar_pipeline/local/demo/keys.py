"""Primary keys: single ones count up, composite ones are laid out so that no key comes twice, however tables grow."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from radar_pipeline.domain.mysql_types import base_type, canonical_type, type_arguments
from radar_pipeline.local.demo import words
from radar_pipeline.local.demo.numbers import Integers, digits
from radar_pipeline.local.demo.rows import Batch, parent_of
from radar_pipeline.tables.model import ColumnContract, Table

_ENDLESS = 2**40
_MOST = {"tinyint": 127, "smallint": 32_767, "mediumint": 8_388_607, "int": 2_147_483_647}
_DAYS_AND_MOMENTS = {"date", "datetime", "timestamp"}
_BINARY = {"binary", "varbinary"}
_TEXT = {"char", "varchar"}
_WEEKDAYS = 7
_UUID_LENGTH = 36


def capacity(table: Table, at_start: Mapping[str, int]) -> int:
    """How many rows a table can have before its key runs out."""
    return min(_ENDLESS, math.prod(_size(table, column, at_start) for column in _key_columns(table, at_start)))


def key_values(batch: Batch) -> dict[str, Any]:
    """Values of the key columns by name; empty for a table without a key."""
    made, rest, previous = {}, batch.numbers, np.zeros(batch.count, dtype=np.int64)
    for column in _key_columns(batch.table, batch.world.at_start):
        size = _size(batch.table, column, batch.world.at_start)
        rest, index = np.divmod(rest, size)
        if parent_of(batch.table, column, batch.world.at_start):
            # Shifted by the column before, or the first thousand rows would all name the same distributor. For one
            # value of that column the shift is constant, so pairs stay distinct.
            index = (index + 7 * previous) % size
        made[column.name] = _value(batch, column, index, size)
        previous = index
    return made


def _key_columns(table: Table, at_start: Mapping[str, int]) -> list[ColumnContract]:
    """Key columns, those with few values first: they turn over, and the last one counts how often."""
    by_name = {column.name: column for column in table.columns}
    columns = [by_name[name] for name in table.primary_key if name in by_name]
    return sorted(columns, key=lambda column: _size(table, column, at_start) == _ENDLESS)


def _size(table: Table, column: ColumnContract, at_start: Mapping[str, int]) -> int:
    """How many values a key column can have."""
    parent = parent_of(table, column, at_start)
    if parent:
        return at_start[parent]
    kind = base_type(column.type)
    if column.name.lower() == "weekday":
        return _WEEKDAYS
    if kind == "enum":
        return len(type_arguments(column.type))
    if kind in _TEXT and len(table.primary_key) > 1:
        return len(_pool(column))
    if canonical_type(column.type) == "tinyint(1)":
        return 2
    return _MOST.get(kind, _ENDLESS)


def _pool(column: ColumnContract) -> list[str]:
    width = int((type_arguments(column.type) or ["1"])[0])
    words_of = words.STATES if width <= 2 else words.PHRASES
    return list(dict.fromkeys(word[:width] for word in words_of))


def _value(batch: Batch, column: ColumnContract, index: Integers, size: int) -> Any:
    kind = base_type(column.type)
    if kind in _DAYS_AND_MOMENTS:
        days = _first_day_of_key(batch, column, size) + index
        return pa.array(days.astype(np.int32)).cast(pa.date32())
    if kind == "enum":
        return pa.array(type_arguments(column.type), pa.string()).take(pa.array(index))
    if kind in _TEXT and size != _ENDLESS:
        return pa.array(_pool(column), pa.string()).take(pa.array(index))
    if kind in _TEXT:
        width = int((type_arguments(column.type) or ["1"])[0])
        return _uuid(index + 1) if width == _UUID_LENGTH else digits(index + 1, width)
    if kind in _BINARY:
        return digits(index + 1, 2 * int((type_arguments(column.type) or ["1"])[0]))
    return pa.array(index if canonical_type(column.type) == "tinyint(1)" else index + 1)


def _uuid(numbers: Integers) -> Any:
    """A version 8 UUID (free content) that holds the number."""
    return pc.binary_join_element_wise(digits(numbers, 8), "0000", "8000", "8000", digits(numbers, 12), "-")


def _first_day_of_key(batch: Batch, column: ColumnContract, size: int) -> int:
    """The key's first day, chosen so that the seeded rows end on the day of the seed and later ones follow it."""
    per_day = math.prod(
        _size(batch.table, other, batch.world.at_start)
        for other in _key_columns(batch.table, batch.world.at_start)
        if other.name != column.name
    )
    days = batch.world.at_start[batch.table.name] // max(per_day, 1) if size == _ENDLESS else 0
    return (batch.world.first_day - dt.date(1970, 1, 1)).days - days
