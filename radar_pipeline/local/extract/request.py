"""What one worker is asked to do: the JSON document on its stdin, checked once and then frozen."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from radar_pipeline.source import SourceAddress, Tls

# destination-s3 below 1.0 buffers a table to a local file and uploads it when it reaches 200 MB; later versions aim
# at objects of the same size.
PART_BYTES = 200_000_000


class RequestError(ValueError):
    """The document on stdin is not a request; the message names the field."""


class Dialect(StrEnum):
    """Which destination-s3 the files look like."""

    V0_3 = "0.3"
    V1 = "1.x"


class FaultKind(StrEnum):
    """How one table is to go wrong."""

    FAIL = "fail"
    TRUNCATE = "truncate"
    SKIP = "skip"
    UPLOAD = "upload"
    DISK = "disk"


@dataclass(frozen=True)
class Fault:
    """A fault of one table.

    Attributes:
        kind: ``fail`` uploads part of the rows and reports a failure; ``truncate`` uploads part of them and reports
            all; ``skip`` writes nothing and reports all; ``upload`` has S3 refuse uploads; ``disk`` finds the disk
            full.
        share: Share of the rows that ``fail`` and ``truncate`` write.
        tries: How many tries of an upload S3 refuses.
        words: What a ``fail`` says; None for what it really is.
    """

    kind: FaultKind
    share: float = 0.5
    tries: int = 3
    words: str | None = None


@dataclass(frozen=True)
class TableOrder:
    """A table to copy."""

    name: str
    fault: Fault | None = None


@dataclass(frozen=True)
class Destination:
    """Where the objects go and how their keys are made.

    Attributes:
        endpoint_url: An S3-compatible endpoint; None for AWS.
        region: AWS region.
        bucket: Bucket name.
        access_key_id: Key id.
        secret_access_key: Secret; kept out of every repr.
        path_prefix: ``s3_bucket_path``.
        path_format: ``s3_path_format``.
        file_name_pattern: ``file_name_pattern``; empty for the connector's default.
    """

    endpoint_url: str | None
    region: str
    bucket: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    path_prefix: str
    path_format: str
    file_name_pattern: str = ""


@dataclass(frozen=True)
class Request:
    """One attempt.

    Attributes:
        source: The database.
        destination: The bucket.
        dialect: Which destination-s3 to write like.
        tables: What to copy.
        started_at: Start of the destination process, UTC: every path variable that is a time comes from it.
        clock_offset: Added to the real clock, so that a simulated day has extraction times of that day.
        sync_id: Airbyte job id.
        generation_id: Generation of the streams (1.x).
        attempt: 0-based number of the attempt.
        spool_dir: Folder for files that are not uploaded yet.
        concurrency: Tables at once.
        part_bytes: Size at which a table's file is closed and the next one begun.
        deny_s3: Whether S3 answers as to a key without permission.
    """

    source: SourceAddress
    destination: Destination
    dialect: Dialect
    tables: tuple[TableOrder, ...]
    started_at: dt.datetime
    clock_offset: dt.timedelta
    sync_id: int
    generation_id: int
    attempt: int
    spool_dir: Path
    concurrency: int = 2
    part_bytes: int = PART_BYTES
    deny_s3: bool = False

    def now(self) -> dt.datetime:
        """The worker's clock, UTC."""
        return dt.datetime.now(dt.UTC) + self.clock_offset


def parse_request(text: str) -> Request:
    """Reads the document.

    Raises:
        RequestError: Naming the field that is missing or wrong. Values are not repeated: some are secrets.
    """
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        message = f"stdin is no JSON document (line {error.lineno}, column {error.colno})"
        raise RequestError(message) from None
    if not isinstance(document, dict):
        message = "stdin holds no JSON object"
        raise RequestError(message)
    try:
        return _request(document)
    except KeyError as error:
        message = f"field {error} is missing"
        raise RequestError(message) from None
    except (TypeError, ValueError, AttributeError) as error:
        message = f"a field has the wrong kind of value: {type(error).__name__}"
        raise RequestError(message) from None


def _request(document: Mapping[str, Any]) -> Request:
    started_at = dt.datetime.fromisoformat(document["started_at"])
    return Request(
        source=source_address(document["source"]),
        destination=destination_address(document["destination"]),
        dialect=Dialect(document["dialect"]),
        tables=tuple(TableOrder(each["name"], _fault(each.get("fault"))) for each in document["tables"]),
        started_at=started_at.astimezone(dt.UTC) if started_at.tzinfo else started_at.replace(tzinfo=dt.UTC),
        clock_offset=dt.timedelta(seconds=float(document.get("clock_offset_seconds") or 0)),
        sync_id=int(document["sync_id"]),
        generation_id=int(document.get("generation_id") or 0),
        attempt=int(document.get("attempt") or 0),
        spool_dir=Path(document["spool_dir"]),
        concurrency=max(1, int(document.get("concurrency") or 2)),
        part_bytes=int(document.get("part_bytes") or PART_BYTES),
        deny_s3=document.get("s3_fault") == "denied",
    )


def source_address(document: Mapping[str, Any]) -> SourceAddress:
    """Where the source is, of a request's ``source``."""
    return SourceAddress(
        host=document["host"],
        port=int(document["port"]),
        user=document["user"],
        password=document["password"],
        database=document["database"],
        tls=Tls.REQUIRED if document.get("tls") else Tls.DISABLED,
    )


def destination_address(document: Mapping[str, Any]) -> Destination:
    """Where the objects go, of a request's ``destination``."""
    return Destination(
        endpoint_url=document.get("endpoint_url"),
        region=document["region"],
        bucket=document["bucket"],
        access_key_id=document["access_key_id"],
        secret_access_key=document["secret_access_key"],
        path_prefix=document["path_prefix"],
        path_format=document["path_format"],
        file_name_pattern=document.get("file_name_pattern") or "",
    )


def _fault(document: Mapping[str, Any] | None) -> Fault | None:
    if not document:
        return None
    words = document.get("words")
    return Fault(
        FaultKind(document["kind"]),
        float(document.get("share", 0.5)),
        int(document.get("tries", 3)),
        str(words) if words else None,
    )
