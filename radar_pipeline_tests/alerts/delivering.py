"""A process that delivers what a ledger holds, and kills itself with SIGKILL at a point that it is told.

Run with a JSON document on the command line: folder, url, smtp_port, ca_file, media, now, and kill (or none).
"""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from radar_pipeline.alerts.outbox import Outbox
from radar_pipeline_tests.alerts.samples import opened
from radar_pipeline_tests.alerts.servers import World, config


def kill_at(point: str) -> None:
    """Before a message is sent, after it was and before that is recorded, and after that is recorded."""
    take, delivered = Outbox.take, Outbox.delivered

    def killed_before_sending(self: Outbox, *arguments: Any) -> Any:
        job = take(self, *arguments)
        if job is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        return job

    def killed_before_recording(self: Outbox, *arguments: Any) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)
        return delivered(self, *arguments)

    def killed_once_recorded(self: Outbox, *arguments: Any) -> Any:
        if self._ledger.row("SELECT 1 FROM deliveries WHERE state = 'delivered' AND changed_at >= ?", NOW[0]):
            os.kill(os.getpid(), signal.SIGKILL)
        return take(self, *arguments)

    if point == "before":
        Outbox.take = killed_before_sending  # type: ignore[method-assign]
    elif point == "between":
        Outbox.delivered = killed_before_recording  # type: ignore[method-assign]
    elif point == "after":
        Outbox.take = killed_once_recorded  # type: ignore[method-assign]


NOW = [""]


def main() -> None:
    given = json.loads(sys.argv[1])
    world = World(url=given["url"], smtp_port=given["smtp_port"], ca_file=Path(given["ca_file"]))
    now = dt.datetime.fromisoformat(given["now"])
    NOW[0] = f"{now:%Y-%m-%dT%H:%M:%S}"
    kill_at(given.get("kill", ""))
    with opened(Path(given["folder"]), config(world, *given["media"])) as centre:
        print("ready", flush=True)
        while given.get("start_at", 0) > time.time():
            time.sleep(0.001)
        report = centre.deliver(now=now, seconds=given.get("seconds", 30))
        print(json.dumps({"delivered": report.delivered, "busy": report.busy}))


if __name__ == "__main__":
    main()
