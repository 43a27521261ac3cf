"""radar ui: the Dagster UI on the same state, webserver and daemon together."""

from __future__ import annotations

import subprocess
import sys

import click

from radar_pipeline.cli.console import out, plain_errors
from radar_pipeline.settings import load_settings, prepare_dagster_home


@click.command("ui")
@click.option("--port", default=3000, show_default=True, help="Port on 127.0.0.1.")
def ui_command(port: int) -> None:
    """Open the Dagster UI (webserver and daemon) on 127.0.0.1, on the same state as `radar run`."""
    with plain_errors():
        load_settings()
        prepare_dagster_home()
    out.print(f"Dagster UI on http://127.0.0.1:{port} (Ctrl-C ends it)", highlight=False)
    command = [sys.executable, "-m", "dagster", "dev", "-m", "radar_pipeline.definitions", "-h", "127.0.0.1"]
    try:
        raise SystemExit(subprocess.call([*command, "-p", str(port)]))
    except KeyboardInterrupt:
        raise SystemExit(0) from None
