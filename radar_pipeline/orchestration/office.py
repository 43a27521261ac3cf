"""The alerts of one environment, put together from its settings.

What belongs here: which settings make which channel. What does not: what goes through them (alerting, alerts).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from radar_pipeline.domain.thresholds import Thresholds
from radar_pipeline.settings import Settings

if TYPE_CHECKING:
    from pydantic import AnyHttpUrl, SecretStr

    from radar_pipeline.alerts.centre import AlertCentre
    from radar_pipeline.alerts.channels.config import (
        ChannelsConfig,
        EmailConfig,
        PagerDutyConfig,
        SlackConfig,
        SmsConfig,
    )

_FOLDER = "alerts"


@dataclass(frozen=True)
class Office:
    """Where alerts of one environment go in, and the figures that they are judged by."""

    centre: AlertCentre
    thresholds: Thresholds = field(default_factory=Thresholds)


def open_office(settings: Settings, home: Path) -> Office:
    """Opens the alerts of an environment. Does no network I/O.

    Args:
        settings: The environment.
        home: The Dagster instance's folder; the record of alerts lies in ``alerts`` there where the settings name no
            other place.

    Raises:
        RegistryError: The file of routes and thresholds cannot be used; the message names file and line.
        LedgerError: The record of alerts cannot be used.
    """
    from radar_pipeline.alerts.centre import open_centre
    from radar_pipeline.alerts.config import load_alerts_config
    from radar_pipeline.alerts.render.words import Presentation
    from radar_pipeline.domain.redaction import Redactor

    config = load_alerts_config(
        settings.alerts_file,
        environment=settings.environment,
        slack_channel=settings.slack_channel,
        slack_alert_channel=settings.slack_alert_channel,
    )
    centre = open_centre(
        settings.alerts_folder or home / _FOLDER,
        channels=channels_of(settings),
        config=config,
        redactor=Redactor(settings.secrets()),
        presentation=Presentation(settings.environment, _text(settings.runbooks_url)),
    )
    return Office(centre, config.thresholds)


def channels_of(settings: Settings) -> ChannelsConfig:
    """The channels whose variables are set."""
    from radar_pipeline.alerts.channels.config import ChannelsConfig

    return ChannelsConfig(
        slack=_slack(settings), pagerduty=_pagerduty(settings), email=_email(settings), sms=_sms(settings)
    )


def _slack(settings: Settings) -> SlackConfig | None:
    if settings.slack_token is None:
        return None
    from dagster_slack import SlackResource

    from radar_pipeline.alerts.channels.config import SlackConfig

    client = SlackResource(token=settings.slack_token.get_secret_value()).get_client()
    if settings.slack_api_url:
        # slack_sdk joins paths to it, which takes a slash at its end.
        client.base_url = f"{_text(settings.slack_api_url)}/"
    return SlackConfig(client, (settings.slack_channel, settings.slack_alert_channel))


def _pagerduty(settings: Settings) -> PagerDutyConfig | None:
    if settings.pagerduty_routing_key is None:
        return None
    from radar_pipeline.alerts.channels.config import PagerDutyConfig

    own = PagerDutyConfig("")
    return PagerDutyConfig(
        settings.pagerduty_routing_key.get_secret_value(),
        api_token=_secret(settings.pagerduty_api_token),
        events_url=_text(settings.pagerduty_events_url) or own.events_url,
        api_url=_text(settings.pagerduty_api_url) or own.api_url,
    )


def _email(settings: Settings) -> EmailConfig | None:
    if settings.smtp_host is None or settings.email_from is None:
        return None
    from radar_pipeline.alerts.channels.config import EmailConfig

    return EmailConfig(
        host=settings.smtp_host,
        sender=settings.email_from,
        recipients=settings.email_to,
        port=settings.smtp_port,
        tls=settings.smtp_tls,
        ca_file=settings.smtp_ca_file,
        user=settings.smtp_user or "",
        password=_secret(settings.smtp_password),
    )


def _sms(settings: Settings) -> SmsConfig | None:
    if not settings.sms_to:
        return None
    from radar_pipeline.alerts.channels.config import SmsConfig

    return SmsConfig(
        numbers=settings.sms_to,
        region=settings.aws_region,
        access_key_id=settings.aws_access_key_id or "",
        secret_access_key=_secret(settings.aws_secret_access_key),
        endpoint_url=_text(settings.sns_endpoint_url),
    )


def _secret(value: SecretStr | None) -> str:
    return value.get_secret_value() if value else ""


def _text(url: AnyHttpUrl | None) -> str:
    """An address without the slash that pydantic adds."""
    return str(url).rstrip("/") if url else ""
