"""Arrow types as both dialects of destination-s3 and pyarrow spell them, in the words of Athena."""

from __future__ import annotations

import datetime as dt
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.hive_types import UnknownTypeError, hive_type, widens_to
from radar_pipeline.domain.snapshots import DataFile
from radar_pipeline.lake.footers import FileOnDisk, parse_footer
from radar_pipeline.local.extract.casts import Cast, Kind
from radar_pipeline.local.extract.dialects import parquet_schema
from radar_pipeline.local.extract.request import Dialect


def _stored(schema: pa.Schema) -> dict[str, str]:
    """Types as the footer of a real file tells them."""
    sink = io.BytesIO()
    pq.write_table(schema.empty_table(), sink)
    body = sink.getvalue()
    file = parse_footer(FileOnDisk("key", len(body), dt.datetime(2026, 11, 23, tzinfo=dt.UTC)), body)
    assert isinstance(file, DataFile)
    return {column.name: column.type for column in file.columns}


def _dialect(dialect: Dialect) -> dict[str, str]:
    casts = [Cast(kind.value, kind, "") for kind in Kind]
    return {name: hive_type(kind) for name, kind in _stored(parquet_schema(dialect, casts)).items()}


def test_every_type_of_the_old_dialect_has_its_counterpart() -> None:
    assert _dialect(Dialect.V0_3) == {
        "_airbyte_ab_id": "string",
        "_airbyte_emitted_at": "timestamp",
        "integer": "bigint",
        "number": "double",
        "boolean": "boolean",
        "string": "string",
        "date": "struct<member0:date,member1:string>",
        "timestamp": "struct<member0:timestamp,member1:string>",
        "time": "struct<member0:bigint,member1:string>",
        "_airbyte_additional_properties": "map<string,string>",
    }


def test_every_type_of_the_new_dialect_has_its_counterpart() -> None:
    assert _dialect(Dialect.V1) == {
        "_airbyte_raw_id": "string",
        "_airbyte_extracted_at": "timestamp",
        "_airbyte_meta": "struct<sync_id:bigint,changes:array<struct<field:string,change:string,reason:string>>>",
        "_airbyte_generation_id": "bigint",
        "integer": "bigint",
        "number": "double",
        "boolean": "boolean",
        "string": "string",
        "date": "date",
        "timestamp": "timestamp",
        "time": "bigint",
    }


@pytest.mark.parametrize(
    ("arrow", "hive"),
    [
        (pa.int8(), "tinyint"),
        (pa.int16(), "smallint"),
        (pa.int32(), "int"),
        (pa.float32(), "float"),
        (pa.decimal128(12, 2), "decimal(12,2)"),
        (pa.decimal128(38, 38), "decimal(38,38)"),
        (pa.binary(), "binary"),
        (pa.binary(16), "binary"),
        (pa.large_string(), "string"),
        (pa.dictionary(pa.int32(), pa.string()), "string"),
        (pa.timestamp("ns", "America/Sao_Paulo"), "timestamp"),
        (pa.timestamp("ms"), "timestamp"),
        (pa.large_list(pa.int32()), "array<int>"),
        (pa.list_(pa.int32(), 3), "array<int>"),
        (pa.map_(pa.string(), pa.list_(pa.decimal128(10, 2))), "map<string,array<decimal(10,2)>>"),
        (pa.struct([pa.field("A", pa.int32(), nullable=False), ("b", pa.date32())]), "struct<a:int,b:date>"),
        (pa.list_(pa.map_(pa.string(), pa.struct([("x", pa.bool_())]))), "array<map<string,struct<x:boolean>>>"),
    ],
)
def test_types_of_other_writers_are_read_through_a_real_footer(arrow: pa.DataType, hive: str) -> None:
    assert hive_type(_stored(pa.schema([("c", arrow)]))["c"]) == hive
    assert hive_type(str(arrow)) == hive


@pytest.mark.parametrize(
    "arrow",
    [
        pa.uint64(),
        pa.float16(),
        pa.null(),
        pa.time32("ms"),
        pa.duration("us"),
        pa.decimal256(50, 2),
        pa.struct([("a b", pa.int32())]),
        pa.struct([("a", pa.int32()), ("A", pa.int32())]),
        pa.struct([("a", pa.list_(pa.uint8()))]),
    ],
)
def test_what_athena_cannot_read_is_named_and_not_guessed(arrow: pa.DataType) -> None:
    with pytest.raises(UnknownTypeError, match=r"Athena"):
        hive_type(str(arrow))


_LEAVES = st.sampled_from(
    [pa.int64(), pa.string(), pa.bool_(), pa.date32(), pa.timestamp("us", "UTC"), pa.float64(), pa.decimal128(9, 3)]
)
_NAMES = st.text("abcdefgh_0", min_size=1, max_size=6)
_TYPES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        inner.map(pa.list_),
        inner.map(lambda value: pa.map_(pa.string(), value)),
        st.dictionaries(_NAMES, inner, min_size=1, max_size=3).map(lambda members: pa.struct(list(members.items()))),
    ),
    max_leaves=8,
)


def _expected(arrow: pa.DataType) -> str:
    if pa.types.is_struct(arrow):
        return f"struct<{','.join(f'{each.name}:{_expected(each.type)}' for each in arrow)}>"
    if pa.types.is_map(arrow):
        return f"map<string,{_expected(arrow.item_type)}>"
    if pa.types.is_list(arrow):
        return f"array<{_expected(arrow.value_type)}>"
    return hive_type(str(arrow))


@given(_TYPES)
def test_nesting_of_any_depth_is_spelt_member_by_member(arrow: pa.DataType) -> None:
    assert hive_type(str(arrow)) == _expected(arrow)


@given(st.text(max_size=60))
def test_any_other_text_is_an_unknown_type_and_no_crash(text: str) -> None:
    try:
        hive_type(text)
    except UnknownTypeError:
        return
    assert hive_type(text)


def test_only_whole_numbers_and_floats_widen() -> None:
    kinds = ["tinyint", "smallint", "int", "bigint", "float", "double", "string", "timestamp", "date", "boolean"]
    pairs = {(narrow, wide) for narrow in kinds for wide in kinds if widens_to(narrow, wide)}
    assert pairs == {
        ("tinyint", "smallint"),
        ("tinyint", "int"),
        ("tinyint", "bigint"),
        ("smallint", "int"),
        ("smallint", "bigint"),
        ("int", "bigint"),
        ("float", "double"),
    }
