"""What the years ahead cost under the policy, against keeping everything where it landed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from radar_pipeline.domain.layout import BronzeLayout, is_data_file
from radar_pipeline.domain.prices import THOUSAND, PriceList
from radar_pipeline.domain.retention import DEFAULT_CLASS, RetentionClass, RetentionPolicy, SmallObjects
from radar_pipeline.domain.retention_plan import Tally
from radar_pipeline.domain.tiers import SMALLEST_MOVED_BYTES, LakeObject, StorageClass

YEAR_DAYS = 365
MONTHS = 12
YEARS = 7


@dataclass(frozen=True)
class DailyLoad:
    """What a table brings each day.

    Attributes:
        table: Table name.
        objects: Files.
        bytes: Bytes of all of them.
    """

    table: str
    objects: float
    bytes: float


@dataclass(frozen=True)
class YearCost:
    """One year from the beginning of daily snapshots.

    Attributes:
        year: 1 for the first.
        policy_usd: What the year costs under the policy.
        unmanaged_usd: What it costs where everything stays in STANDARD for ever.
        policy_total_usd: The same from the beginning on.
        unmanaged_total_usd: The same from the beginning on.
        policy_bytes: Stored under the policy at the year's end.
        unmanaged_bytes: Stored otherwise at the year's end.
    """

    year: int
    policy_usd: float
    unmanaged_usd: float
    policy_total_usd: float
    unmanaged_total_usd: float
    policy_bytes: float
    unmanaged_bytes: float


@dataclass(frozen=True)
class Forecast:
    """What the years cost, of one table or of the lake.

    Attributes:
        table: Table name; empty for the lake.
        load: What it brings each day.
        years: Year by year.
    """

    table: str
    load: DailyLoad
    years: tuple[YearCost, ...]

    @property
    def policy_usd(self) -> float:
        """What all years cost under the policy."""
        return self.years[-1].policy_total_usd if self.years else 0.0

    @property
    def unmanaged_usd(self) -> float:
        """What all years cost without it."""
        return self.years[-1].unmanaged_total_usd if self.years else 0.0

    @property
    def saved_usd(self) -> float:
        """What the policy saves; below zero where it costs more than it saves."""
        return self.unmanaged_usd - self.policy_usd


@dataclass(frozen=True)
class LakeForecast:
    """What the years cost.

    Attributes:
        tables: By table, in the order in which they were given.
        total: All together.
    """

    tables: tuple[Forecast, ...]
    total: Forecast


def daily_load(table: str, objects: Iterable[LakeObject], layout: BronzeLayout, *, days: int = 30) -> DailyLoad | None:
    """The mean of a table's newest days that have data; None for a table without data."""
    found: dict[dt.date, Tally] = {}
    for each in objects:
        day = layout.day_of(each.key)
        if day is not None and is_data_file(each.key):
            found[day] = found.get(day, Tally()) + Tally(1, each.size)
    newest = [found[day] for day in sorted(found)[-days:]]
    if not newest:
        return None
    total = sum(newest, Tally())
    return DailyLoad(table, total.objects / len(newest), total.bytes / len(newest))


def forecast(
    loads: Iterable[DailyLoad],
    *,
    policy: RetentionPolicy,
    classes: Mapping[str, str],
    prices: PriceList,
    years: int = YEARS,
) -> LakeForecast:
    """What the years cost from the first snapshot on, with the same load each day.

    Counted are storage with everything that S3 bills on top, the requests that bring the data and move it by the
    bucket's rules, and the rest of a tier's minimum storage time. Not counted are readers and restores. What is deleted
    is billed until ``noncurrent_days`` have passed, as in a bucket with versions.

    Args:
        loads: What each table brings each day.
        policy: The policy.
        classes: Retention class by table name; ``default`` for one that is not there.
        prices: Prices.
        years: How many, of 365 days each.
    """
    tables = []
    for load in loads:
        retention = policy.classes[classes.get(load.table, DEFAULT_CLASS)]
        managed = _days_of(load, retention, policy.noncurrent_days, prices, years)
        unmanaged = _days_of(load, _NO_POLICY, 0, prices, years)
        tables.append(Forecast(load.table, load, tuple(_years(managed, unmanaged, years))))
    return LakeForecast(tuple(tables), _total(tables, years))


