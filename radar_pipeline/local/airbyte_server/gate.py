"""The gate in front of both APIs: what was asked is noted, callers are let in, and faults of the POST and poll act."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from radar_pipeline.local.airbyte_server.errors import (
    ApiError,
    config_body,
    conflict,
    internal,
    problem_body,
    unauthorized,
)
from radar_pipeline.local.airbyte_server.faults import ActiveFault, Stage
from radar_pipeline.local.airbyte_server.public_api import PREFIX as PUBLIC
from radar_pipeline.local.airbyte_server.services import Services
from radar_pipeline.local.droppable import cut, swallow

_REMEMBERED = 2000
_OPEN_PATHS = frozenset({"/api/v1/health", f"{PUBLIC}/health", f"{PUBLIC}/applications/token"})
_SYNC_POSTS = frozenset({"/api/v1/connections/sync", f"{PUBLIC}/jobs"})


@dataclass(frozen=True)
class SeenRequest:
    """A request that the server got.

    Attributes:
        method: HTTP method.
        path: Path without the query.
        status: HTTP status of the answer; None where the connection was cut.
        at: Server time at which it came.
    """

    method: str
    path: str
    status: int | None
    at: float


class Gate:
    """ASGI middleware before everything but the admin API."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services
        self._outage: ActiveFault | None = None
        self._outage_until = 0.0
        self.seen: deque[SeenRequest] = deque(maxlen=_REMEMBERED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles a request."""
        if scope["type"] != "http" or scope["path"].startswith("/_local"):
            await self._app(scope, receive, send)
            return
        at = self._services.clock.now()
        # One that is answered after what was asked is forgotten is forgotten too.
        seen = self.seen
        status: int | None = None

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._handle(scope, receive, note)
        finally:
            seen.append(SeenRequest(scope["method"], scope["path"], status, at))

    def forget(self) -> None:
        """Forgets what was asked and ends an outage."""
        self.seen = deque(maxlen=_REMEMBERED)
        self._outage_until = 0.0

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_sync_post = scope["method"] == "POST" and scope["path"] in _SYNC_POSTS
        outage = await asyncio.to_thread(self._current_outage, is_sync_post=is_sync_post)
        if outage:
            if outage.options["mode"] == "reset":
                await cut(scope, receive)
            else:
                await JSONResponse({"message": "Service Unavailable"}, 503)(scope, receive, send)
            return
        if scope["path"] not in _OPEN_PATHS and not self._services.gatekeeper.admits(_headers(scope)):
            await self._refuse(unauthorized(), scope, receive, send)
            return
        faults = await asyncio.to_thread(self._services.store.take_faults, Stage.POST) if is_sync_post else ()
        await self._post(faults, scope, receive, send)

    async def _post(self, faults: tuple[ActiveFault, ...], scope: Scope, receive: Receive, send: Send) -> None:
        by_name = {fault.name: fault for fault in faults}
        if "post-500" in by_name:
            await self._refuse(internal("Something failed before the job was created"), scope, receive, send)
        elif "post-409" in by_name:
            await self._refuse(conflict("A sync is already running for: this connection"), scope, receive, send)
        elif "lost-post-response" in by_name:
            await self._app(scope, receive, swallow)
            await cut(scope, receive)
        elif "slow-post" in by_name:
            held: list[Message] = []

            async def hold(message: Message) -> None:
                held.append(message)

            await self._app(scope, receive, hold)
            await asyncio.sleep(float(by_name["slow-post"].options["seconds"]))
            for message in held:
                await send(message)
        else:
            await self._app(scope, receive, send)

    async def _refuse(self, error: ApiError, scope: Scope, receive: Receive, send: Send) -> None:
        is_public = scope["path"].startswith(PUBLIC)
        status, body = problem_body(error) if is_public else config_body(error, self._services.era)
        headers = {"www-authenticate": "Basic"} if status == 401 else None
        await JSONResponse(body, status, headers)(scope, receive, send)

    def _current_outage(self, *, is_sync_post: bool) -> ActiveFault | None:
        if time.monotonic() < self._outage_until:
            return self._outage
        services = self._services
        waiting = [fault for fault in services.store.faults() if fault.name == "poll-outage"]
        if not waiting:
            return None
        has_job = any(services.ledger.active(each.id) for each in services.store.connections())
        if waiting[0].options["when"] != "now" and (is_sync_post or not has_job):
            return None
        services.store.take_faults(Stage.POLL)
        self._outage = waiting[0]
        self._outage_until = time.monotonic() + float(waiting[0].options["seconds"])
        return self._outage


def _headers(scope: Scope) -> Mapping[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
