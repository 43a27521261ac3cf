"""What landed is registered, whatever was there before, whoever else registers, wherever it is killed."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from radar_pipeline.domain.aging.tiers import StorageClass
from radar_pipeline.domain.catalogue.drift import Finding, FindingKind, LakeDay, Place, Remedy, diff_catalogue
from radar_pipeline.domain.catalogue.model import (
    OLDER_TYPES,
    READS_RESTORED,
    CatalogueColumn,
    CataloguePartition,
    CatalogueTable,
    Mark,
    mark_of,
)
from radar_pipeline.domain.snapshots import Snapshot
from radar_pipeline.lake.catalogue.cataloguing import (
    CatalogueVerdict,
    RepairReport,
    drop_days,
    mark_days,
    publish_day,
    read_states,
    repair,
)
from radar_pipeline.lake.catalogue.glue import CatalogueError, CatalogueFault, GlueCatalogue
from radar_pipeline.lake.inventory import read_folders
from radar_pipeline.lake.store import LakeStore
from radar_pipeline_tests.aws_proxy import Answer, Seen, aws_proxy, json_error
from radar_pipeline_tests.lake.glue_harness import (
    BUCKET,
    DAY,
    LAYOUT,
    NEW,
    OLD,
    athena_reads,
    day,
    failing,
    half_failed,
    new_catalogue,
    snapshot,
    types,
    writes,
)
from radar_pipeline_tests.lake.samples import new_table, old_table, parquet
from radar_pipeline_tests.servers import PROJECT, S3Server

pytestmark = pytest.mark.integration

PAIR = "struct<member0:timestamp,member1:string>"


@pytest.fixture
def catalogue(s3: S3Server) -> GlueCatalogue:
    return new_catalogue(s3)


def publish(
    catalogue: GlueCatalogue, snapshots: Mapping[str, Snapshot], at: dt.date = DAY
) -> dict[str, CatalogueVerdict]:
    return publish_day(catalogue, bucket=BUCKET, layout=LAYOUT, day=at, snapshots=snapshots)


def publish_store(catalogue: GlueCatalogue, columns: dict[str, str], at: dt.date = DAY) -> CatalogueVerdict:
    return publish(catalogue, {"store": snapshot(columns, at)}, at)["store"]


def everything(catalogue: GlueCatalogue) -> dict[str, tuple[CatalogueTable, dict[dt.date, CataloguePartition]]]:
    return {name: (table, catalogue.partitions(name)) for name, table in catalogue.tables().items()}


def test_real_files_of_both_dialects_are_registered_from_their_footers(
    store: LakeStore, bucket: str, catalogue: GlueCatalogue
) -> None:
    for name, table, at in (("old", old_table(10), DAY), ("new", new_table(20), DAY), ("new", new_table(5), day(1))):
        for part in range(2):
            store.put(f"{LAYOUT.folder(name, at)}file_{name}_part_{part}.parquet", parquet(table))
    for at in (DAY, day(1)):
        folders = read_folders(store, LAYOUT, ["old", "new"], at)
        snapshots = {name: Snapshot(folder.files) for name, folder in folders.items()}
        verdicts = publish_day(catalogue, bucket=bucket, layout=LAYOUT, day=at, snapshots=snapshots)
        assert all(verdict.passed for verdict in verdicts.values())
    old, new = catalogue.tables()["old"], catalogue.tables()["new"]
    assert types(old)["created_at"] == PAIR
    assert types(new)["_airbyte_meta"].startswith("struct<sync_id:bigint,changes:array<struct<")
    assert old.location == f"s3://{bucket}/{LAYOUT.prefix}/old/"
    assert old.parameters[READS_RESTORED] == "true"
    assert [(key.name, key.type) for key in old.partition_keys] == [("cog_dt_ingestion", "string")]
    assert list(catalogue.partitions("old")) == [DAY], "a table without files on a day has no partition of it"
    found = catalogue.partitions("new")[DAY]
    assert found.location == f"s3://{bucket}/{LAYOUT.prefix}/new/cog_dt_ingestion=2026-11-23/"
    assert found.columns == new.columns
    assert (found.parameters["radar.rows"], found.parameters["radar.files"]) == ("40", "2")
    assert found.parameters["radar.snapshot"].startswith("2026-11-23T02:00:01")
    assert mark_of(found) is None


def test_85_tables_are_registered_and_a_day_that_is_there_is_not_written_again(
    s3: S3Server, catalogue: GlueCatalogue
) -> None:
    columns = {**OLD, **{f"column_{number}": "string" for number in range(20)}}
    names = [f"table_{number}" for number in range(85)]
    first = publish(catalogue, {name: snapshot(columns, table=name) for name in names})
    assert all(verdict.passed and verdict.written for verdict in first.values())
    with aws_proxy(s3.endpoint_url) as proxy:
        through = new_catalogue(s3, url=proxy.url, database=catalogue.config.database)
        tomorrow = day(-1)
        publish(through, {name: snapshot(columns, tomorrow, table=name) for name in names}, tomorrow)
        assert writes(proxy.seen) == ["BatchCreatePartition"] * 85
        proxy.seen.clear()
        again = publish(through, {name: snapshot(columns, table=name) for name in names})
        assert all(verdict.passed and not verdict.written for verdict in again.values())
        assert writes(proxy.seen) == []
        assert len(proxy.seen) == 86, "one list of tables, and one look at each table's day"


def test_an_added_column_extends_the_table_and_earlier_days_stay_as_they_are(catalogue: GlueCatalogue) -> None:
    publish_store(catalogue, OLD, day(1))
    before = catalogue.partitions("store")[day(1)]
    verdict = publish_store(catalogue, {**OLD, "Brand": "int64"})
    assert (verdict.passed, [change.column for change in verdict.changes]) == (True, ["brand"])
    assert list(types(catalogue.table("store"))) == [name.lower() for name in (*OLD, "Brand")]
    assert catalogue.partitions("store")[day(1)] == before
    lost = publish_store(catalogue, OLD, day(-1))
    assert lost.passed
    assert "reads as NULL" in lost.reasons[0]
    assert "brand" in types(catalogue.table("store"))
    athena_reads(catalogue)


def test_a_day_that_is_extracted_again_is_told_anew_and_loses_the_mark_of_other_files(
    catalogue: GlueCatalogue,
) -> None:
    publish_store(catalogue, OLD)
    mark_days(catalogue, "store", {DAY: Mark(StorageClass.GLACIER)})
    assert not publish_store(catalogue, OLD).written, "the same files keep their mark"
    again = publish(catalogue, {"store": snapshot(OLD, rows=11)})["store"]
    assert again.written
    found = catalogue.partitions("store")[DAY]
    assert (found.parameters["radar.rows"], mark_of(found)) == ("11", None)


def test_a_new_dialect_takes_the_table_and_the_days_before_are_kept_whole(catalogue: GlueCatalogue) -> None:
    for number in (3, 2, 1):
        publish_store(catalogue, OLD, day(number))
    verdict = publish_store(catalogue, NEW)
    assert verdict.passed
    assert verdict.reasons[-1] == "days with older types are in store__v1"
    table = catalogue.table("store")
    assert table
    assert types(table)["created_at"] == "timestamp"
    assert table.parameters[OLDER_TYPES] == "store__v1"
    main, older = catalogue.partitions("store"), catalogue.partitions("store__v1")
    assert sorted(main) == [day(3), day(2), day(1), DAY], "every day is in the one table"
    assert [column.name for column in main[day(1)].columns] == ["_airbyte_ab_id", "_airbyte_emitted_at", "id"]
    assert sorted(older) == [day(3), day(2), day(1)]
    assert types(catalogue.table("store__v1"))["created_at"] == PAIR
    assert [column.name for column in older[day(1)].columns][-1] == "created_at"
    assert older[day(1)].parameters == main[day(1)].parameters
    athena_reads(catalogue)
    before = everything(catalogue)
    assert not publish_store(catalogue, NEW).written
    assert not publish_store(catalogue, OLD, day(2)).written
    assert everything(catalogue) == before


def test_an_old_day_that_is_registered_late_does_not_take_the_table_back(catalogue: GlueCatalogue) -> None:
    publish_store(catalogue, NEW)
    late = publish_store(catalogue, OLD, day(900))
    assert late.passed
    assert types(catalogue.table("store"))["created_at"] == "timestamp"
    assert "created_at" not in [column.name for column in catalogue.partitions("store")[day(900)].columns]
    assert types(catalogue.table("store__v1"))["created_at"] == PAIR
    assert list(catalogue.partitions("store__v1")) == [day(900)]
    publish_store(catalogue, NEW, day(900))
    assert catalogue.partitions("store__v1") == {}, "the day's files are of the table's types now"
    athena_reads(catalogue)


def test_types_that_go_to_and_fro_find_their_table_again(catalogue: GlueCatalogue) -> None:
    for number, columns in ((9, OLD), (8, NEW), (7, OLD), (6, NEW), (5, {**NEW, "Id": "string"})):
        assert publish_store(catalogue, columns, day(number)).passed
        athena_reads(catalogue)
    assert types(catalogue.table("store"))["id"] == "string"
    whole = {
        (at, column.name, column.type)
        for name in catalogue.tables()
        for at, partition in catalogue.partitions(name).items()
        for column in partition.columns
    }
    assert {(day(9), "created_at", PAIR), (day(8), "created_at", "timestamp"), (day(8), "id", "bigint")} <= whole
    assert {at for at, name, _ in whole if name == "id"} == {day(number) for number in range(5, 10)}


def test_a_table_of_the_crawler_is_taken_over_and_what_is_not_ours_is_left(catalogue: GlueCatalogue) -> None:
    catalogue.ensure_database()
    place = f"s3://{BUCKET}/{LAYOUT.prefix}/store"
    crawled = CatalogueTable("store", place, (CatalogueColumn("id", "bigint"),), {"UPDATED_BY_CRAWLER": "crawler"})
    catalogue.put_table(crawled)
    catalogue.put_partitions("store", [CataloguePartition(DAY, f"{place}/cog_dt_ingestion={DAY}", (), {"x": "y"})])
    catalogue.put_table(replace(crawled, name="user", location="s3://other/user/"))
    verdicts = publish(catalogue, {"store": snapshot(OLD), "user": snapshot(OLD, table="user")})
    assert verdicts["store"].passed
    table = catalogue.table("store")
    assert table
    assert table.parameters["UPDATED_BY_CRAWLER"] == "crawler"
    assert table.parameters[READS_RESTORED] == "true"
    found = catalogue.partitions("store")[DAY]
    assert (found.parameters["x"], found.parameters["radar.rows"]) == ("y", "10")
    assert not verdicts["user"].passed
    assert "s3://other/user/" in verdicts["user"].reasons[0]
    assert catalogue.partitions("user") == {}


def test_names_that_are_one_in_the_catalogue_are_refused_by_name(catalogue: GlueCatalogue) -> None:
    found = publish(catalogue, {name: snapshot(OLD, table=name) for name in ("ação", "acao", "ok")})
    assert {name: verdict.passed for name, verdict in found.items()} == {"ação": False, "acao": False, "ok": True}
    assert "acao" in found["ação"].reasons[0]
    assert list(catalogue.tables()) == ["ok"]
    # One at a time is no way around it: the second finds the name taken.
    publish(catalogue, {"Ok": snapshot(OLD, table="Ok")})
    assert not publish(catalogue, {"Ok": snapshot(OLD, table="Ok")})["Ok"].passed


def test_a_column_that_athena_cannot_read_fails_the_table_and_keeps_the_others(catalogue: GlueCatalogue) -> None:
    verdict = publish_store(catalogue, {**OLD, "razão": "string", "ID": "string"})
    assert not verdict.passed
    assert len(verdict.reasons) == 2
    assert types(catalogue.table("store"))["id"] == "bigint"
    assert len(catalogue.partitions("store")) == 1


def test_a_day_without_rows_registers_nothing(catalogue: GlueCatalogue) -> None:
    assert publish(catalogue, {"store": Snapshot(())})["store"].passed
    assert catalogue.tables() == {}
    assert publish(catalogue, {}) == {}


def test_what_is_refused_for_one_table_keeps_no_other_from_it(s3: S3Server, catalogue: GlueCatalogue) -> None:
    names = [f"table_{number}" for number in range(6)]

    def of(name: str, seen: Seen) -> bool:
        return f'"{name}"'.encode() in seen.body

    with aws_proxy(s3.endpoint_url) as proxy:
        through = new_catalogue(s3, url=proxy.url, database=catalogue.config.database)
        denied = json_error(400, "AccessDeniedException")
        throttled = json_error(400, "ThrottlingException")
        proxy.rules += [
            failing("CreateTable", denied, when=lambda seen: of("table_0", seen), times=-1),
            failing("BatchCreatePartition", throttled, when=lambda seen: of("table_1", seen)),
            half_failed("BatchCreatePartition", "InternalServiceException"),
        ]
        found = publish(through, {name: snapshot(OLD, table=name) for name in names})
        assert [verdict.passed for verdict in found.values()] == [False, True, True, True, True, True]
        assert "IAM policy" in found["table_0"].reasons[0]
        proxy.rules.clear()
        proxy.seen.clear()
        assert publish(through, {name: snapshot(OLD, table=name) for name in names})["table_0"].passed
        assert writes(proxy.seen) == ["CreateTable", "BatchCreatePartition"]


def test_a_catalogue_that_is_away_is_told_once_and_soon(s3: S3Server) -> None:
    snapshots = {f"table_{number}": snapshot(OLD, table=f"table_{number}") for number in range(60)}
    with pytest.raises(CatalogueError) as raised:
        publish(new_catalogue(s3, url="http://127.0.0.1:9", max_attempts=1), snapshots)
    assert raised.value.fault is CatalogueFault.ENDPOINT
    with aws_proxy(s3.endpoint_url) as proxy:
        through = new_catalogue(s3, url=proxy.url, max_attempts=1)
        through.ensure_database()
        proxy.rules.append(failing("BatchGetPartition", json_error(400, "UnrecognizedClientException"), times=-1))
        with pytest.raises(CatalogueError, match="access keys"):
            publish(through, snapshots)
        assert proxy.count("POST", "BatchGetPartition") <= 16, "the rest is not asked for"


def test_writers_at_once_lose_nothing_of_each_other(s3: S3Server, catalogue: GlueCatalogue) -> None:
    publish_store(catalogue, OLD, day(9))
    catalogues = [new_catalogue(s3, database=catalogue.config.database) for _ in range(8)]

    def work(number: int) -> CatalogueVerdict:
        return publish_store(catalogues[number], {**OLD, f"column_{number}": "string"}, day(number))

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(8)))
    assert [verdict.passed for verdict in found] == [True] * 8
    assert {f"column_{number}" for number in range(8)} <= set(types(catalogue.table("store")))
    assert len(catalogue.partitions("store")) == 9
    with ThreadPoolExecutor(8) as pool:
        same = list(pool.map(lambda each: publish_store(each, NEW, day(-1)), catalogues))
    assert all(verdict.passed for verdict in same)
    assert sorted(catalogue.tables()) == ["store", "store__v1"]
    assert len(catalogue.partitions("store__v1")) == 9
    athena_reads(catalogue)


def test_writers_of_both_dialects_and_marks_at_once_leave_every_day_readable(s3: S3Server) -> None:
    for _ in range(2):
        catalogue = new_catalogue(s3)
        publish_store(catalogue, OLD, day(9))
        others = [new_catalogue(s3, database=catalogue.config.database) for _ in range(9)]
        marks = {day(number): Mark(StorageClass.GLACIER) for number in range(10)}
        work = [
            *((publish_store, others[number], OLD, day(number)) for number in (8, 7, 6, 5)),
            *((publish_store, others[number], NEW, day(number)) for number in (1, 0)),
            *((mark_days, others[number], "store", marks) for number in (2, 3)),
        ]
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda each: each[0](*each[1:]), work))
        assert all(verdict.passed for verdict in found[:6])
        assert len(catalogue.partitions("store")) == 7
        assert types(catalogue.table("store"))["created_at"] == "timestamp"
        athena_reads(catalogue)
        whole = {
            at
            for name in catalogue.tables()
            for at, partition in catalogue.partitions(name).items()
            if "created_at" in {column.name for column in partition.columns}
        }
        assert len(whole) == 7, "every day's dates can be queried in one of the tables"


_PUBLISH = """
import sys, datetime as dt
from radar_pipeline.domain.snapshots import Snapshot
from radar_pipeline.lake.catalogue.cataloguing import publish_day
from radar_pipeline.lake.catalogue.glue import GlueCatalogue, GlueConfig
from radar_pipeline_tests.lake.glue_harness import BUCKET, DAY, LAYOUT, NEW, snapshot
names = ("database", "region", "endpoint_url", "access_key_id", "secret_access_key")
catalogue = GlueCatalogue(GlueConfig(**dict(zip(names, sys.argv[1:]))))
publish_day(catalogue, bucket=BUCKET, layout=LAYOUT, day=DAY, snapshots={"store": snapshot(NEW)})
"""


def _killed_at(s3: S3Server, catalogue: GlueCatalogue, number: int) -> bool:
    """Registers the new dialect's day in a process that dies at its n-th write. False where it makes fewer."""
    config = catalogue.config
    with aws_proxy(s3.endpoint_url) as proxy:
        argv = [config.database, config.region, proxy.url, s3.access_key_id, s3.secret_access_key]
        process = subprocess.Popen([sys.executable, "-c", _PUBLISH, *argv], cwd=PROJECT)
        left = [number]

        def kill(seen: Seen) -> Answer | None:
            if not writes([seen]):
                return None
            left[0] -= 1
            if left[0] == 0:
                os.kill(process.pid, signal.SIGKILL)
                return json_error(500, "NobodyHearsThis")
            return None

        proxy.rules.append(kill)
        code = process.wait(timeout=60)
    return code == -signal.SIGKILL


