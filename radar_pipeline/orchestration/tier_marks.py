"""Marks in which tier each day of bronze lies: in the catalogue, and on the partitions of the bronze assets.

Athena skips archived objects without a word, so whoever reads has to be told. Marks follow the listing, because the
bucket's own rules move objects silently.

What belongs here: what differs from what is noted, and noting it. What does not: finding out what lies where
(survey, retention).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import dagster as dg

from radar_pipeline.domain.catalogue import Mark, mark_of
from radar_pipeline.domain.day_tiers import Span, changed_days, spans_of
from radar_pipeline.domain.tiers import StorageClass
from radar_pipeline.orchestration.keys import DAY_TIERS, bronze_key
from radar_pipeline.tables.model import Registry

if TYPE_CHECKING:
    from radar_pipeline.lake.glue import GlueCatalogue

# What an observation says of a day that retention has deleted.
DELETED = "deleted"

# Observations of one run at most: an event takes about 5 ms to store. What is left over is observed by the next run.
MOST_OBSERVED = 5_000

# Name of the metadata that remembers what was observed.
OBSERVED_TIERS = "observed_tiers"

Report = Callable[[dg.AssetObservation], None]
Tiers = Mapping[str, Mapping[dt.date, StorageClass]]


@dataclass(frozen=True)
class Marked:
    """What was marked.

    Attributes:
        days: How many days of the catalogue were marked or removed.
        problems: What could not be, one sentence each.
    """

    days: int = 0
    problems: tuple[str, ...] = ()


def mark_catalogue(catalogue: GlueCatalogue, tiers: Tiers, over: Mapping[str, dt.date], *, now: dt.datetime) -> Marked:
    """Marks days in the catalogue whose tier is another there, and removes days that the policy has deleted.

    A restored copy that still lives is not forgotten: its time is kept.

    Args:
        catalogue: The catalogue.
        tiers: How every day lies.
        over: Up to which day the policy deletes, by table. What is not there any more of those days is removed from the
            catalogue, also where the run that deleted it was killed; what lacks of later days is drift.
        now: What time it is, UTC.
    """
    from radar_pipeline.lake.catalogue_access import drop_days, mark_days, read_states
    from radar_pipeline.lake.glue import CatalogueError

    count, problems = 0, []
    try:
        states = read_states(catalogue, [*tiers])
    except CatalogueError as error:
        return Marked(0, (str(error),))
    for table, state in states.items():
        if state.problem:
            problems.append(f"{table} in the catalogue: {state.problem}")
        if state.table is None:
            continue
        noted = {day: mark_of(partition) for day, partition in state.partitions.items()}
        wanted = {
            day: _mark(tiers[table][day], mark, now)
            for day, mark in noted.items()
            if day in tiers[table] and (mark is None or mark.tier is not tiers[table][day])
        }
        # A day that nobody has marked lies in STANDARD as far as anybody knows.
        wanted = {day: mark for day, mark in wanted.items() if noted[day] or mark.tier is not StorageClass.STANDARD}
        # A table of which nothing is listed is more likely looked for in the wrong place than deleted.
        last = over.get(table) if tiers[table] else None
        gone = [day for day in noted if last and day <= last and day not in tiers[table]]
        try:
            refused = dict(mark_days(catalogue, table, wanted)) if wanted else {}
            refused |= drop_days(catalogue, table, gone) if gone else {}
        except CatalogueError as error:
            problems.append(f"{table} in the catalogue: {error}")
            continue
        count += len(wanted) + len(gone) - len(refused)
        problems += [f"{table} of {day} in the catalogue: {why}" for day, why in sorted(refused.items())]
    return Marked(count, tuple(problems))


def _mark(tier: StorageClass, known: Mark | None, now: dt.datetime) -> Mark:
    until = known.readable_until if known and tier.is_archived else None
    return Mark(tier, until if until and until > now else None)


@dataclass(frozen=True)
class Observed:
    """What the bronze assets are known to have been observed as.

    Attributes:
        events: Observations to be recorded, oldest day first.
        spans: What is known once they are recorded, by table.
        waiting: How many days have to wait for the next run.
    """

    events: tuple[dg.AssetObservation, ...] = ()
    spans: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    waiting: int = 0


def observations(
    registry: Registry,
    tiers: Tiers,
    known: Mapping[str, tuple[Span, ...]],
    emptied: Mapping[str, tuple[dt.date, ...]],
    *,
    most: int = MOST_OBSERVED,
) -> Observed:
    """The observations that days need whose tier is another than the one observed last.

    Args:
        registry: The tables.
        tiers: How every day lies.
        known: What was observed last, by table; tables that are not in ``tiers`` stay as they are known.
        emptied: Days that were deleted.
        most: At most so many.
    """
    events: list[dg.AssetObservation] = []
    spans, waiting = dict(known), 0
    for name, days in tiers.items():
        changed = changed_days(days, known.get(name, ()))
        now = sorted(changed)[: max(0, most - len(events))]
        waiting += len(changed) - len(now)
        key = bronze_key(registry[name])
        events += [dg.AssetObservation(key, partition=day.isoformat(), metadata=_said(changed[day])) for day in now]
        late = {day: _known(day, known.get(name, ())) for day in changed.keys() - set(now)}
        spans[name] = spans_of({**days, **late})
        events += [
            dg.AssetObservation(key, partition=day.isoformat(), metadata={"tier": DELETED})
            for day in emptied.get(name, ())
        ]
    return Observed(tuple(events), spans, waiting)


def _said(tier: StorageClass) -> dict[str, Any]:
    return {"tier": tier.value, "readable": not tier.is_archived}


def _known(day: dt.date, spans: tuple[Span, ...]) -> StorageClass:
    return next((tier for first, last, tier in spans if first <= day <= last), StorageClass.STANDARD)


def spans_document(spans: Mapping[str, tuple[Span, ...]]) -> dict[str, list[list[str]]]:
    """Spans as JSON. Tables of which every day lies in STANDARD are left out."""
    found = {
        table: [[first.isoformat(), last.isoformat(), tier.value] for first, last, tier in each]
        for table, each in spans.items()
    }
    return {table: each for table, each in found.items() if any(tier != "STANDARD" for *_, tier in each)}


def parse_spans(document: object) -> dict[str, tuple[Span, ...]]:
    """Spans from JSON; nothing where it is none of this platform's."""
    if not isinstance(document, Mapping):
        return {}
    return {
        str(table): tuple(
            (dt.date.fromisoformat(first), dt.date.fromisoformat(last), StorageClass(tier))
            for first, last, tier in spans
        )
        for table, spans in document.items()
    }


