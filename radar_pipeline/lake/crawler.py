"""The specified Glue crawler: started, awaited with a time limit, and its result compared with what landed."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from radar_pipeline.domain import catalogue as words
from radar_pipeline.domain.catalogue import CatalogueColumn, CatalogueTable
from radar_pipeline.domain.evolution import catalogue_columns
from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.snapshots import Snapshot
from radar_pipeline.lake.catalogue_access import each_table
from radar_pipeline.lake.catalogue_errors import CatalogueError, CatalogueFault
from radar_pipeline.lake.glue import GlueCatalogue

_READY = "READY"
_STOPPING = "STOPPING"
_NAMED = 5


@dataclass(frozen=True)
class CrawlOutcome:
    """How a crawl ended.

    Attributes:
        crawler: Crawler name.
        succeeded: Whether it ended well and in time.
        status: ``SUCCEEDED``, ``FAILED``, ``CANCELLED``, ``TIMED OUT`` where it is still running, or ``UNKNOWN`` where
            the crawler says nothing of it.
        message: What the crawler says of it, or what to do; empty where there is nothing to say.
        was_running: Whether it was running already and was only awaited.
        seconds: How long it was awaited.
    """

    crawler: str
    succeeded: bool
    status: str
    message: str = ""
    was_running: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class CrawledTable:
    """Whether a crawler left a table's day as it landed.

    Attributes:
        table: Table name, as the registry spells it.
        passed: Whether it did.
        reasons: Every difference as a sentence, or that there is none.
    """

    table: str
    passed: bool
    reasons: tuple[str, ...]


def run_crawler(
    catalogue: GlueCatalogue,
    name: str,
    *,
    timeout: float,
    poll: float = 5.0,
    on_progress: Callable[[str, float], None] | None = None,
) -> CrawlOutcome:
    """Starts a crawler, or awaits the crawl that is running, until it ends or the time is over.

    A crawl that takes longer goes on; the next call awaits it.

    Args:
        catalogue: The catalogue.
        name: Crawler name.
        timeout: Seconds to wait at most.
        poll: Seconds between two looks.
        on_progress: Called with the crawler's state and the seconds gone, at each look.

    Raises:
        CatalogueError: There is no such crawler, or it may not be started or looked at.
    """
    return _Crawl(catalogue, name, timeout, poll, on_progress).run()


class _Crawl:
    def __init__(
        self,
        catalogue: GlueCatalogue,
        name: str,
        timeout: float,
        poll: float,
        on_progress: Callable[[str, float], None] | None,
    ) -> None:
        self._catalogue = catalogue
        self._name = name
        self._timeout = timeout
        self._poll = poll
        self._on_progress = on_progress
        self._begin = time.monotonic()

    def run(self) -> CrawlOutcome:
        crawler = self._look()
        before = crawler.get("LastCrawl")
        was_running = crawler["State"] not in {_READY, _STOPPING}
        # One that stops cannot be started: what it stops is not the crawl of this day.
        if crawler["State"] == _STOPPING:
            crawler = self._until_ready()
            before = crawler.get("LastCrawl")
        if crawler["State"] == _READY:
            was_running = not self._start()
        elif not was_running:
            return self._late(was_running)
        crawler = self._until_ready()
        if crawler["State"] != _READY:
            return self._late(was_running)
        last = crawler.get("LastCrawl") or {}
        if not last or (last == before and not was_running):
            message = (
                f"the crawler {self._name} is ready again and has no record of this crawl: see its history in Glue"
            )
            return self._ended("UNKNOWN", message, was_running)
        return self._ended(str(last.get("Status", "UNKNOWN")), str(last.get("ErrorMessage") or ""), was_running)

    def _start(self) -> bool:
        """Starts it. False where somebody else just did."""
        try:
            self._request("start", "start_crawler")
        except CatalogueError as error:
            if error.fault is CatalogueFault.RUNNING:
                return False
            raise
        return True

    def _look(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._request("look at", "get_crawler")["Crawler"]
        return found

    def _until_ready(self) -> Mapping[str, Any]:
        """Looks until it is ready or the time is over."""
        while True:
            crawler = self._look()
            if self._on_progress:
                self._on_progress(crawler["State"], self._seconds)
            left = self._timeout - self._seconds
            if crawler["State"] == _READY or left <= 0:
                return crawler
            time.sleep(min(self._poll, left))

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._begin

    def _late(self, was_running: bool) -> CrawlOutcome:
        message = (
            f"the crawler {self._name} is still at it after {self._timeout:.0f} s and goes on: run this again to await "
            "it, or raise RADAR_CRAWLER_TIMEOUT_SECONDS"
        )
        return CrawlOutcome(self._name, False, "TIMED OUT", message, was_running, self._seconds)

    def _ended(self, status: str, message: str, was_running: bool) -> CrawlOutcome:
        return CrawlOutcome(self._name, status == "SUCCEEDED", status, message, was_running, self._seconds)

    def _request(self, what: str, verb: str) -> Mapping[str, Any]:
        try:
            return self._catalogue.request(f"{what} the crawler {self._name}", verb, scoped=False, Name=self._name)
        except CatalogueError as error:
            if error.fault is CatalogueFault.MISSING:
                message = (
                    f"there is no crawler {self._name} in Glue at {self._catalogue.config.where}: check "
                    "RADAR_GLUE_CRAWLER, or let RADAR_CATALOGUE be `register`, which needs none"
                )
                raise CatalogueError(CatalogueFault.MISSING, message) from None
            raise


def compare_crawled(
    catalogue: GlueCatalogue,
    *,
    bucket: str,
    layout: BronzeLayout,
    day: dt.date,
    snapshots: Mapping[str, Snapshot],
    parallel: int = 16,
) -> dict[str, CrawledTable]:
    """Compares what the catalogue holds of a day, after a crawl, with what landed: tables, partition, columns.

    Raises:
        CatalogueError: Nothing can be read at all.
    """
    tables = catalogue.tables()

    def compare(table: str) -> tuple[str, ...]:
        columns, _ = catalogue_columns(snapshots[table].columns)
        if not columns:
            return ()
        there = tables.get(words.catalogue_name(table))
        if there is None:
            return (f"the crawler made no table {words.catalogue_name(table)}",)
        if problem := words.why_not_ours(there, words.table_location(bucket, layout, table)):
            return (problem,)
        return (*_columns_amiss(there, columns), *_partition_amiss(catalogue, there, day, bucket, layout, table))

    crawled = {}
    for table, found in each_table(list(snapshots), compare, parallel):
        reasons = (str(found),) if isinstance(found, CatalogueError) else found
        crawled[table] = CrawledTable(table, not reasons, reasons or ("the catalogue has the day as it landed",))
    return crawled


def _columns_amiss(there: CatalogueTable, landed: tuple[CatalogueColumn, ...]) -> tuple[str, ...]:
    types = {column.name: column.type for column in there.columns}
    missing = [column.name for column in landed if column.name not in types]
    others = [
        f"{column.name} ({types[column.name]}, landed as {column.type})"
        for column in landed
        if column.name in types and types[column.name] != column.type
    ]
    said = (("the table lacks columns that landed", missing), ("the table has another type for", others))
    return tuple(f"{words_}: {_some(names)}" for words_, names in said if names)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def _partition_amiss(
    catalogue: GlueCatalogue, there: CatalogueTable, day: dt.date, bucket: str, layout: BronzeLayout, table: str
) -> tuple[str, ...]:
    partition = catalogue.partitions_of(there.name, [day]).get(day)
    if partition is None:
        return (f"the crawler registered no partition {day}",)
    location = words.day_location(bucket, layout, table, day)
    if not words.same_location(partition.location, location):
        return (f"the partition {day} is at {partition.location or 'no place'}, and the day landed at {location}",)
    return ()
