"""What each fault of the local stack comes to: the run's outcome, the alerts by channel, the seconds until the first.

    python -m benchmarks.fault_alerts [FAULT ...] [--era 2.0] [--json FILE]

Each fault is switched on for a day of its own and the daily job runs against it, with the attempts of a table that
production has (3) and pauses made short. Seconds count from the start of the run, into which the fault strikes, to the
arrival of the first message about it. A day after it without any fault follows, so that the end of each is told too.
Where a daemon does the work instead of `radar run`, the sensor's interval of up to 30 s comes on top.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.common import end_cleanly_when_told
from radar_pipeline.local.airbyte_server.faults import CATALOGUE
from radar_pipeline.local.drift import apply_drift, plan_drift, undo_drift
from radar_pipeline_tests.end_to_end.conftest import lived_in, started_world
from radar_pipeline_tests.end_to_end.watched import Watched
from radar_pipeline_tests.end_to_end.world import World

# A table that is not critical, and one that is: what hangs on it is measured with both.
ORDINARY, CRITICAL = "menu", "store"

# What makes a fault short enough to wait for.
SHORT: dict[str, dict[str, Any]] = {
    "slow-post": {"seconds": 2.0},
    "poll-outage": {"seconds": 5.0},
    "queued-first": {"seconds": 2.0},
    "reset-running": {"seconds": 2.0},
    "already-running": {"seconds": 2.0},
}
SETTINGS = {"table_attempts": 3, "preflight_pause_seconds": 0.3, "sync_timeout_seconds": 20.0}


def cases(era: str, wanted: list[str]) -> Iterator[tuple[str, str | None]]:
    """Each fault of an era, with the tables that it is measured with."""
    for fault in CATALOGUE.values():
        if era in fault.eras and (not wanted or fault.name in wanted):
            yield from ((fault.name, table) for table in ((ORDINARY, CRITICAL) if fault.needs_table else (None,)))


@contextmanager
def struck(world: World, name: str, table: str | None) -> Iterator[None]:
    """A fault, on until the block ends; where columns are to drift, they do."""
    with world.fault(name, table=table, times=None, **SHORT.get(name, {})):
        if name != "schema-drift":
            yield
            return
        home, admin = world.stack.home, world.stack.servers.admin
        apply_drift(admin, home.drift, plan_drift(admin, home.drift, table=str(table), change="lost"))
        try:
            yield
        finally:
            undo_drift(admin, home.drift)


def measure(watched: Watched, name: str, table: str | None) -> dict[str, Any]:
    """One fault: a day with it, and what was told."""
    world, day = watched.world, watched.world.new_day()
    watched.inbox.forget()
    began = dt.datetime.now(dt.UTC)
    with struck(world, name, table):
        outcome = watched.run(day, **SETTINGS)
    messages = [each for each in watched.inbox.messages() if not each.get("thread_ts")]
    first = min((dt.datetime.fromisoformat(each["at"]) for each in messages), default=None)
    world.cancel_syncs(day)
    return {
        "fault": name,
        "table": table,
        "run": "success" if outcome.success else "failed",
        "landed": sum(each.landed for each in outcome.status.tables),
        "tables": len(outcome.status.tables),
        "syncs": world.syncs_posted(day),
        "alerts": dict(Counter(_told(each) for each in messages)),
        "seconds": round((first - began).total_seconds(), 1) if first else None,
    }


def _told(message: dict[str, Any]) -> str:
    """Severity and place of a message."""
    place = message["to"] if message["channel"] == "slack" else message["channel"]
    text = str(message.get("text") or message.get("payload", {}).get("summary", ""))
    words = ("EMERGENCY", "CRITICAL", "ERROR", "WARNING")
    return f"{next((word for word in words if word in text[:80]), 'INFO')} {place}"


def measured(era: str, wanted: list[str]) -> list[dict[str, Any]]:
    """Every fault, one after another, in one world."""
    found = []
    with (
        tempfile.TemporaryDirectory(prefix="radar-bench-") as name,
        started_world(Path(name), era) as world,
        lived_in(world),
    ):
        watched = Watched(world, Path(name) / "alerts")
        world.new_day()
        watched.begin()
        watched.run(world.new_day(), **SETTINGS)
        for fault, table in cases(era, wanted):
            print(f"measuring: {fault} {table or ''}", file=sys.stderr)
            found.append(measure(watched, fault, table))
            # The next fault begins in an environment in which nothing is open.
            watched.run(world.new_day(), **SETTINGS)
    return found


def main() -> None:
    """Measures and prints."""
    end_cleanly_when_told()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faults", nargs="*", choices=[*CATALOGUE, []])
    parser.add_argument("--era", default="2.0", choices=["0.39", "2.0"])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = measured(options.era, options.faults)
    view = Table(title=f"faults of the catalogue, era {options.era}", header_style="bold", pad_edge=False)
    for heading in ("fault", "run", "tables there", "syncs", "alerts", "seconds"):
        view.add_column(heading)
    for row in rows:
        name = f"{row['fault']} {row['table'] or ''}".strip()
        alerts = ", ".join(f"{told}{f' x{count}' if count > 1 else ''}" for told, count in row["alerts"].items())
        there = f"{row['landed']} of {row['tables']}"
        view.add_row(name, row["run"], there, str(row["syncs"]), alerts or "none", str(row["seconds"] or "-"))
    Console(width=150).print(view)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
