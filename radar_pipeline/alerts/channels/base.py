"""What every channel is to delivery."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from radar_pipeline.domain.incident import Message
from radar_pipeline.domain.routing import Medium, Target

Receipt = Mapping[str, str]
"""What a channel gave back for a message and needs to refer to it later."""


@dataclass(frozen=True)
class Before:
    """What a place got before a message.

    Attributes:
        original: Receipt of the incident's first message there; None where it had none.
        latest: Receipt of the newest message there of any incident; None where there is none.
    """

    original: Receipt | None = None
    latest: Receipt | None = None


class ChannelUnavailableError(Exception):
    """The channel did not take a message now and may later; the text says why, for a person.

    Attributes:
        retry_after: Seconds that the service asked to wait; None where it did not.
        maybe_sent: Whether the message may have gone out all the same (the answer was lost).
    """

    def __init__(self, message: str, *, retry_after: float | None = None, maybe_sent: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.maybe_sent = maybe_sent


class ChannelRefusedError(Exception):
    """The channel will not take a message however often it is sent; the text says why and what to do."""


class Channel(Protocol):
    """One medium with its configuration."""

    @property
    def medium(self) -> Medium:
        """What it is."""

    def places(self, target: Target) -> Sequence[Target]:
        """The places that a target of routes stands for, each of which is delivered to on its own."""

    def defaults(self) -> Sequence[Target]:
        """The places that settings name."""

    def send(self, target: Target, message: Message, before: Before) -> Receipt:
        """Sends a message.

        Raises:
            ChannelUnavailableError: It was not taken now.
            ChannelRefusedError: It never will be.
        """

    def find(self, target: Target, message: Message, before: Before) -> Receipt | None:
        """Receipt of a message that may have been sent already; None where it was not, or the channel cannot tell.

        Raises:
            ChannelUnavailableError: The channel does not answer now.
        """

    def acknowledged(self, fingerprint: str, opened_at: dt.datetime) -> str | None:
        """Who took an incident there that was opened at a time; None where nobody did, or the channel cannot tell.

        Raises:
            ChannelUnavailableError: The channel does not answer now.
            ChannelRefusedError: It does not let this platform ask.
        """
