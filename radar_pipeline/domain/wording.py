"""How alerts speak of lengths of time, numbers of things and lists of names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from radar_pipeline.domain.facts import DayNumbers


def length(span: dt.timedelta) -> str:
    """A length of time for a person: ``1 h 52 min``, ``3 min 12 s``, ``42 s``."""
    seconds = max(0, round(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min" + (f" {seconds % 60} s" if seconds % 60 else "")
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    return f"{hours} h" + (f" {minutes} min" if minutes else "")


def plural(number: int, one: str, many: str) -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else many}"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Names in a row, the first few and how many more: ``a, b and 3 more``."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def some(names: Sequence[str], most: int = 8) -> str:
    """Names in a list that may go on: ``a, b``, or the first few ``and 3 more``."""
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def changes(today: DayNumbers, yesterday: DayNumbers | None) -> Mapping[str, str]:
    """A day's figures beside those of the day before."""

    def against(now: int, what: str) -> str:
        before: int = getattr(yesterday, what) if yesterday else 0
        if not before:
            return ""
        return f" ({(now - before) / before:+.1%} against the day before)" if now != before else " (as the day before)"

    told = {
        "tables": f"{today.tables}" + against(today.tables, "tables"),
        "rows": f"{today.rows:,}" + against(today.rows, "rows"),
        "size": f"{today.bytes / 1e6:,.1f} MB" + against(today.bytes, "bytes"),
    }
    if today.seconds is not None:
        before = yesterday.seconds if yesterday else None
        was = f" (the day before: {length(dt.timedelta(seconds=before))})" if before is not None else ""
        told["duration"] = length(dt.timedelta(seconds=today.seconds)) + was
    if today.airbyte_job is not None:
        told["Airbyte job"] = str(today.airbyte_job)
    return told
