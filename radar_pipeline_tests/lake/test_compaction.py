"""Compaction against a real S3 over HTTP, killed at every change that it makes."""

from __future__ import annotations

import datetime as dt
import functools
import io
import itertools
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from radar_pipeline.domain.completeness import Expectation
from radar_pipeline.domain.landing import Landing, judge_landing
from radar_pipeline.domain.layout import BronzeLayout, is_data_file
from radar_pipeline.domain.snapshots import Folder
from radar_pipeline.domain.sync import Attempt, JobKind, JobStatus, StreamCount, StreamState, SyncJob
from radar_pipeline.lake.compaction import Compaction, CompactionOutcome, compact_day, finish_open
from radar_pipeline.lake.inventory import read_folders
from radar_pipeline.lake.merging import ORIGIN, MergeError, check_merged, merge_files
from radar_pipeline.lake.publish import marker_key
from radar_pipeline.lake.store import LakeConfig, LakeStore
from radar_pipeline_tests.aws_proxy import Answer, AwsProxy, Seen, access_denied, aws_proxy
from radar_pipeline_tests.lake.samples import BEGIN, new_table, old_table, parquet

pytestmark = pytest.mark.integration

ministack = pytest.mark.parametrize("server", ["ministack"], indirect=True)

DAY = BEGIN.date()
NOW = BEGIN + dt.timedelta(days=90)
PARTS = 3
ROWS = 500
# Parts are 5 to 7 KB; three of them merged are more than that.
SMALL = 7_000


@pytest.fixture
def proxy(config: LakeConfig) -> Iterator[AwsProxy]:
    with aws_proxy(config.endpoint_url or "") as proxy:
        yield proxy


@functools.cache
def part(make: Callable[..., pa.Table], number: int) -> bytes:
    return parquet(make(ROWS, BEGIN + dt.timedelta(seconds=number)), compression="zstd")


def land(
    store: LakeStore, layout: BronzeLayout, table: str = "store", make: Callable[..., pa.Table] = new_table
) -> list[str]:
    """A copy of three parts, extracted one after another."""
    keys = [f"{layout.folder(table, DAY)}file_{table}_part_{number}.parquet" for number in range(PARTS)]
    for number, key in enumerate(keys):
        store.put(key, part(make, number))
    store.put(f"{layout.folder(table, DAY)}_SUCCESS", b"")
    return keys


def folder_of(store: LakeStore, layout: BronzeLayout, table: str = "store") -> Folder:
    return read_folders(store, layout, [table], DAY)[table]


def proven(folder: Folder) -> frozenset[tuple[int, dt.datetime | None]]:
    newest = max((file.newest for file in folder.files if file.newest), default=None)
    return frozenset({(sum(file.rows for file in folder.files), newest)})


def compact(store: LakeStore, layout: BronzeLayout, table: str = "store", **options: Any) -> Compaction:
    asked = {"proven": WHOLE, "clock": lambda: NOW, "small_bytes": SMALL, **options}
    return compact_day(store, layout, table, DAY, **asked)


WHOLE = frozenset({(PARTS * ROWS, BEGIN + dt.timedelta(seconds=PARTS - 1, milliseconds=ROWS - 1))})


def rows_of(store: LakeStore, keys: Sequence[str]) -> pa.Table:
    return pa.concat_tables([pq.read_table(io.BytesIO(store.read(key))) for key in keys])


def data(store: LakeStore, prefix: str) -> list[str]:
    return [each.key for each in store.list_objects(prefix) if is_data_file(each.key)]


