"""The radar command."""

from __future__ import annotations

import click

from radar_pipeline.cli.accept import accept_command
from radar_pipeline.cli.check_config import check_config_command
from radar_pipeline.cli.run import run_command, status_command
from radar_pipeline.cli.ui import ui_command


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="radar_pipeline")
def main() -> None:
    """Bring every Radar table into the bronze layer each day, and prove that it arrived."""


main.add_command(run_command)
main.add_command(status_command)
main.add_command(accept_command)
main.add_command(check_config_command)
main.add_command(ui_command)
