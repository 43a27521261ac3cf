"""The public API under ``/api/public/v1``, which servers from 0.50.54 on have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from radar_pipeline.local.airbyte_server import public_wire, wire
from radar_pipeline.local.airbyte_server.auth import TOKEN_SECONDS
from radar_pipeline.local.airbyte_server.clock import parse_time
from radar_pipeline.local.airbyte_server.errors import (
    ApiError,
    invalid,
    malformed,
    not_running,
    problem_body,
    unauthorized,
    unprocessable,
)
from radar_pipeline.local.airbyte_server.operations import validate
from radar_pipeline.local.airbyte_server.queries import JobQuery
from radar_pipeline.local.airbyte_server.records import Job
from radar_pipeline.local.airbyte_server.services import DiscoveryError, Services

PREFIX = "/api/public/v1"

_KINDS = {"sync": "sync", "reset": "reset_connection", "clear": "clear"}
_DEFAULT_LIMIT, _LARGEST_LIMIT = 20, 100

Handler = Callable[[Services, Request, Mapping[str, Any]], Any]


def routes(services: Services) -> list[Route]:
    """All routes of the API."""

    def route(path: str, method: str, handler: Handler) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                body = await _json(request) if method in {"POST", "PATCH"} else {}
                return JSONResponse(await run_in_threadpool(handler, services, request, body))
            except ApiError as error:
                status, problem = problem_body(error)
                return JSONResponse(problem, status, media_type="application/problem+json")

        return Route(PREFIX + path, endpoint, methods=[method])

    async def token(request: Request) -> Response:
        return await _token(services, request)

    return [
        Route(PREFIX + "/health", _health, methods=["GET"]),
        Route(PREFIX + "/applications/token", token, methods=["POST"]),
        route("/workspaces", "GET", _workspaces),
        route("/workspaces/{id}", "GET", _workspace),
        route("/connections", "GET", _connections),
        route("/connections/{id}", "GET", _connection),
        route("/connections/{id}", "PATCH", _patch_connection),
        route("/jobs", "GET", _jobs),
        route("/jobs", "POST", _create_job),
        route("/jobs/{id:int}", "GET", _job),
        route("/jobs/{id:int}", "DELETE", _cancel_job),
        route("/sources/{id}", "GET", _connector("source")),
        route("/sources/{id}", "PATCH", _patch_connector("source")),
        route("/destinations/{id}", "GET", _connector("destination")),
        route("/destinations/{id}", "PATCH", _patch_connector("destination")),
        route("/streams", "GET", _streams),
    ]


async def _json(request: Request) -> Mapping[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        raise malformed() from None
    if not isinstance(body, dict):
        raise malformed()
    return body


async def _health(_request: Request) -> Response:
    return PlainTextResponse("Successful operation")


async def _token(services: Services, request: Request) -> Response:
    is_form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    try:
        body: Mapping[str, Any] = await request.form() if is_form else await _json(request)
    except ApiError as error:
        status, problem = problem_body(error)
        return JSONResponse(problem, status)
    issued = services.gatekeeper.issue(str(body.get("client_id", "")), str(body.get("client_secret", "")))
    if issued is None:
        status, problem = problem_body(unauthorized())
        return JSONResponse(problem, status)
    return JSONResponse({"access_token": issued, "token_type": "Bearer", "expires_in": TOKEN_SECONDS})


def _paging(query: QueryParams) -> tuple[int, int]:
    try:
        limit, offset = int(query.get("limit", _DEFAULT_LIMIT)), int(query.get("offset", 0))
    except ValueError:
        raise invalid(("limit", "and offset must be whole numbers", query.get("limit"))) from None
    if not 1 <= limit <= _LARGEST_LIMIT or offset < 0:
        raise invalid(("limit", f"must be from 1 to {_LARGEST_LIMIT}, offset from 0", limit))
    return limit, offset


def _page(request: Request, entries: list[dict[str, Any]], repeated: tuple[str, ...]) -> dict[str, Any]:
    limit, offset = _paging(request.query_params)
    filters = [(name, value) for name, value in request.query_params.multi_items() if name in repeated]
    return public_wire.page(entries, request.url.path.removeprefix(PREFIX), limit, offset, filters)


def _workspace_response(services: Services) -> dict[str, Any]:
    workspace = services.workspace
    return {"workspaceId": workspace["id"], "name": workspace["name"], "dataResidency": "auto", "notifications": {}}


def _workspaces(services: Services, request: Request, _body: Mapping[str, Any]) -> dict[str, Any]:
    limit, offset = _paging(request.query_params)
    return _page(request, [_workspace_response(services)][offset : offset + limit], ("workspaceIds",))


def _workspace(services: Services, request: Request, _body: Mapping[str, Any]) -> dict[str, Any]:
    services.require_workspace(request.path_params["id"])
    return _workspace_response(services)


def _connections(services: Services, request: Request, _body: Mapping[str, Any]) -> dict[str, Any]:
    limit, offset = _paging(request.query_params)
    workspace_id = services.workspace["id"]
    wanted = request.query_params.getlist("workspaceIds")
    found = services.store.connections() if not wanted or workspace_id in wanted else ()
    entries = [public_wire.connection_response(each, workspace_id) for each in found[offset : offset + limit]]
    return _page(request, entries, ("workspaceIds",))


def _connection(services: Services, request: Request, _body: Mapping[str, Any]) -> dict[str, Any]:
    return public_wire.connection_response(services.connection(request.path_params["id"]), services.workspace["id"])


def _patch_connection(services: Services, request: Request, body: Mapping[str, Any]) -> dict[str, Any]:
    connection = services.connection(request.path_params["id"])
    catalog = connection.catalog
    streams = (body.get("configurations") or {}).get("streams")
    if streams is not None:
        names = {stream.get("name") for stream in streams}
        unknown = names - {entry["stream"]["name"] for entry in catalog["streams"]}
        if unknown:
            msg = f"Invalid stream found: {', '.join(sorted(map(str, unknown)))}"
            raise unprocessable(msg)
        entries = [
            {**entry, "config": {**entry["config"], "selected": entry["stream"]["name"] in names}}
            for entry in catalog["streams"]
        ]
        catalog = {**catalog, "streams": entries}
    given = {name: body[name] for name in ("name", "status") if name in body}
    options = {
        name: body[name] for name in ("prefix", "namespaceDefinition", "namespaceFormat") if body.get(name) is not None
    }
    services.store.save_connection(
        replace(connection, catalog=catalog, options={**connection.options, **options}, **given)
    )
    return _connection(services, request, body)


def _jobs(services: Services, request: Request, _body: Mapping[str, Any]) -> dict[str, Any]:
    query = request.query_params
    limit, offset = _paging(query)
    field, _, direction = query.get("orderBy", "createdAt|ASC").partition("|")
    if field not in {"createdAt", "updatedAt"} or direction not in {"ASC", "DESC"}:
        raise invalid(("orderBy", "must be like createdAt|DESC", query.get("orderBy")))

    def moment(name: str) -> float | None:
        text = query.get(name)
        try:
            return None if text is None else parse_time(text)
        except ValueError:
            raise invalid((name, "must be an RFC 3339 time", text)) from None

    kinds = tuple(kind for kind, name in public_wire.JOB_TYPES.items() if name == query.get("jobType"))
    found, _total = services.ledger.find(
        JobQuery(
            connection_id=query.get("connectionId"),
            # Without a type the real server lists syncs and resets of every kind too.
            kinds=kinds,
            statuses=(query["status"],) if "status" in query else (),
            created_from=moment("createdAtStart"),
            created_to=moment("createdAtEnd"),
            updated_from=moment("updatedAtStart"),
            updated_to=moment("updatedAtEnd"),
            order_by="updated_at" if field == "updatedAt" else "created_at",
            newest_first=direction == "DESC",
            limit=limit,
            offset=offset,
        )
    )
    # The links leave the dates and the status out (PaginationMapper and its callers).
    scope = "connectionId" if "connectionId" in query else "workspaceIds"
    return _page(request, [public_wire.job_response(job) for job in found], ("jobType", scope))


def _create_job(services: Services, _request: Request, body: Mapping[str, Any]) -> dict[str, Any]:
    validate(body, {"connectionId": "uuid", "jobType": "str"})
    kind = _KINDS.get(body["jobType"])
    if kind is None:
        msg = f"The job type {body['jobType']} is not supported in the public API"
        raise unprocessable(msg)
    return public_wire.job_response(services.start(body["connectionId"], kind))


def _known_job(services: Services, request: Request) -> Job:
    job = services.ledger.job(request.path_params["id"])
    if job is None:
        raise not_running(request.path_params["id"])
    return job


def _job(services: Services, request: Request, _body: Mapping[str, Any]) -> dict[str, Any]:
    return public_wire.job_response(_known_job(services, request))


def _cancel_job(services: Services, request: Request, _body: Mapping[str, Any]) -> dict[str, Any]:
    job = _known_job(services, request)
    if job.is_final or not services.runner.cancel(job.connection_id):
        raise not_running(job.id)
    return public_wire.job_response(_known_job(services, request))


def _connector(kind: str) -> Handler:
    def run(services: Services, request: Request, _body: Mapping[str, Any]) -> dict[str, Any]:
        connector = services.connector(kind, request.path_params["id"])
        return public_wire.connector_response(connector, services.workspace["id"])

    return run


def _patch_connector(kind: str) -> Handler:
    def run(services: Services, request: Request, body: Mapping[str, Any]) -> dict[str, Any]:
        connector = services.connector(kind, request.path_params["id"])
        given = wire.unmasked(body.get("configuration") or {}, connector.configuration)
        configuration = {**connector.configuration, **given}
        services.store.save_connector(
            replace(connector, name=body.get("name") or connector.name, configuration=configuration)
        )
        changed = services.connector(kind, connector.id)
        return public_wire.connector_response(changed, services.workspace["id"])

    return run


def _streams(services: Services, request: Request, _body: Mapping[str, Any]) -> list[dict[str, Any]]:
    source_id = request.query_params.get("sourceId")
    if source_id is None:
        raise invalid(("sourceId", "must not be null", None))
    try:
        return public_wire.stream_properties(services.discover(services.connector("source", source_id)))
    except DiscoveryError as error:
        raise unprocessable(str(error)) from None