def observe(
    instance: dg.DagsterInstance,
    registry: Registry,
    tiers: Tiers,
    emptied: Mapping[str, tuple[dt.date, ...]],
    *,
    report: Report,
) -> Observed:
    """Records an observation of every day whose tier is another than the one observed last, and that this was done.

    What was observed is remembered as an observation of an asset of its own: asking for the newest one of each of two
    hundred thousand partitions would take minutes.

    Args:
        instance: Where observations are remembered.
        registry: The tables.
        tiers: How every day lies.
        emptied: Days that were deleted.
        report: Records one observation.
    """
    found = observations(registry, tiers, _remembered(instance), emptied)
    for event in found.events:
        report(event)
    if found.events:
        memory = dg.MetadataValue.json(spans_document(found.spans))
        report(dg.AssetObservation(DAY_TIERS, metadata={OBSERVED_TIERS: memory, "observed": len(found.events)}))
    return found


def _remembered(instance: dg.DagsterInstance) -> dict[str, tuple[Span, ...]]:
    records = instance.fetch_observations(DAY_TIERS, limit=1).records
    event = records[0].event_log_entry.dagster_event if records else None
    if event is None:
        return {}
    found = event.asset_observation_data.asset_observation.metadata.get(OBSERVED_TIERS)
    return parse_spans(found.value) if found else {}
