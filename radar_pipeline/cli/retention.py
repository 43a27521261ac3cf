"""radar retention: what the policy asks for, done on command; what lies where; the rules of the bucket."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from radar_pipeline.cli.alerts_told import alerts_told
from radar_pipeline.cli.console import NOT_WELL, UsageProblem, err, out, plain_errors, print_json, progress
from radar_pipeline.cli.platform import dagster_instance, load_platform
from radar_pipeline.cli.retention_holds import hold_command, release_command
from radar_pipeline.cli.retention_more import forecast_command, rules_command, status_command, undelete_command
from radar_pipeline.cli.retention_shared import (
    known_table,
    lifecycle_run,
    on_day,
    paced,
    refuse_beside_another,
    show_plan,
)
from radar_pipeline.domain.retention_plan import Step

if TYPE_CHECKING:
    from radar_pipeline.domain.retention_plan import RetentionPlan
    from radar_pipeline.orchestration.survey import Survey

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


@click.group("retention")
def retention_group() -> None:
    """What the retention policy asks for: plan it, do it, hold data back, bring back what was deleted."""


retention_group.add_command(status_command)
retention_group.add_command(hold_command)
retention_group.add_command(release_command)
retention_group.add_command(rules_command)
retention_group.add_command(forecast_command)
retention_group.add_command(undelete_command)


@retention_group.command("plan")
@click.option("--as-of", metavar="YYYY-MM-DD", help="Plan as on that day; today (UTC) by default.")
@click.option("--table", "tables", multiple=True, metavar="TABLE", help="Only this table; may be given more than once.")
@click.option("--keys", is_flag=True, help="Name every object that something is to be done with, and why.")
@_as_json
def plan_command(as_of: str | None, tables: tuple[str, ...], keys: bool, as_json: bool) -> None:
    """Show what the policy asks for and what it costs. Changes nothing.

    Exit status 0: it could be done as it stands; 1: bounds are exceeded, or a table could not be planned.
    """
    from radar_pipeline.cli.retention_view import plan_document, step_line
    from radar_pipeline.orchestration.retention import Retention

    with plain_errors():
        platform = on_day(load_platform(), as_of)
        for name in tables:
            known_table(platform, name)
        with progress("looking at the lake", quiet=as_json) as tell:
            survey = Retention(platform.systems, tell).survey(tables or None, on_progress=paced(tell, "tables"))
    if as_json:
        print_json(plan_document(survey))
    else:
        if keys:
            for step in survey.steps:
                out.print(step_line(step), highlight=False, markup=False, soft_wrap=True)
        show_plan(survey)
    if survey.plan.stops or survey.problems:
        raise SystemExit(NOT_WELL)


@retention_group.command("apply")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--as-of", metavar="YYYY-MM-DD", help="Act as on that day; on the local stack alone.")
@click.option(
    "--allow-deletions",
    type=click.IntRange(min=0),
    metavar="N",
    help="Delete although bounds are exceeded; N is exactly the number of deletions that the plan holds.",
)
@_as_json
def apply_command(yes: bool, as_of: str | None, allow_deletions: int | None, as_json: bool) -> None:
    """Plan, show the plan, and do it: move to colder tiers, merge, delete.

    A plan that exceeds the policy's bounds deletes nothing; what it moves is moved. Each object is looked at again
    before anything is done to it, and what is done is written to the audit log. It can be interrupted and run again.

    Exit status 0: all was done, or left for a reason; 1: something failed, or bounds are exceeded.
    """
    from radar_pipeline.cli.retention_view import applied_document, done_words
    from radar_pipeline.orchestration.retention import AllowanceError, allowed, new_run_id

    if as_json and not yes:
        message = "--json cannot ask: give --yes too"
        raise UsageProblem(message)
    with plain_errors():
        platform = load_platform()
        if as_of and platform.settings.environment != "local":
            message = "--as-of is for the local stack (RADAR_ENV=local): elsewhere data is what day it is"
            raise UsageProblem(message)
        platform = on_day(platform, as_of)
        with dagster_instance() as instance:
            refuse_beside_another(instance)
            with progress("looking at the lake", quiet=as_json) as tell:
                run = lifecycle_run(platform, instance, tell)
                survey = run.survey(on_progress=paced(tell, "tables"))
            if not as_json:
                show_plan(survey)
            try:
                plan = allowed(survey, allow_deletions)
            except AllowanceError as error:
                raise UsageProblem(str(error)) from None
            if not yes and not _confirmed(survey, plan):
                out.print("nothing was done", highlight=False)
                return
            # Alerting reads what is late now, which makes no sense on a day that is not.
            told = nullcontext() if as_of else alerts_told(platform, instance, err if as_json else out)
            with told, progress("applying the plan", quiet=as_json) as tell:
                run = lifecycle_run(platform, instance, tell)
                applied = run.apply(survey, run_id=new_run_id(platform.clock()), allow_deletions=allow_deletions)
                run.tell(survey, applied)
                run.record(survey, applied)
    if as_json:
        print_json(applied_document(applied))
    else:
        out.print(f"{done_words(applied)}; run {applied.report.run_id}", style="bold", highlight=False, markup=False)
        for line in (*applied.report.stops, *applied.failures):
            out.print(line, style="red", highlight=False, markup=False, soft_wrap=True)
    if not applied.report.is_complete or applied.failures:
        raise SystemExit(NOT_WELL)


def _confirmed(survey: Survey, plan: RetentionPlan) -> bool:
    """Asks a person; there is nothing to ask where nothing is to be done."""
    numbers = {step: survey.tally(step).objects for step in (Step.MOVE, Step.COMPACT, Step.DELETE)}
    if plan.stops:
        numbers[Step.DELETE] = 0
    if not any(numbers.values()):
        return True
    what = ", ".join(f"{step} {number:,}" for step, number in numbers.items() if number)
    return click.confirm(f"{what} objects?")