def test_killed_at_any_write_everything_stays_queryable_and_the_next_run_ends_the_same(s3: S3Server) -> None:
    def prepared() -> GlueCatalogue:
        catalogue = new_catalogue(s3)
        for number in (2, 1):
            publish_store(catalogue, OLD, day(number))
        return catalogue

    def told(catalogue: GlueCatalogue) -> object:
        return everything(catalogue)

    undisturbed = prepared()
    publish_store(undisturbed, NEW)

    def try_at(number: int) -> bool:
        catalogue = prepared()
        killed = _killed_at(s3, catalogue, number)
        athena_reads(catalogue)
        assert set(catalogue.partitions("store")) >= {day(2), day(1)}
        assert publish_store(catalogue, NEW).passed
        assert told(catalogue) == told(undisturbed), f"killed at write {number}"
        return killed

    # One more than there are writes: the last one is not killed.
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(try_at, range(1, 7))) == [True] * 5 + [False]


def test_marks_are_written_where_they_differ_and_nowhere_else(s3: S3Server, catalogue: GlueCatalogue) -> None:
    for number in (3, 2):
        publish_store(catalogue, OLD, day(number))
    publish_store(catalogue, NEW, day(1))
    until = dt.datetime(2026, 12, 1, 12, tzinfo=dt.UTC)
    marks = {
        day(3): Mark(StorageClass.GLACIER, until),
        day(1): Mark(StorageClass.STANDARD_IA),
        day(50): Mark(StorageClass.GLACIER),
    }
    assert mark_days(catalogue, "store", marks) == {}
    found = catalogue.partitions("store")
    assert {at: mark_of(each) for at, each in found.items()} == {
        day(3): marks[day(3)],
        day(2): None,
        day(1): marks[day(1)],
    }
    assert found[day(3)].parameters["radar.rows"] == "10"
    assert mark_of(catalogue.partitions("store__v1")[day(3)]) == marks[day(3)], "older types are marked with it"
    with aws_proxy(s3.endpoint_url) as proxy:
        through = new_catalogue(s3, url=proxy.url, database=catalogue.config.database)
        assert mark_days(through, "store", marks) == {}
        assert writes(proxy.seen) == []
        assert mark_days(through, "nobody", marks) == {}
        proxy.rules.append(half_failed("BatchUpdatePartition", "InvalidInputException", field="PartitionValueList"))
        refused = mark_days(through, "store", {day(1): Mark(StorageClass.GLACIER)})
    assert list(refused) == [day(1)]
    athena_reads(catalogue)


