"""Extraction of single tables: what failed in which attempt, when a sync is aborted, and when another one is made.

A sync copies the whole connection, so every attempt of every sync of a day is an attempt of each table. Airbyte's own
attempts within a job and the platform's further syncs count against one number, so that they never multiply.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from radar_pipeline.domain.causes import Cause
from radar_pipeline.domain.diagnosis import diagnose, is_mendable
from radar_pipeline.domain.sync import Attempt, JobKind, JobStatus, StreamState, SyncJob
from radar_pipeline.domain.wording import plural, some


@dataclass(frozen=True)
class TableFailure:
    """A table that one attempt could not extract.

    Attributes:
        table: Table name.
        attempt: Which attempt of the day it was, from 1 on.
        words: The server's words; empty where it does not tell them yet.
    """

    table: str
    attempt: int
    words: str = ""

    @property
    def is_mendable(self) -> bool:
        """Whether another attempt may end better. Words that nobody knows are no reason to give up or to abort."""
        found = diagnose(self.words)
        return found.cause is Cause.UNKNOWN or is_mendable(found.failure_class)


@dataclass(frozen=True)
class AbortVerdict:
    """Whether a running sync is to be cancelled.

    Attributes:
        abort: Whether it is.
        table: The critical table because of which it is; None where it is not.
        reason: Why, in one sentence.
    """

    abort: bool
    table: str | None
    reason: str


@dataclass(frozen=True)
class RepetitionVerdict:
    """Whether what is missing is worth one more sync.

    Attributes:
        repeat: Whether it is.
        tables: What is missing and may be mended by it.
        reason: Why, in one sentence.
    """

    repeat: bool
    tables: tuple[str, ...]
    reason: str


def which_attempt(number: int, allowed: int) -> str:
    """Which attempt it is, for a person; Airbyte's own attempts within a job may overrun what is allowed."""
    return f"attempt {number} of {allowed}" if number <= allowed else f"attempt {number}, {allowed} allowed"


def attempts_made(syncs: Collection[SyncJob]) -> int:
    """Attempts that every table has had in these syncs. A job of which no attempts are told counts as one."""
    return sum(max(len(job.attempts), 1) for job in syncs)


def complete_tables(syncs: Collection[SyncJob]) -> frozenset[str]:
    """Tables that some attempt of these syncs brought whole, by the server's word."""
    found: set[str] = set()
    for attempt in (attempt for job in syncs for attempt in job.attempts):
        for table, count in (attempt.streams or {}).items():
            succeeded = attempt.status is JobStatus.SUCCEEDED and count.records and table not in attempt.table_failures
            if count.state is StreamState.COMPLETE or succeeded:
                found.add(table)
    return frozenset(found)


def table_failures(job: SyncJob, *, made_before: int) -> tuple[TableFailure, ...]:
    """What could not be extracted in a job so far: tables called incomplete, and those that a failure names.

    Args:
        job: The job with its attempts.
        made_before: Attempts of the day before this job.
    """
    found = []
    for attempt in job.attempts:
        words = dict(attempt.table_failures)
        # Whatever was under way when a job was cancelled is called incomplete too.
        if job.status is not JobStatus.CANCELLED:
            for table, count in (attempt.streams or {}).items():
                if count.state is StreamState.INCOMPLETE:
                    words.setdefault(table, _overall(attempt))
        found += [TableFailure(table, made_before + attempt.number + 1, told) for table, told in words.items()]
    return tuple(found)


def words_about(job: SyncJob, table: str) -> str:
    """What a job says of a table that it did not bring: of the table itself, or of all; empty where it says nothing."""
    for attempt in reversed(job.attempts):
        if table in attempt.table_failures:
            return attempt.table_failures[table]
    return next((words for each in reversed(job.attempts) if (words := _overall(each))), "")


def _overall(attempt: Attempt) -> str:
    """What an attempt failed with as a whole; empty where it did not, or failed with a single table."""
    return "" if attempt.failure in attempt.table_failures.values() else attempt.failure or ""


def judge_abort(
    job: SyncJob,
    failures: Sequence[TableFailure],
    *,
    critical: Collection[str],
    complete: Collection[str],
    allowed: int,
) -> AbortVerdict:
    """Decides whether a sync that still runs is cancelled because a critical table cannot be extracted.

    Args:
        job: The sync as last seen.
        failures: What could not be extracted in it.
        critical: Tables without which a day fails.
        complete: Tables that some attempt of the day brought whole: they are there whatever failed since.
        allowed: Attempts that a table may have in a day.
    """
    if job.kind is not JobKind.SYNC or job.status.is_final:
        return AbortVerdict(False, None, f"{job.kind} job {job.id} is {job.status}: there is nothing to abort")
    for failure in failures:
        if failure.table not in critical or failure.table in complete:
            continue
        told = f": {failure.words}" if failure.words else ""
        if not failure.is_mendable:
            reason = f"the critical table {failure.table} could not be extracted, and no further attempt mends it{told}"
            return AbortVerdict(True, failure.table, reason)
        if failure.attempt >= allowed:
            which = which_attempt(failure.attempt, allowed)
            return AbortVerdict(
                True, failure.table, f"the critical table {failure.table} could not be extracted in {which}{told}"
            )
    return AbortVerdict(False, None, "no critical table has failed for good")


def judge_repetition(
    lacking: Mapping[str, str], *, newest: SyncJob | None, made: int, allowed: int
) -> RepetitionVerdict:
    """Decides whether the day gets one more sync for the sake of what is missing.

    Args:
        lacking: Tables that the connection syncs and that are not there, with the words of their failure; without
            words where a sync that succeeded left no whole copy.
        newest: The newest sync of the day; None where none is known.
        made: Attempts that were made on this day.
        allowed: Attempts that a table may have in a day.
    """
    if not lacking:
        return RepetitionVerdict(False, (), "nothing is missing that one more sync could bring")
    if newest is None or not newest.status.is_final:
        return RepetitionVerdict(False, (), "the day's sync has not ended")
    if newest.status is JobStatus.CANCELLED:
        return RepetitionVerdict(False, (), f"sync job {newest.id} was cancelled, so no further one is made")
    worth = tuple(sorted(name for name, words in lacking.items() if TableFailure(name, made, words).is_mendable))
    names = some(worth or sorted(lacking))
    if not worth:
        return RepetitionVerdict(False, (), f"{names}: no further attempt mends what they fail with")
    if made >= allowed:
        return RepetitionVerdict(
            False, worth, f"{names}: no further sync after {plural(made, 'attempt', 'attempts')}, {allowed} allowed"
        )
    return RepetitionVerdict(
        True, worth, f"{names}: not there, tried again with one more sync, attempt {made + 1} of {allowed}"
    )
