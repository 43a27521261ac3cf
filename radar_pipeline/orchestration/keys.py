"""Names of assets."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from radar_pipeline.tables.model import Registry, Table

BRONZE = "bronze_radar"
CATALOGUE = "catalogue_radar"
LIFECYCLE = "lifecycle_radar"

# Registers a day, and looks at all of them.
CATALOGUE_KEY = dg.AssetKey([CATALOGUE, "bronze_catalogue"])
DRIFT_KEY = dg.AssetKey([CATALOGUE, "catalogue_drift"])

# What the retention policy asks for, and what was done.
RETENTION_PLAN = dg.AssetKey([LIFECYCLE, "retention_plan"])
RETENTION_RUN = dg.AssetKey([LIFECYCLE, "retention_run"])

# In which tier the days of every table lie, as it was observed last.
DAY_TIERS = dg.AssetKey([LIFECYCLE, "day_tiers"])


def bronze_key(table: Table) -> dg.AssetKey:
    """The asset key of a table in bronze."""
    return dg.AssetKey([BRONZE, table.asset_name])


def tables_by_key(registry: Registry) -> Mapping[dg.AssetKey, str]:
    """Table name by asset key. The registry's loader has seen to it that no two share one."""
    return {bronze_key(table): table.name for table in registry.tables}