@pytest.mark.parametrize("make", [old_table, new_table])
def test_small_files_become_one_with_the_same_rows_and_the_next_proof_sees_the_same_copy(
    store: LakeStore, layout: BronzeLayout, make: Callable[..., pa.Table]
) -> None:
    keys = land(store, layout, make=make)
    large = f"{layout.folder('store', DAY)}file_store_part_7.parquet"
    store.put(large, parquet(make(2000, BEGIN + dt.timedelta(seconds=3))))
    before, bodies = folder_of(store, layout), {key: store.read(key) for key in keys}

    done = compact(store, layout, proven=proven(before))

    assert (done.outcome, done.files, done.rows, done.problem) == (CompactionOutcome.MERGED, 3, PARTS * ROWS, None)
    assert done.key is not None
    assert data(store, layout.folder("store", DAY)) == [done.key, large]
    merged = pq.ParquetFile(io.BytesIO(store.read(done.key)))
    assert merged.schema_arrow.equals(pq.read_schema(io.BytesIO(bodies[keys[0]])))
    assert merged.metadata.row_group(0).column(0).compression == "ZSTD"
    assert merged.metadata.num_row_groups == 1
    assert b"file_store_part_1.parquet" in merged.metadata.metadata[ORIGIN.encode()]
    assert rows_of(store, [done.key]).equals(pa.concat_tables([pq.read_table(io.BytesIO(bodies[key])) for key in keys]))
    # Nothing is deleted, and the count of parts that destination-s3 goes by stays what it was.
    assert {key: store.read(layout.quarantine_key(key)) for key in keys} == bodies
    assert all(store.head(marker_key(key)) for key in keys)
    assert store.list_objects(layout.compaction_prefix) == []

    after = folder_of(store, layout)
    begun = BEGIN - dt.timedelta(seconds=1)
    streams = {"store": StreamCount(PARTS * ROWS + 2000, state=StreamState.COMPLETE)}
    attempt = Attempt(0, JobStatus.SUCCEEDED, begun, BEGIN + dt.timedelta(minutes=1), streams=streams)
    job = SyncJob(41, JobKind.SYNC, JobStatus.SUCCEEDED, begun, BEGIN + dt.timedelta(minutes=1), (attempt,))
    for expected in (
        Expectation(jobs=(job,), recorded=proven(before)),
        Expectation(asked=False, recorded=proven(before)),
        Expectation(source_rows=(PARTS * ROWS + 2000,) * 2),
        Expectation(),
    ):
        was, became = judge_landing(before, expected), judge_landing(after, expected)
        assert became.landing is was.landing is Landing.LANDED
        assert was.snapshot is not None
        assert became.snapshot is not None
        assert (became.snapshot.rows, became.snapshot.newest) == (was.snapshot.rows, was.snapshot.newest)
        assert (became.snapshot.job_id, became.snapshot.attempt) == (was.snapshot.job_id, was.snapshot.attempt)
        assert became.superseded == ()
        assert [column.name for column in became.snapshot.columns] == [column.name for column in was.snapshot.columns]

    again = compact(store, layout, proven=proven(before))
    assert again.outcome is CompactionOutcome.LEFT
    assert "there is nothing to merge" in again.words


def test_what_would_still_be_too_small_or_is_not_proven_is_left_and_nothing_is_written(
    store: LakeStore, layout: BronzeLayout
) -> None:
    keys = land(store, layout)
    everything = store.list_objects("")
    together = sum(store.head(key).size for key in keys)  # type: ignore[union-attr]
    assert "S3 would not move them merged either" in compact(store, layout, small_bytes=together + 1).words
    assert "not those of a copy that was proven" in compact(store, layout, proven=frozenset()).words
    assert "is not over" in compact(store, layout, clock=lambda: BEGIN).words
    nothing = compact(store, layout, table="product")
    assert (nothing.outcome, nothing.problem, nothing.left) == (CompactionOutcome.LEFT, None, nothing.words)
    assert store.list_objects("") == everything


@ministack
def test_a_day_of_which_a_part_is_archived_is_left(store: LakeStore, layout: BronzeLayout) -> None:
    keys = land(store, layout)
    large = f"{layout.folder('store', DAY)}file_store_part_7.parquet"
    store.s3.put_object(Bucket=store.config.bucket, Key=large, Body=part(new_table, 3), StorageClass="GLACIER")
    assert "InvalidObjectState" in (compact(store, layout).left or "")
    assert data(store, layout.folder("store", DAY)) == [*keys, large]


