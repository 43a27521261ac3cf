from __future__ import annotations

import datetime as dt
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from radar_pipeline.domain.layout import is_data_file
from radar_pipeline.domain.snapshots import BrokenFile
from radar_pipeline.lake import copying
from radar_pipeline.lake.errors import LakeError, LakeFault
from radar_pipeline.lake.inventory import read_folders
from radar_pipeline.lake.publish import Outcome, marker_key, quarantine
from radar_pipeline.lake.store import LakeStore
from radar_pipeline_tests.lake.samples import BEGIN, old_table, parquet

DAY = dt.date(2026, 11, 23)
LATER = BEGIN + dt.timedelta(minutes=5)

pytestmark = pytest.mark.integration


class Killed(BaseException):
    """Stands for SIGKILL: no handler of the code under test may see it."""


class DyingStore(LakeStore):
    """A real store whose process dies at the n-th change of the bucket, before or after it takes effect."""

    def __init__(self, config, dies_at, *, after):
        super().__init__(config)
        self._left, self._after = dies_at, after

    def _change(self, work):
        self._left -= 1
        if self._left == 0 and not self._after:
            raise Killed
        work()
        if self._left == 0:
            raise Killed

    def put(self, key, body, **options):
        self._change(lambda: super(DyingStore, self).put(key, body, **options))

    def copy(self, original, target, *, metadata):
        self._change(lambda: super(DyingStore, self).copy(original, target, metadata=metadata))

    def delete(self, key, *, only_if=None):
        self._change(lambda: super(DyingStore, self).delete(key, only_if=only_if))


@pytest.fixture
def landed(store, layout):
    """Two attempts of one table: part 0 is superseded, part 1 stands."""
    folder = layout.folder("store", DAY)
    store.put(folder + "file_store_part_0.parquet", parquet(old_table(10)))
    store.put(folder + "file_store_part_1.parquet", parquet(old_table(12, LATER)))
    return read_folders(store, layout, ["store"], DAY)["store"].files


def next_part_of_old_destination(store, layout):
    """Part number that destination-s3 0.3 would draw: the count of keys that begin with the object path."""
    prefix = layout.folder("store", DAY) + "file_store"
    return store.s3.list_objects(Bucket=store.config.bucket, Prefix=prefix).get("Contents", []).__len__()


def test_a_superseded_file_leaves_its_folder_and_lies_whole_in_quarantine(store, layout, landed):
    body = store.read(landed[0].key)
    (moved,) = quarantine(store, layout, landed[:1])
    assert moved.outcome is Outcome.MOVED
    assert moved.quarantined_to == layout.quarantine_key(landed[0].key)
    assert store.read(moved.quarantined_to) == body
    after = read_folders(store, layout, ["store"], DAY)["store"]
    assert [file.key for file in after.files] == [landed[1].key]
    assert (after.broken, after.error) == ((), None)


def test_the_next_sync_of_an_old_destination_overwrites_no_part_that_stands(store, layout, landed):
    assert next_part_of_old_destination(store, layout) == 2
    quarantine(store, layout, landed[:1])
    number = next_part_of_old_destination(store, layout)
    key = layout.folder("store", DAY) + f"file_store_part_{number}.parquet"
    assert store.head(key) is None
    assert number == 2


def test_no_reader_takes_the_marker_for_data(layout):
    key = layout.folder("store", DAY) + "file_store_part_0.parquet-1"
    marker = marker_key(key)
    assert marker.startswith(layout.folder("store", DAY) + "file_store")
    assert not is_data_file(marker)
    assert marker.rsplit("/", 1)[1].startswith("_")


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("dies_at", [1, 2, 3])
def test_killed_at_any_point_the_next_call_ends_the_same_and_loses_nothing(config, layout, landed, dies_at, after):
    store = LakeStore(config)
    body = store.read(landed[0].key)
    with pytest.raises(Killed):
        quarantine(DyingStore(config, dies_at, after=after), layout, landed[:1])
    at_hand = [store.head(landed[0].key), store.head(layout.quarantine_key(landed[0].key))]
    assert any(at_hand), "the file is nowhere"
    assert next_part_of_old_destination(store, layout) >= 2

    (moved,) = quarantine(store, layout, landed[:1])

    assert store.read(moved.quarantined_to) == body
    assert store.head(landed[0].key) is None
    assert len(store.list_objects(layout.quarantine_prefix)) == 1
    assert next_part_of_old_destination(store, layout) == 2


def test_another_object_under_the_quarantine_key_is_kept(store, layout, landed):
    taken = layout.quarantine_key(landed[0].key)
    store.put(taken, b"of an earlier sync")
    (moved,) = quarantine(store, layout, landed[:1])
    assert store.read(taken) == b"of an earlier sync"
    assert moved.quarantined_to != taken
    assert store.head(moved.quarantined_to).size == landed[0].size


