"""What can go wrong between this platform and an Airbyte server, each with the server's own words where it has any."""

from __future__ import annotations


class AirbyteError(Exception):
    """A request to the Airbyte server failed for good; the text is meant for a person."""


class AirbyteUnreachableError(AirbyteError):
    """No usable answer: refused, timed out, or HTTP 429 or 5xx. Whether the request took effect is not known."""


class AirbyteRefusedError(AirbyteError):
    """The server understood the request and refused it.

    Attributes:
        status: HTTP status.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class AirbyteConflictError(AirbyteError):
    """A sync was not started because one is already running."""


class AirbyteAuthError(AirbyteError):
    """The server does not accept the credentials, or they are not allowed to do this."""


class AirbyteAnswerError(AirbyteError):
    """The server answered with something that its API does not promise."""


class SyncNotStartedError(AirbyteError):
    """No sync could be started, and none runs."""


class SyncTimeoutError(AirbyteError):
    """The sync did not end in the time given. It was not cancelled and goes on."""


class SyncLostError(AirbyteError):
    """The server was away for longer than an outage may last. The sync was not cancelled and may go on."""
