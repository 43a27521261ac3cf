"""A worker that copies nothing and speaks the protocol of the real one: fast, and telling what it was ordered.

Arguments: a directory for the orders that it got, and seconds that it takes for each table.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

ROWS = 100


def main() -> int:
    directory, pause = Path(sys.argv[1]), float(sys.argv[2])
    order = json.load(sys.stdin)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    (directory / f"order-{order['sync_id']}-{order['attempt']}.json").write_text(json.dumps(order))
    sys.stderr.write(f"signing in with {order['source']['password']}\n")
    say("started")
    if order["source"]["port"] == 9:
        return fail("source", "Communications link failure: connection refused")
    if order["source"]["password"] == "not-the-password":
        return fail("source", "Access denied for user (using password: YES)")
    failed = False
    for table in order["tables"]:
        failed |= not copy(table, order, pause)
    say("finished", rows=ROWS * len(order["tables"]), bytes=10 * ROWS * len(order["tables"]))
    return int(failed)


def copy(table: dict[str, Any], order: dict[str, Any], pause: float) -> bool:
    name, fault = table["name"], table["fault"] or {"kind": None}
    say("table_started", table=name)
    time.sleep(pause / 2)
    say("table_progress", table=name, rows=ROWS // 2, bytes=5 * ROWS)
    time.sleep(pause / 2)
    if order["s3_fault"] == "denied":
        say("table_failed", table=name, rows=0, origin="destination", message="Access Denied (status 403)")
        return False
    if fault["kind"] == "fail":
        rows = int(ROWS * fault["share"])
        say("table_failed", table=name, rows=rows, origin="source", message=f"lost connection after {rows} rows")
        return False
    files = [] if fault["kind"] == "skip" else [f"{name}/cog_dt_ingestion={order['started_at'][:10]}/file.parquet"]
    say("table_done", table=name, rows=ROWS, bytes=10 * ROWS, files=files)
    return True


def fail(origin: str, message: str) -> int:
    say("failed", origin=origin, message=message)
    return 1


def say(event: str, **fields: Any) -> None:
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
