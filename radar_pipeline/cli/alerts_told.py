"""What `radar run` does for alerts: it tells them itself, so that nobody needs a daemon to hear of a failure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from radar_pipeline.orchestration.now_facts import Standpoint

if TYPE_CHECKING:
    import dagster as dg
    from rich.console import Console

    from radar_pipeline.cli.platform import Platform
    from radar_pipeline.orchestration.alerting import TickReport
    from radar_pipeline.settings import Settings


@contextmanager
def alerts_told(platform: Platform, instance: dg.DagsterInstance, console: Console) -> Iterator[None]:
    """Tells what the block was worth, however it ends. That it cannot be told changes nothing about the block."""
    problem = _begin(platform, instance)
    try:
        yield
    finally:
        line = f"alerts could not be told: {problem}" if problem else _tell(platform, instance)
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _begin(platform: Platform, instance: dg.DagsterInstance) -> str | None:
    """Notes where events begin, so that an environment's very first run is told; says why where it cannot."""
    try:
        platform.alerting.begin(instance)
    except Exception as error:  # noqa: BLE001 - whatever it is, the day's run matters more than its alerts
        return _words(error)
    return None


def _tell(platform: Platform, instance: dg.DagsterInstance) -> str:
    try:
        report = platform.alerting.tick(instance, standpoint=Standpoint.RUN)
    except Exception as error:  # noqa: BLE001 - as above
        return f"alerts could not be told: {_words(error)}"
    return summary(report, platform.settings)


def summary(report: TickReport, settings: Settings) -> str:
    """A round of alerting in one line."""
    delivery = report.delivery
    parts = [f"{number} to {channel}" for channel, number in sorted(delivery.delivered.items()) if number]
    parts += [f"{number} wait for {channel}" for channel, number in sorted(delivery.waiting.items()) if number]
    parts += [f"{number} given up for {channel}" for channel, number in sorted(delivery.dead.items()) if number]
    parts += [f"{channel}: {problem}" for channel, problem in sorted(delivery.problems.items())]
    if delivery.busy:
        parts.append("left to the daemon, which is delivering")
    told = "; ".join(parts) if parts else "nothing new to tell"
    page = inbox(settings)
    return f"alerts: {told}" + (f"; see them on {page}" if page else "")


def inbox(settings: Settings) -> str | None:
    """The page of the local stack that shows every message; None where messages go to people."""
    if settings.environment != "local" or settings.slack_api_url is None:
        return None
    return f"http://{urlsplit(str(settings.slack_api_url)).netloc}/"


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
