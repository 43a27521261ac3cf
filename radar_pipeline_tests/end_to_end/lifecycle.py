"""A small lake that ages: a real bucket, a registry of a few tables, a Dagster instance and a clock of its own."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import yaml

from radar_pipeline.build import build_definitions
from radar_pipeline.domain.alert import Alert
from radar_pipeline.domain.layout import is_data_file
from radar_pipeline.domain.ledger import CHECKS, Judgement
from radar_pipeline.domain.tiers import LakeObject, StorageClass
from radar_pipeline.lake.ledger import record_judgements
from radar_pipeline.lake.listing import list_tables
from radar_pipeline.orchestration.alerting import Alerting
from radar_pipeline.orchestration.systems import Systems
from radar_pipeline.settings import Settings
from radar_pipeline.tables.loader import load_registry
from radar_pipeline.tables.model import Registry
from radar_pipeline_tests.lake.samples import new_table, old_table, parquet
from radar_pipeline_tests.servers import PROJECT, S3Server

SMALL, LARGE = 2_000, 200_000

# Wide enough for a handful of days to go at once.
WIDE = {"bounds": {"table_share": 1.0}}


def registry_text(**changes: Mapping[str, Any]) -> str:
    """The project's registry, of four tables alone, with what a test changes."""
    whole = yaml.safe_load((load_registry().path or Path()).read_text(encoding="utf-8"))
    names = ("store", "menu", "contest_score", "user_access")
    tables = {name: {**(whole["tables"][name] or {}), **changes.get(name, {})} for name in names}
    return json.dumps({**whole, "tables": tables})


