"""Every measurement in one table.

    python -m benchmarks [definitions] [run] [landing] [worker] [alerts] [storm] [listing]
        [retention] [--quick] [--json FILE]

Takes about a quarter of an hour; with ``--quick``, fewer rounds and a small database for the daily run, about six
minutes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    alert_storm,
    alert_tick,
    daily_run,
    definitions_load,
    extract_throughput,
    lake_listing,
    landing_proof,
    retention_plan,
)
from benchmarks.common import Measured, as_json, end_cleanly_when_told, print_table, status

MEASUREMENTS: dict[str, Callable[[bool], list[Measured]]] = {
    "definitions": lambda quick: definitions_load.measure(rounds=2 if quick else 7),
    "run": lambda quick: daily_run.measure(rounds=3, scale=0.05) if quick else daily_run.measure(),
    "landing": lambda quick: landing_proof.measure(rounds=1 if quick else 2),
    "worker": lambda quick: extract_throughput.measure(runs=1 if quick else 3),
    "alerts": lambda quick: alert_tick.measure(rounds=5 if quick else 20),
    "storm": lambda quick: alert_storm.measure(quick=quick),
    "listing": lambda quick: lake_listing.measure(rounds=1 if quick else 2),
    "retention": lambda quick: retention_plan.measure(quick=quick),
}


def main() -> int:
    end_cleanly_when_told()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="name", help=f"which ones: {', '.join(MEASUREMENTS)}; all if none")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and a small database for the daily run")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the rows to a file too")
    options = parser.parse_args()
    if unknown := set(options.names) - set(MEASUREMENTS):
        parser.error(f"there is no measurement {', '.join(sorted(unknown))}; there are: {', '.join(MEASUREMENTS)}")
    rows: list[Measured] = []
    for name in options.names or MEASUREMENTS:
        print(f"measuring: {name}", flush=True)
        rows += MEASUREMENTS[name](options.quick)
        if options.json:
            options.json.write_text(as_json(rows) + "\n", encoding="utf-8")
    print()
    print_table(rows)
    return status(rows)


if __name__ == "__main__":
    sys.exit(main())
