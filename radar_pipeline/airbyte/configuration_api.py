"""The Configuration API (``/api/v1``): every server has had it, and only it tells attempts and counts by table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from radar_pipeline.airbyte import wire
from radar_pipeline.airbyte.dialect import CheckOutcome, ServerFeatures
from radar_pipeline.airbyte.errors import AirbyteAnswerError, AirbyteRefusedError
from radar_pipeline.airbyte.http import Http
from radar_pipeline.domain.sync import SyncJob

# What a job of a connection can be. `refresh` and `clear` are unknown to servers before 0.57.2 and 0.59.1, which
# refuse a request that names them.
_OLD_KINDS = ("sync", "reset_connection")
_NEW_KINDS = (*_OLD_KINDS, "refresh", "clear")

# A job of 85 tables weighs 30 kB and takes a server milliseconds to put together; all but the newest few are too old.
_PAGE = 10
_STATUS_PAGE = 1000
_UNKNOWN_TO_SERVER = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}
_CHECK_WORDS = 400


class ConfigurationApi:
    """The dialect of the Configuration API, old and new."""

    def __init__(self, http: Http, connection_id: str, features: ServerFeatures) -> None:
        self._http = http
        self._connection_id = connection_id
        self._features = features
        self._kinds = _NEW_KINDS if features.is_modern else _OLD_KINDS

    def connection(self) -> wire.Connection:
        """The connection with its catalogue."""
        body = self._ask("connections/get", {"connectionId": self._connection_id})
        found = wire.connection_of(body)
        if found.workspace_id is None:
            source = self._ask("sources/get", {"sourceId": found.source_id})
            found = replace(found, workspace_id=source.get("workspaceId"))
        return found

    def jobs(self, since: dt.datetime, connection: wire.Connection) -> Iterator[SyncJob]:
        """Jobs of every kind, newest first: those created since a time, and older ones that still run."""
        offset = 0
        while True:
            page = wire.field(self._list(_PAGE, offset), "jobs")
            jobs = [wire.job_of(each.get("job"), each.get("attempts") or (), connection=connection) for each in page]
            yield from (job for job in jobs if job.created_at >= since or not job.status.is_final)
            if len(page) < _PAGE or jobs[-1].created_at < since:
                return
            offset += _PAGE

    def job(self, job_id: int, connection: wire.Connection, *, timeout: float | None = None) -> SyncJob:
        """One job with its attempts and counts by table.

        ``jobs/get`` carries up to a million log lines, so it is the last resort: old servers are asked for the list,
        which has the same without logs.
        """
        if self._features.is_modern:
            return self._modern_job(job_id, connection, timeout)
        for each in wire.field(self._list(_PAGE, 0, timeout=timeout), "jobs"):
            if wire.field(each, "job", "id") == job_id:
                return wire.job_of(each["job"], each.get("attempts") or (), connection=connection)
        body = self._ask("jobs/get", {"id": job_id}, timeout=timeout)
        return wire.job_of(wire.field(body, "job"), body.get("attempts") or (), connection=connection)

    def _modern_job(self, job_id: int, connection: wire.Connection, timeout: float | None) -> SyncJob:
        body = self._ask("jobs/get_without_logs", {"id": job_id}, timeout=timeout)
        job = wire.job_of(wire.field(body, "job"), body.get("attempts") or (), connection=connection)
        if connection.workspace_id is None:
            return job
        asked = {
            "workspaceId": connection.workspace_id,
            "connectionId": self._connection_id,
            "jobId": job_id,
            "pagination": {"pageSize": _STATUS_PAGE, "rowOffset": 0},
        }
        statuses = self._ask("stream_statuses/list", asked, timeout=timeout).get("streamStatuses") or ()
        states = wire.states_of(statuses, connection)
        return replace(job, attempts=wire.with_states(job.attempts, states, connection.selected))

    def start(self, timeout: float) -> SyncJob:
        """Asks, once, for a sync. A server up to 0.35.1 answers with the job that runs already, of whatever kind."""
        path, body = "/api/v1/connections/sync", {"connectionId": self._connection_id}
        answer = self._http.tell("POST", path, json=body, timeout=timeout)
        return wire.job_of(wire.field(answer, "job"))

    def cancel(self, job_id: int, timeout: float) -> None:
        """Asks for a job to be cancelled."""
        self._http.tell("POST", "/api/v1/jobs/cancel", json={"id": job_id}, timeout=timeout)

    def check(self, kind: str, connection: wire.Connection, timeout: float) -> CheckOutcome:
        """Has the server try the connection's source or destination. A failed check is an answer, not an error.

        Raises:
            AirbyteError: The check could not be carried out.
        """
        connector_id = connection.source_id if kind == "source" else connection.destination_id
        path = f"/api/v1/{kind}s/check_connection"
        answer = self._http.tell("POST", path, json={f"{kind}Id": connector_id}, timeout=timeout) or {}
        job = answer.get("jobInfo") or {}
        reason = job.get("failureReason") or {}
        words = answer.get("message") or reason.get("externalMessage") or reason.get("internalMessage")
        if answer.get("status") is None:
            # What current servers answer where the check itself crashed, which says nothing about the connector.
            message = f"Airbyte could not carry out its check of the {kind}: {words or 'no reason given'}"
            raise AirbyteAnswerError(message[:_CHECK_WORDS])
        succeeded = answer["status"] == "succeeded"
        fallback = "" if succeeded else "the check failed without a reason"
        return CheckOutcome(succeeded, str(words or fallback)[:_CHECK_WORDS])

    def _list(self, size: int, offset: int, *, timeout: float | None = None) -> Any:
        body = {
            "configTypes": list(self._kinds),
            "configId": self._connection_id,
            "pagination": {"pageSize": size, "rowOffset": offset},
        }
        try:
            return self._ask("jobs/list", body, timeout=timeout)
        except AirbyteRefusedError as error:
            if error.status not in _UNKNOWN_TO_SERVER or self._kinds == _OLD_KINDS:
                raise
            self._kinds = _OLD_KINDS
            return self._list(size, offset, timeout=timeout)

    def _ask(self, path: str, body: dict[str, Any], *, timeout: float | None = None) -> Any:
        return self._http.ask("POST", f"/api/v1/{path}", json=body, timeout=timeout) or {}
