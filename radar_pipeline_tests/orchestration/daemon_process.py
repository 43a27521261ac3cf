"""A real Dagster daemon, as a fork of a process that has loaded Dagster's: 3 s of a slow core each time otherwise."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess

from dagster._daemon.cli import create_dagster_daemon_cli

from radar_pipeline_tests.forks import forks_of
from radar_pipeline_tests.servers import PROJECT


def start_daemon(location: str, environment: Mapping[str, str]) -> ForkServerProcess:
    """Starts a daemon with the code location of a module, which leads a session of its own."""
    process = forks_of(__name__).Process(target=_run, args=(location, dict(environment)))
    process.start()
    return process


def _run(location: str, environment: Mapping[str, str]) -> None:
    os.setsid()
    os.chdir(PROJECT)
    os.environ.clear()
    os.environ.update(environment)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for output in (sys.stdout, sys.stderr):
        os.dup2(nowhere, output.fileno())
    create_dagster_daemon_cli()(["run", "-m", location, "--log-level", "error"])
