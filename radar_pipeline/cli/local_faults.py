"""``radar local fault`` and ``radar local clock``: what goes wrong on purpose, and when it is."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from radar_pipeline.cli import local_channels
from radar_pipeline.cli.console import print_json
from radar_pipeline.cli.local_context import require_own_database, stack_of
from radar_pipeline.local.airbyte_admin import AirbyteAdmin
from radar_pipeline.local.airbyte_server.faults import CATALOGUE
from radar_pipeline.local.drift import CHANGES, apply_drift, plan_drift, undo_drift
from radar_pipeline.local.inbox.faults import CATALOGUE as CHANNEL_FAULTS

if TYPE_CHECKING:
    from radar_pipeline.local.stack import LocalStack

_DRIFT = "schema-drift"


class Times(click.ParamType[int | str]):
    """How often a fault takes hold: a number, or ``always``."""

    name = "N|always"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """Reads the option."""
        if value == "always":
            return "always"
        try:
            number = int(value)
        except ValueError:
            number = 0
        if number < 1:
            self.fail(f"{value!r} is neither a number from 1 nor `always`", param, ctx)
        return number


@click.command("fault")
@click.argument("name", required=False)
@click.option("--table", help="The table it is about.")
@click.option("--times", type=Times(), default=1, show_default=True, help="How often it takes hold.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="An option of the fault; see --list.")
@click.option("--change", type=click.Choice(CHANGES), default=CHANGES[0], help="For schema-drift: what happens.")
@click.option("--clear", is_flag=True, help="Switch all faults off and undo schema drift.")
@click.option("--list", "listed", is_flag=True, help="Show the faults that there are.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def fault_command(
    ctx: click.Context,
    *,
    name: str | None,
    table: str | None,
    times: int | str,
    options: tuple[str, ...],
    change: str,
    clear: bool,
    listed: bool,
    as_json: bool,
) -> None:
    """Makes the next sync, or a channel of the alerts, go wrong; without NAME, shows what is switched on."""
    if listed:
        _show_catalogue(as_json=as_json)
        return
    stack = stack_of(ctx)
    admin, inbox = AirbyteAdmin(stack.servers.airbyte.url), stack.servers.inbox.client
    if clear:
        _clear(stack, admin)
        inbox.clear_faults()
    if name and name in CHANNEL_FAULTS:
        # A channel that is down is down until somebody mends it, unless a number was asked for.
        asked = ctx.get_parameter_source("times") is not ParameterSource.DEFAULT and times != "always"
        local_channels.switch_on(inbox, name, times=int(times) if asked else None, options=_options(options))
    elif name == _DRIFT:
        _drift(stack, admin, table=table, change=change)
    elif name:
        limit = None if times == "always" else int(times)
        admin.switch_on(name, table=table, times=limit, options=_options(options))
    _show_active([*admin.faults()["active"], *inbox.faults()], as_json=as_json)


def _drift(stack: LocalStack, admin: AirbyteAdmin, *, table: str | None, change: str) -> None:
    require_own_database(stack, force=False, what=_DRIFT)
    if table is None:
        message = f"{_DRIFT} is about one table: name it with --table"
        raise click.UsageError(message)
    drift = plan_drift(stack.servers.admin, stack.home.drift, table=table, change=change)
    # The server next: it refuses a table that it does not sync, and nothing is altered then.
    admin.switch_on(_DRIFT, table=table, times=None, options={})
    apply_drift(stack.servers.admin, stack.home.drift, drift)
    click.echo(f"column {drift.column} of {table} is {change}", err=True)


def _clear(stack: LocalStack, admin: AirbyteAdmin) -> None:
    for drift in undo_drift(stack.servers.admin, stack.home.drift):
        click.echo(f"column {drift.column} of {drift.table} is as it was", err=True)
    admin.clear_faults()


def _options(pairs: tuple[str, ...]) -> dict[str, Any]:
    """Reads NAME=VALUE pairs; a value is JSON where it reads as JSON, text otherwise."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            message = f"--option {pair}: expected NAME=VALUE"
            raise click.UsageError(message)
        try:
            read = json.loads(value)
        except ValueError:
            read = value
        # JSON has no words for what is not finite, and could not carry it on.
        found[name] = value if isinstance(read, float) and not math.isfinite(read) else read
    return found


def _show_catalogue(*, as_json: bool) -> None:
    if as_json:
        faults = [
            {
                "name": fault.name,
                "description": fault.description,
                "needs_table": fault.needs_table,
                "eras": list(fault.eras),
                "options": dict(fault.options),
            }
            for fault in CATALOGUE.values()
        ]
        print_json([*faults, *local_channels.catalogue()])
        return
    for fault in CATALOGUE.values():
        notes = ["needs --table"] if fault.needs_table else []
        notes += [f"era {fault.eras[0]} only"] if len(fault.eras) == 1 else []
        notes += [f"{name}={json.dumps(value)}" for name, value in fault.options.items()]
        click.echo(f"{fault.name:28} {fault.description}" + (f" ({', '.join(notes)})" if notes else ""))
    local_channels.show_catalogue()


def _show_active(active: list[Any], *, as_json: bool) -> None:
    if as_json:
        print_json(active)
        return
    if not active:
        click.echo("no fault is switched on")
    for fault in active:
        times, seconds = fault.get("times"), fault.get("seconds")
        often = "until cleared" if times is None else f"{times} time{'s' if times > 1 else ''}"
        often = often if seconds is None else f"for {seconds:.0f} s"
        click.echo(f"{fault['name']}{' on ' + fault['table'] if fault.get('table') else ''}: {often}")


@click.command("clock")
@click.option(
    "--offset", metavar="SECONDS", type=float, help="Run this far ahead of the real clock (behind: negative)."
)
@click.option("--now", metavar="TIME", help="Run on from this moment (ISO 8601; UTC where it names no zone).")
@click.option("--reset", is_flag=True, help="Back to the real clock.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def clock_command(ctx: click.Context, offset: float | None, now: str | None, reset: bool, as_json: bool) -> None:
    """Shows or moves the clock of the Airbyte-compatible server; nothing else has another time."""
    if sum((offset is not None, now is not None, reset)) > 1:
        message = "give one of --offset, --now and --reset"
        raise click.UsageError(message)
    admin = AirbyteAdmin(stack_of(ctx).servers.airbyte.url)
    if now is not None:
        admin.set_clock(now=_moment(now))
    elif offset is not None or reset:
        admin.set_clock(offset=dt.timedelta(seconds=offset or 0))
    answer = admin.clock()
    if as_json:
        print_json(answer)
    else:
        click.echo(f"{answer['now']}, {answer['offset_seconds']:+.0f} s from the real clock")


def _moment(text: str) -> dt.datetime:
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError as error:
        message = f"--now {text}: expected a time such as 2026-11-23T02:00:00"
        raise click.UsageError(message) from error
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)
