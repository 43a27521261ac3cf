"""The reasons for failure that Airbyte gives, and which tables they are about. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from radar_pipeline.domain.redaction import Redactor

if TYPE_CHECKING:
    from radar_pipeline.airbyte.wire import Connection

_WORDS_AT_MOST = 300

# Only these speak of a single table; what goes wrong on the platform's side is about all of them.
_ENDS = {"source", "destination"}


def failure_words(failure: Mapping[str, Any]) -> str | None:
    """A FailureReason in one line, shortened; None where it says nothing.

    Connectors quote rows ("Duplicate entry 'ana@...'"), and what is told here ends in logs and check descriptions:
    personal data is taken out at the door.
    """
    # The external message is often no more than "something went wrong"; the internal one names the cause.
    told = (failure.get("externalMessage"), failure.get("internalMessage"))
    words = " | ".join(dict.fromkeys(str(each) for each in told if each))
    if not words:
        return None
    stream = (failure.get("streamDescriptor") or {}).get("name")
    where = ", ".join(str(part) for part in (failure.get("failureOrigin"), stream) if part)
    text = Redactor().text(" ".join((f"{where}: {words}" if where else words).split()))
    return text if len(text) <= _WORDS_AT_MOST else f"{text[:_WORDS_AT_MOST]}…"


def table_failures_of(summary: Mapping[str, Any] | None, connection: Connection) -> dict[str, str]:
    """Words of an AttemptFailureSummary by table, for the tables that its failures name.

    Current servers name the table of a failure. Older ones have only the connector's words, which count where they
    name a table as such; a table called ``order`` is not meant by every order.
    """
    found: dict[str, str] = {}
    for failure in (summary or {}).get("failures") or ():
        words = failure_words(failure)
        if words is None:
            continue
        stream = (failure.get("streamDescriptor") or {}).get("name")
        if stream:
            found.setdefault(connection.table_of(str(stream)), words)
        elif failure.get("failureOrigin") in _ENDS:
            for table in _named(words, connection.selected):
                found.setdefault(table, words)
    return found


def _named(words: str, tables: Iterable[str]) -> list[str]:
    quoted = set(_QUOTED.findall(words)) | set(_CALLED.findall(words))
    return [table for table in tables if table in quoted]


# 'store', `radar`.`store`, "radar.store", table store, stream store; but neither column 'store' nor user 'login'@'%'.
_QUOTED = re.compile(
    r"""(?<!column )(?<!user )(?<!key )(?<!entry )(?<!database )"""
    r"""(?:(?<=\.)|(?<!\w))[`'"](?:\w+\.)?(\w+)[`'"](?!\s*[@.])""",
    re.IGNORECASE,
)
_CALLED = re.compile(r"\b(?:table|stream) (?:\w+\.)?(\w+)", re.IGNORECASE)