@dataclass
class Lake:
    """One bucket and everything that looks at it.

    Attributes:
        server: The AWS endpoint.
        home: Where files and the Dagster instance lie.
        instance: The instance.
        variables: The environment.
        offset: By how many days the clock is ahead.
    """

    server: S3Server
    home: Path
    instance: dg.DagsterInstance
    variables: dict[str, str] = field(default_factory=dict)
    offset: int = 0
    _made: tuple[str, Systems] | None = None

    def __post_init__(self) -> None:
        self.began = dt.datetime.now(dt.UTC).date()
        registry, policy = self.home / "tables.yaml", self.home / "retention.yaml"
        registry.write_text(registry_text(), encoding="utf-8")
        self.variables |= {
            "RADAR_ENV": "local",
            "RADAR_TABLES_FILE": str(registry),
            "RADAR_RETENTION_FILE": str(policy),
            "RADAR_FIRST_PARTITION": "2019-01-01",
            "S3_BUCKET_NAME": self.server.new_bucket(),
            "RADAR_S3_ENDPOINT_URL": self.server.endpoint_url,
            "RADAR_GLUE_ENDPOINT_URL": self.server.endpoint_url,
            "RADAR_GLUE_DATABASE": f"bronze_{os.urandom(3).hex()}",
            "AWS_DEFAULT_REGION": self.server.region,
            "FARMARCAS_AWS_ACCESS_KEY_ID": self.server.access_key_id,
            "FARMARCAS_AWS_SECRET_ACCESS_KEY": self.server.secret_access_key,
            "RADAR_ALERTS_DIR": str(self.home / "alerts"),
        }
        self.policy()

    def policy(self, **changes: Any) -> None:
        """Sets the policy: the project's own, with what a test changes."""
        own = yaml.safe_load((PROJECT / "radar_pipeline/tables/radar_retention.yaml").read_text(encoding="utf-8"))
        (self.home / "retention.yaml").write_text(json.dumps({**own, **changes}), encoding="utf-8")

    def register(self, **changes: Mapping[str, Any]) -> None:
        """Sets the registry, with what a test changes."""
        (self.home / "tables.yaml").write_text(registry_text(**changes), encoding="utf-8")

    def clock(self) -> dt.datetime:
        # Of the day that is meant, also where midnight passes during a test.
        now = dt.datetime.now(dt.UTC)
        return now + (self.began + dt.timedelta(days=self.offset) - now.date())

    @property
    def settings(self) -> Settings:
        return self.systems.settings

    @property
    def registry(self) -> Registry:
        return self.systems.registry

    @property
    def systems(self) -> Systems:
        """The environment, made anew only where it was changed: clients take half a second."""
        text = json.dumps([self.variables, (self.home / "tables.yaml").read_text(encoding="utf-8")])
        if self._made is None or self._made[0] != text:
            settings = Settings(**self.variables)  # type: ignore[arg-type]
            self._made = text, Systems(settings, load_registry(settings.tables_file), self.clock)
        return self._made[1]

    @property
    def alerting(self) -> Alerting:
        return Alerting(self.settings, self.registry, self.clock)

    def day(self, ago: int) -> dt.date:
        """A day before the lake began; of which today of the real clock is day 0."""
        return self.began - dt.timedelta(days=ago)

    def land(
        self, table: str, day: dt.date, *, size: int = LARGE, files: int = 1, accepted: bool = True, old: bool = False
    ) -> list[str]:
        """Writes a day of a table and what the ledger says of it; returns the keys."""
        systems = self.systems
        begin = dt.datetime.combine(day, dt.time(2), dt.UTC)
        made = old_table(10, begin) if old else new_table(10, begin)
        keys = [f"{systems.layout.folder(table, day)}file_{table}_part_{number}.parquet" for number in range(files)]
        written = 0
        for number, key in enumerate(keys):
            # Random and each its own, so that it stays as large as it is asked to be, merged or not.
            filling = pa.array([np.random.default_rng([number, row]).bytes(size // 10) for row in range(10)])
            body = parquet(made.append_column("Filling", filling), use_dictionary=False, compression="none")
            systems.lake.put(key, body)
            written += len(body)
        newest = begin + dt.timedelta(milliseconds=9)
        judged = Judgement(
            table, 10 * files, written, files, newest, accepted, CHECKS, "written by a test", self.clock()
        )
        record_judgements(systems.lake, systems.layout, day, [judged])
        return keys

    def objects(self, table: str) -> dict[str, LakeObject]:
        """What lies in a table's folder, by key."""
        (listing,) = list_tables(self.systems.lake, self.systems.layout, [table])
        assert listing.problem is None
        return {each.key: each for each in listing.objects}

    def tiers(self, table: str) -> dict[int, StorageClass]:
        """Tier of each day of a table that has one data file, by how many days before the beginning it is of."""
        layout = self.systems.layout
        found = {key: each.tier for key, each in self.objects(table).items() if is_data_file(key)}
        return {(self.began - (layout.day_of(key) or self.began)).days: tier for key, tier in found.items()}

    def versions(self) -> Counter[tuple[str, ...]]:
        """Every version and delete marker of the bucket, however often it is there."""
        pages = self.server.client().get_paginator("list_object_versions").paginate(Bucket=self.settings.bucket)
        return Counter(
            (each["Key"], each["VersionId"], each.get("ETag", "marker"), each.get("StorageClass", ""))
            for page in pages
            for kind in ("Versions", "DeleteMarkers")
            for each in page.get(kind, ())
        )

    def run(self, *, days: int | None = None, apply: bool = True, **config: Any) -> dg.ExecuteInProcessResult:
        """Runs the job on a day so many days after the beginning."""
        if days is not None:
            self.offset = days
        definitions = build_definitions(self.settings, registry=self.registry, clock=self.clock)
        job = definitions.resolve_job_def("apply_retention_job")
        return job.execute_in_process(
            instance=self.instance,
            run_config={"ops": {"retention": {"config": {"apply": apply, **config}}}},
            raise_on_error=False,
        )

    def radar(self, *arguments: str, status: int = 0) -> str:
        """Runs the command in a process of its own; what it prints."""
        done = subprocess.run(self.command(*arguments), **self.process, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return str(done.stdout)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-W", "ignore", "-c", "from radar_pipeline.cli.main import main; main()", *arguments]

    @property
    def process(self) -> dict[str, Any]:
        """How a process of the command is started: with this environment alone."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        own = {"DAGSTER_HOME": str(self.instance.root_directory), "RADAR_ENV_FILE": str(self._empty_file())}
        return {"cwd": PROJECT, "env": {**kept, **self.variables, **own, "DAGSTER_EVENT_BATCH_SIZE": "500"}}

    def _empty_file(self) -> Path:
        path = self.home / "empty.env"
        path.touch()
        return path

    def open_alerts(self) -> dict[str, Alert]:
        with self.alerting.office(self.instance) as office:
            return {alert.fingerprint: alert for alert in office.centre.open_alerts()}

    def as_of(self, days: int) -> str:
        """The date so many days after the beginning."""
        return (self.began + dt.timedelta(days=days)).isoformat()
