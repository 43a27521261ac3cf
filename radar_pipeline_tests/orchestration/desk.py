"""An instance of the project's own configuration with the test location, and its alerts.

The alerts are the platform's own: its ledger in the instance's folder, its channels with the inbox of the local stack
behind them.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from radar_pipeline.alerts.centre import AlertCentre
from radar_pipeline.domain.alert import Alert
from radar_pipeline.orchestration.alerting import Alerting
from radar_pipeline.orchestration.jobs import CHECKS_TAG
from radar_pipeline.settings import Settings
from radar_pipeline.tables.model import Registry
from radar_pipeline_tests.local.inbox_harness import CREDENTIALS, Running
from radar_pipeline_tests.orchestration.alert_location import REGISTRY, Orders, location
from radar_pipeline_tests.servers import configure_dagster

# Nobody waits five minutes for the next run of a day here.
QUICK = {"thresholds": {"retry_pause": "60s"}}

# What the inbox's place for text messages takes, which asks for an access key.
_SNS = {"FARMARCAS_AWS_ACCESS_KEY_ID": CREDENTIALS.aws_access_key_id, "FARMARCAS_AWS_SECRET_ACCESS_KEY": "any"}


@dataclass
class Desk:
    """An instance, and the alerts of its environment.

    Attributes:
        instance: The instance.
        inbox: What is behind the channels.
        orders: The file that tells the daily job what to do.
        offset: By how much the desk's clock is ahead.
        settings: The environment; every channel is configured.
    """

    instance: dg.DagsterInstance
    inbox: Running
    orders: Path
    offset: dt.timedelta = dt.timedelta()
    settings: dict[str, str] = field(default_factory=dict)
    _seen: int = 0

    def __post_init__(self) -> None:
        self.settings |= {"RADAR_ENV": "development", **_SNS, **self.inbox.server.variables}
        self.configure(QUICK)

    def configure(self, document: Mapping[str, Any]) -> None:
        """Writes the environment's file of routes and thresholds."""
        file = Path(self.instance.root_directory) / "radar_alerts.yaml"
        # Whatever is JSON is YAML.
        file.write_text(json.dumps(document), encoding="utf-8")
        self.settings["RADAR_ALERTS_FILE"] = str(file)

    def clock(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.offset

    @property
    def today(self) -> str:
        return self.clock().date().isoformat()

    @property
    def definitions(self) -> dg.Definitions:
        return location(self.orders, clock=self.clock, **self.settings)

    def alerting(self, registry: Registry = REGISTRY) -> Alerting:
        return Alerting(Settings(**self.settings), registry, self.clock)  # type: ignore[arg-type]

    @contextmanager
    def centre(self) -> Iterator[AlertCentre]:
        with self.alerting().office(self.instance) as office:
            yield office.centre

    def open_alerts(self) -> tuple[Alert, ...]:
        with self.centre() as centre:
            return centre.open_alerts()

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

    def arrived(self) -> dict[str, int]:
        """How many messages each channel of the inbox got."""
        return dict(Counter(each["channel"] for each in self.inbox.client.messages()))

    def heard(self) -> list[str]:
        """What Slack's channels got, oldest first: which alert, and the first line of what is said of it."""
        messages = self.inbox.client.messages("slack")
        names = [json.dumps([each["to"], each["metadata"]], sort_keys=True) for each in messages]
        assert len(names) == len(set(names)), "somebody heard twice"
        return [f"{fingerprint(each)}: {each['text'].splitlines()[0].partition('] ')[2]}" for each in messages]

    def told(self) -> list[str]:
        """What Slack's channels got since it was asked last."""
        heard = self.heard()
        new, self._seen = heard[self._seen :], len(heard)
        return new


def fingerprint(message: Mapping[str, Any]) -> str:
    return str(message["metadata"]["event_payload"]["fingerprint"])


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Dagster home whose databases are made already, which takes longer than any test here."""
    home = tmp_path_factory.mktemp("template")
    configure_dagster(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home))
        with dg.DagsterInstance.from_config(str(home)) as instance:
            instance.get_run_records(limit=1)
            instance.all_instigator_state()
            instance.fetch_run_status_changes(dg.DagsterEventType.RUN_SUCCESS, limit=1)
    return home


@pytest.fixture
def new_desk(template: Path, tmp_path: Path, inbox: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk at which nobody has looked yet."""
    home = tmp_path / "dagster"
    shutil.copytree(template, home, symlinks=True)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "500")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield Desk(instance, inbox, tmp_path / "orders.json")


@pytest.fixture
def desk(new_desk: Desk) -> Desk:
    """A desk that has begun: what happens from now on is told."""
    new_desk.tick()
    return new_desk
