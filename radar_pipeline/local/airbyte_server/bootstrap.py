"""The first configuration of a server: a JSON document that names the database, the bucket and the connection.

The document (every ``id`` and ``name`` may be left out)::

    {"workspace": {"id", "name"},
     "source": {"id", "name", "host", "port", "database", "username", "password", "ssl"},
     "destination": {"id", "name", "bucket", "path", "region", "endpoint", "access_key_id", "secret_access_key",
                     "path_format", "file_name_pattern"},
     "connection": {"id", "name", "tables": ["store", ...] or null for all, "catalog": {...} or null to discover},
     "auth": {"username", "password", "client_id", "client_secret"}}
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from radar_pipeline.local.airbyte_server.discovery import discover
from radar_pipeline.local.airbyte_server.order import source_of
from radar_pipeline.local.airbyte_server.records import Connection, Connector
from radar_pipeline.local.airbyte_server.store import Store

WORKSPACE_ID = "5f0a4b0e-6c1e-4a59-9a27-6b1d0f3b8c11"
SOURCE_ID = "2b1c6b9d-3f4e-4a63-8f6e-1d3d5c7e9a21"
DESTINATION_ID = "8d7f3c52-5a0b-4f19-b7d4-0c9e2f6a4b31"
CONNECTION_ID = "6c7fda57-ebdb-4c6b-9bc3-6b5d5cb9e1ad"
SOURCE_DEFINITION_ID = "435bb9a5-7887-4809-aa58-28c27df0d7ad"
DESTINATION_DEFINITION_ID = "4816b78f-1489-44c1-9060-4b19d5fa9362"

DEFAULT_PATH = "origin=airbyte/database=bronze_radar"
DEFAULT_PATH_FORMAT = "${STREAM_NAME}/cog_dt_ingestion=${YEAR}-${MONTH}-${DAY}/file_${STREAM_NAME}"
# With a part number alone, destination-s3 gives a number out again once an object has left the folder.
DEFAULT_FILE_NAME_PATTERN = "_{timestamp}_{part_number}{format_extension}"

_REQUIRED = {
    "source": ("host", "port", "database", "username", "password"),
    "destination": ("bucket", "access_key_id", "secret_access_key"),
}


class BootstrapError(Exception):
    """The document cannot be used; the message says where and what to do."""


def bootstrap_document(
    *,
    source: Mapping[str, Any],
    destination: Mapping[str, Any],
    tables: Sequence[str] | None = None,
    catalog: Mapping[str, Any] | None = None,
    auth: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Makes a document with the ids of the Radar system.

    Args:
        source: ``host``, ``port``, ``database``, ``username``, ``password``, ``ssl``.
        destination: ``bucket``, ``access_key_id``, ``secret_access_key``, and where they differ from the Radar
            system's ``path``, ``region``, ``endpoint``, ``path_format``, ``file_name_pattern``.
        tables: Tables to sync; None for every table that is no view.
        catalog: A syncCatalog to use as it is; None to discover it from the source.
        auth: ``username`` and ``password``, or ``client_id`` and ``client_secret``.
    """
    return {
        "workspace": {"id": WORKSPACE_ID, "name": "radar"},
        "source": {"id": SOURCE_ID, "name": "source_mysql_radar", **source},
        "destination": {"id": DESTINATION_ID, "name": "destination_s3_radar", **destination},
        "connection": {
            "id": CONNECTION_ID,
            "name": "connection_mysql_s3_radar",
            "tables": None if tables is None else list(tables),
            "catalog": catalog,
        },
        "auth": dict(auth or {}),
    }


def write_bootstrap(path: Path, document: Mapping[str, Any]) -> None:
    """Writes a document so that only its owner can read it: it holds secrets."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        json.dump(document, file, indent=2)


def read_bootstrap(path: Path) -> dict[str, Any]:
    """Reads a document and checks that what is needed is there.

    Raises:
        BootstrapError: It cannot be read, is no JSON, or lacks something.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise BootstrapError(msg) from None
    except ValueError as error:
        msg = f"{path}: is no JSON: {error}"
        raise BootstrapError(msg) from None
    if not isinstance(document, dict):
        msg = f"{path}: must be a JSON object with source and destination"
        raise BootstrapError(msg)
    missing = [
        f"{part}.{name}"
        for part, names in _REQUIRED.items()
        for name in names
        if not isinstance(document.get(part), dict) or document[part].get(name) is None
    ]
    if missing:
        msg = f"{path}: missing {', '.join(missing)}"
        raise BootstrapError(msg)
    return document


