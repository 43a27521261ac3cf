"""radar run: the daily job, followed to its end, with a table of what landed."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from typing import Any

import click
import dagster as dg

from radar_pipeline.airbyte.config import Timeouts
from radar_pipeline.cli.alerts_told import alerts_told
from radar_pipeline.cli.catalogue_told import CatalogueTold, read_catalogue, register
from radar_pipeline.cli.console import NOT_WELL, UsageProblem, err, out, plain_errors, print_json, progress
from radar_pipeline.cli.platform import Platform, dagster_instance, load_platform
from radar_pipeline.cli.status import DayStatus, read_status, render_status, total_line
from radar_pipeline.orchestration.bronze import FORCE_TAG

# Whoever only looks does not wait for a server that is away or silent: what Dagster recorded is shown then. A list of
# jobs is the slowest answer that is asked for, and a loaded server may well need seconds for it.
A_LOOK = Timeouts(read=8.0, patience=0.0)


@click.command("run")
@click.option(
    "--date",
    "date",
    metavar="YYYY-MM-DD",
    help="The partition; today (UTC) by default. A past day is proven again, never synced.",
)
@click.option("--force", is_flag=True, help="Sync although the day is synced and proven already.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the day's status as JSON; progress goes to standard error."
)
@click.option("--quiet", is_flag=True, help="No progress.")
def run_command(date: str | None, force: bool, as_json: bool, quiet: bool) -> None:
    """Run the daily job for one day and wait for it, then register what landed in the catalogue.

    Ends with a table of what landed. Exit status 0: every table landed, passed its checks and is registered (where
    RADAR_CATALOGUE is not off); 1: something did not; 2: the request could not be carried out. Interrupting it leaves
    the sync alone: the next run follows it. What is worth an alert is told at the end; that it cannot be told is said
    and changes no exit status.
    """
    with plain_errors():
        platform = load_platform()
        platform.settings.require()
        day = platform.day(date)
        if force and day != platform.clock().date():
            message = f"--force cannot sync {day} again: a full refresh reads the present, so only today can be synced"
            raise UsageProblem(message)
        with dagster_instance() as instance, alerts_told(platform, instance, err if as_json else out):
            run_day(platform, instance, day, force=force, as_json=as_json, quiet=quiet)


def run_day(
    platform: Platform,
    instance: dg.DagsterInstance,
    day: dt.date,
    *,
    force: bool = False,
    as_json: bool = False,
    quiet: bool = False,
) -> None:
    """Runs one day and prints it; ends the command with its exit status where all is not well."""
    began = time.monotonic()
    with progress(f"bronze_radar {day}", quiet=quiet) as tell:
        tags = {FORCE_TAG: platform.clock().isoformat()} if force else {}
        try:
            success, failure = platform.execute("ingest_bronze_job", instance, day, tell, tags=tags, at_keyboard=True)
        except KeyboardInterrupt:
            message = "interrupted; a sync that was started goes on in Airbyte, and the next `radar run` follows it"
            raise UsageProblem(message) from None
    status = read_status(instance, platform.registry, day, airbyte_job(platform, day))
    has_landed = any(table.landed for table in status.tables)
    catalogue = register(platform, instance, day, quiet=quiet) if has_landed else None
    if as_json:
        print_json(status.document())
    elif success or has_landed:
        show_day(status, time.monotonic() - began, catalogue)
    if failure:
        err.print(f"failed: {failure}", style="red", highlight=False, markup=False, soft_wrap=True)
    if as_json and catalogue and not catalogue.is_well:
        err.print(catalogue.words, style="red", highlight=False, markup=False, soft_wrap=True)
    if not success or not status.is_accepted or (catalogue and not catalogue.is_well):
        raise SystemExit(NOT_WELL)


def show_day(status: DayStatus, seconds: float | None = None, catalogue: CatalogueTold | None = None) -> None:
    """Prints a day for people: the table, what did not pass and why, one line of total."""
    out.print(render_status(status))
    for (table, check), reason in status.reasons.items():
        out.print(f"{table} · {check}: {reason}", highlight=False, markup=False, soft_wrap=True)
    took = f"; {seconds:.1f} s in all" if seconds is not None else ""
    out.print(f"{total_line(status)}{took}", style="bold", highlight=False, markup=False, soft_wrap=True)
    if catalogue:
        out.print(catalogue.words, highlight=False, markup=False, soft_wrap=True)
    out.print("See it in the Dagster UI: `make ui`, or again here: `radar status`.", highlight=False)


def airbyte_job(platform: Platform, day: dt.date, *, timeouts: Timeouts | None = None) -> Mapping[str, Any] | None:
    """Id and status of the day's newest sync by Airbyte itself; None where it cannot be asked.

    Args:
        platform: Settings, registry and clock.
        day: The partition.
        timeouts: As ``Systems.connect_airbyte`` has them.
    """
    from radar_pipeline.airbyte.errors import AirbyteError
    from radar_pipeline.domain.sync import syncs_of_day

    if platform.settings.missing():
        return None
    try:
        start = dt.datetime.combine(day, dt.time(), dt.UTC)
        jobs = platform.systems.connect_airbyte(timeouts=timeouts).recent_jobs(start)
    except AirbyteError:
        return None
    newest = next(iter(syncs_of_day(jobs, day)), None)
    return {"id": newest.id, "status": newest.status.value} if newest else {"id": None, "status": None}


@click.command("status")
@click.option("--date", "date", metavar="YYYY-MM-DD", help="The partition; today (UTC) by default.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def status_command(date: str | None, as_json: bool) -> None:
    """Show what one day looks like: rows, bytes, files and checks of every table.

    Exit status 0: every table landed and passed its checks; 1: something did not.
    """
    with plain_errors():
        platform = load_platform()
        day = platform.day(date)
        with dagster_instance(make=False) as instance:
            status = read_status(instance, platform.registry, day, airbyte_job(platform, day, timeouts=A_LOOK))
            catalogue = read_catalogue(instance, platform.registry, day)
    if as_json:
        print_json(status.document())
    else:
        show_day(status, catalogue=catalogue)
    if not status.is_accepted:
        raise SystemExit(NOT_WELL)
