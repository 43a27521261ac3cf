"""Sources and destinations in the Configuration API: read, change, check, discover."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace

from radar_pipeline.local.airbyte_server import wire
from radar_pipeline.local.airbyte_server.operations import MODERN, WORKSPACE_ID, Answer, Body, Operation
from radar_pipeline.local.airbyte_server.records import Connector
from radar_pipeline.local.airbyte_server.services import DiscoveryError, Services


def _get(kind: str) -> Callable[[Services, Body], Answer]:
    def run(services: Services, body: Body) -> Answer:
        connector = services.connector(kind, body[f"{kind}Id"])
        return wire.connector_read(connector, services.workspace["id"], services.era)

    return run


def _list(kind: str) -> Callable[[Services, Body], Answer]:
    def run(services: Services, body: Body) -> Answer:
        services.require_workspace(body["workspaceId"])
        found = services.store.connectors(kind)
        return {f"{kind}s": [wire.connector_read(each, body["workspaceId"], services.era) for each in found]}

    return run


def _changed(services: Services, kind: str, body: Body) -> Connector:
    connector = services.connector(kind, body[f"{kind}Id"])
    given = wire.unmasked(body.get("connectionConfiguration") or {}, connector.configuration)
    return replace(connector, name=body.get("name") or connector.name, configuration=given or connector.configuration)


def _update(kind: str) -> Callable[[Services, Body], Answer]:
    def run(services: Services, body: Body) -> Answer:
        services.store.save_connector(_changed(services, kind, body))
        return _get(kind)(services, body)

    return run


def _check(kind: str, *, for_update: bool) -> Callable[[Services, Body], Answer]:
    def run(services: Services, body: Body) -> Answer:
        connector = services.connector(kind, body[f"{kind}Id"])
        if for_update:
            connector = _changed(services, kind, body)
        began = services.clock.now()
        problem = services.check(connector)
        info = _synchronous_job(services, f"check_connection_{kind}", connector.definition_id, began)
        return wire.present(status="failed" if problem else "succeeded", message=problem, jobInfo=info)

    return run


def _discover_schema(services: Services, body: Body) -> Answer:
    source = services.connector("source", body["sourceId"])
    began = services.clock.now()
    try:
        catalog = services.discover(source)
    except DiscoveryError as error:
        info = _synchronous_job(services, "discover_schema", source.definition_id, began, failure=str(error))
        return {"jobInfo": info}
    info = _synchronous_job(services, "discover_schema", source.definition_id, began)
    return {"jobInfo": info, "catalog": catalog, "catalogId": str(uuid.uuid4())}


def _synchronous_job(
    services: Services, kind: str, definition: str, began: float, failure: str | None = None
) -> Answer:
    modern_failure = {"failureOrigin": "source", "externalMessage": failure, "timestamp": int(began * 1000)}
    return wire.present(
        id=str(uuid.uuid4()),
        configType=kind,
        configId=definition,
        createdAt=int(began),
        endedAt=int(services.clock.now()),
        succeeded=failure is None,
        logs={"logLines": [failure] if failure else []},
        failureReason=modern_failure if failure and services.era.is_modern else None,
        connectorConfigurationUpdated=False if services.era.is_modern else None,
    )


def _operations(kind: str) -> dict[str, Operation]:
    own = {f"{kind}Id": "uuid"}
    change = {**own, "name": "str", "connectionConfiguration": "object"}
    return {
        f"{kind}s/get": Operation(_get(kind), own),
        f"{kind}s/list": Operation(_list(kind), WORKSPACE_ID),
        f"{kind}s/update": Operation(_update(kind), change),
        f"{kind}s/partial_update": Operation(_update(kind), own, MODERN),
        f"{kind}s/check_connection": Operation(_check(kind, for_update=False), own),
        f"{kind}s/check_connection_for_update": Operation(_check(kind, for_update=True), change),
    }


OPERATIONS: Mapping[str, Operation] = {
    **_operations("source"),
    **_operations("destination"),
    "sources/discover_schema": Operation(_discover_schema, {"sourceId": "uuid"}),
}
