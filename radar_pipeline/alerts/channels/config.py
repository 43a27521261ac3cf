"""What channels need to know, as plain values. No secret shows in a repr.

Time-outs are in seconds, for one request.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from radar_pipeline.alerts.render.words import Presentation
from radar_pipeline.domain.routing import Medium

if TYPE_CHECKING:
    from slack_sdk import WebClient

    from radar_pipeline.alerts.channels.base import Channel


@dataclass(frozen=True)
class SlackConfig:
    """Slack.

    Attributes:
        client: The Web API's client; the channel takes it over (sets its time-out, takes away its own retries).
        channels: Channels that a test message goes to: those of the settings.
        timeout: For one request.
    """

    client: WebClient = field(repr=False)
    channels: tuple[str, ...] = ("#data-engineering", "#alerts")
    timeout: float = 10.0


@dataclass(frozen=True)
class PagerDutyConfig:
    """PagerDuty.

    Attributes:
        routing_key: Of an Events API v2 integration.
        api_token: Read-only; without it acknowledgements are not read back.
        events_url: The Events API.
        api_url: The REST API.
        timeout: For one request.
    """

    routing_key: str = field(repr=False)
    api_token: str = field(default="", repr=False)
    events_url: str = "https://events.pagerduty.com"
    api_url: str = "https://api.pagerduty.com"
    timeout: float = 10.0


@dataclass(frozen=True)
class EmailConfig:
    """E-mail over SMTP, always with TLS.

    Attributes:
        host: The server.
        sender: The address that mails come from.
        recipients: Addresses that ``email`` in routes stands for.
        port: Its port.
        tls: TLS after STARTTLS, or from the beginning.
        ca_file: An authority that this machine does not know.
        user: Who signs in; empty where nobody does.
        password: The password.
        timeout: For each answer of the server.
    """

    host: str
    sender: str
    recipients: tuple[str, ...] = ()
    port: int = 587
    tls: Literal["starttls", "implicit"] = "starttls"
    ca_file: Path | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 15.0


@dataclass(frozen=True)
class SmsConfig:
    """Text messages through SNS.

    Attributes:
        numbers: Numbers in the form ``+5511999999999``.
        region: Region of SNS.
        access_key_id: With its secret; empty for the default AWS chain.
        secret_access_key: The secret.
        endpoint_url: An SNS-compatible server in the place of AWS; empty for AWS.
        timeout: For one request.
    """

    numbers: tuple[str, ...] = field(repr=False)
    region: str = "us-east-2"
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)
    endpoint_url: str = ""
    timeout: float = 10.0


@dataclass(frozen=True)
class ChannelsConfig:
    """The channels of one environment; None where one is not configured."""

    slack: SlackConfig | None = None
    pagerduty: PagerDutyConfig | None = None
    email: EmailConfig | None = None
    sms: SmsConfig | None = None

    @property
    def media(self) -> frozenset[Medium]:
        """Media that are configured."""
        found = {
            Medium.SLACK: self.slack is not None,
            Medium.PAGERDUTY: self.pagerduty is not None,
            Medium.EMAIL: self.email is not None,
            Medium.SMS: self.sms is not None and bool(self.sms.numbers),
        }
        return frozenset(medium for medium, configured in found.items() if configured)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never show in a message."""
        found: Iterable[str] = (
            (self.slack.client.token or "") if self.slack else "",
            *((self.pagerduty.routing_key, self.pagerduty.api_token) if self.pagerduty else ()),
            self.email.password if self.email else "",
            self.sms.secret_access_key if self.sms else "",
        )
        return tuple(each for each in found if each)

    @property
    def addresses(self) -> frozenset[str]:
        """E-mail addresses that may be named."""
        return frozenset({self.email.sender, *self.email.recipients}) if self.email else frozenset()


def make_channel(medium: Medium, config: ChannelsConfig, presentation: Presentation) -> Channel:
    """Makes the channel of a medium that is configured. Each imports its client only when it is made."""
    if medium is Medium.SLACK and config.slack:
        from radar_pipeline.alerts.channels.slack import SlackChannel  # noqa: PLC0415 - only where it is used

        return SlackChannel(config.slack, presentation)
    if medium is Medium.PAGERDUTY and config.pagerduty:
        from radar_pipeline.alerts.channels.pagerduty import PagerDutyChannel  # noqa: PLC0415 - only where it is used

        return PagerDutyChannel(config.pagerduty, presentation)
    if medium is Medium.EMAIL and config.email:
        from radar_pipeline.alerts.channels.mail import MailChannel  # noqa: PLC0415 - only where it is used

        return MailChannel(config.email, presentation)
    if medium is Medium.SMS and config.sms:
        from radar_pipeline.alerts.channels.sms import SmsChannel  # noqa: PLC0415 - only where it is used

        return SmsChannel(config.sms, presentation)
    message = f"{medium} is not configured"
    raise ValueError(message)
