"""What the commands of ``radar retention`` share: the day they act on, how they show a plan, when they refuse."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from radar_pipeline.cli.console import UsageProblem, out
from radar_pipeline.cli.platform import Platform, Tell
from radar_pipeline.domain.retention_plan import Step

if TYPE_CHECKING:
    import dagster as dg

    from radar_pipeline.orchestration.lifecycle_run import LifecycleRun
    from radar_pipeline.orchestration.survey import Survey

# How often a line says how far long work is.
_TOLD_EVERY_SECONDS = 2.0


def on_day(platform: Platform, as_of: str | None) -> Platform:
    """The platform with its clock on another day, at the time of day that it is.

    Raises:
        UsageProblem: The text is no date.
    """
    if as_of is None:
        return platform
    day = date_of("--as-of", as_of)
    offset = day - platform.clock().date()
    clock = platform.clock
    return replace(platform, clock=lambda: clock() + offset)


def date_of(option: str, text: str) -> dt.date:
    """The date that an option gives.

    Raises:
        UsageProblem: The text is no date.
    """
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        message = f"{option} {text!r} is no date: write it as YYYY-MM-DD, for example 2026-11-24"
        raise UsageProblem(message) from None


def known_table(platform: Platform, name: str) -> None:
    """Refuses what is no table.

    Raises:
        UsageProblem: There is none of that name in the registry.
    """
    if name not in platform.registry:
        message = f"{name!r} is no table of the registry; `radar status` lists them"
        raise UsageProblem(message)


def refuse_beside_another(instance: dg.DagsterInstance) -> None:
    """Refuses to act while a retention run of Dagster is under way: one would do the other's work.

    Raises:
        UsageProblem: One is under way.
    """
    import dagster as dg

    from radar_pipeline.orchestration.dead_runs import end_dead_runs
    from radar_pipeline.orchestration.retention_sensor import RETENTION_JOB

    end_dead_runs(instance)
    wanted = dg.RunsFilter(job_name=RETENTION_JOB, statuses=[dg.DagsterRunStatus.STARTED])
    if running := instance.get_runs(wanted, limit=1):
        message = f"a retention run is under way in Dagster ({running[0].run_id}): wait for its end, or terminate it"
        raise UsageProblem(message)


def lifecycle_run(platform: Platform, instance: dg.DagsterInstance, tell: Tell) -> LifecycleRun:
    """A retention run of this command, whose observations are recorded without a run of Dagster."""
    from radar_pipeline.orchestration.lifecycle_run import LifecycleRun

    return LifecycleRun(
        platform.systems,
        platform.alerting,
        instance,
        log=tell,
        report=instance.report_runless_asset_event,
        on_progress=paced(tell, "steps"),
    )


def paced(tell: Tell, what: str) -> Callable[[int, int], None]:
    """A progress callback that says now and then how far it is."""
    last = time.monotonic()

    def on_progress(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _TOLD_EVERY_SECONDS:
            last = time.monotonic()
            tell(f"{done:,} of {total:,} {what}")

    return on_progress


def show_plan(survey: Survey) -> None:
    """Prints a plan for people: what lies where, what is to be done, why the rest stays, what stands in the way."""
    from radar_pipeline.cli.retention_view import cost_view, kept_view

    cost = survey.cost
    out.print(cost_view(cost.tiers, f"the lake on {survey.day}", "tier", once=False))
    if cost.actions:
        out.print(cost_view(cost.actions, "to be done", "action", once=True))
    if any(table.kept for table in survey.plan.tables):
        out.print(kept_view(survey))
    say_rules(survey)
    for problem in survey.problems:
        _say(f"not planned: {problem}", "red")
    for stop in survey.plan.stops:
        _say(f"bound exceeded, nothing will be deleted: {stop}", "red")
    if survey.plan.stops:
        number = survey.tally(Step.DELETE).objects
        _say(f"If the plan is right: radar retention apply --allow-deletions {number}")
    total = (
        f"{cost.usd_per_month:,.4f} USD a month now, {cost.usd_per_month_after:,.4f} once this is done, "
        f"{cost.usd_once:,.4f} once for doing it (prices of {survey.prices.region}, {survey.prices.as_of})"
    )
    _say(total if cost.actions else f"nothing is to be done; {cost.usd_per_month:,.4f} USD a month", "bold")


def say_rules(survey: Survey) -> None:
    """Says in a line whether the bucket's own rules are those of the policy."""
    from radar_pipeline.domain.watching_retention import differences

    rules = survey.rules
    told: Sequence[str] = differences(rules.diff) if rules.diff else ()
    if rules.problem:
        _say(f"the bucket's lifecycle rules are not known: {rules.problem}", "yellow")
    elif told:
        _say(
            f"the bucket's lifecycle rules differ from the policy in {len(told)} points; see radar retention rules",
            "yellow",
        )


def _say(text: str, style: str = "") -> None:
    out.print(text, style=style, highlight=False, markup=False, soft_wrap=True)
