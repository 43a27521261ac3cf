"""What `radar run` does for the catalogue, and what it and `radar status` say of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import dagster as dg

from radar_pipeline.cli.console import UsageProblem, progress
from radar_pipeline.cli.platform import Platform
from radar_pipeline.domain.wording import listed
from radar_pipeline.orchestration.catalogue.cataloguing import registered_by
from radar_pipeline.orchestration.catalogue.checks import ROWS_AGREE
from radar_pipeline.orchestration.catalogue.jobs import CATALOGUE_JOB
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
    from radar_pipeline.orchestration.catalogue.day import how_many_registered

    partition = day.isoformat()
    wanted = dg.AssetRecordsFilter(CATALOGUE_KEY, asset_partitions=[partition])
    record = next(iter(instance.fetch_materializations(wanted, limit=1).records), None)
    if record is None or record.asset_materialization is None:
        return None
    tables = registered_by(record.asset_materialization.metadata)
    failed = sorted(name for name, table in tables.items() if not table.passed)
    words = f"catalogue: {how_many_registered(tables.values())}"
    if failed:
        first = "; ".join(tables[failed[0]].reasons)
        words += f", not {listed(failed)} ({failed[0]}: {first})"
    agreeing, differing, unasked = _counted(instance, registry, partition)
    counted = len(agreeing) + len(differing)
    if counted:
        words += f"; Athena counts the proven rows of {len(agreeing)} of {counted} critical tables"
    if differing:
        words += f", not of {listed(differing)}"
    if unasked:
        words += f"; Athena could not be asked about {listed(unasked)}"
    # Of what could not be asked nothing is known; what is registered is well all the same.
    return CatalogueTold(words, is_well=not failed and not differing)


def _counted(
    instance: dg.DagsterInstance, registry: Registry, partition: str
) -> tuple[list[str], list[str], list[str]]:
    """Critical tables of which Athena counts what was proven, those of which it does not, and those not asked about."""
    from dagster._core.event_api import PartitionKeyFilter

    keys = {dg.AssetCheckKey(bronze_key(table), ROWS_AGREE): table.name for table in registry.tables if table.critical}
    records = instance.event_log_storage.get_latest_asset_check_execution_by_key(
        list(keys), PartitionKeyFilter(key=partition)
    )
    found: tuple[list[str], list[str], list[str]] = ([], [], [])
    for key, record in records.items():
        event = record.event.dagster_event if record.event else None
        if event is None or event.event_type is not dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            continue
        evaluation = event.asset_check_evaluation_data
        group = 0 if evaluation.passed else 1 if "athena_rows" in evaluation.metadata else 2
        found[group].append(keys[key])
    return found
