"""What real data has and tidy generators forget: missing values, zero dates, the ends of every type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from radar_pipeline.domain.mysql_types import base_type, canonical_type
from radar_pipeline.local.demo.content import make
from radar_pipeline.local.demo.keys import key_values
from radar_pipeline.local.demo.rows import Batch
from radar_pipeline.local.demo.sizes import stable_hash
from radar_pipeline.tables.model import ColumnContract

# The table that shows the ends of every type, in its first rows.
EXTREMES_TABLE: Final = "source_type_sample"

_MOSTLY_EMPTY = {"Disabled_At": 0.92, "Grouped_At": 0.6, "Left_At": 0.85, "Deleted_At": 0.97}
_NULL_SHARES = (0.0, 0.02, 0.1, 0.4)
_ZERO_DATE_SHARE = 0.01
_ZERO_DATES = {"date": "0000-00-00", "datetime": "0000-00-00 00:00:00", "timestamp": "0000-00-00 00:00:00"}

_EMOJI = "👩🏽‍⚕️ coração"
_HARD_TEXT = 'aspas "duplas", vírgula, barra \\ e\nnova linha\tç'
_ENDS: Final[Mapping[str, tuple[str, ...]]] = {
    "tinyint": ("-128", "127", "0"),
    "tinyint unsigned": ("0", "255", "128"),
    "smallint unsigned": ("0", "65535", "32768"),
    "mediumint": ("-8388608", "8388607", "0"),
    "mediumint unsigned": ("0", "16777215", "8388608"),
    "int unsigned": ("0", "4294967295", "2147483648"),
    "bigint": ("-9223372036854775808", "9223372036854775807", "0"),
    "bigint unsigned": ("0", "18446744073709551615", "9223372036854775808"),
    "decimal(38,10)": ("-9999999999999999999999999999.9999999999", "9999999999999999999999999999.9999999999", "0"),
    "decimal(20,0)": ("-99999999999999999999", "99999999999999999999", "1"),
    "float": ("-3.40282e38", "3.40282e38", "1.17549e-38"),
    "double": ("-1.7976931348623157e308", "1.7976931348623157e308", "2.2250738585072014e-308"),
    "date": ("1000-01-01", "9999-12-31", "0000-00-00"),
    "datetime": ("1000-01-01 00:00:00", "9999-12-31 23:59:59", "0000-00-00 00:00:00"),
    "datetime(6)": ("1000-01-01 00:00:00.000001", "9999-12-31 23:59:59.999999", "2024-02-29 12:00:00.5"),
    "timestamp": ("1970-01-01 00:00:01", "2038-01-19 03:14:07", "0000-00-00 00:00:00"),
    "time": ("-838:59:59", "838:59:59", "00:00:00"),
    "time(3)": ("-838:59:59.999", "838:59:59.999", "00:00:00.001"),
    "year": ("1901", "2155", "0000"),
    "char(10)": ("", "ÁÉÍÓÚÇãõ", "💊"),
    "tinytext": ("", _EMOJI, _HARD_TEXT),
    "longtext": ("", _HARD_TEXT, "é" * 5_000),
    "binary(16)": ("00" * 16, "ff" * 16, "00ff" * 8),
    "varbinary(32)": ("", "00", "ff" * 32),
    "longblob": ("", "00" * 1_000, "0a0d2c225c09"),
    "json": ("{}", "[]", '{"nome": "João \\"Zé\\"", "emoji": "💊", "vazio": null}'),
}


def columns_of(batch: Batch) -> dict[str, Any]:
    """All columns of a batch, by name, as Arrow arrays whose CSV form MySQL loads."""
    keys = key_values(batch)
    made = {}
    for column in batch.table.columns:
        values = keys[column.name] if column.name in keys else _with_oddities(batch, column, make(batch, column))
        made[column.name] = values
    return made


def is_nullable(batch_key: tuple[str, ...], column: ColumnContract) -> bool:
    """Whether the demonstration database lets a column be NULL."""
    return not column.mandatory and column.name not in batch_key


def may_be_null(column: ColumnContract, table: str) -> bool:
    """Whether a nullable column does get NULLs: some never have one, as in life."""
    return _null_share(column, table) > 0 or table == EXTREMES_TABLE


def _null_share(column: ColumnContract, table: str) -> float:
    share = _MOSTLY_EMPTY.get(column.name)
    return _NULL_SHARES[stable_hash(f"{table}.{column.name}") % len(_NULL_SHARES)] if share is None else share


def _with_oddities(batch: Batch, column: ColumnContract, values: Any) -> Any:
    if is_nullable(batch.table.primary_key, column):
        values = _with_gaps(batch, column, values)
    if batch.table.name == EXTREMES_TABLE and batch.first == 0:
        values = _with_ends(column, values)
    return values


def _with_gaps(batch: Batch, column: ColumnContract, values: Any) -> Any:
    """NULLs and zero dates."""
    odd = batch.chance(f"{column.name} oddities").random(batch.count)
    zero = _ZERO_DATES.get(base_type(column.type))
    if zero and stable_hash(column.name) % 2 == 0:
        values = pc.if_else(pa.array(odd > 1 - _ZERO_DATE_SHARE), zero, values.cast(pa.string()))
    share = _null_share(column, batch.table.name)
    return pc.if_else(pa.array(odd < share), pa.scalar(None, values.type), values) if share else values


def _with_ends(column: ColumnContract, values: Any) -> Any:
    """The ends of the type in the first rows, and a NULL after them."""
    ends = _ENDS.get(canonical_type(column.type), ())[: len(values)]
    if not ends:
        return values
    text = values.cast(pa.string())
    kept = text.slice(min(len(ends) + 1, len(text)))
    missing = pa.nulls(len(text) - len(ends) - len(kept), pa.string())
    return pa.concat_arrays([pa.array(ends, pa.string()), missing, kept])
