"""Incidents within one transaction of the ledger: what is raised, ends or is taken, and to whom that is told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from radar_pipeline.alerts.config import AlertsConfig
from radar_pipeline.alerts.ledger import Ledger
from radar_pipeline.alerts.render.words import FULL
from radar_pipeline.domain.alert import Alert, AlertKind, Resolution
from radar_pipeline.domain.incident import (
    Incident,
    Message,
    Step,
    acknowledge,
    escalate,
    is_silenced,
    raise_alert,
    resolve,
)
from radar_pipeline.domain.routing import Medium, Routed, Target, route
from radar_pipeline.domain.severity import Severity

Places = Callable[[Target], Sequence[Target]]


class Book:
    """Changes to incidents. Made within a transaction, and saved before that ends."""

    def __init__(
        self, ledger: Ledger, config: AlertsConfig, media: frozenset[Medium], places: Places, now: dt.datetime
    ) -> None:
        self._ledger, self._config, self._media, self._places, self._now = ledger, config, media, places, now
        self._silences = ledger.silences(now)
        # An outage of a day may raise one alert ten thousand times: each incident is read and written once.
        self._held: dict[str, tuple[int, Incident]] = {}
        self._changed: set[str] = set()

    def raise_(self, alert: Alert) -> None:
        """An alert is raised."""
        held = self._hold(alert.fingerprint)
        before = held[1] if held else None
        incident, message = raise_alert(
            before,
            alert,
            now=self._now,
            thresholds=self._config.thresholds,
            silenced=is_silenced(alert, self._silences, self._now),
        )
        if held is None or incident.raised == 1:
            self._save(alert.fingerprint)
            held = (self._ledger.add_incident(incident), incident)
        self._keep(held[0], incident, message)

    def resolve(self, resolution: Resolution) -> None:
        """An alert's cause is gone."""
        name = resolution.fingerprint
        names = [name]
        if name.endswith("/"):
            stored = {fingerprint for _, fingerprint in self._ledger.open_ids()}
            names = sorted(each for each in stored | set(self._held) if each.startswith(name))
        for each in names:
            held = self._hold(each)
            if held:
                self._keep(held[0], *resolve(held[1], resolution, now=self._now))

    def acknowledge(self, fingerprint: str, who: str) -> bool:
        """Somebody takes an incident. False where there is none to take."""
        held = self._hold(fingerprint)
        if held is None or not held[1].is_open or held[1].acknowledged_at is not None:
            return False
        self._keep(held[0], *acknowledge(held[1], who, now=self._now))
        return True

    def escalate(self) -> None:
        """Escalates every incident that nobody took in time."""
        for _, fingerprint in self._ledger.open_ids():
            held = self._hold(fingerprint)
            if held:
                silenced = is_silenced(held[1].alert, self._silences, self._now)
                thresholds = self._config.thresholds
                self._keep(held[0], *escalate(held[1], now=self._now, thresholds=thresholds, silenced=silenced))

    def save(self) -> None:
        """Stores what changed."""
        for fingerprint in tuple(self._changed):
            self._save(fingerprint)

    def _hold(self, fingerprint: str) -> tuple[int, Incident] | None:
        if fingerprint not in self._held:
            found = self._ledger.newest(fingerprint)
            if found is None:
                return None
            self._held[fingerprint] = found
        return self._held[fingerprint]

    def _keep(self, number: int, incident: Incident, message: Message | None) -> None:
        fingerprint = incident.alert.fingerprint
        if self._held.get(fingerprint) != (number, incident):
            self._held[fingerprint] = (number, incident)
            self._changed.add(fingerprint)
        if message is not None:
            targets = self.targets(number, message)
            lost = not targets and message.step in FULL and incident.alert.kind is not AlertKind.CHANNEL_UNREACHABLE
            self._ledger.add_message(number, message, targets, nowhere=lost)

    def _save(self, fingerprint: str) -> None:
        if fingerprint in self._changed:
            self._ledger.save_incident(*self._held[fingerprint])
            self._changed.discard(fingerprint)

    def targets(self, number: int, message: Message) -> tuple[Target, ...]:
        """Where a message of an incident goes."""
        told = self._ledger.targets_of(number)
        if message.step is Step.RESOLVED:
            return told
        if message.step is Step.ACKNOWLEDGED:
            # Whoever takes an incident takes it where people work on it; nobody needs a mail about that.
            return tuple(each for each in told if each.medium in {Medium.SLACK, Medium.PAGERDUTY})
        routed = self._route(message.alert)
        targets = [place for target in routed.targets for place in self._places(target)]
        if message.step in {Step.UPDATED, Step.ESCALATED}:
            targets += told
        self._mention(message.alert.severity, routed)
        return tuple(dict.fromkeys(targets))

    def _route(self, alert: Alert) -> Routed:
        without = []
        if alert.kind is AlertKind.CHANNEL_UNREACHABLE:
            # What says that a channel is out of reach does not go there, nor to any other that is.
            without = [Target.parse(row["place"]) for row in self._ledger.rows("SELECT place FROM health")]
        return route(alert.severity, alert.tables, self._config.routes, configured=self._media, without=without)

    def _mention(self, severity: Severity, routed: Routed) -> None:
        """Leaves a note for the next report, once, where an alert does not go where its routes say."""
        if not routed.missing:
            return
        missing = ", ".join(sorted({target.medium.value for target in routed.missing}))
        name = f"gap {severity} {missing} {', '.join(map(str, routed.targets))}"
        if self._ledger.note(name) is None:
            self._ledger.set_note(name, gap_sentence(severity, routed))


def gap_sentence(severity: Severity, routed: Routed) -> str:
    """What it means that channels of a route are not configured."""
    missing = " and ".join(sorted({target.medium.value for target in routed.missing}))
    verb = "is" if len({target.medium for target in routed.missing}) == 1 else "are"
    to = ", ".join(str(target) for target in routed.targets)
    instead = f"it goes to {to}" if to else "it goes nowhere but to the dead letters"
    return f"{severity} is to go to {missing}, which {verb} not configured: {instead}"
