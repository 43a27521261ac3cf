"""The retention policy: how long data stays in which tier, what may be deleted at once, and who may hold it.

What belongs here: the policy as data, and holds. What does not: what follows from it for the objects of a day
(``retention_plan``), and reading it from its file (tables).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from radar_pipeline.domain.tiers import StorageClass

DEFAULT_CLASS = "default"


class SmallObjects(StrEnum):
    """What becomes of objects that are too small for S3 to move at a profit."""

    KEEP = "keep"
    COMPACT = "compact"


@dataclass(frozen=True)
class Transition:
    """From which age on data lies in a tier.

    Attributes:
        after_days: Age by ``cog_dt_ingestion``, days.
        to: The tier.
    """

    after_days: int
    to: StorageClass


# The specification's own (Data Lifecycle Management): day 30, day 90, day 2555.
SPECIFIED = (Transition(30, StorageClass.STANDARD_IA), Transition(90, StorageClass.GLACIER))
SPECIFIED_DELETION_DAYS = 2555


@dataclass(frozen=True)
class RetentionClass:
    """How one kind of table ages.

    Attributes:
        name: What the registry calls it (``retention: default``).
        transitions: Tiers by age, youngest first.
        delete_after_days: Age from which on data is deleted; None for never.
        small_objects: What becomes of objects under S3's smallest size.
    """

    name: str = DEFAULT_CLASS
    transitions: tuple[Transition, ...] = SPECIFIED
    delete_after_days: int | None = SPECIFIED_DELETION_DAYS
    small_objects: SmallObjects = SmallObjects.KEEP

    def due(self, age_days: int) -> StorageClass:
        """The tier in which data of an age belongs."""
        reached = [each.to for each in self.transitions if age_days >= each.after_days]
        return reached[-1] if reached else StorageClass.STANDARD


@dataclass(frozen=True)
class Bounds:
    """How much one run may delete; a plan that wants more is stopped and told, not shortened.

    Attributes:
        table_share: Share of a table's objects (0.02 for two in a hundred).
        objects: Objects in all.
        bytes: Bytes in all.
    """

    table_share: float = 0.02
    objects: int = 5_000
    bytes: int = 50 * 1024**3


@dataclass(frozen=True)
class RetentionPolicy:
    """The policy of the lake.

    Attributes:
        classes: Retention classes by name; ``default`` is always there.
        noncurrent_days: After how many days versions that were replaced or deleted go for good.
        unfinished_upload_days: After how many days the parts of an upload that nobody completed go.
        quarantine_days: After how many days superseded snapshots in quarantine go.
        rule_grace_days: How long past its due day the bucket's own rules are given before the job moves an object
            itself: S3 applies its rules once a day and says that it can take longer.
        bounds: How much one run may delete.
        path: The file that it was read from; None for a policy made in memory.
    """

    classes: Mapping[str, RetentionClass] = field(
        default_factory=lambda: MappingProxyType({DEFAULT_CLASS: RetentionClass()})
    )
    noncurrent_days: int = 365
    unfinished_upload_days: int = 7
    quarantine_days: int = 30
    rule_grace_days: int = 3
    bounds: Bounds = field(default_factory=Bounds)
    path: Path | None = None


@dataclass(frozen=True)
class Hold:
    """Data that must not be deleted, whatever its age: a person's or the registry's word.

    Attributes:
        id: What it is released by (``20261124-7f3a``); ``registry`` for one that the registry states.
        table: Table name.
        first: First day that it covers; None for from the beginning.
        last: Last day that it covers; None for without an end.
        reason: Why.
        by: Who placed it.
        placed_at: When, UTC; None for one of the registry.
        released_by: Who released it; empty while it holds.
        released_at: When it was released, UTC; None while it holds.
        release_reason: Why it was released; empty while it holds.
    """

    id: str
    table: str
    first: dt.date | None
    last: dt.date | None
    reason: str
    by: str
    placed_at: dt.datetime | None = None
    released_by: str = ""
    released_at: dt.datetime | None = None
    release_reason: str = ""

    @property
    def is_active(self) -> bool:
        """Whether it holds."""
        return self.released_at is None

    def covers(self, table: str, day: dt.date) -> bool:
        """Whether it keeps a day of a table from being deleted."""
        within = (self.first is None or self.first <= day) and (self.last is None or day <= self.last)
        return self.is_active and self.table == table and within
