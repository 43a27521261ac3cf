"""The daily run beyond the sync itself, against dagster-airbyte's own ``sync_and_poll`` over the same server.

    python -m benchmarks.daily_run [--rounds 7] [--scale 1]

Both sides run the whole connection of 85 tables on the same Airbyte-compatible server of era 2.0 with the same poll
interval, each as a run in a process of its own on a persistent Dagster instance. Ours also counts the source, proves
every table from the bucket's footers, publishes, judges and records 340 checks; the peer does none of that. What is
compared is the run's wall time less its job's own duration. The server tells both times of a job in whole seconds, so
they are read unrounded where it keeps them. The target is against the peer as it comes, on Dagster's default storage;
beside it stands the peer on our storage, which shows what 340 checks and the proof cost by themselves.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.common import (
    AWS_VENV,
    PROJECT,
    Measured,
    end_cleanly_when_told,
    in_fresh_process,
    median,
    peak_mb,
    print_table,
    status,
)
from radar_pipeline.local.airbyte import CLIENT_ID
from radar_pipeline.local.airbyte_admin import AirbyteAdmin
from radar_pipeline.local.airbyte_server.bootstrap import CONNECTION_ID, WORKSPACE_ID
from radar_pipeline.local.ports import free_port
from radar_pipeline.local.stack import LocalOptions, LocalStack
from radar_pipeline.local.state import PART_OF_PORT

# Short, so that what is left of the last pause when a sync ends, chance on both sides, stays small beside the rest.
POLL_SECONDS = 0.25

OURS, PEER, PEER_OUR_STORAGE = "ours", "peer", "peer, our storage"


@contextlib.contextmanager
def stack(scale: float, home: Path) -> Iterator[LocalStack]:
    """A stack of its own, with the demonstration data of all tables."""
    ports = {part: free_port() for part in PART_OF_PORT}
    made = LocalStack(home, LocalOptions(era="2.0", ports=ports, aws_venv=AWS_VENV))
    try:
        made.up(scale=scale)
        yield made
    finally:
        made.down()


def child(request: dict[str, Any]) -> dict[str, float | int]:
    """One run of one side in this process."""
    import dagster as dg  # noqa: PLC0415 - each side pays for its own imports

    build = our_job if request["side"] == OURS else peer_job
    job = build(request)
    with dg.DagsterInstance.get() as instance:
        begin, cpu = time.perf_counter(), time.process_time()
        result = job.execute_in_process(instance=instance, partition_key=request.get("day"), raise_on_error=True)
        seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
        events = result.all_events
    return {
        "seconds": seconds,
        "cpu": cpu,
        "assets": sum(event.is_step_materialization for event in events),
        "checks": sum(event.event_type_value == "ASSET_CHECK_EVALUATION" for event in events),
        "peak_mb": peak_mb(),
    }


def our_job(request: dict[str, Any]) -> Any:
    # The peer's module imports what its run uses; the row of the whole process counts the imports of both.
    import radar_pipeline.orchestration.execution  # noqa: F401, PLC0415
    from radar_pipeline.build import build_definitions  # noqa: PLC0415 - each side pays for its own imports
    from radar_pipeline.settings import load_settings  # noqa: PLC0415 - each side pays for its own imports

    offset = dt.timedelta(seconds=request["offset_seconds"])
    definitions = build_definitions(load_settings(), clock=lambda: dt.datetime.now(dt.UTC) + offset)
    return definitions.resolve_job_def("ingest_bronze_job")


def peer_job(request: dict[str, Any]) -> Any:
    from benchmarks.peers import workspace_sync  # noqa: PLC0415 - each side pays for its own imports

    return workspace_sync.job(request)


class Bench:
    """The sides, each with a Dagster home that it keeps over the rounds, and a day of its own for every run."""

    def __init__(self, made: LocalStack, home: Path) -> None:
        self._stack, self._home = made, home
        self._airbyte = made.servers.airbyte
        self._runs = 0

    def run(self, side: str) -> dict[str, float]:
        """One run; its seconds beyond the sync, in the run and in the process as a whole."""
        offset = self._next_day()
        day = (dt.datetime.now(dt.UTC) + offset).date()
        request = {
            "side": side,
            "offset_seconds": offset.total_seconds(),
            "airbyte_url": self._airbyte.url,
            "workspace_id": WORKSPACE_ID,
            "connection_id": CONNECTION_ID,
            "client_id": CLIENT_ID,
            "client_secret": self._airbyte.client_secret,
            "poll_seconds": POLL_SECONDS,
            **({"day": day.isoformat()} if side == OURS else {}),
        }
        begin = time.perf_counter()
        found = in_fresh_process("benchmarks.daily_run", request, environment=self._environment(side))
        whole = time.perf_counter() - begin
        sync = self._sync_seconds()
        tables = (85, 340 if side == OURS else 0)
        if (found["assets"], found["checks"]) != tables:
            message = f"{side} recorded {found['assets']} assets and {found['checks']} checks, not {tables}"
            raise SystemExit(message)
        return {
            "beyond": found["seconds"] - sync,
            "process": whole - sync,
            "sync": sync,
            "cpu": found["cpu"],
            "peak_mb": found["peak_mb"],
        }

    def _next_day(self) -> dt.timedelta:
        """Moves the server's clock to noon of a day that has no sync yet, so that every run finds empty folders."""
        now = dt.datetime.now(dt.UTC)
        day = now.date() - dt.timedelta(days=300 - self._runs)
        self._runs += 1
        offset = dt.datetime.combine(day, dt.time(12), dt.UTC) - now
        AirbyteAdmin(self._airbyte.url).set_clock(offset=offset)
        return offset

    def _environment(self, side: str) -> dict[str, str]:
        home = self._home / side.replace(", ", "-").replace(" ", "-")
        if not home.exists():
            home.mkdir()
            if side == PEER:
                (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
            else:
                (home / "dagster.yaml").symlink_to(PROJECT / "dagster.yaml")
        own = {"DAGSTER_HOME": str(home), "RADAR_ENV_FILE": str(self._stack.home.env)}
        if side != PEER:
            own |= {"DAGSTER_EVENT_BATCH_SIZE": "500"}
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {**kept, **own, "RADAR_POLL_SECONDS": str(POLL_SECONDS)}

    def _sync_seconds(self) -> float:
        """createdAt..updatedAt of the newest job, unrounded."""
        path = self._stack.home.data("airbyte") / "airbyte.sqlite"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            row = database.execute("SELECT updated_at - created_at, status FROM job ORDER BY id DESC").fetchone()
        if row[1] != "succeeded":
            message = f"the newest job is {row[1]}"
            raise SystemExit(message)
        return float(row[0])


def measure(*, rounds: int = 7, scale: float = 1.0) -> list[Measured]:
    """Runs the sides in turn; the first round fills caches and is not counted."""
    sides = (OURS, PEER, PEER_OUR_STORAGE)
    found: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    with tempfile.TemporaryDirectory(prefix="radar-bench-") as name:
        home = Path(name)
        with stack(scale, home / "stack") as made:
            bench = Bench(made, home)
            for number in range(rounds + 1):
                # The order turns round, so that what the machine does besides meets all sides alike.
                for side in sides if number % 2 else reversed(sides):
                    one = bench.run(side)
                    print(f"  {side:<20}" + "".join(f"{key} {value:8.2f}  " for key, value in one.items()), flush=True)
                    if number:
                        found[side].append(one)
    return rows(found)


def rows(found: dict[str, list[dict[str, float]]]) -> list[Measured]:
    def middle(side: str, what: str) -> float:
        return median(each[what] for each in found[side])

    peak = max(each["peak_mb"] for each in found[OURS])
    made = []
    for what, name in (("beyond", "daily run beyond the sync, 85 tables"), ("process", "the same, process as a whole")):
        for peer, words in ((PEER, "sync_and_poll"), (PEER_OUR_STORAGE, "sync_and_poll on our storage")):
            ours, against = middle(OURS, what), middle(peer, what)
            has_target = what == "beyond" and peer == PEER
            reached = ours <= against if has_target else None
            made.append(
                Measured(
                    name,
                    ours,
                    words,
                    against,
                    against / ours,
                    "not slower" if has_target else "-",
                    reached,
                    peak_mb=peak,
                )
            )
    ours, against = middle(OURS, "cpu"), middle(PEER, "cpu")
    made.append(Measured("the same, CPU of the run", ours, "sync_and_poll", against, against / ours, "-", None))
    return made


def main() -> int:
    end_cleanly_when_told()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the documented table sizes")
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(json.load(sys.stdin))))
        return 0
    found = measure(rounds=options.rounds, scale=options.scale)
    print_table(found)
    return status(found)


if __name__ == "__main__":
    sys.exit(main())
