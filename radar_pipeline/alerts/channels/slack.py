"""Slack: one message an incident, kept up to date, with its story in the thread.

An update edits the message and answers in its thread. The answer comes last, so that finding it means that all was
done; what comes before it can be done twice. Messages carry metadata that names them, by which they are found again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn
from urllib.parse import urlsplit

from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse

from radar_pipeline.alerts.channels.base import Before, ChannelRefusedError, ChannelUnavailableError, Receipt
from radar_pipeline.alerts.channels.config import SlackConfig
from radar_pipeline.alerts.channels.http import LOOPBACK, never_left, seconds_to_wait
from radar_pipeline.alerts.codec import write_time
from radar_pipeline.alerts.render.slack import blocks, fallback, reply
from radar_pipeline.alerts.render.words import Presentation
from radar_pipeline.domain.incident import Message, Step
from radar_pipeline.domain.routing import Medium, Target

EVENT_TYPE = "radar_alert"

_PAGE, _PAGES = 200, 5
_REACTIONS = {Step.RESOLVED: "white_check_mark", Step.ACKNOWLEDGED: "eyes"}
# Said to the whole channel, not only to those who follow the thread.
_LOUD = frozenset({Step.UPDATED, Step.ESCALATED})
_EDITED = frozenset({Step.UPDATED, Step.ESCALATED, Step.RESOLVED})

_PASSING = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
_TOO_MANY = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_UNREADABLE = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"})
_GONE = frozenset(
    {
        *(
            "message_not_found",
            "thread_not_found",
            "cannot_reply_to_message",
            "cant_update_message",
            "edit_window_closed",
        ),
    }
)
_REMEDIES = {
    "the bot token is not valid: set RADAR_SLACK_TOKEN": {
        *("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "no_permission"),
    },
    "the bot is not in the channel, or there is no such channel: invite it there with /invite, or correct the name": {
        *("channel_not_found", "not_in_channel", "is_archived", "restricted_action", "invalid_channel"),
    },
    "the bot token lacks a scope: docs/alerts.md lists them": {"missing_scope", "not_allowed_token_type"},
}


class SlackChannel:
    """Slack's Web API."""

    medium = Medium.SLACK

    def __init__(self, config: SlackConfig, presentation: Presentation) -> None:
        self._config, self._presentation = config, presentation
        self._client = config.client
        self._client.timeout = int(config.timeout) or 1
        # The client would post again where a connection is lost after Slack took the message: heard twice.
        self._client.retry_handlers = []
        if urlsplit(self._client.base_url).hostname in LOOPBACK:
            # Taken from the environment without a look at NO_PROXY, which what is below it heeds.
            self._client.proxy = None
        self._ids: dict[str, str] = {}

    def places(self, target: Target) -> Sequence[Target]:
        """Itself: a target is one Slack channel."""
        return (target,)

    def defaults(self) -> Sequence[Target]:
        """The channels of the settings."""
        return tuple(dict.fromkeys(Target(Medium.SLACK, name) for name in self._config.channels))

    def send(self, target: Target, message: Message, before: Before) -> Receipt:
        """Posts a message, or brings the one that stands there up to date and answers in its thread."""
        if before.original is None:
            return self._post(target, message)
        channel, ts = before.original["channel"], before.original["ts"]
        if message.step in _EDITED:
            self._edit(channel, ts, message)
        if message.step in _REACTIONS:
            self._react(channel, ts, _REACTIONS[message.step])
        return self._answer(target, channel, ts, message)

    def find(self, target: Target, message: Message, before: Before) -> Receipt | None:
        """Looks for a message by its metadata, in the channel or in the thread."""
        try:
            channel = self._id(target, before)
            if channel is None:
                return None
            for found in self._messages(channel, before.original):
                if _names(found, message):
                    return {"channel": channel, "ts": str(found["ts"])}
        except ChannelRefusedError:
            # Without the scope to read, or outside the channel, nobody can tell; better heard twice than not at all.
            return None
        return None

    def acknowledged(self, fingerprint: str, opened_at: dt.datetime) -> None:
        """None: nobody takes an incident here."""
        del fingerprint, opened_at

    def _post(self, target: Target, message: Message) -> Receipt:
        answer = self._say(
            channel=self._ids.get(target.address, target.address),
            text=fallback(message, self._presentation),
            blocks=blocks(message, self._presentation, ended=message.step is Step.RESOLVED),
            metadata=_metadata(message),
            unfurl_links=False,
            unfurl_media=False,
        )
        self._ids[target.address] = str(answer["channel"])
        return {"channel": str(answer["channel"]), "ts": str(answer["ts"])}

    def _answer(self, target: Target, channel: str, ts: str, message: Message) -> Receipt:
        try:
            answer = self._say(
                channel=channel,
                thread_ts=ts,
                reply_broadcast=message.step in _LOUD,
                text=fallback(message, self._presentation),
                blocks=reply(message, self._presentation),
                metadata=_metadata(message),
                unfurl_links=False,
                unfurl_media=False,
            )
        except _GoneError:
            # Somebody deleted the message: it is told anew.
            return self._post(target, message)
        return {"channel": channel, "ts": str(answer["ts"])}

    def _say(self, **arguments: Any) -> SlackResponse:
        try:
            return self._call("chat_postMessage", **arguments)
        except _UnreadableError:
            return self._call("chat_postMessage", **{**arguments, "blocks": None})

    def _edit(self, channel: str, ts: str, message: Message) -> None:
        arguments: dict[str, Any] = {"channel": channel, "ts": ts, "text": fallback(message, self._presentation)}
        shown = blocks(message, self._presentation, ended=message.step is Step.RESOLVED)
        try:
            self._call("chat_update", **arguments, blocks=shown)
        except _UnreadableError:
            self._call("chat_update", **arguments, blocks=[])
        except _GoneError:
            return

    def _react(self, channel: str, ts: str, name: str) -> None:
        try:
            self._client.reactions_add(channel=channel, timestamp=ts, name=name)
        except SlackApiError as error:
            code = _code(error)
            # A mark is not worth losing the message for: the scope may be missing, the message may be gone.
            if _is_passing(error, code):
                self._failed(error)
        except (SlackClientError, OSError, ValueError) as error:
            self._failed(error)

    def _messages(self, channel: str, original: Receipt | None) -> Iterator[dict[str, Any]]:
        arguments: dict[str, Any] = {"channel": channel, "limit": _PAGE, "include_all_metadata": True}
        method = "conversations_history"
        if original is not None:
            method, arguments["ts"] = "conversations_replies", original["ts"]
        for _ in range(_PAGES):
            answer = self._call(method, **arguments)
            yield from answer.get("messages") or ()
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return
            arguments["cursor"] = cursor

    def _id(self, target: Target, before: Before) -> str | None:
        """The id of a channel, which reading it takes: from an earlier message there, else from the list."""
        if not target.address.startswith("#"):
            return target.address
        for receipt in (before.original, before.latest):
            if receipt is not None:
                return receipt["channel"]
        if target.address not in self._ids:
            arguments: dict[str, Any] = {"types": "public_channel,private_channel", "limit": 1000}
            for _ in range(_PAGES):
                answer = self._call("conversations_list", exclude_archived=True, **arguments)
                self._ids |= {f"#{each['name']}": str(each["id"]) for each in answer.get("channels") or ()}
                cursor = (answer.get("response_metadata") or {}).get("next_cursor")
                if target.address in self._ids or not cursor:
                    break
                arguments["cursor"] = cursor
        return self._ids.get(target.address)

    def _call(self, method: str, **arguments: Any) -> SlackResponse:
        try:
            answer: SlackResponse = getattr(self._client, method)(**arguments)
        except (SlackClientError, OSError, ValueError) as error:
            self._failed(error)
        return answer

    def _failed(self, error: Exception) -> NoReturn:
        """Raises what an error of the client means."""
        if not isinstance(error, SlackApiError):
            problem = f"Slack at {self._client.base_url} does not answer: {error}"
            raise ChannelUnavailableError(problem, maybe_sent=not never_left(error)) from None
        code = _code(error)
        status = int(error.response.status_code or 0)
        if status == 429 or code in _TOO_MANY:
            problem = "Slack asks to send less often"
            raise ChannelUnavailableError(problem, retry_after=seconds_to_wait(error.response.headers)) from None
        if _is_passing(error, code):
            problem = f"Slack at {self._client.base_url} answered with HTTP {status}: {code[:200]}"
            raise ChannelUnavailableError(problem, maybe_sent=True) from None
        if code in _GONE:
            raise _GoneError(code) from None
        if code in _UNREADABLE:
            raise _UnreadableError(code) from None
        remedy = next((text for text, codes in _REMEDIES.items() if code in codes), "see docs/alerts.md")
        problem = f"Slack refused the message ({code[:200]}): {remedy}"
        raise ChannelRefusedError(problem) from None


class _GoneError(ChannelRefusedError):
    """The message that was referred to is not there."""


class _UnreadableError(ChannelRefusedError):
    """Slack does not take the blocks."""


def _metadata(message: Message) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": _payload(message)}


def _payload(message: Message) -> dict[str, str | int]:
    opened = write_time(message.opened_at)
    return {"fingerprint": message.alert.fingerprint, "opened": opened, "sequence": message.sequence}


def _names(found: dict[str, Any], message: Message) -> bool:
    metadata = found.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    ours = _payload(message)
    return metadata.get("event_type") == EVENT_TYPE and {key: payload.get(key) for key in ours} == ours


def _code(error: SlackApiError) -> str:
    data = error.response.data
    return str(data.get("error", "")) if isinstance(data, dict) else "no JSON"


def _is_passing(error: SlackApiError, code: str) -> bool:
    """Whether the next try may succeed: a fault of the server, or an answer that is none of Slack's own."""
    status = int(error.response.status_code or 0)
    return status >= 500 or code in _PASSING or " " in code or not code
