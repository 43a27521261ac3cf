"""Which files of a day may be merged: those of one proven copy, and nothing that is not known."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.compaction import CompactionVerdict, Proven, judge_compaction, merged_name
from radar_pipeline.domain.layout import is_data_file
from radar_pipeline.domain.snapshots import BrokenFile, Column, DataFile, Folder, split_attempts

DAY = dt.date(2026, 11, 20)
TODAY = dt.date(2026, 11, 24)
BEGIN = dt.datetime(2026, 11, 20, 2, 0, tzinfo=dt.UTC)
COLUMNS = (Column("_airbyte_raw_id", "string"), Column("Id", "int64"))


def data_file(number: int, *, size: int = 60_000, rows: int = 100, begin: dt.datetime = BEGIN) -> DataFile:
    start = begin + dt.timedelta(seconds=number)
    return DataFile(
        key=f"bronze/store/cog_dt_ingestion={DAY}/file_store_part_{number}.parquet",
        size=size,
        modified_at=start + dt.timedelta(seconds=9),
        rows=rows,
        oldest=start if rows else None,
        newest=start + dt.timedelta(seconds=1) if rows else None,
        columns=COLUMNS,
        sync_id=41,
    )


def proven(files: Sequence[DataFile]) -> Proven:
    newest = max((file.newest for file in files if file.newest), default=None)
    return frozenset({(sum(file.rows for file in files), newest)})


def judge(files: Sequence[DataFile], *, known: Proven | None = None, today: dt.date = TODAY) -> CompactionVerdict:
    folder = Folder("store", DAY, files=tuple(files))
    return judge_compaction(folder, proven=proven(files) if known is None else known, today=today)


FILES = [data_file(number) for number in range(4)]


def test_small_files_of_a_proven_copy_are_merged_and_large_ones_stay() -> None:
    verdict = judge([*FILES, data_file(4, size=200_000)])
    assert verdict.files == tuple(FILES)
    assert verdict.reason == "4 files under 131072 bytes, 240000 bytes together"


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (judge(FILES[:1]), "it has 1 files under 131072 bytes: there is nothing to merge"),
        (judge(FILES[:2]), "its 2 small files are 120000 bytes together: S3 would not move them merged either"),
        (
            judge([*FILES, data_file(4, begin=BEGIN + dt.timedelta(hours=1))], known=proven(FILES)),
            "the 500 rows of its 5",
        ),
        (judge(FILES, known=frozenset()), "are not those of a copy that was proven"),
        (judge(FILES, known=frozenset({(400, BEGIN)})), "are not those of a copy that was proven"),
        (judge(FILES, today=DAY), "2026-11-20 is not over: a sync may still write into it"),
        (judge([*FILES, replace(data_file(4), columns=COLUMNS[:1])]), "part_4.parquet has other columns than"),
        (judge([*FILES, replace(data_file(4), sync_id=42)]), "part_4.parquet names another sync than"),
        (judge([*FILES, replace(data_file(4), oldest=None, newest=None)]), "does not say when its rows were extracted"),
    ],
)
def test_what_is_not_known_to_be_one_whole_copy_is_left_with_the_reason(verdict: CompactionVerdict, words: str) -> None:
    assert verdict.files == ()
    assert words in verdict.reason


def test_a_folder_that_cannot_be_read_or_holds_a_broken_file_is_left() -> None:
    broken = BrokenFile("x/file_store_part_9.parquet", 4, "it is cut short")
    folder = Folder("store", DAY, files=tuple(FILES), broken=(broken,))
    left = judge_compaction(folder, proven=proven(FILES), today=TODAY)
    assert (left.files, left.reason) == ((), "x/file_store_part_9.parquet cannot be read: it is cut short")
    away = judge_compaction(Folder("store", DAY, error="access denied"), proven=proven(FILES), today=TODAY)
    assert (away.files, away.reason) == ((), "access denied")


def test_a_merged_file_is_data_and_no_part_of_destination_s3_and_named_for_what_it_holds() -> None:
    named = [(file.key, '"etag"') for file in FILES]
    name = merged_name(named)
    assert is_data_file(f"bronze/store/cog_dt_ingestion={DAY}/{name}")
    assert not name.startswith("file_")
    assert merged_name(named[::-1]) == name
    assert merged_name([*named[:3], (named[3][0], '"another"')]) != name


@given(
    st.lists(
        st.builds(
            data_file,
            st.integers(0, 30),
            size=st.integers(1_000, 300_000),
            rows=st.integers(0, 1000),
        ),
        max_size=12,
        unique_by=lambda file: file.key,
    )
)
def test_what_is_merged_is_one_copy_of_the_same_rows_afterwards(files: list[DataFile]) -> None:
    verdict = judge(files)
    if not verdict.files:
        assert verdict.reason
        return
    times = [time for file in verdict.files for time in (file.oldest, file.newest) if time]
    merged = DataFile(
        key=f"bronze/store/cog_dt_ingestion={DAY}/{merged_name([(file.key, 'e') for file in verdict.files])}",
        size=sum(file.size for file in verdict.files),
        modified_at=BEGIN + dt.timedelta(days=90),
        rows=sum(file.rows for file in verdict.files),
        oldest=min(times, default=None),
        newest=max(times, default=None),
        columns=COLUMNS,
        sync_id=41,
    )
    rest = [file for file in files if file not in verdict.files]
    before = [each for each in split_attempts(files, ()) if each.rows]
    after = [each for each in split_attempts([*rest, merged], ()) if each.rows]
    assert sum(each.rows for each in after) == sum(each.rows for each in before)
    assert len(after) <= max(len(before), 1)
    assert max((each.newest for each in after if each.newest), default=None) == max(
        (each.newest for each in before if each.newest), default=None
    )
