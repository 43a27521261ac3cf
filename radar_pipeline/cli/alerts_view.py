"""How `radar alerts` shows alerts and dead letters, to people and to programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table as RichTable

from radar_pipeline.domain.severity import Severity

if TYPE_CHECKING:
    from radar_pipeline.alerts.centre import AlertRecord, DeadLetter

COLOURS = {
    Severity.INFO: "dim",
    Severity.WARNING: "yellow",
    Severity.ERROR: "red",
    Severity.CRITICAL: "bold red",
    Severity.EMERGENCY: "bold white on red",
}


def alerts_table(records: Sequence[AlertRecord]) -> RichTable:
    """Alerts for people."""
    view = RichTable(title="alerts", header_style="bold", pad_edge=False)
    for name in ("severity", "since (UTC)", "what", "fingerprint", "state", "messages"):
        view.add_column(name, no_wrap=name in {"severity", "since (UTC)", "fingerprint"})
    view.add_column("repeats", justify="right")
    for record in records:
        alert = record.alert
        messages = ", ".join(f"{channel}: {state}" for channel, state in record.deliveries.items())
        view.add_row(
            f"[{COLOURS[alert.severity]}]{alert.severity}[/]",
            f"{alert.since:%m-%d %H:%M}",
            escape(alert.title),
            escape(alert.fingerprint),
            escape(_state(record)),
            escape(messages or "none"),
            str(record.repeats),
        )
    return view


def _state(record: AlertRecord) -> str:
    if record.ended:
        return f"ended {record.ended:%m-%d %H:%M}"
    if record.acknowledged_by:
        return f"taken by {record.acknowledged_by}"
    if record.silenced_until:
        return f"silenced until {record.silenced_until:%m-%d %H:%M}"
    return "open"


def letters_table(letters: Sequence[DeadLetter]) -> RichTable:
    """Dead letters for people."""
    view = RichTable(title="dead letters", header_style="bold", pad_edge=False)
    for name in ("channel", "since (UTC)", "what", "why"):
        view.add_column(name)
    for letter in letters:
        view.add_row(
            *(escape(text) for text in (letter.channel, f"{letter.at:%m-%d %H:%M}", letter.title, letter.problem))
        )
    return view


def record_document(record: AlertRecord) -> Mapping[str, Any]:
    """An alert for programs."""
    alert = record.alert
    return {
        "fingerprint": alert.fingerprint,
        "kind": alert.kind.value,
        "severity": str(alert.severity),
        "title": alert.title,
        "since": alert.since.isoformat(),
        "ended": record.ended.isoformat() if record.ended else None,
        "repeats": record.repeats,
        "acknowledged_by": record.acknowledged_by or None,
        "silenced_until": record.silenced_until.isoformat() if record.silenced_until else None,
        "deliveries": dict(record.deliveries),
    }


def letter_document(letter: DeadLetter) -> Mapping[str, Any]:
    """A dead letter for programs."""
    return {
        "channel": letter.channel,
        "fingerprint": letter.fingerprint,
        "title": letter.title,
        "at": letter.at.isoformat(),
        "problem": letter.problem,
    }
