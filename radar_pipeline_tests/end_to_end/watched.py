"""The small world with its alerts: runs, rounds of alerting, and what people got."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from radar_pipeline.local.inbox.client import InboxClient
from radar_pipeline.orchestration.alerting import Alerting
from radar_pipeline.orchestration.now_facts import Standpoint
from radar_pipeline_tests.end_to_end.world import Outcome, World


@dataclass
class Watched:
    """One environment of the world.

    Attributes:
        world: The stack and its days.
        folder: Where the record of alerts lies.
        later: By how much alerting's clock is ahead of the world's.
    """

    world: World
    folder: Path
    later: dt.timedelta = dt.timedelta()
    _seen: set[str] = field(default_factory=set)

    @property
    def inbox(self) -> InboxClient:
        return self.world.stack.servers.inbox.client

    @property
    def alerting(self) -> Alerting:
        settings = self.world.settings.model_copy(update={"alerts_folder": self.folder})
        return Alerting(settings, self.world.registry, lambda: self.world.clock() + self.later, shift=self.world.offset)

    def begin(self) -> None:
        self.alerting.begin(self.world.instance)

    def run(self, day: dt.date, **settings: Any) -> Outcome:
        outcome = self.world.run(day, **settings)
        self.tick()
        return outcome

    def tick(self) -> None:
        report = self.alerting.tick(self.world.instance, standpoint=Standpoint.RUN)
        assert not report.delivery.problems

    def told(self) -> dict[str, list[str]]:
        """What arrived since it was asked last, by place: texts, and of PagerDuty what happens to which incident."""
        found: dict[str, list[str]] = {}
        for message in self.inbox.messages():
            name = f"{message['channel']} {message['id']}"
            if name in self._seen:
                continue
            self._seen.add(name)
            place, text = message["channel"], message.get("text", "")
            if place == "slack":
                place = f"{message['to']}{' thread' if message['thread_ts'] else ''}"
            elif place == "pagerduty":
                text = f"{message['event_action']} {message['dedup_key']}"
            found.setdefault(place, []).append(text)
        return found
