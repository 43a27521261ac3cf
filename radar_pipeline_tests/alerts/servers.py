"""Small real servers that record what the channels send, and misbehave when told to."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from slack_sdk import WebClient

from radar_pipeline.alerts.channels.config import ChannelsConfig, EmailConfig, PagerDutyConfig, SlackConfig, SmsConfig
from radar_pipeline.local.ports import free_port
from radar_pipeline.local.tls import ensure_tls

SLACK_TOKEN, ROUTING_KEY, PD_TOKEN = "xoxb-0-slack-token", "routing-key-0000", "pd-token-0000"
SMTP_USER, SMTP_PASSWORD, SNS_SECRET = "radar", "smtp-pass-0000", "sns-secret-0000"
SENDER, RECIPIENT, NUMBER = "radar@farma.example", "team@farma.example", "+5511987654321"

OK, ERROR, LIMIT, HANG, LOST = "ok", "error", "limit", "hang", "lost"


@dataclass
class World:
    """What the servers got, and how they behave. ``faults`` is by part: slack, pagerduty, email, sms.

    ``error`` answers 500 without doing anything, ``limit`` 429 with Retry-After, ``hang`` not at all, ``lost`` does
    what is asked and drops the connection.
    """

    url: str = ""
    smtp_port: int = 0
    ca_file: Path = Path()
    messages: list[dict[str, Any]] = field(default_factory=list)
    reactions: list[tuple[str, str]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    taken: dict[str, dict[str, Any]] = field(default_factory=dict)
    mails: list[EmailMessage] = field(default_factory=list)
    texts: list[dict[str, str]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    released: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def roots(self) -> list[dict[str, Any]]:
        return [each for each in self.messages if "thread_ts" not in each]

    def replies(self) -> list[dict[str, Any]]:
        return [each for each in self.messages if "thread_ts" in each]

    def mail_ids(self) -> list[str]:
        return [str(each["Message-ID"]) for each in self.mails]

    def texts_of_everything(self) -> str:
        mails = [
            part.get_content() for mail in self.mails for part in mail.walk() if part.get_content_type()[:4] == "text"
        ]
        subjects = [str(each["Subject"]) for each in self.mails]
        return json.dumps([self.messages, self.events, mails, subjects, self.texts], ensure_ascii=False, default=str)


def config(world: World, *media: str, timeout: float = 5.0) -> ChannelsConfig:
    media = media or ("slack", "pagerduty", "email", "sms")
    slack = SlackConfig(WebClient(SLACK_TOKEN, base_url=f"{world.url}/slack/api/"), timeout=timeout)
    pager = PagerDutyConfig(ROUTING_KEY, PD_TOKEN, f"{world.url}/pd", f"{world.url}/pdapi", timeout=timeout)
    email = EmailConfig(
        "127.0.0.1", SENDER, (RECIPIENT,), world.smtp_port, "starttls", world.ca_file, SMTP_USER, SMTP_PASSWORD, timeout
    )
    sms = SmsConfig((NUMBER,), "us-east-2", "AKIDEXAMPLE", SNS_SECRET, f"{world.url}/sns", timeout)
    return ChannelsConfig(
        slack if "slack" in media else None,
        pager if "pagerduty" in media else None,
        email if "email" in media else None,
        sms if "sms" in media else None,
    )


@contextmanager
def running(folder: Path) -> Iterator[World]:
    world = World()
    tls = ensure_tls(folder / "tls", server="test mail", now=dt.datetime.now(dt.UTC))
    world.ca_file = tls.authority
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls.certificate, tls.key)
    mail = Controller(
        _MailHandler(world),
        hostname="127.0.0.1",
        port=free_port(),
        tls_context=context,
        require_starttls=True,
        authenticator=_authenticate,
        auth_required=True,
    )
    mail.start()
    world.smtp_port = mail.port
    server = _Server(("127.0.0.1", 0), _Handler)
    server.world = world
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    world.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield world
    finally:
        world.released.set()
        server.shutdown()
        server.server_close()
        mail.stop()


def _authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    right = (data.login, data.password) == (SMTP_USER.encode(), SMTP_PASSWORD.encode())
    return AuthResult(success=right, handled=False)


class _MailHandler:
    def __init__(self, world: World) -> None:
        self.world = world

    async def handle_RCPT(self, _server: SMTP, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if "rcpt" in self.world.refusals:
            return self.world.refusals["rcpt"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Any, envelope: Any) -> str:  # noqa: N802
        fault = self.world.faults.get("email", OK)
        if fault in {ERROR, LIMIT}:
            return "451 try again later"
        if fault == HANG:
            while not self.world.released.is_set() and self.world.faults.get("email") == HANG:
                await asyncio.sleep(0.05)
            return "451 too late"
        self.world.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        if fault == LOST:
            server.transport.close()
        return "250 taken"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    world: World


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        world = self.server.world
        split = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        part = {"slack": "slack", "pd": "pagerduty", "pdapi": "pagerduty-api", "sns": "sms"}[split.path.split("/")[1]]
        fault = world.faults.get(part, OK)
        with world.lock:
            world.calls.append(f"{part} {split.path.rsplit('/', 1)[1]}")
        if fault == HANG:
            while not world.released.is_set() and world.faults.get(part) == HANG:
                time.sleep(0.02)
            self.close_connection = True
            return
        if fault == ERROR:
            self._say(500, "<html>no</html>", "text/html")
        elif fault == LIMIT:
            self._say(429, json.dumps({"ok": False, "error": "ratelimited"}), retry_after="7")
        else:
            with world.lock:
                status, text, kind = self._do(part, split, body)
            if fault == LOST:
                self.close_connection = True
                return
            self._say(status, text, kind)

    def _say(self, status: int, text: str, kind: str = "application/json", retry_after: str = "") -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(data)

    def _do(self, part: str, split: Any, body: bytes) -> tuple[int, str, str]:
        world = self.server.world
        if part == "slack":
            method = split.path.rsplit("/", 1)[1]
            given = json.loads(body) if self.headers["Content-Type"].startswith("application/json") else None
            given = dict(parse_qsl(body.decode())) if given is None else given
            return 200, json.dumps(_slack(world, method, {**dict(parse_qsl(split.query)), **given})), "application/json"
        if part == "pagerduty":
            event = json.loads(body)
            if event["routing_key"] != ROUTING_KEY:
                return (
                    400,
                    json.dumps({"status": "invalid event", "errors": ["invalid routing key"]}),
                    "application/json",
                )
            world.events.append(event)
            answer = {"status": "success", "message": "Event processed", "dedup_key": event["dedup_key"]}
            return 202, json.dumps(answer), "application/json"
        if part == "pagerduty-api":
            if self.headers["Authorization"] != f"Token token={PD_TOKEN}":
                return 401, "{}", "application/json"
            found = world.taken.get(dict(parse_qsl(split.query))["incident_key"])
            return 200, json.dumps({"incidents": [found] if found else []}), "application/json"
        if "sms" in world.refusals:
            code = world.refusals["sms"]
            return (
                403,
                f"<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>",
                "text/xml",
            )
        world.texts.append(dict(parse_qsl(body.decode())))
        number = len(world.texts)
        answer = f"<PublishResponse><PublishResult><MessageId>m{number}</MessageId></PublishResult></PublishResponse>"
        return 200, answer, "text/xml"


def _slack(world: World, method: str, given: dict[str, Any]) -> dict[str, Any]:
    if method in world.refusals:
        return {"ok": False, "error": world.refusals[method]}
    return _METHODS[method](world, given)


def _post(world: World, given: dict[str, Any]) -> dict[str, Any]:
    name = str(given["channel"])
    refused = (
        world.refusals.get(name)
        or (given.get("blocks") and world.refusals.get("blocks"))
        or (given.get("thread_ts") and world.refusals.get("thread"))
    )
    if refused:
        return {"ok": False, "error": refused}
    channel = {"#alerts": "C1", "#data-engineering": "C2"}.get(name, name)
    ts = f"1700000000.{len(world.messages) + 1:06d}"
    world.messages.append({**given, "channel": channel, "ts": ts})
    return {"ok": True, "channel": channel, "ts": ts}


def _update(world: World, given: dict[str, Any]) -> dict[str, Any]:
    for each in world.messages:
        if (each["channel"], each["ts"]) == (given["channel"], given["ts"]):
            each.update({key: given[key] for key in ("text", "blocks") if key in given})
            return {"ok": True, "ts": each["ts"], "channel": each["channel"]}
    return {"ok": False, "error": "message_not_found"}


def _react(world: World, given: dict[str, Any]) -> dict[str, Any]:
    mark = (given["timestamp"], given["name"])
    if mark in world.reactions:
        return {"ok": False, "error": "already_reacted"}
    world.reactions.append(mark)
    return {"ok": True}


def _replies(world: World, given: dict[str, Any]) -> dict[str, Any]:
    found = [each for each in world.messages if given["ts"] in {each["ts"], each.get("thread_ts")}]
    return {"ok": True, "messages": found}


def _history(world: World, given: dict[str, Any]) -> dict[str, Any]:
    of = [each for each in reversed(world.messages) if each["channel"] == given["channel"]]
    return {"ok": True, "messages": [each for each in of if "thread_ts" not in each or each.get("reply_broadcast")]}


def _list(_world: World, _given: dict[str, Any]) -> dict[str, Any]:
    return {"ok": True, "channels": [{"id": "C1", "name": "alerts"}, {"id": "C2", "name": "data-engineering"}]}


_METHODS: dict[str, Callable[[World, dict[str, Any]], dict[str, Any]]] = {
    "chat.postMessage": _post,
    "chat.update": _update,
    "reactions.add": _react,
    "conversations.replies": _replies,
    "conversations.history": _history,
    "conversations.list": _list,
}