@ministack
def test_what_cannot_be_done_is_told_and_leaves_the_day_as_readers_know_it(
    config: LakeConfig, proxy: AwsProxy, store: LakeStore, layout: BronzeLayout
) -> None:
    keys = land(store, layout)
    through = LakeStore(replace(config, endpoint_url=proxy.url, max_attempts=1))
    proxy.rules.append(lambda seen: access_denied() if seen.method == "PUT" and "/quarantine/" in seen.path else None)
    failed = compact(through, layout)
    assert failed.outcome is CompactionOutcome.FAILED
    assert "check the IAM policy" in failed.words
    assert data(store, layout.folder("store", DAY)) == keys

    # A part that may not leave: its rows are there twice until somebody lets it go.
    proxy.rules[:] = [lambda seen: access_denied() if seen.method == "DELETE" and "part_1" in seen.path else None]
    stuck = compact(through, layout)
    assert stuck.outcome is CompactionOutcome.FAILED
    assert "1 of 3 files that were merged into" in stuck.words
    assert len(data(store, layout.folder("store", DAY))) == 2
    proxy.rules.clear()
    (finished,) = finish_open(through, layout)
    assert (finished.outcome, finished.key) == (CompactionOutcome.FINISHED, data(store, layout.folder("store", DAY))[0])
    assert folder_of(store, layout).files[0].rows == PARTS * ROWS


@ministack
def test_a_part_that_is_written_anew_in_the_meantime_ends_the_merging(
    config: LakeConfig, proxy: AwsProxy, store: LakeStore, layout: BronzeLayout
) -> None:
    keys = land(store, layout)
    through = LakeStore(replace(config, endpoint_url=proxy.url, max_attempts=1))
    fresh = parquet(new_table(7))

    def overtaken(seen: Seen) -> Answer | None:
        # The record is the last thing written before readers see anything.
        if seen.method == "PUT" and seen.path.endswith(".json"):
            store.put(keys[1], fresh)
        return None

    proxy.rules.append(overtaken)
    left = compact(through, layout)
    assert left.outcome is CompactionOutcome.LEFT
    assert f"{keys[1]} was changed or taken away" in left.words
    assert data(store, layout.folder("store", DAY)) == keys
    assert store.read(keys[1]) == fresh
    assert store.list_objects(layout.compaction_prefix) == []


@ministack
def test_parts_that_have_much_in_common_are_merged_though_the_file_stays_small_and_are_not_tried_again(
    store: LakeStore, layout: BronzeLayout
) -> None:
    keys = land(store, layout)
    together = sum(store.head(key).size for key in keys)  # type: ignore[union-attr]
    done = compact(store, layout, small_bytes=together)
    assert (done.outcome, done.bytes < together) == (CompactionOutcome.MERGED, True)
    assert "there is nothing to merge" in (compact(store, layout, small_bytes=together).left or "")


@ministack
def test_two_runs_at_once_end_with_one_file_of_the_same_rows(
    config: LakeConfig, store: LakeStore, layout: BronzeLayout
) -> None:
    land(store, layout)
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: compact(LakeStore(config), layout), range(2)))
    assert CompactionOutcome.MERGED in {each.outcome for each in both}
    compact(store, layout)
    (file,) = folder_of(store, layout).files
    assert (file.rows, file.newest) in WHOLE
    assert store.list_objects(layout.compaction_prefix) == []