def apply_bootstrap(store: Store, document: Mapping[str, Any], now: float, *, modern: bool) -> None:
    """Configures a server. Done again it changes addresses and credentials and keeps jobs and a known catalogue.

    Args:
        store: The server's state.
        document: A checked document.
        now: Server time.
        modern: Whether the server is a current one.

    Raises:
        SourceError: The catalogue must be discovered and the source cannot be read.
    """
    workspace = {"id": WORKSPACE_ID, "name": "radar", **document.get("workspace", {})}
    source = _source(document["source"], now, modern=modern)
    destination = _destination(document["destination"], now)
    wanted = document.get("connection", {})
    connection_id = wanted.get("id", CONNECTION_ID)
    known = store.connection(connection_id)
    catalog = wanted.get("catalog")
    if catalog is None and known and known.catalog["streams"] and store.get("catalog_is_modern") == modern:
        # A real server keeps its catalogue until a person refreshes it, which is how drift stays visible. Only the
        # other era's, which spells types differently, is discovered anew.
        catalog = known.catalog
    if catalog is None:
        catalog = discover(source_of(source.configuration, ()), modern=modern, selected=wanted.get("tables"))
    connection = Connection(
        id=connection_id,
        name=wanted.get("name", "connection_mysql_s3_radar"),
        source_id=source.id,
        destination_id=destination.id,
        status=known.status if known else "active",
        catalog=catalog,
        options=known.options if known else {"namespaceDefinition": "destination", "prefix": ""},
        created_at=now,
    )
    with store.transaction():
        store.put("workspace", workspace)
        store.put("catalog_is_modern", modern)
        store.save_connector(source)
        store.save_connector(destination)
        store.save_connection(connection)
        if document.get("auth"):
            store.put("credentials", document["auth"])


def _source(given: Mapping[str, Any], now: float, *, modern: bool) -> Connector:
    method = {"method": "STANDARD"}
    configuration = {
        "host": given["host"],
        "port": given["port"],
        "database": given["database"],
        "username": given["username"],
        "password": given["password"],
        "ssl_mode": {"mode": "preferred"} if given.get("ssl", True) else {"mode": "disabled"},
        "replication_method": method if modern else {**method, "initial_waiting_seconds": 300},
        "tunnel_method": {"tunnel_method": "NO_TUNNEL"},
    }
    name = given.get("name", "source_mysql_radar")
    return Connector("source", given.get("id", SOURCE_ID), SOURCE_DEFINITION_ID, name, configuration, now)


def _destination(given: Mapping[str, Any], now: float) -> Connector:
    configuration = {
        "s3_bucket_name": given["bucket"],
        "s3_bucket_path": given.get("path") or DEFAULT_PATH,
        "s3_bucket_region": given.get("region") or "us-east-2",
        "s3_endpoint": given.get("endpoint") or "",
        "access_key_id": given["access_key_id"],
        "secret_access_key": given["secret_access_key"],
        "s3_path_format": given.get("path_format") or DEFAULT_PATH_FORMAT,
        "file_name_pattern": given.get("file_name_pattern") or DEFAULT_FILE_NAME_PATTERN,
        "format": {
            "format_type": "Parquet",
            "compression_codec": "SNAPPY",
            "page_size_kb": 1024,
            "block_size_mb": 128,
            "dictionary_encoding": True,
            "dictionary_page_size_kb": 1024,
            "max_padding_size_mb": 8,
        },
    }
    name = given.get("name", "destination_s3_radar")
    return Connector(
        "destination", given.get("id", DESTINATION_ID), DESTINATION_DEFINITION_ID, name, configuration, now
    )
