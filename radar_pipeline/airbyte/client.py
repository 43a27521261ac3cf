"""A client of one connection on an Airbyte server of either era."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from threading import Lock

from radar_pipeline.airbyte.config import AirbyteConfig
from radar_pipeline.airbyte.configuration_api import ConfigurationApi
from radar_pipeline.airbyte.dialect import CheckOutcome, Dialect, ServerFeatures
from radar_pipeline.airbyte.errors import (
    AirbyteAnswerError,
    AirbyteConflictError,
    AirbyteError,
    AirbyteRefusedError,
    AirbyteUnreachableError,
)
from radar_pipeline.airbyte.http import Http
from radar_pipeline.airbyte.public_api import PublicApi
from radar_pipeline.airbyte.wire import Connection
from radar_pipeline.domain.schema import ObservedTable
from radar_pipeline.domain.sync import SyncJob

_OLD_HEALTH = "/api/v1/health"
_PUBLIC_HEALTH = "/api/public/v1/health"
_INSTANCE = "/api/v1/instance_configuration"
_CANCEL_SECONDS = 30.0


class Start(StrEnum):
    """What is known after a request to start a sync."""

    STARTED = "started"
    CONFLICT = "conflict"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class StartResult:
    """What became of a request to start a sync.

    Attributes:
        outcome: ``started`` with the job, ``conflict`` as a sync runs already, or ``unknown`` where no usable answer
            came: the sync may or may not have started, and only the list of jobs can tell.
        job: The job of the answer; None without one. A server up to 0.35.1 answers with a job that ran already.
        detail: The server's words where nothing was started for certain.
    """

    outcome: Start
    job: SyncJob | None = None
    detail: str = ""


class AirbyteClient:
    """One connection on one server. Made by ``connect``. Safe to share between threads."""

    def __init__(self, config: AirbyteConfig, http: Http, features: ServerFeatures) -> None:
        self.config = config
        self.features = features
        self._http = http
        self._lock = Lock()
        self._connection: Connection | None = None
        self._dialect: Dialect = (
            ConfigurationApi(http, config.connection_id, features)
            if features.configuration_api
            else PublicApi(http, config.connection_id)
        )

    def health(self) -> bool:
        """Whether the server says that it is well."""
        path = _OLD_HEALTH if self.features.configuration_api else _PUBLIC_HEALTH
        return _is_well(self._http, path)

    def connection(self, *, fresh: bool = False) -> Connection:
        """The connection with its catalogue, asked for once; ``fresh`` asks again."""
        with self._lock:
            if self._connection is None or fresh:
                self._connection = self._known_connection()
            return self._connection

    def _known_connection(self) -> Connection:
        try:
            return self._dialect.connection()
        except AirbyteRefusedError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            # Current servers give no reason at all.
            message = f"there is no connection {self.config.connection_id}: check RADAR_CONNECTION_ID. {error}"
            raise AirbyteRefusedError(error.status, message) from None

    def catalog(self) -> tuple[ObservedTable, ...]:
        """The tables of the connection as its catalogue shows them now; columns only from the Configuration API."""
        return self.connection(fresh=True).tables

    def recent_jobs(self, since: dt.datetime) -> tuple[SyncJob, ...]:
        """The connection's jobs of every kind created since a time, and older ones that still run; newest first."""
        return tuple(self._dialect.jobs(since, self.connection()))

    def job(self, job_id: int, *, timeout: float | None = None) -> SyncJob:
        """One job with its attempts and counts by table, as far as the server tells them.

        Args:
            job_id: The server's job id.
            timeout: Seconds for a single try; None for several tries within the configured patience.
        """
        return self._dialect.job(job_id, self.connection(), timeout=timeout)

    def start_sync(self) -> StartResult:
        """Asks for a sync, once. Never raises for what leaves open whether one was started."""
        try:
            return StartResult(Start.STARTED, self._dialect.start(self.config.timeouts.start))
        except AirbyteConflictError as error:
            return StartResult(Start.CONFLICT, detail=str(error))
        except (AirbyteUnreachableError, AirbyteAnswerError) as error:
            return StartResult(Start.UNKNOWN, detail=str(error))

    def cancel(self, job_id: int) -> bool:
        """Cancels a job that is still running. Returns whether there was anything to cancel.

        From 0.39.38 on, a cancel goes to whatever the connection runs now: with the id of a finished job it would hit
        a later sync. So the job is looked at first.
        """
        if self.job(job_id).status.is_final:
            return False
        try:
            self._dialect.cancel(job_id, _CANCEL_SECONDS)
        except AirbyteConflictError:
            return False
        return True

    def check_source(self) -> CheckOutcome:
        """Has the server try the source."""
        return self._dialect.check("source", self.connection(), self.config.timeouts.check)

    def check_destination(self) -> CheckOutcome:
        """Has the server try the destination."""
        return self._dialect.check("destination", self.connection(), self.config.timeouts.check)

    def job_url(self, job_id: int) -> str | None:
        """Where a person sees a job; None where the workspace is not known."""
        workspace = self.connection().workspace_id
        if workspace is None:
            return None
        page = f"{self.config.page}/workspaces/{workspace}/connections/{self.config.connection_id}"
        return f"{page}/timeline?openLogs=true&jobId={job_id}" if self.features.is_modern else f"{page}/status#{job_id}"


def connect(config: AirbyteConfig) -> AirbyteClient:
    """Finds out what a server is and returns a client for it.

    Raises:
        AirbyteError: The server cannot be reached, refuses the credentials, or is no Airbyte server.
    """
    http = Http(config)
    configuration = http.exists(_OLD_HEALTH)
    public = http.exists(_PUBLIC_HEALTH)
    if not configuration and not public:
        message = f"{config.address} answers, but neither /api/v1 nor /api/public/v1 is there: is it an Airbyte server?"
        raise AirbyteError(message)
    version = _version(http) if configuration else None
    return AirbyteClient(config, http, ServerFeatures(configuration, public, version))


def _version(http: Http) -> str | None:
    try:
        answer = http.ask("GET", _INSTANCE)
    except (AirbyteRefusedError, AirbyteAnswerError):
        return None
    return str(answer["version"]) if isinstance(answer, dict) and answer.get("version") else None


def _is_well(http: Http, path: str) -> bool:
    try:
        answer = http.ask("GET", path)
    except AirbyteAnswerError:
        # The public API's health check answers "Successful operation" in plain text.
        return path == _PUBLIC_HEALTH
    except AirbyteError:
        return False
    # `db` up to 0.35.3, `available` after.
    return isinstance(answer, dict) and (answer.get("available") is True or answer.get("db") is True)
