"""What the server remembers: connectors, the connection, jobs and attempts. Times are epoch seconds, UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from radar_pipeline.local.airbyte_server.faults import ActiveFault

FINAL_STATUSES = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(frozen=True)
class Connector:
    """A configured source or destination.

    Attributes:
        kind: ``source`` or ``destination``.
        id: Its id.
        definition_id: Id of its connector definition.
        name: Name given by a person.
        configuration: Settings of the connector, secrets included: never printed.
        created_at: When it was made.
    """

    kind: str
    id: str
    definition_id: str
    name: str
    configuration: Mapping[str, Any] = field(repr=False)
    created_at: float


@dataclass(frozen=True)
class Connection:
    """A connection from a source to a destination.

    Attributes:
        id: Its id.
        name: Name given by a person.
        source_id: Where rows come from.
        destination_id: Where they go.
        status: ``active`` or ``inactive``.
        catalog: The syncCatalog: streams with their schema and whether they are selected.
        options: Further fields as a client set them (prefix, schedule, namespaceDefinition).
        created_at: When it was made.
    """

    id: str
    name: str
    source_id: str
    destination_id: str
    status: str
    catalog: Mapping[str, Any]
    options: Mapping[str, Any]
    created_at: float

    @property
    def selected(self) -> tuple[str, ...]:
        """Names of the streams that a sync copies."""
        return tuple(
            entry["stream"]["name"] for entry in self.catalog["streams"] if entry["config"].get("selected", True)
        )

    @property
    def namespaces(self) -> dict[str, str]:
        """Namespace (the database) of each stream that has one."""
        streams = (entry["stream"] for entry in self.catalog["streams"])
        return {stream["name"]: stream["namespace"] for stream in streams if stream.get("namespace")}


@dataclass(frozen=True)
class StreamCount:
    """Rows of one table in one attempt.

    Attributes:
        stream: Table name.
        records: Rows read so far.
        bytes: Bytes read so far.
        state: ``running``, ``complete`` or ``incomplete``.
        updated_at: When the state last changed.
    """

    stream: str
    records: int
    bytes: int
    state: str
    updated_at: float


@dataclass(frozen=True)
class Failure:
    """Why an attempt failed, in Airbyte's words.

    Attributes:
        origin: ``source``, ``destination``, ``replication`` or ``airbyte_platform``.
        type: ``system_error``, ``manual_cancellation``, ...
        message: For the person at the UI.
        detail: For the engineer: the internal message.
        at: When.
        stream: The failing table, where one is known.
    """

    origin: str
    type: str
    message: str
    detail: str
    at: float
    stream: str | None = None


@dataclass(frozen=True)
class LogLine:
    """One line of an attempt's log.

    Attributes:
        at: When.
        level: ``INFO``, ``WARN`` or ``ERROR``.
        source: ``source``, ``destination`` or ``platform``.
        message: The text.
    """

    at: float
    level: str
    source: str
    message: str


@dataclass(frozen=True)
class Attempt:
    """One attempt of a job.

    Attributes:
        number: 0-based.
        status: ``running``, ``succeeded`` or ``failed``.
        created_at: When it began.
        updated_at: When it last changed.
        ended_at: When it ended; None while it runs.
        failures: Why it failed.
        counts: Rows by table.
        worker_lost: Whether the worker died before it could report: 0.39 then has no counts at all.
        worker: Process id and start time of the worker, to find it again after a restart; None where there is none.
    """

    number: int
    status: str
    created_at: float
    updated_at: float
    ended_at: float | None = None
    failures: tuple[Failure, ...] = ()
    counts: tuple[StreamCount, ...] = ()
    worker_lost: bool = False
    worker: tuple[int, float] | None = None

    @property
    def committed(self) -> int:
        """Rows of tables that the destination acknowledged."""
        return sum(count.records for count in self.counts if count.state == "complete")


@dataclass(frozen=True)
class Job:
    """One job of the connection.

    Attributes:
        id: Its number.
        connection_id: Whose it is.
        kind: configType on the wire: ``sync``, ``reset_connection``, ``clear`` or ``refresh``.
        status: Job status on the wire.
        created_at: When it was created.
        updated_at: When it last changed.
        started_at: When its first attempt began; None before.
        faults: Faults that it carries from its first attempt to its last.
        streams: Tables it is about.
        attempts: In order.
    """

    id: int
    connection_id: str
    kind: str
    status: str
    created_at: float
    updated_at: float
    started_at: float | None = None
    faults: tuple[ActiveFault, ...] = ()
    streams: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()

    @property
    def is_final(self) -> bool:
        """Whether its status will not change any more."""
        return self.status in FINAL_STATUSES
