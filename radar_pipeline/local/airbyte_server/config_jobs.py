"""Jobs in the Configuration API: start, read, list, cancel, and what became of each table."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from radar_pipeline.local.airbyte_server import wire
from radar_pipeline.local.airbyte_server.clock import parse_time
from radar_pipeline.local.airbyte_server.errors import invalid
from radar_pipeline.local.airbyte_server.operations import (
    CONNECTION_ID,
    JOB_ID,
    MODERN,
    WORKSPACE_ID,
    Answer,
    Body,
    Operation,
)
from radar_pipeline.local.airbyte_server.queries import JobQuery
from radar_pipeline.local.airbyte_server.records import Job
from radar_pipeline.local.airbyte_server.services import Services


def _start(kind: str) -> Callable[[Services, Body], Answer]:
    def run(services: Services, body: Body) -> Answer:
        return _job_info(services, services.start(body["connectionId"], kind))

    return run


def _refresh(services: Services, body: Body) -> Answer:
    job = services.start(body["connectionId"], "refresh")
    connection = services.connection(job.connection_id)
    return {"job": wire.job_read(job, connection, services.era, hydrated=False)}


def _job_info(services: Services, job: Job, *, logs: bool = True) -> Answer:
    connection = services.connection(job.connection_id)
    attempts = []
    for attempt in job.attempts:
        info: Answer = {"attempt": wire.attempt_read(attempt, connection, services.era, live=not logs)}
        if logs:
            info |= wire.logs_read(services.ledger.logs(job.id, attempt.number), services.era)
        attempts.append(info)
    return {"job": wire.job_read(job, connection, services.era, hydrated=not logs), "attempts": attempts}


def _get(services: Services, body: Body) -> Answer:
    return _job_info(services, services.job(body["id"]))


def _get_without_logs(services: Services, body: Body) -> Answer:
    return _job_info(services, services.job(body["id"]), logs=False)


def _get_light(services: Services, body: Body) -> Answer:
    job = services.job(body["id"])
    return {"job": wire.job_read(job, services.connection(job.connection_id), services.era, hydrated=False)}


def _get_last(services: Services, body: Body) -> Answer:
    jobs, _ = services.ledger.find(JobQuery(connection_id=body["connectionId"], limit=1))
    return {"job": _get_light(services, {"id": jobs[0].id})["job"]} if jobs else {}


def _cancel(services: Services, body: Body) -> Answer:
    # The signal goes to the workflow of the connection: a stale job id cancels whatever runs now.
    job = services.job(body["id"])
    services.runner.cancel(job.connection_id)
    return _job_info(services, services.job(job.id))


def _list(services: Services, body: Body) -> Answer:
    pages = body.get("pagination") or {}

    def moment(name: str) -> float | None:
        text = body.get(name) if services.era.is_modern else None
        try:
            return None if text is None else parse_time(text)
        except (ValueError, TypeError):
            raise invalid((name, "must be a date-time", text)) from None

    query = JobQuery(
        connection_id=body.get("configId"),
        kinds=tuple(body["configTypes"]),
        statuses=tuple(body.get("statuses") or ()) if services.era.is_modern else (),
        created_from=moment("createdAtStart"),
        created_to=moment("createdAtEnd"),
        updated_from=moment("updatedAtStart"),
        updated_to=moment("updatedAtEnd"),
        order_by="updated_at" if body.get("orderByField") == "updatedAt" else "created_at",
        newest_first=body.get("orderByMethod") != "ASC",
        limit=pages.get("pageSize") or 200,
        offset=pages.get("rowOffset") or 0,
    )
    jobs, total = services.ledger.find(query)
    reads = []
    for job in jobs:
        connection = services.connection(job.connection_id)
        attempts = [wire.attempt_read(each, connection, services.era, live=True) for each in job.attempts]
        reads.append({"job": wire.job_read(job, connection, services.era, hydrated=True), "attempts": attempts})
    return {"jobs": reads, **({"totalJobCount": total} if services.era.is_modern else {})}


def _stream_statuses(services: Services, body: Body) -> Answer:
    if body.get("jobId"):
        jobs: tuple[Job, ...] = (services.job(body["jobId"]),)
    else:
        jobs, _ = services.ledger.find(JobQuery(connection_id=body.get("connectionId")))
    statuses = [
        status
        for job in jobs
        for status in wire.stream_statuses(job, services.connection(job.connection_id), services.workspace["id"])
        if all(status.get(name) == body[name] for name in ("attemptNumber", "streamName", "jobType") if name in body)
    ]
    pages = body.get("pagination") or {}
    start = pages.get("rowOffset") or 0
    return {"streamStatuses": statuses[start : start + (pages.get("pageSize") or len(statuses))]}


_STREAMS = {**CONNECTION_ID, "streams": "list"}
_RESET = _start("reset_connection")
_CLEAR = _start("clear")

OPERATIONS: Mapping[str, Operation] = {
    "connections/sync": Operation(_start("sync"), CONNECTION_ID),
    "connections/reset": Operation(_RESET, CONNECTION_ID),
    "connections/reset/stream": Operation(_RESET, _STREAMS, MODERN),
    "connections/clear": Operation(_CLEAR, CONNECTION_ID, MODERN),
    "connections/clear/stream": Operation(_CLEAR, _STREAMS, MODERN),
    "connections/refresh": Operation(_refresh, {**CONNECTION_ID, "refreshMode": "str"}, MODERN),
    "jobs/get": Operation(_get, JOB_ID),
    "jobs/get_without_logs": Operation(_get_without_logs, JOB_ID, MODERN),
    "jobs/get_light": Operation(_get_light, JOB_ID, MODERN),
    "jobs/get_last_replication_job": Operation(_get_last, CONNECTION_ID, MODERN),
    "jobs/list": Operation(_list, {"configTypes": "list"}),
    "jobs/cancel": Operation(_cancel, JOB_ID),
    "stream_statuses/list": Operation(_stream_statuses, WORKSPACE_ID, MODERN),
}
