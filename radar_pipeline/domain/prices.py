"""What keeping, moving and reading back cost: a price list as data, and what a plan costs by it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from radar_pipeline.domain.retention_plan import RetentionPlan
from radar_pipeline.domain.tiers import StorageClass

# S3 bills by 2^30 bytes.
GB = 1024**3


class Retrieval(StrEnum):
    """How quickly an archived object is to be had back, by S3's own name."""

    EXPEDITED = "Expedited"
    STANDARD = "Standard"
    BULK = "Bulk"


@dataclass(frozen=True)
class TierPrice:
    """What one tier costs, USD.

    Attributes:
        storage: One GB for a month.
        put: 1,000 PUT, COPY, POST or LIST requests.
        get: 1,000 GET, HEAD and all other requests.
        transition: 1,000 objects that a rule moves into it.
        retrieval: One GB read from it (not: restored from an archive).
        smallest_bytes: What an object is billed as at least.
        overhead_bytes: What each object is billed on top, at this tier's price.
        standard_overhead_bytes: What each object is billed on top, at STANDARD's price.
    """

    storage: float
    put: float
    get: float
    transition: float
    retrieval: float = 0.0
    smallest_bytes: int = 0
    overhead_bytes: int = 0
    standard_overhead_bytes: int = 0


@dataclass(frozen=True)
class RetrievalPrice:
    """What a restore costs, USD, without the copy's storage at STANDARD's price.

    Attributes:
        gigabyte: One GB.
        requests: 1,000 requests.
    """

    gigabyte: float
    requests: float


@dataclass(frozen=True)
class PriceList:
    """Prices of one region on one day.

    Attributes:
        region: AWS region.
        as_of: Day of the prices.
        source: Where they are from, in words.
        tiers: Prices by tier.
        retrievals: Prices of restores by tier and speed; what is not there cannot be had.
    """

    region: str
    as_of: dt.date
    source: str
    tiers: Mapping[StorageClass, TierPrice]
    retrievals: Mapping[StorageClass, Mapping[Retrieval, RetrievalPrice]]

    def storage_month(self, tier: StorageClass, size: int, objects: int = 1) -> float:
        """USD a month for objects of ``size`` bytes each."""
        raise NotImplementedError


@dataclass(frozen=True)
class CostLine:
    """What one tier or one action comes to.

    Attributes:
        name: The tier (``STANDARD_IA``) or the action (``move to GLACIER``, ``delete``).
        objects: Objects.
        bytes: Bytes.
        usd_per_month: What a tier costs a month; what an action changes a month, below zero where it saves.
        usd_once: What it costs once.
    """

    name: str
    objects: int
    bytes: int
    usd_per_month: float
    usd_once: float = 0.0


@dataclass(frozen=True)
class PlanCost:
    """What a plan costs and saves.

    Attributes:
        tiers: The lake as it is, one line for each tier that holds anything, hottest first.
        actions: What the plan does, one line for each action.
    """

    tiers: tuple[CostLine, ...]
    actions: tuple[CostLine, ...]

    @property
    def usd_per_month(self) -> float:
        """What the lake costs a month as it is."""
        return sum(line.usd_per_month for line in self.tiers)

    @property
    def usd_per_month_after(self) -> float:
        """What it costs a month once the plan is carried out."""
        return self.usd_per_month + sum(line.usd_per_month for line in self.actions)

    @property
    def usd_once(self) -> float:
        """What carrying it out costs."""
        return sum(line.usd_once for line in self.actions)


def cost_of(plan: RetentionPlan, prices: PriceList) -> PlanCost:
    """What a plan costs and saves."""
    raise NotImplementedError
