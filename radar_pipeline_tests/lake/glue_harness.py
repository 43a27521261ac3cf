"""A Glue database of the caller's own, and snapshots to register in it."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from radar_pipeline.domain.catalogue.evolution import unreadable_columns
from radar_pipeline.domain.catalogue.model import CatalogueTable
from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.snapshots import Column, DataFile, Snapshot
from radar_pipeline.lake.catalogue.glue import GlueCatalogue, GlueConfig
from radar_pipeline_tests.aws_proxy import Answer, Rule, Seen
from radar_pipeline_tests.servers import S3Server

LAYOUT = BronzeLayout("origin=airbyte/database=bronze_radar")
BUCKET = "lake"
DAY = dt.date(2026, 11, 23)

OLD = {
    "_airbyte_ab_id": "string",
    "_airbyte_emitted_at": "timestamp[ms, tz=UTC]",
    "Id": "int64",
    "Created_At": "struct<member0: timestamp[us, tz=UTC], member1: string>",
}
NEW = {
    "_airbyte_raw_id": "string",
    "_airbyte_extracted_at": "timestamp[ms, tz=UTC]",
    "Id": "int64",
    "Created_At": "timestamp[us, tz=UTC]",
}

WRITES = ("Create", "Update", "Delete")


def day(number: int) -> dt.date:
    """A day that many days before the day of the tests."""
    return DAY - dt.timedelta(days=number)


def config(s3: S3Server, *, url: str | None = None, database: str | None = None, **others: Any) -> GlueConfig:
    name = database or f"bronze_{uuid.uuid4().hex[:8]}"
    given = {"max_attempts": 4, "pause_seconds": 0.01, **others}
    return GlueConfig(name, **{**s3.reach, "endpoint_url": url or s3.endpoint_url}, **given)


_clients: dict[str, Any] = {}


def new_catalogue(s3: S3Server, *, url: str | None = None, **others: Any) -> GlueCatalogue:
    catalogue = GlueCatalogue(config(s3, url=url, **others))
    if url is None and not others.keys() - {"database"}:
        # A client takes 0.25 s to make, and is the same for every database of the endpoint.
        catalogue.__dict__["_client"] = _clients.setdefault(
            s3.endpoint_url, _clients.get(s3.endpoint_url) or catalogue.glue
        )
    return catalogue


def snapshot(columns: dict[str, str], at: dt.date = DAY, *, table: str = "store", rows: int = 10) -> Snapshot:
    """One file of a table, as a footer would tell it."""
    begin = dt.datetime.combine(at, dt.time(2), dt.UTC)
    key = f"{LAYOUT.folder(table, at)}file_{table}_part_0.parquet"
    found = tuple(Column(name, kind) for name, kind in columns.items())
    return Snapshot((DataFile(key, rows * 100, begin, rows, begin, begin + dt.timedelta(minutes=1), found),))


def types(table: CatalogueTable | None) -> dict[str, str]:
    assert table is not None
    return {column.name: column.type for column in table.columns}


def athena_reads(catalogue: GlueCatalogue) -> None:
    """No partition of any table has a column for which Athena would refuse queries (docs/decisions/014)."""
    for name, table in catalogue.tables().items():
        columns = {column.name: column for column in table.columns}
        for at, partition in catalogue.partitions(name).items():
            assert unreadable_columns(partition.columns, columns) == (), f"{name} {at}"


def verb(seen: Seen) -> str:
    return seen.target.rpartition(".")[2]


def writes(seen: Sequence[Seen]) -> list[str]:
    """The requests that change something, by their verbs."""
    return [verb(each) for each in seen if any(word in verb(each) for word in WRITES)]


def half_failed(name: str, code: str, *, times: int = 1, field: str = "PartitionValues") -> Rule:
    """A batch that is answered with 200 and an error for each of its partitions."""
    left = [times]

    def rule(seen: Seen) -> Answer | None:
        if verb(seen) != name or left[0] == 0:
            return None
        left[0] -= 1
        asked = json.loads(seen.body)
        entries = asked.get("PartitionInputList") or asked.get("PartitionsToDelete") or asked["Entries"]
        values = [each.get("Values") or each["PartitionValueList"] for each in entries]
        errors = [
            {field: each, "ErrorDetail": {"ErrorCode": code, "ErrorMessage": "as the test wants it"}} for each in values
        ]
        return Answer(200, json.dumps({"Errors": errors}).encode(), "application/x-amz-json-1.1")

    return rule


def failing(name: str, answer: Answer, *, times: int = 1, when: Callable[[Seen], bool] = lambda _: True) -> Rule:
    """A request that is answered in the endpoint's place some times."""
    left = [times]

    def rule(seen: Seen) -> Answer | None:
        if verb(seen) != name or left[0] == 0 or not when(seen):
            return None
        left[0] -= 1
        return answer

    return rule
