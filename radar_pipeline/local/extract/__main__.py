"""Reads the request, runs the attempt, tells how it ended by the exit status."""

from __future__ import annotations

import sys

from radar_pipeline.local.extract.events import Events, Origin
from radar_pipeline.local.extract.request import RequestError, parse_request
from radar_pipeline.local.extract.worker import NOT_DONE, run


def main() -> int:
    """The program."""
    try:
        request = parse_request(sys.stdin.read())
    except RequestError as error:
        Events(sys.stdout).failed(Origin.SOURCE, f"the worker's request is not usable: {error}")
        return NOT_DONE
    return run(request, sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
