"""Everything of the catalogue that Dagster loads, put together; nothing where the catalogue is off."""

from __future__ import annotations

from dataclasses import dataclass, field

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from radar_pipeline.orchestration.alerting import Alerting
from radar_pipeline.orchestration.catalogue_checks import catalogue_checks
from radar_pipeline.orchestration.catalogue_jobs import catalogue_bronze_job, reconcile_catalogue_job
from radar_pipeline.orchestration.catalogue_sensor import catalogue_sensor
from radar_pipeline.orchestration.cataloguing import bronze_catalogue
from radar_pipeline.orchestration.reconciling import catalogue_drift
from radar_pipeline.orchestration.systems import Systems


@dataclass(frozen=True)
class CataloguePart:
    """What the definitions get of the catalogue."""

    assets: list[dg.AssetsDefinition] = field(default_factory=list)
    checks: list[dg.AssetChecksDefinition] = field(default_factory=list)
    jobs: list[UnresolvedAssetJobDefinition] = field(default_factory=list)
    sensors: list[dg.SensorDefinition] = field(default_factory=list)


def catalogue_part(partitions: dg.PartitionsDefinition[str], systems: Systems, alerting: Alerting) -> CataloguePart:
    """The catalogue's assets, checks, jobs and sensor. Does no I/O."""
    if systems.settings.catalogue == "off":
        return CataloguePart()
    registered = bronze_catalogue(partitions, systems, alerting)
    drift = catalogue_drift(systems, alerting)
    checks = catalogue_checks(partitions, systems, alerting)
    jobs = [catalogue_bronze_job(registered, checks), reconcile_catalogue_job(drift)]
    return CataloguePart([registered, drift], checks, jobs, [catalogue_sensor(jobs[0], jobs[1], alerting)])
