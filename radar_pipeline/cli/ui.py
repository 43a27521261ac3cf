"""radar ui: the Dagster UI on the same state, webserver and daemon together."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import click
import dagster as dg

from radar_pipeline.cli.console import UsageProblem, err, plain_errors
from radar_pipeline.orchestration.dead_runs import end_dead_runs
from radar_pipeline.settings import prepare_dagster_home, serve_ui_at

_WORKSPACE = Path("workspace.yaml")


@click.command("ui")
@click.option("--port", type=click.IntRange(1, 65_535), default=3000, show_default=True, help="Port on 127.0.0.1.")
def ui_command(port: int) -> None:
    """Open the Dagster UI (webserver and daemon) on 127.0.0.1, on the same state as `radar run`."""
    if not _WORKSPACE.is_file():
        message = f"there is no {_WORKSPACE} here: run this in the project's folder"
        raise UsageProblem(message)
    with plain_errors():
        serve_ui_at(url := f"http://127.0.0.1:{port}")
        prepare_dagster_home()
        with dg.DagsterInstance.get() as instance:
            end_dead_runs(instance)
    err.print(f"Dagster UI on {url} (Ctrl-C ends it)", highlight=False)
    command = [sys.executable, "-m", "dagster", "dev", "-w", str(_WORKSPACE), "-h", "127.0.0.1", "-p", str(port)]
    # A shell has what a script puts into the background ignore SIGINT, and Dagster handles SIGTERM as it finds SIGINT:
    # nothing would end it but SIGKILL, which leaves its servers behind.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # In the place of this process, so that whoever ends it ends the servers with it.
    os.execv(command[0], command)  # noqa: S606
