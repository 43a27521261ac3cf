"""An alert: what a person is told when something is not as it should be, or is again.

What belongs here: the values. Which alerts the facts of a run or of the time of day lead to is decided by ``watching``,
where they go by ``routing``, what becomes of them over time by ``incident``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from radar_pipeline.domain.severity import Severity


class AlertKind(StrEnum):
    """What an alert is about. Each has a runbook page, ``docs/runbooks/<value with dashes>.md``."""

    SYNC_FAILED = "sync_failed"
    PARTIAL_SUCCESS = "partial_success"
    RUN_TOO_LONG = "run_too_long"
    VOLUME_ANOMALY = "volume_anomaly"
    CONNECTION_TIMEOUT = "connection_timeout"
    RESOURCE_EXHAUSTED = "resource_exhausted"
    SCHEMA_CHANGED = "schema_changed"
    NOT_FINISHED_IN_TIME = "not_finished_in_time"
    NO_SYNC = "no_sync"
    CATALOGUE_DRIFT = "catalogue_drift"
    LIFECYCLE_DRIFT = "lifecycle_drift"
    RETENTION_STOPPED = "retention_stopped"
    WATCHER_STOPPED = "watcher_stopped"
    CHANNEL_UNREACHABLE = "channel_unreachable"
    DAY_COMPLETE = "day_complete"
    TEST = "test"

    @property
    def runbook(self) -> str:
        """File name of its runbook page in ``docs/runbooks/``."""
        return f"{self.value.replace('_', '-')}.md"


@dataclass(frozen=True)
class AffectedTable:
    """One table that an alert is about.

    Attributes:
        name: Table name.
        critical: Whether it is critical.
        reason: Why it is named, in one sentence.
        rows_found: Rows that are there; None where nothing is.
        rows_expected: Least and most rows that would have been right; None where nothing says.
        owner: Who answers for it (``team:...`` or an address), empty where nobody is named.
        area: Its business area, empty where none is named.
        url: Its page in the Dagster UI; empty where the UI's address is not known.
    """

    name: str
    critical: bool = False
    reason: str = ""
    rows_found: int | None = None
    rows_expected: tuple[int, int] | None = None
    owner: str = ""
    area: str = ""
    url: str = ""


@dataclass(frozen=True)
class Link:
    """Somewhere to look.

    Attributes:
        label: What is there (``run``, ``Airbyte job 12``, ``runbook``).
        url: Where.
    """

    label: str
    url: str


@dataclass(frozen=True)
class Alert:
    """One thing to tell, about one cause.

    Attributes:
        fingerprint: What makes it the same alert when it is raised again (``ingest/2026-11-24``). PagerDuty's
            ``dedup_key`` and the key of the ledger.
        kind: What it is about.
        severity: How severe it is.
        title: One line: what happened.
        summary: One or two sentences: what it means.
        since: Since when, UTC.
        day: The partition that it is about; None where it is about none.
        tables: Tables concerned, critical ones first.
        cause: The likely cause in one sentence; empty where nothing says.
        next_step: What to do; empty where there is nothing to do.
        links: Where to look, most useful first; the runbook's is added when it is rendered.
        attempt: Which attempt failed, of how many (``attempt 2 of 3, the next at 02:45 UTC``); empty where it is no
            matter of attempts.
        follows: What else would have been told and follows from the same cause, in short phrases.
        numbers: Figures worth showing, label to text, in order.
    """

    fingerprint: str
    kind: AlertKind
    severity: Severity
    title: str
    summary: str
    since: dt.datetime
    day: dt.date | None = None
    tables: tuple[AffectedTable, ...] = ()
    cause: str = ""
    next_step: str = ""
    links: tuple[Link, ...] = ()
    attempt: str = ""
    follows: tuple[str, ...] = ()
    numbers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Resolution:
    """An alert's cause is gone.

    Attributes:
        fingerprint: Of the alert; one that ends with ``/`` means every open alert whose fingerprint begins with it.
        at: Since when, UTC.
        how: What shows it, in one sentence.
    """

    fingerprint: str
    at: dt.datetime
    how: str
