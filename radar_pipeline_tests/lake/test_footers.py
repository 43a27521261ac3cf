from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.snapshots import BrokenFile, DataFile
from radar_pipeline.lake.footers import FileOnDisk, missing_bytes, parse_footer
from radar_pipeline_tests.lake.samples import BEGIN, new_table, old_table, parquet

NOW = dt.datetime(2026, 11, 23, 3, tzinfo=dt.UTC)


def parsed(body: bytes, tail_bytes: int = 65536) -> DataFile | BrokenFile:
    file = FileOnDisk("store/x.parquet", len(body), NOW)
    tail = body[-tail_bytes:]
    tail = body[-(len(tail) + missing_bytes(file, tail)) :] if body else b""
    return parse_footer(file, tail, body[:4])


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_the_extraction_range_is_read_whatever_its_unit(unit):
    table = old_table(3, BEGIN.replace(microsecond=0))
    at = table.schema.get_field_index("_airbyte_emitted_at")
    table = table.set_column(at, "_airbyte_emitted_at", table[at].cast(pa.timestamp(unit, "UTC"), safe=False))
    found = parsed(parquet(table))
    assert isinstance(found, DataFile)
    assert found.oldest == BEGIN.replace(microsecond=0)
    assert found.newest is not None
    assert found.newest.tzinfo is dt.UTC


def test_rows_range_and_columns_of_the_old_dialect_come_from_the_tail_alone():
    body = parquet(old_table(5000), row_group_size=1000)
    found = parsed(body, tail_bytes=16_384)
    assert isinstance(found, DataFile)
    assert (found.rows, found.oldest, found.newest) == (5000, BEGIN, BEGIN + dt.timedelta(milliseconds=4999))
    assert found.sync_id is None
    types = {column.name: column.type for column in found.columns}
    assert list(types) == ["_airbyte_ab_id", "_airbyte_emitted_at", "Id", "Created_At"]
    assert types["Created_At"] == "struct<member0: timestamp[us, tz=UTC], member1: string>"


def test_the_new_dialect_names_the_job_that_wrote_the_file():
    found = parsed(parquet(new_table(20, sync_id=77)))
    assert isinstance(found, DataFile)
    assert (found.rows, found.sync_id, found.oldest) == (20, 77, BEGIN)


def test_a_file_of_two_jobs_names_none():
    both = pa.concat_tables([new_table(2, sync_id=1), new_table(2, sync_id=2)])
    found = parsed(parquet(both))
    assert isinstance(found, DataFile)
    assert found.sync_id is None


def test_a_footer_larger_than_the_tail_asks_for_exactly_what_is_missing():
    wide = pa.table({f"column_{n:04d}": [n] for n in range(800)})
    body = parquet(wide)
    file = FileOnDisk("x.parquet", len(body), NOW)
    more = missing_bytes(file, body[-1024:])
    assert more > 0
    assert isinstance(parse_footer(file, body[-(1024 + more) :]), DataFile)
    assert isinstance(parse_footer(file, body[-(1024 + more - 8) :]), BrokenFile)


def test_a_file_without_rows_has_no_range():
    found = parsed(parquet(old_table(0)))
    assert isinstance(found, DataFile)
    assert (found.rows, found.oldest, found.newest) == (0, None, None)


def test_a_file_without_statistics_has_no_range_and_still_counts():
    found = parsed(parquet(old_table(7), write_statistics=False))
    assert isinstance(found, DataFile)
    assert (found.rows, found.oldest) == (7, None)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "no bytes"),
        (b"PAR1", "too few"),
        (b'{"rows": 12, "table": "store"}', "no Parquet file: it begins with b'{\"ro'"),
        (parquet(old_table(900))[:-1], "cut short: it begins as a Parquet file"),
        (parquet(old_table(900))[:2000], "cut short: it begins as a Parquet file"),
        (b"PAR1" + b"\xff" * 40 + b"\x20\x00\x00\x00PAR1", "cannot be read"),
        (b"PAR1" + b"\x00" * 40 + b"\xff\xff\xff\x7fPAR1", "claims"),
        (b"PAR1" + b"\x00" * 40 + b"\x20\x00\x00\x00PARE", "encrypted"),
    ],
)
def test_what_is_no_whole_parquet_file_is_named_and_never_counted(body, words):
    found = parsed(body)
    assert isinstance(found, BrokenFile)
    assert words in found.problem


def test_a_footer_without_its_row_groups_is_a_file_cut_short():
    body = parquet(old_table(5000))
    footer = int.from_bytes(body[-8:-4], "little") + 8
    found = parsed(b"PAR1" + body[-footer:])
    assert isinstance(found, BrokenFile)
    assert "row groups end at byte" in found.problem


@given(cut=st.integers(min_value=0, max_value=6000))
def test_a_file_cut_anywhere_is_never_counted(cut):
    body = parquet(old_table(300))
    found = parsed(body[: min(cut, len(body) - 1)])
    assert isinstance(found, BrokenFile)


@given(noise=st.binary(max_size=400))
def test_no_bytes_make_the_parser_fail(noise):
    assert isinstance(parsed(noise + b"PAR1"), BrokenFile)