_NO_POLICY = RetentionClass("none", (), None)


@dataclass(frozen=True)
class _Days:
    """One daily snapshot by its age in days: USD that it costs, and bytes that it takes."""

    usd: list[float]
    bytes: list[float]


def _days_of(load: DailyLoad, retention: RetentionClass, noncurrent: int, prices: PriceList, years: int) -> _Days:
    objects, size = load.objects, load.bytes / load.objects if load.objects else 0.0
    goes = retention.delete_after_days
    usd, stored = [], []
    tier, paid_until = StorageClass.STANDARD, 0
    cost = prices.of(tier).put / THOUSAND * objects
    for age in range(years * YEAR_DAYS):
        gone = goes is not None and age >= goes + noncurrent
        due = retention.due(age)
        moves = due is not tier and (goes is None or age < goes)
        if moves and size < SMALLEST_MOVED_BYTES and _is_compacted(retention, load):
            cost += (prices.of(tier).get + prices.of(tier).put) / THOUSAND * objects + prices.of(tier).put / THOUSAND
            objects, size = 1.0, load.bytes
        moves = moves and size >= SMALLEST_MOVED_BYTES
        by_day = prices.storage_month(tier, size, objects) * MONTHS / YEAR_DAYS
        if (moves or gone) and paid_until > age:
            cost += by_day * (paid_until - age)
            paid_until = age
        if moves:
            cost += prices.of(due).transition / THOUSAND * objects
            tier, paid_until = due, age + due.minimum_days
            by_day = prices.storage_month(tier, size, objects) * MONTHS / YEAR_DAYS
        usd.append(cost if gone else cost + by_day)
        stored.append(0.0 if gone else load.bytes)
        cost = 0.0
    return _Days(usd, stored)


def _is_compacted(retention: RetentionClass, load: DailyLoad) -> bool:
    pays = load.objects > 1 and load.bytes >= SMALLEST_MOVED_BYTES
    return retention.small_objects is SmallObjects.COMPACT and pays


def _years(managed: _Days, unmanaged: _Days, years: int) -> Iterator[YearCost]:
    # Every day one snapshot of each age so far lies there, so a day costs the sum over the ages.
    mine, theirs = list(accumulate(managed.usd)), list(accumulate(unmanaged.usd))
    mine_bytes, their_bytes = list(accumulate(managed.bytes)), list(accumulate(unmanaged.bytes))
    mine_total = theirs_total = 0.0
    for year in range(years):
        days = slice(year * YEAR_DAYS, (year + 1) * YEAR_DAYS)
        cost, other = sum(mine[days]), sum(theirs[days])
        mine_total, theirs_total = mine_total + cost, theirs_total + other
        last = (year + 1) * YEAR_DAYS - 1
        yield YearCost(year + 1, cost, other, mine_total, theirs_total, mine_bytes[last], their_bytes[last])


def _total(tables: Sequence[Forecast], years: int) -> Forecast:
    load = DailyLoad("", sum(each.load.objects for each in tables), sum(each.load.bytes for each in tables))
    found = []
    for year in range(years):
        rows = [each.years[year] for each in tables]
        found.append(
            YearCost(
                year + 1,
                sum(row.policy_usd for row in rows),
                sum(row.unmanaged_usd for row in rows),
                sum(row.policy_total_usd for row in rows),
                sum(row.unmanaged_total_usd for row in rows),
                sum(row.policy_bytes for row in rows),
                sum(row.unmanaged_bytes for row in rows),
            )
        )
    return Forecast("", load, tuple(found))
