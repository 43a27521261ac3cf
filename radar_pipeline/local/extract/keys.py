"""Object keys as destination-s3 makes them. Pure: the listing of what is already there comes in."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Collection
from dataclasses import dataclass

from radar_pipeline.domain.layout import stored_name
from radar_pipeline.local.extract.request import Destination, Dialect

EXTENSION = ".parquet"

# What both connectors fall back to where no file_name_pattern is configured.
DEFAULT_FILE_NAME = "{part_number}{format_extension}"

# destination-s3 below 1.0 looks at one page of the listing only; a second page makes it fall back to a UUID.
LISTING_PAGE = 1000


@dataclass(frozen=True)
class Listing:
    """What lies under a table's path already.

    Attributes:
        keys: Keys of the first page.
        truncated: Whether there are more.
    """

    keys: Collection[str]
    truncated: bool = False


def object_path(destination: Destination, table: str, namespace: str, started_at: dt.datetime) -> str:
    """The part of the key before the file name: ``s3_bucket_path`` and ``s3_path_format`` with their variables filled.

    Whether the format ends in a slash is significant: the file name is appended as it is.
    """
    moment = started_at.astimezone(dt.UTC)
    variables = {
        "NAMESPACE": stored_name(namespace),
        "STREAM_NAME": stored_name(table),
        "YEAR": f"{moment:%Y}",
        "MONTH": f"{moment:%m}",
        "DAY": f"{moment:%d}",
        "HOUR": f"{moment:%H}",
        "MINUTE": f"{moment:%M}",
        "SECOND": f"{moment:%S}",
        # Four digits for three: the connector's own padding.
        "MILLISECOND": f"{moment.microsecond // 1000:04d}",
        "EPOCH": str(int(moment.timestamp() * 1000)),
        "UUID": str(uuid.uuid4()),
    }
    path = f"{destination.path_prefix}/{destination.path_format}"
    for name, value in variables.items():
        path = path.replace("${" + name + "}", value)
    return re.sub(r"/{2,}", "/", path)


def first_part(dialect: Dialect, path: str, pattern: str, listing: Listing) -> int | None:
    """The number that the first file of an attempt gets; later files count on.

    Below 1.0 it is the count of objects that lie there, so a consumer that moves one of several away makes the next
    attempt overwrite another; from 1.0 it follows the highest number found.

    Returns:
        The number, or None where the old connector would give up counting and use a UUID.
    """
    if dialect is Dialect.V0_3:
        return None if listing.truncated else len(listing.keys)
    name = re.escape(pattern or DEFAULT_FILE_NAME)
    for variable, matches in (
        ("part_number", r"(?P<part>\d+)"),
        ("timestamp", r"\d+"),
        ("sync_id", r"\d+"),
        ("date", r"\d{4}_\d{2}_\d{2}"),
        ("format_extension", re.escape(EXTENSION)),
    ):
        name = name.replace(re.escape("{" + variable + "}"), matches, 1)
    matcher = re.compile(re.escape(path) + name + r"(-\d+)?")
    if "part" not in matcher.groupindex:
        return 0
    numbers = [int(found["part"]) for found in map(matcher.fullmatch, listing.keys) if found]
    return max(numbers, default=-1) + 1


def file_name(pattern: str, *, part: int | None, now: dt.datetime, sync_id: int) -> str:
    """The file name with its variables filled.

    Args:
        pattern: ``file_name_pattern``; empty for the default.
        part: Part number; None for the old connector's UUID.
        now: Wall time of the upload, UTC: unlike the path's times, these are not the start of the process.
        sync_id: Airbyte job id.
    """
    moment = now.astimezone(dt.UTC)
    milliseconds = int(moment.timestamp() * 1000)
    variables = {
        "part_number": str(part) if part is not None else str(uuid.uuid4()),
        "timestamp": str(milliseconds),
        "timestamp:millis": str(milliseconds),
        "timestamp:micro": str(milliseconds * 1000),
        "date": f"{moment:%Y_%m_%d}",
        "sync_id": str(sync_id),
        "format_extension": EXTENSION,
    }
    name = (pattern or DEFAULT_FILE_NAME).replace(" ", "_")
    for variable, value in variables.items():
        name = name.replace("{" + variable + "}", value)
    return name


def free_key(dialect: Dialect, key: str, taken: Collection[str]) -> str:
    """The key, or from 1.0 on the key with ``-N`` where it is taken; below 1.0 the older object is overwritten."""
    if dialect is Dialect.V0_3 or key not in taken:
        return key
    number = 1
    while f"{key}-{number}" in taken:
        number += 1
    return f"{key}-{number}"
