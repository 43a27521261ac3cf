"""The Configuration API under ``/api/v1``: operations by path, each a function from a JSON body to a JSON answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from radar_pipeline.local.airbyte_server import config_connectors, config_jobs, wire
from radar_pipeline.local.airbyte_server.operations import (
    CONNECTION_ID,
    MODERN,
    OLD,
    WORKSPACE_ID,
    Answer,
    Body,
    Operation,
)
from radar_pipeline.local.airbyte_server.services import Services


def _workspaces_list(services: Services, _body: Body) -> Answer:
    return {"workspaces": [wire.workspace_read(services.workspace, services.era)]}


def _workspaces_get(services: Services, body: Body) -> Answer:
    services.require_workspace(body["workspaceId"])
    return wire.workspace_read(services.workspace, services.era)


def _connections_get(services: Services, body: Body) -> Answer:
    connection = services.connection(body["connectionId"])
    return wire.connection_read(connection, services.workspace["id"], services.era)


def _connections_list(services: Services, body: Body) -> Answer:
    services.require_workspace(body["workspaceId"])
    reads = [wire.connection_read(each, body["workspaceId"], services.era) for each in services.store.connections()]
    return {"connections": reads}


def _connections_update(services: Services, body: Body) -> Answer:
    connection = services.connection(body["connectionId"])
    given = {name: body[name] for name in ("name", "status") if name in body}
    options = {
        name: body[name]
        for name in ("prefix", "namespaceDefinition", "namespaceFormat", "schedule", "scheduleType", "scheduleData")
        if body.get(name) is not None
    }
    if services.era.is_modern:
        options = {**connection.options, **options}
    catalog = body.get("syncCatalog") or connection.catalog
    services.store.save_connection(replace(connection, catalog=catalog, options=options, **given))
    return _connections_get(services, body)


def _operations_list(_services: Services, _body: Body) -> Answer:
    return {"operations": []}


OPERATIONS: Mapping[str, Operation] = {
    "workspaces/list": Operation(_workspaces_list, eras=OLD),
    "workspaces/list_paginated": Operation(_workspaces_list, {"workspaceIds": "list"}, MODERN),
    "workspaces/get": Operation(_workspaces_get, WORKSPACE_ID),
    "operations/list": Operation(_operations_list, CONNECTION_ID),
    "connections/get": Operation(_connections_get, CONNECTION_ID),
    "connections/list": Operation(_connections_list, WORKSPACE_ID),
    **config_connectors.OPERATIONS,
    **config_jobs.OPERATIONS,
}
# The old server replaces the whole connection with what it is sent; the present one changes the fields that it is sent.
# The old server lists the jobs of one connection only.
_OF_ERA: Mapping[str, Mapping[str, Operation]] = {
    "0.39": {
        "connections/update": Operation(
            _connections_update, {**CONNECTION_ID, "syncCatalog": "object", "status": "str"}
        ),
        "jobs/list": replace(OPERATIONS["jobs/list"], required={"configTypes": "list", "configId": "str"}),
    },
    "2.0": {"connections/update": Operation(_connections_update, CONNECTION_ID)},
}


def find_operation(path: str, era: str) -> Operation | None:
    """The operation of a path, or None where the server of that era has none."""
    operation = _OF_ERA[era].get(path) or OPERATIONS.get(path)
    return operation if operation and era in operation.eras else None
