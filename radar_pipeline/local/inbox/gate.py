"""What stands before every endpoint: callers from elsewhere are turned away, and channels fail on demand."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from radar_pipeline.local.droppable import cut, swallow
from radar_pipeline.local.inbox import pagerduty, slack, sns
from radar_pipeline.local.inbox.faults import ChannelFault, Mode
from radar_pipeline.local.inbox.services import Inbox

_PREFIXES = {slack.PREFIX: "slack", pagerduty.PREFIX: "pagerduty", sns.PREFIX: "sns"}
_OWN_NAMES = frozenset({"127.0.0.1", "localhost"})


class Gate:
    """ASGI middleware.

    Args:
        app: The endpoints.
        inbox: The inbox, whose faults act here.
    """

    def __init__(self, app: ASGIApp, inbox: Inbox) -> None:
        self._app = app
        self._inbox = inbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if not _is_own(Headers(scope=scope)):
            # A page of the web could otherwise read and clear the inbox through the reader's browser, either straight
            # or under a name of its own that leads to 127.0.0.1.
            await PlainTextResponse("only for this machine\n", 403)(scope, receive, send)
            return
        channel = next((name for prefix, name in _PREFIXES.items() if scope["path"].startswith(prefix)), None)
        fault = self._inbox.faults.take(channel, _possible(channel, scope)) if channel else None
        if channel is None or fault is None:
            await self._app(scope, receive, send)
        elif fault.mode is Mode.ACCEPT_THEN_DROP:
            await self._app(scope, receive, swallow)
            await cut(scope, receive)
        elif fault.mode is Mode.DOWN:
            await cut(scope, receive)
        elif fault.mode is Mode.HANG:
            await _until_gone(receive)
        else:
            await _refusal(channel, scope, fault)(scope, receive, send)


def _is_own(headers: Headers) -> bool:
    origin = headers.get("origin")
    names = [urlsplit(f"//{headers.get('host', '')}").hostname]
    if origin is not None:
        names.append(urlsplit(origin).hostname)
        if urlsplit(origin).netloc != headers.get("host"):
            return False
    return all(name in _OWN_NAMES for name in names)


def _possible(channel: str, scope: Scope) -> tuple[Mode, ...]:
    """How a request can fail: only what sends something can be accepted and lost."""
    sends = scope["method"] in {"POST", "PUT"}
    if channel == "slack":
        sends = scope["path"].removeprefix(slack.PREFIX) in slack.SENDING
    return tuple(mode for mode in Mode if sends or mode is not Mode.ACCEPT_THEN_DROP)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        await asyncio.sleep(0)


def _refusal(channel: str, scope: Scope, fault: ChannelFault) -> Response:
    if channel == "slack":
        return slack.refusal(fault)
    if channel == "sns":
        return sns.refusal(fault)
    return pagerduty.refusal(fault, reads=not scope["path"].endswith("/enqueue"))
