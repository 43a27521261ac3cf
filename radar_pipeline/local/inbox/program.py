"""The inbox as a program of the stack: how it is started, and what the platform is told about it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from radar_pipeline.local.files import write_private
from radar_pipeline.local.inbox.address import page_url
from radar_pipeline.local.inbox.client import InboxClient
from radar_pipeline.local.inbox.services import Credentials
from radar_pipeline.local.ports import HOST
from radar_pipeline.local.processes import Program, python_program
from radar_pipeline.local.tls import TlsFiles, ensure_tls

SLACK_CHANNELS = ("alerts", "data-engineering")
SMTP_USER = "radar-alerts"
EMAIL_FROM = "radar@radar.local"
EMAIL_TO = "data-engineering@radar.local"
SMS_TO = "+5511999990000"


@dataclass(frozen=True)
class InboxServer:
    """One inbox.

    Attributes:
        home: Folder of its state.
        port: TCP port of its page and of every API but mail, on loopback.
        smtp_port: TCP port for mail, on loopback.
        credentials: What clients must show; not in the repr.
    """

    home: Path
    port: int
    smtp_port: int
    credentials: Credentials = field(repr=False)

    @property
    def url(self) -> str:
        """Its page, and the root of its APIs."""
        return page_url(self.port)

    @property
    def tls(self) -> TlsFiles:
        """Its certificates."""
        return TlsFiles(self.home / "tls")

    @property
    def client(self) -> InboxClient:
        """Its client."""
        return InboxClient(self.url)

    @property
    def variables(self) -> Mapping[str, str]:
        """Variables that lead every channel of the alerts here."""
        known = self.credentials
        return {
            "RADAR_SLACK_TOKEN": known.slack_token,
            "RADAR_SLACK_API_URL": f"{self.url}/slack/api",
            "RADAR_PAGERDUTY_ROUTING_KEY": known.pagerduty_routing_key,
            "RADAR_PAGERDUTY_API_TOKEN": known.pagerduty_api_token,
            "RADAR_PAGERDUTY_EVENTS_URL": f"{self.url}/pagerduty",
            "RADAR_PAGERDUTY_API_URL": f"{self.url}/pagerduty",
            "RADAR_SMTP_HOST": HOST,
            "RADAR_SMTP_PORT": str(self.smtp_port),
            "RADAR_SMTP_TLS": "starttls",
            "RADAR_SMTP_CA_FILE": str(self.tls.authority),
            "RADAR_SMTP_USER": known.smtp_user,
            "RADAR_SMTP_PASSWORD": known.smtp_password,
            "RADAR_ALERT_EMAIL_FROM": EMAIL_FROM,
            "RADAR_ALERT_EMAIL_TO": EMAIL_TO,
            "RADAR_ALERT_SMS_TO": SMS_TO,
            "RADAR_SNS_ENDPOINT_URL": f"{self.url}/sns",
        }

    def program(self, *, pid_file: Path, log_file: Path) -> Program:
        """How the inbox is started. Its credentials are in a file: other users can read a command line."""
        write_private(self._credentials_file, self.credentials.as_json())
        ensure_tls(self.tls.folder, server="radar local mail", now=dt.datetime.now(dt.UTC))
        arguments = ["--state", str(self.home), "--port", str(self.port), "--smtp-port", str(self.smtp_port)]
        arguments += ["--credentials", str(self._credentials_file), "--tls", str(self.tls.folder)]
        for name in SLACK_CHANNELS:
            arguments += ["--slack-channel", name]
        return python_program(
            "inbox", "radar_pipeline.local.inbox", arguments, self.home, pid_file=pid_file, log_file=log_file
        )

    def is_ready(self) -> bool:
        """Whether it answers."""
        return self.client.is_healthy()

    @property
    def _credentials_file(self) -> Path:
        return self.home / "credentials.json"
