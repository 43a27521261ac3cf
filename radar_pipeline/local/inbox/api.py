"""What the page, tests and programs see and do: what arrived, the incidents, what goes wrong on purpose."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from radar_pipeline.local.inbox import pagerduty
from radar_pipeline.local.inbox.faults import CHANNELS
from radar_pipeline.local.inbox.services import Inbox
from radar_pipeline.local.inbox.slack_call import ts_of
from radar_pipeline.local.inbox.store import utc

# What the page shows; older messages stay in the inbox.
_SHOWN = 300
_AT_MOST = 10_000
_PERSON = "you"

# A mail is a stranger's document: it gets a sandbox of its own and may load nothing, whatever it says.
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)


async def health(_inbox: Inbox, _request: Request) -> Response:
    """``GET /api/health``."""
    return JSONResponse({"ok": True})


async def messages(inbox: Inbox, request: Request) -> Response:
    """``GET`` and ``DELETE /api/messages``."""
    if request.method == "DELETE":
        inbox.store.forget()
        return JSONResponse({"messages": []})
    channel = request.query_params.get("channel")
    if channel is not None and channel not in CHANNELS:
        return _wrong(f"there is no channel {channel!r}; there are: {', '.join(CHANNELS)}")
    wanted = CHANNELS if channel is None else (channel,)
    found = [each for name in wanted for each in _arrived(inbox, name, _AT_MOST)]
    return JSONResponse({"messages": sorted(found, key=lambda each: each["at"])})


async def incidents(inbox: Inbox, _request: Request) -> Response:
    """``GET /api/incidents``, newest first."""
    return JSONResponse({"incidents": inbox.store.incidents()})


async def change_incident(inbox: Inbox, request: Request) -> Response:
    """``POST /api/incidents/{id}/{status}``: what a person's click on the page does."""
    status = request.path_params["status"]
    found = pagerduty.find_incident(inbox, request.path_params["id"])
    if found is None or status not in pagerduty.CHANGES:
        return _wrong(f"there is no incident {request.path_params['id']} that could become {status}", 404)
    pagerduty.change_status(inbox, found, status, _PERSON)
    return JSONResponse({"incident": found})


async def faults(inbox: Inbox, request: Request) -> Response:
    """``GET``, ``POST`` and ``DELETE /api/faults``."""
    if request.method == "DELETE":
        inbox.faults.clear(request.query_params.get("channel"))
    elif request.method == "POST":
        try:
            document = json.loads(await request.body())
            if not isinstance(document, dict):
                return _wrong("a fault is a JSON object: channel, mode, and seconds or times")
            inbox.faults.switch_on(document)
        except ValueError as error:
            return _wrong(str(error))
    return JSONResponse({"active": inbox.faults.as_json()})


async def view(inbox: Inbox, request: Request) -> Response:
    """``GET /api/view``: all that the page shows; almost nothing where it is as the page knows it."""
    version = f"{inbox.store.version}-{len(inbox.faults.active())}"
    if request.query_params.get("known") == version:
        return JSONResponse({"version": version, "changed": False})
    document: dict[str, Any] = {name: _arrived(inbox, name, _SHOWN) for name in ("slack", "smtp", "sns")}
    for mail in document["smtp"]:
        # Fetched where it is opened.
        mail["html"] = bool(mail["html"])
    document["incidents"] = inbox.store.incidents(limit=_SHOWN)
    document["channels"] = list(inbox.store.channels().values())
    return JSONResponse({"version": version, "changed": True, **document, "faults": inbox.faults.as_json()})


async def mail(inbox: Inbox, request: Request) -> Response:
    """``GET /mail/{id}``: the HTML of a mail, for a frame."""
    found = inbox.store.arrival(request.path_params["id"])
    if found is None or not found.get("html"):
        return _wrong("there is no such mail", 404)
    # Links open beside the page: the frame may go nowhere.
    headers = {"Content-Security-Policy": _MAIL_POLICY}
    return HTMLResponse('<base target="_blank">' + found["html"], headers=headers)


def _arrived(inbox: Inbox, channel: str, limit: int) -> list[dict[str, Any]]:
    if channel != "slack":
        return inbox.store.newest(channel, limit)
    names = inbox.store.channels()
    return [
        {
            "id": f"{each}/p{micros}",
            "channel": "slack",
            "at": utc(micros / 1_000_000),
            "to": f"#{names[each]}",
            "ts": ts_of(micros),
            "thread_ts": None if thread is None else ts_of(thread),
            **body,
        }
        for micros, each, thread, body in inbox.store.newest_slack(limit)
    ]


def _wrong(message: str, status: int = 400) -> Response:
    return JSONResponse({"error": message}, status)
