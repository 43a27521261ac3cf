"""What a cause of failure is called in a title, and which kind of alert it leads to."""

from __future__ import annotations

from collections.abc import Mapping

from radar_pipeline.domain.alert import AlertKind
from radar_pipeline.domain.diagnosis import Cause

# Kinds that the specification tells apart; every other cause is a sync that failed.
KINDS: Mapping[Cause, AlertKind] = {
    Cause.MYSQL_TIMEOUT: AlertKind.CONNECTION_TIMEOUT,
    Cause.MYSQL_REFUSED: AlertKind.CONNECTION_TIMEOUT,
    Cause.S3_UNREACHABLE: AlertKind.CONNECTION_TIMEOUT,
    Cause.AIRBYTE_UNREACHABLE: AlertKind.CONNECTION_TIMEOUT,
    Cause.OUT_OF_MEMORY: AlertKind.RESOURCE_EXHAUSTED,
    Cause.DISK_FULL: AlertKind.RESOURCE_EXHAUSTED,
    Cause.WORKER_LOST: AlertKind.RESOURCE_EXHAUSTED,
    Cause.QUEUE_FULL: AlertKind.RESOURCE_EXHAUSTED,
    Cause.SCHEMA_MISMATCH: AlertKind.SCHEMA_CHANGED,
}

# Jobs that bring nothing into bronze and have a page of their own for when they fail.
JOB_KINDS: Mapping[str, AlertKind] = {
    "catalogue_bronze_job": AlertKind.CATALOGUE_DRIFT,
    "reconcile_catalogue_job": AlertKind.CATALOGUE_DRIFT,
    "apply_retention_job": AlertKind.RETENTION_STOPPED,
}

WORDS: Mapping[Cause, str] = {
    Cause.MYSQL_TIMEOUT: "MySQL did not answer in time",
    Cause.MYSQL_REFUSED: "MySQL refused the connection",
    Cause.MYSQL_DENIED: "MySQL denied access",
    Cause.S3_DENIED: "S3 denied access",
    Cause.S3_UNREACHABLE: "S3 could not be reached",
    Cause.AIRBYTE_UNREACHABLE: "Airbyte could not be reached",
    Cause.AIRBYTE_REFUSED: "Airbyte refused",
    Cause.SYNC_TIMEOUT: "the sync did not end in time",
    Cause.OUT_OF_MEMORY: "the worker ran out of memory",
    Cause.DISK_FULL: "a disk is full",
    Cause.WORKER_LOST: "its process was lost",
    Cause.QUEUE_FULL: "the queue is full",
    Cause.SCHEMA_MISMATCH: "the schema does not match",
    Cause.DUPLICATE_KEY: "a key is there twice",
    Cause.VARIABLE_MISSING: "a variable is not set",
    Cause.YAML_BROKEN: "a configuration file is broken",
    Cause.NO_DATA: "no data arrived",
    Cause.PAST_DAY: "a past day cannot be extracted again",
    Cause.TABLE_FAILED: "a table could not be copied",
}

# Causes that lie with single tables. What is missing after any other is a consequence of that one cause.
OF_ONE_TABLE = frozenset({Cause.TABLE_FAILED, Cause.NO_DATA, Cause.SCHEMA_MISMATCH, Cause.DUPLICATE_KEY, Cause.UNKNOWN})
