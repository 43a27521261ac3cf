"""radar retention status | rules | forecast | undelete."""

from __future__ import annotations

import datetime as dt

import click

from radar_pipeline.cli.console import NOT_WELL, UsageProblem, out, plain_errors, print_json, progress
from radar_pipeline.cli.platform import Platform, dagster_instance, load_platform
from radar_pipeline.cli.retention_shared import lifecycle_run, paced, say_rules

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


@click.command("status")
@click.option(
    "--days", type=click.IntRange(1, 366), default=14, show_default=True, help="How far back runs are looked for."
)
@_as_json
def status_command(days: int, as_json: bool) -> None:
    """Show what lies in which tier, who holds what, what the last runs did, and whether the bucket's rules hold.

    Exit status 0: all is as it should be; 1: the rules are others than the policy's, a bound is exceeded, or the last
    run left something failed or unfinished.
    """
    from radar_pipeline.cli.retention_view import (
        cost_view,
        hold_document,
        holds_view,
        past_runs,
        plan_document,
        runs_view,
    )
    from radar_pipeline.lake.audit import read_audit
    from radar_pipeline.orchestration.retention import Retention

    with plain_errors():
        platform = load_platform()
        systems, today = platform.systems, platform.clock().date()
        with progress("looking at the lake", quiet=as_json) as tell:
            survey = Retention(systems, tell).survey(on_progress=paced(tell, "tables"))
            runs = past_runs(read_audit(systems.lake, systems.layout, first=today - dt.timedelta(days=days)))
    holds = [hold for hold in survey.holds if hold.is_active]
    rules_hold = survey.rules.diff is not None and survey.rules.diff.is_clean
    if as_json:
        document = plan_document(survey)
        print_json(
            {
                "day": document["day"],
                "tiers": document["cost"]["tiers"],
                "usd_per_month": document["cost"]["usd_per_month"],
                "tables": document["tables"],
                "holds": [hold_document(hold) for hold in holds],
                "rules": document["rules"],
                "stops": document["stops"],
                "problems": document["problems"],
                "runs": [vars(run) for run in runs],
            }
        )
    else:
        out.print(cost_view(survey.cost.tiers, f"the lake on {survey.day}", "tier", once=False))
        out.print(holds_view(holds) if holds else "nothing is held", highlight=False)
        out.print(runs_view(runs) if runs else f"no run has done anything for {days} days", highlight=False)
        if rules_hold:
            out.print("the bucket's lifecycle rules are those of the policy", highlight=False)
        say_rules(survey)
        for line in (*survey.plan.stops, *survey.problems):
            out.print(line, style="red", highlight=False, markup=False, soft_wrap=True)
    last_is_bad = bool(runs) and bool(runs[0].failed or runs[0].open)
    if not rules_hold or survey.plan.stops or survey.problems or last_is_bad:
        raise SystemExit(NOT_WELL)


@click.command("rules")
@click.option("--apply", "act", is_flag=True, help="Put the policy's rules into the bucket.")
@_as_json
def rules_command(act: bool, as_json: bool) -> None:
    """Compare the bucket's lifecycle rules with those of the policy; put them right with --apply.

    Rules of others (ids that do not begin with radar-) are left alone and named where they touch the data.

    Exit status 0: they are those of the policy; 1: they are not.
    """
    from radar_pipeline.cli.retention_view import rules_document
    from radar_pipeline.domain.retention_rules import diff_rules
    from radar_pipeline.domain.watching_retention import differences
    from radar_pipeline.lake.rules import put_rules, read_rules
    from radar_pipeline.orchestration.retention import Retention
    from radar_pipeline.orchestration.survey import RulesState

    with plain_errors():
        platform = load_platform()
        systems = platform.systems
        retention = Retention(systems)
        wanted = retention.rules(retention.policy(), retention.holds()).wanted
        # Read here, so that what cannot be read fails the command.
        found = read_rules(systems.lake)
        diff = diff_rules(wanted, found, systems.layout)
        before = differences(diff)
        if act and (diff.missing or diff.changed or diff.unwanted):
            found = put_rules(systems.lake, wanted, seen=found)
            diff = diff_rules(wanted, found, systems.layout)
    left = differences(diff)
    if as_json:
        print_json({"before": list(before), **rules_document(RulesState(wanted, found, diff))})
    else:
        for line in before:
            mended = act and line not in left
            sign = "[green]✓[/]" if mended else "[yellow]![/]"
            out.print(sign, end=" ", highlight=False)
            out.print(f"{line}{' (put right)' if mended else ''}", highlight=False, markup=False, soft_wrap=True)
        if not left:
            out.print(f"the bucket's lifecycle rules are those of the policy ({len(wanted)} rules)", highlight=False)
        elif not act and (diff.missing or diff.changed or diff.unwanted):
            out.print("Put ours right with radar retention rules --apply.", highlight=False)
    if left:
        raise SystemExit(NOT_WELL)


