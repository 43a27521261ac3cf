"""What the years ahead cost under the policy, against keeping everything where it landed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.prices import PriceList
from radar_pipeline.domain.retention import RetentionPolicy
from radar_pipeline.domain.tiers import LakeObject

YEAR_DAYS = 365
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
    """The mean of a table's newest days; None for a table without data."""
    raise NotImplementedError


def forecast(
    loads: Iterable[DailyLoad],
    *,
    policy: RetentionPolicy,
    classes: Mapping[str, str],
    prices: PriceList,
    years: int = YEARS,
) -> LakeForecast:
    """What the years cost from the first snapshot on, with the same load each day.

    Args:
        loads: What each table brings each day.
        policy: The policy.
        classes: Retention class by table name.
        prices: Prices.
        years: How many, of 365 days each.
    """
    raise NotImplementedError
