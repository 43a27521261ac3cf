"""From the JSON of both Airbyte APIs to the domain's words. Pure.

Servers up to 0.39.9 send unset fields as null, later ones leave them out: both read as None here. Times of the
Configuration API are epoch seconds, those of the public API ISO 8601.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from radar_pipeline.airbyte.errors import AirbyteAnswerError
from radar_pipeline.airbyte.failures import failure_words, table_failures_of
from radar_pipeline.domain.schema import ObservedColumn, ObservedTable
from radar_pipeline.domain.sync import Attempt, JobKind, JobStatus, StreamCount, StreamState, SyncJob

_KINDS = {
    "sync": JobKind.SYNC,
    "reset_connection": JobKind.RESET,
    "reset": JobKind.RESET,
    "clear": JobKind.CLEAR,
    "refresh": JobKind.REFRESH,
}

_STATES = {
    "PENDING": StreamState.UNKNOWN,
    "RUNNING": StreamState.RUNNING,
    "RATE_LIMITED": StreamState.RUNNING,
    "COMPLETE": StreamState.COMPLETE,
    "INCOMPLETE": StreamState.INCOMPLETE,
}


@dataclass(frozen=True)
class Connection:
    """The connection as the server shows it.

    Attributes:
        id: Its id.
        name: Its name.
        status: ``active``, ``inactive``, ``deprecated`` or ``locked``.
        prefix: What it puts before each table's name at the destination.
        source_id: Id of its source.
        destination_id: Id of its destination.
        workspace_id: Id of its workspace; None where the server does not say.
        tables: Every table of its catalogue.
    """

    id: str
    name: str
    status: str
    prefix: str
    source_id: str
    destination_id: str
    workspace_id: str | None
    tables: tuple[ObservedTable, ...]

    @property
    def selected(self) -> tuple[str, ...]:
        """Names of the tables that it syncs."""
        return tuple(table.name for table in self.tables if table.is_selected)

    def table_of(self, stream: str) -> str:
        """The table that a stream name of a count means.

        Server 0.39 counts after the prefix is put before the name, current ones before; which of them this is cannot
        be told from the name alone, so the catalogue decides.
        """
        known = {table.name for table in self.tables}
        bare = stream.removeprefix(self.prefix)
        return stream if stream in known and bare not in known else bare


def field(body: Any, *path: str) -> Any:
    """A value that the API promises; an error that names it where the answer lacks it."""
    found = body
    for name in path:
        if not isinstance(found, Mapping) or found.get(name) is None:
            message = f"Airbyte's answer lacks `{'.'.join(path)}`: is this an Airbyte server?"
            raise AirbyteAnswerError(message)
        found = found[name]
    return found


def connection_of(body: Any) -> Connection:
    """A ConnectionRead of the Configuration API."""
    streams = field(body, "syncCatalog", "streams")
    return Connection(
        id=str(field(body, "connectionId")),
        name=str(body.get("name") or ""),
        status=str(body.get("status") or "active"),
        prefix=str(body.get("prefix") or ""),
        source_id=str(field(body, "sourceId")),
        destination_id=str(field(body, "destinationId")),
        workspace_id=body.get("workspaceId"),
        tables=tuple(_table(entry) for entry in streams),
    )


def public_connection_of(body: Any) -> Connection:
    """A ConnectionResponse of the public API, which lists the selected tables only, without columns."""
    streams = field(body, "configurations").get("streams") or ()
    return Connection(
        id=str(field(body, "connectionId")),
        name=str(body.get("name") or ""),
        status=str(body.get("status") or "active"),
        prefix=str(body.get("prefix") or ""),
        source_id=str(field(body, "sourceId")),
        destination_id=str(field(body, "destinationId")),
        workspace_id=body.get("workspaceId"),
        tables=tuple(
            ObservedTable(str(field(each, "name")), (), primary_key=_key(each.get("primaryKey"))) for each in streams
        ),
    )


def _table(entry: Mapping[str, Any]) -> ObservedTable:
    stream, config = field(entry, "stream"), entry.get("config") or {}
    properties = (stream.get("jsonSchema") or {}).get("properties") or {}
    return ObservedTable(
        name=str(field(stream, "name")),
        columns=tuple(ObservedColumn(name, *_type(schema or {})) for name, schema in properties.items()),
        primary_key=_key(config.get("primaryKey")) or _key(stream.get("sourceDefinedPrimaryKey")),
        is_selected=config.get("selected") is not False,
    )


def _key(paths: Sequence[Sequence[str]] | None) -> tuple[str, ...]:
    return tuple(".".join(path) for path in paths or ())


def _type(schema: Mapping[str, Any]) -> tuple[str, bool]:
    """Type and nullability of a property: ``integer``, ``string:date-time``."""
    told = schema.get("type") or "unknown"
    kinds = [told] if isinstance(told, str) else list(told)
    named = [kind for kind in kinds if kind != "null"]
    kind = str(named[0]) if named else "null"
    if kind == "number" and schema.get("airbyte_type") in {"integer", "big_integer"}:
        kind = "integer"
    suffix = f":{schema['format']}" if schema.get("format") else ""
    # Streams of MySQL never list required columns, and a plain "string" is how old sources spell a nullable one too.
    return kind + suffix, True


def job_of(body: Any, attempts: Iterable[Any] = (), *, connection: Connection | None = None) -> SyncJob:
    """A JobRead of the Configuration API with its AttemptReads.

    Args:
        body: The JobRead.
        attempts: AttemptReads, bare as in lists or nested under ``attempt`` as in single answers.
        connection: Names the tables; without it counts by table are left out.
    """
    reads = [each.get("attempt") or each for each in attempts]
    kind = _KINDS.get(str(field(body, "configType")), JobKind.OTHER)
    found = tuple(sorted((_attempt(each, connection) for each in reads), key=lambda attempt: attempt.number))
    return SyncJob(
        id=int(field(body, "id")),
        kind=kind,
        status=status_of(field(body, "status")),
        created_at=_moment(field(body, "createdAt")),
        updated_at=_moment(body.get("updatedAt") or body["createdAt"]),
        attempts=found,
    )


def public_job_of(body: Any) -> SyncJob:
    """A JobResponse of the public API, which knows neither attempts nor tables. ``startTime`` is the creation time."""
    created = _iso(field(body, "startTime"))
    return SyncJob(
        id=int(field(body, "jobId")),
        kind=_KINDS.get(str(field(body, "jobType")), JobKind.OTHER),
        status=status_of(field(body, "status")),
        created_at=created,
        updated_at=_iso(body["lastUpdatedAt"]) if body.get("lastUpdatedAt") else created,
    )


def status_of(text: Any) -> JobStatus:
    """A status; one that nobody knows yet is ``unknown``, which is never final."""
    try:
        return JobStatus(str(text).lower())
    except ValueError:
        return JobStatus.UNKNOWN


def _attempt(body: Mapping[str, Any], connection: Connection | None) -> Attempt:
    total = body.get("totalStats") or {}
    status = status_of(field(body, "status"))
    return Attempt(
        number=int(body.get("id") or 0),
        status=status,
        created_at=_moment(field(body, "createdAt")),
        ended_at=_moment(body["endedAt"]) if body.get("endedAt") is not None else None,
        streams=_streams(body.get("streamStats"), connection, is_final=status.is_final),
        total_records=_records(total, is_final=status.is_final) if total else body.get("recordsSynced"),
        failure=_failure(body.get("failureSummary")),
        table_failures=table_failures_of(body.get("failureSummary"), connection) if connection else {},
    )


def _streams(
    stats: Iterable[Any] | None, connection: Connection | None, *, is_final: bool
) -> Mapping[str, StreamCount] | None:
    if stats is None or connection is None:
        return None
    counts = {}
    for each in stats:
        # A flat shape without `stats` appears on some servers between 0.35 and 0.40.
        numbers = each.get("stats") or each
        table = connection.table_of(str(field(each, "streamName")))
        told = numbers.get("bytesCommitted") if is_final else numbers.get("bytesEmitted")
        counts[table] = StreamCount(
            _records(numbers, is_final=is_final) or 0, told if told is not None else numbers.get("bytesEmitted")
        )
    return counts


def _records(stats: Mapping[str, Any], *, is_final: bool) -> int | None:
    """Rows committed; rows emitted while an attempt runs or where no more is told."""
    emitted, committed = stats.get("recordsEmitted"), stats.get("recordsCommitted")
    if is_final and committed is not None:
        return int(committed)
    return int(emitted) if emitted is not None else None


def _failure(summary: Mapping[str, Any] | None) -> str | None:
    return next((words for failure in (summary or {}).get("failures") or () if (words := failure_words(failure))), None)


def states_of(statuses: Iterable[Any], connection: Connection) -> dict[tuple[int, str], StreamState]:
    """Outcome by attempt number and table, from StreamStatusReads. The latest of a table counts."""
    found: dict[tuple[int, str], tuple[int, StreamState]] = {}
    for each in statuses:
        key = (int(each.get("attemptNumber") or 0), connection.table_of(str(field(each, "streamName"))))
        at = int(each.get("transitionedAt") or 0)
        if key not in found or at >= found[key][0]:
            found[key] = (at, _STATES.get(str(each.get("runState")), StreamState.UNKNOWN))
    return {key: state for key, (_, state) in found.items()}


def with_states(
    attempts: Sequence[Attempt], states: Mapping[tuple[int, str], StreamState], selected: Collection[str]
) -> tuple[Attempt, ...]:
    """Attempts whose counts carry the outcome of each table; a complete table without a count has no rows."""
    found = []
    for attempt in attempts:
        mine = {table: state for (number, table), state in states.items() if number == attempt.number}
        if not mine:
            found.append(attempt)
            continue
        counts = dict(attempt.streams or {})
        for table, state in mine.items():
            if table in counts:
                counts[table] = replace(counts[table], state=state)
            elif table in selected:
                counts[table] = StreamCount(0, state=state)
        found.append(replace(attempt, streams=counts))
    return tuple(found)


def _moment(seconds: Any) -> dt.datetime:
    return dt.datetime.fromtimestamp(int(seconds), dt.UTC)


def _iso(text: Any) -> dt.datetime:
    """A time of the public API; Java leaves zero seconds out (``2026-01-01T03:00Z``)."""
    try:
        return dt.datetime.fromisoformat(str(text)).astimezone(dt.UTC)
    except ValueError:
        message = f"Airbyte's answer holds the time {str(text)[:40]!r}, which is none"
        raise AirbyteAnswerError(message) from None
