"""A whole small world for the daily job: the local stack with nine tables, days of its own for every test."""

from __future__ import annotations

import datetime as dt
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg

from radar_pipeline.cli.platform import Platform
from radar_pipeline.cli.status import DayStatus, TableStatus, read_status
from radar_pipeline.domain.layout import is_data_file
from radar_pipeline.local.airbyte_admin import AirbyteAdmin
from radar_pipeline.local.stack import LocalStack
from radar_pipeline.orchestration.bronze import FORCE_TAG
from radar_pipeline.settings import Settings
from radar_pipeline.tables.editing import read, remove, write
from radar_pipeline.tables.loader import load_registry
from radar_pipeline.tables.model import Registry
from radar_pipeline_tests.servers import PROJECT

# Two critical tables, one without a key, one that is empty, one with a reserved word and one with Portuguese letters
# as its name, one with secrets, two ordinary ones.
SMALL = ("store", "user_access", "contest_score", "login", "menu", "distributor")

NOON = dt.time(12, 0, tzinfo=dt.UTC)


def small_registry() -> Registry:
    whole = load_registry()
    odd = [table for table in whole.tables if table.may_be_empty or not table.name.isascii() or table.name == "order"]
    return Registry((*(whole[name] for name in SMALL), *odd))


def small_registry_text() -> str:
    """The registry of the project, less the tables that the small world does without."""
    whole = load_registry()
    document = read((whole.path or Path()).read_text(encoding="utf-8"))
    for name in set(whole.names) - set(small_registry().names):
        remove(document["tables"], name)
    return write(document)


@dataclass
class Outcome:
    """One run of the daily job."""

    success: bool
    failure: str | None
    status: DayStatus
    lines: list[str]

    def table(self, name: str) -> TableStatus:
        return next(table for table in self.status.tables if table.table == name)

    def reason(self, table: str, check: str) -> str:
        return self.status.reasons[table, check]

    @property
    def green(self) -> set[str]:
        return {table.table for table in self.status.tables if table.rows is not None}


@dataclass
class World:
    """The stack, its Dagster instance and the days that tests live on.

    Days run forward: each test takes the next ones, with the server's clock and the platform's moved there together.
    """

    stack: LocalStack
    settings: Settings
    registry: Registry
    instance: dg.DagsterInstance
    registry_file: Path
    _days: Iterator[int] = field(default_factory=itertools.count)
    offset: dt.timedelta = dt.timedelta()

    @property
    def admin(self) -> AirbyteAdmin:
        return AirbyteAdmin(self.stack.servers.airbyte.url)

    def clock(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.offset

    def new_day(self, at: dt.time = NOON) -> dt.date:
        """Moves both clocks to the next day that no test has lived on yet."""
        today = dt.datetime.now(dt.UTC).date()
        day = today - dt.timedelta(days=400 - next(self._days))
        self.move_to(dt.datetime.combine(day, at))
        return day

    def move_to(self, moment: dt.datetime) -> None:
        self.offset = moment - dt.datetime.now(dt.UTC)
        self.admin.set_clock(offset=self.offset)

    @property
    def platform(self) -> Platform:
        return Platform(self.settings, self.registry, self.clock)

    def run(self, day: dt.date, *, force: bool = False) -> Outcome:
        lines: list[str] = []
        tags = {FORCE_TAG: "true"} if force else {}
        success, failure = self.platform.execute("ingest_bronze_job", self.instance, day, lines.append, tags=tags)
        return Outcome(success, failure, read_status(self.instance, self.registry, day), lines)

    def start_process(self, day: dt.date, **environment: str) -> subprocess.Popen[str]:
        """The same run in a process of its own, which a test can kill."""
        return subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "radar_pipeline_tests.end_to_end.process", day.isoformat()],
            env={**os.environ, **self.environment(), **environment},
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def environment(self) -> dict[str, str]:
        return {
            "RADAR_ENV_FILE": str(self.stack.home.env),
            "RADAR_TABLES_FILE": str(self.registry_file),
            "DAGSTER_HOME": str(self.instance.root_directory),
            "RADAR_TEST_OFFSET": str(self.offset.total_seconds()),
        }

    def syncs_posted(self, day: dt.date) -> int:
        """Sync jobs that the server has of a day."""
        start = dt.datetime.combine(day, dt.time(), dt.UTC)
        jobs = self.platform.systems.connect_airbyte().recent_jobs(start)
        return sum(job.kind.value == "sync" and job.created_at.date() == day for job in jobs)

    def data_keys(self, table: str, day: dt.date) -> list[str]:
        """The files of a folder that a reader takes for data."""
        return [key for key in self.keys(table, day) if is_data_file(key)]

    def keys(self, table: str, day: dt.date) -> list[str]:
        systems = self.platform.systems
        return [found.key for found in systems.lake.list_objects(systems.layout.folder(table, day))]

    def quarantined(self, table: str, day: dt.date) -> list[str]:
        systems = self.platform.systems
        folder = systems.layout.quarantine_key(systems.layout.folder(table, day))
        return [found.key for found in systems.lake.list_objects(folder)]

    @contextmanager
    def fault(self, name: str, *, table: str | None = None, times: int | None = 1, **options: Any) -> Iterator[None]:
        """Switches a fault on for the block."""
        self.admin.switch_on(name, table=table, times=times, options=options)
        try:
            yield
        finally:
            self.admin.clear_faults()
