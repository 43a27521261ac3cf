"""Every variable, its default, what it may hold and what belongs together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from pathlib import Path
from typing import Literal

from pydantic import AnyHttpUrl, Field, Secret, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from radar_pipeline.settings.errors import SettingsError
from radar_pipeline.settings.values import Bucket, Day, Host, Port, Text, Texts, Uuid

# Editors of Windows begin a file with a mark that would become part of the first name.
ENV_FILE_ENCODING = "utf-8-sig"


class Settings(BaseSettings):
    """Settings of one environment. Every field names the variable that it is read from.

    Defaults are the facts of the production system (docs/production.md); hosts and secrets have none.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        env_file_encoding=ENV_FILE_ENCODING,
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )

    environment: Literal["local", "development", "staging", "production"] = Field(
        "production", validation_alias="RADAR_ENV"
    )
    tables_file: Path | None = Field(None, validation_alias="RADAR_TABLES_FILE")
    first_partition: Day = Field(dt.date(2025, 1, 1), validation_alias="RADAR_FIRST_PARTITION")

    source_host: Host | None = Field(None, validation_alias="RADAR_HOST")
    source_port: Port = Field(3306, validation_alias="RADAR_PORT")
    source_database: Text = Field("radar", validation_alias="RADAR_DATABASE")
    source_user: Text = Field("bi-cognitivo-read", validation_alias="RADAR_USER")
    source_password: SecretStr | None = Field(None, validation_alias="RADAR_PASS")
    source_tls: Literal["disabled", "preferred", "required"] = Field("preferred", validation_alias="RADAR_SOURCE_TLS")

    airbyte_host: Host | None = Field(None, validation_alias="AIRBYTE_SERVER_HOST")
    airbyte_port: Port = Field(8001, validation_alias="AIRBYTE_SERVER_PORT")
    airbyte_scheme: Literal["http", "https"] = Field("http", validation_alias="RADAR_AIRBYTE_SCHEME")
    airbyte_ui_url: AnyHttpUrl | None = Field(None, validation_alias="RADAR_AIRBYTE_UI_URL")
    airbyte_username: Text | None = Field(None, validation_alias="RADAR_AIRBYTE_USERNAME")
    airbyte_password: SecretStr | None = Field(None, validation_alias="RADAR_AIRBYTE_PASSWORD")
    airbyte_client_id: Text | None = Field(None, validation_alias="RADAR_AIRBYTE_CLIENT_ID")
    airbyte_client_secret: SecretStr | None = Field(None, validation_alias="RADAR_AIRBYTE_CLIENT_SECRET")
    connection_id: Uuid = Field("6c7fda57-ebdb-4c6b-9bc3-6b5d5cb9e1ad", validation_alias="RADAR_CONNECTION_ID")
    poll_seconds: float = Field(10.0, gt=0, le=10, validation_alias="RADAR_POLL_SECONDS")
    sync_timeout_seconds: float = Field(14_400, gt=0, validation_alias="RADAR_SYNC_TIMEOUT_SECONDS")

    aws_access_key_id: Text | None = Field(None, validation_alias="FARMARCAS_AWS_ACCESS_KEY_ID")
    aws_secret_access_key: SecretStr | None = Field(None, validation_alias="FARMARCAS_AWS_SECRET_ACCESS_KEY")
    aws_region: Text = Field("us-east-2", validation_alias="AWS_DEFAULT_REGION")
    bucket: Bucket = Field("farmarcas-production-bronze", validation_alias="S3_BUCKET_NAME")
    prefix: Text = Field("origin=airbyte/database=bronze_radar", validation_alias="S3_RADAR_PREFIX")
    control_prefix: Text = Field("_radar_pipeline", validation_alias="RADAR_CONTROL_PREFIX")
    s3_endpoint_url: AnyHttpUrl | None = Field(None, validation_alias="RADAR_S3_ENDPOINT_URL")

    catalogue: Literal["register", "crawler", "both", "off"] = Field("register", validation_alias="RADAR_CATALOGUE")
    glue_database: Text = Field("bronze_radar", validation_alias="RADAR_GLUE_DATABASE")
    glue_crawler: Text = Field("crawler-bronze-radar", validation_alias="RADAR_GLUE_CRAWLER")
    crawler_timeout_seconds: float = Field(900, gt=0, validation_alias="RADAR_CRAWLER_TIMEOUT_SECONDS")
    glue_endpoint_url: AnyHttpUrl | None = Field(None, validation_alias="RADAR_GLUE_ENDPOINT_URL")
    athena_workgroup: Text | None = Field(None, validation_alias="RADAR_ATHENA_WORKGROUP")
    athena_output: Text | None = Field(None, validation_alias="RADAR_ATHENA_OUTPUT")
    athena_endpoint_url: AnyHttpUrl | None = Field(None, validation_alias="RADAR_ATHENA_ENDPOINT_URL")

    retention_file: Path | None = Field(None, validation_alias="RADAR_RETENTION_FILE")
    retention_apply: bool = Field(default=False, validation_alias="RADAR_RETENTION_APPLY")
    prices_file: Path | None = Field(None, validation_alias="RADAR_PRICES_FILE")

    table_attempts: int = Field(3, ge=1, le=10, validation_alias="RADAR_TABLE_ATTEMPTS")
    preflight_pause_seconds: float = Field(10.0, ge=0, le=600, validation_alias="RADAR_PREFLIGHT_PAUSE_SECONDS")

    slack_channel: Text = Field("#data-engineering", validation_alias="SLACK_CHANNEL")
    slack_alert_channel: Text = Field("#alerts", validation_alias="SLACK_ALERT_CHANNEL")
    slack_token: SecretStr | None = Field(None, validation_alias="RADAR_SLACK_TOKEN")
    slack_api_url: AnyHttpUrl | None = Field(None, validation_alias="RADAR_SLACK_API_URL")
    pagerduty_routing_key: SecretStr | None = Field(None, validation_alias="RADAR_PAGERDUTY_ROUTING_KEY")
    pagerduty_api_token: SecretStr | None = Field(None, validation_alias="RADAR_PAGERDUTY_API_TOKEN")
    pagerduty_events_url: AnyHttpUrl | None = Field(None, validation_alias="RADAR_PAGERDUTY_EVENTS_URL")
    pagerduty_api_url: AnyHttpUrl | None = Field(None, validation_alias="RADAR_PAGERDUTY_API_URL")
    smtp_host: Host | None = Field(None, validation_alias="RADAR_SMTP_HOST")
    smtp_port: Port = Field(587, validation_alias="RADAR_SMTP_PORT")
    smtp_tls: Literal["starttls", "implicit"] = Field("starttls", validation_alias="RADAR_SMTP_TLS")
    smtp_ca_file: Path | None = Field(None, validation_alias="RADAR_SMTP_CA_FILE")
    smtp_user: Text | None = Field(None, validation_alias="RADAR_SMTP_USER")
    smtp_password: SecretStr | None = Field(None, validation_alias="RADAR_SMTP_PASSWORD")
    email_from: Text | None = Field(None, validation_alias="RADAR_ALERT_EMAIL_FROM")
    email_to: Texts = Field((), validation_alias="RADAR_ALERT_EMAIL_TO")
    sms_to: Texts = Field((), validation_alias="RADAR_ALERT_SMS_TO")
    sns_endpoint_url: AnyHttpUrl | None = Field(None, validation_alias="RADAR_SNS_ENDPOINT_URL")
    alerts_file: Path | None = Field(None, validation_alias="RADAR_ALERTS_FILE")
    alerts_folder: Path | None = Field(None, validation_alias="RADAR_ALERTS_DIR")
    dagster_ui_url: AnyHttpUrl | None = Field(None, validation_alias="RADAR_DAGSTER_UI_URL")
    runbooks_url: AnyHttpUrl | None = Field(None, validation_alias="RADAR_RUNBOOKS_URL")
    heartbeat_url: Secret[AnyHttpUrl] | None = Field(None, validation_alias="RADAR_HEARTBEAT_URL")

    def missing(self, besides: Collection[str] = ()) -> tuple[str, ...]:
        """One sentence for each variable without which the daily run cannot work.

        Args:
            besides: Variables of which something else is said already.
        """
        absent = [name for name in _REQUIRED if getattr(self, name) is None and variable(name) not in besides]
        return tuple(f"{variable(name)} is not set: {_REQUIRED[name]}" for name in absent)

    def half_pairs(self, besides: Collection[str] = ()) -> tuple[str, ...]:
        """One sentence for each variable that is set without the one that belongs to it."""
        found = []
        for pair in _PAIRS:
            given = [name for name in pair if getattr(self, name) is not None]
            if len(given) == 1 and not {variable(name) for name in pair} & set(besides):
                (lacking,) = set(pair) - set(given)
                found.append(f"{variable(given[0])} is set and {variable(lacking)} is not: set both or neither")
        return tuple(found)

    def secrets(self) -> tuple[str, ...]:
        """Every secret value, for whoever has to keep them out of a text."""
        found = (getattr(self, name) for name in type(self).model_fields)
        return tuple(str(value.get_secret_value()) for value in found if isinstance(value, (SecretStr, Secret)))

    def require(self) -> None:
        """Raises SettingsError naming every variable without which the daily run cannot work."""
        if problems := self.missing():
            raise SettingsError(problems)


_REQUIRED = {"airbyte_host": "the host of the Airbyte server (AIRBYTE_SERVER_PORT is its port, 8001 by default)"}

_PAIRS = (
    ("source_host", "source_password"),
    ("aws_access_key_id", "aws_secret_access_key"),
    ("airbyte_username", "airbyte_password"),
    ("airbyte_client_id", "airbyte_client_secret"),
    ("smtp_user", "smtp_password"),
)


def variable(field: str) -> str:
    """The environment variable that a field of Settings is read from."""
    return str(Settings.model_fields[field].validation_alias)
