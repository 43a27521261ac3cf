"""The environment that points the platform at this stack, as a dotenv file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from radar_pipeline.local.airbyte_server.bootstrap import CONNECTION_ID, DEFAULT_PATH
from radar_pipeline.local.aws import AwsEndpoint
from radar_pipeline.local.files import write_private
from radar_pipeline.local.mariadb import MySqlAddress
from radar_pipeline.local.ports import HOST

# The documented names of the production system; here they name local things.
BUCKET = "farmarcas-production-bronze"
PREFIX = DEFAULT_PATH
REGION = "us-east-2"

# Athena of the local stack: where it is asked, and where it says that results lie.
WORKGROUP = "radar-analytics"
ATHENA_OUTPUT = f"s3://{BUCKET}/_radar_pipeline/athena-results/"

_PLAIN = re.compile(r"[\w./:=@%+,-]*")


@dataclass(frozen=True)
class Wiring:
    """Where the parts of a running stack are.

    Attributes:
        source: The reader of the Radar database.
        aws: The AWS endpoint.
        airbyte_port: Port of the Airbyte-compatible server.
        airbyte_credentials: Variables with which the platform logs in there; empty where it needs none.
        alert_channels: Variables that lead the channels of the alerts to the inbox.
        source_tls: How the source is to be reached: its own MariaDB speaks TLS, another may not.
    """

    source: MySqlAddress
    aws: AwsEndpoint
    airbyte_port: int
    airbyte_credentials: Mapping[str, str] = field(repr=False)
    alert_channels: Mapping[str, str] = field(repr=False)
    source_tls: str = "required"


def variables(wiring: Wiring) -> dict[str, str]:
    """Every variable that the platform needs to work on this stack."""
    return {
        "RADAR_ENV": "local",
        "RADAR_HOST": wiring.source.host,
        "RADAR_PORT": str(wiring.source.port),
        "RADAR_DATABASE": wiring.source.database,
        "RADAR_USER": wiring.source.user,
        "RADAR_PASS": wiring.source.password,
        "RADAR_SOURCE_TLS": wiring.source_tls,
        "AIRBYTE_SERVER_HOST": HOST,
        "AIRBYTE_SERVER_PORT": str(wiring.airbyte_port),
        **wiring.airbyte_credentials,
        "RADAR_CONNECTION_ID": CONNECTION_ID,
        "RADAR_POLL_SECONDS": "0.5",
        "FARMARCAS_AWS_ACCESS_KEY_ID": wiring.aws.access_key_id,
        "FARMARCAS_AWS_SECRET_ACCESS_KEY": wiring.aws.secret_access_key,
        "AWS_DEFAULT_REGION": wiring.aws.region,
        "RADAR_S3_ENDPOINT_URL": wiring.aws.url,
        "S3_BUCKET_NAME": BUCKET,
        "S3_RADAR_PREFIX": PREFIX,
        "RADAR_GLUE_ENDPOINT_URL": wiring.aws.url,
        "RADAR_ATHENA_ENDPOINT_URL": wiring.aws.url,
        "RADAR_ATHENA_WORKGROUP": WORKGROUP,
        "RADAR_ATHENA_OUTPUT": ATHENA_OUTPUT,
        "SLACK_CHANNEL": "#data-engineering",
        "SLACK_ALERT_CHANNEL": "#alerts",
        **wiring.alert_channels,
        # Where `radar ui` serves it unless it is told otherwise.
        "RADAR_DAGSTER_UI_URL": "http://127.0.0.1:3000",
    }


def write_environment(path: Path, wiring: Wiring) -> None:
    """Writes the variables for whoever wants to read them: settings, a shell, a container."""
    head = "# The local stack's environment, written by `radar local up`. It holds passwords of this stack only.\n"
    write_private(path, head + "".join(f"{name}={_quoted(value)}\n" for name, value in variables(wiring).items()))


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
