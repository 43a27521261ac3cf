"""An alert centre in one file, for tests of what goes into it: it records, and writes down what it would have sent.

It keeps the promises of the interface that the platform relies on: one transaction for alerts and positions, repeats
that are counted, alerts that are open until they are resolved. It knows no channel, no repeat window and no escalation.
"""

# ruff: noqa: ARG002 - the arguments are the interface's

from __future__ import annotations

import datetime as dt
import os
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from radar_pipeline.alerts.centre import AlertCentre, AlertRecord, ChannelTest, DeliveryReport
from radar_pipeline.domain.alert import Alert, Resolution
from radar_pipeline.domain.severity import Severity
from radar_pipeline.domain.thresholds import Thresholds
from radar_pipeline.orchestration.office import Office, OpenOffice


@dataclass
class State:
    positions: dict[str, str] = field(default_factory=dict)
    records: dict[str, AlertRecord] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    dead: list[Any] = field(default_factory=list)
    silences: list[str] = field(default_factory=list)
    batches: int = 0


class FiledCentre(AlertCentre):
    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def state(self) -> State:
        if not self.path.exists():
            return State()
        loaded: State = pickle.loads(self.path.read_bytes())
        return loaded

    def save(self, state: State) -> None:
        beside = self.path.with_suffix(f".{os.getpid()}")
        beside.write_bytes(pickle.dumps(state))
        beside.replace(self.path)

    def close(self) -> None: ...

    def position(self, source: str) -> str | None:
        return self.state.positions.get(source)

    def record(
        self,
        raised: Sequence[Alert],
        resolved: Sequence[Resolution],
        *,
        now: dt.datetime,
        positions: Mapping[str, str] | None = None,
    ) -> None:
        state = self.state
        for alert in raised:
            self._raise(state, alert, now)
        for resolution in resolved:
            known = state.records.get(resolution.fingerprint)
            if known and not known.ended and resolution.at >= known.alert.since:
                state.records[resolution.fingerprint] = replace(known, ended=now)
                state.waiting.append(f"resolved {resolution.fingerprint}: {resolution.how}")
        state.positions |= positions or {}
        state.batches += 1
        self.save(state)

    def _raise(self, state: State, alert: Alert, now: dt.datetime) -> None:
        known = state.records.get(alert.fingerprint)
        alert = replace(alert, numbers=dict(alert.numbers))
        if known and not known.ended:
            worse = alert.severity > known.alert.severity
            alert = replace(alert, severity=max(alert.severity, known.alert.severity))
            state.records[alert.fingerprint] = replace(known, alert=alert, repeats=known.repeats + 1)
            if not worse:
                return
        else:
            ended = now if alert.severity is Severity.INFO else None
            state.records[alert.fingerprint] = AlertRecord(alert, opened=now, ended=ended)
        state.waiting.append(f"{alert.severity} {alert.fingerprint}: {alert.title}")

    def deliver(self, *, now: dt.datetime, seconds: float = 30.0) -> DeliveryReport:
        state = self.state
        number = len(state.waiting)
        state.sent += state.waiting
        state.waiting = []
        self.save(state)
        return DeliveryReport({"file": number} if number else {}, {}, {}, {})

    def open_fingerprints(self) -> frozenset[str]:
        return frozenset(alert.fingerprint for alert in self.open_alerts())

    def open_alerts(self) -> tuple[Alert, ...]:
        return tuple(record.alert for record in self.state.records.values() if not record.ended)

    def records(self, *, since: dt.datetime, now: dt.datetime | None = None) -> Any:
        return [record for record in self.state.records.values() if not record.ended or record.ended >= since]

    def dead_letters(self) -> Any:
        return self.state.dead

    def resend(self, *, now: dt.datetime, numbers: Any = None) -> DeliveryReport:
        state = self.state
        sent = [letter for letter in state.dead if letter.channel == "email"]
        state.dead = [letter for letter in state.dead if letter not in sent]
        self.save(state)
        return DeliveryReport({"email": len(sent)}, {}, {}, {})

    def acknowledge(self, fingerprint: str, *, by: str, now: dt.datetime) -> bool:
        state = self.state
        if fingerprint not in self.open_fingerprints():
            return False
        state.records[fingerprint] = replace(state.records[fingerprint], acknowledged_by=by)
        self.save(state)
        return True

    def silence(self, what: str, *, until: dt.datetime, by: str, why: str, now: dt.datetime) -> None:
        state = self.state
        state.silences.append(f"{what} for {until - now} by {by}: {why}")
        self.save(state)

    def test(self, *, now: dt.datetime) -> Any:
        return [ChannelTest("slack", arrived=True, words="accepted")]


def filed(path: Path, thresholds: Thresholds | None = None, *, kind: type[FiledCentre] = FiledCentre) -> OpenOffice:
    """Opens the centre of a file, whatever the settings."""

    def opener(_settings: Any, _home: Path) -> Office:
        return Office(kind(path), thresholds or Thresholds())

    return opener
