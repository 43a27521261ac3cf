"""The lake as it lies, what the policy asks for and what that costs: one look at everything, which changes nothing.

What belongs here: reading, table by table, and keeping of each only what is needed afterwards. What does not: deciding
(domain) and acting on it (retention).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from radar_pipeline.domain.day_tiers import tiers_of_days
from radar_pipeline.domain.forecast import DailyLoad, LakeForecast, daily_load
from radar_pipeline.domain.prices import PlanCost, PriceList
from radar_pipeline.domain.retention import Hold, RetentionPolicy
from radar_pipeline.domain.retention_plan import (
    PlannedStep,
    RetentionPlan,
    Step,
    TablePlan,
    Tally,
    plan_quarantine,
    plan_table,
)
from radar_pipeline.domain.retention_rules import Rule, RulesDiff
from radar_pipeline.domain.tiers import StorageClass
from radar_pipeline.lake.listing import TableListing
from radar_pipeline.orchestration.accepted_days import AcceptedDays
from radar_pipeline.orchestration.systems import Systems

# Day and tier of every table that was listed.
DaysByTable = Mapping[str, Mapping[dt.date, StorageClass]]


@dataclass(frozen=True)
class RulesState:
    """The bucket's lifecycle rules beside those of the policy.

    Attributes:
        wanted: Rules of the policy.
        found: Every rule that is set; empty where they could not be read.
        diff: How they differ; None where they could not be read.
        problem: Why they could not be read; None where they could.
    """

    wanted: tuple[Rule, ...]
    found: tuple[Rule, ...] = ()
    diff: RulesDiff | None = None
    problem: str | None = None

    @property
    def ours(self) -> tuple[str, ...]:
        """Ids of the platform's rules that are set."""
        ids = {rule["ID"] for rule in self.wanted}
        return tuple(str(rule["ID"]) for rule in self.found if rule.get("ID") in ids)

    @property
    def moving(self) -> bool:
        """Whether the bucket moves data by itself; where that is not known it is given time to."""
        return self.diff is None or self.diff.moving

    @property
    def expiring_quarantine(self) -> bool:
        """Whether the bucket removes quarantined files by itself; where that is not known it is given time to."""
        return self.diff is None or self.diff.expiring_quarantine


@dataclass(frozen=True)
class Survey:
    """The lake as it lies, what the policy asks for, and what that costs.

    Attributes:
        day: The day it was made for.
        policy: The policy.
        prices: What the costs rest on.
        holds: Every hold, released ones included.
        rules: The bucket's rules.
        plan: What is to be done.
        cost: What it costs.
        days: Day and tier of every table that was listed.
        forecast: What the years ahead cost.
        is_whole: Whether it is about every table, or some that a person chose.
    """

    day: dt.date
    policy: RetentionPolicy
    prices: PriceList
    holds: tuple[Hold, ...]
    rules: RulesState
    plan: RetentionPlan
    cost: PlanCost
    days: DaysByTable
    forecast: LakeForecast
    is_whole: bool = True

    @property
    def steps(self) -> Iterator[PlannedStep]:
        """Every planned step."""
        return (step for table in self.plan.tables for step in table.steps)

    def tally(self, step: Step) -> Tally:
        """How much of one step is planned."""
        return self._tallies.get(step, Tally())

    @cached_property
    def _tallies(self) -> Mapping[Step, Tally]:
        # Counted once: seven years of a lake are the better part of a million objects.
        objects: Counter[Step] = Counter()
        sizes: Counter[Step] = Counter()
        for each in self.steps:
            objects[each.step] += 1
            sizes[each.step] += each.object.size
        return {step: Tally(objects[step], sizes[step]) for step in objects}

    @property
    def problems(self) -> tuple[str, ...]:
        """Tables that could not be planned, each with the reason."""
        return tuple(f"{table.table}: {table.problem}" for table in self.plan.tables if table.problem)


@dataclass
class Planner:
    """Plans listings one by one and keeps of each only what is needed afterwards."""

    systems: Systems
    policy: RetentionPolicy
    holds: tuple[Hold, ...]
    rules: RulesState
    today: dt.date
    days: dict[str, dict[dt.date, StorageClass]] = field(default_factory=dict)
    loads: list[DailyLoad] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._accepted = accepted_days(self.systems)

    def table(self, listing: TableListing) -> TablePlan:
        """The plan of one table."""
        if listing.problem:
            return TablePlan(listing.table, problem=listing.problem)
        layout, objects = self.systems.layout, listing.objects
        self.days[listing.table] = tiers_of_days(objects, layout)
        if load := daily_load(listing.table, objects, layout):
            self.loads.append(load)
        retention = self.policy.classes[self.systems.registry[listing.table].retention]
        newest = self._accepted.newest(
            listing.table, far_back=self._holds_old_data(listing.table, retention.delete_after_days)
        )
        return plan_table(
            listing.table,
            objects,
            retention=retention,
            policy=self.policy,
            layout=layout,
            holds=self.holds,
            newest_accepted=newest,
            rules_at_work=self.rules.moving,
            today=self.today,
        )

    def quarantine(self, listing: TableListing) -> TablePlan:
        """The plan of the quarantine."""
        if listing.problem:
            return TablePlan(listing.table, problem=listing.problem)
        return plan_quarantine(
            listing.objects,
            policy=self.policy,
            layout=self.systems.layout,
            holds=self.holds,
            rules_at_work=self.rules.expiring_quarantine,
            today=self.today,
        )

    def _holds_old_data(self, table: str, delete_after: int | None) -> bool:
        """Whether anything is old enough to be deleted: only then all of the ledger has to be looked through."""
        if delete_after is None:
            return False
        return any((self.today - day).days >= delete_after for day in self.days[table])


def accepted_days(systems: Systems, known: dict[str, bytes] | None = None) -> AcceptedDays:
    """The newest accepted days as the ledger stands now; ``known`` are records read before, to which new ones come."""
    today = systems.clock().date()
    first = min(today, systems.settings.first_partition)
    return AcceptedDays(systems.lake, systems.layout, today, first, {} if known is None else known)
