"""Landing proof: our inventory against ``pyarrow.dataset`` counting the same tables, one after another.

Both sides run as processes of their own, in turn, against one local S3 endpoint: once directly, and once through a
proxy that adds 20 ms to every answer, about what S3 itself takes for the first byte. The proxy also counts requests. To
reach: 5 x faster; at most 2 requests a table and 1 a file; memory flat. Directly, the endpoint (one Python process) is
the limit of both sides.

Run: ``python -m benchmarks.landing_proof``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import io
import json
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.common import AWS_VENV, Measured, end_cleanly_when_told, in_fresh_process, peak_mb, print_table, status
from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.local.aws import AwsEndpoint
from radar_pipeline.local.ports import free_port
from radar_pipeline.local.processes import start, stop, wait_until_ready
from radar_pipeline.local.provision import ensure_aws_venv

DAY = dt.date(2026, 11, 23)
BUCKET = "landing-proof"
LATENCY = 0.020
FASTER = 5.0
ROWS, COLUMNS = 1_500, 15


@dataclass(frozen=True)
class Shape:
    """How many tables of how many files."""

    prefix: str
    tables: int
    files: int

    def names(self, limit: int | None = None) -> list[str]:
        """Table names, all or the first few."""
        return [f"table_{number:04d}" for number in range(limit or self.tables)]


SMALL, LARGE = Shape("small", 85, 1), Shape("large", 1000, 4)
# The peer takes minutes for all of LARGE at 20 ms, so both sides get its first 150 tables there.
CASES = ((SMALL, None, 0.0), (LARGE, None, 0.0), (SMALL, None, LATENCY), (LARGE, 150, LATENCY))


def sample() -> bytes:
    begin = dt.datetime(2026, 11, 23, 2, tzinfo=dt.UTC)
    table = pa.table(
        {
            "_airbyte_ab_id": [f"{number:036d}" for number in range(ROWS)],
            "_airbyte_emitted_at": pa.array([begin] * ROWS, pa.timestamp("ms", "UTC")),
            **{f"column_{number}": list(range(ROWS)) for number in range(COLUMNS)},
        }
    )
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def fill(endpoint: AwsEndpoint) -> None:
    endpoint.ensure_bucket(BUCKET)
    s3, body = endpoint.client("s3"), sample()
    keys = [
        f"{BronzeLayout(shape.prefix).folder(table, DAY)}file_{table}_part_{part}.parquet"
        for shape in (SMALL, LARGE)
        for table in shape.names()
        for part in range(shape.files)
    ]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: s3.put_object(Bucket=BUCKET, Key=key, Body=body), keys))


class Proxy:
    """Passes TCP on, holding back each answer, and counts the requests that go through."""

    def __init__(self, port: int, latency: float) -> None:
        self.requests = 0
        self._port, self._latency = port, latency

    @contextlib.contextmanager
    def running(self) -> Iterator[int]:
        """Serves on a free port, which is yielded."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        server = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, "127.0.0.1", 0), loop).result()
        yield server.sockets[0].getsockname()[1]
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()

    async def _serve(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        upstream, forward = await asyncio.open_connection("127.0.0.1", self._port)
        answers = asyncio.create_task(self._answers(upstream, back))
        with contextlib.suppress(ConnectionError):
            while data := await client.read(65536):
                self.requests += data.startswith((b"GET ", b"HEAD "))
                forward.write(data)
        forward.close()
        await answers

    async def _answers(self, upstream: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError):
            while data := await upstream.read(262144):
                # Equal delays keep the order of what is written.
                loop.call_later(self._latency, back.write, data)
        loop.call_later(self._latency + 0.01, back.close)


def ours(url: str, endpoint: AwsEndpoint, prefix: str, tables: list[str]) -> int:
    from radar_pipeline.lake.inventory import read_folders  # noqa: PLC0415 - each side pays for its own imports
    from radar_pipeline.lake.store import LakeConfig, LakeStore  # noqa: PLC0415 - each side pays for its own imports

    config = LakeConfig(
        BUCKET,
        region=endpoint.region,
        endpoint_url=url,
        access_key_id=endpoint.access_key_id,
        secret_access_key=endpoint.secret_access_key,
    )
    folders = read_folders(LakeStore(config), BronzeLayout(prefix), tables, DAY)
    return sum(file.rows for folder in folders.values() for file in folder.files)


def peer(url: str, endpoint: AwsEndpoint, prefix: str, tables: list[str]) -> int:
    import pyarrow.dataset as ds  # noqa: PLC0415 - each side pays for its own imports
    import pyarrow.fs as fs  # noqa: PLC0415 - each side pays for its own imports

    s3 = fs.S3FileSystem(
        access_key=endpoint.access_key_id,
        secret_key=endpoint.secret_access_key,
        region=endpoint.region,
        endpoint_override=url.removeprefix("http://"),
        scheme="http",
    )
    layout = BronzeLayout(prefix)
    folders = (f"{BUCKET}/{layout.folder(table, DAY).rstrip('/')}" for table in tables)
    return sum(ds.dataset(folder, filesystem=s3, format="parquet").count_rows() for folder in folders)


def child(arguments: dict[str, Any]) -> None:
    """One side of one case, in a process of its own; prints what it took."""
    endpoint = AwsEndpoint(Path(), arguments["port"], arguments["region"], arguments["secret"])
    side = {"ours": ours, "peer": peer}[arguments["side"]]
    begin = time.perf_counter()
    rows = side(f"http://127.0.0.1:{arguments['via']}", endpoint, arguments["prefix"], arguments["tables"])
    seconds = time.perf_counter() - begin
    print(json.dumps({"seconds": seconds, "rows": rows, "peak_mb": peak_mb()}))


def one_round(side: str, endpoint: AwsEndpoint, shape: Shape, limit: int | None, latency: float) -> dict[str, Any]:
    proxy = Proxy(endpoint.port, latency)
    with proxy.running() if latency else contextlib.nullcontext(endpoint.port) as via:
        arguments = {
            "side": side,
            "port": endpoint.port,
            "via": via,
            "region": endpoint.region,
            "secret": endpoint.secret_access_key,
            "prefix": shape.prefix,
            "tables": shape.names(limit),
        }
        found = in_fresh_process("benchmarks.landing_proof", arguments)
    return {**found, "requests": proxy.requests if latency else None}


@contextlib.contextmanager
def local_s3() -> Iterator[AwsEndpoint]:
    ministack = ensure_aws_venv(AWS_VENV, print)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        endpoint = AwsEndpoint(home, free_port(), "us-east-2", secrets.token_urlsafe(16))
        pid_file = home / "server.pid"
        program = endpoint.program(ministack, pid_file=pid_file, log_file=home / "server.log")
        try:
            wait_until_ready(program, start(program), endpoint.is_ready, seconds=60)
            yield endpoint
        finally:
            stop(pid_file, seconds=30)


def measure(*, rounds: int = 2) -> list[Measured]:
    """Every case, both sides in turn. Requests can be counted only where they go through the proxy."""
    rows = []
    with local_s3() as endpoint:
        fill(endpoint)
        for shape, limit, latency in CASES:
            found: dict[str, list[dict[str, Any]]] = {"ours": [], "peer": []}
            for _ in range(rounds):
                for side, results in found.items():
                    results.append(one_round(side, endpoint, shape, limit, latency))
            # The quickest round of each: whatever else the machine does only ever slows one down.
            mine, theirs = (min(results, key=lambda each: each["seconds"]) for results in found.values())
            if mine["rows"] != theirs["rows"]:
                message = f"the two sides disagree: {mine['rows']} and {theirs['rows']} rows"
                raise SystemExit(message)
            rows.append(compared(shape, limit, latency, mine, theirs))
    return rows


def compared(shape: Shape, limit: int | None, latency: float, mine: dict[str, Any], theirs: dict[str, Any]) -> Measured:
    """One case as a row. Without the delay the endpoint itself is measured, so only the others have a target."""
    count = limit or shape.tables
    name = f"landing proof: {count} tables x {shape.files}" + (f", +{latency * 1000:.0f} ms" if latency else "")
    allowed = 2 * count + count * shape.files
    ratio = theirs["seconds"] / mine["seconds"]
    return Measured(
        name,
        mine["seconds"],
        "pyarrow.dataset",
        theirs["seconds"],
        ratio,
        f"{FASTER:g} x; requests {mine['requests']} of {allowed}" if latency else "-",
        ratio >= FASTER and mine["requests"] <= allowed if latency else None,
        peak_mb=mine["peak_mb"],
    )


def main(arguments: list[str] | None = None) -> int:
    end_cleanly_when_told()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=2, help="rounds of each case (default %(default)s)")
    options = parser.parse_args(arguments)
    if options.child:
        child(json.load(sys.stdin))
        return 0
    rows = measure(rounds=options.rounds)
    print_table(rows)
    return status(rows)


if __name__ == "__main__":
    sys.exit(main())
