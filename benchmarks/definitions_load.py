"""Loading the definitions: build and resolve everything, against a bare ``import dagster``.

    python -m benchmarks.definitions_load [--rounds 7]

What a code location does before it can answer: build the definitions, resolve the asset graph with every check, the
schedule and its job, and the job as a run executes it. Once with the project's registry of 85 tables, once with a
generated registry of 1,000 tables, read from a file as the other is. The targets were set for four checks a table; what
the catalogue and retention add, assets, checks, jobs and sensors, is resolved and counted too. Every measurement is a
fresh process, and the sides take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from copy import deepcopy
from pathlib import Path
from typing import Any

from benchmarks.common import PROJECT, Measured, in_fresh_process, median, peak_mb, print_table, status

OWN = PROJECT / "radar_pipeline" / "tables" / "radar_tables.yaml"
LARGE = 1000
TO_REACH = {85: 0.5, LARGE: 5.0}


def child(request: dict[str, Any]) -> dict[str, Any]:
    """One side in this process: seconds since before ``import dagster``."""
    begin = time.perf_counter()
    import dagster  # noqa: F401, PLC0415 - what is measured

    if request["tables"] is None:
        return {"seconds": time.perf_counter() - begin, "peak_mb": peak_mb()}
    os.environ |= request["environment"]
    from radar_pipeline.definitions import defs  # noqa: PLC0415 - what is measured

    repository = defs.get_repository_def()
    graph = repository.asset_graph
    assets, checks = len(graph.get_all_asset_keys()), len(graph.asset_check_keys)
    schedule = repository.get_schedule_def("ingest_bronze_job_schedule")
    repository.get_job(schedule.job_name)
    defs.resolve_job_def(schedule.job_name)
    seconds = time.perf_counter() - begin
    if assets < request["tables"] or checks < request["tables"] * 4:
        message = f"{assets} assets and {checks} checks were resolved: too few for {request['tables']} tables"
        raise SystemExit(message)
    return {"seconds": seconds, "peak_mb": peak_mb(), "assets": assets, "checks": checks}


def environment(registry: Path, env_file: Path) -> dict[str, str]:
    """A registry, and no file of settings."""
    env_file.touch()
    return {"RADAR_TABLES_FILE": str(registry), "RADAR_ENV_FILE": str(env_file)}


def large_registry(path: Path) -> Path:
    """A registry of 1,000 tables: the project's own, again and again under other names."""
    from radar_pipeline.tables.editing import read, write  # noqa: PLC0415 - a child must not have it imported already

    document = read(OWN.read_text(encoding="utf-8"))
    own = list(document["tables"].values())
    # Copies, as one and the same table would become an alias in the file.
    document["tables"] = {f"copy_{number:04d}": deepcopy(own[number % len(own)]) for number in range(LARGE)}
    path.write_text(write(document), encoding="utf-8")
    return path


def measure(*, rounds: int = 7) -> list[Measured]:
    """Measures both sizes, in turn with the bare import."""
    with tempfile.TemporaryDirectory(prefix="radar-bench-") as name:
        large, nothing = large_registry(Path(name) / "radar_tables.yaml"), Path(name) / "env"
        requests: dict[int | None, dict[str, Any]] = {
            None: {"tables": None},
            85: {"tables": 85, "environment": environment(OWN, nothing)},
            LARGE: {"tables": LARGE, "environment": environment(large, nothing)},
        }
        found: dict[int | None, list[dict[str, Any]]] = {size: [] for size in requests}
        for number in range(rounds + 1):
            for size, request in requests.items():
                one = in_fresh_process("benchmarks.definitions_load", request)
                # The first round fills the disk's cache and writes byte code.
                if number:
                    found[size].append(one)
    bare = median(each["seconds"] for each in found[None])
    rows = []
    for size, most in TO_REACH.items():
        ours = median(each["seconds"] for each in found[size])
        rows.append(
            Measured(
                f"definitions: {found[size][0]['assets']:,} assets, {found[size][0]['checks']:,} checks",
                ours,
                "bare import dagster",
                bare,
                bare / ours,
                f"+ {most:g} s (is + {ours - bare:.2f} s)",
                ours - bare <= most,
                peak_mb=max(each["peak_mb"] for each in found[size]),
            )
        )
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(json.load(sys.stdin))))
        return 0
    rows = measure(rounds=options.rounds)
    print_table(rows)
    return status(rows)


if __name__ == "__main__":
    sys.exit(main())
