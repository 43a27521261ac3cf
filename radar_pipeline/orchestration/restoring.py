"""Tells Glue and Dagster until when restored days can be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg

from radar_pipeline.tables.model import Table

if TYPE_CHECKING:
    import datetime as dt

    from radar_pipeline.domain.catalogue import Mark
    from radar_pipeline.lake.glue import GlueCatalogue


def mark_restored(
    table: Table, marks: Mapping[dt.date, Mark], *, catalogue: GlueCatalogue | None, instance: dg.DagsterInstance | None
) -> Mapping[dt.date, str]:
    """Marks days of a table in Glue and as observations of its bronze asset.

    Returns:
        Days that could not be marked, each with the reason in words.
    """
    raise NotImplementedError
