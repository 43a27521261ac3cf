"""The order that a worker gets: one JSON document, made from the configuration and the faults of the attempt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from radar_pipeline.local.airbyte_server.clock import iso, seconds_to_next_midnight
from radar_pipeline.local.airbyte_server.faults import ActiveFault
from radar_pipeline.local.airbyte_server.records import Connection, Connector, Job

# Nothing listens on the discard port of a loopback interface, so a connection to it is really refused.
_CLOSED_PORT = 9

_TABLE_FAULTS = {
    "succeeded-without-data": "skip",
    "stream-fails": "fail",
    "attempt-fails-then-succeeds": "fail",
    "half-written-table": "truncate",
    "upload-fails": "upload",
    "disk-full": "disk",
}

# Options of a fault that its worker has to know.
_TOLD = ("share", "tries", "words")


@dataclass(frozen=True)
class AttemptPlan:
    """What is to happen in one attempt.

    Attributes:
        job: The job.
        number: 0-based number of the attempt.
        faults: Those of the job's faults that spoil this attempt.
        shift: Seconds by which the attempt's own times run ahead of the server's clock.
    """

    job: Job
    number: int
    faults: tuple[ActiveFault, ...]
    shift: float

    def fault(self, name: str) -> ActiveFault | None:
        """The fault of that name, if it spoils this attempt."""
        return next((fault for fault in self.faults if fault.name == name), None)


def plan_attempt(job: Job) -> AttemptPlan:
    """Decides what happens in a job's next attempt."""
    number = len(job.attempts)
    faults = tuple(fault for fault in job.faults if fault.spoils(number))
    midnight = next((fault for fault in faults if fault.name == "crosses-midnight"), None)
    shift = 0.0
    if midnight:
        # From the job's creation, not from now, so that all attempts of the job keep their order.
        shift = seconds_to_next_midnight(job.created_at) + float(midnight.options["seconds_after_midnight"])
    return AttemptPlan(job, number, faults, shift)


def table_fault(table: str, position: int, plan: AttemptPlan) -> dict[str, Any] | None:
    """What is to go wrong with one table, in the worker's words.

    Args:
        table: Its name.
        position: Its place from the end: 0 is the last table.
        plan: The attempt.
    """
    for fault in plan.faults:
        kind = _TABLE_FAULTS.get(fault.name)
        if kind is None:
            continue
        # An attempt that fails after writing everything fails on its last table unless one is named.
        is_target = fault.table == table
        if fault.table is None:
            is_target = position == 0 if fault.name == "attempt-fails-then-succeeds" else True
        if is_target:
            return {"kind": kind, **{name: value for name in _TOLD if (value := fault.options.get(name)) is not None}}
    return None


def source_of(configuration: Mapping[str, Any], faults: Sequence[ActiveFault]) -> dict[str, Any]:
    """Where MySQL is and who signs in, as the worker and the connection check need it, spoiled by faults.

    Args:
        configuration: Settings of source-mysql.
        faults: Faults that hold now.
    """
    names = {fault.name for fault in faults}
    mode = (configuration.get("ssl_mode") or {}).get("mode")
    return {
        "host": configuration["host"],
        "port": _CLOSED_PORT if "mysql-refused" in names else int(configuration["port"]),
        "user": configuration["username"],
        "password": "not-the-password" if "wrong-password" in names else configuration.get("password", ""),
        "database": configuration["database"],
        "tls": mode not in {None, "disable", "disabled"} or bool(configuration.get("ssl")),
    }


def destination_of(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Where S3 is and how keys are made, as the worker and the connection check need it.

    Args:
        configuration: Settings of destination-s3.
    """
    return {
        "endpoint_url": configuration.get("s3_endpoint") or None,
        "region": configuration.get("s3_bucket_region") or "us-east-1",
        "bucket": configuration["s3_bucket_name"],
        "access_key_id": configuration.get("access_key_id", ""),
        "secret_access_key": configuration.get("secret_access_key", ""),
        "path_prefix": configuration["s3_bucket_path"],
        "path_format": configuration.get("s3_path_format")
        or "${NAMESPACE}/${STREAM_NAME}/${YEAR}_${MONTH}_${DAY}_${EPOCH}_",
        "file_name_pattern": configuration.get("file_name_pattern") or "{part_number}{format_extension}",
    }


def worker_order(
    plan: AttemptPlan,
    connection: Connection,
    source: Connector,
    destination: Connector,
    *,
    dialect: str,
    now: float,
    clock_offset: float,
    generation: int,
    spool_dir: str,
) -> dict[str, Any]:
    """The worker's standard input.

    Args:
        plan: The attempt.
        connection: Which streams.
        source: From where.
        destination: To where.
        dialect: Parquet dialect.
        now: The server's time; the plan's shift is added to it.
        clock_offset: Seconds by which the server's clock is ahead of the real one.
        generation: Generation number of the streams.
        spool_dir: Directory of the attempt's temporary files.
    """
    tables = connection.selected
    return {
        "source": source_of(source.configuration, plan.faults),
        "destination": destination_of(destination.configuration),
        "dialect": dialect,
        "tables": [
            {"name": name, "fault": table_fault(name, len(tables) - 1 - index, plan)}
            for index, name in enumerate(tables)
        ],
        "started_at": iso(now + plan.shift),
        "clock_offset_seconds": clock_offset + plan.shift,
        "sync_id": plan.job.id,
        "generation_id": generation,
        "attempt": plan.number,
        "spool_dir": spool_dir,
        "concurrency": 2,
        "s3_fault": "denied" if plan.fault("s3-denied") else None,
    }


def secrets_of(*connectors: Connector) -> tuple[str, ...]:
    """Values that must not show up in any log or message."""
    keys = ("password", "access_key_id", "secret_access_key")
    found = (str(connector.configuration.get(key) or "") for connector in connectors for key in keys)
    return tuple(value for value in found if value)


def redact(text: str, secrets: Sequence[str]) -> str:
    """The text with every secret hidden."""
    for secret in secrets:
        text = text.replace(secret, "**********")
    return text
