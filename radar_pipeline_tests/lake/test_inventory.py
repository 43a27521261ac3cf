from __future__ import annotations

import datetime as dt

import pytest

from radar_pipeline.lake.errors import LakeError, LakeFault
from radar_pipeline.lake.inventory import read_folders
from radar_pipeline.lake.store import LakeConfig, LakeStore
from radar_pipeline_tests.lake.samples import new_table, old_table, parquet

DAY = dt.date(2026, 11, 23)

pytestmark = pytest.mark.integration


class CountingStore(LakeStore):
    """A real store that counts its requests and refuses the prefixes it is told to."""

    def __init__(self, config, refused=(), fault=LakeFault.POLICY):
        super().__init__(config)
        self.lists, self.reads = 0, 0
        self._refused, self._fault = refused, fault

    def list_objects(self, prefix, *, start_after=None):
        self.lists += 1
        if any(name in prefix for name in self._refused):
            raise LakeError(self._fault, f"cannot list {prefix}")
        return super().list_objects(prefix, start_after=start_after)

    def read_range(self, key, start, end):
        self.reads += 1
        return super().read_range(key, start, end)


def test_both_dialects_markers_and_broken_files_are_told_apart(store, layout):
    folder = layout.folder("store", DAY)
    store.put(folder + "file_store_part_0.parquet", parquet(old_table(10)))
    store.put(folder + "file_store_part_1.parquet-1", parquet(new_table(7)))
    store.put(folder + "file_store_part_2.parquet", parquet(old_table(500))[:900])
    store.put(folder + "file_store_part_3.parquet", b"")
    store.put(folder + "_SUCCESS", b"")
    store.put(folder + "_metadata.json", b"{}")
    store.put(layout.folder("store", dt.date(2026, 11, 22)) + "old.parquet", parquet(old_table(3)))
    store.put(layout.folder("store_metrics", DAY) + "a.parquet", parquet(old_table(2)))

    found = read_folders(store, layout, ["store", "store_metrics", "login"], DAY)

    assert list(found) == ["store", "store_metrics", "login"]
    assert sorted(file.rows for file in found["store"].files) == [7, 10]
    assert [file.key.rsplit("_", 1)[1] for file in found["store"].broken] == ["2.parquet", "3.parquet"]
    assert [key.rsplit("/", 1)[1] for key in found["store"].ignored] == ["_SUCCESS", "_metadata.json"]
    assert [file.rows for file in found["store_metrics"].files] == [2]
    assert (found["login"].files, found["login"].error) == ((), None)


def test_one_listing_a_table_and_one_read_a_file(config, layout):
    store = CountingStore(config)
    for table in ("store", "product", "login"):
        for part in range(4):
            store.put(f"{layout.folder(table, DAY)}file_{part}.parquet", parquet(old_table(5)))
    steps = []
    read_folders(store, layout, ["store", "product", "login"], DAY, on_progress=lambda *step: steps.append(step))
    assert (store.lists, store.reads) == (3, 12)
    assert steps == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("table", ["promoção", "order items", "a+b&c#d", "50%_off"])
def test_tables_with_odd_names_are_found(store, layout, table):
    store.put(layout.folder(table, DAY) + f"file_{table}_0.parquet", parquet(old_table(4)))
    assert [file.rows for file in read_folders(store, layout, [table], DAY)[table].files] == [4]


def test_keys_with_empty_segments_do_not_hide_the_folder(store, layout):
    store.put(layout.folder("store", DAY) + "/file_0.parquet", parquet(old_table(4)))
    store.put(layout.folder("store", DAY) + "file_1.parquet", parquet(old_table(5)))
    assert sorted(file.rows for file in read_folders(store, layout, ["store"], DAY)["store"].files) == [4, 5]


def test_a_refused_folder_does_not_hide_the_others(config, layout):
    store = CountingStore(config, refused=["login"])
    store.put(layout.folder("store", DAY) + "a.parquet", parquet(old_table(4)))
    found = read_folders(store, layout, ["login", "store"], DAY)
    assert found["login"].error is not None
    assert found["login"].files == ()
    assert [file.rows for file in found["store"].files] == [4]


def test_a_bucket_wide_fault_is_asked_about_once(config, layout):
    store = CountingStore(config, refused=["/"], fault=LakeFault.CREDENTIALS)
    tables = [f"t{n}" for n in range(200)]
    found = read_folders(store, layout, tables, DAY, parallel=1)
    assert all(folder.error for folder in found.values())
    assert store.lists == 1


def test_an_endpoint_that_is_away_is_said_of_every_table_in_seconds(layout):
    store = LakeStore(
        LakeConfig(
            "bronze",
            region="us-east-2",
            endpoint_url="http://127.0.0.1:9",
            access_key_id="key",
            secret_access_key="secret",
            max_attempts=2,
        )
    )
    begin = dt.datetime.now(dt.UTC)
    found = read_folders(store, layout, [f"t{n}" for n in range(300)], DAY)
    assert all("does not answer" in (folder.error or "") for folder in found.values())
    assert dt.datetime.now(dt.UTC) - begin < dt.timedelta(seconds=20)