@click.command("forecast")
@_as_json
def forecast_command(as_json: bool) -> None:
    """Show what seven years cost under the policy, against keeping everything where it landed.

    From the load of the newest days of each table, at the prices of the price list, which names its date and source.
    """
    from radar_pipeline.cli.retention_view import forecast_document, forecast_view
    from radar_pipeline.orchestration.retention import Retention

    with plain_errors():
        platform = load_platform()
        with progress("looking at the lake", quiet=as_json) as tell:
            survey = Retention(platform.systems, tell).survey(on_progress=paced(tell, "tables"))
    prices = survey.prices
    if as_json:
        about = {"region": prices.region, "as_of": prices.as_of, "source": prices.source}
        print_json({"prices": about, **forecast_document(survey.forecast)})
        return
    if not survey.forecast.tables:
        out.print("no table holds data yet: there is nothing to forecast from", highlight=False)
        return
    for view in forecast_view(survey.forecast):
        out.print(view)
    total = survey.forecast.total
    out.print(
        f"{total.saved_usd:,.2f} USD saved of {total.unmanaged_usd:,.2f} in {len(total.years)} years "
        f"(prices of {prices.region}, {prices.as_of}: {prices.source})",
        style="bold",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


@click.command("undelete")
@click.argument("run_id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_as_json
def undelete_command(run_id: str, yes: bool, as_json: bool) -> None:
    """Bring back what the run RUN_ID deleted (`radar retention status` lists runs).

    Works while the bucket keeps the old versions (noncurrent_days of the policy), and only in a versioned bucket.
    What is brought back is still due: place a hold, or the next run deletes it again.

    Exit status 0: everything is back; 1: something is not.
    """
    from radar_pipeline.lake.audit import Action, Phase, read_audit
    from radar_pipeline.lake.deletion import undelete
    from radar_pipeline.lake.errors import LakeError, LakeFault

    if as_json and not yes:
        message = "--json cannot ask: give --yes too"
        raise UsageProblem(message)
    with plain_errors():
        platform = load_platform()
        systems = platform.systems
        try:
            entries = read_audit(systems.lake, systems.layout, run_id=run_id)
        except LakeError as error:
            if error.fault is not LakeFault.MISSING:
                raise
            entries = ()
        # A run that was killed says of its last deletions only that they were to come.
        failed = {each.key for each in entries if each.phase is Phase.FAILED}
        deleted = {each.key: each.table for each in entries if each.action is Action.DELETE and each.key not in failed}
        if not deleted:
            message = f"no run {run_id!r} has deleted anything: `radar retention status` lists runs"
            raise UsageProblem(message)
        tables = sorted(set(deleted.values()))
        if not yes and not click.confirm(f"bring back {len(deleted):,} objects of {', '.join(tables)}?"):
            out.print("nothing was done", highlight=False)
            return
        with dagster_instance() as instance, progress("bringing back", quiet=as_json) as tell:
            report = undelete(
                systems.lake, systems.layout, run_id, clock=platform.clock, on_progress=paced(tell, "objects")
            )
            lifecycle_run(platform, instance, tell).mark_again([name for name in tables if name in platform.registry])
    if as_json:
        print_json(
            {
                "restored": [each.key for each in report.restored],
                "skipped": [{"key": each.key, "why": why} for each, why in report.skipped],
                "failed": [{"key": each.key, "why": why} for each, why in report.failed],
            }
        )
    else:
        for each, why in (*report.skipped, *report.failed):
            out.print(f"{each.key}: {why}", highlight=False, markup=False, soft_wrap=True)
        out.print(f"{len(report.restored):,} objects are back", style="bold", highlight=False)
        _say_what_follows(platform)
    if report.failed:
        raise SystemExit(NOT_WELL)


def _say_what_follows(platform: Platform) -> None:
    out.print("They are still due: hold them with radar retention hold, or the next run deletes them again.")
    if platform.settings.catalogue != "off":
        out.print("Their days are registered again by radar catalog repair --apply.", highlight=False)
