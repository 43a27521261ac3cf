"""The life of an incident: what is told when an alert is raised, again, worse, acknowledged, not acknowledged, over.

An incident is one fingerprint from the first raise to its end. Each step returns the incident as it is then and the
message to tell, or none. What a step told is never told again, so a source that repeats itself harms nobody.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from radar_pipeline.domain.alert import Alert, Resolution
from radar_pipeline.domain.severity import Severity
from radar_pipeline.domain.thresholds import Thresholds

# A cause whose words never repeat (a count in them) must not become a message at each raise.
CAUSES_TOLD_AT_MOST = 12


class Step(StrEnum):
    """What a message tells."""

    RAISED = "raised"
    UPDATED = "updated"
    REPEATED = "repeated"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    TOLD = "told"


@dataclass(frozen=True)
class Message:
    """One thing to tell about an incident. Fingerprint, opening time and sequence together name it for all time.

    Attributes:
        step: What it tells.
        alert: The alert as it stands.
        opened_at: When the incident began, UTC.
        sequence: Which message of the incident it is, from 1.
        at: When it was made, UTC.
        raised: How many times the alert was raised so far.
        note: Who acknowledged it, why it was escalated, how it ended; empty where there is nothing to say.
    """

    step: Step
    alert: Alert
    opened_at: dt.datetime
    sequence: int
    at: dt.datetime
    raised: int = 1
    note: str = ""


@dataclass(frozen=True)
class Incident:
    """One incident.

    Attributes:
        alert: What was raised last, with the greatest severity and the earliest time of all raises.
        opened_at: When it was raised first, UTC.
        raised_at: When it was raised last, UTC.
        raised: How many times.
        since: Since when the last raise says that it is so, UTC; a recovery before that is not its end.
        sequence: How many messages it had.
        told_at: When the last message about its state was made; None while its state as it is now was silenced.
        causes: Causes that were told.
        urgent_since: When it was first told as CRITICAL or worse; None where it never was.
        acknowledged_at: When somebody took it, UTC.
        acknowledged_by: Who.
        ended_at: When it ended, UTC; None while it is open.
        ended_how: What showed it.
    """

    alert: Alert
    opened_at: dt.datetime
    raised_at: dt.datetime
    since: dt.datetime
    raised: int = 1
    sequence: int = 0
    told_at: dt.datetime | None = None
    causes: tuple[str, ...] = ()
    urgent_since: dt.datetime | None = None
    acknowledged_at: dt.datetime | None = None
    acknowledged_by: str = ""
    ended_at: dt.datetime | None = None
    ended_how: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.ended_at is None


@dataclass(frozen=True)
class Silence:
    """Somebody asked not to be told.

    Attributes:
        what: A fingerprint, the beginning of fingerprints with a ``/`` at its end, or a kind of alert.
        until: Until when, UTC.
        who: Who asked.
        why: Why.
    """

    what: str
    until: dt.datetime
    who: str
    why: str

    def covers(self, alert: Alert, now: dt.datetime) -> bool:
        """Whether an alert is not told at a time."""
        named = self.what in {alert.fingerprint, alert.kind.value} or (
            self.what.endswith("/") and alert.fingerprint.startswith(self.what)
        )
        return named and now < self.until


Told = tuple[Incident, Message | None]


def raise_alert(
    before: Incident | None, alert: Alert, *, now: dt.datetime, thresholds: Thresholds, silenced: bool = False
) -> Told:
    """An alert is raised.

    Args:
        before: The newest incident of its fingerprint; None where there is none.
        alert: The alert.
        now: What time it is, UTC.
        thresholds: When a repeat is told.
        silenced: Whether it is counted only.
    """
    if alert.severity is Severity.INFO and (before is None or not before.is_open):
        return _inform(before, alert, now, silenced=silenced)
    if before is None or not before.is_open:
        opened = Incident(alert, opened_at=now, raised_at=now, since=alert.since)
        return (opened, None) if silenced else _tell(opened, Step.RAISED, now)
    worse = alert.severity > before.alert.severity
    standing = replace(
        alert,
        severity=max(alert.severity, before.alert.severity),
        since=min(alert.since, before.alert.since),
    )
    incident = replace(
        before,
        alert=standing,
        raised_at=now,
        since=max(alert.since, before.since),
        raised=before.raised + 1,
        acknowledged_at=None if worse else before.acknowledged_at,
        acknowledged_by="" if worse else before.acknowledged_by,
    )
    if silenced:
        return replace(incident, told_at=None) if worse else incident, None
    if incident.told_at is None:
        return _tell_late(incident, now)
    if worse or _is_new_cause(incident):
        return _tell(incident, Step.UPDATED, now)
    if incident.acknowledged_at is None and now - incident.told_at >= thresholds.repeat:
        return _tell(incident, Step.REPEATED, now)
    return incident, None


def resolve(before: Incident, resolution: Resolution, *, now: dt.datetime) -> Told:
    """The cause of an incident is gone. One that recovered before it was last raised goes on."""
    if not before.is_open or resolution.at < before.since:
        return before, None
    ended = replace(before, ended_at=now, ended_how=resolution.how)
    if ended.sequence == 0:
        return ended, None
    return _message(ended, Step.RESOLVED, now, resolution.how)


def acknowledge(before: Incident, who: str, *, now: dt.datetime) -> Told:
    """Somebody takes an incident: it is neither repeated nor escalated until it gets worse."""
    if not before.is_open or before.acknowledged_at is not None:
        return before, None
    taken = replace(before, acknowledged_at=now, acknowledged_by=who)
    if taken.sequence == 0:
        return taken, None
    return _message(taken, Step.ACKNOWLEDGED, now, who)


def escalate(before: Incident, *, now: dt.datetime, thresholds: Thresholds, silenced: bool = False) -> Told:
    """Makes a CRITICAL incident that nobody took in time an EMERGENCY, and tells what a silence held back.

    What began or got worse in a silence may never be raised again, because it goes on and on.
    """
    if before.is_open and before.told_at is None and before.acknowledged_at is None and not silenced:
        return _tell_late(before, now)
    critical = before.is_open and before.alert.severity is Severity.CRITICAL and before.acknowledged_at is None
    if not critical or silenced or before.urgent_since is None or now - before.urgent_since < thresholds.acknowledge:
        return before, None
    waited = int((now - before.urgent_since).total_seconds() // 60)
    worse = replace(before, alert=replace(before.alert, severity=Severity.EMERGENCY))
    return _tell(worse, Step.ESCALATED, now, f"nobody acknowledged it for {waited} minutes")


def is_silenced(alert: Alert, silences: Iterable[Silence], now: dt.datetime) -> bool:
    """Whether any silence covers an alert."""
    return any(silence.covers(alert, now) for silence in silences)


def _inform(before: Incident | None, alert: Alert, now: dt.datetime, *, silenced: bool) -> Told:
    """A message that nobody has to act on: told once, and over with it. The same words again are only counted."""
    if before is not None and before.alert.severity is Severity.INFO and _says_the_same(before.alert, alert):
        return replace(before, raised=before.raised + 1, raised_at=now), None
    incident = Incident(
        alert, opened_at=now, raised_at=now, since=alert.since, ended_at=now, ended_how="for information"
    )
    return (incident, None) if silenced else _tell(incident, Step.TOLD, now)


def _says_the_same(one: Alert, other: Alert) -> bool:
    return (one.title, one.summary, dict(one.numbers)) == (other.title, other.summary, dict(other.numbers))


def _is_new_cause(incident: Incident) -> bool:
    return _cause(incident.alert) not in incident.causes and len(incident.causes) < CAUSES_TOLD_AT_MOST


def _cause(alert: Alert) -> str:
    return f"{alert.kind.value}: {alert.cause}"


def _tell_late(incident: Incident, now: dt.datetime) -> Told:
    return _tell(incident, Step.UPDATED if incident.sequence else Step.RAISED, now)


def _tell(incident: Incident, step: Step, now: dt.datetime, note: str = "") -> Told:
    """Tells the incident's state, and remembers that it did."""
    cause = _cause(incident.alert)
    urgent = now if incident.alert.severity >= Severity.CRITICAL else None
    remembered = replace(
        incident,
        told_at=now,
        causes=incident.causes if cause in incident.causes else (*incident.causes, cause),
        urgent_since=incident.urgent_since or urgent,
    )
    return _message(remembered, step, now, note)


def _message(incident: Incident, step: Step, now: dt.datetime, note: str) -> Told:
    numbered = replace(incident, sequence=incident.sequence + 1)
    message = Message(
        step, numbered.alert, numbered.opened_at, numbered.sequence, now, raised=numbered.raised, note=note
    )
    return numbered, message
