"""What one day looks like: per table rows, bytes, files and checks, as Dagster recorded them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg
from rich.table import Table as RichTable

from radar_pipeline.domain.judgement import Check
from radar_pipeline.orchestration.day_facts import JUDGED, newest_checks
from radar_pipeline.orchestration.keys import bronze_key
from radar_pipeline.tables.model import Registry, Table

if TYPE_CHECKING:
    from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluation
    from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord

PASSED, FAILED, WARNED, SKIPPED = "passed", "failed", "warned", "skipped"

_HEADINGS = {
    Check.LANDED: "landed",
    Check.ROW_COUNTS_AGREE: "counts",
    Check.VOLUME_WITHIN_BAND: "volume",
    Check.SCHEMA_MATCHES_CONTRACT: "schema",
}
_SIGNS = {PASSED: "[green]✓[/]", FAILED: "[red]✗[/]", WARNED: "[yellow]![/]", SKIPPED: "[dim]-[/]"}


@dataclass(frozen=True)
class TableStatus:
    """One table's day as recorded.

    Attributes:
        table: Table name.
        rows: Rows of the materialization; None where there is none.
        bytes: Its bytes as stored.
        files: Its files.
        landed: Whether the day's data is there.
        checks: ``passed``, ``failed``, ``warned`` or ``skipped`` by check name.
    """

    table: str
    rows: int | None
    bytes: int | None
    files: int | None
    landed: bool
    checks: Mapping[str, str]

    @property
    def is_accepted(self) -> bool:
        """Whether every check passed."""
        return all(state == PASSED for state in self.checks.values())


@dataclass(frozen=True)
class DayStatus:
    """One day as recorded.

    Attributes:
        partition: The day.
        job: Id and status of the Airbyte job; both None where none is known.
        tables: Every table of the registry.
        reasons: Why a check did not pass, by table and check.
    """

    partition: str
    job: Mapping[str, Any]
    tables: tuple[TableStatus, ...]
    reasons: Mapping[tuple[str, str], str]

    @property
    def is_accepted(self) -> bool:
        """Whether every table is accepted."""
        return all(table.is_accepted for table in self.tables)

    def document(self) -> Mapping[str, Any]:
        """The status for programs."""
        return {"partition": self.partition, "job": self.job, "tables": [asdict(table) for table in self.tables]}


def read_status(
    instance: dg.DagsterInstance, registry: Registry, day: dt.date, job: Mapping[str, Any] | None = None
) -> DayStatus:
    """Reads what Dagster recorded of a day."""
    partition = day.isoformat()
    tables: list[TableStatus] = []
    reasons: dict[tuple[str, str], str] = {}
    job_ids: list[int] = []
    evaluations = _evaluations(instance, registry, day)
    for table in registry.tables:
        found = _materialization(instance, table, partition)
        evaluated = _checks(table, evaluations)
        checks = {name: state for name, (state, _) in evaluated.items()}
        reasons |= {(table.name, name): why for name, (state, why) in evaluated.items() if state in {FAILED, WARNED}}
        if job_id := _number(found, "airbyte_job_id"):
            job_ids.append(job_id)
        rows, size, files = (_number(found, key) for key in ("dagster/row_count", "bytes", "files"))
        landed = checks[Check.LANDED] == PASSED
        tables.append(TableStatus(table.name, rows, size, files, landed, checks))
    known = {"id": max(job_ids, default=None), "status": "unknown" if job_ids else None}
    return DayStatus(partition, job or known, tuple(tables), reasons)


def _materialization(instance: dg.DagsterInstance, table: Table, partition: str) -> Mapping[str, Any]:
    wanted = dg.AssetRecordsFilter(bronze_key(table), asset_partitions=[partition])
    record = next(iter(instance.fetch_materializations(wanted, limit=1).records), None)
    return record.asset_materialization.metadata if record and record.asset_materialization else {}


def _number(metadata: Mapping[str, Any], key: str) -> int | None:
    return int(metadata[key].value) if key in metadata else None


def _checks(table: Table, evaluations: Mapping[dg.AssetCheckKey, tuple[str, str]]) -> Mapping[str, tuple[str, str]]:
    """State and reason of each check. What is not there has nothing to check, whatever an earlier run found."""
    key = bronze_key(table)
    found = {check.value: evaluations.get(dg.AssetCheckKey(key, check.value), (SKIPPED, "")) for check in Check}
    if found[Check.LANDED][0] == PASSED:
        return found
    return {name: each if name == Check.LANDED else (SKIPPED, "") for name, each in found.items()}


def _evaluations(
    instance: dg.DagsterInstance, registry: Registry, day: dt.date
) -> Mapping[dg.AssetCheckKey, tuple[str, str]]:
    """State and reason of each check that was evaluated, as the newest evaluation has it."""
    from dagster._core.event_api import PartitionKeyFilter

    storage, of_day = instance.event_log_storage, PartitionKeyFilter(key=day.isoformat())
    found = {}
    for key, newest in newest_checks(instance, registry, day).items():
        records: Sequence[AssetCheckExecutionRecord] = [newest]
        if newest.status not in JUDGED:
            records = storage.get_asset_check_execution_history(key, 1, status=JUDGED, partition_filter=of_day)
        if event := next((record.event.dagster_event for record in records if record.event), None):
            found[key] = _state(event.asset_check_evaluation_data)
    return found


def _state(evaluation: AssetCheckEvaluation) -> tuple[str, str]:
    if evaluation.passed:
        return PASSED, ""
    state = FAILED if evaluation.severity is dg.AssetCheckSeverity.ERROR else WARNED
    return state, evaluation.description or ""


def render_status(status: DayStatus) -> RichTable:
    """The status as a table for people."""
    view = RichTable(title=f"bronze_radar, {status.partition}", header_style="bold", pad_edge=False)
    view.add_column("table", no_wrap=True)
    for name in ("rows", "bytes", "files"):
        view.add_column(name, justify="right")
    for check in Check:
        view.add_column(_HEADINGS[check], justify="center")
    for table in status.tables:
        numbers = [f"{value:,}" if value is not None else "-" for value in (table.rows, table.bytes, table.files)]
        view.add_row(table.table, *numbers, *(_SIGNS[table.checks[check.value]] for check in Check))
    return view


def total_line(status: DayStatus) -> str:
    """The day in one line."""
    landed = [table for table in status.tables if table.landed]
    rows, size = sum(table.rows or 0 for table in landed), sum(table.bytes or 0 for table in landed)
    accepted = sum(table.is_accepted for table in status.tables)
    job = f"Airbyte job {status.job['id']} {status.job['status']}" if status.job.get("id") else "no Airbyte job"
    return (
        f"{len(landed)} of {len(status.tables)} tables landed, {accepted} accepted: "
        f"{rows:,} rows, {size / 1e6:,.1f} MB; {job}"
    )
