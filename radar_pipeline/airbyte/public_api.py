"""The public API (``/api/public/v1``), for servers that expose nothing else: no attempts, no tables' counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from radar_pipeline.airbyte import wire
from radar_pipeline.airbyte.dialect import CheckOutcome
from radar_pipeline.airbyte.errors import AirbyteError
from radar_pipeline.airbyte.http import Http
from radar_pipeline.domain.sync import SyncJob

_ROOT = "/api/public/v1"
_PAGE = 50


class PublicApi:
    """The dialect of the public API."""

    def __init__(self, http: Http, connection_id: str) -> None:
        self._http = http
        self._connection_id = connection_id

    def connection(self) -> wire.Connection:
        """The connection with the tables that it syncs."""
        return wire.public_connection_of(self._http.ask("GET", f"{_ROOT}/connections/{self._connection_id}"))

    def jobs(self, since: dt.datetime, connection: wire.Connection) -> Iterator[SyncJob]:  # noqa: ARG002
        """Jobs of every kind, newest first: those created since a time, and older ones that still run."""
        offset = 0
        while True:
            query: dict[str, Any] = {
                "connectionId": self._connection_id,
                "limit": _PAGE,
                "offset": offset,
                "orderBy": "createdAt|DESC",
            }
            page = wire.field(self._http.ask("GET", f"{_ROOT}/jobs", params=query), "data")
            jobs = [wire.public_job_of(each) for each in page]
            yield from (job for job in jobs if job.created_at >= since or not job.status.is_final)
            # `next` is filled on every page that is not empty, so only the page itself tells the end.
            if len(page) < _PAGE or jobs[-1].created_at < since:
                return
            offset += _PAGE

    def job(self, job_id: int, connection: wire.Connection, *, timeout: float | None = None) -> SyncJob:  # noqa: ARG002
        """One job."""
        return wire.public_job_of(self._http.ask("GET", f"{_ROOT}/jobs/{job_id}", timeout=timeout))

    def start(self, timeout: float) -> SyncJob:
        """Asks, once, for a sync."""
        body = {"connectionId": self._connection_id, "jobType": "sync"}
        return wire.public_job_of(self._http.tell("POST", f"{_ROOT}/jobs", json=body, timeout=timeout))

    def cancel(self, job_id: int, timeout: float) -> None:
        """Asks for a job to be cancelled."""
        self._http.tell("DELETE", f"{_ROOT}/jobs/{job_id}", timeout=timeout)

    def check(self, kind: str, connection: wire.Connection, timeout: float) -> CheckOutcome:  # noqa: ARG002
        """The public API has no connection checks."""
        message = f"this server offers no check of a {kind}: its Configuration API (/api/v1) is not exposed"
        raise AirbyteError(message)
