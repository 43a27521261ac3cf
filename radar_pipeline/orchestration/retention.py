"""Retention of the lake from listing to audit, without Dagster: what the asset's body, the CLI and tests call.

What belongs here: the order in which things are found out and done. What does not: decisions (domain), protocols (lake)
and events (lifecycle_assets). Everything goes by the clock of ``Systems``.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from radar_pipeline.domain.day_tiers import tiers_of_days
from radar_pipeline.domain.forecast import DailyLoad, LakeForecast, daily_load, forecast
from radar_pipeline.domain.prices import PlanCost, PriceList, cost_of
from radar_pipeline.domain.retention import Hold, RetentionPolicy
from radar_pipeline.domain.retention_plan import (
    QUARANTINE,
    PlannedStep,
    RetentionPlan,
    Step,
    TablePlan,
    Tally,
    plan_lake,
    plan_quarantine,
    plan_table,
)
from radar_pipeline.domain.retention_rules import Rule, RulesDiff, diff_rules, rules_of
from radar_pipeline.domain.tiers import LakeObject, StorageClass
from radar_pipeline.lake.deletion import Progress, Recheck
from radar_pipeline.lake.errors import LakeError
from radar_pipeline.lake.holds import read_holds
from radar_pipeline.lake.listing import TableListing, list_quarantine, list_tables
from radar_pipeline.lake.retention import ApplyReport, apply_plan
from radar_pipeline.lake.rules import read_rules
from radar_pipeline.orchestration.accepted_days import AcceptedDays
from radar_pipeline.orchestration.systems import Systems
from radar_pipeline.tables.prices import load_prices
from radar_pipeline.tables.retention import classes_of, load_policy, registry_holds

Log = Callable[[str], None]

# Day and tier of every table that was listed.
DaysByTable = Mapping[str, Mapping[dt.date, StorageClass]]


class AllowanceError(Exception):
    """The number of deletions that a person allowed is not the number that is planned."""


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
        return sum((Tally(1, each.object.size) for each in self.steps if each.step is step), Tally())

    @property
    def problems(self) -> tuple[str, ...]:
        """Tables that could not be planned, each with the reason."""
        return tuple(f"{table.table}: {table.problem}" for table in self.plan.tables if table.problem)


@dataclass(frozen=True)
class Applied:
    """What acting on a survey came to.

    Attributes:
        report: What became of the steps.
        days: Day and tier of the tables that something was done to, as they lie now.
        emptied: Days that hold no data any more because of it, by table.
        problems: What could not be done beside the steps, one sentence each.
    """

    report: ApplyReport
    days: DaysByTable = field(default_factory=dict)
    emptied: Mapping[str, tuple[dt.date, ...]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def failures(self) -> tuple[str, ...]:
        """Everything that could not be done, one sentence each."""
        failed = tuple(f"{each.step.object.key}: {each.why}" for each in self.report.failed)
        return (*((self.report.stopped,) if self.report.stopped else ()), *failed, *self.problems)


@dataclass
class Retention:
    """Retention of one environment.

    Attributes:
        systems: The environment.
        log: Receives one line for a person at a time.
    """

    systems: Systems
    log: Log = lambda _line: None

    def policy(self) -> RetentionPolicy:
        """The policy of the environment.

        Raises:
            RegistryError: Its file cannot be used; the message names file and line.
        """
        return load_policy(self.systems.settings.retention_file, self.systems.registry)

    def prices(self) -> PriceList:
        """The prices of the environment.

        Raises:
            RegistryError: Their file cannot be used; the message names file and line.
        """
        return load_prices(self.systems.settings.prices_file)

    def holds(self) -> tuple[Hold, ...]:
        """Every hold: those placed by hand, released ones included, and those of the registry.

        Raises:
            LakeError: They cannot be read.
        """
        return (*read_holds(self.systems.lake, self.systems.layout), *registry_holds(self.systems.registry))

    def rules(self, policy: RetentionPolicy, holds: Sequence[Hold]) -> RulesState:
        """The bucket's rules beside those of the policy."""
        layout = self.systems.layout
        held = {hold.table for hold in holds if hold.is_active}
        wanted = rules_of(policy, classes_of(self.systems.registry), layout, held=held)
        try:
            found = read_rules(self.systems.lake)
        except LakeError as error:
            return RulesState(wanted, problem=str(error))
        return RulesState(wanted, found, diff_rules(wanted, found, layout))

    def survey(self, tables: Sequence[str] | None = None, *, on_progress: Progress | None = None) -> Survey:
        """Looks at the lake and plans. Changes nothing.

        Args:
            tables: Only these; every table and the quarantine where None.
            on_progress: Called with tables done and tables in all.

        Raises:
            LakeError: Holds or ledger cannot be read. What is wrong with one table is in its plan.
            RegistryError: Policy or prices cannot be used.
        """
        now = self.systems.clock()
        policy, prices, holds = self.policy(), self.prices(), self.holds()
        rules = self.rules(policy, holds)
        if rules.problem:
            self.log(f"the bucket's lifecycle rules are not known: {rules.problem}")
        planner = _Planner(self.systems, policy, holds, rules, now.date())
        names = list(tables or self.systems.registry.names)
        plans = []
        for listing in list_tables(self.systems.lake, self.systems.layout, names):
            plans.append(planner.table(listing))
            if on_progress:
                on_progress(len(plans), len(names))
        if tables is None:
            plans.append(planner.quarantine(list_quarantine(self.systems.lake, self.systems.layout)))
        plan = plan_lake(plans, policy, now)
        return Survey(
            day=now.date(),
            policy=policy,
            prices=prices,
            holds=holds,
            rules=rules,
            plan=plan,
            cost=cost_of(plan, prices),
            days=planner.days,
            forecast=forecast(
                planner.loads, policy=policy, classes=classes_of(self.systems.registry), prices=prices
            ),
            is_whole=tables is None,
        )

    def apply(
        self,
        survey: Survey,
        *,
        run_id: str,
        allow_deletions: int | None = None,
        on_progress: Progress | None = None,
    ) -> Applied:
        """Does what a survey plans, looking at each object again, and looks at what it touched once more.

        Args:
            survey: What was planned.
            run_id: Id of the run in the audit log.
            allow_deletions: How many deletions a person has seen and allows although they exceed the bounds.
            on_progress: Called with steps done and steps in all.

        Raises:
            AllowanceError: Another number of deletions is planned than is allowed.
        """
        systems, plan = self.systems, allowed(survey, allow_deletions)
        compactor = self._compactor(run_id)
        report = apply_plan(
            systems.lake,
            systems.layout,
            plan,
            recheck=Recheck(self.holds, self._newest_accepted(plan)),
            run_id=run_id,
            clock=systems.clock,
            compact=compactor,
            on_progress=on_progress,
        )
        for left in report.failed:
            self.log(f"failed: {left.step.object.key}: {left.why}")
        days, problems = self._look_again(survey)
        deleted = {(step.table, step.day) for step in survey.steps if step.step is Step.DELETE and not step.quarantined}
        emptied: dict[str, list[dt.date]] = {}
        for table, day in sorted(deleted):
            if table in days and day not in days[table]:
                emptied.setdefault(table, []).append(day)
        return Applied(report, days, {table: tuple(found) for table, found in emptied.items()}, problems)

    def _look_again(self, survey: Survey) -> tuple[DaysByTable, tuple[str, ...]]:
        """Day and tier of the tables that the plan touches, as they lie now."""
        touched = sorted({step.table for step in survey.steps if not step.quarantined})
        known = [name for name in touched if name in self.systems.registry]
        days, problems = {}, []
        for listing in list_tables(self.systems.lake, self.systems.layout, known):
            if listing.problem:
                problems.append(f"{listing.table}: {listing.problem}")
            else:
                days[listing.table] = tiers_of_days(listing.objects, self.systems.layout)
        return days, tuple(problems)

    def _newest_accepted(self, plan: RetentionPlan) -> Callable[[], Mapping[str, dt.date | None]]:
        deleting = sorted({step.table for table in plan.tables for step in table.steps if step.step is Step.DELETE})

        def newest() -> Mapping[str, dt.date | None]:
            return accepted_days(self.systems).of(name for name in deleting if name != QUARANTINE)

        return newest

    def _compactor(self, run_id: str) -> Compact | None:
        """What merges the small files of one day; None where the policy asks for none."""
        return None


@dataclass
class _Planner:
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


def accepted_days(systems: Systems) -> AcceptedDays:
    """The newest accepted days as the ledger stands now."""
    today = systems.clock().date()
    return AcceptedDays(systems.lake, systems.layout, today, min(today, systems.settings.first_partition))


def allowed(survey: Survey, allow_deletions: int | None) -> RetentionPlan:
    """The plan, without its stops where a person allows exactly the deletions that it holds.

    Raises:
        AllowanceError: Another number of deletions is planned than is allowed.
    """
    if allow_deletions is None:
        return survey.plan
    planned = survey.tally(Step.DELETE).objects
    if planned != allow_deletions:
        message = (
            f"{planned:,} objects are planned to be deleted and {allow_deletions:,} are allowed: nothing was done; "
            "look at the plan again and allow exactly what it holds"
        )
        raise AllowanceError(message)
    return replace(survey.plan, stops=())


def new_run_id(now: dt.datetime) -> str:
    """An id for a run that Dagster does not number: when it began, and what tells it from others of that second."""
    return f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
