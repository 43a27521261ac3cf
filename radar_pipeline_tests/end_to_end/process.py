"""Processes that are forks of one that has loaded the platform, which would take seconds of a slow core each time.

What runs in them is the platform itself: a command as a person types it, or one run of a job, which can kill itself
with SIGKILL at a chosen point. Of a run's environment, ``RADAR_TEST_OFFSET`` (seconds that the clock is
moved by), ``RADAR_TEST_JOB`` (another job than the daily one), ``RADAR_TEST_KILL_AT`` (a point below) and
``RADAR_TEST_FORCED_AT`` (the time at which a new sync was asked for) are for this module.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.reduction import DupFd
from pathlib import Path
from subprocess import CompletedProcess
from typing import IO, Any, NoReturn

import radar_pipeline.cli.run  # noqa: F401 - so that forks have loaded it
from radar_pipeline.airbyte import client as airbyte_client
from radar_pipeline.cli.main import main as radar
from radar_pipeline.cli.platform import dagster_instance, load_platform
from radar_pipeline.lake.catalogue import glue
from radar_pipeline.orchestration import bronze, day, extraction
from radar_pipeline.orchestration.catalogue import cataloguing
from radar_pipeline_tests.forks import forks_of


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


def command(arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> CompletedProcess[str]:
    """What `radar` with these arguments says in a folder, and how it ends."""
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        outputs = DupFd(stdout.fileno()), DupFd(stderr.fileno())
        process = forks_of(__name__).Process(
            target=_command, args=(list(arguments), str(folder), dict(environment), *outputs)
        )
        process.start()
        process.join()
        return CompletedProcess(arguments, process.exitcode or 0, _said(stdout), _said(stderr))


def _command(arguments: list[str], folder: str, environment: Mapping[str, str], stdout: Any, stderr: Any) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(stdout.detach(), sys.stdout.fileno())
    os.dup2(stderr.detach(), sys.stderr.fileno())
    radar(arguments, prog_name="radar")


def _said(output: IO[str]) -> str:
    output.seek(0)
    return output.read()


def main(day: str, environment: Mapping[str, str], output: Any) -> None:
    """Runs a job and says to ``output``, line by line, what it said."""
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(output.detach(), sys.stdout.fileno())
    os.dup2(sys.stdout.fileno(), sys.stderr.fileno())
    offset = dt.timedelta(seconds=float(os.environ.get("RADAR_TEST_OFFSET", "0")))
    if point := os.environ.get("RADAR_TEST_KILL_AT"):
        arm(point)
    forced_at = os.environ.get("RADAR_TEST_FORCED_AT")
    platform = load_platform(clock=lambda: dt.datetime.now(dt.UTC) + offset)
    with dagster_instance() as instance:
        success, failure = platform.execute(
            os.environ.get("RADAR_TEST_JOB", "ingest_bronze_job"),
            instance,
            dt.date.fromisoformat(day),
            lambda line: print(line, flush=True),
            tags={bronze.FORCE_TAG: forced_at} if forced_at else {},
        )
    print("succeeded" if success else f"failed: {failure}", flush=True)
    raise SystemExit(0 if success else 1)


class RunProcess:
    """A run under way.

    Attributes:
        stdout: What it says, line by line.
    """

    def __init__(self, day: dt.date, environment: Mapping[str, str]) -> None:
        reading, writing = os.pipe()
        self.stdout = os.fdopen(reading, encoding="utf-8")
        self._process = forks_of(__name__).Process(
            target=main, args=(day.isoformat(), dict(environment), DupFd(writing))
        )
        self._process.start()
        os.close(writing)

    @property
    def returncode(self) -> int | None:
        """What it ended with, a signal as its negative number; None while it runs."""
        return self._process.exitcode

    def end(self, timeout: float) -> str:
        """Waits for its end, and returns what it said that was not read yet."""
        with self.stdout:
            said = self.stdout.read()
        self._process.join(timeout)
        assert not self._process.is_alive(), said
        return said

    def send_signal(self, number: int) -> None:
        os.kill(self._process.pid or 0, number)

    def kill(self) -> None:
        """Ends it if it has not ended."""
        self._process.kill()
        self._process.join()
        self.stdout.close()
