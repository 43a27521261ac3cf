"""Where an Airbyte server is and how to sign in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from radar_pipeline.domain.redaction import HIDDEN

# Where a password is not encoded, a slash in it ends the host for every parser: only the last @ is sure.
_LOGIN = re.compile(r"(?<=://).*(?=@)")
_LOGIN_OF_A_LINK = re.compile(r"(?<=://)[^/?#]*@")


@dataclass(frozen=True)
class BasicAuth:
    """HTTP basic authentication, as the proxy of old servers and simple self-managed ones ask for."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class ClientCredentials:
    """An application's id and secret, exchanged for short-lived tokens (server 0.63.7 and later)."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True)
class Timeouts:
    """How long to wait for the server, in seconds.

    Attributes:
        connect: For a connection.
        read: For the answer to a question that is safe to repeat.
        poll: For the first try of each poll of a running job; doubled while tries fail.
        start: For the answer to a request to start a sync. Servers before 2.0 answer only when the workflow runs.
        check: For a connection check, which starts a connector.
        patience: How long one question is repeated before it counts as failed.
    """

    connect: float = 5.0
    read: float = 30.0
    poll: float = 8.0
    start: float = 120.0
    check: float = 180.0
    patience: float = 10.0


@dataclass(frozen=True)
class AirbyteConfig:
    """One connection on one Airbyte server.

    Attributes:
        base_url: Scheme, host and port (``http://airbyte:8001``); ``address`` is the one for messages.
        connection_id: The connection that all of this is about.
        auth: How to sign in; None where nobody asks.
        ui_url: Where people see the server; None for the base URL.
        timeouts: How long to wait.
    """

    base_url: str = field(repr=False)
    connection_id: str
    auth: BasicAuth | ClientCredentials | None = None
    ui_url: str | None = field(default=None, repr=False)
    timeouts: Timeouts = Timeouts()

    @property
    def address(self) -> str:
        """The base URL as a message may show it."""
        return _LOGIN.sub(HIDDEN, self.base_url.rstrip("/"))

    @property
    def page(self) -> str:
        """Where people see the server, without a login: each has one of their own."""
        return _LOGIN_OF_A_LINK.sub("", self.ui_url or self.base_url).rstrip("/")

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never show in a message."""
        login = "".join(_LOGIN.findall(self.base_url))
        in_address = (login, login.partition(":")[2])
        if isinstance(self.auth, BasicAuth):
            return (self.auth.password, *in_address)
        return (self.auth.client_secret, *in_address) if self.auth else in_address
