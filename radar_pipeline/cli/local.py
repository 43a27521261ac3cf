"""``radar local``: the one-machine stack and its data."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click
from rich.table import Table

from radar_pipeline.cli.console import NOT_WELL, out, print_json
from radar_pipeline.cli.local_context import LocalGroup, reporting, require_own_database, stack_of
from radar_pipeline.cli.local_faults import clock_command, fault_command
from radar_pipeline.cli.local_history import history_command
from radar_pipeline.local.home import default_home
from radar_pipeline.local.mariadb import DATABASE, READER, MySqlAddress
from radar_pipeline.local.state import ERAS, SMTP

_SCALE = click.FloatRange(min=0, min_open=True, max=20)
_PORT = click.IntRange(1, 65_535)


@click.group("local", cls=LocalGroup)
@click.option(
    "--home",
    envvar="RADAR_LOCAL_HOME",
    type=click.Path(file_okay=False, path_type=Path),
    default=default_home,
    show_default="the project's .radar/local",
    show_envvar=True,
    help="Folder of everything the stack keeps.",
)
@click.option(
    "--mysql-host", envvar="RADAR_HOST", show_envvar=True, help="Use this MySQL instead of a private MariaDB."
)
@click.option("--mysql-port", envvar="RADAR_PORT", type=_PORT, default=3306, hidden=True)
@click.option("--mysql-database", envvar="RADAR_DATABASE", default=DATABASE, hidden=True)
@click.option("--mysql-user", envvar="RADAR_USER", default=READER, hidden=True)
# Hidden: meant for the environment, because every user of the machine can read a command line.
@click.option("--mysql-password", envvar="RADAR_PASS", default="", hidden=True)
@click.pass_context
def local_group(
    ctx: click.Context,
    *,
    home: Path,
    mysql_host: str | None,
    mysql_port: int,
    mysql_database: str,
    mysql_user: str,
    mysql_password: str,
) -> None:
    """The local stack on 127.0.0.1: MariaDB, an AWS endpoint, an Airbyte-compatible server, an inbox for alerts."""
    source = MySqlAddress(mysql_host, mysql_port, mysql_user, mysql_password, mysql_database) if mysql_host else None
    ctx.obj = {"home": home, "source": source}


@local_group.command("up")
@click.option("--era", type=click.Choice(ERAS), help="Era of the Airbyte-compatible server; kept from last time.")
@click.option("--scale", type=_SCALE, default=1.0, show_default=True, help="Size of the demonstration data.")
@click.option("--no-seed", is_flag=True, help="Leave an empty database empty.")
@click.option("--mariadb-port", type=_PORT, envvar="RADAR_LOCAL_MARIADB_PORT", show_envvar=True)
@click.option("--aws-port", type=_PORT, envvar="RADAR_LOCAL_AWS_PORT", show_envvar=True)
@click.option("--airbyte-port", type=_PORT, envvar="RADAR_LOCAL_AIRBYTE_PORT", show_envvar=True)
@click.option("--inbox-port", type=_PORT, envvar="RADAR_LOCAL_INBOX_PORT", show_envvar=True)
@click.option("--smtp-port", type=_PORT, envvar="RADAR_LOCAL_SMTP_PORT", show_envvar=True)
@click.option(
    "--aws-venv",
    envvar="RADAR_LOCAL_AWS_VENV",
    type=click.Path(file_okay=False, path_type=Path),
    show_envvar=True,
    help="Where the AWS endpoint is installed, for stacks that share it; in the home otherwise.",
)
@click.option("--no-apt", is_flag=True, envvar="RADAR_NO_APT", show_envvar=True, help="Install nothing with apt.")
@click.pass_context
def up_command(
    ctx: click.Context,
    *,
    era: str | None,
    scale: float,
    no_seed: bool,
    mariadb_port: int | None,
    aws_port: int | None,
    airbyte_port: int | None,
    inbox_port: int | None,
    smtp_port: int | None,
    aws_venv: Path | None,
    no_apt: bool,
) -> None:
    """Starts what does not run, and loads the demonstration data where there is none."""
    asked = {"mariadb": mariadb_port, "aws": aws_port, "airbyte": airbyte_port}
    asked |= {"inbox": inbox_port, SMTP: smtp_port}
    ports = {name: port for name, port in asked.items() if port}
    aws_venv = aws_venv.absolute() if aws_venv else None
    stack = stack_of(ctx, era=era, ports=ports, aws_venv=aws_venv, may_install=not no_apt)
    with reporting() as reporter:
        changed = stack.up(reporter, with_data=not no_seed, scale=scale, seed_progress=reporter.rows)
    source = stack.servers.source
    if stack.servers.mariadb is None:
        click.echo(f"the source is the MySQL of RADAR_HOST, {source.host}:{source.port}/{source.database}, read only")
    for change in changed or ("already up: nothing changed",):
        click.echo(change)
    click.echo(f"environment in {stack.home.env}")
    click.echo(f"alerts arrive at {stack.servers.inbox.url}")


@local_group.command("down")
@click.pass_context
def down_command(ctx: click.Context) -> None:
    """Stops everything; the data stays."""
    with reporting() as reporter:
        stopped = stack_of(ctx).down(reporter)
    click.echo(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")


@local_group.command("status")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def status_command(ctx: click.Context, as_json: bool) -> None:
    """Shows what runs where. Exit status 0 when all of it answers, 1 otherwise."""
    status = stack_of(ctx).status()
    if as_json:
        print_json({**dataclasses.asdict(status), "up": status.is_up})
    elif not status.parts:
        click.echo(f"there is no local stack in {status.home}: `radar local up` makes one")
    else:
        table = Table(title=f"local stack, era {status.era}", title_justify="left")
        for heading in ("part", "state", "pid", "address", "log"):
            table.add_column(heading, overflow="fold")
        for part in status.parts:
            table.add_row(part.name, part.state, str(part.pid or ""), part.address, str(part.log))
        out.print(table)
    ctx.exit(0 if status.is_up else NOT_WELL)


@local_group.command("reset")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def reset_command(ctx: click.Context, yes: bool) -> None:
    """Stops everything and deletes the database, the bucket, the history of syncs and the inbox."""
    stack = stack_of(ctx)
    doomed = stack.home.doomed()
    if not doomed:
        click.echo(f"nothing to delete in {stack.home.root}")
        return
    click.echo("stops the stack and deletes:")
    for path in doomed:
        click.echo(f"  {path}")
    if not yes:
        click.confirm("Delete them?", abort=True)
    with reporting() as reporter:
        stack.reset(reporter)
    click.echo("deleted")


@local_group.command("seed")
@click.option("--scale", type=_SCALE, default=1.0, show_default=True, help="Size of the demonstration data.")
@click.option("--force", is_flag=True, help="Also where data is already there: it is replaced.")
@click.pass_context
def seed_command(ctx: click.Context, scale: float, force: bool) -> None:
    """Loads the demonstration data."""
    stack = stack_of(ctx)
    require_own_database(stack, force=force, what="seeding")
    with reporting() as reporter:
        done = stack.seed(reporter, scale=scale, force=force, seed_progress=reporter.rows)
    click.echo("demonstration data loaded" if done else "the data is already there; --force replaces it")


@local_group.command("advance")
@click.option("--days", type=click.IntRange(1, 3660), default=1, show_default=True)
@click.option("--force", is_flag=True, help="Also on a MySQL that is not this stack's own.")
@click.pass_context
def advance_command(ctx: click.Context, days: int, force: bool) -> None:
    """Lets the demonstration data live on for some days: rows come, change and go."""
    stack = stack_of(ctx)
    require_own_database(stack, force=force, what="advancing")
    with reporting() as reporter:
        stack.advance(reporter, days=days, seed_progress=reporter.rows)
    click.echo(f"the data is {days} day{'s' if days > 1 else ''} older")


local_group.add_command(fault_command)
local_group.add_command(clock_command)
local_group.add_command(history_command)
