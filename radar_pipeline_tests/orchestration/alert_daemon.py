"""What the code server of a real daemon loads: the test location, which can kill its daemon at a point of a tick."""

from __future__ import annotations

import datetime as dt
import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from radar_pipeline.alerts.centre import AlertCentre
from radar_pipeline.alerts.delivery import Delivery
from radar_pipeline.domain.alert import Alert
from radar_pipeline.orchestration import alert_sensor, retry_sensor
from radar_pipeline_tests.orchestration.alert_location import location


def die() -> NoReturn:
    """The daemon and this code server, which it started, are one process group."""
    os.killpg(os.getpgid(0), signal.SIGKILL)
    raise AssertionError("unreachable")


def die_at(point: str, channels: int) -> None:
    """Lets the daemon die in the first tick that has something to tell: before or after that is recorded, once every
    channel took it and before any is known to have, or after that is known.
    """
    record, deliver = AlertCentre.record, AlertCentre.deliver
    all_took_it = threading.Barrier(channels)

    def recording(self: AlertCentre, raised: Sequence[Alert], *others: Any, **named: Any) -> None:
        if raised and point == "before-record":
            die()
        record(self, raised, *others, **named)
        if raised and point == "after-record":
            die()

    def took(*_: Any) -> NoReturn:
        all_took_it.wait(timeout=30)
        die()

    def delivering(self: AlertCentre, **named: Any) -> Any:
        report = deliver(self, **named)
        if report.delivered and point == "after-deliver":
            die()
        return report

    AlertCentre.record, AlertCentre.deliver = recording, delivering  # type: ignore[method-assign]
    if point == "within-deliver":
        Delivery._took = took  # type: ignore[method-assign]


# Nobody waits half a minute for the next tick here.
alert_sensor.SENSOR_INTERVAL = retry_sensor.SENSOR_INTERVAL = dt.timedelta(seconds=1)

die_at(os.environ.get("TEST_DIE_AT", ""), channels=3)
defs = location(Path(os.environ["TEST_ORDERS"]))
