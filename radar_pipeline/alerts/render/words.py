"""What messages of all channels say alike."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from radar_pipeline.domain.alert import AffectedTable, Alert, AlertKind, Link
from radar_pipeline.domain.incident import Message, Step

# The steps that tell an incident's state in full; the others only say what happened to it.
FULL = frozenset({Step.RAISED, Step.UPDATED, Step.ESCALATED, Step.TOLD})

_NO_RUNBOOK = frozenset({AlertKind.DAY_COMPLETE, AlertKind.TEST})


@dataclass(frozen=True)
class Presentation:
    """What messages say about where they come from.

    Attributes:
        environment: Name of the environment; told wherever it is not production.
        runbooks_url: Where the runbooks are published; empty where they are only in the repository.
    """

    environment: str = "production"
    runbooks_url: str = ""


def heading(message: Message, presentation: Presentation) -> str:
    """First line of a message."""
    alert = message.alert
    words = {Step.RESOLVED: "RESOLVED", Step.ACKNOWLEDGED: "ACKNOWLEDGED", Step.REPEATED: f"STILL {alert.severity}"}
    where = "" if presentation.environment == "production" else f"[{presentation.environment}] "
    title = one_line(alert.title) or alert.kind.value.replace("_", " ")
    if message.step is Step.TOLD:
        return f"{where}{title}"
    return f"{where}{words.get(message.step, str(alert.severity))}: {title}"


def event(message: Message) -> str:
    """What happened to an incident, for the steps that do not tell its state in full; else empty."""
    note, at = message.note.strip().rstrip("."), when(message.at)
    return {
        Step.RESOLVED: f"Resolved at {at}: {note}." if note else f"Resolved at {at}.",
        Step.ACKNOWLEDGED: f"Acknowledged by {note or 'somebody'} at {at}.",
        Step.REPEATED: f"Still so at {at}: raised {message.raised:,} times since {when(message.opened_at)}.",
        Step.ESCALATED: f"Escalated at {at}: {note}.",
        Step.UPDATED: f"Changed at {at}.",
    }.get(message.step, "")


def facts(message: Message) -> tuple[tuple[str, str], ...]:
    """Short facts about an alert, label and value."""
    alert = message.alert
    critical = sum(table.critical for table in alert.tables)
    count = f"{len(alert.tables):,}" + (f", {critical:,} critical" if critical else "")
    found = (
        ("Since", when(alert.since)),
        ("Day", alert.day.isoformat() if alert.day else ""),
        ("Tables", count if alert.tables else ""),
        ("Attempt", alert.attempt),
        ("Raised", f"{message.raised:,} times" if message.raised > 1 else ""),
    )
    return tuple((label, value) for label, value in found if value)


def ordered_tables(alert: Alert) -> tuple[AffectedTable, ...]:
    """The tables, critical ones first."""
    return tuple(sorted(alert.tables, key=lambda table: not table.critical))


def table_lines(tables: Sequence[AffectedTable]) -> list[str]:
    """What there is to say of each table. A reason that many share is said of the first; the others point to that."""
    first: dict[str, str] = {}
    lines = []
    for table in tables:
        reason = one_line(table.reason)
        known = first.setdefault(reason, one_line(table.name)) if reason else ""
        again = known and known != one_line(table.name)
        lines.append(_table_line(replace(table, reason=f"as {known}") if again else table))
    return lines


def _table_line(table: AffectedTable) -> str:
    """What there is to say of one table."""
    parts = []
    if table.rows_found is not None or table.rows_expected is not None:
        parts.append(_rows(table))
    if table.reason:
        parts.append(one_line(table.reason))
    name = f"{one_line(table.name)}{' (critical)' if table.critical else ''}"
    return f"{name}: {'; '.join(parts)}" if parts else name


def fitted(
    lines: list[str], *, at_most: int, characters: int, size: Callable[[str], int] = len
) -> tuple[list[str], int]:
    """The first lines that fit, and how many do not.

    Args:
        lines: All lines.
        at_most: How many lines fit.
        characters: How many characters fit, a line break for each line included.
        size: Length of a line as the channel counts it.
    """
    kept, room = [], characters
    for line in lines[:at_most]:
        room -= size(line) + 1
        if room < 0:
            break
        kept.append(line)
    return kept, len(lines) - len(kept)


def runbook(alert: Alert, presentation: Presentation) -> Link | None:
    """Where the runbook of an alert is; a path in the repository where it is not published. None where it has none."""
    if alert.kind in _NO_RUNBOOK:
        return None
    base = presentation.runbooks_url.rstrip("/") or "docs/runbooks"
    return Link("runbook", f"{base}/{alert.kind.runbook}")


def links(alert: Alert, presentation: Presentation) -> tuple[Link, ...]:
    """Where to look: the alert's own links, then its runbook."""
    page = runbook(alert, presentation)
    return (*alert.links, page) if page else alert.links


def is_web(url: str) -> bool:
    """Whether a text can be opened as a link."""
    return url.startswith(("http://", "https://")) and not any(each in url for each in ' \n\t"<>')


def when(moment: dt.datetime) -> str:
    """A time for a person."""
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def one_line(text: str) -> str:
    """A text without line breaks and doubled blanks."""
    return " ".join(text.split())


def clip(text: str, limit: int) -> str:
    """A text of at most so many characters; what is cut shows."""
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def _rows(table: AffectedTable) -> str:
    found = "no rows" if not table.rows_found else f"{table.rows_found:,} rows"
    if table.rows_expected is None:
        return found
    low, high = table.rows_expected
    expected = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    return f"{found}, {expected} expected"