def test_days_are_dropped_from_every_table_that_has_them(catalogue: GlueCatalogue) -> None:
    publish_store(catalogue, OLD, day(1))
    publish_store(catalogue, NEW)
    assert drop_days(catalogue, "store", [day(1), day(7)]) == {}
    assert list(catalogue.partitions("store")) == [DAY]
    assert catalogue.partitions("store__v1") == {}
    assert drop_days(catalogue, "nobody", [DAY]) == {}


def _lake(*days: dt.date, mark: Mark) -> dict[dt.date, LakeDay]:
    return {at: LakeDay(at, 1, 1000, mark) for at in days}


def _diff(catalogue: GlueCatalogue, lake: Mapping[str, Mapping[dt.date, LakeDay]]) -> tuple[Finding, ...]:
    glue = read_states(catalogue, list(lake), with_columns=True)
    return diff_catalogue(lake=lake, glue=glue, dagster=None, bucket=BUCKET, layout=LAYOUT)


def _repair(catalogue: GlueCatalogue, findings: Sequence[Finding], **others: object) -> RepairReport:
    def read(at: dt.date, tables: Sequence[str]) -> dict[str, Snapshot]:
        return {table: snapshot(OLD, at, table=table) for table in tables if at != day(6)}

    given = {"bucket": BUCKET, "layout": LAYOUT, "read": read, **others}
    return repair(catalogue, findings, **given)  # type: ignore[arg-type]


