"""JSON shapes of the public API. Pure: records in, JSON out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from radar_pipeline.local.airbyte_server.clock import iso
from radar_pipeline.local.airbyte_server.records import Connection, Connector, Job
from radar_pipeline.local.airbyte_server.wire import masked, newest_counts, present

JOB_TYPES = {"sync": "sync", "reset_connection": "reset", "clear": "clear", "refresh": "refresh"}

# The real server builds "next" from a configured host and leaves the public prefix out, so on a self-managed server the
# address as such leads nowhere: clients take limit and offset from it.
_HOST = "http://localhost/v1"


def job_response(job: Job) -> dict[str, Any]:
    """JobResponse: status and sums, no reason for failure and no tables."""
    counts = newest_counts(job).values()
    committed = [count for count in counts if count.state == "complete"]
    return present(
        jobId=job.id,
        status=job.status,
        jobType=JOB_TYPES[job.kind],
        startTime=iso(job.created_at),
        connectionId=job.connection_id,
        lastUpdatedAt=iso(job.updated_at) if job.is_final else None,
        duration=None if job.status == "pending" else duration(job.updated_at - job.created_at),
        bytesSynced=sum(count.bytes for count in committed) if counts else None,
        rowsSynced=sum(count.records for count in committed) if counts else None,
    )


def duration(seconds: float) -> str:
    """ISO 8601 duration as Java writes it: ``PT8H6M12S``, ``PT0S``."""
    whole = max(int(seconds), 0)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    parts = f"{hours}H" * bool(hours) + f"{minutes}M" * bool(minutes) + f"{left}S" * bool(left)
    return f"PT{parts or '0S'}"


def connection_response(connection: Connection, workspace_id: str) -> dict[str, Any]:
    """ConnectionResponse. Its streams carry no schema, and only the selected ones are listed."""
    options = connection.options
    return present(
        connectionId=connection.id,
        name=connection.name,
        sourceId=connection.source_id,
        destinationId=connection.destination_id,
        workspaceId=workspace_id,
        status=connection.status,
        schedule={"scheduleType": "manual"},
        configurations={
            "streams": [
                present(
                    name=entry["stream"]["name"],
                    namespace=entry["stream"].get("namespace"),
                    syncMode=f"{entry['config']['syncMode']}_{entry['config']['destinationSyncMode']}",
                    cursorField=entry["config"].get("cursorField") or [],
                    primaryKey=entry["config"].get("primaryKey") or [],
                    mappers=[],
                )
                for entry in connection.catalog["streams"]
                if entry["config"].get("selected", True)
            ]
        },
        createdAt=int(connection.created_at),
        tags=[],
        nonBreakingSchemaUpdatesBehavior="ignore",
        namespaceDefinition=options.get("namespaceDefinition"),
        namespaceFormat=options.get("namespaceFormat"),
        prefix=options.get("prefix"),
    )


def connector_response(connector: Connector, workspace_id: str) -> dict[str, Any]:
    """SourceResponse or DestinationResponse."""
    kind = connector.kind
    return {
        f"{kind}Id": connector.id,
        "name": connector.name,
        f"{kind}Type": {"source": "mysql", "destination": "s3"}[kind],
        "definitionId": connector.definition_id,
        "workspaceId": workspace_id,
        "configuration": masked(connector.configuration),
        "createdAt": int(connector.created_at),
    }


def stream_properties(catalog: dict[str, Any]) -> list[dict[str, Any]]:
    """The bare list that ``GET /streams`` answers with; ``streamnamespace`` is spelled like that."""
    return [
        {
            "streamName": entry["stream"]["name"],
            "streamnamespace": entry["stream"].get("namespace"),
            "syncModes": ["full_refresh_append", "full_refresh_overwrite"],
            "defaultCursorField": [],
            "sourceDefinedCursorField": False,
            "sourceDefinedPrimaryKey": entry["stream"].get("sourceDefinedPrimaryKey") or [],
            "propertyFields": [[name] for name in entry["stream"]["jsonSchema"]["properties"]],
        }
        for entry in catalog["streams"]
    ]


def page(
    data: Sequence[dict[str, Any]], path: str, limit: int, offset: int, filters: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """A page of a list.

    ``next`` is empty only on an empty page (PaginationMapper), so a client always asks once more than it has to.

    Args:
        data: The page.
        path: Path without the prefix of the public API.
        limit: Most entries to a page.
        offset: Entries before this page.
        filters: Filters to repeat in the links.
    """

    def link(start: int) -> str:
        return f"{_HOST}{path}?{urlencode([*filters, ('limit', limit), ('offset', start)])}"

    return {
        "data": list(data),
        "next": link(offset + limit) if data else "",
        "previous": link(max(offset - limit, 0)) if offset else "",
    }
