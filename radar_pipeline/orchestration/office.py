"""The alerts of one environment, opened from its settings.

What belongs here: which setting goes into which channel. What does not: routes and thresholds, and what the channels
do with what they are given (alerts).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from radar_pipeline.domain.thresholds import Thresholds
from radar_pipeline.settings import Settings

if TYPE_CHECKING:
    from radar_pipeline.alerts.centre import AlertCentre


@dataclass(frozen=True)
class Office:
    """Where alerts of one environment go in, and the figures that they are judged by."""

    centre: AlertCentre
    thresholds: Thresholds = field(default_factory=Thresholds)


OpenOffice = Callable[[Settings, Path], Office]


def open_office(settings: Settings, home: Path) -> Office:
    """Opens the alerts of an environment.

    Args:
        settings: The environment.
        home: The Dagster instance's folder; the record of alerts lies in ``alerts`` there where the settings name no
            other place.
    """
    message = f"no alert centre is put in for {settings.environment} ({home})"
    raise NotImplementedError(message)
