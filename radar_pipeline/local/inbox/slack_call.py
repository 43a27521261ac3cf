"""One call of a Slack method: who calls, what was given, and Slack's times and cursors."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from starlette.requests import Request

from radar_pipeline.local.inbox.services import Inbox
from radar_pipeline.local.inbox.slack_rules import SlackError

MICRO = 1_000_000
_LATEST = 2**62
# Seconds; the year 5138.
_FAR = 10**11


@dataclass(frozen=True)
class Call:
    """One call of a method.

    Attributes:
        inbox: The inbox.
        values: Its arguments, as texts from a form or as JSON.
        site: Where the page of the inbox is.
    """

    inbox: Inbox
    values: Mapping[str, Any]
    site: str

    def text(self, name: str, *, needed: bool = True) -> str:
        """A text; empty where it is left out and not needed."""
        value = self.values.get(name)
        if needed and value in {None, ""}:
            code = "invalid_arguments"
            raise SlackError(code, f"missing required field: {name}")
        return "" if value is None else str(value)

    def flag(self, name: str) -> bool:
        """A yes or no; forms write it as a word or a digit."""
        return str(self.values.get(name, "")).lower() in {"1", "true"}

    def limit(self, default: int, at_most: int) -> int:
        """How many items are wanted."""
        try:
            wanted = int(self.values.get("limit") or default)
        except (TypeError, ValueError):
            wanted = 0
        if not 0 < wanted <= at_most:
            code = "invalid_limit"
            raise SlackError(code)
        return wanted

    def channel(self) -> str:
        """The id of the channel that is named by its id; reading and changing know no other name in Slack."""
        channel = self.text("channel")
        if channel not in self.inbox.store.channels():
            code = "channel_not_found"
            raise SlackError(code)
        return channel

    def message(self, channel: str, name: str) -> tuple[int, dict[str, Any]]:
        """A message that must be there, by its time."""
        micros = micros_of(self.text(name))
        found = self.inbox.store.slack(channel, micros)
        if found is None:
            code = "message_not_found"
            raise SlackError(code)
        return micros, found


async def read_values(request: Request) -> Mapping[str, Any]:
    """The arguments of a call, from its query, a form or JSON.

    Raises:
        SlackError: The body is no JSON object.
    """
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            found = json.loads(await request.body() or b"{}")
        except ValueError:
            found = None
        if not isinstance(found, dict):
            code = "invalid_json"
            raise SlackError(code)
        return {**request.query_params, **found}
    return {**request.query_params, **await request.form()}


def require_token(inbox: Inbox, request: Request, values: Mapping[str, Any]) -> None:
    """Lets whoever shows the token in.

    Raises:
        SlackError: There is none, or another.
    """
    kind, _, bearer = request.headers.get("authorization", "").partition(" ")
    token = bearer if kind == "Bearer" else str(values.get("token") or "")
    if not token:
        code = "not_authed"
        raise SlackError(code)
    if not secrets.compare_digest(token.encode(), inbox.credentials.slack_token.encode()):
        code = "invalid_auth"
        raise SlackError(code)


def ts_of(micros: int) -> str:
    """A message's time as Slack writes it, which is its identity too."""
    return f"{micros // MICRO}.{micros % MICRO:06d}"


def micros_of(ts: str) -> int:
    """A time of Slack's in microseconds since 1970.

    Raises:
        SlackError: It is no time.
    """
    try:
        seconds = Decimal(ts)
        fits = 0 <= seconds <= _FAR
    except InvalidOperation:
        fits = False
    if not fits:
        code = "invalid_arguments"
        raise SlackError(code, f"not a timestamp: {ts[:40]}")
    return int(seconds * MICRO)


def bounds(call: Call) -> tuple[int, int]:
    """First and last moment of the messages that are wanted, both inclusive."""
    oldest, latest = call.text("oldest", needed=False), call.text("latest", needed=False)
    outside = 0 if call.flag("inclusive") else 1
    after = micros_of(oldest) + outside if oldest else 0
    before = micros_of(latest) - outside if latest else _LATEST
    return min(after, _LATEST), min(before, _LATEST)


def write_cursor(micros: int) -> str:
    """A cursor that leads to a moment."""
    return base64.b64encode(f"next_ts:{micros}".encode()).decode()


def read_cursor(cursor: str) -> int:
    """The moment that a cursor leads to.

    Raises:
        SlackError: It is none of ours.
    """
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("next_ts:"))
    except (binascii.Error, ValueError):
        code = "invalid_cursor"
        raise SlackError(code) from None