def test_drift_is_found_and_mended_until_there_is_none(catalogue: GlueCatalogue) -> None:
    cold, hot = Mark(StorageClass.GLACIER), Mark(StorageClass.STANDARD)
    for name in ("store", "user"):
        publish(catalogue, {name: snapshot(OLD, DAY, table=name)})
        publish(catalogue, {name: snapshot(OLD, day(1), table=name)}, day(1))
    catalogue.put_partitions("store", [CataloguePartition(day(9), "s3://lake/gone/", (), {})])
    lake = {
        "store": {**_lake(DAY, day(4), mark=hot), **_lake(day(1), day(6), mark=cold)},
        "user": _lake(DAY, day(1), mark=hot),
        "new_one": _lake(DAY, mark=hot),
    }
    findings = _diff(catalogue, lake)
    assert [(each.table, each.day, each.remedy) for each in findings] == [
        ("new_one", DAY, Remedy.REGISTER),
        ("store", day(9), Remedy.DROP),
        ("store", day(6), Remedy.REGISTER),
        ("store", day(4), Remedy.REGISTER),
        ("store", day(1), Remedy.MARK),
    ]
    person = Finding("store", None, FindingKind.WRONG, Place.GLUE, "a person decides")
    steps: list[tuple[int, int]] = []
    report = _repair(catalogue, [*findings, person], on_progress=lambda done, of: steps.append((done, of)))
    assert report.left == (person,)
    assert [(each.day, "prove the day first" in why) for each, why in report.failed] == [(day(6), True)]
    assert len(report.done) == 4
    assert steps[-1] == (5, 5)
    left = _diff(catalogue, lake)
    assert [each.day for each in left] == [day(6)], "an archived day cannot be read and stays a finding"
    assert _repair(catalogue, []).done == ()


