"""One day of bronze from sync to judgement, without Dagster: what the asset's body, the CLI and tests call.

What belongs here: the order in which things are done. What does not: finding out what is known (witnesses), decisions
(domain), protocols (airbyte, lake, source) and events (bronze).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from radar_pipeline.airbyte.client import AirbyteClient
from radar_pipeline.airbyte.errors import AirbyteError, AirbyteUnreachableError, SyncLostError, SyncTimeoutError
from radar_pipeline.airbyte.outage import ride_out
from radar_pipeline.airbyte.progress import Patience, SyncProgress
from radar_pipeline.airbyte.watch import watch
from radar_pipeline.domain.counts import COUNT_REACH
from radar_pipeline.domain.judgement import TableDay, missing_tables
from radar_pipeline.domain.snapshots import Folder
from radar_pipeline.domain.sync import SyncAction, SyncDecision, SyncJob, syncs_of_day
from radar_pipeline.domain.wording import some
from radar_pipeline.lake.ledger import record_judgements
from radar_pipeline.lake.publish import Outcome, quarantine
from radar_pipeline.orchestration.extraction import Extraction
from radar_pipeline.orchestration.judging import Evidence, judge_day, judge_landings
from radar_pipeline.orchestration.publishing import judgement_of, superseded_of, with_strays
from radar_pipeline.orchestration.systems import Systems
from radar_pipeline.orchestration.witnesses import Log, Witnesses, is_synced


@dataclass(frozen=True)
class DayReport:
    """What became of one day.

    Attributes:
        day: The partition's day.
        tables: Every table of the registry, judged.
        evidence: What the judgements rest on.
        decision: What was decided about the sync; None where no sync was considered.
        job: The sync job followed or reused; None where there is none.
        job_urls: Where a person sees a job, by its id.
        moved: How many superseded files went into quarantine.
        aborted: Why this run cancelled its sync; None where it did not.
        lost: Why a further sync was lost sight of, which may go on and write more copies; None where none was.
    """

    day: dt.date
    tables: tuple[TableDay, ...]
    evidence: Evidence
    decision: SyncDecision | None = None
    job: SyncJob | None = None
    job_urls: Mapping[int, str] = field(default_factory=dict)
    moved: int = 0
    aborted: str | None = None
    lost: AirbyteError | None = None


class PastDayError(Exception):
    """A past day was asked for and nothing of it lies in the bucket."""


class FutureDayError(Exception):
    """A day that has not begun was asked for."""


@dataclass
class DayRun:
    """One pass over one day.

    Attributes:
        systems: The environment.
        day: The partition's day.
        log: Receives one line for a person at a time.
        on_job: Told the id of the sync job as soon as it is known, so that a terminated run can cancel it.
    """

    systems: Systems
    day: dt.date
    log: Log
    on_job: Callable[[AirbyteClient, int], None] = lambda _client, _job: None
    _folders: Mapping[str, Folder] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._witnesses = Witnesses(self.systems, self.day, self.log)

    def ingest(self, *, forced_at: dt.datetime | None = None) -> DayReport:
        """Makes sure that the day is synced once, then proves, publishes and judges it.

        A past day is never synced: a full refresh reads the present. What lies in its folders is proven and published
        again instead.

        Raises:
            FutureDayError: The day has not begun.
            PastDayError: The day is past and nothing of it lies in the bucket.
            PreflightError: An end of the sync cannot be used; nothing was synced.
            AirbyteError: The server cannot be reached or refuses.
            LakeError: The bucket cannot be read or written.
        """
        today = self.systems.clock().date()
        if self.day > today:
            message = f"{self.day} has not begun (today is {today} UTC): there is nothing to sync or to prove yet"
            raise FutureDayError(message)
        if self.day < today:
            return self._verify_past()
        return self._sync_today(forced_at)

    def check(self) -> DayReport:
        """Judges the day from what lies there, changing nothing: no sync, no publishing, no new judgement on record."""
        client = self._airbyte_if_reachable()
        evidence = self._witnesses.evidence(client)
        return self._report(evidence, client)

    def _sync_today(self, forced_at: dt.datetime | None) -> DayReport:
        client = self.systems.connect_airbyte()
        extraction = Extraction(self.systems, self.day, client, self._witnesses, self.log, self.on_job)
        outcome = extraction.first(proven=lambda: self._is_proven(client), forced_at=forced_at)
        synced = outcome.decision.action is not SyncAction.REUSE
        evidence = self._witnesses.evidence(
            client, recount=synced or self._ended_lately(outcome.job), folders=None if synced else self._folders
        )
        report = self._publish_and_judge(evidence, client)
        if synced:
            report = self._try_again(extraction, report, client)
        return replace(report, decision=outcome.decision, aborted=extraction.aborted)

    def _try_again(self, extraction: Extraction, report: DayReport, client: AirbyteClient) -> DayReport:
        """Syncs once more for what is missing, as long as that is worth it.

        What landed is published and on record by then: a further sync that fails takes nothing away. One that is lost
        sight of may still add copies, which only a run that follows it can tidy up.
        """
        while missing_tables(report.tables):
            verdict = extraction.worth_another(report.tables, report.evidence.jobs)
            self.log(verdict.reason)
            if not verdict.repeat:
                break
            try:
                extraction.again()
                evidence = self._witnesses.evidence(client, recount=True)
            except (AirbyteUnreachableError, SyncLostError, SyncTimeoutError) as error:
                return replace(report, lost=error)
            except AirbyteError as error:
                self.log(f"what is missing could not be tried again: {error}")
                break
            report = self._publish_and_judge(evidence, client)
        return report

    def _ended_lately(self, job: SyncJob) -> bool:
        """Whether a count of the source still says something about a sync whose own run may have died before it."""
        return self.systems.clock() - job.updated_at <= COUNT_REACH

    def _verify_past(self) -> DayReport:
        self.log(f"{self.day} is past: nothing is synced; what lies in its folders is proven and published again")
        client = self._airbyte_if_reachable()
        if client:
            self._follow_to_the_end(client)
        evidence = self._witnesses.evidence(client)
        if not any(folder.files or folder.broken or folder.error for folder in evidence.folders.values()):
            message = (
                f"nothing of {self.day} lies in bronze, and a past day cannot be extracted again: a full refresh reads "
                "the present, and today's rows are never written under an old date. If the files were moved, put them "
                "back; if the source keeps backups, restore one and load it by hand; else leave the day missing."
            )
            raise PastDayError(message)
        return self._publish_and_judge(evidence, client)

    def _follow_to_the_end(self, client: AirbyteClient) -> None:
        """Waits for a sync of the day that still runs: its run may have died shortly before midnight."""
        start = dt.datetime.combine(self.day, dt.time(), dt.UTC)
        settings = self.systems.settings
        patience = Patience(settings.poll_seconds, settings.sync_timeout_seconds)
        for job in syncs_of_day(ride_out(lambda: client.recent_jobs(start), patience, self._progress), self.day):
            if not job.status.is_final:
                self.on_job(client, job.id)
                watch(client, job, patience, on_progress=self._progress)

    def _progress(self, progress: SyncProgress) -> None:
        self.log(str(progress))

    def _is_proven(self, client: AirbyteClient) -> bool:
        """Whether everything that a new sync could bring lies proven in the bucket.

        It brings no table that the connection does not sync, mends no folder that cannot be read, and finds no rows
        where the newest sync found none, unless the source holds some by now.
        """
        evidence = self._witnesses.evidence(client, landings_only=True)
        self._folders = evidence.folders
        catalogue = {table.name: table for table in client.connection().tables}
        verdicts = judge_landings(self.systems.registry, self.day, evidence)
        synced = {name: verdict for name, verdict in verdicts.items() if is_synced(name, catalogue)}
        lacking = [name for name, verdict in synced.items() if verdict.is_worth_a_sync]
        empty = [name for name, verdict in synced.items() if verdict.is_empty_at_source]
        if empty and not lacking:
            lacking = self._witnesses.filled(empty)
            if not lacking:
                self.log(f"empty at the source, so a further sync would bring nothing: {some(empty)}")
        if lacking:
            self.log(f"not proven in the bucket: {some(lacking)}")
        return not lacking

    def _airbyte_if_reachable(self) -> AirbyteClient | None:
        if self.systems.settings.missing():
            return None
        try:
            return self.systems.connect_airbyte()
        except AirbyteError as error:
            self.log(f"Airbyte could not be asked, the files alone must speak: {error}")
            return None

    def _publish_and_judge(self, evidence: Evidence, client: AirbyteClient | None) -> DayReport:
        systems, report = self.systems, self._report(evidence, client)
        files = quarantine(systems.lake, systems.layout, superseded_of(report.tables))
        moved = sum(file.outcome is Outcome.MOVED for file in files)
        if moved:
            self.log(f"{moved} files of superseded attempts went into quarantine")
        stayed = {
            file.key: file.problem or "it was rewritten since it was judged: run the day again"
            for file in files
            if file.quarantined_to is None
        }
        tables = tuple(with_strays(table, stayed) for table in report.tables)
        self._record(tables)
        return replace(report, tables=tables, moved=moved)

    def _report(self, evidence: Evidence, client: AirbyteClient | None) -> DayReport:
        tables = judge_day(self.systems.registry, self.day, self._witnesses.explained(evidence))
        urls = {job.id: client.job_url(job.id) for job in evidence.jobs} if client else {}
        return DayReport(
            self.day,
            tables,
            evidence,
            job=next(iter(syncs_of_day(evidence.jobs, self.day)), None),
            job_urls={job: url for job, url in urls.items() if url},
        )

    def _record(self, tables: tuple[TableDay, ...]) -> None:
        """Writes the checks' judgements beside the lake; tomorrow's volume is measured against the accepted ones."""
        now = self.systems.clock()
        judgements = [judgement_of(table, now) for table in tables if table.landing.is_proven]
        if judgements:
            record_judgements(self.systems.lake, self.systems.layout, self.day, judgements)
