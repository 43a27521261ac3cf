"""JSON shapes of the Configuration API, old and new. Pure: records in, JSON out."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from radar_pipeline.local.airbyte_server.eras import Era
from radar_pipeline.local.airbyte_server.records import (
    Attempt,
    Connection,
    Connector,
    Failure,
    Job,
    LogLine,
    StreamCount,
)

MASK = "**********"
SECRET_FIELDS = frozenset({"password", "access_key_id", "secret_access_key"})
NAMES_OF_KINDS = {"source": "MySQL", "destination": "S3"}


def present(**fields: Any) -> dict[str, Any]:
    """The fields that have a value: servers from 0.39.10 on omit null ones."""
    return {name: value for name, value in fields.items() if value is not None}


def masked(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """A connector's settings as every answer shows them: secrets hidden."""
    return {key: MASK if key in SECRET_FIELDS else value for key, value in configuration.items()}


def unmasked(configuration: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that a client sent back, with each secret that it never saw put in again."""
    return {key: known.get(key) if value == MASK else value for key, value in configuration.items()}


def workspace_read(workspace: Mapping[str, Any], era: Era) -> dict[str, Any]:
    """WorkspaceRead."""
    return present(
        workspaceId=workspace["id"],
        customerId=workspace["id"],
        name=workspace["name"],
        slug=workspace["name"].lower().replace(" ", "-"),
        initialSetupComplete=True,
        organizationId=str(uuid.UUID(int=0)) if era.is_modern else None,
    )


def connector_read(connector: Connector, workspace_id: str, era: Era) -> dict[str, Any]:
    """SourceRead or DestinationRead."""
    kind = connector.kind
    return present(
        **{
            f"{kind}DefinitionId": connector.definition_id,
            f"{kind}Id": connector.id,
            f"{kind}Name": NAMES_OF_KINDS[kind],
        },
        workspaceId=workspace_id,
        connectionConfiguration=masked(connector.configuration),
        name=connector.name,
        createdAt=int(connector.created_at) if era.is_modern else None,
        status="active" if era.is_modern else None,
    )


def connection_read(connection: Connection, workspace_id: str, era: Era) -> dict[str, Any]:
    """ConnectionRead."""
    body = {
        "connectionId": connection.id,
        "name": connection.name,
        "sourceId": connection.source_id,
        "destinationId": connection.destination_id,
        "syncCatalog": connection.catalog,
        "status": connection.status,
        "operationIds": [],
        **connection.options,
    }
    if era.is_modern:
        body = {
            "scheduleType": "manual",
            "breakingChange": False,
            "nonBreakingChangesPreference": "ignore",
            "notifySchemaChanges": False,
            "notifySchemaChangesByEmail": False,
            "backfillPreference": "disabled",
            "workspaceId": workspace_id,
            "created_at": int(connection.created_at),
            "tags": [],
            **body,
        }
    return present(**body)


def job_read(job: Job, connection: Connection, era: Era, *, hydrated: bool) -> dict[str, Any]:
    """JobRead.

    Args:
        job: The job.
        connection: Its connection.
        era: Of which server.
        hydrated: Whether the answer sums rows over attempts: a current server does so in lists and in
            ``get_without_logs``, not in ``get`` and ``get_light``.
    """
    body = present(
        id=job.id,
        configType=job.kind,
        configId=job.connection_id,
        createdAt=int(job.created_at),
        updatedAt=int(job.updated_at),
        status=job.status,
    )
    if not era.is_modern:
        return body
    namespaces = connection.namespaces
    body["enabledStreams"] = [present(name=name, namespace=namespaces.get(name)) for name in job.streams]
    if job.started_at is not None:
        body["startedAt"] = int(job.started_at)
    if hydrated:
        streams = [
            {**_stream_name(count, connection, era), **_modern_stats(count)} for count in newest_counts(job).values()
        ]
        body["streamAggregatedStats"] = streams
        totals = ("recordsEmitted", "bytesEmitted", "recordsCommitted", "bytesCommitted", "recordsRejected")
        body["aggregatedStats"] = {key: sum(stream.get(key, 0) for stream in streams) for key in totals}
    return body


def newest_counts(job: Job) -> dict[str, StreamCount]:
    """The count of each table that a job-wide sum uses.

    For a full refresh that is the last attempt that has one, not the sum (StatsAggregationHelper of the platform).
    """
    return {count.stream: count for attempt in job.attempts for count in attempt.counts}


def attempt_read(attempt: Attempt, connection: Connection, era: Era, *, live: bool) -> dict[str, Any]:
    """AttemptRead.

    Args:
        attempt: The attempt.
        connection: Its connection.
        era: Of which server.
        live: Whether the answer is one that shows counts while the attempt runs. An old server never does: counts are
            part of the attempt's output, which is written at its end and not at all where the worker was lost.
    """
    body = present(
        id=attempt.number,
        status=attempt.status,
        createdAt=int(attempt.created_at),
        updatedAt=int(attempt.updated_at),
        endedAt=None if attempt.ended_at is None else int(attempt.ended_at),
    )
    has_output = attempt.ended_at is not None and not attempt.worker_lost
    if has_output or (era.is_modern and live):
        body |= _attempt_stats(attempt, connection, era, has_output=has_output)
    if attempt.failures:
        body["failureSummary"] = {
            "failures": [failure_read(failure, connection, era) for failure in attempt.failures],
            "partialSuccess": era.is_modern and attempt.committed > 0,
        }
    return body


def _attempt_stats(attempt: Attempt, connection: Connection, era: Era, *, has_output: bool) -> dict[str, Any]:
    counts = [count for count in attempt.counts if count.records]
    if era.is_modern:
        stats = [_modern_stats(count) for count in counts]
    else:
        stats = [_old_stats(count, succeeded=attempt.status == "succeeded") for count in counts]
    streams = [
        {**_stream_name(count, connection, era), "stats": numbers} for count, numbers in zip(counts, stats, strict=True)
    ]
    keys = dict.fromkeys(key for numbers in stats for key in numbers)
    totals = {key: sum(numbers.get(key, 0) for numbers in stats) for key in keys}
    body: dict[str, Any] = {"totalStats": totals or {"recordsEmitted": 0, "bytesEmitted": 0}, "streamStats": streams}
    if has_output:
        body["bytesSynced"] = sum(count.bytes for count in counts)
        body["recordsSynced"] = sum(count.records for count in counts)
    return body


def _stream_name(count: StreamCount, connection: Connection, era: Era) -> dict[str, Any]:
    if era.is_modern:
        return present(streamName=count.stream, streamNamespace=connection.namespaces.get(count.stream))
    # Server 0.39 counts after name mapping, so the prefix is part of the name.
    return {"streamName": f"{connection.options.get('prefix') or ''}{count.stream}"}


def _old_stats(count: StreamCount, *, succeeded: bool) -> dict[str, Any]:
    # A full refresh sends no state messages, so what a failed attempt committed is unknown to an old server.
    stats = {"recordsEmitted": count.records, "bytesEmitted": count.bytes, "stateMessagesEmitted": 0}
    return {**stats, "recordsCommitted": count.records} if succeeded else stats


def _modern_stats(count: StreamCount) -> dict[str, Any]:
    is_complete = count.state == "complete"
    return {
        "recordsEmitted": count.records,
        "bytesEmitted": count.bytes,
        "recordsCommitted": count.records if is_complete else 0,
        "bytesCommitted": count.bytes if is_complete else 0,
        "recordsRejected": 0,
    }


def failure_read(failure: Failure, connection: Connection, era: Era) -> dict[str, Any]:
    """FailureReason. Its timestamp is in milliseconds, unlike every other time."""
    stream = None
    if era.is_modern and failure.stream:
        stream = present(name=failure.stream, namespace=connection.namespaces.get(failure.stream))
    return present(
        failureOrigin=failure.origin,
        failureType=failure.type,
        externalMessage=failure.message,
        internalMessage=failure.detail,
        stacktrace=f"io.airbyte.workers.exception.WorkerException: {failure.detail}",
        retryable=failure.type != "manual_cancellation",
        timestamp=int(failure.at * 1000),
        streamDescriptor=stream,
    )


def logs_read(lines: Sequence[LogLine], era: Era) -> dict[str, Any]:
    """The logs of an attempt: ``logLines`` in the old era, structured events since 1.2."""
    if not era.is_modern:
        return {"logs": {"logLines": [_formatted(line) for line in lines]}}
    if not lines:
        return {"logType": "formatted", "logs": {"logLines": []}}
    events = [
        {"timestamp": int(line.at * 1000), "message": line.message, "level": line.level, "logSource": line.source}
        for line in lines
    ]
    return {"logType": "structured", "logs": {"events": events, "version": "1"}}


def _formatted(line: LogLine) -> str:
    at = dt.datetime.fromtimestamp(line.at, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
    speaker = "" if line.source == "platform" else f"{line.source} > "
    return f"{at} {line.level} {speaker}{line.message}"


def stream_statuses(job: Job, connection: Connection, workspace_id: str) -> list[dict[str, Any]]:
    """StreamStatusRead of every table of every attempt of a job."""
    return [
        present(
            id=str(uuid.uuid5(uuid.UUID(connection.id), f"{job.id}/{attempt.number}/{count.stream}")),
            workspaceId=workspace_id,
            connectionId=connection.id,
            jobId=job.id,
            attemptNumber=attempt.number,
            streamName=count.stream,
            streamNamespace=connection.namespaces.get(count.stream),
            jobType="SYNC" if job.kind == "sync" else "RESET",
            runState=count.state.upper(),
            incompleteRunCause=_incomplete_cause(job, count),
            transitionedAt=int(count.updated_at * 1000),
        )
        for attempt in job.attempts
        for count in attempt.counts
    ]


def _incomplete_cause(job: Job, count: StreamCount) -> str | None:
    if count.state != "incomplete":
        return None
    return "CANCELED" if job.status == "cancelled" else "FAILED"
