"""Compaction as the retention job calls it: the ledger vouches, and the catalogue knows the merged file."""

from __future__ import annotations

import datetime as dt
import random

import pyarrow as pa
import pytest

from radar_pipeline.domain.layout import is_data_file
from radar_pipeline.domain.ledger import CHECKS, Judgement
from radar_pipeline.domain.snapshots import Snapshot
from radar_pipeline.lake.cataloguing import publish_day
from radar_pipeline.lake.compaction import CompactionOutcome
from radar_pipeline.lake.inventory import read_folders
from radar_pipeline.lake.ledger import record_judgements
from radar_pipeline.orchestration.catalogue_day import read_snapshots
from radar_pipeline.orchestration.compacting import compact_and_register
from radar_pipeline.orchestration.systems import Systems
from radar_pipeline.settings import Settings
from radar_pipeline.tables.loader import load_registry
from radar_pipeline_tests.lake.samples import BEGIN, new_table, parquet
from radar_pipeline_tests.servers import S3Server

pytestmark = pytest.mark.integration

DAY = BEGIN.date()


@pytest.fixture
def systems(s3: S3Server, bucket: str) -> Systems:
    settings = Settings(
        S3_BUCKET_NAME=bucket,
        AWS_DEFAULT_REGION=s3.region,
        FARMARCAS_AWS_ACCESS_KEY_ID=s3.access_key_id,
        FARMARCAS_AWS_SECRET_ACCESS_KEY=s3.secret_access_key,
        RADAR_S3_ENDPOINT_URL=s3.endpoint_url,
        RADAR_GLUE_ENDPOINT_URL=s3.endpoint_url,
        RADAR_GLUE_DATABASE=bucket.replace("-", "_"),
    )
    return Systems(settings, load_registry(), lambda: BEGIN + dt.timedelta(days=40))


def land(systems: Systems, table: str) -> Snapshot:
    """Three files that are small each and not together, judged as they lie."""
    noise = random.Random(7)
    folder = systems.layout.folder(table, DAY)
    for number in range(3):
        rows = new_table(500, BEGIN + dt.timedelta(seconds=number))
        rows = rows.append_column("Note", pa.array([noise.randbytes(60).hex() for _ in range(500)]))
        systems.lake.put(f"{folder}file_{table}_part_{number}.parquet", parquet(rows))
    snapshot = Snapshot(read_folders(systems.lake, systems.layout, [table], DAY)[table].files)
    judged = Judgement(
        table=table,
        rows=snapshot.rows,
        bytes=snapshot.bytes,
        files=3,
        newest=snapshot.newest,
        accepted=True,
        by=CHECKS,
        reason="",
        recorded_at=BEGIN + dt.timedelta(hours=1),
    )
    record_judgements(systems.lake, systems.layout, DAY, [judged])
    return snapshot


def test_a_merged_day_is_registered_with_its_one_file_and_stays_the_proven_one(systems: Systems) -> None:
    snapshot = land(systems, "store")
    assert all(file.size < 128 * 1024 for file in snapshot.files)
    layout, bucket = systems.layout, systems.settings.bucket
    publish_day(systems.glue, bucket=bucket, layout=layout, day=DAY, snapshots={"store": snapshot})

    done = compact_and_register(systems, "store", DAY)

    assert (done.outcome, done.words) == (CompactionOutcome.MERGED, f"3 files became one of {done.bytes} bytes")
    noted = systems.glue.partitions("store")[DAY].parameters
    expected = {"radar.files": "1", "radar.bytes": str(done.bytes), "radar.rows": str(snapshot.rows)}
    assert {name: noted[name] for name in expected} == expected
    stands = read_snapshots(systems, DAY, ["store"])["store"]
    assert (stands.rows, stands.newest, len(stands.files)) == (snapshot.rows, snapshot.newest, 1)


def test_a_catalogue_that_is_away_is_said_and_takes_nothing_back(systems: Systems) -> None:
    land(systems, "product")
    away = systems.settings.model_copy(update={"glue_endpoint_url": "http://127.0.0.1:1"})
    done = compact_and_register(Systems(away, systems.registry, systems.clock), "product", DAY)
    assert (done.outcome, done.problem) == (CompactionOutcome.MERGED, None)
    assert "the day could not be registered anew" in done.words
    files = [
        each.key for each in systems.lake.list_objects(systems.layout.folder("product", DAY)) if is_data_file(each.key)
    ]
    assert files == [done.key]
    unproven = compact_and_register(systems, "store", DAY)
    assert unproven.outcome is CompactionOutcome.LEFT
