"""How `radar alerts` shows alerts and dead letters, to people and to programs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table as RichTable

from radar_pipeline.domain.severity import Severity

if TYPE_CHECKING:
    from radar_pipeline.alerts.centre import DeadLetter, IncidentRecord
    from radar_pipeline.domain.incident import Incident, Silence

COLOURS = {
    Severity.INFO: "dim",
    Severity.WARNING: "yellow",
    Severity.ERROR: "red",
    Severity.CRITICAL: "bold red",
    Severity.EMERGENCY: "bold white on red",
}


def recent(records: Sequence[IncidentRecord], since: dt.datetime) -> list[IncidentRecord]:
    """Those that are open, and those that ended since a time."""
    return [each for each in records if each.incident.ended_at is None or each.incident.ended_at >= since]


def alerts_table(records: Sequence[IncidentRecord]) -> RichTable:
    """Alerts for people."""
    view = RichTable(title="alerts", header_style="bold", pad_edge=False)
    for name in ("severity", "since (UTC)", "what", "fingerprint", "state", "messages"):
        view.add_column(name, no_wrap=name in {"severity", "since (UTC)", "fingerprint"})
    view.add_column("raised", justify="right")
    for record in records:
        incident = record.incident
        alert = incident.alert
        messages = ", ".join(f"{channel}: {state}" for channel, state in _messages(record).items())
        view.add_row(
            f"[{COLOURS[alert.severity]}]{alert.severity}[/]",
            f"{alert.since:%m-%d %H:%M}",
            escape(alert.title),
            escape(alert.fingerprint),
            escape(_state(incident)),
            escape(messages or "none"),
            str(incident.raised),
        )
    return view


def _state(incident: Incident) -> str:
    if incident.alert.severity is Severity.INFO:
        return "told"
    if incident.ended_at:
        return f"ended {incident.ended_at:%m-%d %H:%M}"
    return f"taken by {incident.acknowledged_by}" if incident.acknowledged_by else "open"


def _messages(record: IncidentRecord) -> Mapping[str, str]:
    """What became of the newest message to each channel."""
    found = {}
    for each in record.deliveries:
        tried = f" after {each.tries} tries" if each.tries > 1 else ""
        found[each.channel] = f"{each.state}{tried}" + (f" ({each.problem})" if each.problem else "")
    return found


def silences_table(silences: Sequence[Silence]) -> RichTable:
    """What is not told, for people."""
    view = RichTable(title="silenced", header_style="bold", pad_edge=False)
    for name in ("what", "until (UTC)", "by", "why"):
        view.add_column(name)
    for each in silences:
        view.add_row(*(escape(text) for text in (each.what, f"{each.until:%m-%d %H:%M}", each.who, each.why)))
    return view


def letters_table(letters: Sequence[DeadLetter]) -> RichTable:
    """Dead letters for people."""
    view = RichTable(title="dead letters", header_style="bold", pad_edge=False)
    for name in ("number", "channel", "given up (UTC)", "what", "why"):
        view.add_column(name)
    for letter in letters:
        texts = (str(letter.number), letter.channel, f"{letter.given_up_at:%m-%d %H:%M}")
        view.add_row(*(escape(text) for text in (*texts, letter.message.alert.title, letter.problem)))
    return view


def record_document(record: IncidentRecord) -> Mapping[str, Any]:
    """An alert for programs."""
    incident = record.incident
    alert = incident.alert
    return {
        "fingerprint": alert.fingerprint,
        "kind": alert.kind.value,
        "severity": str(alert.severity),
        "title": alert.title,
        "since": alert.since.isoformat(),
        "ended": incident.ended_at.isoformat() if incident.ended_at else None,
        "raised": incident.raised,
        "acknowledged_by": incident.acknowledged_by or None,
        "deliveries": [
            {
                "channel": each.channel,
                "step": each.step.value,
                "state": each.state,
                "tries": each.tries,
                "problem": each.problem or None,
            }
            for each in record.deliveries
        ],
    }


def letter_document(letter: DeadLetter) -> Mapping[str, Any]:
    """A dead letter for programs."""
    return {
        "number": letter.number,
        "channel": letter.channel,
        "fingerprint": letter.message.alert.fingerprint,
        "title": letter.message.alert.title,
        "given_up_at": letter.given_up_at.isoformat(),
        "tries": letter.tries,
        "problem": letter.problem,
    }
