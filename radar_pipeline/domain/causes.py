"""The causes that are told apart, and what a symptom of one is. The symptoms themselves are in ``symptoms``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from radar_pipeline.domain.failure import FailureClass


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
class Symptom:
    """One recognisable failure.

    Attributes:
        cause: What is behind it.
        failure_class: Its class.
        summary: The likely cause, in one sentence.
        next_step: What to do.
        words: Regular expression for text in lower case with single blanks.
    """

    cause: Cause
    failure_class: FailureClass
    summary: str
    next_step: str
    words: str = field(repr=False)

    def shows_in(self, text: str) -> bool:
        """Whether it shows in a text that is in lower case and has single blanks."""
        return self._pattern.search(text) is not None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """Compiled when something has failed: all of them take 25 ms, and every process loads them."""
        return re.compile(self.words)


def symptom(cause: Cause, failure_class: FailureClass, summary: str, next_step: str, *words: str) -> Symptom:
    """A symptom; any of the expressions shows it."""
    return Symptom(cause, failure_class, summary, next_step, "|".join(words))
