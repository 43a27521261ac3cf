"""``radar local history``: the last days played through, so that plots and checks have a past."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
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
        there = [day for day in past if _is_there(instance, day, tell)]
        missing = [day for day in past if day not in there]
        with _real_clock_again(admin):
            accepted = [True for _ in there]
            accepted += [_play(admin, instance, day, tell, lambda: stack.advance(days=1)) for day in missing]
        if missing or _precedes_its_past(instance, today):
            accepted.append(_catch_up(instance, today, tell, lambda: stack.advance(days=1)))
    out.print(f"{sum(accepted)} of {len(accepted)} days are well; see them with `make ui`", highlight=False)
    if not all(accepted):
        raise SystemExit(NOT_WELL)


def _is_there(instance: dg.DagsterInstance, day: dt.date, tell: Callable[[str], None]) -> bool:
    """Whether a day is accepted already."""
    from radar_pipeline.cli.platform import load_platform
    from radar_pipeline.cli.status import read_status, total_line

    status = read_status(instance, load_platform().registry, day)
    if status.is_accepted:
        tell(f"{day}: already there, {total_line(status)}")
    return status.is_accepted


def _precedes_its_past(instance: dg.DagsterInstance, today: dt.date) -> bool:
    """Whether today was synced before yesterday was: its past was played since, and nothing has followed from it."""
    from radar_pipeline.cli.platform import load_platform
    from radar_pipeline.cli.status import read_status

    registry = load_platform().registry
    synced, before = (read_status(instance, registry, day).job["id"] for day in (today, today - dt.timedelta(days=1)))
    return synced is not None and before is not None and synced < before


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
    instance: dg.DagsterInstance, today: dt.date, tell: Callable[[str], None], advance: Callable[[], None]
) -> bool:
    """Brings the data from yesterday to today, and today's partition with it where it was there before its past."""
    from radar_pipeline.cli.platform import load_platform
    from radar_pipeline.cli.run import airbyte_job
    from radar_pipeline.cli.status import read_status, total_line
    from radar_pipeline.orchestration.bronze import FORCE_TAG

    platform = load_platform()
    advance()
    if not any(table.landed for table in read_status(instance, platform.registry, today).tables):
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
