"""Starts the inbox as the stack does, and gives the official clients of its channels."""

from __future__ import annotations

import os
import signal
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import boto3
import requests
from botocore.config import Config
from slack_sdk import WebClient

from radar_pipeline.local.inbox.client import InboxClient
from radar_pipeline.local.inbox.program import InboxServer
from radar_pipeline.local.inbox.services import Credentials
from radar_pipeline.local.ports import free_port
from radar_pipeline.local.processes import find, start, stop, wait_until_ready
from radar_pipeline_tests.servers import tied_to_this_process

CREDENTIALS = Credentials(
    slack_token="xoxb-the-token",
    pagerduty_routing_key="0123456789abcdef0123456789abcdef",
    pagerduty_api_token="the-api-token",
    smtp_user="radar-alerts",
    smtp_password="the-password",
    aws_access_key_id="RADARLOCAL",
)


@dataclass(frozen=True)
class Running:
    """A running inbox."""

    server: InboxServer
    pid_file: Path

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def client(self) -> InboxClient:
        return self.server.client

    @property
    def pid(self) -> int:
        return find(self.pid_file).pid

    def slack(self, token: str = CREDENTIALS.slack_token, **options: Any) -> WebClient:
        # The SDK sends a message again whose connection was lost, unless it is told not to.
        options = {"retry_handlers": [], **options}
        return WebClient(token, base_url=f"{self.url}/slack/api", timeout=5, **options)

    def sns(self, key: str = "RADARLOCAL") -> Any:
        config = Config(proxies={}, retries={"total_max_attempts": 1}, read_timeout=5)
        options = {"aws_access_key_id": key, "aws_secret_access_key": "any", "region_name": "us-east-2"}
        return boto3.client("sns", endpoint_url=f"{self.url}/sns", config=config, **options)

    def event(self, action: str = "trigger", *, status: int | None = 202, **fields: Any) -> Any:
        payload = {"summary": "it broke", "source": "radar_pipeline", "severity": "critical"}
        body = {"routing_key": CREDENTIALS.pagerduty_routing_key, "event_action": action, "payload": payload, **fields}
        answer = requests.post(f"{self.url}/pagerduty/v2/enqueue", json=body, timeout=5)
        assert status is None or answer.status_code == status, answer.text
        return answer.json()

    def pagerduty(self, method: str, path: str, token: str = CREDENTIALS.pagerduty_api_token, **options: Any) -> Any:
        headers = {"Authorization": f"Token token={token}", "From": "ana@radar.local"} | options.pop("headers", {})
        return requests.request(method, f"{self.url}/pagerduty/{path}", headers=headers, timeout=5, **options)

    @contextmanager
    def mail(self, *, login: tuple[str, str] | None = ("radar-alerts", "the-password")) -> Iterator[smtplib.SMTP]:
        trusted = ssl.create_default_context(cafile=str(self.server.tls.authority))
        with smtplib.SMTP("127.0.0.1", self.server.smtp_port, timeout=5) as session:
            session.starttls(context=trusted)
            if login:
                session.login(*login)
            yield session

    def restart(self, *, kill: bool) -> None:
        if kill:
            os.kill(self.pid, signal.SIGKILL)
        stop(self.pid_file, seconds=10)
        self.start()

    def start(self) -> None:
        program = self.server.program(pid_file=self.pid_file, log_file=self.server.home / "log")
        program = tied_to_this_process(program)
        wait_until_ready(program, start(program), self.server.is_ready, seconds=30)

    def log(self) -> str:
        return (self.server.home / "log").read_text()


@contextmanager
def running(home: Path) -> Iterator[Running]:
    inbox = Running(InboxServer(home, free_port(), free_port(), CREDENTIALS), home / "pid")
    inbox.start()
    try:
        yield inbox
    finally:
        stop(inbox.pid_file, seconds=10)


def mail(text: str = "it broke", html: str = "", **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "radar@radar.local", "team@radar.local", "Radar"
    for name, value in headers.items():
        del message[name]
        message[name] = value
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    return message
