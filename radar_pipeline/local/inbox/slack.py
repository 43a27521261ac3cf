"""The Slack Web API: the methods that a bot which posts, marks and reads back uses."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from radar_pipeline.local.inbox.faults import ChannelFault, Mode
from radar_pipeline.local.inbox.services import Inbox
from radar_pipeline.local.inbox.slack_rules import SlackError, check_message, check_metadata, read_list

PREFIX = "/slack/api/"
SENDING = frozenset({"chat.postMessage", "chat.update", "reactions.add", "conversations.create"})
BOT = {"user_id": "U0RADARBOT", "bot_id": "B0RADARBOT", "user": "radar", "team": "Farmarcas", "team_id": "T0RADAR"}
_SCOPES = "chat:write,chat:write.public,reactions:write,channels:history,channels:read,channels:manage"
_MICRO = 1_000_000
_LATEST = 2**62


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
            raise SlackError(code, f"[ERROR] missing required field: {name}")
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
        micros = _micros(self.text(name))
        found = self.inbox.store.slack(channel, micros)
        if found is None:
            code = "message_not_found"
            raise SlackError(code)
        return micros, found


async def answer(inbox: Inbox, request: Request) -> Response:
    """Answers a call of any method."""
    method = request.path_params["method"]
    try:
        values = await _values(request)
        _require_token(inbox, request, values)
        call = Call(inbox, values, f"{request.url.scheme}://{request.url.netloc}")
        return JSONResponse({"ok": True, **_METHODS.get(method, _unknown)(call)}, headers={"x-oauth-scopes": _SCOPES})
    except SlackError as error:
        body: dict[str, Any] = {"ok": False, "error": error.code}
        if error.problems:
            body["errors"] = list(error.problems)
            body["response_metadata"] = {"messages": [f"[ERROR] {problem}" for problem in error.problems]}
        return JSONResponse(body)


def refusal(fault: ChannelFault) -> Response:
    """What Slack answers while it fails in a certain way."""
    if fault.mode is Mode.RATE_LIMIT:
        return JSONResponse({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": str(fault.retry_after)})
    if fault.mode is Mode.REFUSE:
        return JSONResponse({"ok": False, "error": "invalid_auth"})
    return JSONResponse({"ok": False, "error": "internal_error"}, 500)


def channel_id(name: str) -> str:
    """The id of a channel that is named: always the same, so that it outlives a reset."""
    return "C" + base64.b32encode(hashlib.sha256(name.encode()).digest()).decode()[:10]


async def _values(request: Request) -> Mapping[str, Any]:
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


def _require_token(inbox: Inbox, request: Request, values: Mapping[str, Any]) -> None:
    kind, _, bearer = request.headers.get("authorization", "").partition(" ")
    token = bearer if kind == "Bearer" else str(values.get("token") or "")
    if not token:
        code = "not_authed"
        raise SlackError(code)
    if not secrets.compare_digest(token.encode(), inbox.credentials.slack_token.encode()):
        code = "invalid_auth"
        raise SlackError(code)


def _unknown(_call: Call) -> dict[str, Any]:
    code = "unknown_method"
    raise SlackError(code)


def _auth_test(call: Call) -> dict[str, Any]:
    return {"url": f"{call.site}/", **BOT, "is_enterprise_install": False}


def _post(call: Call) -> dict[str, Any]:
    store, channel = call.inbox.store, _posted_to(call)
    body = _content(call)
    thread = None
    if call.text("thread_ts", needed=False):
        thread = _micros(call.text("thread_ts"))
        parent = store.slack(channel, thread)
        if parent is None:
            code = "thread_not_found"
            raise SlackError(code)
    if call.text("username", needed=False):
        body["username"] = call.text("username")
    micros = store.add_slack(channel, thread, body)
    shown = _shown(micros, body, thread=thread, with_metadata=True)
    return {"channel": channel, "ts": ts_of(micros), "message": shown}


def _update(call: Call) -> dict[str, Any]:
    channel = call.channel()
    micros, before = call.message(channel, "ts")
    # As in Slack: what is left out of `blocks` stays where only the text is given, and goes where text is given alone
    # with an empty list.
    given = {name: call.values[name] for name in ("text", "blocks", "attachments", "metadata") if name in call.values}
    after = {**before, **_content(Call(call.inbox, {**before, **given}, call.site))}
    after["edited"] = {"user": BOT["user_id"], "ts": ts_of(int(call.inbox.store.now() * _MICRO))}
    call.inbox.store.change_slack(micros, after)
    shown = _shown(micros, after, with_metadata=True)
    return {"channel": channel, "ts": ts_of(micros), "text": after["text"], "message": shown}


def _content(call: Call) -> dict[str, Any]:
    text = call.text("text", needed=False)
    blocks = read_list("blocks", call.values.get("blocks") or [])
    attachments = read_list("attachments", call.values.get("attachments") or [])
    check_message(text, blocks, attachments)
    body: dict[str, Any] = {"text": text, "blocks": [{"block_id": secrets.token_hex(3), **each} for each in blocks]}
    body["attachments"] = attachments
    metadata = call.values.get("metadata")
    if metadata:
        if isinstance(metadata, str):
            try:
                metadata = json.loads(metadata)
            except ValueError:
                metadata = None
        check_metadata(metadata)
        body["metadata"] = metadata
    return body


def _react(call: Call) -> dict[str, Any]:
    channel = call.channel()
    name = call.text("name").strip(":")
    micros, body = call.message(channel, "timestamp")
    reactions = body.setdefault("reactions", [])
    if any(each["name"] == name for each in reactions):
        code = "already_reacted"
        raise SlackError(code)
    reactions.append({"name": name, "users": [BOT["user_id"]], "count": 1})
    call.inbox.store.change_slack(micros, body)
    return {}


def _history(call: Call) -> dict[str, Any]:
    channel, limit = call.channel(), call.limit(100, 999)
    after, before = _bounds(call)
    cursor = call.text("cursor", needed=False)
    if cursor:
        before = min(before, _read_cursor(cursor))
    found = call.inbox.store.slack_channel(channel, after, before, limit + 1)
    more, page = len(found) > limit, found[:limit]
    messages = [_parent(call, channel, micros, body) for micros, body in page]
    result: dict[str, Any] = {"messages": messages, "has_more": more, "pin_count": 0}
    if more:
        result["response_metadata"] = {"next_cursor": _cursor(page[-1][0] - 1)}
    return result


def _replies(call: Call) -> dict[str, Any]:
    channel, limit = call.channel(), call.limit(1000, 1000)
    micros = _micros(call.text("ts"))
    body = call.inbox.store.slack(channel, micros)
    if body is None:
        code = "thread_not_found"
        raise SlackError(code)
    after, before = _bounds(call)
    if call.text("cursor", needed=False):
        after = max(after, _read_cursor(call.text("cursor")))
    replies = [each for each in call.inbox.store.slack_thread(channel, micros) if after <= each[0] <= before]
    more, page = len(replies) > limit, replies[:limit]
    with_metadata = call.flag("include_all_metadata")
    messages = [_parent(call, channel, micros, body)]
    messages += [_shown(each, reply, thread=micros, with_metadata=with_metadata) for each, reply in page]
    result: dict[str, Any] = {"messages": messages, "has_more": more}
    if more:
        result["response_metadata"] = {"next_cursor": _cursor(page[-1][0] + 1)}
    return result


def _list(call: Call) -> dict[str, Any]:
    channels = [
        {"id": each, "name": name, "is_channel": True, "is_private": False, "is_archived": False, "is_member": True}
        for each, name in call.inbox.store.channels().items()
    ]
    return {"channels": channels, "response_metadata": {"next_cursor": ""}}


def _create(call: Call) -> dict[str, Any]:
    name = call.text("name").lstrip("#")
    if len(name) > 80 or name != name.lower() or not all(each.isalnum() or each in "-_" for each in name):
        code = "invalid_name_specials"
        raise SlackError(code)
    if name in call.inbox.store.channels().values():
        code = "name_taken"
        raise SlackError(code)
    call.inbox.store.add_channel(channel_id(name), name)
    return {"channel": {"id": channel_id(name), "name": name, "is_channel": True, "is_member": True}}


def _permalink(call: Call) -> dict[str, Any]:
    channel = call.channel()
    micros, _ = call.message(channel, "message_ts")
    return {"channel": channel, "permalink": f"{call.site}/#{channel}/p{micros}"}


_METHODS: Mapping[str, Callable[[Call], dict[str, Any]]] = {
    "auth.test": _auth_test,
    "chat.postMessage": _post,
    "chat.update": _update,
    "chat.getPermalink": _permalink,
    "reactions.add": _react,
    "conversations.history": _history,
    "conversations.replies": _replies,
    "conversations.list": _list,
    "conversations.create": _create,
}


def _posted_to(call: Call) -> str:
    """The id of the channel to post to, which alone may be given by name too."""
    asked = call.text("channel")
    channels = call.inbox.store.channels()
    found = (
        asked if asked in channels else next((id_ for id_, name in channels.items() if name == asked.lstrip("#")), "")
    )
    if not found:
        code = "channel_not_found"
        raise SlackError(code)
    return found


def _parent(call: Call, channel: str, micros: int, body: Mapping[str, Any]) -> dict[str, Any]:
    shown = _shown(micros, body, with_metadata=call.flag("include_all_metadata"))
    replies = call.inbox.store.slack_thread(channel, micros)
    if replies:
        shown["thread_ts"], shown["reply_count"] = ts_of(micros), len(replies)
        shown["latest_reply"], shown["reply_users"] = ts_of(replies[-1][0]), [BOT["user_id"]]
    return shown


def _shown(
    micros: int, body: Mapping[str, Any], *, thread: int | None = None, with_metadata: bool = False
) -> dict[str, Any]:
    shown = {"type": "message", "subtype": "bot_message", "user": BOT["user_id"], "bot_id": BOT["bot_id"], **body}
    shown |= {"ts": ts_of(micros), "team": BOT["team_id"]}
    if thread is not None:
        shown |= {"thread_ts": ts_of(thread), "parent_user_id": BOT["user_id"]}
    if not with_metadata:
        shown.pop("metadata", None)
    return {name: value for name, value in shown.items() if value != []}


def ts_of(micros: int) -> str:
    """A message's time as Slack writes it, which is its identity too."""
    return f"{micros // _MICRO}.{micros % _MICRO:06d}"


def _micros(ts: str) -> int:
    try:
        return int(Decimal(ts) * _MICRO)
    except (InvalidOperation, ValueError, OverflowError):
        code = "invalid_arguments"
        raise SlackError(code, f"[ERROR] not a timestamp: {ts}") from None


def _bounds(call: Call) -> tuple[int, int]:
    """First and last moment of the messages that are wanted, both inclusive."""
    oldest, latest = call.text("oldest", needed=False), call.text("latest", needed=False)
    outside = 0 if call.flag("inclusive") else 1
    after = _micros(oldest) + outside if oldest else 0
    before = _micros(latest) - outside if latest else _LATEST
    return min(after, _LATEST), min(before, _LATEST)


def _cursor(micros: int) -> str:
    return base64.b64encode(f"next_ts:{micros}".encode()).decode()


def _read_cursor(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("next_ts:"))
    except (binascii.Error, ValueError):
        code = "invalid_cursor"
        raise SlackError(code) from None
