"""Reads the request, runs the attempt, tells how it ended by the exit status."""

from __future__ import annotations

import sys

from radar_pipeline.local.extract.program import end, load, perform

if __name__ == "__main__":
    load()
    end(perform(sys.stdin.read(), sys.stdout))
