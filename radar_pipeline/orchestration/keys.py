"""Names of bronze assets.

Dagster derives op output names from asset keys and takes only ``[A-Za-z0-9_]`` in them; Radar has tables with other
letters. The key therefore uses the table's name in the bucket, and the asset's metadata its name at the source.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import dagster as dg

from radar_pipeline.domain.layout import stored_name
from radar_pipeline.tables.model import Registry

BRONZE = "bronze_radar"


def bronze_key(table: str) -> dg.AssetKey:
    """The asset key of a table in bronze."""
    return dg.AssetKey([BRONZE, re.sub(r"[^A-Za-z0-9_]", "_", stored_name(table))])


def tables_by_key(registry: Registry) -> Mapping[dg.AssetKey, str]:
    """Table name by asset key.

    Raises:
        ValueError: Two tables would share a key.
    """
    found: dict[dg.AssetKey, str] = {}
    for name in registry.names:
        key = bronze_key(name)
        if key in found:
            message = f"tables {found[key]!r} and {name!r} would share the asset key {key.to_user_string()}: rename one"
            raise ValueError(message)
        found[key] = name
    return found
