"""An alert as an event of PagerDuty's Events API v2.

Limits: 1,024 characters of summary, 255 of dedup_key, 512 kB in all (developer.pagerduty.com/docs/events-api-v2).
"""

from __future__ import annotations

import hashlib
from typing import Any

from radar_pipeline.alerts.render.words import (
    Presentation,
    clip,
    event,
    facts,
    heading,
    is_web,
    links,
    one_line,
    ordered_tables,
    table_lines,
)
from radar_pipeline.domain.incident import Message, Step
from radar_pipeline.domain.severity import Severity

_SUMMARY, _KEY, _TEXT, _LINE, _LINKS = 1_000, 255, 2_000, 300, 20
_TABLES, _FOLLOWS, _NUMBERS = 25, 25, 50

_SEVERITIES = {
    Severity.INFO: "info",
    Severity.WARNING: "warning",
    Severity.ERROR: "error",
    Severity.CRITICAL: "critical",
    Severity.EMERGENCY: "critical",
}
_ACTIONS = {Step.RESOLVED: "resolve", Step.ACKNOWLEDGED: "acknowledge"}


def dedup_key(fingerprint: str) -> str:
    """The key of an incident at PagerDuty: the fingerprint, shortened where it is too long."""
    if len(fingerprint) <= _KEY:
        return fingerprint
    return f"{fingerprint[: _KEY - 65]}-{hashlib.sha256(fingerprint.encode()).hexdigest()}"


def pagerduty_event(message: Message, presentation: Presentation) -> dict[str, Any]:
    """The event, without the routing key."""
    alert = message.alert
    action = _ACTIONS.get(message.step, "trigger")
    found: dict[str, Any] = {"event_action": action, "dedup_key": dedup_key(alert.fingerprint)}
    if action != "trigger":
        return found
    tables = ordered_tables(alert)
    details: dict[str, Any] = {
        "summary": clip(alert.summary, _TEXT),
        "event": event(message),
        **dict(facts(message)),
        "tables": [clip(line, _LINE) for line in table_lines(tables[:_TABLES])],
        "tables_not_listed": max(len(tables) - _TABLES, 0),
        "likely_cause": clip(alert.cause, _TEXT),
        "next_step": clip(alert.next_step, _TEXT),
        "it_also_explains": [clip(one_line(each), _LINE) for each in alert.follows[:_FOLLOWS]],
        "numbers": {clip(label, _LINE): clip(value, _LINE) for label, value in list(alert.numbers.items())[:_NUMBERS]},
    }
    where = links(alert, presentation)
    details["look_at"] = [f"{clip(link.label, _LINE)}: {clip(link.url, _TEXT)}" for link in where[:_LINKS]]
    found["payload"] = {
        "summary": clip(heading(message, presentation), _SUMMARY),
        "source": f"radar pipeline ({presentation.environment})",
        "severity": _SEVERITIES[alert.severity],
        "timestamp": message.at.isoformat(timespec="milliseconds"),
        "component": "bronze",
        "group": alert.day.isoformat() if alert.day else "platform",
        "class": alert.kind.value,
        "custom_details": {key: value for key, value in details.items() if value},
    }
    found["links"] = [
        {"href": link.url, "text": clip(one_line(link.label), _LINE)}
        for link in where[:_LINKS]
        if is_web(link.url) and len(link.url) <= _TEXT
    ]
    found["client"] = "radar pipeline"
    return found
