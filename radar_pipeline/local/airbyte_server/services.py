"""What the handlers of every API work with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from radar_pipeline.local.airbyte_server.attempt import Engine
from radar_pipeline.local.airbyte_server.auth import Gatekeeper
from radar_pipeline.local.airbyte_server.clock import ServerClock
from radar_pipeline.local.airbyte_server.discovery import discover
from radar_pipeline.local.airbyte_server.eras import Era
from radar_pipeline.local.airbyte_server.errors import conflict, no_such_job, not_found
from radar_pipeline.local.airbyte_server.faults import ActiveFault
from radar_pipeline.local.airbyte_server.ledger import AlreadyRunningError, Ledger
from radar_pipeline.local.airbyte_server.order import destination_of, redact, secrets_of, source_of
from radar_pipeline.local.airbyte_server.probes import check_destination, check_source
from radar_pipeline.local.airbyte_server.records import Connection, Connector, Job
from radar_pipeline.local.airbyte_server.runner import Runner
from radar_pipeline.local.airbyte_server.store import Store
from radar_pipeline.local.extract.request import destination_address
from radar_pipeline.source import SourceError


@dataclass(frozen=True)
class Services:
    """The server behind its APIs.

    Attributes:
        engine: Store, ledger, clock, era and worker.
        runner: Runs jobs.
        gatekeeper: Lets requests in.
    """

    engine: Engine
    runner: Runner
    gatekeeper: Gatekeeper
    era: Era = field(init=False)
    store: Store = field(init=False)
    ledger: Ledger = field(init=False)
    clock: ServerClock = field(init=False)

    def __post_init__(self) -> None:
        for name, value in (
            ("era", self.engine.retries.era),
            ("store", self.engine.store),
            ("ledger", self.engine.ledger),
            ("clock", self.engine.clock),
        ):
            object.__setattr__(self, name, value)

    @property
    def workspace(self) -> dict[str, Any]:
        """The one workspace: ``id`` and ``name``.

        Raises:
            ApiError: The server was never bootstrapped.
        """
        found = self.store.get("workspace")
        if found is None:
            raise not_found(None, kind="STANDARD_WORKSPACE")
        return dict(found)

    def require_workspace(self, workspace_id: str) -> None:
        """Checks that a request names the workspace that is there.

        Raises:
            ApiError: It names another.
        """
        if workspace_id != self.workspace["id"]:
            raise not_found(workspace_id, kind="STANDARD_WORKSPACE")

    def connection(self, connection_id: str) -> Connection:
        """A connection.

        Raises:
            ApiError: There is none of that id.
        """
        found = self.store.connection(connection_id)
        if found is None:
            raise not_found(connection_id, kind="STANDARD_SYNC")
        return found

    def connector(self, kind: str, connector_id: str) -> Connector:
        """A source or destination.

        Raises:
            ApiError: There is none of that id.
        """
        found = self.store.connector(kind, connector_id)
        if found is None:
            raise not_found(connector_id, kind=f"{kind.upper()}_CONNECTION")
        return found

    def job(self, job_id: int) -> Job:
        """A job.

        Raises:
            ApiError: There is none of that number.
        """
        found = self.ledger.job(job_id)
        if found is None:
            raise no_such_job(job_id)
        return found

    def start(self, connection_id: str, kind: str) -> Job:
        """Starts a job.

        Raises:
            ApiError: There is no such connection, or a job stands in the way.
        """
        connection = self.connection(connection_id)
        if connection.status != "active":
            msg = "Can only sync an active connection"
            raise conflict(msg)
        try:
            return self.job(self.runner.start(connection, kind))
        except AlreadyRunningError as error:
            raise conflict(str(error)) from None

    def check(self, connector: Connector) -> str | None:
        """Really connects, under the faults that are on; why it cannot be, with no secret in the words, or None."""
        faults = self._faults_at_checks()
        denied = any(fault.name == "s3-denied" for fault in faults)
        try:
            if connector.kind == "source":
                problem = check_source(source_of(connector.configuration, faults))
            else:
                problem = check_destination(destination_address(destination_of(connector.configuration)), denied=denied)
        except KeyError as error:
            return f"The configuration lacks the property {error.args[0]}"
        return None if problem is None else redact(problem, secrets_of(connector))

    def _faults_at_checks(self) -> tuple[ActiveFault, ...]:
        return tuple(fault for fault in self.store.faults() if fault.holds_at_checks)

    def discover(self, source: Connector) -> dict[str, Any]:
        """The catalogue as the source is now, every table selected.

        Raises:
            DiscoveryError: The source cannot be read.
        """
        try:
            return discover(source_of(source.configuration, self._faults_at_checks()), modern=self.era.is_modern)
        except SourceError as error:
            problem = f"Could not discover the schema: {error}"
            raise DiscoveryError(problem) from None

    def refresh_catalog(self, connection: Connection) -> Connection:
        """Reads the catalogue anew and saves it; tables that were not selected stay so, new ones are selected."""
        catalog = self.discover(self.connector("source", connection.source_id))
        unselected = {entry["stream"]["name"] for entry in connection.catalog["streams"]} - set(connection.selected)
        for entry in catalog["streams"]:
            entry["config"]["selected"] &= entry["stream"]["name"] not in unselected
        renewed = replace(connection, catalog=catalog)
        self.store.save_connection(renewed)
        return renewed


class DiscoveryError(Exception):
    """The source could not be read."""
