"""What can be wrong with a request, and how each API of each era says so."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from radar_pipeline.local.airbyte_server.eras import Era

_PROBLEM_TYPES = "https://reference.airbyte.com/reference/errors"


@dataclass
class ApiError(Exception):
    """A request that is answered with an error.

    Attributes:
        status: HTTP status on a current server.
        message: What is wrong.
        old_status: HTTP status of server 0.39 where it differs.
        title: Title of the public API's problem.
        exception: Java class that an old server names.
        data: Data of the public API's problem.
        is_known: Whether a current Configuration API server keeps the message; it hides all others behind an id.
        fields: Names of missing or wrong fields, with what is wrong.
    """

    status: int
    message: str
    old_status: int | None = None
    title: str = "unexpected-problem"
    exception: str = "java.lang.RuntimeException"
    data: dict[str, Any] | None = None
    is_known: bool = False
    fields: tuple[tuple[str, str, Any], ...] = ()


def not_found(resource_id: object, kind: str) -> ApiError:
    """An id that names nothing."""
    return ApiError(
        404,
        f"Could not find configuration for {kind}: {resource_id}.",
        title="resource-not-found",
        exception="io.airbyte.config.persistence.ConfigNotFoundException",
        data={"resourceType": kind.lower(), "resourceId": str(resource_id)},
    )


def no_such_path(path: str) -> ApiError:
    """An operation that a server of this era does not have."""
    return ApiError(404, f"Object not found: /api/v1/{path}", exception="io.airbyte.server.errors.NotFoundException")


def no_such_job(job_id: object) -> ApiError:
    """A job number that names nothing: an old server calls that an internal error."""
    return ApiError(404, f"Could not find job with id: {job_id}", old_status=500, title="resource-not-found")


def invalid(*fields: tuple[str, str, Any]) -> ApiError:
    """Fields that break the schema of the body: name, what is wrong, value."""
    said = "; ".join(f"{name} {problem}" for name, problem, _ in fields)
    return ApiError(
        400,
        "Some properties contained invalid input.",
        title="bad-request",
        exception="javax.validation.ConstraintViolationException",
        data={"message": said},
        fields=fields,
    )


def malformed() -> ApiError:
    """A body that is no JSON object."""
    return ApiError(
        422,
        "Invalid json. Unable to process the request.",
        title="unprocessable-entity",
        exception="com.fasterxml.jackson.core.JsonParseException",
    )


def unprocessable(message: str) -> ApiError:
    """A request that is understood and cannot be done."""
    return ApiError(422, message, title="unprocessable-entity", is_known=True, data={"message": message})


def conflict(message: str) -> ApiError:
    """A job stands in the way. Server 0.39 answers that with HTTP 500."""
    return ApiError(
        409,
        message,
        old_status=500,
        title="try-again-later",
        exception="java.lang.IllegalStateException",
        is_known=True,
        data={"message": message},
    )


def not_running(job_id: object) -> ApiError:
    """A job that has ended, or never was, cannot be cancelled through the public API."""
    message = "Job is not currently running"
    return ApiError(409, message, title="state-conflict", data={"message": message, "jobId": str(job_id)})


def internal(message: str) -> ApiError:
    """Something broke in the server."""
    return ApiError(500, message, data={"message": message})


def unauthorized() -> ApiError:
    """No or a wrong user, password or token."""
    return ApiError(401, "Unauthorized", title="unauthorized", is_known=True)


def config_body(error: ApiError, era: Era) -> tuple[int, dict[str, Any]]:
    """Status and body of an error of the Configuration API."""
    if era.is_modern:
        body: dict[str, Any] = {"errorId": str(uuid.uuid4())}
        return error.status, {"message": error.message, **body} if error.is_known else body
    status = error.old_status or error.status
    message = f"Internal Server Error: {error.message}" if status == 500 else error.message
    body = {
        "message": message,
        "exceptionClassName": error.exception,
        "exceptionStack": [f"{error.exception}: {error.message}", "\tat io.airbyte.server.apis.ConfigurationApi"],
    }
    if error.fields:
        body["validationErrors"] = [
            {"propertyPath": name, "message": problem, "invalidValue": str(value).lower() if value is None else value}
            for name, problem, value in error.fields
        ]
    return status, body


def problem_body(error: ApiError) -> tuple[int, dict[str, Any]]:
    """Status and body of an error of the public API."""
    body: dict[str, Any] = {
        "status": error.status,
        "type": f"{_PROBLEM_TYPES}#{error.title}",
        "title": error.title,
        "detail": error.message,
        "documentationUrl": _PROBLEM_TYPES,
    }
    if error.data is not None:
        body["data"] = error.data
    return error.status, body
