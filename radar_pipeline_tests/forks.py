"""Processes that are forks of one that has loaded what they need.

Python keeps one such process for a test process. Where it has loaded something else than a test needs, that test ends
it, and the next fork starts another.
"""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.context import ForkServerContext

import psutil

_FORKS = multiprocessing.get_context("forkserver")
_loaded: list[str] = []


def forks_of(module: str) -> ForkServerContext:
    """Where processes are made that begin with a module loaded."""
    if _loaded != [module]:
        for process in forked_processes():
            process.kill()
            # Its end stays for multiprocessing to find, which looks for it at the next start. That its first thread
            # has ended is not enough: what the others still hold open would take the order for the next fork.
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        _FORKS.set_forkserver_preload([module])
        _loaded[:] = [module]
    return _FORKS


def forked_processes() -> list[psutil.Process]:
    """The process that is forked, while it lives."""
    return [each for each in psutil.Process().children() if "forkserver" in _command_line(each)]


def _command_line(process: psutil.Process) -> str:
    """What it was started with. Of one that has ended, and was not asked for its exit code yet, nothing is left."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""
