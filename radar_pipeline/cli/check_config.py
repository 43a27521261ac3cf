"""radar check-config: everything that is missing or unusable, before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.markup import escape

from radar_pipeline.cli.console import UNUSABLE, out, print_json, progress
from radar_pipeline.settings import env_file, read_settings
from radar_pipeline.tables.loader import RegistryError, load_registry
from radar_pipeline.tables.model import Registry

if TYPE_CHECKING:
    from radar_pipeline.cli.connections import Answer
    from radar_pipeline.settings import Settings


@click.command("check-config")
@click.option("--connect", is_flag=True, help="Also ask the bucket, the source, Airbyte, Glue and Athena.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def check_config_command(connect: bool, as_json: bool) -> None:
    """Name every missing or invalid variable, and each mistake in the registry with its file and line.

    Asks no server without --connect, which needs a configuration without problems. Exit status 0: usable; 2: not.
    """
    problems, notes = _inspect()
    answers = _ask_systems(quiet=as_json) if connect and not problems else ()
    problems += [f"{answer.who}: {answer.problem}" for answer in answers if answer.problem]
    notes += [f"{answer.who}: {answer.words}" for answer in answers if not answer.problem]
    if as_json:
        print_json({"problems": problems, "notes": notes})
    else:
        for problem in problems:
            out.print(f"[red]✗[/] {escape(problem)}", highlight=False, soft_wrap=True)
        for note in notes:
            out.print(f"[dim]·[/] {escape(note)}", highlight=False, soft_wrap=True)
        if not problems:
            out.print("[green]✓[/] the configuration is usable", highlight=False)
    if problems:
        raise SystemExit(UNUSABLE)


def _inspect() -> tuple[list[str], list[str]]:
    reading = read_settings()
    settings = reading.settings
    problems = [*reading.problems, *settings.missing(reading.unusable)]
    notes = [f"variables are read from the environment{_beside()}"]
    _inspect_alerts(settings, problems, notes)
    if settings.source_host is None:
        notes.append("RADAR_HOST is not set: the source's own row counts and columns will not be compared")
    if settings.aws_access_key_id is None:
        notes.append("FARMARCAS_AWS_ACCESS_KEY_ID is not set: AWS credentials come from the default chain")
    notes.append(_catalogue(settings))
    registry = None
    try:
        registry = load_registry(settings.tables_file)
    except RegistryError as error:
        problems += str(error).splitlines()
    else:
        critical = sum(table.critical for table in registry.tables)
        notes.append(f"{len(registry.tables)} tables in {registry.path}, {critical} of them critical")
    _inspect_retention(settings, registry or Registry(()), problems, notes)
    return problems, notes


def _inspect_retention(settings: Settings, registry: Registry, problems: list[str], notes: list[str]) -> None:
    """The policy by which data ages, and the prices that its costs rest on."""
    from radar_pipeline.tables.prices import load_prices
    from radar_pipeline.tables.retention import load_policy

    try:
        policy = load_policy(settings.retention_file, registry)
    except RegistryError as error:
        problems += str(error).splitlines()
    else:
        acts = "acts" if settings.retention_apply else "only plans (RADAR_RETENTION_APPLY is not set)"
        notes.append(f"retention by {policy.path}; apply_retention_job {acts}")
    try:
        load_prices(settings.prices_file)
    except RegistryError as error:
        problems += str(error).splitlines()


def _catalogue(settings: Settings) -> str:
    """What is registered, and whether Athena is asked."""
    if settings.catalogue == "off":
        return "RADAR_CATALOGUE is off: nothing is registered in Glue"
    asked = f"Athena's workgroup {settings.athena_workgroup} counts the rows of critical tables"
    unasked = "RADAR_ATHENA_WORKGROUP is not set: Athena is not asked"
    return (
        f"days are registered in the Glue database {settings.glue_database} (RADAR_CATALOGUE={settings.catalogue}); "
        + (asked if settings.athena_workgroup else unasked)
    )


def _inspect_alerts(settings: Settings, problems: list[str], notes: list[str]) -> None:
    """Routes and thresholds, and the channels that are set up."""
    from radar_pipeline.alerts.config import load_alerts_config
    from radar_pipeline.orchestration.office import channels_of

    try:
        load_alerts_config(settings.alerts_file, environment=settings.environment)
    except RegistryError as error:
        problems += str(error).splitlines()
    media = sorted(medium.value for medium in channels_of(settings).media)
    if media:
        notes.append(f"alerts go through {', '.join(media)}; `radar alerts test` sends one message through each")
    else:
        notes.append("no alert channel is set up: nobody will be told of a failure (docs/alerts.md)")
    if settings.email_from is None and settings.smtp_host is not None:
        problems.append("RADAR_SMTP_HOST is set and RADAR_ALERT_EMAIL_FROM is not: mail needs a sender")


def _ask_systems(*, quiet: bool) -> tuple[Answer, ...]:
    # Imported here: without --connect the command needs no client of anything.
    from radar_pipeline.cli.connections import ask_systems
    from radar_pipeline.cli.platform import load_platform

    with progress("asking the bucket, the source, Airbyte, Glue and Athena", quiet=quiet):
        return ask_systems(load_platform().systems)


def _beside() -> str:
    path = env_file()
    return f" and {path}" if path else ""
