"""The radar command. Subcommands are imported when they are called: Dagster alone takes a second and a half to load."""

from __future__ import annotations

import gc
from importlib import import_module

import click

# Subcommand -> where it is and what `radar --help` says of it, which must not need the import.
_COMMANDS = {
    "run": ("radar_pipeline.cli.run:run_command", "Run the daily job for one day and wait for it."),
    "status": ("radar_pipeline.cli.run:status_command", "Show rows, bytes, files and checks of one day."),
    "accept": ("radar_pipeline.cli.accept:accept_command", "Accept a doubted snapshot, with who and why."),
    "alerts": ("radar_pipeline.cli.alerts:alerts_group", "What is wrong: list, ack, silence, test, resend, watch."),
    "tables": ("radar_pipeline.cli.tables:tables_group", "The table registry: check, diff, pull."),
    "retention": (
        "radar_pipeline.cli.retention:retention_group",
        "Age by policy: plan, apply, status, hold, release, rules, forecast, undelete.",
    ),
    "catalog": ("radar_pipeline.cli.catalog:catalog_group", "The Glue catalogue against the bucket: diff, repair."),
    "query": ("radar_pipeline.cli.query:query_command", "Ask Athena; archived days that it skips are named first."),
    "restore": ("radar_pipeline.cli.restore:restore_command", "Bring archived days of a table back for a while."),
    "check-config": ("radar_pipeline.cli.check_config:check_config_command", "Name what is missing or invalid."),
    "ui": ("radar_pipeline.cli.ui:ui_command", "Open the Dagster UI on 127.0.0.1."),
    "local": ("radar_pipeline.cli.local:local_group", "The one-machine stack: up, down, status, seed, fault, ..."),
}


class _LazyGroup(click.Group):
    """A group that knows its commands by name and imports the one that is called."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, attribute = _COMMANDS[cmd_name][0].split(":")
        # What is imported stays, and most of what a run makes stays until its end: the collector, walking through it
        # again and again, took a sixth of a command's CPU. So seldom, it costs 3 MB of 250.
        gc.set_threshold(50_000, 10, 10)
        gc.disable()
        try:
            command: click.Command = getattr(import_module(module), attribute)
        finally:
            gc.freeze()
            gc.enable()
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="radar_pipeline")
def main() -> None:
    """Bring every Radar table into the bronze layer each day, and prove that it arrived."""
