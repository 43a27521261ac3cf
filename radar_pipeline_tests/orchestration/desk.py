"""An instance of the project's own configuration with the test location, and the alerts that its sensors told."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from radar_pipeline.domain.thresholds import Thresholds
from radar_pipeline.orchestration.jobs import CHECKS_TAG
from radar_pipeline_tests.filed_alerts import FiledCentre, filed
from radar_pipeline_tests.orchestration.alert_location import Orders, location
from radar_pipeline_tests.servers import PROJECT

QUICK = Thresholds(retry_pause=dt.timedelta(seconds=60))


@dataclass
class Desk:
    """An instance, and the alerts of its environment."""

    instance: dg.DagsterInstance
    centre: FiledCentre
    orders: Path
    offset: dt.timedelta = dt.timedelta()
    settings: dict[str, str] = field(default_factory=lambda: {"RADAR_ENV": "development"})
    thresholds: Thresholds = QUICK

    def clock(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.offset

    @property
    def today(self) -> str:
        return self.clock().date().isoformat()

    @property
    def definitions(self) -> dg.Definitions:
        opener = filed(self.centre.path, self.thresholds)
        return location(self.orders, opener, clock=self.clock, **self.settings)

    def run(self, orders: Orders | None = None, day: str | None = None, **named: Any) -> dg.ExecuteInProcessResult:
        """Runs the daily job in this process."""
        (orders or Orders()).write(self.orders)
        job = self.definitions.resolve_job_def("ingest_bronze_job")
        if checks := named.pop("checks", None):
            job = job.get_subset(asset_check_selection=checks, asset_selection=set())
            named["tags"] = {CHECKS_TAG: "true"}
        return job.execute_in_process(
            instance=self.instance, partition_key=day or self.today, raise_on_error=False, **named
        )

    def sensor(self, name: str) -> Any:
        """Evaluates a sensor as the daemon does."""
        repository = self.definitions.get_repository_def()
        context = dg.build_sensor_context(self.instance, repository_def=repository)
        return repository.get_sensor_def(name).evaluate_tick(context)

    def tick(self) -> str:
        return str(self.sensor("alert_sensor").skip_message)

    def told(self) -> list[str]:
        """What was sent since it was asked last."""
        state = self.centre.state
        sent, state.sent = state.sent, []
        self.centre.save(state)
        return sent


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Dagster home whose databases are made already, which takes longer than any test here."""
    home = tmp_path_factory.mktemp("template")
    (home / "dagster.yaml").symlink_to(PROJECT / "dagster.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home))
        with dg.DagsterInstance.from_config(str(home)) as instance:
            instance.get_run_records(limit=1)
            instance.all_instigator_state()
            instance.fetch_run_status_changes(dg.DagsterEventType.RUN_SUCCESS, limit=1)
    return home


@pytest.fixture
def new_desk(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk at which nobody has looked yet."""
    home = tmp_path / "dagster"
    shutil.copytree(template, home, symlinks=True)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "500")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield Desk(instance, FiledCentre(tmp_path / "alerts"), tmp_path / "orders.json")


@pytest.fixture
def desk(new_desk: Desk) -> Desk:
    """A desk that has begun: what happens from now on is told."""
    new_desk.tick()
    return new_desk
