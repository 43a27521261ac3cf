"""The platform as the command uses it: settings, definitions, the Dagster instance, one run."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import dagster as dg

from radar_pipeline.build import build_definitions
from radar_pipeline.cli.console import UsageProblem
from radar_pipeline.orchestration.alerting import Alerting
from radar_pipeline.orchestration.dead_runs import PROCESS_TAG, end_dead_runs, process_tag
from radar_pipeline.orchestration.jobs import CHECKS_TAG, INGEST_JOB
from radar_pipeline.orchestration.systems import Systems, utc_now
from radar_pipeline.settings import Settings, load_settings, prepare_dagster_home
from radar_pipeline.tables.loader import load_registry
from radar_pipeline.tables.model import Registry

Tell = Callable[[str], None]

# Dagster's own remark on the checks of a table that is missing, of which the run has said more by then.
_UNCHECKED = "did not yield or return expected outputs"

# What Dagster records of a step where SIGINT or SIGTERM came.
_INTERRUPTED = "DagsterExecutionInterruptedError"

_SAID = logging.getLogger("radar_pipeline.run")
_SAID.propagate = False
_SAID.setLevel(logging.INFO)
_CONSOLE = dg.LoggerDefinition(lambda _context: _SAID, description="Passes on what asset bodies say.")


@dataclass(frozen=True)
class Platform:
    """Settings, registry and clock of one command.

    Attributes:
        settings: The environment.
        registry: The tables.
        clock: What time it is, UTC.
    """

    settings: Settings
    registry: Registry
    clock: Callable[[], dt.datetime] = utc_now

    @cached_property
    def systems(self) -> Systems:
        """The systems of the environment."""
        return Systems(self.settings, self.registry, self.clock)

    @property
    def alerting(self) -> Alerting:
        """The alerts of the environment."""
        return Alerting(self.settings, self.registry, self.clock)

    @cached_property
    def _definitions(self) -> dg.Definitions:
        """What every job of the command is of: a run of a day and its registration share clients and connections."""
        return build_definitions(self.settings, registry=self.registry, clock=self.clock, loggers={"console": _CONSOLE})

    def day(self, text: str | None) -> dt.date:
        """The day that was asked for; today (UTC) where none was.

        Raises:
            UsageProblem: The text is no date, the day has not begun, or it lies before the first partition.
        """
        today = self.clock().date()
        try:
            day = today if text is None else dt.date.fromisoformat(text)
        except ValueError:
            message = f"--date {text!r} is no date: write it as YYYY-MM-DD, for example {today}"
            raise UsageProblem(message) from None
        asked = f"today, {day} (UTC)," if text is None else f"--date {day}"
        if day > today:
            message = f"{asked} has not begun: today is {today} (UTC)"
            raise UsageProblem(message)
        if day < self.settings.first_partition:
            first = f"{self.settings.first_partition} (RADAR_FIRST_PARTITION)"
            message = f"{asked} lies before the first partition, {first}"
            raise UsageProblem(message)
        return day

    def execute(
        self,
        job_name: str,
        instance: dg.DagsterInstance,
        day: dt.date,
        tell: Tell,
        *,
        tags: Mapping[str, str] | None = None,
        checks: list[dg.AssetCheckKey] | None = None,
        at_keyboard: bool = False,
    ) -> tuple[bool, str | None]:
        """Executes a job of the platform in this process, as a run of the instance.

        Args:
            job_name: Name of the job.
            instance: Where the run is recorded.
            day: The partition.
            tell: Receives each line that the run says to a person.
            tags: Further run tags.
            checks: Evaluate these checks alone instead of the job's assets.
            at_keyboard: Whether it is a person who interrupts it, if somebody does.

        Returns:
            Whether the run succeeded, and what it failed with where it did not.

        Raises:
            KeyboardInterrupt: A person ended it; it is recorded as ended by a person.
        """
        _listen(tell)
        job = self._definitions.resolve_job_def(job_name)
        if checks:
            job = job.get_subset(asset_check_selection=set(checks), asset_selection=set())
            tags = {CHECKS_TAG: "true", **(tags or {})}
        end_dead_runs(instance)
        result = job.execute_in_process(
            # Without naming it here, Dagster uses its own console logger instead.
            run_config={"loggers": {"console": {}}},
            instance=instance,
            partition_key=day.isoformat(),
            tags={PROCESS_TAG: process_tag(), **(tags or {})},
            raise_on_error=False,
        )
        failures = [event.step_failure_data for event in result.all_events if event.is_step_failure]
        if at_keyboard and any(failure.error and failure.error.cls_name == _INTERRUPTED for failure in failures):
            rest = " Its sync goes on in Airbyte." if job_name == INGEST_JOB else ""
            instance.report_run_canceled(result.dagster_run, f"Ended at the keyboard.{rest}")
            raise KeyboardInterrupt
        words = next((_words(failure) for failure in failures), None)
        return result.success, words


def _words(failure: Any) -> str:
    """What a step failed with, for a person: its own description, or what went wrong in the platform itself."""
    described = failure.user_failure_data.description if failure.user_failure_data else None
    if described or failure.error is None:
        return described or "no reason given"
    error = failure.error.cause or failure.error
    return f"a fault of the platform itself, whose trace is in the run's log: {error.message.strip()}"


class _Handler(logging.Handler):
    """Passes on what asset bodies say, and none of Dagster's own events."""

    def __init__(self, tell: Tell) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", {})
        text = meta.get("orig_message") or record.getMessage()
        if meta.get("dagster_event") is None and _UNCHECKED not in text:
            self._tell(text)


def _listen(tell: Tell) -> None:
    """From here on what asset bodies say goes to this listener alone."""
    _SAID.handlers = [_Handler(tell)]


def load_platform(clock: Callable[[], dt.datetime] = utc_now, **overrides: Any) -> Platform:
    """Reads settings and registry.

    Raises:
        SettingsError: A variable is unusable.
        RegistryError: The registry cannot be used.
    """
    settings = load_settings(**overrides)
    return Platform(settings, load_registry(settings.tables_file), clock)


@contextmanager
def dagster_instance(*, make: bool = True) -> Iterator[dg.DagsterInstance]:
    """The project's Dagster instance.

    Args:
        make: Whether to make it where there is none yet.

    Raises:
        SettingsError: There is none, and none was to be made.
    """
    prepare_dagster_home(make=make)
    with dg.DagsterInstance.get() as instance:
        yield instance
