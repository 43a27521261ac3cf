"""One day of bronze from sync to judgement, without Dagster: what the asset's body, the CLI and tests call.

What belongs here: the order in which the rooms are asked. What does not: decisions (domain), protocols (airbyte, lake,
source) and events (bronze).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from radar_pipeline.airbyte.client import AirbyteClient
from radar_pipeline.airbyte.errors import AirbyteError
from radar_pipeline.airbyte.sync import SyncProgress, ensure_sync
from radar_pipeline.domain.counts import SourceCounts
from radar_pipeline.domain.judgement import TableDay
from radar_pipeline.domain.landing import Landing, LandingVerdict
from radar_pipeline.domain.ledger import Judgement
from radar_pipeline.domain.schema import ObservedTable
from radar_pipeline.domain.snapshots import BrokenFile, DataFile, Folder
from radar_pipeline.domain.sync import SyncAction, SyncDecision, SyncJob, syncs_of_day
from radar_pipeline.lake.inventory import read_folders
from radar_pipeline.lake.ledger import read_history, record_judgements, record_source_counts
from radar_pipeline.lake.publish import Outcome, quarantine
from radar_pipeline.orchestration.judging import Evidence, judge_day, judge_landings
from radar_pipeline.orchestration.systems import Systems
from radar_pipeline.source.columns import observe_tables
from radar_pipeline.source.connection import SourceError
from radar_pipeline.source.counts import count_rows

Log = Callable[[str], None]


@dataclass(frozen=True)
class DayReport:
    """What became of one day.

    Attributes:
        day: The partition's day.
        tables: Every table of the registry, judged.
        evidence: What the judgements rest on.
        decision: What was decided about the sync; None where no sync was considered.
        job: The sync job followed or reused; None where there is none.
        job_url: Where a person sees it; None where there is none.
        moved: How many superseded files went into quarantine.
    """

    day: dt.date
    tables: tuple[TableDay, ...]
    evidence: Evidence
    decision: SyncDecision | None = None
    job: SyncJob | None = None
    job_url: str | None = None
    moved: int = 0


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
    _landings: Evidence | None = field(default=None, init=False)

    def ingest(self, *, forced_at: dt.datetime | None = None) -> DayReport:
        """Makes sure that the day is synced once, then proves, publishes and judges it.

        A past day is never synced: a full refresh reads the present. What lies in its folders is proven and published
        again instead.

        Raises:
            FutureDayError: The day has not begun.
            PastDayError: The day is past and nothing of it lies in the bucket.
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
        jobs = self._jobs(client) if client else ()
        evidence = self._evidence(client, jobs)
        return self._report(evidence, client)

    def _sync_today(self, forced_at: dt.datetime | None) -> DayReport:
        client = self.systems.connect_airbyte()
        outcome = ensure_sync(
            client,
            self.day,
            proven=lambda: self._is_proven(client),
            forced_at=forced_at,
            poll_seconds=self.systems.settings.poll_seconds,
            timeout_seconds=self.systems.settings.sync_timeout_seconds,
            clock=self.systems.clock,
            on_decision=self._decided,
            on_job=lambda job: self.on_job(client, job),
            on_progress=self._progress,
        )
        synced = outcome.decision.action is not SyncAction.REUSE
        if synced:
            self._count_source()
        evidence = self._evidence(client, self._jobs(client), folders_known=not synced)
        report = self._publish_and_judge(evidence, client)
        return replace(report, decision=outcome.decision)

    def _verify_past(self) -> DayReport:
        self.log(f"{self.day} is past: nothing is synced; what lies in its folders is proven and published again")
        client = self._airbyte_if_reachable()
        jobs = self._jobs(client) if client else ()
        evidence = self._evidence(client, jobs)
        if not any(folder.files or folder.broken or folder.error for folder in evidence.folders.values()):
            message = (
                f"nothing of {self.day} lies in bronze, and a past day cannot be extracted again: a full refresh reads "
                "the present, and today's rows are never written under an old date. If the files were moved, put them "
                "back; if the source keeps backups, restore one and load it by hand; else leave the day missing."
            )
            raise PastDayError(message)
        return self._publish_and_judge(evidence, client)

    def _decided(self, decision: SyncDecision) -> None:
        self.log(decision.reason)
        if decision.action is SyncAction.START:
            self._count_source()

    def _progress(self, progress: SyncProgress) -> None:
        self.log(str(progress))

    def _is_proven(self, client: AirbyteClient) -> bool:
        jobs = self._jobs(client)
        self._landings = self._evidence(None, jobs, landings_only=True)
        verdicts = judge_landings(self.systems.registry, self.day, self._landings)
        lacking = [name for name, verdict in verdicts.items() if not verdict.is_proven]
        if lacking:
            self.log(f"not proven in the bucket: {_some(lacking)}")
        return not lacking

    def _airbyte_if_reachable(self) -> AirbyteClient | None:
        if self.systems.settings.missing():
            return None
        try:
            return self.systems.connect_airbyte()
        except AirbyteError as error:
            self.log(f"Airbyte could not be asked, the files alone must speak: {error}")
            return None

    def _jobs(self, client: AirbyteClient) -> tuple[SyncJob, ...]:
        """The day's sync jobs with their attempts and counts."""
        start = dt.datetime.combine(self.day, dt.time(), dt.UTC)
        return tuple(client.job(job.id) for job in syncs_of_day(client.recent_jobs(start), self.day))

    def _count_source(self) -> None:
        """Counts the source and keeps the counts beside the lake, so that a killed run's successor has them too."""
        if self.systems.source is None:
            return
        taken_at = self.systems.clock()
        try:
            counted = count_rows(self.systems.source, self.systems.registry.names)
        except SourceError as error:
            self.log(f"the source could not be counted: {error}")
            return
        counts = SourceCounts(taken_at, counted.rows)
        record_source_counts(self.systems.lake, self.systems.layout, self.day, counts)

    def _evidence(
        self,
        client: AirbyteClient | None,
        jobs: tuple[SyncJob, ...],
        *,
        landings_only: bool = False,
        folders_known: bool = False,
    ) -> Evidence:
        """Asks everybody who knows something about the day, side by side."""
        systems, day = self.systems, self.day
        with ThreadPoolExecutor(4, thread_name_prefix="evidence") as pool:
            known = self._landings.folders if folders_known and self._landings else None
            folders = (
                None if known else pool.submit(read_folders, systems.lake, systems.layout, systems.registry.names, day)
            )
            history = pool.submit(read_history, systems.lake, systems.layout, until=day)
            mysql = None if landings_only else pool.submit(self._observe_source)
            airbyte = None if landings_only or client is None else pool.submit(self._observe_catalogue, client)
            past = history.result()
            return Evidence(
                jobs=jobs,
                folders=known or (folders.result() if folders else {}),
                source_counts=past.source_counts(day),
                history=past,
                mysql=mysql.result() if mysql else None,
                airbyte=airbyte.result() if airbyte else None,
            )

    def _observe_source(self) -> Mapping[str, ObservedTable] | None:
        """The source's tables as they are now, which says something about today only."""
        if self.systems.source is None or self.day != self.systems.clock().date():
            return None
        try:
            return {table.name: table for table in observe_tables(self.systems.source)}
        except SourceError as error:
            self.log(f"the source's columns could not be read: {error}")
            return None

    def _observe_catalogue(self, client: AirbyteClient) -> Mapping[str, ObservedTable] | None:
        if self.day != self.systems.clock().date():
            return None
        try:
            return {table.name: table for table in client.catalog()}
        except AirbyteError as error:
            self.log(f"the connection's catalogue could not be read: {error}")
            return None

    def _publish_and_judge(self, evidence: Evidence, client: AirbyteClient | None) -> DayReport:
        systems, report = self.systems, self._report(evidence, client)
        outcomes = [each.outcome for each in quarantine(systems.lake, systems.layout, _superseded(report.tables))]
        moved, changed = outcomes.count(Outcome.MOVED), outcomes.count(Outcome.CHANGED)
        if moved:
            self.log(f"{moved} files of superseded attempts went into quarantine")
        if changed:
            self.log(f"{changed} superseded files were rewritten meanwhile and stay: run the day again")
        self._record(report.tables)
        return replace(report, moved=moved)

    def _report(self, evidence: Evidence, client: AirbyteClient | None) -> DayReport:
        tables = judge_day(self.systems.registry, self.day, self._with_next_day(evidence))
        job = next(iter(syncs_of_day(evidence.jobs, self.day)), None)
        return DayReport(
            self.day, tables, evidence, job=job, job_url=client.job_url(job.id) if client and job else None
        )

    def _with_next_day(self, evidence: Evidence) -> Evidence:
        """Adds what a sync that crossed midnight left under the next day's date, as the reason why a table is missing.

        destination-s3 dates the folder by the start of its own process, not of the job.
        """
        verdicts = judge_landings(self.systems.registry, self.day, evidence)
        missing = [name for name, verdict in verdicts.items() if verdict.landing is Landing.MISSING]
        if not missing or not evidence.jobs:
            return evidence
        tomorrow = self.day + dt.timedelta(days=1)
        found = read_folders(self.systems.lake, self.systems.layout, missing, tomorrow)
        strayed = {name: folder for name, folder in found.items() if folder.files}
        folders = {
            name: replace(evidence.folders[name], note=_strayed_note(folder)) for name, folder in strayed.items()
        }
        return replace(evidence, folders={**evidence.folders, **folders})

    def _record(self, tables: tuple[TableDay, ...]) -> None:
        """Writes the checks' judgements beside the lake; tomorrow's volume is measured against the accepted ones."""
        now = self.systems.clock()
        judgements = [_judgement(table, table.landing, now) for table in tables if table.landing.is_proven]
        if judgements:
            record_judgements(self.systems.lake, self.systems.layout, self.day, judgements)


def _judgement(table: TableDay, landing: LandingVerdict, now: dt.datetime) -> Judgement:
    snapshot = landing.snapshot
    person = table.accepted_by
    return Judgement(
        table=table.table,
        rows=snapshot.rows if snapshot else 0,
        bytes=snapshot.bytes if snapshot else 0,
        files=len(snapshot.files) if snapshot else 0,
        newest=snapshot.newest if snapshot else None,
        accepted=table.is_accepted,
        by=person.by if person else "checks",
        reason=person.reason if person else "; ".join(landing.reasons),
        recorded_at=now,
    )


def _superseded(tables: tuple[TableDay, ...]) -> list[DataFile | BrokenFile]:
    return [file for table in tables for file in table.landing.superseded]


def _strayed_note(folder: Folder) -> str:
    rows = sum(file.rows for file in folder.files)
    return f"{rows} rows lie under {folder.day}: the sync crossed midnight UTC and landed in the next day's folder"


def _some(names: list[str], most: int = 8) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
