"""The words of a retention plan: what is to be done with which object, and what stays, each with its reason."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from radar_pipeline.domain.tiers import LakeObject, StorageClass

QUARANTINE = "quarantine"


class Step(StrEnum):
    """What is to be done with an object."""

    KEEP = "keep"
    MOVE = "move"
    COMPACT = "compact"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One object that something is to be done with.

    Attributes:
        object: The object as it was listed.
        table: Table name.
        day: Its ``cog_dt_ingestion``.
        step: What is to be done; never ``keep``.
        to: Tier to move to; None for other steps.
        reason: Why, in one sentence for a person.
        quarantined: Whether it lies in the quarantine, where no snapshot stands.
    """

    object: LakeObject
    table: str
    day: dt.date
    step: Step
    to: StorageClass | None
    reason: str
    quarantined: bool = False


@dataclass(frozen=True)
class Tally:
    """How much of something there is."""

    objects: int = 0
    bytes: int = 0

    def __add__(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(self.objects + other.objects, self.bytes + other.bytes)


@dataclass(frozen=True)
class TablePlan:
    """What is to be done with one table.

    Attributes:
        table: Table name.
        steps: Objects that something is to be done with, by key.
        kept: What stays as it is, by the reason in words.
        tiers: What lies where now.
        problem: Why the table could not be planned; nothing is done with it then.
    """

    table: str
    steps: tuple[PlannedStep, ...] = ()
    kept: Mapping[str, Tally] = field(default_factory=lambda: MappingProxyType({}))
    tiers: Mapping[StorageClass, Tally] = field(default_factory=lambda: MappingProxyType({}))
    problem: str | None = None


@dataclass(frozen=True)
class RetentionPlan:
    """What is to be done with the lake on one day.

    Attributes:
        made_at: When it was made, UTC.
        tables: One plan for each table.
        stops: Why nothing of it may be deleted as it stands (bounds exceeded), one sentence each; empty where it may.
    """

    made_at: dt.datetime
    tables: tuple[TablePlan, ...]
    stops: tuple[str, ...] = ()
