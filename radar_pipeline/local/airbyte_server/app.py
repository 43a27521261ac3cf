"""Puts the server together."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from radar_pipeline.local.airbyte_server import admin, public_api
from radar_pipeline.local.airbyte_server.attempt import Engine
from radar_pipeline.local.airbyte_server.auth import Credentials, Gatekeeper
from radar_pipeline.local.airbyte_server.clock import ServerClock
from radar_pipeline.local.airbyte_server.config_api import find_operation
from radar_pipeline.local.airbyte_server.eras import RetryPolicy
from radar_pipeline.local.airbyte_server.errors import (
    ApiError,
    config_body,
    internal,
    malformed,
    no_such_path,
    problem_body,
)
from radar_pipeline.local.airbyte_server.gate import Gate
from radar_pipeline.local.airbyte_server.ledger import Ledger
from radar_pipeline.local.airbyte_server.operations import validate
from radar_pipeline.local.airbyte_server.runner import Runner
from radar_pipeline.local.airbyte_server.services import Services
from radar_pipeline.local.airbyte_server.store import Store
from radar_pipeline.local.airbyte_server.worker import Start


def open_services(state: Path, retries: RetryPolicy, start_worker: Start, auth: str = "none") -> Services:
    """Opens a state directory.

    Args:
        state: The directory.
        retries: The era and its retry rule.
        start_worker: Starts the worker of an attempt.
        auth: Who may call: one of ``auth.MODES``.

    Raises:
        StateInUseError: Another server has it open.
    """
    store = Store(state)
    clock = ServerClock(store.get("clock_offset", 0.0), keep=lambda offset: store.put("clock_offset", offset))
    engine = Engine(store, Ledger(store), clock, retries, start_worker)
    key = store.get("token_key")
    if key is None:
        key = Gatekeeper.new_key()
        store.put("token_key", key)
    gatekeeper = Gatekeeper(auth, Credentials(**store.get("credentials", {})), key)
    return Services(engine, Runner(engine), gatekeeper)


def build_app(services: Services) -> ASGIApp:
    """The ASGI application of a server."""
    held: list[Gate] = []

    async def health(_request: Request) -> Response:
        return JSONResponse({"available": True})

    async def config(request: Request) -> Response:
        return await _config(services, request)

    routes = [
        Route("/api/v1/health", health, methods=["GET"]),
        Route("/api/v1/{operation:path}", config, methods=["POST"]),
        *(public_api.routes(services) if services.era.is_modern else ()),
        *admin.routes(services, lambda: held[0]),
    ]

    async def broken(request: Request, error: Exception) -> Response:
        # Only the kind of error: its text could hold a secret. The whole of it is on standard error.
        is_public = request.url.path.startswith(public_api.PREFIX)
        failed = internal(type(error).__name__)
        status, answer = problem_body(failed) if is_public else config_body(failed, services.era)
        return JSONResponse(answer, status)

    gate = Gate(Starlette(routes=routes, exception_handlers={Exception: broken}), services)
    held.append(gate)
    return gate


async def _config(services: Services, request: Request) -> Response:
    path = request.path_params["operation"]
    operation = find_operation(path, services.era.name)
    try:
        if operation is None:
            raise no_such_path(path)
        try:
            body = await request.json() if await request.body() else {}
        except ValueError:
            raise malformed() from None
        if not isinstance(body, dict):
            raise malformed()
        validate(body, operation.required)
        return JSONResponse(await run_in_threadpool(operation.run, services, body))
    except ApiError as error:
        status, answer = config_body(error, services.era)
        return JSONResponse(answer, status)
