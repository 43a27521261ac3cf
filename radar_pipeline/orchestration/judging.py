"""From evidence to judgements: every table's day, judged by the domain.

Pure: what it needs is in its arguments. It is no part of the domain only because it reads the registry.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from radar_pipeline.domain.counts import SourceCounts, judge_counts, source_band
from radar_pipeline.domain.judgement import PersonalAcceptance, TableDay
from radar_pipeline.domain.landing import Expectation, Landing, LandingVerdict, judge_landing
from radar_pipeline.domain.ledger import History
from radar_pipeline.domain.schema import ObservedTable, judge_schema
from radar_pipeline.domain.snapshots import Folder
from radar_pipeline.domain.sync import Attempt, SyncJob, syncs_of_day
from radar_pipeline.domain.volume import judge_volume
from radar_pipeline.tables.model import LoadMode, Registry, Table


@dataclass(frozen=True)
class Evidence:
    """Everything that was found out about one day.

    Attributes:
        jobs: Sync jobs of the day with their attempts.
        folders: What lies in the bucket, by table.
        source_counts: What the source counted around the day's syncs.
        history: Judged snapshots of the days up to this one.
        mysql: Tables as the source shows them now; None where it could not be asked.
        airbyte: Tables as the connection's catalogue shows them; None where it could not be asked.
        asked: Whether Airbyte could be asked about the day's jobs; without it their absence says nothing.
    """

    jobs: tuple[SyncJob, ...]
    folders: Mapping[str, Folder]
    source_counts: tuple[SourceCounts, ...] = ()
    history: History = field(default_factory=History)
    mysql: Mapping[str, ObservedTable] | None = None
    airbyte: Mapping[str, ObservedTable] | None = None
    asked: bool = True


def judge_landings(registry: Registry, day: dt.date, evidence: Evidence) -> dict[str, LandingVerdict]:
    """Judges for each table whether its day is in the bucket."""
    syncs = syncs_of_day(evidence.jobs, day)
    verdicts = {}
    for table in registry.tables:
        folder = evidence.folders[table.name]
        window = (syncs[0].created_at, syncs[0].updated_at) if syncs else _extraction(folder)
        # To show that a copy is whole, a count that stands alone must be met exactly: a copy cut short by less than the
        # drift that is allowed for elsewhere would pass otherwise.
        band = source_band(evidence.source_counts, table.name, *window, drift=0) if window else None
        expected = Expectation(
            jobs=syncs,
            source_rows=band,
            may_be_empty=table.may_be_empty,
            asked=evidence.asked,
            recorded=_recorded(evidence.history, table.name, day),
        )
        verdicts[table.name] = judge_landing(folder, expected)
    return verdicts


def _extraction(folder: Folder) -> tuple[dt.datetime, dt.datetime] | None:
    """When a folder's rows were read by their own word; None where they do not say."""
    begin = min((file.oldest for file in folder.files if file.oldest), default=None)
    end = max((file.newest for file in folder.files if file.newest), default=None)
    return (begin, end) if begin and end else None


def _recorded(history: History, table: str, day: dt.date) -> frozenset[tuple[int, dt.datetime | None]] | None:
    """Rows and newest extraction time of each copy of a table that was proven before; None for a day never judged."""
    if not any(day in days for days in history.judgements.values()):
        return None
    records = history.judgements.get(table, {}).get(day, ())
    return frozenset((record.rows, record.newest) for record in records)


def judge_day(registry: Registry, day: dt.date, evidence: Evidence) -> tuple[TableDay, ...]:
    """Judges every table of a day by all of its checks."""
    landings = judge_landings(registry, day, evidence)
    totals = _totals(landings.values(), evidence.jobs)
    return tuple(_judge_table(table, day, landings[table.name], evidence, totals) for table in registry.tables)


def _judge_table(
    table: Table,
    day: dt.date,
    landing: LandingVerdict,
    evidence: Evidence,
    totals: Mapping[tuple[int, int], tuple[int, int]],
) -> TableDay:
    snapshot = landing.snapshot
    if snapshot is None:
        return TableDay(table.name, table.critical, landing)
    job, attempt = standing_job(landing, evidence.jobs)
    window = _read_between(job, attempt) if job else _extraction(evidence.folders[table.name])
    counted = attempt.streams.get(table.name) if attempt and attempt.streams is not None else None
    counts = judge_counts(
        snapshot.rows,
        airbyte=counted.records if counted else None,
        total=totals.get((snapshot.job_id or -1, snapshot.attempt or 0)) if attempt and not counted else None,
        source=source_band(evidence.source_counts, table.name, *window) if window else None,
    )
    volume = judge_volume(
        snapshot.rows,
        evidence.history.accepted_before(table.name, day),
        limit=table.volume_limit,
        may_be_empty=table.may_be_empty,
        incremental=table.load is LoadMode.INCREMENTAL,
        rejected_before=evidence.history.rejected_before(table.name, day),
    )
    schema = judge_schema(
        {} if landing.landing is Landing.EMPTY else {column.name: column.type for column in table.columns},
        [(column.name, column.type) for column in snapshot.columns],
        mysql=evidence.mysql.get(table.name) if evidence.mysql is not None else None,
        airbyte=evidence.airbyte.get(table.name) if evidence.airbyte is not None else None,
    )
    accepted = evidence.history.acceptance(table.name, day, snapshot.newest)
    person = PersonalAcceptance(accepted.by, accepted.reason) if accepted else None
    return TableDay(table.name, table.critical, landing, counts, volume, schema, person)


def standing_job(landing: LandingVerdict, jobs: Sequence[SyncJob]) -> tuple[SyncJob | None, Attempt | None]:
    """The job and the attempt that wrote the standing snapshot, each None where it is not known."""
    snapshot = landing.snapshot
    job = next((job for job in jobs if snapshot and job.id == snapshot.job_id), None)
    if snapshot is None or job is None:
        return None, None
    return job, next((each for each in job.attempts if each.number == snapshot.attempt), None)


def _read_between(job: SyncJob, attempt: Attempt | None) -> tuple[dt.datetime, dt.datetime]:
    """When the source was read for the standing copy: not by the newest sync, which may have failed since."""
    if attempt is None:
        return job.created_at, job.updated_at
    return attempt.created_at, attempt.ended_at or job.updated_at


def _totals(landings: Iterable[LandingVerdict], jobs: Sequence[SyncJob]) -> dict[tuple[int, int], tuple[int, int]]:
    """Rows over all tables by footers and by Airbyte, for each attempt that tells a total and wrote all tables.

    Where a table is missing the totals differ because of it, which says nothing about the others.
    """
    landings = tuple(landings)
    if not all(landing.is_proven for landing in landings):
        return {}
    held: dict[tuple[int, int], int] = {}
    for landing in landings:
        snapshot = landing.snapshot
        if snapshot is not None and snapshot.job_id is not None and snapshot.attempt is not None:
            key = (snapshot.job_id, snapshot.attempt)
            held[key] = held.get(key, 0) + snapshot.rows
    told = {(j.id, a.number): a.total_records for j in jobs for a in j.attempts if a.total_records is not None}
    return {key: (rows, told[key]) for key, rows in held.items() if key in told}
