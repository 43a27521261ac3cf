"""What the alert centre reports: rounds of delivery, and alerts with what became of their messages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from radar_pipeline.alerts.codec import read_incident, write_time
from radar_pipeline.alerts.ledger import Ledger
from radar_pipeline.domain.alert import Alert
from radar_pipeline.domain.incident import Incident, Silence

# What a channel's messages came to, the worst first: one that was lost matters more than those that were not.
_WORDS = {
    "dead": "in the dead letters",
    "waiting": "waits",
    "unsure": "waits",
    "sending": "being sent",
    "delivered": "delivered",
}


@dataclass(frozen=True)
class AlertRecord:
    """One alert as the ledger has it.

    Attributes:
        alert: The alert as it was raised last.
        opened: When it was raised first, UTC.
        repeats: How often it was raised again since.
        ended: When it ended, UTC; None while it is open.
        acknowledged_by: Who took it; empty where nobody did.
        silenced_until: Until when it is not told, UTC; None where it is told.
        deliveries: What became of its messages, in one short phrase for each channel (``delivered``, ``waits``).
    """

    alert: Alert
    opened: dt.datetime
    repeats: int = 0
    ended: dt.datetime | None = None
    acknowledged_by: str = ""
    silenced_until: dt.datetime | None = None
    deliveries: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DeliveryReport:
    """What became of one round of delivery.

    Attributes:
        delivered: Messages that a channel accepted, by channel.
        waiting: Messages that wait for another try, by channel.
        dead: Messages that went to the dead letters in this round, by channel.
        problems: Why a channel did not accept, by channel; one sentence each. Under ``routes`` what goes elsewhere than
            its route says because a channel is not configured, once.
        busy: Whether another process is delivering, so that this one did nothing.
    """

    delivered: Mapping[str, int]
    waiting: Mapping[str, int]
    dead: Mapping[str, int]
    problems: Mapping[str, str]
    busy: bool = False


def read_records(ledger: Ledger, *, since: dt.datetime, now: dt.datetime) -> tuple[AlertRecord, ...]:
    """The alerts that are open, and those that ended since a time; newest first."""
    silences = ledger.silences(now)
    found = ledger.rows(
        "SELECT id, alert, state FROM incidents WHERE ended_at IS NULL OR ended_at >= ? ORDER BY id DESC",
        write_time(since),
    )
    return tuple(
        _record(ledger, int(row["id"]), read_incident(row["alert"], row["state"]), silences, now) for row in found
    )


def _record(
    ledger: Ledger, number: int, incident: Incident, silences: Sequence[Silence], now: dt.datetime
) -> AlertRecord:
    until = [each.until for each in silences if each.covers(incident.alert, now)]
    return AlertRecord(
        alert=incident.alert,
        opened=incident.opened_at,
        repeats=incident.raised - 1,
        ended=incident.ended_at,
        acknowledged_by=incident.acknowledged_by,
        silenced_until=max(until) if until and incident.is_open else None,
        deliveries=_deliveries(ledger, number),
    )


def _deliveries(ledger: Ledger, incident: int) -> dict[str, str]:
    query = "SELECT target, state FROM deliveries WHERE incident = ? AND state <> 'moot' ORDER BY id"
    states: dict[str, set[str]] = {}
    for row in ledger.rows(query, incident):
        states.setdefault(str(row["target"]), set()).add(str(row["state"]))
    return {
        target: next(words for state, words in _WORDS.items() if state in found) for target, found in states.items()
    }
