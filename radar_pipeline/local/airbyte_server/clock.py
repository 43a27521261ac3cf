"""The server's clock, which can be moved: the real one plus an offset that survives a restart."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable


class ServerClock:
    """Tells the time by which the server writes everything.

    Args:
        offset: Seconds ahead of the real clock.
        keep: Called with each new offset, to make it survive a restart.
    """

    def __init__(self, offset: float = 0.0, keep: Callable[[float], None] | None = None) -> None:
        self._offset = offset
        self._keep = keep

    @property
    def offset(self) -> float:
        """Seconds ahead of the real clock."""
        return self._offset

    def now(self) -> float:
        """Epoch seconds by this clock."""
        return time.time() + self._offset

    def move(self, *, offset: float | None = None, now: str | None = None) -> None:
        """Sets the clock by an offset in seconds or by the time it shall show (ISO 8601, UTC where no zone is given).

        Raises:
            ValueError: Neither or no time.
        """
        if offset is None:
            if now is None:
                msg = 'give {"offset_seconds": number} or {"now": "2026-11-23T02:00:00Z"}'
                raise ValueError(msg)
            offset = parse_time(now) - time.time()
        self._offset = float(offset)
        if self._keep:
            self._keep(self._offset)


def parse_time(text: str) -> float:
    """Epoch seconds of an ISO 8601 time; UTC where it names no zone.

    Raises:
        ValueError: Where it is no time.
    """
    moment = dt.datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()


def iso(epoch: float) -> str:
    """ISO 8601 with whole seconds and ``Z``."""
    return dt.datetime.fromtimestamp(int(epoch), dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_to_next_midnight(epoch: float) -> float:
    """Seconds from a moment to the next midnight UTC."""
    return 86400.0 - epoch % 86400.0
