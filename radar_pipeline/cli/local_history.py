"""``radar local history``: the last days played through, so that plots and checks have a past."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from radar_pipeline.cli.console import NOT_WELL, out, plain_errors, progress
from radar_pipeline.cli.local_context import require_own_database, stack_of
from radar_pipeline.local.airbyte_admin import AirbyteAdmin

if TYPE_CHECKING:
    import dagster as dg

    from radar_pipeline.cli.platform import Platform

# When the schedule would have started the day's run.
_START = dt.time(2, 0, tzinfo=dt.UTC)


@click.command("history")
@click.option("--days", type=click.IntRange(1, 365), default=14, show_default=True, help="How many days back to begin.")
@click.pass_context
def history_command(ctx: click.Context, days: int) -> None:
    """Plays the last days through, one run a day, on data that changes from day to day.

    Only the local side's clock moves: the Airbyte-compatible server and this command believe in each day in turn. A
    day that is accepted already is left as it is. Where today had landed before its past was played, it is synced
    again, so that it follows from it; where its past was there already, it is left as it is too. Exit status 0: every
    day is accepted; 1: one is not.
    """
    # Dagster comes with it: a second and a half that the other commands of the group need not wait.
    from radar_pipeline.cli.platform import dagster_instance

    stack = stack_of(ctx)
    require_own_database(stack, force=False, what="playing days through")
    admin = AirbyteAdmin(stack.servers.airbyte.url)
    today = dt.datetime.now(dt.UTC).date()
    past = [today - dt.timedelta(days=back) for back in range(days, 0, -1)]
    with plain_errors(), dagster_instance() as instance, progress("history") as tell:
        there = _accepted_jobs(instance, past, tell)
        with _real_clock_again(admin):
            accepted = [
                day in there or _play(admin, instance, day, tell, lambda: stack.advance(days=1)) for day in past
            ]
        newest = max(there.values()) if len(there) == len(past) else None
        accepted.append(_catch_up(instance, today, newest, tell, lambda: stack.advance(days=1)))
    out.print(f"{sum(accepted)} of {len(accepted)} days are well; see them with `make ui`", highlight=False)
    if not all(accepted):
        raise SystemExit(NOT_WELL)


def _accepted_jobs(
    instance: dg.DagsterInstance, days: Sequence[dt.date], tell: Callable[[str], None]
) -> dict[dt.date, int]:
    """The newest Airbyte job of each day that is accepted already; 0 where none is recorded."""
    from radar_pipeline.cli.platform import load_platform
    from radar_pipeline.cli.status import read_status, total_line

    registry, found = load_platform().registry, {}
    for day in days:
        status = read_status(instance, registry, day)
        if status.is_accepted:
            tell(f"{day}: already there, {total_line(status)}")
            found[day] = status.job["id"] or 0
    return found


def _play(
    admin: AirbyteAdmin,
    instance: dg.DagsterInstance,
    day: dt.date,
    tell: Callable[[str], None],
    advance: Callable[[], None],
) -> bool:
    """Lives one day: the data moves on, the clocks stand at its start, the daily job runs."""
    from radar_pipeline.cli.platform import load_platform
    from radar_pipeline.cli.run import airbyte_job
    from radar_pipeline.cli.status import read_status, total_line

    advance()
    start = dt.datetime.combine(day, _START)
    offset = start - dt.datetime.now(dt.UTC)
    admin.set_clock(offset=offset)
    platform = load_platform(clock=lambda: dt.datetime.now(dt.UTC) + offset)
    _, failure = platform.execute("ingest_bronze_job", instance, day, lambda _line: None)
    failure = failure or _register(platform, instance, day)
    status = read_status(instance, platform.registry, day, airbyte_job(platform, day))
    tell(f"{day}: {total_line(status)}" + (f"; failed: {failure}" if failure else ""))
    return status.is_accepted


def _catch_up(
    instance: dg.DagsterInstance,
    today: dt.date,
    newest_before: int | None,
    tell: Callable[[str], None],
    advance: Callable[[], None],
) -> bool:
    """Brings the data from yesterday to today, and today's partition with it where it was there before its past.

    Args:
        instance: Where runs are recorded.
        today: The day.
        newest_before: Newest Airbyte job of a past that was there already; None where some of it was played just now.
        tell: Receives what a person should know.
        advance: Moves the data on by a day.
    """
    from radar_pipeline.cli.platform import load_platform
    from radar_pipeline.cli.run import airbyte_job
    from radar_pipeline.cli.status import read_status, total_line
    from radar_pipeline.orchestration.bronze import FORCE_TAG

    platform = load_platform()
    before = read_status(instance, platform.registry, today)
    has_landed = any(table.landed for table in before.tables)
    if newest_before is not None:
        if not has_landed:
            return True
        if before.is_accepted and (before.job["id"] or 0) > newest_before:
            tell(f"{today}: already there, {total_line(before)}")
            return True
    advance()
    if not has_landed:
        return True
    tags = {FORCE_TAG: platform.clock().isoformat()}
    _, failure = platform.execute("ingest_bronze_job", instance, today, lambda _line: None, tags=tags)
    failure = failure or _register(platform, instance, today)
    status = read_status(instance, platform.registry, today, airbyte_job(platform, today))
    tell(f"{today}: synced again after its past, {total_line(status)}" + (f"; failed: {failure}" if failure else ""))
    return status.is_accepted


def _register(platform: Platform, instance: dg.DagsterInstance, day: dt.date) -> str | None:
    """Registers what landed of a day, as `radar run` does. Returns why it could not."""
    from radar_pipeline.cli.catalogue_told import register

    told = register(platform, instance, day, quiet=True)
    return told.words if told and not told.is_well else None


@contextmanager
def _real_clock_again(admin: AirbyteAdmin) -> Iterator[None]:
    """Gives the server its real clock back, however the block ends."""
    try:
        yield
    finally:
        admin.set_clock(offset=dt.timedelta())
