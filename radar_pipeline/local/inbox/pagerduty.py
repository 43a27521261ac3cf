"""PagerDuty: the Events API v2, and of the REST API what reads, acknowledges and resolves incidents."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, MutableMapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from radar_pipeline.local.inbox.faults import ChannelFault, Mode
from radar_pipeline.local.inbox.services import Inbox
from radar_pipeline.local.inbox.store import INCIDENT_ID as _ID
from radar_pipeline.local.inbox.store import utc

PREFIX = "/pagerduty/"
_EVENT_AT_MOST = 512 * 1024
_KEY_LENGTH = 32
_SUMMARY_AT_MOST = 1024
_DEDUP_AT_MOST = 255
_ACTIONS = ("trigger", "acknowledge", "resolve")
_SEVERITIES = ("critical", "error", "warning", "info")
_BECOMES = {"acknowledge": "acknowledged", "resolve": "resolved"}
_ORDER = ("triggered", "acknowledged", "resolved")
# What a person may set; nothing leads back.
CHANGES = _ORDER[1:]
_SERVICE = {"id": "PRADAR1", "type": "service_reference", "summary": "Radar pipeline", "self": None, "html_url": None}


async def enqueue(inbox: Inbox, request: Request) -> Response:
    """``POST /v2/enqueue``."""
    raw = await request.body()
    if len(raw) > _EVENT_AT_MOST:
        return JSONResponse(_invalid("Event is too large"), 413)
    try:
        event = json.loads(raw)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        body = {
            "status": "Unrecognized object",
            "message": "Event format is unrecognized",
            "errors": ["JSON parse error"],
        }
        return JSONResponse(body, 400)
    problems = _problems(event, inbox.credentials.pagerduty_routing_key)
    if problems:
        return JSONResponse(_invalid(*problems), 400)
    dedup_key = event.get("dedup_key") or secrets.token_hex(16)
    _apply(inbox, event, dedup_key)
    return JSONResponse({"status": "success", "message": "Event processed", "dedup_key": dedup_key}, 202)


async def list_incidents(inbox: Inbox, request: Request) -> Response:
    """``GET /incidents``."""
    if not _knows(inbox, request):
        return _unauthorized()
    query = request.query_params
    statuses = query.getlist("statuses[]")
    try:
        limit, offset = int(query.get("limit", 25)), int(query.get("offset", 0))
    except ValueError:
        return _invalid_input("limit and offset are whole numbers")
    found = [
        each for each in inbox.store.incidents(query.get("incident_key")) if not statuses or each["status"] in statuses
    ]
    page = found[offset : offset + limit]
    body = {"incidents": [_shown(each, request) for each in page], "limit": limit, "offset": offset, "total": None}
    return JSONResponse({**body, "more": len(found) > offset + limit})


async def one_incident(inbox: Inbox, request: Request) -> Response:
    """``GET`` and ``PUT /incidents/{id}``."""
    if not _knows(inbox, request):
        return _unauthorized()
    found = find_incident(inbox, request.path_params["id"])
    if found is None:
        return JSONResponse({"error": {"message": "Not Found", "code": 2100}}, 404)
    if request.method == "PUT":
        # PagerDuty wants to know in whose name an incident is changed.
        person = request.headers.get("from", "")
        if "@" not in person:
            return _invalid_input("Requester User Not Found")
        try:
            status = json.loads(await request.body())["incident"]["status"]
        except (ValueError, KeyError, TypeError):
            status = None
        if status not in CHANGES:
            return _invalid_input("Incident status is invalid")
        change_status(inbox, found, status, person)
    return JSONResponse({"incident": _shown(found, request)})


def find_incident(inbox: Inbox, incident_id: str) -> dict[str, Any] | None:
    """An incident by its id; None where there is none."""
    number = incident_id.removeprefix(_ID)
    return inbox.store.incident(int(number)) if number.isdecimal() else None


def change_status(inbox: Inbox, incident: MutableMapping[str, Any], status: str, person: str) -> None:
    """Sets the status in somebody's name. Nothing leads back: a resolved incident stays so."""
    if _ORDER.index(status) <= _ORDER.index(incident["status"]):
        return
    at = utc(inbox.store.now())
    incident["status"] = status
    incident["log"] = [*incident["log"], {"at": at, "action": status, "by": person}]
    incident["changed_at"] = at
    _save(inbox, incident)


def refusal(fault: ChannelFault, *, reads: bool) -> Response:
    """What PagerDuty answers while it fails in a certain way.

    Args:
        fault: How it fails.
        reads: Whether the REST API was asked, which answers in another shape than the Events API.
    """
    if fault.mode is Mode.RATE_LIMIT:
        message = "Requests for this service are arriving too quickly.  Please retry later."
        body: dict[str, Any] = {"status": "throttle exceeded", "message": message}
        if reads:
            body = {"error": {"message": "Rate Limit Exceeded", "code": 2020}}
        return JSONResponse(body, 429, {"Retry-After": str(fault.retry_after)})
    if fault.mode is Mode.REFUSE:
        return _unauthorized() if reads else JSONResponse(_invalid("Invalid routing key"), 400)
    return JSONResponse({"error": {"message": "Internal Server Error", "code": 2000}}, 500)


