"""One tick of the alert sensor: with nothing to do, and after a day of outage.

    python -m benchmarks.alert_tick [--rounds 20]

The instance is configured as the project's ``dagster.yaml`` says, and holds 30 days of 85 tables with 340 checks each,
the ticks of a daemon that has been at work for a week, and a schedule that is on, so that days are due. The first tick
of that process also imports what it uses, and is not counted. Then 10,000 runs of two days have failed, and 1,000
tables are missing at once; each is timed until its alert is delivered, imports included, in a process of its own, with
the memory that the tick adds to it. No channel is configured: what those cost is measured by ``alert_storm``.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.common import PROJECT, Measured, in_fresh_process, median, peak_mb, print_table, status

DAYS, TICKS_DAYS, WAITING, TABLES = 30, 7, 10_000, 1000

IDLE_SECONDS, STORM_SECONDS = 0.2, 60.0


def child(request: dict[str, Any]) -> dict[str, Any]:
    """One measurement in this process."""
    import dagster as dg  # noqa: PLC0415 - a process of its own pays for it

    from radar_pipeline.orchestration.alerting import Alerting  # noqa: PLC0415 - likewise
    from radar_pipeline.orchestration.now_facts import Standpoint  # noqa: PLC0415 - likewise
    from radar_pipeline.settings import Settings  # noqa: PLC0415 - likewise
    from radar_pipeline.tables.loader import load_registry  # noqa: PLC0415 - likewise
    from radar_pipeline.tables.model import Registry, Table  # noqa: PLC0415 - likewise

    registry = load_registry()
    if request["case"] == "tables":
        registry = Registry(tuple(Table(f"table_{number:04}", "all", "team:all") for number in range(TABLES)))
    alerting = Alerting(Settings(RADAR_ENV="development"), registry)  # type: ignore[call-arg]
    with dg.DagsterInstance.get() as instance:
        if request["fill"]:
            fill(instance, registry, request["case"])
            return {}
        if request["case"] == "idle":
            alerting.tick(instance, standpoint=Standpoint.SENSOR)
        before, seconds, ends = peak_mb(), [], 0
        for _ in range(request["rounds"]):
            begin = time.perf_counter()
            report = alerting.tick(instance, standpoint=Standpoint.SENSOR, seconds=300)
            seconds.append(time.perf_counter() - begin)
            ends += report.ends
    return {
        "seconds": median(seconds),
        "ends": ends,
        "before_mb": before,
        "peak_mb": peak_mb(),
    }


def fill(instance: Any, registry: Any, case: str) -> None:
    """Writes what a case is measured on: weeks of good days, 10,000 runs that failed, a run that lacks every table."""
    import dagster as dg  # noqa: PLC0415 - in the child alone

    from benchmarks.alert_store import add_day, add_runs, add_ticks  # noqa: PLC0415 - likewise

    now = dt.datetime.now(dt.UTC)
    days = [now.date() - dt.timedelta(days=back) for back in range(DAYS)]
    if case == "idle":
        for day in reversed(days):
            add_day(instance, registry, day)
        add_ticks(instance, now, TICKS_DAYS)
    elif case == "tables":
        add_day(instance, registry, days[0], passed=False)
    else:
        begin = now - dt.timedelta(days=1)
        runs = [(begin + dt.timedelta(seconds=8 * number), days[number % 2]) for number in range(WAITING)]
        add_runs(instance, runs, dg.DagsterRunStatus.FAILURE)


def measure(*, rounds: int = 20) -> list[Measured]:
    """Builds the past once, then measures each case on it in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="radar-bench-") as name:
        home = Path(name)
        (home / "dagster.yaml").symlink_to(PROJECT / "dagster.yaml")
        environment = {**os.environ, "DAGSTER_HOME": name, "DAGSTER_EVENT_BATCH_SIZE": "500"}

        def run(case: str, times: int) -> dict[str, Any]:
            request = {"case": case, "rounds": times, "home": name}
            in_fresh_process("benchmarks.alert_tick", {**request, "fill": True}, environment=environment)
            return in_fresh_process("benchmarks.alert_tick", {**request, "fill": False}, environment=environment)

        # The first tick of an environment looks at no past, so the idle one comes first.
        found = {"idle": run("idle", rounds), "runs": run("runs", 1), "tables": run("tables", 1)}
    for case, ends in (("idle", 0), ("runs", WAITING), ("tables", 1)):
        if found[case]["ends"] != ends:
            message = f"{case}: {found[case]['ends']} ends of runs were read, not {ends}"
            raise SystemExit(message)
    idle, runs, tables = found["idle"], found["runs"], found["tables"]
    return [
        _row(f"alert tick, nothing to do ({DAYS} days, 85 tables)", idle, IDLE_SECONDS),
        _row(f"alert tick, {WAITING:,} ends of runs wait", runs, STORM_SECONDS),
        _row(f"alert tick, {TABLES:,} tables missing at once", tables, STORM_SECONDS),
    ]


def _row(what: str, found: dict[str, Any], most: float) -> Measured:
    seconds = found["seconds"]
    grown = found["peak_mb"] - found["before_mb"]
    words = f"under {most:g} s (+{grown:.0f} MB)"
    return Measured(what, seconds, "the limit", most, most / seconds, words, seconds < most, peak_mb=found["peak_mb"])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(json.load(sys.stdin))))
        return 0
    rows = measure(rounds=options.rounds)
    print_table(rows)
    return status(rows)


if __name__ == "__main__":
    sys.exit(main())
