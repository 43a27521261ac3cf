"""What Dagster has on record about one day of bronze: its runs, every table's checks, and the day in figures.

What belongs here: reading. What a day is worth is decided in the domain (``watching``).
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import dagster as dg
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus as Status

from radar_pipeline.domain.alert import Link
from radar_pipeline.domain.facts import DayFacts, DayNumbers, Problem, RunFacts, RunState, TableFacts
from radar_pipeline.domain.judgement import Check
from radar_pipeline.orchestration.keys import bronze_key
from radar_pipeline.orchestration.run_facts import End, RunReader
from radar_pipeline.tables.model import Registry, Table

# Of a check that was evaluated; another was announced by a run that is under way, or that died.
JUDGED = {Status.SUCCEEDED, Status.FAILED}


def newest_checks(
    instance: dg.DagsterInstance, registry: Registry, day: dt.date
) -> Mapping[dg.AssetCheckKey, AssetCheckExecutionRecord]:
    """The newest record of every check of a day, evaluated or announced; one query."""
    keys = [dg.AssetCheckKey(bronze_key(table), check.value) for table in registry.tables for check in Check]
    storage = instance.event_log_storage
    return storage.get_latest_asset_check_execution_by_key(keys, PartitionKeyFilter(key=day.isoformat()))


@dataclass(frozen=True)
class DayReader:
    """Reads days of one instance.

    Attributes:
        runs: Reads its runs.
        registry: The tables.
    """

    runs: RunReader
    registry: Registry

    def read(self, day: dt.date, ends: Mapping[str, End]) -> DayFacts:
        """One day, with what its last run failed with and, where all of it is accepted, its figures."""
        runs = self.runs.of_day(day, ends)
        checks = self._checks(day)
        tables = self._expected(tuple(self._table(table, checks) for table in self.registry.tables))
        evaluations = [
            event.timestamp for record in checks.values() if record.status in JUDGED and (event := record.event)
        ]
        facts = DayFacts(
            day,
            runs,
            tables,
            judged=self.runs.at(max(evaluations)) if evaluations else None,
            ended=frozenset(ends),
        )
        if (last := facts.last) and last.state is RunState.FAILED:
            told = self.runs.with_failure(last)
            facts = replace(facts, runs=tuple(told if run is last else run for run in runs))
        if not facts.is_accepted:
            return replace(facts, links=_job_link(checks))
        numbers, links = self._numbers(day, runs)
        before = day - dt.timedelta(days=1)
        yesterday, _ = self._numbers(before, self.runs.of_day(before, {}))
        return replace(facts, numbers=numbers, yesterday=yesterday, links=links)

    def is_accepted(self, day: dt.date) -> bool:
        """Whether every table of a day is recorded as there and accepted; one query."""
        checks = self._checks(day)
        return bool(self.registry.tables) and all(self._table(table, checks).accepted for table in self.registry.tables)

    def days_of_checks(self, run_id: str) -> set[dt.date]:
        """The days whose checks a run evaluated; one that executes checks alone may have no partition of its own."""
        kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION
        records = self.runs.instance.get_records_for_run(run_id, of_type=kind, limit=1).records
        events = [event for record in records if (event := record.event_log_entry.dagster_event)]
        named = [event.asset_check_evaluation_data.metadata.get("partition") for event in events]
        return {dt.date.fromisoformat(str(value.value)) for value in named if value}

    def _checks(self, day: dt.date) -> Mapping[dg.AssetCheckKey, AssetCheckExecutionRecord]:
        return newest_checks(self.runs.instance, self.registry, day)

    def _table(self, table: Table, checks: Mapping[dg.AssetCheckKey, AssetCheckExecutionRecord]) -> TableFacts:
        """One table. What is not there has nothing to check, whatever an earlier run found."""
        key = bronze_key(table)
        records = {check: checks.get(dg.AssetCheckKey(key, check.value)) for check in Check}
        landed = records[Check.LANDED]
        known = landed is not None and landed.status in JUDGED
        is_there = known and landed is not None and landed.status is Status.SUCCEEDED
        judged = records if is_there else {Check.LANDED: landed}
        metadata = _metadata(records[Check.VOLUME_WITHIN_BAND]) if is_there else {}
        return TableFacts(
            name=table.name,
            critical=table.critical,
            owner=table.owner,
            area=table.area,
            url=f"{self.runs.ui_url}/assets/{'/'.join(key.path)}" if self.runs.ui_url else "",
            landed=is_there if known else None,
            accepted=all(record is not None and record.status is Status.SUCCEEDED for record in judged.values())
            and is_there,
            problems=tuple(_problems(judged)),
            rows_found=_number(metadata, "rows"),
            rows_expected=_band(metadata),
        )

    def _expected(self, tables: tuple[TableFacts, ...]) -> tuple[TableFacts, ...]:
        """Tables that are not there, with the rows of their newest copy, give or take their volume limit."""
        lacking = {bronze_key(self.registry[table.name]): table.name for table in tables if table.landed is False}
        if not lacking:
            return tables
        rows = {}
        for record in self.runs.instance.get_asset_records(list(lacking)):
            newest = record.asset_entry.last_materialization
            known = newest.asset_materialization if newest else None
            if known and (count := _number(known.metadata, "dagster/row_count")) is not None:
                rows[lacking[record.asset_entry.asset_key]] = count
        return tuple(
            replace(table, rows_found=0, rows_expected=_around(rows[table.name], self.registry[table.name]))
            if table.name in rows
            else table
            for table in tables
        )

    def _numbers(self, day: dt.date, runs: Iterable[RunFacts]) -> tuple[DayNumbers | None, tuple[Link, ...]]:
        """A day in figures and its newest Airbyte job; None where nothing of it is there."""
        found = [metadata for table in self.registry.tables if (metadata := self._materialized(table, day))]
        if not found:
            return None, ()
        newest = max(found, key=lambda metadata: _number(metadata, "airbyte_job_id") or 0)
        job, url = _number(newest, "airbyte_job_id"), newest.get("airbyte_job")
        landed = [run for run in runs if run.state is RunState.SUCCEEDED]
        numbers = DayNumbers(
            tables=len(found),
            rows=sum(_number(metadata, "dagster/row_count") or 0 for metadata in found),
            bytes=sum(_number(metadata, "bytes") or 0 for metadata in found),
            seconds=landed[0].seconds if landed else None,
            airbyte_job=job,
        )
        return numbers, (Link(f"Airbyte job {job}", str(url.value)),) if job and url else ()

    def _materialized(self, table: Table, day: dt.date) -> Mapping[str, Any]:
        wanted = dg.AssetRecordsFilter(bronze_key(table), asset_partitions=[day.isoformat()])
        record = next(iter(self.runs.instance.fetch_materializations(wanted, limit=1).records), None)
        return record.asset_materialization.metadata if record and record.asset_materialization else {}


def _job_link(checks: Mapping[dg.AssetCheckKey, AssetCheckExecutionRecord]) -> tuple[Link, ...]:
    """The newest sync that any table was judged by."""
    found = [_metadata(record) for key, record in checks.items() if key.name == Check.LANDED]
    newest = max(found, key=lambda metadata: _number(metadata, "airbyte_job_id") or 0, default={})
    job, url = _number(newest, "airbyte_job_id"), newest.get("airbyte_job")
    return (Link(f"Airbyte job {job}", str(url.value)),) if job and url else ()


def _around(rows: int, table: Table) -> tuple[int, int]:
    return math.floor(rows * (1 - table.volume_limit)), math.ceil(rows * (1 + table.volume_limit))


def _problems(records: Mapping[Check, AssetCheckExecutionRecord | None]) -> Iterable[Problem]:
    for check, record in records.items():
        if record is None or record.status is not Status.FAILED or not record.event:
            continue
        event = record.event.dagster_event
        if event is None:
            continue
        evaluation = event.asset_check_evaluation_data
        is_error = evaluation.severity is dg.AssetCheckSeverity.ERROR
        yield Problem(check, evaluation.description or f"{check} does not hold", is_error)


def _metadata(record: AssetCheckExecutionRecord | None) -> Mapping[str, Any]:
    if record is None or record.status not in JUDGED or not record.event or not record.event.dagster_event:
        return {}
    return record.event.dagster_event.asset_check_evaluation_data.metadata


def _number(metadata: Mapping[str, Any], key: str) -> int | None:
    return int(metadata[key].value) if key in metadata else None


def _band(metadata: Mapping[str, Any]) -> tuple[int, int] | None:
    """The least and the most rows that would have been right, as whole rows within the band."""
    if "band_lower" not in metadata or "band_upper" not in metadata:
        return None
    return int(-(-float(metadata["band_lower"].value) // 1)), int(float(metadata["band_upper"].value))
