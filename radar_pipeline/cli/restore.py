"""radar restore: archived days brought back for a while: what it costs first, then asked for and followed."""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING

import click

from radar_pipeline.cli.console import NOT_WELL, UsageProblem, out, plain_errors, print_json, progress
from radar_pipeline.cli.restore_view import plan_document, report_document, show_plan, show_problems, show_report
from radar_pipeline.domain.prices import Retrieval
from radar_pipeline.domain.restoring import DEFAULT_DAYS, RESTORE_TIMES, Readability, RestorePlan, plan_restore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from radar_pipeline.cli.platform import Platform
    from radar_pipeline.lake.following import FollowProgress, RestoreReport
    from radar_pipeline.lake.restoring import AskedObject
    from radar_pipeline.orchestration.systems import Systems

# A person looks at the end of a copy in days; S3 itself knows no limit.
_MOST_DAYS = 365

# S3 promises no time: it is waited for twice as long as it usually takes.
_PATIENCE = 2

_GOES_ON = "S3 goes on with what was asked for; the same command follows it and asks for nothing twice"


@click.command("restore")
@click.argument("table")
@click.option("--from", "first", required=True, metavar="YYYY-MM-DD", help="First day.")
@click.option("--to", "last", metavar="YYYY-MM-DD", help="Last day; the first day alone by default.")
@click.option(
    "--days",
    type=click.IntRange(1, _MOST_DAYS),
    default=DEFAULT_DAYS,
    show_default=True,
    help="How long the temporary copies live.",
)
@click.option(
    "--tier",
    type=click.Choice([each.lower() for each in Retrieval], case_sensitive=False),
    default=Retrieval.STANDARD.lower(),
    show_default=True,
    help="How quickly; the quicker, the dearer.",
)
@click.option("--extend", is_flag=True, help="Let copies that are there already live that long as well.")
@click.option("--yes", is_flag=True, help="Start without asking.")
@click.option("--no-wait", is_flag=True, help="Start and do not follow.")
@click.option("--timeout", type=click.FloatRange(min=0), metavar="HOURS", help="How long to follow at most.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs; starts nothing without --yes.")
def restore_command(
    table: str,
    *,
    first: str,
    last: str | None,
    days: int,
    tier: str,
    extend: bool,
    yes: bool,
    no_wait: bool,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Bring archived days of TABLE back for a while, so that Athena and everybody else can read them.

    Shows what it costs and how long it takes, asks, starts the restores, follows them and marks the days in Glue and
    Dagster. What is readable, restored or under way already is not asked for again. Exit status 0: all can be read, or
    nothing was started; 1: something cannot be read, or not yet; 2: the request could not be carried out.
    """
    from radar_pipeline.cli.platform import load_platform
    from radar_pipeline.lake.copies import observe_days
    from radar_pipeline.orchestration.systems import utc_now
    from radar_pipeline.tables.prices import load_prices

    with plain_errors():
        platform = load_platform()
        begin, end = _range(platform, table, first, last)
        prices = load_prices(platform.settings.prices_file)
        systems = platform.systems
        with progress(f"looking at {table}", quiet=as_json):
            objects = observe_days(systems.lake, systems.layout, table, begin, end)
        # S3 takes copies away by its own clock, also where the platform's is moved.
        plan = plan_restore(
            table,
            objects,
            first=begin,
            last=end,
            retrieval=Retrieval(tier.capitalize()),
            days=days,
            extend=extend,
            prices=prices,
            now=utc_now(),
        )
        if not as_json:
            show_plan(plan, prices)
        if plan.starts and plan.estimate.unavailable:
            message = f"{plan.estimate.unavailable}: take --tier standard or --tier bulk"
            raise UsageProblem(message)
        if plan.is_needed and not _agreed(yes=yes, as_json=as_json):
            if as_json:
                print_json({**plan_document(plan), "started": False})
            return
        _carry_out(systems, plan, no_wait=no_wait, timeout=timeout, as_json=as_json)


def _range(platform: Platform, table: str, first: str, last: str | None) -> tuple[dt.date, dt.date]:
    if table not in platform.registry:
        message = f"{table!r} is no table of the registry; `radar status` lists them"
        raise UsageProblem(message)
    begin, end = _day("--from", first), _day("--to", last or first)
    today = platform.clock().date()
    if begin > end:
        message = f"--from {begin} is after --to {end}"
        raise UsageProblem(message)
    if end > today:
        option = "--to" if last else "--from"
        message = f"{option} {end} has not begun: today is {today} (UTC)"
        raise UsageProblem(message)
    return begin, end


def _day(option: str, text: str) -> dt.date:
    try:
        return dt.datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=dt.UTC).date()
    except ValueError:
        message = f"{option} {text!r} is no date: write it as YYYY-MM-DD"
        raise UsageProblem(message) from None


def _agreed(*, yes: bool, as_json: bool) -> bool:
    if yes:
        return True
    if as_json:
        return False
    if not sys.stdin.isatty():
        out.print("This is the estimate; nothing was started. Add --yes to start.", highlight=False)
        return False
    agreed = click.confirm("Start?", default=False)
    if not agreed:
        out.print("nothing was started", highlight=False)
    return agreed


def _carry_out(systems: Systems, plan: RestorePlan, *, no_wait: bool, timeout: float | None, as_json: bool) -> None:
    from radar_pipeline.orchestration.systems import utc_now

    pending = plan.is_needed or bool(plan.in_state(Readability.RESTORING))
    limit = dt.timedelta(hours=timeout) if timeout is not None else _patience(plan)
    try:
        asked = _ask(systems, plan, quiet=as_json)
        limit = dt.timedelta() if no_wait or not pending else limit
        report = _follow(systems, plan, asked, limit, quiet=as_json or not pending)
    except KeyboardInterrupt:
        message = f"interrupted; {_GOES_ON}"
        raise UsageProblem(message) from None
    unmarked = _mark(systems, report)
    if as_json:
        document = {**plan_document(plan), "started": bool(asked), **report_document(report), "unmarked": unmarked}
        print_json(document)
    elif plan.archived:
        show_report(report, utc_now())
        if report.timed_out:
            out.print(f"Not all can be read yet. {_GOES_ON}.", highlight=False, soft_wrap=True)
    show_problems([*report.problems.values(), *unmarked])
    if (report.problems or unmarked) or (not report.is_readable and not no_wait):
        raise SystemExit(NOT_WELL)


def _patience(plan: RestorePlan) -> dt.timedelta:
    """How long to follow: what another run has asked for may have been asked for at the slowest."""
    others = {each.object.tier for each in plan.in_state(Readability.RESTORING)}
    slowest = [time.usually_until for tier in others for time in RESTORE_TIMES[tier].values()]
    mine = [plan.estimate.time.usually_until] if plan.estimate.time else []
    return _PATIENCE * max([*mine, *slowest, dt.timedelta()])


def _ask(systems: Systems, plan: RestorePlan, *, quiet: bool) -> tuple[AskedObject, ...]:
    from radar_pipeline.lake.restoring import ask_for
    from radar_pipeline.orchestration.systems import utc_now

    if not plan.is_needed:
        return ()
    with progress(f"asking S3 for {len(plan.starts) + len(plan.extends):,} files", quiet=quiet):
        return ask_for(systems.lake, plan, clock=utc_now)


def _follow(
    systems: Systems, plan: RestorePlan, asked: Sequence[AskedObject], limit: dt.timedelta, *, quiet: bool
) -> RestoreReport:
    from radar_pipeline.lake.following import follow
    from radar_pipeline.orchestration.systems import utc_now

    with progress(f"waiting for S3 to restore {plan.table}", quiet=quiet) as tell:
        return follow(systems.lake, plan, asked, clock=utc_now, timeout=limit, on_progress=_changes(tell, utc_now))


def _changes(tell: Callable[[str], None], clock: Callable[[], dt.datetime]) -> Callable[[FollowProgress], None]:
    """Tells how far a restore is whenever that changes."""
    told: list[FollowProgress] = []

    def say(found: FollowProgress) -> None:
        if found not in told[-1:]:
            told.append(found)
            left = f", {found.under_way:,} on their way" if found.under_way else ""
            tell(f"{clock():%Y-%m-%d %H:%M} UTC: {found.readable:,} of {found.objects:,} files can be read{left}")

    return say


def _mark(systems: Systems, report: RestoreReport) -> tuple[str, ...]:
    from radar_pipeline.cli.platform import dagster_instance
    from radar_pipeline.orchestration.restoring import mark_restored, marks_of
    from radar_pipeline.orchestration.systems import utc_now

    marks = {day: mark for day, mark in marks_of(report.objects, utc_now()).items() if mark.readable_until}
    if not marks:
        return ()
    with dagster_instance() as instance:
        return mark_restored(systems, report.table, marks, instance)
