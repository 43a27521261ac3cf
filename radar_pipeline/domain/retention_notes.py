"""Gathers the plan of one table while its objects pass: what lies in which day's folder, what stays and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import MappingProxyType

from radar_pipeline.domain.layout import BronzeLayout, is_data_file
from radar_pipeline.domain.retention_steps import PlannedStep, Step, TablePlan, Tally
from radar_pipeline.domain.tiers import LakeObject, StorageClass

# What may lie beside the data of a day and goes with it (lake.publish, destination-s3, Spark).
_MARKERS = ("_SUCCESS", "_metadata.json")
_MARKER_PREFIX = "_superseded_"


@dataclass
class Day:
    """What lies in one day's folder.

    Attributes:
        data: Files with rows.
        markers: What marks them and goes with them.
        is_whole: Whether all of it may go; not where something lies there that is neither.
    """

    data: list[LakeObject] = field(default_factory=list)
    markers: list[LakeObject] = field(default_factory=list)
    is_whole: bool = True

    @property
    def all(self) -> list[LakeObject]:
        """What goes with the day, data first."""
        return self.data + self.markers


class Notes:
    """Gathers the plan of one table, object by object.

    Attributes:
        steps: What is to be done so far.
    """

    def __init__(self, table: str) -> None:
        self._table = table
        self._kept: dict[str, list[int]] = {}
        self._named: dict[str, list[LakeObject]] = {}
        self._tiers: dict[StorageClass, list[int]] = {}
        self.steps: list[PlannedStep] = []

    def count(self, found: LakeObject) -> None:
        """Takes an object into the sums by tier."""
        _add(self._tiers.setdefault(found.tier, [0, 0]), found)

    def keep(self, found: LakeObject, reason: str) -> None:
        """An object stays."""
        _add(self._kept.setdefault(reason, [0, 0]), found)

    def keep_all(self, found: Iterable[LakeObject], reason: str) -> None:
        """Objects stay."""
        for each in found:
            self.keep(each, reason)

    def name(self, found: LakeObject, reason: str) -> None:
        """Keeps what should not be there: the reason names the first of them."""
        self._named.setdefault(reason, []).append(found)

    def plan(self, found: LakeObject, day: dt.date, step: Step, to: StorageClass | None, reason: str) -> None:
        """Something is to be done with an object."""
        self.steps.append(PlannedStep(found, self._table, day, step, to, reason))

    def delete(self, found: Iterable[LakeObject], day: dt.date, reason: str) -> None:
        """Objects are to be deleted."""
        for each in found:
            self.plan(each, day, Step.DELETE, None, reason)

    def finish(self) -> TablePlan:
        """The plan; the same for every order in which objects came."""
        for reason, found in self._named.items():
            first = min(each.key for each in found)
            self.keep_all(found, f"{reason}: {first}{f' and {len(found) - 1:,} more' if len(found) > 1 else ''}")
        self.steps.sort(key=lambda step: step.object.key)
        return TablePlan(
            self._table,
            tuple(self.steps),
            MappingProxyType({reason: Tally(*self._kept[reason]) for reason in sorted(self._kept)}),
            MappingProxyType({tier: Tally(*self._tiers[tier]) for tier in StorageClass if tier in self._tiers}),
        )


def _add(sums: list[int], found: LakeObject) -> None:
    sums[0] += 1
    sums[1] += found.size


def by_day(objects: Iterable[LakeObject], layout: BronzeLayout, table: str, notes: Notes) -> dict[dt.date, Day]:
    """The objects of one table by the day in whose folder they lie; what lies in none is noted."""
    prefix = layout.table_prefix(table)
    days: dict[dt.date, Day] = {}
    for each in objects:
        notes.count(each)
        day = layout.day_of(each.key) if each.key.startswith(prefix) else None
        if day is None:
            notes.name(each, "lies in no day's folder of the table")
            continue
        name = each.key.rpartition("/")[2]
        found = days.setdefault(day, Day())
        if is_data_file(each.key):
            found.data.append(each)
        elif name in _MARKERS or name.startswith(_MARKER_PREFIX):
            found.markers.append(each)
        else:
            # The placeholder of an empty folder, as consoles make them, keeps nothing back.
            found.is_whole = found.is_whole and not name and not each.size
            notes.name(each, "is no data file")
        if each.tier is StorageClass.OTHER:
            found.is_whole = False
    return days
