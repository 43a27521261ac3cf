"""The lake as it lies, what the policy asks for and what that costs: one look at everything, which changes nothing.

What belongs here: reading, table by table, and keeping of each only what is needed afterwards. What does not: deciding
(domain) and acting on it (retention).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from radar_pipeline.domain.aging.day_tiers import tiers_of_days
from radar_pipeline.domain.aging.forecast import DailyLoad, LakeForecast, daily_load
from radar_pipeline.domain.aging.plan import (
    PlannedStep,
    RetentionPlan,
    Step,
    TablePlan,
    Tally,
    plan_quarantine,
    plan_table,
)
from radar_pipeline.domain.aging.policy import Hold, RetentionPolicy
from radar_pipeline.domain.aging.prices import PlanCost, PriceList
from radar_pipeline.domain.aging.rules import Rule, RulesDiff
from radar_pipeline.domain.aging.tiers import StorageClass
from radar_pipeline.lake.listing import TableListing
from radar_pipeline.orchestration.aging.accepted_days import AcceptedDays
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
        strangers: Folders of bronze that belong to no table of the registry, as those of a table taken out of it: the
            job leaves them as they are, and only a rule for the whole database moves them to colder tiers.
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
    strangers: tuple[str, ...] = ()

    @property
    def steps(self) -> Iterator[PlannedStep]:
        """Every planned step."""
        return (step for table in self.plan.tables for step in table.steps)

    def tally(self, step: Step) -> Tally:
        """How much of one step is planned."""
        return sum((table.steps.tally(step) for table in self.plan.tables), Tally())

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
        if problem := listing.problem or self._shared(listing.table):
            return TablePlan(listing.table, problem=problem)
        layout, objects = self.systems.layout, listing.objects
        self.days[listing.table] = tiers_of_days(objects, layout)
        if load := daily_load(listing.table, objects, layout):
            self.loads.append(load)
        retention = self.policy.classes[self.systems.registry[listing.table].retention]
        if days := self.days[listing.table]:
            self._accepted.reach_back_to(min(days))
        over = self._over(listing.table, retention.delete_after_days)
        newest = self._accepted.newest(listing.table, far_back=over is not None)
        if over and (doubt := self._accepted.doubt(listing.table, over)):
            return TablePlan(listing.table, problem=doubt)
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

    def _shared(self, table: str) -> str | None:
        """Why a table whose folder is another's too is left alone: whose a file is cannot be told."""
        layout = self.systems.layout
        prefix = layout.table_prefix(table)
        others = [name for name in self.systems.registry.names if layout.table_prefix(name) == prefix and name != table]
        if not others:
            return None
        return (
            f'its folder {prefix} is that of "{others[0]}" too, and whose a file is cannot be told: nothing is done '
            "with it until one of the two lands elsewhere"
        )

    def _over(self, table: str, delete_after: int | None) -> dt.date | None:
        """The newest day that is old enough to be deleted: only where there is one the whole ledger matters."""
        if delete_after is None:
            return None
        return max((day for day in self.days[table] if (self.today - day).days >= delete_after), default=None)


def accepted_days(systems: Systems, known: dict[str, bytes] | None = None) -> AcceptedDays:
    """The newest accepted days as the ledger stands now; ``known`` are records read before, to which new ones come."""
    today = systems.clock().date()
    first = min(today, systems.settings.first_partition)
    return AcceptedDays(systems.lake, systems.layout, today, first, {} if known is None else known)
