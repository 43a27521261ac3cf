"""The specified Glue crawler: started, awaited with a time limit, and its result compared with what landed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.snapshots import Snapshot
from radar_pipeline.lake.glue import GlueCatalogue


@dataclass(frozen=True)
class CrawlOutcome:
    """How a crawl ended.

    Attributes:
        crawler: Crawler name.
        succeeded: Whether it ended well and in time.
        status: ``SUCCEEDED``, ``FAILED``, ``CANCELLED``, or ``TIMED OUT`` where it is still running.
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

    Args:
        catalogue: The catalogue.
        name: Crawler name.
        timeout: Seconds to wait at most.
        poll: Seconds between two looks.
        on_progress: Called with the crawler's state and the seconds gone.

    Raises:
        CatalogueError: There is no such crawler, or it may not be started.
    """
    raise NotImplementedError


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
    raise NotImplementedError
