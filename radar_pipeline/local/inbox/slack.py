"""The Slack Web API: the methods that a bot which posts, marks and reads back uses."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from radar_pipeline.local.inbox.faults import ChannelFault, Mode
from radar_pipeline.local.inbox.services import Inbox
from radar_pipeline.local.inbox.slack_call import (
    MICRO,
    Call,
    bounds,
    micros_of,
    read_cursor,
    read_values,
    require_token,
    ts_of,
    write_cursor,
)
from radar_pipeline.local.inbox.slack_rules import SlackError, check_message, check_metadata, read_list

PREFIX = "/slack/api/"
SENDING = frozenset({"chat.postMessage", "chat.update", "reactions.add", "conversations.create"})
BOT = {"user_id": "U0RADARBOT", "bot_id": "B0RADARBOT", "user": "radar", "team": "Farmarcas", "team_id": "T0RADAR"}
_SCOPES = "chat:write,chat:write.public,reactions:write,channels:history,channels:read,channels:manage"


async def answer(inbox: Inbox, request: Request) -> Response:
    """Answers a call of any method."""
    method = request.path_params["method"]
    try:
        values = await read_values(request)
        require_token(inbox, request, values)
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
        thread = micros_of(call.text("thread_ts"))
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
    # As in Slack: what is left out stays, and an empty list takes it away.
    given = {name: call.values[name] for name in ("text", "blocks", "attachments", "metadata") if name in call.values}
    after = {**before, **_content(Call(call.inbox, {**before, **given}, call.site))}
    after["edited"] = {"user": BOT["user_id"], "ts": ts_of(int(call.inbox.store.now() * MICRO))}
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
    after, before = bounds(call)
    cursor = call.text("cursor", needed=False)
    if cursor:
        before = min(before, read_cursor(cursor))
    found = call.inbox.store.slack_channel(channel, after, before, limit + 1)
    more, page = len(found) > limit, found[:limit]
    messages = [_parent(call, channel, micros, body) for micros, body in page]
    result: dict[str, Any] = {"messages": messages, "has_more": more, "pin_count": 0}
    if more:
        result["response_metadata"] = {"next_cursor": write_cursor(page[-1][0] - 1)}
    return result


def _replies(call: Call) -> dict[str, Any]:
    channel, limit = call.channel(), call.limit(1000, 1000)
    micros = micros_of(call.text("ts"))
    body = call.inbox.store.slack(channel, micros)
    if body is None:
        code = "thread_not_found"
        raise SlackError(code)
    after, before = bounds(call)
    if call.text("cursor", needed=False):
        after = max(after, read_cursor(call.text("cursor")))
    replies = [each for each in call.inbox.store.slack_thread(channel, micros) if after <= each[0] <= before]
    more, page = len(replies) > limit, replies[:limit]
    with_metadata = call.flag("include_all_metadata")
    messages = [_parent(call, channel, micros, body)]
    messages += [_shown(each, reply, thread=micros, with_metadata=with_metadata) for each, reply in page]
    result: dict[str, Any] = {"messages": messages, "has_more": more}
    if more:
        result["response_metadata"] = {"next_cursor": write_cursor(page[-1][0] + 1)}
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
