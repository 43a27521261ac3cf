"""Settings of one environment: the only reader of environment variables.

Names are the team's own (``RADAR_HOST``, ``AIRBYTE_SERVER_HOST``, ``S3_BUCKET_NAME``, ...); new ones begin with
``RADAR_``. Loading does no I/O beyond one file of variables and never fails for what is missing, so that definitions
load anywhere; ``Settings.require`` says what is missing when it is needed. Secrets are ``SecretStr`` and show
in no repr.
"""

from __future__ import annotations

import datetime as dt
import io
import logging
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dotenv.parser import parse_stream
from pydantic import AnyHttpUrl, Field, Secret, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from radar_pipeline.values import Bucket, Day, Host, Port, Text, Texts, Uuid

# It warns of a line that it drops without naming the file; here that is a problem.
logging.getLogger("dotenv.main").setLevel(logging.ERROR)

# The folder of all local state, in the project's.
STATE = Path(".radar")

# Read where RADAR_ENV_FILE names no other; the second is written by the local stack while it is set up.
ENV_FILES = (Path(".env"), STATE / "local" / "env")

# Editors of Windows begin a file with a mark that would become part of the first name.
_ENV_FILE_ENCODING = "utf-8-sig"


class SettingsError(Exception):
    """Variables are missing or not usable.

    Attributes:
        problems: One sentence each: the variable, where it was read, what was expected.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Settings(BaseSettings):
    """Settings of one environment. Every field names the variable that it is read from.

    Defaults are the facts of the production system (docs/production.md); hosts and secrets have none.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        env_file_encoding=_ENV_FILE_ENCODING,
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


def project_folder() -> Path:
    """The nearest of this folder and those above it that holds a project's state; this one where none does.

    Above, only what is the user's own counts: whoever writes the variables there decides where passwords go.
    """
    here = Path.cwd()
    if not any((here / name).exists() for name in (STATE, ENV_FILES[0])):
        for folder in here.parents:
            state = folder / STATE
            if state.is_dir() and state.stat().st_uid == os.getuid():
                return folder
    return Path()


def env_file(environ: Mapping[str, str] | None = None) -> Path | None:
    """The file of variables that settings read beside the environment; None where there is none.

    ``RADAR_ENV_FILE`` names it; else the first of the project's ``ENV_FILES`` that exists. Variables of the
    environment win over it.
    """
    named = (os.environ if environ is None else environ).get("RADAR_ENV_FILE")
    if named:
        return Path(named)
    project = project_folder()
    return next((path for name in ENV_FILES if (path := project / name).is_file()), None)


@dataclass(frozen=True)
class Reading:
    """What the environment says, as far as it can be used.

    Attributes:
        settings: The settings; whatever is unusable has its default here.
        problems: One sentence for each thing that is unusable.
        unusable: The variables among them.
    """

    settings: Settings
    problems: tuple[str, ...] = ()
    unusable: frozenset[str] = frozenset()


def load_settings(**overrides: Any) -> Settings:
    """Reads the settings of this process's environment.

    Args:
        **overrides: Values by variable name that win over the environment; for tests and the local stack.

    Raises:
        SettingsError: A variable is set to something unusable, or the file of variables cannot be read.
    """
    reading = read_settings(**overrides)
    if reading.problems:
        raise SettingsError(reading.problems)
    return reading.settings


def read_settings(**overrides: Any) -> Reading:
    """Reads the settings of this process's environment and everything that is wrong with them, for whoever lists it.

    Args:
        **overrides: As of ``load_settings``.
    """
    path = env_file()
    problems: list[str] = []
    if path is not None:
        is_readable, problems = _inspected(path)
        path = path if is_readable else None
    where = f"the environment or {path}" if path else "the environment"
    unusable: dict[str, str] = {}
    try:
        settings = Settings(_env_file=path, **overrides)
    except ValidationError as error:
        unusable = {str(each["loc"][0]): _sentence(each, where) for each in error.errors()}
        defaults = {variable(name): field.default for name, field in Settings.model_fields.items()}
        settings = Settings(_env_file=path, **overrides | {name: defaults[name] for name in unusable})
    problems += unusable.values()
    problems += [f"{problem} (read from {where})" for problem in settings.half_pairs(unusable)]
    return Reading(settings, tuple(problems), frozenset(unusable))


def prepare_dagster_home(*, make: bool = True) -> Path:
    """Makes this process use the project's Dagster instance, and returns its folder.

    A ``DAGSTER_HOME`` that is set is used as it is. Otherwise all state lies in one ignored folder, with a link to the
    project's dagster.yaml. Events are stored in batches: one at a time took six times as long (docs/decisions).

    Args:
        make: Whether to make the instance where there is none yet.

    Raises:
        SettingsError: There is none, and none was to be made.
    """
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "500")
    home = os.environ.get("DAGSTER_HOME")
    if home is None:
        project = project_folder().resolve()
        folder, config = project / STATE / "dagster", project / "dagster.yaml"
        if not make and not folder.is_dir():
            problem = (
                f"nothing has run yet: there is no {folder}; go to the project's folder, or `radar run` makes it here"
            )
            raise SettingsError((problem,))
        folder.mkdir(parents=True, exist_ok=True)
        link = folder / "dagster.yaml"
        if config.is_file() and not link.exists():
            link.unlink(missing_ok=True)
            link.symlink_to(config)
        home = os.environ["DAGSTER_HOME"] = str(folder)
    return Path(home)


def serve_ui_at(url: str) -> None:
    """Makes links of alerts lead to a UI that this process becomes, where its address is not that of an environment."""
    if load_settings().environment == "local":
        os.environ[variable("dagster_ui_url")] = url


def event_log_folder() -> Path:
    """Where the SQLite event log lies: in the instance's folder, where Dagster's own storage keeps it too.

    Raises:
        SettingsError: ``DAGSTER_HOME`` is not set.
    """
    home = os.environ.get("DAGSTER_HOME")
    if not home:
        problem = "DAGSTER_HOME is not set: the folder of the Dagster instance, with a link to dagster.yaml in it"
        raise SettingsError((problem,))
    return Path(home) / "history" / "runs"


def _inspected(path: Path) -> tuple[bool, list[str]]:
    """Whether a file of variables can be read, and what is wrong with it."""
    if not path.is_file():
        return False, [f"RADAR_ENV_FILE names {path}, which is no readable file"]
    try:
        text = path.read_text(encoding=_ENV_FILE_ENCODING)
    except OSError as error:
        return False, [f"{path} cannot be read: {error.strerror}"]
    except UnicodeDecodeError:
        return False, [f"{path} is not UTF-8 text"]
    problems = []
    for each in parse_stream(io.StringIO(text)):
        if each.error or (each.key is not None and each.value is None):
            words = each.original.string
            line = each.original.line + words[: len(words) - len(words.lstrip())].count("\n")
            problems.append(f"{path}, line {line}: NAME=VALUE is expected, with quotes that are closed, or a # comment")
    return True, problems


def _sentence(error: Mapping[str, Any], where: str) -> str:
    """One validation error in words. The value itself is not repeated: it may be a secret."""
    name = ".".join(str(part) for part in error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{name}, read from {where}: {message}"
