"""A whole small world for the daily job: the local stack with eight tables, days of its own for every test."""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests

from radar_pipeline.cli.platform import Platform
from radar_pipeline.cli.status import DayStatus, TableStatus, read_status
from radar_pipeline.domain.layout import is_data_file
from radar_pipeline.domain.sync import SyncJob, syncs_of_day
from radar_pipeline.local.airbyte_admin import AirbyteAdmin
from radar_pipeline.local.mariadb import connect
from radar_pipeline.local.stack import LocalStack
from radar_pipeline.orchestration.bronze import FORCE_TAG
from radar_pipeline.orchestration.catalogue.jobs import CATALOGUE_JOB
from radar_pipeline.settings import Settings
from radar_pipeline.tables.editing import read, remove, write
from radar_pipeline.tables.loader import load_registry
from radar_pipeline.tables.model import Registry
from radar_pipeline_tests.end_to_end.process import RunProcess

# Two critical tables, one without a key, one that is empty, one with a reserved word and one with Portuguese letters
# as its name, one with secrets and an ordinary one.
SMALL = ("store", "user_access", "contest_score", "login", "menu")

# Attempts that the server makes of a job, and that a table has in a day: what failed in all of them is left at that.
ATTEMPTS = 2
SETTINGS = {"RADAR_TABLE_ATTEMPTS": str(ATTEMPTS), "RADAR_PREFLIGHT_PAUSE_SECONDS": "0.1"}

# For tests that hang on nothing in which the eras differ: one of them is enough.
OLD = pytest.mark.parametrize("world", ["0.39"], indirect=True, scope="session")
NEW = pytest.mark.parametrize("world", ["2.0"], indirect=True, scope="session")

_SYNC_PATHS = {"/api/v1/connections/sync", "/api/public/v1/jobs"}

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

    def forget(self) -> None:
        """Empties the ledger: for all that is known, no day has passed."""
        for record in self.platform.systems.lake.list_objects(self.platform.systems.layout.ledger_prefix):
            self.platform.systems.lake.delete(record.key)

    @functools.cached_property
    def platform(self) -> Platform:
        return Platform(self.settings, self.registry, self.clock)

    def run(
        self, day: dt.date, *, force: bool = False, forced_at: dt.datetime | None = None, **settings: Any
    ) -> Outcome:
        """Runs the daily job in this process; further arguments are settings that differ for this run."""
        lines: list[str] = []
        if force or forced_at:
            # A server keeps whole seconds: what a sync wrote in the second in which the next began could be of either.
            time.sleep(2)
        tags = {FORCE_TAG: (forced_at or self.clock()).isoformat()} if force or forced_at else {}
        success, failure = self._platform(settings).execute(
            "ingest_bronze_job", self.instance, day, lines.append, tags=tags
        )
        return Outcome(success, failure, read_status(self.instance, self.registry, day), lines)

    def register(self, day: dt.date, **settings: Any) -> tuple[bool, str | None]:
        """Registers a day in the catalogue, as a run of its own; further arguments are settings that differ."""
        return self._platform(settings).execute(CATALOGUE_JOB, self.instance, day, lambda _line: None)

    def _platform(self, settings: Mapping[str, Any]) -> Platform:
        """The platform with some settings of its own; without any, the same one each time, with its clients."""
        return replace(self.platform, settings=self.settings.model_copy(update=settings)) if settings else self.platform

    def start_process(self, day: dt.date, **environment: str) -> RunProcess:
        """The same run in a process of its own, which a test can kill."""
        return RunProcess(day, {**os.environ, **self.environment(), **environment})

    def environment(self) -> dict[str, str]:
        return {
            **SETTINGS,
            "RADAR_ENV_FILE": str(self.stack.home.env),
            "RADAR_TABLES_FILE": str(self.registry_file),
            "DAGSTER_HOME": str(self.instance.root_directory),
            "RADAR_TEST_OFFSET": str(self.offset.total_seconds()),
        }

    def syncs(self, day: dt.date) -> tuple[SyncJob, ...]:
        """Sync jobs that the server has of a day, newest first."""
        start = dt.datetime.combine(day, dt.time(), dt.UTC)
        return syncs_of_day(self.platform.systems.connect_airbyte().recent_jobs(start), day)

    def syncs_posted(self, day: dt.date) -> int:
        return len(self.syncs(day))

    def sync_requests(self, day: dt.date) -> int:
        """Requests to start a sync that the server received on a day, answered or not."""
        seen = requests.get(f"{self.stack.servers.airbyte.url}/_local/requests", timeout=10).json()["requests"]
        posts = [each for each in seen if each["method"] == "POST" and each["path"] in _SYNC_PATHS]
        return sum(each["time"].startswith(day.isoformat()) for each in posts)

    def cancel_syncs(self, day: dt.date) -> None:
        client = self.platform.systems.connect_airbyte()
        for job in self.syncs(day):
            client.cancel(job.id)

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

    def rows_of(self, keys: list[str]) -> int:
        """Rows that really lie in files, read whole and not by their footers alone."""
        bodies = [self.platform.systems.lake.read(key) for key in keys]
        return sum(len(pq.read_table(pa.BufferReader(body)).column(0)) for body in bodies)

    def source_rows(self) -> dict[str, int]:
        """Rows that every table has at the source now."""
        with connect(self.stack.servers.admin) as connection, connection.cursor() as cursor:
            found = {}
            for name in self.registry.names:
                cursor.execute(f"SELECT COUNT(*) FROM `{name}`")
                found[name] = int((cursor.fetchone() or (0,))[0])
            return found

    @contextmanager
    def fault(self, name: str, *, table: str | None = None, times: int | None = 1, **options: Any) -> Iterator[None]:
        """Switches a fault on for the block."""
        self.admin.switch_on(name, table=table, times=times, options=options)
        try:
            yield
        finally:
            self.admin.clear_faults()
