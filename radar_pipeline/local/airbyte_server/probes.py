"""Connection checks that really connect, in the words of the connectors."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import pymysql

from radar_pipeline.source.connection import unverified_context


def check_source(source: Mapping[str, Any]) -> str | None:
    """Why MySQL cannot be read; None where it can.

    Args:
        source: Where it is, as ``order.source_of`` gives it.
    """
    try:
        with _connect(source) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (pymysql.MySQLError, OSError) as error:
        code, *rest = error.args or ("",)
        return f"State code: 08001; Error code: {code}; Message: {' '.join(map(str, rest))}"
    return None


def check_destination(destination: Mapping[str, Any], *, denied: bool = False) -> str | None:
    """Why S3 cannot be written; None where it can: a marker is put, listed and deleted.

    Args:
        destination: Where it is, as ``order.destination_of`` gives it.
        denied: Whether the fault is on that S3 refuses every write.
    """
    prefix = "Could not connect to the S3 bucket with the provided configuration. "
    if denied:
        return prefix + "Access Denied (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied)"
    # boto3 is a third of what the server would load, and few servers are asked for this check.
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    # Under a prefix of its own, so that nobody who lists a table's folder ever meets it.
    key = f"_airbyte_connection_test/{uuid.uuid4()}"
    try:
        with closing(_client(destination)) as client:
            client.put_object(Bucket=destination["bucket"], Key=key, Body=b"")
            client.list_objects_v2(Bucket=destination["bucket"], Prefix=key, MaxKeys=1)
            client.delete_object(Bucket=destination["bucket"], Key=key)
    except (ClientError, BotoCoreError, ValueError) as error:
        return f"{prefix}{error}"
    return None


def _connect(source: Mapping[str, Any]) -> pymysql.Connection[Any]:
    """Signs in to the source. Like ``ssl_mode`` preferred and required, it does not check the certificate."""
    return pymysql.connect(
        host=source["host"],
        port=source["port"],
        user=source["user"],
        password=source["password"],
        database=source["database"],
        charset="utf8mb4",
        connect_timeout=10,
        read_timeout=60,
        ssl=unverified_context() if source["tls"] else None,
        ssl_disabled=not source["tls"],
    )


def _client(destination: Mapping[str, Any]) -> Any:
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    return boto3.client(
        "s3",
        endpoint_url=destination["endpoint_url"],
        region_name=destination["region"],
        aws_access_key_id=destination["access_key_id"] or None,
        aws_secret_access_key=destination["secret_access_key"] or None,
        config=Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
    )
