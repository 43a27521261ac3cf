"""What `radar run` does for the catalogue, and what it and `radar status` say of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import dagster as dg

from radar_pipeline.cli.console import UsageProblem, progress
from radar_pipeline.cli.platform import Platform
from radar_pipeline.domain.wording import listed, plural
from radar_pipeline.orchestration.catalogue_checks import ROWS_AGREE
from radar_pipeline.orchestration.catalogue_jobs import CATALOGUE_JOB
from radar_pipeline.orchestration.cataloguing import registered_by
from radar_pipeline.orchestration.keys import CATALOGUE_KEY, bronze_key
from radar_pipeline.tables.model import Registry


@dataclass(frozen=True)
class CatalogueTold:
    """What is known of a day's registration.

    Attributes:
        words: One line for a person.
        is_well: Whether every proven table can be queried.
    """

    words: str
    is_well: bool


def register(platform: Platform, instance: dg.DagsterInstance, day: dt.date, *, quiet: bool) -> CatalogueTold | None:
    """Registers what landed of a day, as a run of the instance; None where this environment has no catalogue."""
    if platform.settings.catalogue == "off":
        return None
    with progress(f"catalogue {platform.settings.glue_database} {day}", quiet=quiet) as tell:
        try:
            success, failure = platform.execute(CATALOGUE_JOB, instance, day, tell, at_keyboard=True)
        except KeyboardInterrupt:
            message = "interrupted; bronze is landed, and the next run of the day or of the catalogue registers it"
            raise UsageProblem(message) from None
    if not success:
        return CatalogueTold(f"catalogue: {day} is not registered: {failure}", is_well=False)
    return read_catalogue(instance, platform.registry, day)


def read_catalogue(instance: dg.DagsterInstance, registry: Registry, day: dt.date) -> CatalogueTold | None:
    """What Dagster has on record of a day's registration; None where there was none."""
    partition = day.isoformat()
    wanted = dg.AssetRecordsFilter(CATALOGUE_KEY, asset_partitions=[partition])
    record = next(iter(instance.fetch_materializations(wanted, limit=1).records), None)
    if record is None or record.asset_materialization is None:
        return None
    tables = registered_by(record.asset_materialization.metadata)
    failed = sorted(name for name, table in tables.items() if not table.passed)
    words = f"catalogue: {len(tables) - len(failed)} of {plural(len(tables), 'table', 'tables')} registered"
    if failed:
        first = "; ".join(tables[failed[0]].reasons)
        words += f", not {listed(failed)} ({failed[0]}: {first})"
    counted, differing = _counted(instance, registry, partition)
    if counted:
        words += f"; Athena counts the proven rows of {counted - len(differing)} of {counted} critical tables"
    if differing:
        words += f", not of {listed(differing)}"
    return CatalogueTold(words, is_well=not failed and not differing)


def _counted(instance: dg.DagsterInstance, registry: Registry, partition: str) -> tuple[int, list[str]]:
    """How many critical tables Athena was asked about, and those of which it counts other rows."""
    from dagster._core.event_api import PartitionKeyFilter
    from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus as Status

    keys = {dg.AssetCheckKey(bronze_key(table), ROWS_AGREE): table.name for table in registry.tables if table.critical}
    found = instance.event_log_storage.get_latest_asset_check_execution_by_key(
        list(keys), PartitionKeyFilter(key=partition)
    )
    judged = {keys[key]: record.status for key, record in found.items()}
    failed = sorted(name for name, status in judged.items() if status is Status.FAILED)
    return sum(status in {Status.SUCCEEDED, Status.FAILED} for status in judged.values()), failed
