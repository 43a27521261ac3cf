"""Restores: which archived objects of a table a person asks back, what that costs and how long S3 takes for it.

An archived object is not read by anyone until S3 has made a temporary copy of it. Asking is paid by the request and by
the gigabyte, the copy is stored at STANDARD's price beside the original, and it goes by itself. What belongs here: what
is to be asked for, and its estimate. What does not: asking (lake).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from radar_pipeline.domain.prices import GB, PriceList, Retrieval
from radar_pipeline.domain.tiers import LakeObject, RestoredCopy, StorageClass

DEFAULT_DAYS = 7

# Amazon bills a month of storage by hours; 30 days make the estimate rather too high than too low.
_DAYS_OF_MONTH = 30


class Readability(StrEnum):
    """Whether an object can be read."""

    READABLE = "readable"
    ARCHIVED = "archived"
    RESTORING = "being restored"
    RESTORED = "restored"


@dataclass(frozen=True)
class RestoreTime:
    """How long S3 takes, by its own word; it promises nothing.

    Attributes:
        usually_from: From when on an object can be had; None where S3 does not say.
        usually_until: Until when it is there.
    """

    usually_from: dt.timedelta | None
    usually_until: dt.timedelta


def _hours(usually_until: float, usually_from: float | None = None) -> RestoreTime:
    begin = dt.timedelta(hours=usually_from) if usually_from is not None else None
    return RestoreTime(begin, dt.timedelta(hours=usually_until))


# Source: S3 user guide, "Understanding archive retrieval options" (restoring-objects-retrieval-options.html): expedited
# 1 to 5 minutes for objects under 250 MB, not for Deep Archive; standard 3 to 5 h, Deep Archive within 12 h; bulk 5 to
# 12 h, Deep Archive within 48 h.
RESTORE_TIMES: Mapping[StorageClass, Mapping[Retrieval, RestoreTime]] = {
    StorageClass.GLACIER: {
        Retrieval.EXPEDITED: _hours(5 / 60, 1 / 60),
        Retrieval.STANDARD: _hours(5, 3),
        Retrieval.BULK: _hours(12, 5),
    },
    StorageClass.DEEP_ARCHIVE: {Retrieval.STANDARD: _hours(12), Retrieval.BULK: _hours(48)},
}


@dataclass(frozen=True, slots=True)
class ObservedObject:
    """A data file as it was listed, with what S3 says of its temporary copy.

    Attributes:
        object: The object.
        day: Its ``cog_dt_ingestion``.
        copy: Its temporary copy; None where S3 tells of none.
    """

    object: LakeObject
    day: dt.date
    copy: RestoredCopy | None = None

    def state(self, now: dt.datetime) -> Readability:
        """Whether it can be read."""
        if not self.object.tier.is_archived:
            return Readability.READABLE
        if self.copy is None:
            return Readability.ARCHIVED
        if self.copy.is_ongoing:
            return Readability.RESTORING
        lives = self.copy.expires_at is not None and self.copy.expires_at > now
        return Readability.RESTORED if lives else Readability.ARCHIVED

    def is_readable(self, now: dt.datetime) -> bool:
        """Whether a reader gets its rows."""
        return self.state(now) in {Readability.READABLE, Readability.RESTORED}


def readable_until(objects: Iterable[ObservedObject], now: dt.datetime) -> dt.datetime | None:
    """Until when the objects of a day can all be read thanks to temporary copies.

    None where they need none, and where one of them cannot be read now: half a day is no day.
    """
    archived = [each for each in objects if each.object.tier.is_archived]
    if not all(each.is_readable(now) for each in archived):
        return None
    return min((each.copy.expires_at for each in archived if each.copy and each.copy.expires_at), default=None)


def copy_expires_at(ready_at: dt.datetime, days: int) -> dt.datetime:
    """When S3 takes a copy away: the midnight UTC after its days are over.

    Source: S3 API reference, RestoreObject, "Responses to a restore request"; S3 user guide, "Restoring an archived
    object": the days are counted from the end of the restore and rounded up to the next midnight UTC.
    """
    end = ready_at.astimezone(dt.UTC) + dt.timedelta(days=days)
    return dt.datetime.combine(end.date() + dt.timedelta(days=1), dt.time(), dt.UTC)


@dataclass(frozen=True)
class RestoreEstimate:
    """What one way of restoring comes to.

    Attributes:
        retrieval: How quickly.
        objects: Objects that are asked back.
        bytes: Their bytes.
        usd_retrieval: For the bytes that are retrieved.
        usd_requests: For the requests.
        usd_copies: For storing the temporary copies.
        time: How long S3 takes; None where nothing is asked back.
        unavailable: Why it cannot be had, in a sentence for a person; None where it can. No cost and no time then.
    """

    retrieval: Retrieval
    objects: int = 0
    bytes: int = 0
    usd_retrieval: float = 0.0
    usd_requests: float = 0.0
    usd_copies: float = 0.0
    time: RestoreTime | None = None
    unavailable: str | None = None

    @property
    def usd(self) -> float:
        """What it costs in all."""
        return self.usd_retrieval + self.usd_requests + self.usd_copies


@dataclass(frozen=True)
class RestorePlan:
    """What a person asks back.

    Attributes:
        table: Table name.
        first: First day.
        last: Last day.
        retrieval: How quickly.
        days: For how many days the copies are to live.
        made_at: When it was looked at, UTC.
        objects: Every data file of these days, by key.
        starts: Archived objects that are to be asked for.
        extends: Restored ones whose copy is to live longer.
        estimates: What each way of restoring comes to.
    """

    table: str
    first: dt.date
    last: dt.date
    retrieval: Retrieval
    days: int
    made_at: dt.datetime
    objects: tuple[ObservedObject, ...]
    starts: tuple[ObservedObject, ...]
    extends: tuple[ObservedObject, ...]
    estimates: Mapping[Retrieval, RestoreEstimate]

    @property
    def estimate(self) -> RestoreEstimate:
        """What the way that was asked for comes to."""
        return self.estimates[self.retrieval]

    @property
    def archived(self) -> tuple[ObservedObject, ...]:
        """Objects that lie in an archive, restored or not."""
        return tuple(each for each in self.objects if each.object.tier.is_archived)

    @property
    def is_needed(self) -> bool:
        """Whether anything is to be asked for."""
        return bool(self.starts or self.extends)

    def in_state(self, state: Readability) -> tuple[ObservedObject, ...]:
        """Objects that were in a state when the plan was made."""
        return tuple(each for each in self.objects if each.state(self.made_at) is state)

    def by_day(self) -> Mapping[dt.date, tuple[ObservedObject, ...]]:
        """Objects by day, oldest first."""
        return objects_by_day(self.objects)


def objects_by_day(objects: Iterable[ObservedObject]) -> Mapping[dt.date, tuple[ObservedObject, ...]]:
    """Objects by day, oldest first."""
    found: defaultdict[dt.date, list[ObservedObject]] = defaultdict(list)
    for each in objects:
        found[each.day].append(each)
    return {day: tuple(found[day]) for day in sorted(found)}


def plan_restore(
    table: str,
    objects: Iterable[ObservedObject],
    *,
    first: dt.date,
    last: dt.date,
    retrieval: Retrieval,
    days: int,
    extend: bool = False,
    prices: PriceList,
    now: dt.datetime,
) -> RestorePlan:
    """Decides what has to be asked for so that a table can be read between two days.

    What is restored or under way already is not asked for again: S3 would bill it, and set the end of a copy anew even
    where that is earlier. A copy lives longer only where that is asked for and where it would.

    Args:
        table: Table name.
        objects: Data files of these days as observed; others are left out.
        first: First day.
        last: Last day.
        retrieval: How quickly they are to be had.
        days: For how many days the copies are to live.
        extend: Whether copies that are there already are to live that long as well.
        prices: What S3 asks for it.
        now: Time of now, UTC.
    """
    within = tuple(sorted((each for each in objects if first <= each.day <= last), key=lambda each: each.object.key))
    starts = tuple(each for each in within if each.state(now) is Readability.ARCHIVED)
    extends = tuple(each for each in within if extend and _would_live_longer(each, days, now))
    estimates = {way: _estimate(way, starts, extends, days, prices, now) for way in Retrieval}
    return RestorePlan(table, first, last, retrieval, days, now, within, starts, extends, estimates)


def _would_live_longer(each: ObservedObject, days: int, now: dt.datetime) -> bool:
    if each.state(now) is not Readability.RESTORED or each.copy is None or each.copy.expires_at is None:
        return False
    return each.copy.expires_at < copy_expires_at(now, days)


def _estimate(
    way: Retrieval,
    starts: tuple[ObservedObject, ...],
    extends: tuple[ObservedObject, ...],
    days: int,
    prices: PriceList,
    now: dt.datetime,
) -> RestoreEstimate:
    size = sum(each.object.size for each in starts)
    by_tier: defaultdict[StorageClass, list[int]] = defaultdict(list)
    for each in starts:
        by_tier[each.object.tier].append(each.object.size)
    for tier in by_tier:
        if way not in RESTORE_TIMES[tier] or way not in prices.retrievals.get(tier, {}):
            count = len(by_tier[tier])
            lie = "1 of the files lies" if count == 1 else f"{count:,} of the files lie"
            why = f"{lie} in {tier}, from which S3 offers no {way.lower()} retrieval"
            return RestoreEstimate(way, len(starts), size, unavailable=why)
    asked = [(prices.retrievals[tier][way], sizes) for tier, sizes in by_tier.items()]
    prolonged = [(prices.retrievals[each.object.tier].get(way), 1) for each in extends]
    times = [RESTORE_TIMES[tier][way] for tier in by_tier]
    return RestoreEstimate(
        way,
        objects=len(starts),
        bytes=size,
        usd_retrieval=sum(price.gigabyte * sum(sizes) / GB for price, sizes in asked),
        # Making a copy live longer is billed as a request, never as a retrieval. Source: S3 user guide, "Restoring an
        # archived object".
        usd_requests=sum(price.requests * len(sizes) / 1000 for price, sizes in asked)
        + sum(price.requests * count / 1000 for price, count in prolonged if price),
        usd_copies=_copies(starts, extends, days, prices, now),
        time=max(times, key=lambda time: time.usually_until, default=None),
    )


def _copies(
    starts: tuple[ObservedObject, ...],
    extends: tuple[ObservedObject, ...],
    days: int,
    prices: PriceList,
    now: dt.datetime,
) -> float:
    """What storing the copies costs: until the midnight after their days are over, at STANDARD's price."""
    per_byte_and_day = prices.tiers[StorageClass.STANDARD].storage / GB / _DAYS_OF_MONTH
    ends = copy_expires_at(now, days)
    longer = sum(
        each.object.size * ((ends - each.copy.expires_at) / dt.timedelta(days=1))
        for each in extends
        if each.copy and each.copy.expires_at
    )
    return per_byte_and_day * (sum(each.object.size for each in starts) * (days + 1) + longer)
