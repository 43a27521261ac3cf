"""What channels over HTTP have in common."""

from __future__ import annotations

import datetime as dt
import email.utils
from collections.abc import Mapping

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def never_left(error: BaseException | None) -> bool:
    """Whether an error shows that no connection came about, so that nothing was sent.

    Clients wrap the reason: requests in urllib3's, urllib in ``URLError.reason``.
    """
    seen = 0
    while error is not None and seen < 10:
        name = type(error).__name__
        if isinstance(error, ConnectionRefusedError) or name in {"gaierror", "NewConnectionError", "ConnectTimeout"}:
            return True
        inner = getattr(error, "reason", None) or error.__cause__ or error.__context__
        if not isinstance(inner, BaseException):
            inner = next((each for each in error.args if isinstance(each, BaseException)), None)
        error, seen = inner, seen + 1
    return False


def seconds_to_wait(headers: Mapping[str, str], default: float = 30.0) -> float:
    """What ``Retry-After`` says, in seconds or as a date, a second to an hour; the default where it says none."""
    said = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    try:
        seconds = float(said)
    except ValueError:
        try:
            seconds = (email.utils.parsedate_to_datetime(said) - dt.datetime.now(dt.UTC)).total_seconds()
        except (ValueError, TypeError):
            return default
    return min(max(seconds, 1.0), 3600.0)
