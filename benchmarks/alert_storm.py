"""Alerts in a storm: how long until people know, how much they hear, and what it takes in memory.

    python -m benchmarks.alert_storm [--quick]

Against a local server that takes everything, each case in a process of its own:

- 1,000 tables fail at once: one alert that names a thousand tables, raised a thousand times.
- 10,000 events wait after a day of outage: as many raises of one cause, read in batches with their positions.
- 1,000 alerts about different things wait: what an outage of a channel leaves behind.
- A round with nothing to do, on a ledger with 400 days of incidents.

To reach: recorded and delivered in under a minute, one message a channel, peak memory within 20 MB of a single small
alert's; the idle round well below the 0.2 s that a tick of the alert sensor may take.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.common import Measured, end_cleanly_when_told, in_fresh_process, median, peak_mb, print_table, status

if TYPE_CHECKING:
    from radar_pipeline.alerts.centre import AlertCentre

NOW = dt.datetime(2026, 11, 24, 2, 10, tzinfo=dt.UTC)
MINUTE, TICK = 60.0, 0.2
SLACK_MB = 20.0
BATCH = 500
DAYS, A_DAY = 400, 3


class Accepting(BaseHTTPRequestHandler):
    """Takes every Slack message and every PagerDuty event."""

    protocol_version = "HTTP/1.1"
    taken = 0

    def do_POST(self) -> None:
        """Takes it and says so."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        Accepting.taken += 1
        slack = "/slack/" in self.path
        answer: dict[str, Any] = {"ok": True, "channel": "C1", "ts": f"1.{Accepting.taken}"} if slack else {}
        data = json.dumps(answer).encode()
        self.send_response(200 if slack else 202)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing: a line for each request would be measured too."""


@contextlib.contextmanager
def accepting() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Accepting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def child(request: dict[str, Any]) -> dict[str, Any]:
    """One case in this process."""
    centre = opened(Path(request["folder"]), request["url"])
    case = {"storm": storm, "backlog": backlog, "different": different, "idle": idle}[request["case"]]
    with centre:
        return {**case(centre, request["count"]), "peak_mb": peak_mb()}


def opened(folder: Path, url: str) -> AlertCentre:
    from slack_sdk import WebClient  # noqa: PLC0415 - only the child needs it

    from radar_pipeline.alerts.centre import open_centre  # noqa: PLC0415 - as above
    from radar_pipeline.alerts.channels.config import ChannelsConfig, PagerDutyConfig, SlackConfig  # noqa: PLC0415
    from radar_pipeline.alerts.config import load_alerts_config  # noqa: PLC0415 - as above

    slack = SlackConfig(WebClient("xoxb-not-a-token", base_url=f"{url}/slack/"))
    channels = ChannelsConfig(slack, PagerDutyConfig("not-a-routing-key", events_url=url))
    return open_centre(folder, channels=channels, config=load_alerts_config())


def alert(fingerprint: str, tables: int) -> Any:
    from radar_pipeline.domain.alert import AffectedTable, Alert, AlertKind, Link  # noqa: PLC0415 - as above
    from radar_pipeline.domain.severity import Severity  # noqa: PLC0415 - as above

    named = tuple(
        AffectedTable(f"table_{number:04d}", number < 10, "the source refused the connection", 0, (900, 1100))
        for number in range(tables)
    )
    return Alert(
        fingerprint, AlertKind.SYNC_FAILED, Severity.CRITICAL, "The sync of 2026-11-24 failed", "Nothing landed.", NOW,
        NOW.date(), named, "MySQL refused the connection.", "Ask the DBA.", (Link("run", "http://127.0.0.1:3000/runs/1"),),
    )  # fmt: skip


def finished(centre: AlertCentre, begin: float) -> dict[str, Any]:
    report = centre.deliver(now=NOW, seconds=MINUTE)
    seconds = time.perf_counter() - begin
    if report.waiting or report.dead or report.problems:
        message = f"not everything was delivered: {report}"
        raise SystemExit(message)
    return {"seconds": seconds, "messages": max(report.delivered.values(), default=0)}


def storm(centre: AlertCentre, count: int) -> dict[str, Any]:
    failed = alert("ingest/2026-11-24", count)
    begin = time.perf_counter()
    for number in range(0, count, BATCH):
        raised = [failed] * min(BATCH, count - number)
        centre.record(raised, [], now=NOW, positions={"runs": str(number)})
    return finished(centre, begin)


def backlog(centre: AlertCentre, count: int) -> dict[str, Any]:
    begin = time.perf_counter()
    for number in range(0, count, BATCH):
        raised = [alert("ingest/2026-11-24", 5) for _ in range(min(BATCH, count - number))]
        centre.record(raised, [], now=NOW, positions={"runs": str(number)})
    return finished(centre, begin)


def different(centre: AlertCentre, count: int) -> dict[str, Any]:
    begin = time.perf_counter()
    centre.record([alert(f"one/{number}", 5) for number in range(count)], [], now=NOW)
    return finished(centre, begin)


def idle(centre: AlertCentre, count: int) -> dict[str, Any]:
    from radar_pipeline.domain.alert import Resolution  # noqa: PLC0415 - as above

    for day in range(0, count, 20):
        names = [f"day/{day + number // A_DAY}/{number % A_DAY}" for number in range(20 * A_DAY)]
        centre.record([alert(name, 20) for name in names], [], now=NOW)
        centre.record([], [Resolution(name, NOW, "it is well") for name in names], now=NOW)
    centre.deliver(now=NOW, seconds=10 * MINUTE)
    centre.record([alert("still/open", 20)], [], now=NOW)
    centre.deliver(now=NOW)
    rounds = []
    for _ in range(20):
        begin = time.perf_counter()
        centre.deliver(now=NOW)
        centre.open_alerts()
        rounds.append(time.perf_counter() - begin)
    return {"seconds": median(rounds), "messages": 0}


def run(case: str, count: int, url: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        request = {"case": case, "count": count, "folder": folder, "url": url}
        return in_fresh_process("benchmarks.alert_storm", request)


def measure(*, quick: bool = False) -> list[Measured]:
    """Every case."""
    with accepting() as url:
        least = run("backlog", 1, url)
        storms = run("storm", 1_000, url)
        waiting = run("backlog", 10_000, url)
        many = run("different", 200 if quick else 1_000, url)
        quiet = run("idle", 40 if quick else DAYS, url)
    rows = [
        in_a_minute("alerts: 1,000 tables fail at once", storms, least["peak_mb"]),
        in_a_minute("alerts: 10,000 events wait", waiting, least["peak_mb"]),
    ]
    count = many["messages"]
    rate = count / many["seconds"]
    rows.append(
        Measured(
            f"alerts: {count:,} different ones wait, each told",
            many["seconds"],
            "Slack: one a second",
            float(count),
            rate,
            "no target: Slack sets the pace",
            None,
            peak_mb=many["peak_mb"],
        )
    )
    rows.append(
        Measured(
            f"alerts: a round with nothing to do, {DAYS if not quick else 40} days",
            quiet["seconds"] * 1000,
            "a tick",
            TICK * 1000,
            TICK / quiet["seconds"],
            "under 0.2 s",
            quiet["seconds"] < TICK,
            unit="ms",
            peak_mb=quiet["peak_mb"],
        )
    )
    return rows


def in_a_minute(what: str, found: dict[str, Any], least_mb: float) -> Measured:
    more = found["peak_mb"] - least_mb
    reached = found["seconds"] < MINUTE and found["messages"] == 1 and more < SLACK_MB
    target = f"1 message ({found['messages']}), +20 MB ({more:.0f})"
    return Measured(
        what, found["seconds"], "a minute", MINUTE, MINUTE / found["seconds"], target, reached, peak_mb=found["peak_mb"]
    )


def main(arguments: list[str] | None = None) -> int:
    end_cleanly_when_told()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="fewer alerts and days")
    options = parser.parse_args(arguments)
    if options.child:
        print(json.dumps(child(json.load(sys.stdin))))
        return 0
    rows = measure(quick=options.quick)
    print_table(rows)
    return status(rows)


if __name__ == "__main__":
    sys.exit(main())
