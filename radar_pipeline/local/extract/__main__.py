"""Reads the request, runs the attempt, tells how it ended by the exit status."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType


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


def main() -> int:
    """The program."""
    # What is imported stays: without this the collector walked through it again and again, a fiftieth of the CPU.
    gc.disable()
    sys.meta_path.insert(0, _WithoutNumpy())
    from radar_pipeline.local.extract.events import Events, Origin  # noqa: PLC0415 - after numpy is hidden
    from radar_pipeline.local.extract.request import RequestError, parse_request  # noqa: PLC0415
    from radar_pipeline.local.extract.worker import NOT_DONE, run  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    try:
        request = parse_request(sys.stdin.read())
    except RequestError as error:
        Events(sys.stdout).failed(Origin.SOURCE, f"the worker's request is not usable: {error}")
        return NOT_DONE
    return run(request, sys.stdout)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Taking down modules and DuckDB is a tenth of a second in which nothing is left to do.
    os._exit(status)
