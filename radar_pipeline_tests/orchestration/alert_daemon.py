"""What the code server of a real daemon loads: the test location, with an alert centre that can kill the daemon."""

from __future__ import annotations

import datetime as dt
import os
import signal
from pathlib import Path
from typing import Any, NoReturn

from radar_pipeline.domain.thresholds import Thresholds
from radar_pipeline.orchestration import alert_sensor, retry_sensor
from radar_pipeline_tests.filed_alerts import FiledCentre, filed
from radar_pipeline_tests.orchestration.alert_location import location


class DyingCentre(FiledCentre):
    """Kills its daemon at a chosen point of a tick that has something to tell."""

    def deliver(self, **named: Any) -> Any:
        if self.state.waiting:
            die_at("before-deliver", self.path)
        report = super().deliver(**named)
        if report.delivered:
            die_at("after-deliver", self.path)
        return report


def die_at(point: str, path: Path) -> None:
    if os.environ.get("TEST_DIE_AT") == point:
        path.with_suffix(f".{point}").touch()
        die()


def die() -> NoReturn:
    """The daemon and this code server, which it started, are one process group."""
    os.killpg(os.getpgid(0), signal.SIGKILL)
    raise AssertionError("unreachable")


# Nobody waits half a minute for the next tick here.
alert_sensor.SENSOR_INTERVAL = retry_sensor.SENSOR_INTERVAL = dt.timedelta(seconds=1)

pause = dt.timedelta(seconds=float(os.environ.get("TEST_RETRY_PAUSE", "300")))
opener = filed(Path(os.environ["TEST_ALERTS"]), Thresholds(retry_pause=pause), kind=DyingCentre)
defs = location(Path(os.environ["TEST_ORDERS"]), opener, RADAR_ENV="development")