def test_a_file_written_anew_since_it_was_judged_stays(store, layout, landed):
    fresh = parquet(old_table(99, LATER))
    store.put(landed[0].key, fresh)
    (moved,) = quarantine(store, layout, landed[:1])
    assert (moved.outcome, moved.quarantined_to) == (Outcome.CHANGED, None)
    assert store.read(landed[0].key) == fresh


def test_a_second_run_finds_the_work_done(store, layout, landed):
    first = quarantine(store, layout, landed[:1])
    second = quarantine(store, layout, landed[:1])
    assert [each.outcome for each in second] == [Outcome.ALREADY_MOVED]
    assert second[0].quarantined_to == first[0].quarantined_to


def test_two_runs_at_once_move_each_file_once_and_lose_none(config, layout, landed):
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: quarantine(LakeStore(config), layout, landed[:1]), range(2)))
    store = LakeStore(config)
    assert {moved.quarantined_to for run in both for moved in run} == {layout.quarantine_key(landed[0].key)}
    assert [each.key for each in store.list_objects(layout.quarantine_prefix)] == [both[0][0].quarantined_to]
    assert store.head(landed[0].key) is None


def test_a_file_that_is_nowhere_is_named_and_the_others_are_moved(store, layout, landed):
    store.delete(landed[0].key)
    nowhere, moved = quarantine(store, layout, landed)
    assert (nowhere.outcome, nowhere.quarantined_to) == (Outcome.FAILED, None)
    assert nowhere.problem.startswith(landed[0].key)
    assert "neither in its folder nor there" in nowhere.problem
    assert (moved.outcome, moved.problem) == (Outcome.MOVED, None)
    assert store.head(landed[1].key) is None


@pytest.mark.parametrize("action", ["DeleteObject", "PutObject"])
def test_a_file_that_may_not_be_moved_is_named_stays_and_keeps_no_other_from_it(guarded, layout, action):
    root = guarded.store()
    folder = layout.folder("store", DAY)
    for part in range(3):
        root.put(f"{folder}file_store_part_{part}.parquet", parquet(old_table(10 + part)))
    files = read_folders(root, layout, ["store"], DAY)["store"].files
    # Deleting is refused where the file lies, writing where its copy would.
    forbidden = files[1].key if action == "DeleteObject" else layout.quarantine_key(files[1].key)
    store = guarded.store(forbidding=(action, forbidden))

    first, stuck, last = quarantine(store, layout, files)

    assert (stuck.key, stuck.outcome, stuck.quarantined_to) == (files[1].key, Outcome.FAILED, None)
    assert files[1].key in stuck.problem
    assert "check the IAM policy" in stuck.problem
    assert root.head(files[1].key) is not None
    for moved in (first, last):
        assert (moved.outcome, root.head(moved.key)) == (Outcome.MOVED, None)
        assert root.head(moved.quarantined_to).size == moved.size
    # Once it is allowed, the next call goes on where this one stopped.
    assert quarantine(root, layout, files[1:2])[0].outcome is Outcome.MOVED
    assert root.head(files[1].key) is None


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"bucket": "no-such-bucket"}, LakeFault.BUCKET),
        ({"endpoint_url": "http://127.0.0.1:1", "max_attempts": 1, "connect_timeout": 0.5}, LakeFault.ENDPOINT),
    ],
)
def test_a_bucket_that_is_away_is_an_error(config, layout, landed, change, fault):
    with pytest.raises(LakeError) as caught:
        quarantine(LakeStore(replace(config, **change)), layout, landed)
    assert caught.value.fault is fault


def test_a_broken_file_is_moved_too(store, layout):
    key = layout.folder("store", DAY) + "file_store_part_7.parquet"
    store.put(key, b"half")
    (moved,) = quarantine(store, layout, [BrokenFile(key, 4, "too short")])
    assert store.read(moved.quarantined_to) == b"half"


def test_a_large_file_is_copied_in_parts_that_make_the_same_bytes(store, layout, monkeypatch):
    monkeypatch.setattr(copying, "SINGLE_COPY_LIMIT", 6 * 1024**2)
    monkeypatch.setattr(copying, "PART_BYTES", 5 * 1024**2)
    key = layout.folder("store", DAY) + "file_store_part_0.parquet"
    body = bytes(range(256)) * (12 * 4096)
    store.put(key, body)
    (moved,) = quarantine(store, layout, [BrokenFile(key, len(body), "x")])
    assert store.read(moved.quarantined_to) == body
    assert re.search(r"-3\"?$", store.head(moved.quarantined_to).etag)
    assert store.head(key) is None
