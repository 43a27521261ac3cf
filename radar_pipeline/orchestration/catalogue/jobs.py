"""The jobs of the catalogue: one registers a day, one looks at all days."""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

CATALOGUE_JOB = "catalogue_bronze_job"
RECONCILE_JOB = "reconcile_catalogue_job"


def catalogue_bronze_job(
    catalogue: dg.AssetsDefinition, checks: Iterable[dg.AssetChecksDefinition]
) -> UnresolvedAssetJobDefinition:
    """The job that registers a day of bronze, and evaluates the checks of the catalogue."""
    keys = [key for each in checks for key in each.check_keys]
    return dg.define_asset_job(
        CATALOGUE_JOB,
        selection=dg.AssetSelection.assets(catalogue).without_checks() | dg.AssetSelection.checks(*keys),
        description="Registers the day's proven snapshots in Glue, and checks that Athena sees them. Harmless twice.",
    )


def reconcile_catalogue_job(drift: dg.AssetsDefinition) -> UnresolvedAssetJobDefinition:
    """The job that compares lake, catalogue and Dagster."""
    return dg.define_asset_job(
        RECONCILE_JOB,
        selection=dg.AssetSelection.assets(drift),
        description="Compares the bucket with Glue and Dagster, tells of drift, refreshes the marks of tiers.",
    )
