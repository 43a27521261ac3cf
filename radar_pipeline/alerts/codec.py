"""Alerts and messages as JSON, as the ledger keeps them."""

from __future__ import annotations

import datetime as dt
import json
from types import MappingProxyType
from typing import Any

from radar_pipeline.domain.alert import AffectedTable, Alert, AlertKind, Link
from radar_pipeline.domain.incident import Incident, Message, Step
from radar_pipeline.domain.severity import Severity


def write_time(moment: dt.datetime) -> str:
    """A time as text that sorts as times do."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read_time(text: str) -> dt.datetime:
    """The time that ``write_time`` wrote."""
    return dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=dt.UTC)


def write_alert(alert: Alert) -> str:
    """An alert as text. What is empty is left out: an alert may name a thousand tables."""
    tables = [
        [
            table.name,
            int(table.critical),
            table.reason,
            table.rows_found,
            list(table.rows_expected) if table.rows_expected else None,
            table.owner,
            table.area,
            table.url,
        ]
        for table in alert.tables
    ]
    document = {
        "fingerprint": alert.fingerprint,
        "kind": alert.kind.value,
        "severity": alert.severity.name,
        "title": alert.title,
        "summary": alert.summary,
        "since": write_time(alert.since),
        "day": alert.day.isoformat() if alert.day else None,
        "tables": tables,
        "cause": alert.cause,
        "next_step": alert.next_step,
        "links": [[link.label, link.url] for link in alert.links],
        "attempt": alert.attempt,
        "follows": list(alert.follows),
        "numbers": dict(alert.numbers),
    }
    return json.dumps({key: value for key, value in document.items() if value}, ensure_ascii=False)


def read_alert(text: str) -> Alert:
    """The alert that ``write_alert`` wrote."""
    found = json.loads(text)
    return Alert(
        fingerprint=found.get("fingerprint", ""),
        kind=AlertKind(found["kind"]),
        severity=Severity[found["severity"]],
        title=found.get("title", ""),
        summary=found.get("summary", ""),
        since=read_time(found["since"]),
        day=dt.date.fromisoformat(found["day"]) if "day" in found else None,
        tables=tuple(_table(each) for each in found.get("tables", ())),
        cause=found.get("cause", ""),
        next_step=found.get("next_step", ""),
        links=tuple(Link(*each) for each in found.get("links", ())),
        attempt=found.get("attempt", ""),
        follows=tuple(found.get("follows", ())),
        numbers=MappingProxyType(found.get("numbers", {})),
    )


def write_state(incident: Incident) -> str:
    """All of an incident but its alert."""
    return json.dumps(
        {
            "opened_at": write_time(incident.opened_at),
            "raised_at": write_time(incident.raised_at),
            "since": write_time(incident.since),
            "raised": incident.raised,
            "sequence": incident.sequence,
            "told_at": _maybe(incident.told_at),
            "causes": list(incident.causes),
            "urgent_since": _maybe(incident.urgent_since),
            "acknowledged_at": _maybe(incident.acknowledged_at),
            "acknowledged_by": incident.acknowledged_by,
            "ended_at": _maybe(incident.ended_at),
            "ended_how": incident.ended_how,
        },
        ensure_ascii=False,
    )


def read_incident(alert: str, state: str) -> Incident:
    """The incident whose alert and state were written."""
    found = json.loads(state)
    return Incident(
        alert=read_alert(alert),
        opened_at=read_time(found["opened_at"]),
        raised_at=read_time(found["raised_at"]),
        since=read_time(found["since"]),
        raised=found["raised"],
        sequence=found["sequence"],
        told_at=_read_maybe(found["told_at"]),
        causes=tuple(found["causes"]),
        urgent_since=_read_maybe(found["urgent_since"]),
        acknowledged_at=_read_maybe(found["acknowledged_at"]),
        acknowledged_by=found["acknowledged_by"],
        ended_at=_read_maybe(found["ended_at"]),
        ended_how=found["ended_how"],
    )


def write_message(message: Message) -> str:
    """A message without its alert."""
    return json.dumps(
        {
            "step": message.step.value,
            "opened_at": write_time(message.opened_at),
            "sequence": message.sequence,
            "at": write_time(message.at),
            "raised": message.raised,
            "note": message.note,
        },
        ensure_ascii=False,
    )


def read_message(alert: str, text: str) -> Message:
    """The message that was written."""
    found: dict[str, Any] = json.loads(text)
    return Message(
        step=Step(found["step"]),
        alert=read_alert(alert),
        opened_at=read_time(found["opened_at"]),
        sequence=found["sequence"],
        at=read_time(found["at"]),
        raised=found["raised"],
        note=found["note"],
    )


def _maybe(moment: dt.datetime | None) -> str | None:
    return write_time(moment) if moment else None


def _read_maybe(text: str | None) -> dt.datetime | None:
    return read_time(text) if text else None


def _table(found: list[Any]) -> AffectedTable:
    name, critical, reason, rows_found, rows_expected, owner, area, url = found
    expected = (rows_expected[0], rows_expected[1]) if rows_expected else None
    return AffectedTable(name, bool(critical), reason, rows_found, expected, owner, area, url)
