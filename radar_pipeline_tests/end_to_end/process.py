"""One run of a job in a process of its own, which can kill itself with SIGKILL at a chosen point.

``python -m radar_pipeline_tests.end_to_end.process 2026-01-31`` with ``RADAR_TEST_OFFSET`` (seconds that the clock is
moved by), ``RADAR_TEST_JOB`` (another job than the daily one), ``RADAR_TEST_KILL_AT`` (a point below) and
``RADAR_TEST_FORCED_AT`` (the time at which a new sync was asked for). What runs is the platform itself; only the bullet
is put in.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from radar_pipeline.airbyte import client as airbyte_client
from radar_pipeline.cli.platform import dagster_instance, load_platform
from radar_pipeline.lake.catalogue import glue
from radar_pipeline.orchestration import bronze, day, extraction
from radar_pipeline.orchestration.catalogue import cataloguing


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def dying(function: Callable[..., Any], *, before: bool, calls: int = 1) -> Callable[..., Any]:
    """The function, with death just before or just after its n-th call."""
    count = 0

    def call(*args: Any, **named: Any) -> Any:
        nonlocal count
        count += 1
        if before and count == calls:
            die()
        result = function(*args, **named)
        if not before and count == calls:
            die()
        return result

    return call


def arm(point: str) -> None:
    connect = airbyte_client.connect

    def connect_armed(*args: Any, **named: Any) -> Any:
        client = connect(*args, **named)
        if point in {"before-post", "after-post"}:
            client.start_sync = dying(client.start_sync, before=point == "before-post")
        return client

    airbyte_client.connect = connect_armed
    if point == "polling":
        extraction.Extraction.progress = dying(extraction.Extraction.progress, before=False)
    if point == "proving":
        day.judge_day = dying(day.judge_day, before=True)
    if point == "publishing":
        day.quarantine = dying(day.quarantine, before=True)
    if point == "recording":
        bronze.check_metadata = dying(bronze.check_metadata, before=False, calls=10)
    if point == "registering":
        glue.GlueCatalogue.put_partitions = dying(glue.GlueCatalogue.put_partitions, before=True, calls=4)
    if point == "registered":
        cataloguing.report_metadata = dying(cataloguing.report_metadata, before=True)


def main() -> None:
    offset = dt.timedelta(seconds=float(os.environ.get("RADAR_TEST_OFFSET", "0")))
    if point := os.environ.get("RADAR_TEST_KILL_AT"):
        arm(point)
    forced_at = os.environ.get("RADAR_TEST_FORCED_AT")
    platform = load_platform(clock=lambda: dt.datetime.now(dt.UTC) + offset)
    with dagster_instance() as instance:
        success, failure = platform.execute(
            os.environ.get("RADAR_TEST_JOB", "ingest_bronze_job"),
            instance,
            dt.date.fromisoformat(sys.argv[1]),
            lambda line: print(line, flush=True),
            tags={bronze.FORCE_TAG: forced_at} if forced_at else {},
        )
    print("succeeded" if success else f"failed: {failure}", flush=True)
    raise SystemExit(0 if success else 1)


if __name__ == "__main__":
    main()
