"""Follows a restore until its objects can be read, and says how far each day is."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

from radar_pipeline.domain.restoring import ObservedObject, Readability, RestorePlan, objects_by_day, readable_until
from radar_pipeline.lake.copies import at_once, look_again
from radar_pipeline.lake.errors import LakeError
from radar_pipeline.lake.restoring import Asked, AskedObject
from radar_pipeline.lake.store import LakeStore

# Seconds between two looks at a restore: short at first, as a local server needs two seconds; then a small part of the
# time that S3 usually needs, since each look at each file is billed.
_FIRST_PAUSE, _GROWTH = 0.5, 1.5
_SHORTEST_LONG_PAUSE, _LONGEST_PAUSE = 5.0, 600.0
_LOOKS = 60


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
        problems: Why an object cannot be had, by key: refused, gone, its copy expired.
        timed_out: Whether the time limit came before the last object was readable. S3 goes on.
    """

    table: str
    days: tuple[DayRestored, ...]
    objects: tuple[ObservedObject, ...]
    problems: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
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
    """Looks at what is not readable yet until all is, or the time limit comes.

    A bucket that does not answer for a while is asked again until then. A copy that is gone before the others are there
    is named and not asked for again: that would cost what nobody agreed to.

    Args:
        store: The bucket.
        plan: What was planned.
        asked: What became of what was asked for.
        clock: Time of now.
        timeout: How long to follow; no time at all looks once.
        sleep: Waits for some seconds.
        parallel: Requests in flight.
        on_progress: Called from this thread after each look.
    """
    follower = _Follower(store, plan, asked, parallel)
    deadline, pause = clock() + timeout, _FIRST_PAUSE
    while True:
        follower.look(clock())
        if on_progress:
            on_progress(follower.progress(clock()))
        left = (deadline - clock()).total_seconds()
        if not follower.waiting or left <= 0:
            return follower.report(clock())
        sleep(min(pause, left))
        pause = min(pause * _GROWTH, _longest_pause(plan))


def _longest_pause(plan: RestorePlan) -> float:
    usually = plan.estimate.time.usually_until.total_seconds() if plan.estimate.time else _LONGEST_PAUSE
    return min(max(usually / _LOOKS, _SHORTEST_LONG_PAUSE), _LONGEST_PAUSE)


class _Follower:
    """What is known of each object of a restore."""

    def __init__(self, store: LakeStore, plan: RestorePlan, asked: Iterable[AskedObject], parallel: int) -> None:
        self._store, self._plan, self._parallel = store, plan, parallel
        self._seen = {each.object.key: each for each in plan.objects}
        self._problems: dict[str, str] = {}
        self._unanswered: dict[str, str] = {}
        renewed = set()
        for each in asked:
            key = each.object.object.key
            self._seen[key] = each.object
            if each.problem:
                self._problems[key] = each.problem
            if each.outcome is Asked.EXTENDED:
                renewed.add(key)
        # A copy whose end was set anew is looked at once more.
        self.waiting = {
            key
            for key, each in self._seen.items()
            if key not in self._problems and (key in renewed or not each.is_readable(plan.made_at))
        }

    def look(self, now: dt.datetime) -> None:
        answers = at_once(
            self._parallel, [self._seen[key] for key in sorted(self.waiting)], partial(look_again, self._store)
        )
        self._unanswered = {key: str(each) for key, each in answers.items() if isinstance(each, LakeError)}
        for key, each in answers.items():
            if isinstance(each, ObservedObject):
                self._seen[key] = each
            if each is None:
                self._problems[key] = f"{key} is gone since it was listed"
        for key, each in self._seen.items():
            if key in self._problems or key in self._unanswered:
                continue
            if each.is_readable(now):
                self.waiting.discard(key)
            elif each.state(now) is Readability.ARCHIVED:
                self._problems[key] = _why_archived(each)
        self.waiting -= set(self._problems)

    def progress(self, now: dt.datetime) -> FollowProgress:
        readable = sum(each.is_readable(now) for each in self._seen.values())
        return FollowProgress(readable, len(self.waiting), len(self._seen))

    def report(self, now: dt.datetime) -> RestoreReport:
        objects = tuple(self._seen[key] for key in sorted(self._seen))
        days = tuple(
            DayRestored(
                day=day,
                objects=len(found),
                readable=sum(each.is_readable(now) for each in found),
                under_way=sum(each.object.key in self.waiting for each in found),
                readable_until=readable_until(found, now),
            )
            for day, found in objects_by_day(objects).items()
        )
        problems = dict(sorted({**self._unanswered, **self._problems}.items()))
        return RestoreReport(self._plan.table, days, objects, problems, timed_out=bool(self.waiting))


def _why_archived(each: ObservedObject) -> str:
    if each.copy is not None and each.copy.expires_at is not None:
        return (
            f"the copy of {each.object.key} expired on {each.copy.expires_at:%Y-%m-%d %H:%M} UTC, before all could be "
            "read: ask again, for more days"
        )
    return (
        f"S3 tells of no copy of {each.object.key}: its restore was not begun, failed, or its copy expired; ask again"
    )
