"""The syncs of one run: both ends checked first, failures of single tables told, what is missing tried again.

What belongs here: what happens around a sync. What does not: the sync itself (airbyte), what is worth another attempt
or an abort (domain), and what the bucket holds in the end (day).
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from radar_pipeline.airbyte.client import AirbyteClient
from radar_pipeline.airbyte.errors import AirbyteError
from radar_pipeline.airbyte.progress import SyncProgress
from radar_pipeline.airbyte.sync import SyncOutcome, ensure_sync
from radar_pipeline.domain.extraction import (
    RepetitionVerdict,
    TableFailure,
    attempts_made,
    complete_tables,
    judge_abort,
    judge_repetition,
    table_failures,
    which_attempt,
    words_about,
)
from radar_pipeline.domain.judgement import TableDay
from radar_pipeline.domain.sync import JobStatus, SyncAction, SyncDecision, SyncJob, syncs_of_day
from radar_pipeline.orchestration.preflight import check_ends
from radar_pipeline.orchestration.systems import Systems
from radar_pipeline.orchestration.witnesses import Log, Witnesses, is_synced

# Servers cut times to whole seconds: what a sync wrote in the second in which the next one begins could be of either.
_BETWEEN_SYNCS_SECONDS = 2.0

# Of what fails in one attempt, so many tables are told one by one.
_TOLD_AT_MOST = 8


@dataclass
class Extraction:
    """Syncs the connection for one day, once and again where that is worth it.

    Attributes:
        systems: The environment.
        day: The partition's day, which is today.
        client: The Airbyte server.
        witnesses: Who counts the source before a sync, and reads the ledger while one runs.
        log: Receives one line for a person at a time.
        on_job: Told the id of the sync job as soon as it is known.
        aborted: Why a sync was cancelled; None where none was.
    """

    systems: Systems
    day: dt.date
    client: AirbyteClient
    witnesses: Witnesses
    log: Log
    on_job: Callable[[AirbyteClient, int], None]
    aborted: str | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._told: set[TableFailure] = set()
        self._earlier: dict[int, tuple[SyncJob, ...]] = {}

    def first(self, *, proven: Callable[[], bool], forced_at: dt.datetime | None) -> SyncOutcome:
        """Starts or follows the day's sync. Before a start both of its ends are checked.

        Raises:
            PreflightError: An end cannot be used; nothing was started.
            AirbyteError: The server cannot be reached or refuses, or the sync was lost sight of.
        """
        return self._ensure(proven, forced_at, is_first=True)

    def again(self) -> SyncOutcome:
        """One more sync, for the sake of what is missing, a moment after the last.

        Raises:
            AirbyteError: As above.
        """
        time.sleep(_BETWEEN_SYNCS_SECONDS)
        return self._ensure(lambda: False, None, is_first=False)

    def worth_another(self, tables: Sequence[TableDay], syncs: Sequence[SyncJob]) -> RepetitionVerdict:
        """Whether what is missing of the day is worth one more sync.

        A sync brings no table that the connection does not sync or that is empty at the source, and mends no folder
        that cannot be read or tidied.
        """
        catalogue = {table.name: table for table in self.client.connection().tables}
        newest = next(iter(syncs_of_day(syncs, self.day)), None)
        lacking = [
            table.table
            for table in tables
            if table.landing.is_worth_a_sync and not table.landing.superseded and is_synced(table.table, catalogue)
        ]
        failed = newest if newest is not None and newest.status is not JobStatus.SUCCEEDED else None
        return judge_repetition(
            {table: words_about(failed, table) if failed else "" for table in lacking},
            newest=newest,
            made=attempts_made(syncs),
            allowed=self._allowed,
        )

    @property
    def _allowed(self) -> int:
        return self.systems.settings.table_attempts

    def _ensure(self, proven: Callable[[], bool], forced_at: dt.datetime | None, *, is_first: bool) -> SyncOutcome:
        with ThreadPoolExecutor(1, thread_name_prefix="ledger") as aside:

            def followed(job: int) -> None:
                self.on_job(self.client, job)
                # Most of the ledger's records are there already, and there is time while the sync runs.
                aside.submit(self.witnesses.history)

            return ensure_sync(
                self.client,
                self.day,
                proven=proven,
                forced_at=forced_at,
                poll_seconds=self.systems.settings.poll_seconds,
                timeout_seconds=self.systems.settings.sync_timeout_seconds,
                clock=self.systems.clock,
                on_decision=lambda decision: self._decided(decision, check=is_first),
                on_job=followed,
                on_progress=self.progress,
                abort_if=self._seen,
            )

    def _decided(self, decision: SyncDecision, *, check: bool) -> None:
        self.log(decision.reason)
        if decision.action is not SyncAction.START:
            return
        pool = ThreadPoolExecutor(1, thread_name_prefix="count")
        try:
            counting = pool.submit(self.witnesses.count_source)
            if check:
                check_ends(self.systems, self.client, self.log)
            counting.result()
        finally:
            pool.shutdown(wait=False)

    def progress(self, progress: SyncProgress) -> None:
        """Tells how far a sync is."""
        self.log(str(progress))

    def _seen(self, job: SyncJob) -> str | None:
        """Tells what failed since the last look, and says why the sync is to be cancelled where it is."""
        if not table_failures(job, made_before=0):
            return None
        try:
            earlier = self._syncs_before(job)
        except AirbyteError:
            # The next look asks again.
            return None
        failures = table_failures(job, made_before=attempts_made(earlier))
        self._tell([each for each in failures if each not in self._told])
        self._told |= set(failures)
        verdict = judge_abort(
            job,
            failures,
            critical={table.name for table in self.systems.registry.tables if table.critical},
            complete=complete_tables((*earlier, job)),
            allowed=self._allowed,
        )
        if not verdict.abort:
            return None
        self.aborted = self.aborted or verdict.reason
        return verdict.reason

    def _syncs_before(self, job: SyncJob) -> tuple[SyncJob, ...]:
        """The day's syncs before this one, asked for once, and only where a table failed."""
        if job.id not in self._earlier:
            start = dt.datetime.combine(self.day, dt.time(), dt.UTC)
            others = syncs_of_day(self.client.recent_jobs(start), self.day)
            self._earlier[job.id] = tuple(self.client.job(each.id) for each in others if each.id < job.id)
        return self._earlier[job.id]

    def _tell(self, failures: Sequence[TableFailure]) -> None:
        for failure in failures[:_TOLD_AT_MOST]:
            words = failure.words or "Airbyte tells the reason when the attempt ends"
            which = which_attempt(failure.attempt, self._allowed)
            self.log(f"{failure.table} could not be extracted ({which}), the others go on: {words}")
        if rest := failures[_TOLD_AT_MOST:]:
            self.log(f"{len(rest)} more tables could not be extracted either: {', '.join(each.table for each in rest)}")
