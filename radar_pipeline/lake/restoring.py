"""Asks S3 for temporary copies of archived objects, once for each object, and follows until they can be read."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.restoring import ObservedObject, RestorePlan
from radar_pipeline.lake.store import LakeStore


class Asked(StrEnum):
    """What became of one object that was to be asked for."""

    STARTED = "started"
    UNDER_WAY = "under way"
    RESTORED = "restored"
    EXTENDED = "extended"
    READABLE = "readable"
    FAILED = "failed"


@dataclass(frozen=True)
class AskedObject:
    """One object of a restore after it was asked for.

    Attributes:
        object: The object as it was seen just before.
        outcome: What became of it.
        problem: Why it could not be asked for, in a sentence for a person; None where nothing went wrong.
    """

    object: ObservedObject
    outcome: Asked
    problem: str | None = None


@dataclass(frozen=True)
class DayRestored:
    """How far one day is.

    Attributes:
        day: The day.
        objects: Its data files.
        readable: How many of them can be read.
        under_way: How many are being restored.
        readable_until: Until when all of them can be read thanks to copies; None where they need none or some cannot.
    """

    day: dt.date
    objects: int
    readable: int
    under_way: int
    readable_until: dt.datetime | None

    @property
    def is_readable(self) -> bool:
        """Whether every row of the day can be read."""
        return self.readable == self.objects


@dataclass(frozen=True)
class RestoreReport:
    """What a restore came to.

    Attributes:
        table: Table name.
        days: How far each day is, oldest first.
        objects: Every data file as it was seen last.
        problems: Why an object could not be had, by key: refused, gone, copy expired before the others were there.
        timed_out: Whether the time limit came before the last object was readable. S3 goes on.
    """

    table: str
    days: tuple[DayRestored, ...]
    objects: tuple[ObservedObject, ...]
    problems: Mapping[str, str]
    timed_out: bool = False

    @property
    def is_readable(self) -> bool:
        """Whether every row of every day can be read."""
        return all(day.is_readable for day in self.days)


@dataclass(frozen=True)
class FollowProgress:
    """How far a restore is while it is followed."""

    readable: int
    under_way: int
    objects: int


def observe_days(
    store: LakeStore, layout: BronzeLayout, table: str, first: dt.date, last: dt.date, *, parallel: int = 16
) -> tuple[ObservedObject, ...]:
    """Every data file of a table between two days, with what S3 says of its temporary copy.

    Raises:
        LakeError: The days cannot be listed, or an archived object cannot be looked at.
    """
    raise NotImplementedError


def ask_for(
    store: LakeStore,
    plan: RestorePlan,
    *,
    clock: Callable[[], dt.datetime],
    parallel: int = 16,
    per_second: float = 200,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[AskedObject, ...]:
    """Asks for what a plan starts and extends; each object is looked at again just before.

    Never raises for what is wrong with one object.

    Raises:
        LakeError: The bucket is away: nothing could be asked for.
    """
    raise NotImplementedError


def follow(
    store: LakeStore,
    plan: RestorePlan,
    asked: Sequence[AskedObject],
    *,
    clock: Callable[[], dt.datetime],
    timeout: dt.timedelta,
    sleep: Callable[[float], None] = time.sleep,
    parallel: int = 16,
    on_progress: Callable[[FollowProgress], None] | None = None,
) -> RestoreReport:
    """Looks at what is not readable yet until all is, or the time limit comes."""
    raise NotImplementedError
