"""Runs the extraction worker as the Airbyte-compatible server does: its own process, JSON in, events out."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from radar_pipeline.local.airbyte_server.worker import fork_extraction
from radar_pipeline_tests.forks import forks_of
from radar_pipeline_tests.servers import MySqlServer, S3Server

# The worker as a program, which a fork of it is not.
COMMAND = [sys.executable, "-m", "radar_pipeline.local.extract"]

STARTED_AT = "2026-03-01T23:59:58+00:00"
PREFIX = "origin=airbyte/database=bronze_radar"


@dataclass(frozen=True)
class Outcome:
    """What one run of the worker said."""

    exit_code: int
    events: list[dict[str, Any]]
    log: str

    def of(self, kind: str, table: str | None = None) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == kind and table in {None, event.get("table")}]

    def one(self, kind: str, table: str | None = None) -> dict[str, Any]:
        (event,) = self.of(kind, table)
        return event


def order(server: MySqlServer, s3: S3Server, bucket: str, spool: Path, **changes: Any) -> dict[str, Any]:
    """A worker's request; `source` and `destination` given in `changes` are merged, the rest replaces."""
    document: dict[str, Any] = {
        "source": {
            "host": server.host,
            "port": server.port,
            "user": server.reader.user,
            "password": server.reader.password,
            "database": server.reader.database,
            "tls": False,
        },
        "destination": {
            "endpoint_url": s3.endpoint_url,
            "region": s3.region,
            "bucket": bucket,
            "access_key_id": s3.access_key_id,
            "secret_access_key": s3.secret_access_key,
            "path_prefix": PREFIX,
            "path_format": "${STREAM_NAME}/cog_dt_ingestion=${YEAR}-${MONTH}-${DAY}/file_${STREAM_NAME}",
            "file_name_pattern": "_part_{part_number}{format_extension}",
        },
        "dialect": "0.3",
        "tables": [],
        "started_at": STARTED_AT,
        "clock_offset_seconds": 0.0,
        "sync_id": 42,
        "generation_id": 3,
        "attempt": 0,
        "spool_dir": str(spool),
        "concurrency": 2,
        "s3_fault": None,
    }
    for name, value in changes.items():
        document[name] = {**document[name], **value} if name in {"source", "destination"} else value
    return document


def tables(*names: str, fault: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    return [{"name": name, "fault": fault} for name in names]


def run(document: dict[str, Any]) -> Outcome:
    forks_of("radar_pipeline.local.extract.preloaded")
    worker = fork_extraction(document)
    with worker.stdout, worker.stderr, ThreadPoolExecutor(1) as pool:
        log = pool.submit(worker.stderr.read)
        events = [json.loads(line) for line in worker.stdout]
        return Outcome(worker.wait(), events, log.result())


def read(s3: S3Server, bucket: str, keys: list[str], folder: Path) -> pa.Table:
    """The rows of some objects together."""
    return pa.concat_tables([pq.read_table(fetch(s3, bucket, key, folder)) for key in keys])


def fetch(s3: S3Server, bucket: str, key: str, folder: Path) -> Path:
    path = folder / key.replace("/", "_")
    s3.client().download_file(bucket, key, str(path))
    return path


def keys(s3: S3Server, bucket: str, prefix: str = "") -> list[str]:
    return [item["Key"] for item in s3.client().list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())]
