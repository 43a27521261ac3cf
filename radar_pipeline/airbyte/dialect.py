"""What the two APIs of Airbyte have in common, and what a server turned out to offer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from radar_pipeline.airbyte.wire import Connection
from radar_pipeline.domain.sync import SyncJob


@dataclass(frozen=True)
class ServerFeatures:
    """What a server offers, found out by asking it.

    Attributes:
        configuration_api: Whether ``/api/v1`` is there.
        public_api: Whether ``/api/public/v1`` is there (0.50.54 and later).
        version: Its version, where it tells (0.50.9 and later).
    """

    configuration_api: bool
    public_api: bool
    version: str | None = None

    @property
    def is_modern(self) -> bool:
        """Whether it has light job answers and outcomes by table (0.44.6 and later; shown here from 0.50.9 on)."""
        return self.public_api or self.version is not None


@dataclass(frozen=True)
class CheckOutcome:
    """What became of a connection check.

    Attributes:
        succeeded: Whether the connector could do its work.
        message: The server's words; empty where it has none.
    """

    succeeded: bool
    message: str


class Dialect(Protocol):
    """One API of a server, about one connection."""

    def connection(self) -> Connection:
        """The connection."""

    def jobs(self, since: dt.datetime, connection: Connection) -> Iterable[SyncJob]:
        """Jobs of every kind created since a time, and older ones that still run; newest first."""

    def job(self, job_id: int, connection: Connection, *, timeout: float | None = None) -> SyncJob:
        """One job, with all that the server tells about it."""

    def start(self, timeout: float) -> SyncJob:
        """Asks, once, for a sync."""

    def cancel(self, job_id: int, timeout: float) -> None:
        """Asks for a job to be cancelled."""

    def check(self, kind: str, connection: Connection, timeout: float) -> CheckOutcome:
        """Tries the ``source`` or the ``destination``."""
