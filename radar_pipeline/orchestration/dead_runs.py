"""Runs whose process died without a word.

A run that `radar run` executes has no run launcher behind it that would notice its death. Left as it is, it would count
as running for ever and hold the one place that a connection has in the queue. So it carries a tag that says which
process it is, and whoever is about to start a run first ends those whose process is gone.

What belongs here: telling such a run, and ending it. What does not: its sync, which goes on in Airbyte and is followed
by the next run of the day.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

import dagster as dg

PROCESS_TAG = "radar/process"


def process_tag() -> str:
    """This process, told apart from any other that had or will have its number."""
    return f"{socket.gethostname()}/{os.getpid()}/{_started(os.getpid())}"


def end_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Marks every started run of this machine whose process is gone as failed, and returns their ids.

    A run of another machine is left alone: nothing here can tell whether it lives.
    """
    started = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    dead = [run for run in started if PROCESS_TAG in run.tags and _is_dead(run.tags[PROCESS_TAG])]
    for run in dead:
        instance.report_run_failed(run, "The process of this run died. A sync that it started goes on in Airbyte.")
    return [run.run_id for run in dead]


def _is_dead(tag: str) -> bool:
    host, _, process = tag.partition("/")
    number, _, started = process.partition("/")
    if host != socket.gethostname() or not number.isdigit():
        return False
    return _started(int(number)) != started


def _started(process: int) -> str:
    """When a process started, in clock ticks since boot; empty where it does not live."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The second field is the program's name in parentheses, which may hold spaces and parentheses; the third the state.
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in {"Z", "X"} else fields[19]