# Forks a process for each order, so that each can be killed and none has to load everything anew.
SERVER = """
import datetime as dt, os, pickle, sys
import pyarrow.parquet
from radar_pipeline.lake.compaction import compact_day
from radar_pipeline.lake.store import LakeStore
stores = {}
while True:
    try:
        config, layout, table, day, proven, now, small = pickle.load(sys.stdin.buffer)
    except EOFError:
        break
    store = stores.setdefault(config, LakeStore(config))
    store.s3
    child = os.fork()
    if not child:
        compact_day(store, layout, table, day, proven=proven, clock=lambda: now, small_bytes=small)
        os._exit(0)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


@pytest.fixture(scope="module")
def forking() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def is_change(seen: Seen) -> bool:
    return seen.method in {"PUT", "POST", "DELETE"}


# The merged file staged, the parts copied (2 to 4), the record, the merged file put in place (6), markers and deletions
# (7 to 12), the staged file and the record discarded. What does not take effect was cut off on its way.
CHANGES = 3 * PARTS + 5
KILLED_AFTER = (1, 3, 5, 6, 8, 12, 13, 14)
KILLED_BEFORE = (6, 13)


@ministack
def test_killed_at_any_change_no_row_is_ever_away_and_the_next_run_ends_the_same(
    config: LakeConfig, proxy: AwsProxy, store: LakeStore, layout: BronzeLayout, forking: subprocess.Popen[bytes]
) -> None:
    through = replace(config, endpoint_url=proxy.url)
    keys = land(store, layout, "whole")
    extracted = set(rows_of(store, keys).column("_airbyte_extracted_at").to_pylist())
    assert compact(LakeStore(through), layout, "whole").outcome is CompactionOutcome.MERGED
    assert sum(map(is_change, proxy.seen)) == CHANGES

    outcomes = set()
    for number, effect in [*((n, True) for n in KILLED_AFTER), *((n, False) for n in KILLED_BEFORE)]:
        table = f"killed_{number}_{effect}".lower()
        land(store, layout, table)
        kill_at(number, forking, proxy, (through, layout, table), takes_effect=effect)
        seen = rows_of(store, data(store, layout.folder(table, DAY)))
        assert set(seen.column("_airbyte_extracted_at").to_pylist()) == extracted

        done = compact(store, layout, table)
        outcomes.add(done.outcome)
        assert done.outcome is not CompactionOutcome.FAILED, done.words
        (file,) = folder_of(store, layout, table).files
        assert (file.rows, file.newest) in WHOLE
        assert data(store, layout.quarantine_key(layout.folder(table, DAY))) == [
            layout.quarantine_key(key.replace("whole", table)) for key in keys
        ]
        assert store.list_objects(layout.compaction_prefix) == []
    # Begun anew, gone on with, and found done.
    assert outcomes == {CompactionOutcome.MERGED, CompactionOutcome.FINISHED, CompactionOutcome.LEFT}


def kill_at(
    number: int,
    forking: subprocess.Popen[bytes],
    proxy: AwsProxy,
    order: tuple[LakeConfig, BronzeLayout, str],
    *,
    takes_effect: bool,
) -> None:
    """Lets a process be killed at the n-th change that it makes."""
    assert forking.stdin is not None
    assert forking.stdout is not None
    child: Future[int] = Future()
    changes = itertools.count(1)

    def kill(seen: Seen) -> Answer | None:
        if not is_change(seen) or next(changes) != number:
            return None
        os.kill(child.result(30), signal.SIGKILL)
        return None if takes_effect else access_denied()

    proxy.rules[:] = [kill]
    pickle.dump((*order, DAY, WHOLE, NOW, SMALL), forking.stdin)
    forking.stdin.flush()
    child.set_result(int(forking.stdout.readline()))
    assert os.WTERMSIG(int(forking.stdout.readline())) == signal.SIGKILL
    proxy.settle()
    proxy.rules.clear()


def test_parts_that_are_not_alike_or_not_the_same_afterwards_are_refused(tmp_path: Path) -> None:
    parts = [parquet(new_table(5)), parquet(new_table(5, BEGIN + dt.timedelta(seconds=1)))]
    names, merged = ["a", "b"], tmp_path / "merged.parquet"
    with pytest.raises(MergeError, match="b has other columns or types than a"):
        merge_files([parts[0], parquet(old_table(5))].__getitem__, names, merged)
    merge_files(parts.__getitem__, names, merged)
    check_merged(merged, parts.__getitem__, names)
    for others, words in (
        ([parts[0], parts[0]], "rows of b are not the same"),
        ([parts[1], parts[0]], "rows of a are not the same"),
        ([parts[0], parquet(old_table(5))], "b is stored in other columns or types"),
        ([parts[0], parquet(new_table(4, BEGIN + dt.timedelta(seconds=1)))], "has 10 rows where its parts have 9"),
        ([parts[0], parquet(new_table(6, BEGIN + dt.timedelta(seconds=1)))], "rows of b are not the same"),
    ):
        with pytest.raises(MergeError, match=words):
            check_merged(merged, others.__getitem__, names)
