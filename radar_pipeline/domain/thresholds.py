"""The figures that alerts are judged by. Defaults are the specification's; ``radar_alerts.yaml`` overrides them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class Thresholds:
    """When something is worth an alert, and when it is worth a greater one.

    Attributes:
        run: A run longer than this is too long.
        deadline: By when, UTC, today's bronze is due.
        no_sync: A newest complete day older than this is CRITICAL.
        emergency_after: A newest complete day older than this is an EMERGENCY: a second day without data.
        acknowledge: How long a CRITICAL alert may go without anybody's acknowledgement.
        repeat: Repeats of an alert within this time are counted and not sent.
        watcher: How long a daemon, a schedule or a sensor may be silent beyond its own interval.
        queue: How long a run may wait in the queue.
        runs_a_day: How many runs a day may have in all while failures are transient, the first included.
        retry_pause: Pause before the second run of a day; each later one is twice as long.
        channel: How long a channel may be out of reach before another one is told.
        dead_letter: How long delivery to a channel is tried before the message goes to the dead letters.
        keep: How long an incident is kept after its end.
    """

    run: dt.timedelta = dt.timedelta(minutes=90)
    deadline: dt.time = dt.time(3, 0)
    no_sync: dt.timedelta = dt.timedelta(hours=24)
    emergency_after: dt.timedelta = dt.timedelta(hours=48)
    acknowledge: dt.timedelta = dt.timedelta(minutes=15)
    repeat: dt.timedelta = dt.timedelta(minutes=30)
    watcher: dt.timedelta = dt.timedelta(minutes=10)
    queue: dt.timedelta = dt.timedelta(minutes=15)
    runs_a_day: int = 3
    retry_pause: dt.timedelta = dt.timedelta(minutes=5)
    channel: dt.timedelta = dt.timedelta(minutes=15)
    dead_letter: dt.timedelta = dt.timedelta(hours=24)
    keep: dt.timedelta = dt.timedelta(days=400)
