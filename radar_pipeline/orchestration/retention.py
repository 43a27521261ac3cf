"""Retention of the lake from listing to audit, without Dagster: what the asset's body, the CLI and tests call.

What belongs here: the order in which things are found out and done. What does not: decisions (domain), protocols (lake)
and events (lifecycle_assets). Everything goes by the clock of ``Systems``.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from radar_pipeline.domain.day_tiers import tiers_of_days
from radar_pipeline.domain.forecast import forecast
from radar_pipeline.domain.prices import PriceList, cost_of
from radar_pipeline.domain.retention import Hold, RetentionPolicy
from radar_pipeline.domain.retention_plan import PlannedStep, RetentionPlan, Step, plan_lake
from radar_pipeline.domain.retention_rules import RulesDiff, diff_rules, rules_of
from radar_pipeline.lake.compaction import Compaction, finish_open
from radar_pipeline.lake.deletion import Progress, Recheck
from radar_pipeline.lake.errors import LakeError
from radar_pipeline.lake.holds import read_holds
from radar_pipeline.lake.listing import list_quarantine, list_tables
from radar_pipeline.lake.retention import ApplyReport, apply_plan
from radar_pipeline.lake.rules import read_rules
from radar_pipeline.orchestration.compacting import compact_and_register, register_again
from radar_pipeline.orchestration.survey import DaysByTable, Planner, RulesState, Survey, accepted_days
from radar_pipeline.orchestration.systems import Systems
from radar_pipeline.tables.prices import load_prices
from radar_pipeline.tables.retention import classes_of, load_policy, registry_holds

Log = Callable[[str], None]


class AllowanceError(Exception):
    """The number of deletions that a person allowed is not the number that is planned."""


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
        stopped = (self.report.stopped,) if self.report.stopped else ()
        return (*stopped, *failed, *self.report.problems, *self.problems)


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
        try:
            wanted = rules_of(policy, classes_of(self.systems.registry), layout, held=held)
        except ValueError as error:
            # No bucket takes so many rules: the job then does everything by itself.
            by_itself = RulesDiff(interfering=(str(error),), moving=False, expiring_quarantine=False)
            return RulesState((), diff=by_itself)
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
        planner = Planner(self.systems, policy, holds, rules, now.date())
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
            forecast=forecast(planner.loads, policy=policy, classes=classes_of(self.systems.registry), prices=prices),
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
            LakeError: What a killed run began to merge cannot be read.
        """
        systems, plan = self.systems, allowed(survey, allow_deletions)
        self._finish_compactions()
        report = apply_plan(
            systems.lake,
            systems.layout,
            plan,
            recheck=Recheck(self.holds, self._newest_accepted(plan)),
            run_id=run_id,
            clock=systems.clock,
            compact=self._compact,
            on_progress=on_progress,
        )
        for left in report.failed:
            self.log(f"failed: {left.step.object.key}: {left.why}")
        touched = sorted({step.table for step in survey.steps if not step.quarantined})
        days, problems = self.look_again([name for name in touched if name in systems.registry])
        deleted = {(step.table, step.day) for step in survey.steps if step.step is Step.DELETE and not step.quarantined}
        emptied: dict[str, list[dt.date]] = {}
        for table, day in sorted(deleted):
            if table in days and day not in days[table]:
                emptied.setdefault(table, []).append(day)
        return Applied(report, days, {table: tuple(found) for table, found in emptied.items()}, problems)

    def look_again(self, tables: Sequence[str]) -> tuple[DaysByTable, tuple[str, ...]]:
        """Day and tier of tables as they lie now, and why some could not be looked at."""
        days, problems = {}, []
        for listing in list_tables(self.systems.lake, self.systems.layout, tables):
            if listing.problem:
                problems.append(f"{listing.table}: {listing.problem}")
            else:
                days[listing.table] = tiers_of_days(listing.objects, self.systems.layout)
        return days, tuple(problems)

    def _newest_accepted(self, plan: RetentionPlan) -> Callable[[], Mapping[str, dt.date | None]]:
        steps = (step for table in plan.tables for step in table.steps)
        deleting = sorted({step.table for step in steps if step.step is Step.DELETE and not step.quarantined})

        known: dict[str, bytes] = {}

        def newest() -> Mapping[str, dt.date | None]:
            return accepted_days(self.systems, known).of(deleting)

        return newest

    def _compact(self, steps: Sequence[PlannedStep]) -> Compaction:
        """Merges the small files of one day of one table."""
        return compact_and_register(self.systems, steps[0].table, steps[0].day)

    def _finish_compactions(self) -> None:
        """Finishes what a killed run began to merge, and has the catalogue know of it."""
        for found in finish_open(self.systems.lake, self.systems.layout):
            problem = register_again(self.systems, found.table, found.day) if found.key else None
            words = f"{found.words}; {problem}" if problem else found.words
            self.log(f"a merge that was interrupted, {found.table} of {found.day}: {words}")


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
