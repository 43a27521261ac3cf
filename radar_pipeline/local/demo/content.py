"""Believable content of one column: by its name where the name says something, else by its MySQL type."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import numpy as np
import pyarrow as pa

from radar_pipeline.domain.mysql_types import base_type, canonical_type, type_arguments
from radar_pipeline.local.demo import numbers, words
from radar_pipeline.local.demo.rows import Batch
from radar_pipeline.local.demo.texts import Maker, hexadecimal, joined, make_text, phrases
from radar_pipeline.tables.model import ColumnContract

_DAY_SECONDS = 86_400
_YEARS_BACK = 3
_MOST = {"tinyint": 9, "smallint": 900, "mediumint": 9_000, "int": 9_999, "bigint": 999_999}
# Times that follow a row's first one.
_LATER = re.compile(
    r"modified|disabled|end|valid_to|read_at|left|delivered|answered|decided|last|expires|fim|grouped|status_changed",
    re.IGNORECASE,
)
_BOUNDS = (
    (re.compile(r"status|type|level|brand|business|regime|priority", re.IGNORECASE), (0, 4)),
    (re.compile(r"^quanti|month|rejected", re.IGNORECASE), (1, 12)),
)
# Brazil lies south of the equator and west of Greenwich, all but its northern tip.
_DEGREES = {"Latitude": (3, 33), "Longitude": (35, 70)}


def make(batch: Batch, column: ColumnContract) -> Any:
    """Values of a column without any that are missing or odd; those are `oddities`' part."""
    references = batch.parents(column)
    if references is not None:
        return pa.array(references)
    kind = base_type(column.type)
    if kind in {"varchar", "char", "tinytext", "text"}:
        return make_text(batch, column)
    return _BY_TYPE.get(kind, phrases)(batch, column)


def _integer(batch: Batch, column: ColumnContract) -> Any:
    if canonical_type(column.type) == "tinyint(1)":
        return pa.array(batch.integers(column, 0, 1))
    most = _MOST[base_type(column.type)]
    low, high = next((bounds for pattern, bounds in _BOUNDS if pattern.search(column.name)), (1, most))
    return pa.array(batch.integers(column, low, min(high, most)))


def _decimal(batch: Batch, column: ColumnContract) -> Any:
    precision, scale = (int(part) for part in [*type_arguments(column.type), "10", "0"][:2])
    if column.name in _DEGREES:
        least, most = (degrees * 10**scale for degrees in _DEGREES[column.name])
        return joined("-", numbers.decimal_text(batch.integers(column, least, most), scale))
    # Prices and totals are skewed: many small ones, few large ones.
    amounts = np.exp(batch.chance(column.name).normal(4, 1.2, batch.count))
    ceiling = 10 ** min(precision, 17) - 1
    return numbers.decimal_text(np.minimum(amounts * 10**scale, ceiling).astype(np.int64), scale)


def _floating(batch: Batch, column: ColumnContract) -> Any:
    return pa.array(np.round(batch.chance(column.name).normal(100, 35, batch.count), 3))


def _moment(batch: Batch, column: ColumnContract) -> Any:
    """A moment before the batch's day: within one day for rows added later, within three years for the seed."""
    today = int(dt.datetime.combine(batch.world.today, dt.time(), dt.UTC).timestamp())
    days = 1 if batch.world.today > batch.world.first_day else 365 * _YEARS_BACK
    seconds = today - 1 - _time_left(batch, column, days * _DAY_SECONDS)
    if not type_arguments(column.type):
        return pa.array(seconds).cast(pa.timestamp("s"))
    fraction = batch.chance(f"{column.name} fraction").integers(0, 10**6, batch.count)
    return pa.array(seconds * 10**6 + fraction).cast(pa.timestamp("us"))


def _date(batch: Batch, column: ColumnContract) -> Any:
    today = (batch.world.today - dt.date(1970, 1, 1)).days
    if column.name.lower().startswith("birth"):
        days = batch.integers(column, today - 80 * 365, today - 18 * 365)
    else:
        # The later one of two dates may lie ahead: contracts and licences run on.
        ahead = 365 if _LATER.search(column.name) else 0
        days = today + ahead - _time_left(batch, column, 365 * _YEARS_BACK)
    return pa.array(days.astype(np.int32)).cast(pa.date32())


def _time_left(batch: Batch, column: ColumnContract, most: int) -> numbers.Integers:
    """How long ago, in the unit of ``most``. One start for all times of a row; what ends or follows lies after it."""
    start = batch.chance("start of the row's life").random(batch.count)
    if _LATER.search(column.name):
        start = start * batch.chance(column.name).random(batch.count)
    return (start * most).astype(np.int64)


def _time(batch: Batch, column: ColumnContract) -> Any:
    return pa.array(batch.integers(column, 6 * 4, 23 * 4).astype(np.int32) * 900).cast(pa.time32("s"))


def _year(batch: Batch, column: ColumnContract) -> Any:
    return pa.array(batch.integers(column, batch.world.today.year - 25, batch.world.today.year))


def _enum(batch: Batch, column: ColumnContract) -> Any:
    return batch.choice(column, type_arguments(column.type))


def _set(batch: Batch, column: ColumnContract) -> Any:
    values = type_arguments(column.type)
    combined = ["", *values, ",".join(values[:2]), ",".join(values)]
    return batch.choice(column, combined)


def _bits(batch: Batch, column: ColumnContract) -> Any:
    width = int((type_arguments(column.type) or ["1"])[0])
    return pa.array(batch.integers(column, 0, min(2**width - 1, 2**62)))


def _binary(batch: Batch, column: ColumnContract) -> Any:
    """Bytes as hexadecimal text, which the load turns into bytes."""
    width = int((type_arguments(column.type) or ["96"])[0])
    return hexadecimal(2 * width)(batch, column)


def _json(batch: Batch, column: ColumnContract) -> Any:
    number = pa.array(batch.integers(column, 1, 9_999)).cast(pa.string())
    city = batch.choice(column, words.CITIES, "city")
    return joined('{"valor": ', number, ', "cidade": "', city, '", "itens": [1, 2, null], "ativo": true}')


_BY_TYPE: dict[str, Maker] = {
    **dict.fromkeys(_MOST, _integer),
    **dict.fromkeys(("float", "double"), _floating),
    **dict.fromkeys(("datetime", "timestamp"), _moment),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), _binary),
    "decimal": _decimal,
    "date": _date,
    "time": _time,
    "year": _year,
    "enum": _enum,
    "set": _set,
    "bit": _bits,
    "json": _json,
}
