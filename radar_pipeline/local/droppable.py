"""HTTP connections that can be cut without an answer, which ASGI itself has no word for."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from starlette.types import Message, Receive, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol


class DroppableProtocol(H11Protocol):
    """HTTP protocol whose connections can be cut."""

    _open: ClassVar[dict[tuple[str, int], asyncio.Transport]] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remembers the connection."""
        super().connection_made(transport)
        if self.client:
            self._open[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the connection."""
        if self.client:
            self._open.pop(self.client, None)
        super().connection_lost(exc)

    @classmethod
    def cut(cls, client: tuple[str, int]) -> None:
        """Cuts a client's connection."""
        transport = cls._open.get(client)
        if transport:
            transport.abort()


async def swallow(_message: Message) -> None:
    """Takes the answer of an application that nobody is to get."""


async def cut(scope: Scope, receive: Receive) -> None:
    """Cuts the connection and waits until the protocol knows, so that it does not answer in the app's stead."""
    DroppableProtocol.cut(tuple(scope["client"]))
    message: dict[str, Any] = {"type": ""}
    while message["type"] != "http.disconnect":
        message = dict(await receive())