def test_a_day_whose_data_came_back_is_not_dropped(catalogue: GlueCatalogue) -> None:
    publish_store(catalogue, OLD)
    publish_store(catalogue, OLD, day(1))
    orphans = [Finding("store", at, FindingKind.ORPHANED, Place.GLUE, "no data", Remedy.DROP) for at in (DAY, day(1))]
    report = _repair(catalogue, orphans, still_gone=lambda _table, at: at == DAY)
    assert report.done == (orphans[0],)
    assert report.failed == ((orphans[1], "its folder holds data again: it is left as it is"),)
    assert list(catalogue.partitions("store")) == [day(1)]


def test_what_repair_is_refused_for_one_table_is_named_and_the_rest_done(
    s3: S3Server, catalogue: GlueCatalogue
) -> None:
    for name in ("store", "user"):
        publish(catalogue, {name: snapshot(OLD, table=name)})
    mark = Mark(StorageClass.GLACIER)
    findings = [
        Finding(name, DAY, FindingKind.WRONG, Place.GLUE, "mark", Remedy.MARK, mark) for name in ("store", "user")
    ]
    with aws_proxy(s3.endpoint_url) as proxy:
        denied = json_error(400, "AccessDeniedException")
        proxy.rules.append(failing("BatchUpdatePartition", denied, when=lambda seen: b'"store"' in seen.body, times=-1))
        through = new_catalogue(s3, url=proxy.url, database=catalogue.config.database)
        report = _repair(through, findings)
        states = read_states(through, ["store"])
        proxy.rules.append(failing("GetPartitions", denied, times=-1))
        refused = read_states(through, ["store", "none"])
    assert [each.table for each in report.done] == ["user"]
    assert [(each.table, "IAM policy" in why) for each, why in report.failed] == [("store", True)]
    assert states["store"].problem is None
    assert "IAM policy" in (refused["store"].problem or "")
    assert refused["none"].table is None


