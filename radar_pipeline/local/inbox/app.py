"""Puts the endpoints together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from radar_pipeline.local.inbox import api, pagerduty, slack, sns
from radar_pipeline.local.inbox.gate import Gate
from radar_pipeline.local.inbox.services import Inbox

_PAGE = Path(__file__).with_name("page")
_PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; "
        "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # Another version of the stack may serve it next time.
    "Cache-Control": "no-cache",
}

_Handler = Callable[[Inbox, Request], Awaitable[Response]]


def build_app(inbox: Inbox) -> ASGIApp:
    """The ASGI application of an inbox."""

    def route(path: str, handler: _Handler, *methods: str) -> BaseRoute:
        async def endpoint(request: Request) -> Response:
            return await handler(inbox, request)

        return Route(path, endpoint, methods=list(methods))

    routes = [
        route(f"{slack.PREFIX}{{method}}", slack.answer, "GET", "POST"),
        route(f"{pagerduty.PREFIX}v2/enqueue", pagerduty.enqueue, "POST"),
        route(f"{pagerduty.PREFIX}incidents", pagerduty.list_incidents, "GET"),
        route(f"{pagerduty.PREFIX}incidents/{{id}}", pagerduty.one_incident, "GET", "PUT"),
        route(sns.PREFIX, sns.answer, "POST"),
        route(f"{sns.PREFIX}/", sns.answer, "POST"),
        route("/api/health", api.health, "GET"),
        route("/api/messages", api.messages, "GET", "DELETE"),
        route("/api/incidents", api.incidents, "GET"),
        route("/api/incidents/{id}/{status}", api.change_incident, "POST"),
        route("/api/faults", api.faults, "GET", "POST", "DELETE"),
        route("/api/view", api.view, "GET"),
        route("/mail/{id:int}", api.mail, "GET"),
        Route("/", _file("index.html")),
        *(Route(f"/page/{path.name}", _file(path.name)) for path in sorted(_PAGE.iterdir())),
    ]

    async def broken(_request: Request, error: Exception) -> Response:
        # Only the kind of error: its text could hold a secret. The whole of it is on standard error.
        return JSONResponse({"error": f"the inbox failed: {type(error).__name__}; see its log"}, 500)

    return Gate(Starlette(routes=routes, exception_handlers={Exception: broken}), inbox)


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(_request: Request) -> Response:
        return FileResponse(_PAGE / name, headers=_PAGE_HEADERS)

    return endpoint
