"""What a worker's events mean: counts, log lines, and how the attempt ended."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from radar_pipeline.local.airbyte_server.records import Failure, LogLine, StreamCount


@dataclass(frozen=True)
class Ending:
    """How an attempt ended.

    Attributes:
        status: ``succeeded``, ``failed`` or ``cancelled``.
        failures: Why, where it failed.
        worker_lost: Whether the worker died before it could report.
    """

    status: str
    failures: tuple[Failure, ...] = ()
    worker_lost: bool = False


def read_event(line: str) -> dict[str, Any] | None:
    """The event on a line of the worker's output, or None where the line is none."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None


class Tally:
    """Adds up the events of one attempt.

    Args:
        tables: Tables that the attempt is to copy.
    """

    def __init__(self, tables: Sequence[str]) -> None:
        self._open = dict.fromkeys(tables)
        self._failures: list[Failure] = []
        self.done = 0

    def take(self, event: dict[str, Any], now: float) -> tuple[StreamCount | None, LogLine | None]:
        """Takes in one event: the count that it changes and the line that it is worth in the log."""
        kind = event["event"]
        table = event.get("table")
        if table is None:
            return None, self._take_overall(kind, event, now)
        rows, size = int(event.get("rows", 0)), int(event.get("bytes", 0))
        if kind == "table_started":
            line = LogLine(now, "INFO", "source", f"Starting stream {table}")
            return StreamCount(table, 0, 0, "running", now), line
        if kind == "table_progress":
            line = LogLine(now, "INFO", "source", f"Reading stream {table}. Records read: {rows}")
            return StreamCount(table, rows, size, "running", now), line
        if kind == "table_done":
            self._open.pop(table, None)
            self.done += 1
            message = f"Stream {table} complete: {rows} records, {len(event.get('files', ()))} files"
            return StreamCount(table, rows, size, "complete", now), LogLine(now, "INFO", "destination", message)
        if kind == "table_failed":
            self._open.pop(table, None)
            self._failures.append(_failure(event, now, table))
            line = LogLine(now, "ERROR", event.get("origin", "source"), f"Stream {table} failed: {event['message']}")
            return StreamCount(table, rows, size, "incomplete", now), line
        return None, None

    def _take_overall(self, kind: str, event: dict[str, Any], now: float) -> LogLine | None:
        if kind == "failed":
            self._failures.append(_failure(event, now, None))
            return LogLine(now, "ERROR", event.get("origin", "source"), str(event["message"]))
        if kind == "finished":
            message = f"sync summary: recordsEmitted={event.get('rows')} bytesEmitted={event.get('bytes')}"
            return LogLine(now, "INFO", "platform", message)
        return None

    def end(self, exit_code: int, now: float) -> Ending:
        """How the attempt ended, from the worker's exit code (negative: killed by that signal)."""
        if exit_code < 0:
            return Ending("failed", (*self._failures, _lost(-exit_code, now)), worker_lost=True)
        if self._failures:
            return Ending("failed", tuple(self._failures))
        if exit_code == 0 and not self._open:
            return Ending("succeeded")
        detail = f"Worker exited with code {exit_code}; not reported: {', '.join(self._open) or 'none'}"
        message = "Something went wrong during replication"
        return Ending("failed", (Failure("replication", "system_error", message, detail, now),))


def _failure(event: dict[str, Any], now: float, stream: str | None) -> Failure:
    origin = event.get("origin", "source")
    message = str(event.get("message", "no reason given"))
    return Failure(origin, "system_error", f"Something went wrong within the {origin} connector", message, now, stream)


def _lost(number: int, now: float) -> Failure:
    # A container that the kernel's out-of-memory killer ends is seen by Airbyte as exit code 137 of the destination,
    # whose Parquet buffers are what grows.
    detail = f"Destination process exited with non-zero exit code {128 + number}"
    if number == signal.SIGKILL:
        detail += " (OOMKilled: the worker ran out of memory)"
    return Failure("destination", "system_error", "Something went wrong within the destination connector", detail, now)


def cancelled(now: float, failures: Sequence[Failure] = ()) -> Ending:
    """The job was cancelled. What tables had failed with by then stays known (FailureHelper of the platform)."""
    text = "This attempt was cancelled"
    known = tuple(failure for failure in failures if failure.stream)
    return Ending("cancelled", (*known, Failure("unknown", "manual_cancellation", text, text, now)))


def platform_failure(detail: str, now: float) -> Failure:
    """Something that is neither the source's nor the destination's fault."""
    return Failure("airbyte_platform", "system_error", "Something went wrong within the airbyte platform", detail, now)


def interrupted(now: float) -> Ending:
    """The server went away under a running attempt."""
    detail = "The server was restarted while the attempt ran and its worker is gone"
    return Ending("failed", (platform_failure(detail, now),), worker_lost=True)
