"""One retention run as Dagster and people see it: results, checks, observations, alerts, beside what is done.

What belongs here: what is reported where, for the asset's body and for the command alike. What does not: the work
itself (retention, tier_marks).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from radar_pipeline.domain.watching_retention import differences, watch_retention, watch_rules
from radar_pipeline.orchestration.keys import RETENTION_PLAN, RETENTION_RUN
from radar_pipeline.orchestration.lifecycle_assets import (
    DELETIONS_WITHIN_BOUNDS,
    EVERY_STEP_DONE,
    LIFECYCLE_MATCHES_POLICY,
)
from radar_pipeline.orchestration.lifecycle_metadata import (
    bounds_metadata,
    plan_metadata,
    rules_metadata,
    run_metadata,
)
from radar_pipeline.orchestration.retention import Retention
from radar_pipeline.orchestration.tier_marks import mark_catalogue, observe

if TYPE_CHECKING:
    import datetime as dt

    from radar_pipeline.domain.alert import Link
    from radar_pipeline.lake.deletion import Progress
    from radar_pipeline.orchestration.alerting import Alerting
    from radar_pipeline.orchestration.retention import Applied
    from radar_pipeline.orchestration.survey import DaysByTable, Survey
    from radar_pipeline.orchestration.systems import Systems

# A run says how far it is once for so many steps.
_TOLD_EVERY = 500


@dataclass
class LifecycleRun:
    """One run of retention.

    Attributes:
        systems: The environment.
        alerting: Its alerts.
        instance: Where observations are remembered.
        log: Receives one line for a person at a time.
        report: Records one observation.
        links: Where a person sees the run.
        on_progress: Called with steps done and steps in all; by default the log is told now and then.
    """

    systems: Systems
    alerting: Alerting
    instance: dg.DagsterInstance
    log: Callable[[str], None]
    report: Callable[[dg.AssetObservation], None]
    links: tuple[Link, ...] = ()
    on_progress: Progress | None = None
    problems: list[str] = field(default_factory=list, init=False)
    _marked: int = field(default=0, init=False)
    _observed: int = field(default=0, init=False)

    def survey(self, *, on_progress: Progress | None = None) -> Survey:
        """Looks at the lake, plans, and marks the days that lie elsewhere than is noted."""
        survey = Retention(self.systems, self.log).survey(on_progress=on_progress)
        for problem in survey.problems:
            self.log(f"not planned: {problem}")
        for stop in survey.plan.stops:
            self.log(f"nothing will be deleted: {stop}")
        self._mark(survey.days, {}, over=self._over(survey))
        return survey

    def apply(self, survey: Survey, *, run_id: str, allow_deletions: int | None = None) -> Applied:
        """Does what is planned, and marks the days that it moved.

        Raises:
            AllowanceError: Another number of deletions is planned than is allowed.
        """
        applied = Retention(self.systems, self.log).apply(
            survey, run_id=run_id, allow_deletions=allow_deletions, on_progress=self.on_progress or self._tell_progress
        )
        self._mark(applied.days, applied.emptied, over=self._over(survey))
        return applied

    def mark_again(self, tables: Sequence[str]) -> None:
        """Looks at tables once more and marks their days as they lie now."""
        days, problems = Retention(self.systems, self.log).look_again(tables)
        self.problems += problems
        self._mark(days, {}, over={})

    def _over(self, survey: Survey) -> Mapping[str, dt.date]:
        """Up to which day the policy deletes, by table."""
        ages = {
            table.name: age
            for table in self.systems.registry.tables
            if (age := survey.policy.classes[table.retention].delete_after_days) is not None
        }
        return {name: survey.day - timedelta(days=age) for name, age in ages.items()}

    def _tell_progress(self, done: int, total: int) -> None:
        if done == total or done % _TOLD_EVERY == 0:
            self.log(f"{done:,} of {total:,} steps")

    def _mark(
        self, days: DaysByTable, emptied: Mapping[str, tuple[dt.date, ...]], *, over: Mapping[str, dt.date]
    ) -> None:
        """Notes in which tier days lie. That it cannot be noted in the catalogue stops nothing."""
        if not days:
            return
        observed = observe(self.instance, self.systems.registry, days, emptied, report=self.report)
        self._observed += len(observed.events)
        if observed.waiting:
            self.log(f"{observed.waiting:,} more days are observed by the next runs")
        if self.systems.settings.catalogue == "off":
            return
        marked = mark_catalogue(self.systems.glue, days, over, now=self.systems.clock())
        self._marked += marked.days
        for problem in marked.problems:
            self.log(f"not marked: {problem}")
        self.problems += [problem for problem in marked.problems if problem not in self.problems]

    def plan_result(self, survey: Survey) -> dg.MaterializeResult[Any]:
        """The plan as an asset's materialization."""
        return dg.MaterializeResult(asset_key=RETENTION_PLAN, metadata=plan_metadata(survey))

    def run_result(self, survey: Survey, applied: Applied) -> dg.MaterializeResult[Any]:
        """What was done as an asset's materialization."""
        metadata = run_metadata(survey, applied, marked=self._marked, observed=self._observed)
        return dg.MaterializeResult(asset_key=RETENTION_RUN, metadata=metadata)

    def plan_checks(self, survey: Survey, wanted: set[str]) -> Iterator[dg.AssetCheckResult]:
        """Those checks of the plan that are wanted."""
        rules = survey.rules
        told = differences(rules.diff) if rules.diff else ()
        if LIFECYCLE_MATCHES_POLICY in wanted:
            words = rules.problem or "; ".join(told) or "the bucket's rules are those of the policy"
            grave = bool(rules.diff and rules.diff.deleting)
            yield dg.AssetCheckResult(
                asset_key=RETENTION_PLAN,
                check_name=LIFECYCLE_MATCHES_POLICY,
                passed=rules.diff is not None and not told,
                severity=dg.AssetCheckSeverity.ERROR if grave else dg.AssetCheckSeverity.WARN,
                description=words,
                metadata=rules_metadata(rules),
            )
        if DELETIONS_WITHIN_BOUNDS in wanted:
            yield dg.AssetCheckResult(
                asset_key=RETENTION_PLAN,
                check_name=DELETIONS_WITHIN_BOUNDS,
                passed=not survey.plan.stops,
                description="; ".join(survey.plan.stops) or "what is to be deleted stays within the bounds",
                metadata=bounds_metadata(survey),
            )

    def run_checks(self, applied: Applied, wanted: set[str]) -> Iterator[dg.AssetCheckResult]:
        """Those checks of what was done that are wanted."""
        if EVERY_STEP_DONE in wanted:
            failures = [*applied.failures, *self.problems]
            well = "every step was done or left for a reason"
            if applied.report.stops:
                well = f"nothing was deleted, because bounds are exceeded; otherwise {well}"
            yield dg.AssetCheckResult(
                asset_key=RETENTION_RUN,
                check_name=EVERY_STEP_DONE,
                passed=not failures,
                description="; ".join(failures[:3]) or well,
                metadata={"failures": len(failures), "left": len(applied.report.skipped)},
            )

    def record(self, survey: Survey, applied: Applied) -> None:
        """Records plan, what was done and checks in Dagster without a run of it: the command's own run."""
        for result in (self.plan_result(survey), self.run_result(survey, applied)):
            event = dg.AssetMaterialization(result.asset_key or RETENTION_PLAN, metadata=result.metadata)
            self.instance.report_runless_asset_event(event)
        every = {LIFECYCLE_MATCHES_POLICY, DELETIONS_WITHIN_BOUNDS, EVERY_STEP_DONE}
        for check in (*self.plan_checks(survey, every), *self.run_checks(applied, every)):
            evaluation = dg.AssetCheckEvaluation(
                asset_key=check.asset_key or RETENTION_PLAN,
                check_name=check.check_name or "",
                passed=check.passed,
                severity=check.severity,
                description=check.description,
                metadata=check.metadata,
            )
            self.instance.report_runless_asset_event(evaluation)

    def tell(self, survey: Survey, applied: Applied | None = None) -> None:
        """Raises and ends the alerts that the run is worth; they are delivered by the next round of alerting.

        Raises:
            LedgerError: They cannot be recorded.
        """
        bucket, now = self.systems.settings.bucket, self.systems.clock()
        stops = applied.report.stops if applied else survey.plan.stops
        failures = [*survey.problems, *(applied.failures if applied else ()), *self.problems]
        rules = survey.rules
        with self.alerting.office(self.instance) as office:
            opened = {alert.fingerprint: alert for alert in office.centre.open_alerts()}
            watched = watch_rules(
                rules.diff,
                rules.problem,
                bucket=bucket,
                is_set_up=self.systems.settings.retention_apply or bool(rules.ours),
                now=now,
                opened=opened,
            ) + watch_retention(bucket=bucket, stops=stops, failures=failures, now=now, opened=opened, links=self.links)
            if watched.raised or watched.resolved:
                office.centre.record(watched.raised, watched.resolved, now=now)