def _problems(event: Mapping[str, Any], known_key: str) -> list[str]:
    problems = _key_problems(event.get("routing_key"), known_key)
    action, dedup_key = event.get("event_action"), event.get("dedup_key")
    if not action:
        problems.append("'event_action' is missing or blank")
    elif action not in _ACTIONS:
        problems.append("'event_action' is invalid (must be one of: trigger, acknowledge, resolve)")
    if len(str(dedup_key or "")) > _DEDUP_AT_MOST:
        problems.append(f"'dedup_key' is too long (maximum is {_DEDUP_AT_MOST} characters)")
    if action == "trigger":
        problems += _payload_problems(event.get("payload"))
    elif action in _ACTIONS and not dedup_key:
        problems.append("'dedup_key' is missing or blank")
    return problems


def _key_problems(key: Any, known_key: str) -> list[str]:
    if not key:
        return ["'routing_key' is missing or blank"]
    problems = []
    if len(str(key)) != _KEY_LENGTH:
        problems.append(f"Length of 'routing_key' is incorrect (should be {_KEY_LENGTH} characters)")
    if not re.fullmatch(r"[a-zA-Z0-9]*", str(key)):
        problems.append("'routing_key' cannot contain non-alphanumeric characters.")
    if not problems and not secrets.compare_digest(str(key), known_key):
        problems.append("Invalid routing key")
    return problems


def _payload_problems(payload: Any) -> list[str]:
    if not isinstance(payload, Mapping):
        return ["'payload' is missing or blank"]
    problems = [
        f"'payload.{name}' is missing or blank" for name in ("summary", "source", "severity") if not payload.get(name)
    ]
    if len(str(payload.get("summary") or "")) > _SUMMARY_AT_MOST:
        problems.append(f"'payload.summary' is too long (maximum is {_SUMMARY_AT_MOST} characters)")
    if payload.get("severity") and payload["severity"] not in _SEVERITIES:
        problems.append(f"'payload.severity' is invalid (must be one of the following: {', '.join(_SEVERITIES)})")
    return problems


def _invalid(*problems: str) -> dict[str, Any]:
    return {"status": "invalid event", "message": "Event object is invalid", "errors": list(problems)}


def _apply(inbox: Inbox, event: Mapping[str, Any], dedup_key: str) -> None:
    """Opens, counts in, or changes the incident of an event. A resolved one is over: the next trigger opens another."""
    action = event["event_action"]
    told = {name: value for name, value in event.items() if name != "routing_key"}
    inbox.store.add("pagerduty", {**told, "dedup_key": dedup_key})
    at = utc(inbox.store.now())
    newest = next(iter(inbox.store.incidents(dedup_key, limit=1)), None)
    is_open = newest is not None and newest["status"] != "resolved"
    line = {"at": at, "action": action, "by": "Events API"}
    if action == "trigger" and not is_open:
        opened = {name: event.get(name) for name in ("payload", "links", "images", "client", "client_url")}
        first = {**line, "action": "triggered"}
        body = {**opened, "created_at": at, "changed_at": at, "log": [first]}
        inbox.store.add_incident(dedup_key, body)
    elif newest and is_open and action == "trigger":
        newest["payload"] = event["payload"]
        newest["log"] = [*newest["log"], {**line, "action": "triggered again"}]
        _save(inbox, newest)
    elif newest and is_open:
        change_status(inbox, newest, _BECOMES[action], "Events API")


def _save(inbox: Inbox, incident: Mapping[str, Any]) -> None:
    outside = {"id", "number", "dedup_key", "status"}
    body = {name: value for name, value in incident.items() if name not in outside}
    inbox.store.change_incident(incident["number"], incident["status"], body)


def _knows(inbox: Inbox, request: Request) -> bool:
    expected = f"Token token={inbox.credentials.pagerduty_api_token}"
    return secrets.compare_digest(request.headers.get("authorization", "").encode(), expected.encode())


def _invalid_input(problem: str) -> Response:
    return JSONResponse({"error": {"message": "Invalid Input Provided", "code": 2001, "errors": [problem]}}, 400)


def _unauthorized() -> Response:
    return JSONResponse({"error": {"message": "Unauthorized", "code": 2006, "errors": ["Authentication failed"]}}, 401)


def _shown(incident: Mapping[str, Any], request: Request) -> dict[str, Any]:
    site = f"{request.url.scheme}://{request.url.netloc}"
    payload = incident["payload"]
    acknowledged = [each for each in incident["log"] if each["action"] == "acknowledged"]
    agent = {"id": _SERVICE["id"], "type": "service_reference", "summary": incident["log"][-1]["by"]}
    return {
        "id": incident["id"],
        "type": "incident",
        "summary": f"[#{incident['number']}] {payload['summary']}",
        "self": f"{site}{PREFIX}incidents/{incident['id']}",
        "html_url": f"{site}/#{incident['id']}",
        "incident_number": incident["number"],
        "title": payload["summary"],
        "created_at": incident["created_at"],
        "updated_at": incident["changed_at"],
        "status": incident["status"],
        "incident_key": incident["dedup_key"],
        "service": _SERVICE,
        "urgency": "high" if payload["severity"] in {"critical", "error"} else "low",
        "acknowledgements": [
            {"at": each["at"], "acknowledger": {"id": "PUSER01", "type": "user_reference", "summary": each["by"]}}
            for each in acknowledged
            if incident["status"] == "acknowledged"
        ],
        "last_status_change_at": incident["changed_at"],
        "last_status_change_by": agent,
    }
