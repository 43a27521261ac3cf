"""The server with its real worker: MariaDB to S3, in both dialects."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from radar_pipeline.local.airbyte_server.bootstrap import (
    CONNECTION_ID,
    DESTINATION_ID,
    SOURCE_ID,
    bootstrap_document,
)
from radar_pipeline.local.mariadb import connect
from radar_pipeline_tests.local.airbyte_harness import Server, start
from radar_pipeline_tests.servers import MySqlServer, S3Server

pytestmark = pytest.mark.integration

_TABLES = """
CREATE TABLE store (Id int PRIMARY KEY, Name varchar(50), Opened_At datetime, Share decimal(8,3));
CREATE TABLE voucher (Id_Store int, Amount int);
CREATE VIEW open_store AS SELECT * FROM store;
INSERT INTO store VALUES (1, 'Farmácia', '2026-01-02 03:04:05', 1.5), (2, NULL, NULL, NULL);
INSERT INTO voucher VALUES (1, 10), (1, 20), (2, 30)
"""


@contextmanager
def copying(directory: Path, era: str, mariadb: MySqlServer, s3: S3Server, bucket: str) -> Iterator[Server]:
    # A schema of its own: the one that all tests share may hold tables of others.
    database = f"radar_{uuid.uuid4().hex[:8]}"
    with connect(mariadb.admin) as connection, connection.cursor() as cursor:
        for statement in (f"CREATE DATABASE {database}", f"USE {database}", *_TABLES.split(";")):
            cursor.execute(statement)
    given = bootstrap_document(
        source={
            "host": mariadb.host,
            "port": mariadb.port,
            "database": database,
            "username": mariadb.user,
            "password": mariadb.password,
            "ssl": True,
        },
        destination={
            "bucket": bucket,
            "region": s3.region,
            "endpoint": s3.endpoint_url,
            "access_key_id": s3.access_key_id,
            "secret_access_key": s3.secret_access_key,
        },
    )
    server = start(directory, era, worker="", given=given)
    try:
        yield server
    finally:
        server.stop()
        with connect(mariadb.admin) as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {database}")


def objects(s3: S3Server, bucket: str) -> dict[str, Any]:
    client = s3.client()
    listed = client.list_objects_v2(Bucket=bucket).get("Contents", [])
    bodies = {each["Key"]: client.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in listed}
    return {key: pq.read_table(io.BytesIO(body)) for key, body in bodies.items()}


@pytest.mark.parametrize(("era", "emitted"), [("0.39", "_airbyte_emitted_at"), ("2.0", "_airbyte_extracted_at")])
def test_a_sync_copies_every_table_and_counts_what_lies_in_the_bucket(
    tmp_path: Path, mariadb: MySqlServer, s3: S3Server, bucket: str, era: str, emitted: str
) -> None:
    with copying(tmp_path, era, mariadb, s3, bucket) as server:
        for kind, known in (("source", SOURCE_ID), ("destination", DESTINATION_ID)):
            checked = server.config(f"{kind}s/check_connection", {f"{kind}Id": known})
            assert checked["status"] == "succeeded", checked
        catalog = server.config("connections/get", {"connectionId": CONNECTION_ID})["syncCatalog"]["streams"]
        server.local("POST", "clock", {"now": "2027-03-01T02:00:00Z"})
        job = server.finished(server.sync())

    assert job["job"]["status"] == "succeeded", job
    selected = {each["stream"]["name"]: each["config"]["selected"] for each in catalog}
    assert selected == {"open_store": False, "store": True, "voucher": True}
    counted = {each["streamName"]: each["stats"] for each in job["attempts"][0]["attempt"]["streamStats"]}
    found = {key.split("/")[2]: (key, rows) for key, rows in objects(s3, bucket).items()}
    assert {table: rows.num_rows for table, (_, rows) in found.items()} == {"store": 2, "voucher": 3}
    assert {table: stats["recordsCommitted"] for table, stats in counted.items()} == {"store": 2, "voucher": 3}
    for key, rows in found.values():
        assert "/cog_dt_ingestion=2027-03-01/file_" in key
        assert emitted in rows.column_names
        assert str(rows.column(emitted)[0]).startswith("2027-03-01 02:00")


def test_a_check_of_the_destination_says_what_s3_said_in_the_connector_s_words_and_leaves_nothing(
    tmp_path: Path, mariadb: MySqlServer, s3: S3Server, bucket: str
) -> None:
    def checked(**changes: str) -> tuple[str, str | None]:
        current = server.config("destinations/get", {"destinationId": DESTINATION_ID})
        asked = {"destinationId": DESTINATION_ID, "name": current["name"]}
        configuration = {**current["connectionConfiguration"], **changes}
        said = server.config(
            "destinations/check_connection_for_update", {**asked, "connectionConfiguration": configuration}
        )
        return said["status"], said.get("message")

    said = "Could not connect to the S3 bucket with the provided configuration. "
    with copying(tmp_path, "0.39", mariadb, s3, bucket) as server:
        well = checked()
        elsewhere = checked(s3_bucket_name=f"{bucket}-2")
        server.fault("s3-denied", times=None)
        denied = checked()

    assert well == ("succeeded", None)
    assert elsewhere[0] == denied[0] == "failed"
    assert elsewhere[1].startswith(f"{said}The specified bucket does not exist")
    assert elsewhere[1].endswith("(Service: Amazon S3; Status Code: 404; Error Code: NoSuchBucket)")
    assert denied[1] == f"{said}Access Denied (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied)"
    assert objects(s3, bucket) == {}


def test_what_s3_refuses_and_what_is_half_written_is_true_of_the_bucket(
    tmp_path: Path, mariadb: MySqlServer, s3: S3Server, bucket: str
) -> None:
    with copying(tmp_path, "0.39", mariadb, s3, bucket) as server:
        server.fault("s3-denied")
        denied = server.finished(server.sync())
        assert objects(s3, bucket) == {}
        server.fault("half-written-table", table="store")
        half = server.finished(server.sync())
        found = {key.split("/")[2]: rows.num_rows for key, rows in objects(s3, bucket).items()}
        server.fault("wrong-password", times=None)
        refused = server.finished(server.sync())
        checked = server.config("sources/check_connection", {"sourceId": SOURCE_ID})

    summary = denied["attempts"][0]["attempt"]["failureSummary"]["failures"][0]
    assert (denied["job"]["status"], summary["failureOrigin"]) == ("failed", "destination")
    assert half["job"]["status"] == "succeeded"
    assert half["attempts"][0]["attempt"]["recordsSynced"] == 5
    assert found == {"store": 1, "voucher": 3}
    assert refused["attempts"][0]["attempt"]["failureSummary"]["failures"][0]["failureOrigin"] == "source"
    assert "Access denied for user" in checked["message"]
