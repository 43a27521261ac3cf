"""The local side's own API under ``/_local``, which no real server has: clock, faults, what was asked, fresh start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from radar_pipeline.local.airbyte_server.clock import iso
from radar_pipeline.local.airbyte_server.faults import CATALOGUE, Stage, parse_fault
from radar_pipeline.local.airbyte_server.gate import Gate
from radar_pipeline.local.airbyte_server.ledger import AlreadyRunningError
from radar_pipeline.local.airbyte_server.services import DiscoveryError, Services

_STARTED_BY = {"reset-running": "reset_connection", "already-running": "sync"}


def routes(services: Services, gate: Callable[[], Gate]) -> list[Route]:
    """All routes.

    Args:
        services: The server.
        gate: Gives the gate, which stands before these routes and is therefore made after them.
    """
    admin = _Admin(services, gate)

    def route(path: str, method: str, handler: Callable[[Mapping[str, Any]], Any]) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                body = await request.json() if await request.body() else {}
                return JSONResponse(await run_in_threadpool(handler, body))
            except (ValueError, DiscoveryError) as error:
                return JSONResponse({"error": str(error)}, 400)
            except AlreadyRunningError as error:
                return JSONResponse({"error": str(error)}, 409)

        return Route(f"/_local{path}", endpoint, methods=[method])

    return [
        route("/health", "GET", admin.health),
        route("/clock", "GET", admin.clock),
        route("/clock", "POST", admin.move_clock),
        route("/faults", "GET", admin.faults),
        route("/faults", "POST", admin.add_fault),
        route("/faults", "DELETE", admin.clear_faults),
        route("/requests", "GET", admin.requests),
        route("/catalog", "POST", admin.refresh_catalog),
        route("/reset", "POST", admin.reset),
    ]


class _Admin:
    def __init__(self, services: Services, gate: Callable[[], Gate]) -> None:
        self._services = services
        self._gate = gate

    def health(self, _body: Mapping[str, Any]) -> dict[str, Any]:
        active = [self._services.ledger.active(each.id) for each in self._services.store.connections()]
        return {"era": self._services.era.name, "running_jobs": [job_id for job_id in active if job_id]}

    def clock(self, _body: Mapping[str, Any]) -> dict[str, Any]:
        clock = self._services.clock
        return {"offset_seconds": clock.offset, "now": iso(clock.now())}

    def move_clock(self, body: Mapping[str, Any]) -> dict[str, Any]:
        self._services.clock.move(offset=body.get("offset_seconds"), now=body.get("now"))
        return self.clock({})

    def faults(self, _body: Mapping[str, Any]) -> dict[str, Any]:
        era = self._services.era.name
        return {
            "active": [fault.as_json() for fault in self._services.store.faults()],
            "catalogue": [
                {
                    "name": fault.name,
                    "description": fault.description,
                    "needs_table": fault.needs_table,
                    "eras": fault.eras,
                    "options": dict(fault.options),
                }
                for fault in CATALOGUE.values()
                if era in fault.eras
            ],
        }

    def add_fault(self, body: Mapping[str, Any]) -> dict[str, Any]:
        services = self._services
        connections = services.store.connections()
        tables = tuple(name for connection in connections for name in connection.selected)
        fault = parse_fault(body, services.era.name, tables)
        if CATALOGUE[fault.name].stage is not Stage.AT_ONCE:
            services.store.add_fault(fault)
            return {"fault": fault.as_json()}
        if not connections:
            msg = "there is no connection yet: start the server with --bootstrap"
            raise ValueError(msg)
        job_id = services.runner.start(connections[0], _STARTED_BY[fault.name], (fault,))
        return {"fault": fault.as_json(), "job_id": job_id}

    def clear_faults(self, _body: Mapping[str, Any]) -> dict[str, Any]:
        self._services.store.clear_faults()
        return self.faults({})

    def requests(self, _body: Mapping[str, Any]) -> dict[str, Any]:
        seen = list(self._gate().seen)
        return {
            "requests": [
                {"method": each.method, "path": each.path, "status": each.status, "time": iso(each.at)} for each in seen
            ]
        }

    def refresh_catalog(self, _body: Mapping[str, Any]) -> dict[str, Any]:
        """What a person does in the UI with "Refresh source schema" and "Save"."""
        renewed = [self._services.refresh_catalog(each) for each in self._services.store.connections()]
        return {"tables": [name for connection in renewed for name in connection.selected]}

    def reset(self, _body: Mapping[str, Any]) -> dict[str, Any]:
        """Forgets jobs, faults, requests and the moved clock; keeps the configuration."""
        services = self._services
        for connection in services.store.connections():
            services.runner.cancel(connection.id)
        services.ledger.clear()
        services.store.clear_faults()
        services.clock.move(offset=0.0)
        self._gate().forget()
        return {}
