"""Tells Glue and Dagster until when restored days can be read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

import dagster as dg

from radar_pipeline.domain.catalogue import Mark
from radar_pipeline.domain.restoring import ObservedObject, objects_by_day, readable_until
from radar_pipeline.domain.wording import some
from radar_pipeline.orchestration.keys import bronze_key
from radar_pipeline.orchestration.systems import Systems


def marks_of(objects: Iterable[ObservedObject], now: dt.datetime) -> Mapping[dt.date, Mark]:
    """How readable each day is that has archived data files."""
    marks = {}
    for day, found in objects_by_day(objects).items():
        coldest = max((each.object.tier for each in found), key=lambda tier: tier.rank)
        if coldest.is_archived:
            marks[day] = Mark(coldest, readable_until(found, now))
    return marks


def mark_restored(
    systems: Systems, table: str, marks: Mapping[dt.date, Mark], instance: dg.DagsterInstance
) -> tuple[str, ...]:
    """Marks days of a table in Glue and observes them in Dagster.

    That a day cannot be marked changes nothing about its data: the daily comparison of the catalogue marks it too.

    Returns:
        What could not be marked, in sentences for a person.
    """
    key = bronze_key(systems.registry[table])
    for day, mark in marks.items():
        ends = {"readable_until": dg.MetadataValue.text(mark.readable_until.isoformat())} if mark.readable_until else {}
        instance.report_runless_asset_event(
            dg.AssetObservation(key, partition=day.isoformat(), metadata={"tier": str(mark.tier), **ends})
        )
    return _mark_in_glue(systems, table, marks)


def _mark_in_glue(systems: Systems, table: str, marks: Mapping[dt.date, Mark]) -> tuple[str, ...]:
    from radar_pipeline.lake.cataloguing import mark_days
    from radar_pipeline.lake.glue import CatalogueError

    if systems.settings.catalogue == "off" or not marks:
        return ()
    try:
        refused = mark_days(systems.glue, table, marks)
    except CatalogueError as error:
        return (f"the days could not be marked in Glue: {error}",)
    if not refused:
        return ()
    days = some([day.isoformat() for day in refused])
    return (f"{days} could not be marked in Glue: {next(iter(refused.values()))}",)
