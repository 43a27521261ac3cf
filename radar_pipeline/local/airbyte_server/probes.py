"""Connection checks that really connect, in the words of the connectors."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import pymysql
from obstore.exceptions import BaseError

from radar_pipeline.local.extract.request import Destination
from radar_pipeline.local.extract.s3 import DENIED, open_store, refusal_of, words_of
from radar_pipeline.source.connection import unverified_context

_NOT_CONNECTED = "Could not connect to the S3 bucket with the provided configuration."


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


def check_destination(target: Destination, *, denied: bool = False) -> str | None:
    """Why S3 cannot be written; None where it can: a marker is put, listed and deleted.

    Args:
        target: Where it is.
        denied: Whether the fault is on that S3 refuses every write.
    """
    try:
        if denied:
            raise DENIED.as_error()
        _write_a_marker(target)
    except (BaseError, OSError, ValueError) as error:
        if refusal := refusal_of(error):
            details = f"Service: Amazon S3; Status Code: {refusal.status}; Error Code: {refusal.code}"
            return f"{_NOT_CONNECTED} {refusal.message} ({details})"
        return f"{_NOT_CONNECTED} {words_of(error, target)}"
    return None


def _write_a_marker(target: Destination) -> None:
    # Under a prefix of its own, so that nobody who lists a table's folder ever meets it.
    folder = f"_airbyte_connection_test/{uuid.uuid4()}"
    store = open_store(target, seconds=10)
    store.put(f"{folder}/marker", b"", use_multipart=False)
    next(iter(store.list(folder)), None)
    store.delete(f"{folder}/marker")


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
