"""What keeping, moving and reading back cost: a price list as data, and what a plan costs by it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from radar_pipeline.domain.aging.plan import PlannedStep, RetentionPlan, Step, Tally
from radar_pipeline.domain.aging.tiers import StorageClass

# S3 bills by 2^30 bytes, and requests by the thousand.
GB = 1024**3
THOUSAND = 1000


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

    def storage_month(self, tier: StorageClass, size: float, objects: float = 1) -> float:
        """USD a month for objects of ``size`` bytes each, with what S3 bills on top of them."""
        price = self.of(tier)
        billed = (max(size, price.smallest_bytes) + price.overhead_bytes) * objects
        standard = price.standard_overhead_bytes * objects
        return (billed * price.storage + standard * self.of(StorageClass.STANDARD).storage) / GB

    def of(self, tier: StorageClass) -> TierPrice:
        """Prices of a tier; those of STANDARD, the dearest, for a tier that the policy has no use for."""
        return self.tiers.get(tier, self.tiers[StorageClass.STANDARD])

    def move_once(self, from_tier: StorageClass, to: StorageClass, size: int) -> float:
        """USD for moving one object by a copy in place: the request, and reading it out of a tier that asks for that.

        A rule of the bucket pays ``transition`` instead, and nothing for reading.
        """
        return self.of(to).put / THOUSAND + self.of(from_tier).retrieval * size / GB


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
    """What a plan costs and saves.

    A deletion saves its storage at once in a bucket without versions; in one with versions the bytes are billed until
    ``noncurrent_days`` have passed.
    """
    tiers = {tier: Tally() for tier in StorageClass}
    actions: dict[tuple[Step, StorageClass | None], _Sum] = {}
    for table in plan.tables:
        for tier, tally in table.tiers.items():
            tiers[tier] += tally
        compacted: set[dt.date] = set()
        for step in table.steps:
            found = actions.setdefault((step.step, step.to), _Sum())
            found.add(step.object.size, *_cost_of_step(step, prices))
            if step.step is Step.COMPACT and step.day not in compacted:
                compacted.add(step.day)
                found.once += prices.of(StorageClass.STANDARD).put / THOUSAND
    return PlanCost(
        tiers=tuple(_tier_line(tier, tally, prices) for tier, tally in tiers.items() if tally.objects),
        actions=tuple(actions[key].line(_name(*key)) for key in sorted(actions, key=_order)),
    )


def _cost_of_step(step: PlannedStep, prices: PriceList) -> tuple[float, float]:
    """USD a month and USD once."""
    lies, size = step.object.tier, step.object.size
    kept = prices.storage_month(lies, size)
    if step.step is Step.MOVE and step.to is not None:
        return prices.storage_month(step.to, size) - kept, prices.move_once(lies, step.to, size)
    if step.step is Step.COMPACT:
        # Each is read once and copied once, to the quarantine; the merged file is counted by the day.
        price = prices.of(StorageClass.STANDARD)
        return 0.0, (prices.of(lies).get + price.put) / THOUSAND + prices.of(lies).retrieval * size / GB
    return -kept, 0.0


def _tier_line(tier: StorageClass, tally: Tally, prices: PriceList) -> CostLine:
    mean = -(-tally.bytes // tally.objects)
    return CostLine(tier, tally.objects, tally.bytes, prices.storage_month(tier, mean, tally.objects))


def _name(step: Step, to: StorageClass | None) -> str:
    return f"{step} to {to}" if to is not None else str(step)


def _order(key: tuple[Step, StorageClass | None]) -> tuple[int, int]:
    step, to = key
    return list(Step).index(step), to.rank if to is not None else -1


@dataclass
class _Sum:
    objects: int = 0
    bytes: int = 0
    monthly: float = 0.0
    once: float = 0.0

    def add(self, size: int, monthly: float, once: float) -> None:
        self.objects += 1
        self.bytes += size
        self.monthly += monthly
        self.once += once

    def line(self, name: str) -> CostLine:
        return CostLine(name, self.objects, self.bytes, self.monthly, self.once)
