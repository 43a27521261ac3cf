"""The worker as a program: what it loads and how it takes its request, in a process of its own or in a fork."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from multiprocessing.connection import Connection
from types import ModuleType
from typing import NoReturn, TextIO


class _WithoutNumpy(MetaPathFinder):
    """Hides pandas and numpy from this process.

    pyarrow imports pandas, where it is installed, at the first Python value that it converts, and so does DuckDB at the
    first bound parameter: a second of CPU, where copying the whole demonstration database takes two. pyarrow imports
    numpy at once, a tenth of a second with the threads of its linear algebra. Both do without.
    """

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Refuses the two and leaves every other module to the next finder."""
        del path, target
        if fullname in {"pandas", "numpy"}:
            message = "hidden from the extraction worker"
            raise ModuleNotFoundError(message, name=fullname)


def load() -> None:
    """Loads all that the worker needs, and hides from this process what it does without."""
    # What is imported stays: without this the collector walked through it again and again, a fiftieth of the CPU.
    gc.disable()
    sys.meta_path.insert(0, _WithoutNumpy())
    import radar_pipeline.local.extract.worker  # noqa: F401, PLC0415 - after numpy is hidden

    gc.freeze()
    gc.enable()


def perform(request: str, stdout: TextIO) -> int:
    """Carries out a request as it was written, and returns the exit status."""
    from radar_pipeline.local.extract.events import Events, Origin  # noqa: PLC0415 - a fork has them loaded
    from radar_pipeline.local.extract.request import RequestError, parse_request  # noqa: PLC0415
    from radar_pipeline.local.extract.worker import NOT_DONE, run  # noqa: PLC0415

    try:
        parsed = parse_request(request)
    except RequestError as error:
        Events(stdout).failed(Origin.SOURCE, f"the worker's request is not usable: {error}")
        return NOT_DONE
    return run(parsed, stdout)


def perform_in_fork(request: str, stdout: Connection, stderr: Connection) -> NoReturn:
    """The same in a fork of a process that has loaded everything (``preloaded``).

    Args:
        request: The JSON document.
        stdout: Where its events go.
        stderr: Where its log goes.
    """
    os.setsid()
    os.dup2(stdout.fileno(), 1)
    os.dup2(stderr.fileno(), 2)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - a descriptor, open to the end
    end(perform(request, sys.stdout))


def end(status: int) -> NoReturn:
    """Ends the process: to take down modules and DuckDB is a tenth of a second in which nothing is left to do."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
