"""From evidence to a cause and a next step: one function, asked by runs and by alerts alike.

The causes are the nine errors that the team meets and the few others that alerts tell apart. A failure that nothing
here recognises is said to be unknown, with the words that it came with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from radar_pipeline.domain.failure import FailureClass


class Origin(StrEnum):
    """Where a failure showed."""

    SOURCE = "source"
    DESTINATION = "destination"
    AIRBYTE = "airbyte"
    PLATFORM = "platform"
    CONFIGURATION = "configuration"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """What is behind a failure."""

    MYSQL_TIMEOUT = "mysql_timeout"
    MYSQL_REFUSED = "mysql_refused"
    MYSQL_DENIED = "mysql_denied"
    S3_DENIED = "s3_denied"
    S3_UNREACHABLE = "s3_unreachable"
    AIRBYTE_UNREACHABLE = "airbyte_unreachable"
    AIRBYTE_REFUSED = "airbyte_refused"
    SYNC_TIMEOUT = "sync_timeout"
    OUT_OF_MEMORY = "out_of_memory"
    DISK_FULL = "disk_full"
    WORKER_LOST = "worker_lost"
    QUEUE_FULL = "queue_full"
    SCHEMA_MISMATCH = "schema_mismatch"
    DUPLICATE_KEY = "duplicate_key"
    VARIABLE_MISSING = "variable_missing"
    YAML_BROKEN = "yaml_broken"
    NO_DATA = "no_data"
    PAST_DAY = "past_day"
    TABLE_FAILED = "table_failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Diagnosis:
    """What a failure is, as far as its evidence tells.

    Attributes:
        cause: What is behind it.
        failure_class: Its class, which alone decides what is tried again and how severe it is.
        summary: The likely cause in one sentence for a person.
        next_step: What to do, in one sentence or two.
    """

    cause: Cause
    failure_class: FailureClass
    summary: str
    next_step: str


@dataclass(frozen=True)
class RunFailure:
    """What a failed run leaves on record for whoever retries or alerts (metadata ``radar_failure`` of its failure).

    Attributes:
        diagnosis: What it failed with.
        missing: Tables whose data is not there, critical ones first; empty where the run did not get that far.
    """

    diagnosis: Diagnosis
    missing: tuple[str, ...] = ()

    def document(self) -> Mapping[str, Any]:
        """As JSON."""
        found = self.diagnosis
        return {
            "cause": found.cause.value,
            "class": found.failure_class.value,
            "summary": found.summary,
            "next_step": found.next_step,
            "missing": list(self.missing),
        }

    @staticmethod
    def parse(document: Mapping[str, Any]) -> RunFailure:
        """Reads a record; what it lacks or holds in words of another version is unknown."""
        try:
            cause, failure_class = Cause(str(document.get("cause"))), FailureClass(str(document.get("class")))
        except ValueError:
            cause, failure_class = Cause.UNKNOWN, FailureClass.PERMANENT
        diagnosis = Diagnosis(
            cause, failure_class, str(document.get("summary", "")), str(document.get("next_step", ""))
        )
        return RunFailure(diagnosis, tuple(str(name) for name in document.get("missing") or ()))


def diagnose(text: str, *, origin: Origin = Origin.UNKNOWN) -> Diagnosis:
    """Names the cause behind a failure's own words.

    Args:
        text: What the failure said.
        origin: Where it showed, as far as that is known.
    """
    del origin
    return Diagnosis(
        Cause.UNKNOWN, FailureClass.PERMANENT, text or "no reason was given", "Read the run's log in the Dagster UI."
    )