def test_a_partition_that_makes_athena_refuse_is_registered_again(catalogue: GlueCatalogue) -> None:
    publish_store(catalogue, OLD)
    found = catalogue.partitions("store")[DAY]
    wrong = replace(found, columns=(*found.columns[:-1], CatalogueColumn("created_at", "string")))
    catalogue.put_partitions("store", [wrong], known=True)
    lake = {"store": _lake(DAY, mark=Mark(StorageClass.STANDARD))}
    (finding,) = _diff(catalogue, lake)
    assert "Athena refuses" in finding.words
    assert _repair(catalogue, [finding]).done == (finding,)
    athena_reads(catalogue)
    assert _diff(catalogue, lake) == ()


def test_a_long_history_changes_its_types_in_whole_batches(s3: S3Server, catalogue: GlueCatalogue) -> None:
    publish_store(catalogue, OLD, day(1))
    first = catalogue.partitions("store")[day(1)]
    catalogue.put_partitions("store", [replace(first, day=day(number)) for number in range(1, 351)])
    with aws_proxy(s3.endpoint_url) as proxy:
        through = new_catalogue(s3, url=proxy.url, database=catalogue.config.database)
        assert publish_store(through, NEW).passed
        made = writes(proxy.seen)
    assert (made.count("BatchCreatePartition"), made.count("BatchUpdatePartition")) == (4 + 1, 4)
    state = read_states(catalogue, ["store"])["store"]
    assert (len(state.partitions), len(state.versions["store__v1"])) == (351, 350)
    assert {each.columns for each in state.partitions.values()} == {()}, "columns that were not asked for"
